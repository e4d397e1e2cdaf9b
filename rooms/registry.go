package rooms

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"viop/auth"
)

const (
	// openTimeout is how long a person waits for the store when their session
	// has no room here yet.
	openTimeout = 10 * time.Second
	// planTimeout bounds the look into the schedule when the room is open
	// already and can do without.
	planTimeout = 2 * time.Second
)

// Plans is the schedule.
type Plans interface {
	// Plan answers an *Error with CodeNotFound for an unknown session.
	Plan(context.Context, SessionID) (Plan, error)
}

// Config of a Registry.
type Config struct {
	// Seal and Unseal keep display names across a crash, encrypted. Both nil:
	// names are not remembered, and a resume after a crash shows none.
	Seal, Unseal func(string) (string, error)
	// CheckIn: patients are asked the questions of the lobby.
	CheckIn bool
}

// Entry is how a person comes in: with the Grant of a token or the hash of a
// resume token.
type Entry struct {
	Grant   auth.Grant
	Session SessionID // of a resume; a Grant names its own
	// ResumeHash is the SHA-256 of the resume token, hex. It is used only
	// without a Grant.
	ResumeHash string
	Instance   string // random id of the browser tab
	Fresh      bool   // the page has no PeerConnection
}

func (e Entry) session() SessionID {
	if e.Grant.Valid() {
		return SessionID(e.Grant.Session())
	}
	return e.Session
}

// Registry holds the rooms this process owns. A room opens with its first
// person and closes a minute after its last.
type Registry struct {
	// Set by New.
	config Config
	ledger Ledger
	media  func(SessionID) (Media, error)
	plans  Plans
	log    *slog.Logger

	mu       sync.Mutex
	entries  map[SessionID]*entry // guarded by mu
	draining bool                 // guarded by mu
}

// entry is a room, or the attempt to open it.
type entry struct {
	// ready is closed when room or err is set.
	ready chan struct{}
	room  *room
	err   error
}

// New makes a Registry without rooms. media makes the forwarding plane of one
// room.
func New(c Config, l Ledger, media func(SessionID) (Media, error), plans Plans, log *slog.Logger) *Registry {
	return &Registry{config: c, ledger: l, media: media, plans: plans, log: log, entries: make(map[SessionID]*entry)}
}

// Join gives the person a seat, with out as their browser. It opens the room
// when this process does not have it, and waits for the store then. out may
// get events before Join returns. The error is an *Error:
// CodeWrongNode, wrapping the *HeldError, when another node owns the room;
// CodeInternal when the store or the schedule cannot be reached, which may be
// tried again.
func (r *Registry) Join(ctx context.Context, e Entry, out Outbox) (*Seat, error) {
	in, err := r.joinInput(e)
	if err != nil {
		return nil, err
	}
	for {
		seat, err := r.joinOnce(ctx, e.session(), in, out)
		if !errors.Is(err, errClosing) {
			return seat, err
		}
	}
}

func (r *Registry) joinInput(e Entry) (join, error) {
	in := join{instance: e.Instance, fresh: e.Fresh}
	if !e.Grant.Valid() {
		in.resume = e.ResumeHash
		if in.resume == "" {
			return in, refuse(CodeResume, "Your place was given up. Please open your link again.")
		}
		return in, nil
	}
	in.person, in.role, in.name = PersonID(e.Grant.Subject()), e.Grant.Role(), e.Grant.Name()
	if r.config.Seal != nil && in.name != "" {
		sealed, err := r.config.Seal(in.name)
		if err != nil {
			return in, &Error{CodeInternal, "The server could not keep your name.", err}
		}
		in.sealedName = sealed
	}
	return in, nil
}

// joinOnce answers errClosing when the room it found went away meanwhile; by
// then the registry has forgotten it.
func (r *Registry) joinOnce(ctx context.Context, id SessionID, in join, out Outbox) (*Seat, error) {
	plan, err := r.plan(ctx, id)
	if err != nil {
		return nil, err
	}
	in.plan = plan
	room, err := r.room(ctx, id, in)
	if err != nil {
		return nil, err
	}
	seat := room.newSeat(out)
	in.seat = seat.id
	err = room.ask(ctx, posting{in: in, seat: seat})
	switch {
	case err == nil:
		return seat, nil
	case errors.Is(err, errClosing):
		return nil, waitFor(ctx, room.done, errClosing)
	case ctx.Err() != nil:
		seat.Unlinked() // it may be seated yet, for a page that is gone
	}
	return nil, err
}

