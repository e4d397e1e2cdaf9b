// Package bandwidth says what the line to one receiver carries, from the
// numbers it was sent and when they came: congestion control at the sender, as
// draft-ietf-rmcat-gcc-02 and every browser have it, with two differences. A
// line has no limit until it shows one, because most carry everything; and a
// line with a limit is asked what else it carries by short trains of padding,
// because what a forwarder sends comes in steps (a layer, a picture) and says
// nothing about the next one.
//
// A limit comes from delay that grows (trend.go) or from loss beyond what a
// bad radio has. It is then below what came through, and is lifted as trains
// come through faster.
//
// Everything is a function over numbers and times; nothing blocks or knows a
// clock, and after New nothing allocates. Pion's pkg/gcc does the same with
// five goroutines and a pacer for each receiver, behind its interceptors. The
// caller owns a Line and locks it.
package bandwidth

import "time"

const (
	// history is how many packets may be on their way: at 1500 a second, more
	// than a second of round trip and feedback.
	history = 2048

	fallBack  = 0.85 // of what came through, on congestion
	growth    = 1.08 // a second, without
	careful   = 1.01 // near what it last was too much at
	grown     = 1.2  // of what came through, at most; trains show more
	plenty    = 1.1  // of what is wanted
	grownAtop = 20_000
	least     = 80_000 // bit/s; below it an estimate means nothing

	enough    = 100 // packets to judge loss by
	lossEvery = int64(time.Second)
	lossStale = int64(3 * time.Second)        // what was lost so long ago, and nobody knows since, is over
	lossFlood = 0.30                          // as much in a fifth of a second is no accident
	settle    = int64(300 * time.Millisecond) // until a cut is felt: the next keyframe must come first
	calm      = int64(2 * time.Second)        // after congestion
	warm      = int64(time.Second)            // before delay is believed: what comes through must be known, and what is usual
	lifted    = int64(10 * time.Second)       // without congestion, and with more than enough: no limit
)

// Loss, as a share of the packets.
const (
	// LossHigh is congestion, beyond it. A tenth lost at random is a bad radio,
	// on which speech is kept whole by redundancy, and that takes a line which is
	// not believed to be full: so it must be well below, as one second's packets
	// show it.
	LossHigh = 0.15
	// LossLow is none, below it: the line may be given more.
	LossLow = 0.02
)

// Report is what a receiver says of one packet.
type Report struct {
	Number  uint16
	Arrived bool
	At      int64 // when, by the receiver's clock; nanoseconds
}

// Line is the way to one receiver.
type Line struct {
	sent [history]flight
	next uint16

	meter  meter
	groups groups
	trend  trend
	probe  probe

	limit   float64 // bit/s; 0: none
	wanted  float64
	cutAt   int64
	fullAt  float64 // what came through then
	stepAt  int64   // last growth
	heardAt int64
	begun   bool
	begunAt int64

	lost, came int // since lossAt
	lossAt     int64
	loss       float64 // smoothed
	share      float64 // last
}

// flight is one packet that was sent.
type flight struct {
	at     int64
	bytes  uint16
	number uint16
	state  state
	probe  bool
}

type state uint8

const (
	unused state = iota
	flying
	missing
	arrived
)

// New line, without a limit.
func New() *Line { return &Line{} }

// Moved begins anew: the receiver is on another network, and what its last line
// carried says nothing of this one. Numbers go on.
func (l *Line) Moved() { *l = Line{next: l.next, wanted: l.wanted} }

// Sent notes a packet and gives its transport wide number.
func (l *Line) Sent(at int64, bytes int) uint16 { return l.send(at, bytes, false) }

func (l *Line) send(at int64, bytes int, probe bool) uint16 {
	n := l.next
	l.next++
	l.sent[n%history] = flight{at: at, bytes: uint16(bytes), number: n, state: flying, probe: probe}
	return n
}

// Feedback takes what a receiver says, in the order of the numbers. It says
// whether the line has become narrower.
func (l *Line) Feedback(now int64, reports []Report) (narrower bool) {
	if !l.begun {
		l.begun, l.begunAt, l.lossAt, l.stepAt = true, now, now, now
	}
	l.heardAt = now
	congested := false
	for _, r := range reports {
		f := &l.sent[r.Number%history]
		switch {
		case f.number != r.Number || f.state == unused || f.state == arrived:
		case !r.Arrived && f.state == flying:
			f.state = missing
			if l.counts(f) {
				l.lost++
			}
			l.probe.missed(f)
		case r.Arrived:
			if l.counts(f) {
				l.came++
				if f.state == missing {
					l.lost = max(l.lost-1, 0)
				}
			}
			f.state = arrived
			congested = l.arrival(f, r.At, now) || congested
		}
	}
	before := l.limit
	l.judgeProbe(now)
	if congested {
		l.cut(now, fallBack*l.meter.bits)
	}
	l.judgeLoss(now)
	l.grow(now)
	return l.limit > 0 && (before == 0 || l.limit < before)
}

