package records

import (
	"errors"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Change is one entry of the feed. The order of the feed is the order of all:
// readings and signatures of a session are on it in the order in which they
// were written.
type Change struct {
	Seq    int64              `json:"seq"`
	At     attendance.Instant `json:"at"` // when it was told
	Kind   ChangeKind         `json:"kind"`
	Person string             `json:"person,omitempty"` // whom it is about; a signature is about many

	Session string `json:"session,omitempty"` // of a record or a signature, and so are
	Version int    `json:"version,omitempty"`
	Hash    string `json:"hash,omitempty"` // of the record ("" when it is gone), or of the version

	// Of a record: the number of its reading in the session (Store.Reading), and
	// whether it is the first of this record. Entries of former times name none.
	Reading int  `json:"reading,omitempty"`
	First   bool `json:"first,omitempty"`

	// Of a signature: its number among the amendments of the session, and the
	// signature without the chains that it rests on.
	Amendment int        `json:"amendment,omitempty"`
	Signature *Signature `json:"signature,omitempty"`

	Week          *ToldWeek          `json:"week,omitempty"`
	Authorization *ToldAuthorization `json:"authorization,omitempty"`
}

// Entry is a change with what it names, so that it can be told outside without
// looking further.
type Entry struct {
	Change
	Reading    Reading     // of a record; zero when its chain was lost
	Signatures []Signature // of the session of a record, oldest first, as of now
}

// ErrNoSuchPlace: the feed has never come that far. Whoever was there read
// another feed, or a Redis that has since lost its last entries.
var ErrNoSuchPlace = errors.New("the feed has not come that far")

// ChangeKind says what a Change is of.
type ChangeKind string

const (
	RecordChanged ChangeKind = "record"
	// RecordsSigned: somebody stands by a version of the records of a session.
	RecordsSigned ChangeKind = "signed"
	// WeekChanged: a week has another verdict, or is otherwise not what it was
	// and nobody is in a session of it.
	WeekChanged ChangeKind = "week"
	// AuthorizationChanged: it has become low, or used up, or is neither any more.
	AuthorizationChanged ChangeKind = "authorization"
)

// ToldWeek is a week of a person as it was told.
type ToldWeek struct {
	WeekRow
	Program  schedule.ProgramID `json:"program"`
	Timezone string             `json:"timezone"`
	Previous attendance.Verdict `json:"previous,omitempty"` // the one told before; "" when it is the first
	Final    bool               `json:"final"`              // the week is over
	Amended  bool               `json:"amended,omitempty"`  // and was so when it was told before
}

// ToldAuthorization is what an authorization had left when that was told.
type ToldAuthorization struct {
	attendance.AuthorizationResult
	Program  schedule.ProgramID  `json:"program"`
	Unit     attendance.Unit     `json:"unit"`
	Count    int                 `json:"count"`
	From     attendance.Date     `json:"from"`
	To       attendance.Date     `json:"to"`
	Status   AuthorizationStatus `json:"status"`
	Previous AuthorizationStatus `json:"previous,omitempty"` // "" when nothing was told of it
}

// AuthorizationStatus is where an authorization stands.
type AuthorizationStatus string

const (
	// AuthorizationLow: it does not last for one more week like this one.
	AuthorizationLow AuthorizationStatus = "low"
	// AuthorizationExhausted: nothing remains.
	AuthorizationExhausted AuthorizationStatus = "exhausted"
	// AuthorizationRecovered: neither. That is told of one that was either.
	AuthorizationRecovered AuthorizationStatus = "recovered"
)
