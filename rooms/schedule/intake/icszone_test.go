package intake

import (
	"testing"
	"time"
	"viop/rooms/attendance"
)

func TestWindowsZonesAreZones(t *testing.T) {
	for windows, iana := range windowsZones {
		if _, err := attendance.LoadZone(iana); err != nil {
			t.Errorf("%s: %v", windows, err)
		}
	}
}

const outlookCentral = `BEGIN:VTIMEZONE
TZID:(UTC-06:00) Central Time (US & Canada)
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0600
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0600
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`

// Rules that say what IANA says of these years give the same clocks.
func TestCompiledZone(t *testing.T) {
	var r remarks
	zone, err := compileZone("x", readComponents(outlookCentral, &r)[0])
	if err != nil || r.refused > 0 {
		t.Fatal(err, r.list)
	}
	iana, err := attendance.LoadZone("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2100; at = at.Add(time.Hour) {
		if got, want := wallOf(at, zone), wallOf(at, iana); got != want {
			t.Fatalf("at %v the clocks show %v, want %v", at, got, want)
		}
	}
}
