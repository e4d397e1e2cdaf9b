package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
)

// settleAll writes what crashes of former epochs have left in their beats into
// the evidence, and forgets the beats.
func (s *Store) settleAll(ctx context.Context, session rooms.SessionID, beats map[string]string) error {
	for field, text := range beats {
		epoch, left, err := parseBeat(field, text)
		if err != nil { // care comes first; the beat stays for a person to look at
			s.log.Error("a beat cannot be read", "session", session, "epoch", field, "err", err)
			continue
		}
		err = s.settle(ctx, owned{session, epoch}, left)
		if errors.Is(err, errDamaged) { // as above
			s.log.Error("a beat cannot be settled", "session", session, "epoch", epoch, "err", err)
			continue
		}
		if err != nil {
			return err
		}
		if err := s.scripts.drop.Run(ctx, s.rdb, []string{beatsKey(session)}, field, text).Err(); err != nil {
			return err
		}
	}
	return nil
}

// parseBeat reads a field of the key beats.
func parseBeat(field, text string) (epoch int, b beat, err error) {
	epoch, err = strconv.Atoi(field)
	_, document, _ := strings.Cut(text, " ")
	return epoch, b, errors.Join(err, json.Unmarshal([]byte(document), &b))
}

// settle adds the proofs of life of a beat that the log of its epoch does not
// have. Doing it again, or in two places at once, adds nothing.
func (s *Store) settle(ctx context.Context, o owned, left beat) error {
	var last error
	for range 5 {
		log, err := s.entries(ctx, o.stream(kindLog))
		if err != nil {
			return err
		}
		crash, err := s.entries(ctx, o.stream(kindCrash))
		if err != nil {
			return err
		}
		items, err := chained(o, crash, leftBehind(log, crash, left))
		if err != nil || len(items) == 0 {
			return err
		}
		_, last = s.append(ctx, o.stream(kindCrash), items, false)
		if _, taken := errors.AsType[*conflictError](last); !taken {
			return last
		}
		// somebody else settled the same epoch just now: look again
	}
	return fmt.Errorf("settle epoch %d of session %s: %w", o.epoch, o.session, last)
}

// leftBehind is what a beat proves beyond the entries of its epoch. A
// connection that the log does not know may be in a journal that comes later.
func leftBehind(log, crash []Entry, left beat) []attendance.Event {
	known, named := newProof(), map[rooms.Conn]bool{}
	for _, e := range log {
		known.note(e.Event)
		named[rooms.Conn(e.Event.Connection)] = true
	}
	for _, here := range left.Here {
		if here.Conn != "" && !named[here.Conn] {
			known.open[here.Conn] = 0
		}
	}
	for _, e := range crash {
		known.note(e.Event)
	}
	b := rooms.Beat{At: left.At.Time()}
	for _, here := range left.Here {
		b.Here = append(b.Here, rooms.Presence{Conn: here.Conn, Seen: timeOf(here.Seen)})
	}
	return known.lacks(b)
}

// chained continues the crash log of an epoch.
func chained(o owned, crash []Entry, events []attendance.Event) ([]item, error) {
	at := newChain(o.stream(kindCrash))
	if n := len(crash); n > 0 {
		head, err := parseLink(crash[n-1].Hash)
		if err != nil {
			return nil, err
		}
		at = chain{seq: crash[n-1].Seq, head: head}
	}
	var items []item
	for _, e := range events {
		it, err := at.add(kindCrash, func(seq int) (string, error) {
			e.Session, e.Epoch, e.Seq = string(o.session), o.epoch, seq
			return canonical(e)
		})
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

// Entry is one entry of an evidence log, as stored.
type Entry struct {
	Epoch int
	Log   string // "log", or "crash" for what a crash left
	Seq   int
	Text  string // the canonical JSON that is hashed
	Hash  string // hex
	Event attendance.Event
}

// entries reads a stream of events, in order. An entry that is not an event
// has the zero Event; VerifyChain names it.
func (s *Store) entries(ctx context.Context, from stream) ([]Entry, error) {
	messages, err := s.rdb.XRange(ctx, from.key(), "-", "+").Result()
	if err != nil {
		return nil, fmt.Errorf("read %s of session %s: %w", from.name(), from.session, err)
	}
	entries := make([]Entry, 0, len(messages))
	for _, m := range messages {
		entries = append(entries, entryOf(from, m))
	}
	return entries, nil
}

func entryOf(from stream, m redis.XMessage) Entry {
	e := Entry{Epoch: from.epoch, Log: string(from.kind)}
	seq, _, _ := strings.Cut(m.ID, "-")
	e.Seq, _ = strconv.Atoi(seq)
	e.Text, _ = m.Values["e"].(string)
	e.Hash, _ = m.Values["h"].(string)
	if from.kind.isEvidence() {
		_ = json.Unmarshal([]byte(e.Text), &e.Event) // see entries
	}
	return e
}

// epochs of a session, from 1 on.
func (s *Store) epochs(ctx context.Context, session rooms.SessionID) ([]int, error) {
	last, err := s.rdb.HGet(ctx, leaseKey(session), "epoch").Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read epochs of session %s: %w", session, err)
	}
	epochs := make([]int, last)
	for i := range epochs {
		epochs[i] = i + 1
	}
	return epochs, nil
}
