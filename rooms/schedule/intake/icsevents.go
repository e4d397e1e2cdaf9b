package intake

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// calendar is an iCalendar file (RFC 5545, RFC 5546). Its events become
// sessions: one for each time that a recurrence has within the window, under
// an id made of program, source, UID and RECURRENCE-ID, so that the session
// stays the same when it is moved.
//
// Of an event, its times, STATUS, SEQUENCE and CATEGORIES (a service, if it is
// the word for one) are read. SUMMARY and ATTENDEE are only when the settings
// say so, DESCRIPTION and LOCATION never.
//
// What an earlier import made of an event and the file no longer has is called
// off. Events that are not in the file at all are left alone: a file may be one
// invitation.
type calendar struct {
	settings Settings
	events   []*event
	spread   *spread // once the program is known
	looked   int     // occurrences that were looked at
}

// An event is the VEVENTs of one UID: the recurrence itself, and instances of
// it that are told apart.
type event struct {
	uid       string
	line      int
	zones     zones
	main      *component
	instances []component
	places    map[string]int // into instances, by RECURRENCE-ID
}

// sequence is the highest of the event's.
func (e *event) sequence() (most int) {
	var unheard remarks // they have been looked at
	if e.main != nil {
		most = sequence(*e.main, &unheard)
	}
	for _, part := range e.instances {
		most = max(most, sequence(part, &unheard))
	}
	return most
}

// cancelled reports whether the recurrence is called off as a whole.
func (e *event) cancelled() bool { return e.main != nil && e.main.word("STATUS") == "CANCELLED" }

func readCalendar(text []byte, s Settings, r *remarks) reader {
	c := &calendar{settings: s}
	byUID := map[string]*event{}
	n := 0
	tops := readComponents(strings.TrimPrefix(string(text), "\ufeff"), r)
	if len(tops) == 0 {
		if r.refused == 0 {
			r.refuse(0, "", "There is no calendar in this file.")
		}
		return nil
	}
	for _, top := range tops {
		if top.name != "VCALENDAR" {
			r.refuse(top.line, "", "A calendar begins with BEGIN:VCALENDAR.")
			return nil
		}
		zones := zonesOf(top, r)
		method := top.word("METHOD")
		switch method {
		case "", "PUBLISH", "REQUEST", "CANCEL":
		default:
			r.refuse(top.line, "METHOD", "This is not a calendar but a part of a conversation about one: METHOD must be PUBLISH, REQUEST or CANCEL.")
			continue
		}
		for _, part := range top.inside {
			if part.name != "VEVENT" {
				continue
			}
			if n++; n > maxEvents {
				r.refuse(part.line, "", "A calendar has at most %d events; split it.", maxEvents)
				return nil
			}
			if method == "CANCEL" && part.word("STATUS") != "CANCELLED" {
				r.refuse(part.line, "STATUS", "METHOD:CANCEL without STATUS:CANCELLED takes invitations back from some and leaves the event as it is. Say who is expected in a roster.")
				continue
			}
			c.take(part, zones, byUID, r)
		}
	}
	return c
}

// take sorts a VEVENT to its UID. Of two of the same instance the higher
// SEQUENCE counts, and of equal ones the later.
func (c *calendar) take(part component, zones zones, byUID map[string]*event, r *remarks) {
	uid, _ := part.of("UID")
	if uid.value == "" {
		r.refuse(part.line, "UID", "An event needs a UID: without one it cannot be found again.")
		return
	}
	if len(uid.value) > 500 {
		r.refuse(uid.line, "UID", "A UID has at most 500 bytes.")
		return
	}
	sequence(part, r)
	e := byUID[uid.value]
	if e == nil {
		e = &event{uid: uid.value, line: part.line, zones: zones, places: map[string]int{}}
		byUID[uid.value] = e
		c.events = append(c.events, e)
	}
	id, isInstance := part.of("RECURRENCE-ID")
	if !isInstance {
		if e.main != nil {
			part = c.newer(*e.main, part, r)
		}
		e.main = &part
		return
	}
	key := strings.Join([]string{id.value, id.parameters["TZID"], id.parameters["RANGE"]}, "\x00")
	if i, twice := e.places[key]; twice {
		e.instances[i] = c.newer(e.instances[i], part, r)
		return
	}
	e.places[key] = len(e.instances)
	e.instances = append(e.instances, part)
}

func (c *calendar) newer(a, b component, r *remarks) component {
	newer, older := b, a
	if sequence(b, r) < sequence(a, r) {
		newer, older = a, b
	}
	r.note(older.line, "SEQUENCE", "The file has a newer version of this event; this one was dropped.")
	return newer
}

