package attendance_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"viop/rooms/attendance"
)

// touched is every record that a correction touches (§5), read literally.
func (m *model) touched(k attendance.Correction) map[[2]string]bool {
	own := m.find(k.Session)
	people, all := map[string]bool{k.Person: true}, false
	switch k.Op {
	case "extend_window", "declare_break", "cancel_break":
		all = true
	case "add", "remove":
		all = own.roleOf[k.Person] == attendance.Facilitator
	case "reassign":
		for _, e := range own.events {
			if e.Connection == k.Connection && e.Person != "" {
				people[e.Person] = true
			}
		}
		for _, l := range m.known {
			if l.ID == k.ID {
				break
			}
			if l.Session == k.Session && l.Op == "reassign" && l.Connection == k.Connection {
				people[l.Person] = true
			}
		}
		for p := range people {
			all = all || own.roleOf[p] == attendance.Facilitator
		}
	}
	if all {
		people = m.everyone(own)
	}
	records := map[[2]string]bool{}
	for _, s := range m.sessions {
		beside := s != own && s.counts && s.ScheduledStart < own.ScheduledEnd && own.ScheduledStart < s.ScheduledEnd
		for p := range s.records {
			if s == own && (all || people[p]) || beside && people[p] {
				records[[2]string{s.ID, p}] = true
			}
		}
	}
	for _, l := range m.known {
		if l.ID == k.Supersedes {
			maps.Copy(records, m.touched(l))
		}
	}
	return records
}

func (m *model) everyone(s *modelSession) map[string]bool {
	people := map[string]bool{}
	for _, p := range s.Roster {
		people[p] = true
	}
	for _, e := range s.events {
		people[e.Person] = true
	}
	for _, k := range m.known {
		if k.Session == s.ID {
			people[k.Person] = true
		}
	}
	return people
}

func (m *model) find(id string) *modelSession {
	i := slices.IndexFunc(m.sessions, func(s *modelSession) bool { return s.ID == id })
	return m.sessions[i]
}

// version replays signatures and corrections in order (§5).
func (m *model) version(s *modelSession, p string, r *attendance.Record) {
	type step struct {
		at         attendance.Instant
		correction bool
		id         string
		version    int
	}
	var steps []step
	for _, x := range m.Signatures {
		if x.Session == s.ID && x.At <= m.AsOf {
			steps = append(steps, step{at: x.At, version: x.Version})
		}
	}
	for _, k := range m.known {
		if m.touched(k)[[2]string{s.ID, p}] {
			steps = append(steps, step{at: k.At, correction: true, id: k.ID})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		order := map[bool]int{false: 0, true: 1}
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(order[a.correction], order[b.correction]), cmp.Compare(a.id, b.id))
	})
	version, signed := 1, map[int]bool{}
	for _, x := range steps {
		switch {
		case x.correction && signed[version]:
			version++
		case !x.correction && x.version == version && s.overAt(x.at):
			signed[version] = true
		}
	}
	r.Version, r.State = version, "unsigned"
	switch {
	case !s.overAt(m.AsOf):
		r.State = "open"
	case signed[version]:
		r.State = "signed"
	case len(signed) > 0:
		r.State = "amended"
	}
}

func (m *model) dateOf(s int64) attendance.Date { return parseDate(m.localDate(s)) }

func (m *model) localDate(s int64) string { return time.Unix(s, 0).In(m.zone).Format(time.DateOnly) }

func parseDate(text string) (d attendance.Date) {
	if err := d.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return d
}

// midnight is the first minute whose local date is the date or a later one.
func (m *model) midnight(date string) int64 {
	if t, known := m.starts[date]; known {
		return t
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	t := day.Unix() - 20*3600
	for m.localDate(t) < date {
		t += 60
	}
	m.starts[date] = t
	return t
}

func plusDays(date string, n int) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return day.AddDate(0, 0, n).Format(time.DateOnly)
}

// weekOf is the first date of the week of a date.
func (m *model) weekOf(date string) string {
	for {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			panic(err)
		}
		name := map[time.Weekday]attendance.Weekday{0: "sunday", 1: "monday", 2: "tuesday", 3: "wednesday", 4: "thursday", 5: "friday", 6: "saturday"}
		if name[day.Weekday()] == m.Program.WeekStart {
			return date
		}
		date = plusDays(date, -1)
	}
}

func (m *model) weekAt(s int64) string { return m.weekOf(m.localDate(s)) }

