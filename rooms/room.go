package rooms

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// closeTimeout is how long a closing room waits for its evidence to reach the
// store. What does not arrive stays in the journal.
const closeTimeout = 10 * time.Second

// errClosing: the room takes nothing any more. Joining again opens another.
var errClosing = errors.New("the room is closing")

// room is the goroutine around a state: it reads the clocks, takes what happens
// from the inbox, and carries out the effects, none of which blocks.
type room struct {
	// Set by newRoom.
	lease Lease
	media Media
	log   *slog.Logger
	inbox *inbox
	began time.Time
	// done is closed when the room has given back its lease and the registry
	// has forgotten it.
	done chan struct{}

	presence atomic.Pointer[[]Presence]
	numbers  atomic.Int64 // the last seatID

	// Owned by run.
	state *state
	seats map[seatID]*Seat
	lines map[Conn]*line
	final string // why the room closes
}

// line is the peer of a connection. What it tells the browser goes to the seat
// of the moment, past the room.
type line struct {
	conn Conn
	peer Peer
	seat atomic.Pointer[Seat]
}

func newRoom(lease Lease, media Media, s *state, log *slog.Logger) *room {
	return &room{
		lease: lease, media: media, log: log, state: s, inbox: newInbox(),
		began: time.Now(), done: make(chan struct{}),
		seats: make(map[seatID]*Seat), lines: make(map[Conn]*line),
	}
}

// newSeat numbers a seat that still has to be asked for.
func (r *room) newSeat(out Outbox) *Seat {
	s := &Seat{id: seatID(r.numbers.Add(1)), room: r, out: out}
	s.Seen()
	return s
}

// run ends when the room is idle, drained or lost, with the media closed and the
// lease given back.
func (r *room) run(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	lost := r.lease.Lost()
	for r.final == "" {
		select {
		case <-r.inbox.ready:
			r.work()
		case <-ticker.C:
			r.handle(posting{in: tick{r.lease.Health()}})
		case <-lost:
			r.handle(posting{in: leaseLost{}})
		}
	}
	r.close(ctx)
}

func (r *room) work() {
	for _, p := range r.inbox.take() {
		if r.final != "" {
			refusePosting(p)
			continue
		}
		r.handle(p)
	}
}

func refusePosting(p posting) {
	if p.reply != nil {
		p.reply <- errClosing
	}
}

// close gives everything back. It is the only place where the room's goroutine
// waits.
func (r *room) close(ctx context.Context) {
	for _, p := range r.inbox.close() {
		refusePosting(p)
	}
	if err := r.media.Close(); err != nil {
		r.log.Warn("close media", "err", err)
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if err := r.lease.Close(ctx); err != nil {
		r.log.Warn("close lease", "err", err)
	}
	r.log.Info("room closed", "why", r.final)
}

// handle is one step: one reading of the clocks, one input, its effects.
func (r *room) handle(p posting) {
	local, now := time.Now(), r.lease.Now().UTC().Truncate(time.Millisecond)
	if down, ok := p.in.(mediaDown); ok {
		down.seen = evidence(down.seen, local, now)
		p.in = down
	}
	if p.seat != nil {
		r.seats[p.seat.id] = p.seat
	}
	r.state.prove(now, r.proofs(local, now))
	var verdict answer
	for _, e := range r.state.step(now, p.in) {
		if a, ok := e.(answer); ok {
			verdict = a
			continue
		}
		r.carryOut(e)
	}
	presence := r.state.presence()
	r.presence.Store(&presence)
	r.answer(verdict, p)
}

// evidence converts a time of this process's clock, read as local when the
// evidence clock said now. The zero time stays zero.
func evidence(t, local, now time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(-local.Sub(t)).Truncate(time.Millisecond)
}

func (r *room) proofs(local, now time.Time) map[Conn]proof {
	all := make(map[Conn]proof)
	for _, p := range r.state.here() {
		var seen proof
		if s := r.seats[p.seat.id]; s != nil {
			seen.link = evidence(r.began.Add(time.Duration(s.seen.Load())), local, now)
		}
		if l := r.lines[p.seat.conn.name]; l != nil {
			seen.media = evidence(l.peer.LastSeen(), local, now)
		}
		all[p.seat.conn.name] = seen
	}
	return all
}

func (r *room) carryOut(e effect) {
	switch e := e.(type) {
	case send:
		r.seats[e.to].out.Send(e.event)
	case dismiss:
		r.dismiss(e)
	case attach:
		r.attach(e)
	case rebind:
		r.rebind(e)
	case detach:
		r.detach(e)
	case publishing:
		if l := r.lines[e.conn]; l != nil {
			l.peer.Publishing(e.sources)
		}
	case route:
		r.media.Route(e.table)
	case record:
		r.lease.Record(e.event)
	case note:
		r.lease.Note(e.note)
	case beat:
		r.lease.Beat(e.beat)
	case save:
		r.lease.Save(e.memory)
	case finish:
		r.final = e.why
	}
}

// answer comes when everything that follows from the input is done: a seat has
// its peer, and what a command did is recorded.
func (r *room) answer(e answer, p posting) {
	if p.seat != nil {
		if e.info != nil {
			p.seat.info = *e.info
		} else {
			delete(r.seats, p.seat.id)
		}
	}
	if p.reply != nil {
		p.reply <- e.err
	}
}

func (r *room) dismiss(e dismiss) {
	s := r.seats[e.seat]
	delete(r.seats, e.seat)
	s.line.Store(nil)
	s.out.Close(e.reason)
}

func (r *room) attach(e attach) {
	s := r.seats[e.seat]
	l := &line{conn: e.conn}
	l.seat.Store(s)
	peer, err := r.media.Attach(Attachment{Conn: e.conn, Handle: e.handle, Preferred: e.preferred}, r.listen(l))
	if err != nil {
		r.log.Error("attach media", "conn", e.conn, "err", err)
		r.inbox.post(posting{in: mediaFailed{e.conn}})
		return
	}
	l.peer = peer
	r.lines[e.conn] = l
	s.line.Store(l)
}

// listen sends a peer's words on: up and down to the room, everything else
// straight to the page.
func (r *room) listen(l *line) func(PeerEvent) {
	return func(e PeerEvent) {
		switch e := e.(type) {
		case PeerUp:
			r.inbox.post(posting{in: mediaUp{l.conn}})
		case PeerDown:
			r.inbox.post(posting{in: mediaDown{l.conn, e.LastSeen}})
		case Event:
			l.seat.Load().out.Send(e)
		}
	}
}

func (r *room) rebind(e rebind) {
	l, s := r.lines[e.conn], r.seats[e.seat]
	if l == nil {
		return // it could not be attached; mediaFailed is on its way
	}
	l.seat.Store(s)
	s.line.Store(l)
}

func (r *room) detach(e detach) {
	l := r.lines[e.conn]
	if l == nil {
		return
	}
	delete(r.lines, e.conn)
	l.seat.Load().line.CompareAndSwap(l, nil)
	l.peer.Close()
}

// ask posts and waits for the verdict.
func (r *room) ask(ctx context.Context, p posting) error {
	reply := make(chan error, 1)
	p.reply = reply
	if !r.inbox.post(p) {
		return errClosing
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
