package rooms

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
)

// tell is what a page makes of an event, and what no page may be told.
func (w *world) tell(e send) {
	p := w.pages[e.to]
	if p.closed {
		w.t.Fatalf("%T after the last word", e.event)
	}
	if text := fmt.Sprintf("%+v", e.event); strings.Contains(text, "id-") {
		w.t.Fatalf("a page is told a person's id: %s", text)
	}
	var views []PersonView
	switch e := e.event.(type) {
	case Snapshot:
		p.room, p.people, views = e.Room, make(map[Handle]PersonView), e.People
	case RoomChanged:
		if e.Room.Rev <= p.room.Rev {
			w.t.Fatalf("revision of the room goes from %d to %d", p.room.Rev, e.Room.Rev)
		}
		p.room = e.Room
	case PersonChanged:
		views = []PersonView{e.Person}
	}
	for _, view := range views {
		w.mayKnow(p, view)
		if old, ok := p.people[view.Handle]; ok && view.Rev <= old.Rev {
			w.t.Fatalf("revision of %s goes from %d to %d", view.Handle, old.Rev, view.Rev)
		}
		if p.people[view.Handle] = view; view.State == Gone {
			delete(p.people, view.Handle)
		}
	}
}

// mayKnow: only facilitators see the lobby, check-ins and cries for help.
func (w *world) mayKnow(viewer *page, view PersonView) {
	me, subject := w.s.person(viewer.person), w.s.byHandle(view.Handle)
	if me.facilitates() {
		return
	}
	self := me == subject
	switch {
	case view.CheckIn != nil,
		!self && view.Help,
		!self && (view.State == Waiting || !view.WaitingSince.IsZero()),
		!self && !me.admitted && view.State != Gone:
		w.t.Fatalf("%s (%s, admitted: %t) is told %+v", me.id, me.role, me.admitted, view)
	}
}

// check is what must hold after every step.
func (w *world) check() {
	w.checkSeats()
	w.checkRoutes()
	w.checkPages()
	w.checkEvidence()
}

func (w *world) checkSeats() {
	handles, people := make(map[Handle]bool), make(map[PersonID]bool)
	for _, p := range w.s.people {
		if handles[p.handle] || people[p.id] {
			w.t.Fatalf("%s or %s is there twice", p.handle, p.id)
		}
		handles[p.handle], people[p.id] = true, true
		if p.seat != nil && (p.removed || w.lastBad[p.id]) {
			w.t.Fatalf("%s was removed and has a seat", p.id)
		}
	}
	open := make(map[PersonID]seatID)
	for id, page := range w.pages {
		if page.closed {
			continue
		}
		if other, ok := open[page.person]; ok {
			w.t.Fatalf("%s has seats %d and %d", page.person, id, other)
		}
		open[page.person] = id
	}
	if w.ended && w.s.phase != Ended {
		w.t.Fatalf("an ended session is %s", w.s.phase)
	}
}

func (w *world) checkRoutes() {
	for conn, place := range w.routed {
		p := w.s.byConn(conn)
		if p == nil || !p.admitted || p.seat.state != Active {
			w.t.Fatalf("%s is routed: %+v", conn, place)
		}
		if place.Room != "" && w.s.phase != Live {
			w.t.Fatalf("%s hears a group that is %s", conn, w.s.phase)
		}
		if place.Send&Mic != 0 && p.held {
			w.t.Fatalf("%s is held muted and heard", conn)
		}
	}
	attended := false
	for _, p := range w.s.here() {
		attended = attended || p.facilitates() && p.seat.conn.up
	}
	if w.s.phase == Live && !attended && w.now.Sub(w.s.attended) >= HoldGrace+tickEvery {
		w.t.Fatalf("live without a facilitator since %s", w.s.attended)
	}
	if w.s.phase == Held && attended {
		w.t.Fatal("held with a facilitator")
	}
}

// checkPages: what a page made of its events is what it would be told anew.
func (w *world) checkPages() {
	for _, p := range w.s.here() {
		page := w.pages[p.seat.id]
		room := page.room
		room.Rev = 0
		if want := w.s.roomView(p); room != want {
			w.t.Fatalf("%s thinks the room is %+v, it is %+v", p.id, room, want)
		}
		var got []PersonView
		for _, other := range w.s.people {
			if view, ok := page.people[other.handle]; ok {
				view.Rev = 0
				got = append(got, view)
			}
		}
		want := slices.DeleteFunc(w.s.peopleFor(p, nil), func(v PersonView) bool { return v.State == Gone })
		if !slices.Equal(got, want) {
			w.t.Fatalf("%s sees %+v, should see %+v", p.id, got, want)
		}
	}
}

// checkBeat: beats come in time, and say of each line in the group when its
// last packet came.
func (w *world) checkBeat(b Beat) {
	if !w.beat.At.IsZero() && b.At.Sub(w.beat.At) >= BeatEvery+tickEvery {
		w.t.Fatalf("no beat between %s and %s", w.beat.At, b.At)
	}
	for _, p := range b.Here {
		l := w.lines[p.Conn]
		if l == nil || p.State != Active {
			continue
		}
		want := w.now
		if !l.silent.IsZero() && l.silent.Before(w.now) {
			want = l.silent
		}
		if !p.Seen.Equal(want) {
			w.t.Fatalf("the beat at %s says %s was seen at %s, the last packet came at %s", b.At, p.Conn, p.Seen, want)
		}
	}
}