// modelPerson is one patient's weeks.
type modelPerson struct {
	*model
	id          string
	enrollments []attendance.Enrollment
	rows        []string
	credit      map[string]int64 // by date
	unsigned    map[string]bool  // date has credit that is not signed
}

func (m *model) person(id string) *modelPerson {
	p := &modelPerson{model: m, id: id, credit: map[string]int64{}, unsigned: map[string]bool{}}
	rows := map[string]bool{}
	for _, x := range m.Enrollments {
		if x.Person != id {
			continue
		}
		p.enrollments = append(p.enrollments, x)
		end := sec(m.AsOf)
		if x.End != 0 {
			end = min(end, sec(x.End))
		}
		for t := sec(x.Start); t < end; t += 6 * 3600 {
			rows[m.weekAt(t)] = true
		}
		if sec(x.Start) < end {
			rows[m.weekAt(end-1)] = true
		}
	}
	for _, s := range m.sessions {
		r := s.records[id]
		if r == nil || !s.counts {
			continue
		}
		for t := range span(s.ScheduledStart, s.ScheduledEnd) {
			rows[m.weekAt(t)] = true
		}
		for t := range s.credited[id] {
			rows[m.weekAt(t)] = true
			date := m.localDate(t)
			if m.Program.Counting.DateAttribution == "start" {
				date = m.localDate(sec(s.ScheduledStart))
			}
			p.credit[date] += 1000
			p.unsigned[date] = p.unsigned[date] || r.State != "signed"
		}
	}
	p.rows = slices.Sorted(maps.Keys(rows))
	return p
}

func (p *modelPerson) bounds(week string) (start, end int64) {
	return p.midnight(week), p.midnight(plusDays(week, 7))
}

func (p *modelPerson) weekCredit(week string) (ms int64) {
	for i := range 7 {
		ms += p.credit[plusDays(week, i)]
	}
	return ms
}

func (p *modelPerson) profileName(week string) attendance.ProfileName {
	start, end := p.bounds(week)
	name, last := p.Program.Profile, int64(-1)
	for _, x := range p.enrollments {
		if sec(x.Start) < end && (x.End == 0 || sec(x.End) > start) && sec(x.Start) > last {
			name, last = x.Profile, sec(x.Start)
		}
	}
	return name
}

// rules are the numbers of a profile; -1 is a dash.
type rules struct {
	weekMin, weekMax, dayMin, daysMin, average int64
	basis                                      attendance.WeekBasis
}

func (m *model) rules(name attendance.ProfileName) rules {
	r := map[attendance.ProfileName]rules{
		"generic_adult":          {540, 1140, 180, 3, 4, "attended"},
		"generic_adolescent":     {360, 1140, 120, 3, 4, "attended"},
		"php":                    {1200, -1, 240, 5, 4, "attended"},
		"outpatient":             {-1, -1, -1, -1, 4, "attended"},
		"nc_medicaid":            {540, 1140, 180, 3, 4, "attended"},
		"ny_oasas":               {540, -1, 180, -1, 4, "scheduled"},
		"va_medicaid_adult":      {540, 1140, 180, -1, 4, "average"},
		"va_medicaid_adolescent": {360, 1140, 120, -1, 4, "average"},
		"medicare":               {540, 1140, -1, -1, 4, "planned"},
	}[name]
	if name != m.Program.Profile {
		return r
	}
	change := func(field *int64, o attendance.Override[int], dash int64) {
		if v, given := o.Get(); given && v == nil {
			*field = dash
		} else if given {
			*field = int64(*v)
		}
	}
	o := m.Program.Overrides
	change(&r.weekMin, o.WeekMinMinutes, -1)
	change(&r.weekMax, o.WeekMaxMinutes, -1)
	change(&r.dayMin, o.DayMinMinutes, -1)
	change(&r.daysMin, o.DaysMin, -1)
	change(&r.average, o.AverageWeeks, 4)
	if v, given := o.WeekBasis.Get(); given {
		r.basis = "attended"
		if v != nil {
			r.basis = *v
		}
	}
	return r
}

func (r rules) qualifies(ms int64) bool {
	if r.dayMin < 0 {
		return ms > 0
	}
	return ms > 0 && ms >= r.dayMin*60000
}

// averaged is the weeks among n calendar weeks up to last that are complete
// and inside an enrollment, or not before the first row.
func (p *modelPerson) averaged(last string, n int64) (weeks []string) {
	for ; n > 0; n, last = n-1, plusDays(last, -7) {
		start, end := p.bounds(last)
		inside := len(p.enrollments) == 0 && last >= p.rows[0]
		for _, x := range p.enrollments {
			inside = inside || sec(x.Start) <= start && (x.End == 0 || sec(x.End) >= end)
		}
		if end <= sec(p.AsOf) && inside {
			weeks = append(weeks, last)
		}
	}
	return weeks
}

