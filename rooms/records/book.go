package records

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Book is everything that is written about a session besides its evidence.
type Book struct {
	Session rooms.SessionID
	Now     attendance.Instant // when it was read, by the store's clock
	// Ends are where the chains of the session end, in the order of kind and
	// epoch: evidence first. A chain without an entry is not among them.
	Ends       []End
	Amendments []Amendment // in the order in which they were written
	Readings   []Reading   // likewise
	Told       int         // number of the last reading that is on the feed
	ToldSigned int         // number of the last signature that is, among Amendments
	Digest     string      // of all that a settling rests on, as in Pulse
	Occupied   bool        // a node holds the room, and people are in it
	Crashed    bool        // a crash has left what is in no chain yet (Store.Collect)
}

// End is the last entry of a chain.
type End struct {
	Kind  Kind   `json:"kind"`
	Epoch int    `json:"epoch,omitempty"`
	Seq   int    `json:"seq"`
	Hash  string `json:"hash"`
}

// Kind of a chain.
type Kind string

const (
	KindLog     Kind = "log"     // evidence
	KindCrash   Kind = "crash"   // evidence: what a crash left
	KindAmend   Kind = "amend"   // corrections and signatures
	KindReading Kind = "reading" // readings of records
	KindAudit   Kind = "audit"   // the audit trail
)

// Decides reports whether chains of the kind decide about the records.
func (k Kind) Decides() bool { return k == KindLog || k == KindCrash || k == KindAmend }

// Amendment is one entry of the chain of corrections and signatures: one or
// the other.
type Amendment struct {
	Seq        int                    `json:"seq"`
	Correction *attendance.Correction `json:"correction,omitempty"`
	Signature  *Signature             `json:"signature,omitempty"`
	// Roles are those of the people it names, as they were. They hold for the
	// session for good, whatever their documents say later, or a correction
	// could become invalid.
	Roles map[string]attendance.Role `json:"roles,omitempty"`
	Hash  string                     `json:"-"` // of the chain up to here
}

// At is when it was made.
func (a Amendment) At() attendance.Instant {
	if a.Correction != nil {
		return a.Correction.At
	}
	return a.Signature.At
}

// Signature is somebody's word for the records of a session that had a
// version, and the exact bytes it was given for.
type Signature struct {
	Session string             `json:"session"`
	Version int                `json:"version"`
	By      string             `json:"by"`
	At      attendance.Instant `json:"at"`
	Hash    string             `json:"hash"` // of the version: over people and the hashes of their records
	Head    string             `json:"head"` // of what they were computed from
	// Records are the hashes under Hash, by person; Ends the chains under Head.
	Records map[string]string `json:"records"`
	Ends    []End             `json:"ends,omitempty"`
}

// Fact is the signature as the contract knows it.
func (s Signature) Fact() attendance.Signature {
	return attendance.Signature{Session: s.Session, Version: s.Version, By: s.By, At: s.At}
}

// Reading is what a record said when its session was over. A new one is kept
// whenever it, or what is about it, is something else. One without Hash and
// Record says that there is no such record any more: a correction that made it
// was superseded, or the person was taken off the roster.
type Reading struct {
	Seq     int                `json:"seq"` // in its session
	Person  string             `json:"person"`
	Version int                `json:"version"`
	Hash    string             `json:"hash,omitempty"` // of Record
	AsOf    attendance.Instant `json:"as_of"`
	Head    string             `json:"head"` // of what it was computed from
	// Record is canonical: as SPEC §10 without `state`, which is no part of
	// what is signed.
	Record json.RawMessage `json:"record,omitempty"`
	// About is what was around it, and is in no hash that is signed. Readings of
	// former times have none; nor has a record that is gone.
	About *About `json:"about,omitempty"`
}

// Gone reports whether there is no such record any more.
func (r Reading) Gone() bool { return r.Hash == "" }

// Corrections of the book, oldest first.
func (b Book) Corrections() []attendance.Correction {
	all := []attendance.Correction{}
	for _, a := range b.Amendments {
		if a.Correction != nil {
			all = append(all, *a.Correction)
		}
	}
	return all
}

// Signatures of the book, oldest first.
func (b Book) Signatures() []Signature {
	all := []Signature{}
	for _, a := range b.Amendments {
		if a.Signature != nil {
			all = append(all, *a.Signature)
		}
	}
	return all
}

// End of a chain, zero of one without an entry.
func (b Book) End(k Kind, epoch int) End {
	for _, e := range b.Ends {
		if e.Kind == k && e.Epoch == epoch {
			return e
		}
	}
	return End{}
}

// Head is of everything that decides about the records: the evidence, and the
// corrections and signatures.
func (b Book) Head() string { return head(b.deciding()) }

func (b Book) deciding() []End {
	return slices.DeleteFunc(slices.Clone(b.Ends), func(e End) bool { return !e.Kind.Decides() })
}

// head is the SHA-256 of the ends, a line each.
func head(ends []End) string {
	h := sha256.New()
	for _, e := range ends {
		fmt.Fprintf(h, "%s:%d %d %s\n", e.Kind, e.Epoch, e.Seq, e.Hash)
	}
	return text(h)
}

// next is when the next amendment is made: now, and after all others.
func (b Book) next() attendance.Instant {
	at := b.Now
	for _, a := range b.Amendments {
		at = max(at, a.At()+1)
	}
	return at
}

// Canonical is the record without its state: what is hashed, kept and signed.
func Canonical(r attendance.Record) ([]byte, error) {
	// The field of the outer struct takes the name, and is left out.
	return json.Marshal(struct {
		attendance.Record
		State *attendance.State `json:"state,omitempty"`
	}{Record: r})
}

// HashRecord is the SHA-256 of Canonical, in hex.
func HashRecord(r attendance.Record) (string, error) {
	canonical, err := Canonical(r)
	if err != nil {
		return "", err
	}
	return hashOf(canonical), nil
}

func hashOf(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// HashVersion is the SHA-256 over people, in order, and the hashes of their
// records: a line each.
func HashVersion(records map[string]string) string {
	h := sha256.New()
	for _, person := range slices.SortedFunc(maps.Keys(records), cmp.Compare) {
		fmt.Fprintf(h, "%s %s\n", person, records[person])
	}
	return text(h)
}

func text(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
