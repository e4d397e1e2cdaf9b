// Package intake reads what scheduling systems have: CSV tables, iCalendar and
// FHIR R4, and makes documents of the schedule of it, with a report that says
// line by line what is wrong and document by document what becomes of it. A
// file is taken in whole or not at all.
//
// The package is pure: no store, no clock. A File says which documents it has
// to know (Needs), somebody fetches them (Learn), as often as it asks, and then
// Result has the writes and the report:
//
//	file := intake.Read(intake.CSV, text, settings)
//	for needs := file.Needs(); !needs.Empty(); needs = file.Needs() {
//		file.Learn(fetch(needs))
//	}
//	writes, report := file.Result()
//
// The writes are conditional on what was seen, so a document that changes in
// the meantime is never overwritten; and a file that was taken in before comes
// to no writes at all.
//
// Local times are those of a zone that the file names or else the program's.
// Those that a change of the clocks leaves out or repeats are taken as
// schedule.OnWall does, and reported. Nobody is ever found by a name that
// people have: only by an id, or by an identifier that the schedule has been
// told of (schedule.Person.Identifiers).
//
// table.go reads CSV (sessions.go, roster.go, authorizations.go have the
// columns), icsevents.go calendars, fhir.go appointments; want.go compares what
// they want with what there is.
package intake

