package attendance_test

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viop/rooms/attendance"
)

func TestZonesAreOfTheVersionTheyName(t *testing.T) {
	content, err := os.ReadFile("zoneinfo.version")
	if err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(database)
	if want := attendance.ZoneDataVersion() + "\n" + hex.EncodeToString(sum[:]) + "\n"; string(content) != want {
		t.Errorf("zoneinfo.version is %q, want %q: run go generate", content, want)
	}
	if _, err := time.Parse("2006", attendance.ZoneDataVersion()[:4]); err != nil || len(attendance.ZoneDataVersion()) != len("2025c") {
		t.Errorf("ZoneDataVersion() = %q is no version", attendance.ZoneDataVersion())
	}
}

func TestLoadZoneKnowsNamesOfIANAOnly(t *testing.T) {
	for _, name := range zoneNames(t) {
		if zone, err := attendance.LoadZone(name); err != nil || zone.String() != name {
			t.Errorf("LoadZone(%s) = %v, %v", name, zone, err)
		}
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "posix/America/Chicago", "right/America/Chicago", "zone.tab", "+VERSION",
		".", "America", "America/", "/America/Chicago", "America//Chicago", "America/../America/Chicago", "america/chicago", "-06:00",
	} {
		if zone, err := attendance.LoadZone(name); err == nil {
			t.Errorf("LoadZone(%q) = %v, want an error", name, zone)
		}
	}
}

func zoneNames(t *testing.T) (names []string) {
	t.Helper()
	database, err := zip.OpenReader("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	for _, f := range database.File {
		names = append(names, f.Name)
	}
	if len(names) < 500 {
		t.Fatalf("zoneinfo.zip has %d zones, want all", len(names))
	}
	return names
}

// TestZonesAreNotTheMachines runs itself again where Chicago is said to lie in
// Japan. What time.LoadLocation makes of that is kept for a process's life.
func TestZonesAreNotTheMachines(t *testing.T) {
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	if os.Getenv("JAPANESE_CHICAGO") != "" {
		machines, err := time.LoadLocation("America/Chicago")
		if err != nil {
			t.Fatal(err)
		}
		ours, err := attendance.LoadZone("America/Chicago")
		if err != nil {
			t.Fatal(err)
		}
		if machines, ours := summer.In(machines).Hour(), summer.In(ours).Hour(); machines != 21 || ours != 7 {
			t.Errorf("at noon UTC it is %d in the machine's Chicago, want 21, and %d in ours, want 7", machines, ours)
		}
		return
	}
	directory := t.TempDir()
	if err := os.Mkdir(filepath.Join(directory, "America"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "America", "Chicago"), zoneFile(t, "Asia/Tokyo"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestZonesAreNotTheMachines$", "-test.v")
	again.Env = append(os.Environ(), "JAPANESE_CHICAGO=1", "ZONEINFO="+directory)
	if output, err := again.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Errorf("%v: %s", err, output)
	}
}

func zoneFile(t *testing.T, name string) []byte {
	t.Helper()
	database, err := zip.OpenReader("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	data, err := fs.ReadFile(database, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The last day of a leap year is a day like any other, in every zone and year.
// (Go's bounds of a zone end before it, and to walk along them never ended.)
func TestLastDayOfALeapYear(t *testing.T) {
	for _, name := range []string{"America/Chicago", "Europe/Berlin", "Australia/Sydney", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Sao_Paulo", "UTC"} {
		zone, err := attendance.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2000; year < 2099; year += 4 {
			c := attendance.Case{
				Format: attendance.Format, AsOf: attendance.At(time.Date(year+1, 1, 2, 0, 0, 0, 0, zone)),
				Program: attendance.Program{Timezone: name, Counting: attendance.DefaultCounting()},
				People:  []attendance.Person{{ID: "p1", Role: attendance.Patient}},
			}
			want := map[string]string{}
			for _, start := range []time.Time{
				time.Date(year, 12, 30, 18, 0, 0, 0, zone), time.Date(year, 12, 31, 0, 30, 0, 0, zone),
				time.Date(year, 12, 31, 22, 0, 0, 0, zone), time.Date(year+1, 1, 1, 0, 30, 0, 0, zone),
			} {
				id := start.Format(time.RFC3339)
				want[id] = start.Format(time.DateOnly)
				c.Sessions = append(c.Sessions, attendance.Session{ID: id, Service: attendance.Group, Roster: []string{"p1"},
					ScheduledStart: attendance.At(start), ScheduledEnd: attendance.At(start.Add(time.Hour))})
			}
			result := attendance.Evaluate(&c)
			for _, r := range result.Records {
				if r.Date.String() != want[r.Session] {
					t.Errorf("%s: the session of %s is on %s", name, r.Session, r.Date)
				}
			}
			for _, w := range result.Weeks {
				for _, midnight := range []time.Time{w.Start.Time().In(zone), w.End.Time().In(zone)} {
					if midnight.Weekday() != time.Monday || midnight.Hour() != 0 || midnight.Minute() != 0 {
						t.Errorf("%s: the week of %s has an end at %v", name, w.Week, midnight)
					}
				}
			}
		}
	}
}
