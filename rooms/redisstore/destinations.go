package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"viop/rooms/delivery"
	"viop/rooms/schedule"
)

// The store keeps destinations, and what waits for them.
var (
	_ delivery.Store  = (*Store)(nil)
	_ delivery.Outbox = (*Store)(nil)
)

// keptDestination is a destination as its document has it.
type keptDestination struct {
	delivery.Destination
	Sealed string `json:"sealed,omitempty"` // delivery.Secrets as JSON, sealed
}

// Destination implements delivery.Store.
func (s *Store) Destination(ctx context.Context, id delivery.ID) (delivery.Destination, delivery.Secrets, schedule.Tag, error) {
	var (
		kept    keptDestination
		secrets delivery.Secrets
	)
	fields, err := s.rdb.HMGet(ctx, destinationKey(id, "doc"), "tag", "doc").Result()
	if err != nil {
		return kept.Destination, secrets, "", fmt.Errorf("read destination %s: %w", id, err)
	}
	tag, doc := reply(fields).text(0), reply(fields).text(1)
	if doc == "" {
		return kept.Destination, secrets, "", schedule.ErrNotFound
	}
	if err := json.Unmarshal([]byte(doc), &kept); err != nil {
		return kept.Destination, secrets, "", fmt.Errorf("read destination %s: %w", id, err)
	}
	text, err := s.Unseal(kept.Sealed)
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &secrets)
	}
	if err != nil {
		return kept.Destination, secrets, "", fmt.Errorf("secrets of destination %s: %w", id, errSealed)
	}
	return kept.Destination, secrets, schedule.Tag(tag), nil
}

// Destinations implements delivery.Store.
func (s *Store) Destinations(ctx context.Context) ([]delivery.Destination, error) {
	ids, err := s.rdb.SMembers(ctx, destinationsKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list destinations: %w", err)
	}
	slices.Sort(ids)
	texts, err := readMany(ctx, s, ids, func(id string) string { return destinationKey(delivery.ID(id), "doc") })
	if err != nil {
		return nil, fmt.Errorf("read destinations: %w", err)
	}
	var all []delivery.Destination
	for i, text := range texts {
		if text == "" {
			continue
		}
		var kept keptDestination
		if err := json.Unmarshal([]byte(text), &kept); err != nil {
			return nil, fmt.Errorf("read destination %s: %w", ids[i], err)
		}
		all = append(all, kept.Destination)
	}
	return all, nil
}

// PutDestination implements delivery.Store.
func (s *Store) PutDestination(ctx context.Context, d delivery.Destination, secrets delivery.Secrets, c schedule.Condition) (schedule.Tag, bool, error) {
	open, err := canonical(secrets)
	if err != nil {
		return "", false, err
	}
	text, err := canonical(keptDestination{d.Public(), s.Seal(open)})
	if err != nil {
		return "", false, err
	}
	var place int64
	if d.Start == delivery.AtEnd {
		if place, err = lastOf(ctx, s.rdb); err != nil {
			return "", false, err
		}
	}
	// Naming one too many is harmless.
	if err := s.rdb.SAdd(ctx, destinationsKey, string(d.ID)).Err(); err != nil {
		return "", false, fmt.Errorf("index destination %s: %w", d.ID, err)
	}
	tag := rand.Text()
	keys := []string{destinationKey(d.ID, "doc"), destinationKey(d.ID, "place")}
	answer, err := s.run(ctx, s.scripts.putDestination, keys, append([]any{place, tag, text}, conditions(c)...)...)
	if err != nil {
		return "", false, fmt.Errorf("write destination %s: %w", d.ID, err)
	}
	if answer.number(0) == 0 {
		return "", false, schedule.ErrChanged
	}
	return schedule.Tag(tag), answer.number(1) == 1, nil
}

// DeleteDestination implements delivery.Store.
func (s *Store) DeleteDestination(ctx context.Context, id delivery.ID, c schedule.Condition) error {
	keys := []string{}
	for _, name := range []string{"doc", "place", "queue", "due", "tries", "dead", "letters", "log", "state", "sender"} {
		keys = append(keys, destinationKey(id, name))
	}
	answer, err := s.scripts.deleteDestination.Run(ctx, s.rdb, keys, conditions(c)...).Text()
	switch {
	case err != nil:
		return fmt.Errorf("delete destination %s: %w", id, err)
	case answer == "missing":
		return schedule.ErrNotFound
	case answer == "changed":
		return schedule.ErrChanged
	}
	return s.rdb.SRem(ctx, destinationsKey, string(id)).Err()
}

// conditions are the last arguments of put_destination.lua and
// delete_destination.lua.
func conditions(c schedule.Condition) []any {
	flag := map[bool]any{false: "0", true: "1"}
	args := []any{flag[c.Exists], flag[c.Absent]}
	for _, tag := range c.Tags {
		args = append(args, string(tag))
	}
	return args
}
