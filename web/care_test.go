package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"viop/auth"
	"viop/web"
)

// documentsOfCare are the smaller documents, each with two versions.
func documentsOfCare() []struct {
	path       string
	body, next object
} {
	level := func(profile string) object {
		return object{"levels": []object{
			{"start": "2026-09-01T00:00:00-05:00", "end": "2026-10-01T00:00:00-05:00", "profile": "php", "level": "2.5"},
			{"start": "2026-10-01T00:00:00-05:00", "profile": profile, "level": "2.1"},
		}}
	}
	granted := func(count int) object {
		return object{"person": "p1", "payer": "Payer", "reference": "AUTH-77", "unit": "day", "count": count, "from": "2026-10-01", "to": "2026-12-31"}
	}
	return []struct {
		path       string
		body, next object
	}{
		{"/v1/cohorts/blue", blue(), blue(object{"person": "p2", "from": "2026-07-02"})},
		{"/v1/people/p1/enrollment", level("generic_adult"), level("generic_adolescent")},
		{"/v1/authorizations/a1", granted(12), granted(24)},
		{"/v1/sessions/s1/excuses/p1", object{"by": "patient"}, object{"by": "program"}},
	}
}

func TestDocumentsOfCare(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		for _, d := range documentsOfCare() {
			t.Run(d.path, func(t *testing.T) {
				h := h.in(t)
				h.problem(h.do(call{method: "GET", path: d.path}), http.StatusNotFound, "not_found")
				h.problem(h.do(call{method: "DELETE", path: d.path}), http.StatusNotFound, "not_found")
				created := h.do(call{method: "PUT", path: d.path, body: d.body, header: map[string]string{"If-None-Match": "*"}})
				h.want(created, http.StatusCreated)
				first := created.Header().Get("ETag")
				read := h.do(call{method: "GET", path: d.path})
				h.want(read, http.StatusOK)
				if read.Header().Get("ETag") != first || read.Body.String() != created.Body.String() {
					t.Errorf("read: %s %s, want what was put in, %s", read.Header().Get("ETag"), read.Body, first)
				}
				h.want(h.do(call{method: "GET", path: d.path, header: map[string]string{"If-None-Match": first}}), http.StatusNotModified)
				changed := h.do(call{method: "PUT", path: d.path, body: d.next, header: map[string]string{"If-Match": first}})
				h.want(changed, http.StatusOK)
				if changed.Header().Get("ETag") == first || changed.Body.String() == created.Body.String() {
					t.Errorf("changed: %s %s, want another version", changed.Header().Get("ETag"), changed.Body)
				}
				stale := map[string]string{"If-Match": first}
				h.problem(h.do(call{method: "PUT", path: d.path, body: d.body, header: stale}), http.StatusPreconditionFailed, "precondition_failed")
				h.problem(h.do(call{method: "DELETE", path: d.path, header: stale}), http.StatusPreconditionFailed, "precondition_failed")
				h.want(h.do(call{method: "DELETE", path: d.path}), http.StatusNoContent)
				h.problem(h.do(call{method: "GET", path: d.path}), http.StatusNotFound, "not_found")
			})
		}
	})
}

// The names that other systems have for a patient come back as they were put
// in.
func TestIdentifiers(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		body := object{"role": "patient", "identifiers": []object{{"system": "urn:oid:1.2.3", "value": "MRN 0815"}}}
		h.want(h.do(call{method: "PUT", path: "/v1/people/p1", body: body}), http.StatusOK)
		if text := h.do(call{method: "GET", path: "/v1/people/p1"}).Body.String(); !strings.Contains(text, `"identifiers":[{"system":"urn:oid:1.2.3","value":"MRN 0815"}]`) {
			t.Errorf("person = %s, want the identifier", text)
		}
	})
}

