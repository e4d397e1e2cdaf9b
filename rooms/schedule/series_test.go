package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// zones have every kind of change of the clocks: at midnight, by half an hour,
// by two, by a whole day, twice a year and never.
var zones = []string{
	"America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca",
	"Asia/Kathmandu", "Antarctica/Troll", "America/St_Johns", "Asia/Gaza", "America/Phoenix", "UTC",
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := attendance.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func date(text string) attendance.Date {
	var d attendance.Date
	if err := d.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return d
}

func TestOnWall(t *testing.T) {
	for _, test := range []struct {
		zone, date, clock string
		which             schedule.Occurrence
		want              string
		shown             schedule.Shown
	}{
		{"America/Chicago", "2026-11-02", "18:00", "", "2026-11-02T18:00:00-06:00", schedule.ShownOnce},
		{"America/Chicago", "2026-03-08", "01:59", "", "2026-03-08T01:59:00-06:00", schedule.ShownOnce},
		{"America/Chicago", "2026-03-08", "02:00", "", "2026-03-08T03:00:00-05:00", schedule.ShownNever},
		{"America/Chicago", "2026-03-08", "02:30", schedule.Second, "2026-03-08T03:30:00-05:00", schedule.ShownNever},
		{"America/Chicago", "2026-03-08", "03:00", "", "2026-03-08T03:00:00-05:00", schedule.ShownOnce},
		{"America/Chicago", "2026-11-01", "01:30", "", "2026-11-01T01:30:00-05:00", schedule.ShownTwice},
		{"America/Chicago", "2026-11-01", "01:30", schedule.First, "2026-11-01T01:30:00-05:00", schedule.ShownTwice},
		{"America/Chicago", "2026-11-01", "01:30", schedule.Second, "2026-11-01T01:30:00-06:00", schedule.ShownTwice},
		{"America/Chicago", "2026-11-01", "02:00", "", "2026-11-01T02:00:00-06:00", schedule.ShownOnce},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "", "2026-10-04T02:45:00+11:00", schedule.ShownNever},
		{"Pacific/Apia", "2011-12-30", "18:00", "", "2011-12-31T18:00:00+14:00", schedule.ShownNever},
		{"UTC", "2026-11-01", "24:00", "", "2026-11-02T00:00:00Z", schedule.ShownOnce},
	} {
		var h, m int
		if _, err := fmt.Sscanf(test.clock, "%d:%d", &h, &m); err != nil {
			t.Fatal(err)
		}
		clock := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
		got, shown := schedule.OnWall(zone(t, test.zone), date(test.date), clock, test.which)
		if got.Format(time.RFC3339) != test.want || shown != test.shown {
			t.Errorf("%s %s in %s, %q: %s %q, want %s %q", test.date, test.clock, test.zone, test.which,
				got.Format(time.RFC3339), shown, test.want, test.shown)
		}
	}
}

// OnWall finds what looking at the clock every minute finds.
func TestOnWallIsWhatTheClockShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		day := attendance.Date(rapid.IntRange(int(date("2005-01-01")), int(date("2037-12-31"))).Draw(t, "date"))
		if turn, ok := nextTurn(zone, day); ok && rapid.Bool().Draw(t, "of a change") {
			day = turn
		}
		minutes := rapid.IntRange(0, 24*60-1).Draw(t, "minutes")
		clock := time.Duration(minutes) * time.Minute
		face := time.Unix(int64(day)*24*60*60, 0).UTC().Add(clock)
		var hits []time.Time
		var before time.Time // the last minute that shows less, before the first that shows more
		for at, passed := face.Add(-30*time.Hour), false; at.Before(face.Add(30 * time.Hour)); at = at.Add(time.Minute) {
			switch shows := wall(at, zone); {
			case shows.Equal(face):
				hits = append(hits, at)
			case shows.Before(face) && !passed:
				before = at
			case shows.After(face):
				passed = true
			}
		}
		want, shown := hits, schedule.ShownOnce
		switch len(hits) {
		case 0:
			want, shown = []time.Time{before.Add(face.Sub(wall(before, zone)))}, schedule.ShownNever
		case 2:
			shown = schedule.ShownTwice
		}
		for _, which := range []schedule.Occurrence{"", schedule.First, schedule.Second} {
			got, how := schedule.OnWall(zone, day, clock, which)
			expect := want[0]
			if which == schedule.Second {
				expect = want[len(want)-1]
			}
			if !got.Equal(expect) || how != shown {
				t.Fatalf("%s %v in %s, %q = %v %q, want %v %q", day, clock, zone, which, got, how, expect, shown)
			}
		}
	})
}

