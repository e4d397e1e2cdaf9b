package redisstore

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// clinic has a program, a therapist and three patients.
func clinic(t *testing.T, b backend) *Store {
	t.Helper()
	s := b.open(t, t.TempDir(), "one")
	putProgram(t, s)
	putPeople(t, s, auth.Patient, "p1", "p2", "p3")
	putPeople(t, s, auth.Facilitator, "t1")
	return s
}

// held records a session in which these people were from its start for an hour.
func held(t *testing.T, s *Store, v schedule.Session, people ...string) {
	t.Helper()
	putSession(t, s, v)
	l := acquire(t, s, v.ID)
	l.Record(attendance.Event{Type: attendance.Opened, At: attendance.At(v.Start)})
	for _, p := range people {
		l.Record(admitted(v.Start, p, "c-"+p))
	}
	for _, p := range people {
		l.Record(attendance.Event{Type: attendance.Left, At: attendance.At(v.Start.Add(time.Hour)), Connection: "c-" + p, Reason: attendance.ReasonLeave})
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// credited is the minutes of every record, as "session person".
func credited(c *attendance.Case) map[string]int64 {
	minutes := map[string]int64{}
	for _, r := range attendance.Evaluate(c).Records {
		minutes[r.Session+" "+r.Person] = r.CreditedMS / 60000
	}
	return minutes
}

func TestCase(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		day := 24 * time.Hour
		held(t, s, group("tue", tuesday(), "p1", "p2"), "t1", "p1", "x1") // x1 has no document
		held(t, s, group("thu", tuesday().Add(2*day), "p1", "p3"), "t1", "p1", "p3")
		held(t, s, group("fri", tuesday().Add(3*day), "p3"), "t1", "p3", "p2") // p2 was a guest of that group
		held(t, s, group("sat", tuesday().Add(4*day), "p3"), "t1", "p3")       // nobody of tuesday
		held(t, s, group("next", tuesday().Add(7*day), "p1"), "t1", "p1")      // another week
		c, err := s.Case(t.Context(), "tue")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"tue p1": 60, "tue p2": 0, "thu p1": 60, "fri p2": 60}
		if diff := cmp.Diff(want, credited(c)); diff != "" {
			t.Errorf("credited minutes (-want +got):\n%s", diff)
		}
		people := []attendance.Person{
			{ID: "p1", Role: "patient"}, {ID: "p2", Role: "patient"}, {ID: "t1", Role: "facilitator"}, {ID: "x1", Role: "guest"}}
		if diff := cmp.Diff(people, c.People); diff != "" {
			t.Errorf("who is in the case: nobody who does not concern it (-want +got):\n%s", diff)
		}
		if since := time.Since(c.AsOf.Time()); since.Abs() > time.Minute {
			t.Errorf("as of %v", c.AsOf)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := attendance.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(attendance.Evaluate(c), attendance.Evaluate(decoded)); diff != "" {
			t.Errorf("the document evaluates otherwise (-case +document):\n%s", diff)
		}
		again, err := s.Case(t.Context(), "tue")
		if err != nil {
			t.Fatal(err)
		}
		again.AsOf = c.AsOf
		if second, _ := json.Marshal(again); string(second) != string(text) {
			t.Error("two cases of the same store differ")
		}

		week, err := s.CaseOfPerson(t.Context(), "p1", tuesday().Add(day), tuesday().Add(day+time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"tue p1": 60, "thu p1": 60}, credited(week)); diff != "" {
			t.Errorf("the week of p1 (-want +got):\n%s", diff)
		}
		if _, err := s.Case(t.Context(), "never"); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("Case of an unknown session = %v", err)
		}
	})
}

