package signaling

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viop/rooms"
	"viop/signaling/wire"
)

// link is one seat's line to its person: the room's Outbox on one side, one
// WebSocket after the other on the other.
//
// Its resume token is 256 random bits for one use; only the SHA-256 is kept.
// Each resume brings a new one, and the one just used stays good until the
// browser has proved that the new one arrived, by answering a ping sent after
// it: an answer lost with the line must not cost the seat. On a line that lives
// that is one round trip.
type link struct {
	// Set by newLink.
	session               rooms.SessionID
	forget                func(*link) // called once, when the seat has ended
	stats                 *counters
	frames, offer, tokens *rate.Limiter

	// acting is the turn to use the seat; whoever puts something in has it
	// until they take it out. A frame is carried out in one turn, and the
	// connection changes in one: a takeover waits for what the former
	// connection had begun, and that one then finds the generation changed.
	// The room never waits for a turn, so the seat may be called in one.
	acting chan struct{}
	seat   Seat // Set by sit.

	// Guarded by mu. The room's goroutine takes it in Send and Close, so the
	// seat must not be called under it.
	mu         sync.Mutex
	generation int           // of connections, from 1
	page       int           // grows with every fresh page
	wake       chan struct{} // of the present connection; nil when there is none
	box        mailbox
	received   int64 // last numbered frame of the browser
	slots      []wire.Slot
	layers     []wire.Layers
	reason     *rooms.Reason // set by Close
	token      digest
	former     digest // zero once token has arrived
	kept       bool   // the room knows token
}

type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

func (d digest) is(other digest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1 && d != digest{}
}

func newLink(session rooms.SessionID, forget func(*link), stats *counters) *link {
	return &link{
		session: session, forget: forget, stats: stats,
		frames: rate.NewLimiter(20, 100), offer: rate.NewLimiter(1, 5), tokens: rate.NewLimiter(rate.Every(time.Minute), 5),
		acting: make(chan struct{}, 1),
	}
}

// Send implements rooms.Outbox.
func (l *link) Send(ev rooms.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != nil {
		return
	}
	l.put(wire.ServerFrame{Msg: l.translate(ev)})
}

// Close implements rooms.Outbox. What waits is still written, then bye.
func (l *link) Close(why rooms.Reason) {
	l.mu.Lock()
	first := l.reason == nil
	if first {
		l.reason = &why
		l.poke()
	}
	l.mu.Unlock()
	if first {
		l.forget(l)
	}
}

// answer replies to a frame of the page; a page that came after it has its own
// ids and is spared.
func (l *link) answer(page int, f wire.ServerFrame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.page == page && l.reason == nil {
		l.put(f)
	}
}

// put is called with mu held.
func (l *link) put(f wire.ServerFrame) {
	wasLost := l.box.lost
	if !l.box.put(f) && !wasLost {
		l.stats.overflow()
	}
	l.stats.gaveWay(l.box.dropped)
	l.box.dropped = 0
	l.poke()
}

// poke is called with mu held.
func (l *link) poke() {
	select {
	case l.wake <- struct{}{}: // nil when there is no connection: never ready
	default: // it is awake already
	}
}

// hold is what a connection has of a link.
type hold struct {
	link       *link
	generation int
	page       int
	wake       <-chan struct{}
	token      string // the next resume token
	mode       wire.ResumeMode
	received   int64
}

// sit is the first connection, on a link that nobody else has seen.
func (l *link) sit(seat Seat) hold {
	defer l.turn()()
	l.seat = seat
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(digest{})
}

// opens reports whether the token is one of this link's.
func (l *link) opens(token digest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, before := l.token.is(token), l.former.is(token)
	return (now || before) && l.reason == nil
}

// resume takes the link from whatever connection has it. ok is false when the
// token has been spent, or the seat has ended.
func (l *link) resume(token digest, ack int64, fresh bool) (h hold, ok bool) {
	defer l.turn()()
	if h, ok = l.takeOver(token, ack, fresh); !ok {
		return h, false
	}
	l.seat.Linked(fresh) // brings the snapshot of a fresh page
	if h.mode == wire.ModeSnapshot && !fresh {
		l.seat.Snapshot()
	}
	return h, true
}

func (l *link) takeOver(token digest, ack int64, fresh bool) (hold, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, before := l.token.is(token), l.former.is(token)
	if !now && !before || l.reason != nil {
		return hold{}, false
	}
	if fresh {
		l.page++
		l.received, l.slots, l.layers = 0, nil, nil
	}
	mode := l.box.resume(ack, fresh)
	h := l.take(token)
	h.mode, h.received = mode, l.received
	return h, true
}

// take makes a new generation and a new token; mu is held.
func (l *link) take(former digest) hold {
	l.poke() // the former connection, to find out
	wake := make(chan struct{}, 1)
	token := newToken()
	l.generation++
	l.wake, l.token, l.former, l.kept = wake, digestOf(token), former, false
	return hold{link: l, generation: l.generation, page: l.page, wake: wake, token: token}
}

// turn waits for the turn to use the seat, and gives what ends it.
func (l *link) turn() (end func()) {
	l.acting <- struct{}{}
	return func() { <-l.acting }
}

func newToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// act runs f with the seat, unless the connection is not the present one.
func (h hold) act(f func(Seat)) bool {
	defer h.link.turn()()
	if !h.link.isHeldBy(h) {
		return false
	}
	f(h.link.seat)
	return true
}

func (l *link) isHeldBy(h hold) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation == h.generation && l.wake != nil && l.reason == nil
}

// accept notes a frame's numbers; false for one that was carried out before.
func (l *link) accept(f wire.ClientFrame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.box.forget(f.Ack)
	if f.Seq == 0 {
		return true
	}
	if f.Seq <= l.received {
		return false
	}
	l.received = f.Seq
	return true
}

// arrived: the connection lives, and what was written to it before the ping
// has arrived, the resume token with it.
func (h hold) arrived() {
	h.act(func(seat Seat) {
		seat.Seen()
		if hash, first := h.link.proved(); first {
			seat.KeepResume(hex.EncodeToString(hash[:]), time.Now().Add(rooms.ResumeWindow))
		}
	})
}

func (l *link) proved() (token digest, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, l.kept, l.former = !l.kept, true, digest{}
	return l.token, first
}

// next is what this connection is to write now: bytes, or the end, or nothing.
func (h hold) next() (b []byte, end *ending) {
	l := h.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.generation != h.generation {
		return nil, &ending{rooms.CodeReplaced, "You are here from another page now."}
	}
	if l.box.lost {
		return nil, &ending{codeSlow, "Your connection is too slow just now. Connecting again."}
	}
	if l.reason != nil {
		l.box.levels = nil
	}
	b, err := l.box.next(l.received)
	switch {
	case err != nil:
		return nil, &ending{rooms.CodeInternal, endingOf(err).message}
	case b == nil && l.reason != nil:
		return nil, &ending{l.reason.Code, l.reason.Message}
	}
	return b, nil
}

// release ends the connection's hold. The seat stays, unless it has ended.
func (h hold) release() {
	h.act(func(seat Seat) {
		h.link.unhand()
		seat.Unlinked()
	})
}

func (l *link) unhand() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake = nil
}

func (l *link) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason != nil
}
