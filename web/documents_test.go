package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
	"viop/web"
)

func TestDocumentsComeBack(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		var session struct {
			ID, Program, Title string
			Start              string `json:"scheduled_start"`
			Roster             []string
		}
		h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1"}), &session)
		if session.ID != "s1" || session.Title != "Monday evening" || len(session.Roster) != 2 || session.Start != "2026-11-02T18:00:00-06:00" {
			t.Errorf("session = %+v, want what was put in, with its id", session)
		}
		var program struct{ Counting attendance.Counting }
		h.decode(h.do(call{method: "GET", path: "/v1/programs/evening"}), &program)
		if program.Counting != attendance.DefaultCounting() {
			t.Errorf("counting = %+v, want the defaults written out", program.Counting)
		}
		h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: evening()}), http.StatusOK)
		for _, path := range []string{"/v1/sessions/s9", "/v1/people/p9", "/v1/programs/x"} {
			h.problem(h.do(call{method: "GET", path: path}), http.StatusNotFound, "not_found")
		}
	})
}

func TestETags(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		first := h.do(call{method: "GET", path: "/v1/sessions/s1"}).Header().Get("ETag")
		same := h.do(call{method: "GET", path: "/v1/sessions/s1", header: map[string]string{"If-None-Match": `"x", W/` + first}})
		h.want(same, http.StatusNotModified)

		put := func(name, value string) call {
			return call{method: "PUT", path: "/v1/sessions/s1", body: evening(), header: map[string]string{name: value}}
		}
		changed := h.do(put("If-Match", first))
		h.want(changed, http.StatusOK)
		second := changed.Header().Get("ETag")
		if second == first {
			t.Errorf("ETag = %s after a change, want another than before", second)
		}
		h.problem(h.do(put("If-Match", first)), http.StatusPreconditionFailed, "precondition_failed")
		h.problem(h.do(put("If-Match", "W/"+second)), http.StatusPreconditionFailed, "precondition_failed")
		h.problem(h.do(put("If-None-Match", "*")), http.StatusPreconditionFailed, "precondition_failed")
		h.want(h.do(put("If-Match", `"other", `+second)), http.StatusOK)
		h.want(h.do(put("If-Match", "*")), http.StatusOK)
		h.problem(h.do(put("If-Match", "3")), http.StatusBadRequest, "malformed")
		h.problem(h.do(put("If-None-Match", first)), http.StatusBadRequest, "malformed")

		fresh := put("If-Match", "*")
		fresh.path = "/v1/sessions/s2"
		h.problem(h.do(fresh), http.StatusPreconditionFailed, "precondition_failed")
		fresh.header = map[string]string{"If-None-Match": "*"}
		h.want(h.do(fresh), http.StatusCreated)

		del := call{method: "DELETE", path: "/v1/sessions/s2", header: map[string]string{"If-Match": first}}
		h.problem(h.do(del), http.StatusPreconditionFailed, "precondition_failed")
		del.header = nil
		h.want(h.do(del), http.StatusNoContent)
		h.problem(h.do(del), http.StatusNotFound, "not_found")
	})
}

// Evidence outlives what the schedule says.
func TestSessionWithEvidence(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.store.events["s1"] = []attendance.Event{{Session: "s1", Epoch: 1, Seq: 1, At: attendance.At(h.now), Type: attendance.Opened}}
	h.problem(h.do(call{method: "DELETE", path: "/v1/sessions/s1"}), http.StatusConflict, "session_has_evidence")
	cancelled := evening()
	cancelled["status"] = "cancelled_by_program"
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: cancelled}), http.StatusOK)
	if len(h.store.events["s1"]) != 1 {
		t.Error("the evidence is gone")
	}
}

