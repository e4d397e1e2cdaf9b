package intake

import (
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/schedule"
)

// A moment is a time of a calendar: what a clock shows, and in which zone.
type moment struct {
	wall   wall
	zone   *time.Location
	isDate bool // a whole day
	line   int
	name   string // of the property
}

func (m moment) instant() (time.Time, schedule.Shown) { return m.wall.in(m.zone) }

// moment reads a DTSTART and its like (RFC 5545 §3.3.5). A floating time is one
// of the program's zone. ok is false when it cannot be read, which was said.
func (c *calendar) moment(p property, value string, zones zones, r *remarks) (m moment, ok bool) {
	m = moment{zone: c.spread.zone, line: p.line, name: p.name}
	id := p.parameters["TZID"]
	if at, err := time.Parse(dateLayout, value); err == nil {
		m.wall, m.isDate = wall{at}, true
		return m, true
	}
	if at, err := time.Parse(utcLayout, value); err == nil {
		m.wall, m.zone = wall{at}, time.UTC
		return m, true
	}
	at, err := time.Parse(localLayout, value)
	switch {
	case err != nil:
		r.refuse(p.line, p.name, "This must be a time such as 20261102T180000, with a TZID, or with Z at the end.")
		return m, false
	case id != "":
		m.zone = zones.find(id, p.line, r)
	case p.name == "DTSTART":
		r.note(p.line, p.name, "This time is in no zone; it was taken as one of the program's.")
	}
	m.wall = wall{at}
	return m, m.zone != nil
}

// timing is when a VEVENT is.
type timing struct {
	start  moment
	exact  time.Duration // DTEND less DTSTART
	days   int           // of a DURATION: so many days by the calendar,
	length time.Duration // and this
}

// end of a time that begins at start. An end given by DTEND means the same
// exact duration each time, one given by DURATION the same by the clock in its
// days and weeks (RFC 5545 §3.8.5.3).
func (t timing) end(start time.Time) time.Time {
	if t.exact > 0 {
		return start.Add(t.exact)
	}
	end, _ := wall{wallOf(start, t.start.zone).AddDate(0, 0, t.days)}.in(t.start.zone)
	return end.Add(t.length)
}

func (c *calendar) timing(part component, zones zones, r *remarks) (t timing, ok bool) {
	p, has := part.of("DTSTART")
	if !has {
		r.refuse(part.line, "DTSTART", "An event needs a DTSTART.")
		return t, false
	}
	if t.start, ok = c.moment(p, p.value, zones, r); !ok {
		return t, false
	}
	if t.start.isDate {
		r.refuse(p.line, "DTSTART", "An event that lasts all day has no hours that could be attended. Take it out, or mark it as free time (TRANSP:TRANSPARENT).")
		return t, false
	}
	start, _ := t.start.instant()
	if year := start.Year(); year < 2000 || year > 2099 {
		r.refuse(p.line, "DTSTART", "Times are of the years 2000 to 2099.")
		return t, false
	}
	if end, has := part.of("DTEND"); has {
		m, ok := c.moment(end, end.value, zones, r)
		if !ok {
			return t, false
		}
		at, endShown := m.instant()
		t.exact = at.Sub(start)
		if m.isDate || t.exact <= 0 || t.exact > schedule.MaxLength {
			r.refuse(end.line, "DTEND", "A session ends after it starts, by at most 24 hours.")
			return t, false
		}
		tellOdd(r, end.line, "DTEND", at, endShown)
		return t, true
	}
	p, has = part.of("DURATION")
	if !has {
		r.refuse(part.line, "DTEND", "An event needs a DTEND or a DURATION.")
		return t, false
	}
	if t.days, t.length, ok = readDuration(p.value); !ok || t.days == 0 && t.length == 0 {
		r.refuse(p.line, "DURATION", "This must be a duration such as PT3H or PT1H30M.")
		return t, false
	}
	if !t.end(start).After(start) || t.end(start).Sub(start) > schedule.MaxLength {
		r.refuse(p.line, "DURATION", "A session is at most 24 hours long.")
		return t, false
	}
	return t, true
}

