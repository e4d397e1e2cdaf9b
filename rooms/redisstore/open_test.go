package redisstore

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
)

// misfit starts a redis-server with settings of its own.
func misfit(t *testing.T, args ...string) (url string) {
	t.Helper()
	needServer(t)
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("redis-server", append([]string{"--port", "0", "--unixsocket", socket, "--dir", dir}, args...)...)
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	defer rdb.Close()
	eventually(t, "it answers", func() bool { return rdb.Ping(t.Context()).Err() == nil })
	return "unix://" + socket
}

func TestARedisThatLosesThingsIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string // in the error; "" is accepted
	}{
		{"fit", []string{"--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"}, ""},
		{"only snapshots", []string{"--appendonly", "no", "--save", "60 1"}, ""},
		{"evicts", []string{"--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"}, "CONFIG SET maxmemory-policy noeviction"},
		{"evicts what expires", []string{"--appendonly", "yes", "--maxmemory-policy", "volatile-ttl"}, "noeviction"},
		{"forgets", []string{"--appendonly", "no", "--save", ""}, `"appendonly yes"`},
		{"evicts, and CONFIG is forbidden", []string{"--appendonly", "yes", "--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", ""}, "noeviction"},
		{"fit, and CONFIG is forbidden", []string{"--appendonly", "yes", "--rename-command", "CONFIG", ""}, ""},
		{"tells nothing", []string{"--rename-command", "CONFIG", "", "--rename-command", "INFO", ""}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := misfit(t, c.args...)
			cfg := Config{URL: url, Dir: t.TempDir()}
			s, err := Open(t.Context(), cfg, quiet())
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if !s.Durable() {
					t.Error("it counts as volatile")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--allow-volatile") {
				t.Fatalf("Open = %v, want a sentence with %s", err, c.want)
			}
			cfg.AllowVolatile = true
			s, err = Open(t.Context(), cfg, quiet())
			if err != nil {
				t.Fatalf("with AllowVolatile: %v", err)
			}
			defer s.Close()
			if s.Durable() {
				t.Error("it counts as durable")
			}
		})
	}
}

func TestNoRedisAtTheURL(t *testing.T) {
	_, err := Open(t.Context(), Config{URL: "redis://user:hunter2@127.0.0.1:1", Dir: t.TempDir()}, quiet())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open = %v, want an error without the password", err)
	}
	_, err = Open(t.Context(), Config{URL: "http://user:hunter2@x", Dir: t.TempDir()}, quiet())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open = %v, want an error without the password", err)
	}
}

func TestInMemoryKeepsNothingAndSaysSo(t *testing.T) {
	for _, cfg := range []Config{{InMemory: true}, {Server: "no-such-redis-server"}} {
		cfg.Dir = t.TempDir()
		s := open(t, cfg)
		if s.Durable() || s.Health().Durable {
			t.Error("a store in memory says that it is durable")
		}
		l := acquire(t, s, "s")
		l.Record(seen(1))
		flush(t, l)
		wantNumbers(t, s, "s", 1)
		// Keys expire in real time, as in a real Redis.
		s.rdb.Set(t.Context(), "k", "v", 20*time.Millisecond)
		eventually(t, "the key expires", func() bool { return s.rdb.Exists(t.Context(), "k").Val() == 0 })
	}
}

func TestOwnServer(t *testing.T) {
	needServer(t)
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30)) // too long for a socket
	s := open(t, Config{Dir: dir})
	if !s.Durable() {
		t.Error("a server of our own is not durable")
	}
	for name, want := range map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": "", "port": "0"} {
		if got := s.rdb.ConfigGet(t.Context(), name).Val()[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	l := acquire(t, s, "s")
	l.Record(seen(1))
	flush(t, l)

	// The data directory is ours alone, but for readers.
	if _, err := Open(t.Context(), Config{Dir: dir}, quiet()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second store on the same directory: %v", err)
	}
	reader := open(t, Config{Dir: dir, Reader: true})
	wantNumbers(t, reader, "s", 1)
	if _, err := reader.Acquire(t.Context(), "s"); err == nil {
		t.Error("a reader took a room")
	}
	reader.crash()

	node := s.Node()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.crash()
	again := open(t, Config{Dir: dir})
	if again.Node() != node || node == "" {
		t.Errorf("the node is %q after a restart, was %q", again.Node(), node)
	}
	wantNumbers(t, again, "s", 1)
	again.crash()
	// With the server stopped, a reader starts one of its own.
	wantNumbers(t, open(t, Config{Dir: dir, Reader: true}), "s", 1)
}

