package schedule_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// What Check lets through, the contract of attendance accepts, and the other
// way round: nothing is refused here that could be counted.
func TestProgramCheckAgreesWithAttendance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := schedule.Program{ID: "x", Program: programs().Draw(t, "program")}
		c := attendance.Case{Format: attendance.Format, AsOf: 946684800000, Program: p.Program}
		ours, theirs := p.Check(), c.Validate()
		if (ours == nil) != (theirs == nil) {
			t.Fatalf("Check says %v, attendance says %v", ours, theirs)
		}
	})
}

// programs are mostly right: with one or two fields of any value.
func programs() *rapid.Generator[attendance.Program] {
	return rapid.Custom(func(t *rapid.T) attendance.Program {
		number := rapid.SampledFrom([]int{-1, 0, 1, 60, 300, 301, 1<<31 - 1, 1 << 31})
		p := attendance.Program{Timezone: "America/Chicago", Counting: attendance.DefaultCounting()}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			switch rapid.IntRange(0, 14).Draw(t, "field") {
			case 0:
				p.Timezone = rapid.SampledFrom([]string{"", "UTC", "Local", "Europe/Berlin", "Mars/Olympus", "../etc", "+01:00"}).Draw(t, "zone")
			case 1:
				p.WeekStart = rapid.SampledFrom([]attendance.Weekday{"", "monday", "sunday", "Monday", "montag"}).Draw(t, "day")
			case 2:
				p.Profile = rapid.SampledFrom([]attendance.ProfileName{"", attendance.PHP, attendance.Medicare, "gold"}).Draw(t, "profile")
			case 3:
				p.Overrides.WeekMinMinutes = attendance.OverrideWith(number.Draw(t, "n"))
			case 4:
				p.Overrides.DayMinMinutes = attendance.NoLimit[int]()
			case 5:
				p.Overrides.DaysMin = attendance.OverrideWith(number.Draw(t, "n"))
			case 6:
				p.Overrides.AverageWeeks = attendance.OverrideWith(number.Draw(t, "n"))
			case 7:
				p.Overrides.WeekBasis = attendance.OverrideWith(rapid.SampledFrom([]attendance.WeekBasis{"", attendance.BasisAverage, "luck"}).Draw(t, "basis"))
			case 8:
				p.Counting.BridgeSeconds = number.Draw(t, "n")
			case 9:
				p.Counting.Clip = rapid.SampledFrom([]attendance.Clip{"", attendance.ClipActual, "tight"}).Draw(t, "clip")
			case 10:
				p.Counting.Breaks = rapid.SampledFrom([]attendance.BreakRule{"", attendance.IncludeBreaks, "some"}).Draw(t, "breaks")
			case 11:
				p.Counting.FacilitatorScope = rapid.SampledFrom([]attendance.Scope{"", attendance.ScopeNone, "house"}).Draw(t, "scope")
			case 12:
				p.Counting.DateAttribution = rapid.SampledFrom([]attendance.DateAttribution{"", attendance.ToStartDate, "end"}).Draw(t, "dates")
			case 13:
				p.Counting.LateAfterMinutes, p.Counting.GroupMax = number.Draw(t, "n"), number.Draw(t, "m")
			case 14:
				p.Overrides.WeekMaxMinutes, p.Counting.GroupMin = attendance.OverrideWith(number.Draw(t, "n")), number.Draw(t, "m")
			}
		}
		return p
	})
}

// A document that was read says the same when it is written and read again:
// what the store keeps is what came in.
func TestDocumentsComeBack(t *testing.T) {
	session, err := schedule.ReadSession([]byte(`{
		"id": "s1", "program": "evening", "title": "Monday evening", "service": "group", "counts": false,
		"scheduled_start": "2026-11-02T18:00:00-06:00", "scheduled_end": "2026-11-02T21:00:00.250-06:00",
		"breaks": [{"start": "2026-11-02T19:30:00-06:00", "end": "2026-11-02T19:40:00-06:00"}],
		"roster": ["p1"], "facilitators": ["t1"], "status": "scheduled", "seats": 12}`))
	if err != nil {
		t.Fatal(err)
	}
	comesBack(t, session, schedule.ReadSession)
	least, err := schedule.ReadSession([]byte(`{"program": "x", "service": "group", "roster": [],
		"scheduled_start": "2026-11-02T18:00:00Z", "scheduled_end": "2026-11-02T21:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	comesBack(t, least, schedule.ReadSession)
	comesBack(t, schedule.Person{ID: "p1", Role: auth.Patient, Name: "Ana B.", Program: "evening"}, schedule.ReadPerson)
	program := schedule.Program{ID: "evening"}
	program.Timezone, program.Counting = "America/Chicago", attendance.DefaultCounting()
	program.Counting.LateAfterMinutes = 0
	program.Overrides.DaysMin = attendance.NoLimit[int]()
	program.Overrides.WeekMinMinutes = attendance.OverrideWith(600)
	comesBack(t, program, schedule.ReadProgram)
}

func comesBack[T any](t *testing.T, value T, read func([]byte) (T, error)) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(text)
	if err != nil {
		t.Fatalf("%s is refused: %v", text, err)
	}
	second, err := json.Marshal(again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(second)); diff != "" {
		t.Errorf("the document came back changed (-first +second):\n%s", diff)
	}
}

func TestPlan(t *testing.T) {
	start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	s := schedule.Session{ID: "s1", Start: start, End: start.Add(time.Hour)}
	if got, want := s.Plan(), (rooms.Plan{Session: "s1", Start: start, End: start.Add(time.Hour), Seats: schedule.DefaultSeats}); got != want {
		t.Errorf("Plan() = %+v, want %+v", got, want)
	}
	s.Seats, s.Status = 8, attendance.SessionCancelled
	if got := s.Plan(); got.Seats != 8 || !got.Cancelled {
		t.Errorf("Plan() = %+v, want 8 seats, cancelled", got)
	}
}

func TestCondition(t *testing.T) {
	for _, test := range []struct {
		name      string
		condition schedule.Condition
		stored    schedule.Tag
		holds     bool
	}{
		{"none, nothing there", schedule.Condition{}, "", true},
		{"none, something there", schedule.Condition{}, "1", true},
		{"must exist and does not", schedule.Condition{Exists: true}, "", false},
		{"must exist and does", schedule.Condition{Exists: true}, "1", true},
		{"must not exist and does", schedule.Condition{Absent: true}, "1", false},
		{"must not exist and does not", schedule.Condition{Absent: true}, "", true},
		{"one of these", schedule.Condition{Tags: []schedule.Tag{"1", "2"}}, "2", true},
		{"another", schedule.Condition{Tags: []schedule.Tag{"1", "2"}}, "3", false},
		{"one of these, nothing there", schedule.Condition{Tags: []schedule.Tag{"1"}}, "", false},
		{"an empty tag, nothing there", schedule.Condition{Tags: []schedule.Tag{""}}, "", false},
		{"both", schedule.Condition{Tags: []schedule.Tag{"1"}, Absent: true}, "1", false},
	} {
		err := test.condition.Check(test.stored)
		if (err == nil) != test.holds || err != nil && !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("%s: Check(%q) = %v, want it to hold = %v", test.name, test.stored, err, test.holds)
		}
	}
}
