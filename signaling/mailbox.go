package signaling

import (
	"math"
	"slices"

	"viop/signaling/wire"
)

const (
	waitingMost = 256       // messages not written yet
	ringMost    = 512       // messages kept for replay
	ringBytes   = 256 << 10 // … and their bytes
)

// mailbox is what one browser is to be told, in order. It is not safe for
// concurrent use.
//
// A message waits until a connection has room for it and gets its number when
// it is written for the first time; from then on it is the same bytes for ever,
// kept for replay. So whatever happens to waiting messages, a replay is exact.
//
// The policy for a reader that does not keep up, or is away:
//
//  1. Speakers: only the latest waits.
//  2. State (room, person, slots, layers, snapshot): a waiting one gives way to its
//     successor, because only the latest matters.
//  3. With waitingMost others waiting, all are given up: the connection ends
//     with slow_consumer and the resume brings a snapshot.
type mailbox struct {
	waiting   []wire.ServerFrame
	levels    *wire.Speakers
	ring      []letter // oldest first, their numbers without a gap
	ringBytes int
	last      int64 // number given last
	written   int64 // last one written to the present connection
	lost      bool  // messages were given up: only a snapshot helps
	attach    int64 // number of the last attach_media; unnumbered while it has none
	dropped   int   // speakers and states that gave way, since last asked
}

type letter struct {
	number int64
	bytes  []byte
}

const unnumbered = math.MaxInt64

// put takes a message; it reports false when that was one too many.
func (m *mailbox) put(f wire.ServerFrame) bool {
	switch msg := f.Msg.(type) {
	case wire.Speakers:
		if m.levels != nil {
			m.dropped++
		}
		m.levels = &msg
		return true
	case wire.AttachMedia:
		m.attach = unnumbered
	}
	if m.lost {
		return false
	}
	before := len(m.waiting)
	m.waiting = slices.DeleteFunc(m.waiting, func(w wire.ServerFrame) bool { return replaces(f.Msg, w.Msg) })
	m.dropped += before - len(m.waiting)
	if len(m.waiting) >= waitingMost {
		m.lost, m.waiting = true, nil
		return false
	}
	m.waiting = append(m.waiting, f)
	return true
}

// replaces reports whether nothing is missing when only the later is told.
func replaces(later, earlier wire.ServerMessage) bool {
	switch later := later.(type) {
	case wire.Person:
		p, ok := earlier.(wire.Person)
		return ok && p.Handle == later.Handle
	case wire.Snapshot:
		return isState(earlier)
	case wire.Layers:
		s, ok := earlier.(wire.Layers)
		return ok && s.Source == later.Source
	case wire.Room, wire.Slots, wire.AttachMedia, wire.ICERestart:
		return later.Type() == earlier.Type()
	}
	return false
}

func isState(m wire.ServerMessage) bool {
	switch m.(type) {
	case wire.Room, wire.Person, wire.Slots, wire.Layers, wire.Snapshot:
		return true
	}
	return false
}

// next is what to write now, nil if there is nothing; ack goes with it.
func (m *mailbox) next(ack int64) ([]byte, error) {
	switch {
	case m.written < m.last:
		m.written++
		return m.ring[m.written-m.oldest()].bytes, nil
	case len(m.waiting) > 0:
		return m.number(ack)
	case m.levels != nil:
		f := wire.ServerFrame{Ack: ack, Msg: *m.levels}
		m.levels = nil
		return wire.Append(nil, f)
	}
	return nil, nil
}

// number takes the first that waits into the ring.
func (m *mailbox) number(ack int64) ([]byte, error) {
	f := m.waiting[0]
	f.Seq, f.Ack = m.last+1, ack
	b, err := wire.Append(nil, f)
	if err != nil {
		return nil, err
	}
	m.waiting = slices.Delete(m.waiting, 0, 1)
	if _, ok := f.Msg.(wire.AttachMedia); ok {
		m.attach = f.Seq
	}
	m.last, m.written = f.Seq, f.Seq
	m.ring = append(m.ring, letter{f.Seq, b})
	m.ringBytes += len(b)
	for len(m.ring) > ringMost || m.ringBytes > ringBytes && len(m.ring) > 1 {
		m.forget(m.oldest())
	}
	return b, nil
}

// oldest is the number of the first letter in the ring; of the next message
// when it is empty.
func (m *mailbox) oldest() int64 { return m.last - int64(len(m.ring)) + 1 }

// forget what the browser has up to and including the number.
func (m *mailbox) forget(upTo int64) {
	n := min(upTo, m.written) - m.oldest() + 1
	if n <= 0 {
		return
	}
	for _, l := range m.ring[:n] {
		m.ringBytes -= len(l.bytes)
	}
	m.ring = slices.Delete(m.ring, 0, int(n))
}

// resume begins a connection whose browser has everything up to ack. A fresh
// page has nothing and is told nothing of what was for the former page.
//
// In the mode snapshot the caller has to get one. An attach_media that is not
// known to have arrived is then told again, because no snapshot holds it.
func (m *mailbox) resume(ack int64, fresh bool) wire.ResumeMode {
	m.levels = nil
	if !fresh && !m.lost && m.oldest()-1 <= ack && ack <= m.last {
		m.written = m.last
		m.forget(ack)
		m.written = ack
		return wire.ModeReplay
	}
	attach := m.attach
	waiting := m.waiting
	*m = mailbox{last: m.last, written: m.last, dropped: m.dropped}
	if fresh {
		return wire.ModeSnapshot
	}
	for _, f := range waiting {
		if !isState(f.Msg) {
			m.put(f)
		}
	}
	if attach > 0 && (attach > ack || ack > m.last) {
		m.put(wire.ServerFrame{Msg: wire.AttachMedia{}})
	}
	return wire.ModeSnapshot
}
