package redisstore

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// watch waits for the feed to grow, on a connection of its own, for everybody
// who wants to know: however many wait, Redis has one command to hold. While
// nobody waits, it asks nothing.
type watch struct {
	wanted chan struct{} // WaitChanges -> watchFeed; holds one token
	over   chan struct{} // closed by watchFeed when it ends

	mu      sync.Mutex    // guards the rest
	end     int64         // number of the last change that was seen
	grown   chan struct{} // closed, and replaced, when end has grown
	waiting int           // callers of WaitChanges
}

func newWatch() *watch {
	return &watch{wanted: make(chan struct{}, 1), over: make(chan struct{}), grown: make(chan struct{})}
}

// errClosed: the store was closed while somebody waited.
var errClosed = errors.New("the store is closed")

// blockFor is how long one command waits. A Redis that is gone, or a caller
// that has left, is noticed after that.
const blockFor = 2 * time.Second

// WaitChanges returns nil when there is a change after the one numbered after,
// or the error of ctx.
func (s *Store) WaitChanges(ctx context.Context, after int64) error {
	w := s.watch
	for {
		w.mu.Lock()
		end, grown := w.end, w.grown
		if end > after {
			w.mu.Unlock()
			return nil
		}
		w.waiting++
		w.mu.Unlock()
		select {
		case w.wanted <- struct{}{}:
		default: // it is told already
		}
		var err error
		select {
		case <-grown:
		case <-ctx.Done():
			err = ctx.Err()
		case <-w.over:
			err = errClosed
		}
		w.mu.Lock()
		w.waiting--
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// watchFeed looks for what WaitChanges waits for until the store is closed.
func (s *Store) watchFeed(ctx context.Context) {
	defer close(s.watch.over)
	options := *s.rdb.Options()
	options.PoolSize, options.MinIdleConns, options.MaxRetries = 1, 0, -1
	rdb := redis.NewClient(&options)
	hangUp := context.AfterFunc(ctx, func() { _ = rdb.Close() }) // ends a command that waits
	defer func() {
		if hangUp() {
			_ = rdb.Close()
		}
	}()
	var wait backoff
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.watch.wanted:
		}
		for s.watch.isWanted() && ctx.Err() == nil {
			if err := s.watch.look(ctx, rdb); err == nil {
				wait = backoff{}
			} else if wait.wait(ctx) != nil {
				return
			}
		}
	}
}

func (w *watch) isWanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting > 0
}

// look tells everybody where the feed ends, if that is news, and else waits a
// while for it to grow.
func (w *watch) look(ctx context.Context, rdb *redis.Client) error {
	end, err := lastOf(ctx, rdb)
	if err != nil || w.tell(end) {
		return err
	}
	err = rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{feedKey, strconv.FormatInt(end, 10) + "-0"}, Count: 1, Block: blockFor,
	}).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// tell reports whether the end is another one than before. It may be an
// earlier one, of a Redis that has lost its last second.
func (w *watch) tell(end int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if end == w.end {
		return false
	}
	w.end = end
	close(w.grown)
	w.grown = make(chan struct{})
	return true
}
