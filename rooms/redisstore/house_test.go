package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
)

// server is the redis-server that the tests of this package share; "" when the
// machine has none.
var server string

func TestMain(m *testing.M) {
	if job := os.Getenv("REDISSTORE_TEST_JOB"); job != "" {
		os.Exit(otherProcess(job)) // this is a child of a test, see process_test.go
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	redis.SetLogger(clientLog{quiet()})
	dir, err := os.MkdirTemp("", "redisstore")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err := exec.LookPath("redis-server"); err == nil {
		c, err := startChild(context.Background(), binary, dir, quiet())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer c.stop()
		server = c.socket
	}
	return m.Run()
}

// quiet is the log of most tests.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func needServer(t *testing.T) {
	t.Helper()
	if server == "" {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
}

// backend is a Redis that outlives the stores of a test.
type backend struct{ url string }

// contract runs a test against the in-memory Redis and against a real one.
func contract(t *testing.T, test func(*testing.T, backend)) {
	t.Run("memory", func(t *testing.T) {
		m := miniredis.RunT(t)
		m.ClockTTL(true)
		test(t, backend{"redis://" + m.Addr()})
	})
	t.Run("server", func(t *testing.T) {
		needServer(t)
		b := backend{"unix://" + server}
		b.client(t).FlushDB(t.Context())
		test(t, b)
	})
}

// client looks at the backend past the store.
func (b backend) client(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(b.url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// open a store of a node with the directory; both may be reopened.
func (b backend) open(t *testing.T, dir, node string) *Store {
	t.Helper()
	return open(t, Config{URL: b.url, Dir: dir, Node: node, AllowVolatile: true})
}

func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.stop != nil {
			s.crash()
		}
	})
	return s
}

// crash ends the store without giving anything back. What was handed over is
// in the journal; what a SIGKILL leaves is tested in process_test.go.
func (s *Store) crash() {
	s.Close()
	s.stop = nil
}

func acquire(t *testing.T, s *Store, session rooms.SessionID) *lease {
	t.Helper()
	l, err := s.Acquire(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return l.(*lease)
}

func flush(t *testing.T, l *lease) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// story is the evidence of a session as "epoch log seq type connection" lines.
func story(t *testing.T, s *Store, session rooms.SessionID) string {
	t.Helper()
	entries, err := s.Evidence(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		line := fmt.Sprintf("%d %s %d %s %s", e.Epoch, e.Log, e.Seq, e.Event.Type, cmp.Or(e.Event.Connection, "-"))
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func wantStory(t *testing.T, s *Store, session rooms.SessionID, want ...string) {
	t.Helper()
	if got := story(t, s, session); got != strings.Join(want, "\n") {
		t.Errorf("the evidence is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if _, err := s.VerifyChain(t.Context(), session); err != nil {
		t.Errorf("VerifyChain: %v", err)
	}
}

func admitted(at time.Time, person, conn string) attendance.Event {
	return attendance.Event{Type: attendance.Admitted, At: attendance.At(at), Person: person, Connection: conn}
}

func here(person, conn string, seen time.Time) rooms.Presence {
	return rooms.Presence{Person: rooms.PersonID(person), Handle: "m1", Role: "patient", State: rooms.Active,
		Room: rooms.MainRoom, Conn: rooms.Conn(conn), Since: seen, Seen: seen}
}

// files are the names in the spool.
func files(t *testing.T, s *Store) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(s.spool, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.Base(list[i])
	}
	slices.Sort(list)
	return list
}

func contains(all any, secret string) bool { return strings.Contains(fmt.Sprint(all), secret) }
