package attendance

import (
	"cmp"
	"slices"
	"sort"
)

// Account is how the credit of one patient in one session comes about. The
// names are those of §4; each set follows from the ones before it. Its sets
// are shared: read only.
type Account struct {
	C         Rooms // §4.1 where the person was connected
	Connected Set   // ⋃ᵣ C
	Lobby     Set   // waiting, and not connected elsewhere
	R         Rooms // §4.2 with short losses bridged
	Present   Set   // ⋃ᵣ R
	F         Rooms // §4.3 where facilitators were
	W         Set   // §4.4 the window, one interval or none
	B         Set   // §4.5 breaks
	A, X      Set   // §5 added and removed by correction
	K0        Set   // §4.6 in the company of a facilitator
	K1        Set   // §4.7 within the window
	K2        Set   // §4.7 outside the breaks
	K3        Set   // §4.7 as corrected: what is attended
	K         Set   // §4.8 as no other session has it: what is credited
}

// sitting is one session with what its records have in common.
type sitting struct {
	*Session
	counting *Counting
	roster   []string // in order
	rule     serviceRule
	counts   bool // towards hours; a cancelled session never does (§2)
	date     Date // local, of the scheduled start
	doors    []door
	over     bool // at as_of
	parties  []party
	amendment
	signatures []*Signature
	touches    touches

	f       Rooms // §4.3
	leading Set   // ⋃ᵣ F
	w, b    Set
}

// party is a person with a connection in the session, after reassign.
type party struct {
	person      string
	role        Role
	connections []*connection
	c, r        Rooms
	connected   Set // ⋃ᵣ C
}

// partiesOf groups the connections of a session by person, in order.
func partiesOf(connections []connection, a *amendment, roles map[string]Role, longestBridge int64) []party {
	reassigned := a.reassigned()
	owned := make([]*connection, len(connections))
	for i := range connections {
		owned[i] = &connections[i]
		if to, moved := reassigned[owned[i].name]; moved {
			owned[i].person = to
		}
	}
	slices.SortStableFunc(owned, func(a, b *connection) int { return cmp.Compare(a.person, b.person) })
	var parties []party
	for from := 0; from < len(owned); {
		to := from + 1
		for to < len(owned) && owned[to].person == owned[from].person {
			to++
		}
		p := party{person: owned[from].person, role: roles[owned[from].person], connections: owned[from:to:to]}
		p.present(longestBridge)
		parties = append(parties, p)
		from = to
	}
	return parties
}

// present works out §4.1 and §4.2: C and R.
func (p *party) present(longestBridge int64) {
	var stays []stay
	var explicitEnds []Instant
	for _, c := range p.connections {
		for _, x := range c.spells {
			if x.room != "" && x.Length() > 0 { // what has no length is dropped (§1)
				stays = append(stays, stay{x.room, x.Interval})
			}
		}
		explicitEnds = append(explicitEnds, c.explicitEnds...)
	}
	slices.Sort(explicitEnds)
	p.c = roomsOf(stays)
	p.connected = p.c.all()
	p.r = p.c.bridged(p.connected, explicitEnds, longestBridge)
}

// lobby is the time waiting, less ⋃ᵣ C.
func (p *party) lobby() Set {
	var waits []Interval
	for _, c := range p.connections {
		for _, x := range c.spells {
			if x.room == "" {
				waits = append(waits, x.Interval)
			}
		}
	}
	return SetOf(waits...).Subtract(p.connected)
}

// facilitation is F (§4.3): the bridged time of each facilitator, as changed
// by what corrections add to and remove from it, in every room.
func (s *sitting) facilitation(roles map[string]Role) Rooms {
	var parts []stay
	for i := range s.parties {
		if p := &s.parties[i]; p.role == Facilitator {
			parts = append(parts, facilitatorPart(p.r, s.of[p.person])...)
		}
	}
	for person, corrections := range s.of {
		if roles[person] == Facilitator && s.party(person) == nil {
			parts = append(parts, facilitatorPart(nil, corrections)...)
		}
	}
	return roomsOf(parts)
}

// facilitatorPart is one facilitator's part of F.
func facilitatorPart(r Rooms, corrections []*Correction) []stay {
	if len(corrections) == 0 {
		return r.stays()
	}
	bases := make(map[string]Set)
	for _, in := range r {
		bases[in.Room] = in.Time
	}
	for _, k := range corrections {
		if room := cmp.Or(k.Room, MainRoom); k.Op == AddTime && bases[room] == nil {
			bases[room] = nil
		}
	}
	var part []stay
	for room, base := range bases {
		for _, i := range corrected(base, corrections, func(k *Correction) effect { return k.inRoom(room) }) {
			part = append(part, stay{room, i})
		}
	}
	return part
}

