package intake

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := attendance.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func clock(t testing.TB, text string) wall {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return wall{at}
}

func TestWallInZone(t *testing.T) {
	for _, test := range []struct {
		name, zone, wall, want string
		shown                  schedule.Shown
	}{
		{"an evening", "America/Chicago", "2026-11-02 18:00", "2026-11-02T18:00:00-06:00", schedule.ShownOnce},
		{"the hour that is skipped moves forward by it", "America/Chicago", "2026-03-08 02:30", "2026-03-08T03:30:00-05:00", schedule.ShownNever},
		{"the last minute before", "America/Chicago", "2026-03-08 01:59", "2026-03-08T01:59:00-06:00", schedule.ShownOnce},
		{"the first minute after", "America/Chicago", "2026-03-08 03:00", "2026-03-08T03:00:00-05:00", schedule.ShownOnce},
		{"of two the first", "America/Chicago", "2026-11-01 01:30", "2026-11-01T01:30:00-05:00", schedule.ShownTwice},
		{"the first minute of the two", "America/Chicago", "2026-11-01 01:00", "2026-11-01T01:00:00-05:00", schedule.ShownTwice},
		{"the first minute after the two", "America/Chicago", "2026-11-01 02:00", "2026-11-01T02:00:00-06:00", schedule.ShownOnce},
		{"a skip of half an hour", "Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04T02:45:00+11:00", schedule.ShownNever},
		{"east of Greenwich", "Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00", schedule.ShownTwice},
		{"at midnight", "America/Santiago", "2026-09-06 00:30", "2026-09-06T01:30:00-03:00", schedule.ShownNever},
		{"far in the east", "Pacific/Kiritimati", "2026-11-02 18:00", "2026-11-02T18:00:00+14:00", schedule.ShownOnce},
		{"no summer", "America/Phoenix", "2026-03-08 02:30", "2026-03-08T02:30:00-07:00", schedule.ShownOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, shown := clock(t, test.wall).in(zone(t, test.zone))
			if got.Format(time.RFC3339) != test.want || shown != test.shown {
				t.Errorf("%s in %s = %s, %q; want %s, %q", test.wall, test.zone, got.Format(time.RFC3339), shown, test.want, test.shown)
			}
		})
	}
}

// The slow way: look at every quarter of an hour of two days.
func TestWallAgreesWithTheClock(t *testing.T) {
	names := []string{
		"America/Chicago", "America/St_Johns", "America/Santiago", "America/Havana", "Europe/Berlin", "Europe/Dublin",
		"Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca", "Asia/Gaza", "Asia/Kathmandu", "Pacific/Apia", "UTC",
	}
	rapid.Check(t, func(t *rapid.T) {
		z, err := attendance.LoadZone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		quarters := rapid.IntRange(0, 40*365*24*4).Draw(t, "quarters since 2012")
		w := wall{time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(quarters) * 15 * time.Minute)}
		var all []time.Time
		for at := w.Add(-24 * time.Hour); at.Before(w.Add(24 * time.Hour)); at = at.Add(15 * time.Minute) {
			if wallOf(at, z) == w {
				all = append(all, at)
			}
		}
		got, shown := w.in(z)
		switch {
		case len(all) == 0 && (shown != schedule.ShownNever || !wallOf(got, z).After(w.Time)):
			t.Errorf("%v in %v is never shown; got %v, %q", w, z, got, shown)
		case len(all) > 0 && (!got.Equal(all[0]) || (shown == schedule.ShownTwice) != (len(all) == 2)):
			t.Errorf("%v in %v = %v, %q; want the first of %v", w, z, got, shown, all)
		}
	})
}
