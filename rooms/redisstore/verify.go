package redisstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
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
	Log     string `json:"log"` // "log", "crash", "audit"; of epoch 0 "amend", "reading", "audit"
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

// VerifyChain walks the hash chains of a session: evidence and audit trail,
// then corrections, signatures and the readings of records, and counts again
// what was signed. It returns the heads of the sound ones before the first
// *ChainError.
//
// What it finds: an entry that was changed, put in or taken out, also at the
// end; and a signature that does not hold: on chains that are not there any
// more, or on records that recompute to something else, because evidence came
// later or the rules were changed. A log that is gone while what its crash left
// is there, and nothing at all, are errors too: silence must not pass for
// soundness. What it cannot find alone: somebody with access to Redis who
// writes all chains anew; compare the heads with ones noted elsewhere.
func (s *Store) VerifyChain(ctx context.Context, session rooms.SessionID) ([]Head, error) {
	streams, err := s.streams(ctx, session)
	if err != nil {
		return nil, err
	}
	kept, err := s.rdb.HGetAll(ctx, headsKey(session)).Result()
	if err != nil {
		return nil, err
	}
	var heads []Head
	chains := map[stream][]Entry{}
	for _, from := range streams {
		entries, err := s.entries(ctx, from)
		if err != nil {
			return heads, err
		}
		head, err := walk(from, entries, kept[from.name()])
		if err != nil {
			return heads, err
		}
		if from.kind == kindCrash && head.Entries > 0 && len(chains[stream{session, from.epoch, kindLog}]) == 0 {
			return heads, &ChainError{session, from.epoch, string(kindLog), 1, "is missing: there are proofs of life of connections that no entry opens"}
		}
		if head.Entries > 0 {
			heads = append(heads, head)
			chains[from] = entries
		}
	}
	if len(heads) == 0 {
		return nil, fmt.Errorf("session %s has no evidence", session)
	}
	return heads, s.verifySignatures(ctx, session, chains)
}

// streams are all that a session may have.
func (s *Store) streams(ctx context.Context, session rooms.SessionID) ([]stream, error) {
	epochs, err := s.epochs(ctx, session)
	if err != nil {
		return nil, err
	}
	var all []stream
	for _, epoch := range epochs {
		for _, k := range []kind{kindLog, kindCrash, kindAudit} {
			all = append(all, stream{session, epoch, k})
		}
	}
	return append(all, amendments(session), readings(session), acts(session)), nil
}

// verifySignatures checks what was signed: its evidence is there, it can be
// read, and the records still say it.
func (s *Store) verifySignatures(ctx context.Context, session rooms.SessionID, chains map[stream][]Entry) error {
	book, err := s.Book(ctx, session)
	if err != nil {
		return err
	}
	if len(book.Amendments)+len(book.Readings) == 0 {
		return nil
	}
	c, err := s.Case(ctx, session)
	if err != nil {
		return err
	}
	return checkSignatures(c, session, book.Amendments, book.Readings, chains)
}

// checkSignatures: their evidence is in the chains, and the records still say
// what was signed.
func checkSignatures(c *attendance.Case, session rooms.SessionID, book []records.Amendment, kept []records.Reading, chains map[stream][]Entry) error {
	for _, a := range book {
		if a.Signature == nil {
			continue
		}
		for _, end := range a.Signature.Ends {
			if !holds(chains[stream{session, end.Epoch, kind(end.Kind)}], end) {
				return &ChainError{session, 0, string(kindAmend), a.Seq,
					fmt.Sprintf("the signature of %s rests on evidence that is not there: entry %d of %s, epoch %d", a.Signature.By, end.Seq, end.Kind, end.Epoch)}
			}
		}
	}
	err := records.Check(c, string(session), book, kept)
	if broken, ok := errors.AsType[*records.Broken](err); ok {
		return &ChainError{session, 0, string(broken.Kind), broken.Seq, broken.Problem}
	}
	return err
}

// holds reports whether a chain has an entry.
func holds(entries []Entry, end records.End) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Seq == end.Seq && e.Hash == end.Hash })
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
		if from.kind.isEvidence() && !sameIdentity(from, e) {
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
