package rooms

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Seat is what signaling holds of a person in a room. Its methods may be called
// from any goroutine, and do nothing once the seat was given up or replaced;
// the outbox was told why.
type Seat struct {
	// Set by Registry.Join.
	id   seatID
	room *room
	out  Outbox
	info SeatInfo

	// seen is the last word from the page, as time since room.began.
	seen atomic.Int64
	// line is the peer of the seat's connection, nil while there is none. The
	// room's goroutine stores it.
	line atomic.Pointer[line]
}

// Info is what the page needs for its welcome.
func (s *Seat) Info() SeatInfo { return s.info }

// KeepResume remembers the SHA-256 (hex) of the seat's current resume token, so
// that Registry.Join knows it after a crash too. The room extends until as
// long as the person is here.
func (s *Seat) KeepResume(hash string, until time.Time) {
	s.post(keepResume{s.id, hash, until})
}

// Snapshot asks the room to tell the outbox everything. A join and a fresh
// Linked do so by themselves.
func (s *Seat) Snapshot() { s.post(snapshot{s.id}) }

// Do asks the room for its verdict on a command: nil or an *Error. It waits for
// the room's goroutine, never for the network.
func (s *Seat) Do(ctx context.Context, c Command) error {
	err := s.room.ask(ctx, posting{in: command{s.id, c}})
	if errors.Is(err, errClosing) {
		return refuse(CodeRestart, "The room is closing. You will be back in a moment.")
	}
	return err
}

// Signal hands a negotiation message to the peer, past the room. Without a peer
// (lobby, ended) it is dropped.
func (s *Seat) Signal(signal Signal) {
	if l := s.line.Load(); l != nil {
		l.peer.Signal(signal)
	}
}

// Want says what the page shows.
func (s *Seat) Want(tiles []Want) {
	if l := s.line.Load(); l != nil {
		l.peer.Want(tiles)
	}
}

// Linked: the page's WebSocket came back. A fresh page has no PeerConnection:
// it gets a Snapshot and, in the group, AttachMedia on a new connection.
func (s *Seat) Linked(fresh bool) { s.post(linked{s.id, fresh}) }

// Unlinked: the WebSocket is gone. The seat waits for ResumeWindow.
func (s *Seat) Unlinked() { s.post(unlinked{s.id}) }

// Seen: the WebSocket proved life with a frame or a pong. It costs an atomic
// store.
func (s *Seat) Seen() { s.seen.Store(int64(time.Since(s.room.began))) }

// Leave is the person's own wish.
func (s *Seat) Leave() { s.post(leave{s.id}) }

func (s *Seat) post(in input) { s.room.inbox.post(posting{in: in}) }
