package intake_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"viop/rooms"
	"viop/rooms/schedule/intake"
)

var update = flag.Bool("update", false, "write what is said into the golden files")

// settings of a golden file.
type settings struct {
	intake.Settings
	Evidence []rooms.SessionID // sessions in which somebody has been
}

// A golden file is files that are taken in one after the other by the world of
// newWorld, each with the report and the writes that it comes to. Settings are
// JSON, and hold from where they are. After each file that was not refused, the
// same file again changes nothing.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, archive)
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil { //nolint:gosec // a file of the repository
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" {
				t.Errorf("what is said differs (-want +got):\n%s", diff)
			}
		})
	}
}

// tell is the archive with what its files come to now.
func tell(t *testing.T, archive *txtar.Archive) *txtar.Archive {
	w := newWorld()
	s := settings{Settings: intake.Settings{Program: "evening", Now: time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)}}
	got := &txtar.Archive{Comment: archive.Comment}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, " says") {
			continue
		}
		got.Files = append(got.Files, file)
		if file.Name == "settings" {
			decoder := json.NewDecoder(bytes.NewReader(file.Data))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&s); err != nil {
				t.Fatal(err)
			}
			for _, id := range s.Evidence {
				w.evidence[id] = true
			}
			continue
		}
		format := map[string]intake.Format{".csv": intake.CSV, ".ics": intake.ICS, ".json": intake.FHIR, ".ndjson": intake.FHIR}[filepath.Ext(file.Name)]
		writes, report := w.take(format, file.Data, s.Settings)
		said := report.String()
		for _, write := range writes {
			said += describe(write) + "\n"
		}
		got.Files = append(got.Files, txtar.File{Name: file.Name + " says", Data: []byte(said)})
		if report.Refused > 0 {
			if len(writes) > 0 {
				t.Errorf("%s is refused and has writes", file.Name)
			}
			continue
		}
		if again, report := w.take(format, file.Data, s.Settings); len(again) > 0 {
			t.Errorf("%s again changes %v:\n%v", file.Name, describe(again[0]), report)
		}
	}
	return got
}