// counts says whether a packet tells something new: from before the last cut
// was felt it tells what led to it.
func (l *Line) counts(f *flight) bool { return l.cutAt == 0 || f.at > l.cutAt+settle }

// arrival says whether the line is filling up.
func (l *Line) arrival(f *flight, at, now int64) bool {
	l.meter.add(at, int(f.bytes))
	if f.probe {
		l.probe.came(f, at)
		return false
	}
	if l.probe.covers(f.at) {
		l.groups = groups{} // what is behind a train waits for it
		return false
	}
	dSent, dCame, ok := l.groups.add(f.at, at)
	if !ok {
		return false
	}
	l.trend.add(millis(at), millis(dSent), millis(dCame))
	return l.counts(f) && now-l.begunAt > warm && l.trend.overused()
}

func (l *Line) cut(now int64, to float64) {
	if l.limit > 0 {
		if l.meter.bits < l.limit/2 {
			to = fallBack * l.limit // it is not ours that fills it
		}
		to = min(to, l.limit)
	}
	l.limit = max(to, least)
	l.fullAt = l.meter.bits
	l.cutAt, l.stepAt, l.lossAt = now, now, now
	l.lost, l.came = 0, 0
	l.probe.failed(now)
}

// judgeLoss looks at each second's, or at once at a flood of it. A line that
// is only bad, and does not fill, keeps its pictures.
func (l *Line) judgeLoss(now int64) {
	if l.lost+l.came < enough {
		if now-l.lossAt >= lossStale {
			l.share = 0
		}
		return
	}
	if now-l.lossAt < lossEvery/5 {
		return
	}
	share := float64(l.lost) / float64(l.lost+l.came)
	if now-l.lossAt < lossEvery && share < lossFlood {
		return
	}
	l.loss, l.share = (l.loss+share)/2, share
	l.lost, l.came, l.lossAt = 0, 0, now
	if share > LossHigh && l.loss > LossHigh {
		l.cut(now, fallBack*l.meter.bits) // which is without what was lost
	}
}

// grow makes a limit wider while nothing speaks against it, and drops one
// that has long been wider than anything wanted.
func (l *Line) grow(now int64) {
	seconds := float64(now-l.stepAt) / float64(time.Second)
	l.stepAt = now
	switch {
	case l.limit == 0 || now-l.cutAt < calm || l.share > LossLow:
	case l.limit > plenty*l.wanted && now-l.cutAt > lifted:
		l.limit = 0
	default:
		most := max(l.limit, grown*l.meter.bits+grownAtop)
		by := growth
		if l.limit > fallBack*l.fullAt && l.limit < grown*l.fullAt && now-l.cutAt < lifted {
			by = careful
		}
		l.limit = min(l.limit*(1+(by-1)*seconds), most)
	}
}

// Limit is what the line carries in bit/s, all bytes counted that Sent was
// told of; 0 is no limit.
func (l *Line) Limit() float64 { return l.limit }

// Loss is the share lost lately, before repair.
func (l *Line) Loss() float64 { return l.loss }

// Heard is when the receiver last said anything; 0: never.
func (l *Line) Heard() int64 { return l.heardAt }

// Want says what would be sent if there were no limit, bit/s.
func (l *Line) Want(bits float64) { l.wanted = bits }

// meter measures what comes through, by the receiver's clock.
type meter struct {
	begun bool
	from  int64
	bytes int
	last  float64 // bit/s of the last stretch
	bits  float64 // and of the better of the last two
}

const meterEvery = int64(250 * time.Millisecond)

func (m *meter) add(at int64, bytes int) {
	if !m.begun {
		m.begun, m.from = true, at
	}
	if d := at - m.from; d >= meterEvery {
		bits := float64(m.bytes) * 8 * float64(time.Second) / float64(d)
		// One that is low may be the radio's, or a hiccup's.
		m.bits, m.last = max(bits, m.last), bits
		m.from, m.bytes = at, 0
	}
	m.bytes += bytes
}

func millis(ns int64) float64 { return float64(ns) / 1e6 }
