package attendance_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"viop/rooms/attendance"
)

// The model is a second, slow reading of SPEC.md: every instant of a case is a
// whole second, so a set of time is a set of seconds, and each rule is asked
// of each second. It shares nothing with the package but the documents' types.

// seconds is a set of seconds since the epoch; [s, s+1) is in it or not.
type seconds map[int64]bool

func (s seconds) ms() int64 { return 1000 * int64(len(s)) }

// where is the seconds of s for which keep is true.
func (s seconds) where(keep func(int64) bool) seconds {
	kept := seconds{}
	for t := range s {
		if keep(t) {
			kept[t] = true
		}
	}
	return kept
}

func (s seconds) and(t seconds) seconds { return s.where(func(x int64) bool { return t[x] }) }
func (s seconds) not(t seconds) seconds { return s.where(func(x int64) bool { return !t[x] }) }
func (s seconds) or(t seconds) seconds {
	both := maps.Clone(s)
	maps.Copy(both, t)
	return both
}

func sec(t attendance.Instant) int64 { return int64(t) / 1000 }

func instant(s int64) attendance.Instant { return attendance.Instant(1000 * s) }

func span(from, to attendance.Instant) seconds {
	s := seconds{}
	for t := sec(from); t < sec(to); t++ {
		s[t] = true
	}
	return s
}

// intervals is s as the result document writes it.
func (s seconds) intervals() attendance.Set {
	set := attendance.Set{}
	for _, t := range slices.Sorted(maps.Keys(s)) {
		if n := len(set); n > 0 && set[n-1].End == instant(t) {
			set[n-1].End = instant(t + 1)
		} else {
			set = append(set, attendance.Interval{Start: instant(t), End: instant(t + 1)})
		}
	}
	return set
}

// model is a case under evaluation.
type model struct {
	*attendance.Case
	zone     *time.Location
	sessions []*modelSession  // by id
	starts   map[string]int64 // midnights found so far
	known    []attendance.Correction
}

// modelSession is a session and what the model has found out about it.
type modelSession struct {
	attendance.Session
	events     []attendance.Event // known, once each, in order
	lives      []life
	valid      []attendance.Correction
	counts     bool
	needsLead  bool
	class      int
	connected  map[string]map[string]seconds // person, room
	bridged    map[string]map[string]seconds
	leaders    map[string]seconds // room
	window     seconds
	breaks     seconds
	attended   map[string]seconds // K3, of those with a record
	credited   map[string]seconds // K
	records    map[string]*attendance.Record
	roleOf     map[string]attendance.Role
	scheduledS seconds // S of §8
}

// life is one time that a connection was open.
type life struct {
	connection, person string
	rooms              map[string]seconds
	lobby              seconds
	waited, admitted   bool
	end                int64
	removed            bool
	explicit           []int64 // ends of presences
}

