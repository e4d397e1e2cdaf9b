package intake

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// sessionTable is a CSV file of sessions, one a row:
//
//	session_id    the id; a row with the id of a stored session changes it
//	start         2026-11-02 18:00 in the zone, or with an offset, RFC 3339
//	end           the same, or 21:00: when the clock shows that next
//	program       default: that of the stored session, or of the settings
//	timezone      IANA; default: the program's
//	title         neutral: everybody sees it
//	service       group, individual, …; default group
//	counts        true or false; empty is what the service says
//	breaks        19:30-19:45; 20:30-20:40
//	roster        ids of patients, or system|value; spaces or ; between them
//	facilitators  the same of staff
//	cohort, track, seats
//	status        scheduled or cancelled_by_program
type sessionTable struct {
	rows     []row
	settings Settings
}

func sessionColumns() map[string]string {
	return map[string]string{"id": "session_id", "scheduled_start": "start", "scheduled_end": "end"}
}

func readSessions(rows []row, s Settings, r *remarks) reader {
	seen := map[string]int{}
	for _, row := range rows {
		id := row.cells["session_id"]
		if first, twice := seen[id]; twice {
			r.refuse(row.line, "session_id", "This session is already on line %d.", first)
			continue
		}
		seen[id] = row.line
	}
	return &sessionTable{rows, s}
}

func (t *sessionTable) ask(f *File) {
	for _, row := range t.rows {
		f.need(sessionName(rooms.SessionID(row.cells["session_id"])))
		for _, column := range []string{"roster", "facilitators"} {
			for _, word := range row.list(column) {
				if id, ok := identifierOf(word); ok {
					f.needIdentifiers(id)
				}
			}
		}
	}
	if !f.asked.fresh.Empty() {
		return
	}
	for _, row := range t.rows {
		f.need(programName(t.program(f, row)))
	}
}

func (t *sessionTable) program(f *File, row row) schedule.ProgramID {
	if row.cells["program"] != "" {
		return schedule.ProgramID(row.cells["program"])
	}
	if old, ok := f.session(rooms.SessionID(row.cells["session_id"])); ok {
		return old.Program
	}
	return t.settings.Program
}

func (t *sessionTable) wants(f *File) []want {
	var wants []want
	for _, row := range t.rows {
		if session, ok := t.session(f, row); ok {
			wants = append(wants, want{line: row.line, document: session, columns: sessionColumns()})
		}
	}
	return wants
}

func (t *sessionTable) session(f *File, row row) (schedule.Session, bool) {
	r := &f.remarks
	id := rooms.SessionID(row.cells["session_id"])
	if id == "" {
		r.refuse(row.line, "session_id", "Every session has an id.")
		return schedule.Session{}, false
	}
	s, exists := f.session(id)
	s.ID, s.Program = id, t.program(f, row)
	if s.Program == "" {
		r.refuse(row.line, "program", "Which program is it of? Name it here, or for the whole file.")
		return s, false
	}
	zone := f.zoneOf(s.Program, row.line, "program")
	if zone == nil {
		return s, false
	}
	if name := row.cells["timezone"]; name != "" {
		var err error
		if zone, err = attendance.LoadZone(name); err != nil {
			r.refuse(row.line, "timezone", "This must be the name of an IANA time zone, such as America/Chicago.")
			return s, false
		}
	}
	if !t.times(&s, row, zone, r) {
		return s, false
	}
	if !exists {
		s.Service, s.Roster = t.settings.Service, []rooms.PersonID{}
	}
	t.words(&s, row, r)
	t.people(f, &s, row)
	return s, true
}

func (t *sessionTable) times(s *schedule.Session, row row, zone *time.Location, r *remarks) bool {
	start, ok := readWhen(row.cells["start"])
	if !ok {
		r.refuse(row.line, "start", "This must be a time such as 2026-11-02 18:00, or with its offset 2026-11-02T18:00:00-06:00.")
		return false
	}
	s.Start = start.in(zone, row.line, "start", r)
	local := wallOf(s.Start, zone)
	end, ok := readWhen(row.cells["end"])
	if !ok {
		if end.wall, ok = onClock(row.cells["end"], local); ok {
			end.given, end.isWall = true, true
		}
	}
	if !ok {
		r.refuse(row.line, "end", "This must be a time such as 2026-11-02 21:00, or only 21:00.")
		return false
	}
	s.End = end.in(zone, row.line, "end", r)
	if !row.has("breaks") {
		return true
	}
	s.Breaks = nil
	for part := range strings.SplitSeq(row.cells["breaks"], ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		from, to, _ := strings.Cut(part, "-")
		first, ok := onClock(strings.TrimSpace(from), local)
		last, ok2 := onClock(strings.TrimSpace(to), first)
		if !ok || !ok2 {
			r.refuse(row.line, "breaks", "Breaks are written 19:30-19:45, with ; between them.")
			return false
		}
		s.Breaks = append(s.Breaks, schedule.Break{
			Start: when{isWall: true, wall: first}.in(zone, row.line, "breaks", r),
			End:   when{isWall: true, wall: last}.in(zone, row.line, "breaks", r),
		})
	}
	return true
}

// words are the columns that need no reading.
func (t *sessionTable) words(s *schedule.Session, row row, r *remarks) {
	if row.has("title") {
		s.Title = row.cells["title"]
	}
	if row.cells["service"] != "" {
		s.Service = attendance.Service(row.cells["service"])
	}
	if row.has("cohort") {
		s.Cohort = schedule.CohortID(row.cells["cohort"])
	}
	if row.has("track") {
		s.Track = schedule.Track(row.cells["track"])
	}
	if row.has("status") {
		s.Status = attendance.SessionStatus(row.cells["status"])
	}
	if row.has("counts") {
		s.Counts = nil
		if text := row.cells["counts"]; text != "" {
			counts := strings.EqualFold(text, "true")
			if s.Counts = &counts; !counts && !strings.EqualFold(text, "false") {
				r.refuse(row.line, "counts", "This must be true or false, or empty.")
			}
		}
	}
	if row.has("seats") {
		s.Seats = 0
		if text := row.cells["seats"]; text != "" {
			var err error
			if s.Seats, err = strconv.Atoi(text); err != nil {
				r.refuse(row.line, "seats", "This must be a whole number.")
			}
		}
	}
}

func (t *sessionTable) people(f *File, s *schedule.Session, row row) {
	for _, list := range []struct {
		column string
		people *[]rooms.PersonID
	}{{"roster", &s.Roster}, {"facilitators", &s.Facilitators}} {
		if !row.has(list.column) {
			continue
		}
		people := []rooms.PersonID{}
		for _, word := range row.list(list.column) {
			if person, ok := f.personOf(word, row.line, list.column); ok {
				people = append(people, person)
			}
		}
		*list.people = people
	}
	s.Appointments = slices.DeleteFunc(slices.Clone(s.Appointments), func(a schedule.Appointment) bool {
		return !slices.Contains(s.Roster, a.Person)
	})
}

// personOf is an id, or an identifier that somebody has.
func (f *File) personOf(word string, line int, column string) (rooms.PersonID, bool) {
	if id, ok := identifierOf(word); ok {
		return f.person(id, line, column)
	}
	return rooms.PersonID(word), true
}
