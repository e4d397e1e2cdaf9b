package schedule

import (
	"fmt"
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Remark is something that Expand has to say about a session, in words.
type Remark struct {
	Session rooms.SessionID `json:"session"`
	Code    RemarkCode      `json:"code"`
	Detail  string          `json:"detail"`
}

// RemarkCode is a stable word for a Remark.
type RemarkCode string

const (
	// MovedForward: a time is never shown on that date; the session has the one
	// to which the clock is set forward.
	MovedForward RemarkCode = "moved_forward"
	// TwiceShown: a time is shown twice on that date; Detail says which it is.
	TwiceShown RemarkCode = "shown_twice"
	// NoTime: nothing is left of the session, so it is not made.
	NoTime RemarkCode = "no_time"
	// NoBreak: nothing is left of a break, so the session has none there.
	NoBreak RemarkCode = "no_break"
)

// Expand is the sessions of the series, by date and slot. cohort is that of
// the series, or zero. Ids are <series>.<date>, and of the second meeting of a
// date <series>.<date>.2 and so on in the order of Slots: a slot that is added
// behind the others of its day changes no id.
func (s Series) Expand(program Program, cohort Cohort) (sessions []Session, remarks []Remark) {
	e := expansion{Series: s, zone: program.zone(), cohort: cohort}
	for date := s.From; date <= s.Until; date++ {
		if !slices.Contains(s.Except, date) {
			e.meet(date)
		}
	}
	return e.sessions, e.remarks
}

type expansion struct {
	Series
	zone     *time.Location
	cohort   Cohort
	sessions []Session
	remarks  []Remark
}

// meet makes the sessions of a date.
func (e *expansion) meet(date attendance.Date) {
	day, n := weekdays()[(int(date)+3)%7], 0 // 1970-01-01 was a thursday
	for _, slot := range e.Slots {
		if slot.Weekday != day {
			continue
		}
		n++
		id := fmt.Sprintf("%s.%s", e.ID, date)
		if n > 1 {
			id = fmt.Sprintf("%s.%d", id, n)
		}
		e.add(rooms.SessionID(id), date, slot)
	}
}

func (e *expansion) add(id rooms.SessionID, date attendance.Date, slot Slot) {
	s := Session{
		ID: id, Program: e.Program, Title: e.Title, Service: e.Service, Counts: e.Counts,
		Roster: e.Roster, Facilitators: e.Facilitators, Seats: e.Seats,
		Cohort: e.Cohort, Track: e.cohort.Track, Series: e.ID,
	}
	if slot.Service != "" {
		s.Service = slot.Service
	}
	if len(s.Roster) == 0 {
		s.Roster = e.cohort.On(date)
	}
	if s.Roster == nil {
		s.Roster = []rooms.PersonID{}
	}
	if len(s.Facilitators) == 0 {
		s.Facilitators = e.cohort.Facilitators
	}
	at := func(w WallClock) time.Time {
		day := date
		if w < slot.Start {
			day++ // past midnight
		}
		t, shown := OnWall(e.zone, day, time.Duration(w)*time.Minute, e.Ambiguous)
		e.remark(id, w, t, shown)
		return t
	}
	s.Start, s.End = at(slot.Start), at(slot.End)
	if !s.End.After(s.Start) {
		e.say(id, NoTime, "The clock is set forward, and nothing is left of the session: there is none on that date.")
		return
	}
	for _, b := range slot.Breaks {
		rest := Break{Start: later(at(b.Start), s.Start), End: at(b.End)}
		if rest.End.After(s.End) { // what moves forward may pass what does not
			rest.End = s.End
		}
		if !rest.End.After(rest.Start) {
			e.say(id, NoBreak, "The clock is set forward, and nothing is left of a break.")
			continue
		}
		s.Breaks = append(s.Breaks, rest)
	}
	e.sessions = append(e.sessions, s)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (e *expansion) remark(id rooms.SessionID, w WallClock, t time.Time, shown Shown) {
	clock, _ := w.MarshalText()
	switch shown {
	case ShownNever:
		e.say(id, MovedForward, "The clock never shows %s on that date: it is set forward. What was %s is at %s.",
			clock, clock, t.Format("15:04"))
	case ShownTwice:
		which := First
		if e.Ambiguous == Second {
			which = Second
		}
		e.say(id, TwiceShown, "The clock shows %s twice on that date: it is set back. This is the %s, at %s.",
			clock, which, t.Format(time.RFC3339))
	}
}

func (e *expansion) say(id rooms.SessionID, code RemarkCode, format string, args ...any) {
	e.remarks = append(e.remarks, Remark{Session: id, Code: code, Detail: fmt.Sprintf(format, args...)})
}
