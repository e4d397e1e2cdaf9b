package attendance

import (
	"cmp"
	"slices"
)

// weeks is the person's rows.
func (d *diary) weeks() []Week {
	weeks := make([]Week, len(d.rows))
	for i, first := range d.rows {
		weeks[i] = d.week(first)
	}
	return weeks
}

// week works out one row (§8).
func (d *diary) week(first Date) Week {
	span := d.calendar.week(first)
	name, profile := d.profile(span)
	w := Week{
		Person: d.person, Week: first, Start: span.Start, End: span.End, Profile: name,
		Days: []Day{}, CreditedMS: d.credited(first), Engaged: d.engaged(first),
	}
	for _, day := range d.daysOf(first) {
		w.Days = append(w.Days, day.Day)
		if day.Qualifies {
			w.QualifyingDays++
		}
	}
	w.DaysNeed = max(0, profile.DaysMin.Value-w.QualifyingDays)
	d.project(&w, profile)
	w.MeasuredMS = d.measured(&w, profile)
	if profile.WeekMin.Set {
		need := max(0, profile.WeekMin.ms()-w.MeasuredMS)
		slack := d.reach(&w, profile) - profile.WeekMin.ms()
		w.NeedMS, w.SlackMS = &need, &slack
	}
	w.OverMax = profile.WeekMax.Set && w.CreditedMS > profile.WeekMax.ms()
	w.Verdict = d.verdict(&w, profile)
	return w
}

// project fills in what is scheduled, what of it remains, and on how many
// more days credit could qualify.
func (d *diary) project(w *Week, profile Profile) {
	var scheduled, remaining []Interval
	byDate := make(map[Date][]Interval)
	for _, x := range d.plans[w.Week] {
		plan := x.plan()
		scheduled = append(scheduled, plan...)
		if x.over || x.excused {
			continue
		}
		rest := plan.From(d.AsOf)
		remaining = append(remaining, rest...)
		byDate[x.date] = append(byDate[x.date], rest...)
	}
	w.ScheduledMS = SetOf(scheduled...).Length()
	w.RemainingMS = SetOf(remaining...).Length()
	for date, rest := range byDate {
		day := creditOn(w.Days, date)
		if !day.Qualifies && profile.qualifies(day.CreditedMS+SetOf(rest...).Length()) {
			w.PossibleDays++
		}
	}
}

// creditOn is the day of a date, without credit where there is none.
func creditOn(days []Day, date Date) Day {
	i, found := slices.BinarySearchFunc(days, date, func(d Day, date Date) int { return cmp.Compare(d.Date, date) })
	if !found {
		return Day{Date: date}
	}
	return days[i]
}

// plan is S of a session (§8): scheduled time without scheduled breaks,
// whatever clip and the corrections.
func (s *sitting) plan() Set {
	plan := Set{s.scheduled()}
	if s.counting.Breaks == IncludeBreaks {
		return plan
	}
	return plan.Subtract(SetOf(slices.Clone(s.Breaks)...))
}

// measured is what counts against the minimum, by the profile's week_basis.
func (d *diary) measured(w *Week, profile Profile) int64 {
	switch profile.WeekBasis {
	case BasisScheduled, BasisPlanned:
		return w.ScheduledMS
	case BasisAverage:
		sum, n := d.average(d.lastComplete(w.Week), profile.AverageWeeks)
		if n == 0 {
			return w.CreditedMS
		}
		return sum / n
	}
	return w.CreditedMS
}

// reach is what the week comes to if all that remains is attended: slack_ms
// and the minimum together.
func (d *diary) reach(w *Week, profile Profile) int64 {
	switch profile.WeekBasis {
	case BasisScheduled, BasisPlanned:
		return w.MeasuredMS
	case BasisAverage:
		if w.End <= d.AsOf {
			return w.MeasuredMS
		}
		sum, n := d.average(w.Week-7, profile.AverageWeeks-1)
		return (sum + w.CreditedMS + w.RemainingMS) / (n + 1)
	}
	return w.MeasuredMS + w.RemainingMS
}

// lastComplete is the last week that is complete at as_of and not after this.
func (d *diary) lastComplete(week Date) Date {
	now := d.calendar.weekOf(d.calendar.dayAt(d.AsOf))
	return min(week, now-7)
}

// average is the sum of the credit, and the number, of those of the calendar
// weeks up to last that are complete and qualify: fully inside one enrollment
// or, of a person without any, not before the first week with a row.
func (d *diary) average(last Date, weeks int) (sum, n int64) {
	first := d.firstThatQualifies()
	for week := last; weeks > 0 && week >= first; week, weeks = week-7, weeks-1 {
		span := d.calendar.week(week)
		if span.End > d.AsOf || len(d.enrollments) > 0 && !d.enrolledThroughout(span) {
			continue
		}
		sum += d.credited(week)
		n++
	}
	return sum, n
}

// firstThatQualifies is a week before which none qualifies for an average. It
// bounds the walk of average, whatever average_weeks says.
func (d *diary) firstThatQualifies() Date {
	if len(d.enrollments) > 0 {
		return d.calendar.weekOf(d.calendar.dayAt(d.enrollments[0].Start))
	}
	return d.rows[0]
}

// verdict is where the week stands: the first rule that applies.
func (d *diary) verdict(w *Week, profile Profile) Verdict {
	margin := int64(d.Program.Counting.MarginMinutes) * minute
	switch {
	case !profile.WeekMin.Set:
		return VerdictNoMinimum
	case d.partial(Interval{w.Start, w.End}):
		return VerdictPartialWeek
	case *w.NeedMS == 0 && w.DaysNeed == 0:
		return VerdictMet
	case w.End <= d.AsOf:
		return VerdictNotMet
	case *w.SlackMS < 0 || w.QualifyingDays+w.PossibleDays < profile.DaysMin.Value:
		return VerdictCannotMeet
	case *w.SlackMS < margin:
		return VerdictAtRisk
	}
	return VerdictOnTrack
}
