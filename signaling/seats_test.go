package signaling

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"viop/rooms"
)

// seats is an honest fake of the registry: one seat per person, the second
// replaces the first, a remembered resume token gives the seat back.
type seats struct {
	mu         sync.Mutex
	byPerson   map[rooms.PersonID]*seat
	remembered map[string]rooms.SeatInfo // by resume hash
	refuse     error
	delay      time.Duration
}

func newSeats() *seats {
	return &seats{byPerson: map[rooms.PersonID]*seat{}, remembered: map[string]rooms.SeatInfo{}}
}

func (s *seats) restarted() *seats {
	after := newSeats()
	for _, seat := range s.byPerson {
		hash, _ := seat.kept()
		after.remembered[hash] = seat.info
	}
	return after
}

func (s *seats) Join(ctx context.Context, e rooms.Entry, out rooms.Outbox) (Seat, error) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return nil, s.refuse
	}
	info, ok := s.remembered[e.ResumeHash]
	if e.Grant.Valid() {
		info, ok = rooms.SeatInfo{
			Session: rooms.SessionID(e.Grant.Session()), Person: rooms.PersonID(e.Grant.Subject()),
			Handle: rooms.Handle(fmt.Sprintf("m%d", len(s.byPerson)+1)), Role: string(e.Grant.Role()),
			Name: e.Grant.Name(), Audio: 11, Video: 12, Durable: true,
		}, true
	}
	if !ok {
		return nil, &rooms.Error{Code: rooms.CodeResume, Message: "Your place was given up."}
	}
	if former := s.byPerson[info.Person]; former != nil {
		former.out.Close(rooms.Reason{Code: rooms.CodeReplaced, Message: "You are here from another page now."})
	}
	mine := &seat{info: info, out: out}
	s.byPerson[info.Person] = mine
	mine.Snapshot()
	return mine, nil
}

// refuses makes Join refuse from now on.
func (s *seats) refuses(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// takes makes Join take its time.
func (s *seats) takes(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

func (s *seats) of(t *testing.T, person rooms.PersonID) *seat {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byPerson[person] == nil {
		t.Fatalf("%s has no seat", person)
	}
	return s.byPerson[person]
}

// seat records what it is asked.
type seat struct {
	info rooms.SeatInfo
	out  rooms.Outbox

	mu    sync.Mutex
	calls []string
	hash  string
	until time.Time
	seen  int
	held  chan struct{} // not nil: Do waits for it
}

func (s *seat) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

// told is what the seat was asked since the last time.
func (s *seat) told() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *seat) Info() rooms.SeatInfo { return s.info }

func (s *seat) KeepResume(hash string, until time.Time) {
	if b, err := hex.DecodeString(hash); err != nil || len(b) != 32 {
		panic("the hash is not a SHA-256")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.until = hash, until
}

func (s *seat) Snapshot() {
	s.out.Send(rooms.Snapshot{
		Room: rooms.RoomView{State: rooms.Live, Storage: "ok"}, You: s.info.Handle,
		People: []rooms.PersonView{{Handle: s.info.Handle, Role: s.info.Role, State: rooms.Waiting}},
	})
}

// lives is how many proofs of life there were.
func (s *seat) lives() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// kept is the resume token's hash and how long it is good.
func (s *seat) kept() (string, time.Time) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hash, s.until
}

// hold makes Do wait until it is let go.
func (s *seat) hold() (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = make(chan struct{})
	return func() { close(s.held) }
}

func (s *seat) Do(ctx context.Context, c rooms.Command) error {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.note("%T%+v", c, c)
	if m, ok := c.(rooms.Moderate); ok && s.info.Role != facilitator {
		return &rooms.Error{Code: rooms.CodeForbidden, Message: "Only facilitators may " + string(m.Action) + "."}
	}
	return nil
}

func (s *seat) Signal(v rooms.Signal) { s.note("signal %+v", v) }

func (s *seat) Want(v []rooms.Want) { s.note("want %+v", v) }

func (s *seat) Unlinked() { s.note("unlinked") }

func (s *seat) Linked(fresh bool) {
	s.note("linked fresh=%v", fresh)
	if fresh {
		s.Snapshot()
		s.out.Send(rooms.AttachMedia{})
	}
}

func (s *seat) Seen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
}

func (s *seat) Leave() {
	s.note("leave")
	s.out.Close(rooms.Reason{Code: rooms.CodeLeft, Message: "You have left the session."})
}