func sequence(c component, r *remarks) int {
	p, ok := c.of("SEQUENCE")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(p.value), 10, 32)
	if err != nil || n < 0 {
		r.refuse(p.line, "SEQUENCE", "SEQUENCE must be a number.")
		return 0
	}
	return int(n)
}

// spread is a calendar laid out over time.
type spread struct {
	zone     *time.Location // the program's
	meetings []meeting
}

// A meeting is one time of an event.
type meeting struct {
	id         rooms.SessionID
	uid        string
	instance   string    // as in schedule.Source
	planned    time.Time // where the recurrence has it
	start, end time.Time
	part       component // the VEVENT that describes it
	cancelled  bool
	sequence   int
}

func (c *calendar) ask(f *File) {
	names := []schedule.Name{programName(c.settings.Program)}
	if c.settings.Cohort != "" {
		names = append(names, schedule.Cohort{ID: c.settings.Cohort}.Called())
	}
	if !f.need(names...) {
		return
	}
	if c.spread == nil {
		c.spread = &spread{zone: f.zoneOf(c.settings.Program, 0, "program")}
		if c.spread.zone == nil {
			return
		}
		c.lay(&f.remarks)
		for _, m := range c.spread.meetings {
			f.need(sessionName(m.id))
			for _, a := range c.attendees(m.part) {
				f.needIdentifiers(a.identifier)
			}
		}
		f.needSource(c.settings.Source, c.settings.From, c.settings.Until)
		return
	}
	for _, m := range c.spread.meetings {
		for _, a := range c.attendees(m.part) {
			for _, id := range f.known.People[a.identifier] {
				f.need(personName(id))
			}
		}
	}
}

// lay expands all events within the window.
func (c *calendar) lay(r *remarks) {
	rules := 0
	for _, e := range c.events {
		if e.main != nil {
			rules += len(e.main.all("RRULE"))
		}
		if rules > maxRules {
			c.spread.meetings = nil
			r.refuse(e.line, "RRULE", "A calendar has at most %d recurrence rules; split it.", maxRules)
			return
		}
		c.spread.meetings = append(c.spread.meetings, c.expand(e, r)...)
		if len(c.spread.meetings) > maxSessions {
			c.spread.meetings = nil
			r.refuse(e.line, "RRULE", "A calendar comes to at most %d sessions in the time that is read of it; make that shorter.", maxSessions)
			return
		}
	}
}

// sessionID names the session of an event: opaque, since a UID may say who or
// where somebody is.
func sessionID(prefix string, parts ...string) rooms.SessionID {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return rooms.SessionID(prefix + "." + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])))
}

func (c *calendar) wants(f *File) []want {
	r := &f.remarks
	if c.settings.Program == "" || c.spread == nil || c.spread.zone == nil {
		return nil
	}
	var wants []want
	met := map[rooms.SessionID]bool{}
	ignored := 0
	old := c.older(f)
	for _, m := range c.spread.meetings {
		met[m.id] = true
		if old[m.uid] {
			continue
		}
		if c.settings.Attendees == "" {
			ignored += len(m.part.all("ATTENDEE"))
		}
		if s, ok := c.session(f, m); ok {
			wants = append(wants, want{line: m.part.line, document: s, columns: eventColumns()})
		}
	}
	if ignored > 0 {
		r.note(0, "ATTENDEE", "ATTENDEEs were not read: no system of identifiers was agreed by which their addresses are people.")
	}
	return append(wants, c.gone(f, met, old)...)
}

// older are the events of which all that is stored is newer: they are dropped
// as a whole, also the times that the newer version does not have.
func (c *calendar) older(f *File) map[string]bool {
	least := map[string]int{}
	for _, s := range f.sessionsOf(c.settings.Source) {
		if n, met := least[s.Source.UID]; s.Program == c.settings.Program && (!met || s.Source.Sequence < n) {
			least[s.Source.UID] = s.Source.Sequence
		}
	}
	old := map[string]bool{}
	for _, e := range c.events {
		if n, met := least[e.uid]; met && e.sequence() < n {
			old[e.uid] = true
			f.remarks.note(e.line, "SEQUENCE", "The sessions are of a newer version of this event already; this one was dropped.")
		}
	}
	return old
}

