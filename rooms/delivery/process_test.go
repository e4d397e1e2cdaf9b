package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("DELIVERY_TEST_REDIS"); url != "" {
		os.Exit(sendUntilKilled(url, os.Getenv("DELIVERY_TEST_DIR")))
	}
	os.Exit(m.Run())
}

// sendUntilKilled is another process of a test: a node that sends.
func sendUntilKilled(url, dir string) int {
	store, err := openAt(context.Background(), url, dir, "one")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	delivery.NewCourier(delivery.CourierConfig{
		Gate: delivery.NewGate(store, store.Now), Outbox: store, Feed: delivery.NewTeller(store), Log: quiet(),
	}).Run(context.Background())
	return 0
}

// openAt opens the store as one of several nodes, which share the data key.
func openAt(ctx context.Context, url, dir, node string) (*redisstore.Store, error) {
	return redisstore.Open(ctx, redisstore.Config{
		URL: url, Dir: dir, Node: node, AllowVolatile: true, Keys: []redisstore.DataKey{{ID: "test"}},
	}, quiet())
}

// A sender that is killed again and again, a receiver that fails, hangs, lies
// and restarts: everything arrives, in order in each session, none is lost.
func TestKilledSender(t *testing.T) {
	url := redisServer(t)
	store, err := openAt(t.Context(), url, t.TempDir(), "watcher")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	receiver := newReceiver(t)
	gate := delivery.NewGate(store, store.Now)
	d := hook("d1")
	d.URL, d.AllowPrivate = "http://"+receiver.address+"/hook", true
	if _, _, err := gate.Put(t.Context(), d, schedule.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.NewKey(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	const sessions, versions = 12, 12
	dir := t.TempDir()
	for round := range 6 {
		node := startSender(t, url, dir)
		for v := range versions / 6 {
			for s := range sessions {
				sign(t, store, fmt.Sprintf("s%d", s), round*versions/6+v+1)
			}
		}
		before := receiver.count()
		patiently(t, store, "some have arrived", func() bool { return receiver.count() >= before+sessions })
		if round == 2 {
			receiver.restart()
		}
		node.kill()
	}
	startSender(t, url, dir)
	receiver.behave()
	patiently(t, store, "nothing waits", func() bool {
		state, err := store.State(t.Context(), "d1")
		return err == nil && state.Backlog() == 0 && state.Dead == 0
	})
	got, repeats := receiver.bySession()
	for s := range sessions {
		var want []int
		for v := range versions {
			want = append(want, v+1)
		}
		if name := fmt.Sprintf("s%d", s); !slices.Equal(got[name], want) {
			t.Errorf("of session %s arrived %v, want %v", name, got[name], want)
		}
	}
	// What left is in the accounting: a crash may leave a row too many there.
	if rows, err := store.Disclosures(t.Context(), "p1", 0, 10*sessions*versions); err != nil || len(rows) < sessions*versions {
		t.Errorf("%d rows of the accounting, %v, want one for each of %d messages", len(rows), err, sessions*versions)
	}
	t.Logf("%d messages in %d requests that were taken, %d of them repeats; %d requests in all", sessions*versions, receiver.count(), repeats, receiver.asked())
}

// sign tells a signature under a session: what a feed can tell without a room.
func sign(t *testing.T, store *redisstore.Store, session string, version int) {
	t.Helper()
	hash := strings.Repeat("0", 64)
	signature := records.Signature{Session: session, Version: version, By: "t1", At: attendance.At(time.Now()), Hash: hash, Head: hash,
		Records: map[string]string{"p1": hash, "p2": hash}}
	err := store.Tell(t.Context(), records.Change{Kind: records.RecordsSigned, Session: session, Version: version, Hash: hash, Amendment: version, Signature: &signature})
	if err != nil {
		t.Fatal(err)
	}
}

// patiently waits for something, and lets everything that failed be tried
// again at once, as somebody would who has no three days.
func patiently(t *testing.T, store *redisstore.Store, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
			if _, err := store.Redrive(t.Context(), "d1", 0); err != nil {
				t.Fatal(err)
			}
		case <-deadline:
			state, _ := store.State(context.Background(), "d1")
			log, _ := store.Log(context.Background(), "d1", 5)
			t.Fatalf("not within a minute: %s; the queue is %+v, the last attempts %+v", what, state, log)
		}
	}
}

type sender struct {
	t *testing.T
	*exec.Cmd
}

func startSender(t *testing.T, url, dir string) sender {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "DELIVERY_TEST_REDIS="+url, "DELIVERY_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := sender{t, cmd}
	t.Cleanup(s.kill)
	return s
}

// kill is SIGKILL: nothing is cleaned up.
func (s sender) kill() {
	_ = s.Process.Kill() // it may be dead already
	_ = s.Wait()
}

// redisServer runs a real one for the test.
func redisServer(t *testing.T) (url string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
	dir, err := os.MkdirTemp("", "delivery") // short: the path of a socket is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis.sock")
	cmd := exec.CommandContext(t.Context(), binary, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			return "unix://" + socket
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
		<-time.After(5 * time.Millisecond)
	}
}

// receiver takes most of what it gets, and is difficult about it.
type receiver struct {
	t       *testing.T
	address string

	mu       sync.Mutex // guards the rest
	server   *http.Server
	requests int
	good     bool
	taken    []export.Message
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, address: "127.0.0.1:0"}
	r.listen()
	t.Cleanup(func() { r.server.Close() })
	return r
}

func (r *receiver) listen() {
	r.t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = listener.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: time.Minute}
	r.server = server
	go func() { _ = server.Serve(listener) }()
}

// restart cuts all connections, and is away for a moment.
func (r *receiver) restart() {
	r.server.Close()
	r.listen()
}

func (r *receiver) behave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good = true
}

// serve answers by turns with everything that can be wrong.
func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.requests++
	turn := r.requests % 10
	if r.good {
		turn = 0
	}
	r.mu.Unlock()
	switch turn {
	case 1:
		w.WriteHeader(http.StatusInternalServerError)
	case 2:
		http.Redirect(w, request, "/elsewhere", http.StatusFound)
	case 3: // hangs, and is gone
		select {
		case <-request.Context().Done():
		case <-time.After(200 * time.Millisecond):
		}
		panic(http.ErrAbortHandler)
	case 4: // nonsense instead of an answer
		r.raw(w, "SMTP ready\r\n\r\n")
	case 5: // success, and gone before the body that it announced
		r.take(body)
		r.raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
	case 6: // success, and a body without an end
		r.take(body)
		w.WriteHeader(http.StatusOK)
		for request.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	case 7: // success with a length that is a lie
		r.take(body)
		r.raw(w, "HTTP/1.1 204 No Content\r\nContent-Length: "+strconv.Itoa(1<<40)+"\r\n\r\n")
	default:
		r.take(body)
		w.WriteHeader(http.StatusNoContent)
	}
}

// raw writes bytes and closes the connection.
func (r *receiver) raw(w http.ResponseWriter, text string) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.WriteString(c, text)
}

func (r *receiver) take(body []byte) {
	var m export.Message
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Errorf("got %q: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, m)
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.taken)
}

func (r *receiver) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// bySession are the versions in the order in which each came first.
func (r *receiver) bySession() (versions map[string][]int, repeats int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	versions, seen := map[string][]int{}, map[string]bool{}
	for _, m := range r.taken {
		if seen[m.Data.Item] {
			repeats++
			continue
		}
		seen[m.Data.Item] = true
		versions[m.Data.Session] = append(versions[m.Data.Session], m.Data.Version)
	}
	return versions, repeats
}
