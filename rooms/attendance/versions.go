package attendance

import (
	"cmp"
	"maps"
	"slices"
	"sort"
)

// touches is when corrections of one session touched whose records (§5), in
// order of time. Dropped corrections count too: a version never goes back.
type touches struct {
	all []Instant            // times that all records were touched
	of  map[string][]Instant // times that a person's was
	// everyone is whom "all" means in other sessions: everyone on the roster
	// or named by an event or a correction of this one.
	everyone map[string]struct{}
}

// touch is what one correction touches: all, or some people's records.
type touch struct {
	all    bool
	people map[string]struct{}
}

// add is the touch of t and u together.
func (t touch) add(u touch) touch {
	people := maps.Clone(t.people)
	if people == nil {
		people = make(map[string]struct{}, len(u.people))
	}
	maps.Copy(people, u.people)
	return touch{t.all || u.all, people}
}

// one is the touch of one person's record.
func one(person string) touch { return touch{people: map[string]struct{}{person: {}}} }

// touches works out whom each correction of the session touches.
func (a *amendment) touches(s *Session, ev *evidence, roles map[string]Role) touches {
	t := touches{of: make(map[string][]Instant), everyone: everyone(s, ev, a)}
	given := make(map[string]touch) // to whom each connection ever belonged
	for i := range ev.connections {
		given[ev.connections[i].name] = one(ev.connections[i].person)
	}
	byID := make(map[string]touch, len(a.known))
	for _, k := range a.known {
		now := k.touches(given, roles)
		if k.Supersedes != "" {
			now = now.add(byID[k.Supersedes])
		}
		byID[k.ID] = now
		if now.all {
			t.all = append(t.all, k.At)
			continue
		}
		for p := range now.people {
			t.of[p] = append(t.of[p], k.At)
		}
	}
	return t
}

// touches is what k touches by itself; a reassign also goes down in given.
func (k *Correction) touches(given map[string]touch, roles map[string]Role) touch {
	switch k.Op {
	case ExtendWindow, DeclareBreak, CancelBreak:
		return touch{all: true}
	case Reassign:
		t := given[k.Connection].add(one(k.Person))
		given[k.Connection] = t
		for p := range t.people {
			t.all = t.all || roles[p] == Facilitator
		}
		return t
	}
	t := one(k.Person)
	t.all = roles[k.Person] == Facilitator
	return t
}

func everyone(s *Session, ev *evidence, a *amendment) map[string]struct{} {
	people := make(map[string]struct{})
	for _, p := range s.Roster {
		people[p] = struct{}{}
	}
	for i := range ev.connections {
		people[ev.connections[i].person] = struct{}{}
	}
	for _, k := range a.known {
		if k.Person != "" {
			people[k.Person] = struct{}{}
		}
	}
	return people
}

// signaturesBySession is the signatures known at as_of, in order of time.
func signaturesBySession(c *Case) map[string][]*Signature {
	bySession := make(map[string][]*Signature)
	for i := range c.Signatures {
		if s := &c.Signatures[i]; s.At <= c.AsOf {
			bySession[s.Session] = append(bySession[s.Session], s)
		}
	}
	for _, signatures := range bySession {
		slices.SortFunc(signatures, func(a, b *Signature) int { return cmp.Compare(a.At, b.At) })
	}
	return bySession
}

// sign settles the version and the state of every record (§5).
func (e *evaluation) sign() {
	corrected := e.correctedSessions()
	for i := range e.records {
		r := &e.records[i]
		r.sign(e.entries[i].sitting, corrected[r.Person], e.AsOf)
	}
}

// sign settles the version and the state of a record.
func (r *Record) sign(s *sitting, elsewhere *corrections, asOf Instant) {
	h := history{sitting: s, person: r.Person, elsewhere: elsewhere}
	signed, ever := h.replay(asOf)
	r.Version = h.version
	switch {
	case !s.over:
		r.State = StateOpen
	case signed:
		r.State = StateSigned
	case ever:
		r.State = StateAmended
	default:
		r.State = StateUnsigned
	}
}

// history is the life of one record.
type history struct {
	*sitting
	person    string
	elsewhere *corrections
	version   int
}

// replay goes from signature to signature. A correction makes a new version
// only of one that is signed, so only the first one after that matters.
func (h *history) replay(asOf Instant) (signed, ever bool) {
	h.version = 1
	var signedAt Instant
	for _, s := range h.signatures {
		// At one instant signatures come before corrections.
		if signed && h.touched(signedAt, s.At) {
			h.version, signed = h.version+1, false
		}
		if !signed && s.Version == h.version && h.overAt(s.At) {
			signed, ever, signedAt = true, true, s.At
		}
	}
	if signed && h.touched(signedAt, asOf+1) {
		h.version, signed = h.version+1, false
	}
	return signed, ever
}

// touched reports whether a correction at [from, to) touched the record: one
// of its own session, or, where it counts, one of a session at the same time.
func (h *history) touched(from, to Instant) bool {
	if within(h.touches.all, from, to) || within(h.touches.of[h.person], from, to) {
		return true
	}
	if !h.counts {
		return false
	}
	return h.elsewhere.overlapping(h.sitting, func(other *sitting) bool {
		return within(other.touches.all, from, to) || within(other.touches.of[h.person], from, to)
	})
}

// within reports whether one of the instants, in order, lies in [from, to).
func within(instants []Instant, from, to Instant) bool {
	i, _ := slices.BinarySearch(instants, from)
	return i < len(instants) && instants[i] < to
}

// corrections are the sessions with corrections that may touch one person's
// records, in order of their scheduled start.
type corrections struct {
	sessions []*sitting
	latest   []Instant // the latest scheduled end up to each of them
}

// correctedSessions is the corrections that concern each person.
func (e *evaluation) correctedSessions() map[string]*corrections {
	byPerson := make(map[string]*corrections)
	for _, s := range e.sittings {
		for p := range s.touches.everyone {
			if byPerson[p] == nil {
				byPerson[p] = &corrections{}
			}
			byPerson[p].sessions = append(byPerson[p].sessions, s)
		}
	}
	for _, c := range byPerson {
		slices.SortFunc(c.sessions, func(a, b *sitting) int { return cmp.Compare(a.ScheduledStart, b.ScheduledStart) })
		latest := Instant(0)
		for _, s := range c.sessions {
			latest = max(latest, s.ScheduledEnd)
			c.latest = append(c.latest, latest)
		}
	}
	return byPerson
}

// overlapping reports whether one of the other sessions whose scheduled time
// overlaps that of s is such.
func (c *corrections) overlapping(s *sitting, such func(*sitting) bool) bool {
	if c == nil {
		return false
	}
	first := sort.Search(len(c.latest), func(i int) bool { return c.latest[i] > s.ScheduledStart })
	for _, other := range c.sessions[first:] {
		if other.ScheduledStart >= s.ScheduledEnd {
			return false
		}
		if other.ID != s.ID && other.scheduled().Overlaps(s.scheduled()) && such(other) {
			return true
		}
	}
	return false
}
