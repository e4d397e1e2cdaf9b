package attendance

import (
	"cmp"
	"slices"
	"time"
)

// number is the day's place in a week that starts on Sunday, -1 of no day.
func (w Weekday) number() int {
	return slices.Index([]Weekday{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}, w)
}

// calendar derives dates, days and weeks from instants by a program's zone
// (§1). Nothing else in this package knows of wall clocks.
type calendar struct {
	zone      *time.Location
	weekStart int              // weekday number
	midnights map[Date]Instant // those asked for so far
}

func newCalendar(zone *time.Location, weekStart Weekday) *calendar {
	return &calendar{zone: zone, weekStart: cmp.Or(weekStart, "monday").number(), midnights: make(map[Date]Instant)}
}

// date is what the zone's wall calendar shows at t.
func (c *calendar) date(t Instant) Date {
	_, offset := t.Time().In(c.zone).Zone()
	local := int64(t) + int64(offset)*second
	return Date(floorDiv(local, day))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// midnight is the first instant whose local date is d or a later one (§1).
func (c *calendar) midnight(d Date) Instant {
	if t, known := c.midnights[d]; known {
		return t
	}
	t := c.findMidnight(d)
	c.midnights[d] = t
	return t
}

// widest is more than any zone is away from UTC.
const widest = int64(26 * hour)

// findMidnight walks the zone's periods of one offset: in each, the wall clock
// runs evenly, so the date begins where it is d 00:00, or with the period if
// that sprang over it.
func (c *calendar) findMidnight(d Date) Instant {
	wall := int64(d) * day
	t := time.UnixMilli(wall - widest).In(c.zone)
	for {
		_, offset := t.Zone()
		candidate := max(wall-int64(offset)*second, t.UnixMilli())
		_, end := t.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			// Where a zone goes by its rule, not by a list, the bounds end after 365
			// days of each year, so on the last day of a leap year they end before t
			// (time.tzset). No zone changes within a quarter of an hour of there.
			end = t.Add(15 * time.Minute)
		}
		if end.IsZero() || candidate < end.UnixMilli() {
			return Instant(candidate)
		}
		t = end
	}
}

// weekOf is the first date of the week in which d lies.
func (c *calendar) weekOf(d Date) Date {
	const thursday = 4 // 1970-01-01
	weekday := int(floorMod(int64(d)+thursday, 7))
	return d - Date(floorMod(int64(weekday-c.weekStart), 7))
}

func floorMod(a, b int64) int64 { return a - b*floorDiv(a, b) }

// week is the seven local dates from first.
func (c *calendar) week(first Date) Interval {
	return Interval{c.midnight(first), c.midnight(first + 7)}
}

// dayAt is the date of the day that contains t: the last one that has begun.
// It differs from date only in an hour that a zone repeats across midnight.
func (c *calendar) dayAt(t Instant) Date {
	d := Date((int64(t) + widest) / day) // no zone is at a later date
	for c.midnight(d) > t {
		d--
	}
	return d
}

// weeksOf yields the first dates of all weeks that intersect i.
func (c *calendar) weeksOf(i Interval) (weeks []Date) {
	if i.End <= i.Start {
		return nil
	}
	for w := c.weekOf(c.dayAt(i.Start)); c.midnight(w) < i.End; w += 7 {
		weeks = append(weeks, w)
	}
	return weeks
}

// split cuts i at local midnights and yields the date of each piece.
func (c *calendar) split(i Interval, yield func(Date, Interval)) {
	for d := c.dayAt(i.Start); i.Start < i.End; d++ {
		piece := Interval{i.Start, min(i.End, c.midnight(d+1))}
		if piece.Start < piece.End {
			yield(d, piece)
		}
		i.Start = max(i.Start, piece.End)
	}
}
