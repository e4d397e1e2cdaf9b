package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"viop/auth"
	"viop/rooms/schedule"
	"viop/rooms/schedule/intake"
	"viop/web"
)

// report as it comes over the wire, alone or in a problem.
type report struct {
	Lines []struct {
		Line                 int
		Column, Kind, Detail string
	}
	Refused   int
	DryRun    bool `json:"dry_run"`
	Documents []struct {
		ID, What string
		Fields   []string
		Evidence bool
	}
	Count map[string]int
	Moved []struct {
		Person        string
		Before, After *struct {
			CreditedMS int64 `json:"credited_ms"`
		}
	}
	Series []struct {
		Series  string
		Changed []string
	}
	Report *report
}

// send a file in.
func (h *house) send(format, query, kind, text string) (*httptest.ResponseRecorder, report) {
	h.t.Helper()
	answer := h.do(call{method: "POST", path: "/v1/imports/" + format + "?" + query, body: text, header: map[string]string{"Content-Type": kind}})
	var r report
	h.decode(answer, &r)
	if r.Report != nil {
		r = *r.Report
	}
	return answer, r
}

const week = `session_id,start,end,roster,facilitators
s1,2026-11-02 18:00,21:00,p1 p2,t1
s2,2026-11-04 18:00,21:00,p1 p2,t1
`

func TestImport(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()

	answer, said := h.send("csv", "program=evening&dry_run=1", "text/csv", week)
	h.want(answer, http.StatusOK)
	if !said.DryRun || said.Count["created"] != 1 || said.Count["unchanged"] != 1 {
		t.Errorf("a dry run says %+v, want one created (s2) and one as it is (s1)", said)
	}
	if _, _, err := store.Session(t.Context(), "s2"); err == nil {
		t.Error("a dry run stored a session")
	}

	for _, want := range []map[string]int{{"created": 1, "unchanged": 1}, {"unchanged": 2}} {
		answer, said = h.send("csv", "program=evening", "text/csv; charset=utf-8", week)
		h.want(answer, http.StatusOK)
		for what, n := range want {
			if said.Count[what] != n {
				t.Errorf("%d were %s, want %d: %+v", said.Count[what], what, n, said)
			}
		}
	}
	h.want(h.do(call{method: "GET", path: "/v1/sessions/s2"}), http.StatusOK)
}

func TestImportOfTheOtherFormats(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	known := schedule.Person{ID: "p1", Role: auth.Patient, Identifiers: []schedule.Identifier{{System: "mrn", Value: "M-1"}}}
	if _, _, err := store.PutPerson(t.Context(), known, schedule.Condition{}); err != nil {
		t.Fatal(err)
	}
	calendar := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART;TZID=America/Chicago:20261103T180000\r\nDURATION:PT3H\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	answer, said := h.send("ics", "program=evening&from=2026-11-02T00:00:00Z&until=2026-11-30T00:00:00Z", "text/calendar", calendar)
	h.want(answer, http.StatusOK)
	if said.Count["created"] != 3 {
		t.Errorf("a calendar of three days says %+v", said)
	}
	bundle := `{"resourceType": "Appointment", "id": "a1", "status": "booked", "start": "2026-11-05T00:00:00Z", "minutesDuration": 60,
		"participant": [{"actor": {"type": "Patient", "identifier": {"system": "mrn", "value": "M-1"}}}]}`
	answer, said = h.send("fhir", "program=evening", "application/fhir+json", bundle)
	h.want(answer, http.StatusOK)
	if said.Count["created"] != 1 {
		t.Errorf("an appointment says %+v", said)
	}
}

// A file with one line that is wrong is refused whole, by line, and its words
// are not repeated.
func TestImportIsRefusedByLine(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	answer, said := h.send("csv", "program=evening", "text/csv", week+"s3,2026-11-05 18:00,21:00,Ana Bauer,t1\n")
	h.problem(answer, http.StatusUnprocessableEntity, "import_refused")
	if said.Refused != 1 || said.Lines[0].Line != 4 || said.Lines[0].Column != "roster" || said.Lines[0].Kind != "refused" {
		t.Errorf("the report is %+v, want the roster of line 4", said)
	}
	if strings.Contains(answer.Body.String(), "Bauer") {
		t.Error("the answer repeats what was written in the file")
	}
	if _, _, err := store.Session(t.Context(), "s2"); err == nil {
		t.Error("a session of a refused file was stored")
	}
}

func TestImportThatIsNoFile(t *testing.T) {
	h, _ := newRedisHouse(t)
	h.furnish()
	for _, test := range []struct {
		name, format, query, kind, text, word string
		status                                int
	}{
		{"another type", "csv", "", "application/json", "{}", "unsupported_media_type", http.StatusUnsupportedMediaType},
		{"no such format", "xml", "", "text/xml", "<a/>", "not_found", http.StatusNotFound},
		{"too large", "csv", "program=evening", "text/csv", strings.Repeat("a", intake.MaxBytes+1), "too_large", http.StatusRequestEntityTooLarge},
		{"a program that is no id", "csv", "program=a%20b", "text/csv", week, "invalid_parameter", http.StatusBadRequest},
		{"a flag that is none", "csv", "dry_run=perhaps", "text/csv", week, "invalid_parameter", http.StatusBadRequest},
		{"a window without an offset", "ics", "program=evening&from=yesterday", "text/calendar", week, "invalid_parameter", http.StatusBadRequest},
		{"a window that is too long", "ics", "program=evening&from=2026-01-01T00:00:00Z&until=2028-01-01T00:00:00Z", "text/calendar", week, "import_refused", http.StatusUnprocessableEntity},
		{"a calendar of no program", "ics", "", "text/calendar", week, "import_refused", http.StatusUnprocessableEntity},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer, _ := h.send(test.format, test.query, test.kind, test.text)
			h.problem(answer, test.status, test.word)
		})
	}
}

