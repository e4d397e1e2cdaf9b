package attendance

import (
	"cmp"
	"slices"
)

// Rooms is the time of somebody by room: main first, then by name (§4.2).
type Rooms []RoomTime

// RoomTime is the time in one room.
type RoomTime struct {
	Room string
	Time Set
}

// compareRooms is the order of precedence between rooms of one instant.
func compareRooms(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == MainRoom:
		return -1
	case b == MainRoom:
		return 1
	}
	return cmp.Compare(a, b)
}

// roomsOf is the union of stays, room by room. It sorts them in place.
func roomsOf(stays []stay) Rooms {
	slices.SortFunc(stays, func(a, b stay) int {
		return cmp.Or(compareRooms(a.room, b.room), cmp.Compare(a.Start, b.Start))
	})
	var rooms Rooms
	for _, s := range stays {
		if n := len(rooms); n == 0 || rooms[n-1].Room != s.room {
			rooms = append(rooms, RoomTime{Room: s.room})
		}
		last := &rooms[len(rooms)-1]
		last.Time = last.Time.extend(s.Interval)
	}
	return rooms
}

// all is the union over the rooms.
func (r Rooms) all() Set {
	if len(r) == 1 {
		return r[0].Time
	}
	var intervals []Interval
	for _, room := range r {
		intervals = append(intervals, room.Time...)
	}
	return SetOf(intervals...)
}

// stays is the rooms taken apart again.
func (r Rooms) stays() (stays []stay) {
	for _, room := range r {
		for _, i := range room.Time {
			stays = append(stays, stay{room.Room, i})
		}
	}
	return stays
}

// with is the union, over the rooms, of what is in r and in other: the time
// in one room together.
func (r Rooms) with(other Rooms) Set {
	var together Rooms
	for len(r) > 0 && len(other) > 0 {
		switch order := compareRooms(r[0].Room, other[0].Room); {
		case order < 0:
			r = r[1:]
		case order > 0:
			other = other[1:]
		default:
			together = append(together, RoomTime{r[0].Room, r[0].Time.Intersect(other[0].Time)})
			r, other = r[1:], other[1:]
		}
	}
	return together.all()
}

// endsAt is, for every instant at which a time in a room ends, the first of
// the rooms of which that is true.
func (r Rooms) endsAt() map[Instant]string {
	room := make(map[Instant]string)
	for _, in := range r {
		for _, i := range in.Time {
			if _, taken := room[i.End]; !taken {
				room[i.End] = in.Room
			}
		}
	}
	return room
}

// bridged is R for this C: short gaps of the union are filled, unless a
// presence ended at their start by somebody's will (§4.2). The explicit ends
// are in order.
func (r Rooms) bridged(present Set, explicitEnds []Instant, longest int64) Rooms {
	var room map[Instant]string
	var filled []stay
	for i := 1; i < len(present); i++ {
		gap := Interval{present[i-1].End, present[i].Start}
		if gap.Length() > longest {
			continue
		}
		if _, explicit := slices.BinarySearch(explicitEnds, gap.Start); explicit {
			continue
		}
		if room == nil {
			room = r.endsAt()
		}
		filled = append(filled, stay{room[gap.Start], gap})
	}
	if filled == nil {
		return r
	}
	return roomsOf(append(filled, r.stays()...))
}
