package redisstore

import (
	"viop/rooms"
	"viop/rooms/attendance"
)

// proof follows the events of one epoch: which connections are open, and up to
// when the log proves them alive. With a beat it tells what the log lacks.
type proof struct {
	open map[rooms.Conn]attendance.Instant
}

func newProof() proof { return proof{open: map[rooms.Conn]attendance.Instant{}} }

// note takes the next event of the epoch.
func (p *proof) note(e attendance.Event) {
	conn := rooms.Conn(e.Connection)
	switch e.Type {
	case attendance.Waiting, attendance.Admitted:
		p.open[conn] = max(p.open[conn], e.At)
	case attendance.Left, attendance.Lost:
		delete(p.open, conn)
	case attendance.Closed:
		clear(p.open)
	case attendance.Moved:
		p.prove(conn, e.At)
	case attendance.Seen:
		if conn != "" {
			p.prove(conn, e.At)
			return
		}
		for conn := range p.open {
			p.prove(conn, e.At)
		}
	}
}

func (p *proof) prove(conn rooms.Conn, at attendance.Instant) {
	if old, open := p.open[conn]; open {
		p.open[conn] = max(old, at)
	}
}

// lacks makes a `seen` for every open connection of which the beat has a newer
// proof of life than the log, dated at that proof: nobody is ever credited
// beyond their own.
func (p *proof) lacks(b rooms.Beat) []attendance.Event {
	var events []attendance.Event
	for _, here := range b.Here {
		known, open := p.open[here.Conn]
		if at := instantOf(here.Seen); open && at > known {
			events = append(events, attendance.Event{Type: attendance.Seen, At: at, Connection: string(here.Conn)})
		}
	}
	return events
}
