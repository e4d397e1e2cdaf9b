package redisstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Evidence is every entry of a session's evidence logs: epoch by epoch, in
// each first what the owner wrote, then what its crash left.
func (s *Store) Evidence(ctx context.Context, session rooms.SessionID) ([]Entry, error) {
	epochs, err := s.epochs(ctx, session)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, epoch := range epochs {
		for _, k := range []kind{kindLog, kindCrash} {
			entries, err := s.entries(ctx, stream{session, epoch, k})
			if err != nil {
				return nil, err
			}
			all = append(all, entries...)
		}
	}
	return all, nil
}

// Head is the end of one chain.
type Head struct {
	Epoch   int    `json:"epoch"`
	Log     string `json:"log"` // "log", "crash" or "audit"
	Entries int    `json:"entries"`
	Seq     int    `json:"seq"`  // of the last entry
	Hash    string `json:"hash"` // of the last entry
}

// ChainError names the first broken entry of a session.
type ChainError struct {
	Session rooms.SessionID
	Epoch   int
	Log     string
	Seq     int
	Problem string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("session %s, epoch %d, %s, entry %d: %s", e.Session, e.Epoch, e.Log, e.Seq, e.Problem)
}

// VerifyChain walks the hash chains of a session, evidence and audit trail. It
// returns the heads of the sound ones before the first *ChainError.
//
// What it finds: an entry that was changed, put in or taken out, also at the
// end; a log that is gone while what its crash left is there; and nothing at
// all, which is an error too: silence must not pass for soundness. What it cannot find alone: somebody with access to Redis who writes a
// whole chain anew; compare the heads with ones noted elsewhere.
func (s *Store) VerifyChain(ctx context.Context, session rooms.SessionID) ([]Head, error) {
	epochs, err := s.epochs(ctx, session)
	if err != nil {
		return nil, err
	}
	kept, err := s.rdb.HGetAll(ctx, headsKey(session)).Result()
	if err != nil {
		return nil, err
	}
	var heads []Head
	for _, epoch := range epochs {
		logged := 0
		for _, k := range []kind{kindLog, kindCrash, kindAudit} {
			from := stream{session, epoch, k}
			entries, err := s.entries(ctx, from)
			if err != nil {
				return heads, err
			}
			head, err := walk(from, entries, kept[from.name()])
			if err != nil {
				return heads, err
			}
			switch {
			case k == kindLog:
				logged = head.Entries
			case k == kindCrash && head.Entries > 0 && logged == 0:
				return heads, &ChainError{session, epoch, string(kindLog), 1, "is missing: there are proofs of life of connections that no entry opens"}
			}
			if head.Entries > 0 {
				heads = append(heads, head)
			}
		}
	}
	if len(heads) == 0 {
		return nil, fmt.Errorf("session %s has no evidence", session)
	}
	return heads, nil
}

// walk checks one chain. kept is what Redis noted as its end.
func walk(from stream, entries []Entry, kept string) (Head, error) {
	at := newChain(from)
	broken := func(seq int, problem string) error {
		return &ChainError{from.session, from.epoch, string(from.kind), seq, problem}
	}
	for _, e := range entries {
		if e.Seq != at.seq+1 {
			return Head{}, broken(at.seq+1, "is missing")
		}
		at.seq, at.head = e.Seq, at.head.next(e.Text)
		if e.Hash != at.head.String() {
			return Head{}, broken(e.Seq, "does not match its hash: it, or one before it, was changed")
		}
		if from.kind != kindAudit && !sameIdentity(from, e) {
			return Head{}, broken(e.Seq, "is not an event of this log")
		}
	}
	seq, hash, _ := strings.Cut(kept, " ")
	switch last, _ := strconv.Atoi(seq); {
	case last > at.seq:
		return Head{}, broken(at.seq+1, "is missing: the log once went on")
	case len(entries) > 0 && (last != at.seq || hash != at.head.String()):
		return Head{}, broken(at.seq, "is not where the log was said to end")
	}
	return Head{Epoch: from.epoch, Log: string(from.kind), Entries: len(entries), Seq: at.seq, Hash: at.head.String()}, nil
}

func sameIdentity(from stream, e Entry) bool {
	return e.Event != attendance.Event{} && e.Event.Session == string(from.session) &&
		e.Event.Epoch == from.epoch && e.Event.Seq == e.Seq
}

// errDamaged: what was stored as a hash is none.
var errDamaged = errors.New("a stored hash is damaged")

func parseLink(text string) (link, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(link{}) {
		return link{}, errDamaged
	}
	return link(b), nil
}
