package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
)

// LeaseTTL is how long a room stays with a node that no longer beats: two
// beats, so that one that is late costs nothing.
const LeaseTTL = 2 * rooms.BeatEvery

// lease is one epoch of one session: a rooms.Lease.
type lease struct {
	// Set by Acquire.
	owned
	store  *Store
	clock  clock
	memory rooms.Memory
	rec    *recorder
	beater *beater
	log    *slog.Logger
	cancel context.CancelFunc // ends the goroutines
	ended  chan struct{}      // closed when they have

	lost     chan struct{}
	loseOnce sync.Once
	apart    atomic.Int64 // drift of the last beat

	mu     sync.Mutex // guards the rest; the room's goroutine is the usual caller
	events chain      // of kindLog
	notes  chain      // of kindAudit
	proof  proof
	last   rooms.Beat
	closed bool
}

// Acquire implements rooms.Ledger. Evidence of this session that an earlier
// process of this node has left in its journals goes to the store first.
func (s *Store) Acquire(ctx context.Context, session rooms.SessionID) (rooms.Lease, error) {
	if s.reader {
		return nil, errReader
	}
	var wait backoff
	for {
		l, err := s.acquire(ctx, session)
		if held, ok := errors.AsType[*rooms.HeldError](err); ok {
			return nil, held
		}
		if err == nil {
			return l, nil
		}
		s.log.Warn("the store does not answer; waiting to take the room", "session", session, "err", err)
		if wait.wait(ctx) != nil {
			return nil, fmt.Errorf("acquire session %s: %w", session, err)
		}
	}
}

func (s *Store) acquire(ctx context.Context, session rooms.SessionID) (*lease, error) {
	if err := s.replaySession(ctx, session); err != nil {
		return nil, err
	}
	keys := []string{leaseKey(session), memoryKey(session), beatsKey(session)}
	sent := time.Now()
	answer, err := s.run(ctx, s.scripts.acquire, keys, s.node, LeaseTTL.Milliseconds())
	received := time.Now()
	if err != nil {
		return nil, err
	}
	epoch, now := answer.number(0), answer.time(2)
	if epoch == 0 {
		return nil, &rooms.HeldError{Node: answer.text(1)}
	}
	if now.IsZero() {
		return nil, errReply
	}
	if err := s.settleAll(ctx, session, answer.pairs(5)); err != nil {
		return nil, err // the next try takes the next epoch and settles the rest
	}
	var memory rooms.Memory
	if text := answer.text(4); text != "" {
		if err := json.Unmarshal([]byte(text), &memory); err != nil { // the group meets all the same
			s.log.Error("the memory of a room cannot be read", "session", session, "err", err)
			memory = rooms.Memory{}
		}
	}
	return s.start(ctx, owned{session, epoch}, anchor(now, sent, received), memory), nil
}

// start makes the lease and its goroutines, which end with cancel. ctx gives
// them its values only.
func (s *Store) start(ctx context.Context, o owned, c clock, memory rooms.Memory) *lease {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &lease{
		owned: o, store: s, clock: c, memory: memory, cancel: cancel,
		log:   s.log.With("session", o.session, "epoch", o.epoch),
		lost:  make(chan struct{}),
		ended: make(chan struct{}),
		rec:   newRecorder(o, s.file(o, journalSuffix), s.write, s.log), beater: newBeater(),
		events: newChain(o.stream(kindLog)), notes: newChain(o.stream(kindAudit)),
		proof: newProof(),
	}
	s.mu.Lock()
	s.leases[l] = struct{}{}
	s.mu.Unlock()
	var parts sync.WaitGroup
	parts.Go(func() { l.rec.runJournal(life) })
	parts.Go(func() { l.rec.runSend(life) })
	parts.Go(func() { l.runBeats(life) })
	s.tasks.Go(func() {
		parts.Wait()
		s.mu.Lock()
		delete(s.leases, l)
		s.mu.Unlock()
		close(l.ended)
	})
	return l
}

// file is the path of a file of an epoch in the spool.
func (s *Store) file(o owned, suffix string) string {
	return filepath.Join(s.spool, o.fileName()+suffix)
}

func (l *lease) Epoch() int            { return l.epoch }
func (l *lease) Now() time.Time        { return l.clock.at(time.Now()).Truncate(time.Millisecond) }
func (l *lease) Memory() rooms.Memory  { return l.memory }
func (l *lease) Lost() <-chan struct{} { return l.lost }

func (l *lease) drift() time.Duration { return time.Duration(l.apart.Load()) }

