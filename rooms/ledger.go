package rooms

import (
	"context"
	"time"

	"viop/rooms/attendance"
)

// Ledger is what must outlive the process.
type Ledger interface {
	// Acquire takes the ownership of a session's room: a lease with a new
	// epoch (one Lua script, Redis TIME). It waits for the store. A session
	// owned by another live node gives *HeldError. Evidence that a crash of
	// the former owner left in its beat is in the log when it returns.
	Acquire(context.Context, SessionID) (Lease, error)
}

// HeldError: another node owns the room.
type HeldError struct{ Node string }

func (e *HeldError) Error() string { return "room is held by node " + e.Node }

// Lease is one uninterrupted ownership of a room by this process: one epoch
// (SPEC §3). Record, Note, Beat and Save never block and are called from the
// room's goroutine; a store that is slow or gone is the recorder's business
// (local journal first, then Redis), never the group's.
type Lease interface {
	Epoch() int
	// Now is the evidence clock: Redis TIME when the lease was taken, carried
	// on by this node's monotonic clock. It never goes back.
	Now() time.Time
	// Record appends evidence. Session, Epoch and Seq are the lease's to set.
	Record(...attendance.Event)
	// Note appends to the session's audit trail (moderation, check-in).
	Note(...Note)
	// Beat overwrites the proof of life and presence, and renews the lease.
	Beat(Beat)
	// Save replaces the durable state of the room.
	Save(Memory)
	// Memory is what the former epoch saved, zero for a new room.
	Memory() Memory
	// Health may be read from any goroutine.
	Health() Health
	// Lost is closed when another epoch owns the room, or has to, because the
	// clock of this one cannot be trusted any more; everything written after it
	// is kept as late evidence of this epoch.
	Lost() <-chan struct{}
	// Flush waits until everything handed over so far is in the store.
	Flush(context.Context) error
	// Close flushes within ctx, gives the lease back and ends the recorder.
	// What could not be flushed stays in the journal for the next start.
	Close(context.Context) error
}

// Note is one line of the audit trail. Ids only, never names.
type Note struct {
	At     time.Time
	Actor  PersonID // who did it; "" is the room itself
	Action string   // admit, deny, mute, remove, lock, check_in …
	Target PersonID // whom it was done to, or ""
	Detail string   // stable words, no free text of a patient
	// Sealed is free text of a person (check-in location, call-back number);
	// the store encrypts it at rest.
	Sealed string
}

// Beat is who is here and alive at one instant.
type Beat struct {
	At    time.Time
	State RoomState
	Here  []Presence
}

// Presence is one person now.
type Presence struct {
	Person PersonID
	Handle Handle
	Role   string
	State  SeatState
	Room   string    // "" in the lobby
	Conn   Conn      // "" when none is open
	Since  time.Time // in this state
	Seen   time.Time // last proof of life, evidence clock; zero: none yet
}

// Memory is the durable state of a room: what a successor needs to go on
// where this epoch stopped. It holds no names.
type Memory struct {
	State   RoomState `json:"state,omitempty"`
	Opened  bool      `json:"opened,omitempty"`
	Locked  bool      `json:"locked,omitempty"`
	OnBreak bool      `json:"on_break,omitempty"`
	// BreakSince is what the pages show while OnBreak.
	BreakSince time.Time    `json:"break_since,omitzero"`
	People     []Remembered `json:"people,omitempty"`
}

// Remembered is one person a room must know again.
type Remembered struct {
	Person   PersonID `json:"person"`
	Handle   Handle   `json:"handle"`
	Role     string   `json:"role"`
	Admitted bool     `json:"admitted,omitempty"`
	Removed  bool     `json:"removed,omitempty"`
	Muted    bool     `json:"muted,omitempty"`
	Room     string   `json:"room,omitempty"`
	// Resume is the SHA-256 of the seat's current resume token, hex; "" when
	// the seat was given up. Until bounds its use after a restart.
	Resume string    `json:"resume,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// SealedName is the display name, encrypted by the store's data key, so
	// that a resume after a crash shows the same name.
	SealedName string `json:"sealed_name,omitempty"`
}

// Health of a lease's recorder.
type Health struct {
	// Behind is the age of the oldest evidence that is not in the store yet.
	Behind time.Duration
	// Durable is false when the store keeps nothing across a restart.
	Durable bool
	// Err is the store's last error, nil when the last write went through.
	Err error
}
