package schedule

import (
	"strconv"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// SeriesID names a series. It is the beginning of the ids of its sessions, and
// leaves room for the rest.
type SeriesID string

// Series is sessions that repeat week by week: the body of PUT /v1/series/{id}.
// Its times are what the clock on the program's wall shows, so they stay where
// they are when the clocks change; Expand says what becomes of those that a
// change of the clocks leaves out or repeats.
type Series struct {
	ID      SeriesID  `json:"id,omitempty"` // of the path, when the body leaves it out
	Program ProgramID `json:"program"`
	// Cohort, if there is one, is who is expected: its patients of the day and
	// its facilitators, unless the series has its own.
	Cohort  CohortID           `json:"cohort,omitempty"`
	Title   string             `json:"title,omitempty"` // as in Session
	Service attendance.Service `json:"service"`
	Counts  *bool              `json:"counts,omitempty"`
	// Slots are the meetings of a week. A slot with a service of its own is of
	// that service.
	Slots []Slot          `json:"slots"`
	From  attendance.Date `json:"from"`  // the first and
	Until attendance.Date `json:"until"` // the last local date on which it may meet
	// Except are dates on which it does not meet.
	Except []attendance.Date `json:"except,omitempty"`
	// Ambiguous says which of two is meant when the clock shows a time twice.
	Ambiguous    Occurrence       `json:"ambiguous,omitempty"`
	Roster       []rooms.PersonID `json:"roster,omitempty"`
	Facilitators []rooms.PersonID `json:"facilitators,omitempty"`
	Seats        int              `json:"seats,omitempty"` // as in Session
}

// Occurrence is one of the two instants at which a clock that is set back
// shows the same time. "" is the first.
type Occurrence string

const (
	First  Occurrence = "first"
	Second Occurrence = "second"
)

// Limits of a series.
const (
	MaxSeriesDays = 400
	maxExcept     = MaxSeriesDays
	maxSeriesID   = 110            // ".2026-11-02.50" must fit into an id
	maxSlot       = 20 * time.Hour // by the clock, which may be set back meanwhile
)

// ReadSeries reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadSeries(text []byte) (Series, error) {
	var s Series
	if err := form.Read(text, &s); err != nil {
		return Series{}, err
	}
	return s, s.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (s Series) Check() error {
	var p form.Problems
	if s.ID != "" {
		CheckID(&p, "/id", string(s.ID))
		if len(s.ID) > maxSeriesID {
			p.Add("/id", "The id of a series has at most %d characters: those of its sessions begin with it.", maxSeriesID)
		}
	}
	CheckID(&p, "/program", string(s.Program))
	if s.Cohort != "" {
		CheckID(&p, "/cohort", string(s.Cohort))
	}
	CheckLine(&p, "/title", s.Title, maxTitle)
	checkWord(&p, "/service", s.Service, services()...)
	checkSlots(&p, "/slots", s.Slots)
	for i, slot := range s.Slots {
		if slot.Start.after(slot.End) > maxSlot {
			p.Add("/slots/"+strconv.Itoa(i)+"/end", "A meeting of a series is at most %d hours long.", maxSlot/time.Hour)
		}
	}
	s.checkDates(&p)
	checkWord(&p, "/ambiguous", s.Ambiguous, "", First, Second)
	checkEverybody(&p, s.Roster, s.Facilitators)
	checkSeats(&p, s.Seats)
	return p.Err()
}

func (s Series) checkDates(p *form.Problems) {
	if checkDates(p, "", "from", s.From, "until", s.Until) {
		switch {
		case s.Until == 0:
			p.Add("/until", "A series has a last date.")
		case s.Until > lastDate-2: // whatever zone and slots make of it
			p.Add("/until", "A series ends before the last days of the year 2099.")
		case s.From < firstDate+2:
			p.Add("/from", "A series begins after the first days of the year 2000.")
		case s.Until-s.From >= MaxSeriesDays:
			p.Add("/until", "A series lasts at most %d days.", MaxSeriesDays)
		}
	}
	if len(s.Except) > maxExcept {
		p.Add("/except", "This list holds at most %d dates.", maxExcept)
		return
	}
	for i, date := range s.Except {
		checkDate(p, "/except/"+strconv.Itoa(i), date)
	}
}
