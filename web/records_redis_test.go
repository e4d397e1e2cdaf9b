package web_test

import (
	"net/http"
	"testing"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
	"viop/rooms/redisstore"
)

// held is session s1 of yesterday's evening, three hours, with its evidence in
// the store: t1 and p1 all the time, p2 for the first hour.
func held(t *testing.T) (*house, *redisstore.Store, time.Time) {
	t.Helper()
	h, store := newRedisHouse(t)
	h.furnish()
	start := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour)
	session := evening()
	session["scheduled_start"], session["scheduled_end"] = start, start.Add(3*time.Hour)
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: session}), http.StatusOK)
	lease, err := store.Acquire(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	at := func(after time.Duration) attendance.Instant { return attendance.At(start.Add(after)) }
	lease.Record(
		attendance.Event{At: at(0), Type: attendance.Opened},
		attendance.Event{At: at(0), Type: attendance.Admitted, Person: "t1", Connection: "c1-1"},
		attendance.Event{At: at(0), Type: attendance.Admitted, Person: "p1", Connection: "c1-2"},
		attendance.Event{At: at(0), Type: attendance.Admitted, Person: "p2", Connection: "c1-3"},
		attendance.Event{At: at(time.Hour), Type: attendance.Left, Connection: "c1-3", Reason: attendance.ReasonLeave},
		attendance.Event{At: at(3 * time.Hour), Type: attendance.Closed},
	)
	if err := lease.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, store, start
}

// The life of a sheet, from the first reading to a signature on the second
// version: what was signed stays readable, and nobody signs what they have not
// read.
func TestLifeOfASheet(t *testing.T) {
	h, store, start := held(t)
	staff := h.keys.API("t1", auth.AttendanceRead, auth.AttendanceCorrect, auth.AttendanceSign)
	ask := func(c call) (s sheet) {
		t.Helper()
		c.token = staff
		answer := h.do(c)
		if answer.Code/100 != 2 {
			t.Fatalf("%s %s = %d: %s", c.method, c.path, answer.Code, answer.Body)
		}
		h.decode(answer, &s)
		return s
	}
	read := call{method: "GET", path: "/v1/sessions/s1/attendance"}
	sign := func(s sheet, version int) call {
		for _, v := range s.Versions {
			if v.Version == version {
				return call{method: "POST", path: "/v1/sessions/s1/signatures", token: staff,
					body: object{"version": v.Version, "hash": v.Hash, "head": s.Head}}
			}
		}
		t.Fatalf("no version %d in %+v", version, s.Versions)
		return call{}
	}
	correct := func(body object) call {
		return call{method: "POST", path: "/v1/sessions/s1/corrections", token: staff, body: body}
	}
	telephone := object{"id": "k1", "op": "add", "person": "p2", "start": start.Add(time.Hour), "end": start.Add(90 * time.Minute), "reason": "phone_participation"}

	first := ask(read)
	h.problem(h.do(correct(object{"op": "add", "person": "p1", "start": start, "end": start.Add(time.Hour), "reason": "device_failure"})),
		http.StatusConflict, "nothing_changes")
	for pointer, body := range map[string]object{
		"/start":  {"op": "add", "person": "p2", "reason": "device_failure"},
		"/person": {"op": "add", "person": "nobody", "start": start, "end": start.Add(time.Hour), "reason": "device_failure"},
		"/note":   {"op": "extend_window", "start": start, "end": start.Add(4 * time.Hour), "reason": "other"},
		"/room":   {"op": "add", "person": "p2", "start": start, "end": start.Add(time.Hour), "reason": "device_failure", "room": "main"},
		"/op":     {"op": "forgive", "reason": "device_failure"},
	} {
		p := h.problem(h.do(correct(body)), http.StatusUnprocessableEntity, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("errors of %v = %v, want one at %s", body, p.Errors, pointer)
		}
	}
	if again := ask(read); again.Head != first.Head {
		t.Error("a refused correction left something behind")
	}
	if signed := ask(sign(first, 1)); signed.Versions[0].State != attendance.StateSigned {
		t.Errorf("after signing: %+v, want version 1 signed", signed.Versions)
	}

	corrected := ask(correct(telephone))
	if ask(correct(telephone)).Head != corrected.Head {
		t.Error("the same correction again was written again")
	}
	other := object{"id": "k1", "op": "extend_window", "start": start, "end": start.Add(4 * time.Hour), "reason": "payer_rule"}
	h.problem(h.do(correct(other)), http.StatusConflict, "id_taken")
	if len(corrected.Versions) != 2 || corrected.Versions[1].State != attendance.StateAmended {
		t.Fatalf("after correcting: %+v, want version 2 of p2, amended", corrected.Versions)
	}

	stale := sign(corrected, 2)
	stale.body.(object)["head"] = first.Head
	var late struct {
		Current struct {
			Version    int
			Hash, Head string
		}
	}
	answer := h.do(stale)
	h.problem(answer, http.StatusConflict, "not_current")
	h.decode(answer, &late)
	if late.Current.Version != 2 || late.Current.Head != corrected.Head || late.Current.Hash != corrected.Versions[1].Hash {
		t.Errorf("current = %+v, want version 2 as corrected", late.Current)
	}
	now := ask(sign(corrected, 2))
	if now.Versions[1].State != attendance.StateSigned {
		t.Errorf("at last: %+v, want version 2 signed", now.Versions)
	}

	var versions struct {
		Versions []struct {
			Version    int
			Hash       string
			Signatures []struct{ By string }
		}
	}
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/p2/versions"}), &versions)
	if v := versions.Versions; len(v) != 2 || v[0].Version != 1 || v[1].Version != 2 || len(v[0].Signatures) != 1 || len(v[1].Signatures) != 1 {
		t.Errorf("versions = %+v, want two, each signed", v)
	}
	if _, err := store.VerifyChain(t.Context(), "s1"); err != nil {
		t.Errorf("VerifyChain = %v", err)
	}
}

