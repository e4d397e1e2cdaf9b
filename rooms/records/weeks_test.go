package records_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

func day(t *testing.T, text string) (d attendance.Date) {
	t.Helper()
	if err := d.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

// rows say "person week credit verdict left".
func rows(w *records.Weeks) []string {
	var lines []string
	for _, r := range w.Rows {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %d", r.Person, r.Week.Week, attendance.CreditText(r.CreditedMS), r.Verdict, r.SessionsLeft))
	}
	return lines
}

func TestWeeks(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.putProgram(threeHours)
	const wednesday, nextMonday = 2 * 24 * 60, 7 * 24 * 60
	h.put("mon", 0, 180, "p1", "p2")
	h.hold("mon", 0, 180, stay{"p1", 0, 180}, stay{"p2", 0, 60})
	h.put("wed", wednesday, wednesday+180, "p2")
	h.putService("aid", attendance.MutualAid, wednesday+200, wednesday+260, "p2") // does not count
	h.put("next", nextMonday, nextMonday+180, "p1")
	h.clock.SetTime(h.time(600))

	check := func(name string, w *records.Weeks, err error, want ...string) {
		t.Helper()
		if got := rows(w); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	w, err := h.books.ProgramWeeks(t.Context(), "iop", 0)
	check("the program's week, today", w, err, "p1 2026-11-02 3 h 00 m met 0", "p2 2026-11-02 1 h 00 m on_track 1")
	if w.Week != day(t, "2026-11-02") || *w.Rows[1].MinMS != 180*60_000 || w.Timezone != "America/Chicago" {
		t.Errorf("it is %+v, want the week of November 2 and a minimum of three hours", w)
	}
	w, err = h.books.ProgramWeeks(t.Context(), "iop", day(t, "2026-11-15"))
	check("the next, asked for by its Sunday", w, err, "p1 2026-11-09 0 m at_risk 1")
	w, err = h.books.PersonWeeks(t.Context(), "p1", day(t, "2026-11-08"), day(t, "2026-11-09"))
	check("p1's weeks", w, err, "p1 2026-11-02 3 h 00 m met 0", "p1 2026-11-09 0 m at_risk 1")
	w, err = h.books.PersonWeeks(t.Context(), "p1", day(t, "2026-11-09"), day(t, "2026-11-15"))
	check("only the second", w, err, "p1 2026-11-09 0 m at_risk 1")
	w, err = h.books.PersonWeeks(t.Context(), "p3", day(t, "2026-11-02"), day(t, "2026-11-15"))
	check("p3's, who is expected nowhere", w, err)

	if _, err := h.books.PersonWeeks(t.Context(), "nobody", 0, 1); !errors.Is(err, schedule.ErrNotFound) {
		t.Errorf("weeks of nobody: %v, want ErrNotFound", err)
	}
	if _, err := h.books.ProgramWeeks(t.Context(), "nothing", 0); !errors.Is(err, schedule.ErrNotFound) {
		t.Errorf("weeks of no program: %v, want ErrNotFound", err)
	}
}

// A week that is measured by an average rests on weeks that nobody asked for.
func TestWeeksByAnAverage(t *testing.T) {
	h := inMemory(t)
	h.start = monday.Add(-8 * 7 * 24 * time.Hour)
	h.putProgram(func(p *schedule.Program) { p.Profile = attendance.VAMedicaidAdult })
	const week = 7 * 24 * 60
	for n, minutes := range []int{60, 0, 0, 0, 0, 0, 100, 0, 80} { // the last is monday's
		if minutes > 0 {
			id := []string{"w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"}[n]
			at := n * week
			if n > 1 {
				at += 60 // summer time ends between them
			}
			h.put(rooms.SessionID(id), at, at+180, "p1")
			h.hold(rooms.SessionID(id), at, at+180, stay{"p1", at, at + minutes})
		}
	}
	h.clock.SetTime(monday.Add(5 * time.Hour))
	w, err := h.books.PersonWeeks(t.Context(), "p1", day(t, "2026-11-02"), day(t, "2026-11-02"))
	h.must(err)
	// The week goes on, so it is the four before it: 0, 0, 100 and 0 minutes. The
	// first week that p1 came in is long before, so the empty ones count.
	if len(w.Rows) != 1 || w.Rows[0].MeasuredMS != 25*60_000 {
		t.Errorf("measured are %v, want 25 minutes", w.Rows)
	}
}
