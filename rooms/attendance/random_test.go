package attendance_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// place is a zone with an instant around which something odd happens to its
// clocks.
type place struct {
	zone string
	odd  time.Time
}

var places = []place{
	{"America/Chicago", time.Date(2026, 3, 8, 8, 0, 0, 0, time.UTC)},
	{"America/Chicago", time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC)},
	{"Europe/Berlin", time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)},
	{"Europe/Berlin", time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)},
	{"America/Santiago", time.Date(2026, 4, 5, 3, 0, 0, 0, time.UTC)},
	{"America/Santiago", time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC)}, // midnight does not exist
	{"Australia/Lord_Howe", time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC)},
	{"Australia/Lord_Howe", time.Date(2026, 10, 3, 15, 30, 0, 0, time.UTC)}, // half an hour
	{"Asia/Kathmandu", time.Date(2026, 5, 17, 18, 15, 0, 0, time.UTC)},
}

// cases draws small but complete cases: sessions of a few minutes on odd days,
// times on a grid of ten seconds so that they coincide, limits so low that
// every verdict occurs.
type cases struct {
	*rapid.T
	c    *attendance.Case
	base int64 // seconds
}

func drawCase(t *rapid.T) *attendance.Case {
	at := rapid.SampledFrom(places).Draw(t, "place")
	g := &cases{T: t, base: at.odd.Unix(), c: &attendance.Case{
		Format: attendance.Format,
		People: []attendance.Person{
			{ID: "t1", Role: "facilitator"}, {ID: "t2", Role: "facilitator"}, {ID: "o1", Role: "observer"},
			{ID: "g1", Role: "guest"}, {ID: "p1", Role: "patient"}, {ID: "p2", Role: "patient"}, {ID: "p3", Role: "patient"},
		},
	}}
	g.program(at.zone)
	for i := range rapid.IntRange(1, 5).Draw(t, "sessions") {
		g.session(fmt.Sprintf("s%d", i))
	}
	g.asOf()
	g.corrections()
	g.enrollments()
	for i := range rapid.IntRange(0, 3).Draw(t, "authorizations") {
		g.authorization(fmt.Sprintf("a%d", i))
	}
	return g.c
}

// one draws one of some values.
func one[V any](g *cases, label string, values ...V) V {
	return rapid.SampledFrom(values).Draw(g.T, label)
}

func (g *cases) patient() string { return one(g, "patient", "p1", "p2", "p3") }

// moment draws an instant near a session, on the grid.
func (g *cases) moment(s *attendance.Session) attendance.Instant {
	from, to := sec(s.ScheduledStart)-60, sec(s.ScheduledEnd)+60
	return instant(from + 10*rapid.Int64Range(0, (to-from)/10).Draw(g.T, "moment"))
}

func (g *cases) interval(s *attendance.Session) attendance.Interval {
	a, b := g.moment(s), g.moment(s)
	return attendance.Interval{Start: min(a, b), End: max(a, b) + 10_000}
}

func limitOf(g *cases, values ...int) attendance.Override[int] {
	switch n := rapid.IntRange(-2, len(values)-1).Draw(g.T, "limit"); n {
	case -2:
		return attendance.Override[int]{}
	case -1:
		return attendance.NoLimit[int]()
	default:
		return attendance.OverrideWith(values[n])
	}
}

func (g *cases) program(zone string) {
	p := &g.c.Program
	p.Timezone = zone
	p.WeekStart = one[attendance.Weekday](g, "week_start", "monday", "sunday", "saturday", "wednesday")
	p.Profile = one[attendance.ProfileName](g, "profile", "generic_adult", "php", "outpatient", "ny_oasas", "va_medicaid_adult", "medicare")
	o := &p.Overrides
	o.WeekMinMinutes = limitOf(g, 0, 2, 5, 9)
	o.WeekMaxMinutes = limitOf(g, 0, 3, 6)
	o.DayMinMinutes = limitOf(g, 1, 2, 4)
	o.DaysMin = limitOf(g, 0, 1, 2, 3)
	o.AverageWeeks = limitOf(g, 1, 2, 3)
	if rapid.Bool().Draw(g.T, "basis given") {
		o.WeekBasis = attendance.OverrideWith(one[attendance.WeekBasis](g, "basis", "attended", "scheduled", "planned", "average", "average"))
	}
	p.Counting = attendance.Counting{
		BridgeSeconds:    one(g, "bridge", 0, 10, 20, 60, 300),
		Clip:             one[attendance.Clip](g, "clip", "scheduled", "actual", "intersection"),
		Breaks:           one[attendance.BreakRule](g, "breaks", "exclude", "exclude", "include"),
		FacilitatorScope: one[attendance.Scope](g, "scope", "room", "room", "session", "none"),
		DateAttribution:  one[attendance.DateAttribution](g, "dates", "split", "start"),
		LateAfterMinutes: one(g, "late", 0, 1, 10),
		MarginMinutes:    one(g, "margin", 0, 1, 3),
		GroupMax:         one(g, "max", 1, 2, 12),
		GroupMin:         one(g, "min", 0, 2),
	}
}

