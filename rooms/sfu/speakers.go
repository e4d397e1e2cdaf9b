package sfu

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"viop/rooms"
)

// Levels here count from 0 (silent) to 127, as rooms.Level does.
const (
	speechOn  = 72 // -55 dBov: somebody begins to speak
	speechOff = 62 // and stops
	takeOver  = 6  // how much louder the next one must be to become first
	// Smoothing per tick of 200 ms: fast up, slow down, so that a breath
	// between words changes nothing.
	attack, release = 0.6, 0.2
	// Pages show who is so loud, and a while longer, so that a pause for
	// thought changes nothing.
	speechShown = 75
	shownFor    = 8 // ticks
	// toldAgain is when a page that has missed it hears who speaks.
	toldAgain = 5 // ticks
)

// levelMeter averages a microphone's levels between two ticks, and keeps the
// loudest for the floor.
type levelMeter struct {
	sum, n  atomic.Uint32
	loudest atomic.Uint32 // since peak
	unheard atomic.Bool   // has not got the floor; set by the room
	asked   atomic.Bool   // for it, since peak
}

// add takes the value of the header extension (RFC 6464 §3) and says whether
// somebody who is not heard speaks up.
func (m *levelMeter) add(v uint8) (speaksUp bool) {
	level := uint32(127 - v)
	m.sum.Add(level)
	m.n.Add(1)
	if level > m.loudest.Load() { // one writer; a peak taken meanwhile comes again
		m.loudest.Store(level)
	}
	return level >= speechOn && m.unheard.Load() && !m.asked.Swap(true)
}

// peak gives the loudest packet since the last call.
func (m *levelMeter) peak() float64 {
	m.asked.Store(false)
	return float64(m.loudest.Swap(0))
}

// take gives the average since the last call, 0 when nothing came.
func (m *levelMeter) take() float64 {
	n := m.n.Swap(0)
	sum := m.sum.Swap(0)
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// speakers decides who is heard, in each room of a session. Owned by the
// room's tick.
type speakers map[string]*conversation

// conversation is that of one room.
type conversation struct {
	first rooms.Handle // stays it until somebody is clearly louder
	// told is who speaks, as everybody in the room is to know it; nil: nobody.
	// It is never changed but replaced, when somebody begins or has ended, and
	// now and again as long as anybody speaks.
	told *rooms.Speakers
	age  int // of told, ticks
	// Of this step, loudest first.
	speaking, shown []rooms.Level
}

// speech is what is known of a microphone from one step to the next; the zero
// value is that of one that was not there.
type speech struct {
	in       string // the room it was in
	level    float64
	speaking bool
	shown    int // for so many ticks
}

// heardNow is one microphone's average since the last step.
type heardNow struct {
	*speech
	handle rooms.Handle
	room   string
	level  float64
}

// in gives the conversation of a room.
func (s speakers) in(room string) *conversation {
	c := s[room]
	if c == nil {
		c = &conversation{}
		s[room] = c
	}
	return c
}

// step takes everybody's level.
func (s speakers) step(now []heardNow) {
	for _, c := range s {
		c.speaking, c.shown = c.speaking[:0], c.shown[:0]
	}
	for _, h := range now {
		h.hear(h.room, h.level)
		c, level := s.in(h.room), rooms.Level{Handle: h.handle, Level: int(h.speech.level)}
		if h.speaking {
			c.speaking = append(c.speaking, level)
		}
		if h.shown > 0 {
			c.shown = append(c.shown, level)
		}
	}
	for _, c := range s {
		c.step()
	}
}

func (s *speech) hear(room string, level float64) {
	if s.in != room {
		*s = speech{in: room}
	}
	weight := release
	if level > s.level {
		weight = attack
	}
	s.level += (level - s.level) * weight
	s.speaking = s.level >= speechOn || s.speaking && s.level >= speechOff
	s.shown = max(s.shown-1, 0)
	if s.level >= speechShown {
		s.shown = shownFor
	}
}

func (c *conversation) step() {
	order(c.speaking, c.first)
	if len(c.speaking) > 0 {
		c.first = c.speaking[0].Handle
	}
	order(c.shown, c.first)
	c.age++
	switch {
	case len(c.shown) == 0:
		c.told = nil
	case c.told == nil || c.age >= toldAgain || !samePeople(c.told.Levels, c.shown):
		c.told, c.age = &rooms.Speakers{Levels: slices.Clone(c.shown)}, 0
	}
}

func samePeople(a, b []rooms.Level) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x rooms.Level) bool {
		return !slices.ContainsFunc(b, func(y rooms.Level) bool { return x.Handle == y.Handle })
	})
}

func order(levels []rooms.Level, first rooms.Handle) {
	loudness := func(l rooms.Level) int {
		if l.Handle == first {
			return l.Level + takeOver
		}
		return l.Level
	}
	slices.SortFunc(levels, func(a, b rooms.Level) int {
		return cmp.Or(loudness(b)-loudness(a), strings.Compare(string(a.Handle), string(b.Handle)))
	})
}
