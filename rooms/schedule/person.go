package schedule

import (
	"strings"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule/form"
)

// Person is somebody a session can expect: the body of PUT /v1/people/{id}.
// Name makes it a document about a patient; the store seals it at rest.
type Person struct {
	ID   rooms.PersonID `json:"id,omitempty"` // of the path, when the body leaves it out
	Role auth.Role      `json:"role"`
	// Name is what the others in a room see: first name and last initial.
	Name    string    `json:"name,omitempty"`
	Program ProgramID `json:"program,omitempty"`
}

const maxName = 80 // runes; auth refuses a longer one in a token

// ReadPerson reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadPerson(text []byte) (Person, error) {
	var person Person
	if err := form.Read(text, &person); err != nil {
		return Person{}, err
	}
	return person, person.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (person Person) Check() error {
	var p form.Problems
	if person.ID != "" {
		CheckID(&p, "/id", string(person.ID))
	}
	checkWord(&p, "/role", person.Role,
		auth.Patient, auth.Facilitator, auth.Observer, auth.Interpreter, auth.Guest, auth.Peer)
	CheckLine(&p, "/name", person.Name, maxName)
	if strings.TrimSpace(person.Name) != person.Name {
		p.Add("/name", "A name neither begins nor ends with a space.")
	}
	if person.Program != "" {
		CheckID(&p, "/program", string(person.Program))
	}
	return p.Err()
}
