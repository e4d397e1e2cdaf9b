package intake

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Layouts of RFC 5545 §3.3.5 and §3.3.4.
const (
	localLayout = "20060102T150405"
	utcLayout   = "20060102T150405Z"
	dateLayout  = "20060102"
)

// rule is an RRULE (RFC 5545 §3.3.10) that begins at a wall. It is expanded by
// the clock on the wall, never by instants: "every Monday at six" is at six in
// summer and in winter. Which instants the walls are is for a zone to say.
type rule struct {
	option rrule.ROption
	until  until
	counts bool // it has a COUNT
}

// until is the last time that a rule may reach, as it was written.
type until struct {
	at   time.Time // as if in UTC
	kind untilKind
}

type untilKind int

const (
	untilNever untilKind = iota
	untilUTC             // an instant
	untilLocal           // a wall
	untilDate            // the whole of a day
)

// IsZero reports whether the rule has no end of its own.
func (u until) IsZero() bool { return u.kind == untilNever }

// instant is the last instant at which an occurrence may begin.
func (u until) instant(zone *time.Location) time.Time {
	switch u.kind {
	case untilLocal:
		at, _ := wall{u.at}.in(zone)
		return at
	case untilDate:
		end, _ := wall{u.at.AddDate(0, 0, 1)}.in(zone)
		return end.Add(-time.Second)
	}
	return u.at
}

// readRule reads what groups are scheduled by, and refuses the rest with a
// sentence: a rule that is understood half would put people into rooms at the
// wrong time. What is let through here terminates, in rrule-go as well.
func readRule(text string, start wall) (rule, string) {
	var (
		r    = rule{option: rrule.ROption{Dtstart: start.Time}}
		kept []string
		seen = map[string]bool{}
	)
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(text)), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" || seen[name] {
			return r, "A rule is NAME=VALUE;NAME=VALUE…, each name once."
		}
		seen[name] = true
		switch name {
		case "FREQ":
			if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value) {
				return r, "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY."
			}
		case "UNTIL":
			if r.until = readUntil(value); r.until.IsZero() {
				return r, "UNTIL must be a date or a time."
			}
			continue
		case "COUNT", "INTERVAL":
			if n, err := strconv.Atoi(value); err != nil || n < 1 || n > 1000 {
				return r, name + " must be a number from 1 to 1000."
			}
			r.counts = r.counts || name == "COUNT"
		case "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST":
			if strings.Count(value, ",") > 60 {
				return r, name + " has too many values."
			}
		default:
			return r, "Of the parts of a rule, FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTH, BYMONTHDAY, BYSETPOS and WKST are understood here."
		}
		kept = append(kept, part)
	}
	if r.counts && !r.until.IsZero() {
		return r, "A rule has COUNT or UNTIL, not both."
	}
	option, err := rrule.StrToROption(strings.Join(kept, ";"))
	if err != nil {
		return r, "This is not a recurrence rule."
	}
	option.Dtstart = start.Time
	if !ordinalsFit(option) {
		return r, "The numbers before days in BYDAY, such as 2MO, belong to FREQ=MONTHLY (up to 5) or YEARLY (up to 53, or 5 with BYMONTH)."
	}
	if _, err := rrule.NewRRule(*option); err != nil {
		return r, "This rule has a number that is out of range."
	}
	r.option = *option
	return r, ""
}

func readUntil(text string) until {
	for kind, layout := range map[untilKind]string{untilUTC: utcLayout, untilLocal: localLayout, untilDate: dateLayout} {
		if at, err := time.Parse(layout, text); err == nil {
			return until{at, kind}
		}
	}
	return until{}
}

func ordinalsFit(o *rrule.ROption) bool {
	most := 0
	switch {
	case o.Freq == rrule.MONTHLY, o.Freq == rrule.YEARLY && len(o.Bymonth) > 0:
		most = 5
	case o.Freq == rrule.YEARLY:
		most = 53
	}
	for _, day := range o.Byweekday {
		if day.N() > most || day.N() < -most {
			return false
		}
	}
	return true
}

// later is a whole number of times after which the calendar repeats itself,
// weekdays and all. Rules are expanded so much later: rrule-go looks for the
// next time of a rule that has none (every seventh day, if it is a Monday) up to
// the year 9999, which is soon then.
const later = 19 * 400 // years

// walls are the occurrences up to end, in order. The first is the start, also
// when the rule itself would not have it: it is the first instance of the set
// by definition (RFC 5545 §3.8.2.4), and counts.
func (r rule) walls(end wall) iter.Seq[wall] {
	return func(yield func(wall) bool) {
		start := wall{r.option.Dtstart}
		if start.After(end.Time) || !yield(start) {
			return
		}
		option := r.option
		option.Dtstart, option.Until = start.AddDate(later, 0, 0), end.AddDate(later, 0, 0)
		recurrence, err := rrule.NewRRule(option)
		if err != nil {
			return // readRule has tried
		}
		left := option.Count - 1 // the library's own count would not have the start
		next := recurrence.Iterator()
		for at, ok := next(); ok; at, ok = next() {
			at = at.AddDate(-later, 0, 0)
			switch {
			case at.Equal(start.Time):
				continue
			case r.counts && left == 0:
				return
			case !yield(wall{at}):
				return
			}
			left--
		}
	}
}