// A patient may neither correct nor sign, a facilitator of another group may
// correct and not sign, and both are told so.
func TestWhoMayAct(t *testing.T) {
	h, _, start := held(t)
	h.want(h.do(call{method: "PUT", path: "/v1/people/t9", body: object{"role": "facilitator"}}), http.StatusCreated)
	var now sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &now)
	signature := object{"version": 1, "hash": now.Versions[0].Hash, "head": now.Head}
	correction := object{"op": "remove", "person": "p1", "start": start, "end": start.Add(time.Minute), "reason": "wrong_person"}
	for _, who := range []string{"p1", "nobody"} {
		token := h.keys.API(who, auth.AllScopes()...)
		h.problem(h.do(call{method: "POST", path: "/v1/sessions/s1/corrections", token: token, body: correction}), http.StatusForbidden, "not_staff")
		h.problem(h.do(call{method: "POST", path: "/v1/sessions/s1/signatures", token: token, body: signature}), http.StatusForbidden, "not_staff")
	}
	h.problem(h.do(call{method: "POST", path: "/v1/sessions/s1/signatures", token: h.keys.API("t9", auth.AllScopes()...), body: signature}),
		http.StatusForbidden, "not_staff")
}

func TestSignTooEarly(t *testing.T) {
	h, _ := newRedisHouse(t)
	h.furnish()
	session := evening()
	session["scheduled_start"], session["scheduled_end"] = time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(2*time.Hour).Truncate(time.Second)
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: session}), http.StatusOK)
	var now sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &now)
	h.problem(h.do(call{method: "POST", path: "/v1/sessions/s1/signatures", token: h.keys.API("t1", auth.AttendanceSign),
		body: object{"version": 1, "hash": now.Versions[0].Hash, "head": now.Head}}), http.StatusConflict, "not_over")
}

func TestWeeksAndChangesOfTheStore(t *testing.T) {
	h, _, start := held(t)
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	day := start.In(zone).Format(time.DateOnly)
	type row struct {
		Person, Name, Verdict string
		CreditedMS            int64 `json:"credited_ms"`
	}
	var weeks struct{ Weeks []row }
	for _, path := range []string{"/v1/people/p2/weeks?from=" + day + "&to=" + day, "/v1/programs/evening/weeks?week=" + day} {
		answer := h.do(call{method: "GET", path: path})
		h.want(answer, http.StatusOK)
		h.decode(answer, &weeks)
		last := weeks.Weeks[len(weeks.Weeks)-1]
		if last.Person != "p2" || last.Name != "Bo C." || last.CreditedMS != time.Hour.Milliseconds() {
			t.Errorf("%s = %s, want an hour of p2's", path, answer.Body)
		}
	}
	var now sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &now)
	h.want(h.do(call{method: "POST", path: "/v1/sessions/s1/signatures", token: h.keys.API("t1", auth.AttendanceSign),
		body: object{"version": 1, "hash": now.Versions[0].Hash, "head": now.Head}}), http.StatusCreated)
}
