package delivery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
)

// fhirServer plays the other side: it keeps resources with versions, searches
// by identifier and tag, takes conditional creates (If-None-Exist) and
// version-aware updates (If-Match), and gives out tokens for five minutes.
type fhirServer struct {
	mu        sync.Mutex                // guards the rest
	resources map[string]map[string]any // "Encounter/1" -> resource
	next      int
	requests  []string // "PUT Encounter" that changed something
	tokens    int      // given out
	token     string   // in force
	refuse    []trouble
	lies      func(http.ResponseWriter, *http.Request) bool // answers instead, if it likes
}

// trouble is what the next request of a kind is answered with.
type trouble struct {
	request string // "PUT Appointment"
	status  int
	header  string // "Retry-After: 60"
}

func newFHIRServer() *fhirServer {
	return &fhirServer{resources: map[string]map[string]any{}}
}

// RoundTrip serves without a network.
func (f *fhirServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

func (f *fhirServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path == "/token" {
		f.giveToken(w, r)
		return
	}
	if f.lies != nil && f.lies(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+f.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/fhir/")
	kind, id, _ := strings.Cut(path, "/")
	for i, t := range f.refuse {
		if t.request == r.Method+" "+kind {
			f.refuse = slices.Delete(f.refuse, i, i+1)
			if name, value, ok := strings.Cut(t.header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(t.status)
			return
		}
	}
	switch {
	case path == "metadata":
		answerJSON(w, http.StatusOK, map[string]any{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
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

func (f *fhirServer) giveToken(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil || id != "viop" || secret != "open-sesame" || r.Form.Get("grant_type") != "client_credentials" {
		answerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	f.tokens++
	f.token = fmt.Sprintf("token-%d", f.tokens)
	answerJSON(w, http.StatusOK, map[string]any{"access_token": f.token, "token_type": "Bearer", "expires_in": 300})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/fhir+json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// matching are the paths of those that a search finds.
func (f *fhirServer) matching(kind string, query url.Values) []string {
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

func (f *fhirServer) search(w http.ResponseWriter, kind string, query url.Values) {
	entries := []any{}
	for _, path := range f.matching(kind, query) {
		entries = append(entries, map[string]any{"resource": f.resources[path], "search": map[string]any{"mode": "match"}})
	}
	answerJSON(w, http.StatusOK, map[string]any{"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

func (f *fhirServer) read(w http.ResponseWriter, path string) {
	resource := f.resources[path]
	if resource == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", etagOf(resource))
	answerJSON(w, http.StatusOK, resource)
}

func etagOf(resource map[string]any) string {
	meta, _ := resource["meta"].(map[string]any)
	return fmt.Sprintf(`W/"%v"`, meta["versionId"])
}

func (f *fhirServer) create(w http.ResponseWriter, r *http.Request, kind string) {
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
		answerJSON(w, http.StatusCreated, resource)
	case 1:
		answerJSON(w, http.StatusOK, f.resources[found[0]])
	default:
		w.WriteHeader(http.StatusPreconditionFailed)
	}
}

func (f *fhirServer) update(w http.ResponseWriter, r *http.Request, path string) {
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
	answerJSON(w, http.StatusOK, resource)
}

// keep stores the next version.
func (f *fhirServer) keep(path string, resource map[string]any) {
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

// put stores something from the server's own side.
func (f *fhirServer) put(path, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var resource map[string]any
	if err := json.Unmarshal([]byte(text), &resource); err != nil {
		panic(err)
	}
	f.keep(path, resource)
}

func (f *fhirServer) did() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// all of a kind.
func (f *fhirServer) all(kind string) []map[string]any {
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

func (f *fhirServer) trouble(request string, status int, header string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = append(f.refuse, trouble{request, status, header})
}

// inClinic is a house with a FHIR destination.
func inClinic(t *testing.T, test func(*testing.T, *house, *fhirServer)) {
	t.Helper()
	inHouse(t, func(t *testing.T, h *house) {
		server := newFHIRServer()
		h.courier.UseTransport(server)
		h.put(delivery.Destination{
			ID: "clinic", Kind: delivery.FHIR, Basis: delivery.QSOA, Enabled: true, Start: delivery.AtBeginning,
			URL: "https://clinic.example/fhir", System: "https://iop.example.org",
			OAuth: &delivery.OAuth{TokenURL: "https://clinic.example/token", ClientID: "viop", ClientSecret: "open-sesame"},
		})
		test(t, h, server)
	})
}

// attended tells a version of a record with that many credited minutes.
func (f *script) attended(version, minutes int) {
	f.tell("s1", "p1", version)
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.told[len(f.told)-1].Item.Record
	r.Status, r.CreditedMS = attendance.StatusAttended, int64(minutes)*60_000
	start := attendance.At(time.Date(2026, 11, 2, 18, 0, 0, 0, time.UTC))
	r.About = &records.About{Timezone: "America/Chicago", Start: start, End: start + 10_800_000, Appointment: "Appointment/apt-7"}
}

// withdraw makes the last entry one of a record that is no more.
func (f *script) withdraw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.told[len(f.told)-1].Item.Record
	r.Status, r.About = export.StatusWithdrawn, nil
}

func (h *house) wantClinic(s *fhirServer, kind, field string, want ...string) {
	h.t.Helper()
	var got []string
	for _, r := range s.all(kind) {
		var value any = r
		for name := range strings.SplitSeq(field, ".") {
			m, _ := value.(map[string]any)
			value = m[name]
		}
		got = append(got, fmt.Sprint(value))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.t.Errorf("%s.%s = %q, want %q", kind, field, got, want)
	}
}

const booked = `{"resourceType":"Appointment","id":"apt-7","status":"booked","comment":"theirs","participant":[{"status":"accepted"}]}`

// A record is one Encounter, whatever happens to it; the scheduling system's
// appointment gets a status and keeps everything else.
func TestAmendmentIsTheSameResource(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		s.put("Appointment/apt-7", booked)
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9000")
		h.wantClinic(s, "Appointment", "status", "fulfilled")
		h.wantClinic(s, "Appointment", "comment", "theirs")
		h.feed.attended(2, 160)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
		want := []string{"POST Encounter", "PUT Appointment", "PUT Encounter"}
		got := slices.DeleteFunc(s.did(), func(request string) bool { return strings.HasSuffix(request, " Task") })
		if !slices.Equal(got, want) {
			t.Errorf("the server was asked for %q, want %q and tasks", got, want)
		}
		if s.tokens != 1 {
			t.Errorf("%d tokens were asked for, want one for all", s.tokens)
		}
	})
}

// A record that is no more stays, as an error; the appointment is theirs.
func TestWithdrawnRecord(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		s.put("Appointment/apt-7", booked)
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.feed.attended(2, 0)
		h.feed.withdraw()
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "status", "entered-in-error")
		h.wantClinic(s, "Encounter", "length.value", "0")
		h.wantClinic(s, "Appointment", "status", "fulfilled")
	})
}

// A letter that is sent late writes what the record says by now.
func TestFormerMinutesDoNotComeBack(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		s.trouble("POST Encounter", http.StatusInternalServerError, "")
		h.feed.attended(1, 150)
		h.pass(2 * delivery.LookEvery)
		h.feed.attended(2, 160)
		h.pass(6 * time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
	})
}

// Whatever goes wrong on the way, in the end it is there, once.
func TestTroubleOnTheWay(t *testing.T) {
	for _, test := range []struct {
		name     string
		trouble  []trouble
		attempts int
	}{
		{"nothing", nil, 1},
		{"half of it fails", []trouble{{"PUT Appointment", 500, ""}}, 2},
		{"the search fails", []trouble{{"GET Encounter", 503, "Retry-After: 60"}}, 2},
		{"somebody changed the appointment in between", []trouble{{"PUT Appointment", 412, ""}, {"PUT Appointment", 409, ""}}, 1},
		{"somebody is writing the encounter", []trouble{{"POST Encounter", 409, ""}}, 1},
		{"too many requests", []trouble{{"POST Encounter", 429, "Retry-After: 120"}, {"POST Encounter", 429, ""}}, 3},
		{"a token is refused", []trouble{{"POST Encounter", 401, ""}}, 1},
		{"all at once", []trouble{{"GET Encounter", 502, ""}, {"POST Encounter", 401, ""}, {"POST Encounter", 504, ""}, {"PUT Appointment", 412, ""}, {"PUT Appointment", 500, ""}}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
				s.put("Appointment/apt-7", booked)
				for _, one := range test.trouble {
					s.trouble(one.request, one.status, one.header)
				}
				h.feed.attended(1, 150)
				h.until("it is brought", func() bool { return h.status("clinic").LastDelivered != nil })
				h.wantClinic(s, "Encounter", "length.value", "9000")
				h.wantClinic(s, "Appointment", "status", "fulfilled")
				log, err := h.courier.Log(t.Context(), "clinic", 10)
				if err != nil || len(log) != test.attempts || log[0].Result != delivery.Delivered {
					t.Errorf("log = %+v, %v, want %d attempts, the last of them a success", log, err, test.attempts)
				}
				if s := h.status("clinic"); s.Queued != 0 || s.DeadLetters != 0 {
					t.Errorf("status = %+v, want nothing left", s)
				}
			})
		})
	}
}

// Tokens are renewed before they run out.
func TestTokensRunOut(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.pass(6 * time.Minute)
		h.feed.attended(2, 160)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
		if s.tokens != 2 {
			t.Errorf("%d tokens were asked for, want two in seven minutes", s.tokens)
		}
		if log, err := h.courier.Log(t.Context(), "clinic", 10); err != nil || len(log) != 2 {
			t.Errorf("log = %+v, %v, want two attempts", log, err)
		}
	})
}

// A server that does not search finds other people's resources: nothing of
// theirs is touched.
func TestServerThatDoesNotSearch(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		for i := range 292 {
			s.put(fmt.Sprintf("Encounter/other-%d", i), fmt.Sprintf(`{"resourceType":"Encounter","status":"finished","identifier":[{"system":"urn:x","value":"%d"}]}`, i))
		}
		s.lies = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || r.URL.Path != "/fhir/Encounter" {
				return false
			}
			entries := []any{}
			for _, resource := range s.resources {
				entries = append(entries, map[string]any{"resource": resource})
			}
			answerJSON(w, http.StatusOK, map[string]any{"resourceType": "Bundle", "entry": entries})
			return true
		}
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		if got := s.did(); len(got) > 0 {
			t.Errorf("the server was asked for %q, want nothing written", got)
		}
		failed := h.status("clinic").LastFailed
		if failed == nil || !strings.Contains(failed.Problem, "does not search") {
			t.Errorf("last failure = %+v, want it to say why", failed)
		}
	})
}

// Two resources of ours are for people to sort out.
func TestSeveralOfOurs(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		for _, id := range []string{"a", "b"} {
			s.put("Encounter/"+id, `{"resourceType":"Encounter","identifier":[{"system":"https://iop.example.org/sid/attendance","value":"s1/p1"}]}`)
		}
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		if got := s.did(); len(got) > 0 {
			t.Errorf("the server was asked for %q, want nothing written", got)
		}
	})
}

func TestTestOfFHIR(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *fhirServer) {
		if a, err := h.courier.Test(t.Context(), "clinic"); err != nil || a.Result != delivery.Delivered {
			t.Errorf("Test = %+v, %v", a, err)
		}
		h.pass(delivery.TestEvery)
		s.lies = func(w http.ResponseWriter, _ *http.Request) bool {
			answerJSON(w, http.StatusOK, map[string]any{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"})
			return true
		}
		if a, err := h.courier.Test(t.Context(), "clinic"); err != nil || a.Result != delivery.Refused {
			t.Errorf("Test of R5 = %+v, %v, want it refused", a, err)
		}
	})
}
