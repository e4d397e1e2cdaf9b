package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"viop/auth"
	"viop/auth/authtest"
	"viop/web"
)

func TestContractIsValid(t *testing.T) {
	h := newHouse(t)
	if err := h.contract.Validate(t.Context()); err != nil {
		t.Errorf("api/openapi.yaml is not OpenAPI 3.1: %v", err)
	}
	served := h.do(call{method: "GET", path: "/v1/openapi.yaml", token: "none"})
	file, err := os.ReadFile("api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if served.Body.String() != string(file) {
		t.Error("/v1/openapi.yaml is not api/openapi.yaml")
	}
}

// Everything that is served is in the contract, with the scope that is asked
// for, and the other way round.
func TestContractIsTheRoutes(t *testing.T) {
	h := newHouse(t)
	served := []string{"GET /v1/ws", "GET /metrics"} // mounted, not operations of ours
	for _, op := range web.Operations() {
		served = append(served, op.Method+" "+op.Path)
		item := h.contract.Paths.Value(op.Path)
		if item == nil || item.GetOperation(op.Method) == nil {
			t.Errorf("%s %s is served, but not in the contract", op.Method, op.Path)
			continue
		}
		doc := item.GetOperation(op.Method)
		scope, _ := doc.Extensions["x-scope"].(string)
		if scope != string(op.Scope) {
			t.Errorf("%s %s asks for the scope %q, the contract says %q", op.Method, op.Path, op.Scope, scope)
		}
		if open := doc.Security != nil && len(*doc.Security) == 0; open != (op.Scope == "") {
			t.Errorf("%s %s: open to everybody = %v, the contract says %v", op.Method, op.Path, op.Scope == "", open)
		}
	}
	for path, item := range h.contract.Paths.Map() {
		for method := range item.Operations() {
			if !slices.Contains(served, method+" "+path) {
				t.Errorf("%s %s is in the contract, but not served", method, path)
			}
		}
	}
}

func TestEveryOperationAsksForItsScope(t *testing.T) {
	h := newHouse(t)
	for _, op := range web.Operations() {
		if op.Scope == "" {
			continue
		}
		t.Run(op.Method+" "+op.Path, func(t *testing.T) {
			h := h.in(t)
			path := strings.NewReplacer("{id}", "s1", "{person}", "p1").Replace(op.Path)
			refused := h.do(call{method: op.Method, path: path, token: "none"})
			h.problem(refused, http.StatusUnauthorized, "unauthorized")
			if got := refused.Header().Get("WWW-Authenticate"); got != `Bearer realm="viop"` {
				t.Errorf("WWW-Authenticate = %q, want a bare challenge", got)
			}
			others := slices.DeleteFunc(auth.AllScopes(), func(s auth.Scope) bool { return s == op.Scope })
			refused = h.do(call{method: op.Method, path: path, token: h.keys.API("scheduler", others...)})
			h.problem(refused, http.StatusForbidden, "insufficient_scope")
			if got := refused.Header().Get("WWW-Authenticate"); !strings.Contains(got, `scope="`+string(op.Scope)+`"`) {
				t.Errorf("WWW-Authenticate = %q, want it to name %s", got, op.Scope)
			}
		})
	}
	if len(h.store.sessions)+len(h.store.people)+len(h.store.programs)+len(h.store.revoked) > 0 {
		t.Error("something was stored for a caller who may not")
	}
}

func TestBadTokens(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	for _, test := range []struct{ name, token, detail string }{
		{"a join token is not for the API", h.keys.Join("s1", "p1", auth.Patient), "another purpose"},
		{"not a token", "hello", "not a JSON Web Token"},
		{"another key", authtest.New(t, h.clock).API("scheduler", auth.SessionsRead), "signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "GET", path: "/v1/sessions/s1", token: test.token})
			p := h.problem(answer, http.StatusUnauthorized, "unauthorized")
			if !strings.Contains(p.Detail, test.detail) {
				t.Errorf("detail = %q, want it to say %q", p.Detail, test.detail)
			}
			if strings.Contains(answer.Body.String(), test.token) {
				t.Error("the answer repeats the token")
			}
		})
	}
}

