package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/rooms/attendance"
)

// Warning says that a document that is valid will probably disappoint. Detail
// has the arithmetic in words.
type Warning struct {
	Code    WarningCode `json:"code"`
	Pointer string      `json:"pointer"` // RFC 6901, into the document
	Detail  string      `json:"detail"`
}

// WarningCode is a stable word for a Warning.
type WarningCode string

const (
	// BreakTrap: even somebody who misses nothing has no qualifying day.
	BreakTrap WarningCode = "break_trap"
	// ZeroSlack: somebody who misses nothing meets the week's minimum, and
	// somebody who misses a minute does not.
	ZeroSlack WarningCode = "zero_slack"
)

// Warnings about the session among the others of its program; which of them
// are in its week is found out here, and s itself may be among them. What is
// warned of is what the contract of attendance would answer to a patient of
// the roster who misses nothing (SPEC §8).
func (s Session) Warnings(program Program, others []Session) []Warning {
	var warnings []Warning
	weeks := s.weeksOfPatients(others)
	for _, week := range weeks {
		if detail := program.trap(s, week.sessions); detail != "" {
			pointer := "/scheduled_end"
			if len(s.Breaks) > 0 {
				pointer = "/breaks"
			}
			warnings = append(warnings, Warning{BreakTrap, pointer, detail + week.whose(len(s.Roster))})
			break // one is enough: the most patients are told of first
		}
	}
	for _, week := range weeks {
		if detail := program.noSlack(s, week.sessions); detail != "" {
			warnings = append(warnings, Warning{ZeroSlack, "/scheduled_end", detail + week.whose(len(s.Roster))})
			break
		}
	}
	return warnings
}

// Warnings about the program's template.
func (program Program) Warnings() []Warning {
	week := program.week()
	program.Timezone = "UTC" // the template's sessions are
	var warnings []Warning
	days := map[string]bool{}
	for i, s := range week {
		day := s.Start.Format(time.DateOnly)
		if detail := program.trap(s, week); detail != "" && !days[day] {
			warnings = append(warnings, Warning{BreakTrap, "/template/" + strconv.Itoa(i), detail})
			days[day] = true
		}
	}
	if len(week) > 0 {
		if detail := program.noSlack(week[0], week); detail != "" {
			warnings = append(warnings, Warning{ZeroSlack, "/template", detail})
		}
	}
	return warnings
}

// patientWeek is what some patients of a session have in common: in which
// sessions they are expected.
type patientWeek struct {
	sessions []Session
	patients int
}

// whose says for how many of the roster something holds, unless for all.
func (w patientWeek) whose(roster int) string {
	if w.patients >= roster {
		return ""
	}
	return fmt.Sprintf(" That is so for %d of the %d patients on its roster.", w.patients, roster)
}

// weeksOfPatients groups the roster by the sessions they are expected in, the
// largest group first. Without a roster it is one group, of this session.
func (s Session) weeksOfPatients(others []Session) []patientWeek {
	others = slices.DeleteFunc(slices.Clone(others), func(o Session) bool { return o.ID == s.ID || o.Program != s.Program })
	if len(s.Roster) == 0 {
		return []patientWeek{{sessions: []Session{s}}}
	}
	var weeks []patientWeek
	at := map[string]int{} // places in weeks
	for _, patient := range s.Roster {
		theirs, key := []Session{s}, ""
		for _, o := range others {
			if slices.Contains(o.Roster, patient) {
				theirs, key = append(theirs, o), key+string(o.ID)+" "
			}
		}
		if _, known := at[key]; !known {
			at[key] = len(weeks)
			weeks = append(weeks, patientWeek{sessions: theirs})
		}
		weeks[at[key]].patients++
	}
	slices.SortStableFunc(weeks, func(a, b patientWeek) int { return cmp.Compare(b.patients, a.patients) })
	return weeks
}

// trap is the arithmetic of a day that cannot qualify, "" for one that can.
func (program Program) trap(s Session, sessions []Session) string {
	day := program.foresee(sessions).sameDay(s)
	if len(day) == 0 {
		return ""
	}
	foreseen := program.foresee(day)
	week, ok := foreseen.week(s)
	least := program.Rules(week.Profile).DayMin
	if !ok || !least.Set || week.PossibleDays > 0 {
		return ""
	}
	var sums []string
	for _, one := range day {
		sums = append(sums, program.clock(one)+program.less(one)+" is "+span(program.counted(one).Length()))
	}
	text := strings.Join(sums, " and ")
	if len(day) > 1 {
		text += ", together " + span(week.RemainingMS)
	}
	return fmt.Sprintf("%s; a day needs %s: this %s can never qualify.",
		text, span(int64(least.Value)*time.Minute.Milliseconds()), program.partOfDay(day))
}

// noSlack is the arithmetic of a week in which nobody may lose a minute.
func (program Program) noSlack(s Session, sessions []Session) string {
	foreseen := program.foresee(sessions)
	week, ok := foreseen.week(s)
	rules := program.Rules(week.Profile)
	counted := rules.WeekBasis == attendance.BasisAttended || rules.WeekBasis == attendance.BasisAverage
	if !ok || !counted || week.SlackMS == nil || *week.SlackMS < 0 || *week.SlackMS >= time.Minute.Milliseconds() {
		return ""
	}
	var parts []string
	var sum int64
	for _, one := range foreseen.sessions {
		if of, ok := foreseen.week(one); ok && of.Week == week.Week {
			length := program.counted(one).Length()
			parts, sum = append(parts, one.Start.In(program.zone()).Format("Mon ")+span(length)), sum+length
		}
	}
	text := strings.Join(parts, " + ")
	if len(parts) > 7 {
		text = fmt.Sprintf("%d sessions", len(parts))
	}
	if sum != week.RemainingMS {
		text += ", counted once where they overlap,"
	}
	return fmt.Sprintf("%s is %s; a week needs %s: there is no slack, and any lost minute fails the week.",
		text, span(week.RemainingMS), span(int64(rules.WeekMin.Value)*time.Minute.Milliseconds()))
}
