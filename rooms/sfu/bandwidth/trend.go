package bandwidth

import (
	"math"
	"time"
)

// groups makes bursts of packets: what was sent together is compared as one
// (draft-ietf-rmcat-gcc-02 §5.2).
type groups struct {
	n         int // begun
	from      int64
	cur, last group
}

// group is when the last packet of a burst was sent and came.
type group struct{ sent, came int64 }

const burst = int64(5 * time.Millisecond)

// add takes a packet; when it begins a burst, ok, and the distances between
// the two before it.
func (g *groups) add(sent, came int64) (dSent, dCame int64, ok bool) {
	switch {
	case g.n == 0:
		g.from = sent
		g.n++
	case sent < g.from:
		return 0, 0, false // out of order
	case sent-g.from > burst:
		if g.n >= 2 {
			dSent, dCame, ok = g.cur.sent-g.last.sent, g.cur.came-g.last.came, true
		}
		g.last, g.from = g.cur, sent
		g.cur = group{}
		g.n++
	}
	g.cur = group{max(g.cur.sent, sent), max(g.cur.came, came)}
	return dSent, dCame, ok
}

// Detection, with the numbers of libwebrtc's trendline estimator, which are
// tuned on many lines; milliseconds.
const (
	window       = 20
	smoothing    = 0.9
	gain         = 4.0
	mostDeltas   = 60
	overFor      = 10.0
	thresholdUp  = 0.0087
	thresholdOff = 0.039
	thresholdMin = 6.0
	thresholdMax = 600.0
	outlier      = 15.0
	mostStep     = 100.0

	// A delay that grows is a queue if it stays: all packets for so long have
	// waited so much. A radio's delay is back at the least now and then, and
	// one hiccup of a machine is over when its packets come.
	queue    = 15.0 // and so many times the jitter:
	jitters  = 3.0
	standing = 150.0
	// One that is full does not grow any more.
	full    = 100.0
	fullFor = 500.0
	drift   = 0.002 // of the clocks, ms each ms, at most
)

// trend says whether delay grows: the slope of a line through the last bursts'
// accumulated delay, against a threshold that follows what the line is wont to
// do.
type trend struct {
	points        [window]struct{ at, delay float64 }
	n             int
	delay, smooth float64
	base          float64 // the least delay, of an empty line
	low           float64 // when it was last about that
	jitter        float64
	grows         bool
	at, updated   float64
	slope         float64
	over          float64 // time spent beyond the threshold
	overs         int
	threshold     float64
}

// add takes the distances between two bursts.
func (t *trend) add(at, dSent, dCame float64) {
	if t.n == 0 {
		t.threshold = 12.5
		t.updated = at
	}
	t.delay += dCame - dSent
	t.jitter += (math.Abs(dCame-dSent) - t.jitter) / 16 // as RFC 3550 §6.4.1
	t.smooth = smoothing*t.smooth + (1-smoothing)*t.delay
	t.base = min(t.base+drift*max(at-t.at, 0), t.delay)
	t.at = at
	if !t.queued() {
		t.low = at
	}
	t.points[t.n%window] = struct{ at, delay float64 }{at, t.smooth}
	t.n++
	t.grows = false
	if t.n < window {
		return
	}
	slope := t.fit()
	t.grows = t.detect(slope*gain*float64(min(t.n, mostDeltas)), slope, dSent)
	t.slope = slope
}

// overused says whether the line is: its queue grows, or is full.
func (t *trend) overused() bool {
	if t.delay-t.base >= full && t.at-t.low >= fullFor {
		// Or it is another way, which is longer.
		t.base, t.low = t.delay, t.at
		return true
	}
	return t.grows
}

func (t *trend) detect(value, slope, dSent float64) bool {
	defer t.adapt(value)
	if value <= t.threshold {
		t.over, t.overs = 0, 0
		return false
	}
	t.over += dSent
	t.overs++
	if t.over <= overFor || t.overs < 2 || slope < t.slope || t.at-t.low < standing {
		return false
	}
	t.over, t.overs = 0, 0
	return true
}

// queued says whether the newest burst had to wait.
func (t *trend) queued() bool { return t.delay-t.base >= queue+jitters*t.jitter }

// adapt lets the threshold follow, slowly up and fast down, but not after
// outliers.
func (t *trend) adapt(value float64) {
	value = math.Abs(value)
	step := min(max(t.at-t.updated, 0), mostStep)
	t.updated = t.at
	if value > t.threshold+outlier {
		return
	}
	k := thresholdOff
	if value > t.threshold {
		k = thresholdUp
	}
	t.threshold = min(max(t.threshold+k*(value-t.threshold)*step, thresholdMin), thresholdMax)
}

// fit is the slope of the least squares.
func (t *trend) fit() float64 {
	var x, y float64
	for _, p := range t.points {
		x += p.at - t.at
		y += p.delay
	}
	x, y = x/window, y/window
	var up, down float64
	for _, p := range t.points {
		d := p.at - t.at - x
		up += d * (p.delay - y)
		down += d * d
	}
	if down == 0 {
		return 0
	}
	return up / down
}
