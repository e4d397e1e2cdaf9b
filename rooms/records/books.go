package records

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Store is where the books lie. What is not there is schedule.ErrNotFound.
type Store interface {
	Session(context.Context, rooms.SessionID) (schedule.Session, schedule.Tag, error)
	Program(context.Context, schedule.ProgramID) (schedule.Program, schedule.Tag, error)
	Person(context.Context, rooms.PersonID) (schedule.Person, schedule.Tag, error)
	// Role is what a person is to a session; "" when nobody knows them.
	Role(context.Context, rooms.SessionID, rooms.PersonID) (attendance.Role, error)
	// Now is the clock that dates corrections and signatures.
	Now(context.Context) (time.Time, error)

	// Case is the session with everything that decides about its records and
	// about the weeks, which it lies in, of those who have one. It is valid.
	Case(context.Context, rooms.SessionID) (*attendance.Case, error)
	// CaseOfPerson decides about the weeks of a person that have an instant in
	// [from, to), CaseOfProgram about those of the patients in sessions of the
	// program at that time.
	CaseOfPerson(ctx context.Context, person rooms.PersonID, from, to time.Time) (*attendance.Case, error)
	CaseOfProgram(ctx context.Context, program schedule.ProgramID, from, to time.Time) (c *attendance.Case, patients []rooms.PersonID, err error)
	// CasesIf are Case as it is, and as it would be if these sessions were
	// scheduled like this.
	CasesIf(ctx context.Context, changed ...schedule.Session) (before, after *attendance.Case, err error)

	// Book is what is written about a session, as of one instant.
	Book(context.Context, rooms.SessionID) (Book, error)
	// Amend appends a correction or a signature and, to the audit trail, a note,
	// both or neither. ErrMoved when evidence or book are not those of seen any
	// more; ErrIDTaken when another session has the id of the correction.
	Amend(ctx context.Context, seen Book, a Amendment, note rooms.Note) error
	// Keep appends readings of records, all or none; ErrMoved as above.
	Keep(ctx context.Context, seen Book, readings []Reading) error
	// Collect writes what crashes have left unwritten of a session into its
	// evidence, unless a node holds the room.
	Collect(context.Context, rooms.SessionID) error

	// Enrollments are the levels of those of people who have any.
	Enrollments(ctx context.Context, people []rooms.PersonID) (map[rooms.PersonID]schedule.Enrollment, error)

	// Tell puts a reading (Change.Reading) or a signature (Change.Amendment) on
	// the feed, unless it or a later one of the session has been told.
	Tell(context.Context, Change) error
	// TellWeek puts a week on the feed, unless it is what was told last of it or
	// that was worked out later than asOf. While somebody is in a session of it
	// (runs), only another verdict is told. Previous is the store's to fill in.
	TellWeek(ctx context.Context, w ToldWeek, asOf attendance.Instant, runs bool) error
	// TellAuthorization puts an authorization on the feed when its status is
	// another one than was told last, likewise.
	TellAuthorization(ctx context.Context, a ToldAuthorization, asOf attendance.Instant) error

	// Owe notes that a session must be settled, until Paid gets what it returned.
	Owe(context.Context, rooms.SessionID) (debt string, err error)
	Paid(ctx context.Context, debt string) error
	// Owed are the debts that are open, by session.
	Owed(context.Context) (map[rooms.SessionID][]string, error)
	// Pulses are of the sessions whose scheduled time overlaps [from, to).
	Pulses(ctx context.Context, from, to time.Time) ([]Pulse, error)
	// Settled notes the state in which a session was settled.
	Settled(context.Context, rooms.SessionID, Mark) error
}

// What a Books may answer besides schedule.ErrNotFound and its store's failures.
var (
	// ErrMoved: somebody wrote in between. Books tries again by itself and
	// gives up only when that happens time after time.
	ErrMoved = errors.New("the books have been written to in between")
	// ErrNothingChanges: a correction after which every record says what it said.
	ErrNothingChanges = errors.New("the correction would change nothing")
	// ErrIDTaken: another correction has this id.
	ErrIDTaken = errors.New("another correction has this id")
	// ErrSuperseded: another correction supersedes the same one already.
	ErrSuperseded = errors.New("the correction is superseded already")
	// ErrNotStaff: the author of a correction must be a facilitator or an
	// observer, who signs a facilitator of the session.
	ErrNotStaff = errors.New("this is for the staff of the session")
	// ErrNotOver: records are signed when the session is over (SPEC §3).
	ErrNotOver = errors.New("the session is not over")
	// ErrOccupied: it is over by the schedule, and people are still in the room,
	// so that its records go on changing.
	ErrOccupied = errors.New("people are still in the room")
)

