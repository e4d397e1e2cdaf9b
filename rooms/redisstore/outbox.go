package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/schedule"
)

// maxDeliveryLog is about how many attempts the log of a destination keeps.
const maxDeliveryLog = 1000

// boxKeys are keys of a destination, by name.
func boxKeys(d delivery.ID, names ...string) []string {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = destinationKey(d, name)
	}
	return keys
}

// Hold implements delivery.Outbox.
func (s *Store) Hold(ctx context.Context, d delivery.ID, while time.Duration) (bool, error) {
	if s.reader {
		return false, errReader
	}
	held, err := s.scripts.hold.Run(ctx, s.rdb, boxKeys(d, "sender", "doc"), s.node, while.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("hold destination %s: %w", d, err)
	}
	return held == 1, nil
}

// Release implements delivery.Outbox. One that another node took in the
// meantime runs out a little early, and is kept by the next Hold.
func (s *Store) Release(ctx context.Context, d delivery.ID) error {
	_, err := s.scripts.hold.Run(ctx, s.rdb, boxKeys(d, "sender", "doc"), s.node, 0).Int()
	return err
}

// Place implements delivery.Outbox.
func (s *Store) Place(ctx context.Context, d delivery.ID) (int64, int, error) {
	pipe := s.rdb.TxPipeline()
	place := pipe.Get(ctx, destinationKey(d, "place"))
	queued := pipe.HGet(ctx, destinationKey(d, "state"), "queued")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, 0, fmt.Errorf("read the place of destination %s: %w", d, err)
	}
	at, _ := place.Int64()
	n, _ := queued.Int()
	return at, n, nil
}

// Enqueue implements delivery.Outbox.
func (s *Store) Enqueue(ctx context.Context, d delivery.ID, from, until int64, entries []delivery.Entry) error {
	args := []any{from, until}
	for _, e := range entries {
		args = append(args, string(e.Lane), e.Seq)
	}
	done, err := s.scripts.enqueue.Run(ctx, s.rdb, boxKeys(d, "place", "queue", "due", "state", "doc"), args...).Int()
	if err != nil {
		return fmt.Errorf("queue for destination %s: %w", d, err)
	}
	if done == 0 {
		return delivery.ErrMoved
	}
	return nil
}

// Due implements delivery.Outbox.
func (s *Store) Due(ctx context.Context, d delivery.ID, limit int) ([]delivery.Head, time.Duration, error) {
	answer, err := s.run(ctx, s.scripts.due, boxKeys(d, "due", "queue", "tries", "state"), limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read the queue of destination %s: %w", d, err)
	}
	if len(answer) < 2 {
		return nil, 0, errReply
	}
	list, _ := answer[1].([]any)
	var heads []delivery.Head
	for i := 0; i+2 < len(list); i += 3 {
		seq, err := strconv.ParseInt(reply(list).text(i+1), 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("lane %q of destination %s has no head: %w", reply(list).text(i), d, errReply)
		}
		heads = append(heads, delivery.Head{
			Entry: delivery.Entry{Lane: delivery.Lane(reply(list).text(i)), Seq: seq}, Tries: reply(list).number(i + 2),
		})
	}
	return heads, time.Duration(answer.number(0)) * time.Millisecond, nil
}

// Settle implements delivery.Outbox.
func (s *Store) Settle(ctx context.Context, d delivery.ID, h delivery.Head, o delivery.Outcome) error {
	attempt, err := canonical(o.Attempt)
	if err != nil {
		return err
	}
	becomes := "again"
	switch {
	case o.Sent:
		becomes = "sent"
	case o.Dead:
		becomes = "dead"
	}
	err = s.scripts.settle.Run(ctx, s.rdb, boxKeys(d, "queue", "due", "tries", "dead", "letters", "log", "state"),
		string(h.Lane), h.Seq, becomes, o.After.Milliseconds(), o.HoldFor.Milliseconds(), attempt, maxDeliveryLog).Err()
	if err != nil {
		return fmt.Errorf("settle change %d for destination %s: %w", h.Seq, d, err)
	}
	return nil
}

