package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"viop/rooms/schedule/intake"
)

// A file that is made to be work is refused, not worked off.
func TestLimits(t *testing.T) {
	event := func(i int, lines string) string {
		return fmt.Sprintf("BEGIN:VEVENT\nUID:%d\nDTSTART:20010101T180000Z\nDURATION:PT1H\n%sEND:VEVENT\n", i, lines)
	}
	events := func(n int, lines string) string {
		var b strings.Builder
		b.WriteString("BEGIN:VCALENDAR\n")
		for i := range n {
			b.WriteString(event(i, lines))
		}
		return b.String() + "END:VCALENDAR\n"
	}
	moved := "RRULE:FREQ=DAILY\nEND:VEVENT\nBEGIN:VEVENT\nUID:0\nRECURRENCE-ID:20010102T180000Z\nDTSTART:20010102T180000Z\nDURATION:PT1H\n"
	for _, test := range []struct {
		name   string
		format intake.Format
		text   string
		says   string
	}{
		{"bytes", intake.CSV, strings.Repeat("x", intake.MaxBytes+1), "bytes"},
		{"rows", intake.CSV, "session_id,person_id\n" + strings.Repeat("s,p1\n", 20_001), "rows"},
		{"events", intake.ICS, events(5_001, ""), "events"},
		{"rules", intake.ICS, events(501, "RRULE:FREQ=WEEKLY;COUNT=1\n"), "rules"},
		{"sessions", intake.ICS, events(40, "RRULE:FREQ=DAILY\n"), "sessions"},
		{"times before the window", intake.ICS, "BEGIN:VCALENDAR\n" + strings.Repeat(event(0, moved), 1) + strings.Join(func() (all []string) {
			for i := 1; i < 20; i++ {
				all = append(all, strings.ReplaceAll(event(i, moved), "UID:0", fmt.Sprint("UID:", i)))
			}
			return all
		}(), "") + "END:VCALENDAR\n", "too many times"},
		{"dates that are left out", intake.ICS, events(1, "EXDATE:20010101T180000Z"+strings.Repeat(",20010101T180000Z", 1000)+"\n"), "values"},
		{"components", intake.ICS, strings.Repeat("BEGIN:X\n", 9), "deep"},
		{"a line", intake.ICS, "BEGIN:" + strings.Repeat("x", 300<<10), "longer"},
		{"resources", intake.FHIR, strings.Repeat("{\"resourceType\":\"Location\"}\n", 20_001), "resources"},
	} {
		t.Run(test.name, func(t *testing.T) {
			writes, report := newWorld().take(test.format, []byte(test.text), intake.Settings{
				Program: "evening", Now: time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC),
			})
			if said := report.String(); report.Refused == 0 || len(writes) > 0 || !strings.Contains(said, test.says) {
				t.Errorf("%d writes, and the report is %.500s; want it refused for its %s", len(writes), said, test.says)
			}
		})
	}
}
