// Package schedule holds what a scheduling system tells us: programs, people
// and sessions with their rosters, who goes through a program together (Cohort),
// what repeats (Series), on which level of care somebody is (Enrollment), what a
// payer granted (Authorization), and who is not expected (Excuse). A document is
// read strictly and checked as a whole: the error is a list (form.Problems) that
// names every field that is wrong, by JSON pointer, in sentences a person can
// act on.
//
// The package is pure. The schedule is what was meant to happen; what did
// happen is evidence (rooms/attendance), which no document here can change.
//
// A document can be valid and still disappoint: Warnings add up what its days
// and weeks come to, by asking the contract of attendance about a patient who
// misses nothing.
//
// Times of a series are by the clock on the program's wall; OnWall says which
// instant that is where the clocks change. Revise says what a series may do to
// sessions that exist, and what it leaves alone.
//
// Start with Session; template.go is a program's usual week; batch.go is how
// documents are written together.
package schedule