func TestARoleThatOnlyTheRoomKnew(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one") // neither program nor people were put in
		putSession(t, s, group("s", tuesday(), "p1"))
		l := acquire(t, s, "s")
		l.Save(rooms.Memory{People: []rooms.Remembered{{Person: "t9", Handle: "m1", Role: "facilitator"}}})
		l.Record(admitted(tuesday(), "t9", "c1-1"), admitted(tuesday(), "p1", "c1-2"), admitted(tuesday(), "p7", "c1-3"),
			attendance.Event{Type: attendance.Closed, At: attendance.At(tuesday().Add(time.Hour))})
		p7 := here("p7", "c1-3", l.Now())
		beaten(t, b, l, rooms.Beat{At: l.Now(), State: rooms.Live, Here: []rooms.Presence{p7}})
		flush(t, l)
		c, err := s.Case(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		want := []attendance.Person{{ID: "p1", Role: "patient"}, {ID: "p7", Role: "patient"}, {ID: "t9", Role: "facilitator"}}
		if diff := cmp.Diff(want, c.People); diff != "" {
			t.Errorf("people (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int64{"s p1": 60, "s p7": 60}, credited(c)); diff != "" {
			t.Errorf("credited (-want +got):\n%s", diff)
		}
	})
}

// The minutes of a running session, and of one that crashed and that nobody
// took over, reach up to the last beat, as they will when it is settled.
func TestTheLastBeatCounts(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		start := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
		putSession(t, s, group("s", start, "p1"))
		l := acquire(t, s, "s")
		l.Record(admitted(start, "t1", "c1-1"), admitted(start, "p1", "c1-2"))
		flush(t, l)
		alive := start.Add(40 * time.Minute)
		beaten(t, b, l, rooms.Beat{At: alive, State: rooms.Live, Here: []rooms.Presence{
			here("t1", "c1-1", alive), here("p1", "c1-2", alive.Add(-10*time.Minute))}})
		minutes := func() int64 {
			c, err := s.Case(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			return credited(c)["s p1"]
		}
		if got := minutes(); got != 30 {
			t.Errorf("%d minutes before the takeover, want 30: up to the last proof of life and no further", got)
		}
		wantStory(t, s, "s", "1 log 1 admitted c1-1", "1 log 2 admitted c1-2") // asking writes nothing
		acquire(t, s, "s")
		if got := minutes(); got != 30 {
			t.Errorf("%d minutes after the takeover, want 30", got)
		}
	})
}

func TestWeeksThatDecide(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 2, 0, 0, 0, 0, zone)
	for _, c := range []struct {
		name    string
		program attendance.Program
		at      time.Time
		want    time.Time
		weeks   int
	}{
		{"monday by default", attendance.Program{}, tuesday(), monday, 1},
		{"late on sunday, locally", attendance.Program{}, time.Date(2026, 11, 9, 5, 59, 0, 0, time.UTC), monday, 1},
		{"sunday", attendance.Program{WeekStart: "sunday"}, tuesday(), monday.AddDate(0, 0, -1), 1},
		{"saturday", attendance.Program{WeekStart: "saturday"}, tuesday(), monday.AddDate(0, 0, -2), 1},
		// While a week runs, the average is that of the complete ones before it (SPEC §8).
		{"an average of four", attendance.Program{Profile: attendance.VAMedicaidAdult}, tuesday(), monday.AddDate(0, 0, -28), 5},
		{"an average of two", attendance.Program{Profile: attendance.VAMedicaidAdult, Overrides: attendance.ProfileOverrides{
			AverageWeeks: attendance.OverrideWith(2)}}, tuesday(), monday.AddDate(0, 0, -14), 3},
		{"an average that was overridden", attendance.Program{Profile: attendance.VAMedicaidAdult, Overrides: attendance.ProfileOverrides{
			WeekBasis: attendance.OverrideWith(attendance.BasisAttended)}}, tuesday(), monday, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &assembly{Case: &attendance.Case{Program: c.program}, zone: zone}
			if got := a.firstWeek(c.at).Add(slack); !got.Equal(c.want) {
				t.Errorf("firstWeek = %v, want %v", got, c.want)
			}
			if got, want := a.weekAfter(c.at), c.want.AddDate(0, 0, 7*c.weeks).Add(slack); !got.Equal(want) {
				t.Errorf("weekAfter = %v, want %v", got, want)
			}
		})
	}
}
