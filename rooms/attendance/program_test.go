package attendance_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"viop/rooms/attendance"
)

// program is a Case of a whole program: groups of ten patients, four sessions
// of three hours a week, about a hundred events a session, some losses,
// corrections and signatures, as of the end of the last week.
func program(patients, weeks int) *attendance.Case {
	const size = 10
	monday := time.Date(2026, 8, 31, 5, 0, 0, 0, time.UTC) // midnight in Chicago
	c := &attendance.Case{
		Format:  attendance.Format,
		AsOf:    attendance.At(monday.AddDate(0, 0, 7*weeks)),
		Program: attendance.Program{Timezone: "America/Chicago", Counting: attendance.DefaultCounting()},
		People:  []attendance.Person{{ID: "t1", Role: attendance.Facilitator}},
	}
	for p := range patients {
		c.People = append(c.People, attendance.Person{ID: patientID(p), Role: attendance.Patient})
		c.Enrollments = append(c.Enrollments, attendance.Enrollment{
			Person: patientID(p), Start: attendance.At(monday), Profile: attendance.GenericAdult,
		})
	}
	for week := range weeks {
		for group := range patients / size {
			for i, day := range []int{0, 1, 3, 4} {
				start := monday.AddDate(0, 0, 7*week+day).Add(time.Duration(14+group%4) * time.Hour)
				s := attendance.Session{
					ID:             fmt.Sprintf("s-%03d-%03d-%d", week, group, i),
					Service:        attendance.Group,
					ScheduledStart: attendance.At(start),
					ScheduledEnd:   attendance.At(start.Add(3 * time.Hour)),
				}
				for p := range size {
					s.Roster = append(s.Roster, patientID(group*size+p))
				}
				c.Sessions = append(c.Sessions, s)
				evening(c, &s, (week+group+i)%7)
			}
		}
	}
	return c
}

func patientID(p int) string { return fmt.Sprintf("p%05d", p) }

// evening is one session: everybody waits, is let in, is lost and comes back
// a little later; the room is seen now and then; a break; the close; in one
// of seven somebody is added ten minutes, and it is signed.
func evening(c *attendance.Case, s *attendance.Session, kind int) {
	seq := 0
	add := func(after time.Duration, e attendance.Event) {
		seq++
		e.Session, e.Epoch, e.Seq = s.ID, 1, seq
		e.At = s.ScheduledStart + attendance.Instant(after.Milliseconds())
		c.Events = append(c.Events, e)
	}
	add(-5*time.Minute, attendance.Event{Type: attendance.Opened})
	add(-5*time.Minute, attendance.Event{Type: attendance.Admitted, Person: "t1", Connection: "t"})
	for i, p := range s.Roster {
		after := time.Duration(i) * 20 * time.Second
		first, second := fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i)
		add(after-time.Minute, attendance.Event{Type: attendance.Waiting, Person: p, Connection: first})
		add(after, attendance.Event{Type: attendance.Admitted, Person: p, Connection: first})
		add(after+time.Hour, attendance.Event{Type: attendance.Lost, Connection: first})
		back := after + time.Hour + time.Duration(20+15*i)*time.Second
		add(back, attendance.Event{Type: attendance.Waiting, Person: p, Connection: second})
		add(back, attendance.Event{Type: attendance.Admitted, Person: p, Connection: second})
	}
	add(90*time.Minute, attendance.Event{Type: attendance.BreakStarted})
	add(100*time.Minute, attendance.Event{Type: attendance.BreakEnded})
	for i := range 44 {
		add(time.Duration(4*i+1)*time.Minute, attendance.Event{Type: attendance.Seen})
	}
	add(3*time.Hour, attendance.Event{Type: attendance.Closed})
	if kind == 0 {
		c.Corrections = append(c.Corrections, attendance.Correction{
			ID: "k-" + s.ID, Session: s.ID, At: s.ScheduledEnd + 1000, By: "t1", Op: attendance.AddTime,
			Person: s.Roster[0], Start: s.ScheduledStart, End: s.ScheduledStart + 600_000, Reason: attendance.AdmitDelay,
		})
	}
	c.Signatures = append(c.Signatures, attendance.Signature{Session: s.ID, Version: 1, By: "t1", At: s.ScheduledEnd + 2000})
}

// BenchmarkProgram is the size of a large program, and half of it in either
// direction: the three times show that it grows with the events, not faster.
func BenchmarkProgram(b *testing.B) {
	for _, size := range []struct{ patients, weeks int }{{1000, 12}, {500, 12}, {1000, 6}, {2000, 12}} {
		name := fmt.Sprintf("patients=%d/weeks=%d", size.patients, size.weeks)
		c := program(size.patients, size.weeks)
		document, err := json.Marshal(c)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/evaluate", func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(c.Events)), "events")
			for b.Loop() {
				attendance.Evaluate(c)
			}
		})
		b.Run(name+"/document", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				decoded, err := attendance.Decode(document)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(attendance.Evaluate(decoded)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
