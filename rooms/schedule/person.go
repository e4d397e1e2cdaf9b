package schedule

import (
	"slices"
	"strconv"
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
	// Identifiers are what other systems call the person. Many of them identify
	// a patient to the world (a record number), so the store seals them at rest.
	Identifiers []Identifier `json:"identifiers,omitempty"`
}

// Identifier is a name in another system: System is whose, as a URI where
// there is one, as in FHIR.
type Identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

const (
	maxName        = 80 // runes; auth refuses a longer one in a token
	maxIdentifiers = 20
)

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
	person.checkIdentifiers(&p)
	return p.Err()
}

func (person Person) checkIdentifiers(p *form.Problems) {
	if len(person.Identifiers) > maxIdentifiers {
		p.Add("/identifiers", "This list holds at most %d identifiers.", maxIdentifiers)
		return
	}
	for i, id := range person.Identifiers {
		at := "/identifiers/" + strconv.Itoa(i)
		checkToken(p, at+"/system", id.System, maxReference)
		checkToken(p, at+"/value", id.Value, maxReference)
		if slices.Contains(person.Identifiers[:i], id) {
			p.Add(at, "This identifier is already listed.")
		}
	}
}
