package redisstore

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"viop/rooms"
)

// Config of a store.
type Config struct {
	// URL of a Redis: redis://, rediss:// or unix://. Without one, the store
	// runs a redis-server of its own or, if there is none, keeps nothing.
	URL string
	// Dir is the data directory: identity of the node, journals, the data key
	// unless Keys are given, and the embedded Redis. It is made if need be.
	Dir string
	// Node is the name of this node among others. Empty: one that is made up
	// once and kept in Dir.
	Node string
	// Server is the redis-server to run without a URL, a name on PATH or a
	// path; "" means redis-server.
	Server string
	// InMemory skips the search for a redis-server.
	InMemory bool
	// AllowVolatile takes a Redis that evicts or does not persist.
	AllowVolatile bool
	// Keys seal names and free text: the first seals, all of them open. Empty:
	// one that is made up once and kept in Dir.
	Keys []DataKey
	// Reader is for commands that only read: the node's own server may be
	// running beside it on the same Dir. Acquire and Recover are refused.
	Reader bool
}

// Store is everything that outlives the process. Its methods are safe for
// concurrent use.
type Store struct {
	// Set by Open.
	rdb     *redis.Client
	scripts scripts
	sealer  *sealer
	log     *slog.Logger
	node    string
	reader  bool
	durable bool
	spool   string // directory of journals and beats
	closers []func()

	tasks    sync.WaitGroup // goroutines of the store and of its leases
	stop     context.CancelFunc
	snapshot atomic.Pointer[snapshot] // of revocations; never nil after Open
	watch    *watch                   // of the feed
	nudge    chan struct{}            // asks the poller to look now; holds one token
	reading  sync.Mutex               // one reading of revocations at a time
	replay   sync.Mutex               // one replay of journals at a time

	mu       sync.Mutex // guards the rest
	leases   map[*lease]struct{}
	watchers []*watcher
}

// errReader: a store that was opened to read was asked to own something.
var errReader = errors.New("the store was opened for reading only")

// Open connects to the Redis that Config asks for and checks it. It waits for
// an embedded server, and not for one that is given by URL.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (_ *Store, err error) {
	redis.SetLogger(clientLog{log})
	s := &Store{
		scripts: newScripts(), log: log, reader: cfg.Reader,
		leases: map[*lease]struct{}{}, watch: newWatch(), nudge: make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			s.shut()
		}
	}()
	if err := s.openDir(cfg); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := s.connect(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.readRevoked(ctx); err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.tasks.Go(func() { s.poll(life) })
	s.tasks.Go(func() { s.watchFeed(life) })
	if !s.reader {
		s.tasks.Go(func() { s.tend(life) })
	}
	return s, nil
}

// openDir reads who we are and the keys.
func (s *Store) openDir(cfg Config) error {
	if cfg.Dir == "" {
		return errors.New("no directory was given")
	}
	s.spool = filepath.Join(cfg.Dir, "journal")
	if err := os.MkdirAll(s.spool, 0o700); err != nil {
		return err
	}
	if !cfg.Reader {
		node, lock, err := claim(cfg.Dir, cfg.Node)
		if err != nil {
			return err
		}
		s.node = node
		s.closers = append(s.closers, func() { lock.Close() })
	}
	keys := cfg.Keys
	if len(keys) == 0 {
		key, err := ownKey(cfg.Dir)
		if err != nil {
			return err
		}
		keys = []DataKey{key}
	}
	var err error
	s.sealer, err = newSealer(keys)
	return err
}

// connect finds the Redis and sets durable.
func (s *Store) connect(ctx context.Context, cfg Config) error {
	dir := filepath.Join(cfg.Dir, "redis")
	if cfg.URL != "" {
		return s.connectURL(ctx, cfg)
	}
	if cfg.Reader {
		if beside, err := s.connectBeside(ctx, cfg.Dir); beside || err != nil {
			return err
		}
	}
	binary, err := exec.LookPath(cmp.Or(cfg.Server, "redis-server"))
	if cfg.InMemory || err != nil {
		return s.connectMemory(ctx)
	}
	child, err := startChild(ctx, binary, dir, s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, child.stop)
	s.durable = true
	s.log.Info("store: own redis-server", "durable", true)
	return s.dial(ctx, &redis.Options{Network: "unix", Addr: child.socket})
}

// besideWithin is how long a reader waits for the redis-server of a viop that
// runs on the same directory: it may just be starting again.
const besideWithin = 10 * time.Second

// connectBeside finds the redis-server that another process runs in dir; false
// when there is none. A reader never starts or stops one while a node has the
// directory: the group that meets there is not its own.
func (s *Store) connectBeside(ctx context.Context, dir string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, besideWithin)
	defer cancel()
	var wait backoff
	for {
		if socket, ok := runningSocket(filepath.Join(dir, "redis")); ok && s.dial(ctx, &redis.Options{Network: "unix", Addr: socket}) == nil {
			s.durable = true
			return true, nil
		}
		free, err := flock(filepath.Join(dir, "node"))
		if err == nil {
			return false, free.Close()
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return false, err
		}
		if wait.wait(ctx) != nil {
			return false, fmt.Errorf("a viop is running on %s and has no redis-server there that answers; if it uses another Redis, name that too", dir)
		}
	}
}

