package schedule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// What Check lets through, the contract of attendance accepts, and the other
// way round: nothing is refused here that could be counted.
func TestProgramCheckAgreesWithAttendance(t *testing.T) {
	for name, changes := range programs() {
		for i, change := range changes {
			p := schedule.Program{ID: "x"}
			p.Timezone, p.Counting = "America/Chicago", attendance.DefaultCounting()
			change(&p.Program)
			c := attendance.Case{Format: attendance.Format, AsOf: 946684800000, Program: p.Program}
			ours, theirs := p.Check(), c.Validate()
			if (ours == nil) != (theirs == nil) {
				t.Errorf("%s, value %d: Check says %v, attendance says %v", name, i, ours, theirs)
			}
		}
	}
}

type change func(*attendance.Program)

// programs sets each field to values around its limits.
func programs() map[string][]change {
	numbers := []int{-1, 0, 1, 300, 301, 1<<31 - 1, 1 << 31}
	overrides := []attendance.Override[int]{attendance.NoLimit[int]()}
	for _, n := range numbers {
		overrides = append(overrides, attendance.OverrideWith(n))
	}
	type program = attendance.Program
	return map[string][]change{
		"timezone": each(func(p *program, v string) { p.Timezone = v },
			"", "UTC", "Local", "local", "Europe/Berlin", "Mars/Olympus", "../etc", "+01:00", "/UTC"),
		"week_start": each(func(p *program, v attendance.Weekday) { p.WeekStart = v },
			"", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "Monday", "montag"),
		"profile": each(func(p *program, v attendance.ProfileName) { p.Profile = v },
			"", "generic_adult", "generic_adolescent", "php", "outpatient", "nc_medicaid", "ny_oasas",
			"va_medicaid_adult", "va_medicaid_adolescent", "medicare", "gold"),
		"week_min_minutes": each(func(p *program, v attendance.Override[int]) { p.Overrides.WeekMinMinutes = v }, overrides...),
		"week_max_minutes": each(func(p *program, v attendance.Override[int]) { p.Overrides.WeekMaxMinutes = v }, overrides...),
		"day_min_minutes":  each(func(p *program, v attendance.Override[int]) { p.Overrides.DayMinMinutes = v }, overrides...),
		"days_min":         each(func(p *program, v attendance.Override[int]) { p.Overrides.DaysMin = v }, overrides...),
		"average_weeks":    each(func(p *program, v attendance.Override[int]) { p.Overrides.AverageWeeks = v }, overrides...),
		"week_basis": each(func(p *program, v attendance.WeekBasis) { p.Overrides.WeekBasis = attendance.OverrideWith(v) },
			"", "attended", "scheduled", "planned", "average", "luck"),
		"bridge_seconds":     each(func(p *program, v int) { p.Counting.BridgeSeconds = v }, numbers...),
		"late_after_minutes": each(func(p *program, v int) { p.Counting.LateAfterMinutes = v }, numbers...),
		"margin_minutes":     each(func(p *program, v int) { p.Counting.MarginMinutes = v }, numbers...),
		"group_max":          each(func(p *program, v int) { p.Counting.GroupMax = v }, numbers...),
		"group_min":          each(func(p *program, v int) { p.Counting.GroupMin = v }, numbers...),
		"clip":               each(func(p *program, v attendance.Clip) { p.Counting.Clip = v }, "", "scheduled", "actual", "intersection", "tight"),
		"breaks":             each(func(p *program, v attendance.BreakRule) { p.Counting.Breaks = v }, "", "exclude", "include", "some"),
		"facilitator_scope":  each(func(p *program, v attendance.Scope) { p.Counting.FacilitatorScope = v }, "", "room", "session", "none", "house"),
		"date_attribution":   each(func(p *program, v attendance.DateAttribution) { p.Counting.DateAttribution = v }, "", "split", "start", "end"),
	}
}

func each[T any](set func(*attendance.Program, T), values ...T) []change {
	var changes []change
	for _, v := range values {
		changes = append(changes, func(p *attendance.Program) { set(p, v) })
	}
	return changes
}

// The words of a session and the roles of people are attendance's as well.
func TestSessionCheckAgreesWithAttendance(t *testing.T) {
	start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	for _, service := range []attendance.Service{
		"", "individual", "family", "medication", "case_management", "assessment", "group", "psychoeducation",
		"peer_support", "mutual_aid", "aftercare", "yoga",
	} {
		for _, status := range []attendance.SessionStatus{"", "scheduled", "cancelled_by_program", "maybe"} {
			for _, role := range []auth.Role{"", "patient", "facilitator", "observer", "interpreter", "guest", "peer", "admin"} {
				s := schedule.Session{ID: "s1", Program: "x", Service: service, Status: status, Start: start, End: start.Add(time.Hour)}
				person := schedule.Person{ID: "p1", Role: role}
				c := attendance.Case{
					Format: attendance.Format, AsOf: attendance.At(start),
					Program: attendance.Program{Timezone: "UTC", Counting: attendance.DefaultCounting()},
					People:  []attendance.Person{{ID: "p1", Role: attendance.Role(role)}},
					Sessions: []attendance.Session{{
						ID: "s1", Service: service, Status: status,
						ScheduledStart: attendance.At(s.Start), ScheduledEnd: attendance.At(s.End),
					}},
				}
				ours, theirs := errors.Join(s.Check(), person.Check()), c.Validate()
				if (ours == nil) != (theirs == nil) {
					t.Errorf("service %q, status %q, role %q: Check says %v, attendance says %v", service, status, role, ours, theirs)
				}
			}
		}
	}
}

