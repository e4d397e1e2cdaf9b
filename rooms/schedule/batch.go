package schedule

import (
	"fmt"

	"viop/rooms"
)

// Document is one of the kinds of things that are kept here: Session, Person,
// Program, Cohort, Series, Enrollment, Authorization and Excuse.
type Document interface {
	// Called is what the document is called among those of its kind.
	Called() Name
	// Check returns everything that is wrong with it as form.Problems, or nil.
	Check() error
}

// Name of a document.
type Name struct {
	Kind Kind
	ID   string
	// Person is whom an excuse from session ID is for; no other kind has one.
	Person rooms.PersonID
}

func (n Name) String() string {
	if n.Person != "" {
		return fmt.Sprintf("%s %s of %s", n.Kind, n.ID, n.Person)
	}
	return string(n.Kind) + " " + n.ID
}

// Kind of a document, as `type` in POST /v1/bulk.
type Kind string

const (
	KindSession       Kind = "session"
	KindPerson        Kind = "person"
	KindProgram       Kind = "program"
	KindCohort        Kind = "cohort"
	KindSeries        Kind = "series"
	KindEnrollment    Kind = "enrollment"
	KindAuthorization Kind = "authorization"
	KindExcuse        Kind = "excuse"
)

// Called implements Document, here and below.
func (s Session) Called() Name       { return Name{Kind: KindSession, ID: string(s.ID)} }
func (person Person) Called() Name   { return Name{Kind: KindPerson, ID: string(person.ID)} }
func (program Program) Called() Name { return Name{Kind: KindProgram, ID: string(program.ID)} }
func (cohort Cohort) Called() Name   { return Name{Kind: KindCohort, ID: string(cohort.ID)} }
func (s Series) Called() Name        { return Name{Kind: KindSeries, ID: string(s.ID)} }
func (e Enrollment) Called() Name    { return Name{Kind: KindEnrollment, ID: string(e.Person)} }
func (a Authorization) Called() Name { return Name{Kind: KindAuthorization, ID: string(a.ID)} }
func (e Excuse) Called() Name        { return Name{Kind: KindExcuse, ID: string(e.Session), Person: e.Person} }

// Write is one document of a batch, which is written whole or not at all.
type Write struct {
	Document Document
	// Delete takes the document away; of Document, only its name is looked at.
	// One that is not there is ErrNotFound.
	Delete bool
	// Keep writes nothing: the document was looked at, and If must hold of it.
	Keep bool
	If   Condition
	// Series is the series that makes or unmakes the session; "" is a person.
	Series SeriesID
}

// Written is what became of a Write.
type Written struct {
	Tag     Tag // "" of one that was deleted
	Created bool
}

// BatchError says which document a batch failed for. Nothing was written.
type BatchError struct {
	Index int // into the batch
	Name  Name
	Err   error // ErrChanged, ErrNotFound, ErrHasEvidence, ErrInUse, form.Problems
}

func (e *BatchError) Error() string { return fmt.Sprintf("%v: %v", e.Name, e.Err) }
func (e *BatchError) Unwrap() error { return e.Err }
