package schedule

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"viop/auth"
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
