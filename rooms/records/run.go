package records

import (
	"context"
	"errors"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Times of Run.
const (
	// LookEvery is how often Run looks for what there is to settle.
	LookEvery = 10 * time.Second
	// RestAfter is how long a session that goes on is left alone after it was
	// settled, whatever comes in.
	RestAfter = 30 * time.Second
	// RemainEvery is how often a session that goes on is settled though nothing
	// comes in: what remains of a week shrinks by itself.
	RemainEvery = 5 * time.Minute
	// LookBack is how far Run looks back: a week and a day, so that the end of
	// a week is told also of one whose sessions nobody came to.
	LookBack = 8 * 24 * time.Hour
)

// Pulse is what Run has to know of a session to see whether it must be settled.
type Pulse struct {
	Session  rooms.SessionID
	End      attendance.Instant // scheduled
	Now      attendance.Instant
	Occupied bool
	Digest   string // of all that a settling rests on
	Settled  Mark   // the last time; zero: never
}

// Mark is the state in which a session was settled.
type Mark struct {
	Digest string             `json:"digest"`
	AsOf   attendance.Instant `json:"as_of"`
	Until  attendance.Instant `json:"until,omitzero"` // when time alone makes it due; zero: never
}

// due reports whether a session must be settled.
func (p Pulse) due() bool {
	if p.Settled.AsOf == 0 || p.Settled.Until != 0 && p.Now >= p.Settled.Until {
		return true
	}
	rested := p.Now-p.Settled.AsOf >= attendance.Instant(RestAfter.Milliseconds())
	goesOn := p.Occupied && p.Now < p.End
	return p.Digest != p.Settled.Digest && (rested || !goesOn)
}

// settledUntil is when time alone changes what the page says: at the ends of
// the session and of its weeks, and all along while it goes on.
func (p *page) settledUntil() (until attendance.Instant) {
	now, scheduled := p.result.AsOf, p.scheduled(p.Session)
	sooner := func(t attendance.Instant) {
		if t > now && (until == 0 || t < until) {
			until = t
		}
	}
	sooner(scheduled.Start)
	sooner(scheduled.End)
	for _, w := range p.weeks() {
		sooner(w.End)
	}
	if scheduled.Start <= now && now < scheduled.End {
		sooner(now + attendance.Instant(RemainEvery.Milliseconds()))
	}
	return until
}

// Nudge tells Run that a session had better be settled now: its room was
// closed. It never waits.
func (b *Books) Nudge(session rooms.SessionID) {
	select {
	case b.nudge <- session:
	default: // Run looks by itself
	}
}

// Run settles what must be settled until ctx ends: sessions that go on, that
// ended or were closed, that an act or a node which died has left unsettled,
// and those that ended within LookBack, when evidence comes late or a week ends.
// Nodes may run it side by side. It owns no goroutine; call it in one.
func (b *Books) Run(ctx context.Context) {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		b.Round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case session := <-b.nudge:
			_ = b.settleLogged(ctx, session) // logged, and tried again
		}
	}
}

// Round is one look of Run. What cannot be settled is logged and tried again
// at the next.
func (b *Books) Round(ctx context.Context) {
	owed, err := b.store.Owed(ctx)
	if err != nil {
		b.complain(ctx, "what is owed cannot be read", err)
		return
	}
	for session, debts := range owed {
		if err := b.settleLogged(ctx, session); err == nil || errors.Is(err, schedule.ErrNotFound) {
			b.pay(ctx, debts) // without a schedule there are no records
		}
	}
	now, err := b.store.Now(ctx)
	if err != nil {
		b.complain(ctx, "the clock cannot be read", err)
		return
	}
	pulses, err := b.store.Pulses(ctx, now.Add(-LookBack), now.Add(time.Millisecond)) // those that start now, too
	if err != nil {
		b.complain(ctx, "sessions cannot be read", err)
		return
	}
	for _, p := range pulses {
		if p.due() && ctx.Err() == nil {
			_ = b.settleLogged(ctx, p.Session) // logged, and tried again
		}
	}
}

func (b *Books) pay(ctx context.Context, debts []string) {
	for _, debt := range debts {
		if err := b.store.Paid(ctx, debt); err != nil {
			b.complain(ctx, "a debt cannot be crossed out", err)
		}
	}
}

// settleLogged complains about a session once, not at every look.
func (b *Books) settleLogged(ctx context.Context, session rooms.SessionID) error {
	err := b.Settle(ctx, session)
	b.mu.Lock()
	known := b.failing[session]
	delete(b.failing, session)
	if err != nil && ctx.Err() == nil {
		b.failing[session] = err.Error()
	}
	b.mu.Unlock()
	if err != nil && err.Error() != known {
		b.complain(ctx, "a session is not settled", err, "session", session)
	}
	return err
}

// complain logs, unless we are being stopped.
func (b *Books) complain(ctx context.Context, what string, err error, more ...any) {
	if ctx.Err() == nil {
		b.log.Error(what, append(more, "err", err)...)
	}
}
