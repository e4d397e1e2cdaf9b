package intake

import (
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// rosterTable is a CSV file of who is expected where, one person a row. Only
// those who are named change; whoever is not in the file stays as they are.
//
//	person_id    the id, or system|value
//	session_id   a session, or else
//	cohort_id    a cohort
//	status       of a session: expected (default), removed, excused_by_patient
//	             or excused_by_program; of a cohort: member (default) or removed
//	appointment  what the scheduler calls the person's place in the session
//	from, to     of a cohort: local dates, both included; an empty to goes on
type rosterTable struct {
	rows []row
}

func readRoster(rows []row, _ Settings, r *remarks) reader {
	clear := slices.DeleteFunc(rows, func(row row) bool {
		before := r.refused
		session, cohort := row.cells["session_id"], row.cells["cohort_id"]
		switch {
		case (session == "") == (cohort == ""):
			r.refuse(row.line, "session_id", "A row is of a session or of a cohort: one of session_id and cohort_id.")
		case !schedule.ValidID(session + cohort):
			r.refuse(row.line, "", "An id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : and -.")
		case session != "" && row.cells["from"]+row.cells["to"] != "":
			r.refuse(row.line, "from", "Dates are of cohorts; a session has its own.")
		case cohort != "" && row.cells["appointment"] != "":
			r.refuse(row.line, "appointment", "Appointments are of sessions.")
		}
		return r.refused > before
	})
	return &rosterTable{clear}
}

func (t *rosterTable) ask(f *File) {
	for _, row := range t.rows {
		if id, ok := identifierOf(row.cells["person_id"]); ok {
			f.needIdentifiers(id)
		}
		if row.cells["cohort_id"] != "" {
			f.need(schedule.Cohort{ID: schedule.CohortID(row.cells["cohort_id"])}.Called())
		} else {
			f.need(sessionName(rooms.SessionID(row.cells["session_id"])))
		}
	}
	if !f.asked.fresh.Empty() {
		return
	}
	for _, row := range t.rows {
		if row.cells["session_id"] == "" {
			continue
		}
		if person, ok := f.who(row.cells["person_id"]); ok {
			f.need(schedule.Excuse{Session: rooms.SessionID(row.cells["session_id"]), Person: person}.Called())
		}
	}
}

// who is personOf without a word about it.
func (f *File) who(word string) (rooms.PersonID, bool) {
	id, ok := identifierOf(word)
	if !ok {
		return rooms.PersonID(word), true
	}
	if people := f.known.People[id]; len(people) == 1 {
		return people[0], true
	}
	return "", false
}

func (t *rosterTable) wants(f *File) []want {
	b := newBench(f)
	for _, row := range t.rows {
		person, ok := f.personOf(row.cells["person_id"], row.line, "person_id")
		if !ok {
			continue
		}
		if b.lines[person] == 0 {
			b.lines[person] = row.line
		}
		if row.cells["cohort_id"] != "" {
			t.stay(b, row, person)
		} else {
			t.place(b, row, person)
		}
	}
	return b.wants(map[string]string{"roster": "person_id", "members": "person_id", "person": "person_id"})
}

// place is a row of a session.
func (t *rosterTable) place(b *bench, row row, person rooms.PersonID) {
	session, ok := b.session(rooms.SessionID(row.cells["session_id"]), row.line)
	if !ok {
		b.refuse(row.line, "session_id", "There is no such session. Put it in first.")
		return
	}
	switch row.cells["status"] {
	case "", "expected":
		session.expect(person, row.cells["appointment"])
		b.excuse(row.line, session.ID, person, "")
	case "removed":
		session.remove(person)
		b.excuse(row.line, session.ID, person, "")
	case "excused_by_patient":
		session.expect(person, row.cells["appointment"])
		b.excuse(row.line, session.ID, person, attendance.ByPatient)
	case "excused_by_program":
		session.expect(person, row.cells["appointment"])
		b.excuse(row.line, session.ID, person, attendance.ByProgram)
	default:
		b.refuse(row.line, "status", "This must be expected, removed, excused_by_patient or excused_by_program.")
	}
}

// stay is a row of a cohort.
func (t *rosterTable) stay(b *bench, row row, person rooms.PersonID) {
	cohort, ok := b.cohort(schedule.CohortID(row.cells["cohort_id"]), row.line)
	if !ok {
		b.refuse(row.line, "cohort_id", "There is no such cohort. Put it in first: PUT /v1/cohorts/{id}.")
		return
	}
	m := schedule.Member{Person: person}
	if m.From, ok = readDate(row, "from", b.remarks); !ok {
		return
	}
	if row.cells["to"] != "" {
		if m.To, ok = readDate(row, "to", b.remarks); !ok {
			return
		}
	}
	same := func(o schedule.Member) bool { return o.Person == person && o.From == m.From }
	switch row.cells["status"] {
	case "", "member":
		if i := slices.IndexFunc(cohort.Members, same); i >= 0 {
			cohort.Members[i] = m
		} else {
			cohort.Members = append(cohort.Members, m)
		}
	case "removed":
		cohort.Members = slices.DeleteFunc(cohort.Members, same)
	default:
		b.refuse(row.line, "status", "This must be member or removed.")
	}
}
