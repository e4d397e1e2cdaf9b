package rooms

import (
	"maps"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
)

// Times of the policy that no client needs to know.
const (
	tickEvery = time.Second
	// doorsPatients and doorsFacilitators are how long before the scheduled
	// start one may come.
	doorsPatients     = 30 * time.Minute
	doorsFacilitators = 60 * time.Minute
	// overAfter the scheduled end an invitation opens nothing any more, even
	// if nobody ended the session.
	overAfter = 12 * time.Hour
	// partingTime is how long a page of an ended session may stay to ask for
	// its minutes, reviewTime the same for facilitators.
	partingTime = 15 * time.Second
	reviewTime  = time.Hour
	// reattachAfter is how long a linked page may fail to bring its media back
	// before it is asked to begin anew with another connection.
	reattachAfter = 30 * time.Second
	// behindAfter is how old unstored evidence gets before staff see a banner.
	behindAfter = 30 * time.Second
	// renewEvery is how often the resume tokens of those who are here get more
	// time. It bounds how often an uneventful room is saved.
	renewEvery = time.Minute
	idleAfter  = 60 * time.Second
	// stoodStill is when a room that ticks every second must have been stopped
	// from outside: as long as a dead line takes to be noticed.
	stoodStill = 10 * time.Second
	// staleAfter is when the proofs of life in a room are too far apart for
	// one date.
	staleAfter = 30 * time.Second
)

// input is one thing that happens to a room. The set is closed.
type input interface{ apply(*state) }

type (
	// join asks for a seat: by a token's person and role, or by the hash of a
	// resume token.
	join struct {
		seat             seatID
		person           PersonID
		role             auth.Role
		name, sealedName string
		resume           string
		instance         string
		fresh            bool
		plan             *Plan // nil: the schedule could not be read just now
	}
	// linked, unlinked: the page's WebSocket came back, is gone.
	linked struct {
		seat  seatID
		fresh bool
	}
	unlinked struct{ seat seatID }
	snapshot struct{ seat seatID }
	// leave is the person's own wish.
	leave      struct{ seat seatID }
	keepResume struct {
		seat  seatID
		hash  string
		until time.Time
	}
	// command is answered.
	command struct {
		seat seatID
		Command
	}
	mediaUp   struct{ conn Conn }
	mediaDown struct {
		conn Conn
		seen time.Time // last proof of life; zero: none
	}
	mediaFailed struct{ conn Conn } // no peer could be made
	// expel ends the seat of a person whose place was revoked.
	expel struct {
		person PersonID
		reason Reason
	}
	tick struct{ health Health }
	// barrier is answered, and changes nothing.
	barrier   struct{}
	drain     struct{} // this process goes down, the session goes on
	leaseLost struct{} // another epoch owns the room
)

// effect is what the room's goroutine is to do. None of them blocks. The set
// is closed.
type effect interface{ effect() }

type (
	// answer belongs to the input of this step. Of a join that is granted,
	// info is set.
	answer struct {
		info *SeatInfo
		err  error
	}
	send struct {
		to    seatID
		event Event
	}
	// dismiss is the last word to an outbox.
	dismiss struct {
		seat   seatID
		reason Reason
	}
	// attach makes a peer that talks to the seat; rebind gives the peer there
	// is to another seat of the same person.
	attach struct {
		conn      Conn
		seat      seatID
		handle    Handle
		preferred bool
	}
	rebind struct {
		conn Conn
		seat seatID
	}
	detach     struct{ conn Conn }
	publishing struct {
		conn    Conn
		sources Source
	}
	route  struct{ table map[Conn]Place }
	record struct{ event attendance.Event }
	note   struct{ note Note }
	beat   struct{ beat Beat }
	save   struct{ memory Memory }
	// finish is the last effect of all: the room closes.
	finish struct{ why string }
)

func (answer) effect()     {}
func (send) effect()       {}
func (dismiss) effect()    {}
func (attach) effect()     {}
func (rebind) effect()     {}
func (detach) effect()     {}
func (publishing) effect() {}
func (route) effect()      {}
func (record) effect()     {}
func (note) effect()       {}
func (beat) effect()       {}
func (save) effect()       {}
func (finish) effect()     {}

