package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
)

// events are all facts about a session, in order of their identity: what its
// logs say and what beats that are in no log yet prove.
func (s *Store) events(ctx context.Context, session rooms.SessionID) ([]attendance.Event, error) {
	// Beats first: what a takeover settles meanwhile is then in the logs.
	beats, err := s.rdb.HGetAll(ctx, beatsKey(session)).Result()
	if err != nil {
		return nil, fmt.Errorf("read beats of session %s: %w", session, err)
	}
	entries, err := s.Evidence(ctx, session)
	if err != nil {
		return nil, err
	}
	var events []attendance.Event
	for _, e := range entries {
		if e.Event == (attendance.Event{}) {
			s.log.Error("an entry of the evidence is not an event", "session", session, "epoch", e.Epoch, "seq", e.Seq)
			continue
		}
		events = append(events, e.Event)
	}
	for field, text := range beats {
		epoch, left, err := parseBeat(field, text)
		if err != nil {
			s.log.Error("a beat cannot be read", "session", session, "epoch", field, "err", err)
			continue
		}
		log, crash := ofEpoch(entries, epoch, kindLog), ofEpoch(entries, epoch, kindCrash)
		for i, e := range leftBehind(log, crash, left) {
			e.Session, e.Epoch, e.Seq = string(session), epoch, beatSeq+i
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b attendance.Event) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
	})
	return events, nil
}

func ofEpoch(entries []Entry, epoch int, k kind) []Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Epoch != epoch || e.Log != string(k)
	})
}

// rolesOf reads the roles of those who have a document.
func (s *Store) rolesOf(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]attendance.Role, error) {
	people, err := s.sealedPeople(ctx, ids)
	if err != nil {
		return nil, err
	}
	roles := map[rooms.PersonID]attendance.Role{}
	for id, person := range people {
		roles[id] = attendance.Role(person.Role) // the same words
	}
	return roles, nil
}

// roleIn is the role of somebody who has no document, or guest, who is never
// counted, when nobody knows.
func (s *Store) roleIn(ctx context.Context, session rooms.SessionID, person rooms.PersonID) (attendance.Role, error) {
	role, err := s.knownRole(ctx, session, person)
	return cmp.Or(role, attendance.Guest), err
}

// knownRole is what the room knows or knew somebody by, or "".
func (s *Store) knownRole(ctx context.Context, session rooms.SessionID, person rooms.PersonID) (attendance.Role, error) {
	text, err := s.rdb.Get(ctx, memoryKey(session)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read memory of session %s: %w", session, err)
	}
	var memory rooms.Memory
	if text != "" && json.Unmarshal([]byte(text), &memory) == nil {
		for _, known := range memory.People {
			if known.Person == person && known.Role != "" {
				return attendance.Role(known.Role), nil
			}
		}
	}
	_, here, _, err := s.Presence(ctx, session)
	if err != nil {
		return "", err
	}
	for _, known := range here {
		if known.Person == person && known.Role != "" {
			return attendance.Role(known.Role), nil
		}
	}
	return "", nil
}
