package records

import (
	"fmt"
	"maps"
	"slices"

	"viop/rooms/attendance"
)

// Broken names the first entry of a book that does not hold, and why.
type Broken struct {
	Kind    Kind
	Seq     int
	Problem string
}

func (e *Broken) Error() string { return fmt.Sprintf("%s, entry %d: %s", e.Kind, e.Seq, e.Problem) }

// Check counts a session again as it was known at each of its signatures, and
// compares; and it checks that what was signed can still be read. c is the
// case as of now, amendments and readings are those of the session, from the
// store or from an archive. The error is *Broken for the first entry that does
// not hold: somebody has changed it, or evidence came later, or the rules of
// the program are other ones. A record that was signed more than once is
// measured by its last signature.
//
// Chains are the store's to walk, and so is whether a chain still has what a
// signature rests on (Signature.Ends).
func Check(c *attendance.Case, session string, amendments []Amendment, readings []Reading) error {
	kept := map[string]bool{} // person and hash
	for _, r := range readings {
		if r.Gone() && len(r.Record) == 0 {
			continue
		}
		if hashOf(r.Record) != r.Hash {
			return &Broken{KindReading, r.Seq, "the record does not match its hash"}
		}
		kept[r.Person+" "+r.Hash] = true
	}
	for i, a := range amendments {
		if a.Signature == nil {
			continue
		}
		problem, err := checkSignature(c, session, *a.Signature, amendments[i+1:], kept)
		if err != nil {
			return err
		}
		if problem != "" {
			return &Broken{KindAmend, a.Seq, fmt.Sprintf("the signature of %s on version %d %s", a.Signature.By, a.Signature.Version, problem)}
		}
	}
	return nil
}

func checkSignature(c *attendance.Case, session string, s Signature, later []Amendment, kept map[string]bool) (problem string, err error) {
	if HashVersion(s.Records) != s.Hash {
		return "names other records than it signs", nil
	}
	if head(s.Ends) != s.Head {
		return "names other evidence than it rests on", nil
	}
	people := slices.Sorted(maps.Keys(s.Records))
	for _, person := range people {
		if !kept[person+" "+s.Records[person]] {
			return "is for a record of " + person + " that is not kept", nil
		}
	}
	now := map[string]string{}
	for _, r := range attendance.Evaluate(before(c, s.At)).Records {
		if r.Session != session || r.Version != s.Version || renewed(later, r.Person) {
			continue
		}
		if now[r.Person], err = HashRecord(r); err != nil {
			return "", err
		}
		switch signed, known := s.Records[r.Person]; {
		case !known:
			return "does not know the record of " + r.Person + ", which has this version by what came later", nil
		case signed != now[r.Person]:
			return "does not match: the record of " + r.Person + " recomputes to something else", nil
		}
	}
	for _, person := range people {
		if now[person] == "" && !renewed(later, person) {
			return "does not match: the record of " + person + " is not there any more", nil
		}
	}
	return "", nil
}

// renewed reports whether a later signature is for the record, too.
func renewed(later []Amendment, person string) bool {
	return slices.ContainsFunc(later, func(a Amendment) bool {
		return a.Signature != nil && a.Signature.Records[person] != ""
	})
}

// before is a case without what was corrected and signed later than t. Its
// evidence stays: what comes late must be seen.
func before(c *attendance.Case, t attendance.Instant) *attendance.Case {
	then := *c
	then.Corrections = slices.DeleteFunc(slices.Clone(c.Corrections), func(k attendance.Correction) bool { return k.At > t })
	then.Signatures = slices.DeleteFunc(slices.Clone(c.Signatures), func(s attendance.Signature) bool { return s.At > t })
	return &then
}
