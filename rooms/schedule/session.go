package schedule

import (
	"math"
	"slices"
	"strconv"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// Session is one meeting of a group, as the scheduling system put it in. It is
// the body of PUT /v1/sessions/{id} and what the store keeps.
type Session struct {
	ID      rooms.SessionID `json:"id,omitempty"` // of the path, when the body leaves it out
	Program ProgramID       `json:"program"`
	// Title is shown to everybody in the room and on lock screens, so it must
	// be neutral: "Tuesday evening", not what the group is about.
	Title string `json:"title,omitempty"`
	// Service is one of SPEC §6; Counts overrides what that says about it.
	Service attendance.Service `json:"service"`
	Counts  *bool              `json:"counts,omitempty"`
	// Start and End keep the offset they came with; only the instant counts.
	Start  time.Time `json:"scheduled_start"`
	End    time.Time `json:"scheduled_end"`
	Breaks []Break   `json:"breaks,omitempty"`
	// Roster are the patients who are expected, Facilitators the staff.
	// Facilitators is no permission: that is the role of a token.
	Roster       []rooms.PersonID `json:"roster"`
	Facilitators []rooms.PersonID `json:"facilitators,omitempty"`
	// Status is what the program means to do ("" means it will be held); what
	// happened is evidence, not this.
	Status attendance.SessionStatus `json:"status,omitempty"`
	// Seats is the most people at once, lobby included; 0 means DefaultSeats.
	Seats int `json:"seats,omitempty"`

	// Where the session belongs, for those who look at more than one.
	Cohort CohortID `json:"cohort,omitempty"`
	Track  Track    `json:"track,omitempty"`
	Series SeriesID `json:"series,omitempty"` // that made it
	// Appointments are what the scheduling system calls the places of people in
	// this session, where it keeps one for each (FHIR).
	Appointments []Appointment `json:"appointments,omitempty"`
	Source       Source        `json:"source,omitzero"` // that it was imported from
}

// Appointment is the scheduling system's own name for somebody's place in a
// session, such as "Appointment/4711".
type Appointment struct {
	Person    rooms.PersonID `json:"person"`
	Reference string         `json:"reference"`
}

// Source says where an import found a session, so that the next one finds the
// session again, and does not take an older version for a newer one.
type Source struct {
	System   string `json:"system"`             // the calendar or server, as the import was told
	UID      string `json:"uid"`                // its name for the session, or for all of a recurrence
	Instance string `json:"instance,omitempty"` // which of them (RECURRENCE-ID)
	Sequence int    `json:"sequence,omitempty"` // its version there
}

// Break is a part of a session that never counts.
type Break struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Limits of a session.
const (
	DefaultSeats = 16 // twelve patients (the usual cap of a group) and staff
	MaxSeats     = 32
	MaxLength    = 24 * time.Hour
	maxRoster    = 100
	maxBreaks    = 20
	maxTitle     = 80 // runes
	maxReference = 200
	maxSourceUID = 500
)

// ReadSession reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadSession(text []byte) (Session, error) {
	var s Session
	if err := form.Read(text, &s); err != nil {
		return Session{}, err
	}
	return s, s.Check()
}

// Check returns everything that is wrong with the session itself as
// form.Problems, or nil. Whether its people and program exist is for somebody
// with a store to ask.
func (s Session) Check() error {
	var p form.Problems
	if s.ID != "" {
		CheckID(&p, "/id", string(s.ID))
	}
	CheckID(&p, "/program", string(s.Program))
	CheckLine(&p, "/title", s.Title, maxTitle)
	checkWord(&p, "/service", s.Service, services()...)
	s.checkTimes(&p)
	s.checkBreaks(&p)
	checkEverybody(&p, s.Roster, s.Facilitators)
	checkWord(&p, "/status", s.Status, "", attendance.SessionScheduled, attendance.SessionCancelled)
	checkSeats(&p, s.Seats)
	s.checkBelongings(&p)
	return p.Err()
}

func checkSeats(p *form.Problems, seats int) {
	if seats != 0 {
		checkRange(p, "/seats", seats, 2, MaxSeats)
	}
}

