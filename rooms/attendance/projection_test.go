package attendance_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// answer is what a Projection says of a person.
type answer struct {
	Record attendance.Record
	Week   *attendance.Week
	OK     bool
}

// projected is the same from Evaluate, on the case as it has grown.
func projected(c *attendance.Case, session, person string, asOf attendance.Instant) (a answer) {
	grown := *c
	grown.AsOf = asOf
	result := attendance.Evaluate(&grown)
	for _, r := range result.Records {
		if r.Session == session && r.Person == person {
			a.Record, a.OK = r, true
		}
	}
	for i, w := range result.Weeks {
		if a.OK && w.Person == person && w.Week <= a.Record.Date && a.Record.Date < w.Week+7 {
			a.Week = &result.Weeks[i]
		}
	}
	return a
}

// TestAProjectionIsTheEvaluationOfTheGrownCase gives a projection some of the
// evidence and then the rest one by one, in order or not, and asks in between.
func TestAProjectionIsTheEvaluationOfTheGrownCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		g := &cases{T: t}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		session := c.Sessions[g.below("projected", len(c.Sessions))]
		grown := *c
		rest := split(g, &grown, session.ID)
		grown.AsOf = one(g, "at first", c.AsOf, session.ScheduledStart, g.moment(&session))
		p, ok := attendance.NewProjection(&grown, session.ID)
		if !ok {
			t.Fatalf("NewProjection(%s) knows nothing", session.ID)
		}
		asOf := grown.AsOf
		for i := 0; ; i++ {
			asOf = max(asOf, one(g, "asked", asOf, asOf, asOf+5_000, c.AsOf, g.moment(&session)))
			if g.below("of the past", 12) == 0 {
				asOf = g.moment(&session)
			}
			for _, person := range []string{"p1", "p2", "p3"} {
				var got answer
				got.Record, got.Week, got.OK = p.Person(person, asOf)
				if diff := cmp.Diff(projected(&grown, session.ID, person, asOf), got); diff != "" {
					document, _ := json.Marshal(grown)
					t.Fatalf("after %d events, %s as of %v in %s of %s\n-Evaluate +Person\n%s", i, person, asOf, session.ID, document, diff)
				}
			}
			if i == len(rest) {
				return
			}
			p.Apply(rest[i])
			grown.Events = append(grown.Events, rest[i])
			if rest[i].Session == session.ID {
				asOf = max(asOf, rest[i].At)
			}
		}
	})
}

// split takes some evidence out of a case: the later part of a session's, and
// now and then one of another session, or one that stays in the case as well.
func split(g *cases, c *attendance.Case, session string) (rest []attendance.Event) {
	all := slices.Clone(c.Events)
	slices.SortStableFunc(all, func(a, b attendance.Event) int { return int(a.At - b.At) })
	c.Events = nil
	begun := one(g, "begun", 0, 5, 10)
	for _, e := range all {
		switch {
		case e.Session == session && begun == 0, g.below("late", 40) == 0:
			rest = append(rest, e)
		case e.Session == session:
			c.Events = append(c.Events, e)
			begun--
		default:
			c.Events = append(c.Events, e)
		}
	}
	if len(rest) > 16 {
		c.Events = append(c.Events, rest[16:]...)
		rest = rest[:16]
	}
	switch one(g, "arrive", "in order", "in order", "shuffled", "twice") {
	case "shuffled":
		rest = rapid.Permutation(rest).Draw(g.T, "arrival")
	case "twice":
		rest = append(rest, rest...)
	}
	return rest
}

// TestAQuestionLeavesNoTrace: a break that goes on at a question ends there in
// the answer, and not in what is answered later.
func TestAQuestionLeavesNoTrace(t *testing.T) {
	const minute = 60_000
	c := crowd()
	start := c.Sessions[0].ScheduledStart
	c.Sessions, c.Events, c.Corrections, c.Signatures = c.Sessions[:1], nil, nil, nil
	c.Sessions[0].Roster, c.AsOf = []string{"p"}, start
	p, _ := attendance.NewProjection(c, c.Sessions[0].ID)
	for i, e := range []attendance.Event{
		{At: start, Type: attendance.Admitted, Person: "t", Connection: "t"},
		{At: start, Type: attendance.Admitted, Person: "p", Connection: "p"},
		{At: start + 1*minute, Type: attendance.BreakStarted},
		{At: start + 2*minute, Type: attendance.BreakEnded},
		{At: start + 2*minute, Type: attendance.BreakStarted},
		{At: start + 4*minute, Type: attendance.BreakEnded},
		{At: start + 9*minute, Type: attendance.Seen},
	} {
		e.Session, e.Epoch, e.Seq = c.Sessions[0].ID, 1, i+1
		p.Apply(e)
		if _, _, ok := p.Person("p", e.At+3*minute); !ok {
			t.Fatal("Person knows nothing")
		}
	}
	r, _, _ := p.Person("p", start+9*minute)
	if r.LostBreakMS != 3*minute || r.CreditedMS != 6*minute {
		t.Errorf("lost in breaks %d ms, credited %d ms, want 3 and 6 minutes", r.LostBreakMS, r.CreditedMS)
	}
}

func TestAProjectionOfNothing(t *testing.T) {
	c := mustDecode(t, []byte(wellFormed))
	if _, ok := attendance.NewProjection(c, "s9"); ok {
		t.Error("NewProjection of an unknown session is ok")
	}
	p, _ := attendance.NewProjection(c, "s1")
	for _, person := range []string{"p9", "t1"} {
		if _, _, ok := p.Person(person, c.AsOf); ok {
			t.Errorf("Person(%s), who has no record, is ok", person)
		}
	}
}

// BenchmarkProjection is one event and one question in a session that is half
// over: of the whole program's week so far, or of a group with a long past.
// "late" events are losses dated back, which have the session read again.
func BenchmarkProjection(b *testing.B) {
	for _, size := range []struct{ patients, weeks int }{{1000, 1}, {10, 12}, {10, 52}} {
		c := program(size.patients, size.weeks)
		running := &c.Sessions[len(c.Sessions)-1]
		now := running.ScheduledStart + attendance.Instant((100 * time.Minute).Milliseconds())
		c.AsOf, c.Events = now, slices.DeleteFunc(c.Events, func(e attendance.Event) bool { return e.At > now })
		for _, late := range []bool{false, true} {
			if late && size.patients > 10 {
				continue // the past of others plays no part
			}
			b.Run(fmt.Sprintf("patients=%d/weeks=%d/late=%v", size.patients, size.weeks, late), func(b *testing.B) {
				p, _ := attendance.NewProjection(c, running.ID)
				person, asOf := running.Roster[0], now
				b.ReportAllocs()
				for i := range b.N {
					if late && i%20 == 19 { // the session stays as long as a session is
						b.StopTimer()
						p, _ = attendance.NewProjection(c, running.ID)
						asOf = now
						b.StartTimer()
					}
					asOf += 100
					e := attendance.Event{Session: running.ID, Epoch: 1, Seq: 1_000_000 + i, At: asOf, Type: attendance.Seen}
					if late {
						e.At, e.Type, e.Connection = now-60_000, attendance.Lost, "d0"
					}
					p.Apply(e)
					if r, w, ok := p.Person(person, asOf); !ok || w == nil || r.CreditedMS == 0 {
						b.Fatalf("%+v, %+v", r, w)
					}
				}
			})
		}
	}
}
