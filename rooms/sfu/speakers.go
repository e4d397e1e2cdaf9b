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

// speakers decides who is heard. Owned by the room's tick.
type speakers struct {
	voices map[rooms.Handle]*voice
	first  map[string]rooms.Handle // by room
}

type voice struct {
	level    float64
	speaking bool
	room     string
}

// heardNow is one microphone's average since the last step.
type heardNow struct {
	handle rooms.Handle
	room   string
	level  float64
}

// step takes everybody's level and gives the speakers of each room, loudest
// first. The first one stays first until somebody is clearly louder.
func (s *speakers) step(now []heardNow) map[string][]rooms.Level {
	if s.voices == nil {
		s.voices, s.first = map[rooms.Handle]*voice{}, map[string]rooms.Handle{}
	}
	present := make(map[rooms.Handle]bool, len(now))
	for _, h := range now {
		present[h.handle] = true
		v := s.voices[h.handle]
		if v == nil || v.room != h.room {
			v = &voice{room: h.room}
			s.voices[h.handle] = v
		}
		weight := release
		if h.level > v.level {
			weight = attack
		}
		v.level += (h.level - v.level) * weight
		v.speaking = v.level >= speechOn || v.speaking && v.level >= speechOff
	}
	out := map[string][]rooms.Level{}
	for handle, v := range s.voices {
		switch {
		case !present[handle]:
			delete(s.voices, handle)
		case v.speaking:
			out[v.room] = append(out[v.room], rooms.Level{Handle: handle, Level: int(v.level)})
		}
	}
	for room, levels := range out {
		order(levels, s.first[room])
		s.first[room] = levels[0].Handle
	}
	return out
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