// gone calls off what an earlier import made of the file's events and they no
// longer have.
func (c *calendar) gone(f *File, met map[rooms.SessionID]bool, old map[string]bool) []want {
	byUID := map[string]*event{}
	for _, e := range c.events {
		if e.main != nil { // an instance alone says nothing about the others
			byUID[e.uid] = e
		}
	}
	var wants []want
	for _, s := range f.sessionsOf(c.settings.Source) {
		e := byUID[s.Source.UID]
		inWindow := s.Start.Before(c.settings.Until) && s.End.After(c.settings.From)
		if e == nil || old[e.uid] || s.Program != c.settings.Program || met[s.ID] || s.Cancelled() || !inWindow {
			continue
		}
		var unheard remarks
		now := sequence(*e.main, &unheard)
		switch {
		case now < s.Source.Sequence:
			f.remarks.note(e.line, "SEQUENCE", "The session is of a newer version of this event already; it was left as it is.")
			continue
		case f.known.Evidence[s.ID]:
			f.remarks.note(e.line, "UID", "The event no longer has a time at which somebody has been in the session; it was left as it is.")
			continue
		case !e.cancelled():
			f.remarks.note(e.line, "UID", "The event no longer has a time that an earlier import had; the session is called off.")
		}
		s.Source.Sequence = now
		wants = append(wants, want{line: e.line, document: cancelled(s), columns: eventColumns()})
	}
	return wants
}

func eventColumns() map[string]string {
	return map[string]string{
		"scheduled_start": "DTSTART", "scheduled_end": "DTEND", "title": "SUMMARY", "source": "UID",
		"roster": "ATTENDEE", "facilitators": "ATTENDEE",
	}
}

// session is what becomes of a meeting; ok is false when nothing does.
func (c *calendar) session(f *File, m meeting) (s schedule.Session, ok bool) {
	s, exists := f.session(m.id)
	switch {
	case !exists && m.cancelled:
		return s, false
	case exists && m.sequence < s.Source.Sequence:
		f.remarks.note(m.part.line, "SEQUENCE", "The session is of a newer version of this event already; this one was dropped.")
		return s, false
	}
	s.ID, s.Program = m.id, c.settings.Program
	s.Source = schedule.Source{System: c.settings.Source, UID: m.uid, Instance: m.instance, Sequence: m.sequence}
	s.Start, s.End = m.start, m.end
	if !exists {
		s.Service, s.Roster = c.settings.Service, []rooms.PersonID{}
	}
	if service := serviceOf(m.part); service != "" {
		s.Service = service
	}
	if c.settings.Titles {
		summary, _ := m.part.of("SUMMARY")
		s.Title = strings.TrimSpace(summary.text())
	}
	s.Breaks = within(s)
	switch {
	case m.cancelled:
		s = cancelled(s)
	case s.Cancelled():
		s.Status = attendance.SessionScheduled
	}
	if !m.cancelled {
		c.people(f, &s, m)
	}
	return s, true
}

// within are the breaks, which the calendar knows nothing of, where the session
// still has room for them.
func within(s schedule.Session) []schedule.Break {
	return slices.DeleteFunc(slices.Clone(s.Breaks), func(b schedule.Break) bool {
		return b.Start.Before(s.Start) || b.End.After(s.End)
	})
}

// serviceOf an event is the first of its CATEGORIES that is the word for one.
func serviceOf(part component) attendance.Service {
	for _, p := range part.all("CATEGORIES") {
		for _, word := range p.values() {
			if word = strings.TrimSpace(word); isService(word) {
				return attendance.Service(strings.ToLower(word))
			}
		}
	}
	return ""
}

func isService(word string) bool {
	return slices.Contains(schedule.Services(), attendance.Service(strings.ToLower(word)))
}

func (c *calendar) people(f *File, s *schedule.Session, m meeting) {
	if c.settings.Cohort != "" {
		cohort, ok := stored[schedule.Cohort](f, schedule.Cohort{ID: c.settings.Cohort}.Called())
		if !ok {
			f.remarks.refuse(0, "cohort", "There is no such cohort. Put it in first: PUT /v1/cohorts/{id}.")
			return
		}
		date, _ := wallOf(s.Start, c.spread.zone).split()
		s.Cohort, s.Track = cohort.ID, cohort.Track
		s.Roster, s.Facilitators = append([]rooms.PersonID{}, cohort.On(date)...), slices.Clone(cohort.Facilitators)
	}
	if c.settings.Attendees == "" || len(m.part.all("ATTENDEE")) == 0 {
		return // it says nothing of who is expected
	}
	var patients, staff []rooms.PersonID
	for _, a := range c.attendees(m.part) {
		id, ok := f.person(a.identifier, a.line, "ATTENDEE")
		if !ok {
			continue
		}
		f.attendee(id, &patients, &staff)
		if a.declined {
			f.remarks.note(a.line, "ATTENDEE", "This is an answer to an invitation: whoever declined is still expected, until they are excused.")
		}
	}
	if c.settings.Cohort == "" {
		s.Roster, s.Facilitators = patients, staff
		if s.Roster == nil {
			s.Roster = []rooms.PersonID{}
		}
		return
	}
	for _, one := range []struct{ to, from *[]rooms.PersonID }{{&s.Roster, &patients}, {&s.Facilitators, &staff}} {
		for _, id := range *one.from {
			if !slices.Contains(*one.to, id) {
				*one.to = append(*one.to, id)
			}
		}
	}
}
