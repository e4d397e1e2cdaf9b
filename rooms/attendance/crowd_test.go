package attendance_test

import (
	"fmt"
	"testing"

	"viop/rooms/attendance"
)

// BenchmarkCrowd piles up one kind of thing where a careless evaluation would
// look at each of them for each of them. Doubling n should double the time.
func BenchmarkCrowd(b *testing.B) {
	kinds := []struct {
		name string
		of   func(n int) *attendance.Case
	}{
		{"events", crowdOfEvents},
		{"sessions", crowdOfSessions},
		{"corrections", crowdOfCorrections},
		{"rooms", crowdOfRooms},
		{"superseded", crowdOfSuperseded},
	}
	for _, kind := range kinds {
		for _, n := range []int{5_000, 10_000, 20_000} {
			c := kind.of(n)
			if err := c.Validate(); err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/n=%d", kind.name, n), func(b *testing.B) {
				for b.Loop() {
					attendance.Evaluate(c)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/item")
			})
		}
	}
}

const crowdStart attendance.Instant = 1_800_000_000_000

// crowd is one session of a day with one patient and nothing in it.
func crowd() *attendance.Case {
	return &attendance.Case{
		Format: attendance.Format, AsOf: crowdStart + 7*24*hour,
		Program: attendance.Program{Timezone: "Europe/Berlin", Counting: attendance.DefaultCounting()},
		People:  []attendance.Person{{ID: "p", Role: attendance.Patient}, {ID: "t", Role: attendance.Facilitator}},
		Sessions: []attendance.Session{{
			ID: "s", Service: attendance.Group, Roster: []string{"p"},
			ScheduledStart: crowdStart, ScheduledEnd: crowdStart + 24*hour,
		}},
		Signatures: []attendance.Signature{{Session: "s", Version: 1, By: "t", At: crowdStart + 24*hour}},
	}
}

// crowdOfEvents: n devices of one person, all there at once, seen all the time.
func crowdOfEvents(n int) *attendance.Case {
	c := crowd()
	for i := range n {
		at := crowdStart + attendance.Instant(2000*i)
		c.Events = append(c.Events,
			attendance.Event{Session: "s", Epoch: 1, Seq: 2 * i, At: at, Type: attendance.Admitted, Person: "p", Connection: fmt.Sprint(i)},
			attendance.Event{Session: "s", Epoch: 1, Seq: 2*i + 1, At: at + 1000, Type: attendance.Seen})
	}
	return c
}

// crowdOfSessions: n sessions of one person, all at once, each corrected and
// signed.
func crowdOfSessions(n int) *attendance.Case {
	c := crowd()
	c.Sessions, c.Signatures = nil, nil
	for i := range n {
		s := attendance.Session{
			ID: fmt.Sprint("s", i), Service: attendance.Group, Roster: []string{"p"},
			ScheduledStart: crowdStart + attendance.Instant(60_000*i), ScheduledEnd: crowdStart + attendance.Instant(60_000*i+3*hour),
		}
		c.Sessions = append(c.Sessions, s)
		c.Corrections = append(c.Corrections, attendance.Correction{
			ID: fmt.Sprint("k", i), Session: s.ID, At: crowdStart + 1000, By: "t", Op: attendance.AddTime, Person: "p",
			Start: s.ScheduledStart, End: s.ScheduledEnd, Reason: attendance.PayerRule,
		})
		c.Signatures = append(c.Signatures, attendance.Signature{Session: s.ID, Version: 1, By: "t", At: s.ScheduledEnd})
	}
	c.AsOf = c.Sessions[n-1].ScheduledEnd
	return c
}

// crowdOfCorrections: n of them on one record, adding and removing in turn.
func crowdOfCorrections(n int) *attendance.Case {
	c := crowd()
	for i := range n {
		start := crowdStart + attendance.Instant(1000*(i*7919%n))
		op := []attendance.Op{attendance.AddTime, attendance.RemoveTime, attendance.DeclareBreak, attendance.CancelBreak}[i%4]
		k := attendance.Correction{
			ID: fmt.Sprint("k", i), Session: "s", At: crowdStart + 24*hour + attendance.Instant(i), By: "t", Op: op,
			Start: start, End: start + 5000, Reason: attendance.PayerRule,
		}
		if i%4 < 2 {
			k.Person = "p"
		}
		c.Corrections = append(c.Corrections, k)
	}
	return c
}

// crowdOfRooms: one person, lost in a new room every time.
func crowdOfRooms(n int) *attendance.Case {
	c := crowd()
	for i := range n {
		at := crowdStart + attendance.Instant(3000*i)
		c.Events = append(c.Events,
			attendance.Event{Session: "s", Epoch: 1, Seq: 2 * i, At: at, Type: attendance.Admitted, Person: "p", Connection: "c", Room: fmt.Sprint("r", i)},
			attendance.Event{Session: "s", Epoch: 1, Seq: 2*i + 1, At: at + 2000, Type: attendance.Lost, Connection: "c"})
	}
	return c
}

// crowdOfSuperseded: a chain in which each correction supersedes the one before.
func crowdOfSuperseded(n int) *attendance.Case {
	c := crowdOfCorrections(n)
	for i := 1; i < n; i++ {
		c.Corrections[i].Supersedes = c.Corrections[i-1].ID
	}
	return c
}
