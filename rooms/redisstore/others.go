package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// enroll adds the histories of levels of the patients.
func (a *assembly) enroll(ctx context.Context, patients []rooms.PersonID) error {
	if err := a.learn(ctx, slices.Clone(patients)); err != nil {
		return err
	}
	texts := make([]string, len(patients))
	for i, person := range patients {
		texts[i] = string(person)
	}
	histories, err := many[schedule.Enrollment](ctx, a.store, schedule.KindEnrollment, texts)
	if err != nil {
		return err
	}
	for _, e := range histories {
		a.Enrollments = append(a.Enrollments, e.Facts()...)
	}
	return nil
}

// authorize adds the authorizations of the patients that reach into the spans.
func (a *assembly) authorize(ctx context.Context, patients []rooms.PersonID, spans []span) error {
	if len(patients) == 0 {
		return nil
	}
	pipe := a.store.rdb.Pipeline()
	lists := make([]*redis.StringSliceCmd, len(patients))
	for i, person := range patients {
		lists[i] = pipe.ZRange(ctx, personKey(person, "authorizations"), 0, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("read the authorizations of people: %w", err)
	}
	var ids []string
	for _, list := range lists {
		ids = append(ids, list.Val()...)
	}
	all, err := many[schedule.Authorization](ctx, a.store, schedule.KindAuthorization, ids)
	if err != nil {
		return err
	}
	for _, x := range all {
		lasts := a.lasts(x.Fact())
		if slices.ContainsFunc(spans, func(s span) bool { return lasts.from.Before(s.to) && lasts.to.After(s.from) }) {
			a.Authorizations = append(a.Authorizations, x.Fact())
		}
	}
	return nil
}

// lasts is the time of an authorization, and a few hours more.
func (a *assembly) lasts(x attendance.Authorization) span {
	midnight := func(d attendance.Date) time.Time {
		year, month, day := midnightUTC(d).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, a.zone)
	}
	return span{midnight(x.From).Add(-slack), midnight(x.To + 1).Add(slack)}
}

// excuse adds who is excused from the sessions.
func (a *assembly) excuse(ctx context.Context) error {
	if len(a.Sessions) == 0 {
		return nil
	}
	pipe := a.store.rdb.Pipeline()
	reads := make([]*redis.MapStringStringCmd, len(a.Sessions))
	for i, s := range a.Sessions {
		reads[i] = pipe.HGetAll(ctx, excusesKey(rooms.SessionID(s.ID)))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("read excuses: %w", err)
	}
	for _, read := range reads {
		excuses, err := excusesOf(read.Val())
		if err != nil {
			return err
		}
		for _, e := range excuses {
			a.Excused = append(a.Excused, e.Fact())
		}
	}
	return nil
}

// onlyOfPatients leaves what a document says of somebody who has turned out to
// be no patient, or to have nothing to do with the case.
func (a *assembly) onlyOfPatients() {
	other := func(id string) bool { return a.roles[rooms.PersonID(id)] != attendance.Patient }
	a.Enrollments = slices.DeleteFunc(a.Enrollments, func(e attendance.Enrollment) bool { return other(e.Person) })
	a.Authorizations = slices.DeleteFunc(a.Authorizations, func(x attendance.Authorization) bool { return other(x.Person) })
	people := a.named()
	a.Excused = slices.DeleteFunc(a.Excused, func(e attendance.Excuse) bool {
		return other(e.Person) || !slices.Contains(people, rooms.PersonID(e.Person))
	})
}

// other is a session that decides about some of the patients.
type other struct {
	schedule.Session
	patients []rooms.PersonID
}

