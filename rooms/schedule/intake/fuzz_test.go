package intake_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"viop/rooms/schedule/intake"
)

// Whatever a file says, it is read in bounded time, and what is not refused is
// documents that pass their own checks, and changes nothing when it comes again.
func fuzz(f *testing.F, format intake.Format, extensions ...string) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(text).Files {
			for _, extension := range extensions {
				if filepath.Ext(file.Name) == extension {
					f.Add(file.Data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := intake.Settings{Program: "evening", Now: time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC), Attendees: "mailto", Titles: true}
		w := newWorld()
		writes, report := w.take(format, text, s)
		if report.Refused > 0 {
			if len(writes) > 0 {
				t.Errorf("%q is refused and has writes", text)
			}
			return
		}
		for _, write := range writes {
			if err := write.Document.Check(); err != nil && !write.Delete {
				t.Errorf("%q makes %s: %v", text, describe(write), err)
			}
		}
		if again, report := w.take(format, text, s); len(again) > 0 {
			t.Errorf("%q again changes %s: %v", text, describe(again[0]), report)
		}
	})
}

func FuzzCSV(f *testing.F)  { fuzz(f, intake.CSV, ".csv") }
func FuzzICS(f *testing.F)  { fuzz(f, intake.ICS, ".ics") }
func FuzzFHIR(f *testing.F) { fuzz(f, intake.FHIR, ".json", ".ndjson") }
