package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// child is a redis-server that belongs to this process: on a unix socket in
// the data directory, without a TCP port, every write on disk before it is
// acknowledged. It is started again when it dies and stopped by stop.
type child struct {
	binary, dir, socket string
	lock                *os.File // shared with the server, so held until both are dead
	log                 *slog.Logger
	tail                *tail
	pid                 atomic.Int64 // of the running server, 0 between two

	quit chan struct{} // closed by stop
	done chan struct{} // closed by run
}

// maxSocketPath is what sockaddr_un holds on Linux, less the closing NUL.
const maxSocketPath = 107

// socketFile is where the path of the socket is kept for other commands on
// the same data directory.
const socketFile = "socket"

// startChild returns when the server answers.
func startChild(ctx context.Context, binary, dir string, log *slog.Logger) (*child, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	lock, err := lockServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	socket, err := socketPath(dir)
	if err != nil {
		lock.Close()
		return nil, err
	}
	c := &child{
		binary: binary, dir: dir, socket: socket, lock: lock, log: log, tail: &tail{},
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	failed := make(chan error, 1) // buffered: run does not wait for us
	go c.run(failed)
	if err := c.ready(ctx, failed); err != nil {
		c.stop()
		return nil, fmt.Errorf("start %s: %w%s", binary, err, c.tail)
	}
	return c, nil
}

// lockServer waits until no server has the directory any more. One that a
// killed viop left behind is asked to stop.
func lockServer(ctx context.Context, dir string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var wait backoff
	for {
		lock, err := flock(filepath.Join(dir, "lock"))
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return lock, err
		}
		if socket, ok := runningSocket(dir); ok {
			old := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, MaxRetries: -1})
			old.ShutdownNoSave(ctx) // answers by hanging up; the lock tells
			_ = old.Close()
		}
		if wait.wait(ctx) != nil {
			return nil, fmt.Errorf("another redis-server is still using %s", dir)
		}
	}
}

// socketPath is in dir, or in a temporary directory when that path is too long
// for a socket.
func socketPath(dir string) (string, error) {
	socket := filepath.Join(dir, "redis.sock")
	if len(socket) > maxSocketPath {
		short, err := os.MkdirTemp("", "viop-")
		if err != nil {
			return "", err
		}
		socket = filepath.Join(short, "redis.sock")
	}
	return socket, writeFile(filepath.Join(dir, socketFile), []byte(socket), false)
}

// runningSocket finds the socket of a server that another process started.
func runningSocket(dir string) (string, bool) {
	socket, err := os.ReadFile(filepath.Join(dir, socketFile))
	return string(socket), err == nil
}

// run keeps a server running until stop. It stays on one thread, because the
// kernel ends the server when the thread that started it ends.
func (c *child) run(failed chan<- error) {
	defer close(c.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var wait time.Duration
	for {
		began := time.Now()
		err := c.once()
		select {
		case <-c.quit:
			return // it ended because it was told to
		default:
		}
		select {
		case failed <- err: // only the first is read
		default:
		}
		if wait = min(max(firstWait, 2*wait), longestWait); time.Since(began) > time.Minute {
			wait = firstWait
		}
		c.log.Error("redis-server ended, starting it again", "err", err, "wait", wait)
		select {
		case <-c.quit:
			return
		case <-time.After(wait):
		}
	}
}

// once runs one server and returns how it ended, which is nil only after stop.
func (c *child) once() error {
	cmd := exec.Command(c.binary, //nolint:noctx // outlives any request; stop ends it
		"--port", "0", "--unixsocket", c.socket, "--unixsocketperm", "700",
		"--dir", c.dir, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
		"--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning")
	cmd.Stdout, cmd.Stderr = c.tail, c.tail
	cmd.ExtraFiles = []*os.File{c.lock}
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return err
	}
	c.pid.Store(int64(cmd.Process.Pid))
	defer c.pid.Store(0)
	ended := make(chan error, 1) // buffered: Wait's goroutine ends by itself
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return errors.Join(errors.New("redis-server ended"), err)
	case <-c.quit:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	select {
	case err := <-ended:
		return err
	case <-time.After(5 * time.Second):
		_ = cmd.Process.Kill()
		return <-ended
	}
}

// ready waits until the server answers; loading its file may take a while.
func (c *child) ready(ctx context.Context, failed <-chan error) error {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: c.socket, MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = rdb.Close() }()
	var wait backoff
	for {
		if rdb.Ping(ctx).Err() == nil {
			return nil
		}
		select {
		case err := <-failed:
			return err
		default:
		}
		if err := wait.wait(ctx); err != nil {
			return err
		}
		wait.next = min(wait.next, 100*time.Millisecond)
	}
}

// stop ends the server and waits for it. It may be called once.
func (c *child) stop() {
	close(c.quit)
	<-c.done
	c.lock.Close()
	if temporary := filepath.Dir(c.socket); temporary != c.dir {
		_ = os.RemoveAll(temporary)
	}
}

// tail keeps the end of what the server said, to explain a failed start.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(string(t.text))
}