// session draws a session, often beside or over another, and its evidence.
func (g *cases) session(id string) {
	day := one[int64](g, "day", -14, -7, -1, 0, 0, 0, 0, 1, 2, 6, 7)
	start := g.base + day*86400 + 30*rapid.Int64Range(-8, 8).Draw(g.T, "start")
	s := attendance.Session{
		ID:             id,
		Service:        one[attendance.Service](g, "service", "group", "group", "group", "individual", "psychoeducation", "peer_support", "assessment"),
		ScheduledStart: instant(start),
		ScheduledEnd:   instant(start + 10*rapid.Int64Range(3, 36).Draw(g.T, "length")),
		Status:         one[attendance.SessionStatus](g, "status", "scheduled", "scheduled", "scheduled", "scheduled", "cancelled_by_program"),
	}
	if counts := one(g, "counts", 0, 0, 0, 1, 2); counts > 0 {
		yes := counts == 1
		s.Counts = &yes
	}
	for range rapid.IntRange(0, 2).Draw(g.T, "breaks") {
		s.Breaks = append(s.Breaks, g.interval(&s))
	}
	for _, p := range []string{"p3", "p1", "p2"} {
		if rapid.IntRange(0, 3).Draw(g.T, "rostered") > 0 {
			s.Roster = append(s.Roster, p)
		}
		if rapid.IntRange(0, 5).Draw(g.T, "excused") == 0 {
			g.c.Excused = append(g.c.Excused, attendance.Excuse{Session: id, Person: p, By: "patient"})
		}
	}
	g.c.Sessions = append(g.c.Sessions, s)
	g.evidence(&s)
}

// evidence draws events of up to seven connections in two epochs.
func (g *cases) evidence(s *attendance.Session) {
	type device struct {
		epoch  int
		person string
	}
	devices := map[string]device{"c0": {1, "t1"}}
	for i := range 6 {
		devices[fmt.Sprintf("c%d", i+1)] = device{
			epoch:  one(g, "epoch", 1, 1, 1, 2),
			person: one(g, "owner", "p1", "p1", "p2", "p3", "t1", "t2", "g1"),
		}
	}
	seqs := rapid.Permutation([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}).Draw(g.T, "seqs")
	n := rapid.IntRange(0, len(seqs)).Draw(g.T, "events")
	for _, seq := range seqs[:n] {
		e := attendance.Event{Session: s.ID, Seq: seq, At: g.moment(s)}
		e.Type = one[attendance.EventType](g, "type", "opened", "closed", "waiting", "admitted", "admitted", "admitted",
			"admitted", "moved", "left", "lost", "lost", "seen", "seen", "break_started", "break_ended")
		name := one(g, "connection", "c0", "c1", "c2", "c3", "c4", "c5", "c6")
		e.Epoch = devices[name].epoch
		switch e.Type {
		case "waiting":
			e.Person, e.Connection = devices[name].person, name
		case "admitted":
			e.Person, e.Connection = devices[name].person, name
			e.Room = one(g, "room", "", "main", "main", "b-1", "a-1")
		case "moved":
			e.Connection, e.Room = name, one(g, "room", "main", "b-1", "a-1")
		case "left":
			e.Connection, e.Reason = name, one[attendance.Reason](g, "reason", "leave", "removed", "sent_to_lobby", "replaced")
		case "lost":
			e.Connection = name
		case "seen":
			e.Connection = one(g, "covers", name, "")
		}
		g.c.Events = append(g.c.Events, e)
	}
}

// asOf draws when the question is asked: mostly after everything.
func (g *cases) asOf() {
	s := &g.c.Sessions[rapid.IntRange(0, len(g.c.Sessions)-1).Draw(g.T, "as of session")]
	g.c.AsOf = one(g, "as_of", instant(g.base+30*86400), instant(g.base+8*86400), g.moment(s), g.moment(s), s.ScheduledEnd)
}

