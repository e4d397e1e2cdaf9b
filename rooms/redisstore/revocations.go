package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/auth"
)

// pollEvery bounds how long a revocation of another node takes to be known
// here. DESIGN promises two seconds.
const pollEvery = time.Second

// snapshot is the list of revocations at one time. It never changes; Store
// keeps the newest, and the last one when Redis is away.
type snapshot struct {
	rev    string
	read   time.Time     // local, with a monotonic reading
	offset time.Duration // Redis TIME less the local clock

	tokens map[string][]auth.Revocation
	places map[place][]auth.Revocation
}

type place struct{ subject, session string }

func (s *snapshot) now() time.Time { return time.Now().Add(s.offset) }

// watcher is told of every revocation in force. Owned by the poller, once it
// is in the store's list.
type watcher struct {
	call func(auth.Revocation)
	told map[telling]bool
}

// telling is a revocation with the epoch of the room it was told for; 0 when
// this node had no such room.
type telling struct {
	auth.Revocation
	epoch int
}

// Revoked implements auth.Revocations, from memory, as fresh as RevocationsAge
// in Health says.
func (s *Store) Revoked(jti, subject, session string, _ time.Time) bool {
	list := s.snapshot.Load()
	now := list.now()
	for _, known := range [][]auth.Revocation{list.tokens[jti], list.places[place{subject, session}]} {
		for _, r := range known {
			if r.Covers(now, jti, subject, session) {
				return true
			}
		}
	}
	return false
}

// Revoke returns when the revocation is durable; this node obeys it then, the
// others within two seconds. A zero At is now, by Redis.
func (s *Store) Revoke(ctx context.Context, r auth.Revocation) error {
	if r.At.IsZero() {
		now, err := s.Now(ctx)
		if err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		r.At = now
	}
	if err := r.Validate(); err != nil {
		return err
	}
	r.At, r.Until = r.At.UTC().Round(0), r.Until.UTC().Round(0)
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	pipe := s.rdb.TxPipeline()
	pipe.ZAdd(ctx, revokedKey, redis.Z{Score: float64(r.Until.UnixMilli()), Member: text})
	pipe.Incr(ctx, revokedSeenKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	select {
	case s.nudge <- struct{}{}:
	default: // a look is due anyway
	}
	return s.readRevoked(ctx)
}

// WatchRevocations has call told of every revocation that is in force or comes
// into force; of a person's place once more in every epoch of that room on
// this node, because a seat that is resumed after a crash asks for no token.
// It is called from the store's own goroutine and must not block. Watchers stay
// until Close.
func (s *Store) WatchRevocations(call func(auth.Revocation)) {
	s.mu.Lock()
	s.watchers = append(s.watchers, &watcher{call, map[telling]bool{}})
	s.mu.Unlock()
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// poll keeps the snapshot fresh and tells the watchers, until ctx ends.
func (s *Store) poll(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var last error
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.nudge:
		}
		err := s.readRevoked(ctx)
		if err != nil && last == nil && ctx.Err() == nil {
			s.log.Warn("the list of revocations cannot be read; the last one stays in force", "err", err)
		}
		last = err
		s.tell()
	}
}

// readRevoked replaces the snapshot, unless it is of the same revision: then
// only its age changes. What has ended is trimmed when the list is read.
func (s *Store) readRevoked(ctx context.Context) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	sent := time.Now()
	pipe := s.rdb.Pipeline()
	clock, rev := pipe.Time(ctx), pipe.Get(ctx, revokedSeenKey)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	next := &snapshot{rev: rev.Val(), read: sent, offset: clock.Val().Sub(sent)}
	if old := s.snapshot.Load(); old != nil && old.rev == next.rev {
		next.tokens, next.places = old.tokens, old.places
		s.snapshot.Store(next)
		return nil
	}
	now := strconv.FormatInt(clock.Val().UnixMilli(), 10)
	texts, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: revokedKey, ByScore: true, Start: "(" + now, Stop: "+inf"}).Result()
	if err != nil {
		return err
	}
	next.tokens, next.places = map[string][]auth.Revocation{}, map[place][]auth.Revocation{}
	for _, text := range texts {
		var r auth.Revocation
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("read a revocation: %w", err)
		}
		if r.TokenID != "" {
			next.tokens[r.TokenID] = append(next.tokens[r.TokenID], r)
		} else {
			at := place{r.Subject, r.Session}
			next.places[at] = append(next.places[at], r)
		}
	}
	s.snapshot.Store(next)
	if s.reader {
		return nil
	}
	return s.rdb.ZRemRangeByScore(ctx, revokedKey, "-inf", now).Err()
}

// tell calls the watchers. Only the poller does, so each is told one at a time.
func (s *Store) tell() {
	s.mu.Lock()
	watchers := s.watchers[:len(s.watchers):len(s.watchers)]
	epochs := map[string]int{}
	for l := range s.leases {
		if time.Since(l.clock.mark) >= pollEvery { // the room is open by now, and hears it
			epochs[string(l.session)] = l.epoch
		}
	}
	s.mu.Unlock()
	list := s.snapshot.Load()
	now := list.now()
	for _, w := range watchers {
		for _, known := range list.tokens {
			w.tell(now, known, 0)
		}
		for at, known := range list.places {
			w.tell(now, known, epochs[at.session])
		}
	}
}

func (w *watcher) tell(now time.Time, known []auth.Revocation, epoch int) {
	for _, r := range known {
		if key := (telling{r, epoch}); !w.told[key] && r.Covers(now, r.TokenID, r.Subject, r.Session) {
			w.told[key] = true
			w.call(r)
		}
	}
}
