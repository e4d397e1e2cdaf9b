package attendance

import (
	"cmp"
	"slices"
)

// Interval is the half-open time [Start, End) (§1).
type Interval struct {
	Start Instant `json:"start"`
	End   Instant `json:"end"`
}

// Length is the milliseconds of i; 0 of an empty or backward one.
func (i Interval) Length() int64 { return max(0, int64(i.End-i.Start)) }

// Overlaps reports whether i and j have an instant in common.
func (i Interval) Overlaps(j Interval) bool { return max(i.Start, j.Start) < min(i.End, j.End) }

// Set is a set of instants: intervals in order, none empty, no two of them
// touching. The zero Set is empty. Sets are values: no operation changes its
// operands, and a result may share memory with one of them.
type Set []Interval

// SetOf is the union of any intervals, in any order. It sorts in place.
func SetOf(intervals ...Interval) Set {
	slices.SortFunc(intervals, func(a, b Interval) int { return cmp.Compare(a.Start, b.Start) })
	set := Set(intervals[:0])
	for _, i := range intervals {
		set = set.extend(i)
	}
	return set
}

// extend is s with i, which starts no earlier than anything in s; it may
// write into s.
func (s Set) extend(i Interval) Set {
	if i.End <= i.Start {
		return s
	}
	if n := len(s); n > 0 && i.Start <= s[n-1].End {
		s[n-1].End = max(s[n-1].End, i.End)
		return s
	}
	return append(s, i)
}

// Length is the milliseconds in s.
func (s Set) Length() int64 {
	var ms int64
	for _, i := range s {
		ms += int64(i.End - i.Start)
	}
	return ms
}

// Contains reports whether t is in s.
func (s Set) Contains(t Instant) bool {
	n, found := slices.BinarySearchFunc(s, t, func(i Interval, t Instant) int { return cmp.Compare(i.Start, t) })
	return found || n > 0 && t < s[n-1].End
}

// Union is what is in s or in t.
func (s Set) Union(t Set) Set {
	if len(s) == 0 {
		return t
	}
	if len(t) == 0 {
		return s
	}
	union := make(Set, 0, len(s)+len(t))
	for len(s) > 0 && len(t) > 0 {
		if s[0].Start <= t[0].Start {
			union, s = union.extend(s[0]), s[1:]
		} else {
			union, t = union.extend(t[0]), t[1:]
		}
	}
	for _, i := range s {
		union = union.extend(i)
	}
	for _, i := range t {
		union = union.extend(i)
	}
	return union
}

// Intersect is what is in s and in t.
func (s Set) Intersect(t Set) Set {
	var common Set
	for len(s) > 0 && len(t) > 0 {
		i := Interval{max(s[0].Start, t[0].Start), min(s[0].End, t[0].End)}
		if i.Start < i.End {
			common = append(common, i)
		}
		if s[0].End < t[0].End {
			s = s[1:]
		} else {
			t = t[1:]
		}
	}
	return common
}

// Subtract is what is in s and not in t.
func (s Set) Subtract(t Set) Set {
	if len(s) == 0 || len(t) == 0 {
		return s
	}
	var rest Set
	for _, i := range s {
		for len(t) > 0 && t[0].End <= i.Start {
			t = t[1:]
		}
		// An interval of t may reach into the next of s: look, do not consume.
		for _, hole := range t {
			if hole.Start >= i.End {
				break
			}
			if i.Start < hole.Start {
				rest = append(rest, Interval{i.Start, hole.Start})
			}
			i.Start = hole.End
		}
		if i.Start < i.End {
			rest = append(rest, i)
		}
	}
	return rest
}

// Before is what of s lies before t.
func (s Set) Before(t Instant) Set {
	if len(s) == 0 || s[len(s)-1].End <= t {
		return s
	}
	return s.Intersect(Set{{s[0].Start, t}})
}

// From is what of s lies at t or after.
func (s Set) From(t Instant) Set {
	if len(s) == 0 || t <= s[0].Start {
		return s
	}
	return s.Intersect(Set{{t, s[len(s)-1].End}})
}

// Hull is the smallest interval around s and i; i where s is empty.
func (s Set) Hull(i Interval) Interval {
	if len(s) == 0 {
		return i
	}
	return Interval{min(s[0].Start, i.Start), max(s[len(s)-1].End, i.End)}
}
