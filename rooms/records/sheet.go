package records

import (
	"maps"
	"slices"

	"viop/rooms/attendance"
)

// Sheet is the records of a session as of now, with what a person needs to
// sign them.
type Sheet struct {
	AsOf     attendance.Instant
	Timezone string
	Session  attendance.SessionResult
	Records  []Record // by person
	// Head is of what they were computed from: evidence, corrections, signatures.
	Head string
	// Versions are the records by their version, lowest first.
	Versions    []SheetVersion
	Corrections []attendance.Correction // oldest first
	Signatures  []Signature             // oldest first
	// Stale are the signatures on present versions of which a record says
	// something else by now: evidence came late, or the rules of the program
	// were changed. To the contract these records are signed (SPEC §5: only
	// corrections make versions); to a person they must be signed again.
	Stale []Stale
	// Occupied: people are in the room.
	Occupied bool
	// Input is the case this is the answer to.
	Input *attendance.Case
	// About is what is around the records, by person; only Books.Records says it.
	About map[string]*About
}

// Record is a record with its hash.
type Record struct {
	attendance.Record
	Hash string `json:"hash"`
}

// SheetVersion is the records that have one version.
type SheetVersion struct {
	Version int      `json:"version"`
	Hash    string   `json:"hash"`
	People  []string `json:"people"`
	// State is that of the one that is furthest from being signed.
	State attendance.State `json:"state"`
}

// Stale is a record that is signed by the contract, in other words than those
// the signature was given for.
type Stale struct {
	Person  string             `json:"person"`
	Version int                `json:"version"`
	By      string             `json:"by"`
	At      attendance.Instant `json:"at"`     // of the last signature
	Signed  string             `json:"signed"` // hash it was given for; "" when there was no such record
	Hash    string             `json:"hash"`   // hash now; "" when the record is gone
}

// Over reports whether the records can be signed by the contract (SPEC §3).
func (s *Sheet) Over() bool {
	return len(s.Records) > 0 && s.Records[0].State != attendance.StateOpen
}

// version finds the records that have v.
func (s *Sheet) version(v int) (SheetVersion, bool) {
	i := slices.IndexFunc(s.Versions, func(x SheetVersion) bool { return x.Version == v })
	if i < 0 {
		return SheetVersion{}, false
	}
	return s.Versions[i], true
}

// hashes are those of the records that have v, by person.
func (s *Sheet) hashes(v int) map[string]string {
	hashes := map[string]string{}
	for _, r := range s.Records {
		if r.Version == v {
			hashes[r.Person] = r.Hash
		}
	}
	return hashes
}

func (p *page) sheet() (*Sheet, error) {
	s := &Sheet{
		AsOf: p.result.AsOf, Timezone: p.result.Timezone, Head: p.Head(),
		Session:     attendance.SessionResult{Session: string(p.Session), Flags: []attendance.Flag{}},
		Corrections: p.Corrections(), Signatures: p.Signatures(),
		Occupied: p.Occupied, Input: p.input,
	}
	for _, x := range p.result.Sessions {
		if x.Session == string(p.Session) {
			s.Session = x
		}
	}
	for _, r := range p.result.Records {
		if r.Session != string(p.Session) {
			continue
		}
		hash, err := HashRecord(r)
		if err != nil {
			return nil, err
		}
		s.Records = append(s.Records, Record{r, hash})
	}
	s.group()
	s.findStale(string(p.Session))
	return s, nil
}

// group fills Versions.
func (s *Sheet) group() {
	for _, r := range s.Records {
		i := slices.IndexFunc(s.Versions, func(v SheetVersion) bool { return v.Version == r.Version })
		if i < 0 {
			i = len(s.Versions)
			s.Versions = append(s.Versions, SheetVersion{Version: r.Version, State: r.State})
		}
		v := &s.Versions[i]
		v.People = append(v.People, r.Person)
		if v.State == attendance.StateSigned {
			v.State = r.State
		}
	}
	for i := range s.Versions {
		s.Versions[i].Hash = HashVersion(s.hashes(s.Versions[i].Version))
	}
	slices.SortFunc(s.Versions, func(a, b SheetVersion) int { return a.Version - b.Version })
}

// findStale fills Stale.
func (s *Sheet) findStale(session string) {
	gone := map[string]bool{}
	for _, x := range s.Signatures {
		for person := range x.Records {
			gone[person] = true
		}
	}
	for _, r := range s.Records {
		delete(gone, r.Person)
		if r.State == attendance.StateSigned {
			s.compare(r.Person, r.Hash, func(x Signature) bool { return x.Version == r.Version })
		}
	}
	for _, person := range slices.Sorted(maps.Keys(gone)) {
		s.compare(person, "", func(x Signature) bool { return x.Records[person] != "" && !corrected(s.Input, session, person, x.At) })
	}
}

// corrected reports whether a record that is not there would be, but for
// corrections after t: then it is gone with an author and a reason.
func corrected(c *attendance.Case, session, person string, t attendance.Instant) bool {
	then := attendance.Evaluate(before(c, t))
	return slices.ContainsFunc(then.Records, func(r attendance.Record) bool {
		return r.Session == session && r.Person == person
	})
}

// compare the last such signature with what a record says now.
func (s *Sheet) compare(person, hash string, such func(Signature) bool) {
	for _, x := range slices.Backward(s.Signatures) {
		if !such(x) {
			continue
		}
		if x.Records[person] != hash {
			s.Stale = append(s.Stale, Stale{
				Person: person, Version: x.Version, By: x.By, At: x.At, Signed: x.Records[person], Hash: hash,
			})
		}
		return
	}
}
