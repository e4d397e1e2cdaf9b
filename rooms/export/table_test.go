package export_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
)

// each yields rows, and then an error if there is one.
func each[T any](rows []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// rowsOf the records and weeks of the sample.
func rowsOf(t testing.TB) (rows []export.Row, weeks []export.Week) {
	t.Helper()
	_, all := items(t)
	yes := true
	for _, item := range all {
		if item.Record != nil {
			rows = append(rows, export.Row{Record: *item.Record})
		}
		if item.Week != nil {
			weeks = append(weeks, *item.Week)
		}
	}
	rows[0].DayQualifies = &yes
	return rows, weeks
}

func table(t testing.TB, style export.Style, rows ...export.Row) string {
	t.Helper()
	var b strings.Builder
	if err := export.CSV(&b, style, each(rows, nil)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// cells of a table by the names of its columns.
func cells(t testing.TB, text string) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCSV(t *testing.T) {
	rows, _ := rowsOf(t)
	got := table(t, export.ForSpreadsheets, rows...)
	golden(t, "attendance.csv", []byte(got))
	if lines := strings.Count(got, "\r\n"); lines != len(rows)+1 || strings.Count(got, "\n") != lines {
		t.Errorf("CSV has %d lines that end in CRLF, want all %d", lines, len(rows)+1)
	}
}

func TestCSVStopsAtAnError(t *testing.T) {
	rows, _ := rowsOf(t)
	broken := errors.New("broken")
	if err := export.CSV(&bytes.Buffer{}, export.Raw, each(rows, broken)); !errors.Is(err, broken) {
		t.Errorf("CSV of rows that break = %v, want that error", err)
	}
	rows[0].About = &records.About{Timezone: "Nowhere/At_All"}
	if err := export.CSV(&bytes.Buffer{}, export.Raw, each(rows, nil)); err == nil {
		t.Error("CSV of a zone that is none succeeded")
	}
}

// A cell that a spreadsheet would run is text after a round trip through one.
func TestCSVDisarmsFormulas(t *testing.T) {
	for _, text := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u3000=1",
		"\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
		"a;=1", "a;  =1", "a,=1", `a"=1`, "a\n=1", "a\r\n=1", "a\u2028=1", "\x00=1", "a|=1",
	} {
		var r export.Row
		r.Name = text
		got := cells(t, table(t, export.ForSpreadsheets, r))[0]["name"]
		if startsFormula(got) {
			t.Errorf("the name %q became the cell %q, which a spreadsheet runs", text, got)
		}
		if strings.Trim(got, "'") == "" || !strings.Contains(got, "1") {
			t.Errorf("the name %q became the cell %q, want its text to be there", text, got)
		}
	}
}

// startsFormula is written apart from what it checks: no place at which a cell
// can be thought to begin is followed by what begins a formula.
func startsFormula(cell string) bool {
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\"\r\n\t", r) }) {
		part = strings.TrimLeftFunc(part, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) })
		if part != "" && slices.Contains([]rune("=+-@＝＋－＠"), []rune(part)[0]) {
			return true
		}
	}
	return false
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[=+@;,"' \-a-c\t\r\n|\x{a0}\x{ff1d}\x{202e}\x{2028}]{0,8}`),
		rapid.StringMatching(`[A-Za-z0-9._~:-]{1,20}`),
	)
}

// Whatever texts are in a record, the table has as many cells as columns, says
// the same when it is read, and starts no formula.
func TestTextSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyText()
		var r export.Row
		r.Session, r.Person, r.Name = text.Draw(t, "session"), text.Draw(t, "person"), text.Draw(t, "name")
		r.External = text.Draw(t, "external")
		r.RecordID = export.RecordID(r.Session, r.Person)
		r.About = &records.About{Title: text.Draw(t, "title"), Appointment: text.Draw(t, "appointment")}
		want := map[string]string{
			"session_id": r.Session, "person_id": r.Person, "name": r.Name, "external_patient_id": r.External,
			"record_id": r.RecordID, "session_name": r.About.Title, "appointment_ref": r.About.Appointment,
		}
		for _, style := range []export.Style{export.Raw, export.ForSpreadsheets} {
			var b strings.Builder
			if err := export.CSV(&b, style, each([]export.Row{r}, nil)); err != nil {
				t.Fatal(err)
			}
			lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
			if err != nil || len(lines) != 2 {
				t.Fatalf("%s: %d lines and %v, want two", style, len(lines), err)
			}
			for i, name := range lines[0] {
				got := lines[1][i]
				if style == export.ForSpreadsheets && startsFormula(got) {
					t.Fatalf("%s is the cell %q, which a spreadsheet runs", name, got)
				}
				text, given := want[name]
				if !given {
					continue
				}
				if style == export.Raw && got != visible(text) {
					t.Fatalf("%s: %q became %q, want %q", name, text, got, visible(text))
				}
				if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(visible(text), "'", "") {
					t.Fatalf("%s: %q became %q, more than apostrophes differ", name, text, got)
				}
			}
		}
	})
}

// visible is text without controls, as a table has it.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}

// Seconds are exact: what the rows say adds up to what the records say, and
// for a row connected + bridged + manual is credited and all that was lost.
func TestLengthsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 48*3_600_000)
		var rows []export.Row
		var sum int64
		for range rapid.IntRange(1, 20).Draw(t, "rows") {
			r := export.Row{}
			r.CreditedMS, r.LostBreakMS, r.LostOverlapMS = ms.Draw(t, "credited"), ms.Draw(t, "break"), ms.Draw(t, "overlap")
			r.BridgedMS, r.ManualMS = ms.Draw(t, "bridged"), ms.Draw(t, "manual")
			r.LostCorrectionMS = r.BridgedMS + r.ManualMS
			r.ConnectedMS = r.CreditedMS + r.LostBreakMS + r.LostOverlapMS
			sum += r.CreditedMS
			rows = append(rows, r)
		}
		var b strings.Builder
		if err := export.CSV(&b, export.ForSpreadsheets, each(rows, nil)); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		at := func(line []string, names ...string) (sum int64) {
			for _, name := range names {
				whole, fraction, _ := strings.Cut(line[slices.Index(lines[0], name)], ".")
				n, err := strconv.ParseInt(whole+fraction, 10, 64)
				if err != nil || len(fraction) != 3 {
					t.Fatalf("%s = %s.%s, want three decimals", name, whole, fraction)
				}
				sum += n
			}
			return sum
		}
		var total int64
		for _, line := range lines[1:] {
			total += at(line, "credited_s")
			here := at(line, "connected_s", "bridged_s", "manual_s")
			if went := at(line, "credited_s", "outside_window_s", "break_s", "no_facilitator_s", "correction_s", "overlap_s"); here != went {
				t.Fatalf("%d ms were there, %d are accounted for", here, went)
			}
		}
		if total != sum {
			t.Fatalf("the rows have %d ms, the records %d", total, sum)
		}
	})
}

// Clocks that go back write two different texts for two different instants.
func TestTimesKeepTheirOffset(t *testing.T) {
	first := attendance.At(time.Date(2026, 11, 1, 6, 20, 0, 0, time.UTC)) // 01:20 in Chicago, for the first time
	var r export.Row
	r.About = &records.About{Timezone: "America/Chicago", Start: first, End: first + 3_600_000}
	row := cells(t, table(t, export.Raw, r))[0]
	if row["sched_start"] == row["sched_end"] || row["sched_start"][:16] != row["sched_end"][:16] {
		t.Errorf("an hour across the change of clocks is %s to %s, want the same wall and two offsets", row["sched_start"], row["sched_end"])
	}
}
