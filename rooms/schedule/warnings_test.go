package schedule_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// chicago is a program of 9 hours and three days of 3 hours a week.
func chicago(change ...func(*schedule.Program)) schedule.Program {
	p := schedule.Program{ID: "evening"}
	p.Timezone, p.Counting = "America/Chicago", attendance.DefaultCounting()
	for _, c := range change {
		c(&p)
	}
	return p
}

// meeting is a group on a day of November 2026 (the 2nd is a Monday), by the
// clock of Chicago.
func meeting(day int, start, end string, change ...func(*schedule.Session)) schedule.Session {
	at := func(clock string) time.Time {
		t, err := time.Parse(time.RFC3339, fmt.Sprintf("2026-11-%02dT%s:00-06:00", day, clock))
		if err != nil {
			panic(err)
		}
		return t
	}
	s := schedule.Session{
		ID: rooms.SessionID(fmt.Sprintf("%d-%s", day, start)), Program: "evening", Service: attendance.Group,
		Start: at(start), End: at(end), Roster: []rooms.PersonID{"p1", "p2"},
	}
	if !s.End.After(s.Start) {
		s.End = s.End.AddDate(0, 0, 1)
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func pause(after, length time.Duration) func(*schedule.Session) {
	return func(s *schedule.Session) {
		s.Breaks = append(s.Breaks, schedule.Break{Start: s.Start.Add(after), End: s.Start.Add(after + length)})
	}
}

func of(service attendance.Service) func(*schedule.Session) {
	return func(s *schedule.Session) { s.Service = service }
}

func roster(people ...rooms.PersonID) func(*schedule.Session) {
	return func(s *schedule.Session) { s.Roster = people }
}

func TestSessionWarnings(t *testing.T) {
	type sessions = []schedule.Session
	type warnings = []schedule.Warning
	tenMinutes := pause(90*time.Minute, 10*time.Minute)
	for _, test := range []struct {
		name    string
		program schedule.Program
		put     schedule.Session
		others  sessions
		want    warnings
	}{
		{"three hours are a day", chicago(), meeting(2, "18:00", "21:00"), nil, nil},
		{"a break makes a trap of them", chicago(), meeting(2, "18:00", "21:00", tenMinutes), nil, warnings{
			{schedule.BreakTrap, "/breaks", "18:00–21:00 less a 10 m break is 2 h 50 m; a day needs 3 h: this evening can never qualify."},
		}},
		{"an 8 m break", chicago(), meeting(2, "09:00", "12:00", pause(time.Hour, 8*time.Minute)), nil, warnings{
			{schedule.BreakTrap, "/breaks", "09:00–12:00 less an 8 m break is 2 h 52 m; a day needs 3 h: this morning can never qualify."},
		}},
		{"two breaks", chicago(), meeting(2, "13:00", "16:00", tenMinutes, pause(time.Hour, 5*time.Minute)), nil, warnings{
			{schedule.BreakTrap, "/breaks", "13:00–16:00 less 15 m in 2 breaks is 2 h 45 m; a day needs 3 h: this afternoon can never qualify."},
		}},
		{"unless breaks count", chicago(func(p *schedule.Program) { p.Counting.Breaks = attendance.IncludeBreaks }),
			meeting(2, "18:00", "21:00", tenMinutes), nil, nil},
		{"or the day has no minimum", chicago(func(p *schedule.Program) { p.Profile = attendance.Medicare }),
			meeting(2, "18:00", "21:00", tenMinutes), nil, nil},
		{"or the evening is longer", chicago(), meeting(2, "18:00", "21:10", tenMinutes), nil, nil},
		{"too short without a break", chicago(), meeting(2, "18:00", "19:00"), nil, warnings{
			{schedule.BreakTrap, "/scheduled_end", "18:00–19:00 is 1 h; a day needs 3 h: this evening can never qualify."},
		}},
		{"two sessions make a day", chicago(), meeting(2, "18:00", "19:30"), sessions{meeting(2, "09:00", "10:30")}, nil},
		{"or do not", chicago(), meeting(2, "18:00", "19:00"), sessions{meeting(2, "09:00", "10:30")}, warnings{
			{schedule.BreakTrap, "/scheduled_end", "09:00–10:30 is 1 h 30 m and 18:00–19:00 is 1 h, together 2 h 30 m; a day needs 3 h: this day can never qualify."},
		}},
		{"what overlaps counts once", chicago(), meeting(2, "18:00", "20:30"), sessions{meeting(2, "19:00", "20:00", of("individual"))}, warnings{
			{schedule.BreakTrap, "/scheduled_end", "18:00–20:30 is 2 h 30 m and 19:00–20:00 is 1 h, together 2 h 30 m; a day needs 3 h: this day can never qualify."},
		}},
		{"somebody is expected in both", chicago(), meeting(2, "18:00", "19:30", roster("p1", "p2", "p3")),
			sessions{meeting(2, "09:00", "10:30", roster("p3"))}, warnings{
				{schedule.BreakTrap, "/scheduled_end", "18:00–19:30 is 1 h 30 m; a day needs 3 h: this evening can never qualify. That is so for 2 of the 3 patients on its roster."},
			}},
		{"what does not count is no day", chicago(), meeting(2, "18:00", "19:00", of("peer_support")), nil, nil},
		{"nor is what is cancelled", chicago(), meeting(2, "18:00", "19:00", func(s *schedule.Session) { s.Status = attendance.SessionCancelled }), nil, nil},
		{"nobody is on the roster yet", chicago(), meeting(2, "18:00", "19:00", roster()), nil, warnings{
			{schedule.BreakTrap, "/scheduled_end", "18:00–19:00 is 1 h; a day needs 3 h: this evening can never qualify."},
		}},
		{"three evenings are nine hours exactly", chicago(), meeting(5, "18:00", "21:00"),
			sessions{meeting(2, "18:00", "21:00"), meeting(4, "18:00", "21:00"), meeting(9, "18:00", "21:00")}, warnings{
				{schedule.ZeroSlack, "/scheduled_end", "Mon 3 h + Wed 3 h + Thu 3 h is 9 h; a week needs 9 h: there is no slack, and any lost minute fails the week."},
			}},
		{"two are not enough yet, which is no surprise", chicago(), meeting(4, "18:00", "21:00"), sessions{meeting(2, "18:00", "21:00")}, nil},
		{"a minute more is slack", chicago(), meeting(5, "18:00", "21:01"), sessions{meeting(2, "18:00", "21:00"), meeting(4, "18:00", "21:00")}, nil},
		{"where the plan is what counts, nothing can be lost", chicago(func(p *schedule.Program) { p.Profile = attendance.NYOASAS }),
			meeting(5, "18:00", "21:00"), sessions{meeting(2, "18:00", "21:00"), meeting(4, "18:00", "21:00")}, nil},
		{"sessions of another program do not count here", chicago(), meeting(5, "18:00", "21:00"),
			sessions{meeting(2, "18:00", "21:00"), meeting(4, "18:00", "21:00", func(s *schedule.Session) { s.Program = "morning" })}, nil},
		{"it replaces what it was", chicago(), meeting(5, "18:00", "21:00"),
			sessions{meeting(5, "18:00", "21:00"), meeting(2, "18:00", "21:00"), meeting(4, "18:00", "20:00")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.put.Check(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.put.Warnings(test.program, test.others)); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplateWarnings(t *testing.T) {
	for _, test := range []struct {
		name, document string
		want           []schedule.Warning
	}{
		{"no template", `{"timezone": "America/Chicago"}`, nil},
		{"the common week", `{"timezone": "America/Chicago", "template": [
			{"weekday": "monday", "start": "18:00", "end": "21:00"},
			{"weekday": "wednesday", "start": "18:00", "end": "21:00"},
			{"weekday": "thursday", "start": "18:00", "end": "21:00"}]}`, []schedule.Warning{
			{schedule.ZeroSlack, "/template", "Mon 3 h + Wed 3 h + Thu 3 h is 9 h; a week needs 9 h: there is no slack, and any lost minute fails the week."},
		}},
		{"with a break on one day", `{"timezone": "America/Chicago", "week_start": "thursday", "template": [
			{"weekday": "monday", "start": "18:00", "end": "21:30"},
			{"weekday": "wednesday", "start": "18:00", "end": "21:00", "breaks": [{"start": "19:30", "end": "19:40"}]},
			{"weekday": "thursday", "start": "18:00", "end": "21:00"}]}`, []schedule.Warning{
			{schedule.BreakTrap, "/template/1", "18:00–21:00 less a 10 m break is 2 h 50 m; a day needs 3 h: this evening can never qualify."},
		}},
		{"a day is warned about once", `{"timezone": "Europe/Berlin", "template": [
			{"weekday": "sunday", "start": "09:00", "end": "10:00"},
			{"weekday": "sunday", "start": "11:00", "end": "12:00", "service": "individual"}]}`, []schedule.Warning{
			{schedule.BreakTrap, "/template/0", "09:00–10:00 is 1 h and 11:00–12:00 is 1 h, together 2 h; a day needs 3 h: this day can never qualify."},
		}},
		{"over midnight", `{"timezone": "America/Chicago", "template": [
			{"weekday": "saturday", "start": "22:00", "end": "01:10", "breaks": [{"start": "23:55", "end": "00:05"}]}]}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := schedule.ReadProgram([]byte(test.document))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p.Warnings()); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
			comesBack(t, p, schedule.ReadProgram)
		})
	}
}

func TestTemplateNamesWhatIsWrong(t *testing.T) {
	_, err := schedule.ReadProgram([]byte(`{"timezone": "America/Chicago", "template": [
		{"weekday": "someday", "start": "18:00", "end": "18:00", "service": "yoga"},
		{"weekday": "monday", "start": "18:00", "end": "21:00", "breaks": [
			{"start": "17:00", "end": "17:10"}, {"start": "20:55", "end": "21:05"}, {"start": "19:00", "end": "19:00"}]}]}`))
	wants := []string{
		"/template/0/weekday", "/template/0/service", "/template/0/end",
		"/template/1/breaks/0/start", "/template/1/breaks/1/end", "/template/1/breaks/2/end",
	}
	if diff := cmp.Diff(wants, pointers(t, err)); diff != "" {
		t.Errorf("pointers (-want +got):\n%s\n%v", diff, err)
	}
	for _, clock := range []string{`"6 pm"`, `"24:00"`, `"8:00"`, `1080`, `null`} {
		_, err := schedule.ReadProgram([]byte(`{"timezone": "UTC", "template": [{"weekday": "monday", "start": ` + clock + `, "end": "21:00"}]}`))
		if diff := cmp.Diff([]string{"/template/0/start"}, pointers(t, err)); diff != "" {
			t.Errorf("start %s: pointers (-want +got):\n%s", clock, diff)
		}
	}
}

func pointers(t *testing.T, err error) []string {
	t.Helper()
	problems, ok := errors.AsType[form.Problems](err)
	if !ok {
		t.Fatalf("error = %v, want form.Problems", err)
	}
	var all []string
	for _, p := range problems {
		all = append(all, p.Pointer)
	}
	return all
}