// waitFor returns then when done is closed.
func waitFor(ctx context.Context, done <-chan struct{}, then error) error {
	select {
	case <-done:
		return then
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plan reads the schedule. A room that is open goes on without it: nil.
func (r *Registry) plan(ctx context.Context, id SessionID) (*Plan, error) {
	open := r.open(id) != nil
	if open {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, planTimeout)
		defer cancel()
	}
	plan, err := r.plans.Plan(ctx, id)
	switch {
	case err == nil:
		plan.Session = id
		return &plan, nil
	case CodeOf(err) == CodeNotFound:
		return nil, err
	case open:
		r.log.Warn("read plan of an open room", "session", id, "err", err)
		return nil, nil
	}
	return nil, &Error{CodeInternal, "The schedule cannot be reached just now. Please try again in a moment.", err}
}

// open is the room of the session if it is open here.
func (r *Registry) open(id SessionID) *room {
	r.mu.Lock()
	e := r.entries[id]
	r.mu.Unlock()
	if e == nil {
		return nil
	}
	select {
	case <-e.ready:
		return e.room
	default:
		return nil
	}
}

// room finds the room or has it opened, once for all who come meanwhile.
func (r *Registry) room(ctx context.Context, id SessionID, in join) (*room, error) {
	e, err := r.entry(ctx, id, in)
	if err != nil {
		return nil, err
	}
	if err := waitFor(ctx, e.ready, nil); err != nil {
		return nil, err
	}
	return e.room, e.err
}

func (r *Registry) entry(ctx context.Context, id SessionID, in join) (*entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return nil, refuse(CodeRestart, "The server is being restarted. You will be back in a moment.")
	}
	if e := r.entries[id]; e != nil {
		return e, nil
	}
	if in.plan == nil {
		return nil, refuse(CodeInternal, "The schedule cannot be reached just now. Please try again in a moment.")
	}
	// A link that is opened on the wrong day need not take a lease.
	if in.resume == "" {
		if err := in.plan.refuses(time.Now(), in.role); err != nil {
			return nil, err
		}
	}
	e := &entry{ready: make(chan struct{})}
	r.entries[id] = e
	// The room outlives the request that opens it.
	ctx = context.WithoutCancel(ctx)
	go r.keep(ctx, id, *in.plan, e)
	return e, nil
}

// keep is the life of a room, in its own goroutine: opened, run, forgotten. It
// ends with the room's done, which Drain waits for.
func (r *Registry) keep(ctx context.Context, id SessionID, plan Plan, e *entry) {
	e.room, e.err = r.openRoom(ctx, id, plan)
	if e.err != nil {
		r.forget(id)
		close(e.ready)
		return
	}
	close(e.ready)
	e.room.run(ctx)
	r.forget(id)
	close(e.room.done)
}

func (r *Registry) forget(id SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, id)
}

func (r *Registry) openRoom(ctx context.Context, id SessionID, plan Plan) (*room, error) {
	log := r.log.With("session", id)
	waiting, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	lease, err := r.ledger.Acquire(waiting, id)
	if held, ok := errors.AsType[*HeldError](err); ok {
		return nil, &Error{CodeWrongNode, "This session is on another server.", held}
	}
	if err != nil {
		log.Error("acquire room", "err", err)
		return nil, &Error{CodeInternal, "The record of attendance cannot be reached just now. Please try again in a moment.", err}
	}
	media, err := r.media(id)
	if err != nil {
		log.Error("make media", "err", err)
		_ = lease.Close(waiting) // the error that matters is the other one
		return nil, &Error{CodeInternal, "Sound and picture cannot be set up on this server. Please try again in a moment.", err}
	}
	memory := lease.Memory()
	s := newState(lease.Now().UTC().Truncate(time.Millisecond), plan, lease.Epoch(), r.config.CheckIn, memory, r.names(memory, log))
	s.health = lease.Health()
	log.Info("room opened", "epoch", lease.Epoch())
	return newRoom(lease, media, s, log), nil
}

// names opens the sealed names of those the room remembers. A name that cannot
// be opened is "": the person is let in all the same.
func (r *Registry) names(m Memory, log *slog.Logger) []string {
	names := make([]string, len(m.People))
	for i, p := range m.People {
		if r.config.Unseal == nil || p.SealedName == "" {
			continue
		}
		name, err := r.config.Unseal(p.SealedName)
		if err != nil {
			log.Warn("unseal name", "person", p.Person, "err", err)
		}
		names[i] = name
	}
	return names
}

// Expel ends the seat of a person whose place in the session was revoked, if
// the room is open here. Keeping them out is the verifier's affair.
func (r *Registry) Expel(_ context.Context, id SessionID, person PersonID, why Reason) {
	if room := r.open(id); room != nil {
		room.inbox.post(posting{in: expel{person, why}})
	}
}

// Flush waits until the evidence of everything that happened so far is in the
// store. A session without a room here has nothing waiting.
func (r *Registry) Flush(ctx context.Context, id SessionID) error {
	room := r.open(id)
	if room == nil {
		return nil
	}
	switch err := room.ask(ctx, posting{in: barrier{}}); {
	case errors.Is(err, errClosing):
		return waitFor(ctx, room.done, nil) // closing flushes
	case err != nil:
		return err
	}
	return room.lease.Flush(ctx)
}

// Presence is who is in the session's room just now; false when this process
// does not have it.
func (r *Registry) Presence(id SessionID) ([]Presence, bool) {
	room := r.open(id)
	if room == nil {
		return nil, false
	}
	list := room.presence.Load()
	if list == nil {
		return nil, true
	}
	return *list, true
}

// Drain closes all rooms for a restart: everybody is told to come back, the
// evidence is flushed, the leases are given back. Joins are refused from now
// on. It returns when all rooms are closed or ctx is done.
func (r *Registry) Drain(ctx context.Context) error {
	r.mu.Lock()
	r.draining = true
	entries := make([]*entry, 0, len(r.entries))
	for _, e := range r.entries {
		entries = append(entries, e)
	}
	r.mu.Unlock()
	for _, e := range entries {
		if err := waitFor(ctx, e.ready, nil); err != nil {
			return err
		}
		if e.room != nil {
			e.room.inbox.post(posting{in: drain{}})
		}
	}
	for _, e := range entries {
		if e.room == nil {
			continue
		}
		if err := waitFor(ctx, e.room.done, nil); err != nil {
			return err
		}
	}
	return nil
}
