package schedule

import (
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// Excuse says that a patient is not expected in a session: the body of
// PUT /v1/sessions/{id}/excuses/{person}. It takes nobody off the roster and
// no minute from anybody who comes all the same.
type Excuse struct {
	Session rooms.SessionID      `json:"session,omitempty"` // of the path, when the body leaves it out; so is
	Person  rooms.PersonID       `json:"person,omitempty"`
	By      attendance.ExcusedBy `json:"by"`
}

// ReadExcuse reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadExcuse(text []byte) (Excuse, error) {
	var e Excuse
	if err := form.Read(text, &e); err != nil {
		return Excuse{}, err
	}
	return e, e.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (e Excuse) Check() error {
	var p form.Problems
	if e.Session != "" {
		CheckID(&p, "/session", string(e.Session))
	}
	if e.Person != "" {
		CheckID(&p, "/person", string(e.Person))
	}
	checkWord(&p, "/by", e.By, attendance.ByPatient, attendance.ByProgram)
	return p.Err()
}

// Fact is the excuse as the contract knows it.
func (e Excuse) Fact() attendance.Excuse {
	return attendance.Excuse{Session: string(e.Session), Person: string(e.Person), By: e.By}
}
