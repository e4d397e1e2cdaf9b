package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/web"
)

func TestInvite(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	verifier := h.keys.Verifier(h.keys.Config())
	for _, test := range []struct {
		name    string
		order   object
		role    auth.Role
		display string
		expires time.Time
	}{
		{"a patient on the roster", object{"person": "p1"}, auth.Patient, "Ana B.", time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC)},
		{"with another name", object{"person": "p1", "name": "Anabel B.", "role": "patient"}, auth.Patient, "Anabel B.", time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC)},
		{"the facilitator, for an hour", object{"person": "t1", "ttl_seconds": 3600}, auth.Facilitator, "Ruth T.", time.Date(2026, 11, 2, 13, 0, 0, 0, time.UTC)},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "POST", path: "/v1/sessions/s1/invites", body: test.order})
			h.want(answer, http.StatusCreated)
			if got := answer.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", got)
			}
			var link struct {
				Token, URL string
				Expires    time.Time
			}
			h.decode(answer, &link)
			if !link.Expires.Equal(test.expires) {
				t.Errorf("expires = %v, want %v", link.Expires, test.expires)
			}
			grant, err := verifier.VerifyJoin(t.Context(), link.Token)
			if err != nil {
				t.Fatal(err)
			}
			if grant.Subject() != test.order["person"] || grant.Session() != "s1" || grant.Role() != test.role || grant.Name() != test.display {
				t.Errorf("grant = %v %s %q, want the person's", grant.LogValue(), grant.Role(), grant.Name())
			}
			at, err := url.Parse(link.URL)
			if err != nil {
				t.Fatal(err)
			}
			if at.Scheme != "https" || at.Host != "group.example.org" || at.Path != "/" || at.RawQuery != "" || at.Fragment != "t="+link.Token {
				t.Errorf("url = %s, want the public address with the token in the fragment and nowhere else", at.Redacted())
			}
		})
	}
}

func TestBadInvites(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	for _, c := range []call{
		{method: "PUT", path: "/v1/people/p3", body: object{"role": "patient"}},
		{method: "PUT", path: "/v1/sessions/old", body: with(evening(), "scheduled_start", "2026-10-02T18:00:00Z", "scheduled_end", "2026-10-02T21:00:00Z")},
		{method: "PUT", path: "/v1/sessions/off", body: with(evening(), "status", "cancelled_by_program")},
	} {
		h.want(h.do(c), http.StatusCreated)
	}
	for _, test := range []struct {
		name, session string
		order         object
		pointers      []string
	}{
		{"nobody", "s1", object{}, []string{"/person"}},
		{"somebody unknown", "s1", object{"person": "p9"}, []string{"/person"}},
		{"a patient of another group", "s1", object{"person": "p3"}, []string{"/person"}},
		{"a patient as facilitator", "s1", object{"person": "p1", "role": "facilitator"}, []string{"/role"}},
		{"a name of two lines", "s1", object{"person": "p1", "name": "A\nB"}, []string{"/name"}},
		{"for a second", "s1", object{"person": "p1", "ttl_seconds": 1}, []string{"/ttl_seconds"}},
		{"for ever", "s1", object{"person": "p1", "ttl_seconds": 1 << 40}, []string{"/ttl_seconds"}},
		{"a session of last month", "old", object{"person": "p1"}, []string{"/ttl_seconds"}},
		{"a cancelled session", "off", object{"person": "p1"}, []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "POST", path: "/v1/sessions/" + test.session + "/invites", body: test.order})
			samePointers(t, h.problem(answer, http.StatusUnprocessableEntity, "invalid").Errors, test.pointers)
		})
	}
	missing := h.do(call{method: "POST", path: "/v1/sessions/s9/invites", body: object{"person": "p1"}})
	h.problem(missing, http.StatusNotFound, "not_found")
}

func with(o object, pairs ...string) object {
	for i := 0; i < len(pairs); i += 2 {
		o[pairs[i]] = pairs[i+1]
	}
	return o
}

func TestNoMinterNoInvites(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Minter = nil })
	h.furnish()
	answer := h.do(call{method: "POST", path: "/v1/sessions/s1/invites", body: object{"person": "p1"}})
	h.problem(answer, http.StatusNotImplemented, "no_invites")
}

func TestRevocation(t *testing.T) {
	h := newHouse(t)
	order := object{"person": "p1", "session": "s1", "until": "2026-12-01T00:00:00Z"}
	h.want(h.do(call{method: "POST", path: "/v1/revocations", body: order}), http.StatusCreated)
	h.want(h.do(call{method: "POST", path: "/v1/revocations", body: object{"token_id": "jti-7"}}), http.StatusCreated)
	want := []auth.Revocation{ // in force from the store's now, whatever our clock says
		{Subject: "p1", Session: "s1", Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
		{TokenID: "jti-7", Until: h.now.Add(auth.DefaultMaxLifetime + auth.Skew)},
	}
	if diff := cmp.Diff(want, h.store.revoked); diff != "" {
		t.Errorf("revocations differ (-want +got):\n%s", diff)
	}
	if got := strings.Join(h.rooms.expelled, ", "); got != "s1 p1 revoked" {
		t.Errorf("expelled = %q, want p1 out of s1 at once", got)
	}
}

func TestBadRevocations(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		name     string
		order    object
		pointers []string
	}{
		{"of nothing", object{}, []string{""}},
		{"of both", object{"token_id": "x", "person": "p1"}, []string{"/token_id"}},
		{"of half a place", object{"person": "p1"}, []string{"/session"}},
		{"of the other half", object{"session": "s1"}, []string{"/person"}},
		{"of no id", object{"token_id": "a b"}, []string{"/token_id"}},
		{"in the past", object{"token_id": "x", "until": "2026-11-02T12:00:00Z"}, []string{"/until"}},
		{"for ever", object{"token_id": "x", "until": "2099-11-02T12:00:00Z"}, []string{"/until"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "POST", path: "/v1/revocations", body: test.order})
			samePointers(t, h.problem(answer, http.StatusUnprocessableEntity, "invalid").Errors, test.pointers)
		})
	}
	if len(h.store.revoked)+len(h.rooms.expelled) > 0 {
		t.Errorf("revoked %v, expelled %v, want nothing done", h.store.revoked, h.rooms.expelled)
	}
}
