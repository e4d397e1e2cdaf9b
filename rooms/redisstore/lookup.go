package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/schedule"
)

// Documents are those of names that exist, unsealed, with their tags. What
// cannot be unsealed of a person is left out.
func (s *Store) Documents(ctx context.Context, names []schedule.Name) (map[schedule.Name]schedule.Stored, error) {
	if len(names) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	reads := make([]*redis.SliceCmd, len(names))
	for i, name := range names {
		at, err := placeOf(name)
		if err != nil {
			return nil, err
		}
		reads[i] = pipe.HMGet(ctx, at.key, at.tag, at.doc)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read %d documents: %w", len(names), err)
	}
	found := map[schedule.Name]schedule.Stored{}
	for i, name := range names {
		fields := reply(reads[i].Val())
		if fields.text(1) == "" {
			continue
		}
		document, err := s.documentOf(name.Kind, fields.text(1))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		found[name] = schedule.Stored{Document: document, Tag: schedule.Tag(fields.text(0))}
	}
	return found, nil
}

func (s *Store) documentOf(kind schedule.Kind, text string) (schedule.Document, error) {
	switch kind {
	case schedule.KindSession:
		return decoded[schedule.Session](text)
	case schedule.KindProgram:
		return decoded[schedule.Program](text)
	case schedule.KindCohort:
		return decoded[schedule.Cohort](text)
	case schedule.KindSeries:
		return decoded[schedule.Series](text)
	case schedule.KindEnrollment:
		return decoded[schedule.Enrollment](text)
	case schedule.KindExcuse:
		return decoded[schedule.Excuse](text)
	case schedule.KindPerson:
		v, err := decoded[schedule.Person](text)
		if err != nil {
			return nil, err
		}
		if err := s.unsealPerson(&v); err != nil {
			s.log.Error("a person cannot be read", "person", v.ID, "err", err)
		}
		return v, nil
	case schedule.KindAuthorization:
		v, err := decoded[schedule.Authorization](text)
		if err == nil {
			v.Reference, err = s.Unseal(v.Reference)
		}
		return v, err
	}
	return nil, fmt.Errorf("there is no such kind of document: %s", kind)
}

func decoded[T any](text string) (v T, err error) {
	return v, json.Unmarshal([]byte(text), &v)
}

// identifierText is an identifier as it is blinded.
func identifierText(id schedule.Identifier) string { return id.System + "\x00" + id.Value }

// Identified are the people who have the identifiers, by id.
func (s *Store) Identified(ctx context.Context, ids []schedule.Identifier) (map[schedule.Identifier][]rooms.PersonID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	reads := make([][]*redis.StringSliceCmd, len(ids))
	for i, id := range ids {
		for _, blinded := range s.sealer.blinded(identifierText(id)) {
			reads[i] = append(reads[i], pipe.SMembers(ctx, identifierKey(blinded)))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("look up %d identifiers: %w", len(ids), err)
	}
	found := map[schedule.Identifier][]rooms.PersonID{}
	for i, id := range ids {
		for _, read := range reads[i] {
			for _, person := range read.Val() {
				found[id] = append(found[id], rooms.PersonID(person))
			}
		}
		slices.Sort(found[id])
		found[id] = slices.Compact(found[id])
	}
	return found, nil
}

// SessionsFrom are the sessions that were imported from a source and overlap
// [from, to), by their names.
func (s *Store) SessionsFrom(ctx context.Context, source string, from, to time.Time) (map[schedule.Name]schedule.Stored, error) {
	ids, err := s.startingIn(ctx, from.Add(-schedule.MaxLength), to)
	if err != nil {
		return nil, err
	}
	names := make([]schedule.Name, len(ids))
	for i, id := range ids {
		names[i] = nameOf(schedule.KindSession, id)
	}
	found, err := s.Documents(ctx, names)
	for name, stored := range found {
		if v, _ := stored.Document.(schedule.Session); v.Source.System != source || !v.Start.Before(to) || !v.End.After(from) {
			delete(found, name)
		}
	}
	return found, err
}
