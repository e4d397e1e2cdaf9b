package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"viop/rooms/export"
	"viop/rooms/export/fhir"
)

// pushFHIR writes the resources of an item, one after the other, each in a way
// that may be repeated: when one fails, all are written again at the next
// attempt, and those that were written already become what they are.
//
// A transaction would be one request, but servers that take one and apply half
// of it have been seen, and some take none. And an update by identifier is the
// server's word that it searched: one ignored the search and matched 292
// patients (FirelyTeam/spark#520). So we search ourselves, look whether what
// was found is ours, and update just that, in the version that we saw.
//
// Of a record or a week what is written is what it says by now (Feed.Latest),
// whichever change brings us here: a letter that is sent again must not bring
// back former minutes.
func (c *Courier) pushFHIR(ctx context.Context, a errand, item export.Item) answer {
	s := fhirServer{c: c, to: a.to, secrets: a.secrets}
	bundle := a.to.target().Bundle(item)
	for _, entry := range bundle.Entry {
		if err := s.write(ctx, entry); err != nil {
			return s.answer(err)
		}
	}
	if item.Record != nil && item.Record.About != nil && item.Record.About.Appointment != "" {
		if err := s.setAppointment(ctx, *item.Record); err != nil {
			return s.answer(err)
		}
	}
	return answer{result: Delivered, status: s.status}
}

// testFHIR reads what the server can do, with a token.
func (c *Courier) testFHIR(ctx context.Context, d Destination, secrets Secrets) answer {
	s := fhirServer{c: c, to: d, secrets: secrets}
	body, _, err := s.ask(ctx, http.MethodGet, "metadata", nil, nil)
	if err != nil {
		return s.answer(err)
	}
	var is struct {
		ResourceType string `json:"resourceType"`
		FHIRVersion  string `json:"fhirVersion"`
	}
	if json.Unmarshal(body, &is) != nil || is.ResourceType != "CapabilityStatement" || !strings.HasPrefix(is.FHIRVersion, "4.0") {
		return answer{result: Refused, status: s.status, problem: "This is no FHIR R4 server."}
	}
	return answer{result: Delivered, status: s.status}
}

// fhirServer is somebody's, for one attempt.
type fhirServer struct {
	c       *Courier
	to      Destination
	secrets Secrets
	status  int // of the last answer
}

// refusal is an answer that is no success.
type refusal struct{ answer }

func (r *refusal) Error() string { return r.problem }

// refused is an answer that makes no sense to us, whatever its status says.
func (s *fhirServer) refused(problem string, args ...any) error {
	return &refusal{answer{result: Refused, status: s.status, problem: fmt.Sprintf(problem, args...)}}
}

// answer of an attempt that ended with err.
func (s *fhirServer) answer(err error) answer {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.answer
	}
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		got := answer{result: Refused, problem: "The server for tokens gives us none."}
		if r.Response != nil {
			got.status, got.retryAfter = r.Response.StatusCode, retryAfter(r.Response.Header, s.c.now())
		}
		return got
	}
	return unreached(err)
}

// found is a resource as a server has it.
type found struct {
	ID   string `json:"id"`
	Type string `json:"resourceType"`
	Meta struct {
		VersionID string   `json:"versionId"`
		Tag       []coding `json:"tag"`
	} `json:"meta"`
	Identifier identifiers `json:"identifier"`
}

type coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// identifiers are a list, or in some resources one.
type identifiers []identifier

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

func (l *identifiers) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return json.Unmarshal(text, (*[]identifier)(l))
	}
	*l = make(identifiers, 1)
	return json.Unmarshal(text, &(*l)[0])
}

// is reports whether the resource is the one that we call so: by its identifier
// or, where the kind has none, by its tag.
func (f found) is(kind string, ours found) bool {
	if f.Type != kind || f.ID == "" {
		return false
	}
	for _, id := range ours.Identifier {
		for _, other := range f.Identifier {
			if id == other {
				return true
			}
		}
	}
	for _, tag := range ours.Meta.Tag {
		for _, other := range f.Meta.Tag {
			if tag == other {
				return true
			}
		}
	}
	return false
}

// races is how often a write begins anew because somebody else wrote first.
const races = 4

// write makes a resource what the entry says.
func (s *fhirServer) write(ctx context.Context, e fhir.Entry) error {
	body, err := json.Marshal(e.Resource)
	if err != nil {
		return s.refused("The resource cannot be written.")
	}
	var ours found
	if err := json.Unmarshal(body, &ours); err != nil {
		return s.refused("The resource cannot be written.")
	}
	kind, search, byUpdate := strings.Cut(e.Request.URL, "?")
	if !byUpdate {
		search = e.Request.IfNoneExist
	}
	for range races {
		there, err := s.search(ctx, kind, search, ours)
		switch {
		case err != nil:
			return err
		case there == nil:
			err = s.create(ctx, kind, search, ours, body)
		case byUpdate:
			err = s.update(ctx, kind, *there, ours, body)
		}
		if !isRace(err) {
			return err
		}
	}
	return s.refused("Somebody else writes to the same %s all the time.", kind)
}

// isRace: 412, the resource is not as it was; 409, somebody is writing it.
func isRace(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && (r.status == http.StatusPreconditionFailed || r.status == http.StatusConflict)
}

