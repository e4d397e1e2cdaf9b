package attendance

import "bytes"

// The shapes of §2, §3 and §5. They are tables: nothing writes to them.
var (
	caseShape = shape{
		{"format", required}, {"as_of", required}, {"program", required}, {"people", required},
		{"sessions", required}, {"excused", optional}, {"events", required}, {"corrections", optional},
		{"signatures", optional}, {"enrollments", optional}, {"authorizations", optional},
	}
	programShape = shape{
		{"timezone", required}, {"week_start", optional}, {"profile", optional},
		{"profile_overrides", optional}, {"counting", optional},
	}
	overridesShape = shape{
		{"week_min_minutes", nullable}, {"week_max_minutes", nullable}, {"week_basis", nullable},
		{"day_min_minutes", nullable}, {"days_min", nullable}, {"average_weeks", nullable},
		{"telehealth_allowed", nullable},
	}
	countingShape = shape{
		{"bridge_seconds", optional}, {"clip", optional}, {"breaks", optional},
		{"facilitator_scope", optional}, {"date_attribution", optional}, {"late_after_minutes", optional},
		{"margin_minutes", optional}, {"group_max", optional}, {"group_min", optional},
	}
	personShape  = shape{{"id", required}, {"role", required}}
	sessionShape = shape{
		{"id", required}, {"service", required}, {"counts", optional}, {"scheduled_start", required},
		{"scheduled_end", required}, {"breaks", optional}, {"roster", required}, {"status", optional},
	}
	intervalShape = shape{{"start", required}, {"end", required}}
	excuseShape   = shape{{"session", required}, {"person", required}, {"by", required}}
	eventShape    = shape{
		{"session", required}, {"epoch", required}, {"seq", required}, {"at", required}, {"type", required},
		{"person", optional}, {"connection", optional}, {"room", optional}, {"reason", optional},
	}
	correctionShape = shape{
		{"id", required}, {"session", required}, {"at", required}, {"by", required}, {"op", required},
		{"person", optional}, {"start", optional}, {"end", optional}, {"room", optional},
		{"connection", optional}, {"status", optional}, {"reason", required}, {"note", optional},
		{"supersedes", optional},
	}
	signatureShape     = shape{{"session", required}, {"version", required}, {"by", required}, {"at", required}}
	enrollmentShape    = shape{{"person", required}, {"start", required}, {"end", optional}, {"profile", required}}
	authorizationShape = shape{
		{"id", required}, {"person", required}, {"unit", required}, {"count", required},
		{"from", required}, {"to", required},
	}
)

// document reads all there is.
func (d *decoder) document() *Case {
	c := &Case{}
	for name := range d.object(caseShape) {
		switch name {
		case "format":
			c.Format = d.text()
		case "as_of":
			c.AsOf = d.instant()
		case "program":
			c.Program = program(d)
		case "people":
			c.People = list(d, 0, person)
		case "sessions":
			c.Sessions = list(d, 0, session)
		case "excused":
			c.Excused = list(d, 0, excuse)
		case "events":
			c.Events = list(d, d.eventsAhead(), event)
		case "corrections":
			c.Corrections = list(d, 0, correction)
		case "signatures":
			c.Signatures = list(d, 0, signature)
		case "enrollments":
			c.Enrollments = list(d, 0, enrollment)
		case "authorizations":
			c.Authorizations = list(d, 0, authorization)
		}
	}
	if d.peek() != 0 || d.i < len(d.b) {
		d.failSyntax("goes on after its end")
	}
	return c
}

// eventsAhead guesses how many events follow, so that the one long list is
// allocated once: each names its epoch, and takes more bytes than shortest.
func (d *decoder) eventsAhead() int {
	const shortest = len(`{"session":"s","epoch":0,"seq":0,"at":"2026-11-02T00:00:00Z","type":"seen"}`)
	ahead := d.b[d.i:]
	return min(bytes.Count(ahead, []byte(`"epoch"`)), len(ahead)/shortest)
}

func program(d *decoder) Program {
	p := Program{WeekStart: "monday", Profile: GenericAdult, Counting: DefaultCounting()}
	for name := range d.object(programShape) {
		switch name {
		case "timezone":
			p.Timezone = d.text()
		case "week_start":
			p.WeekStart = word[Weekday](d)
		case "profile":
			p.Profile = word[ProfileName](d)
		case "profile_overrides":
			p.Overrides = overrides(d)
		case "counting":
			p.Counting = counting(d)
		}
	}
	return p
}

func overrides(d *decoder) ProfileOverrides {
	var o ProfileOverrides
	for name := range d.object(overridesShape) {
		switch name {
		case "week_min_minutes":
			o.WeekMinMinutes = override(d, (*decoder).int)
		case "week_max_minutes":
			o.WeekMaxMinutes = override(d, (*decoder).int)
		case "week_basis":
			o.WeekBasis = override(d, word[WeekBasis])
		case "day_min_minutes":
			o.DayMinMinutes = override(d, (*decoder).int)
		case "days_min":
			o.DaysMin = override(d, (*decoder).int)
		case "average_weeks":
			o.AverageWeeks = override(d, (*decoder).int)
		case "telehealth_allowed":
			o.TelehealthAllowed = override(d, (*decoder).bool)
		}
	}
	return o
}

