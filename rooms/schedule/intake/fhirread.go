package intake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// spot is where a resource is: a line of NDJSON, or an entry of a Bundle.
type spot struct {
	line    int
	pointer string // of the resource
}

// Of FHIR R4 (hl7.org/fhir/R4), what is read here. Everything else of a
// resource is nobody's business.
type (
	appointment struct {
		spot
		ID                string           `json:"id"`
		Identifier        []fhirIdentifier `json:"identifier"`
		Status            string           `json:"status"`
		CancelationReason concept          `json:"cancelationReason"`
		ServiceType       []concept        `json:"serviceType"`
		Start             string           `json:"start"`
		End               string           `json:"end"`
		MinutesDuration   int              `json:"minutesDuration"`
		Participant       []struct {
			Actor  reference `json:"actor"`
			Status string    `json:"status"`
		} `json:"participant"`
	}
	group struct {
		spot
		ID     string `json:"id"`
		Type   string `json:"type"`
		Actual bool   `json:"actual"`
		Member []struct {
			Entity   reference `json:"entity"`
			Period   period    `json:"period"`
			Inactive bool      `json:"inactive"`
		} `json:"member"`
	}
	reference struct {
		Reference  string         `json:"reference"`
		Type       string         `json:"type"`
		Identifier fhirIdentifier `json:"identifier"`
	}
	concept struct {
		Coding []struct {
			System string `json:"system"`
			Code   string `json:"code"`
		} `json:"coding"`
		Text string `json:"text"`
	}
	fhirIdentifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	period struct {
		Start string `json:"start"`
		End   string `json:"end"`
	}
)

// bundle is all of a file.
type bundle struct {
	settings     Settings
	appointments []appointment
	groups       []group
	// names are the identifiers of the people in the file, by reference.
	names map[string][]schedule.Identifier
	count int
	// places are the stored sessions by the appointments in them; nil until the
	// sessions are known.
	places map[string][]schedule.Session
}

func readFHIR(text []byte, s Settings, r *remarks) reader {
	b := &bundle{settings: s, names: map[string][]schedule.Identifier{}}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if json.Valid(text) {
		b.document(text, r)
		return b
	}
	line := 0
	for one := range bytes.Lines(text) {
		line++
		if one = bytes.TrimSpace(one); len(one) == 0 {
			continue
		}
		if !json.Valid(one) {
			r.refuse(line, "", "This line is not JSON. A file is one resource or Bundle, or a resource on each line (NDJSON).")
			return b
		}
		b.resource(one, "", spot{line: line}, r)
		if r.refused > maxListed {
			return b
		}
	}
	if b.count == 0 && r.refused == 0 {
		r.refuse(0, "", "There is no resource in this file.")
	}
	return b
}

// document reads a Bundle, or a resource alone.
func (b *bundle) document(text []byte, r *remarks) {
	var whole struct {
		ResourceType string `json:"resourceType"`
		Type         string `json:"type"`
		Entry        []struct {
			FullURL  string          `json:"fullUrl"`
			Resource json.RawMessage `json:"resource"`
			Request  struct {
				Method string `json:"method"`
			} `json:"request"`
		} `json:"entry"`
	}
	err := json.Unmarshal(text, &whole)
	switch {
	case err == nil && whole.ResourceType != "Bundle", err != nil:
		b.resource(text, "", spot{}, r)
		return
	case whole.Type == "history":
		r.refuse(0, "/type", "A Bundle of a history is not taken in: its resources are not what holds now.")
		return
	}
	for i, entry := range whole.Entry {
		at := spot{pointer: "/entry/" + strconv.Itoa(i) + "/resource"}
		switch {
		case strings.EqualFold(entry.Request.Method, "delete"):
			r.refuse(0, "/entry/"+strconv.Itoa(i)+"/request/method", "Nothing is deleted here. An Appointment that was a mistake has the status entered-in-error.")
		case len(entry.Resource) == 0:
		default:
			b.resource(entry.Resource, entry.FullURL, at, r)
		}
	}
}

