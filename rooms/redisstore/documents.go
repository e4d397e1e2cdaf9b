package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/schedule"
)

// Session returns the session as scheduled, or schedule.ErrNotFound.
func (s *Store) Session(ctx context.Context, id rooms.SessionID) (schedule.Session, schedule.Tag, error) {
	return get[schedule.Session](ctx, s, nameOf(schedule.KindSession, id))
}

// PutSession stores v under v.ID. Evidence of the session is not touched. A
// condition that does not hold is schedule.ErrChanged, here and below, and
// created is false when v replaced another.
func (s *Store) PutSession(ctx context.Context, v schedule.Session, c schedule.Condition) (schedule.Tag, bool, error) {
	return s.put(ctx, schedule.Write{Document: v, If: c})
}

// DeleteSession gives schedule.ErrHasEvidence when anybody has been there. The
// index by start keeps the session, so that a page that ended with it can be
// continued.
func (s *Store) DeleteSession(ctx context.Context, id rooms.SessionID, c schedule.Condition) error {
	_, _, err := s.put(ctx, schedule.Write{Document: schedule.Session{ID: id}, Delete: true, If: c})
	return err
}

// Sessions are those whose scheduled time overlaps [from, to), by start and
// id: at most limit of them, after the one that the cursor names ("" is the
// beginning; so is one that never was). next is "" when there are no more.
func (s *Store) Sessions(ctx context.Context, from, to time.Time, cursor string, limit int) ([]schedule.Session, string, error) {
	all, err := s.overlapping(ctx, from, to)
	if err != nil {
		return nil, "", err
	}
	for i, v := range all {
		if string(v.ID) == cursor {
			all = all[i+1:]
			break
		}
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], string(all[limit-1].ID), nil
}

// overlapping reads all sessions that overlap [from, to), by start and id.
func (s *Store) overlapping(ctx context.Context, from, to time.Time) ([]schedule.Session, error) {
	ids, err := s.startingIn(ctx, from.Add(-schedule.MaxLength), to)
	if err != nil {
		return nil, err
	}
	all, err := s.sessions(ctx, ids)
	if err != nil {
		return nil, err
	}
	var found []schedule.Session
	for _, v := range all {
		if v.Start.Before(to) && v.End.After(from) {
			found = append(found, v)
		}
	}
	return found, nil
}

// startingIn are the sessions that the index has from from to to, by start and id.
func (s *Store) startingIn(ctx context.Context, from, to time.Time) ([]rooms.SessionID, error) {
	names, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: byStartKey, ByScore: true, Start: from.UnixMilli(), Stop: to.UnixMilli(),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	ids := make([]rooms.SessionID, len(names))
	for i, name := range names {
		ids[i] = rooms.SessionID(name)
	}
	return ids, nil
}

// sessions reads those that exist, in the order of ids.
func (s *Store) sessions(ctx context.Context, ids []rooms.SessionID) ([]schedule.Session, error) {
	texts, err := readMany(ctx, s, ids, docKey)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	var found []schedule.Session
	for i, text := range texts {
		var v schedule.Session
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read session %s: %w", ids[i], err)
		}
		found = append(found, v)
	}
	return found, nil
}

// Person returns the person with name and identifiers, or schedule.ErrNotFound.
func (s *Store) Person(ctx context.Context, id rooms.PersonID) (schedule.Person, schedule.Tag, error) {
	v, tag, err := get[schedule.Person](ctx, s, nameOf(schedule.KindPerson, id))
	if err != nil {
		return v, "", err
	}
	if err := s.unsealPerson(&v); err != nil {
		return v, "", fmt.Errorf("person %s: %w", id, err)
	}
	return v, tag, nil
}

// People are those of ids that exist. What cannot be unsealed of one is left
// out.
func (s *Store) People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error) {
	found, err := s.sealedPeople(ctx, ids)
	if err != nil {
		return nil, err
	}
	for id, v := range found {
		if err := s.unsealPerson(&v); err != nil {
			s.log.Error("a person cannot be read", "person", id, "err", err)
		}
		found[id] = v
	}
	return found, nil
}

