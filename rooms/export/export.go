// Package export turns what was told about attendance into what other systems
// read. Everything starts from one entry of the feed, Item, and every format is
// a projection of it:
//
//   - the pull feed is items, as JSON;
//   - a webhook is a Message: names of things, and nothing about anybody;
//   - CSV is rows of records and weeks (columns.go says what each column means),
//     alone or in an archive with the notice and a signed manifest (Archive);
//   - FHIR R4 is resources (rooms/export/fhir).
//
// All of it is pure: no clock, no store. The same item gives the same bytes.
//
// Whole minutes appear here and nowhere before, taken from the record as the
// contract rounds them (rooms/attendance, SPEC §8: credit rounds down); nothing
// here adds or rounds by itself.
//
// Whoever is in a group for substance use is protected by that fact alone, so
// everything that leaves carries Notice.
package export

import (
	"io"
	"iter"
)

// Format names the JSON document of a session's records.
const Format = "viop.attendance.records/1"

// CSV writes records as the table attendance.csv.
func CSV(w io.Writer, style Style, rows iter.Seq2[Row, error]) error {
	t, err := newTable(w, recordColumns(), style)
	if err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := t.write(row, row.about().Timezone); err != nil {
			return err
		}
	}
	return t.flush()
}
