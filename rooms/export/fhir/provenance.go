package fhir

import (
	"fmt"
	"strings"

	"viop/rooms/export"
)

// Provenance is a signature under one record: who gave it, when, and the
// hashes it was given for: of the record, of the version of the session's
// records, and of the evidence they were computed from.
func (t Target) Provenance(s export.Signature, r export.SignedRecord) Provenance {
	meta := protected()
	meta.Tag = []Coding{t.provenanceTag(s, r)}
	role := CodeableConcept{Coding: []Coding{{System: provenanceAgent, Code: "attester", Display: "Attester"}}}
	return Provenance{
		ResourceType: "Provenance", Meta: meta,
		Text:      Narrative{Status: "additional", Div: noticeDiv},
		Extension: []Extension{t.numberExtension("record-version", s.Version), t.notice()},
		Target:    []Reference{t.named("Encounter", recordSystem, r.RecordID)},
		Recorded:  s.At.String(),
		Activity:  &CodeableConcept{Coding: []Coding{{System: documentCompletion, Code: "LA", Display: "legally authenticated"}}},
		Agent:     []ProvenanceAgent{{Type: &role, Who: t.staff(s.By)}},
		Entity: []ProvenanceEntity{
			t.hash("The record", r.Hash),
			t.hash("The version of the session's records", s.Hash),
			t.hash("The evidence", s.Head),
		},
	}
}

func (t Target) hash(of, sum string) ProvenanceEntity {
	id := t.identifier(hashSystem, sum)
	return ProvenanceEntity{Role: "source", What: Reference{Identifier: &id, Display: of}}
}

// provenanceTag stands for the identifier that a Provenance has not in R4.
func (t Target) provenanceTag(s export.Signature, r export.SignedRecord) Coding {
	name := fmt.Sprintf("%s %d %s %s %s", r.RecordID, s.Version, s.By, s.At, r.Hash)
	return Coding{System: t.uri(provenanceTag), Code: uuid(name)[len("urn:uuid:"):]}
}

// noticeDiv is the whole notice, which holds no character that XHTML escapes.
var noticeDiv = `<div xmlns="http://www.w3.org/1999/xhtml"><p>` + strings.TrimSpace(export.NoticeText) + `</p></div>`
