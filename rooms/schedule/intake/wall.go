package intake

import (
	"time"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// A wall is what a clock on a wall shows, with the date: no instant yet. It is
// kept as the time.Time in UTC that shows the same, so that days and rules can
// be counted without a zone in the way.
type wall struct{ time.Time }

// wallOf is what the clocks of a zone show at t.
func wallOf(t time.Time, zone *time.Location) wall {
	t = t.In(zone)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return wall{time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)}
}

// in finds the instant at which the clocks of the zone show w (schedule.OnWall
// says which, when there is none or two; whoever asks has to tell people).
func (w wall) in(zone *time.Location) (time.Time, schedule.Shown) {
	date, clock := w.split()
	return schedule.OnWall(zone, date, clock, schedule.First)
}

const day = 24 * time.Hour

func (w wall) split() (attendance.Date, time.Duration) {
	midnight := w.Truncate(day)
	return attendance.Date(midnight.Unix() / int64(day/time.Second)), w.Sub(midnight)
}

// shownOdd tells of a local time that a change of the clocks leaves out or
// repeats; "" is any other.
func shownOdd(shown schedule.Shown) string {
	switch shown {
	case schedule.ShownNever:
		return "The clocks skip this time; it was moved forward by what they skip."
	case schedule.ShownTwice:
		return "The clocks show this time twice; the first was taken."
	}
	return ""
}