// Record implements rooms.Lease. An event without a time is dated now.
func (l *lease) Record(events ...attendance.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.record(events)
}

// record needs mu.
func (l *lease) record(events []attendance.Event) {
	items := make([]item, 0, len(events))
	for _, e := range events {
		if e.At == 0 {
			e.At = attendance.At(l.Now())
		}
		it, err := l.events.add(kindLog, func(seq int) (string, error) {
			e.Session, e.Epoch, e.Seq = string(l.session), l.epoch, seq
			return canonical(e)
		})
		if err != nil { // impossible: an Event holds text and numbers only
			l.log.Error("an event cannot be written", "type", e.Type, "err", err)
			continue
		}
		l.proof.note(e)
		items = append(items, it)
	}
	l.rec.put(items...)
}

// canonical is the one way an entry is written: the fields of the struct in
// order, absent ones left out. What is hashed and kept is this text.
func canonical(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// note is a rooms.Note as it is kept.
type note struct {
	Seq    int                `json:"seq"`
	At     attendance.Instant `json:"at"`
	Actor  rooms.PersonID     `json:"actor,omitempty"`
	Action string             `json:"action"`
	Target rooms.PersonID     `json:"target,omitempty"`
	Detail string             `json:"detail,omitempty"`
	Sealed string             `json:"sealed,omitempty"` // as Seal made it
}

// Note implements rooms.Lease. Free text is sealed before it leaves the
// process, and before it reaches the journal.
func (l *lease) Note(notes ...rooms.Note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	items := make([]item, 0, len(notes))
	for _, n := range notes {
		kept := note{At: attendance.At(n.At), Actor: n.Actor, Action: n.Action, Target: n.Target,
			Detail: n.Detail, Sealed: l.store.Seal(n.Sealed)}
		it, err := l.notes.add(kindAudit, func(seq int) (string, error) {
			kept.Seq = seq
			return canonical(kept)
		})
		if err != nil { // impossible, as above
			l.log.Error("a note cannot be written", "action", n.Action, "err", err)
			continue
		}
		items = append(items, it)
	}
	l.rec.put(items...)
}

// Beat implements rooms.Lease. When a beat enters the log as `seen` is the
// room's affair.
func (l *lease) Beat(b rooms.Beat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.At.IsZero() {
		b.At = l.Now()
	}
	l.last = b
	l.beater.put(b)
}

// Save implements rooms.Lease.
func (l *lease) Save(m rooms.Memory) {
	text, err := json.Marshal(m)
	if err != nil { // impossible: a Memory holds text, flags and times only
		l.log.Error("memory cannot be written", "err", err)
		return
	}
	l.rec.put(item{Kind: kindMemory, Entry: string(text)})
}

func (l *lease) Health() rooms.Health {
	behind, err := l.rec.state()
	return rooms.Health{Behind: behind, Durable: l.store.durable, Err: errors.Join(err, l.beater.err())}
}

func (l *lease) Flush(ctx context.Context) error { return l.rec.flush(ctx) }

// lose gives the room up: another epoch owns it, or has to.
func (l *lease) lose(why string) {
	l.loseOnce.Do(func() {
		l.log.Warn("the room is given up", "why", why)
		close(l.lost)
	})
}

// Close implements rooms.Lease. What is still open gets its last proof of life
// into the log, so that a room handed over in good order loses nothing; with
// that done, the beat is not needed any more. A lease that could not be
// flushed is not given back: its journal and beat stay, and the store goes on
// trying to bring them home.
func (l *lease) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.ended
		return nil
	}
	l.closed = true
	l.record(l.proof.lacks(l.last))
	l.mu.Unlock()
	err := l.rec.flush(ctx)
	l.cancel()
	<-l.ended
	if err != nil {
		return fmt.Errorf("close session %s: %w", l.session, err)
	}
	keys := []string{leaseKey(l.session), beatsKey(l.session)}
	err = l.store.scripts.release.Run(ctx, l.store.rdb, keys, l.epoch, l.store.node).Err()
	if err != nil {
		return fmt.Errorf("release session %s: %w", l.session, err)
	}
	return l.store.forget(l.owned)
}

// forget removes the files of an epoch whose evidence is in the store.
func (s *Store) forget(o owned) error {
	var errs []error
	for _, suffix := range []string{journalSuffix, beatSuffix} {
		if err := os.Remove(s.file(o, suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// name is how the spool calls the lease.
func (l *lease) name() string { return l.fileName() }