func TestTokenOfOneSession(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	minter, err := auth.NewMinter(h.keys.Config(), h.clock)
	if err != nil {
		t.Fatal(err)
	}
	token, err := minter.API(auth.APIToken{
		Subject: "biller", Scopes: auth.AllScopes(), Session: "s1", Expires: h.now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.want(h.do(call{method: "GET", path: "/v1/sessions/s1", token: token}), http.StatusOK)
	for _, c := range []call{
		{method: "GET", path: "/v1/sessions/s2"},
		{method: "GET", path: "/v1/people/p1"},
		{method: "GET", path: "/v1/people/p1/weeks?from=2026-11-02&to=2026-11-08"},
		{method: "GET", path: "/v1/programs/evening/weeks"},
		{method: "POST", path: "/v1/sessions/s2/corrections", body: object{"op": "extend_window", "reason": "payer_rule"}},
		{method: "POST", path: "/v1/sessions/s2/signatures", body: object{}},
		{method: "GET", path: "/v1/sessions?from=2026-11-01T00:00:00Z&to=2026-11-08T00:00:00Z"},
		{method: "POST", path: "/v1/revocations", body: object{"person": "p1", "session": "s1"}},
	} {
		c.token = token
		h.problem(h.do(c), http.StatusForbidden, "other_session")
	}
}

// Addresses and methods that are not there answer with problem documents too.
func TestNowhere(t *testing.T) {
	h := newHouse(t)
	h.problem(h.do(call{method: "GET", path: "/v1/rooms"}), http.StatusNotFound, "not_found")
	answer := h.do(call{method: "PATCH", path: "/v1/sessions/s1", body: object{}})
	h.problem(answer, http.StatusMethodNotAllowed, "method_not_allowed")
	if got := answer.Header().Get("Allow"); got != "DELETE, GET, PUT" {
		t.Errorf("Allow = %q, want DELETE, GET, PUT", got)
	}
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/Ana%20B."}), http.StatusBadRequest, "invalid_parameter")
}

func TestRateLimit(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Rate, c.Burst = 1, 2 })
	h.furnishDirectly()
	read := call{method: "GET", path: "/v1/sessions/s1"}
	h.want(h.do(read), http.StatusOK)
	h.want(h.do(read), http.StatusOK)
	answer := h.do(read)
	h.problem(answer, http.StatusTooManyRequests, "too_many_requests")
	if got := answer.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After = %q, want 1", got)
	}
	read.token = h.keys.API("somebody-else", auth.SessionsRead)
	h.want(h.do(read), http.StatusOK)
	read.token = ""
	h.now = h.now.Add(time.Second)
	h.want(h.do(read), http.StatusOK)
}

func TestPanicIsAProblem(t *testing.T) {
	h := newHouse(t, func(c *web.Config) {
		c.Signaling = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("Ana B. said so") })
	})
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/ws", nil))
	p := h.problem(answer, http.StatusInternalServerError, "internal")
	id := strings.TrimPrefix(p.Instance, "urn:viop:request:")
	if log := h.log.String(); !strings.Contains(log, id) || strings.Contains(log, "Ana") {
		t.Errorf("log = %s\nwant the request's id %s and nothing of what was thrown", log, id)
	}
}

// Who reads the log learns ids, and nothing that opens a door or names a
// person.
func TestLogHoldsIDsOnly(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	answer := h.do(call{method: "POST", path: "/v1/sessions/s1/invites", body: object{"person": "p1", "name": "Anabel"}})
	h.want(answer, http.StatusCreated)
	var link struct{ Token string }
	h.decode(answer, &link)
	h.do(call{method: "GET", path: "/v1/sessions?from=2026-11-01T00:00:00Z&to=2026-11-08T00:00:00Z"})
	h.do(call{method: "GET", path: "/Ana-was-here"})
	log := h.log.String()
	for _, never := range []string{"Ana", "Ruth", link.Token, "Bearer", "from=", "192.0.2.1"} {
		if strings.Contains(log, never) {
			t.Errorf("the log holds %q", never)
		}
	}
	for _, want := range []string{"POST /v1/sessions/{id}/invites", "sub=scheduler", "id=s1", "status=201"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q:\n%s", want, log)
		}
	}
}
