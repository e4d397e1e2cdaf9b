package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// beatSeq numbers the events that Case makes from beats which are not in any
// log yet: far above every number that a log gives.
const beatSeq = 2_000_000_000

// Case is the session with everything that decides about its minutes, as of
// now by Redis: the program, the session with all its evidence, corrections
// and signatures, and the other sessions of its patients in the same weeks,
// because a week has a minimum and an instant is credited once. Levels of care
// come whole, because they decide by what a week is measured, and how far back;
// an authorization that reaches into these weeks comes with all sessions of its
// person while it lasts, because they use it up. Of other sessions than the one
// asked for, only what concerns these patients, facilitators and the room
// itself is there, and only these patients are on the roster.
//
// So a result speaks with authority of the records of the session asked for,
// of all records and weeks, which it lies in, of those who have one there, and
// of their authorizations at that time. Others may be in it, in part.
//
// A beat that has not reached the log (the session is running, or nobody has
// taken over after a crash) counts as what a takeover would write.
//
// The case is valid (attendance.Case.Validate) and the same for the same
// store and instant. An unknown session is schedule.ErrNotFound.
func (s *Store) Case(ctx context.Context, id rooms.SessionID) (*attendance.Case, error) {
	asked, _, err := s.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	a, err := s.newCase(ctx, asked.Program)
	if err != nil {
		return nil, err
	}
	if err := a.includeAll(ctx, asked); err != nil {
		return nil, err
	}
	return a.finish(ctx, a.patients(), authorized, span{asked.Start, asked.End})
}

// CasesIf are Case as it is and as it would be if these sessions, of one
// program, were scheduled like this: of all of them at once, and of the weeks
// in which they are and would be. Before is without those that are new.
func (s *Store) CasesIf(ctx context.Context, changed ...schedule.Session) (before, after *attendance.Case, err error) {
	was, err := s.newCase(ctx, changed[0].Program)
	if err != nil {
		return nil, nil, err
	}
	would := was.another()
	var spans []span
	for _, v := range changed {
		old, _, err := s.Session(ctx, v.ID)
		switch {
		case errors.Is(err, schedule.ErrNotFound):
		case err != nil:
			return nil, nil, err
		default:
			spans = append(spans, span{old.Start, old.End})
			if err := was.includeAll(ctx, old); err != nil {
				return nil, nil, err
			}
		}
		spans = append(spans, span{v.Start, v.End})
		if err := would.includeAll(ctx, v); err != nil {
			return nil, nil, err
		}
	}
	patients := append(was.patients(), would.patients()...)
	slices.Sort(patients)
	patients = slices.Compact(patients)
	if before, err = was.finish(ctx, patients, weeksOnly, spans...); err != nil {
		return nil, nil, err
	}
	if after, err = would.finish(ctx, patients, weeksOnly, spans...); err != nil {
		return nil, nil, err
	}
	before.AsOf = max(before.AsOf, after.AsOf)
	after.AsOf = before.AsOf
	return before, after, nil
}

// CaseOfPerson is the weeks of one person that have an instant in [from, to):
// all sessions in them that they are expected in or have been to, and their
// authorizations then. An unknown person is schedule.ErrNotFound.
func (s *Store) CaseOfPerson(ctx context.Context, person rooms.PersonID, from, to time.Time) (*attendance.Case, error) {
	known, _, err := s.Person(ctx, person)
	if err != nil {
		return nil, err
	}
	a, err := s.newCase(ctx, known.Program)
	if err != nil {
		return nil, err
	}
	return a.finish(ctx, []rooms.PersonID{person}, authorized, span{from, to})
}

// CaseOfProgram is the same, without authorizations, of everybody who is
// expected in a session of the program in [from, to), or was in one: the
// patients.
func (s *Store) CaseOfProgram(ctx context.Context, program schedule.ProgramID, from, to time.Time) (c *attendance.Case, patients []rooms.PersonID, err error) {
	a, err := s.newCase(ctx, program)
	if err != nil {
		return nil, nil, err
	}
	sessions, err := s.overlapping(ctx, from, to)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range sessions {
		if v.Program == program {
			if err := a.includeAll(ctx, v); err != nil {
				return nil, nil, err
			}
		}
	}
	patients = a.patients()
	c, err = a.finish(ctx, patients, weeksOnly, span{from, to})
	return c, patients, err
}