// Invalid says which field of a correction is wrong.
type Invalid struct {
	Pointer string // JSON pointer into the correction
	Message string // goes on after the field's name: "is required"
}

func (e *Invalid) Error() string { return e.Pointer + ": " + e.Message }

// Conflict: what was to be signed is not what the records say now. It holds
// what could be signed instead.
type Conflict struct {
	Version    int
	Hash, Head string
}

func (e *Conflict) Error() string {
	return fmt.Sprintf("the records to be signed are version %d with hash %s, on evidence %s", e.Version, e.Hash, e.Head)
}

// Books keeps the books. Its methods are safe for concurrent use, and what
// they promise holds between nodes that share a store, too.
type Books struct {
	store Store
	log   *slog.Logger
	nudge chan rooms.SessionID // Nudge -> Run; a full one is no loss: Run looks by itself

	mu      sync.Mutex                 // guards the rest
	failing map[rooms.SessionID]string // what Run could not settle, and why
}

// New has no goroutine of its own; see Run.
func New(store Store, log *slog.Logger) *Books {
	return &Books{
		store: store, log: log, nudge: make(chan rooms.SessionID, 64), failing: map[rooms.SessionID]string{},
	}
}

// tries is how often an act begins anew because somebody else was faster. A
// running session gets evidence every few seconds, an act takes milliseconds.
const tries = 16

// again runs act until it is not ErrMoved.
func again(act func() error) (err error) {
	for range tries {
		if err = act(); !errors.Is(err, ErrMoved) {
			return err
		}
	}
	return err
}

// page is one session as of one instant: what is written and what it means.
type page struct {
	Book
	input  *attendance.Case
	result *attendance.Result
}

// open reads a page on which the book and what was evaluated belong together.
func (b *Books) open(ctx context.Context, session rooms.SessionID) (*page, error) {
	book, err := b.store.Book(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("read the book of session %s: %w", session, err)
	}
	for range tries {
		input, err := b.store.Case(ctx, session)
		if err != nil {
			return nil, fmt.Errorf("read session %s: %w", session, err)
		}
		before := book
		if book, err = b.store.Book(ctx, session); err != nil {
			return nil, fmt.Errorf("read the book of session %s: %w", session, err)
		}
		if book.Digest == before.Digest {
			return &page{book, input, attendance.Evaluate(input)}, nil
		}
	}
	return nil, fmt.Errorf("read session %s: %w", session, ErrMoved)
}

// Records is the session counted again from its evidence. A session that goes
// on has records too, in state open.
func (b *Books) Records(ctx context.Context, session rooms.SessionID) (*Sheet, error) {
	p, err := b.open(ctx, session)
	if err != nil {
		return nil, err
	}
	sheet, err := p.sheet()
	if err != nil {
		return nil, err
	}
	sheet.About, err = b.about(ctx, p)
	return sheet, err
}

// Versions is every reading of a person's record that was ever kept, oldest
// first, with the signatures that signed that very reading. There are some of a
// record that is gone, too.
func (b *Books) Versions(ctx context.Context, session rooms.SessionID, person rooms.PersonID) ([]Version, error) {
	if _, _, err := b.store.Session(ctx, session); err != nil {
		return nil, fmt.Errorf("read session %s: %w", session, err)
	}
	book, err := b.store.Book(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("read the book of session %s: %w", session, err)
	}
	var versions []Version
	last := ""
	for _, reading := range book.Readings {
		if reading.Person != string(person) {
			continue
		}
		told := last
		if last = reading.Hash; reading.Gone() || reading.Hash == told {
			continue // of the second only what is about it is new
		}
		v := Version{Reading: reading}
		for _, s := range book.Signatures() {
			if s.Version == reading.Version && s.Records[reading.Person] == reading.Hash {
				v.Signatures = append(v.Signatures, s)
			}
		}
		versions = append(versions, v)
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("person %s in session %s: %w", person, session, schedule.ErrNotFound)
	}
	return versions, nil
}

// Version is a reading with the signatures on it.
type Version struct {
	Reading
	Signatures []Signature
}
