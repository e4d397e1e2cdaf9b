package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// met records that people were together from start for as long as they stayed.
func met(t *testing.T, store *redisstore.Store, session rooms.SessionID, start time.Time, stayed map[string]time.Duration) {
	t.Helper()
	lease, err := store.Acquire(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	lease.Record(attendance.Event{At: attendance.At(start), Type: attendance.Opened})
	for person := range stayed {
		lease.Record(attendance.Event{At: attendance.At(start), Type: attendance.Admitted, Person: person, Connection: "c-" + person})
	}
	for person, long := range stayed {
		lease.Record(attendance.Event{At: attendance.At(start.Add(long)), Type: attendance.Left, Connection: "c-" + person, Reason: attendance.ReasonLeave})
	}
	if err := lease.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// evidence is all entries of a session's logs, byte for byte.
func evidence(t *testing.T, store *redisstore.Store, session rooms.SessionID) []redisstore.Entry {
	t.Helper()
	entries, err := store.Evidence(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Fatalf("session %s has no evidence", session)
	}
	return entries
}

type movedView struct {
	Fields  []string
	Records []records.Moved
}

// lines are "session person before -> after", in minutes.
func lines(moved []records.Moved) []string {
	said := func(c *records.Counted) string {
		if c == nil {
			return "none"
		}
		return fmt.Sprintf("%s %d", c.Status, c.CreditedMS/60_000)
	}
	var all []string
	for _, m := range moved {
		all = append(all, fmt.Sprintf("%s %s %s -> %s", m.Session, m.Person, said(m.Before), said(m.After)))
	}
	return all
}

// A session that people were in is scheduled otherwise: its evidence is kept,
// and the answer says whose minutes are counted otherwise.
func TestWhatMoves(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	on := func(change object) object {
		s := evening()
		s["scheduled_start"], s["scheduled_end"] = "2024-11-04T18:00:00-06:00", "2024-11-04T21:00:00-06:00"
		for name, value := range change {
			s[name] = value
		}
		return s
	}
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: on(nil)}), http.StatusOK)
	start := time.Date(2024, 11, 5, 0, 0, 0, 0, time.UTC)
	met(t, store, "s1", start, map[string]time.Duration{"t1": 3 * time.Hour, "p1": 2 * time.Hour})
	before := evidence(t, store, "s1")
	// p2 was in another group meanwhile, which a longer one would overlap.
	other := on(object{"service": "individual", "roster": []string{"p2"}, "scheduled_start": "2024-11-04T19:00:00-06:00"})
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s2", body: other}), http.StatusCreated)
	met(t, store, "s2", start, map[string]time.Duration{"t1": 3 * time.Hour, "p1": 90 * time.Minute, "p2": 3 * time.Hour})

	brk := []object{{"start": "2024-11-04T18:30:00-06:00", "end": "2024-11-04T18:40:00-06:00"}}
	for _, test := range []struct {
		name, path string
		body       object
		fields     []string
		records    []string
	}{
		// s2 is an individual session from 19:00, in which p1 was too: it comes first.
		{"as it is", "/v1/sessions/s1", on(object{"title": "Blue"}), nil, nil},
		{"a break", "/v1/sessions/s1", on(object{"breaks": brk}), []string{"breaks"}, []string{"s1 p1 attended 90 -> attended 80"}},
		{"another start", "/v1/sessions/s1", on(object{"scheduled_start": "2024-11-04T18:20:00-06:00"}), []string{"scheduled_start", "breaks"},
			[]string{"s1 p1 attended 80 -> attended 70"}},
		{"off the roster", "/v1/sessions/s1", on(object{"roster": []string{"p1"}}), []string{"scheduled_start", "roster"},
			[]string{"s1 p1 attended 70 -> attended 90", "s1 p2 no_show 0 -> none"}},
		{"the other moves, and takes minutes along", "/v1/sessions/s2", on(object{"service": "individual", "roster": []string{"p2"}, "scheduled_start": "2024-11-04T18:00:00-06:00"}),
			[]string{"scheduled_start"}, []string{"s1 p1 attended 90 -> attended 30", "s2 p1 attended 30 -> attended 90", "s2 p2 attended 120 -> attended 180"}},
		{"another day", "/v1/sessions/s1", on(object{"roster": []string{"p1"}, "scheduled_start": "2024-12-02T18:00:00-06:00", "scheduled_end": "2024-12-02T21:00:00-06:00"}),
			[]string{"scheduled_start", "scheduled_end"}, []string{"s1 p1 attended 30 -> present_uncredited 0"}},
		{"and back", "/v1/sessions/s1", on(object{"roster": []string{"p1"}}), []string{"scheduled_start", "scheduled_end"},
			[]string{"s1 p1 present_uncredited 0 -> attended 30"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			answer := h.do(call{method: "PUT", path: test.path, body: test.body})
			h.want(answer, http.StatusOK)
			var got struct{ Moved movedView }
			h.decode(answer, &got)
			if diff := cmp.Diff(test.fields, got.Moved.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.records, lines(got.Moved.Records)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, evidence(t, store, "s1")); diff != "" {
				t.Errorf("the evidence has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// People call a session off, and on again, without writing the rest of it.
func TestCancellation(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	past := evening()
	past["scheduled_start"], past["scheduled_end"] = "2024-11-04T18:00:00-06:00", "2024-11-04T21:00:00-06:00"
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: past}), http.StatusOK)
	met(t, store, "s1", time.Date(2024, 11, 5, 0, 0, 0, 0, time.UTC), map[string]time.Duration{"t1": time.Hour, "p1": time.Hour})
	var got struct {
		Status string
		Title  string
		Moved  movedView
	}
	answer := h.do(call{method: "PUT", path: "/v1/sessions/s1/cancellation"})
	h.want(answer, http.StatusOK)
	h.decode(answer, &got)
	want := []string{"s1 p1 attended 60 -> cancelled_by_program 0", "s1 p2 no_show 0 -> cancelled_by_program 0"}
	if diff := cmp.Diff(want, lines(got.Moved.Records)); diff != "" || got.Status != "cancelled_by_program" || got.Title != "Monday evening" {
		t.Errorf("cancelled: %s, records (-want +got):\n%s", answer.Body, diff)
	}
	tag := answer.Header().Get("ETag")
	again := h.do(call{method: "PUT", path: "/v1/sessions/s1/cancellation", header: map[string]string{"If-Match": tag}})
	h.want(again, http.StatusOK)
	if got := again.Header().Get("ETag"); got != tag {
		t.Errorf("ETag = %s, want %s: it was cancelled already", got, tag)
	}
	stale := call{method: "DELETE", path: "/v1/sessions/s1/cancellation", header: map[string]string{"If-Match": `"x"`}}
	h.problem(h.do(stale), http.StatusPreconditionFailed, "precondition_failed")
	stale.header = nil
	held := h.do(stale)
	h.want(held, http.StatusOK)
	if text := held.Body.String(); !strings.Contains(text, `"status":"scheduled"`) {
		t.Errorf("held after all: %s", text)
	}
	h.problem(h.do(call{method: "PUT", path: "/v1/sessions/s9/cancellation"}), http.StatusNotFound, "not_found")
}

type seriesView struct {
	Series                 string
	Made, Changed, Removed []string
	Left                   []schedule.Left
	Remarks                []schedule.Remark
	Moved                  []records.Moved
}

// whys counts what was left by why.
func (v seriesView) whys() map[schedule.LeftWhy]int {
	whys := map[schedule.LeftWhy]int{}
	for _, left := range v.Left {
		whys[left.Why]++
	}
	return whys
}

func mondays() object {
	return object{
		"program": "evening", "cohort": "blue", "title": "Evening", "service": "group",
		"slots": []object{{"weekday": "monday", "start": "18:00", "end": "21:00"}},
		"from":  "2025-12-01", "until": "2026-12-31", "except": []string{"2025-12-29"},
	}
}

func blue(more ...object) object {
	members := append([]object{{"person": "p1", "from": "2025-12-01"}, {"person": "p2", "from": "2025-12-01", "to": "2026-06-30"}}, more...)
	return object{"program": "evening", "track": "evening", "members": members, "facilitators": []string{"t1"}}
}

// The life of a series, on the second of November 2026 by the clock of the
// house: it is put in, met, moved, edited, and taken out again.
func TestSeries(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	put := func(path string, body object) (v seriesView) {
		t.Helper()
		answer := h.do(call{method: "PUT", path: path, body: body})
		if answer.Code != http.StatusCreated {
			h.want(answer, http.StatusOK)
		}
		h.decode(answer, &v)
		return v
	}
	h.want(h.do(call{method: "PUT", path: "/v1/cohorts/blue", body: blue()}), http.StatusCreated)
	first := put("/v1/series/mon", mondays())
	if len(first.Made) != 56 || first.Made[0] != "mon.2025-12-01" || len(first.Changed)+len(first.Removed)+len(first.Left) > 0 {
		t.Fatalf("made %d %v, want the 56 mondays that are not left out", len(first.Made), first.Made)
	}
	var one schedule.Session
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/mon.2026-07-06"}), &one)
	if fmt.Sprint(one.Roster) != "[p1]" || one.Cohort != "blue" || one.Track != "evening" || one.Series != "mon" ||
		one.Start.Format(time.RFC3339) != "2026-07-06T18:00:00-05:00" {
		t.Errorf("a session of July = %+v, want p1 of the cohort, at six on the wall", one)
	}
	if again := put("/v1/series/mon", mondays()); len(again.Made)+len(again.Changed)+len(again.Removed)+len(again.Left) > 0 {
		t.Errorf("the same again: %+v, want that nothing is written", again)
	}

	met(t, store, "mon.2025-12-01", time.Date(2025, 12, 2, 0, 0, 0, 0, time.UTC), map[string]time.Duration{"t1": 3 * time.Hour, "p1": 2 * time.Hour})
	before := evidence(t, store, "mon.2025-12-01")
	single := one
	single.ID, single.Title = "", "Moved by hand"
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/mon.2026-11-30", body: object{
		"program": "evening", "service": "group", "roster": []string{"p1"},
		"scheduled_start": "2026-12-01T18:00:00-06:00", "scheduled_end": "2026-12-01T21:00:00-06:00"}}), http.StatusOK)
	h.want(h.do(call{method: "DELETE", path: "/v1/sessions/mon.2026-12-07"}), http.StatusNoContent)

	later := mondays()
	later["slots"] = []object{{"weekday": "monday", "start": "19:00", "end": "21:00"}}
	later["except"] = []string{"2025-12-29", "2026-12-28"}
	moved := put("/v1/series/mon", later)
	// 9 november mondays from the 2nd on: the clock of the house is at 6 in the morning there.
	want := map[schedule.LeftWhy]int{"evidence": 1, "begun": 46, "edited": 1, "deleted": 1}
	if diff := cmp.Diff(want, moved.whys()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if len(moved.Changed) != 6 || moved.Changed[0] != "mon.2026-11-02" || fmt.Sprint(moved.Removed) != "[mon.2026-12-28]" || len(moved.Moved) > 0 {
		t.Errorf("changed %v, removed %v, moved %v; want those to come", moved.Changed, moved.Removed, moved.Moved)
	}

	rewritten := put("/v1/series/mon?rewrite=true", later)
	if diff := cmp.Diff(map[schedule.LeftWhy]int{"edited": 1, "deleted": 1}, rewritten.whys()); diff != "" {
		t.Errorf("rewritten, left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"mon.2025-12-01 p1 attended 120 -> attended 60"}, lines(rewritten.Moved)); diff != "" {
		t.Errorf("a series that moves what was met (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, evidence(t, store, "mon.2025-12-01")); diff != "" {
		t.Errorf("the evidence has changed (-before +after):\n%s", diff)
	}

	h.problem(h.do(call{method: "DELETE", path: "/v1/cohorts/blue"}), http.StatusConflict, "in_use")
	answer := h.do(call{method: "DELETE", path: "/v1/series/mon"})
	h.want(answer, http.StatusOK)
	var gone seriesView
	h.decode(answer, &gone)
	if diff := cmp.Diff(map[schedule.LeftWhy]int{"evidence": 1, "begun": 47 - 1, "edited": 1}, gone.whys()); diff != "" || len(gone.Removed) != 6 {
		t.Errorf("taken out: removed %v, left (-want +got):\n%s", gone.Removed, diff)
	}
	h.want(h.do(call{method: "GET", path: "/v1/sessions/mon.2025-12-01"}), http.StatusOK)
	h.problem(h.do(call{method: "GET", path: "/v1/series/mon"}), http.StatusNotFound, "not_found")
	h.want(h.do(call{method: "DELETE", path: "/v1/cohorts/blue"}), http.StatusNoContent)
}

// Whoever joins a cohort is expected from that day on; with another time zone,
// its sessions are at the same time on another wall.
func TestACohortAndItsProgramMoveTheirSeries(t *testing.T) {
	h, _ := newRedisHouse(t)
	h.furnish()
	h.want(h.do(call{method: "PUT", path: "/v1/people/p3", body: object{"role": "patient"}}), http.StatusCreated)
	h.want(h.do(call{method: "PUT", path: "/v1/cohorts/blue", body: blue()}), http.StatusCreated)
	h.want(h.do(call{method: "PUT", path: "/v1/series/mon", body: mondays()}), http.StatusCreated)
	var report struct{ Series []seriesView }
	h.decode(h.do(call{method: "PUT", path: "/v1/cohorts/blue", body: blue(object{"person": "p3", "from": "2026-12-01"})}), &report)
	if len(report.Series) != 1 || fmt.Sprint(report.Series[0].Changed) != "[mon.2026-12-07 mon.2026-12-14 mon.2026-12-21 mon.2026-12-28]" {
		t.Errorf("series = %+v, want the four mondays of december", report.Series)
	}
	var one schedule.Session
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/mon.2026-12-07"}), &one)
	if fmt.Sprint(one.Roster) != "[p1 p3]" {
		t.Errorf("roster = %v, want p1 and p3", one.Roster)
	}
	h.decode(h.do(call{method: "PUT", path: "/v1/programs/evening", body: object{"timezone": "America/New_York"}}), &report)
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/mon.2026-12-07"}), &one)
	if len(report.Series) != 1 || len(report.Series[0].Changed) != 9 || one.Start.Format(time.RFC3339) != "2026-12-07T18:00:00-05:00" {
		t.Errorf("in New York: %+v, the session starts at %v; want the nine to come at six there", report.Series, one.Start)
	}
	if other := blue(); true {
		other["program"] = "none"
		p := h.problem(h.do(call{method: "PUT", path: "/v1/cohorts/blue", body: other}), http.StatusUnprocessableEntity, "invalid")
		samePointers(t, p.Errors[:1], []string{"/program"})
	}
}

// What a change of the clocks does to a series is said with it.
func TestSeriesTellsOfTheClocks(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		h.furnish()
		var got seriesView
		h.decode(h.do(call{method: "PUT", path: "/v1/series/night", body: object{
			"program": "evening", "service": "group", "roster": []string{"p1"}, "from": "2027-03-01", "until": "2027-11-30",
			"slots": []object{{"weekday": "sunday", "start": "01:30", "end": "02:30"}, {"weekday": "sunday", "start": "02:15", "end": "02:45"}},
		}}), &got)
		var said []string
		for _, r := range got.Remarks {
			said = append(said, string(r.Session)+" "+string(r.Code))
		}
		want := []string{
			"night.2027-03-14 moved_forward", "night.2027-03-14.2 moved_forward", "night.2027-03-14.2 moved_forward", "night.2027-11-07 shown_twice",
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("remarks (-want +got):\n%s", diff)
		}
	})
}