func TestListsOfDocuments(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		for i := range 5 {
			h.want(h.do(call{method: "PUT", path: fmt.Sprintf("/v1/cohorts/c%d", i), body: blue()}), http.StatusCreated)
			h.want(h.do(call{method: "PUT", path: fmt.Sprintf("/v1/authorizations/a%d", i), body: documentsOfCare()[2].body}), http.StatusCreated)
			series := mondays()
			series["cohort"] = "c0"
			series["from"], series["until"] = "2027-01-01", "2027-01-31"
			h.want(h.do(call{method: "PUT", path: fmt.Sprintf("/v1/series/x%d", i), body: series}), http.StatusCreated)
		}
		for list, want := range map[string]string{
			"/v1/cohorts?program=evening": "c0 c1 c2 c3 c4", "/v1/series?program=evening": "x0 x1 x2 x3 x4",
			"/v1/authorizations?person=p1": "a0 a1 a2 a3 a4", "/v1/authorizations?person=p2": "",
		} {
			var got []string
			for after := ""; ; {
				answer := h.do(call{method: "GET", path: list + "&limit=2" + after})
				h.want(answer, http.StatusOK)
				var page struct {
					Cohorts, Series, Authorizations []struct{ ID string }
					Next                            string
				}
				h.decode(answer, &page)
				for _, v := range append(append(page.Cohorts, page.Series...), page.Authorizations...) {
					got = append(got, v.ID)
				}
				if after = "&after=" + page.Next; page.Next == "" {
					break
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s = %q, want %q", list, got, want)
			}
		}
		h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1/excuses/p2", body: object{"by": "program"}}), http.StatusCreated)
		h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1/excuses/p1", body: object{"by": "patient"}}), http.StatusCreated)
		if text := h.do(call{method: "GET", path: "/v1/sessions/s1/excuses"}).Body.String(); strings.TrimSpace(text) !=
			`{"excuses":[{"session":"s1","person":"p1","by":"patient"},{"session":"s1","person":"p2","by":"program"}]}` {
			t.Errorf("excuses = %s", text)
		}
		for _, bad := range []string{"/v1/cohorts", "/v1/series?program=a%20b", "/v1/authorizations?person=p1&limit=0", "/v1/cohorts?program=evening&after=%2F"} {
			h.problem(h.do(call{method: "GET", path: bad}), http.StatusBadRequest, "invalid_parameter")
		}
	})
}