// step is the whole policy: what happens changes the facts (apply), the facts
// decide the state of the room, who hears whom, what everybody may see and
// what must be remembered (settle), and what differs from what was last said
// is said.
func (s *state) step(now time.Time, in input) []effect {
	s.passTo(now)
	in.apply(s)
	if _, lost := in.(leaseLost); !lost {
		s.settle()
	}
	if s.closing != "" {
		s.do(finish{s.closing})
	}
	out := s.out
	s.out = nil
	return out
}

// passTo: time never goes back.
func (s *state) passTo(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
}

func (s *state) do(e effect) { s.out = append(s.out, e) }

// settle derives everything that follows from the facts.
func (s *state) settle() {
	s.settlePhase()
	for _, p := range s.here() {
		if state := p.stands(s.phase); state != p.seat.state {
			p.seat.state, p.seat.since = state, s.now
		}
	}
	if table := s.routes(); !maps.Equal(table, s.routed) {
		s.routed = table
		s.do(route{table})
	}
	s.publish()
	if m := s.memory(); !m.equal(s.saved) {
		s.saved = m
		s.do(save{m})
	}
}

// settlePhase moves the room through its life: open with the first person,
// live while a facilitator with media is here and for HoldGrace after, held
// from then on. Ended is for good.
func (s *state) settlePhase() {
	if s.phase == Ended {
		return
	}
	attended, here := false, s.here()
	for _, p := range here {
		attended = attended || p.facilitates() && p.seat.conn.up
	}
	switch {
	case attended:
		s.attended = s.now
		if s.phase == Held {
			s.note("", "live", nil, "")
		}
		s.phase, s.heldSince = Live, time.Time{}
	case s.phase == Live && s.now.Sub(s.attended) >= HoldGrace:
		s.phase, s.heldSince = Held, s.now
		s.note("", "held", nil, "")
	case s.phase == Scheduled && len(here) > 0:
		s.phase = Open
	}
}

// routes is who stands where in the forwarder: those with media, and in a room
// only while the group is live. Nobody is forwarded who is not let in, and a
// group without its facilitator is silent.
func (s *state) routes() map[Conn]Place {
	table := make(map[Conn]Place)
	for _, p := range s.here() {
		if !p.admitted || !p.seat.conn.up {
			continue
		}
		var place Place
		if s.phase == Live {
			place = Place{Room: p.room, Send: p.seat.publishing}
		}
		table[p.seat.conn.name] = place
	}
	return table
}

// note appends to the audit trail. by is "" when the room itself acts.
func (s *state) note(by PersonID, action string, target *person, detail string) {
	n := Note{At: s.now, Actor: by, Action: action, Detail: detail}
	if target != nil {
		n.Target = target.id
	}
	s.do(note{n})
}

func (in barrier) apply(s *state) { s.do(answer{}) }

func (in expel) apply(s *state) {
	p := s.person(in.person)
	if p == nil {
		return
	}
	p.admitted, p.room, p.resume = false, "", ""
	s.note("", "expel", p, "")
	if p.seat != nil {
		s.left(p, attendance.ReasonRemoved)
		s.vacate(p, in.reason)
	}
}

func (in drain) apply(s *state) {
	// No explicit end: the people will be back in seconds and the gap may be
	// bridged, so their lines are lost at their last proof of life.
	for _, p := range s.here() {
		s.lost(p)
		s.renew(p)
		s.dismiss(p, Reason{CodeRestart, "The server is being restarted. You will be back in a moment."})
	}
	s.note("", "drain", nil, "")
	s.closing = "drain"
}

func (in leaseLost) apply(s *state) {
	// The record belongs to another epoch: not a word more of evidence.
	for _, p := range s.here() {
		s.dismiss(p, Reason{CodeWrongNode, "The session has moved to another server."})
	}
	s.closing = "lease lost"
}
