package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/schedule"
)

// Cohort returns the cohort, or schedule.ErrNotFound; so do the next.
func (s *Store) Cohort(ctx context.Context, id schedule.CohortID) (schedule.Cohort, schedule.Tag, error) {
	return get[schedule.Cohort](ctx, s, nameOf(schedule.KindCohort, id))
}

// Series returns one series.
func (s *Store) Series(ctx context.Context, id schedule.SeriesID) (schedule.Series, schedule.Tag, error) {
	return get[schedule.Series](ctx, s, nameOf(schedule.KindSeries, id))
}

// Enrollment returns the history of a person's levels.
func (s *Store) Enrollment(ctx context.Context, person rooms.PersonID) (schedule.Enrollment, schedule.Tag, error) {
	return get[schedule.Enrollment](ctx, s, nameOf(schedule.KindEnrollment, person))
}

// Authorization returns one authorization, with its reference.
func (s *Store) Authorization(ctx context.Context, id schedule.AuthorizationID) (schedule.Authorization, schedule.Tag, error) {
	v, tag, err := get[schedule.Authorization](ctx, s, nameOf(schedule.KindAuthorization, id))
	if err != nil {
		return v, "", err
	}
	if v.Reference, err = s.Unseal(v.Reference); err != nil {
		return v, "", fmt.Errorf("reference of authorization %s: %w", id, err)
	}
	return v, tag, nil
}

// Excuse returns the excuse of one person from a session.
func (s *Store) Excuse(ctx context.Context, session rooms.SessionID, person rooms.PersonID) (schedule.Excuse, schedule.Tag, error) {
	return get[schedule.Excuse](ctx, s, schedule.Excuse{Session: session, Person: person}.Called())
}

// Excuses are those from a session, by person.
func (s *Store) Excuses(ctx context.Context, session rooms.SessionID) ([]schedule.Excuse, error) {
	fields, err := s.rdb.HGetAll(ctx, excusesKey(session)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the excuses of session %s: %w", session, err)
	}
	return excusesOf(fields)
}

func excusesOf(fields map[string]string) ([]schedule.Excuse, error) {
	var all []schedule.Excuse
	for name, text := range fields {
		if !strings.HasPrefix(name, "doc:") {
			continue
		}
		var v schedule.Excuse
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read an excuse: %w", err)
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b schedule.Excuse) int { return strings.Compare(string(a.Person), string(b.Person)) })
	return all, nil
}

// Cohorts are those of a program, by id: at most limit of them, after one
// ("" is the beginning). next is "" when there are no more; so it is below.
func (s *Store) Cohorts(ctx context.Context, program schedule.ProgramID, after string, limit int) ([]schedule.Cohort, string, error) {
	return list[schedule.Cohort](ctx, s, programKey(program, "cohorts"), schedule.KindCohort, after, limit)
}

// AllSeries are the series of a program.
func (s *Store) AllSeries(ctx context.Context, program schedule.ProgramID, after string, limit int) ([]schedule.Series, string, error) {
	return list[schedule.Series](ctx, s, programKey(program, "series"), schedule.KindSeries, after, limit)
}

// SeriesOf are the series that meet with a cohort, by id.
func (s *Store) SeriesOf(ctx context.Context, cohort schedule.CohortID) ([]schedule.SeriesID, error) {
	names, err := s.rdb.SMembers(ctx, cohortKey(cohort, "series")).Result()
	if err != nil {
		return nil, fmt.Errorf("read the series of cohort %s: %w", cohort, err)
	}
	slices.Sort(names)
	ids := make([]schedule.SeriesID, len(names))
	for i, name := range names {
		ids[i] = schedule.SeriesID(name)
	}
	return ids, nil
}

// Authorizations are those of a person. The reference of one that cannot be
// unsealed is left out.
func (s *Store) Authorizations(ctx context.Context, person rooms.PersonID, after string, limit int) ([]schedule.Authorization, string, error) {
	page, next, err := list[schedule.Authorization](ctx, s, personKey(person, "authorizations"), schedule.KindAuthorization, after, limit)
	for i := range page {
		var sealed error
		if page[i].Reference, sealed = s.Unseal(page[i].Reference); sealed != nil {
			s.log.Error("a reference cannot be read", "authorization", page[i].ID, "err", sealed)
		}
	}
	return page, next, err
}

// list reads a page of documents whose ids are in a zset.
func list[T any](ctx context.Context, s *Store, key string, kind schedule.Kind, after string, limit int) (page []T, next string, err error) {
	start := "-"
	if after != "" {
		start = "(" + after
	}
	names, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: key, ByLex: true, Start: start, Stop: "+", Count: int64(limit) + 1,
	}).Result()
	if err != nil {
		return nil, "", fmt.Errorf("list documents of kind %s: %w", kind, err)
	}
	if len(names) > limit {
		names = names[:limit]
		next = names[limit-1]
	}
	page, err = many[T](ctx, s, kind, names)
	return page, next, err
}

// many reads those that exist, in the order of ids.
func many[T any](ctx context.Context, s *Store, kind schedule.Kind, ids []string) ([]T, error) {
	texts, err := readMany(ctx, s, ids, func(id string) string {
		at, _ := placeOf(schedule.Name{Kind: kind, ID: id}) // the kind is one of ours
		return at.key
	})
	if err != nil {
		return nil, fmt.Errorf("read documents of kind %s: %w", kind, err)
	}
	var found []T
	for i, text := range texts {
		if text == "" {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", kind, ids[i], err)
		}
		found = append(found, v)
	}
	return found, nil
}

// Standing is what there is of the sessions that a series made, and of those
// with these ids.
func (s *Store) Standing(ctx context.Context, series schedule.SeriesID, ids []rooms.SessionID) (map[rooms.SessionID]schedule.Standing, error) {
	made, err := s.rdb.HGetAll(ctx, seriesKey(series, "made")).Result()
	if err != nil {
		return nil, fmt.Errorf("read what series %s made: %w", series, err)
	}
	ids = slices.Clone(ids)
	for id := range made {
		ids = append(ids, rooms.SessionID(id))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	pipe := s.rdb.Pipeline()
	docs, heads := make([]*redis.SliceCmd, len(ids)), make([]*redis.IntCmd, len(ids))
	for i, id := range ids {
		docs[i] = pipe.HMGet(ctx, docKey(id), "tag", "doc")
		heads[i] = pipe.Exists(ctx, headsKey(id))
	}
	if len(ids) > 0 {
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("read the sessions of series %s: %w", series, err)
		}
	}
	standing := make(map[rooms.SessionID]schedule.Standing, len(ids))
	for i, id := range ids {
		doc := reply(docs[i].Val())
		st := schedule.Standing{
			Tag: schedule.Tag(doc.text(0)), Made: schedule.Tag(made[string(id)]), Evidence: heads[i].Val() > 0,
		}
		if st.Tag != "" {
			if err := json.Unmarshal([]byte(doc.text(1)), &st.Session); err != nil {
				return nil, fmt.Errorf("read session %s: %w", id, err)
			}
		}
		standing[id] = st
	}
	return standing, nil
}
