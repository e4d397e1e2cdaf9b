package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/prometheus/client_golang/prometheus"

	"viop/auth"
	"viop/auth/authtest"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
	"viop/web"
)

// house is the handler under test with everything around it. Whatever is
// asked of it is held against the contract.
type house struct {
	t        *testing.T
	keys     *authtest.Keyring
	store    *memory
	books    *books
	feed     *feed
	gate     *gate
	kept     web.Store // the one that is asked: store, or what a test puts in its place
	rooms    *node
	log      *bytes.Buffer
	now      time.Time
	contract *openapi3.T
	// doors are the contract's paths, to find the operation of a request.
	doors   *http.ServeMux
	handler http.Handler
}

// newHouse serves what change makes of the usual configuration.
func newHouse(t *testing.T, change ...func(*web.Config)) *house {
	t.Helper()
	h := &house{t: t, rooms: &node{}, log: &bytes.Buffer{}, now: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)}
	h.keys = authtest.New(t, h.clock)
	h.store = newMemory(h.clock)
	h.books = &books{store: h.store}
	h.feed, h.gate = newFeed(), newGate()
	minter, err := auth.NewMinter(h.keys.Config(), h.clock)
	if err != nil {
		t.Fatal(err)
	}
	public, err := url.Parse("https://group.example.org")
	if err != nil {
		t.Fatal(err)
	}
	cfg := web.Config{
		Store: h.store, Books: h.books, Feed: h.feed, Teller: h.feed, Gate: h.gate, Rooms: h.rooms, Provenance: web.Provenance{Evaluator: "test", TZData: "2026a"}, Verifier: h.keys.Verifier(h.keys.Config()), Minter: minter,
		Signaling: http.NotFoundHandler(), Metrics: prometheus.NewRegistry(), Public: public, TLS: true,
		Log: slog.New(slog.NewTextHandler(h.log, nil)), Now: h.clock,
	}
	for _, c := range change {
		c(&cfg)
	}
	h.kept = cfg.Store
	if h.handler, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	h.readContract()
	return h
}

// in is the same house, reporting to a subtest.
func (h *house) in(t *testing.T) *house {
	sub := *h
	sub.t = t
	return &sub
}

func (h *house) clock() time.Time { return h.now }

// readsFiles makes files of imports texts to whoever holds them to the contract.
var readsFiles = sync.OnceFunc(func() {
	for _, kind := range []string{"text/calendar", "application/fhir+json", "application/fhir+ndjson"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
})

func (h *house) readContract() {
	h.t.Helper()
	text, err := os.ReadFile("api/openapi.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	if h.contract, err = openapi3.NewLoader().LoadFromData(text); err != nil {
		h.t.Fatal(err)
	}
	readsFiles()
	h.doors = http.NewServeMux()
	for path, item := range h.contract.Paths.Map() {
		for method := range item.Operations() {
			h.doors.Handle(method+" "+path, http.NotFoundHandler())
		}
	}
}

// call is one request; the zero value of a field is the usual thing.
type call struct {
	method, path string
	body         any // marshalled, unless it is a string
	token        string
	header       map[string]string
}

// do sends the call as somebody with every scope, unless it has a token
// ("none" is no token), and checks that the answer is one the contract knows.
// A request that was accepted has to be one the contract would accept.
func (h *house) do(c call) *httptest.ResponseRecorder {
	h.t.Helper()
	request := h.request(c)
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, request)
	h.check(h.request(c), answer)
	return answer
}

