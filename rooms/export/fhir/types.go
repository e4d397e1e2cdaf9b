package fhir

import "encoding/json"

// The parts of R4 that we write, named as there.

// Meta is what a server does with a resource.
type Meta struct {
	Security []Coding `json:"security,omitempty"`
	Tag      []Coding `json:"tag,omitempty"`
}

// Coding is a code of a system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

// CodeableConcept is a concept in codes or words.
type CodeableConcept struct {
	Coding []Coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// Identifier is a name in a system.
type Identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

// Reference to another resource, by where it is or by what it is called.
type Reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

// Period is a time; R4 includes its end, which makes no difference to us.
type Period struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

// Quantity is a number of units of UCUM.
type Quantity struct {
	Value  json.Number `json:"value"`
	Unit   string      `json:"unit,omitempty"`
	System string      `json:"system,omitempty"`
	Code   string      `json:"code,omitempty"`
}

// Extension says what R4 has no word for. It has one of the values.
type Extension struct {
	URL          string `json:"url"`
	ValueCode    string `json:"valueCode,omitempty"`
	ValueInteger *int   `json:"valueInteger,omitempty"`
	ValueString  string `json:"valueString,omitempty"`
}

// Narrative is text for people.
type Narrative struct {
	Status string `json:"status"`
	Div    string `json:"div"`
}

// Encounter is the attendance of one person in one session.
type Encounter struct {
	ResourceType  string                 `json:"resourceType"`
	Meta          Meta                   `json:"meta"`
	Extension     []Extension            `json:"extension,omitempty"`
	Identifier    []Identifier           `json:"identifier"`
	Status        string                 `json:"status"`
	StatusHistory []EncounterStatus      `json:"statusHistory,omitempty"`
	Class         Coding                 `json:"class"`
	ServiceType   *CodeableConcept       `json:"serviceType,omitempty"`
	Subject       Reference              `json:"subject"`
	Participant   []EncounterParticipant `json:"participant,omitempty"`
	Appointment   []Reference            `json:"appointment,omitempty"`
	Period        *Period                `json:"period,omitempty"`
	Length        Quantity               `json:"length"`
	PartOf        *Reference             `json:"partOf,omitempty"`
}

// EncounterStatus is what the status was for a time.
type EncounterStatus struct {
	Status string `json:"status"`
	Period Period `json:"period"`
}

// EncounterParticipant is a facilitator.
type EncounterParticipant struct {
	Type       []CodeableConcept `json:"type,omitempty"`
	Period     *Period           `json:"period,omitempty"`
	Individual Reference         `json:"individual"`
}

// Observation is a week of a person.
type Observation struct {
	ResourceType    string                 `json:"resourceType"`
	Meta            Meta                   `json:"meta"`
	Extension       []Extension            `json:"extension,omitempty"`
	Identifier      []Identifier           `json:"identifier"`
	Status          string                 `json:"status"`
	Code            CodeableConcept        `json:"code"`
	Subject         Reference              `json:"subject"`
	EffectivePeriod Period                 `json:"effectivePeriod"`
	Issued          string                 `json:"issued"`
	ValueQuantity   Quantity               `json:"valueQuantity"`
	Component       []ObservationComponent `json:"component,omitempty"`
}

// ObservationComponent has one of the values.
type ObservationComponent struct {
	Code          CodeableConcept `json:"code"`
	ValueQuantity *Quantity       `json:"valueQuantity,omitempty"`
	ValueString   string          `json:"valueString,omitempty"`
	ValueInteger  *int            `json:"valueInteger,omitempty"`
	ValueBoolean  *bool           `json:"valueBoolean,omitempty"`
}

// Provenance is a signature.
type Provenance struct {
	ResourceType string             `json:"resourceType"`
	Meta         Meta               `json:"meta"`
	Text         Narrative          `json:"text"`
	Extension    []Extension        `json:"extension,omitempty"`
	Target       []Reference        `json:"target"`
	Recorded     string             `json:"recorded"`
	Activity     *CodeableConcept   `json:"activity,omitempty"`
	Agent        []ProvenanceAgent  `json:"agent"`
	Entity       []ProvenanceEntity `json:"entity,omitempty"`
}

// ProvenanceAgent is who did it.
type ProvenanceAgent struct {
	Type *CodeableConcept `json:"type,omitempty"`
	Who  Reference        `json:"who"`
}

// ProvenanceEntity is what it was done with.
type ProvenanceEntity struct {
	Role string    `json:"role"`
	What Reference `json:"what"`
}

// Task is something that staff have to look at.
type Task struct {
	ResourceType string           `json:"resourceType"`
	Meta         Meta             `json:"meta"`
	Extension    []Extension      `json:"extension,omitempty"`
	Identifier   []Identifier     `json:"identifier"`
	Status       string           `json:"status"`
	Intent       string           `json:"intent"`
	Code         *CodeableConcept `json:"code,omitempty"`
	Description  string           `json:"description,omitempty"`
	Focus        *Reference       `json:"focus,omitempty"`
	For          *Reference       `json:"for,omitempty"`
	LastModified string           `json:"lastModified,omitempty"`
}

// Bundle is what is written in one transaction.
type Bundle struct {
	ResourceType string  `json:"resourceType"`
	Meta         Meta    `json:"meta"`
	Type         string  `json:"type"`
	Timestamp    string  `json:"timestamp,omitempty"`
	Entry        []Entry `json:"entry,omitempty"`
}

// Entry is one write of a Bundle.
type Entry struct {
	FullURL  string  `json:"fullUrl"`
	Resource any     `json:"resource"`
	Request  Request `json:"request"`
}

// Request is how the write is done.
type Request struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	IfNoneExist string `json:"ifNoneExist,omitempty"`
}
