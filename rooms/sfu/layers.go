package sfu

import (
	"time"

	"viop/rooms"
	"viop/rooms/sfu/bandwidth"
)

// view is one mapped video slot as the sharing of a line sees it.
type view struct {
	height int // pixels wanted; 0: hidden
	layers []offering
	held   int // the rank it has; -1: none
}

// offering is one simulcast layer that is arriving, lowest first.
type offering struct {
	rank   int
	height int
	rate   uint64 // bit/s
}

// choice is what a view gets: a rank, or -1 and why.
type choice struct {
	rank int
	why  string
	at   int // among the layers of the view
}

const (
	whyHidden    = "hidden"
	whyBandwidth = "bandwidth"
)

// heldShare of its rate is what a layer that a view has already is counted by,
// so that rates that move a little move nobody up and down.
const heldShare = 0.85

// share gives each view a layer. Views come in order of importance; budget is
// what the line carries beside the sound, in bit/s, 0 for no limit. Everybody
// visible gets their lowest layer first, then the important ones grow: so the
// first to lose quality, and then the picture, is the last in the order. Sound
// is not in here: it is never dropped.
//
// The order in which a line that gets worse loses things is therefore: the
// quality of others' pictures, of the speaker's, of a shared screen, of what
// is pinned; then others' pictures, the speaker's, the screen, the pinned one.
//
// The choices are appended to out, which is empty.
func share(out []choice, views []view, budget uint64) []choice {
	left, full := budget, false
	for i, v := range views {
		out = append(out, choice{rank: -1})
		switch {
		case v.height == 0:
			out[i].why = whyHidden
		case len(v.layers) == 0: // nothing arrives yet
		case budget != 0 && (full || v.need(0, v.layers[0].rate) > left):
			out[i].why = whyBandwidth
			full = true // for who is less important, too
		default:
			out[i].rank = v.layers[0].rank
			left -= min(left, v.need(0, v.layers[0].rate))
		}
	}
	for i, v := range views {
		if out[i].rank < 0 {
			continue
		}
		for c, want := &out[i], fit(v); c.at < want; {
			now, next := v.layers[c.at], v.layers[c.at+1]
			more := max(next.rate, now.rate) - now.rate
			if more = v.need(c.at+1, more); budget != 0 && more > left {
				break
			}
			left -= min(left, more)
			c.at++
			c.rank = next.rank
		}
	}
	return out
}

// need is what a layer that takes so much is counted by.
func (v view) need(layer int, rate uint64) uint64 {
	if v.layers[layer].rank <= v.held {
		return uint64(heldShare * float64(rate))
	}
	return rate
}

// fit is the lowest layer that fills the glass, allowing a quarter of
// stretching.
func fit(v view) int {
	for i, l := range v.layers {
		if l.height*5/4 >= v.height {
			return i
		}
	}
	return len(v.layers) - 1
}

// Budget of a line.
const (
	leastBudget = 80_000
	rembFall    = 0.95 // an estimate that falls below this share of the last one, and below what is sent, is congestion
	holdFirst   = 4 * time.Second
	holdMost    = 60 * time.Second
	growth      = 1.15 // per step without congestion
	calm        = 10 * time.Second
)

// budget is what a receiver's line is believed to carry for video, from the
// loss it reports and its own estimate (REMB). It starts without a limit: most
// lines carry everything, and a limit that must be probed upwards first would
// show everybody small pictures. Owned by the room's tick.
type budget struct {
	limit  float64 // bit/s; 0: none
	until  int64   // no growth before
	hold   time.Duration
	raised int64   // last growth
	remb   float64 // the last estimate
	loss   float64 // smoothed, so that a blip (an ICE restart) costs nobody a layer
}

// measure is one second of a line.
type measure struct {
	now    int64
	sent   float64 // bit/s of video
	loss   float64 // share, 0…1
	remb   float64 // bit/s; 0: none
	wanted float64 // bit/s if there were no limit
}

// step takes one measure and gives the limit. A browser's estimate that is
// merely low says nothing: it follows what is sent, and needs ten seconds to
// catch up with a larger layer. One that falls says that the line is full.
func (b *budget) step(m measure) uint64 {
	fell := m.remb > 0 && m.remb < rembFall*b.remb && m.remb < m.sent
	b.remb = m.remb
	b.loss = (b.loss + m.loss) / 2
	m.loss = b.loss
	congested := m.loss > bandwidth.LossHigh || fell
	switch {
	case congested && m.now >= b.until-int64(b.hold)/2:
		b.shrink(m)
	case congested || m.loss > bandwidth.LossLow || b.limit == 0:
	case m.now >= b.until:
		b.limit *= growth
		b.raised = m.now
		if b.limit > 1.5*m.wanted {
			b.limit = 0
		}
	}
	return uint64(b.limit)
}

// shrink cuts the limit below what was too much, and waits longer before the
// next try if the last one failed.
func (b *budget) shrink(m measure) {
	cut := m.sent * (1 - m.loss/2) * 0.85
	if m.remb > 0 && m.remb < m.sent {
		cut = max(m.remb*0.95, cut/2)
	}
	if b.limit > 0 {
		cut = min(cut, b.limit*0.95)
	}
	b.limit = max(cut, leastBudget)
	switch {
	case b.hold == 0 || b.raised == 0 || m.now-b.raised > int64(calm):
		b.hold = holdFirst
	default:
		b.hold = min(2*b.hold, holdMost)
	}
	b.until = m.now + int64(b.hold)
}

// Heights and rates to go by before a layer has told its own.
func assumed(kind rooms.Source, rank int) (height int, rate uint64) {
	if kind == rooms.Screen {
		return 1080, 1_000_000
	}
	return [maxLayers]int{180, 360, 720}[rank], [maxLayers]uint64{150_000, 500_000, 1_200_000}[rank]
}