// Every mistake in the newer documents is named where it is, all at once.
func TestBadDocumentsOfCare(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Rate, c.Burst = 1e6, 1e6 })
	h.furnish()
	with := func(base, change object) object {
		for name, value := range change {
			if base[name] = value; value == nil {
				delete(base, name)
			}
		}
		return base
	}
	granted := func() object { return documentsOfCare()[2].body }
	for _, test := range []struct {
		name, path string
		body       object
		pointers   []string
	}{
		{"nothing of a cohort", "/v1/cohorts/c1", object{}, []string{"/members", "/program"}},
		{"a cohort of nobody we know", "/v1/cohorts/c1", object{"program": "none", "facilitators": []string{"p1"}, "members": []object{
			{"person": "p9", "from": "2026-01-01"}, {"person": "t1", "from": "2026-01-01"}}},
			[]string{"/facilitators/0", "/members/0/person", "/members/1/person", "/program"}},
		{"stays", "/v1/cohorts/c1", object{"program": "evening", "track": "night", "members": []object{
			{"person": "p1", "from": "2026-01-01", "to": "2026-02-01"}, {"person": "p1", "from": "2026-02-01"},
			{"person": "p2", "from": "2026-02-30"}, {"person": "p2", "from": "2026-02-02", "to": "2026-02-01"}}},
			[]string{"/members/2/from"}},
		{"stays that overlap", "/v1/cohorts/c1", object{"program": "evening", "track": "night", "members": []object{
			{"person": "p1", "from": "2026-01-01", "to": "2026-02-01"}, {"person": "p1", "from": "2026-02-01"},
			{"person": "p2", "from": "2026-02-02", "to": "2026-02-01"}, {"person": "p2", "from": "1999-02-02"}}},
			[]string{"/members/1/from", "/members/2/to", "/members/3/from", "/track"}},
		{"nothing of a series", "/v1/series/x", object{}, []string{"/from", "/program", "/service", "/slots", "/until"}},
		{"a series of words", "/v1/series/x", with(mondays(), object{"service": "yoga", "ambiguous": "third", "cohort": "?", "until": "2027-12-31",
			"slots": []object{{"weekday": "someday", "start": "18:00", "end": "18:00"}, {"weekday": "monday", "start": "18:00", "end": "17:00"}}}),
			[]string{"/ambiguous", "/cohort", "/service", "/slots/0/end", "/slots/0/weekday", "/slots/1/end", "/until"}},
		{"a series of nothing we know", "/v1/series/x", with(mondays(), object{"program": "none", "roster": []string{"t1"}}),
			[]string{"/cohort", "/program", "/roster/0"}},
		{"a series that is called too long", "/v1/series/" + strings.Repeat("x", 111), mondays(), []string{"/id"}},
		{"levels", "/v1/people/p1/enrollment", object{"levels": []object{
			{"start": "2026-01-01T00:00:00Z", "profile": "gold", "level": "II"},
			{"start": "2026-02-01T00:00:00Z", "end": "2026-02-01T00:00:00Z", "profile": "php"},
			{"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z", "profile": "php"}}},
			[]string{"/levels/0/level", "/levels/0/profile", "/levels/1/end", "/levels/1/start", "/levels/2/start"}},
		{"levels of staff", "/v1/people/t1/enrollment", object{"levels": []object{}}, []string{"/person"}},
		{"levels of nobody", "/v1/people/p9/enrollment", object{"levels": []object{}}, []string{"/person"}},
		{"levels of another", "/v1/people/p1/enrollment", object{"person": "p2", "levels": []object{}}, []string{"/person"}},
		{"an authorization", "/v1/authorizations/a1", with(granted(), object{"person": "t1"}), []string{"/person"}},
		{"numbers of an authorization", "/v1/authorizations/a1", with(granted(), object{"unit": "week", "count": -1, "to": "2026-09-30", "reference": strings.Repeat("x", 201)}),
			[]string{"/count", "/reference", "/to", "/unit"}},
		{"an excuse of somebody who is not expected", "/v1/sessions/s1/excuses/t1", object{"by": "patient"}, []string{"/person"}},
		{"an excuse by nobody", "/v1/sessions/s1/excuses/p1", object{"by": "weather"}, []string{"/by"}},
		{"an excuse from another session", "/v1/sessions/s1/excuses/p1", object{"by": "patient", "session": "s2"}, []string{"/session"}},
		{"identifiers", "/v1/people/p1", object{"role": "patient", "identifiers": []object{
			{"system": "", "value": "1"}, {"system": "a", "value": " "}, {"system": "b", "value": "2"}, {"system": "b", "value": "2"}}},
			[]string{"/identifiers/0/system", "/identifiers/1/value", "/identifiers/3"}},
		{"what other systems say of a session", "/v1/sessions/s1", with(evening(), object{"track": "night", "series": "a b", "cohort": "/",
			"appointments": []object{{"person": "p1", "reference": ""}, {"person": "p1", "reference": "x"}}, "source": object{"system": "", "uid": "", "sequence": -1}}),
			[]string{"/appointments/0/reference", "/appointments/1/person", "/cohort", "/series", "/source/sequence", "/source/system", "/source/uid", "/track"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			p := h.problem(h.do(call{method: "PUT", path: test.path, body: test.body}), http.StatusUnprocessableEntity, "invalid")
			samePointers(t, p.Errors, test.pointers)
			for _, one := range p.Errors {
				if strings.Contains(one.Detail, "2026-02-30") {
					t.Errorf("%s repeats what was written", one.Detail)
				}
			}
		})
	}
	h.problem(h.do(call{method: "PUT", path: "/v1/sessions/s9/excuses/p1", body: object{"by": "patient"}}), http.StatusNotFound, "not_found")
	h.problem(h.do(call{method: "PUT", path: "/v1/series/x?rewrite=maybe", body: mondays()}), http.StatusBadRequest, "invalid_parameter")
}

