package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
)

// Owe implements records.Store. Each debt is its own, so that paying one never
// pays for an act that came after.
func (s *Store) Owe(ctx context.Context, session rooms.SessionID) (string, error) {
	if s.reader {
		return "", errReader
	}
	debt := debtOf(session)
	if err := s.rdb.SAdd(ctx, owedKey, debt).Err(); err != nil {
		return "", fmt.Errorf("note that session %s must be settled: %w", session, err)
	}
	return debt, nil
}

// Paid implements records.Store.
func (s *Store) Paid(ctx context.Context, debt string) error {
	return s.rdb.SRem(ctx, owedKey, debt).Err()
}

// Owed implements records.Store.
func (s *Store) Owed(ctx context.Context) (map[rooms.SessionID][]string, error) {
	debts, err := s.rdb.SMembers(ctx, owedKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read what must be settled: %w", err)
	}
	owed := map[rooms.SessionID][]string{}
	for _, debt := range debts {
		session, _, _ := strings.Cut(debt, " ")
		owed[rooms.SessionID(session)] = append(owed[rooms.SessionID(session)], debt)
	}
	return owed, nil
}

// Pulses implements records.Store.
func (s *Store) Pulses(ctx context.Context, from, to time.Time) ([]records.Pulse, error) {
	all, err := s.overlapping(ctx, from, to)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	pipe := s.rdb.Pipeline()
	states := make([]state, len(all))
	for i, v := range all {
		states[i] = askState(ctx, pipe, v.ID)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the state of sessions: %w", err)
	}
	pulses := make([]records.Pulse, 0, len(all))
	for i, v := range all {
		p := records.Pulse{Session: v.ID, End: attendance.At(v.End), Now: states[i].now()}
		p.Occupied, _ = states[i].occupied()
		head := records.Book{Ends: states[i].ends()}.Head()
		if p.Digest, err = s.digest(ctx, head, states[i]); err != nil {
			return nil, err
		}
		if text := states[i].settled.Val(); text != "" {
			_ = json.Unmarshal([]byte(text), &p.Settled) // damaged: settled once more
		}
		pulses = append(pulses, p)
	}
	return pulses, nil
}

// Settled implements records.Store.
func (s *Store) Settled(ctx context.Context, session rooms.SessionID, m records.Mark) error {
	text, err := canonical(m)
	if err != nil {
		return err
	}
	return s.rdb.Set(ctx, settledKey(session), text, 0).Err()
}
