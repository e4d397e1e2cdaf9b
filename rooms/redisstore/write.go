package redisstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
)

// write puts items of one epoch into Redis, in order, and returns how many are
// done. Writing them again is harmless. The error is a *conflictError for the
// item after those, a *holeError, or Redis's own; force writes over a hole.
func (s *Store) write(ctx context.Context, o owned, items []item, force bool) (done int, err error) {
	for done < len(items) {
		run := items[done : done+min(batch, sameKind(items[done:]))]
		var n int
		if run[0].Kind == kindMemory {
			n, err = s.save(ctx, o, run)
		} else {
			n, err = s.append(ctx, o.stream(run[0].Kind), run, force)
		}
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// sameKind is how many items at the start are of one kind.
func sameKind(items []item) int {
	for i, it := range items {
		if it.Kind != items[0].Kind {
			return i
		}
	}
	return len(items)
}

// append writes entries of one stream and returns how many of them are there.
func (s *Store) append(ctx context.Context, to stream, items []item, force bool) (int, error) {
	args := []any{to.name(), to.epoch, to.kind.firstSeq(), 0}
	if force {
		args[3] = 1
	}
	for _, it := range items {
		args = append(args, it.Seq, it.Entry, it.Hash, it.Before)
	}
	keys := []string{to.key(), headsKey(to.session), leaseKey(to.session)}
	answer, err := s.run(ctx, s.scripts.append, keys, args...)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", to.name(), err)
	}
	if to.kind == kindLog {
		if err := s.index(ctx, to.session, items); err != nil {
			return 0, err // tried again with the entries
		}
	}
	switch at := answer.number(1); answer.text(0) {
	case "0":
		return len(items), nil
	case "1":
		return before(items, at), &conflictError{to, at}
	case "2":
		return before(items, at+1), &holeError{at}
	}
	return 0, errReply
}

// index notes the session with the people who are in its evidence.
func (s *Store) index(ctx context.Context, session rooms.SessionID, items []item) error {
	pipe := s.rdb.Pipeline()
	for _, it := range items {
		var e attendance.Event
		if json.Unmarshal([]byte(it.Entry), &e) == nil && e.Person != "" {
			pipe.SAdd(ctx, personKey(rooms.PersonID(e.Person), "sessions"), string(session))
		}
	}
	if pipe.Len() == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("index people of session %s: %w", session, err)
	}
	return nil
}

// before counts the items with a lower number.
func before(items []item, seq int) (n int) {
	for n < len(items) && items[n].Seq < seq {
		n++
	}
	return n
}

// save replaces the memory of a room with the last of the items, which holds
// all there is. One from an epoch that has lost the room is dropped.
func (s *Store) save(ctx context.Context, o owned, items []item) (int, error) {
	memory := items[len(items)-1].Entry
	keys := []string{memoryKey(o.session), leaseKey(o.session)}
	taken, err := s.scripts.save.Run(ctx, s.rdb, keys, o.epoch, s.node, memory).Int()
	if err != nil {
		return 0, fmt.Errorf("save memory: %w", err)
	}
	if taken == 0 {
		s.log.Info("the memory of a former owner is dropped", "session", o.session, "epoch", o.epoch)
	}
	return len(items), nil
}

// run executes a script that returns an array.
func (s *Store) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (reply, error) {
	values, err := script.Run(ctx, s.rdb, keys, args...).Slice()
	return reply(values), err
}
