package rooms

import (
	"fmt"
	"time"

	"viop/rooms/attendance"
)

// connection is one line of a person into the session as the evidence knows it
// (SPEC §3). `waiting` or `admitted` opens it; `lost` closes it until `waiting`
// or `admitted` opens it again; `left` closes it for good, and so does
// `closed` of the session.
type connection struct {
	name      Conn
	phase     connPhase
	attached  bool // the peer was made
	connected bool // its media was up once
	up        bool // its media is up
	// seen is the last proof of life: an authenticated packet while in the
	// group, word from the WebSocket before. It starts with the event that
	// opens the connection and never goes back, and all events are dated at
	// seen or now: so the times of a connection never go back in the record.
	seen time.Time
}

// connPhase is where the evidence says a connection is.
type connPhase int

const (
	outside connPhase = iota // not open
	inLobby
	inGroup
)

// proof is when a connection was last heard of, through its WebSocket and
// through its media; zero when never.
type proof struct{ link, media time.Time }

// prove takes in proofs of life. It is called before each step, so that what is
// dated back has the newest date.
func (s *state) prove(now time.Time, proofs map[Conn]proof) {
	stood := now.Sub(s.now) >= stoodStill
	s.passTo(now)
	for _, p := range s.here() {
		if stood {
			s.interrupted(p)
		}
		conn := &p.seat.conn
		at := proofs[conn.name].link
		if conn.phase == inGroup {
			// Presence is media. A page that still answers pings while its
			// media is dead is not in the group.
			at = proofs[conn.name].media
		}
		s.alive(p, at)
	}
}

// interrupted: this process stood still (a machine that was paused, a stopped
// process) for so long that nobody was heard in between. What came in first and
// is read only now proves nothing about the time since, so the connection was
// lost at its last proof of life before, and is there again from now on.
func (s *state) interrupted(p *person) {
	switch p.seat.conn.phase {
	case inLobby:
		s.lost(p)
		s.waiting(p)
	case inGroup:
		s.lost(p)
		s.arrived(p)
	}
}

// alive takes in one proof of life; an older one than the newest, or one from
// the future, proves nothing.
func (s *state) alive(p *person, at time.Time) {
	if conn := &p.seat.conn; at.After(conn.seen) && !at.After(s.now) {
		conn.seen = at
	}
}

// connect begins a new connection of a seated person: in the lobby, or with a
// peer.
func (s *state) connect(p *person) {
	s.conns++
	p.seat.conn = connection{name: Conn(fmt.Sprintf("c%d-%d", s.epoch, s.conns)), seen: s.now}
	p.seat.publishing = 0
	if p.admitted {
		s.attach(p)
	} else if p.seat.linked {
		s.waiting(p)
	}
}

// attach makes the peer; the page is asked for its first offer after it has
// been told everything else.
func (s *state) attach(p *person) {
	conn := &p.seat.conn
	conn.attached = true
	p.seat.wantsMedia = true
	s.do(attach{conn.name, p.seat.id, p.handle, p.facilitates()})
	if p.seat.publishing != 0 {
		s.do(publishing{conn.name, p.seat.publishing})
	}
}

func (s *state) detach(p *person) {
	if conn := &p.seat.conn; conn.attached {
		conn.attached, conn.up = false, false
		s.do(detach{conn.name})
	}
}

// event records one event of the person's connection.
func (s *state) event(p *person, at time.Time, e attendance.Event) {
	e.At, e.Connection = attendance.At(at), string(p.seat.conn.name)
	s.do(record{e})
}

func (s *state) waiting(p *person) {
	if p.seat.conn.phase != outside {
		return
	}
	p.seat.conn.phase, p.seat.conn.seen = inLobby, s.now
	s.event(p, s.now, attendance.Event{Type: attendance.Waiting, Person: string(p.id)})
}

// arrived: let in, and the media is connected. Only this begins presence.
func (s *state) arrived(p *person) {
	s.restateBreak()
	p.seat.conn.phase, p.seat.conn.seen = inGroup, s.now
	p.seat.wasActive = true
	s.event(p, s.now, attendance.Event{Type: attendance.Admitted, Person: string(p.id), Room: p.room})
}

