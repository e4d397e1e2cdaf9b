package redisstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
)

// ArchiveFormat names the document that Archive marshals to.
const ArchiveFormat = "viop.archive/1"

// Archive is everything that stands behind the records of one session, so that
// anybody can check them without us: the entries of its chains with their
// hashes, byte for byte, and the case that they are a part of.
type Archive struct {
	Format  string             `json:"format"`
	Session rooms.SessionID    `json:"session"`
	AsOf    attendance.Instant `json:"as_of"`
	Chains  []Chain            `json:"chains"` // evidence and audit by epoch, then the book
	// Case is a viop.attendance/1 document (rooms/attendance SPEC §2): with the
	// rules and the other sessions that decide about the records. Free text of
	// corrections is as sealed in it as in the chain.
	Case json.RawMessage `json:"case"`
	// Records are the answer to Case, of the session alone.
	Records []attendance.Record `json:"records"`
}

// Chain is one log.
type Chain struct {
	Epoch   int          `json:"epoch"`
	Log     string       `json:"log"` // as in Head
	Seq     int          `json:"seq"` // of the last entry, as noted beside the chain
	Hash    string       `json:"hash"`
	Entries []ChainEntry `json:"entries"`
}

// ChainEntry is one entry: Hash is sha256 of the hash before it (32 bytes) and
// Text.
type ChainEntry struct {
	Seq  int    `json:"seq"`
	Text string `json:"text"` // canonical JSON, the bytes that are hashed
	Hash string `json:"hash"`
}

// Archive reads a session out. What it returns is consistent, as far as the
// store is: evidence that comes in meanwhile makes it begin again.
func (s *Store) Archive(ctx context.Context, session rooms.SessionID) (*Archive, error) {
	const tries = 5
	for range tries {
		before, err := s.Book(ctx, session)
		if err != nil {
			return nil, err
		}
		a, err := s.archive(ctx, session)
		if err != nil {
			return nil, err
		}
		after, err := s.Book(ctx, session)
		if err != nil {
			return nil, err
		}
		if slices.Equal(before.Ends, after.Ends) {
			return a, nil
		}
	}
	return nil, fmt.Errorf("session %s is written to all the time: try again later", session)
}

func (s *Store) archive(ctx context.Context, session rooms.SessionID) (*Archive, error) {
	a := &Archive{Format: ArchiveFormat, Session: session, Chains: []Chain{}, Records: []attendance.Record{}}
	if err := s.archiveChains(ctx, a); err != nil {
		return nil, err
	}
	c, err := s.Case(ctx, session)
	if err != nil {
		return nil, err
	}
	a.AsOf = c.AsOf
	sealNotes(c, a.Chains)
	for _, r := range attendance.Evaluate(c).Records {
		if r.Session == string(session) {
			a.Records = append(a.Records, r)
		}
	}
	a.Case, err = json.Marshal(c)
	return a, err
}

func (s *Store) archiveChains(ctx context.Context, a *Archive) error {
	streams, err := s.streams(ctx, a.Session)
	if err != nil {
		return err
	}
	kept, err := s.rdb.HGetAll(ctx, headsKey(a.Session)).Result()
	if err != nil {
		return fmt.Errorf("read heads of session %s: %w", a.Session, err)
	}
	for _, from := range streams {
		entries, err := s.entries(ctx, from)
		if err != nil {
			return err
		}
		c := Chain{Epoch: from.epoch, Log: string(from.kind), Entries: []ChainEntry{}}
		if end, noted := kept[from.name()]; noted {
			if _, err := fmt.Sscanf(end, "%d %s", &c.Seq, &c.Hash); err != nil {
				return fmt.Errorf("the noted end of %s of session %s is damaged", from.name(), a.Session)
			}
		}
		for _, e := range entries {
			c.Entries = append(c.Entries, ChainEntry{e.Seq, e.Text, e.Hash})
		}
		if c.Seq > 0 || len(entries) > 0 {
			a.Chains = append(a.Chains, c)
		}
	}
	return nil
}

// sealNotes puts the notes of the session's corrections back under their seal,
// and takes those of other sessions away: they are no part of this archive.
func sealNotes(c *attendance.Case, chains []Chain) {
	sealed := map[string]string{}
	for _, a := range amendmentsIn(chains) {
		if a.Correction != nil {
			sealed[a.Correction.ID] = a.Correction.Note
		}
	}
	for i := range c.Corrections {
		if k := &c.Corrections[i]; k.Note != "" {
			k.Note = "(another session's)"
			if note, ours := sealed[k.ID]; ours {
				k.Note = note
			}
		}
	}
}

// amendmentsIn reads the corrections and signatures; what cannot be read is
// left to Verify.
func amendmentsIn(chains []Chain) []records.Amendment {
	var all []records.Amendment
	for _, c := range chains {
		for _, e := range c.Entries {
			var a records.Amendment
			if kind(c.Log) == kindAmend && json.Unmarshal([]byte(e.Text), &a) == nil {
				a.Hash = e.Hash
				all = append(all, a)
			}
		}
	}
	return all
}

// ReadArchive reads what Archive marshals to, strictly.
func ReadArchive(document []byte) (*Archive, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	var a Archive
	if err := decoder.Decode(&a); err != nil {
		return nil, fmt.Errorf("this is no archive: %w", err)
	}
	if a.Format != ArchiveFormat {
		return nil, fmt.Errorf("this is no archive: format is %q, not %q", a.Format, ArchiveFormat)
	}
	return &a, nil
}