// tellOdd notes a time that a change of the clocks leaves out or repeats.
func tellOdd(r *remarks, line int, name string, at time.Time, shown schedule.Shown) {
	if odd := shownOdd(shown); odd != "" {
		r.note(line, name, "On %s: %s", at.Format(time.DateOnly), odd)
	}
}

// readDuration reads PT1H30M, P1D, P1W (RFC 5545 §3.3.6); negative ones are
// none of an event.
func readDuration(text string) (days int, length time.Duration, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(text), "+"), "P")
	if !ok || text == "" {
		return 0, 0, false
	}
	inTime, n, digits := false, 0, 0
	for _, r := range text {
		switch {
		case r == 'T' && !inTime && digits == 0:
			inTime = true
			continue
		case r >= '0' && r <= '9' && digits < 6:
			n, digits = 10*n+int(r-'0'), digits+1
			continue
		case digits == 0:
			return 0, 0, false
		case r == 'W' && !inTime:
			days += 7 * n
		case r == 'D' && !inTime:
			days += n
		case r == 'H' && inTime:
			length += time.Duration(n) * time.Hour
		case r == 'M' && inTime:
			length += time.Duration(n) * time.Minute
		case r == 'S' && inTime:
			length += time.Duration(n) * time.Second
		default:
			return 0, 0, false
		}
		n, digits = 0, 0
	}
	return days, length, digits == 0
}

// expand lays one event out within the window.
func (c *calendar) expand(e *event, r *remarks) []meeting {
	if e.main == nil || e.cancelled() {
		return c.alone(e, r)
	}
	main := *e.main
	if skipped(main, r) {
		return nil
	}
	t, ok := c.timing(main, e.zones, r)
	if !ok {
		return nil
	}
	overrides, ok := c.overrides(e, r)
	if !ok {
		return nil
	}
	repeats := len(main.all("RRULE"))+len(main.all("RDATE")) > 0
	planned, ok := c.occurrences(e, t, r)
	if !ok {
		return nil
	}
	var meetings []meeting
	met := map[int64]bool{}
	for _, o := range planned {
		met[o.at.Unix()] = true
		m := c.meeting(e, main, t, o, repeats)
		overrides.apply(&m, o.wall)
		meetings = append(meetings, m)
	}
	for i, o := range overrides.single {
		if met[o.at.Unix()] {
			continue
		}
		if !repeats {
			r.note(o.part.line, "RECURRENCE-ID", "The event does not repeat; this was taken as another time of it.")
		} else if !c.outside(o.at) {
			r.note(o.part.line, "RECURRENCE-ID", "The recurrence has no such time; this was taken as one more of it.")
		}
		m := c.meeting(e, o.part, o.timing, occurrence{at: o.at}, true)
		overrides.single[i].onto(&m)
		meetings = append(meetings, m)
	}
	var within []meeting
	for _, m := range meetings {
		if m.end.After(c.settings.From) && m.start.Before(c.settings.Until) ||
			m.planned.Before(c.settings.Until) && m.planned.After(c.settings.From) {
			m.id = c.idOf(m)
			within = append(within, m)
		}
	}
	return within
}

// outside the window, by far.
func (c *calendar) outside(t time.Time) bool {
	return t.Before(c.settings.From) || !t.Before(c.settings.Until)
}

