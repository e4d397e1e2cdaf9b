package web_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/schedule"
)

// meet writes the evidence of an evening: t1 and p1 the whole time, p1 with a
// gap of 20 s; p2 for an hour less 1 ms; half an hour of it before the start.
func (h *house) meet() {
	start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	at := func(after time.Duration) attendance.Instant { return attendance.At(start.Add(after)) }
	events := []attendance.Event{
		{At: at(-30 * time.Minute), Type: attendance.Opened},
		{At: at(-30 * time.Minute), Type: attendance.Admitted, Person: "t1", Connection: "c1-1"},
		{At: at(-30 * time.Minute), Type: attendance.Admitted, Person: "p2", Connection: "c1-2"},
		{At: at(-time.Minute), Type: attendance.Waiting, Person: "p1", Connection: "c1-3"},
		{At: at(0), Type: attendance.Admitted, Person: "p1", Connection: "c1-3"},
		{At: at(30*time.Minute - time.Millisecond), Type: attendance.Left, Connection: "c1-2", Reason: attendance.ReasonLeave},
		{At: at(time.Hour), Type: attendance.Lost, Connection: "c1-3"},
		{At: at(time.Hour + 20*time.Second), Type: attendance.Admitted, Person: "p1", Connection: "c1-4"},
		{At: at(3 * time.Hour), Type: attendance.Closed},
	}
	for i := range events {
		events[i].Session, events[i].Epoch, events[i].Seq = "s1", 1, i+1
	}
	h.store.events["s1"] = events
	h.now = start.Add(4 * time.Hour)
}

func TestAttendance(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"})
	h.want(answer, http.StatusOK)
	var got sheet
	h.decode(answer, &got)
	type line struct {
		Person                            string
		Credited, Bridged, Lobby, Outside int64
		Minutes                           int64
		Labels                            []attendance.Label
	}
	var lines []line
	for _, r := range got.Records {
		lines = append(lines, line{r.Person, r.CreditedMS, r.BridgedMS, r.LobbyMS, r.LostOutsideWindowMS, r.Units.MinuteFloor, r.Labels})
	}
	want := []line{
		{"p1", 3 * 3_600_000, 20_000, 60_000, 0, 180, []attendance.Label{attendance.LabelBridged}},
		{"p2", 1_799_999, 0, 0, 1_800_000, 29, []attendance.Label{attendance.LabelLeftEarly}},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("attendance differs (-want +got):\n%s", diff)
	}
	if got.Session.PatientsMax != 2 || got.Notice != export.Notice || got.Timezone != "America/Chicago" {
		t.Errorf("attendance = %+v, want two patients at most, the notice and the program's zone", got)
	}
	if len(h.rooms.flushed) != 1 || h.rooms.flushed[0] != "s1" {
		t.Errorf("flushed = %v, want s1: what the room has just seen has to be counted", h.rooms.flushed)
	}
}

func TestAttendanceCSVSaysTheSame(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.meet()
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance.csv"})
	h.want(answer, http.StatusOK)
	if got := answer.Header().Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
		t.Errorf("Content-Type = %q, want CSV", got)
	}
	rows, err := csv.NewReader(strings.NewReader(answer.Body.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var sheet sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &sheet)
	if len(rows) != len(sheet.Records)+1 {
		t.Fatalf("CSV has %d rows, want a header and %d", len(rows), len(sheet.Records))
	}
	seconds := func(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
	for i, r := range sheet.Records {
		cells := map[string]string{}
		for j, name := range rows[0] {
			cells[name] = rows[i+1][j]
		}
		for name, want := range map[string]string{
			"record_id": r.Session + "/" + r.Person, "person_id": r.Person, "local_date": r.Date.String(), "hash": r.Hash,
			"status": string(r.Status), "state": string(r.State), "sched_start": "2026-11-02T18:00:00-06:00", "tz": "America/Chicago",
			"credited_min": strconv.FormatInt(r.Units.MinuteFloor, 10), "credited_s": seconds(r.CreditedMS),
			"lobby_s": seconds(r.LobbyMS), "outside_window_s": seconds(r.LostOutsideWindowMS),
			"headcount_max": "2", "part2_notice": export.Notice,
		} {
			if cells[name] != want {
				t.Errorf("%s: %s = %q, want %q", r.Person, name, cells[name], want)
			}
		}
	}
}

func TestAttendanceOfNoSession(t *testing.T) {
	h := newHouse(t)
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s9/attendance"}), http.StatusNotFound, "not_found")
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s9/attendance.csv"}), http.StatusNotFound, "not_found")
	h.problem(h.do(call{method: "GET", path: "/v1/sessions/s9/presence"}), http.StatusNotFound, "not_found")
}

// A store that does not answer is a 503 after ten seconds, not a caller who
// waits for ever, and no minutes that leave something out.
func TestStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.furnish()
		h.rooms.flush = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		h.problem(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), http.StatusServiceUnavailable, "unavailable")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the answer took %v, want 10s", took)
		}
	})
}

func TestPresence(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	read := call{method: "GET", path: "/v1/sessions/s1/presence"}
	if got := strings.TrimSpace(h.do(read).Body.String()); got != `{"session":"s1","as_of":"2026-11-02T12:00:00Z","state":"scheduled","people":[]}` {
		t.Errorf("presence before anybody came = %s", got)
	}
	h.store.here["s1"] = []rooms.Presence{
		{Person: "t1", Handle: "m1", Role: "facilitator", State: rooms.Active, Room: "main", Conn: "c1-1", Since: h.now.Add(-time.Minute)},
		{Person: "p1", Handle: "m2", Role: "patient", State: rooms.Waiting, Since: h.now},
	}
	want := `{"session":"s1","as_of":"2026-11-02T12:00:00Z","state":"live","people":[` +
		`{"person":"t1","role":"facilitator","state":"active","room":"main","since":"2026-11-02T11:59:00Z"},` +
		`{"person":"p1","role":"patient","state":"waiting","since":"2026-11-02T12:00:00Z"}]}`
	if got := strings.TrimSpace(h.do(read).Body.String()); got != want {
		t.Errorf("presence = %s\nwant %s", got, want)
	}
}

func TestStoreFailureIsOurFault(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	h.store.programs = shelf[schedule.ProgramID, schedule.Program]{} // the case cannot be put together any more
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"})
	p := h.problem(answer, http.StatusInternalServerError, "internal")
	if id := strings.TrimPrefix(p.Instance, "urn:viop:request:"); !strings.Contains(h.log.String(), id) {
		t.Errorf("the log does not hold the id %s of the failed request", id)
	}
}
