// Package schedule holds what a scheduling system tells us: programs, people
// and sessions with their rosters. A document is read strictly and checked as
// a whole: the error is a list (form.Problems) that names every field that is
// wrong, by JSON pointer, in sentences a person can act on.
//
// The package is pure. The schedule is what was meant to happen; what did
// happen is evidence (rooms/attendance), which no document here can change.
//
// A document can be valid and still disappoint: Warnings add up what its days
// and weeks come to, by asking the contract of attendance about a patient who
// misses nothing.
//
// Start with Session; template.go is a program's usual week.
package schedule
