package records

import (
	"fmt"
	"slices"

	"viop/rooms/attendance"
)

// BrokenSignature names a signature that does not hold, and why.
type BrokenSignature struct {
	Seq     int    // in the chain of amendments
	Person  string // whose record; "" when it is not about one
	Problem string
}

func (e *BrokenSignature) Error() string { return e.Problem }

// CheckSignatures counts the session again as it was known at each of the
// signatures in amendments, and compares. c is the case as of now, amendments
// those of its session, from the store or from an archive. The error is a
// *BrokenSignature for the first that does not hold: somebody has changed it,
// or evidence came after it that changes what it was given for.
//
// That the chains below its head are still there is for the store to check
// (Signature.Ends).
func CheckSignatures(c *attendance.Case, session string, amendments []Amendment) error {
	for _, a := range amendments {
		if a.Signature == nil {
			continue
		}
		if err := checkSignature(c, session, a); err != nil {
			return err
		}
	}
	return nil
}

func checkSignature(c *attendance.Case, session string, a Amendment) error {
	s := a.Signature
	broken := func(person, problem string) error {
		return &BrokenSignature{a.Seq, person, fmt.Sprintf("the signature of %s on version %d %s", s.By, s.Version, problem)}
	}
	if HashVersion(s.Records) != s.Hash {
		return broken("", "names other records than it signs")
	}
	if head(s.Ends) != s.Head {
		return broken("", "names other evidence than it rests on")
	}
	now := map[string]string{}
	for _, r := range attendance.Evaluate(before(c, s.At)).Records {
		if r.Session != session || r.Version != s.Version {
			continue
		}
		hash, err := HashRecord(r)
		if err != nil {
			return err
		}
		now[r.Person] = hash
		if signed, known := s.Records[r.Person]; signed != hash {
			if !known {
				return broken(r.Person, "does not know the record of "+r.Person+", which has this version by evidence that came later")
			}
			return broken(r.Person, "does not match: the record of "+r.Person+" recomputes to something else")
		}
	}
	for person := range s.Records {
		if now[person] == "" {
			return broken(person, "does not match: the record of "+person+" is not there any more")
		}
	}
	return nil
}

// before is a case without what was corrected and signed later than t. Its
// evidence stays: what comes late must be seen.
func before(c *attendance.Case, t attendance.Instant) *attendance.Case {
	then := *c
	then.Corrections = slices.DeleteFunc(slices.Clone(c.Corrections), func(k attendance.Correction) bool { return k.At > t })
	then.Signatures = slices.DeleteFunc(slices.Clone(c.Signatures), func(s attendance.Signature) bool { return s.At > t })
	return &then
}