func (s *Store) connectURL(ctx context.Context, cfg Config) error {
	options, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return errors.New("the Redis URL is not one of redis://, rediss:// or unix://") // err quotes the password
	}
	if err := s.dial(ctx, options); err != nil {
		return err
	}
	found, err := readSettings(ctx, s.rdb)
	if err != nil {
		return err
	}
	s.durable, err = found.check(cfg.AllowVolatile, s.log)
	return err
}

// connectMemory keeps nothing. Keys expire by the clock, as on a real Redis.
func (s *Store) connectMemory(ctx context.Context) error {
	memory := miniredis.NewMiniRedis()
	memory.ClockTTL(true)
	s.closers = append(s.closers, memory.Close)
	s.log.Warn("store: no redis-server was found, so NOTHING IS KEPT: evidence and schedule are gone when viop stops")
	inside := func(context.Context, string, string) (net.Conn, error) {
		c, err := memory.Dial()
		if err != nil {
			return nil, err
		}
		return queue(c), nil
	}
	return s.dial(ctx, &redis.Options{Dialer: inside})
}

// dial makes the client and asks whether anybody is there. Waits are short:
// whoever needs patience has it in a loop of its own.
func (s *Store) dial(ctx context.Context, options *redis.Options) error {
	options.ClientName = "viop"
	options.DialTimeout, options.DialerRetries = 2*time.Second, 1
	options.ReadTimeout, options.WriteTimeout = 3*time.Second, 3*time.Second
	options.MaxRetries, options.MaxRetryBackoff = 1, 100*time.Millisecond
	options.ContextTimeoutEnabled = true
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	rdb := redis.NewClient(options)
	if err := rdb.Ping(ctx).Err(); err != nil {
		_ = rdb.Close()
		return err
	}
	s.rdb = rdb
	s.closers = append(s.closers, func() { _ = rdb.Close() })
	return nil
}

// Close ends what is left of leases, without giving them back, and everything
// that Open started. Rooms are closed before.
func (s *Store) Close() {
	s.stop()
	s.mu.Lock()
	for l := range s.leases {
		l.cancel()
	}
	s.mu.Unlock()
	s.tasks.Wait()
	s.shut()
}

func (s *Store) shut() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// Durable is false when evidence does not survive a restart of Redis.
func (s *Store) Durable() bool { return s.durable }

// Node is who this node is in leases; "" for a Reader.
func (s *Store) Node() string { return s.node }

// Ping asks whether Redis answers.
func (s *Store) Ping(ctx context.Context) error { return s.rdb.Ping(ctx).Err() }

// Now is Redis TIME.
func (s *Store) Now(ctx context.Context) (time.Time, error) { return s.rdb.Time(ctx).Result() }

// Seal encrypts a name or free text at rest, as Memory.SealedName wants it.
func (s *Store) Seal(plain string) string { return s.sealer.seal(plain) }

// Unseal is the inverse of Seal. Its error does not quote the text.
func (s *Store) Unseal(sealed string) (string, error) { return s.sealer.unseal(sealed) }

// Derive is a secret of 32 bytes for a purpose, out of the key that seals: the
// same on all nodes, and nothing that has to be kept beside it. It tells nobody
// the key, nor the secrets of other purposes.
func (s *Store) Derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, s.sealer.root[:], nil, "viop "+purpose, 32)
}

// Health of the store and of all leases of this node.
type Health struct {
	rooms.Health
	// Drift is the most that Redis TIME has come apart from the evidence clock
	// of a lease since that was taken.
	Drift time.Duration
	// Waiting is how many journals of ended leases are not in Redis yet.
	Waiting int
	// RevocationsAge is how old the list of revocations is.
	RevocationsAge time.Duration
}

// Health asks nobody and never waits.
func (s *Store) Health() Health {
	h := Health{Health: rooms.Health{Durable: s.durable}, RevocationsAge: time.Since(s.snapshot.Load().read)}
	live := map[string]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.leases {
		one := l.Health()
		h.Behind, h.Err = max(h.Behind, one.Behind), errors.Join(h.Err, one.Err)
		if drift := l.drift(); drift.Abs() > h.Drift.Abs() {
			h.Drift = drift
		}
		live[l.name()] = true
	}
	h.Waiting = len(orphans(s.spool, live))
	return h
}

// clientLog is where go-redis reports trouble with its connections. Whoever
// sent the command reports the error too, so this is for debugging.
type clientLog struct{ log *slog.Logger }

func (l clientLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis client: "+fmt.Sprintf(format, args...))
}
