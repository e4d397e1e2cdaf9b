package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// debtOf is a debt of a session's, which is no other's (Owe).
func debtOf(session rooms.SessionID) string { return string(session) + " " + rand.Text() }

// aWeek reaches from any instant of a week to all others of it, whatever the
// zone.
const aWeek = 8 * 24 * time.Hour

// ripple is how far a change of documents reaches: into sessions themselves,
// and into whatever people had at a time.
type ripple struct {
	now      time.Time
	sessions map[rooms.SessionID]bool
	people   map[rooms.PersonID][]stretch
	excused  map[rooms.SessionID][]rooms.PersonID // whose session is to be looked up
}

type stretch struct{ from, to time.Time }

// endOfTime is after all that documents can say (SPEC §1).
var endOfTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// unsettledBy are the sessions that must be settled because of the changes:
// of those that have begun, the changed ones and all that the people concerned
// have in the same weeks. Whoever is taken off a roster has no record in that
// session any more; their week is told by another one of it.
//
// Those that have not begun are settled when they do, and the past of before
// we were is not made up for: a session that is put in late by more than a week
// is settled when somebody says something about it.
func (s *Store) unsettledBy(ctx context.Context, changes []*change) ([]rooms.SessionID, error) {
	changes = slices.DeleteFunc(slices.Clone(changes), func(c *change) bool { return !c.decides() })
	if len(changes) == 0 {
		return nil, nil
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	r := ripple{
		now: now, sessions: map[rooms.SessionID]bool{}, people: map[rooms.PersonID][]stretch{},
		excused: map[rooms.SessionID][]rooms.PersonID{},
	}
	for _, c := range changes {
		if err := r.spread(c); err != nil {
			return nil, err
		}
	}
	excused, err := s.sessions(ctx, slices.Collect(maps.Keys(r.excused)))
	if err != nil {
		return nil, fmt.Errorf("read what an excuse is from: %w", err)
	}
	for _, v := range excused {
		r.touch(v)
		for _, person := range r.excused[v.ID] {
			r.reach(person, v.Start, v.Start)
		}
	}
	return s.begun(ctx, r)
}

// decides reports whether the change is of something that decides about cases,
// and says something new.
func (c *change) decides() bool {
	switch c.name.Kind {
	case schedule.KindSession, schedule.KindExcuse, schedule.KindEnrollment, schedule.KindAuthorization:
		return !c.Keep && (c.Delete || string(c.text) != c.old)
	}
	return false
}

// spread notes what one change reaches.
func (r ripple) spread(c *change) error {
	switch c.name.Kind {
	case schedule.KindSession:
		old, err := oldOf[schedule.Session](c)
		v := newOf[schedule.Session](c)
		switch {
		case old.ID != "":
			r.touch(old)
			r.touch(v)
			r.around(old)
			r.around(v)
		case v.Start.After(r.now.Add(-aWeek)):
			r.around(v) // itself, it was never settled, and is
		}
		return err
	case schedule.KindExcuse:
		session := rooms.SessionID(c.name.ID)
		r.excused[session] = append(r.excused[session], c.name.Person)
	case schedule.KindEnrollment:
		old, err := oldOf[schedule.Enrollment](c)
		before, after := old.Levels, newOf[schedule.Enrollment](c).Levels
		for _, level := range slices.Concat(lacking(before, after), lacking(after, before)) {
			r.reach(rooms.PersonID(c.name.ID), level.Start, endOfTime) // averages go on
		}
		return err
	case schedule.KindAuthorization:
		old, err := oldOf[schedule.Authorization](c)
		for _, a := range []schedule.Authorization{old, newOf[schedule.Authorization](c)} {
			if a.Person != "" {
				r.reach(a.Person, midnightUTC(a.From), midnightUTC(a.To))
			}
		}
		return err
	}
	return nil
}

// lacking are the levels that others have not.
func lacking(levels, others []schedule.Level) []schedule.Level {
	return slices.DeleteFunc(slices.Clone(levels), func(x schedule.Level) bool {
		return slices.ContainsFunc(others, func(y schedule.Level) bool {
			return x.Start.Equal(y.Start) && x.End.Equal(y.End) && x.Profile == y.Profile && x.Code == y.Code
		})
	})
}

func midnightUTC(d attendance.Date) time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// around reaches the weeks of those who are expected in a session.
func (r ripple) around(v schedule.Session) {
	for _, person := range v.Roster {
		r.reach(person, v.Start, v.Start)
	}
}

func (r ripple) touch(v schedule.Session) {
	if v.ID != "" && !v.Start.After(r.now) {
		r.sessions[v.ID] = true
	}
}

// reach notes a time of a person's, and the weeks it lies in.
func (r ripple) reach(person rooms.PersonID, from, to time.Time) {
	if from = from.Add(-aWeek); !from.After(r.now) {
		r.people[person] = append(r.people[person], stretch{from, to.Add(aWeek)})
	}
}

// begun are the sessions in reach that have begun, in order.
func (s *Store) begun(ctx context.Context, r ripple) ([]rooms.SessionID, error) {
	of, err := s.sessionsOf(ctx, slices.Collect(maps.Keys(r.people)))
	if err != nil {
		return nil, err
	}
	asked := map[rooms.SessionID]bool{}
	for _, ids := range of {
		for _, id := range ids {
			asked[id] = true
		}
	}
	sessions, err := s.sessions(ctx, slices.Collect(maps.Keys(asked)))
	if err != nil {
		return nil, fmt.Errorf("read what a change reaches: %w", err)
	}
	starts := map[rooms.SessionID]time.Time{}
	for _, v := range sessions {
		starts[v.ID] = v.Start
	}
	owed := maps.Clone(r.sessions)
	for person, ids := range of {
		for _, id := range ids {
			start, exists := starts[id]
			if exists && !start.After(r.now) && slices.ContainsFunc(r.people[person], func(x stretch) bool {
				return !start.Before(x.from) && !start.After(x.to)
			}) {
				owed[id] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(owed)), nil
}

// sessionsOf are those that the index has of each of the people.
func (s *Store) sessionsOf(ctx context.Context, people []rooms.PersonID) (map[rooms.PersonID][]rooms.SessionID, error) {
	if len(people) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	lists := make([]*redis.StringSliceCmd, len(people))
	for i, person := range people {
		lists[i] = pipe.SMembers(ctx, personKey(person, "sessions"))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read the sessions of people: %w", err)
	}
	of := make(map[rooms.PersonID][]rooms.SessionID, len(people))
	for i, person := range people {
		ids := make([]rooms.SessionID, len(lists[i].Val()))
		for j, id := range lists[i].Val() {
			ids[j] = rooms.SessionID(id)
		}
		of[person] = ids
	}
	return of, nil
}
