package export

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"viop/rooms/attendance"
)

// Cells that are no text of other people are written by these: they begin with
// a digit or a small letter, and need no disarming.

// seconds is exact, to the millisecond: a sum over rows is that of the records.
func seconds(ms int64) string {
	if ms < 0 {
		ms = 0 // nothing that is written is: a sign would begin a formula
	}
	whole, rest := ms/1000, ms%1000
	return strconv.FormatInt(whole, 10) + "." + strconv.FormatInt(1000+rest, 10)[1:]
}

func whole(n int64) string { return strconv.FormatInt(max(0, n), 10) }

func yes(b bool) string { return strconv.FormatBool(b) }

// clock is an instant as RFC 3339 has it, on the wall of a zone; "" is never.
func clock(t attendance.Instant, zone *time.Location) string {
	if t == 0 {
		return ""
	}
	layout := "2006-01-02T15:04:05Z07:00"
	if t%1000 != 0 {
		layout = "2006-01-02T15:04:05.000Z07:00"
	}
	return t.Time().In(zone).Format(layout)
}

// words are joined by spaces; ids hold none.
func words[T ~string](list []T) string {
	var b strings.Builder
	for i, w := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// plain is text without what turns, hides or ends the line around it: control
// characters and the marks of bidirectional text. Two places that a table never
// joins may otherwise meet in one cell, or the other way round.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, s)
}

// disarm makes sure that a spreadsheet shows the text and does not run it. A
// cell that begins with = + - @, or their wide forms, is a formula to
// spreadsheets, quotes or not, and could send the table away when a clerk opens
// it; the apostrophe says "this is text". Blanks before it do not help, and
// where the list separator is a semicolon a cell begins after that, quotes or
// not. Ids may begin with a hyphen, so this does happen.
func disarm(s string) string {
	if !strings.ContainsAny(s, starters) {
		return s
	}
	var b strings.Builder
	begins := true // a cell could begin here
	for _, r := range s {
		switch {
		case begins && strings.ContainsRune(starters, r):
			b.WriteByte('\'')
			begins = false
		case strings.ContainsRune(",;|\"", r):
			begins = true
		case !invisible(r):
			begins = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

const starters = "=+-@\uFF1D\uFF0B\uFF0D\uFF20"

// invisible runes may stand before a formula.
func invisible(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
