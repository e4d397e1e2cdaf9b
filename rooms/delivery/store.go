package delivery

import (
	"context"
	"errors"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Store keeps destinations and the accounting of disclosures. What is not
// there is schedule.ErrNotFound.
type Store interface {
	Destination(context.Context, ID) (Destination, Secrets, schedule.Tag, error)
	// Destinations are all of them, by id, without secrets.
	Destinations(context.Context) ([]Destination, error)
	// PutDestination seals the secrets. One that is new gets its place in the
	// feed in the same step.
	PutDestination(context.Context, Destination, Secrets, schedule.Condition) (tag schedule.Tag, created bool, err error)
	// DeleteDestination forgets its queue and log too; what was disclosed to it
	// stays in the accounting.
	DeleteDestination(context.Context, ID, schedule.Condition) error

	// Disclosed appends to the accounting of each person, and returns when that
	// is in the store.
	Disclosed(context.Context, []Disclosure) error
	// Disclosures of a person, oldest first: at most limit after the row
	// numbered after. An error says that the chain is broken, and where.
	Disclosures(ctx context.Context, person rooms.PersonID, after, limit int) ([]Disclosure, error)
}

// Outbox is what waits for a destination. All of its steps are atomic.
type Outbox interface {
	// Hold takes or keeps the right to send to a destination for a while, by
	// the store's clock; false while another node has it. Release gives it back.
	Hold(context.Context, ID, time.Duration) (bool, error)
	Release(context.Context, ID) error

	// Place is the number of the last change that was looked at, and how many
	// of those up to there are waiting.
	Place(context.Context, ID) (place int64, queued int, err error)
	// Enqueue moves the place from one number on to another, with what of that
	// is to be sent; ErrMoved when the place is not from any more.
	Enqueue(ctx context.Context, to ID, from, until int64, entries []Entry) error
	// Due are the heads of at most limit lanes whose time has come, the longest
	// waiting first, and how long until there is another (0: none waits).
	Due(ctx context.Context, to ID, limit int) (heads []Head, next time.Duration, err error)
	// Settle ends an attempt at a head: the lane goes on, waits, or the letter
	// is put aside. An attempt at what is no head any more changes nothing.
	Settle(context.Context, ID, Head, Outcome) error

	// State of a destination's queue.
	State(context.Context, ID) (State, error)
	// Log is the last attempts, newest first.
	Log(ctx context.Context, of ID, limit int) ([]Attempt, error)
	// Dead are dead letters, oldest first, after the change numbered after.
	Dead(ctx context.Context, of ID, after int64, limit int) ([]DeadLetter, error)
	// Redrive puts dead letters back into their lanes, in the order of the feed,
	// and lets everything that waits be tried now. seq 0 is all of them. It
	// returns how many letters went back; schedule.ErrNotFound when the one is
	// not there.
	Redrive(ctx context.Context, of ID, seq int64) (int, error)
}

// ErrMoved: another node has moved on in between.
var ErrMoved = errors.New("the queue has been moved on in between")

// Lane is a sequence within which order is kept: a session, or the week of a
// person.
type Lane string

// Entry is a change that is to be sent.
type Entry struct {
	Lane Lane
	Seq  int64 // of the change in the feed
}

// Head is the first entry of a lane.
type Head struct {
	Entry
	Tries int // that have failed
}

// Outcome of an attempt, and what is to become of its head.
type Outcome struct {
	Attempt
	// Next is one of the three.
	Sent  bool
	After time.Duration // tried again after that, when neither Sent nor Dead
	Dead  bool
	// HoldFor keeps the whole destination waiting: it asked for that.
	HoldFor time.Duration
}

// Attempt is a line of the delivery log. It says nothing of what was sent, nor
// to which address.
type Attempt struct {
	At     attendance.Instant `json:"at"`
	Seq    int64              `json:"seq"`  // of the change in the feed; 0 is a test
	Type   string             `json:"type"` // of the item
	Try    int                `json:"try"`  // from 1
	Result Result             `json:"result"`
	Status int                `json:"status,omitempty"` // of the answer; 0 when there was none
	Took   Latency            `json:"took"`
	// Problem is a word or a sentence of ours, never of theirs.
	Problem string `json:"problem,omitempty"`
}

// Result of an attempt.
type Result string

const (
	Delivered Result = "delivered"
	Refused   Result = "refused"   // the answer said no
	Unreached Result = "unreached" // there was no answer that we understand
	Withheld  Result = "withheld"  // we did not send: it may not leave, or cannot be written
)

// Latency is the class of how long an attempt took.
type Latency string

// latencyOf an attempt.
func latencyOf(took time.Duration) Latency {
	for _, class := range []struct {
		below time.Duration
		name  Latency
	}{{100 * time.Millisecond, "<100ms"}, {time.Second, "<1s"}, {5 * time.Second, "<5s"}} {
		if took < class.below {
			return class.name
		}
	}
	return ">=5s"
}

// DeadLetter is a change that could not be brought.
type DeadLetter struct {
	Lane Lane `json:"lane"`
	Attempt
}

// State of the queue of a destination.
type State struct {
	Place         int64              // last change that was looked at
	End           int64              // of the feed
	Queued        int                // looked at and not brought yet
	Lanes         int                // in which they are
	Dead          int                // dead letters
	Oldest        attendance.Instant // when the oldest that is not brought was told; 0: none
	Held          attendance.Instant // nothing is sent until then; 0: it is not held
	LastDisclosed attendance.Instant // when something about anybody last left for it
	// The last attempt that succeeded and the last that failed; nil: none.
	LastDelivered, LastFailed *Attempt
}

// Backlog is how many changes are between the destination and being up to
// date. Some of them may be of no interest to it.
func (s State) Backlog() int64 { return int64(s.Queued) + max(0, s.End-s.Place) }
