package attendance

import (
	"cmp"
	"maps"
	"slices"
	"sort"
)

// weeks is every week of every person that has a row (§8).
func (e *evaluation) weeks() []Week {
	enrollments := e.enrollments()
	persons := make(map[string]struct{})
	for p := range e.byPerson {
		persons[p] = struct{}{}
	}
	for p := range enrollments {
		persons[p] = struct{}{}
	}
	weeks := []Week{}
	e.days = make(map[string][]dayCredit, len(persons))
	for _, p := range slices.Sorted(maps.Keys(persons)) {
		d := e.diary(p, enrollments[p])
		e.days[p] = d.days
		weeks = append(weeks, d.weeks()...)
	}
	return weeks
}

// enrollments is those of each person.
func (c *Case) enrollments() map[string][]*Enrollment {
	of := make(map[string][]*Enrollment)
	for i := range c.Enrollments {
		p := c.Enrollments[i].Person
		of[p] = append(of[p], &c.Enrollments[i])
	}
	return of
}

// diary is what one person's weeks are made of.
type diary struct {
	*evaluation
	person      string
	enrollments []*Enrollment // in order; they do not overlap
	rows        []Date        // first dates of the weeks that have a row, in order
	days        []dayCredit   // those with credit, in order
	plans       map[Date][]*entry
	attended    map[Date]int // sessions that count and were attended, by week
}

// dayCredit is the credit of one local date.
type dayCredit struct {
	Day
	signed bool // all records with credit on it are
}

// diary gathers what the records and enrollments of a person say.
func (e *evaluation) diary(person string, enrollments []*Enrollment) *diary {
	d := &diary{
		evaluation: e, person: person, enrollments: enrollments,
		plans: make(map[Date][]*entry), attended: make(map[Date]int),
	}
	slices.SortFunc(d.enrollments, func(a, b *Enrollment) int { return cmp.Compare(a.Start, b.Start) })
	for _, x := range d.enrollments {
		d.rows = append(d.rows, e.calendar.weeksOf(Interval{x.Start, min(x.until(), e.AsOf)})...)
	}
	for _, i := range e.byPerson[person] {
		if e.entries[i].counts {
			d.enter(&e.entries[i], &e.records[i])
		}
	}
	slices.Sort(d.rows)
	d.rows = slices.Compact(d.rows)
	d.sumDays()
	d.qualify()
	return d
}

// enter takes the record of a session that counts.
func (d *diary) enter(x *entry, r *Record) {
	d.rows = append(d.rows, d.calendar.weeksOf(x.scheduled())...)
	for _, k := range r.Credited {
		d.rows = append(d.rows, d.calendar.weeksOf(k)...)
	}
	week := d.calendar.weekOf(x.date)
	d.rows = append(d.rows, week) // a repeated hour across midnight may lie in the next
	if x.onRoster {
		d.plans[week] = append(d.plans[week], x)
	}
	if r.AttendedMS > 0 {
		d.attended[week]++
	}
	d.creditDays(x, r)
}

// creditDays gives the credit of a record to its local dates.
func (d *diary) creditDays(x *entry, r *Record) {
	give := func(date Date, i Interval) {
		d.days = append(d.days, dayCredit{Day{Date: date, CreditedMS: i.Length()}, r.State == StateSigned})
	}
	for _, k := range r.Credited {
		if d.Program.Counting.DateAttribution == ToStartDate {
			give(x.date, k)
		} else {
			d.calendar.split(k, give)
		}
	}
}

// sumDays makes one entry of each date.
func (d *diary) sumDays() {
	slices.SortFunc(d.days, func(a, b dayCredit) int { return cmp.Compare(a.Date, b.Date) })
	sums := d.days[:0]
	for _, x := range d.days {
		if n := len(sums); n > 0 && sums[n-1].Date == x.Date {
			sums[n-1].CreditedMS += x.CreditedMS
			sums[n-1].signed = sums[n-1].signed && x.signed
		} else {
			sums = append(sums, x)
		}
	}
	d.days = sums
}

// qualify says which days do, by the profile of their week.
func (d *diary) qualify() {
	for i := range d.days {
		day := &d.days[i]
		week := d.calendar.weekOf(day.Date)
		_, profile := d.profile(d.calendar.week(week))
		day.Qualifies = profile.qualifies(day.CreditedMS)
	}
}

// qualifies reports whether credit makes a day (§8).
func (p Profile) qualifies(creditedMS int64) bool {
	return creditedMS > 0 && creditedMS >= p.DayMin.ms()
}

// daysOf is the days of a week that have credit.
func (d *diary) daysOf(week Date) []dayCredit {
	from := sort.Search(len(d.days), func(i int) bool { return d.days[i].Date >= week })
	to := sort.Search(len(d.days), func(i int) bool { return d.days[i].Date >= week+7 })
	return d.days[from:to]
}

// credited is the credit of a week, 0 of one without a row.
func (d *diary) credited(week Date) (ms int64) {
	for _, day := range d.daysOf(week) {
		ms += day.CreditedMS
	}
	return ms
}

// profile is that of the person's last enrollment that intersects the week,
// else the program's.
func (d *diary) profile(week Interval) (ProfileName, Profile) {
	name := cmp.Or(d.Program.Profile, GenericAdult)
	if x := d.lastBefore(week.End); x != nil && x.until() > week.Start {
		name = x.Profile
	}
	return name, d.Program.Rules(name)
}

// lastBefore is the last enrollment that starts before t, nil without one.
func (d *diary) lastBefore(t Instant) *Enrollment {
	n := sort.Search(len(d.enrollments), func(i int) bool { return d.enrollments[i].Start >= t })
	if n == 0 {
		return nil
	}
	return d.enrollments[n-1]
}

// partial reports whether an enrollment begins or ends strictly inside.
func (d *diary) partial(week Interval) bool {
	inside := func(t Instant) bool { return week.Start < t && t < week.End }
	if x := d.lastBefore(week.End); x != nil && inside(x.Start) {
		return true
	}
	// Ends are in the order of starts: the first after the week began decides.
	n := sort.Search(len(d.enrollments), func(i int) bool { return d.enrollments[i].until() > week.Start })
	return n < len(d.enrollments) && inside(d.enrollments[n].until())
}

// enrolledThroughout reports whether a week is fully inside one enrollment.
func (d *diary) enrolledThroughout(week Interval) bool {
	x := d.lastBefore(week.Start + 1)
	return x != nil && x.until() >= week.End
}

// engaged is, in the first four weeks since an enrollment began, whether four
// sessions of the week were attended; later it is nil.
func (d *diary) engaged(week Date) *bool {
	x := d.lastBefore(d.calendar.midnight(week + 7))
	if x == nil || x.Start < d.calendar.midnight(week-3*7) {
		return nil
	}
	engaged := d.attended[week] >= 4
	return &engaged
}
