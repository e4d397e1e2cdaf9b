// Package export turns attendance records into what other systems read: JSON
// and CSV. Whole minutes appear here and nowhere before, taken from the record
// as the contract rounds them (rooms/attendance, SPEC §8: credit rounds down);
// nothing here adds or rounds by itself.
//
// Whoever is in a group for substance use is protected by that fact alone, so
// everything that leaves carries Notice.
package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"viop/rooms/attendance"
)

const (
	// Format names the JSON document.
	Format = "viop.attendance.records/1"
)

// Attendance is the records of one session. It marshals to JSON.
type Attendance struct {
	Format   string                   `json:"format"`
	AsOf     attendance.Instant       `json:"as_of"`
	Timezone string                   `json:"timezone"`
	Notice   string                   `json:"notice"`
	Session  attendance.SessionResult `json:"session"`
	Records  []attendance.Record      `json:"records"` // by person
}

// Of takes the one session out of a result, which may be about many because
// overlapping ones decide about each other's minutes.
func Of(result *attendance.Result, session string) Attendance {
	a := Attendance{
		Format: Format, AsOf: result.AsOf, Timezone: result.Timezone, Notice: Notice,
		Session: attendance.SessionResult{Session: session, Flags: []attendance.Flag{}},
		Records: []attendance.Record{},
	}
	for _, s := range result.Sessions {
		if s.Session == session {
			a.Session = s
		}
	}
	for _, r := range result.Records {
		if r.Session == session {
			a.Records = append(a.Records, r)
		}
	}
	return a
}

// Header is the first line of the CSV. Columns are only ever added at the end,
// before notice, and never change their meaning.
func header() []string {
	return []string{
		"session", "person", "date", "service", "status", "state", "version",
		"credited_min", "credited_ms", "attended_ms", "connected_ms", "lobby_ms", "bridged_ms",
		"lost_outside_window_ms", "lost_break_ms", "lost_no_facilitator_ms", "lost_correction_ms", "lost_overlap_ms",
		"manual_ms", "labels", "notice",
	}
}

// CSV writes the records as RFC 4180 says: a header, CRLF, quotes where they
// are needed. Text that a spreadsheet would take for a formula is disarmed.
func (a Attendance) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(header()); err != nil {
		return err
	}
	for _, r := range a.Records {
		if err := out.Write(row(r)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func row(r attendance.Record) []string {
	cells := []string{
		text(r.Session), text(r.Person), r.Date.String(), text(string(r.Service)),
		text(string(r.Status)), text(string(r.State)), strconv.Itoa(r.Version),
	}
	for _, n := range []int64{
		r.Units.MinuteFloor, r.CreditedMS, r.AttendedMS, r.ConnectedMS, r.LobbyMS, r.BridgedMS,
		r.LostOutsideWindowMS, r.LostBreakMS, r.LostNoFacilitatorMS, r.LostCorrectionMS, r.LostOverlapMS,
		r.ManualMS,
	} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	labels := make([]string, len(r.Labels))
	for i, l := range r.Labels {
		labels[i] = string(l)
	}
	return append(cells, strings.Join(labels, " "), Notice)
}

// text is s as a spreadsheet must show it. A cell that begins with one of
// these is a formula to spreadsheets, quotes or not, and could send the table
// away when a clerk opens it; the apostrophe says "this is text". Ids may
// begin with a hyphen, so this does happen.
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
