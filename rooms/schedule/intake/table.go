package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// A row of a table. A column that the table does not have leaves what is
// stored as it is; a cell that is empty empties it.
type row struct {
	line  int
	cells map[string]string
}

func (r row) has(column string) bool { _, ok := r.cells[column]; return ok }

// list is a cell of several words, separated by spaces or semicolons.
func (r row) list(column string) []string {
	return strings.FieldsFunc(r.cells[column], func(r rune) bool { return r == ' ' || r == ';' })
}

// A table is one of those that are known here.
type table struct {
	// mark is the column that no other table has.
	mark     string
	required []string
	optional []string
	read     func([]row, Settings, *remarks) reader
}

func tables() []table {
	return []table{
		{"authorization_id", []string{"authorization_id", "person_id", "unit", "count", "from", "to"},
			[]string{"payer", "reference"}, readAuthorizations},
		{"start", []string{"session_id", "start", "end"},
			[]string{"program", "timezone", "title", "service", "counts", "breaks", "roster", "facilitators", "cohort", "track", "status", "seats"}, readSessions},
		{"person_id", []string{"person_id"},
			[]string{"session_id", "cohort_id", "status", "appointment", "from", "to"}, readRoster},
	}
}

// readTable reads RFC 4180 with a header row, which says which table it is.
func readTable(text []byte, s Settings, r *remarks) reader {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // as Excel saves it
	if !utf8.Valid(text) {
		r.refuse(0, "", "This is not UTF-8. Save it as “CSV UTF-8”.")
		return nil
	}
	c := csv.NewReader(bytes.NewReader(text))
	header, err := c.Read()
	if err != nil {
		r.refuse(1, "", "A table begins with a row of column names.")
		return nil
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	kind, ok := tableOf(header, r)
	if !ok {
		return nil
	}
	return kind.read(readRows(c, header, r), s, r)
}

// tableOf finds the table that has these columns.
func tableOf(header []string, r *remarks) (table, bool) {
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		r.refuse(1, "", "Cells are separated by commas (RFC 4180), not by semicolons or tabs.")
		return table{}, false
	}
	all := tables()
	i := slices.IndexFunc(all, func(t table) bool { return slices.Contains(header, t.mark) })
	if i < 0 {
		r.refuse(1, "", "No table has these columns. Sessions have session_id, start, end; rosters person_id and session_id or cohort_id; authorizations authorization_id.")
		return table{}, false
	}
	t := all[i]
	known := append(slices.Clone(t.required), t.optional...)
	for i, column := range header {
		switch {
		case !slices.Contains(known, column):
			r.refuse(1, "", "There is no column such as number %d here. The columns are %s.", i+1, strings.Join(known, ", "))
		case slices.Contains(header[:i], column):
			r.refuse(1, column, "This column comes twice.")
		}
	}
	for _, column := range t.required {
		if !slices.Contains(header, column) {
			r.refuse(1, column, "This column is required.")
		}
	}
	return t, r.refused == 0 // without its columns, no row can be read
}

func readRows(c *csv.Reader, header []string, r *remarks) []row {
	var rows []row
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			if errors.Is(parse, csv.ErrFieldCount) {
				r.refuse(parse.StartLine, "", "This row has %d cells; the first row has %d.", len(record), len(header))
				continue
			}
			r.refuse(parse.StartLine, "", "The quotes are wrong: a cell with a quote is in quotes, and the quote in it is written twice.")
			return nil
		}
		if err != nil {
			r.refuse(0, "", "The table cannot be read.")
			return nil
		}
		if len(rows) == maxRows {
			r.refuse(0, "", "A table has at most %d rows; split it.", maxRows)
			return nil
		}
		line, _ := c.FieldPos(0)
		one := row{line, map[string]string{}}
		for i, cell := range record {
			one.cells[header[i]] = strings.TrimSpace(cell)
		}
		rows = append(rows, one)
	}
}

// A when is a time as a table has it: an instant, or what a clock shows.
type when struct {
	given  bool
	at     time.Time // of an instant, with its offset
	wall   wall
	isWall bool
}

// readWhen reads 2026-11-02 18:00 or 2026-11-02T18:00:00-06:00.
func readWhen(text string) (when, bool) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return when{given: true, wall: wall{at}, isWall: true}, true
		}
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return when{given: true, at: at}, true
	}
	return when{}, false
}

// onClock reads 21:00 as the first time at or after another one that the clock
// shows this.
func onClock(text string, after wall) (wall, bool) {
	clock, err := time.Parse("15:04", text)
	if err != nil {
		return wall{}, false
	}
	at := after.Truncate(day).Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
	if at.Before(after.Time) {
		at = at.Add(day)
	}
	return wall{at}, true
}

// in is the instant in a zone, with what there is to say about it. An instant
// keeps its offset, which must be one that the zone has then: an offset that
// contradicts the zone is a mistake in one of them.
func (w when) in(zone *time.Location, line int, column string, r *remarks) time.Time {
	if w.isWall {
		at, shown := w.wall.in(zone)
		if odd := shownOdd(shown); odd != "" {
			r.note(line, column, "%s An offset (such as -06:00) would say which is meant.", odd)
		}
		return at
	}
	_, offset := w.at.Zone()
	if _, there := w.at.In(zone).Zone(); offset != there && offset != 0 {
		r.refuse(line, column, "The zone does not have this offset then.")
	}
	return w.at
}

// names of documents by their ids in a column.
func personName(id rooms.PersonID) schedule.Name   { return schedule.Person{ID: id}.Called() }
func sessionName(id rooms.SessionID) schedule.Name { return schedule.Session{ID: id}.Called() }
func programName(id schedule.ProgramID) schedule.Name {
	return schedule.Program{ID: id}.Called()
}

// identifierOf reads a person as "system|value", as FHIR writes tokens: no id
// has a bar.
func identifierOf(text string) (schedule.Identifier, bool) {
	system, value, ok := strings.Cut(text, "|")
	return schedule.Identifier{System: system, Value: value}, ok
}

// readDate reads 2026-11-02.
func readDate(r row, column string, all *remarks) (date attendance.Date, ok bool) {
	if date.UnmarshalText([]byte(r.cells[column])) != nil {
		all.refuse(r.line, column, "This must be a date such as 2026-11-02.")
		return date, false
	}
	return date, true
}