func TestOwnServerIsStartedAgain(t *testing.T) {
	c := ownServer(t)
	s := open(t, Config{URL: "unix://" + c.socket, Dir: t.TempDir()})
	l := acquire(t, s, "s")
	l.Record(seen(1))
	flush(t, l)
	for n := 2; n <= 4; n++ {
		old := c.pid.Load()
		c.signal(t, syscall.SIGKILL)
		l.Record(seen(n))
		flush(t, l)
		if c.pid.Load() == old {
			t.Error("the server was not killed")
		}
	}
	wantNumbers(t, s, "s", 4)
}

func TestAServerThatCannotStart(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "redis-server")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho the disk is on fire\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Dir: t.TempDir(), Server: broken}, quiet())
	if err == nil || !strings.Contains(err.Error(), "on fire") {
		t.Errorf("Open = %v, want what the server said", err)
	}
}

func TestOwnServerDiesWithAKilledProcess(t *testing.T) {
	needServer(t)
	dir := t.TempDir()
	cmd, said := job(t, "open", "DIR="+dir)
	if !said.Scan() || said.Text() != "open" {
		t.Fatalf("the process said %q", said.Text())
	}
	socket, ok := runningSocket(filepath.Join(dir, "redis"))
	if !ok {
		t.Fatal("no socket is noted")
	}
	if _, err := net.Dial("unix", socket); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	began := time.Now()
	s := open(t, Config{Dir: dir, Node: "one"}) // finds a stale socket, perhaps a dying server
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("open again %v after the kill", time.Since(began).Round(time.Millisecond))
}

