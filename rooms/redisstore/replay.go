package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"viop/rooms"
)

// Recover brings home what earlier processes of this node left behind: their
// journals and last beats go to Redis. It waits for Redis until ctx ends and
// comes before the first Acquire. A journal that Redis refuses is set aside
// and reported in the log; it is no error here.
func (s *Store) Recover(ctx context.Context) error {
	if s.reader {
		return errReader
	}
	var wait backoff
	for {
		err := s.replayAll(ctx)
		if err == nil {
			return nil
		}
		s.log.Warn("the journals cannot be replayed yet", "err", err)
		if wait.wait(ctx) != nil {
			return fmt.Errorf("recover: %w", err)
		}
	}
}

// tendEvery is how often the journals of leases that were closed while Redis
// was away are tried again.
const tendEvery = 5 * time.Second

// tend replays what closed leases left behind, until ctx ends.
func (s *Store) tend(ctx context.Context) {
	var last error
	for pause(ctx, tendEvery) == nil {
		err := s.replayAll(ctx)
		if err != nil && last == nil {
			s.log.Warn("journals of closed rooms wait for the store", "err", err)
		}
		last = err
	}
}

func (s *Store) replayAll(ctx context.Context) error {
	return s.replayThose(ctx, func(owned) bool { return true })
}

func (s *Store) replaySession(ctx context.Context, session rooms.SessionID) error {
	return s.replayThose(ctx, func(o owned) bool { return o.session == session })
}

func (s *Store) replayThose(ctx context.Context, want func(owned) bool) error {
	s.replay.Lock()
	defer s.replay.Unlock()
	live := map[string]bool{}
	s.mu.Lock()
	for l := range s.leases {
		live[l.name()] = true
	}
	s.mu.Unlock()
	for _, o := range orphans(s.spool, live) {
		if !want(o) {
			continue
		}
		if err := s.bring(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// bring puts the files of one epoch into Redis and removes them. Its error is
// Redis's; a disk that fails is logged and does not hold up anybody.
func (s *Store) bring(ctx context.Context, o owned) error {
	log := s.log.With("session", o.session, "epoch", o.epoch)
	items, damaged, err := readJournal(s.file(o, journalSuffix))
	if err != nil {
		log.Error("a journal cannot be read", "err", err)
	}
	if damaged > 0 {
		log.Warn("a journal has damaged lines: the last write before a power cut", "lines", damaged)
	}
	if len(items) > 0 {
		// However late this is, what it changes must reach the books.
		if _, err := s.Owe(ctx, o.session); err != nil {
			return err
		}
	}
	refused, err := s.writeAll(ctx, o, items)
	if err != nil {
		return err
	}
	if refused != nil {
		path := s.file(o, journalSuffix)
		log.Error("EVIDENCE REFUSED by the store; the journal is kept for a person to look at", "err", refused)
		if err := os.Rename(path, path+conflictSuffix); err != nil {
			log.Error("the journal cannot be set aside", "err", err)
		}
	}
	if err := s.bringBeat(ctx, o); err != nil {
		return err
	}
	if len(items) > 0 {
		log.Info("a journal was replayed", "entries", len(items))
	}
	if err := s.forget(o); err != nil {
		log.Error("the files of an ended lease cannot be removed", "err", err)
	}
	return nil
}

// writeAll writes items over holes and past those that are refused.
func (s *Store) writeAll(ctx context.Context, o owned, items []item) (refused, err error) {
	for len(items) > 0 {
		n, err := s.write(ctx, o, items, true)
		conflict, ok := errors.AsType[*conflictError](err)
		switch {
		case err == nil:
			return refused, nil
		case !ok:
			return refused, err
		}
		refused = errors.Join(refused, conflict)
		items = items[n+1:]
	}
	return refused, nil
}

func (s *Store) bringBeat(ctx context.Context, o owned) error {
	text, err := os.ReadFile(s.file(o, beatSuffix))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var left beat
	if err == nil {
		err = json.Unmarshal(text, &left)
	}
	if err != nil {
		s.log.Error("a beat file cannot be read", "session", o.session, "epoch", o.epoch, "err", err)
		return nil
	}
	return s.settle(ctx, o, left)
}