// Every mistake of a body is named where it is, all at once.
func TestBadDocuments(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Rate, c.Burst = 1e6, 1e6 })
	h.furnish()
	session := func(change object) object {
		s := evening()
		for name, value := range change {
			if s[name] = value; value == nil {
				delete(s, name)
			}
		}
		return s
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("q%d", i)
	}
	for _, test := range []struct {
		name, path string
		body       any
		pointers   []string
	}{
		{"nothing", "/v1/sessions/s1", object{}, []string{"/program", "/service", "/scheduled_start", "/scheduled_end", "/roster"}},
		{"not an object", "/v1/sessions/s1", "[]", []string{""}},
		{"unknown fields", "/v1/sessions/s1", session(object{"colour": "red", "a/b~c": 1}), []string{"/a~1b~0c", "/colour"}},
		{"another spelling", "/v1/people/p3", object{"Role": "patient"}, []string{"/Role", "/role"}},
		{"a field twice", "/v1/people/p3", `{"role": "patient", "role": "facilitator"}`, []string{"/role"}},
		{"wrong types", "/v1/sessions/s1", session(object{"title": 7, "counts": "yes", "seats": 2.5, "roster": "p1"}), []string{"/counts", "/roster", "/seats", "/title"}},
		{"null", "/v1/sessions/s1", `{"program": null, "service": "group", "scheduled_start": "2026-11-02T18:00:00Z", "scheduled_end": "2026-11-02T19:00:00Z", "roster": [null]}`, []string{"/program", "/roster/0"}},
		{"times without offset", "/v1/sessions/s1", session(object{"scheduled_start": "2026-11-02T18:00:00", "scheduled_end": 5}), []string{"/scheduled_end", "/scheduled_start"}},
		{"end before start", "/v1/sessions/s1", session(object{"scheduled_end": "2026-11-02T18:00:00-06:00"}), []string{"/scheduled_end"}},
		{"too long", "/v1/sessions/s1", session(object{"scheduled_end": "2026-11-04T18:00:00-06:00"}), []string{"/scheduled_end"}},
		{"another century", "/v1/sessions/s1", session(object{"scheduled_start": "1999-11-02T18:00:00-06:00"}), []string{"/scheduled_start"}},
		{"too fine", "/v1/sessions/s1", session(object{"scheduled_start": "2026-11-02T18:00:00.0001-06:00"}), []string{"/scheduled_start"}},
		{"unknown words", "/v1/sessions/s1", session(object{"service": "yoga", "status": "maybe"}), []string{"/service", "/status"}},
		{"breaks", "/v1/sessions/s1", session(object{"breaks": []object{
			{"start": "2026-11-02T19:00:00-06:00", "end": "2026-11-02T19:00:00-06:00"},
			{"start": "2026-11-02T17:00:00-06:00", "end": "2026-11-02T19:10:00-06:00"},
			{"start": "2026-11-02T20:00:00-06:00", "end": "2026-11-02T22:00:00-06:00"},
			{"start": "2026-11-02T20:00:00-06:00"},
		}}), []string{"/breaks/3/end"}},
		{"breaks outside", "/v1/sessions/s1", session(object{"breaks": []object{
			{"start": "2026-11-02T19:00:00-06:00", "end": "2026-11-02T19:00:00-06:00"},
			{"start": "2026-11-02T17:00:00-06:00", "end": "2026-11-02T19:10:00-06:00"},
			{"start": "2026-11-02T20:00:00-06:00", "end": "2026-11-02T22:00:00-06:00"},
		}}), []string{"/breaks/0/end", "/breaks/1/start", "/breaks/2/end"}},
		{"people twice", "/v1/sessions/s1", session(object{"roster": []string{"p1", "p1", "t1"}}), []string{"/facilitators/0", "/roster/1"}},
		{"people unknown", "/v1/sessions/s1", session(object{"roster": []string{"p1", "p9"}, "facilitators": []string{"t9"}}), []string{"/facilitators/0", "/roster/1"}},
		{"people of another role", "/v1/sessions/s1", session(object{"roster": []string{"t1"}, "facilitators": []string{"p1"}}), []string{"/facilitators/0", "/roster/0"}},
		{"a crowd", "/v1/sessions/s1", session(object{"roster": many}), []string{"/roster"}},
		{"no id", "/v1/sessions/s1", session(object{"program": "", "roster": []string{"Ana B."}}), []string{"/program", "/roster/0"}},
		{"no program", "/v1/sessions/s1", session(object{"program": "other"}), []string{"/program"}},
		{"another id", "/v1/sessions/s1", session(object{"id": "s2"}), []string{"/id"}},
		{"seats", "/v1/sessions/s1", session(object{"seats": 33}), []string{"/seats"}},
		{"title", "/v1/sessions/s1", session(object{"title": strings.Repeat("ä", 81)}), []string{"/title"}},
		{"a name that turns", "/v1/people/p3", object{"role": "patient", "name": "A\u202eB"}, []string{"/name"}},
		{"a role of nobody", "/v1/people/p3", object{"role": "admin", "program": "?"}, []string{"/program", "/role"}},
		{"a role that changes", "/v1/people/p1", object{"role": "facilitator"}, []string{"/role"}},
		{"a zone of one machine", "/v1/programs/x", object{"timezone": "Local"}, []string{"/timezone"}},
		{"a program", "/v1/programs/x", object{
			"timezone": "Mars/Olympus", "week_start": "Montag", "profile": "gold",
			"profile_overrides": object{"days_min": -1, "week_basis": "luck", "average_weeks": 0, "day_min_minutes": nil},
			"counting":          object{"bridge_seconds": 301, "clip": "tight", "group_min": -1},
		}, []string{
			"/counting/bridge_seconds", "/counting/clip", "/counting/group_min", "/profile", "/profile_overrides/average_weeks",
			"/profile_overrides/days_min", "/profile_overrides/week_basis", "/timezone", "/week_start",
		}},
		{"types in a program", "/v1/programs/x", object{
			"timezone": 1, "profile_overrides": object{"days_min": "3", "telehealth_allowed": 1}, "counting": object{"clip": 3, "x": 1},
		}, []string{"/counting/clip", "/counting/x", "/profile_overrides/days_min", "/profile_overrides/telehealth_allowed", "/timezone"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			p := h.problem(h.do(call{method: "PUT", path: test.path, body: test.body}), http.StatusUnprocessableEntity, "invalid")
			samePointers(t, p.Errors, test.pointers)
		})
	}
}

