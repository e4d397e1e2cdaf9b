package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule/form"
)

// sheet is what the tests read of one.
type sheet struct {
	Timezone, Notice, Head string
	Session                attendance.SessionResult
	Versions               []records.SheetVersion
	Records                []records.Record
	People, Facilitators   []struct{ Person, Name string }
	Provenance             struct{ Evaluator, TZData string }
}

func TestSheetHasWhatIsSigned(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	var got sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &got)
	if len(got.Versions) != 1 || got.Versions[0].Version != 1 || len(got.Versions[0].People) != 2 {
		t.Fatalf("versions = %+v, want version 1 of two people", got.Versions)
	}
	hashes := map[string]string{}
	for _, r := range got.Records {
		hashes[r.Person] = r.Hash
	}
	if want := records.HashVersion(hashes); got.Versions[0].Hash != want {
		t.Errorf("hash of version 1 = %s, want that over the records' hashes, %s", got.Versions[0].Hash, want)
	}
	if got.Provenance.Evaluator != "test" || got.Provenance.TZData != "2026a" {
		t.Errorf("provenance = %+v, want the configured one", got.Provenance)
	}
}

// Names are there for those who may read people, whatever else they may.
func TestSheetNamesPeople(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	h.books.corrected = []attendance.Correction{{ID: "k1", By: "o1", Op: attendance.ExtendWindow, Reason: attendance.PayerRule}}
	type person = struct{ Person, Name string }
	for _, test := range []struct {
		name            string
		scopes          []auth.Scope
		patients, staff []person
	}{
		{"with people:read", []auth.Scope{auth.AttendanceRead, auth.PeopleRead},
			[]person{{"p1", "Ana B."}, {"p2", "Bo C."}}, []person{{"o1", ""}, {"t1", "Ruth T."}}},
		{"without", []auth.Scope{auth.AttendanceRead},
			[]person{{"p1", ""}, {"p2", ""}}, []person{{"o1", ""}, {"t1", ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			var got sheet
			h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance", token: h.keys.API("emr", test.scopes...)}), &got)
			if diff := cmp.Diff(test.patients, got.People); diff != "" {
				t.Errorf("people (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.staff, got.Facilitators); diff != "" {
				t.Errorf("facilitators (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCorrect(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	post := call{method: "POST", path: "/v1/sessions/s1/corrections", token: h.keys.API("t1", auth.AttendanceCorrect), body: object{
		"id": "k1", "op": "add", "person": "p2", "start": "2026-11-02T19:00:00-06:00", "end": "2026-11-03T02:00:00.500Z",
		"reason": "other", "note": "by telephone", "supersedes": "k0",
	}}
	h.want(h.do(post), http.StatusCreated)
	at := func(text string) attendance.Instant {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return attendance.At(when)
	}
	want := []attendance.Correction{{
		ID: "k1", By: "t1", Op: attendance.AddTime, Person: "p2",
		Start: at("2026-11-03T01:00:00Z"), End: at("2026-11-03T02:00:00.5Z"),
		Reason: attendance.OtherReason, Note: "by telephone", Supersedes: "k0",
	}}
	if diff := cmp.Diff(want, h.books.corrected); diff != "" {
		t.Errorf("corrections (-want +got):\n%s", diff)
	}
	if len(h.rooms.flushed) != 1 {
		t.Errorf("flushed %v, want the session once: what the room has seen comes first", h.rooms.flushed)
	}
}

// What is wrong with the order itself is told before the books are asked, and
// nothing is stored.
func TestCorrectionThatCannotBe(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	good := object{"op": "add", "person": "p2", "start": "2026-11-03T01:00:00Z", "end": "2026-11-03T02:00:00Z", "reason": "phone_participation"}
	with := func(field string, value any) object {
		order := object{}
		for name, v := range good {
			order[name] = v
		}
		if order[field] = value; value == nil {
			delete(order, field)
		}
		return order
	}
	for _, test := range []struct {
		name    string
		body    object
		pointer string
	}{
		{"no op", with("op", nil), "/op"},
		{"no reason", with("reason", nil), "/reason"},
		{"a field that is not one", with("minutes", 60), "/minutes"},
		{"its author is the token's subject", with("by", "t1"), "/by"},
		{"when it was made is the server's to say", with("at", "2026-11-03T01:00:00Z"), "/at"},
		{"an id that is none", with("id", "k 1"), "/id"},
		{"a person that is none", with("person", "Ana B."), "/person"},
		{"a time without its offset", with("start", "2026-11-03T01:00:00"), "/start"},
		{"a number for a time", with("end", 7), "/end"},
		{"a long note", with("note", strings.Repeat("n", 501)), "/note"},
		{"a note of two lines", with("note", "one\ntwo"), "/note"},
		{"supersedes what is no id", with("supersedes", "/"), "/supersedes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			p := h.problem(h.do(call{method: "POST", path: "/v1/sessions/s1/corrections", body: test.body}), http.StatusUnprocessableEntity, "invalid")
			if len(p.Errors) != 1 || p.Errors[0].Pointer != test.pointer {
				t.Errorf("errors = %v, want one at %s", p.Errors, test.pointer)
			}
		})
	}
	if len(h.books.corrected) > 0 {
		t.Errorf("stored %v", h.books.corrected)
	}
}

// What the books refuse has a stable word, and the field where there is one.
func TestRefusedActs(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	correction := call{method: "POST", path: "/v1/sessions/s1/corrections", body: object{"op": "extend_window", "reason": "payer_rule"}}
	signature := call{method: "POST", path: "/v1/sessions/s1/signatures", body: object{"version": 1, "hash": digest("a"), "head": digest("b")}}
	for _, test := range []struct {
		name   string
		call   call
		err    error
		status int
		word   string
	}{
		{"invalid by the contract", correction, &records.Invalid{Pointer: "/start", Message: "is required"}, 422, "invalid"},
		{"no effect", correction, records.ErrNothingChanges, 409, "nothing_changes"},
		{"an id that is taken", correction, records.ErrIDTaken, 409, "id_taken"},
		{"superseded twice", correction, records.ErrSuperseded, 409, "superseded"},
		{"by a patient", correction, records.ErrNotStaff, 403, "not_staff"},
		{"signed by an observer", signature, records.ErrNotStaff, 403, "not_staff"},
		{"too early", signature, records.ErrNotOver, 409, "not_over"},
		{"with people in the room", signature, records.ErrOccupied, 409, "occupied"},
		{"too late", signature, &records.Conflict{Version: 2, Hash: digest("c"), Head: digest("d")}, 409, "not_current"},
		{"others are faster, again and again", signature, records.ErrMoved, 503, "unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			h.books.err = test.err
			answer := h.do(test.call)
			p := h.problem(answer, test.status, test.word)
			if test.word == "invalid" {
				want := form.Problems{{Pointer: "/start", Detail: "This is required."}}
				if diff := cmp.Diff(want, p.Errors); diff != "" {
					t.Errorf("errors (-want +got):\n%s", diff)
				}
			}
			var now struct {
				Current *struct {
					Version    int
					Hash, Head string
				}
			}
			h.decode(answer, &now)
			if (now.Current != nil) != (test.word == "not_current") {
				t.Fatalf("current = %+v, want it with not_current and only then", now.Current)
			}
			if now.Current != nil && (now.Current.Version != 2 || now.Current.Hash != digest("c") || now.Current.Head != digest("d")) {
				t.Errorf("current = %+v, want what the books say", now.Current)
			}
		})
	}
}

func digest(letter string) string { return strings.Repeat(letter, 64) }

func TestSign(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	post := call{method: "POST", path: "/v1/sessions/s1/signatures", token: h.keys.API("t1", auth.AttendanceSign),
		body: object{"version": 1, "hash": digest("a"), "head": digest("b")}}
	h.want(h.do(post), http.StatusCreated)
	want := []records.Signature{{By: "t1", Version: 1, Hash: digest("a"), Head: digest("b")}}
	if diff := cmp.Diff(want, h.books.signed); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
	for pointer, body := range map[string]object{
		"/version": {"version": 0, "hash": digest("a"), "head": digest("b")},
		"/hash":    {"version": 1, "hash": digest("A"), "head": digest("b")},
		"/head":    {"version": 1, "hash": digest("a"), "head": "b"},
	} {
		post.body = body
		p := h.problem(h.do(post), http.StatusUnprocessableEntity, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("errors = %v, want one at %s", p.Errors, pointer)
		}
	}
	if len(h.books.signed) != 1 {
		t.Errorf("signed %d times, want once", len(h.books.signed))
	}
}

func TestActsOfNoSession(t *testing.T) {
	h := newHouse(t)
	for _, c := range []call{
		{method: "POST", path: "/v1/sessions/s9/corrections", body: object{"op": "extend_window", "reason": "payer_rule"}},
		{method: "POST", path: "/v1/sessions/s9/signatures", body: object{"version": 1, "hash": digest("a"), "head": digest("b")}},
		{method: "GET", path: "/v1/sessions/s9/corrections"},
		{method: "GET", path: "/v1/sessions/s9/signatures"},
		{method: "GET", path: "/v1/sessions/s9/attendance/p1/versions"},
		{method: "GET", path: "/v1/people/p9/weeks?from=2026-11-02&to=2026-11-08"},
		{method: "GET", path: "/v1/programs/p9/weeks"},
	} {
		h.problem(h.do(c), http.StatusNotFound, "not_found")
	}
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/Ana%20B./versions"}), http.StatusBadRequest, "invalid_parameter")
}

func TestVersions(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/p1/versions"}), http.StatusNotFound, "not_found")
	now, err := h.books.Records(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := records.Canonical(now.Records[0].Record)
	if err != nil {
		t.Fatal(err)
	}
	h.books.versions = map[rooms.PersonID][]records.Version{"p1": {{
		Reading:    records.Reading{Seq: 1, Person: "p1", Version: 1, Hash: now.Records[0].Hash, AsOf: now.AsOf, Head: now.Head, Record: kept},
		Signatures: []records.Signature{{Session: "s1", Version: 1, By: "t1", At: now.AsOf, Hash: digest("a"), Head: now.Head}},
	}}}
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/p1/versions"})
	h.want(answer, http.StatusOK)
	if !strings.Contains(answer.Body.String(), string(kept)) {
		t.Errorf("versions = %s\nwant the very bytes that were hashed: %s", answer.Body, kept)
	}
}

func TestWeeks(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	need, least := int64(1), int64(9*3_600_000)
	h.books.weeks = &records.Weeks{AsOf: attendance.At(h.now), Timezone: "America/Chicago", Week: 20759, Rows: []records.WeekRow{{
		Week: attendance.Week{
			Person: "p1", Week: 20759, Start: attendance.At(h.now), End: attendance.At(h.now.AddDate(0, 0, 7)), Profile: attendance.GenericAdult,
			Days: []attendance.Day{{Date: 20759, CreditedMS: 7, Qualifies: false}}, NeedMS: &need, SlackMS: &need, Verdict: attendance.VerdictOnTrack,
		},
		MinMS: &least, SessionsLeft: 2,
	}}}
	for _, path := range []string{"/v1/people/p1/weeks?from=2026-11-02&to=2026-11-15", "/v1/programs/evening/weeks", "/v1/programs/evening/weeks?week=2026-11-05"} {
		var got struct {
			Weeks []struct {
				Person, Name string
				MinMS        *int64 `json:"min_ms"`
				MaxMS        *int64 `json:"max_ms"`
				SessionsLeft int    `json:"sessions_left"`
			}
		}
		answer := h.do(call{method: "GET", path: path})
		h.want(answer, http.StatusOK)
		h.decode(answer, &got)
		if len(got.Weeks) != 1 || got.Weeks[0].Name != "Ana B." || *got.Weeks[0].MinMS != least || got.Weeks[0].MaxMS != nil || got.Weeks[0].SessionsLeft != 2 {
			t.Errorf("%s = %s, want p1's week, by name", path, answer.Body)
		}
		answer = h.do(call{method: "GET", path: path, token: h.keys.API("board", auth.WeeksRead)})
		if strings.Contains(answer.Body.String(), "Ana") {
			t.Errorf("%s names people to a token without people:read", path)
		}
	}
	want := []string{"p1 2026-11-02 2026-11-15", "evening 1970-01-01", "evening 2026-11-05"}
	var once []string
	for i := 0; i < len(h.books.asked); i += 2 {
		once = append(once, h.books.asked[i])
	}
	if diff := cmp.Diff(want, once); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	for _, query := range []string{"", "?from=2026-11-02", "?from=2026-11-02&to=2026-11-01", "?from=2026-11-02&to=2027-11-09", "?from=2026-11-02&to=soon", "?from=1999-12-31&to=2000-01-02", "?from=2099-12-31&to=2100-01-01"} {
		h.problem(h.do(call{method: "GET", path: "/v1/people/p1/weeks" + query}), http.StatusBadRequest, "invalid_parameter")
	}
	h.problem(h.do(call{method: "GET", path: "/v1/programs/evening/weeks?week=W45"}), http.StatusBadRequest, "invalid_parameter")
}