// window is W (§4.4); last is the last evidence of the session.
func (s *sitting) window(last Instant) Set {
	w := s.clip(last)
	for _, k := range s.valid {
		if k.Op == ExtendWindow {
			w = Set{w.Hull(k.interval())}
		}
	}
	return w
}

// clip is W before corrections.
func (s *sitting) clip(last Instant) Set {
	scheduled := Set{s.scheduled()}
	switch s.counting.Clip {
	case ClipActual:
		return s.actual(last)
	case ClipIntersection:
		return s.actual(last).Intersect(scheduled)
	}
	return scheduled
}

// actual is from the first opened to the last closed. Without a closed, or
// opened again after it, the session goes to its last evidence; without an
// opened it has no actual time.
func (s *sitting) actual(last Instant) Set {
	first := slices.IndexFunc(s.doors, func(d door) bool { return !d.closed })
	if first < 0 {
		return nil
	}
	if d := s.doors[len(s.doors)-1]; d.closed {
		last = d.at
	}
	return SetOf(Interval{s.doors[first].at, last})
}

// breaks is B (§4.5), of the scheduled breaks and the live ones.
func (s *sitting) breaks(live Set) Set {
	if s.counting.Breaks == IncludeBreaks {
		return nil
	}
	return corrected(SetOf(slices.Clone(s.Breaks)...).Union(live), s.valid, (*Correction).onBreaks)
}

// accompanied is K0 (§4.6).
func (s *sitting) accompanied(r Rooms, present Set) Set {
	switch {
	case !s.rule.needsFacilitator || s.counting.FacilitatorScope == ScopeNone:
		return present
	case s.counting.FacilitatorScope == ScopeSession:
		return present.Intersect(s.leading)
	}
	return r.with(s.f)
}

// account works out §4.1 to §4.7 for one person. K is K3 until other
// sessions have been heard.
func (s *sitting) account(person string, asOf Instant) *Account {
	a := &Account{F: s.f, W: s.w, B: s.b}
	if p := s.party(person); p != nil {
		a.C, a.R, a.Connected, a.Lobby = p.c, p.r, p.connected, p.lobby()
		a.Present = a.R.all()
	}
	own := s.of[person]
	a.A, a.X = added(own).Before(asOf), removed(own)
	a.K0 = s.accompanied(a.R, a.Present)
	a.K1 = a.K0.Intersect(a.W)
	a.K2 = a.K1.Subtract(a.B)
	a.K3 = a.K2.Subtract(a.X).Union(a.manual())
	if s.counts {
		a.K = a.K3
	}
	return a
}

// manual is what corrections may credit: no add credits a break (§4.7).
func (a *Account) manual() Set { return a.A.Intersect(a.W).Subtract(a.B) }

// given is what of that the evidence does not credit by itself.
func (a *Account) given() Set { return a.manual().Subtract(a.K2.Subtract(a.X)) }

// measure fills in the lengths that are reported (§4, the table).
func (a *Account) measure(r *Record) {
	inWindow := a.Present.Intersect(a.W)
	r.ConnectedMS = a.Connected.Length()
	r.LobbyMS = a.Lobby.Length()
	r.BridgedMS = a.Present.Length() - r.ConnectedMS
	r.LostOutsideWindowMS = a.Present.Length() - inWindow.Length()
	r.LostBreakMS = inWindow.Intersect(a.B).Length()
	r.LostNoFacilitatorMS = inWindow.Subtract(a.B).Subtract(a.K0).Length()
	r.LostCorrectionMS = a.K2.Intersect(a.X).Length()
	r.ManualMS = a.given().Length()
	r.AttendedMS = a.K3.Length()
}

// scheduled is the planned time of the session.
func (s *Session) scheduled() Interval { return Interval{s.ScheduledStart, s.ScheduledEnd} }

// party is the person's part, nil of one without a connection.
func (s *sitting) party(person string) *party {
	i, found := slices.BinarySearchFunc(s.parties, person, func(p party, person string) int { return cmp.Compare(p.person, person) })
	if !found {
		return nil
	}
	return &s.parties[i]
}

// overAt reports whether the session was over at t (§3): its time has passed,
// or it was closed, and not before its start, and not opened again.
func (s *sitting) overAt(t Instant) bool {
	if t >= s.ScheduledEnd {
		return true
	}
	n := sort.Search(len(s.doors), func(i int) bool { return s.doors[i].at > t })
	return n > 0 && s.doors[n-1].closed && s.doors[n-1].at >= s.ScheduledStart
}

// shareOut works out §4.8 for one person: of the sessions that count, given
// in their order of precedence, every instant goes to the first that has it.
// yield is called with the place of the session, in order of time.
func shareOut(attended []Set, yield func(Interval, int)) {
	var strokes []stroke
	for place, k3 := range attended {
		for _, i := range k3 {
			strokes = append(strokes, stroke{i, -place, place})
		}
	}
	paint(strokes, yield)
}
