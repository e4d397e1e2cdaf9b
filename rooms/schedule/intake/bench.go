package intake

import (
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// A bench is where documents lie that more than one line of a file has a say
// in. They are copies of what is stored; what is done to them stays.
type bench struct {
	*remarks
	file   *File
	places map[schedule.Name]int // into items
	items  []item
	lines  map[rooms.PersonID]int // that first name somebody
}

// An item is one document on the bench: one of session, cohort and excuse.
type item struct {
	line    int
	session *place
	cohort  *schedule.Cohort
	excuse  *schedule.Excuse
	delete  bool
}

func newBench(f *File) *bench {
	return &bench{remarks: &f.remarks, file: f, places: map[schedule.Name]int{}, lines: map[rooms.PersonID]int{}}
}

// put lays a document on the bench.
func (b *bench) put(name schedule.Name, i item) {
	b.places[name] = len(b.items)
	b.items = append(b.items, i)
}

// place is a session in which people have places.
type place struct{ schedule.Session }

// session is on the bench, or is fetched.
func (b *bench) session(id rooms.SessionID, line int) (*place, bool) {
	name := sessionName(id)
	if i, ok := b.places[name]; ok {
		return b.items[i].session, true
	}
	s, ok := b.file.session(id)
	if !ok {
		return nil, false
	}
	return b.putSession(s, line), true
}

func (b *bench) putSession(s schedule.Session, line int) *place {
	s.Roster, s.Facilitators = slices.Clone(s.Roster), slices.Clone(s.Facilitators)
	s.Appointments = slices.Clone(s.Appointments)
	p := &place{s}
	b.put(s.Called(), item{line: line, session: p})
	return p
}

func (b *bench) cohort(id schedule.CohortID, line int) (*schedule.Cohort, bool) {
	name := schedule.Cohort{ID: id}.Called()
	if i, ok := b.places[name]; ok {
		return b.items[i].cohort, true
	}
	c, ok := stored[schedule.Cohort](b.file, name)
	if !ok {
		return nil, false
	}
	return b.putCohort(c, line), true
}

func (b *bench) putCohort(c schedule.Cohort, line int) *schedule.Cohort {
	c.Members = slices.Clone(c.Members)
	b.put(c.Called(), item{line: line, cohort: &c})
	return &c
}

// excuse says who excused the person; "" takes an excuse away, if there is one.
func (b *bench) excuse(line int, session rooms.SessionID, person rooms.PersonID, by attendance.ExcusedBy) {
	e := schedule.Excuse{Session: session, Person: person, By: by}
	if i, ok := b.places[e.Called()]; ok {
		b.items[i].excuse, b.items[i].delete = &e, by == ""
		return
	}
	if _, exists := stored[schedule.Excuse](b.file, e.Called()); exists || by != "" {
		b.put(e.Called(), item{line: line, excuse: &e, delete: by == ""})
	}
}

// wants are the documents in the order in which they came.
func (b *bench) wants(columns map[string]string) []want {
	var wants []want
	for _, i := range b.items {
		w := want{line: i.line, delete: i.delete, columns: columns, lines: b.lines}
		switch {
		case i.session != nil:
			w.document = i.session.Session
		case i.cohort != nil:
			w.document = *i.cohort
		default:
			w.document = *i.excuse
		}
		wants = append(wants, w)
	}
	return wants
}

// expect puts the person on the roster.
func (p *place) expect(person rooms.PersonID, appointment string) {
	if !slices.Contains(p.Roster, person) {
		p.Roster = append(p.Roster, person)
	}
	if appointment == "" {
		return
	}
	i := slices.IndexFunc(p.Appointments, func(a schedule.Appointment) bool { return a.Person == person })
	if i < 0 {
		p.Appointments = append(p.Appointments, schedule.Appointment{Person: person, Reference: appointment})
	} else {
		p.Appointments[i].Reference = appointment
	}
}

func (p *place) remove(person rooms.PersonID) {
	p.Roster = slices.DeleteFunc(p.Roster, func(o rooms.PersonID) bool { return o == person })
	p.Appointments = slices.DeleteFunc(p.Appointments, func(a schedule.Appointment) bool { return a.Person == person })
}
