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
	latest      *Event  // the one at last, nil without any
	doors       []door
	breaks      Set     // live ones
	pauses      []spell // the same, with the events behind them
	connections []connection
}

// door is an opened or a closed.
type door struct {
	at     Instant
	closed bool
	event  *Event
}

// connection is one device of one person, from its first waiting or admitted.
type connection struct {
	name   string
	epoch  int
	person string // who the events say it is

	spells       []spell   // in order, those of no length too
	explicitEnds []Instant // of presences, even of no length (§4.2)

	waited, admitted bool
	ended            Instant // the latest end of all, lobby included
	removed          bool    // ended so
}

// spell is a time in one room, or in the lobby, or a break, with the events
// that decide where it begins and ends.
type spell struct {
	Interval
	room     string // "" in the lobby
	from, to *Event // to is the last proof of life of what was lost, nil of a break that goes on
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
// needs for that. It can also go on where it stopped: take is one more event,
// and evidence says, at any time, what it comes to so far.
type reader struct {
	asOf    Instant
	facts   []fact
	latest  map[string]Instant // admitted of a connection, while dating
	tracked map[string]int     // place in tracks, by connection
	tracks  []track
	open    []int        // places in tracks opened since the last closed, some ended since
	alive   map[int]fact // last seen of a whole epoch
	ev      evidence     // all but the connections
	pause   fact         // what began the live break that goes on; zero without one
}

func newReader(asOf Instant) *reader {
	return &reader{asOf: asOf, latest: make(map[string]Instant), tracked: make(map[string]int), alive: make(map[int]fact)}
}

// read evaluates the events at the given places, all of one session.
func (r *reader) read(events []Event, places []int32) *evidence {
	r.order(events, places)
	clear(r.tracked)
	clear(r.alive)
	r.tracks, r.open = r.tracks[:0], r.open[:0]
	r.ev, r.pause = evidence{}, fact{}
	for _, f := range r.facts {
		r.take(f)
	}
	return r.evidence(r.asOf)
}

// take evaluates an event that comes after those before it, in the order of §3.
func (r *reader) take(f fact) {
	r.ev.first, r.ev.last, r.ev.latest = cmp.Or(r.ev.first, f.at), f.at, f.Event
	switch f.Type {
	case Opened:
		r.ev.doors = append(r.ev.doors, door{f.at, false, f.Event})
	case Closed:
		r.ev.doors = append(r.ev.doors, door{f.at, true, f.Event})
		r.close(f)
		r.endBreak(f)
	case BreakStarted:
		if r.pause.Event == nil {
			r.pause = f
		}
	case BreakEnded:
		r.endBreak(f)
	default:
		r.follow(f)
	}
}

// endBreak notes the live break that goes on, if one does.
func (r *reader) endBreak(f fact) {
	r.ev.rest(r.pause, f)
	r.pause = fact{}
}

// rest notes a live break; nothing where it has no beginning.
func (ev *evidence) rest(from, to fact) {
	if from.Event != nil {
		past := Interval{from.at, to.at}
		ev.breaks = ev.breaks.extend(past)
		ev.pauses = append(ev.pauses, spell{Interval: past, from: from.Event, to: to.Event})
	}
}

// evidence is what the events come to if there are no more of them: a break
// that goes on ends at asOf, and what no event ended is lost. A crashed node, a
// running session and a truncated log are one rule. The reader may go on after
// it; what is returned stays as it is.
func (r *reader) evidence(asOf Instant) *evidence {
	ev := r.ev
	if r.pause.Event != nil {
		// Of what is shared with later evidence, nothing is written to.
		ev.breaks, ev.pauses = slices.Clone(ev.breaks), slices.Clip(ev.pauses)
		ev.rest(r.pause, fact{at: asOf})
	}
	ev.connections = make([]connection, len(r.tracks))
	for i, t := range r.tracks {
		if t.open {
			t.spells, t.explicitEnds = slices.Clip(t.spells), slices.Clip(t.explicitEnds)
			r.lose(&t)
		}
		ev.connections[i] = t.connection
	}
	return &ev
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

// compare is the order of evaluation (§3).
func (f fact) compare(g fact) int {
	return cmp.Or(cmp.Compare(f.at, g.at), cmp.Compare(f.Epoch, g.Epoch), cmp.Compare(f.Seq, g.Seq))
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
	came   fact // where it is now, it came with that
	seen   fact // latest event that names it while it is open
}

// follow takes an event of a connection, or a seen of an epoch.
func (r *reader) follow(f fact) {
	if f.Connection == "" {
		r.alive[f.Epoch] = f
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
		t.open, t.came = true, f
		r.open = append(r.open, i)
	}
	if t.open {
		t.seen = f
		t.step(f)
	}
}

// step takes an event that names an open connection.
func (t *track) step(f fact) {
	switch f.Type {
	case Waiting:
		t.waited = true
		if t.inRoom {
			t.leave(f)
			t.explicitEnds = append(t.explicitEnds, f.at)
		}
	case Admitted:
		t.admitted = true
		if t.came != f { // who is let in at once has not waited
			t.leave(f)
		}
		t.inRoom, t.room = true, cmp.Or(f.Room, MainRoom)
	case Moved:
		if t.inRoom {
			t.leave(f)
			t.inRoom, t.room = true, f.Room
		}
	case Left:
		t.end(f, f.Reason != ReasonReplaced, f.Reason == ReasonRemoved)
	case Lost:
		t.end(f, false, false)
	}
}

// leave notes the stay, or the wait, that ends with f.
func (t *track) leave(f fact) {
	past := spell{Interval: Interval{t.came.at, f.at}, from: t.came.Event, to: f.Event}
	if t.inRoom {
		past.room = t.room
	}
	t.spells = append(t.spells, past)
	t.inRoom, t.came = false, f
}

// end notes that the connection is open no more since f.
func (t *track) end(f fact, explicit, removed bool) {
	if t.inRoom && explicit {
		t.explicitEnds = append(t.explicitEnds, f.at)
	}
	t.leave(f)
	t.open = false
	if f.at > t.ended {
		t.removed = false
	}
	t.ended, t.removed = max(t.ended, f.at), t.removed || removed
}

// lose ends a connection at its last proof of life (§3).
func (r *reader) lose(t *track) {
	proof := t.seen
	if all := r.alive[t.epoch]; all.at > proof.at {
		proof = all
	}
	t.end(proof, false, false)
}

// close takes a closed: its epoch's connections end now, others as if lost.
func (r *reader) close(f fact) {
	for _, i := range r.open {
		t := &r.tracks[i]
		switch {
		case !t.open:
		case t.epoch == f.Epoch:
			t.end(f, true, false)
		default:
			r.lose(t)
		}
	}
	r.open = r.open[:0]
}