// restateBreak: a break may have been called or ended just before a crash,
// between the evidence and the memory. What people see is what counts, so a new
// epoch says it once more with its first arrival. Where the log says so already
// that changes nothing (SPEC §3: a second start, or an end without one, is
// ignored).
func (s *state) restateBreak() {
	if !s.restate {
		return
	}
	s.restate = false
	kind := attendance.BreakEnded
	if s.onBreak {
		kind = attendance.BreakStarted
	}
	s.do(record{attendance.Event{Type: kind, At: attendance.At(s.now)}})
}

// moved is dated at the last proof of life: a dead line that is moved must not
// seem alive.
func (s *state) moved(p *person) {
	if conn := p.seat.conn; conn.phase == inGroup {
		s.event(p, conn.seen, attendance.Event{Type: attendance.Moved, Room: p.room})
	}
}

// lost closes the connection at its last proof of life.
func (s *state) lost(p *person) {
	s.shut(p, p.seat.conn.seen, attendance.Event{Type: attendance.Lost})
}

// left closes it for good: now, or, when the person is back on another one or
// the line has fallen silent, at its last proof of life. Otherwise whoever
// removes a person with a dead line, or ends the session over one, would give
// them the time until the line is noticed to be dead.
func (s *state) left(p *person, why attendance.Reason) {
	at := s.now
	if why == attendance.ReasonReplaced || s.silent(p) {
		at = p.seat.conn.seen
	}
	s.shut(p, at, attendance.Event{Type: attendance.Left, Reason: why})
}

// silent: nothing has been heard for longer than a beat. A line that lives is
// heard of every second or two.
func (s *state) silent(p *person) bool {
	return s.now.Sub(p.seat.conn.seen) > BeatEvery
}

func (s *state) shut(p *person, at time.Time, e attendance.Event) {
	conn := &p.seat.conn
	if conn.phase == outside {
		return
	}
	was := conn.phase
	conn.phase = outside
	s.event(p, at, e)
	if was == inGroup && p.facilitates() {
		s.attended = at
	}
}

func (in mediaUp) apply(s *state) {
	p := s.byConn(in.conn)
	if p == nil || !p.admitted || p.seat.conn.up || !p.seat.conn.attached {
		return
	}
	p.seat.conn.up, p.seat.conn.connected = true, true
	s.arrived(p)
}

func (in mediaDown) apply(s *state) {
	p := s.byConn(in.conn)
	if p == nil || !p.seat.conn.up {
		return
	}
	p.seat.conn.up = false
	p.seat.goneAt = s.now
	s.alive(p, in.seen)
	s.lost(p)
}

func (in mediaFailed) apply(s *state) {
	p := s.byConn(in.conn)
	if p == nil {
		return
	}
	s.lost(p)
	s.vacate(p, Reason{CodeInternal, "Sound and picture could not be set up. Please reload the page."})
}

// beats writes the proof of life that is due: every BeatEvery to the store's
// small key and every SeenEvery into the log.
func (s *state) beats() {
	if s.now.Sub(s.beatAt) < BeatEvery {
		return
	}
	s.beatAt = s.now
	s.do(beat{Beat{At: s.now, State: s.phase, Here: s.presence()}})
	if s.now.Sub(s.seenAt) >= SeenEvery {
		s.seen()
	}
}

// seen is one event for all open connections. It is dated at the oldest of
// their last proofs of life, when all of them were alive, so it gives nobody a
// second that was not seen. A line that fell far behind gets its own date, and
// then so does everybody: it must not hold up the others.
func (s *state) seen() {
	s.seenAt = s.now
	oldest := s.now
	var open []connection
	for _, p := range s.here() {
		if conn := p.seat.conn; conn.phase != outside {
			open = append(open, conn)
			oldest = earlier(oldest, conn.seen)
		}
	}
	switch {
	case len(open) == 0:
	case s.now.Sub(oldest) <= staleAfter:
		s.do(record{attendance.Event{Type: attendance.Seen, At: attendance.At(oldest)}})
	default:
		for _, conn := range open {
			s.do(record{attendance.Event{Type: attendance.Seen, At: attendance.At(conn.seen), Connection: string(conn.name)}})
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
