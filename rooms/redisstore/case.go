package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// beatSeq numbers the events that Case makes from beats which are not in any
// log yet: far above every number that a log gives.
const beatSeq = 2_000_000_000

// Case is the session with everything that decides about its minutes, as of
// now by Redis: the program, the session with all its evidence, and the other
// sessions of its patients in the same weeks, because a week has a minimum and
// an instant is credited once. Of the others, only the evidence of these
// patients, of facilitators and of the room itself is there, and only these
// patients are on the roster.
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
	c, err := s.newCase(ctx, asked.Program)
	if err != nil {
		return nil, err
	}
	events, err := s.events(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.include(ctx, asked, asked.Roster, events); err != nil {
		return nil, err
	}
	patients := c.patients()
	others, err := s.overlapping(ctx, c.firstWeek(asked.Start), c.weekAfter(asked.End))
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, others, patients)
}

// Week is the week of one person around an instant: all sessions in it that
// they are expected in or have been to. An unknown person is
// schedule.ErrNotFound.
func (s *Store) Week(ctx context.Context, person rooms.PersonID, at time.Time) (*attendance.Case, error) {
	known, _, err := s.Person(ctx, person)
	if err != nil {
		return nil, err
	}
	c, err := s.newCase(ctx, known.Program)
	if err != nil {
		return nil, err
	}
	all, err := s.overlapping(ctx, c.firstWeek(at), c.weekAfter(at))
	if err != nil {
		return nil, err
	}
	return c.finish(ctx, all, []rooms.PersonID{person})
}

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
	zone, err := time.LoadLocation(p.Timezone)
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

// finish adds the sessions in which one of the patients is expected or was,
// brings everything into order and validates.
func (a *assembly) finish(ctx context.Context, sessions []schedule.Session, patients []rooms.PersonID) (*attendance.Case, error) {
	for _, other := range sessions {
		if a.has(other.ID) {
			continue
		}
		known, err := a.store.namesAny(ctx, other.ID, patients)
		if err != nil {
			return nil, err
		}
		if known {
			if err := a.includeFor(ctx, other, patients); err != nil {
				return nil, err
			}
		}
	}
	for _, id := range a.named() {
		a.People = append(a.People, attendance.Person{ID: string(id), Role: a.roles[id]})
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

// includeFor adds what another session means for the patients: nothing, when
// they were taken off its roster and have never been there.
func (a *assembly) includeFor(ctx context.Context, other schedule.Session, patients []rooms.PersonID) error {
	events, err := a.store.events(ctx, other.ID)
	if err != nil {
		return err
	}
	if err := a.learn(ctx, named(nil, events)); err != nil {
		return err
	}
	who := map[string]rooms.PersonID{} // by connection
	for _, e := range events {
		if e.Person != "" {
			who[e.Connection] = rooms.PersonID(e.Person)
		}
	}
	concerned := false
	events = slices.DeleteFunc(events, func(e attendance.Event) bool {
		if e.Connection == "" {
			return false
		}
		person := who[e.Connection]
		theirs := slices.Contains(patients, person)
		concerned = concerned || theirs
		return !theirs && a.roles[person] != attendance.Facilitator
	})
	roster := slices.DeleteFunc(slices.Clone(other.Roster), func(p rooms.PersonID) bool { return !slices.Contains(patients, p) })
	if !concerned && len(roster) == 0 {
		return nil
	}
	return a.include(ctx, other, roster, events)
}

// include adds a session with its evidence and everybody it names.
func (a *assembly) include(ctx context.Context, v schedule.Session, roster []rooms.PersonID, events []attendance.Event) error {
	if err := a.learn(ctx, named(roster, events)); err != nil {
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
	for _, e := range events {
		if id := rooms.PersonID(e.Person); e.Person != "" && a.roles[id] == "" {
			role, err := a.store.roleIn(ctx, v.ID, id)
			if err != nil {
				return err
			}
			a.roles[id] = role
		}
	}
	a.Sessions, a.Events = append(a.Sessions, session), append(a.Events, events...)
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
	var roster []rooms.PersonID
	for _, s := range a.Sessions {
		for _, id := range s.Roster {
			roster = append(roster, rooms.PersonID(id))
		}
	}
	return named(roster, a.Events)
}

func (a *assembly) patients() []rooms.PersonID {
	var ids []rooms.PersonID
	for id, role := range a.roles {
		if role == attendance.Patient {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