// alone are instances of which the file does not have the recurrence, as in an
// invitation to one of them, or of which that is called off.
func (c *calendar) alone(e *event, r *remarks) []meeting {
	overrides, ok := c.overrides(e, r)
	if !ok {
		return nil
	}
	var meetings []meeting
	for _, o := range overrides.single {
		m := c.meeting(e, o.part, o.timing, occurrence{at: o.at}, true)
		o.onto(&m)
		if m.end.After(c.settings.From) && m.start.Before(c.settings.Until) {
			m.id = c.idOf(m)
			meetings = append(meetings, m)
		}
	}
	for _, o := range overrides.onwards {
		r.refuse(o.part.line, "RECURRENCE-ID", "RANGE=THISANDFUTURE needs the recurrence that it changes in the same file.")
	}
	return meetings
}

// skipped tells of events that are no sessions.
func skipped(part component, r *remarks) bool {
	p, _ := part.of("DTSTART")
	if _, err := time.Parse(dateLayout, p.value); err != nil {
		return false
	}
	if part.word("TRANSP") == "TRANSPARENT" || part.word("STATUS") == "CANCELLED" {
		r.note(part.line, "DTSTART", "An event that lasts all day is no session; it was left out.")
		return true
	}
	return false
}

// occurrence is one time of a recurrence.
type occurrence struct {
	at    time.Time
	wall  wall
	shown schedule.Shown
}

func (c *calendar) meeting(e *event, part component, t timing, o occurrence, repeats bool) meeting {
	var unheard remarks // sequences have been looked at
	m := meeting{
		uid: e.uid, planned: o.at, start: o.at, end: t.end(o.at), part: part,
		cancelled: part.word("STATUS") == "CANCELLED", sequence: sequence(part, &unheard),
	}
	if repeats {
		m.instance = o.at.UTC().Format(utcLayout)
	}
	return m
}

func (c *calendar) idOf(m meeting) rooms.SessionID {
	return sessionID("ics", string(c.settings.Program), c.settings.Source, m.uid, m.instance)
}

// occurrences of the main VEVENT up to the end of the window. Those before the
// window are there as well when instances may have been moved into it.
func (c *calendar) occurrences(e *event, t timing, r *remarks) ([]occurrence, bool) {
	part, zones := *e.main, e.zones
	begin := wallOf(c.settings.From, t.start.zone).plus(-3 * day) // and room for the length of a session
	first := occurrence{wall: t.start.wall}
	first.at, first.shown = t.start.instant()
	all := []occurrence{first}
	seen := map[int64]bool{first.at.Unix(): true}
	add := func(o occurrence) {
		if !seen[o.at.Unix()] {
			seen[o.at.Unix()] = true
			all = append(all, o)
		}
	}
	for _, p := range part.all("RRULE") {
		rule, problem := readRule(p.value, t.start.wall)
		if problem != "" {
			r.refuse(p.line, "RRULE", "%s", problem)
			return nil, false
		}
		if t.start.zone == time.UTC {
			r.note(p.line, "RRULE", "The event repeats in UTC: by the clock of the program it is at another time in summer than in winter.")
		}
		last := c.settings.Until
		if until := rule.until.instant(t.start.zone); !rule.until.IsZero() && until.Before(last) {
			last = until
		}
		for w := range rule.walls(wallOf(c.settings.Until, t.start.zone).plus(day)) {
			if len(e.instances) == 0 && w.Before(begin.Time) {
				continue
			}
			if c.looked++; c.looked > maxOccurrences {
				r.refuse(p.line, "RRULE", "The recurrences of this calendar have too many times before those that are read of it; split it.")
				return nil, false
			}
			o := occurrence{wall: w}
			if o.at, o.shown = w.in(t.start.zone); o.at.After(last) {
				break
			}
			add(o)
		}
	}
	if !c.listed(part, "RDATE", zones, r, func(m moment) {
		at, shown := m.instant()
		add(occurrence{at, wallOf(at, t.start.zone), shown})
	}) {
		return nil, false
	}
	excluded, days := map[int64]bool{}, map[time.Time]bool{}
	if !c.listed(part, "EXDATE", zones, r, func(m moment) {
		if m.isDate {
			days[m.wall.Time] = true
			return
		}
		at, _ := m.instant()
		excluded[at.Unix()] = true
	}) {
		return nil, false
	}
	var kept []occurrence
	for _, o := range all {
		if excluded[o.at.Unix()] || days[o.wall.Truncate(day)] {
			continue
		}
		if !c.outside(o.at) {
			tellOdd(r, t.start.line, "DTSTART", o.at, o.shown)
		}
		kept = append(kept, o)
	}
	return kept, true
}

