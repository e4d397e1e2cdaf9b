package sfu

import (
	"time"

	"viop/rooms/sfu/feedback"
)

// Asking publishers for what was lost on the way here.
const (
	lossFirst   = 10 * time.Millisecond // reordering is not loss
	lossTries   = 8
	lossMost    = 128 // beyond it a keyframe is cheaper
	lossOldest  = 512 // packets behind the newest
	lossAtLeast = 40 * time.Millisecond
)

// lossList is what is missing of one stream, oldest first.
type lossList struct{ list []loss }

type loss struct {
	seq   uint64
	tries int
	at    int64 // last asked, or found missing
}

// found notes the numbers between the newest packet and the one before it;
// false when there are too many.
func (l *lossList) found(newest uint64, gap int, now int64) bool {
	if gap-1+len(l.list) > lossMost {
		l.list = l.list[:0]
		return false
	}
	for n := newest - uint64(gap) + 1; n < newest; n++ {
		l.list = append(l.list, loss{seq: n, at: now})
	}
	return true
}

// came strikes a number off.
func (l *lossList) came(seq uint64) {
	for i := range l.list {
		if l.list[i].seq == seq {
			l.list = append(l.list[:i], l.list[i+1:]...)
			return
		}
	}
}

// due appends what to ask for now, and gives up on what is hopeless.
func (l *lossList) due(ask []uint16, highest uint64, now int64, rtt time.Duration) []uint16 {
	kept := l.list[:0]
	for _, m := range l.list {
		if m.tries >= lossTries || m.seq+lossOldest < highest {
			continue
		}
		wait := lossFirst
		if m.tries > 0 {
			wait = max(rtt+lossFirst, lossAtLeast)
		}
		if now-m.at >= int64(wait) {
			m.tries++
			m.at = now
			ask = append(ask, uint16(m.seq))
		}
		kept = append(kept, m)
	}
	l.list = kept
	return ask
}

// receptionStats are RFC 3550 §6.4.1 and Appendix A.3 and A.8.
type receptionStats struct {
	received      uint64
	expectedPrior uint64
	receivedPrior uint64
	transit       int64
	jitter        float64
}

// count takes one packet, not a repair.
func (r *receptionStats) count(ts uint32, clock uint32, at int64) {
	r.received++
	arrival := at / 1000 * int64(clock) / 1_000_000
	transit := int64(int32(uint32(arrival) - ts))
	if r.received > 1 {
		d := float64(transit - r.transit)
		if d < 0 {
			d = -d
		}
		if d < float64(clock) { // a leap of the timestamps is no jitter
			r.jitter += (d - r.jitter) / 16
		}
	}
	r.transit = transit
}

// report makes the block of one stream.
func (l *layer) report(now int64) feedback.Report {
	r, w := &l.stats, &l.window
	expected := w.highest - w.first + 1
	lostNow := int64(expected-r.expectedPrior) - int64(r.received-r.receivedPrior)
	out := feedback.Report{
		SSRC:      l.ssrc,
		Highest:   uint32(w.highest - unwrapBase),
		Jitter:    uint32(r.jitter),
		TotalLost: uint32(min(max(int64(expected)-int64(r.received), 0), 0x7fffff)),
	}
	if n := expected - r.expectedPrior; n > 0 && lostNow > 0 {
		out.FractionLost = uint8(min(lostNow*256/int64(n), 255))
	}
	// An encoder of sound makes its packets overlap by how much is lost
	// (in-band FEC, RFC 6716 §2.1.7); what its receivers lose counts as well.
	out.FractionLost = max(out.FractionLost, uint8(min(l.lostBeyond.Load(), 255)))
	r.expectedPrior, r.receivedPrior = expected, r.received
	if sr := l.senderReport.Load(); sr != nil {
		out.LastSR = uint32(sr.ntp >> 16)
		out.Delay = uint32((now - sr.at) * 65536 / int64(time.Second))
	}
	return out
}
