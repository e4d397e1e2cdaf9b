package sfu

import (
	"cmp"
	"slices"
	"strings"
	"time"
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
	*claim
	room   string
	level  float64 // of the loudest packet since the last step
	always bool    // a facilitator, or a browser that tells no levels: heard, and takes nobody's place
}

// claim is what a microphone has on the floor from one step to the next; the
// zero value is that of one that was not there.
type claim struct {
	in    string // the room it was in
	on    bool   // heard
	spoke int64
	loud  float64 // its level, fading
}

// floor decides whose sound is forwarded where many could be: above a number
// of people the loudest few, so that eleven microphones in eleven homes do not
// add up to noise, and a thin line carries who speaks. Whoever speaks up has
// the floor with the packet that says so, unless it is full of speakers; who
// has it keeps it until another one needs it. Owned by the room.
type floor struct {
	most int // heard at once; 0 or less: everybody
	from int // with more people than this; so many and fewer are all heard
}

// step takes everybody's level and says in their claims who is heard. It is
// called at every tick, and at once when somebody who is not heard speaks up.
// Where not everybody can be heard it sorts mouths.
func (f *floor) step(now int64, mouths []mouth) {
	for _, m := range mouths {
		if m.in != m.room {
			*m.claim = claim{in: m.room, spoke: now - floorHolds}
		}
		m.loud = max(m.level, m.loud-fading)
		if m.level >= speechOn {
			m.spoke = now
		}
	}
	if len(mouths) > f.from && f.most > 0 {
		slices.SortStableFunc(mouths, byPlace)
	}
	for len(mouths) > 0 {
		n := 1
		for n < len(mouths) && mouths[n].room == mouths[0].room {
			n++
		}
		f.give(now, mouths[:n])
		mouths = mouths[n:]
	}
}

// byPlace: by room, then who has a place before who has none, then who spoke
// last, then the loudest.
func byPlace(a, b mouth) int {
	if c := strings.Compare(a.room, b.room); c != 0 {
		return c
	}
	if a.on != b.on {
		if a.on {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.spoke, a.spoke), cmp.Compare(b.loud, a.loud))
}

// give the places of one room.
func (f *floor) give(now int64, room []mouth) {
	taken := 0
	for _, m := range room {
		switch {
		case m.always || len(room) <= f.from || f.most <= 0:
			m.on = true
		case taken < f.most:
			m.on = true
			taken++
		default:
			m.on = m.level >= speechOn && displace(now, m, room)
		}
	}
}

// displace takes the place of who has been silent the longest, or, when all
// are speaking, of somebody much quieter; false when nobody has to go.
func displace(now int64, by mouth, room []mouth) bool {
	var silent, quiet *claim
	for _, m := range room {
		if !m.on || m.always {
			continue
		}
		if silent == nil || m.spoke <= silent.spoke {
			silent = m.claim
		}
		if quiet == nil || m.loud <= quiet.loud {
			quiet = m.claim
		}
	}
	switch {
	case silent == nil:
		return false
	case now-silent.spoke >= floorHolds:
		silent.on = false
	case quiet.loud+louder <= by.level:
		quiet.on = false
	default:
		return false
	}
	return true
}