func (h *house) request(c call) *http.Request {
	h.t.Helper()
	text, isText := c.body.(string)
	if c.body != nil && !isText {
		b, err := json.Marshal(c.body)
		if err != nil {
			h.t.Fatal(err)
		}
		text = string(b)
	}
	request := httptest.NewRequestWithContext(h.t.Context(), c.method, c.path, strings.NewReader(text))
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	switch c.token {
	case "":
		request.Header.Set("Authorization", "Bearer "+h.keys.API("scheduler", auth.AllScopes()...))
	case "none":
	default:
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	return request
}

func (h *house) check(request *http.Request, answer *httptest.ResponseRecorder) {
	h.t.Helper()
	_, pattern := h.doors.Handler(request)
	if pattern == "" {
		return // not an address of the contract: the test looks for itself
	}
	_, path, _ := strings.Cut(pattern, " ")
	item := h.contract.Paths.Value(path)
	method := request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	in := &openapi3filter.RequestValidationInput{
		Request: request,
		Route: &routers.Route{
			Spec: h.contract, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method),
		},
		PathParams: pathParams(path, request.URL.Path),
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
			SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true,
		},
	}
	if answer.Code < 400 {
		if err := openapi3filter.ValidateRequest(h.t.Context(), in); err != nil {
			h.t.Errorf("%s %s was answered %d, but the contract refuses it: %v", request.Method, request.URL.Path, answer.Code, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: in.Options,
	}
	out.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(h.t.Context(), out); err != nil {
		h.t.Errorf("%s %s: the answer %d is not in the contract: %v", request.Method, request.URL.Path, answer.Code, err)
	}
}

// pathParams are the {names} of the pattern in the path. A name takes all of a
// segment but what stands right behind it, as in {id}.csv.
func pathParams(pattern, path string) map[string]string {
	params := map[string]string{}
	values := strings.Split(path, "/")
	for i, part := range strings.Split(pattern, "/") {
		if name, behind, ok := strings.Cut(strings.TrimPrefix(part, "{"), "}"); ok && strings.HasPrefix(part, "{") {
			params[name] = strings.TrimSuffix(values[i], behind)
		}
	}
	return params
}

// want fails unless the answer has the status.
func (h *house) want(answer *httptest.ResponseRecorder, status int) {
	h.t.Helper()
	if answer.Code != status {
		h.t.Fatalf("status = %d, want %d; the answer: %s", answer.Code, status, answer.Body)
	}
}

type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        form.Problems
}

// problem fails unless the answer is the problem document with that word.
func (h *house) problem(answer *httptest.ResponseRecorder, status int, word string) problem {
	h.t.Helper()
	h.want(answer, status)
	var p problem
	h.decode(answer, &p)
	if got := answer.Header().Get("Content-Type"); got != "application/problem+json" {
		h.t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if p.Type != "urn:viop:problem:"+word || p.Status != status || p.Title == "" || p.Instance == "" {
		h.t.Errorf("problem = %+v, want type …:%s, status %d, a title and an instance", p, word, status)
	}
	return p
}

func (h *house) decode(answer *httptest.ResponseRecorder, v any) {
	h.t.Helper()
	if err := json.Unmarshal(answer.Body.Bytes(), v); err != nil {
		h.t.Fatalf("%v in %s", err, answer.Body)
	}
}

type object = map[string]any

func evening() object {
	return object{
		"program": "evening", "title": "Monday evening", "service": "group",
		"scheduled_start": "2026-11-02T18:00:00-06:00", "scheduled_end": "2026-11-02T21:00:00-06:00",
		"roster": []string{"p1", "p2"}, "facilitators": []string{"t1"},
	}
}

// furnish puts in a program, a facilitator, two patients and session s1.
func (h *house) furnish() {
	h.t.Helper()
	for _, c := range []call{
		{method: "PUT", path: "/v1/programs/evening", body: object{"timezone": "America/Chicago"}},
		{method: "PUT", path: "/v1/people/t1", body: object{"role": "facilitator", "name": "Ruth T."}},
		{method: "PUT", path: "/v1/people/p1", body: object{"role": "patient", "name": "Ana B.", "program": "evening"}},
		{method: "PUT", path: "/v1/people/p2", body: object{"role": "patient", "name": "Bo C."}},
		{method: "PUT", path: "/v1/sessions/s1", body: evening()},
	} {
		h.want(h.do(c), http.StatusCreated)
	}
}

// furnishDirectly puts the same session in without a call of the API.
func (h *house) furnishDirectly() {
	h.t.Helper()
	text, err := json.Marshal(evening())
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := schedule.ReadSession(text)
	if err != nil {
		h.t.Fatal(err)
	}
	s.ID = "s1"
	if _, _, err := h.store.PutSession(h.t.Context(), s, schedule.Condition{}); err != nil {
		h.t.Fatal(err)
	}
}