func (b *bundle) resource(text []byte, fullURL string, at spot, r *remarks) {
	var kind struct {
		ResourceType string           `json:"resourceType"`
		ID           string           `json:"id"`
		Identifier   []fhirIdentifier `json:"identifier"`
	}
	if b.count++; b.count > maxRows {
		if b.count == maxRows+1 {
			r.refuse(at.line, at.pointer, "A file has at most %d resources; split it.", maxRows)
		}
		return
	}
	_ = json.Unmarshal(text, &kind) // what a resource is not, the case of its type says
	var err error
	switch kind.ResourceType {
	case "Appointment":
		a := appointment{spot: at}
		if err = json.Unmarshal(text, &a); err == nil {
			b.appointments = append(b.appointments, a)
		}
	case "Group":
		g := group{spot: at}
		if err = json.Unmarshal(text, &g); err == nil {
			b.groups = append(b.groups, g)
		}
	case "Patient", "Practitioner", "PractitionerRole":
		for _, id := range kind.Identifier {
			name := schedule.Identifier(id)
			b.names[kind.ResourceType+"/"+kind.ID] = append(b.names[kind.ResourceType+"/"+kind.ID], name)
			if fullURL != "" {
				b.names[fullURL] = append(b.names[fullURL], name)
			}
		}
	case "AppointmentResponse":
		r.note(at.line, at.pointer, "An AppointmentResponse answers an invitation; who is expected is for the Appointment to say. It changes nothing.")
	case "":
		r.refuse(at.line, at.pointer, "This is not a FHIR resource: it has no resourceType.")
	default:
		r.note(at.line, at.pointer, "A resource of this type is not read here.")
	}
	if err != nil {
		r.refuse(at.line, at.pointer, "This resource cannot be read: an element has another type than R4 gives it.")
	}
}

// who are the identifiers by which an actor may be known: its own, those of the
// resource in the file that it refers to, and the reference itself, of which
// the source is the system.
func (b *bundle) who(actor reference) []schedule.Identifier {
	var ids []schedule.Identifier
	if actor.Identifier.Value != "" {
		ids = append(ids, schedule.Identifier(actor.Identifier))
	}
	if actor.Reference == "" {
		return ids
	}
	ids = append(ids, b.names[actor.Reference]...)
	name := actor.Reference
	if parts := strings.Split(name, "/"); len(parts) > 2 {
		name = strings.Join(parts[len(parts)-2:], "/")
		ids = append(ids, b.names[name]...)
	}
	return append(ids, schedule.Identifier{System: b.settings.Source, Value: name})
}

// kind of an actor: what it refers to.
func (actor reference) kind() string {
	if actor.Type != "" {
		return actor.Type
	}
	parts := strings.Split(actor.Reference, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

// service is the first code or text that is the word for one.
func (b *bundle) service(a appointment) attendance.Service {
	for _, c := range a.ServiceType {
		words := []string{c.Text}
		for _, coding := range c.Coding {
			words = append(words, coding.Code)
		}
		for _, word := range words {
			if isService(word) {
				return attendance.Service(strings.ToLower(word))
			}
		}
	}
	return b.settings.Service
}

// instant reads a FHIR instant, which has an offset.
func (a appointment) instant(text, element string, r *remarks) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.refuse(a.line, a.pointer+"/"+element, "This must be a time with its offset, such as 2026-11-02T18:00:00-06:00.")
		return t, false
	}
	return t.Truncate(time.Millisecond), true
}

// times of the appointment.
func (a appointment) times(r *remarks) (start, end time.Time, ok bool) {
	if start, ok = a.instant(a.Start, "start", r); !ok {
		return start, end, false
	}
	if a.End == "" && a.MinutesDuration > 0 && a.MinutesDuration <= 24*60 {
		return start, start.Add(time.Duration(a.MinutesDuration) * time.Minute), true
	}
	end, ok = a.instant(a.End, "end", r)
	return start, end, ok
}

// key is what appointments of the same session have in common.
func (b *bundle) key(a appointment, start time.Time) string {
	for _, id := range a.Identifier {
		if b.settings.Group != "" && id.System == b.settings.Group && id.Value != "" {
			return id.Value
		}
	}
	if b.settings.Group != "" {
		return ""
	}
	code, provider := "", ""
	for _, c := range a.ServiceType {
		for _, coding := range c.Coding {
			if code == "" {
				code = coding.Code
			}
		}
	}
	for _, p := range a.Participant {
		if p.Actor.kind() == "HealthcareService" {
			provider = p.Actor.Reference
		}
	}
	return strings.Join([]string{code, start.UTC().Format(utcLayout), provider}, "|")
}