func (w wall) plus(d time.Duration) wall { return wall{w.Add(d)} }

// listed reads the values of the RDATEs or EXDATEs.
func (c *calendar) listed(part component, name string, zones zones, r *remarks, each func(moment)) bool {
	for _, p := range part.all(name) {
		values := p.values()
		if len(values) > maxValues {
			r.refuse(p.line, name, "This list has at most %d values.", maxValues)
			return false
		}
		for _, value := range values {
			if name == "RDATE" && strings.Contains(value, "/") {
				r.refuse(p.line, name, "RDATEs that are periods are not understood here; make it an instance with a RECURRENCE-ID.")
				return false
			}
			m, ok := c.moment(p, value, zones, r)
			if ok && m.isDate && name == "RDATE" {
				r.refuse(p.line, name, "An RDATE needs a time of day.")
				ok = false
			}
			if !ok {
				return false
			}
			each(m)
		}
	}
	return true
}

// overrides are the instances of an event that are told apart.
type overrides struct {
	single  []override
	onwards []override // RANGE=THISANDFUTURE
}

// An override is a VEVENT with a RECURRENCE-ID.
type override struct {
	part   component
	timing timing
	at     time.Time // that it is for
	wall   wall
}

func (c *calendar) overrides(e *event, r *remarks) (all overrides, ok bool) {
	for _, part := range e.instances {
		if skipped(part, r) {
			continue
		}
		p, _ := part.of("RECURRENCE-ID")
		m, ok := c.moment(p, p.value, e.zones, r)
		if ok && m.isDate {
			r.refuse(p.line, "RECURRENCE-ID", "This needs a time of day, as the event has.")
			ok = false
		}
		if !ok {
			return all, false
		}
		o := override{part: part}
		if o.timing, ok = c.timing(part, e.zones, r); !ok {
			return all, false
		}
		o.at, _ = m.instant()
		o.wall = wallOf(o.at, o.timing.start.zone)
		switch upper(p.parameters["RANGE"]) {
		case "":
			all.single = append(all.single, o)
		case "THISANDFUTURE":
			all.onwards = append(all.onwards, o)
		default:
			r.refuse(p.line, "RECURRENCE-ID", "RANGE must be THISANDFUTURE.")
			return all, false
		}
	}
	return all, true
}

// apply changes an occurrence by what is said of it alone, or else by the last
// that is said of it and those after it.
func (all overrides) apply(m *meeting, planned wall) {
	var last *override
	for i, o := range all.onwards {
		if !o.at.After(m.planned) && (last == nil || o.at.After(last.at)) {
			last = &all.onwards[i]
		}
	}
	if last != nil {
		// By the clock: all of them are as much later as the first one is.
		moved := wall{wallOf(m.planned, last.timing.start.zone).Add(last.timing.start.wall.Sub(last.wall.Time))}
		start, _ := moved.in(last.timing.start.zone)
		last.described(m, start)
	}
	for _, o := range all.single {
		if o.at.Equal(m.planned) {
			o.onto(m)
		}
	}
}

// onto makes the override's times those of the meeting.
func (o override) onto(m *meeting) {
	start, _ := o.timing.start.instant()
	o.described(m, start)
}

func (o override) described(m *meeting, start time.Time) {
	var unheard remarks
	m.start, m.end, m.part = start, o.timing.end(start), o.part
	m.cancelled, m.sequence = o.part.word("STATUS") == "CANCELLED", sequence(o.part, &unheard)
}
