package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"viop/rooms/attendance"
)

// skew is how far the evidence clock of the fake store is ahead of this
// process's: a time that is not converted shows.
const skew = 3*time.Hour + 17*time.Minute

// fakeLedger is a store in memory: leases with epochs, what they recorded, and
// what they remember. It can be down, slow, and somebody else's.
type fakeLedger struct {
	t *testing.T

	mu       sync.Mutex
	epoch    int
	acquired int // calls of Acquire
	down     bool
	heldBy   string
	slow     time.Duration // Acquire, Flush and Close take so long
	memory   Memory
	log      []attendance.Event
	notes    []Note
	beats    []Beat
	owner    *fakeLease
}

func (l *fakeLedger) Acquire(ctx context.Context, id SessionID) (Lease, error) {
	l.mu.Lock()
	l.acquired++
	slow, down := l.slow, l.down
	l.mu.Unlock()
	if down {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := pause(ctx, slow); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heldBy != "" {
		return nil, &HeldError{l.heldBy}
	}
	if l.owner != nil {
		close(l.owner.lost)
	}
	l.epoch++
	l.owner = &fakeLease{ledger: l, session: id, epoch: l.epoch, memory: l.memory, lost: make(chan struct{})}
	return l.owner, nil
}

func (l *fakeLedger) set(f func(*fakeLedger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// evidence is the log in words, without its `seen`.
func (l *fakeLedger) evidence(epoch int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, e := range l.log {
		if e.Epoch == epoch && e.Type != attendance.Seen {
			lines = append(lines, evidenceLine(e))
		}
	}
	return lines
}

type fakeLease struct {
	ledger  *fakeLedger
	session SessionID
	epoch   int
	memory  Memory
	lost    chan struct{}

	// Guarded by ledger.mu.
	seq     int
	closed  bool
	flushed int
	health  Health
}

func (l *fakeLease) Epoch() int            { return l.epoch }
func (l *fakeLease) Now() time.Time        { return time.Now().Add(skew) }
func (l *fakeLease) Memory() Memory        { return l.memory }
func (l *fakeLease) Lost() <-chan struct{} { return l.lost }

func (l *fakeLease) Health() Health {
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	return Health{Behind: l.health.Behind, Durable: true}
}

// write is how an honest store takes things: from whoever has not closed, and
// nothing more from who has lost.
func (l *fakeLease) write(what string, f func(*fakeLedger)) {
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	select {
	case <-l.lost:
		l.ledger.t.Errorf("%s in epoch %d, which has lost the room", what, l.epoch)
	default:
	}
	if l.closed {
		l.ledger.t.Errorf("%s in epoch %d, which is closed", what, l.epoch)
	}
	f(l.ledger)
}

func (l *fakeLease) Record(events ...attendance.Event) {
	l.write("Record", func(s *fakeLedger) {
		for _, e := range events {
			l.seq++
			e.Session, e.Epoch, e.Seq = string(l.session), l.epoch, l.seq
			s.log = append(s.log, e)
		}
	})
}

func (l *fakeLease) Note(notes ...Note) {
	l.write("Note", func(s *fakeLedger) { s.notes = append(s.notes, notes...) })
}

func (l *fakeLease) Beat(b Beat) {
	l.write("Beat", func(s *fakeLedger) { s.beats = append(s.beats, b) })
}

func (l *fakeLease) Save(m Memory) {
	l.write("Save", func(s *fakeLedger) { s.memory = m })
}

func (l *fakeLease) Flush(ctx context.Context) error {
	l.ledger.mu.Lock()
	slow := l.ledger.slow
	l.ledger.mu.Unlock()
	if err := pause(ctx, slow); err != nil {
		return err
	}
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	l.flushed = l.seq
	return nil
}

func (l *fakeLease) Close(ctx context.Context) error {
	err := l.Flush(ctx)
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	if l.closed {
		l.ledger.t.Error("lease closed twice")
	}
	l.closed = true
	if l.ledger.owner == l {
		l.ledger.owner = nil
	}
	return err
}

// fakeOutbox is a browser that remembers what it was told.
type fakeOutbox struct {
	mu     sync.Mutex
	events []Event
	why    *Reason
}

func (o *fakeOutbox) Send(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		o.events = append(o.events, e)
	}
}

func (o *fakeOutbox) Close(why Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		o.why = &why
	}
}

// end is the code of the last word, "" while it was not said.
func (o *fakeOutbox) end() Code {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		return ""
	}
	return o.why.Code
}

// told reports whether an event of the same type as like came.
func (o *fakeOutbox) told(like Event) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.events, func(e Event) bool { return fmt.Sprintf("%T", e) == fmt.Sprintf("%T", like) })
}

// snapshot is the newest.
func (o *fakeOutbox) snapshot(t *testing.T) Snapshot {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range slices.Backward(o.events) {
		if s, ok := e.(Snapshot); ok {
			return s
		}
	}
	t.Fatal("no snapshot came")
	return Snapshot{}
}

// fakePlans is a schedule of one session.
type fakePlans struct {
	mu   sync.Mutex
	plan Plan
	err  error
	slow bool // it answers when the context ends
}

func (p *fakePlans) Plan(ctx context.Context, id SessionID) (Plan, error) {
	p.mu.Lock()
	plan, err, slow := p.plan, p.err, p.slow
	p.mu.Unlock()
	if slow {
		<-ctx.Done()
		return Plan{}, ctx.Err()
	}
	if err == nil && id != plan.Session {
		err = refuse(CodeNotFound, "There is no such session.")
	}
	return plan, err
}

func (p *fakePlans) set(f func(*fakePlans)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// seal and unseal are as good as a letter in the mirror, and fail like the real
// ones.
func seal(name string) (string, error) { return "sealed:" + name, nil }

func unseal(sealed string) (string, error) {
	name, ok := strings.CutPrefix(sealed, "sealed:")
	if !ok {
		return "", errors.New("another key")
	}
	return name, nil
}

// settled lets every goroutine of the bubble do what it can do now.
func settled() { synctest.Wait() }