// wall is what the clock shows, as if it were UTC.
func wall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// nextTurn is the date of the first change of the clocks after a date.
func nextTurn(zone *time.Location, after attendance.Date) (attendance.Date, bool) {
	_, end := time.Unix(int64(after)*24*60*60, 0).In(zone).ZoneBounds()
	if end.IsZero() || end.Year() > 2037 {
		return 0, false
	}
	return date(end.Add(-time.Minute).In(zone).Format(time.DateOnly)), true
}

// weekly meets on such a weekday for all of 2026.
func weekly(slots ...schedule.Slot) schedule.Series {
	return schedule.Series{
		ID: "blue", Program: "evening", Title: "Evening", Service: attendance.Group, Slots: slots,
		From: date("2026-01-05"), Until: date("2026-12-31"),
		Roster: []rooms.PersonID{"p1"}, Facilitators: []rooms.PersonID{"t1"},
	}
}

func slot(day attendance.Weekday, start, end string, breaks ...string) schedule.Slot {
	s := schedule.Slot{Weekday: day, Start: clock(start), End: clock(end)}
	for i := 0; i < len(breaks); i += 2 {
		s.Breaks = append(s.Breaks, schedule.SlotBreak{Start: clock(breaks[i]), End: clock(breaks[i+1])})
	}
	return s
}

func clock(text string) schedule.WallClock {
	var w schedule.WallClock
	if err := w.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return w
}

