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
	g := &cases{T: t, c: &attendance.Case{
		Format: attendance.Format,
		People: []attendance.Person{
			{ID: "t1", Role: "facilitator"}, {ID: "t2", Role: "facilitator"}, {ID: "o1", Role: "observer"},
			{ID: "g1", Role: "guest"}, {ID: "p1", Role: "patient"}, {ID: "p2", Role: "patient"}, {ID: "p3", Role: "patient"},
		},
	}}
	at := one(g, "place", places...)
	g.base = at.odd.Unix()
	g.program(at.zone)
	for i := range 1 + g.below("sessions", 8) {
		g.session(fmt.Sprintf("s%d", i))
	}
	g.asOf()
	g.corrections()
	g.enrollments()
	for i := range g.below("authorizations", 4) {
		g.authorization(fmt.Sprintf("a%d", i))
	}
	return g.c
}

// below draws a number from 0 to n-1, each as likely as the next (within two
// to one): rapid's own ranges favour small numbers so much that nothing meets.
func (g *cases) below(label string, n int) int {
	if n <= 1 {
		return 0
	}
	return rapid.Custom(func(t *rapid.T) int {
		x := 0
		for limit := 1; limit < n; limit *= 2 {
			x *= 2
			if rapid.Bool().Draw(t, "bit") {
				x++
			}
		}
		return x % n
	}).Draw(g.T, label)
}

// one draws one of some values.
func one[V any](g *cases, label string, values ...V) V { return values[g.below(label, len(values))] }

func (g *cases) patient() string { return one(g, "patient", "p1", "p2", "p3") }

// moment draws an instant near a session, on the grid.
func (g *cases) moment(s *attendance.Session) attendance.Instant {
	from, to := sec(s.ScheduledStart)-60, sec(s.ScheduledEnd)+60
	return instant(from + 10*int64(g.below("moment", int(to-from)/10)))
}

func (g *cases) interval(s *attendance.Session) attendance.Interval {
	a, b := g.moment(s), g.moment(s)
	return attendance.Interval{Start: min(a, b), End: max(a, b) + 10_000}
}