// search finds our resource; nil when there is none. What is not ours is never
// taken for it, and a server that gives us that does not search.
func (s *fhirServer) search(ctx context.Context, kind, query string, ours found) (*found, error) {
	body, _, err := s.ask(ctx, http.MethodGet, kind+"?"+query, nil, nil)
	if err != nil {
		return nil, err
	}
	var bundle struct {
		ResourceType string `json:"resourceType"`
		Entry        []struct {
			Resource found `json:"resource"`
			Search   struct {
				Mode string `json:"mode"`
			} `json:"search"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &bundle); err != nil || bundle.ResourceType != "Bundle" {
		return nil, s.refused("The answer to a search is no Bundle.")
	}
	var match *found
	for _, e := range bundle.Entry {
		switch {
		case e.Search.Mode == "outcome" || e.Search.Mode == "include":
		case !e.Resource.is(kind, ours):
			return nil, s.refused("A search for our %s found something else: the server does not search by identifier, so nothing is written.", kind)
		case match != nil:
			return nil, s.refused("There are several of our %s: somebody has to remove all but one.", kind)
		default:
			match = &e.Resource
		}
	}
	return match, nil
}

// create makes the resource, unless somebody has in between (If-None-Exist).
func (s *fhirServer) create(ctx context.Context, kind, search string, ours found, body []byte) error {
	answer, _, err := s.ask(ctx, http.MethodPost, kind, body, http.Header{"If-None-Exist": {search}})
	if err != nil {
		return err
	}
	return s.check(kind, ours, answer)
}

// update puts the resource in the place of the one that was found, unless that
// has changed since.
func (s *fhirServer) update(ctx context.Context, kind string, there, ours found, body []byte) error {
	body, err := withID(body, there.ID)
	if err != nil {
		return s.refused("The resource cannot be written.")
	}
	answer, _, err := s.ask(ctx, http.MethodPut, kind+"/"+url.PathEscape(there.ID), body, ifMatch(there.Meta.VersionID))
	if err != nil {
		return err
	}
	return s.check(kind, ours, answer)
}

func ifMatch(version string) http.Header {
	if version == "" { // a server without versions
		return nil
	}
	return http.Header{"If-Match": {`W/"` + version + `"`}}
}

// withID is the resource with the logical id that the server gave it.
func withID(body []byte, id string) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	var err error
	if fields["id"], err = json.Marshal(id); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// check looks at what the server says it has now; it need not say anything.
func (s *fhirServer) check(kind string, ours found, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	var is found
	if err := json.Unmarshal(body, &is); err != nil || is.Type == "OperationOutcome" {
		return nil //nolint:nilerr // it told us something else, with a status of success
	}
	if !is.is(kind, ours) {
		return s.refused("The server answers with another %s than the one that was written.", kind)
	}
	return nil
}

// setAppointment gives the scheduling system's appointment the status that
// belongs to the record's, and leaves all else in it as it is. Who reads it and
// writes it back does so in the version they read.
func (s *fhirServer) setAppointment(ctx context.Context, r export.Record) error {
	id, ok := fhir.AppointmentID(r.About.Appointment)
	if !ok {
		return nil // named in a way that no server can look up: the Encounter says it
	}
	path := "Appointment/" + url.PathEscape(id)
	for range races {
		body, header, err := s.ask(ctx, http.MethodGet, path, nil, nil)
		if s.status == http.StatusNotFound || s.status == http.StatusGone {
			return nil // they have taken it away
		}
		if err != nil {
			return err
		}
		var is found
		if json.Unmarshal(body, &is) != nil || is.Type != "Appointment" || is.ID != id {
			return s.refused("The server answers with something else than the appointment that was asked for.")
		}
		updated, changed, err := fhir.UpdateAppointment(body, r.Status)
		if err != nil {
			return s.refused("The appointment cannot be read.")
		}
		if !changed {
			return nil
		}
		condition := ifMatch(is.Meta.VersionID)
		if tag := header.Get("ETag"); tag != "" {
			condition = http.Header{"If-Match": {tag}}
		}
		_, _, err = s.ask(ctx, http.MethodPut, path, updated, condition)
		if !isRace(err) {
			return err
		}
	}
	return s.refused("Somebody else writes to the same appointment all the time.")
}

// maxResource bounds what is read of an answer.
const maxResource = maxAnswer

// ask makes a request, with a token if the server wants one; a token that it
// refuses is renewed once. What is no 2xx is a refusal.
func (s *fhirServer) ask(ctx context.Context, method, path string, body []byte, header http.Header) ([]byte, http.Header, error) {
	answer, got, err := s.askOnce(ctx, method, path, body, header)
	if s.status == http.StatusUnauthorized && s.to.OAuth != nil {
		s.c.tokens.forget(s.to.ID)
		return s.askOnce(ctx, method, path, body, header)
	}
	return answer, got, err
}

func (s *fhirServer) askOnce(ctx context.Context, method, path string, body []byte, header http.Header) ([]byte, http.Header, error) {
	s.status = 0
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.to.URL, "/")+"/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/fhir+json")
	request.Header.Set("User-Agent", userAgent)
	if body != nil {
		request.Header.Set("Content-Type", "application/fhir+json")
		request.Header.Set("Prefer", "return=representation")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	client := s.c.client(s.to)
	if s.to.OAuth != nil {
		token, err := s.c.tokens.of(ctx, s.to, s.secrets.Client, client)
		if err != nil {
			return nil, nil, err
		}
		token.SetAuthHeader(request)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	s.status = response.StatusCode
	got := s.c.judge(response)
	if got.result != Delivered {
		return nil, nil, &refusal{got}
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxResource+1))
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
	case err != nil:
		return nil, nil, err
	case len(answer) > maxResource:
		return nil, nil, s.refused("The answer is larger than a resource can be.")
	case len(answer) > 0 && kind != "application/fhir+json" && kind != "application/json":
		return nil, nil, s.refused("The answer is no JSON.")
	}
	return answer, response.Header, nil
}