func TestExpand(t *testing.T) {
	short := func(from, until string, slots ...schedule.Slot) schedule.Series {
		s := weekly(slots...)
		s.From, s.Until = date(from), date(until)
		return s
	}
	second := func(s schedule.Series) schedule.Series { s.Ambiguous = schedule.Second; return s }
	except := func(s schedule.Series, dates ...string) schedule.Series {
		for _, d := range dates {
			s.Except = append(s.Except, date(d))
		}
		return s
	}
	for _, test := range []struct {
		name    string
		series  schedule.Series
		want    []string // id start–end, breaks
		remarks []string // id code
	}{
		{"the same time on the wall before and after the clocks change", short("2026-10-26", "2026-11-08", slot("monday", "18:00", "21:00")),
			[]string{"blue.2026-10-26 23:00Z 02:00Z", "blue.2026-11-02 00:00Z 03:00Z"}, nil},
		{"several slots of a week, by date and by their order", short("2026-11-02", "2026-11-08",
			slot("thursday", "18:00", "21:00"), slot("monday", "18:00", "21:00"), slot("monday", "10:00", "11:00"), slot("monday", "09:00", "09:30")),
			[]string{"blue.2026-11-02 00:00Z 03:00Z", "blue.2026-11-02.2 16:00Z 17:00Z", "blue.2026-11-02.3 15:00Z 15:30Z", "blue.2026-11-05 00:00Z 03:00Z"}, nil},
		{"not on a holiday", except(short("2026-11-01", "2026-11-30", slot("thursday", "18:00", "21:00")), "2026-11-26", "2026-11-27"),
			[]string{"blue.2026-11-05 00:00Z 03:00Z", "blue.2026-11-12 00:00Z 03:00Z", "blue.2026-11-19 00:00Z 03:00Z"}, nil},
		{"across midnight, with a break behind it", short("2026-11-06", "2026-11-06", slot("friday", "23:00", "01:00", "23:30", "23:40", "00:10", "00:20")),
			[]string{"blue.2026-11-06 05:00Z 07:00Z 05:30Z 05:40Z 06:10Z 06:20Z"}, nil},
		{"a start that is never shown moves forward", short("2026-03-08", "2026-03-08", slot("sunday", "02:30", "05:00", "03:00", "03:40", "04:00", "04:10")),
			[]string{"blue.2026-03-08 08:30Z 10:00Z 08:30Z 08:40Z 09:00Z 09:10Z"}, []string{"blue.2026-03-08 moved_forward"}},
		{"nothing is left of it", short("2026-03-08", "2026-03-08", slot("sunday", "02:30", "03:15")),
			nil, []string{"blue.2026-03-08 moved_forward", "blue.2026-03-08 no_time"}},
		{"nothing is left of a break", short("2026-03-08", "2026-03-08", slot("sunday", "01:30", "03:15", "02:30", "02:45")),
			[]string{"blue.2026-03-08 07:30Z 08:15Z"}, []string{"blue.2026-03-08 moved_forward", "blue.2026-03-08 moved_forward", "blue.2026-03-08 no_break"}},
		{"the first of two", short("2026-11-01", "2026-11-01", slot("sunday", "01:30", "02:30")),
			[]string{"blue.2026-11-01 06:30Z 08:30Z"}, []string{"blue.2026-11-01 shown_twice"}},
		{"the second of two", second(short("2026-11-01", "2026-11-01", slot("sunday", "01:30", "02:30"))),
			[]string{"blue.2026-11-01 07:30Z 08:30Z"}, []string{"blue.2026-11-01 shown_twice"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.series.Check(); err != nil {
				t.Fatal(err)
			}
			sessions, remarks := test.series.Expand(chicago(), schedule.Cohort{})
			var got, said []string
			for _, s := range sessions {
				line := string(s.ID) + s.Start.UTC().Format(" 15:04Z") + s.End.UTC().Format(" 15:04Z")
				for _, b := range s.Breaks {
					line += b.Start.UTC().Format(" 15:04Z") + b.End.UTC().Format(" 15:04Z")
				}
				got = append(got, line)
			}
			for _, r := range remarks {
				said = append(said, string(r.Session)+" "+string(r.Code))
				if !strings.HasSuffix(r.Detail, ".") {
					t.Errorf("%q is not a sentence", r.Detail)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.remarks, said); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

// The patients of a day are those who are in the cohort on it.
func TestExpandWithACohort(t *testing.T) {
	cohort := schedule.Cohort{ID: "c1", Program: "evening", Track: schedule.Evening, Facilitators: []rooms.PersonID{"t1", "t2"},
		Members: []schedule.Member{
			{Person: "p2", From: date("2026-11-01")},
			{Person: "p1", From: date("2026-10-01"), To: date("2026-11-09")},
			{Person: "p3", From: date("2026-11-10")},
		}}
	series := weekly(slot("monday", "18:00", "21:00"))
	series.Cohort, series.Roster, series.Facilitators = "c1", nil, nil
	series.From, series.Until = date("2026-11-01"), date("2026-11-16")
	sessions, _ := series.Expand(chicago(), cohort)
	var got []string
	for _, s := range sessions {
		if s.Cohort != "c1" || s.Track != schedule.Evening || s.Series != "blue" || len(s.Facilitators) != 2 {
			t.Errorf("session %s = %+v, want it to belong to cohort, track and series", s.ID, s)
		}
		got = append(got, fmt.Sprint(s.ID, s.Roster))
	}
	want := []string{"blue.2026-11-02[p1 p2]", "blue.2026-11-09[p1 p2]", "blue.2026-11-16[p2 p3]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rosters (-want +got):\n%s", diff)
	}
	series.Roster = []rooms.PersonID{"p9"}
	if own, _ := series.Expand(chicago(), cohort); fmt.Sprint(own[0].Roster) != "[p9]" {
		t.Errorf("roster = %v, want the series' own", own[0].Roster)
	}
}

// Whatever the zone and the slots: every meeting of every week is a valid
// session or said to have no time left, ids are unique, and where nothing is
// said the wall shows what the slot says.
func TestExpandLosesNothing(t *testing.T) {
	days := []attendance.Weekday{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	rapid.Check(t, func(t *rapid.T) {
		program := chicago()
		program.Timezone = rapid.SampledFrom(zones).Draw(t, "zone")
		minutes := rapid.IntRange(0, 24*60-1)
		series := weekly()
		for range rapid.IntRange(1, 4).Draw(t, "slots") {
			s := schedule.Slot{Weekday: rapid.SampledFrom(days).Draw(t, "day"), Start: schedule.WallClock(minutes.Draw(t, "start"))}
			s.End = (s.Start + schedule.WallClock(rapid.IntRange(1, 20*60).Draw(t, "length"))) % (24 * 60)
			length := (int(s.End-s.Start) + 24*60) % (24 * 60)
			if from := rapid.IntRange(0, length).Draw(t, "break"); from < length {
				s.Breaks = []schedule.SlotBreak{{
					Start: (s.Start + schedule.WallClock(from)) % (24 * 60),
					End:   (s.Start + schedule.WallClock(rapid.IntRange(from+1, length).Draw(t, "its end"))) % (24 * 60),
				}}
			}
			series.Slots = append(series.Slots, s)
		}
		series.From = date("2011-01-03") + attendance.Date(rapid.IntRange(0, 5000).Draw(t, "from"))
		series.Until = series.From + attendance.Date(rapid.IntRange(0, schedule.MaxSeriesDays-1).Draw(t, "days"))
		if err := series.Check(); err != nil {
			t.Fatal(err)
		}
		sessions, remarks := series.Expand(program, schedule.Cohort{})
		odd, gone := map[rooms.SessionID]bool{}, 0
		for _, r := range remarks {
			odd[r.Session] = true
			if r.Code == schedule.NoTime {
				gone++
			}
		}
		meetings := 0
		for day := series.From; day <= series.Until; day++ {
			for _, s := range series.Slots {
				if days[(int(day)+3)%7] == s.Weekday {
					meetings++
				}
			}
		}
		if len(sessions)+gone != meetings {
			t.Fatalf("%d sessions and %d without time of %d meetings", len(sessions), gone, meetings)
		}
		ids := map[rooms.SessionID]bool{}
		for _, s := range sessions {
			if err := s.Check(); err != nil || ids[s.ID] {
				t.Fatalf("%s is twice = %v, or not valid: %v", s.ID, ids[s.ID], err)
			}
			ids[s.ID] = true
			wall, _ := schedule.WallClock(s.Start.Hour()*60 + s.Start.Minute()).MarshalText()
			known := slices.ContainsFunc(series.Slots, func(x schedule.Slot) bool {
				text, _ := x.Start.MarshalText()
				return string(text) == string(wall) && strings.EqualFold(s.Start.Weekday().String(), string(x.Weekday))
			})
			if !known && !odd[s.ID] {
				t.Fatalf("%s starts at %v, which no slot says, and nothing is said about it", s.ID, s.Start)
			}
		}
	})
}

func TestReviseASeries(t *testing.T) {
	now := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	series := weekly(slot("monday", "18:00", "21:00"))
	series.From, series.Until = date("2026-11-02"), date("2026-12-07")
	all, _ := series.Expand(chicago(), schedule.Cohort{})
	series.Slots = []schedule.Slot{slot("monday", "17:00", "20:00")}
	series.Except = []attendance.Date{date("2026-12-07")}
	wanted, _ := series.Expand(chicago(), schedule.Cohort{})
	type standing = schedule.Standing
	made := func(i int) standing { return standing{Session: all[i], Tag: "1", Made: "1"} }
	change := func(s standing, f func(*standing)) standing { f(&s); return s }
	evidence := func(s *standing) { s.Evidence = true }
	for _, test := range []struct {
		name    string
		at      int // of the six dates; the first two have begun, the last is taken out
		there   standing
		rewrite bool
		want    string
	}{
		{"none is there yet", 2, standing{}, false, "made"},
		{"none is there, and its time has passed", 0, standing{}, false, "made"},
		{"as the series made it", 2, made(2), false, "changed"},
		{"as it should be", 2, change(made(2), func(s *standing) { s.Session = wanted[2] }), false, ""},
		{"it has begun", 1, made(1), false, "left begun"},
		{"it has begun, and all are to be rewritten", 1, made(1), true, "changed"},
		{"people met early", 2, change(made(2), evidence), false, "left evidence"},
		{"people met, and all are to be rewritten", 1, change(made(1), evidence), true, "changed"},
		{"somebody has edited it", 2, change(made(2), func(s *standing) { s.Tag = "2" }), false, "left edited"},
		{"edited stays edited", 2, change(made(2), func(s *standing) { s.Tag = "2" }), true, "left edited"},
		{"somebody has deleted it", 2, standing{Made: "1"}, true, "left deleted"},
		{"another has its id", 2, change(made(2), func(s *standing) { s.Made = "" }), true, "left foreign"},
		{"taken out", 5, made(5), false, "removed"},
		{"taken out, but people met", 5, change(made(5), evidence), true, "left evidence"},
		{"taken out, but edited", 5, change(made(5), func(s *standing) { s.Tag = "2" }), true, "left edited"},
		{"taken out, and gone already", 5, standing{Made: "1"}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want []schedule.Session
			if test.at < len(wanted) {
				want = wanted[test.at : test.at+1]
			}
			r := series.Revise(want, map[rooms.SessionID]standing{all[test.at].ID: test.there}, now, test.rewrite)
			var got []string
			for what, ids := range map[string][]rooms.SessionID{"made": r.Made, "changed": r.Changed, "removed": r.Removed} {
				for range ids {
					got = append(got, what)
				}
			}
			for _, left := range r.Left {
				got = append(got, "left "+string(left.Why))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("revised to %q, want %q", got, test.want)
			}
			if writes := len(r.Made) + len(r.Changed) + len(r.Removed); writes != len(r.Writes) {
				t.Errorf("%d writes, want %d", len(r.Writes), writes)
			}
			for _, w := range r.Writes {
				if w.Series != "blue" || w.If.Check(test.there.Tag) != nil || w.If.Check("other") == nil {
					t.Errorf("write %+v, want one of the series that holds only for what was seen", w)
				}
			}
		})
	}
}