func limitOf(g *cases, values ...int) attendance.Override[int] {
	switch n := g.below("limit", len(values)+2) - 2; n {
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
	o.WeekMinMinutes = limitOf(g, 0, 1, 2, 3, 5, 9)
	o.WeekMaxMinutes = limitOf(g, 0, 3, 6)
	o.DayMinMinutes = limitOf(g, 0, 1, 2, 4)
	o.DaysMin = limitOf(g, 0, 1, 2, 3)
	o.AverageWeeks = limitOf(g, 1, 2, 3)
	if one(g, "basis given", true, false) {
		o.WeekBasis = attendance.OverrideWith(one[attendance.WeekBasis](g, "basis", "attended", "scheduled", "planned", "average", "average"))
	}
	p.Counting = attendance.Counting{
		BridgeSeconds:    one(g, "bridge", 0, 10, 20, 60, 300),
		Clip:             one[attendance.Clip](g, "clip", "scheduled", "scheduled", "actual", "intersection"),
		Breaks:           one[attendance.BreakRule](g, "breaks", "exclude", "exclude", "include"),
		FacilitatorScope: one[attendance.Scope](g, "scope", "room", "room", "session", "none"),
		DateAttribution:  one[attendance.DateAttribution](g, "dates", "split", "start"),
		LateAfterMinutes: one(g, "late", 0, 1, 10),
		MarginMinutes:    one(g, "margin", 0, 1, 3, 9),
		GroupMax:         one(g, "max", 1, 2, 12),
		GroupMin:         one(g, "min", 0, 2),
	}
}

// session draws a session, often beside or over another, and its evidence.
func (g *cases) session(id string) {
	day := one[int64](g, "day", 0, 0, 0, 0, 0, 0, 1, 7, -14, -7, -1, 2)
	start := g.base + day*86400 + 30*int64(g.below("start", 16)-10)
	s := attendance.Session{
		ID:             id,
		Service:        one[attendance.Service](g, "service", "group", "group", "group", "individual", "psychoeducation", "peer_support", "assessment"),
		ScheduledStart: instant(start),
		ScheduledEnd:   instant(start + 10*int64(3+g.below("length", 36))),
		Status:         one[attendance.SessionStatus](g, "status", "scheduled", "scheduled", "scheduled", "scheduled", "scheduled", "scheduled", "scheduled", "cancelled_by_program"),
	}
	if counts := one(g, "counts", 0, 0, 0, 1, 2); counts > 0 {
		yes := counts == 1
		s.Counts = &yes
	}
	for range g.below("breaks", 3) {
		s.Breaks = append(s.Breaks, g.interval(&s))
	}
	for _, p := range []string{"p3", "p1", "p2"} {
		if g.below("rostered", 4) > 0 {
			s.Roster = append(s.Roster, p)
		}
		if g.below("excused", 16) == 0 {
			g.c.Excused = append(g.c.Excused, attendance.Excuse{Session: id, Person: p, By: "patient"})
		}
	}
	g.c.Sessions = append(g.c.Sessions, s)
	g.evidence(&s)
}

// evidence draws the visits of some people and, over them, events that may
// make sense or not.
func (g *cases) evidence(s *attendance.Session) {
	devices := map[string]device{"c0": {"c0", 1, "t1"}, "d0": {"d0", 2, "t1"}}
	for i := range 5 {
		name := fmt.Sprintf("c%d", i+1)
		devices[name] = device{name, one(g, "epoch", 1, 1, 1, 2), one(g, "owner", "p1", "p1", "p1", "p2", "p2", "p3", "t2", "g1")}
	}
	w := &witness{cases: g, session: s, seqs: map[int]int{}}
	if one(g, "opened", true, true, true, false) {
		w.note(device{epoch: 1}, attendance.Event{Type: "opened", At: one(g, "opening", s.ScheduledStart-30_000, s.ScheduledStart-30_000, g.moment(s))})
	}
	for _, name := range []string{"c0", "c1", "d0", "c2", "c3", "c4"}[:g.below("visits", 7)] {
		w.visit(devices[name])
	}
	for range g.below("odd events", one(g, "at most", 1, 6, 16)) {
		name := one(g, "connection", "c0", "c1", "c2", "c3", "c4", "c5", "d0")
		w.oddity(devices[name])
	}
	if one(g, "closed", true, false, false) {
		w.note(device{epoch: one(g, "by", 1, 2)}, attendance.Event{Type: "closed", At: one(g, "closing", s.ScheduledEnd, g.moment(s))})
	}
}

// device is a connection in the making.
type device struct {
	name   string
	epoch  int
	person string
}

// witness writes events of one session down, not always in their order.
type witness struct {
	*cases
	session *attendance.Session
	seqs    map[int]int // by epoch
}

func (w *witness) note(d device, e attendance.Event) {
	w.seqs[d.epoch]++
	e.Session, e.Epoch, e.Seq = w.session.ID, d.epoch, w.seqs[d.epoch]
	w.c.Events = append(w.c.Events, e)
}

func (w *witness) room() string {
	return one(w.cases, "room", "", "main", "main", "main", "b-1", "a-1")
}

// visit is somebody who comes, is lost now and then and comes back soon.
func (w *witness) visit(d device) {
	at := w.session.ScheduledStart + instant(10*int64(w.below("comes", 12)-6))
	for range 1 + w.below("times", 4) {
		if one(w.cases, "waits", true, false, false) {
			w.note(d, attendance.Event{Type: "waiting", At: at, Person: d.person, Connection: d.name})
			at += instant(10 * int64(w.below("waiting", 4)))
		}
		w.note(d, attendance.Event{Type: "admitted", At: at, Person: d.person, Connection: d.name, Room: w.room()})
		at += instant(10 * int64(w.below("stays", 30)))
		if one(w.cases, "lost", true, true, true, false) {
			w.note(d, attendance.Event{Type: "lost", At: at, Connection: d.name})
		} else {
			w.note(d, attendance.Event{Type: "left", At: at, Connection: d.name, Reason: w.reason()})
		}
		at += instant(10 * int64(w.below("is away", 7)))
	}
}

func (w *witness) reason() attendance.Reason {
	return one[attendance.Reason](w.cases, "reason", "leave", "removed", "sent_to_lobby", "replaced")
}

// oddity is any event at any time.
func (w *witness) oddity(d device) {
	e := attendance.Event{At: w.moment(w.session), Type: one[attendance.EventType](w.cases, "type",
		"opened", "closed", "waiting", "admitted", "admitted", "admitted", "admitted", "moved",
		"left", "lost", "lost", "seen", "seen", "seen", "break_started", "break_ended")}
	switch e.Type {
	case "waiting":
		e.Person, e.Connection = d.person, d.name
	case "admitted":
		e.Person, e.Connection, e.Room = d.person, d.name, w.room()
	case "moved":
		e.Connection, e.Room = d.name, one(w.cases, "room", "main", "b-1", "a-1")
	case "left":
		e.Connection, e.Reason = d.name, w.reason()
	case "lost":
		e.Connection = d.name
	case "seen":
		e.Connection = one(w.cases, "covers", d.name, "")
	}
	w.note(d, e)
}

// asOf draws when the question is asked: mostly after everything.
func (g *cases) asOf() {
	s := &g.c.Sessions[g.below("as of session", len(g.c.Sessions))]
	g.c.AsOf = one(g, "as_of", instant(g.base+30*86400), instant(g.base+8*86400), g.moment(s), g.moment(s), s.ScheduledEnd)
}

// corrections draws corrections and signatures, some after as_of.
func (g *cases) corrections() {
	latest := map[string]string{}
	at := sec(g.c.Sessions[0].ScheduledStart)
	for i := range g.below("corrections", 9) {
		s := &g.c.Sessions[g.below("of session", len(g.c.Sessions))]
		at += one[int64](g, "later", 0, 0, 10, 300, 86400)
		if g.below("signed", 3) == 0 {
			g.c.Signatures = append(g.c.Signatures, attendance.Signature{
				Session: s.ID, Version: one(g, "version", 1, 1, 1, 2, 3), By: one(g, "by", "t1", "o1"), At: instant(at),
			})
		}
		k := attendance.Correction{
			ID: fmt.Sprintf("k%02d", i), Session: s.ID, At: instant(at), By: one(g, "by", "t1", "o1"), Reason: "payer_rule",
			Op: one[attendance.Op](g, "op", "add", "add", "add", "remove", "remove", "extend_window", "declare_break", "cancel_break", "reassign", "set_status"),
		}
		if g.below("supersedes", 5) == 0 {
			k.Supersedes = latest[s.ID]
		}
		if g.fill(&k, s) {
			latest[s.ID] = k.ID
			g.c.Corrections = append(g.c.Corrections, k)
		}
	}
	for _, s := range g.c.Sessions {
		if one(g, "signed at the end", true, false) {
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
		t := g.noonOrMidnight(g.base - 86400*int64(1+g.below("enrolled", 40)))
		for range g.below("enrollments", 3) {
			x := attendance.Enrollment{
				Person: p, Start: instant(t),
				Profile: one[attendance.ProfileName](g, "profile", "generic_adult", "php", "outpatient", "va_medicaid_adult", g.c.Program.Profile),
			}
			t = g.noonOrMidnight(t + 43200*int64(3+g.below("stays", 60))) // a day may last 25 h
			x.End = instant(t)
			g.c.Enrollments = append(g.c.Enrollments, x)
			t += 43200 * int64(g.below("away", 4))
		}
		if n := len(g.c.Enrollments); n > 0 && g.c.Enrollments[n-1].Person == p && one(g, "goes on", true, false) {
			g.c.Enrollments[n-1].End = 0
		}
	}
}

// noonOrMidnight moves an instant, on most draws, to where its local day
// begins: weeks begin there too.
func (g *cases) noonOrMidnight(t int64) int64 {
	zone, err := attendance.LoadZone(g.c.Program.Timezone)
	if err != nil {
		g.Fatal(err)
	}
	y, m, d := time.Unix(t, 0).In(zone).Date()
	return time.Date(y, m, d, one(g, "hour", 0, 0, 12), 0, 0, 0, zone).Unix()
}

func (g *cases) authorization(id string) {
	today := attendance.Date(g.base / 86400)
	from := today + attendance.Date(g.below("from", 11)-9)
	g.c.Authorizations = append(g.c.Authorizations, attendance.Authorization{
		ID: id, Person: g.patient(), Unit: one[attendance.Unit](g, "unit", "day", "session", "hour", "q15"),
		Count: one(g, "count", 0, 1, 12), From: from, To: from + attendance.Date(g.below("days", 13)),
	})
}
