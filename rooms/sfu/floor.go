package sfu

import (
	"cmp"
	"slices"
	"time"

	"viop/rooms"
)

const (
	// floorHolds is how long somebody who has fallen silent keeps a place that
	// another one needs: a breath costs nobody the floor.
	floorHolds = int64(time.Second)
	// louder is how much one must be to take the place of who is speaking.
	louder = 10.0
	// fading is what a level loses in a tick.
	fading = 1.0
)

// mouth is one microphone that may be heard, as the floor sees it.
type mouth struct {
	handle rooms.Handle
	room   string
	level  float64 // of the loudest packet since the last step
	always bool    // a facilitator, or a browser that tells no levels: heard, and takes nobody's place
}

// floor decides whose sound is forwarded where many could be: above a number
// of people the loudest few, so that eleven microphones in eleven homes do not
// add up to noise, and a thin line carries who speaks. Whoever speaks up has
// the floor with the packet that says so, unless it is full of speakers; who
// has it keeps it until another one needs it. Owned by the room.
type floor struct {
	most    int // heard at once; 0 or less: everybody
	from    int // with more people than this; so many and fewer are all heard
	holders map[rooms.Handle]*holder
}

type holder struct {
	room  string
	on    bool
	spoke int64
	level float64 // fading
}

// step takes everybody's level and says who is not heard. It is called at
// every tick, and at once when somebody who is not heard speaks up.
func (f *floor) step(now int64, mouths []mouth) (unheard map[rooms.Handle]bool) {
	old := f.holders
	f.holders = make(map[rooms.Handle]*holder, len(mouths))
	count := map[string]int{}
	for _, m := range mouths {
		h := old[m.handle]
		if h == nil || h.room != m.room {
			h = &holder{room: m.room, spoke: now - floorHolds}
		}
		f.holders[m.handle] = h
		h.level = max(m.level, h.level-fading)
		if m.level >= speechOn {
			h.spoke = now
		}
		count[m.room]++
	}
	order := slices.Clone(mouths)
	slices.SortStableFunc(order, f.order)
	taken := map[string]int{}
	unheard = map[rooms.Handle]bool{}
	for _, m := range order {
		h := f.holders[m.handle]
		switch {
		case m.always || count[m.room] <= f.from || f.most <= 0:
			h.on = true
		case taken[m.room] < f.most:
			h.on = true
			taken[m.room]++
		case m.level >= speechOn && f.displace(now, m, order):
			h.on = true
		default:
			h.on = false
		}
	}
	for _, m := range mouths {
		if !f.holders[m.handle].on {
			unheard[m.handle] = true
		}
	}
	return unheard
}

// order: who has a place before who has none, then who spoke last, then the
// loudest.
func (f *floor) order(a, b mouth) int {
	x, y := f.holders[a.handle], f.holders[b.handle]
	if x.on != y.on {
		return map[bool]int{true: -1, false: 1}[x.on]
	}
	return cmp.Or(cmp.Compare(y.spoke, x.spoke), cmp.Compare(b.level, a.level))
}

// displace takes the place of who has been silent the longest, or, when all
// are speaking, of somebody much quieter; false when nobody has to go.
func (f *floor) displace(now int64, by mouth, all []mouth) bool {
	var silent, quiet *holder
	for _, m := range all {
		h := f.holders[m.handle]
		if !h.on || m.always || m.room != by.room {
			continue
		}
		if silent == nil || h.spoke <= silent.spoke {
			silent = h
		}
		if quiet == nil || h.level <= quiet.level {
			quiet = h
		}
	}
	switch {
	case silent == nil:
		return false
	case now-silent.spoke >= floorHolds:
		silent.on = false
	case quiet.level+louder <= by.level:
		quiet.on = false
	default:
		return false
	}
	return true
}