func (p *modelPerson) mean(weeks []string, more ...int64) int64 {
	sum := int64(0)
	for _, w := range weeks {
		sum += p.weekCredit(w)
	}
	for _, ms := range more {
		sum += ms
	}
	return sum / int64(len(weeks)+len(more))
}

func (p *modelPerson) week(first string) attendance.Week {
	start, end := p.bounds(first)
	name := p.profileName(first)
	r := p.rules(name)
	w := attendance.Week{
		Person: p.id, Week: parseDate(first), Start: instant(start), End: instant(end), Profile: name,
		Days: []attendance.Day{}, CreditedMS: p.weekCredit(first), Verdict: "on_track",
	}
	for i := range 7 {
		date := plusDays(first, i)
		if ms := p.credit[date]; ms > 0 {
			w.Days = append(w.Days, attendance.Day{Date: parseDate(date), CreditedMS: ms, Qualifies: r.qualifies(ms)})
			if r.qualifies(ms) {
				w.QualifyingDays++
			}
		}
	}
	p.projection(&w, first, r)
	p.measure(&w, first, r, end <= sec(p.AsOf))
	w.DaysNeed = max(0, int(r.daysMin)-w.QualifyingDays)
	w.OverMax = r.weekMax >= 0 && w.CreditedMS > r.weekMax*60000
	p.engagement(&w, first)
	p.verdict(&w, r, start, end)
	return w
}

func (p *modelPerson) projection(w *attendance.Week, first string, r rules) {
	scheduled, remaining, byDate := seconds{}, seconds{}, map[string]seconds{}
	for _, s := range p.sessions {
		date := p.localDate(sec(s.ScheduledStart))
		if !s.counts || !slices.Contains(s.Roster, p.id) || p.weekOf(date) != first {
			continue
		}
		scheduled = scheduled.or(s.scheduledS)
		if !s.overAt(p.AsOf) && !p.excused(s, p.id) {
			rest := s.scheduledS.where(func(t int64) bool { return t >= sec(p.AsOf) })
			remaining = remaining.or(rest)
			byDate[date] = rest.or(byDate[date])
		}
	}
	w.ScheduledMS, w.RemainingMS = scheduled.ms(), remaining.ms()
	for date, rest := range byDate {
		if !r.qualifies(p.credit[date]) && r.qualifies(p.credit[date]+rest.ms()) {
			w.PossibleDays++
		}
	}
}

func (p *modelPerson) measure(w *attendance.Week, first string, r rules, complete bool) {
	w.MeasuredMS = w.CreditedMS
	reach := w.CreditedMS + w.RemainingMS
	switch r.basis {
	case "scheduled", "planned":
		w.MeasuredMS, reach = w.ScheduledMS, w.ScheduledMS
	case "average":
		last := first
		for _, end := p.bounds(last); end > sec(p.AsOf); _, end = p.bounds(last) {
			last = plusDays(last, -7)
		}
		if weeks := p.averaged(last, r.average); len(weeks) > 0 {
			w.MeasuredMS = p.mean(weeks)
		}
		reach = w.MeasuredMS
		if !complete {
			reach = p.mean(p.averaged(plusDays(first, -7), r.average-1), w.CreditedMS+w.RemainingMS)
		}
	}
	if r.weekMin >= 0 {
		need, slack := max(0, r.weekMin*60000-w.MeasuredMS), reach-r.weekMin*60000
		w.NeedMS, w.SlackMS = &need, &slack
	}
}

func (p *modelPerson) engagement(w *attendance.Week, first string) {
	fresh := false
	for _, x := range p.enrollments {
		began := p.weekAt(sec(x.Start))
		for i := range 4 {
			fresh = fresh || plusDays(began, 7*i) == first
		}
	}
	if !fresh {
		return
	}
	n := 0
	for _, s := range p.sessions {
		if s.counts && len(s.attended[p.id]) > 0 && p.weekAt(sec(s.ScheduledStart)) == first {
			n++
		}
	}
	engaged := n >= 4
	w.Engaged = &engaged
}