func TestBulk(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		var got struct {
			Results []struct {
				Type, ID, ETag string
				Status         int
				Document       object
				Problem        *problem
			}
		}
		send := func(token string, items ...object) {
			t.Helper()
			answer := h.do(call{method: "POST", path: "/v1/bulk", body: items, token: token})
			h.want(answer, http.StatusOK)
			got.Results = nil
			h.decode(answer, &got)
		}
		send("",
			object{"method": "PUT", "type": "person", "id": "p7", "document": object{"role": "patient"}},
			object{"method": "PUT", "type": "enrollment", "id": "p7", "document": object{"levels": []object{}}}, // sees the one before
			object{"method": "PUT", "type": "session", "id": "s1", "document": evening(), "if_match": `"other"`},
			object{"method": "PUT", "type": "session", "id": "s2", "document": evening(), "if_none_match": "*"},
			object{"method": "PUT", "type": "excuse", "id": "s2/p1", "document": object{"by": "patient"}},
			object{"method": "PUT", "type": "session", "id": "s3", "document": object{"program": "evening"}},
			object{"method": "DELETE", "type": "excuse", "id": "s2/p1"},
			object{"method": "DELETE", "type": "session", "id": "s9"},
			object{"method": "PUT", "type": "poem", "id": "s9", "document": object{}},
			object{"method": "PUT", "type": "session", "id": "s2/p1", "document": evening()},
			object{"method": "PATCH", "type": "session", "id": "s2", "document": evening()},
			object{"method": "DELETE", "type": "session", "id": "s2", "document": evening()},
		)
		want := []int{201, 201, 412, 201, 201, 422, 204, 404, 422, 422, 422, 422}
		for i, r := range got.Results {
			if r.Status != want[i] || (r.Problem != nil) != (r.Status >= 400) || (r.ETag != "") != (r.Status == 201) {
				t.Errorf("result %d = %+v, want status %d", i, r, want[i])
			}
		}
		if doc := got.Results[3].Document; doc["id"] != "s2" || got.Results[5].Problem.Errors[0].Pointer == "" {
			t.Errorf("results = %+v, want documents as PUT answers, and problems that name fields", got.Results)
		}
		// What the token may not write is refused, and nothing else.
		send(h.keys.API("scheduler", auth.SessionsWrite),
			object{"method": "PUT", "type": "authorization", "id": "a1", "document": documentsOfCare()[2].body},
			object{"method": "DELETE", "type": "session", "id": "s2"},
		)
		if got.Results[0].Problem == nil || got.Results[0].Problem.Type != "urn:viop:problem:insufficient_scope" || got.Results[1].Status != 204 {
			t.Errorf("results = %+v, want the authorization refused and the session deleted", got.Results)
		}
		many := make([]object, 201)
		for i := range many {
			many[i] = object{"method": "DELETE", "type": "session", "id": "s9"}
		}
		for _, body := range []any{many, []object{}, object{}, []object{{"type": "session"}}} {
			h.problem(h.do(call{method: "POST", path: "/v1/bulk", body: body}), http.StatusUnprocessableEntity, "invalid")
		}
		h.problem(h.do(call{method: "POST", path: "/v1/bulk", body: `["` + strings.Repeat("x", 1<<20) + `"]`}), http.StatusRequestEntityTooLarge, "too_large")
	})
}

// A POST with a key is done once, whoever did not hear the answer.
func TestIdempotencyKey(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		invite := func(key, person string) call {
			return call{method: "POST", path: "/v1/sessions/s1/invites", body: object{"person": person}, header: map[string]string{"Idempotency-Key": key}}
		}
		first := h.do(invite("k-1", "p1"))
		h.want(first, http.StatusCreated)
		again := h.do(invite(`"k-1"`, "p1"))
		h.want(again, http.StatusCreated)
		if again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" || first.Header().Get("Idempotent-Replayed") != "" {
			t.Errorf("again: %v %s\nwant the first answer, %s", again.Header(), again.Body, first.Body)
		}
		h.problem(h.do(invite("k-1", "p2")), http.StatusUnprocessableEntity, "idempotency_key_reused")
		elsewhere := call{method: "POST", path: "/v1/bulk", body: []object{{"method": "DELETE", "type": "session", "id": "s9"}}, header: map[string]string{"Idempotency-Key": "k-1"}}
		h.problem(h.do(elsewhere), http.StatusUnprocessableEntity, "idempotency_key_reused")
		other := invite("k-1", "p2")
		other.token = h.keys.API("another-system", auth.AllScopes()...)
		h.want(h.do(other), http.StatusCreated) // keys are each caller's own

		// What was refused has done nothing: the same key may be tried again.
		h.problem(h.do(invite("k-2", "p3")), http.StatusUnprocessableEntity, "invalid")
		h.want(h.do(call{method: "PUT", path: "/v1/people/p3", body: object{"role": "guest"}}), http.StatusCreated)
		h.want(h.do(invite("k-2", "p3")), http.StatusCreated)

		for _, key := range []string{" ", `""`, "a b", strings.Repeat("k", 256), "ключ"} {
			h.problem(h.do(invite(key, "p1")), http.StatusBadRequest, "malformed")
		}
	})
}

// Two at once are not two.
func TestIdempotencyKeyUnderway(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		begun, go_on := make(chan struct{}), make(chan struct{})
		h.rooms.expel = func() { begun <- struct{}{}; <-go_on }
		revoke := call{method: "POST", path: "/v1/revocations", body: object{"person": "p1", "session": "s1"}, header: map[string]string{"Idempotency-Key": "k"}}
		done := make(chan int)
		go func() {
			answer := h.do(revoke)
			done <- answer.Code
		}()
		<-begun
		answer := h.do(revoke)
		h.problem(answer, http.StatusConflict, "idempotency_key_underway")
		if answer.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		close(go_on)
		if code := <-done; code != http.StatusCreated {
			t.Errorf("the first was answered %d", code)
		}
		h.rooms.expel = nil
		h.want(h.do(revoke), http.StatusCreated)
	})
}
