package redisstore

import (
	"slices"
	"time"

	"viop/rooms/attendance"
)

// firstWeek is the beginning of the program's week around an instant or, where
// a week is measured by an average, of the first week that counts into it. It
// may be a few hours early, at changes of the clock: too much does no harm.
func (a *assembly) firstWeek(t time.Time) time.Time {
	local := t.In(a.zone)
	days := []attendance.Weekday{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	starts := max(0, slices.Index(days, a.Program.WeekStart))
	if a.Program.WeekStart == "" {
		starts = int(time.Monday)
	}
	back := (int(local.Weekday())-starts+7)%7 + 7*(a.averaged()-1)
	return time.Date(local.Year(), local.Month(), local.Day()-back, 0, 0, 0, 0, a.zone).Add(-slack)
}

// weekAfter is the end of the program's week around an instant, or a few hours
// later.
func (a *assembly) weekAfter(t time.Time) time.Time {
	first := a.firstWeek(t).Add(slack)
	return first.AddDate(0, 0, 7*a.averaged()).Add(slack)
}

// slack covers what zones do to local midnight.
const slack = 3 * time.Hour

// averaged is over how many weeks the program measures a week (SPEC §8).
func (a *assembly) averaged() int {
	basis, given := a.Program.Overrides.WeekBasis.Get()
	average := a.Program.Profile == attendance.VAMedicaidAdult || a.Program.Profile == attendance.VAMedicaidAdolescent
	if given {
		average = basis != nil && *basis == attendance.BasisAverage
	}
	if !average {
		return 1
	}
	if n, _ := a.Program.Overrides.AverageWeeks.Get(); n != nil {
		return min(*n, 53)
	}
	return 4
}
