package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
)

// beat is a rooms.Beat as it is kept.
type beat struct {
	At    attendance.Instant `json:"at"`
	State rooms.RoomState    `json:"state"`
	// DriftMicros is how far Redis TIME was ahead of the evidence clock at the
	// beat before; ErrorMicros, how well the clock was read at first.
	DriftMicros int64      `json:"drift_us"`
	ErrorMicros int64      `json:"error_us"`
	Here        []presence `json:"here"`
}

// presence is a rooms.Presence as it is kept.
type presence struct {
	Person rooms.PersonID     `json:"person"`
	Handle rooms.Handle       `json:"handle"`
	Role   string             `json:"role"`
	State  rooms.SeatState    `json:"state"`
	Room   string             `json:"room,omitempty"`
	Conn   rooms.Conn         `json:"conn,omitempty"`
	Since  attendance.Instant `json:"since,omitzero"`
	Seen   attendance.Instant `json:"seen,omitzero"`
}

func instantOf(t time.Time) attendance.Instant {
	if t.IsZero() {
		return 0
	}
	return attendance.At(t)
}

func timeOf(i attendance.Instant) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return i.Time()
}

func (l *lease) kept(b rooms.Beat) ([]byte, error) {
	doc := beat{
		At: attendance.At(b.At), State: b.State,
		DriftMicros: l.drift().Microseconds(), ErrorMicros: l.clock.error.Microseconds(),
		Here: make([]presence, 0, len(b.Here)),
	}
	for _, h := range b.Here {
		doc.Here = append(doc.Here, presence{
			Person: h.Person, Handle: h.Handle, Role: h.Role, State: h.State, Room: h.Room, Conn: h.Conn,
			Since: instantOf(h.Since), Seen: instantOf(h.Seen),
		})
	}
	return json.Marshal(doc)
}

// beater holds the newest beat until it has been written; older ones are not
// worth writing.
type beater struct {
	fresh chan struct{} // put -> runBeats; holds one token

	mu       sync.Mutex // guards the rest
	newest   rooms.Beat
	fileErr  error
	storeErr error
}

func newBeater() *beater { return &beater{fresh: make(chan struct{}, 1)} }

func (b *beater) put(beat rooms.Beat) {
	b.mu.Lock()
	b.newest = beat
	b.mu.Unlock()
	poke(b.fresh)
}

func (b *beater) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storeErr != nil {
		return b.storeErr
	}
	return b.fileErr
}

// runBeats writes every beat to a small file, so that a crash while Redis is
// away loses one at most, and then to Redis, again and again until that works
// or a newer one is there. It ends with ctx.
func (l *lease) runBeats(ctx context.Context) {
	var wait backoff
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.beater.fresh:
			l.beatFile()
		case <-again:
		}
		again = nil
		if err := l.beatStore(ctx); err == nil {
			wait = backoff{}
		} else {
			wait.next = min(max(firstWait, 2*wait.next), longestWait)
			again = time.After(wait.next)
		}
	}
}

func (l *lease) beatFile() {
	l.beater.mu.Lock()
	newest := l.beater.newest
	l.beater.mu.Unlock()
	text, err := l.kept(newest)
	if err == nil {
		err = writeFile(l.store.file(l.owned, beatSuffix), text, false)
	}
	l.beater.mu.Lock()
	was := l.beater.fileErr
	l.beater.fileErr = err
	l.beater.mu.Unlock()
	if err != nil && was == nil {
		l.log.Error("the beat file cannot be written", "err", err)
	}
}

// beatWait bounds one beat's way to Redis.
const beatWait = 3 * time.Second

// beatStore renews the lease. It is not interrupted by the end of the lease: a
// beat that is still under way must not arrive after the lease was given back.
func (l *lease) beatStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatWait)
	defer cancel()
	l.beater.mu.Lock()
	newest := l.beater.newest
	l.beater.mu.Unlock()
	text, err := l.kept(newest)
	if err != nil {
		return err
	}
	select {
	case <-l.lost:
		return nil // the file is all there is left to do
	default:
	}
	keys := []string{leaseKey(l.session), beatsKey(l.session), headsKey(l.session)}
	stored := l.rec.lasts() // before asking: what is stored meanwhile is not missed
	sent := time.Now()
	answer, err := l.store.run(ctx, l.store.scripts.beat, keys, l.epoch, l.store.node, LeaseTTL.Milliseconds(), text)
	received := time.Now()
	l.beater.mu.Lock()
	l.beater.storeErr = err
	l.beater.mu.Unlock()
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if answer.number(0) == 0 {
		l.lose("another node owns it")
		return nil
	}
	l.measure(answer.time(1), sent, received)
	if seqOf(answer.text(3)) < stored.log || seqOf(answer.text(4)) < stored.audit {
		l.rec.again()
	}
	return nil
}

// How far the evidence clock may come apart from Redis TIME, because the node
// slept or the clock of Redis was set, before the log says so and before the
// lease is given up. Evidence of a shifted clock could credit time after the
// scheduled end as if it were before it, so the room is taken anew: the next
// epoch is anchored anew, and the gap shows.
const (
	noteDrift = time.Second
	maxDrift  = 5 * time.Second
)

func (l *lease) measure(redis, sent, received time.Time) {
	was, drift := l.drift(), l.clock.drift(redis, sent, received)
	l.apart.Store(int64(drift))
	switch {
	case drift.Abs() > maxDrift:
		l.log.Error("the evidence clock is wrong: the node slept, or the clock of Redis was set", "drift", drift)
		l.lose("its clock is wrong")
	case drift.Abs() > noteDrift && was.Abs() <= noteDrift:
		l.log.Warn("the evidence clock and Redis TIME have come apart", "drift", drift)
	}
}