// checkBelongings looks at what other systems and documents call the session.
func (s Session) checkBelongings(p *form.Problems) {
	if s.Cohort != "" {
		CheckID(p, "/cohort", string(s.Cohort))
	}
	checkTrack(p, "/track", s.Track)
	if s.Series != "" {
		CheckID(p, "/series", string(s.Series))
	}
	if len(s.Appointments) > maxRoster {
		p.Add("/appointments", "This list holds at most %d appointments.", maxRoster)
		return
	}
	seen := map[rooms.PersonID]bool{}
	for i, a := range s.Appointments {
		at := "/appointments/" + strconv.Itoa(i)
		CheckID(p, at+"/person", string(a.Person))
		checkToken(p, at+"/reference", a.Reference, maxReference)
		if seen[a.Person] {
			p.Add(at+"/person", "This person already has an appointment here.")
		}
		seen[a.Person] = true
	}
	if s.Source == (Source{}) {
		return
	}
	checkToken(p, "/source/system", s.Source.System, maxReference)
	checkToken(p, "/source/uid", s.Source.UID, maxSourceUID)
	CheckLine(p, "/source/instance", s.Source.Instance, maxReference)
	checkRange(p, "/source/sequence", s.Source.Sequence, 0, math.MaxInt32)
}

// Services are the words that Session.Service may be.
func Services() []attendance.Service { return services() }

func services() []attendance.Service {
	return []attendance.Service{
		attendance.Individual, attendance.Family, attendance.Medication, attendance.CaseManagement,
		attendance.Assessment, attendance.Group, attendance.Psychoeducation,
		attendance.PeerSupport, attendance.MutualAid, attendance.Aftercare,
	}
}

func (s Session) checkTimes(p *form.Problems) {
	okStart := checkInstant(p, "/scheduled_start", s.Start)
	okEnd := checkInstant(p, "/scheduled_end", s.End)
	switch {
	case !okStart || !okEnd:
	case !s.End.After(s.Start):
		p.Add("/scheduled_end", "A session ends after it starts.")
	case s.End.Sub(s.Start) > MaxLength:
		p.Add("/scheduled_end", "A session is at most %d hours long.", MaxLength/time.Hour)
	}
}

func (s Session) checkBreaks(p *form.Problems) {
	if len(s.Breaks) > maxBreaks {
		p.Add("/breaks", "A session has at most %d breaks.", maxBreaks)
		return
	}
	for i, b := range s.Breaks {
		at := "/breaks/" + strconv.Itoa(i)
		okStart := checkInstant(p, at+"/start", b.Start)
		okEnd := checkInstant(p, at+"/end", b.End)
		switch {
		case !okStart || !okEnd:
		case !b.End.After(b.Start):
			p.Add(at+"/end", "A break ends after it starts.")
		case b.Start.Before(s.Start):
			p.Add(at+"/start", "A break lies within its session; this one starts before it.")
		case b.End.After(s.End):
			p.Add(at+"/end", "A break lies within its session; this one ends after it.")
		}
	}
}

// checkEverybody wants nobody on two of the lists, or twice on one.
func checkEverybody(p *form.Problems, roster, facilitators []rooms.PersonID) {
	seen := map[rooms.PersonID]bool{}
	checkList(p, "/roster", roster, seen)
	checkList(p, "/facilitators", facilitators, seen)
}

func checkList(p *form.Problems, at string, people []rooms.PersonID, seen map[rooms.PersonID]bool) {
	if len(people) > maxRoster {
		p.Add(at, "This list holds at most %d people.", maxRoster)
		return
	}
	for i, person := range people {
		at := at + "/" + strconv.Itoa(i)
		CheckID(p, at, string(person))
		if seen[person] {
			p.Add(at, "This person is already listed.")
		}
		seen[person] = true
	}
}

// Cancelled reports whether the program called the session off.
func (s Session) Cancelled() bool { return s.Status == attendance.SessionCancelled }

// Moves names the fields by which v counts minutes otherwise than s.
func (s Session) Moves(v Session) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"program", s.Program == v.Program},
		{"service", s.Service == v.Service},
		{"counts", s.Counts == v.Counts || s.Counts != nil && v.Counts != nil && *s.Counts == *v.Counts},
		{"scheduled_start", s.Start.Equal(v.Start)},
		{"scheduled_end", s.End.Equal(v.End)},
		{"breaks", slices.EqualFunc(s.Breaks, v.Breaks, func(a, b Break) bool { return a.Start.Equal(b.Start) && a.End.Equal(b.End) })},
		{"roster", slices.Equal(sorted(s.Roster), sorted(v.Roster))},
		{"status", s.Cancelled() == v.Cancelled()},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func sorted(people []rooms.PersonID) []rooms.PersonID {
	people = slices.Clone(people)
	slices.Sort(people)
	return people
}

// Plan is the session as its room needs it.
func (s Session) Plan() rooms.Plan {
	seats := s.Seats
	if seats == 0 {
		seats = DefaultSeats
	}
	return rooms.Plan{Session: s.ID, Start: s.Start, End: s.End, Cancelled: s.Cancelled(), Seats: seats}
}
