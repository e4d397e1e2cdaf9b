package sfu

import (
	"time"

	"viop/rooms"
)

const (
	// demandHolds is how long nobody must have got a layer before its encoder
	// is stopped: a tile scrolled past, a line that hesitates, stop nothing.
	demandHolds = int64(5 * time.Second)
	// demandWaits is how long a layer that was called back is counted on;
	// after that it is as one the browser cannot make now.
	demandWaits = int64(3 * time.Second)
)

// demand is which layers of a source its page was told to make.
type demand struct {
	begun   bool
	stopped [maxLayers]bool
	used    [maxLayers]int64 // last
	called  [maxLayers]int64 // back, and has not come; 0: none
}

// step takes which layers somebody gets or is to get, which have ever come
// and which are coming, and says whether the page is to be told anew. What has
// never come is left alone: nobody could ask for it.
func (d *demand) step(now int64, used, known, coming [maxLayers]bool) (changed bool) {
	for rank := range maxLayers {
		if used[rank] || !d.begun {
			d.used[rank] = now
		}
		if coming[rank] {
			d.called[rank] = 0
		}
		stop := known[rank] && d.called[rank] == 0 && now-d.used[rank] >= demandHolds
		if stop == d.stopped[rank] {
			continue
		}
		d.stopped[rank] = stop
		changed = true
		if !stop {
			d.called[rank] = now
		}
	}
	d.begun = true
	return changed
}

// onCall says whether a layer that is not coming will, when somebody gets it.
func (d *demand) onCall(rank int, now int64) bool {
	return d.stopped[rank] || d.called[rank] != 0 && now-d.called[rank] < demandWaits
}

// demands tells pages which layers anybody gets. The lowest is made as long as
// anybody gets any: it is what a line that gets worse falls back on. r.mu is
// held.
func (r *room) demands(now int64) {
	for _, p := range r.peers {
		if p.transport == nil {
			continue
		}
		for _, kind := range [...]rooms.Source{rooms.Camera, rooms.Screen} {
			src := p.transport.sources[kind]
			var known, coming [maxLayers]bool
			used := src.used
			used[0] = used != [maxLayers]bool{}
			for rank := range maxLayers {
				l := src.layers[rank].Load()
				known[rank] = l != nil
				coming[rank] = l != nil && l.alive(now)
			}
			if src.demand.step(now, used, known, coming) {
				p.push(told{rooms.Layers{Source: kind, Wanted: src.wanted()}})
			}
		}
	}
}

func (s *source) wanted() []bool {
	var out []bool
	for _, stopped := range s.demand.stopped {
		out = append(out, !stopped)
	}
	if s.kind == rooms.Screen {
		return out[:1]
	}
	return out
}

// best is the layer of a rank, or while that is not coming the next lower one
// that is.
func (k key) best(rank int, now int64) *layer {
	for at := rank; at >= 0; at-- {
		if l := k.layer(at); l != nil && l.alive(now) {
			return l
		}
	}
	return k.layer(rank)
}
