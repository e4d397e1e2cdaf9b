package schedule

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"viop/auth"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// ValidID reports whether s may name a session, person or program: 1 to 128 of
// A-Z a-z 0-9 . _ ~ : - as everywhere (auth.ValidID), but not "." or "..",
// which a URL's path cannot hold.
func ValidID(s string) bool { return auth.ValidID(s) && s != "." && s != ".." }

// CheckID wants what ValidID accepts.
func CheckID(p *form.Problems, at, id string) {
	if !ValidID(id) {
		p.Add(at, "An id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : and -.")
	}
}

// CheckLine takes one line of text for people. Characters that turn or hide
// the text around them (controls, U+202A–202E, U+2066–2069) are refused.
func CheckLine(p *form.Problems, at, text string, most int) {
	if utf8.RuneCountInString(text) > most {
		p.Add(at, "This is longer than %d characters.", most)
	}
	for _, r := range text {
		turns := '\u202A' <= r && r <= '\u202E' || '\u2066' <= r && r <= '\u2069'
		if turns || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			p.Add(at, "This holds control characters.")
			return
		}
	}
}

// checkWord wants one of a closed set; "" among them means that the field may
// be left out.
func checkWord[T ~string](p *form.Problems, at string, word T, set ...T) {
	if slices.Contains(set, word) {
		return
	}
	if set[0] == "" {
		set = set[1:]
	}
	var list strings.Builder
	for i, one := range set {
		switch {
		case i == 0:
		case i == len(set)-1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(one))
	}
	p.Add(at, "This must be %s.", &list)
}

func checkRange(p *form.Problems, at string, n, least, most int) {
	if n < least || n > most {
		p.Add(at, "This must be a number from %d to %d.", least, most)
	}
}

// checkInstant holds a time to what evidence can express (SPEC §1).
func checkInstant(p *form.Problems, at string, t time.Time) bool {
	year := t.UTC().Year()
	switch {
	case year < 2000 || year > 2099:
		p.Add(at, "Times are of the years 2000 to 2099.")
	case t.Nanosecond()%int(time.Millisecond) != 0:
		p.Add(at, "Times have at most three decimals.")
	default:
		return true
	}
	return false
}

// The dates that instants can have (SPEC §1).
const (
	firstDate attendance.Date = 10957 // 2000-01-01
	lastDate  attendance.Date = 47481 // 2099-12-31
)

func checkDate(p *form.Problems, at string, date attendance.Date) bool {
	if date < firstDate || date > lastDate {
		p.Add(at, "Dates are of the years 2000 to 2099.")
		return false
	}
	return true
}

// checkDates wants a span of dates, both included; a last one that is zero is
// its owner's to judge.
func checkDates(p *form.Problems, at, from string, first attendance.Date, to string, last attendance.Date) bool {
	ok := checkDate(p, at+"/"+from, first)
	switch {
	case last == 0:
	case !checkDate(p, at+"/"+to, last):
		ok = false
	case ok && last < first:
		p.Add(at+"/"+to, "This is before %s.", from)
		ok = false
	}
	return ok
}

// checkToken wants a word of another system: something, on one line.
func checkToken(p *form.Problems, at, text string, most int) {
	if strings.TrimSpace(text) == "" {
		p.Add(at, "This must not be empty.")
	}
	CheckLine(p, at, text, most)
}
