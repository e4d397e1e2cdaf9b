package schedule

import (
	"slices"
	"strconv"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// CohortID names a cohort.
type CohortID string

// Cohort is patients who go through a program together, in one track of its
// day: the body of PUT /v1/cohorts/{id}. Whoever joins or leaves does so on a
// date; the sessions of its series follow (Series).
type Cohort struct {
	ID      CohortID  `json:"id,omitempty"` // of the path, when the body leaves it out
	Program ProgramID `json:"program"`
	// Title is shown to staff. Like that of a session, it must be neutral.
	Title        string           `json:"title,omitempty"`
	Track        Track            `json:"track,omitempty"`
	Members      []Member         `json:"members"`
	Facilitators []rooms.PersonID `json:"facilitators,omitempty"`
}

// Member is a stay of a patient in a cohort, on local dates, both included.
type Member struct {
	Person rooms.PersonID  `json:"person"`
	From   attendance.Date `json:"from"`
	To     attendance.Date `json:"to,omitzero"` // zero: goes on
}

// Track is the part of the day or week in which a cohort meets.
type Track string

const (
	Morning   Track = "morning"
	Afternoon Track = "afternoon"
	Evening   Track = "evening"
	Weekend   Track = "weekend"
)

func checkTrack(p *form.Problems, at string, track Track) {
	checkWord(p, at, track, "", Morning, Afternoon, Evening, Weekend)
}

// maxMembers are all who ever were in a cohort, not those of one day.
const maxMembers = 500

// ReadCohort reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadCohort(text []byte) (Cohort, error) {
	var cohort Cohort
	if err := form.Read(text, &cohort); err != nil {
		return Cohort{}, err
	}
	return cohort, cohort.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (cohort Cohort) Check() error {
	var p form.Problems
	if cohort.ID != "" {
		CheckID(&p, "/id", string(cohort.ID))
	}
	CheckID(&p, "/program", string(cohort.Program))
	CheckLine(&p, "/title", cohort.Title, maxTitle)
	checkTrack(&p, "/track", cohort.Track)
	cohort.checkMembers(&p)
	members := map[rooms.PersonID]bool{}
	for _, m := range cohort.Members {
		members[m.Person] = true
	}
	checkList(&p, "/facilitators", cohort.Facilitators, members)
	return p.Err()
}

func (cohort Cohort) checkMembers(p *form.Problems) {
	if len(cohort.Members) > maxMembers {
		p.Add("/members", "This list holds at most %d stays.", maxMembers)
		return
	}
	for i, m := range cohort.Members {
		at := "/members/" + strconv.Itoa(i)
		CheckID(p, at+"/person", string(m.Person))
		checkDates(p, at, "from", m.From, "to", m.To)
		for _, other := range cohort.Members[:i] {
			if other.Person == m.Person && other.From <= m.until() && m.From <= other.until() {
				p.Add(at+"/from", "This stay overlaps another one of the same person.")
				break
			}
		}
		if len(cohort.On(m.From)) > maxRoster {
			p.Add(at+"/from", "A cohort has at most %d patients at a time; on this date it would have more.", maxRoster)
		}
	}
}

// until is the last date of the stay, or of all time while it goes on.
func (m Member) until() attendance.Date {
	if m.To == 0 {
		return lastDate
	}
	return m.To
}

// On are the patients of a date, in order.
func (cohort Cohort) On(date attendance.Date) []rooms.PersonID {
	var people []rooms.PersonID
	for _, m := range cohort.Members {
		if m.From <= date && date <= m.until() {
			people = append(people, m.Person)
		}
	}
	slices.Sort(people)
	return people
}
