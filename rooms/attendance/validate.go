package attendance

import (
	"cmp"
	"math"
	"slices"
)

// Validate reports the first thing found wrong with c, as an *InputError that
// points into the document c marshals to (§2). The whole Case must be valid,
// whatever AsOf.
func (c *Case) Validate() error {
	v := &validator{Case: c, roles: make(map[string]Role, len(c.People)), sessions: make(map[string]int, len(c.Sessions))}
	for _, check := range []func() *InputError{
		v.head, v.program, v.counting, v.people, v.schedule, v.excuses, v.events, v.evidence,
		v.corrections, v.superseding, v.signatures, v.enrollments, v.authorizations,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// validator holds what references are checked against.
type validator struct {
	*Case
	roles     map[string]Role // by person
	sessions  map[string]int  // place in Sessions, by id
	sessionOf []int           // place in Sessions, by place in Events; set by events
}

// Messages that more than one check gives.
const (
	isRequired      = "is required"
	isTwice         = "is given twice"
	isUnknown       = "is not a word of this format"
	isNoSession     = "names no session of this document"
	isNoPerson      = "names no person of this document"
	isWrongRole     = "names a person whose role does not fit"
	isNotAfterStart = "is not after its start"
	isOutOfRange    = "is out of range"
	isNotItsOwn     = "is not a field of this kind"
)

// broken is an error at a place in the document.
func broken(message string, path ...any) *InputError {
	return &InputError{pointer(path...), message}
}

// badInstant is what is wrong with an instant that is required.
func badInstant(t Instant) string {
	switch {
	case t == 0:
		return isRequired
	case !t.inYears():
		return "is not in the years 2000 to 2099"
	}
	return ""
}

// badInterval is the field that is wrong of an interval, and how.
func badInterval(i Interval) (field, message string) {
	if message := badInstant(i.Start); message != "" {
		return "start", message
	}
	if message := badInstant(i.End); message != "" {
		return "end", message
	}
	if i.End <= i.Start {
		return "end", isNotAfterStart
	}
	return "", ""
}

// badWord is what is wrong with a word that must be one of some.
func badWord[T ~string](w T, known ...T) string {
	switch {
	case w == "":
		return isRequired
	case !slices.Contains(known, w):
		return isUnknown
	}
	return ""
}

// badNumber is what is wrong with a number (§2).
func badNumber(n, least, most int) string {
	if n < least || n > most {
		return isOutOfRange
	}
	return ""
}

// badPerson is what is wrong with a reference to a person; no roles mean any.
func (v *validator) badPerson(id string, roles ...Role) string {
	role, known := v.roles[id]
	switch {
	case id == "":
		return isRequired
	case !known:
		return isNoPerson
	case len(roles) > 0 && !slices.Contains(roles, role):
		return isWrongRole
	}
	return ""
}

// badSession is what is wrong with a reference to a session.
func (v *validator) badSession(id string) string {
	if id == "" {
		return isRequired
	}
	if _, known := v.sessions[id]; !known {
		return isNoSession
	}
	return ""
}

// finding is a field with what is wrong with it, if anything is.
type finding struct{ field, message string }

// firstOf is the first finding that is wrong, of the object at path.
func firstOf(findings []finding, path ...any) *InputError {
	for _, f := range findings {
		if f.message != "" {
			return broken(f.message, append(path, f.field)...)
		}
	}
	return nil
}

func (v *validator) head() *InputError {
	if v.Format != Format {
		return broken("is not "+Format, "format")
	}
	return firstOf([]finding{{"as_of", badInstant(v.AsOf)}})
}

func (v *validator) program() *InputError {
	if _, err := LoadZone(v.Program.Timezone); err != nil {
		return broken("is not the IANA name of a zone", "program", "timezone")
	}
	if w := v.Program.WeekStart; w != "" && w.number() < 0 {
		return broken(isUnknown, "program", "week_start")
	}
	if _, ok := cmp.Or(v.Program.Profile, GenericAdult).profile(); !ok {
		return broken(isUnknown, "program", "profile")
	}
	o := v.Program.Overrides
	return firstOf([]finding{
		{"week_min_minutes", badOverride(o.WeekMinMinutes, 0)},
		{"week_max_minutes", badOverride(o.WeekMaxMinutes, 0)},
		{"day_min_minutes", badOverride(o.DayMinMinutes, 0)},
		{"days_min", badOverride(o.DaysMin, 0)},
		{"average_weeks", badOverride(o.AverageWeeks, 1)},
		{"week_basis", badBasis(o.WeekBasis)},
	}, "program", "profile_overrides")
}

func badOverride(o Override[int], least int) string {
	if o.value == nil {
		return ""
	}
	return badNumber(*o.value, least, math.MaxInt32)
}

func badBasis(o Override[WeekBasis]) string {
	if o.value == nil {
		return ""
	}
	return badWord(*o.value, BasisAttended, BasisScheduled, BasisPlanned, BasisAverage)
}

func (v *validator) counting() *InputError {
	c := v.Program.Counting
	return firstOf([]finding{
		{"bridge_seconds", badNumber(c.BridgeSeconds, 0, 300)},
		{"clip", badWord(c.Clip, ClipScheduled, ClipActual, ClipIntersection)},
		{"breaks", badWord(c.Breaks, ExcludeBreaks, IncludeBreaks)},
		{"facilitator_scope", badWord(c.FacilitatorScope, ScopeRoom, ScopeSession, ScopeNone)},
		{"date_attribution", badWord(c.DateAttribution, SplitAtMidnight, ToStartDate)},
		{"late_after_minutes", badNumber(c.LateAfterMinutes, 0, math.MaxInt32)},
		{"margin_minutes", badNumber(c.MarginMinutes, 0, math.MaxInt32)},
		{"group_max", badNumber(c.GroupMax, 0, math.MaxInt32)},
		{"group_min", badNumber(c.GroupMin, 0, math.MaxInt32)},
	}, "program", "counting")
}

func (v *validator) people() *InputError {
	for i, p := range v.People {
		if p.ID == "" {
			return broken(isRequired, "people", i, "id")
		}
		if _, twice := v.roles[p.ID]; twice {
			return broken(isTwice, "people", i, "id")
		}
		if m := badWord(p.Role, Facilitator, Observer, Interpreter, Guest, Peer, Patient); m != "" {
			return broken(m, "people", i, "role")
		}
		v.roles[p.ID] = p.Role
	}
	return nil
}

func (v *validator) schedule() *InputError {
	for i := range v.Sessions {
		s := &v.Sessions[i]
		if s.ID == "" {
			return broken(isRequired, "sessions", i, "id")
		}
		if _, twice := v.sessions[s.ID]; twice {
			return broken(isTwice, "sessions", i, "id")
		}
		v.sessions[s.ID] = i
		if err := v.session(i, s); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) session(i int, s *Session) *InputError {
	if _, ok := s.Service.rule(); !ok {
		return broken(isUnknown, "sessions", i, "service")
	}
	if field, m := badInterval(Interval{s.ScheduledStart, s.ScheduledEnd}); m != "" {
		return broken(m, "sessions", i, "scheduled_"+field)
	}
	for j, b := range s.Breaks {
		if field, m := badInterval(b); m != "" {
			return broken(m, "sessions", i, "breaks", j, field)
		}
	}
	if m := badWord(cmp.Or(s.Status, SessionScheduled), SessionScheduled, SessionCancelled); m != "" {
		return broken(m, "sessions", i, "status")
	}
	named := make(map[string]struct{}, len(s.Roster))
	for j, id := range s.Roster {
		if m := v.badPerson(id, Patient); m != "" {
			return broken(m, "sessions", i, "roster", j)
		}
		if _, twice := named[id]; twice {
			return broken(isTwice, "sessions", i, "roster", j)
		}
		named[id] = struct{}{}
	}
	return nil
}

func (v *validator) excuses() *InputError {
	for i, e := range v.Excused {
		if err := firstOf([]finding{
			{"session", v.badSession(e.Session)},
			{"person", v.badPerson(e.Person, Patient)},
			{"by", badWord(e.By, ByPatient, ByProgram)},
		}, "excused", i); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) signatures() *InputError {
	for i, s := range v.Signatures {
		if err := firstOf([]finding{
			{"session", v.badSession(s.Session)},
			{"version", badNumber(s.Version, 1, math.MaxInt32)},
			{"by", v.badPerson(s.By, Facilitator, Observer)},
			{"at", badInstant(s.At)},
		}, "signatures", i); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) enrollments() *InputError {
	for i, e := range v.Enrollments {
		field, m := "start", badInstant(e.Start)
		if m == "" && e.End != 0 {
			field, m = badInterval(Interval{e.Start, e.End})
		}
		if err := firstOf([]finding{{"person", v.badPerson(e.Person, Patient)}, {field, m}}, "enrollments", i); err != nil {
			return err
		}
		if _, ok := e.Profile.profile(); !ok {
			return broken(isUnknown, "enrollments", i, "profile")
		}
	}
	return v.enrolledTwice()
}

// enrolledTwice finds enrollments of one person that overlap; the error is at
// the second in the document.
func (v *validator) enrolledTwice() *InputError {
	order := make([]int, len(v.Enrollments))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := v.Enrollments[i], v.Enrollments[j]
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Start, b.Start), cmp.Compare(i, j))
	})
	for n := 1; n < len(order); n++ {
		i, j := order[n-1], order[n]
		a, b := v.Enrollments[i], v.Enrollments[j]
		if a.Person == b.Person && b.Start < a.until() {
			return broken("overlaps another enrollment of the person", "enrollments", max(i, j), "start")
		}
	}
	return nil
}

// until is the end of an enrollment, or of all time while it goes on.
func (e Enrollment) until() Instant { return cmp.Or(e.End, endOfTime) }

func (v *validator) authorizations() *InputError {
	ids := make(map[string]struct{}, len(v.Authorizations))
	for i, a := range v.Authorizations {
		if err := firstOf([]finding{
			{"id", badID(ids, a.ID)},
			{"person", v.badPerson(a.Person, Patient)},
			{"unit", badWord(a.Unit, UnitDay, UnitSession, UnitHour, UnitQ15)},
			{"count", badNumber(a.Count, 0, math.MaxInt32)},
		}, "authorizations", i); err != nil {
			return err
		}
		if a.To < a.From {
			return broken("is before from", "authorizations", i, "to")
		}
	}
	return nil
}

// badID is what is wrong with an id, which it adds to those seen.
func badID(seen map[string]struct{}, id string) string {
	if id == "" {
		return isRequired
	}
	if _, twice := seen[id]; twice {
		return isTwice
	}
	seen[id] = struct{}{}
	return ""
}
