package intake

import (
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// A booking is an Appointment whose session and patient are known.
type booking struct {
	appointment
	session    rooms.SessionID // "" when it says neither start nor group
	key        string
	start, end time.Time
	patient    rooms.PersonID
	staff      []rooms.PersonID
}

// reference is what the scheduling system calls the patient's place.
func (a appointment) reference() string { return "Appointment/" + a.ID }

// takesPart reports whether somebody is expected by the appointment.
func (a appointment) takesPart() bool {
	return slices.Contains([]string{"booked", "arrived", "checked-in", "fulfilled", "noshow"}, a.Status)
}

func (b *bundle) ask(f *File) {
	names := []schedule.Name{programName(b.settings.Program)}
	for _, g := range b.groups {
		names = append(names, schedule.Cohort{ID: schedule.CohortID(g.ID)}.Called())
		for _, m := range g.Member {
			f.needIdentifiers(b.who(m.Entity)...)
		}
	}
	from, until := b.settings.From, b.settings.Until
	var unheard remarks
	for _, a := range b.appointments {
		for _, p := range a.Participant {
			f.needIdentifiers(b.who(p.Actor)...)
		}
		if start, _, ok := a.times(&unheard); ok {
			if start.Before(from) {
				from = start
			}
			if start.After(until) {
				until = start.Add(day)
			}
			if key := b.key(a, start); key != "" {
				names = append(names, sessionName(b.sessionID(key)))
			}
		}
	}
	f.need(names...)
	if len(b.appointments) > 0 {
		f.needSource(b.settings.Source, from, until)
	}
	if !f.asked.fresh.Empty() {
		return
	}
	for _, a := range b.appointments {
		patient, ok := b.patient(f, a, &unheard)
		if !ok {
			continue
		}
		if start, _, ok := a.times(&unheard); ok {
			f.need(schedule.Excuse{Session: b.sessionID(b.key(a, start)), Person: patient}.Called())
		}
		for _, s := range b.holding(f, a) {
			f.need(schedule.Excuse{Session: s.ID, Person: patient}.Called())
		}
	}
}

func (b *bundle) sessionID(key string) rooms.SessionID {
	return sessionID("fhir", string(b.settings.Program), b.settings.Source, key)
}

// holding are the stored sessions in which the appointment is a place.
func (b *bundle) holding(f *File, a appointment) []schedule.Session {
	if b.places == nil {
		b.places = map[string][]schedule.Session{}
		for _, s := range f.sessionsOf(b.settings.Source) {
			for _, o := range s.Appointments {
				b.places[o.Reference] = append(b.places[o.Reference], s)
			}
		}
	}
	return b.places[a.reference()]
}

// found is the one person behind an actor.
func (b *bundle) found(f *File, actor reference, line int, pointer string, r *remarks) (rooms.PersonID, bool) {
	var people []rooms.PersonID
	for _, id := range b.who(actor) {
		for _, person := range f.known.People[id] {
			if !slices.Contains(people, person) {
				people = append(people, person)
			}
		}
	}
	switch len(people) {
	case 0:
		r.refuse(line, pointer, "Nobody is known by an identifier of this actor. Put it into the person's identifiers first: PUT /v1/people/{id}.")
		return "", false
	case 1:
		return people[0], true
	}
	r.refuse(line, pointer, "More than one person is known by the identifiers of this actor.")
	return "", false
}

// patient is the one whose appointment it is.
func (b *bundle) patient(f *File, a appointment, r *remarks) (person rooms.PersonID, ok bool) {
	n := 0
	for _, p := range a.Participant {
		if p.Actor.kind() == "Patient" {
			n++
			person, ok = b.found(f, p.Actor, a.line, a.pointer+"/participant", r)
		}
	}
	if n != 1 {
		r.refuse(a.line, a.pointer+"/participant", "An Appointment is of one patient; a group is as many Appointments.")
		return "", false
	}
	return person, ok
}

func (b *bundle) wants(f *File) []want {
	r := &f.remarks
	zone := f.zoneOf(b.settings.Program, 0, "program")
	if zone == nil {
		return nil
	}
	bench := newBench(f)
	seen := map[string]bool{}
	var bookings []booking
	for _, a := range b.appointments {
		if seen[a.ID] {
			r.refuse(a.line, a.pointer+"/id", "This Appointment is in the file twice.")
			continue
		}
		seen[a.ID] = true
		if one, ok := b.booking(f, a); ok {
			bookings = append(bookings, one)
		}
	}
	b.agree(bookings, r)
	if r.refused > 0 {
		bookings = nil // their sessions would be others
	}
	for _, one := range bookings {
		b.seat(bench, one)
	}
	b.emptied(bench)
	for _, g := range b.groups {
		b.cohort(bench, g, zone)
	}
	return bench.wants(map[string]string{
		"scheduled_start": "start", "scheduled_end": "end", "roster": "participant", "facilitators": "participant", "members": "member",
	})
}

// booking reads an appointment; ok is false when it says nothing to anybody or
// is refused.
func (b *bundle) booking(f *File, a appointment) (one booking, ok bool) {
	r := &f.remarks
	one.appointment = a
	if a.ID == "" || len(a.ID) > 64 {
		r.refuse(a.line, a.pointer+"/id", "An Appointment needs an id.")
		return one, false
	}
	switch a.Status {
	case "booked", "arrived", "checked-in", "fulfilled":
	case "noshow":
		r.note(a.line, a.pointer+"/status", "Whether somebody came is for the evidence to say; the patient stays expected.")
	case "cancelled", "entered-in-error":
	case "proposed", "pending", "waitlist":
		r.note(a.line, a.pointer+"/status", "This is not booked; nobody is expected by it.")
	default:
		r.refuse(a.line, a.pointer+"/status", "This is not a status of an Appointment in R4.")
		return one, false
	}
	if one.patient, ok = b.patient(f, a, r); !ok {
		return one, false
	}
	if a.takesPart() || a.Start != "" {
		if one.start, one.end, ok = a.times(r); !ok {
			return one, false
		}
		if one.key = b.key(a, one.start); one.key == "" {
			r.refuse(a.line, a.pointer+"/identifier", "This has no identifier of the system that says which appointments are of one session.")
			return one, false
		}
		one.session = b.sessionID(one.key)
	}
	for _, p := range a.Participant {
		if kind := p.Actor.kind(); a.takesPart() && (kind == "Practitioner" || kind == "PractitionerRole") {
			person, ok := b.found(f, p.Actor, a.line, a.pointer+"/participant", r)
			if ok && !slices.Contains(one.staff, person) {
				one.staff = append(one.staff, person)
			}
		}
		if p.Status == "declined" && a.takesPart() {
			r.note(a.line, a.pointer+"/participant", "Whoever declined is still expected, until the Appointment is cancelled.")
		}
	}
	return one, true
}

// agree refuses appointments of one session that say different things of it.
func (b *bundle) agree(bookings []booking, r *remarks) {
	first := map[rooms.SessionID]booking{}
	for _, one := range bookings {
		if !one.takesPart() {
			continue
		}
		other, met := first[one.session]
		switch {
		case !met:
			first[one.session] = one
		case !other.start.Equal(one.start) || !other.end.Equal(one.end):
			r.refuse(one.line, one.pointer+"/start", "Appointments of the same session begin and end at the same time; another one in the file does not.")
		case b.service(other.appointment) != b.service(one.appointment):
			r.refuse(one.line, one.pointer+"/serviceType", "Appointments of the same session are of the same service; another one in the file is not.")
		}
	}
}

// seat does to the session what the appointment says.
func (b *bundle) seat(bench *bench, one booking) {
	for _, s := range b.holding(bench.file, one.appointment) {
		if s.ID == one.session || !one.takesPart() {
			continue
		}
		if old, ok := bench.session(s.ID, one.line); ok {
			old.remove(one.patient)
			bench.excuse(one.line, s.ID, one.patient, "")
			bench.note(one.line, one.pointer, "The patient's place was in another session before and was taken away there.")
		}
	}
	if one.takesPart() {
		p := b.session(bench, one)
		p.expect(one.patient, one.reference())
		for _, id := range one.staff {
			if !slices.Contains(p.Facilitators, id) {
				p.Facilitators = append(p.Facilitators, id)
			}
		}
		bench.excuse(one.line, one.session, one.patient, "")
		return
	}
	places := []rooms.SessionID{}
	for _, s := range b.holding(bench.file, one.appointment) {
		places = append(places, s.ID)
	}
	if len(places) == 0 && one.session != "" {
		places = append(places, one.session)
	}
	for _, id := range places {
		p, ok := bench.session(id, one.line)
		if !ok || !slices.Contains(p.Roster, one.patient) {
			continue
		}
		if one.Status == "cancelled" {
			bench.excuse(one.line, id, one.patient, b.cancelledBy(one, bench.remarks))
		} else {
			p.remove(one.patient)
			bench.excuse(one.line, id, one.patient, "")
		}
	}
}

// cancelledBy reads the reason (valueset appointment-cancellation-reason: the
// codes of the patient begin with pat).
func (b *bundle) cancelledBy(one booking, r *remarks) attendance.ExcusedBy {
	for _, coding := range one.CancelationReason.Coding {
		if len(coding.Code) >= 3 && coding.Code[:3] == "pat" {
			return attendance.ByPatient
		}
		if coding.Code != "" {
			return attendance.ByProgram
		}
	}
	r.note(one.line, one.pointer+"/cancelationReason", "No reason says who cancelled; it was taken as the program.")
	return attendance.ByProgram
}

// session of a booking, as the appointment has it.
func (b *bundle) session(bench *bench, one booking) *place {
	p, ok := bench.session(one.session, one.line)
	if !ok {
		p = bench.putSession(schedule.Session{ID: one.session, Program: b.settings.Program, Roster: []rooms.PersonID{}}, one.line)
	}
	p.Start, p.End, p.Service = one.start, one.end, b.service(one.appointment)
	p.Source = schedule.Source{System: b.settings.Source, UID: one.key}
	p.Breaks = within(p.Session)
	if p.Cancelled() {
		p.Status = attendance.SessionScheduled
	}
	return p
}

// emptied calls off sessions from which the last patient was taken away.
func (b *bundle) emptied(bench *bench) {
	for _, i := range bench.items {
		if i.session == nil || len(i.session.Roster) > 0 || i.session.Cancelled() {
			continue
		}
		if bench.file.known.Evidence[i.session.ID] {
			bench.note(i.line, "participant", "Nobody is expected in this session any more, but somebody has been in it; it was left as it is.")
			continue
		}
		bench.note(i.line, "participant", "Nobody is expected in this session any more; it is called off.")
		i.session.Session = cancelled(i.session.Session)
	}
}

// cohort is a Group: the whole of who belongs to it, and when.
func (b *bundle) cohort(bench *bench, g group, zone *time.Location) {
	switch {
	case g.Type != "person" || !g.Actual:
		bench.refuse(g.line, g.pointer+"/type", "A cohort is a Group of the type person, and actual.")
		return
	case !schedule.ValidID(g.ID):
		bench.refuse(g.line, g.pointer+"/id", "A Group needs an id, which is that of the cohort.")
		return
	}
	c, ok := bench.cohort(schedule.CohortID(g.ID), g.line)
	if !ok {
		c = bench.putCohort(schedule.Cohort{ID: schedule.CohortID(g.ID), Program: b.settings.Program}, g.line)
	}
	if c.Program != b.settings.Program {
		bench.refuse(g.line, g.pointer+"/id", "The cohort of this id is of another program.")
		return
	}
	c.Members = []schedule.Member{}
	for _, m := range g.Member {
		person, ok := b.found(bench.file, m.Entity, g.line, g.pointer+"/member", bench.remarks)
		if !ok {
			continue
		}
		from, okFrom := dateOf(m.Period.Start, zone)
		to, okTo := dateOf(m.Period.End, zone)
		switch {
		case !okFrom || m.Period.Start == "" || !okTo:
			bench.refuse(g.line, g.pointer+"/member", "A member has a period with a start; dates are such as 2026-11-02, or times with an offset.")
			continue
		case m.Inactive && m.Period.End == "":
			bench.refuse(g.line, g.pointer+"/member", "A member who is inactive has a period with an end.")
			continue
		}
		c.Members = append(c.Members, schedule.Member{Person: person, From: from, To: to})
	}
}

// dateOf is the local date of a FHIR dateTime; "" is none.
func dateOf(text string, zone *time.Location) (date attendance.Date, ok bool) {
	if text == "" {
		return 0, true
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		date, _ = wallOf(at, zone).split()
		return date, true
	}
	return date, date.UnmarshalText([]byte(text)) == nil
}
