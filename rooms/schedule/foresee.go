package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
)

// anybody stands for a patient who misses nothing.
const anybody = "patient"

// foreseen is what the contract says of a patient who is expected in these
// sessions, before the first of them.
type foreseen struct {
	sessions []Session // those that count, by start
	dates    map[rooms.SessionID]attendance.Date
	weeks    []attendance.Week
}

func (program Program) foresee(sessions []Session) foreseen {
	result := program.evaluate(sessions)
	f := foreseen{weeks: result.Weeks, dates: map[rooms.SessionID]attendance.Date{}}
	for _, r := range result.Records {
		f.dates[rooms.SessionID(r.Session)] = r.Date
	}
	for _, s := range sessions {
		if meeting := s.meeting(); meeting.Counting() {
			f.sessions = append(f.sessions, s)
		}
	}
	slices.SortFunc(f.sessions, func(a, b Session) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return f
}

// evaluate asks the contract before the first of the sessions.
func (program Program) evaluate(sessions []Session) *attendance.Result {
	c := &attendance.Case{
		Format: attendance.Format, Program: program.Program,
		People: []attendance.Person{{ID: anybody, Role: attendance.Patient}},
	}
	for _, s := range sessions {
		meeting := s.meeting()
		if c.AsOf == 0 || meeting.ScheduledStart < c.AsOf {
			c.AsOf = meeting.ScheduledStart
		}
		c.Sessions = append(c.Sessions, meeting)
	}
	return attendance.Evaluate(c)
}

// meeting is the session as the contract knows it, with anybody in it.
func (s Session) meeting() attendance.Session {
	return attendance.Session{
		ID: string(s.ID), Service: s.Service, Counts: s.Counts, Status: s.Status, Breaks: s.breaks(),
		ScheduledStart: attendance.At(s.Start), ScheduledEnd: attendance.At(s.End), Roster: []string{anybody},
	}
}

func (s Session) breaks() []attendance.Interval {
	var breaks []attendance.Interval
	for _, b := range s.Breaks {
		breaks = append(breaks, attendance.Interval{Start: attendance.At(b.Start), End: attendance.At(b.End)})
	}
	return breaks
}

// week is the one to which a session belongs; ok is false when it counts
// towards none.
func (f foreseen) week(s Session) (week attendance.Week, ok bool) {
	if !f.has(s) {
		return week, false
	}
	at := attendance.At(s.Start)
	i := slices.IndexFunc(f.weeks, func(w attendance.Week) bool { return w.Start <= at && at < w.End })
	if i < 0 {
		return week, false
	}
	return f.weeks[i], true
}

func (f foreseen) has(s Session) bool {
	return slices.ContainsFunc(f.sessions, func(o Session) bool { return o.ID == s.ID })
}

// sameDay are those on the local date of s; none when s does not count.
func (f foreseen) sameDay(s Session) []Session {
	if !f.has(s) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.sessions), func(o Session) bool { return f.dates[o.ID] != f.dates[s.ID] })
}

// counted is what a patient who misses nothing has of the session: S of SPEC §8.
func (program Program) counted(s Session) attendance.Set {
	all := attendance.SetOf(attendance.Interval{Start: attendance.At(s.Start), End: attendance.At(s.End)})
	if program.Counting.Breaks == attendance.IncludeBreaks {
		return all
	}
	return all.Subtract(attendance.SetOf(s.breaks()...))
}

// zone is the program's, which Check has accepted.
func (program Program) zone() *time.Location {
	zone, err := attendance.LoadZone(program.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// clock is "18:00–21:00" on the program's wall.
func (program Program) clock(s Session) string {
	zone := program.zone()
	return s.Start.In(zone).Format("15:04") + "–" + s.End.In(zone).Format("15:04")
}

// less is what breaks take off: " less a 10 m break".
func (program Program) less(s Session) string {
	off := s.End.Sub(s.Start).Milliseconds() - program.counted(s).Length()
	switch {
	case off == 0:
		return ""
	case len(s.Breaks) > 1:
		return fmt.Sprintf(" less %s in %d breaks", span(off), len(s.Breaks))
	}
	length, article := span(off), "a"
	if strings.HasPrefix(length, "8 ") || strings.HasPrefix(length, "11 ") || strings.HasPrefix(length, "18 ") {
		article = "an"
	}
	return fmt.Sprintf(" less %s %s break", article, length)
}

// partOfDay is what people call the time of these sessions.
func (program Program) partOfDay(sessions []Session) string {
	switch hour := sessions[0].Start.In(program.zone()).Hour(); {
	case len(sessions) > 1:
		return "day"
	case hour < 12:
		return "morning"
	case hour < 17:
		return "afternoon"
	}
	return "evening"
}

// span is a length for people: "2 h 50 m", "3 h".
func span(ms int64) string { return strings.TrimSuffix(attendance.CreditText(ms), " 00 m") }