// Verify walks the archive without a store and finds what Store.VerifyChain
// finds in one; moreover, it holds the case against the chains, and counts the
// records again. The error is a *ChainError for the first entry that does not
// hold. Whoever can write all of a file can make another one that is sound:
// compare the heads with ones noted elsewhere.
func (a *Archive) Verify() ([]Head, error) {
	heads, chains, err := a.walk()
	if err != nil {
		return heads, err
	}
	c, err := attendance.Decode(a.Case)
	if err != nil {
		return heads, fmt.Errorf("the case cannot be read: %w", err)
	}
	for _, check := range []func(*attendance.Case, map[stream][]Entry) error{a.checkEvidence, a.checkBook, a.checkRecords} {
		if err := check(c, chains); err != nil {
			return heads, err
		}
	}
	return heads, nil
}

// walk checks each chain by itself.
func (a *Archive) walk() (heads []Head, chains map[stream][]Entry, err error) {
	chains = map[stream][]Entry{}
	for _, c := range a.Chains {
		from := stream{a.Session, c.Epoch, kind(c.Log)}
		if chains[from] != nil {
			return heads, nil, a.broken(from, c.Seq, "comes twice")
		}
		entries := make([]Entry, 0, len(c.Entries))
		for _, e := range c.Entries {
			entry := Entry{Epoch: c.Epoch, Log: c.Log, Seq: e.Seq, Text: e.Text, Hash: e.Hash}
			if from.kind.isEvidence() {
				_ = json.Unmarshal([]byte(e.Text), &entry.Event) // walk names one that is no event
			}
			entries = append(entries, entry)
		}
		head, err := walk(from, entries, strconv.Itoa(c.Seq)+" "+c.Hash)
		if err != nil {
			return heads, nil, err
		}
		heads, chains[from] = append(heads, head), entries
	}
	return heads, chains, nil
}

func (a *Archive) broken(at stream, seq int, problem string) error {
	return &ChainError{a.Session, at.epoch, string(at.kind), seq, problem}
}

// checkEvidence: the case has the evidence of the chains, and no other of the
// session but what a beat proves.
func (a *Archive) checkEvidence(c *attendance.Case, chains map[stream][]Entry) error {
	counted := map[[2]int]attendance.Event{} // by epoch and number
	for _, e := range c.Events {
		if e.Session == string(a.Session) && e.Seq < beatSeq {
			counted[[2]int{e.Epoch, e.Seq}] = e
		}
	}
	for _, chain := range a.Chains { // in their order, so that the first one is named
		from := stream{a.Session, chain.Epoch, kind(chain.Log)}
		if !from.kind.isEvidence() {
			continue
		}
		for _, e := range chains[from] {
			at := [2]int{e.Epoch, e.Seq}
			if counted[at] != e.Event {
				return a.broken(from, e.Seq, "is not what the case counts")
			}
			delete(counted, at)
		}
	}
	if len(counted) == 0 {
		return nil
	}
	first := slices.MinFunc(slices.Collect(maps.Keys(counted)), func(x, y [2]int) int { return slices.Compare(x[:], y[:]) })
	return a.broken(stream{a.Session, first[0], kindLog}, first[1], "is in the case and in no chain")
}

// checkBook: the case has the corrections and signatures of the chain, and
// every signature holds.
func (a *Archive) checkBook(c *attendance.Case, chains map[stream][]Entry) error {
	counted := map[string]attendance.Correction{}
	for _, k := range c.Corrections {
		if k.Session == string(a.Session) {
			counted[k.ID] = k
		}
	}
	signed := 0
	for _, s := range c.Signatures {
		if s.Session == string(a.Session) {
			signed++
		}
	}
	book := amendmentsIn(a.Chains)
	if n := len(chains[amendments(a.Session)]); n != len(book) {
		return a.broken(amendments(a.Session), len(book)+1, "is neither a correction nor a signature")
	}
	for _, m := range book {
		switch {
		case m.Correction != nil && counted[m.Correction.ID] != *m.Correction,
			m.Signature != nil && !slices.Contains(c.Signatures, m.Signature.Fact()):
			return a.broken(amendments(a.Session), m.Seq, "is not what the case counts")
		case m.Correction != nil:
			delete(counted, m.Correction.ID)
		default:
			signed--
		}
	}
	if len(counted) > 0 || signed != 0 {
		return a.broken(amendments(a.Session), len(book)+1, "is in the case and in no chain")
	}
	var kept []records.Reading
	for _, e := range chains[readings(a.Session)] {
		var r records.Reading
		if json.Unmarshal([]byte(e.Text), &r) != nil {
			return a.broken(readings(a.Session), e.Seq, "is no reading of a record")
		}
		kept = append(kept, r)
	}
	return checkSignatures(c, a.Session, book, kept, chains)
}

// checkRecords: they are the answer to the case.
func (a *Archive) checkRecords(c *attendance.Case, _ map[stream][]Entry) error {
	var own []attendance.Record
	for _, r := range attendance.Evaluate(c).Records {
		if r.Session == string(a.Session) {
			own = append(own, r)
		}
	}
	computed, err := json.Marshal(own)
	if err != nil {
		return err
	}
	written, err := json.Marshal(a.Records)
	if err != nil {
		return err
	}
	if len(own)+len(a.Records) > 0 && !bytes.Equal(computed, written) {
		return &ChainError{a.Session, 0, "records", 0, "the records are not what the case comes to"}
	}
	return nil
}
