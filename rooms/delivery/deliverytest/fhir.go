// Package deliverytest plays the other side of a delivery, for tests.
package deliverytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// FHIRServer plays the other side: it keeps resources with versions, searches
// by identifier and tag, takes conditional creates (If-None-Exist) and
// version-aware updates (If-Match), and gives out tokens for five minutes.
type FHIRServer struct {
	mu        sync.Mutex                // guards the rest
	resources map[string]map[string]any // "Encounter/1" -> resource
	next      int
	requests  []string // "PUT Encounter" that changed something
	tokens    int      // given out
	token     string   // in force
	refuse    []Trouble
	// Lies answers instead, if it likes; it is given what is kept. Set before the first request.
	Lies func(w http.ResponseWriter, r *http.Request, kept map[string]map[string]any) bool
}

// Trouble is what the next request of a kind is answered with.
type Trouble struct {
	Request string // "PUT Appointment"
	Status  int
	Header  string // "Retry-After: 60"; "" for none
}

// NewFHIRServer has nothing yet.
func NewFHIRServer() *FHIRServer {
	return &FHIRServer{resources: map[string]map[string]any{}}
}

// RoundTrip serves without a network.
func (f *FHIRServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

// ServeHTTP serves under /fhir/, and tokens at /token.
func (f *FHIRServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path == "/token" {
		f.giveToken(w, r)
		return
	}
	if f.Lies != nil && f.Lies(w, r, f.resources) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+f.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/fhir/")
	kind, id, _ := strings.Cut(path, "/")
	for i, t := range f.refuse {
		if t.Request == r.Method+" "+kind {
			f.refuse = slices.Delete(f.refuse, i, i+1)
			if name, value, ok := strings.Cut(t.Header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(t.Status)
			return
		}
	}
	switch {
	case path == "metadata":
		AnswerJSON(w, http.StatusOK, map[string]any{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
	case r.Method == http.MethodGet && id == "":
		f.search(w, kind, r.URL.Query())
	case r.Method == http.MethodGet:
		f.read(w, path)
	case r.Method == http.MethodPost:
		f.create(w, r, kind)
	case r.Method == http.MethodPut && id != "":
		f.update(w, r, path)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (f *FHIRServer) giveToken(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil || id != "viop" || secret != "open-sesame" || r.Form.Get("grant_type") != "client_credentials" {
		AnswerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	f.tokens++
	f.token = fmt.Sprintf("token-%d", f.tokens)
	AnswerJSON(w, http.StatusOK, map[string]any{"access_token": f.token, "token_type": "Bearer", "expires_in": 300})
}

// AnswerJSON answers as a FHIR server does.
func AnswerJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/fhir+json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// matching are the paths of those that a search finds.
func (f *FHIRServer) matching(kind string, query url.Values) []string {
	var found []string
	for path, resource := range f.resources {
		if !strings.HasPrefix(path, kind+"/") {
			continue
		}
		codes := codesOf(resource["identifier"], "value")
		if meta, ok := resource["meta"].(map[string]any); ok && query.Has("_tag") {
			codes = codesOf(meta["tag"], "code")
		}
		wanted := query.Get("identifier") + query.Get("_tag")
		if slices.Contains(codes, wanted) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return found
}

// codesOf a list of identifiers or codings, as "system|value".
func codesOf(list any, name string) []string {
	var codes []string
	all, ok := list.([]any)
	if !ok {
		all = []any{list} // a Provenance, and others, have one
	}
	for _, one := range all {
		if c, ok := one.(map[string]any); ok {
			codes = append(codes, fmt.Sprintf("%v|%v", c["system"], c[name]))
		}
	}
	return codes
}

func (f *FHIRServer) search(w http.ResponseWriter, kind string, query url.Values) {
	entries := []any{}
	for _, path := range f.matching(kind, query) {
		entries = append(entries, map[string]any{"resource": f.resources[path], "search": map[string]any{"mode": "match"}})
	}
	AnswerJSON(w, http.StatusOK, map[string]any{"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

func (f *FHIRServer) read(w http.ResponseWriter, path string) {
	resource := f.resources[path]
	if resource == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", etagOf(resource))
	AnswerJSON(w, http.StatusOK, resource)
}

func etagOf(resource map[string]any) string {
	meta, _ := resource["meta"].(map[string]any)
	return fmt.Sprintf(`W/"%v"`, meta["versionId"])
}

func (f *FHIRServer) create(w http.ResponseWriter, r *http.Request, kind string) {
	var resource map[string]any
	if err := json.NewDecoder(r.Body).Decode(&resource); err != nil || resource["resourceType"] != kind {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	query, err := url.ParseQuery(r.Header.Get("If-None-Exist"))
	if err != nil || len(query) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch found := f.matching(kind, query); len(found) {
	case 0:
		f.next++
		f.keep(fmt.Sprintf("%s/%d", kind, f.next), resource)
		f.requests = append(f.requests, "POST "+kind)
		AnswerJSON(w, http.StatusCreated, resource)
	case 1:
		AnswerJSON(w, http.StatusOK, f.resources[found[0]])
	default:
		w.WriteHeader(http.StatusPreconditionFailed)
	}
}

func (f *FHIRServer) update(w http.ResponseWriter, r *http.Request, path string) {
	stored := f.resources[path]
	if stored == nil || r.Header.Get("If-Match") != etagOf(stored) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	var resource map[string]any
	if err := json.NewDecoder(r.Body).Decode(&resource); err != nil || fmt.Sprintf("%v/%v", resource["resourceType"], resource["id"]) != path {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.keep(path, resource)
	f.requests = append(f.requests, "PUT "+strings.Split(path, "/")[0])
	AnswerJSON(w, http.StatusOK, resource)
}

// keep stores the next version.
func (f *FHIRServer) keep(path string, resource map[string]any) {
	version := 0
	if stored := f.resources[path]; stored != nil {
		meta, _ := stored["meta"].(map[string]any)
		_, _ = fmt.Sscan(fmt.Sprint(meta["versionId"]), &version)
	}
	meta, _ := resource["meta"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["versionId"] = fmt.Sprint(version + 1)
	resource["meta"], resource["id"] = meta, strings.Split(path, "/")[1]
	f.resources[path] = resource
}

// Put stores something from the server's own side.
func (f *FHIRServer) Put(path, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var resource map[string]any
	if err := json.Unmarshal([]byte(text), &resource); err != nil {
		panic(err)
	}
	f.keep(path, resource)
}

// Did is what changed something: "PUT Encounter".
func (f *FHIRServer) Did() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// All of a kind.
func (f *FHIRServer) All(kind string) []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []map[string]any
	for path, resource := range f.resources {
		if strings.HasPrefix(path, kind+"/") {
			found = append(found, resource)
		}
	}
	return found
}

// Tokens is how many were given out.
func (f *FHIRServer) Tokens() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens
}

// Refuse answers the next request of each kind with trouble.
func (f *FHIRServer) Refuse(all ...Trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = append(f.refuse, all...)
}