func (p *modelPerson) verdict(w *attendance.Week, r rules, start, end int64) {
	partial := false
	for _, x := range p.enrollments {
		partial = partial || start < sec(x.Start) && sec(x.Start) < end || start < sec(x.End) && sec(x.End) < end
	}
	switch {
	case r.weekMin < 0:
		w.Verdict = "no_minimum"
	case partial:
		w.Verdict = "partial_week"
	case *w.NeedMS == 0 && w.DaysNeed == 0:
		w.Verdict = "met"
	case end <= sec(p.AsOf):
		w.Verdict = "not_met"
	case *w.SlackMS < 0 || w.QualifyingDays+w.PossibleDays < int(r.daysMin):
		w.Verdict = "cannot_meet"
	case *w.SlackMS < int64(p.Program.Counting.MarginMinutes)*60000:
		w.Verdict = "at_risk"
	}
}

// authorization is §9.
func (p *modelPerson) authorization(a attendance.Authorization) attendance.AuthorizationResult {
	within := func(d attendance.Date) bool { return a.From <= d && d <= a.To }
	used, all := int64(0), int64(0)
	add := func(n int64, signed bool) {
		all += n
		if signed {
			used += n
		}
	}
	for _, s := range p.sessions {
		r := s.records[p.id]
		if r == nil || !s.counts || !within(r.Date) {
			continue
		}
		switch signed := r.State == "signed"; {
		case a.Unit == "session" && r.AttendedMS > 0:
			add(1, signed)
		case a.Unit == "hour":
			add(r.CreditedMS, signed)
		case a.Unit == "q15":
			add(r.CreditedMS/900000, signed)
		}
	}
	if a.Unit == "hour" {
		used, all = used/3600000, all/3600000
	}
	if a.Unit == "day" {
		for date, ms := range p.credit {
			if within(parseDate(date)) && p.rules(p.profileName(p.weekOf(date))).qualifies(ms) {
				add(1, !p.unsigned[date])
			}
		}
	}
	return attendance.AuthorizationResult{
		ID: a.ID, Person: p.id, Used: used, Pending: all - used, Remaining: int64(a.Count) - all,
	}
}

// sessionResult is the flags and counts of §4.
func (m *model) sessionResult(s *modelSession) attendance.SessionResult {
	r := attendance.SessionResult{Session: s.ID, Flags: []attendance.Flag{}}
	if n := len(s.events); n > 0 {
		r.FirstEvidence, r.LastEvidence = &s.events[0].At, &s.events[n-1].At
	}
	patients, anyone, led := map[int64]int{}, false, false
	for p, rooms := range s.connected {
		all := union(rooms)
		anyone = anyone || len(all) > 0
		led = led || len(all) > 0 && s.roleOf[p] == attendance.Facilitator
		for t := range all {
			if s.roleOf[p] == attendance.Patient {
				patients[t]++
				r.PatientsMax = max(r.PatientsMax, patients[t])
			}
		}
	}
	if anyone && (s.Service == "group" || s.Service == "psychoeducation") {
		if r.PatientsMax > m.Program.Counting.GroupMax {
			r.Flags = append(r.Flags, "group_over_max")
		}
		if r.PatientsMax < m.Program.Counting.GroupMin {
			r.Flags = append(r.Flags, "group_under_min")
		}
	}
	if anyone && s.needsLead && !led {
		r.Flags = append(r.Flags, "no_facilitator")
	}
	return r
}

// result is the model's whole answer.
func (m *model) result() *attendance.Result {
	r := &attendance.Result{
		Format: "viop.attendance.result/1", AsOf: m.AsOf, Timezone: m.Program.Timezone,
		Records: []attendance.Record{}, Sessions: []attendance.SessionResult{},
		Weeks: []attendance.Week{}, Authorizations: []attendance.AuthorizationResult{},
	}
	for _, s := range m.sessions {
		for _, p := range slices.Sorted(maps.Keys(s.records)) {
			r.Records = append(r.Records, *s.records[p])
		}
		r.Sessions = append(r.Sessions, m.sessionResult(s))
	}
	people := slices.Clone(m.People)
	slices.SortFunc(people, func(a, b attendance.Person) int { return cmp.Compare(a.ID, b.ID) })
	for _, x := range people {
		p := m.person(x.ID)
		for _, week := range p.rows {
			r.Weeks = append(r.Weeks, p.week(week))
		}
		for _, a := range m.Authorizations {
			if a.Person == x.ID {
				r.Authorizations = append(r.Authorizations, p.authorization(a))
			}
		}
	}
	slices.SortFunc(r.Authorizations, func(a, b attendance.AuthorizationResult) int { return cmp.Compare(a.ID, b.ID) })
	return r
}