import (
	"slices"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Format of a file.
type Format string

// Formats.
const (
	CSV  Format = "csv"  // RFC 4180, UTF-8; the header row says which of the tables it is
	ICS  Format = "ics"  // iCalendar, RFC 5545
	FHIR Format = "fhir" // R4: a Bundle, or resources line by line (NDJSON)
)

// Limits of a file.
const (
	MaxBytes     = 8 << 20
	maxRows      = 20_000 // of a table, and resources of a bundle
	maxDocuments = 5_000  // that a file may change
	maxEvents    = 5_000  // of a calendar
	maxSessions  = 5_000  // that a calendar comes to in its window
	maxRules     = 500    // of a calendar
	// maxOccurrences are looked at of a calendar, in and before its window.
	maxOccurrences = 100_000
)

// MaxWindow is the longest time of which a calendar is read at once.
const MaxWindow = 400 * 24 * time.Hour

// Settings are what a file does not say.
type Settings struct {
	// Program is that of calendars and appointments, and of rows that name none.
	Program schedule.ProgramID
	Now     time.Time
	// Source names the calendar or server: the same event of another source is
	// another session. "" is the name of the format.
	Source string
	// From and Until bound what is read of a calendar; zero is a day before Now
	// and half a year after From.
	From, Until time.Time
	// Service is that of events and appointments that name none; "" is a group.
	Service attendance.Service
	// Cohort is who is expected in the sessions of a calendar: its members of
	// the day and its facilitators. "" leaves rosters as they are.
	Cohort schedule.CohortID
	// Attendees is the system of the identifiers by which the addresses of a
	// calendar's ATTENDEEs are people; without it they are nobody.
	Attendees string
	// Titles takes the SUMMARY of events as title, which everybody sees, also
	// on lock screens: only for calendars whose summaries are neutral.
	Titles bool
	// Group is the system of the identifier that appointments of the same
	// session share. Without it they share start, service and provider.
	Group string
}

func (s *Settings) setDefaults(format Format) {
	if s.Source == "" {
		s.Source = string(format)
	}
	if s.Service == "" {
		s.Service = attendance.Group
	}
	if s.From.IsZero() {
		s.From = s.Now.Add(-day)
	}
	if s.Until.IsZero() {
		s.Until = s.From.Add(183 * day)
	}
}

// Needs are what a File has to know of what there is.
type Needs struct {
	Documents   []schedule.Name
	Identifiers []schedule.Identifier
	// Source, if set, asks for all sessions that were imported from it and
	// overlap [From, Until).
	Source      string
	From, Until time.Time
}

// Empty reports whether nothing more is needed.
func (n Needs) Empty() bool {
	return len(n.Documents) == 0 && len(n.Identifiers) == 0 && n.Source == ""
}

// Known is what there is. What was asked for and is not in it, is not there.
type Known struct {
	Documents map[schedule.Name]schedule.Stored
	// People are those who have an identifier; more than one is nobody.
	People map[schedule.Identifier][]rooms.PersonID
	// Evidence are sessions in which somebody has been.
	Evidence map[rooms.SessionID]bool
}

// File is a file on its way in.
type File struct {
	format  Format
	remarks remarks
	known   Known
	asked   asked
	reader  reader // nil when the file cannot be read at all
	wanted  []want // once nothing is left to ask for
	done    bool
}

// A reader makes wants of a format.
type reader interface {
	// ask says what has to be known, in as many steps as it takes: what it
	// asks for depends on the answers to what it asked before.
	ask(f *File)
	// wants are the documents as the file would have them. It is called once.
	wants(f *File) []want
}

// asked is what a File has asked for: all of it, and what is new.
type asked struct {
	documents   map[schedule.Name]bool
	identifiers map[schedule.Identifier]bool
	source      bool
	fresh       Needs
}

// Read reads what text says; nothing is compared yet.
func Read(format Format, text []byte, s Settings) *File {
	s.setDefaults(format)
	f := &File{
		format: format,
		known: Known{
			Documents: map[schedule.Name]schedule.Stored{},
			People:    map[schedule.Identifier][]rooms.PersonID{},
			Evidence:  map[rooms.SessionID]bool{},
		},
		asked: asked{documents: map[schedule.Name]bool{}, identifiers: map[schedule.Identifier]bool{}},
	}
	switch r := &f.remarks; {
	case len(text) > MaxBytes:
		r.refuse(0, "", "A file has at most %d bytes.", MaxBytes)
	case s.Until.Sub(s.From) > MaxWindow || !s.Until.After(s.From):
		r.refuse(0, "", "The time that is read of a calendar ends after it begins, by at most 400 days.")
	case (format == ICS || format == FHIR) && s.Program == "":
		r.refuse(0, "program", "Say which program the sessions are of.")
	case format == CSV:
		f.reader = readTable(text, s, r)
	case format == ICS:
		f.reader = readCalendar(text, s, r)
	case format == FHIR:
		f.reader = readFHIR(text, s, r)
	default:
		r.refuse(0, "", "The format must be csv, ics or fhir.")
	}
	return f
}

// Needs says what has to be known next; when it is Empty, Result can be asked.
func (f *File) Needs() Needs {
	f.asked.fresh = Needs{}
	if f.reader == nil || f.done {
		return f.asked.fresh
	}
	if f.reader.ask(f); f.asked.fresh.Empty() {
		f.wanted, f.done = f.reader.wants(f), true
		for _, w := range f.wanted {
			f.need(mentioned(w.document)...)
		}
	}
	return f.asked.fresh
}

// Learn takes the answer to Needs.
func (f *File) Learn(k Known) {
	for name, stored := range k.Documents {
		f.known.Documents[name] = stored
	}
	for id, people := range k.People {
		f.known.People[id] = people
	}
	for session := range k.Evidence {
		f.known.Evidence[session] = true
	}
}

// Result is what to write, all or nothing, and what to say. Nothing is written
// of a file with a line that is refused.
func (f *File) Result() ([]schedule.Write, Report) {
	f.check(f.wanted)
	writes, changes, count := f.compare(f.wanted)
	if len(writes) > 0 {
		writes = append(writes, f.restsOn(f.wanted)...)
	}
	if len(changes) > maxDocuments {
		f.remarks.refuse(0, "", "A file changes at most %d documents; split it.", maxDocuments)
	}
	report := f.remarks.report(string(f.format))
	if f.remarks.refused > 0 {
		return nil, report
	}
	report.Documents, report.Count = changes, count
	return writes, report
}

// restsOn are the programs and cohorts by which the file was understood: they
// must still be what they were when it is written.
func (f *File) restsOn(wants []want) []schedule.Write {
	written := map[schedule.Name]bool{}
	for _, w := range wants {
		written[w.document.Called()] = true
	}
	var kept []schedule.Write
	for name, s := range f.known.Documents {
		if (name.Kind == schedule.KindProgram || name.Kind == schedule.KindCohort) && !written[name] {
			kept = append(kept, schedule.Write{Document: s.Document, Keep: true, If: schedule.Condition{Tags: []schedule.Tag{s.Tag}}})
		}
	}
	slices.SortFunc(kept, func(a, b schedule.Write) int {
		return strings.Compare(a.Document.Called().String(), b.Document.Called().String())
	})
	return kept
}

// need asks for documents, and reports whether all of them have been asked for
// before. What cannot be the name of one is not asked for.
func (f *File) need(names ...schedule.Name) (known bool) {
	known = true
	for _, name := range names {
		if schedule.ValidID(name.ID) && !f.asked.documents[name] {
			f.asked.documents[name] = true
			f.asked.fresh.Documents = append(f.asked.fresh.Documents, name)
			known = false
		}
	}
	return known
}

func (f *File) needIdentifiers(ids ...schedule.Identifier) (known bool) {
	known = true
	for _, id := range ids {
		if !f.asked.identifiers[id] {
			f.asked.identifiers[id] = true
			f.asked.fresh.Identifiers = append(f.asked.fresh.Identifiers, id)
			known = false
		}
	}
	return known
}

// needSource asks for the sessions of a source.
func (f *File) needSource(source string, from, until time.Time) (known bool) {
	if f.asked.source {
		return true
	}
	f.asked.source = true
	f.asked.fresh.Source, f.asked.fresh.From, f.asked.fresh.Until = source, from, until
	return false
}

// stored finds a document among what is known.
func stored[T schedule.Document](f *File, name schedule.Name) (T, bool) {
	v, ok := f.known.Documents[name].Document.(T)
	return v, ok
}

func (f *File) program(id schedule.ProgramID) (schedule.Program, bool) {
	return stored[schedule.Program](f, schedule.Program{ID: id}.Called())
}

// zoneOf is the zone of a program; a program that is not there is refused.
func (f *File) zoneOf(id schedule.ProgramID, line int, column string) *time.Location {
	program, ok := f.program(id)
	if !ok {
		f.remarks.refuse(line, column, "There is no such program. Put it in first: PUT /v1/programs/{id}.")
		return nil
	}
	zone, err := attendance.LoadZone(program.Timezone)
	if err != nil {
		f.remarks.refuse(line, column, "The program has no zone that is known here.")
		return nil
	}
	return zone
}

func (f *File) session(id rooms.SessionID) (schedule.Session, bool) {
	return stored[schedule.Session](f, schedule.Session{ID: id}.Called())
}

// sessionsOf are the stored ones that were imported from a source, by id.
func (f *File) sessionsOf(source string) []schedule.Session {
	var found []schedule.Session
	for _, s := range f.known.Documents {
		if session, ok := s.Document.(schedule.Session); ok && session.Source.System == source {
			found = append(found, session)
		}
	}
	slices.SortFunc(found, func(a, b schedule.Session) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return found
}

// person finds who has the identifier, and says when nobody or more than one.
func (f *File) person(id schedule.Identifier, line int, column string) (rooms.PersonID, bool) {
	switch people := f.known.People[id]; len(people) {
	case 0:
		f.remarks.refuse(line, column, "Nobody has this identifier. Put it into the person's identifiers first: PUT /v1/people/{id}.")
	case 1:
		return people[0], true
	default:
		f.remarks.refuse(line, column, "More than one person has this identifier.")
	}
	return "", false
}
