package records_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// monday is 18:00 on a Monday in Chicago.
var monday = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

// threeHours is a program in which one evening of three hours makes a week.
func threeHours(p *schedule.Program) {
	p.Overrides.WeekMinMinutes = attendance.OverrideWith(180)
	p.Overrides.DaysMin = attendance.NoLimit[int]()
}

// settlings counts what Run does.
type settlings struct {
	records.Store
	of map[rooms.SessionID]int
}

func (s *settlings) Settled(ctx context.Context, id rooms.SessionID, m records.Mark) error {
	s.of[id]++
	return s.Store.Settled(ctx, id, m)
}

func TestAVerdictReachesTheFeedOnce(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	counted := &settlings{h.store, map[rooms.SessionID]int{}}
	h.books = records.New(counted, quiet())
	h.putProgram(threeHours)
	h.put("s1", 0, 180, "p1", "p2")
	round := func(minute int, feed ...string) {
		t.Helper()
		h.clock.SetTime(h.time(minute))
		told := len(h.feed())
		for range 3 {
			h.books.Round(t.Context())
		}
		if got := sorted(h.feed()[told:]); !slices.Equal(got, feed) {
			t.Errorf("at minute %d the feed goes on with %q, want %q", minute, got, feed)
		}
	}
	round(-10) // nobody asks about a week before it begins
	round(0, "p1 at_risk< 0 m", "p2 at_risk< 0 m")

	l, err := h.store.Acquire(t.Context(), "s1")
	h.must(err)
	record := func(events ...attendance.Event) {
		l.Record(events...)
		h.must(l.Flush(t.Context()))
	}
	record(attendance.Event{Type: attendance.Opened, At: h.at(0)},
		attendance.Event{Type: attendance.Admitted, At: h.at(0), Person: "t1", Connection: "c1-1"},
		attendance.Event{Type: attendance.Admitted, At: h.at(0), Person: "p1", Connection: "c1-2"},
		attendance.Event{Type: attendance.Seen, At: h.at(6)})
	round(6, "p2 cannot_meet<at_risk 0 m") // six minutes that p2 was not there
	record(attendance.Event{Type: attendance.Seen, At: h.at(12)})
	round(12) // other numbers while the session goes on are no news
	h.wantReadings("s1")

	record(attendance.Event{Type: attendance.Closed, At: h.at(180)})
	h.must(l.Close(t.Context()))
	round(181, "p1 met<at_risk 3 h 00 m", "p2 cannot_meet<cannot_meet 0 m", "s1 p1 v1", "s1 p2 v1")
	h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 0 m")

	before := counted.of["s1"]
	round(300)
	round(60 * 24)
	if got := counted.of["s1"]; got != before {
		t.Errorf("settled %d times more though nothing has happened", got-before)
	}
	round(60*24*6+60*6, "p1 met<met 3 h 00 m", "p2 not_met<cannot_meet 0 m") // Sunday is over, and the weeks are final
	if got := counted.of["s1"]; got != before+1 {
		t.Errorf("settled %d times at the end of the week, want once", got-before)
	}
}

// A session that goes on is left alone for a while, whatever comes in.
func TestRunRests(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.put("s1", 0, 180, "p1")
	counted := &settlings{h.store, map[rooms.SessionID]int{}}
	h.books = records.New(counted, quiet())
	h.clock.SetTime(h.time(1))
	l, err := h.store.Acquire(t.Context(), "s1")
	h.must(err)
	l.Beat(rooms.Beat{At: h.time(1), Here: []rooms.Presence{{Person: "t1", Conn: "c1-1", State: rooms.Active}}})
	h.eventually("the beat is in the store", func() bool { return h.sheet("s1").Occupied })
	h.books.Round(t.Context())
	for i := range 5 { // something every second
		at := h.time(1).Add(time.Duration(i+1) * time.Second)
		h.clock.SetTime(at)
		l.Record(attendance.Event{Type: attendance.Seen, At: attendance.At(at)})
		h.must(l.Flush(t.Context()))
		h.books.Round(t.Context())
	}
	if got := counted.of["s1"]; got != 1 {
		t.Errorf("settled %d times within five seconds, want once", got)
	}
	h.clock.SetTime(h.time(1).Add(records.RestAfter))
	h.books.Round(t.Context())
	if got := counted.of["s1"]; got != 2 {
		t.Errorf("settled %d times after a rest, want twice", got)
	}
}

func TestRunUntilItIsStopped(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.start = h.start.Add(-20 * 24 * time.Hour)
		h.put("old", 0, 60, "p3")
		h.hold("old", 0, 60, stay{"p3", 0, 60})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.books.Run(ctx) }()
		h.eventually("what ended lately is settled", func() bool { return len(h.readings("s1")) == 2 })
		h.wantReadings("old") // too long ago to look at
		h.books.Nudge("old")
		h.eventually("what was nudged is settled", func() bool { return len(h.readings("old")) == 1 })
		stop()
		<-ended
	})
}

// The rules of a program decide about what was signed, too. It is never silent.
func TestRulesThatChangeAfterASignature(t *testing.T) {
	h := inMemory(t)
	h.evening()
	h.sign("s1", "t1", 1)
	h.putProgram(func(p *schedule.Program) { p.Counting.Clip = attendance.ClipActual })
	h.books.Round(t.Context())
	h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m")
	h.putProgram(func(p *schedule.Program) {
		p.Counting.FacilitatorScope, p.Counting.LateAfterMinutes = attendance.ScopeNone, 90
	})
	h.books.Round(t.Context())
	h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p2 v1 2 h 00 m") // p2 is late no more
	if stale := h.sheet("s1").Stale; len(stale) != 1 || stale[0].Person != "p2" {
		t.Errorf("Stale = %+v, want p2's record", stale)
	}
	if _, err := h.store.VerifyChain(t.Context(), "s1"); err == nil {
		t.Error("VerifyChain finds nothing")
	}
}
