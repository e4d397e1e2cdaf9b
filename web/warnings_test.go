package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// A document that is valid and will disappoint is stored, and the answer says
// so; reading it does not, and writing back what was answered is refused.
func TestWarnings(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		trap := evening()
		trap["breaks"] = []object{{"start": "2026-11-02T19:30:00-06:00", "end": "2026-11-02T19:40:00-06:00"}}
		answer := h.do(call{method: "PUT", path: "/v1/sessions/s1", body: trap})
		h.want(answer, http.StatusOK)
		var got struct{ Warnings []schedule.Warning }
		h.decode(answer, &got)
		want := []schedule.Warning{{
			Code: schedule.BreakTrap, Pointer: "/breaks",
			Detail: "18:00–21:00 less a 10 m break is 2 h 50 m; a day needs 3 h: this evening can never qualify.",
		}}
		if diff := cmp.Diff(want, got.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
		if text := h.do(call{method: "GET", path: "/v1/sessions/s1"}).Body.String(); strings.Contains(text, "warnings") {
			t.Errorf("the document = %s, want it without warnings", text)
		}
		trap["warnings"] = want
		p := h.problem(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: trap}), http.StatusUnprocessableEntity, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != "/warnings" {
			t.Errorf("errors = %v, want one at /warnings", p.Errors)
		}
	})
}

// The third evening makes the week, to the minute. More than a page of other
// sessions lies around it.
func TestWarningsOfAWeek(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
		var crowd []schedule.Write
		for i := range 205 {
			meeting := schedule.Session{
				ID: rooms.SessionID("crowd" + strconv.Itoa(i)), Program: "evening", Service: attendance.MutualAid,
				Start: start, End: start.Add(time.Hour), Roster: []rooms.PersonID{},
			}
			crowd = append(crowd, schedule.Write{Document: meeting})
		}
		if _, err := h.kept.PutAll(t.Context(), crowd); err != nil {
			t.Fatal(err)
		}
		on := func(day string) object {
			s := evening()
			s["scheduled_start"], s["scheduled_end"] = "2026-11-"+day+"T18:00:00-06:00", "2026-11-"+day+"T21:00:00-06:00"
			return s
		}
		if text := h.do(call{method: "PUT", path: "/v1/sessions/s2", body: on("04")}).Body.String(); strings.Contains(text, "warnings") {
			t.Errorf("two evenings: %s, want no warning", text)
		}
		answer := h.do(call{method: "PUT", path: "/v1/sessions/s3", body: on("05")})
		if text := answer.Body.String(); !strings.Contains(text, `"code":"zero_slack"`) || !strings.Contains(text, "Mon 3 h + Wed 3 h + Thu 3 h is 9 h") {
			t.Errorf("the third evening: %s, want zero_slack", text)
		}
	})
}

func TestTemplateIsKeptAndWarnedAbout(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		template := []object{
			{"weekday": "monday", "start": "18:00", "end": "21:00"},
			{"weekday": "wednesday", "start": "18:00", "end": "21:00"},
			{"weekday": "thursday", "start": "18:00", "end": "21:00", "breaks": []object{{"start": "19:25", "end": "19:35"}}},
		}
		answer := h.do(call{method: "PUT", path: "/v1/programs/evening", body: object{"timezone": "America/Chicago", "template": template}})
		h.want(answer, http.StatusCreated)
		var got struct{ Warnings []schedule.Warning }
		h.decode(answer, &got)
		if len(got.Warnings) != 1 || got.Warnings[0].Code != schedule.BreakTrap || got.Warnings[0].Pointer != "/template/2" {
			t.Errorf("warnings = %+v, want a break trap at /template/2", got.Warnings)
		}
		var kept struct{ Template []schedule.Slot }
		h.decode(h.do(call{method: "GET", path: "/v1/programs/evening"}), &kept)
		if len(kept.Template) != 3 || len(kept.Template[2].Breaks) != 1 {
			t.Errorf("template = %+v, want the one that was put in", kept.Template)
		}
	})
}
