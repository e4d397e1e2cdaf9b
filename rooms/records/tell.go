package records

import (
	"context"
	"slices"

	"viop/rooms/attendance"
)

// tell puts on the feed what is not there.
func (b *Books) tell(ctx context.Context, p *page) error {
	for _, c := range p.untold() {
		if err := b.store.Tell(ctx, c); err != nil {
			return err
		}
	}
	weeks, authorizations := p.weeks(), p.authorizations()
	if len(weeks)+len(authorizations) == 0 {
		return nil
	}
	v, _, err := b.store.Session(ctx, p.Session)
	if err != nil {
		return err
	}
	for _, w := range weeks {
		told := ToldWeek{
			WeekRow: rowOf(p.input, p.result, w), Program: v.Program, Timezone: p.result.Timezone,
			Final: w.End <= p.result.AsOf,
		}
		if err := b.store.TellWeek(ctx, told, p.result.AsOf, p.runs(w)); err != nil {
			return err
		}
	}
	for _, a := range authorizations {
		a.Program = v.Program
		if err := b.store.TellAuthorization(ctx, a, p.result.AsOf); err != nil {
			return err
		}
	}
	return nil
}

// untold are the readings and signatures of the book that are not on the feed,
// in the order in which they were written: what is signed has been read before.
func (p *page) untold() (changes []Change) {
	signed := p.untoldSignatures()
	known := map[string]bool{}
	for _, r := range p.Readings {
		first := !known[r.Person]
		known[r.Person] = true
		if r.Seq <= p.Told {
			continue
		}
		for len(signed) > 0 && signed[0].Signature.At < r.AsOf {
			changes, signed = append(changes, signed[0]), signed[1:]
		}
		changes = append(changes, Change{
			Kind: RecordChanged, Session: string(p.Session), Person: r.Person,
			Version: r.Version, Hash: r.Hash, Reading: r.Seq, First: first,
		})
	}
	return append(changes, signed...)
}

func (p *page) untoldSignatures() (changes []Change) {
	for _, a := range p.Amendments {
		if a.Signature == nil || a.Seq <= p.ToldSigned {
			continue
		}
		s := *a.Signature
		s.Ends = nil
		changes = append(changes, Change{
			Kind: RecordsSigned, Session: string(p.Session), Version: s.Version, Hash: s.Hash,
			Amendment: a.Seq, Signature: &s,
		})
	}
	return changes
}

// runs reports whether the person of a week is expected or was in a session of
// it that has begun and is not over, so that the row will change again.
func (p *page) runs(w attendance.Week) bool {
	if p.Occupied && p.people()[w.Person] {
		return true
	}
	begun := map[string]bool{}
	for _, s := range p.input.Sessions {
		inWeek := attendance.Interval{Start: s.ScheduledStart, End: s.ScheduledEnd}.Overlaps(attendance.Interval{Start: w.Start, End: w.End})
		begun[s.ID] = inWeek && s.ScheduledStart <= p.result.AsOf
	}
	for _, r := range p.result.Records {
		if r.Person == w.Person && r.State == attendance.StateOpen && begun[r.Session] {
			return true
		}
	}
	return false
}

// Of an authorization that is low.
const (
	fewUnits  = 2                       // at most so many remain, or
	lookAhead = 7 * 24 * 60 * 60 * 1000 // ms: what is scheduled for so long would use up the rest
)

// authorizations are those that the session may use, as they stand. They are
// judged by all that is scheduled, whichever session the page is of, so that
// two pages do not contradict each other.
func (p *page) authorizations() (told []ToldAuthorization) {
	dates := map[string]attendance.Date{} // of the session, by person
	for _, r := range p.result.Records {
		if r.Session == string(p.Session) {
			dates[r.Person] = r.Date
		}
	}
	left := map[string]attendance.AuthorizationResult{}
	for _, a := range p.result.Authorizations {
		left[a.ID] = a
	}
	for _, a := range p.input.Authorizations {
		date, here := dates[a.Person]
		if !here || date < a.From || a.To < date {
			continue
		}
		t := ToldAuthorization{
			AuthorizationResult: left[a.ID], Unit: a.Unit, Count: a.Count, From: a.From, To: a.To,
			Status: AuthorizationRecovered,
		}
		switch {
		case t.Remaining <= 0:
			t.Status = AuthorizationExhausted
		case t.Remaining <= max(fewUnits, p.ahead(a)):
			t.Status = AuthorizationLow
		}
		told = append(told, t)
	}
	return told
}

// ahead is the units of an authorization that are scheduled for the days to
// come, if the person is there all the time.
func (p *page) ahead(a attendance.Authorization) (units int64) {
	sessions := map[string]attendance.Session{}
	for _, s := range p.input.Sessions {
		sessions[s.ID] = s
	}
	days, ms := map[attendance.Date]bool{}, int64(0)
	for _, r := range p.result.Records {
		s := sessions[r.Session]
		comes := r.Person == a.Person && r.Status == attendance.StatusScheduled && s.Counting()
		soon := p.result.AsOf <= s.ScheduledStart && s.ScheduledStart < p.result.AsOf+lookAhead
		if !comes || !soon || r.Date < a.From || a.To < r.Date {
			continue
		}
		length := attendance.Set{{Start: s.ScheduledStart, End: s.ScheduledEnd}}.
			Subtract(attendance.SetOf(slices.Clone(s.Breaks)...)).Length()
		days[r.Date], ms = true, ms+length
		switch a.Unit {
		case attendance.UnitSession:
			units++
		case attendance.UnitQ15:
			units += length / (15 * 60 * 1000)
		}
	}
	switch a.Unit {
	case attendance.UnitDay:
		return int64(len(days))
	case attendance.UnitHour:
		return ms / (60 * 60 * 1000)
	}
	return units
}