func newModel(c *attendance.Case) *model {
	zone, err := attendance.LoadZone(c.Program.Timezone)
	if err != nil {
		panic(err)
	}
	m := &model{Case: c, zone: zone, starts: map[string]int64{}}
	for _, k := range c.Corrections {
		if k.At <= c.AsOf {
			m.known = append(m.known, k)
		}
	}
	slices.SortFunc(m.known, func(a, b attendance.Correction) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	roles := map[string]attendance.Role{}
	for _, p := range c.People {
		roles[p.ID] = p.Role
	}
	for _, s := range c.Sessions {
		m.sessions = append(m.sessions, m.session(s, roles))
	}
	slices.SortFunc(m.sessions, func(a, b *modelSession) int { return cmp.Compare(a.ID, b.ID) })
	m.credit()
	for _, s := range m.sessions {
		for p, r := range s.records {
			m.version(s, p, r)
		}
	}
	return m
}

// session works out §3 and §4.1 to §4.7.
func (m *model) session(x attendance.Session, roles map[string]attendance.Role) *modelSession {
	s := &modelSession{
		Session: x, roleOf: roles,
		connected: map[string]map[string]seconds{}, bridged: map[string]map[string]seconds{},
		attended: map[string]seconds{}, credited: map[string]seconds{}, records: map[string]*attendance.Record{},
	}
	table := map[attendance.Service][3]int{ // class, counts, needs a facilitator
		"individual": {1, 1, 1}, "family": {1, 1, 1}, "medication": {1, 1, 1}, "case_management": {1, 1, 1},
		"assessment": {1, 0, 1}, "group": {2, 1, 1}, "psychoeducation": {3, 1, 1},
		"peer_support": {4, 0, 0}, "mutual_aid": {4, 0, 0}, "aftercare": {4, 0, 0},
	}
	row := table[x.Service]
	s.class, s.counts, s.needsLead = row[0], row[1] == 1, row[2] == 1
	if x.Counts != nil {
		s.counts = *x.Counts
	}
	if x.Status == attendance.SessionCancelled {
		s.counts = false
	}
	for _, k := range m.known {
		superseded := slices.ContainsFunc(m.known, func(l attendance.Correction) bool { return l.Supersedes == k.ID })
		if k.Session == s.ID && !superseded {
			s.valid = append(s.valid, k)
		}
	}
	m.orderEvents(s)
	m.liveConnections(s)
	m.presence(s)
	m.leaders(s)
	m.windowAndBreaks(s)
	m.attendance(s)
	return s
}

// orderEvents: known events, once, dated as §3 says, in order.
func (m *model) orderEvents(s *modelSession) {
	type id struct{ epoch, seq int }
	seen := map[id]bool{}
	var mine []attendance.Event
	for _, e := range m.Events {
		if e.Session == s.ID && e.At <= m.AsOf && !seen[id{e.Epoch, e.Seq}] {
			seen[id{e.Epoch, e.Seq}] = true
			mine = append(mine, e)
		}
	}
	for _, e := range mine {
		at := e.At
		if e.Type == "left" || e.Type == "lost" {
			for _, a := range mine {
				if a.Type == "admitted" && a.Connection == e.Connection && a.Seq < e.Seq && a.At > at {
					at = a.At
				}
			}
		}
		e.At = at
		s.events = append(s.events, e)
	}
	slices.SortFunc(s.events, func(a, b attendance.Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
	})
}

// liveConnections finds every time that a connection was open.
func (m *model) liveConnections(s *modelSession) {
	names := map[string]bool{}
	for _, e := range s.events {
		names[e.Connection] = e.Connection != ""
	}
	for name, named := range names {
		if !named {
			continue
		}
		for from := 0; from < len(s.events); {
			e := s.events[from]
			if e.Connection != name || e.Type != "waiting" && e.Type != "admitted" {
				from++
				continue
			}
			to := from
			for to < len(s.events) {
				x := s.events[to]
				if x.Type == "closed" || x.Connection == name && (x.Type == "left" || x.Type == "lost") {
					break
				}
				to++
			}
			s.lives = append(s.lives, s.life(name, from, to))
			from = to + 1
		}
	}
}

// life is that of a connection open from one event to another, or to none.
func (s *modelSession) life(name string, from, to int) life {
	first := s.events[from]
	l := life{connection: name, person: first.Person, rooms: map[string]seconds{}, lobby: seconds{}}
	proof, ownEpoch := first.At, first.Epoch
	for _, e := range s.events[from:to] {
		if e.Connection == name || e.Type == "seen" && e.Connection == "" && e.Epoch == ownEpoch {
			proof = e.At
		}
	}
	end, explicit := proof, false
	if to < len(s.events) {
		switch e := s.events[to]; {
		case e.Type == "left":
			end, explicit, l.removed = e.At, e.Reason != "replaced", e.Reason == "removed"
		case e.Type == "lost":
			end = e.At
		case e.Epoch == ownEpoch:
			end, explicit = e.At, true
		}
	}
	l.end = sec(end)
	room, since := "", first.At // no room: the lobby
	stay := func(until attendance.Instant) {
		if room == "" {
			l.lobby = l.lobby.or(span(since, until))
		} else {
			l.rooms[room] = span(since, until).or(l.rooms[room])
		}
		since = until
	}
	for _, e := range s.events[from:to] {
		if e.Connection != name {
			continue
		}
		switch {
		case e.Type == "waiting":
			l.waited = true
			if room != "" {
				l.explicit = append(l.explicit, sec(e.At))
			}
			stay(e.At)
			room = ""
		case e.Type == "admitted":
			l.admitted = true
			stay(e.At)
			room = cmp.Or(e.Room, "main")
		case e.Type == "moved" && room != "":
			stay(e.At)
			room = e.Room
		}
	}
	if room != "" && explicit {
		l.explicit = append(l.explicit, l.end)
	}
	stay(end)
	return l
}

// presence is §4.1 and §4.2.
func (m *model) presence(s *modelSession) {
	for i := range s.lives {
		for _, k := range s.valid {
			if k.Op == "reassign" && k.Connection == s.lives[i].connection {
				s.lives[i].person = k.Person
			}
		}
		l := s.lives[i]
		if s.connected[l.person] == nil {
			s.connected[l.person] = map[string]seconds{}
		}
		for room, t := range l.rooms {
			s.connected[l.person][room] = t.or(s.connected[l.person][room])
		}
	}
	for p, rooms := range s.connected {
		s.bridged[p] = map[string]seconds{}
		for room, t := range rooms {
			s.bridged[p][room] = maps.Clone(t)
		}
		all := union(rooms)
		for a := range all { // a+1 may begin a gap
			length := int64(1)
			for !all[a+length] && length <= 301 {
				length++
			}
			length-- // seconds missing after a
			if length == 0 || length > int64(m.Program.Counting.BridgeSeconds) {
				continue
			}
			gap := a + 1
			explicit := slices.ContainsFunc(s.lives, func(l life) bool {
				return l.person == p && slices.Contains(l.explicit, gap)
			})
			if explicit {
				continue
			}
			room := "main"
			if !rooms["main"][a] {
				for _, r := range slices.Sorted(maps.Keys(rooms)) {
					if rooms[r][a] {
						room = r
						break
					}
				}
			}
			for t := gap; t < gap+length; t++ {
				s.bridged[p][room][t] = true
			}
		}
	}
}

func union(rooms map[string]seconds) seconds {
	all := seconds{}
	for _, t := range rooms {
		all = all.or(t)
	}
	return all
}

// leaders is §4.3.
func (m *model) leaders(s *modelSession) {
	s.leaders = map[string]seconds{}
	for p, role := range s.roleOf {
		if role != attendance.Facilitator {
			continue
		}
		part := map[string]seconds{}
		for room, t := range s.bridged[p] {
			part[room] = maps.Clone(t)
		}
		for _, k := range s.valid {
			if k.Person != p {
				continue
			}
			room := cmp.Or(k.Room, "main")
			switch k.Op {
			case "add":
				part[room] = span(k.Start, k.End).or(part[room])
			case "remove":
				for r := range part {
					part[r] = part[r].not(span(k.Start, k.End))
				}
			}
		}
		for room, t := range part {
			s.leaders[room] = t.or(s.leaders[room])
		}
	}
}

// windowAndBreaks is §4.4 and §4.5, and S of §8.
func (m *model) windowAndBreaks(s *modelSession) {
	scheduled := span(s.ScheduledStart, s.ScheduledEnd)
	actual := seconds{}
	var first, lastClosed, last attendance.Instant
	reopened := false
	live := seconds{}
	var breakSince attendance.Instant
	for _, e := range s.events {
		last = e.At
		switch e.Type {
		case "opened":
			first, reopened = cmp.Or(first, e.At), true
		case "closed":
			lastClosed, reopened = e.At, false
		}
		switch {
		case e.Type == "break_started" && breakSince == 0:
			breakSince = e.At
		case (e.Type == "break_ended" || e.Type == "closed") && breakSince != 0:
			live = live.or(span(breakSince, e.At))
			breakSince = 0
		}
	}
	if breakSince != 0 {
		// Nothing else that is drawn of a session lies an hour after its end.
		live = live.or(span(breakSince, min(m.AsOf, s.ScheduledEnd+3_600_000)))
	}
	if first != 0 {
		if lastClosed == 0 || reopened {
			lastClosed = last
		}
		actual = span(first, lastClosed)
	}
	switch m.Program.Counting.Clip {
	case "scheduled":
		s.window = scheduled
	case "actual":
		s.window = actual
	case "intersection":
		s.window = actual.and(scheduled)
	}
	s.breaks, s.scheduledS = live, scheduled
	for _, b := range s.Breaks {
		s.breaks = s.breaks.or(span(b.Start, b.End))
		s.scheduledS = s.scheduledS.not(span(b.Start, b.End))
	}
	for _, k := range s.valid {
		i := span(k.Start, k.End)
		switch k.Op {
		case "extend_window":
			hull := s.window.or(i)
			from, to := slices.Min(slices.Collect(maps.Keys(hull))), slices.Max(slices.Collect(maps.Keys(hull)))
			s.window = span(instant(from), instant(to+1))
		case "declare_break":
			s.breaks = s.breaks.or(i)
		case "cancel_break":
			s.breaks = s.breaks.not(i)
		}
	}
	if m.Program.Counting.Breaks == "include" {
		s.breaks, s.scheduledS = seconds{}, scheduled
	}
}

// attendance is §4.6, §4.7 and the table, for everybody who has a record.
func (m *model) attendance(s *modelSession) {
	people := map[string]bool{}
	for _, p := range s.Roster {
		people[p] = true
	}
	for _, l := range s.lives {
		people[l.person] = people[l.person] || s.roleOf[l.person] == attendance.Patient
	}
	for _, k := range s.valid {
		people[k.Person] = people[k.Person] || s.roleOf[k.Person] == attendance.Patient
	}
	for p, has := range people {
		if has {
			m.record(s, p)
		}
	}
}

func (m *model) record(s *modelSession, p string) {
	r := union(s.bridged[p])
	c := union(s.connected[p])
	k0 := seconds{}
	scope, led := m.Program.Counting.FacilitatorScope, union(s.leaders)
	for room, t := range s.bridged[p] {
		for x := range t {
			switch {
			case !s.needsLead || scope == "none",
				scope == "session" && led[x],
				scope == "room" && s.leaders[room][x]:
				k0[x] = true
			}
		}
	}
	added, taken := seconds{}, seconds{}
	for _, k := range s.valid {
		if k.Person != p {
			continue
		}
		i := span(k.Start, k.End)
		switch k.Op {
		case "add":
			added, taken = added.or(i), taken.not(i)
		case "remove":
			added, taken = added.not(i), taken.or(i)
		}
	}
	added = added.where(func(t int64) bool { return t < sec(m.AsOf) })
	k2 := k0.and(s.window).not(s.breaks)
	byHand := added.and(s.window).not(s.breaks)
	k3 := k2.not(taken).or(byHand)
	s.attended[p] = k3
	s.records[p] = &attendance.Record{
		Session: s.ID, Person: p, Service: s.Service, Date: m.dateOf(sec(s.ScheduledStart)),
		Status: m.status(s, p, len(k3) > 0), Labels: m.labels(s, k3, r, c, byHand.not(k2.not(taken))),
		ConnectedMS: c.ms(), LobbyMS: m.lobby(s, p).not(c).ms(), BridgedMS: r.not(c).ms(),
		LostOutsideWindowMS: r.not(s.window).ms(), LostBreakMS: r.and(s.window).and(s.breaks).ms(),
		LostNoFacilitatorMS: r.and(s.window).not(s.breaks).not(k0).ms(),
		LostCorrectionMS:    k2.and(taken).ms(), ManualMS: byHand.not(k2.not(taken)).ms(), AttendedMS: k3.ms(),
	}
}

func (m *model) lobby(s *modelSession, p string) seconds {
	waited := seconds{}
	for _, l := range s.lives {
		if l.person == p {
			waited = waited.or(l.lobby)
		}
	}
	return waited
}

// over is §3's, at an instant.
func (s *modelSession) overAt(t attendance.Instant) bool {
	closed := false
	for _, e := range s.events {
		if e.At > t {
			break
		}
		switch e.Type {
		case "opened":
			closed = false
		case "closed":
			closed = e.At >= s.ScheduledStart
		}
	}
	return closed || t >= s.ScheduledEnd
}

func (m *model) excused(s *modelSession, p string) bool {
	return slices.ContainsFunc(m.Excused, func(x attendance.Excuse) bool { return x.Session == s.ID && x.Person == p })
}

func (m *model) status(s *modelSession, p string, attended bool) (status attendance.Status) {
	latest, removed, present, here := int64(0), false, false, false
	for _, l := range s.lives {
		if l.person == p {
			latest, here, present = max(latest, l.end), true, present || l.admitted
		}
	}
	for _, l := range s.lives {
		removed = removed || l.person == p && l.end == latest && l.removed
	}
	switch {
	case s.Status == attendance.SessionCancelled:
		status = "cancelled_by_program"
	case attended:
		status = "attended"
	case removed:
		status = "removed"
	case present:
		status = "present_uncredited"
	case here:
		status = "lobby_only"
	case m.excused(s, p):
		status = "excused"
	case !s.overAt(m.AsOf):
		status = "scheduled"
	default:
		status = "no_show"
	}
	for _, k := range s.valid {
		if k.Op == "set_status" && k.Person == p {
			status = k.Status
		}
	}
	return status
}

func (m *model) labels(s *modelSession, k3, r, c, manual seconds) []attendance.Label {
	labels := []attendance.Label{}
	if len(r) > len(c) {
		labels = append(labels, "bridged")
	}
	if len(k3) > 0 {
		times := slices.Sorted(maps.Keys(k3))
		grace := int64(m.Program.Counting.LateAfterMinutes) * 60
		if times[0] > sec(s.ScheduledStart)+grace {
			labels = append(labels, "late")
		}
		if times[len(times)-1]+1 < sec(s.ScheduledEnd)-grace && s.overAt(m.AsOf) {
			labels = append(labels, "left_early")
		}
	}
	if len(manual) > 0 {
		labels = append(labels, "manual")
	}
	return labels
}

// credit is §4.8.
func (m *model) credit() {
	order := slices.Clone(m.sessions)
	slices.SortFunc(order, func(a, b *modelSession) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.ScheduledStart, b.ScheduledStart), cmp.Compare(a.ID, b.ID))
	})
	spent := map[string]seconds{}
	for _, s := range order {
		for p, k3 := range s.attended {
			k := seconds{}
			if s.counts {
				k = k3.not(spent[p])
				spent[p] = k.or(spent[p])
				s.records[p].LostOverlapMS = k3.ms() - k.ms()
			}
			s.credited[p] = k
			r := s.records[p]
			r.CreditedMS, r.Credited = k.ms(), k.intervals()
			minutes := r.CreditedMS / 60000
			r.Units = attendance.RecordUnits{MinuteFloor: minutes, Q15Floor: minutes / 15}
			for used := int64(0); used < minutes; used += 15 {
				r.Units.Q15Ceil++
				if minutes-used >= 8 {
					r.Units.Q15CMS8++
				}
			}
		}
	}
}
