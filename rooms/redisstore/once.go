package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"viop/rooms/schedule"
)

// Times of what is done once.
const (
	onceWithin = time.Minute    // whoever takes longer has died, or its answer is late
	onceKept   = 24 * time.Hour // then the key may be used for something else
)

// Begin implements web.Store. Keys and requests are hashes, answers are sealed:
// some open doors.
func (s *Store) Begin(ctx context.Context, key, request string) (answer []byte, turn string, err error) {
	turn = rand.Text()
	said, err := s.run(ctx, s.scripts.begin, []string{onceKey(key)},
		request, turn, onceWithin.Milliseconds(), onceKept.Milliseconds())
	if err != nil {
		return nil, "", fmt.Errorf("begin once: %w", err)
	}
	switch said.text(0) {
	case "begun":
		return nil, turn, nil
	case "underway":
		return nil, "", schedule.ErrUnderway
	case "other":
		return nil, "", schedule.ErrOtherRequest
	}
	plain, err := s.Unseal(said.text(1))
	if err != nil {
		return nil, "", fmt.Errorf("answer of what was done once: %w", err)
	}
	return []byte(plain), "", nil
}

// Finish implements web.Store.
func (s *Store) Finish(ctx context.Context, key, turn string, answer []byte) error {
	err := s.scripts.finish.Run(ctx, s.rdb, []string{onceKey(key)}, turn, s.Seal(string(answer)), onceKept.Milliseconds()).Err()
	if err != nil {
		return fmt.Errorf("finish once: %w", err)
	}
	return nil
}
