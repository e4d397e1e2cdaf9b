package schedule

import (
	"time"

	"viop/rooms/attendance"
)

// Shown says what a change of the clocks has done to a local time.
type Shown string

const (
	ShownOnce  Shown = ""            // as nearly always
	ShownTwice Shown = "shown_twice" // the clock was set back over it
	ShownNever Shown = "shown_never" // the clock was set forward over it
)

// OnWall is the instant at which the clock of a zone shows clock (0 to 24 h)
// on a date. One that is never shown moves forward by the gap, as the clock
// did: 02:30 is 03:30. One that is shown twice is the first, unless the second
// is asked for.
func OnWall(zone *time.Location, date attendance.Date, clock time.Duration, which Occurrence) (time.Time, Shown) {
	// As if the zone were UTC; no zone is further from it than reach.
	const reach = 26 * time.Hour
	face := time.Unix(int64(date)*24*60*60, 0).UTC().Add(clock)
	var hits []time.Time
	moved := face
	for at := face.Add(-reach); !at.After(face.Add(reach)); {
		from, to := at.In(zone).ZoneBounds()
		_, offset := at.In(zone).Zone()
		t := face.Add(-time.Duration(offset) * time.Second)
		early, late := !from.IsZero() && t.Before(from), !to.IsZero() && !t.Before(to)
		switch {
		case !early && !late:
			hits = append(hits, t)
		case late && !to.IsZero():
			moved = t // in the end, by the last clock that had not come so far
		}
		if to.IsZero() {
			break
		}
		at = to
	}
	switch {
	case len(hits) == 0:
		return moved.In(zone), ShownNever
	case len(hits) == 1:
		return hits[0].In(zone), ShownOnce
	case which == Second:
		return hits[len(hits)-1].In(zone), ShownTwice
	}
	return hits[0].In(zone), ShownTwice
}
