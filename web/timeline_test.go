package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/attendance"
)

type spanned struct {
	Start, End time.Time
	Rule       attendance.Rule
	Rooms      []string
}

func TestTimeline(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/timeline"})
	h.want(answer, http.StatusOK)
	var got struct {
		Start, End time.Time
		People     []struct {
			Person, Name string
			CreditedMS   int64 `json:"credited_ms"`
			Spans        []spanned
		}
	}
	h.decode(answer, &got)
	start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	at := func(after time.Duration) time.Time { return start.Add(after) }
	if !got.Start.Equal(at(-30*time.Minute)) || !got.End.Equal(at(3*time.Hour)) {
		t.Errorf("the axis is %v to %v, want all evidence on it", got.Start, got.End)
	}
	if len(got.People) != 2 || got.People[0].Name != "Ana B." || got.People[1].CreditedMS != 1_799_999 {
		t.Fatalf("people = %+v, want Ana B. and Bo C. with their minutes", got.People)
	}
	main := []string{"main"}
	want := []spanned{
		{at(-30 * time.Minute), at(-time.Minute), attendance.RuleAbsent, nil},
		{at(-time.Minute), at(0), attendance.RuleLobby, nil},
		{at(0), at(time.Hour), attendance.RuleCredited, main},
		{at(time.Hour), at(time.Hour + 20*time.Second), attendance.RuleBridged, main},
		{at(time.Hour + 20*time.Second), at(3 * time.Hour), attendance.RuleCredited, main},
	}
	if diff := cmp.Diff(want, got.People[0].Spans); diff != "" {
		t.Errorf("spans of p1 (-want +got):\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	for _, test := range []struct {
		name, person, at string
		rule             attendance.Rule
		evidence         string // an event that has to be there
	}{
		{"connected", "p1", "2026-11-03T00:30:00Z", attendance.RuleCredited, "1.5 admitted"},
		{"a short loss", "p1", "2026-11-02T19:00:10-06:00", attendance.RuleBridged, "1.7 lost"},
		{"in the lobby", "p1", "2026-11-02T23:59:30Z", attendance.RuleLobby, "1.4 waiting"},
		{"too early", "p2", "2026-11-02T23:45:00.250Z", attendance.RuleOutsideWindow, "1.3 admitted"},
		{"gone", "p2", "2026-11-03T02:00:00Z", attendance.RuleAbsent, "1.6 left"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/" + test.person + "/explain?at=" + test.at})
			h.want(answer, http.StatusOK)
			var got struct {
				Credited bool
				Span     spanned
				Text     string
				Steps    []attendance.Step
				Evidence []attendance.Event
			}
			h.decode(answer, &got)
			if got.Span.Rule != test.rule || got.Credited != test.rule.Credits() {
				t.Errorf("%s at %s: %s, credited %v, want %s", test.person, test.at, got.Span.Rule, got.Credited, test.rule)
			}
			if len(got.Steps) == 0 || !strings.Contains(got.Text, got.Steps[0].Text) {
				t.Errorf("text = %q, want the sentences of the steps %v", got.Text, got.Steps)
			}
			found := false
			for _, e := range got.Evidence {
				found = found || test.evidence == "1."+string(rune('0'+e.Seq))+" "+string(e.Type)
			}
			if !found {
				t.Errorf("evidence = %+v, want %s among it", got.Evidence, test.evidence)
			}
		})
	}
	for _, at := range []string{"", "noon", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"} {
		h.problem(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance/p1/explain?at=" + at}), http.StatusBadRequest, "invalid_parameter")
	}
	for _, path := range []string{"/v1/sessions/s9/attendance/p1", "/v1/sessions/s1/attendance/nobody", "/v1/sessions/s1/attendance/t1"} {
		h.problem(h.do(call{method: "GET", path: path + "/explain?at=2026-11-03T00:30:00Z"}), http.StatusNotFound, "not_found")
	}
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s9/timeline"}), http.StatusNotFound, "not_found")
}