func override[T any](d *decoder, value func(*decoder) T) Override[T] {
	if d.acceptWord("null") {
		return NoLimit[T]()
	}
	return OverrideWith(value(d))
}

func counting(d *decoder) Counting {
	c := DefaultCounting()
	for name := range d.object(countingShape) {
		switch name {
		case "bridge_seconds":
			c.BridgeSeconds = d.int()
		case "clip":
			c.Clip = word[Clip](d)
		case "breaks":
			c.Breaks = word[BreakRule](d)
		case "facilitator_scope":
			c.FacilitatorScope = word[Scope](d)
		case "date_attribution":
			c.DateAttribution = word[DateAttribution](d)
		case "late_after_minutes":
			c.LateAfterMinutes = d.int()
		case "margin_minutes":
			c.MarginMinutes = d.int()
		case "group_max":
			c.GroupMax = d.int()
		case "group_min":
			c.GroupMin = d.int()
		}
	}
	return c
}

func person(d *decoder) (p Person) {
	for name := range d.object(personShape) {
		switch name {
		case "id":
			p.ID = d.text()
		case "role":
			p.Role = word[Role](d)
		}
	}
	return p
}

func session(d *decoder) Session {
	s := Session{Status: SessionScheduled}
	for name := range d.object(sessionShape) {
		switch name {
		case "id":
			s.ID = d.text()
		case "service":
			s.Service = word[Service](d)
		case "counts":
			counts := d.bool()
			s.Counts = &counts
		case "scheduled_start":
			s.ScheduledStart = d.instant()
		case "scheduled_end":
			s.ScheduledEnd = d.instant()
		case "breaks":
			s.Breaks = list(d, 0, interval)
		case "roster":
			s.Roster = list(d, 0, (*decoder).text)
		case "status":
			s.Status = word[SessionStatus](d)
		}
	}
	return s
}

func interval(d *decoder) (i Interval) {
	for name := range d.object(intervalShape) {
		switch name {
		case "start":
			i.Start = d.instant()
		case "end":
			i.End = d.instant()
		}
	}
	return i
}

func excuse(d *decoder) (e Excuse) {
	for name := range d.object(excuseShape) {
		switch name {
		case "session":
			e.Session = d.text()
		case "person":
			e.Person = d.text()
		case "by":
			e.By = word[ExcusedBy](d)
		}
	}
	return e
}

func event(d *decoder) (e Event) {
	for name := range d.object(eventShape) {
		switch name {
		case "session":
			e.Session = d.text()
		case "epoch":
			e.Epoch = d.int()
		case "seq":
			e.Seq = d.int()
		case "at":
			e.At = d.instant()
		case "type":
			e.Type = word[EventType](d)
		case "person":
			e.Person = d.text()
		case "connection":
			e.Connection = d.text()
		case "room":
			e.Room = d.text()
		case "reason":
			e.Reason = word[Reason](d)
		}
	}
	return e
}

func correction(d *decoder) (k Correction) {
	for name := range d.object(correctionShape) {
		switch name {
		case "id":
			k.ID = d.text()
		case "session":
			k.Session = d.text()
		case "at":
			k.At = d.instant()
		case "by":
			k.By = d.text()
		case "op":
			k.Op = word[Op](d)
		case "person":
			k.Person = d.text()
		case "start":
			k.Start = d.instant()
		case "end":
			k.End = d.instant()
		case "room":
			k.Room = d.text()
		case "connection":
			k.Connection = d.text()
		case "status":
			k.Status = word[Status](d)
		case "reason":
			k.Reason = word[CorrectionReason](d)
		case "note":
			k.Note = d.note()
		case "supersedes":
			k.Supersedes = d.text()
		}
	}
	return k
}

func signature(d *decoder) (s Signature) {
	for name := range d.object(signatureShape) {
		switch name {
		case "session":
			s.Session = d.text()
		case "version":
			s.Version = d.int()
		case "by":
			s.By = d.text()
		case "at":
			s.At = d.instant()
		}
	}
	return s
}

func enrollment(d *decoder) (e Enrollment) {
	for name := range d.object(enrollmentShape) {
		switch name {
		case "person":
			e.Person = d.text()
		case "start":
			e.Start = d.instant()
		case "end":
			e.End = d.instant()
		case "profile":
			e.Profile = word[ProfileName](d)
		}
	}
	return e
}

func authorization(d *decoder) (a Authorization) {
	for name := range d.object(authorizationShape) {
		switch name {
		case "id":
			a.ID = d.text()
		case "person":
			a.Person = d.text()
		case "unit":
			a.Unit = word[Unit](d)
		case "count":
			a.Count = d.int()
		case "from":
			a.From = d.date()
		case "to":
			a.To = d.date()
		}
	}
	return a
}
