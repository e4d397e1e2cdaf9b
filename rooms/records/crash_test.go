package records_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// mortal is a store whose user dies: after some calls every further one fails,
// the last of them either before or after it has done its work.
type mortal struct {
	records.Store
	left    int
	replies bool // of the last call, nobody hears the answer
}

var errDead = errors.New("the process is gone")

// die does the work unless it is too late for it.
func (m *mortal) die(work func() error) error {
	m.left--
	switch {
	case m.left < 0 || m.left == 0 && !m.replies:
		return errDead
	case m.left == 0:
		return errors.Join(work(), errDead)
	}
	return work()
}

func (m *mortal) Owe(ctx context.Context, id rooms.SessionID) (debt string, err error) {
	return debt, m.die(func() error { debt, err = m.Store.Owe(ctx, id); return err })
}

func (m *mortal) Paid(ctx context.Context, debt string) error {
	return m.die(func() error { return m.Store.Paid(ctx, debt) })
}

func (m *mortal) Amend(ctx context.Context, seen records.Book, a records.Amendment, n rooms.Note) error {
	return m.die(func() error { return m.Store.Amend(ctx, seen, a, n) })
}

func (m *mortal) Keep(ctx context.Context, seen records.Book, r []records.Reading) error {
	return m.die(func() error { return m.Store.Keep(ctx, seen, r) })
}

func (m *mortal) Tell(ctx context.Context, c records.Change) error {
	return m.die(func() error { return m.Store.Tell(ctx, c) })
}

func (m *mortal) TellWeek(ctx context.Context, w records.ToldWeek, asOf attendance.Instant, runs bool) error {
	return m.die(func() error { return m.Store.TellWeek(ctx, w, asOf, runs) })
}

func (m *mortal) TellAuthorization(ctx context.Context, a records.ToldAuthorization, asOf attendance.Instant) error {
	return m.die(func() error { return m.Store.TellAuthorization(ctx, a, asOf) })
}

func (m *mortal) Settled(ctx context.Context, id rooms.SessionID, mark records.Mark) error {
	return m.die(func() error { return m.Store.Settled(ctx, id, mark) })
}

// longAgo is the evening and an individual hour beside it, signed, further
// back than Run looks by itself.
func longAgo(t *testing.T) *house {
	h := inMemory(t)
	h.start = h.start.Add(-20 * 24 * time.Hour)
	h.evening()
	h.putService("s2", attendance.Individual, 120, 180, "p1")
	h.hold("s2", 120, 150, stay{"p1", 120, 125})
	h.authorize(schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitSession, Count: 2})
	h.sign("s1", "t1", 1)
	h.sign("s2", "t1", 1)
	return h
}

// Whatever the call at which a process dies in the middle of a correction, the
// books come to the same: at the latest when the client tries again.
func TestACorrectionInterruptedAnywhere(t *testing.T) {
	correction := func(h *house) attendance.Correction {
		k := h.add("p1", 130, 140)
		k.ID = "k1"
		return k
	}
	interrupted(t, 8, longAgo,
		func(h *house, books *records.Books) error {
			_, err := books.Correct(t.Context(), "s2", correction(h))
			return err
		},
		func(h *house) bool { return len(h.sheet("s2").Corrections) == 1 })
}

// The same of a signature, which is the first thing that is said of its session.
func TestASignatureInterruptedAnywhere(t *testing.T) {
	seen := map[*house]records.Signature{} // what the client has read
	unsigned := func(t *testing.T) *house {
		h := inMemory(t)
		h.start = h.start.Add(-20 * 24 * time.Hour)
		h.evening()
		h.authorize(schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitHour, Count: 4})
		seen[h] = read(h.sheet("s1"), "t1", 1)
		return h
	}
	interrupted(t, 9, unsigned,
		func(h *house, books *records.Books) error {
			_, err := books.Sign(t.Context(), "s1", seen[h])
			return err
		},
		func(h *house) bool { return len(h.sheet("s1").Signatures) == 1 })
}