// samePointers compares as sets: the order is the document's or the type's.
func samePointers(t *testing.T, got form.Problems, want []string) {
	t.Helper()
	pointers := map[string]bool{}
	for _, p := range got {
		pointers[p.Pointer] = true
		if !strings.HasSuffix(p.Detail, ".") {
			t.Errorf("%s: %q is not a sentence", p.Pointer, p.Detail)
		}
	}
	if len(pointers) != len(want) {
		t.Errorf("errors = %v, want one at each of %q", got, want)
	}
	for _, w := range want {
		if !pointers[w] {
			t.Errorf("errors = %v, want one at %q", got, w)
		}
	}
}

func TestUnreadableBodies(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		name, body, kind string
		status           int
		word             string
	}{
		{"no JSON", "{", "application/json", 400, "malformed"},
		{"two values", "{}{}", "application/json", 400, "malformed"},
		{"not UTF-8", "{\"name\": \"\xff\"}", "application/json", 400, "malformed"},
		{"nested without end", strings.Repeat("[", 20_000), "application/json", 400, "malformed"},
		{"too large", `{"name": "` + strings.Repeat("a", 64<<10) + `"}`, "application/json", 413, "too_large"},
		{"a form", "role=patient", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"no type", "{}", "", 415, "unsupported_media_type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			h.problem(h.do(call{
				method: "PUT", path: "/v1/people/p1", body: test.body, header: map[string]string{"Content-Type": test.kind},
			}), test.status, test.word)
		})
	}
	h.want(h.do(call{
		method: "PUT", path: "/v1/people/p1", body: `{"role": "patient"}`,
		header: map[string]string{"Content-Type": "application/json; charset=utf-8"},
	}), http.StatusCreated)
}

func TestListSessions(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		for i, day := range []string{"03", "04", "05"} {
			s := evening()
			s["scheduled_start"], s["scheduled_end"] = "2026-11-"+day+"T18:00:00-06:00", "2026-11-"+day+"T21:00:00-06:00"
			h.want(h.do(call{method: "PUT", path: fmt.Sprintf("/v1/sessions/s%d", i+2), body: s}), http.StatusCreated)
		}
		const span = "/v1/sessions?from=2026-11-02T00:00:00-06:00&to=2026-11-05T00:00:00-06:00"
		var got []string
		for after := ""; ; {
			path := span + "&limit=2"
			if after != "" {
				path += "&after=" + after
			}
			var page struct {
				Sessions []struct{ ID string }
				Next     string
			}
			answer := h.do(call{method: "GET", path: path})
			h.want(answer, http.StatusOK)
			h.decode(answer, &page)
			for _, s := range page.Sessions {
				got = append(got, s.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if strings.Join(got, " ") != "s1 s2 s3" {
			t.Errorf("sessions = %q, want s1 s2 s3", got)
		}
		none := h.do(call{method: "GET", path: "/v1/sessions?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"})
		if strings.TrimSpace(none.Body.String()) != `{"sessions":[]}` {
			t.Errorf("an empty page is %s, want an empty list", none.Body)
		}
		for _, bad := range []string{
			"", "?from=yesterday&to=2026-11-05T00:00:00Z", "?from=2026-11-05T00:00:00Z&to=2026-11-05T00:00:00Z",
			"?from=2024-11-05T00:00:00Z&to=2026-11-05T00:00:00Z",
			"?from=2026-11-04T00:00:00Z&to=2026-11-05T00:00:00Z&limit=0",
			"?from=2026-11-04T00:00:00Z&to=2026-11-05T00:00:00Z&after=a%20b",
		} {
			h.problem(h.do(call{method: "GET", path: "/v1/sessions" + bad}), http.StatusBadRequest, "invalid_parameter")
		}
	})
}
