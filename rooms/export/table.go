package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"viop/rooms/attendance"
)

// A table is written row by row, as RFC 4180 says: a header, CRLF, quotes where
// they are needed. What its columns mean is said in columns.go and nowhere else.
type table[R any] struct {
	out     *csv.Writer
	columns []column[R]
	style   Style
	zones   zones
	cells   []string
}

// Style is for whom a table is written.
type Style string

const (
	// ForSpreadsheets disarms what a spreadsheet would take for a formula.
	ForSpreadsheets Style = "spreadsheet"
	// Raw leaves the apostrophes out: for programs, which would take them for
	// a part of the text.
	Raw Style = "raw"
)

// column of a table. It has one of the two: what we wrote, or what others did.
type column[R any] struct {
	name  string
	means string
	ours  func(R, *time.Location) string
	text  func(R) string
}

func newTable[R any](w io.Writer, columns []column[R], style Style) (*table[R], error) {
	t := &table[R]{out: csv.NewWriter(w), columns: columns, style: style, zones: zones{}, cells: make([]string, len(columns))}
	t.out.UseCRLF = true
	for i, c := range columns {
		t.cells[i] = c.name
	}
	return t, t.out.Write(t.cells)
}

// write adds a row whose times are on the wall of a zone.
func (t *table[R]) write(row R, timezone string) error {
	zone, err := t.zones.find(timezone)
	if err != nil {
		return err
	}
	for i, c := range t.columns {
		switch {
		case c.ours != nil:
			t.cells[i] = c.ours(row, zone)
		case t.style == Raw:
			t.cells[i] = plain(c.text(row))
		default:
			t.cells[i] = disarm(plain(c.text(row)))
		}
	}
	return t.out.Write(t.cells)
}

func (t *table[R]) flush() error {
	t.out.Flush()
	return t.out.Error()
}

// describe says what the columns mean, a line each.
func describe[R any](b *strings.Builder, file string, columns []column[R]) {
	fmt.Fprintf(b, "%s\r\n", file)
	for _, c := range columns {
		fmt.Fprintf(b, "  %-24s %s\r\n", c.name, c.means)
	}
	b.WriteString("\r\n")
}

// zones that were asked for, by name; "" is UTC.
type zones map[string]*time.Location

func (z zones) find(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if zone := z[name]; zone != nil {
		return zone, nil
	}
	zone, err := attendance.LoadZone(name)
	if err != nil {
		return nil, err
	}
	z[name] = zone
	return zone, nil
}