// interrupted does an act whole, and then, in other houses, with a process that
// dies at each of the calls that write: at least so many.
func interrupted(t *testing.T, atLeast int, house func(*testing.T) *house, act func(*house, *records.Books) error, made func(*house) bool) {
	whole := house(t)
	whole.must(act(whole, whole.books))
	readings, feed := whole.readings("s1"), whole.feed()

	calls := 0
	for _, replies := range []bool{false, true} {
		for n, alive := 1, true; alive; n++ {
			h := house(t)
			dying := &mortal{Store: h.store, left: n, replies: replies}
			err := act(h, records.New(dying, quiet()))
			alive = dying.left <= 0 // this time it died
			calls = max(calls, n)

			h.books.Round(t.Context()) // another process goes on
			if made(h) {
				h.wantSame(readings, feed, "after Round", n, replies)
			} else if err == nil {
				t.Errorf("dead at call %d: it says it is done, and it is not", n)
			}
			h.must(act(h, h.books)) // the client tries again
			h.wantSame(readings, feed, "tried again", n, replies)
			for _, id := range []rooms.SessionID{"s1", "s2"} {
				if _, _, err := h.store.Session(t.Context(), id); err == nil {
					h.wantVerified(id)
				}
			}
			owed, err := h.store.Owed(t.Context())
			if err != nil || len(owed) != 0 {
				t.Errorf("dead at call %d: owed is %v, %v", n, owed, err)
			}
		}
	}
	if calls < atLeast {
		t.Errorf("the act takes %d calls that write: the test does not reach them", calls)
	}
}

func (h *house) wantSame(readings, feed []string, when string, n int, replies bool) {
	h.t.Helper()
	if got := h.readings("s1"); !slices.Equal(got, readings) {
		h.t.Errorf("dead at call %d (it was done: %t), %s: kept is %q, want %q", n, replies, when, got, readings)
	}
	if got := sorted(h.feed()); !slices.Equal(got, sorted(feed)) {
		h.t.Errorf("dead at call %d (it was done: %t), %s: the feed is %q, want %q", n, replies, when, got, feed)
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// Two facilitators, one sheet: whoever is second hears of the first.
func TestOneCorrectsWhileTheOtherSigns(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.settle("s1")
		seen := h.sheet("s1")
		var correct, sign error
		var both sync.WaitGroup
		both.Go(func() { _, correct = h.books.Correct(t.Context(), "s1", h.add("p2", 30, 60)) })
		both.Go(func() { _, sign = h.books.Sign(t.Context(), "s1", read(seen, "t2", 1)) })
		both.Wait()
		h.must(correct) // always comes through: it does not depend on what was read
		if _, conflict := errors.AsType[*records.Conflict](sign); sign != nil && !conflict {
			t.Fatal(sign)
		}
		if sign == nil { // it was first
			h.want(h.sheet("s1"), "p1 v1 signed 3 h 00 m", "p2 v2 amended 2 h 30 m")
		} else {
			h.want(h.sheet("s1"), "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 2 h 30 m")
		}
		h.wantVerified("s1")
	})
}

func TestManyCorrectAtOnce(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		another := records.New(h.store, quiet()) // on another node
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			books := []*records.Books{h.books, another}[i%2]
			all.Go(func() { _, errs[i] = books.Correct(t.Context(), "s1", h.add("p2", 10*i, 10*i+10)) })
		}
		all.Wait()
		h.must(errors.Join(errs...))
		h.want(h.sheet("s1"), "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 3 h 00 m")
		var last attendance.Instant
		for _, k := range h.sheet("s1").Corrections {
			if k.At <= last {
				t.Errorf("correction %s is dated %v, not after the one before", k.ID, k.At)
			}
			last = k.At
		}
		h.wantRecomputed("s1")
		h.wantVerified("s1")
	})
}

// Only one of two retractions of the same correction can be.
func TestTwoSupersedeTheSame(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		k := h.add("p2", 30, 60)
		k.ID = "k1"
		h.correct("s1", k)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() {
				k := h.add("p2", 40+i, 60)
				k.Supersedes = "k1"
				_, errs[i] = h.books.Correct(t.Context(), "s1", k)
			})
		}
		both.Wait()
		lost := errors.Is(errs[0], records.ErrSuperseded) != errors.Is(errs[1], records.ErrSuperseded)
		if !lost || errs[0] != nil && errs[1] != nil {
			t.Errorf("two supersede one: %v and %v, want one of them refused", errs[0], errs[1])
		}
	})
}
