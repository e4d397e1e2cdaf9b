package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// want is a document as a file would have it.
type want struct {
	line     int
	document schedule.Document
	delete   bool
	// columns are the file's words for the fields of the document, by the first
	// part of a JSON pointer; a field without one is its own word.
	columns map[string]string
	// lines name people, where that is not the line of the document.
	lines map[rooms.PersonID]int
}

func (w want) lineOf(person rooms.PersonID) int {
	if line, ok := w.lines[person]; ok {
		return line
	}
	return w.line
}

func (w want) column(pointer string) string {
	field, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if column, ok := w.columns[field]; ok {
		return column
	}
	return field
}

// check holds the documents to what they must be, and to what there is.
func (f *File) check(wants []want) {
	for _, w := range wants {
		if w.delete {
			continue
		}
		var err error
		var people []role
		switch d := w.document.(type) {
		case schedule.Session:
			err = d.Check()
			f.checkProgram(w, d.Program)
			people = append(rolesOf("roster", auth.Patient, d.Roster...), rolesOf("facilitators", auth.Facilitator, d.Facilitators...)...)
		case schedule.Cohort:
			err = d.Check()
			f.checkProgram(w, d.Program)
			people = rolesOf("facilitators", auth.Facilitator, d.Facilitators...)
			for _, m := range d.Members {
				people = append(people, role{"members", auth.Patient, m.Person})
			}
		case schedule.Authorization:
			err = d.Check()
			people = rolesOf("person", auth.Patient, d.Person)
		case schedule.Excuse:
			err = d.Check()
			people = rolesOf("person", auth.Patient, d.Person)
		}
		if problems, ok := errors.AsType[form.Problems](err); ok {
			for _, p := range problems {
				f.remarks.refuse(w.line, w.column(p.Pointer), "%s", p.Detail)
			}
		}
		f.checkPeople(w, people)
	}
}

// role is what a list of a document takes somebody for.
type role struct {
	field  string
	role   auth.Role
	person rooms.PersonID
}

func rolesOf(field string, as auth.Role, people ...rooms.PersonID) []role {
	roles := make([]role, len(people))
	for i, person := range people {
		roles[i] = role{field, as, person}
	}
	return roles
}

// mentioned are the people and the program of a document, and itself.
func mentioned(d schedule.Document) []schedule.Name {
	names := []schedule.Name{d.Called()}
	var people []rooms.PersonID
	switch d := d.(type) {
	case schedule.Session:
		people = slices.Concat(d.Roster, d.Facilitators)
		names = append(names, schedule.Program{ID: d.Program}.Called())
	case schedule.Cohort:
		people = slices.Clone(d.Facilitators)
		names = append(names, schedule.Program{ID: d.Program}.Called())
		for _, m := range d.Members {
			people = append(people, m.Person)
		}
	case schedule.Authorization:
		people = append(people, d.Person)
	case schedule.Excuse:
		people = append(people, d.Person)
	}
	for _, person := range people {
		names = append(names, schedule.Person{ID: person}.Called())
	}
	return names
}

func (f *File) checkProgram(w want, id schedule.ProgramID) {
	if _, ok := f.program(id); !ok && id != "" {
		f.remarks.refuse(w.line, w.column("program"), "There is no such program. Put it in first: PUT /v1/programs/{id}.")
	}
}

func (f *File) checkPeople(w want, roles []role) {
	for _, r := range roles {
		person, ok := stored[schedule.Person](f, schedule.Person{ID: r.person}.Called())
		switch {
		case !schedule.ValidID(string(r.person)): // Check has said so
		case !ok:
			f.remarks.refuse(w.lineOf(r.person), w.column(r.field), "There is no such person. Put them in first: PUT /v1/people/{id}.")
		case person.Role != r.role:
			f.remarks.refuse(w.lineOf(r.person), w.column(r.field), "This is for people with the role %s; this person is a %s.", r.role, person.Role)
		}
	}
}

// compare finds what differs from what there is. Documents that stay as they
// are, are not written.
func (f *File) compare(wants []want) (writes []schedule.Write, changes []Change, count Count) {
	changes = []Change{}
	for _, w := range wants {
		name := w.document.Called()
		old, exists := f.known.Documents[name]
		document := w.document
		if exists {
			document = asBefore(document, old.Document)
		}
		change := Change{Line: w.line, Kind: string(name.Kind), ID: name.ID}
		switch {
		case w.delete && !exists:
			continue
		case w.delete:
			change.What = Deleted
		case !exists:
			change.What = Created
		default:
			change.Fields = differing(old.Document, document)
			change.What = outcome(old.Document, document, change.Fields)
		}
		change.Evidence = (name.Kind == schedule.KindSession || name.Kind == schedule.KindExcuse) && f.known.Evidence[rooms.SessionID(name.ID)]
		count.add(change.What)
		if change.What == Unchanged {
			continue
		}
		condition := schedule.Condition{Absent: !exists}
		if exists {
			condition.Tags = []schedule.Tag{old.Tag}
		}
		writes = append(writes, schedule.Write{Document: document, Delete: w.delete, If: condition})
		changes = append(changes, change)
	}
	return writes, changes, count
}

func outcome(before, after schedule.Document, fields []string) Outcome {
	old, isSession := before.(schedule.Session)
	now, _ := after.(schedule.Session)
	switch {
	case len(fields) == 0:
		return Unchanged
	case isSession && now.Cancelled() && !old.Cancelled():
		return Cancelled
	case isSession && (!now.Start.Equal(old.Start) || !now.End.Equal(old.End)):
		return Moved
	}
	return Changed
}

// asBefore writes what is the same in the words of before, so that another
// offset of the same instant or another order of a roster is no change.
func asBefore(after, before schedule.Document) schedule.Document {
	now, ok := after.(schedule.Session)
	old, ok2 := before.(schedule.Session)
	if !ok || !ok2 {
		return after
	}
	now.Start, now.End = sameInstant(now.Start, old.Start), sameInstant(now.End, old.End)
	now.Breaks = slices.Clone(now.Breaks)
	for i := range min(len(now.Breaks), len(old.Breaks)) {
		now.Breaks[i].Start = sameInstant(now.Breaks[i].Start, old.Breaks[i].Start)
		now.Breaks[i].End = sameInstant(now.Breaks[i].End, old.Breaks[i].End)
	}
	now.Roster, now.Facilitators = sameSet(now.Roster, old.Roster), sameSet(now.Facilitators, old.Facilitators)
	if now.Cancelled() == old.Cancelled() {
		now.Status = old.Status // "" is scheduled
	}
	return now
}

func sameInstant(now, old time.Time) time.Time {
	if now.Equal(old) {
		return old
	}
	return now
}

func sameSet(now, old []rooms.PersonID) []rooms.PersonID {
	a, b := slices.Clone(now), slices.Clone(old)
	slices.Sort(a)
	slices.Sort(b)
	if slices.Equal(a, b) {
		return old
	}
	return now
}

// differing are the names of the fields that do, sorted.
func differing(before, after schedule.Document) []string {
	old, now := fieldsOf(before), fieldsOf(after)
	var names []string
	for name, value := range now {
		if !bytes.Equal(value, old[name]) {
			names = append(names, name)
		}
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func fieldsOf(d schedule.Document) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	text, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		panic("intake: a document is no JSON object: " + err.Error())
	}
	return fields
}

// cancelled is the session as called off by the program.
func cancelled(s schedule.Session) schedule.Session {
	s.Status = attendance.SessionCancelled
	return s
}
