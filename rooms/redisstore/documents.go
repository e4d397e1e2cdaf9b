package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/schedule"
)

// Session returns the session as scheduled, or schedule.ErrNotFound.
func (s *Store) Session(ctx context.Context, id rooms.SessionID) (schedule.Session, schedule.Tag, error) {
	return get[schedule.Session](ctx, s, docKey(id), "session "+string(id))
}

// PutSession stores v under v.ID. Evidence of the session is not touched. A
// condition that does not hold is schedule.ErrChanged, here and below, and
// created is false when v replaced another.
func (s *Store) PutSession(ctx context.Context, v schedule.Session, c schedule.Condition) (schedule.Tag, bool, error) {
	// Naming too many sessions of a person is harmless, too few is not: first.
	pipe := s.rdb.Pipeline()
	for _, list := range [][]rooms.PersonID{v.Roster, v.Facilitators} {
		for _, person := range list {
			pipe.SAdd(ctx, personKey(person, "sessions"), string(v.ID))
		}
	}
	if pipe.Len() > 0 {
		if _, err := pipe.Exec(ctx); err != nil {
			return "", false, fmt.Errorf("index people of session %s: %w", v.ID, err)
		}
	}
	tag, created, err := put(ctx, s, docKey(v.ID), v, c)
	if err != nil {
		return "", false, err
	}
	start := redis.Z{Score: float64(v.Start.UnixMilli()), Member: string(v.ID)}
	if err := s.rdb.ZAdd(ctx, byStartKey, start).Err(); err != nil {
		return "", false, fmt.Errorf("index session %s: %w", v.ID, err)
	}
	return tag, created, nil
}

// DeleteSession gives schedule.ErrHasEvidence when anybody has been there. The
// index by start keeps the session, so that a page that ended with it can be
// continued.
func (s *Store) DeleteSession(ctx context.Context, id rooms.SessionID, c schedule.Condition) error {
	answer, err := s.scripts.delete.Run(ctx, s.rdb, []string{docKey(id), headsKey(id)}, conditions(c)...).Text()
	if err != nil {
		return fmt.Errorf("delete session %s: %w", id, err)
	}
	switch answer {
	case "deleted":
		return nil
	case "missing":
		return schedule.ErrNotFound
	case "evidence":
		return schedule.ErrHasEvidence
	}
	return schedule.ErrChanged
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

// Person returns the person with their name, or schedule.ErrNotFound.
func (s *Store) Person(ctx context.Context, id rooms.PersonID) (schedule.Person, schedule.Tag, error) {
	v, tag, err := get[schedule.Person](ctx, s, personKey(id, "doc"), "person "+string(id))
	if err != nil {
		return v, "", err
	}
	if v.Name, err = s.Unseal(v.Name); err != nil {
		return v, "", fmt.Errorf("name of person %s: %w", id, err)
	}
	return v, tag, nil
}

// People are those of ids that exist. One whose name cannot be unsealed comes
// without it.
func (s *Store) People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error) {
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
		if v.Name, err = s.Unseal(v.Name); err != nil {
			s.log.Error("a name cannot be read", "person", ids[i], "err", err)
		}
		found[ids[i]] = v
	}
	return found, nil
}

// PutPerson seals the name.
func (s *Store) PutPerson(ctx context.Context, v schedule.Person, c schedule.Condition) (schedule.Tag, bool, error) {
	v.Name = s.Seal(v.Name)
	return put(ctx, s, personKey(v.ID, "doc"), v, c)
}

// Program returns the program, or schedule.ErrNotFound.
func (s *Store) Program(ctx context.Context, id schedule.ProgramID) (schedule.Program, schedule.Tag, error) {
	return get[schedule.Program](ctx, s, programKey(id), "program "+string(id))
}

// PutProgram stores v under v.ID.
func (s *Store) PutProgram(ctx context.Context, v schedule.Program, c schedule.Condition) (schedule.Tag, bool, error) {
	return put(ctx, s, programKey(v.ID), v, c)
}

// get reads one document.
func get[T any](ctx context.Context, s *Store, key, what string) (v T, tag schedule.Tag, err error) {
	fields, err := s.rdb.HMGet(ctx, key, "tag", "doc").Result()
	if err != nil {
		return v, "", fmt.Errorf("read %s: %w", what, err)
	}
	stored, _ := fields[0].(string)
	text, ok := fields[1].(string)
	if !ok {
		return v, "", schedule.ErrNotFound
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, "", fmt.Errorf("read %s: %w", what, err)
	}
	return v, schedule.Tag(stored), nil
}

// put writes one document under a new tag, which is random, so that it never
// names another version and says nothing about the document.
func put(ctx context.Context, s *Store, key string, v any, c schedule.Condition) (schedule.Tag, bool, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", false, err
	}
	tag := rand.Text()
	answer, err := s.run(ctx, s.scripts.put, []string{key}, append([]any{tag, text}, conditions(c)...)...)
	if err != nil {
		return "", false, fmt.Errorf("write document: %w", err)
	}
	if answer.number(0) == 0 {
		return "", false, schedule.ErrChanged
	}
	return schedule.Tag(tag), answer.number(1) == 1, nil
}

// conditions are the last arguments of put.lua and delete.lua.
func conditions(c schedule.Condition) []any {
	flag := map[bool]any{false: "0", true: "1"}
	args := []any{flag[c.Exists], flag[c.Absent]}
	for _, tag := range c.Tags {
		args = append(args, string(tag))
	}
	return args
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
