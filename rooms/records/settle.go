package records

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Settle brings the books of a session up to its evidence: readings that are
// new are kept, once it is over and its room is empty; what is new is told on
// the feed, the weeks of its people included. Sessions at the same time are
// settled too, because an instant is credited once (SPEC §4.8).
//
// Settling again changes nothing. Interrupted anywhere, the next one goes on.
func (b *Books) Settle(ctx context.Context, session rooms.SessionID) error {
	p, err := b.settleOne(ctx, session)
	if err != nil {
		return fmt.Errorf("settle session %s: %w", session, err)
	}
	for _, other := range p.neighbours() {
		if _, err := b.settleOne(ctx, other); err != nil {
			return fmt.Errorf("settle session %s beside %s: %w", other, session, err)
		}
	}
	mark := Mark{Digest: p.Digest, AsOf: p.result.AsOf, Until: p.settledUntil()}
	if err := b.store.Settled(ctx, session, mark); err != nil {
		return fmt.Errorf("settle session %s: %w", session, err)
	}
	return nil
}

// settleOne settles one session and returns the page it was left at.
func (b *Books) settleOne(ctx context.Context, session rooms.SessionID) (p *page, err error) {
	err = again(func() error {
		if p, err = b.open(ctx, session); err != nil {
			return err
		}
		if p.Crashed && !p.Occupied {
			if err := b.store.Collect(ctx, session); err != nil {
				return err
			}
			if p, err = b.open(ctx, session); err != nil {
				return err
			}
		}
		return b.keep(ctx, p)
	})
	if err != nil {
		return nil, err
	}
	return p, b.tell(ctx, p)
}

// keep adds to the book what the records say and did not say before. The page
// is as of then afterwards.
func (b *Books) keep(ctx context.Context, p *page) error {
	if p.Occupied || !p.over() {
		return nil
	}
	about, err := b.about(ctx, p)
	if err != nil {
		return err
	}
	fresh, err := p.fresh(about)
	if err != nil || len(fresh) == 0 {
		return err
	}
	if err := b.store.Keep(ctx, p.Book, fresh); err != nil {
		return err
	}
	p.Readings = append(p.Readings, fresh...)
	b.warn(p)
	return nil
}

// fresh is what is not in the book yet: of records, or of what is about them.
func (p *page) fresh(about map[string]*About) (fresh []Reading, err error) {
	add := func(r Reading) {
		r.Seq = p.End(KindReading, 0).Seq + len(fresh) + 1
		r.AsOf, r.Head = p.result.AsOf, p.Head()
		fresh = append(fresh, r)
	}
	last := p.lastReadings()
	for _, r := range p.result.Records {
		if r.Session != string(p.Session) {
			continue
		}
		canonical, err := Canonical(r)
		if err != nil {
			return nil, err
		}
		read := Reading{Person: r.Person, Version: r.Version, Hash: hashOf(canonical), Record: canonical, About: about[r.Person]}
		if before := last[r.Person]; before.Hash != read.Hash || !read.About.same(before.About) {
			add(read)
		}
		delete(last, r.Person)
	}
	for _, person := range slices.Sorted(maps.Keys(last)) {
		if !last[person].Gone() {
			add(Reading{Person: person, Version: last[person].Version})
		}
	}
	return fresh, nil
}

// warn says in the log which signatures no longer match.
func (b *Books) warn(p *page) {
	sheet, err := p.sheet()
	if err != nil {
		return // fresh would have failed before
	}
	for _, stale := range sheet.Stale {
		b.log.Warn("a signed record says something else by now: it must be signed again",
			"session", p.Session, "person", stale.Person, "version", stale.Version)
	}
}

// weeks are those that the page is about: of those who have a record in the
// session, the ones it lies in. Others may be incomplete in the case.
func (p *page) weeks() []attendance.Week {
	scheduled, people := p.scheduled(p.Session), p.people()
	var weeks []attendance.Week
	for _, w := range p.result.Weeks {
		if people[w.Person] && scheduled.Overlaps(attendance.Interval{Start: w.Start, End: w.End}) {
			weeks = append(weeks, w)
		}
	}
	return weeks
}

// people are those who have a record in the session.
func (p *page) people() map[string]bool {
	people := map[string]bool{}
	for _, r := range p.result.Records {
		if r.Session == string(p.Session) {
			people[r.Person] = true
		}
	}
	return people
}

func (p *page) scheduled(session rooms.SessionID) attendance.Interval {
	for _, s := range p.input.Sessions {
		if s.ID == string(session) {
			return attendance.Interval{Start: s.ScheduledStart, End: s.ScheduledEnd}
		}
	}
	return attendance.Interval{}
}

// neighbours are the other sessions in which people of this one may be
// credited at the same time. It may be too many.
func (p *page) neighbours() []rooms.SessionID {
	people, reach := p.people(), p.reach()
	mine := reach[string(p.Session)]
	var others []rooms.SessionID
	for _, r := range p.result.Records {
		id := rooms.SessionID(r.Session)
		known := len(others) > 0 && others[len(others)-1] == id // records come by session
		if id != p.Session && !known && people[r.Person] && reach[r.Session].Overlaps(mine) {
			others = append(others, id)
		}
	}
	return others
}

// reach is where each session can have credit: within its schedule, its
// evidence, and what corrections extend it to.
func (p *page) reach() map[string]attendance.Interval {
	reach := map[string]attendance.Interval{}
	grow := func(session string, i attendance.Interval) {
		r, known := reach[session]
		if !known {
			r = i
		}
		reach[session] = attendance.Interval{Start: min(r.Start, i.Start), End: max(r.End, i.End)}
	}
	for _, s := range p.input.Sessions {
		grow(s.ID, attendance.Interval{Start: s.ScheduledStart, End: s.ScheduledEnd})
	}
	for _, s := range p.result.Sessions {
		if s.FirstEvidence != nil {
			grow(s.Session, attendance.Interval{Start: *s.FirstEvidence, End: *s.LastEvidence})
		}
	}
	for _, k := range p.input.Corrections {
		if k.Op == attendance.ExtendWindow {
			grow(k.Session, attendance.Interval{Start: k.Start, End: k.End})
		}
	}
	return reach
}