// Somebody has been in the session: it moves all the same, the report says so,
// and the evidence is counted by the new times.
func TestImportMovesASessionWithEvidence(t *testing.T) {
	h, _, start := held(t)
	text := fmt.Sprintf("session_id,start,end\ns1,%s,%s\n", start.Add(time.Hour).Format(time.RFC3339), start.Add(3*time.Hour).Format(time.RFC3339))
	answer, said := h.send("csv", "", "text/csv", text)
	h.want(answer, http.StatusOK)
	if len(said.Documents) != 1 || said.Documents[0].What != "moved" || !said.Documents[0].Evidence {
		t.Fatalf("the report is %+v, want a session moved that has evidence", said)
	}
	for _, m := range said.Moved {
		if m.Person == "p1" && (m.Before.CreditedMS != 3*3_600_000 || m.After.CreditedMS != 2*3_600_000) {
			t.Errorf("p1 moves from %d to %d ms, want from three hours to two", m.Before.CreditedMS, m.After.CreditedMS)
		}
	}
	if len(said.Moved) != 2 {
		t.Errorf("%d records move, want those of p1 and p2", len(said.Moved))
	}
	var sheet struct {
		Records []struct {
			Person   string
			Credited int `json:"credited_ms"`
		}
	}
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &sheet)
	for _, r := range sheet.Records {
		if want := map[string]time.Duration{"p1": 2 * time.Hour, "p2": 0}[r.Person]; time.Duration(r.Credited)*time.Millisecond != want {
			t.Errorf("%s has %d ms, want %v", r.Person, r.Credited, want)
		}
	}
}

// meddler is a shelf on which somebody changes a document between the look and
// the write, as often as it says.
type meddler struct {
	web.Store
	times  int
	meddle func()
}

func (m *meddler) PutAll(ctx context.Context, batch []schedule.Write) ([]schedule.Written, error) {
	if m.times > 0 {
		m.times--
		m.meddle()
	}
	return m.Store.PutAll(ctx, batch)
}

// What changes while an import looks is never overwritten: the import looks
// again, and gives up when that does not end.
func TestImportLooksAgain(t *testing.T) {
	for _, test := range []struct{ times, status int }{{2, http.StatusOK}, {100, http.StatusPreconditionFailed}} {
		store := openRedis(t)
		shelf := &meddler{Store: store}
		h := newHouse(t, func(c *web.Config) { c.Store = shelf })
		h.furnish()
		n := 0
		shelf.meddle = func() {
			n++
			s, _, err := store.Session(t.Context(), "s1")
			if err != nil {
				t.Fatal(err)
			}
			s.Title = fmt.Sprint("Title ", n)
			if _, _, err := store.PutSession(t.Context(), s, schedule.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		shelf.times = test.times
		answer, _ := h.send("csv", "", "text/csv", "session_id,start,end\ns1,2026-11-02 19:00,22:00\n")
		h.want(answer, test.status)
		s, _, err := store.Session(t.Context(), "s1")
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint("Title ", n); s.Title != want {
			t.Errorf("after %d changes the title is %q, want %q", n, s.Title, want)
		}
	}
}

// The series of a cohort follow a roster that changes who belongs to it.
func TestImportOfACohortMovesItsSeries(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	h.want(h.do(call{method: "PUT", path: "/v1/cohorts/dawn", body: object{"program": "evening", "members": []object{{"person": "p1", "from": "2026-11-01"}}}}), http.StatusCreated)
	h.want(h.do(call{method: "PUT", path: "/v1/series/mornings", body: object{
		"program": "evening", "cohort": "dawn", "service": "group", "from": "2026-11-09", "until": "2026-11-20",
		"slots": []object{{"weekday": "monday", "start": "09:00", "end": "12:00"}},
	}}), http.StatusCreated)
	answer, said := h.send("csv", "", "text/csv", "cohort_id,person_id,from\ndawn,p2,2026-11-10\n")
	h.want(answer, http.StatusOK)
	if len(said.Series) != 1 || len(said.Series[0].Changed) != 1 || said.Series[0].Changed[0] != "mornings.2026-11-16" {
		t.Errorf("the report is %+v, want the session of the 16th to change", said)
	}
	s, _, err := store.Session(t.Context(), "mornings.2026-11-16")
	if err != nil || len(s.Roster) != 2 {
		t.Errorf("the session of the 16th expects %v (%v), want p1 and p2", s.Roster, err)
	}
}