// span is a time that is asked about.
type span struct{ from, to time.Time }

// Whether a case has authorizations.
const (
	authorized = true
	weeksOnly  = false
)

// assembly is a case in the making.
type assembly struct {
	*attendance.Case
	store *Store
	zone  *time.Location
	roles map[rooms.PersonID]attendance.Role // of everybody named so far
}

func (s *Store) newCase(ctx context.Context, program schedule.ProgramID) (*assembly, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	p, _, err := s.Program(ctx, program)
	if errors.Is(err, schedule.ErrNotFound) {
		// It was never put in. The minutes of a session do not depend on it.
		p.Timezone, p.Counting = "UTC", attendance.DefaultCounting()
		err = nil
	}
	if err != nil {
		return nil, err
	}
	zone, err := attendance.LoadZone(p.Timezone)
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", program, err)
	}
	return &assembly{
		Case: &attendance.Case{
			Format: attendance.Format, AsOf: attendance.At(now), Program: p.Program,
		},
		store: s, zone: zone, roles: map[rooms.PersonID]attendance.Role{},
	}, nil
}

// another is a case in the making of the same program and instant.
func (a *assembly) another() *assembly {
	empty := *a.Case
	return &assembly{Case: &empty, store: a.store, zone: a.zone, roles: map[rooms.PersonID]attendance.Role{}}
}

// finish adds what decides about the patients in the weeks of the spans, brings
// everything into order and validates.
func (a *assembly) finish(ctx context.Context, patients []rooms.PersonID, with bool, spans ...span) (*attendance.Case, error) {
	if err := a.enroll(ctx, patients); err != nil {
		return nil, err
	}
	spans = slices.Clone(spans) // the caller's
	for i, x := range spans {
		spans[i] = span{a.firstWeek(x.from), a.weekAfter(x.to)}
	}
	if with {
		if err := a.authorize(ctx, patients, spans); err != nil {
			return nil, err
		}
	}
	others, err := a.others(ctx, patients, spans)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		if err := a.includeFor(ctx, other.Session, other.patients); err != nil {
			return nil, err
		}
	}
	if err := a.excuse(ctx); err != nil {
		return nil, err
	}
	a.onlyOfPatients()
	for _, id := range a.named() {
		a.People = append(a.People, attendance.Person{ID: string(id), Role: cmp.Or(a.roles[id], attendance.Guest)})
	}
	slices.SortFunc(a.Sessions, func(x, y attendance.Session) int { return strings.Compare(x.ID, y.ID) })
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("assemble case: %w", err)
	}
	return a.Case, nil
}

func (a *assembly) has(id rooms.SessionID) bool {
	return slices.ContainsFunc(a.Sessions, func(s attendance.Session) bool { return s.ID == string(id) })
}

// facts are what happened in a session and what was said about it later.
type facts struct {
	events      []attendance.Event
	corrections []attendance.Correction
	signatures  []attendance.Signature
}

// facts reads those of a session, and learns the roles that its corrections
// and signatures hold fast, unless they are known.
func (a *assembly) facts(ctx context.Context, session rooms.SessionID) (f facts, err error) {
	if f.events, err = a.store.events(ctx, session); err != nil {
		return facts{}, err
	}
	amendments, err := a.store.readAmendments(ctx, session)
	if err != nil {
		return facts{}, err
	}
	for _, m := range amendments {
		a.AsOf = max(a.AsOf, m.At())
		f.add(m)
		for id, role := range m.Roles {
			if person := rooms.PersonID(id); a.roles[person] == "" {
				a.roles[person] = role
			}
		}
	}
	return f, a.learn(ctx, named(nil, f.events))
}

func (f *facts) add(m records.Amendment) {
	if m.Correction != nil {
		f.corrections = append(f.corrections, *m.Correction)
	} else {
		f.signatures = append(f.signatures, m.Signature.Fact())
	}
}

