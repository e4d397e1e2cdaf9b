package rooms

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/auth"
)

// state is everything a room knows. Only step changes it, and step is pure: the
// same inputs at the same times give the same effects. All times in it are of
// the evidence clock, in UTC, whole milliseconds.
type state struct {
	session SessionID
	epoch   int
	checkIn bool // patients are asked the questions of the lobby
	plan    Plan

	phase  RoomState
	opened bool // `opened` is in the evidence
	locked bool

	onBreak    bool
	breakSince time.Time
	restate    bool      // the evidence of this epoch does not say whether there is a break
	heldSince  time.Time // zero unless held
	// attended is the last instant at which a facilitator's media is known to
	// have been here; HoldGrace runs from it.
	attended time.Time

	people []*person // everybody who ever had a seat, in the order of handles
	conns  int       // the last number given to a connection

	health Health

	beatAt  time.Time // the latest beat
	seenAt  time.Time // when `seen` was last written
	renewed time.Time // when the resume tokens were last given more time
	empty   time.Time // since when nobody is here
	closing string    // why the room closes; "" while it goes on

	// What was last told outside, so that only what differs is told again.
	rev    int
	routed map[Conn]Place
	saved  Memory

	// Of the step under way.
	now   time.Time
	out   []effect
	spare []PersonView // the list for the next viewer, whose former one it is for the one after
}

// person is somebody the room must know for the life of the session, here or
// not.
type person struct {
	id         PersonID
	handle     Handle
	role       auth.Role
	name       string
	sealedName string

	admitted bool // for the session: until sent back or removed
	removed  bool // for the session: until readmitted
	held     bool // muted, and cannot unmute alone
	room     string

	resume string    // SHA-256 of the resume token, hex
	until  time.Time // how long it is good after a crash

	seat *seat // nil: not here
}

// seatID numbers the seats of a room in this process. A seat that was replaced
// keeps its number, so that nothing sent through it can reach its successor.
type seatID int

// seat is a person's presence through one page.
type seat struct {
	id       seatID
	instance string // of the page

	linked   bool // the WebSocket is up
	linkedAt time.Time
	goneAt   time.Time // when the WebSocket, or else the media, went last
	closesAt time.Time // in an ended room: when the page has had its time

	state SeatState
	since time.Time // in that state

	conn       connection
	wasActive  bool // media was up since the admission
	publishing Source
	handSince  time.Time // zero: not raised
	help       bool
	answers    *CheckIn // nil: not answered; never changed in place

	// What its outbox is still to be told: everything, what was done to the
	// person, and to offer media; in this order.
	snapshot   bool
	words      []Moderated
	wantsMedia bool
	// What its outbox was told last.
	sentRoom RoomView
	sent     []PersonView // in the order of people, without revisions
}

// newState restores what the former epoch left in m, at the time now. names
// are the display names of m.People, "" where they are not known any more.
func newState(now time.Time, plan Plan, epoch int, checkIn bool, m Memory, names []string) *state {
	s := &state{
		session: plan.Session, plan: plan, epoch: epoch, checkIn: checkIn,
		phase: cmp.Or(m.State, Scheduled), opened: m.Opened, locked: m.Locked,
		onBreak: m.OnBreak, breakSince: m.BreakSince, restate: m.Opened,
		// Nobody is blamed for the crash: the grace begins with the new epoch.
		attended: now, empty: now, renewed: now, seenAt: now,
		health: Health{Durable: true},
		saved:  m, now: now,
	}
	if s.phase == Held {
		s.heldSince = now
	}
	for i, r := range m.People {
		s.people = append(s.people, &person{
			id: r.Person, handle: r.Handle, role: auth.Role(r.Role), name: names[i], sealedName: r.SealedName,
			admitted: r.Admitted, removed: r.Removed, held: r.Muted, room: r.Room,
			resume: r.Resume, until: r.Until,
		})
	}
	return s
}

// memory is what a successor needs. It changes seldom, except for the times
// until which resume tokens are good.
func (s *state) memory() Memory {
	m := Memory{
		State: s.phase, Opened: s.opened, Locked: s.locked,
		OnBreak: s.onBreak, BreakSince: s.breakSince,
		People: make([]Remembered, len(s.people)),
	}
	for i, p := range s.people {
		m.People[i] = Remembered{
			Person: p.id, Handle: p.handle, Role: string(p.role),
			Admitted: p.admitted, Removed: p.removed, Muted: p.held, Room: p.room,
			Resume: p.resume, Until: p.until, SealedName: p.sealedName,
		}
	}
	return m
}

func (m Memory) equal(n Memory) bool {
	return m.State == n.State && m.Opened == n.Opened && m.Locked == n.Locked &&
		m.OnBreak == n.OnBreak && m.BreakSince.Equal(n.BreakSince) && slices.Equal(m.People, n.People)
}

func (s *state) person(id PersonID) *person {
	return s.find(func(p *person) bool { return p.id == id })
}

func (s *state) byHandle(h Handle) *person {
	return s.find(func(p *person) bool { return p.handle == h })
}

func (s *state) bySeat(id seatID) *person {
	return s.find(func(p *person) bool { return p.seat != nil && p.seat.id == id })
}

func (s *state) byConn(c Conn) *person {
	return s.find(func(p *person) bool { return p.seat != nil && p.seat.conn.name == c })
}

func (s *state) find(ok func(*person) bool) *person {
	if i := slices.IndexFunc(s.people, ok); i >= 0 {
		return s.people[i]
	}
	return nil
}

// here yields those who have a seat, in the order of handles. The seats may be
// given up meanwhile.
func (s *state) here() []*person {
	var all []*person
	for _, p := range s.people {
		if p.seat != nil {
			all = append(all, p)
		}
	}
	return all
}

// nextHandle is one that nobody in this session ever had.
func (s *state) nextHandle() Handle {
	top := 0
	for _, p := range s.people {
		n, _ := strconv.Atoi(strings.TrimPrefix(string(p.handle), "m"))
		top = max(top, n)
	}
	return Handle(fmt.Sprintf("m%d", top+1))
}

func (p *person) facilitates() bool { return p.role == auth.Facilitator }

// stands is where the person is on the way into the group.
func (p *person) stands(phase RoomState) SeatState {
	switch {
	case p.seat == nil || phase == Ended:
		return Gone
	case !p.admitted:
		return Waiting
	case p.seat.conn.up:
		return Active
	case p.seat.wasActive:
		return Reconnecting
	}
	return Admitted
}

// presence is who is here now, for the beat and for those who ask this node.
func (s *state) presence() []Presence {
	var all []Presence
	for _, p := range s.here() {
		conn := p.seat.conn
		one := Presence{
			Person: p.id, Handle: p.handle, Role: string(p.role),
			State: p.seat.state, Room: p.room, Since: p.seat.since, Seen: conn.seen,
		}
		if conn.phase != outside {
			one.Conn = conn.name
		}
		all = append(all, one)
	}
	return all
}
