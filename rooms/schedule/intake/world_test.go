package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
	"viop/rooms/schedule/intake"
)

// world is a store in memory: it answers what a File needs, and writes what
// comes out of it.
type world struct {
	documents map[schedule.Name]schedule.Stored
	evidence  map[rooms.SessionID]bool
	version   int
}

// newWorld has the program "evening" in Chicago, its patients p1 to p4 with
// record numbers and addresses, and its facilitators t1 and t2.
func newWorld() *world {
	w := &world{documents: map[schedule.Name]schedule.Stored{}, evidence: map[rooms.SessionID]bool{}}
	for id, zone := range map[schedule.ProgramID]string{"evening": "America/Chicago", "berlin": "Europe/Berlin"} {
		program := schedule.Program{ID: id}
		program.Timezone, program.Counting = zone, attendance.DefaultCounting()
		w.put(program)
	}
	for _, id := range []string{"p1", "p2", "p3", "p4", "t1", "t2"} {
		role := auth.Patient
		if id[0] == 't' {
			role = auth.Facilitator
		}
		w.put(schedule.Person{ID: rooms.PersonID(id), Role: role, Program: "evening", Identifiers: []schedule.Identifier{
			{System: "https://clinic.example.org/mrn", Value: "M-" + id}, {System: "mailto", Value: id + "@example.org"},
			{System: "fhir", Value: map[byte]string{'p': "Patient/", 't': "Practitioner/"}[id[0]] + id},
		}})
	}
	w.put(schedule.Cohort{ID: "dawn", Program: "evening", Track: schedule.Morning, Facilitators: []rooms.PersonID{"t1"}, Members: []schedule.Member{
		{Person: "p1", From: date("2026-10-01")}, {Person: "p2", From: date("2026-10-01"), To: date("2026-11-10")},
	}})
	return w
}

func date(text string) (d attendance.Date) {
	if err := d.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return d
}

func (w *world) put(d schedule.Document) {
	w.version++
	w.documents[d.Called()] = schedule.Stored{Document: d, Tag: schedule.Tag(fmt.Sprint(w.version))}
}

// fetch answers what a File needs.
func (w *world) fetch(n intake.Needs) intake.Known {
	k := intake.Known{Documents: map[schedule.Name]schedule.Stored{}, People: map[schedule.Identifier][]rooms.PersonID{}, Evidence: w.evidence}
	for _, name := range n.Documents {
		if stored, ok := w.documents[name]; ok {
			k.Documents[name] = stored
		}
	}
	for name, stored := range w.documents {
		switch d := stored.Document.(type) {
		case schedule.Person:
			for _, id := range d.Identifiers {
				if slices.Contains(n.Identifiers, id) {
					k.People[id] = append(k.People[id], d.ID)
				}
			}
		case schedule.Session:
			if n.Source != "" && d.Source.System == n.Source && d.Start.Before(n.Until) && d.End.After(n.From) {
				k.Documents[name] = stored
			}
		}
	}
	return k
}

// take runs a file and, when it is not refused, writes what it comes to.
func (w *world) take(format intake.Format, text []byte, s intake.Settings) ([]schedule.Write, intake.Report) {
	file := intake.Read(format, text, s)
	for needs := file.Needs(); !needs.Empty(); needs = file.Needs() {
		file.Learn(w.fetch(needs))
	}
	writes, report := file.Result()
	for _, write := range writes {
		name := write.Document.Called()
		if err := write.If.Check(w.documents[name].Tag); err != nil {
			panic(fmt.Sprintf("%v: %v", name, err))
		}
		if write.Keep {
			continue
		}
		if write.Delete {
			delete(w.documents, name)
		} else {
			w.put(write.Document)
		}
	}
	return writes, report
}

// describe a write in a line.
func describe(w schedule.Write) string {
	if w.Keep {
		return fmt.Sprintf("as long as %v is the same", w.Document.Called())
	}
	if w.Delete {
		return fmt.Sprintf("delete %v", w.Document.Called())
	}
	text := fmt.Sprintf("%v:", w.Document.Called())
	add := func(name string, value any) {
		if s := strings.Trim(fmt.Sprint(value), "[]"); s != "" {
			text += fmt.Sprintf(" %s=%s", name, s)
		}
	}
	switch d := w.Document.(type) {
	case schedule.Session:
		text += fmt.Sprintf(" %s – %s %s", d.Start.Format(time.RFC3339), d.End.Format(time.RFC3339), d.Service)
		add("title", d.Title)
		for _, b := range d.Breaks {
			text += fmt.Sprintf(" break=%s–%s", b.Start.Format("15:04"), b.End.Format("15:04"))
		}
		add("roster", d.Roster)
		add("staff", d.Facilitators)
		add("cohort", d.Cohort)
		add("appointments", d.Appointments)
		add("status", d.Status)
		if d.Source.Sequence > 0 {
			add("sequence", d.Source.Sequence)
		}
	case schedule.Cohort:
		for _, m := range d.Members {
			text += fmt.Sprintf(" %s from %v", m.Person, m.From)
			if m.To != 0 {
				text += fmt.Sprintf(" to %v", m.To)
			}
		}
	case schedule.Authorization:
		text += fmt.Sprintf(" %s %d %s %v – %v payer=%q reference=%q", d.Person, d.Count, d.Unit, d.From, d.To, d.Payer, d.Reference)
	case schedule.Excuse:
		text += " by " + string(d.By)
	}
	return text
}