// What Check lets through of a history of levels, of authorizations and of
// excuses, the contract of attendance accepts, and the other way round.
func TestCareChecksAgreeWithAttendance(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 3, hour, 0, 0, 0, time.UTC) }
	before := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	valid := attendance.Case{
		Format: attendance.Format, AsOf: attendance.At(at(0)),
		Program: attendance.Program{Timezone: "UTC", Counting: attendance.DefaultCounting()},
		People:  []attendance.Person{{ID: "p1", Role: attendance.Patient}},
		Sessions: []attendance.Session{{ID: "s1", Service: attendance.Group,
			ScheduledStart: attendance.At(at(0)), ScheduledEnd: attendance.At(at(1))}},
	}
	agree := func(what string, ours error, c attendance.Case) {
		t.Helper()
		if theirs := c.Validate(); (ours == nil) != (theirs == nil) {
			t.Errorf("%s: Check says %v, attendance says %v", what, ours, theirs)
		}
	}
	profiles := []attendance.ProfileName{"", "generic_adult", "generic_adolescent", "php", "outpatient", "nc_medicaid", "ny_oasas",
		"va_medicaid_adult", "va_medicaid_adolescent", "medicare", "gold"}
	ends := []time.Time{{}, before, at(0), at(1), at(2), at(3), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, profile := range profiles {
		for _, end := range ends {
			for _, next := range ends[1:] {
				e := schedule.Enrollment{Person: "p1", Levels: []schedule.Level{
					{Start: next, Profile: profile}, {Start: at(1), End: end, Profile: attendance.PHP},
				}}
				c := valid
				c.Enrollments = e.Facts()
				agree(fmt.Sprintf("levels %+v", e.Levels), e.Check(), c)
			}
		}
	}
	for _, unit := range []attendance.Unit{"", "day", "session", "hour", "q15", "week"} {
		for _, count := range []int{-1, 0, 1, 1<<31 - 1, 1 << 31} {
			for _, to := range []attendance.Date{20758, 20759, 20760} {
				a := schedule.Authorization{ID: "a1", Person: "p1", Unit: unit, Count: count, From: 20759, To: to}
				c := valid
				c.Authorizations = []attendance.Authorization{a.Fact()}
				agree(fmt.Sprintf("%+v", a), a.Check(), c)
			}
		}
	}
	for _, by := range []attendance.ExcusedBy{"", "patient", "program", "weather"} {
		e := schedule.Excuse{Session: "s1", Person: "p1", By: by}
		c := valid
		c.Excused = []attendance.Excuse{e.Fact()}
		agree(fmt.Sprintf("%+v", e), e.Check(), c)
	}
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
	comesBack(t, schedule.Person{ID: "p1", Role: auth.Patient, Identifiers: []schedule.Identifier{
		{System: "urn:oid:2.16.840.1.113883.19.5", Value: "MRN 12345"}, {System: "ehr", Value: "7"},
	}}, schedule.ReadPerson)
	belongs := least
	belongs.Cohort, belongs.Track, belongs.Series = "c1", schedule.Evening, "mon"
	belongs.Appointments = []schedule.Appointment{{Person: "p1", Reference: "Appointment/4711"}}
	belongs.Source = schedule.Source{System: "clinic", UID: "a@example.org", Instance: "20261102T180000", Sequence: 2}
	comesBack(t, belongs, schedule.ReadSession)
	comesBack(t, schedule.Cohort{ID: "c1", Program: "evening", Title: "Blue", Track: schedule.Evening,
		Members:      []schedule.Member{{Person: "p1", From: 20759, To: 20815}, {Person: "p2", From: 20759}},
		Facilitators: []rooms.PersonID{"t1"}}, schedule.ReadCohort)
	comesBack(t, schedule.Series{ID: "mon", Program: "evening", Cohort: "c1", Title: "Evening", Service: attendance.Group,
		Slots: []schedule.Slot{{Weekday: "monday", Start: 18 * 60, End: 21 * 60, Breaks: []schedule.SlotBreak{{Start: 19 * 60, End: 19*60 + 10}}}},
		From:  20759, Until: 20815, Except: []attendance.Date{20766}, Ambiguous: schedule.Second}, schedule.ReadSeries)
	comesBack(t, schedule.Enrollment{Person: "p1", Levels: []schedule.Level{
		{Start: least.Start, End: least.End, Profile: attendance.PHP, Code: "2.5"}, {Start: least.End, Profile: attendance.GenericAdult, Code: "2.1"},
	}}, schedule.ReadEnrollment)
	comesBack(t, schedule.Authorization{ID: "a1", Person: "p1", Payer: "Payer", Reference: "AUTH 1", Unit: attendance.UnitDay, Count: 12,
		From: 20759, To: 20815}, schedule.ReadAuthorization)
	comesBack(t, schedule.Excuse{Session: "s1", Person: "p1", By: attendance.ByPatient}, schedule.ReadExcuse)
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
