package schedule

import (
	"slices"
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
	face := time.Unix(int64(date)*24*60*60, 0).UTC().Add(clock) // as if the zone were UTC
	// Every offset that the zone has around then may put the time somewhere. No
	// zone is further from UTC than reach, and none changes twice in an hour.
	const reach = 26 * time.Hour
	var hits []time.Time
	var before time.Duration // the offset while the clock had not come so far
	for at, passed := face.Add(-reach), false; at.Before(face.Add(reach)); at = at.Add(time.Hour) {
		offset := offsetOf(zone, at)
		passed = passed || at.Add(offset).After(face)
		if !passed {
			before = offset
		}
		t := face.Add(-offset)
		if offsetOf(zone, t) == offset && !slices.ContainsFunc(hits, t.Equal) {
			hits = append(hits, t)
		}
	}
	switch {
	case len(hits) == 0:
		return face.Add(-before).In(zone), ShownNever
	case len(hits) == 1:
		return hits[0].In(zone), ShownOnce
	case which == Second:
		return slices.MaxFunc(hits, time.Time.Compare).In(zone), ShownTwice
	}
	return slices.MinFunc(hits, time.Time.Compare).In(zone), ShownTwice
}

func offsetOf(zone *time.Location, t time.Time) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