// includeAll adds a session with everything.
func (a *assembly) includeAll(ctx context.Context, v schedule.Session) error {
	f, err := a.facts(ctx, v.ID)
	if err != nil {
		return err
	}
	return a.include(ctx, v, v.Roster, f)
}

// includeFor adds what another session means for the patients: nothing, when
// they were taken off its roster and have never been there.
func (a *assembly) includeFor(ctx context.Context, other schedule.Session, patients []rooms.PersonID) error {
	f, err := a.facts(ctx, other.ID)
	if err != nil {
		return err
	}
	f, concerned := f.about(patients, func(p rooms.PersonID) bool { return a.roles[p] == attendance.Facilitator })
	roster := slices.DeleteFunc(slices.Clone(other.Roster), func(p rooms.PersonID) bool { return !slices.Contains(patients, p) })
	if !concerned && len(roster) == 0 {
		return nil
	}
	return a.include(ctx, other, roster, f)
}

// include adds a session with facts and everybody they name.
func (a *assembly) include(ctx context.Context, v schedule.Session, roster []rooms.PersonID, f facts) error {
	if err := a.learn(ctx, named(roster, f.events)); err != nil {
		return err
	}
	session := attendance.Session{
		ID: string(v.ID), Service: v.Service, Counts: v.Counts, Status: v.Status,
		ScheduledStart: attendance.At(v.Start), ScheduledEnd: attendance.At(v.End),
	}
	for _, b := range v.Breaks {
		session.Breaks = append(session.Breaks, attendance.Interval{Start: attendance.At(b.Start), End: attendance.At(b.End)})
	}
	for _, id := range roster {
		if a.roles[id] == "" {
			a.roles[id] = attendance.Patient // a roster is of patients
		}
		if a.roles[id] == attendance.Patient {
			session.Roster = append(session.Roster, string(id))
		}
	}
	for _, e := range f.events {
		if id := rooms.PersonID(e.Person); e.Person != "" && a.roles[id] == "" {
			role, err := a.store.roleIn(ctx, v.ID, id)
			if err != nil {
				return err
			}
			a.roles[id] = role
		}
	}
	a.Sessions, a.Events = append(a.Sessions, session), append(a.Events, f.events...)
	a.Corrections, a.Signatures = append(a.Corrections, f.corrections...), append(a.Signatures, f.signatures...)
	return nil
}

// learn reads the roles of people who have not been named so far. Who has no
// document gets no role here.
func (a *assembly) learn(ctx context.Context, ids []rooms.PersonID) error {
	ids = slices.DeleteFunc(ids, func(id rooms.PersonID) bool { return a.roles[id] != "" })
	roles, err := a.store.rolesOf(ctx, ids)
	if err != nil {
		return err
	}
	for id, role := range roles {
		a.roles[id] = role
	}
	return nil
}

// named is everybody on the roster and in the events, once.
func named(roster []rooms.PersonID, events []attendance.Event) []rooms.PersonID {
	ids := slices.Clone(roster)
	for _, e := range events {
		if e.Person != "" {
			ids = append(ids, rooms.PersonID(e.Person))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// named is everybody in the case: those whose role was only asked for are not.
func (a *assembly) named() []rooms.PersonID {
	var others []rooms.PersonID
	for _, s := range a.Sessions {
		for _, id := range s.Roster {
			others = append(others, rooms.PersonID(id))
		}
	}
	for _, k := range a.Corrections {
		others = append(others, rooms.PersonID(k.By))
		if k.Person != "" {
			others = append(others, rooms.PersonID(k.Person))
		}
	}
	for _, s := range a.Signatures {
		others = append(others, rooms.PersonID(s.By))
	}
	for _, e := range a.Enrollments {
		others = append(others, rooms.PersonID(e.Person))
	}
	for _, x := range a.Authorizations {
		others = append(others, rooms.PersonID(x.Person))
	}
	return named(others, a.Events)
}

func (a *assembly) patients() []rooms.PersonID {
	var ids []rooms.PersonID
	for _, id := range a.named() {
		if a.roles[id] == attendance.Patient {
			ids = append(ids, id)
		}
	}
	return ids
}
