package schedule

import (
	"math"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// AuthorizationID names an authorization.
type AuthorizationID string

// Authorization is what a payer granted a patient: the body of
// PUT /v1/authorizations/{id}. It blocks nothing; what is left of it is told
// early (SPEC §9).
type Authorization struct {
	ID     AuthorizationID `json:"id,omitempty"` // of the path, when the body leaves it out
	Person rooms.PersonID  `json:"person"`
	Payer  string          `json:"payer,omitempty"`
	// Reference is the payer's number for it. It names the patient to the
	// payer, so the store seals it at rest.
	Reference string          `json:"reference,omitempty"`
	Unit      attendance.Unit `json:"unit"`
	Count     int             `json:"count"`
	From      attendance.Date `json:"from"` // local dates of the program, both included
	To        attendance.Date `json:"to"`
}

// ReadAuthorization reads and checks a document. Its error is *form.ErrSyntax
// or form.Problems.
func ReadAuthorization(text []byte) (Authorization, error) {
	var a Authorization
	if err := form.Read(text, &a); err != nil {
		return Authorization{}, err
	}
	return a, a.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (a Authorization) Check() error {
	var p form.Problems
	if a.ID != "" {
		CheckID(&p, "/id", string(a.ID))
	}
	CheckID(&p, "/person", string(a.Person))
	CheckLine(&p, "/payer", a.Payer, maxTitle)
	CheckLine(&p, "/reference", a.Reference, maxReference)
	checkWord(&p, "/unit", a.Unit, attendance.UnitDay, attendance.UnitSession, attendance.UnitHour, attendance.UnitQ15)
	checkRange(&p, "/count", a.Count, 0, math.MaxInt32)
	checkDates(&p, "", "from", a.From, "to", a.To)
	return p.Err()
}

// Fact is the authorization as the contract knows it.
func (a Authorization) Fact() attendance.Authorization {
	return attendance.Authorization{
		ID: string(a.ID), Person: string(a.Person), Unit: a.Unit, Count: a.Count, From: a.From, To: a.To,
	}
}
