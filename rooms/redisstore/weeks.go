package redisstore

import (
	"cmp"
	"slices"
	"time"

	"viop/rooms/attendance"
)

// firstWeek is the beginning of the program's week around an instant or, where
// a week is measured by an average, of the first week that counts into it. It
// may be a few hours early, at changes of the clock: too much does no harm.
func (a *assembly) firstWeek(t time.Time) time.Time {
	return a.week(t).AddDate(0, 0, -7*a.averaged()).Add(-slack)
}

// weekAfter is the end of the program's week around an instant, or a few hours
// later.
func (a *assembly) weekAfter(t time.Time) time.Time { return a.week(t).AddDate(0, 0, 7).Add(slack) }

// week is the local midnight at which the week around an instant began.
func (a *assembly) week(t time.Time) time.Time {
	local := t.In(a.zone)
	days := []attendance.Weekday{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	starts := max(0, slices.Index(days, a.Program.WeekStart))
	if a.Program.WeekStart == "" {
		starts = int(time.Monday)
	}
	back := (int(local.Weekday()) - starts + 7) % 7
	return time.Date(local.Year(), local.Month(), local.Day()-back, 0, 0, 0, 0, a.zone)
}

// slack covers what zones do to local midnight.
const slack = 3 * time.Hour

// averaged is how many weeks before one decide about it: those that the rules
// of the program, or of a level that somebody is on, average over when this one
// is not complete yet (SPEC §8), or none.
func (a *assembly) averaged() (weeks int) {
	profiles := []attendance.ProfileName{cmp.Or(a.Program.Profile, attendance.GenericAdult)}
	for _, e := range a.Enrollments {
		profiles = append(profiles, e.Profile)
	}
	for _, profile := range profiles {
		if rules := a.Program.Rules(profile); rules.WeekBasis == attendance.BasisAverage {
			weeks = max(weeks, min(rules.AverageWeeks, 53))
		}
	}
	return weeks
}
