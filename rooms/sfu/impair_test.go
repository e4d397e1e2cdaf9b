package sfu

import (
	"time"
)

// films gives the moments at which a decoder would have shown a picture of a
// track, and the layer each was of: when it was whole, and the one before it
// had been shown or it was a keyframe.
func (b *browser) films(track string) (at []time.Time, from []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const parts = 3
	type picture struct {
		parts uint8
		key   bool
		from  string
	}
	pictures := map[uint16]*picture{}
	begun := false
	var last uint16
	for _, g := range b.got[track] {
		if g.from == "" {
			continue
		}
		p := pictures[g.pic]
		if p == nil {
			p = &picture{}
			pictures[g.pic] = p
		}
		p.parts |= 1 << g.part
		p.key = p.key || g.key
		p.from = g.from
		for {
			next := pictures[(last+1)&0x7fff]
			switch {
			case p.parts == 1<<parts-1 && p.key && (!begun || int16((g.pic-last)<<1) > 0):
				next, last, begun = p, g.pic, true
			case begun && next != nil && next.parts == 1<<parts-1:
				last = (last + 1) & 0x7fff
			default:
				next = nil
			}
			if next == nil {
				break
			}
			at, from = append(at, g.at), append(from, next.from)
			next.parts = 0 // shown
		}
	}
	return at, from
}

// longestFreeze between two pictures.
func longestFreeze(at []time.Time) time.Duration {
	longest := time.Duration(0)
	for i := 1; i < len(at); i++ {
		longest = max(longest, at[i].Sub(at[i-1]))
	}
	return longest
}