// corrections draws corrections and signatures, some after as_of.
func (g *cases) corrections() {
	latest := map[string]string{}
	at := sec(g.c.Sessions[0].ScheduledStart)
	for i := range rapid.IntRange(0, 10).Draw(g.T, "corrections") {
		s := &g.c.Sessions[rapid.IntRange(0, len(g.c.Sessions)-1).Draw(g.T, "of session")]
		at += one[int64](g, "later", 0, 0, 10, 300, 86400)
		if rapid.IntRange(0, 2).Draw(g.T, "signed") == 0 {
			g.c.Signatures = append(g.c.Signatures, attendance.Signature{
				Session: s.ID, Version: one(g, "version", 1, 1, 1, 2, 3), By: one(g, "by", "t1", "o1"), At: instant(at),
			})
		}
		k := attendance.Correction{
			ID: fmt.Sprintf("k%02d", i), Session: s.ID, At: instant(at), By: one(g, "by", "t1", "o1"), Reason: "payer_rule",
			Op: one[attendance.Op](g, "op", "add", "add", "add", "remove", "remove", "extend_window", "declare_break", "cancel_break", "reassign", "set_status"),
		}
		if rapid.IntRange(0, 4).Draw(g.T, "supersedes") == 0 {
			k.Supersedes = latest[s.ID]
		}
		if g.fill(&k, s) {
			latest[s.ID] = k.ID
			g.c.Corrections = append(g.c.Corrections, k)
		}
	}
	for _, s := range g.c.Sessions {
		if rapid.Bool().Draw(g.T, "signed at the end") {
			g.c.Signatures = append(g.c.Signatures, attendance.Signature{
				Session: s.ID, Version: one(g, "version", 1, 1, 2), By: "t1", At: instant(g.base + 7*86400),
			})
		}
	}
}

// fill draws what an op has of its own; false if there is nothing to reassign.
func (g *cases) fill(k *attendance.Correction, s *attendance.Session) bool {
	i := g.interval(s)
	switch k.Op {
	case "add", "remove":
		k.Person, k.Start, k.End = one(g, "corrected", "p1", "p2", "p3", "t1", "t2"), i.Start, i.End
		if k.Person[0] == 't' {
			k.Room = one(g, "room", "", "main", "a-1")
		}
	case "extend_window", "declare_break", "cancel_break":
		k.Start, k.End = i.Start, i.End
	case "reassign":
		n := slices.IndexFunc(g.c.Events, func(e attendance.Event) bool { return e.Session == s.ID && e.Connection != "" })
		if n < 0 {
			return false
		}
		k.Connection, k.Person = g.c.Events[n].Connection, one(g, "to", "p1", "p2", "p3", "t2", "g1")
	case "set_status":
		k.Person, k.Status = g.patient(), one[attendance.Status](g, "status", "excused", "no_show", "attended")
	}
	return true
}

// enrollments draws stays that do not overlap, some of them touching.
func (g *cases) enrollments() {
	for _, p := range []string{"p1", "p2"} {
		t := g.base - 86400*rapid.Int64Range(1, 40).Draw(g.T, "enrolled")
		for range rapid.IntRange(0, 2).Draw(g.T, "enrollments") {
			x := attendance.Enrollment{
				Person: p, Start: instant(t),
				Profile: one[attendance.ProfileName](g, "profile", "generic_adult", "php", "outpatient", "va_medicaid_adult", g.c.Program.Profile),
			}
			t += 43200 * rapid.Int64Range(1, 50).Draw(g.T, "stays")
			x.End = instant(t)
			g.c.Enrollments = append(g.c.Enrollments, x)
			t += 43200 * rapid.Int64Range(0, 3).Draw(g.T, "away")
		}
		if n := len(g.c.Enrollments); n > 0 && g.c.Enrollments[n-1].Person == p && rapid.Bool().Draw(g.T, "goes on") {
			g.c.Enrollments[n-1].End = 0
		}
	}
}

func (g *cases) authorization(id string) {
	today := attendance.Date(g.base / 86400)
	from := today + attendance.Date(rapid.IntRange(-9, 1).Draw(g.T, "from"))
	g.c.Authorizations = append(g.c.Authorizations, attendance.Authorization{
		ID: id, Person: g.patient(), Unit: one[attendance.Unit](g, "unit", "day", "session", "hour", "q15"),
		Count: one(g, "count", 0, 1, 12), From: from, To: from + attendance.Date(rapid.IntRange(0, 12).Draw(g.T, "days")),
	})
}