// others are the sessions, besides those that are in the case, which the index
// has of the patients: of all of them in the spans, and of each of them while
// an authorization of theirs lasts; by start.
func (a *assembly) others(ctx context.Context, patients []rooms.PersonID, spans []span) ([]other, error) {
	of, err := a.store.sessionsOf(ctx, patients)
	if err != nil {
		return nil, err
	}
	early, err := a.firstOf(ctx, of, patients, spans)
	if err != nil {
		return nil, err
	}
	near, err := a.near(ctx, of, spans)
	if err != nil {
		return nil, err
	}
	sessions, err := a.store.sessions(ctx, append(near, early...))
	if err != nil {
		return nil, err
	}
	var found []other
	for _, v := range sessions {
		if a.has(v.ID) || slices.ContainsFunc(found, func(o other) bool { return o.ID == v.ID }) {
			continue
		}
		whose := patients
		if !slices.Contains(early, v.ID) && !within(spans, v) {
			whose = slices.DeleteFunc(slices.Clone(patients), func(p rooms.PersonID) bool {
				return !slices.Contains(of[p], v.ID) || !within(a.authorizedFor(p), v)
			})
		}
		if len(whose) > 0 {
			found = append(found, other{v, whose})
		}
	}
	slices.SortFunc(found, func(x, y other) int { return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.ID, y.ID)) })
	return found, nil
}

func within(spans []span, v schedule.Session) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return v.Start.Before(s.to) && v.End.After(s.from) })
}

// authorizedFor is while authorizations of the person last.
func (a *assembly) authorizedFor(person rooms.PersonID) (spans []span) {
	for _, x := range a.Authorizations {
		if x.Person == string(person) {
			spans = append(spans, a.lasts(x))
		}
	}
	return spans
}

// near are those of the sessions of people that, by when they start, may be in
// the spans or while an authorization lasts.
func (a *assembly) near(ctx context.Context, of map[rooms.PersonID][]rooms.SessionID, spans []span) ([]rooms.SessionID, error) {
	reach := map[rooms.SessionID][]span{}
	for person, ids := range of {
		own := append(a.authorizedFor(person), spans...)
		for _, id := range ids {
			reach[id] = append(reach[id], own...)
		}
	}
	ids := slices.Sorted(maps.Keys(reach))
	starts, err := a.store.starts(ctx, ids)
	if err != nil {
		return nil, err
	}
	var near []rooms.SessionID
	for i, id := range ids {
		v := schedule.Session{Start: starts[i], End: starts[i].Add(schedule.MaxLength)}
		if within(reach[id], v) {
			near = append(near, id)
		}
	}
	return near, nil
}

// starts is when sessions start, by the index; 1970 of one that it has not.
func (s *Store) starts(ctx context.Context, ids []rooms.SessionID) ([]time.Time, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	members := make([]string, len(ids))
	for i, id := range ids {
		members[i] = string(id)
	}
	scores, err := s.rdb.ZMScore(ctx, byStartKey, members...).Result()
	if err != nil {
		return nil, fmt.Errorf("read when sessions start: %w", err)
	}
	starts := make([]time.Time, len(ids))
	for i, score := range scores {
		starts[i] = time.UnixMilli(int64(score))
	}
	return starts, nil
}

// firstOf are, where a week is measured by an average, the first sessions of
// each patient without enrollments, up to one that is certain to give a row, if
// they are before the spans: the average of such a person begins with the first
// week that has one (SPEC §8).
func (a *assembly) firstOf(ctx context.Context, of map[rooms.PersonID][]rooms.SessionID, patients []rooms.PersonID, spans []span) ([]rooms.SessionID, error) {
	if a.averaged() == 0 || len(spans) == 0 {
		return nil, nil
	}
	last := slices.MaxFunc(spans, func(x, y span) int { return x.from.Compare(y.from) }).from
	var first []rooms.SessionID
	for _, person := range patients {
		enrolled := slices.ContainsFunc(a.Enrollments, func(e attendance.Enrollment) bool { return e.Person == string(person) })
		if enrolled {
			continue
		}
		sessions, err := a.store.sessions(ctx, of[person])
		if err != nil {
			return nil, err
		}
		slices.SortFunc(sessions, func(x, y schedule.Session) int {
			return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.ID, y.ID))
		})
		for _, v := range sessions {
			if !v.Start.Before(last) {
				break
			}
			first = append(first, v.ID)
			if meeting := (&attendance.Session{Service: v.Service, Counts: v.Counts, Status: v.Status}); meeting.Counting() && slices.Contains(v.Roster, person) {
				break
			}
		}
	}
	return first, nil
}