// Log implements delivery.Outbox.
func (s *Store) Log(ctx context.Context, d delivery.ID, limit int) ([]delivery.Attempt, error) {
	lines, err := s.rdb.XRevRangeN(ctx, destinationKey(d, "log"), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the log of destination %s: %w", d, err)
	}
	var attempts []delivery.Attempt
	for _, line := range lines {
		text, _ := line.Values["a"].(string)
		if a := attemptOf(text); a != nil {
			attempts = append(attempts, *a)
		}
	}
	return attempts, nil
}

// Dead implements delivery.Outbox.
func (s *Store) Dead(ctx context.Context, d delivery.ID, after int64, limit int) ([]delivery.DeadLetter, error) {
	numbers, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: destinationKey(d, "dead"), ByScore: true, Start: "(" + strconv.FormatInt(after, 10), Stop: "+inf", Count: int64(limit),
	}).Result()
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	texts, err := s.rdb.HMGet(ctx, destinationKey(d, "letters"), numbers...).Result()
	if err != nil {
		return nil, fmt.Errorf("read dead letters of destination %s: %w", d, err)
	}
	var letters []delivery.DeadLetter
	for _, text := range texts {
		text, _ := text.(string)
		lane, attempt, _ := strings.Cut(text, " ")
		if a := attemptOf(attempt); a != nil { // nil: it was redriven in between
			letters = append(letters, delivery.DeadLetter{Lane: delivery.Lane(lane), Attempt: *a})
		}
	}
	return letters, nil
}

// Redrive implements delivery.Outbox.
func (s *Store) Redrive(ctx context.Context, d delivery.ID, seq int64) (int, error) {
	total := 0
	for {
		back, err := s.scripts.redrive.Run(ctx, s.rdb, boxKeys(d, "queue", "due", "tries", "dead", "letters", "state"), seq).Int()
		if err != nil {
			return total, fmt.Errorf("redrive for destination %s: %w", d, err)
		}
		total += back
		switch {
		case seq != 0 && back == 0:
			return 0, schedule.ErrNotFound
		case seq != 0, back == 0:
			return total, nil
		}
	}
}

// State implements delivery.Outbox.
func (s *Store) State(ctx context.Context, d delivery.ID) (delivery.State, error) {
	var st delivery.State
	pipe := s.rdb.TxPipeline()
	place := pipe.Get(ctx, destinationKey(d, "place"))
	fields := pipe.HGetAll(ctx, destinationKey(d, "state"))
	lanes := pipe.HVals(ctx, destinationKey(d, "queue"))
	dead := pipe.ZCard(ctx, destinationKey(d, "dead"))
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return st, fmt.Errorf("read the state of destination %s: %w", d, err)
	}
	var err error
	if st.End, err = lastOf(ctx, s.rdb); err != nil {
		return st, err
	}
	number := func(name string) int64 { n, _ := strconv.ParseInt(fields.Val()[name], 10, 64); return n }
	st.Place, _ = place.Int64()
	st.Queued, st.Dead, st.Lanes = int(number("queued")), int(dead.Val()), len(lanes.Val())
	st.Held, st.LastDisclosed = attendance.Instant(number("held")), attendance.Instant(number("disclosed"))
	st.LastDelivered, st.LastFailed = attemptOf(fields.Val()["delivered"]), attemptOf(fields.Val()["failed"])

	oldest := st.Place + 1
	for _, lane := range lanes.Val() {
		first, _, _ := strings.Cut(lane, " ")
		if seq, err := strconv.ParseInt(first, 10, 64); err == nil {
			oldest = min(oldest, seq)
		}
	}
	if oldest > st.End {
		return st, nil
	}
	changes, err := s.Changes(ctx, oldest-1, 1)
	if err != nil || len(changes) == 0 {
		return st, err
	}
	st.Oldest = changes[0].At
	return st, nil
}

func attemptOf(text string) *delivery.Attempt {
	var a delivery.Attempt
	if text == "" || json.Unmarshal([]byte(text), &a) != nil {
		return nil
	}
	return &a
}
