package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
	"viop/rooms/schedule/intake"
)

// In the weeks in which clocks change, a recurrence is what somebody gets who
// walks through the days with a calendar on the wall and asks, for each of
// them, what a clock shows quarter by quarter.
func TestRecurrencesAgreeWithAWalkThroughTheDays(t *testing.T) {
	zones := []string{"America/Chicago", "America/New_York", "America/Phoenix", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Pacific/Auckland", "Asia/Kolkata"}
	days := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := attendance.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		first := time.Date(2026, time.Month(rapid.SampledFrom([]int{2, 3, 9, 10}).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		clock := time.Duration(rapid.IntRange(0, 95).Draw(t, "quarter")) * 15 * time.Minute
		interval := rapid.IntRange(1, 3).Draw(t, "interval")
		count := rapid.IntRange(1, 30).Draw(t, "count")
		daily := rapid.Bool().Draw(t, "daily")
		weekdays := map[time.Weekday]bool{first.Weekday(): true}
		for _, d := range rapid.SliceOfN(rapid.IntRange(0, 6), 0, 4).Draw(t, "weekdays") {
			weekdays[time.Weekday(d)] = true
		}
		except := rapid.IntRange(0, count).Draw(t, "except") // number of the one that is left out

		var rule strings.Builder
		fmt.Fprintf(&rule, "FREQ=WEEKLY;INTERVAL=%d;COUNT=%d;BYDAY=", interval, count)
		if daily {
			rule.Reset()
			fmt.Fprintf(&rule, "FREQ=DAILY;INTERVAL=%d;COUNT=%d", interval, count)
		} else {
			var list []string
			for d := range weekdays {
				list = append(list, days[d])
			}
			rule.WriteString(strings.Join(list, ","))
		}

		var want []time.Time
		exdate := ""
		monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		n := 0
		for date := first; n < count; date = date.AddDate(0, 0, 1) {
			since := int(date.Sub(first) / (24 * time.Hour))
			week := int(date.Sub(monday)/(24*time.Hour)) / 7
			if daily && since%interval != 0 || !daily && (week%interval != 0 || !weekdays[date.Weekday()]) {
				continue
			}
			if n++; n == except {
				exdate = fmt.Sprintf("EXDATE;TZID=%s:%s\n", name, date.Add(clock).Format("20060102T150405"))
				continue
			}
			want = append(want, shownAt(date.Add(clock), zone))
		}
		text := fmt.Sprintf("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=%s:%s\nDURATION:PT1H\nRRULE:%s\n%sEND:VEVENT\nEND:VCALENDAR\n",
			name, first.Add(clock).Format("20060102T150405"), &rule, exdate)

		writes, report := newWorld().take(intake.ICS, []byte(text), intake.Settings{
			Program: "evening", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 1, 30, 0, 0, 0, 0, time.UTC),
		})
		if report.Refused > 0 {
			t.Fatalf("%s\nis refused: %v", text, report)
		}
		var got []time.Time
		for _, w := range writes {
			if s, ok := w.Document.(schedule.Session); ok {
				got = append(got, s.Start.UTC())
			}
		}
		slices.SortFunc(got, time.Time.Compare)
		last := time.Date(2027, 1, 30, 0, 0, 0, 0, time.UTC)
		want = slices.DeleteFunc(want, func(at time.Time) bool { return !at.Before(last) })
		slices.SortFunc(want, time.Time.Compare)
		want = slices.CompactFunc(want, time.Time.Equal)
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("%s\nis %v\nwant %v", text, got, want)
		}
	})
}

// shownAt looks for the first instant at which the clocks of the zone show
// face, a time as if in UTC; when none does, it is as far behind the change as
// it would have been without it.
func shownAt(face time.Time, zone *time.Location) time.Time {
	const layout = "2006-01-02 15:04"
	for at := face.Add(-26 * time.Hour); at.Before(face.Add(26 * time.Hour)); at = at.Add(15 * time.Minute) {
		if at.In(zone).Format(layout) == face.Format(layout) {
			return at.UTC()
		}
	}
	for at := face.Add(-26 * time.Hour); ; at = at.Add(15 * time.Minute) {
		if at.In(zone).Format(layout) > face.Format(layout) {
			return at.Add(face.Sub(shownFace(at.Add(-15*time.Minute), zone)) - 15*time.Minute).UTC()
		}
	}
}

func shownFace(at time.Time, zone *time.Location) time.Time {
	face, err := time.Parse("2006-01-02 15:04:05", at.In(zone).Format("2006-01-02 15:04:05"))
	if err != nil {
		panic(err)
	}
	return face
}
