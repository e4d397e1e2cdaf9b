package export_test

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/attendance"
	"viop/rooms/export"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// evening is what an evaluation of two overlapping sessions could say; only
// s1 is asked for.
func evening(t *testing.T) *attendance.Result {
	t.Helper()
	var date attendance.Date
	if err := date.UnmarshalText([]byte("2026-11-02")); err != nil {
		t.Fatal(err)
	}
	return &attendance.Result{
		Timezone: "America/Chicago",
		Records: []attendance.Record{
			{Session: "s0", Person: "p1", Service: attendance.Individual, Date: date},
			{
				Session: "s1", Person: "-p1", Service: attendance.Group, Date: date,
				Status: attendance.StatusAttended, State: attendance.StateUnsigned, Version: 1,
				Labels:      []attendance.Label{attendance.LabelBridged, attendance.LabelLate},
				ConnectedMS: 10_739_999, BridgedMS: 20_000, LobbyMS: 4_000, LostBreakMS: 600_000,
				AttendedMS: 10_159_999, CreditedMS: 10_159_999,
				Units: attendance.RecordUnits{MinuteFloor: 169},
			},
			{
				Session: "s1", Person: "p2", Service: attendance.Group, Date: date,
				Status: attendance.StatusNoShow, State: attendance.StateUnsigned, Version: 1,
			},
		},
		Sessions: []attendance.SessionResult{{Session: "s0"}, {Session: "s1", PatientsMax: 1}},
	}
}

func TestCSV(t *testing.T) {
	var got strings.Builder
	if err := export.Of(evening(t), "s1").CSV(&got); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "attendance.csv")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("CSV differs from %s (-want +got):\n%s", golden, diff)
	}
	if lines := strings.Count(got.String(), "\r\n"); lines != 3 || strings.Count(got.String(), "\n") != lines {
		t.Errorf("CSV has %d lines that end in CRLF, want all 3", lines)
	}
}

// A cell that a spreadsheet would run is text after a round trip through one.
func TestCSVDisarmsFormulas(t *testing.T) {
	for _, id := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"} {
		result := &attendance.Result{Records: []attendance.Record{{Session: "s1", Person: id}}}
		var got strings.Builder
		if err := export.Of(result, "s1").CSV(&got); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(got.String())).ReadAll()
		if err != nil {
			t.Fatalf("person %q: %v", id, err)
		}
		if cell := rows[1][1]; !strings.HasPrefix(cell, "'") {
			t.Errorf("person %q became the cell %q, want a leading apostrophe", id, cell)
		}
	}
}

func TestJSONHasNoNulls(t *testing.T) {
	got, err := json.Marshal(export.Of(&attendance.Result{}, "s9"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"records":[]`, `"flags":[]`, `"session":"s9"`, `"notice":"42 CFR part 2`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("JSON = %s, want it to hold %s", got, want)
		}
	}
}
