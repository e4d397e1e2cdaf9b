package redisstore

import (
	"context"
	"slices"
	"time"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
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

// averaged is how many weeks before one decide about it: those that a program
// averages over, when this one is not complete yet (SPEC §8), or none.
func (a *assembly) averaged() int {
	basis, given := a.Program.Overrides.WeekBasis.Get()
	average := a.Program.Profile == attendance.VAMedicaidAdult || a.Program.Profile == attendance.VAMedicaidAdolescent
	if given {
		average = basis != nil && *basis == attendance.BasisAverage
	}
	if !average {
		return 0
	}
	if n, _ := a.Program.Overrides.AverageWeeks.Get(); n != nil {
		return min(*n, 53)
	}
	return 4
}

// firstSessions are, where a week is measured by an average, the first of each
// patient's sessions, if it is before from: the average of a person without
// enrollments begins with the first week that has a row.
func (a *assembly) firstSessions(ctx context.Context, from time.Time, patients []rooms.PersonID) ([]schedule.Session, error) {
	if a.averaged() == 0 || len(patients) == 0 {
		return nil, nil
	}
	lists, err := a.store.sessionsOf(ctx, patients)
	if err != nil {
		return nil, err
	}
	first := map[rooms.SessionID]schedule.Session{}
	for _, ids := range lists {
		sessions, err := a.store.sessions(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(sessions) == 0 {
			continue
		}
		earliest := slices.MinFunc(sessions, func(x, y schedule.Session) int { return x.Start.Compare(y.Start) })
		if earliest.Start.Before(from) {
			first[earliest.ID] = earliest
		}
	}
	var early []schedule.Session
	for _, v := range first {
		early = append(early, v)
	}
	slices.SortFunc(early, func(x, y schedule.Session) int { return x.Start.Compare(y.Start) })
	return early, nil
}
