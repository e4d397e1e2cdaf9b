package fhir

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/export"
)

// Target is how a server knows us and our people.
type Target struct {
	// System is the URI under which our identifiers and codes are known there,
	// without a slash at its end: "https://iop.example.org". "" is DefaultSystem.
	System string
	// PatientSystem is the system of the identifiers that the server itself has
	// for patients (External); "" when it goes by our ids.
	PatientSystem string
}

// DefaultSystem is for those who agreed on no other.
const DefaultSystem = "urn:viop"

// Systems of others.
const (
	ucum               = "http://unitsofmeasure.org"
	actCode            = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	confidentiality    = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	documentCompletion = "http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion"
	participationType  = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	provenanceAgent    = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
)

// Names of our own systems, under Target.System.
const (
	recordSystem        = "sid/attendance" // values are export.RecordID
	weekSystem          = "sid/week"       // <person>/<first date>
	taskSystem          = "sid/task"
	personSystem        = "sid/person"
	sessionSystem       = "sid/session"
	appointmentSystem   = "sid/appointment"
	authorizationSystem = "sid/authorization"
	hashSystem          = "sid/sha256"
	provenanceTag       = "sid/provenance"
	codeSystem          = "CodeSystem/attendance"
	serviceSystem       = "CodeSystem/service"
	extensionBase       = "StructureDefinition/"
)

// uri of one of our systems.
func (t Target) uri(name string) string {
	base := cmp.Or(t.System, DefaultSystem)
	if strings.HasPrefix(base, "urn:") {
		return base + ":" + strings.NewReplacer("/", ":").Replace(name)
	}
	return base + "/" + name
}

func (t Target) identifier(system, value string) Identifier {
	return Identifier{System: t.uri(system), Value: value}
}

// named refers to a resource by what it is called.
func (t Target) named(kind, system, value string) Reference {
	id := t.identifier(system, value)
	return Reference{Type: kind, Identifier: &id}
}

// patient refers to one, by the server's own identifier where there is one.
func (t Target) patient(person, external, name string) Reference {
	ref := t.named("Patient", personSystem, person)
	if t.PatientSystem != "" && external != "" {
		ref.Identifier = &Identifier{System: t.PatientSystem, Value: external}
	}
	ref.Display = name
	return ref
}

func (t Target) staff(person string) Reference { return t.named("Practitioner", personSystem, person) }

func (t Target) code(code, text string) CodeableConcept {
	return CodeableConcept{Coding: []Coding{{System: t.uri(codeSystem), Code: code}}, Text: text}
}

// protected labels a resource: restricted, by 42 CFR part 2, not to be given on
// without consent.
func protected() Meta {
	return Meta{Security: []Coding{
		{System: confidentiality, Code: "R", Display: "restricted"},
		{System: actCode, Code: "42CFRPart2", Display: "42 CFR Part2"},
		{System: actCode, Code: "NORDSCLCD", Display: "no redisclosure without consent directive"},
	}}
}

// notice that goes with every resource.
func (t Target) notice() Extension {
	return Extension{URL: t.uri(extensionBase + "part2-notice"), ValueString: export.Notice}
}

func (t Target) textExtension(name, text string) Extension {
	return Extension{URL: t.uri(extensionBase + name), ValueString: text}
}

func (t Target) codeExtension(name, code string) Extension {
	return Extension{URL: t.uri(extensionBase + name), ValueCode: code}
}

func (t Target) numberExtension(name string, n int) Extension {
	return Extension{URL: t.uri(extensionBase + name), ValueInteger: &n}
}

// wall writes instants with the offset of a zone.
type wall struct{ zone *time.Location }

func wallOf(timezone string) wall {
	zone, err := attendance.LoadZone(timezone)
	if err != nil {
		zone = time.UTC // the instant is the same
	}
	return wall{zone}
}

func (w wall) text(at attendance.Instant) string {
	layout := "2006-01-02T15:04:05Z07:00"
	if at%1000 != 0 {
		layout = "2006-01-02T15:04:05.000Z07:00"
	}
	return at.Time().In(w.zone).Format(layout)
}

func (w wall) period(i attendance.Interval) Period {
	return Period{Start: w.text(i.Start), End: w.text(i.End)}
}

// seconds are exact: as many decimals as there are milliseconds.
func seconds(ms int64) Quantity {
	text := fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
	return Quantity{Value: decimal(text), Unit: "s", System: ucum, Code: "s"}
}

// hours are rounded down, to a third of a second: credit never rounds up.
func hours(ms int64) Quantity {
	ten := ms / 360 // ten-thousandths of an hour
	text := fmt.Sprintf("%d.%04d", ten/10_000, ten%10_000)
	return Quantity{Value: decimal(text), Unit: "h", System: ucum, Code: "h"}
}

// decimal without zeros that say nothing.
func decimal(text string) json.Number {
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// uuid is the same for the same name, and looks random otherwise (RFC 9562,
// version 8).
func uuid(name string) string {
	sum := sha256.Sum256([]byte(name))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// put is a conditional update: it makes the resource or changes it.
func put(kind string, id Identifier, resource any) Entry {
	search := kind + "?identifier=" + token(id.System, id.Value)
	return Entry{FullURL: uuid(search), Resource: resource, Request: Request{Method: "PUT", URL: search}}
}

// create makes a resource that has no identifier, once: by a tag.
func create(kind string, tag Coding, resource any) Entry {
	search := "_tag=" + token(tag.System, tag.Code)
	return Entry{
		FullURL: uuid(kind + "?" + search), Resource: resource,
		Request: Request{Method: "POST", URL: kind, IfNoneExist: search},
	}
}

// token is a search for a code of a system; what is special in one is escaped
// for the search (R4 §3.1.1.3), then for the URL.
func token(system, value string) string {
	escape := strings.NewReplacer(`\`, `\\`, `|`, `\|`, `,`, `\,`, `$`, `\$`)
	return url.QueryEscape(escape.Replace(system) + "|" + escape.Replace(value))
}
