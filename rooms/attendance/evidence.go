package attendance

import (
	"cmp"
	"slices"
)

// evidence is what the events of one session say, up to as_of (§3): who was
// where, when the doors were open, when there was a break. Whose a connection
// is may still change (§5, reassign).
type evidence struct {
	first, last Instant // both 0 without any event
	doors       []door
	breaks      Set // live ones
	connections []connection
}

// door is an opened or a closed.
type door struct {
	at     Instant
	closed bool
}

// connection is one device of one person, from its first waiting or admitted.
type connection struct {
	name   string
	epoch  int
	person string // who the events say it is

	stays        []stay
	lobby        []Interval
	explicitEnds []Instant // of presences, even of no length (§4.2)

	waited, admitted bool
	ended            Instant // the latest end of all, lobby included
	removed          bool    // ended so
}

// stay is a time in one room.
type stay struct {
	room string
	Interval
}

// fact is an event with the instant at which it is evaluated.
type fact struct {
	*Event
	at Instant
}

// reader reads the events of one session after another and reuses what it
// needs for that.
type reader struct {
	asOf    Instant
	facts   []fact
	latest  map[string]Instant // admitted of a connection, while dating
	tracked map[string]int     // place in tracks, by connection
	tracks  []track
	open    []int           // places in tracks opened since the last closed, some ended since
	alive   map[int]Instant // last seen of a whole epoch
}

func newReader(asOf Instant) *reader {
	return &reader{asOf: asOf, latest: make(map[string]Instant), tracked: make(map[string]int), alive: make(map[int]Instant)}
}

// read evaluates the events at the given places, all of one session.
func (r *reader) read(events []Event, places []int32) *evidence {
	r.order(events, places)
	clear(r.tracked)
	clear(r.alive)
	r.tracks, r.open = r.tracks[:0], r.open[:0]
	ev := &evidence{}
	breakSince := Instant(0)
	for _, f := range r.facts {
		ev.first, ev.last = cmp.Or(ev.first, f.at), f.at
		switch f.Type {
		case Opened:
			ev.doors = append(ev.doors, door{f.at, false})
		case Closed:
			ev.doors = append(ev.doors, door{f.at, true})
			r.close(f)
			breakSince = ev.endBreak(breakSince, f.at)
		case BreakStarted:
			breakSince = cmp.Or(breakSince, f.at)
		case BreakEnded:
			breakSince = ev.endBreak(breakSince, f.at)
		default:
			r.follow(f)
		}
	}
	ev.endBreak(breakSince, r.asOf)
	r.loseRest()
	ev.connections = make([]connection, len(r.tracks))
	for i := range r.tracks {
		ev.connections[i] = r.tracks[i].connection
	}
	return ev
}

// endBreak notes the live break that began at since, if one did.
func (ev *evidence) endBreak(since, at Instant) (none Instant) {
	if since != 0 {
		ev.breaks = ev.breaks.extend(Interval{since, at})
	}
	return 0
}

// order puts the known events, each once, in the order of their evaluation.
func (r *reader) order(events []Event, places []int32) {
	r.facts = r.facts[:0]
	for _, i := range places {
		if e := &events[i]; e.At <= r.asOf {
			r.facts = append(r.facts, fact{e, e.At})
		}
	}
	slices.SortFunc(r.facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
	})
	r.facts = slices.CompactFunc(r.facts, func(a, b fact) bool { return a.Epoch == b.Epoch && a.Seq == b.Seq })
	r.date()
	slices.SortStableFunc(r.facts, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
}

// date gives a left or lost that is dated before an admitted of a lower seq
// the latest such one's instant (§3). The facts come by epoch and seq.
func (r *reader) date() {
	clear(r.latest)
	for i := range r.facts {
		switch f := &r.facts[i]; f.Type {
		case Admitted:
			r.latest[f.Connection] = max(r.latest[f.Connection], f.at)
		case Left, Lost:
			f.at = max(f.at, r.latest[f.Connection])
		}
	}
}

// track is a connection while its events are read.
type track struct {
	connection
	open   bool
	inRoom bool
	room   string
	since  Instant // where it is now, it came then
	seen   Instant // latest event that names it while it is open
}

// follow takes an event of a connection, or a seen of an epoch.
func (r *reader) follow(f fact) {
	if f.Connection == "" {
		r.alive[f.Epoch] = f.at
		return
	}
	i, known := r.tracked[f.Connection]
	enters := f.Type == Waiting || f.Type == Admitted
	if !known && !enters {
		return
	}
	if !known {
		i = len(r.tracks)
		r.tracked[f.Connection] = i
		r.tracks = append(r.tracks, track{connection: connection{name: f.Connection, epoch: f.Epoch, person: f.Person}})
	}
	t := &r.tracks[i]
	if !t.open && enters {
		t.open, t.since = true, f.at
		r.open = append(r.open, i)
	}
	if t.open {
		t.seen = f.at
		t.step(f)
	}
}

// step takes an event that names an open connection.
func (t *track) step(f fact) {
	switch f.Type {
	case Waiting:
		t.waited = true
		if t.inRoom {
			t.leave(f.at)
			t.explicitEnds = append(t.explicitEnds, f.at)
		}
	case Admitted:
		t.admitted = true
		t.leave(f.at)
		t.inRoom, t.room = true, cmp.Or(f.Room, MainRoom)
	case Moved:
		if t.inRoom {
			t.leave(f.at)
			t.inRoom, t.room = true, f.Room
		}
	case Left:
		t.end(f.at, f.Reason != ReasonReplaced, f.Reason == ReasonRemoved)
	case Lost:
		t.end(f.at, false, false)
	}
}

// leave notes the stay, or the wait, that ends now.
func (t *track) leave(at Instant) {
	past := Interval{t.since, at}
	switch {
	case past.Length() == 0: // dropped (§1)
	case t.inRoom:
		t.stays = append(t.stays, stay{t.room, past})
	default:
		t.lobby = append(t.lobby, past)
	}
	t.inRoom, t.since = false, at
}

// end notes that the connection is open no more.
func (t *track) end(at Instant, explicit, removed bool) {
	if t.inRoom && explicit {
		t.explicitEnds = append(t.explicitEnds, at)
	}
	t.leave(at)
	t.open = false
	if at > t.ended {
		t.removed = false
	}
	t.ended, t.removed = max(t.ended, at), t.removed || removed
}

// lose ends a connection at its last proof of life (§3).
func (r *reader) lose(t *track) { t.end(max(t.seen, r.alive[t.epoch]), false, false) }

// close takes a closed: its epoch's connections end now, others as if lost.
func (r *reader) close(f fact) {
	for _, i := range r.open {
		t := &r.tracks[i]
		switch {
		case !t.open:
		case t.epoch == f.Epoch:
			t.end(f.at, true, false)
		default:
			r.lose(t)
		}
	}
	r.open = r.open[:0]
}

// loseRest ends what no event ended: a crashed node, a running session and a
// truncated log are one rule.
func (r *reader) loseRest() {
	for _, i := range r.open {
		if t := &r.tracks[i]; t.open {
			r.lose(t)
		}
	}
}