// A reader beside a node whose server is away for a moment waits for it. It
// must not take it for one that a dead viop left behind, and stop it.
func TestAReaderLeavesTheServerOfANodeAlone(t *testing.T) {
	needServer(t)
	dir := t.TempDir()
	c, err := startChild(t.Context(), "redis-server", filepath.Join(dir, "redis"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	node := open(t, Config{URL: "unix://" + c.socket, Dir: dir})
	l := acquire(t, node, "s")
	l.Record(seen(1))
	flush(t, l)

	c.signal(t, syscall.SIGKILL)
	reader := open(t, Config{Dir: dir, Reader: true})
	wantNumbers(t, reader, "s", 1)
	started := c.pid.Load()
	c.freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, err := Open(ctx, Config{Dir: dir, Reader: true}, quiet()); err == nil || !strings.Contains(err.Error(), "is running on") {
		t.Errorf("a reader of a frozen server: %v", err)
	}
	c.thaw(t)
	eventually(t, "it answers again", func() bool { return node.Ping(t.Context()) == nil })
	if now := c.pid.Load(); now != started {
		t.Errorf("the server was %d and is %d now: the reader stopped it", started, now)
	}
}

// A server that stops because it was told to is no trouble.
func TestStoppingTheServerIsNoError(t *testing.T) {
	needServer(t)
	for range 8 { // the order of two events was left to chance
		var log strings.Builder
		c, err := startChild(t.Context(), "redis-server", t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		c.stop()
		if log.String() != "" {
			t.Fatalf("the log says %q", log.String())
		}
	}
}

func TestALeftServerIsStopped(t *testing.T) {
	needServer(t)
	dir := t.TempDir()
	lock, err := flock(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	socket, err := socketPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	// A server whose viop is gone, on a system that did not kill it.
	left := &child{binary: "redis-server", dir: dir, socket: socket, lock: lock, tail: &tail{}, quit: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- left.once() }()
	eventually(t, "it runs", func() bool { return left.pid.Load() != 0 })
	eventually(t, "it answers", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	lock.Close()
	next, err := startChild(t.Context(), "redis-server", dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer next.stop()
	<-ended
}

func TestOpeningStopsWithItsContext(t *testing.T) {
	hang := filepath.Join(t.TempDir(), "redis-server")
	if err := os.WriteFile(hang, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Config{Dir: t.TempDir(), Server: hang}, quiet()); err == nil {
		t.Error("a server that never answers was accepted")
	}
}

func TestASealedNameNeedsItsKey(t *testing.T) {
	old, young := DataKey{ID: "2025", Key: [32]byte{1}}, DataKey{ID: "2026", Key: [32]byte{2}}
	before := open(t, Config{Dir: t.TempDir(), InMemory: true, Keys: []DataKey{old}})
	after := open(t, Config{Dir: t.TempDir(), InMemory: true, Keys: []DataKey{young, old}})
	sealed := before.Seal("Ana B.")
	if strings.Contains(sealed, "Ana") || sealed == before.Seal("Ana B.") {
		t.Errorf("Seal = %q: readable, or the same twice", sealed)
	}
	if got, err := after.Unseal(sealed); err != nil || got != "Ana B." {
		t.Errorf("after a rotation: Unseal = %q, %v", got, err)
	}
	if _, err := before.Unseal(after.Seal("Ana B.")); err == nil {
		t.Error("a key that is not there opened a name")
	}
	for i := range sealed {
		bad := []byte(sealed)
		bad[i] ^= 1
		if got, err := after.Unseal(string(bad)); err == nil {
			t.Fatalf("damaged at %d: Unseal = %q", i, got)
		}
	}
	if got, err := after.Unseal(after.Seal("")); err != nil || got != "" {
		t.Errorf("nothing sealed is %q, %v", got, err)
	}
}

// All nodes of a house derive the same, for each purpose another.
func TestDerive(t *testing.T) {
	old, young := DataKey{ID: "2025", Key: [32]byte{1}}, DataKey{ID: "2026", Key: [32]byte{2}}
	derive := func(purpose string, keys ...DataKey) string {
		secret, err := open(t, Config{Dir: t.TempDir(), InMemory: true, Keys: keys}).Derive(purpose)
		if err != nil || len(secret) != 32 {
			t.Fatalf("Derive = %d bytes, %v", len(secret), err)
		}
		return string(secret)
	}
	one := derive("exports", young, old)
	if again := derive("exports", young); again != one {
		t.Error("a node without the old key derives something else")
	}
	if derive("exports", old) == one || derive("else", young) == one || one == string(young.Key[:]) {
		t.Error("another key or purpose derives the same")
	}
}

func TestParseDataKey(t *testing.T) {
	hex := strings.Repeat("0f", 32)
	for text, ok := range map[string]bool{
		"k1:" + hex: true, " k1:" + hex + "\n": true,
		hex: false, ":" + hex: false, "a.b:" + hex: false, "k1:" + hex[2:]: false, "k1:zz" + hex[2:]: false, "": false,
	} {
		if key, err := ParseDataKey(text); (err == nil) != ok || ok && key.ID != "k1" {
			t.Errorf("ParseDataKey(%q) = %v, want ok %v", text, err, ok)
		}
	}
}

func TestTheDataKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, InMemory: true})
	sealed := s.Seal("Ana B.")
	s.crash()
	info, err := os.Stat(filepath.Join(dir, "data.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("data.key: %v, %v; want it for its owner only", info.Mode(), err)
	}
	if got, err := open(t, Config{Dir: dir, InMemory: true}).Unseal(sealed); err != nil || got != "Ana B." {
		t.Errorf("after a restart: Unseal = %q, %v", got, err)
	}
}

var _ rooms.Ledger = (*Store)(nil)
