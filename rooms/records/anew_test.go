package records_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Documents that change after a week is over and told are told anew, however
// long ago the week was: Run has debts for them, and would not look there by
// itself.
func TestWhatChangesIsToldAnew(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.putProgram(func(p *schedule.Program) { p.Profile = attendance.PHP })
	const aDay = 24 * 60
	h.put("mon", 0, 180, "p1", "p2")
	h.put("tue", aDay, aDay+180, "p1")
	h.put("wed", 2*aDay, 2*aDay+180, "p1", "p2")
	h.write(schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitSession, Count: 20,
		From: day(t, "2026-11-01"), To: day(t, "2026-12-31")})
	h.hold("mon", 0, 180, stay{"p1", 0, 180}, stay{"p2", 0, 180})
	h.hold("tue", aDay, aDay+180, stay{"p1", aDay, aDay + 180})
	h.hold("wed", 2*aDay, 2*aDay+180, stay{"p1", 2 * aDay, 2*aDay + 180})
	h.clock.SetTime(h.time(7 * aDay))
	h.books.Round(t.Context())
	h.clock.SetTime(h.time(70 * aDay)) // ten weeks later
	h.books.Round(t.Context())

	session := func(id string) schedule.Session {
		v, _, err := h.store.Session(t.Context(), rooms.SessionID(id))
		h.must(err)
		return v
	}
	moved := session("wed")
	moved.Start, moved.End = moved.Start.AddDate(0, 0, 7), moved.End.AddDate(0, 0, 7)
	off := session("mon")
	off.Roster = off.Roster[:1]
	for _, step := range []struct {
		name  string
		write schedule.Document
		want  []string
	}{
		{"another level", schedule.Enrollment{Person: "p1", Levels: []schedule.Level{{Start: monday.AddDate(0, -1, 0), Profile: attendance.GenericAdolescent}}},
			[]string{"p1 met<not_met 9 h 00 m"}},
		{"the same level", schedule.Enrollment{Person: "p1", Levels: []schedule.Level{{Start: monday.AddDate(0, -1, 0), Profile: attendance.GenericAdolescent}}}, nil},
		{"less was granted", schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitSession, Count: 3,
			From: day(t, "2026-11-01"), To: day(t, "2026-12-31")}, []string{"a1 exhausted< 0"}},
		{"an excuse of who did not come", schedule.Excuse{Session: "wed", Person: "p2", By: attendance.ByPatient}, []string{"wed p2 v1"}},
		{"off the roster, but there: less was scheduled", off, []string{"p2 not_met<not_met 3 h 00 m"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			told := len(h.feed())
			h.write(step.write)
			h.books.Round(t.Context())
			news := h.feed()[told:]
			if diff := cmp.Diff(step.want, news, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the feed goes on with (-want +got):\n%s", diff)
			}
		})
	}
	told := len(h.feed())
	h.write(moved)
	h.books.Round(t.Context())
	weeks := map[string]bool{}
	for _, line := range h.feed()[told:] {
		weeks[line] = true
	}
	// The week that the session has left, and the one that it has come to, of
	// which the evidence is no part.
	if !weeks["p1 not_met<met 6 h 00 m"] || !weeks["p1 not_met< 0 m"] {
		t.Errorf("after a session moved to the next week the feed goes on with %v", weeks)
	}
}