// track is the evidence of one connection, as a reader follows it.
type track struct {
	person string
	epoch  int
	at     attendance.Instant
	phase  connPhase
	left   bool
}

// checkEvidence reads the whole log like an auditor.
func (w *world) checkEvidence() {
	tracks := make(map[string]*track)
	opened, onBreak := false, false
	for _, e := range w.log {
		switch e.Type {
		case attendance.Opened:
			if opened {
				w.t.Fatal("opened twice")
			}
			opened = true
		case attendance.Closed:
			opened, onBreak = false, false
			for _, k := range tracks {
				if k.epoch == e.Epoch && k.phase != outside {
					k.phase, k.left = outside, true
				}
			}
		case attendance.BreakStarted, attendance.BreakEnded:
			onBreak = e.Type == attendance.BreakStarted
		}
		if e.Connection != "" {
			w.follow(tracks, e)
		}
	}
	w.checkOpen(tracks, onBreak)
}

func (w *world) follow(tracks map[string]*track, e attendance.Event) {
	k := tracks[e.Connection]
	if k == nil {
		k = &track{person: e.Person, epoch: e.Epoch}
		tracks[e.Connection] = k
	}
	if e.Type == attendance.Seen {
		return
	}
	if e.At < k.at {
		w.t.Fatalf("%s goes back: %+v", e.Connection, e)
	}
	if k.left {
		w.t.Fatalf("%s was over: %+v", e.Connection, e)
	}
	was := k.phase
	ok := true
	switch e.Type {
	case attendance.Waiting:
		ok, k.phase = was == outside, inLobby
	case attendance.Admitted:
		ok, k.phase = was != inGroup, inGroup
	case attendance.Moved:
		ok = was == inGroup
	case attendance.Lost:
		ok, k.phase = was != outside, outside
	case attendance.Left:
		ok, k.phase, k.left = was != outside, outside, true
	}
	if !ok {
		w.t.Fatalf("%s was %d: %+v", e.Connection, was, e)
	}
	k.at = e.At
}

// checkOpen: exactly the connections of those who are here are open, one for
// each, in the group only with media and only if let in.
func (w *world) checkOpen(tracks map[string]*track, onBreak bool) {
	inside := false
	for name, k := range tracks {
		if k.epoch != w.s.epoch || k.phase == outside {
			continue
		}
		p := w.s.byConn(Conn(name))
		if p == nil || p.seat.conn.phase != k.phase || string(p.id) != k.person {
			w.t.Fatalf("the log says %s is open, the room does not", name)
		}
		if k.phase == inGroup {
			inside = true
			if !p.admitted || !p.seat.conn.up {
				w.t.Fatalf("%s is in the group in the evidence only", name)
			}
		}
	}
	for _, p := range w.s.here() {
		if conn := p.seat.conn; conn.phase != outside && tracks[string(conn.name)] == nil {
			w.t.Fatalf("the room says %s is open, the log does not", conn.name)
		}
	}
	if inside && onBreak != w.s.onBreak {
		w.t.Fatalf("break in the evidence: %t, on the pages: %t", onBreak, w.s.onBreak)
	}
}

// checkMinutes: the evidence, evaluated by the SPEC, is the time with media in
// the group: never more (but for an explicit end on a dead line, which is dated
// when it was), and less only by what crashed between two beats.
func (w *world) checkMinutes() {
	c := &attendance.Case{
		Format: attendance.Format, AsOf: attendance.At(w.now.Add(time.Second)),
		Program: attendance.Program{Timezone: "America/Chicago", Counting: attendance.DefaultCounting()},
		Events:  w.log,
	}
	session := attendance.Session{
		ID: "s1", Service: attendance.Group,
		ScheduledStart: attendance.At(w.plan.Start), ScheduledEnd: attendance.At(w.plan.End),
	}
	for _, one := range cast {
		c.People = append(c.People, attendance.Person{ID: string(one.person), Role: attendance.Role(one.role)})
		if one.role == auth.Patient {
			session.Roster = append(session.Roster, string(one.person))
		}
	}
	c.Sessions = []attendance.Session{session}
	if err := c.Validate(); err != nil {
		w.t.Fatalf("the evidence is no valid case: %v", err)
	}
	for _, r := range attendance.Evaluate(c).Records {
		person := PersonID(r.Person)
		connected := time.Duration(r.ConnectedMS) * time.Millisecond
		truth := w.truth[person]
		if connected > truth+w.slack[person] || connected < truth-w.loss[person] {
			w.t.Fatalf("%s: connected %s in the evidence, %s in truth (slack %s, loss %s)",
				person, connected, truth, w.slack[person], w.loss[person])
		}
		if elapsed := w.now.Sub(w.plan.Start); r.CreditedMS > max(0, elapsed.Milliseconds()) {
			w.t.Fatalf("%s: credited %d ms of %s", person, r.CreditedMS, elapsed)
		}
	}
}