// sealedPeople are as stored.
func (s *Store) sealedPeople(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error) {
	texts, err := readMany(ctx, s, ids, func(id rooms.PersonID) string { return personKey(id, "doc") })
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	found := map[rooms.PersonID]schedule.Person{}
	for i, text := range texts {
		var v schedule.Person
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read person %s: %w", ids[i], err)
		}
		found[ids[i]] = v
	}
	return found, nil
}

// sealPerson seals what names somebody: to the others, and to other systems.
func (s *Store) sealPerson(v schedule.Person) schedule.Person {
	v.Name = s.Seal(v.Name)
	v.Identifiers = slices.Clone(v.Identifiers)
	for i := range v.Identifiers {
		v.Identifiers[i].Value = s.Seal(v.Identifiers[i].Value)
	}
	return v
}

// unsealPerson is the inverse. What cannot be opened is gone from v.
func (s *Store) unsealPerson(v *schedule.Person) (err error) {
	if v.Name, err = s.Unseal(v.Name); err != nil {
		err = fmt.Errorf("name: %w", err)
	}
	kept := v.Identifiers[:0]
	for _, id := range v.Identifiers {
		plain, err2 := s.Unseal(id.Value)
		if err2 != nil {
			err = errors.Join(err, fmt.Errorf("identifier: %w", err2))
			continue
		}
		id.Value = plain
		kept = append(kept, id)
	}
	v.Identifiers = kept
	return err
}

// PutPerson seals the name and the identifiers.
func (s *Store) PutPerson(ctx context.Context, v schedule.Person, c schedule.Condition) (schedule.Tag, bool, error) {
	return s.put(ctx, schedule.Write{Document: v, If: c})
}

// Program returns the program, or schedule.ErrNotFound.
func (s *Store) Program(ctx context.Context, id schedule.ProgramID) (schedule.Program, schedule.Tag, error) {
	return get[schedule.Program](ctx, s, nameOf(schedule.KindProgram, id))
}

// PutProgram stores v under v.ID.
func (s *Store) PutProgram(ctx context.Context, v schedule.Program, c schedule.Condition) (schedule.Tag, bool, error) {
	return s.put(ctx, schedule.Write{Document: v, If: c})
}

func nameOf[ID ~string](kind schedule.Kind, id ID) schedule.Name {
	return schedule.Name{Kind: kind, ID: string(id)}
}

// get reads one document.
func get[T any](ctx context.Context, s *Store, name schedule.Name) (v T, tag schedule.Tag, err error) {
	at, err := placeOf(name)
	if err != nil {
		return v, "", err
	}
	fields, err := s.rdb.HMGet(ctx, at.key, at.tag, at.doc).Result()
	if err != nil {
		return v, "", fmt.Errorf("read %s: %w", name, err)
	}
	stored, _ := fields[0].(string)
	text, ok := fields[1].(string)
	if !ok {
		return v, "", schedule.ErrNotFound
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, "", fmt.Errorf("read %s: %w", name, err)
	}
	return v, schedule.Tag(stored), nil
}

// readMany reads documents in one round trip; "" for those that are not there.
func readMany[ID any](ctx context.Context, s *Store, ids []ID, key func(ID) string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	reads := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		reads[i] = pipe.HGet(ctx, key(id), "doc")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	texts := make([]string, len(ids))
	for i, read := range reads {
		texts[i] = read.Val()
	}
	return texts, nil
}

// Enrollments implements records.Store.
func (s *Store) Enrollments(ctx context.Context, people []rooms.PersonID) (map[rooms.PersonID]schedule.Enrollment, error) {
	texts, err := readMany(ctx, s, people, func(id rooms.PersonID) string { return personKey(id, "enrollment") })
	if err != nil {
		return nil, fmt.Errorf("read the levels of people: %w", err)
	}
	found := map[rooms.PersonID]schedule.Enrollment{}
	for i, text := range texts {
		if text == "" {
			continue
		}
		var v schedule.Enrollment
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read the levels of person %s: %w", people[i], err)
		}
		found[people[i]] = v
	}
	return found, nil
}
