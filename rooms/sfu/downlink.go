package sfu

import (
	"sync"
	"time"

	"viop/rooms/sfu/bandwidth"
	"viop/rooms/sfu/feedback"
)

const (
	// perPacket is what a packet weighs beside its payload: IP, UDP, RTP with
	// its extension, and the SRTP tag.
	perPacket = 28 + 20 + 16
	// lineHeard is how long a browser's word of its line counts; Chromium
	// speaks every 50 to 250 ms.
	lineHeard = 3 * time.Second
	// mostReports is how many packets one feedback may be about.
	mostReports = 2048
	// falls and rises are the changes of a limit that are acted on: little
	// more changes nothing, so that what was taken away comes back to stay.
	falls, rises = 0.05, 0.25
	// Repairs may be one in repairOne of what is sent, or in repairFull when
	// there is a limit, and so much at once: a line that is full loses them as
	// well, and asks for each of them again.
	repairOne, repairFull = 3, 6
	repairMost            = 32 << 10
	// forVideo is the share of what sound leaves that pictures may fill:
	// keyframes are larger than the mean, and repairs come on top.
	forVideo = 0.85
)

// downlink is what a browser's line is known to carry, from its transport wide
// feedback (package bandwidth). Packets of all publishers go over it.
type downlink struct {
	mu      sync.Mutex
	known   bandwidth.Line
	reports []bandwidth.Report
	repair  int // bytes of repairs that may be sent
}

// sent notes a packet and gives its number.
func (l *downlink) sent(at int64, payload int, probe bool) uint16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if probe {
		return l.known.SentProbe(at, payload+perPacket)
	}
	one := repairOne
	if l.known.Limit() > 0 {
		one = repairFull
	}
	l.repair = min(l.repair+(payload+perPacket)/one, repairMost)
	return l.known.Sent(at, payload+perPacket)
}

// mayRepair says whether there is room for a repair, and takes it.
func (l *downlink) mayRepair(payload int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.repair < payload+perPacket {
		return false
	}
	l.repair -= payload + perPacket
	return true
}

// feedback takes a TWCC, and says whether the line has become narrower.
func (l *downlink) feedback(p feedback.Packet, now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = l.reports[:0]
	for a := range p.Arrivals {
		if len(l.reports) == mostReports {
			break
		}
		l.reports = append(l.reports, bandwidth.Report(a))
	}
	return l.known.Feedback(now, l.reports)
}

// heard says whether the browser speaks of its line.
func (l *downlink) heard(now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.known.Heard()
	return at != 0 && now-at < int64(lineHeard)
}

// moved is called when ICE has settled on another way to the browser.
func (l *downlink) moved() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.Moved()
}

func (l *downlink) want(bits float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.Want(bits)
}

// limit is 0 without one; probe is how much padding to try it with.
func (l *downlink) limit(now int64) (limit float64, probe int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known.Limit(), l.known.Probe(now)
}

func (l *downlink) loss() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known.Loss()
}

// probe sends padding, on the peer's goroutine.
func (t *transport) probe(bytes int) {
	slots := t.slots()
	t.beginTurn()
	defer t.endTurn()
	now := t.now()
	for _, s := range slots {
		if s.video && s.pad(bytes, now) {
			return
		}
	}
}

// voiceRate is what the sound towards a browser takes, all bytes counted, and
// what goes along with it.
type voiceRate struct {
	octets, packets, extra uint64
	bits, along            float64
}

// measure takes one second.
func (v *voiceRate) measure(slots []*slot) {
	var octets, packets, extra uint64
	for _, s := range slots {
		octets += s.octets.Load()
		packets += s.sent.Load()
		extra += s.along.Load()
	}
	const perSecond = 8 * float64(time.Second) / float64(shareEvery*tickEvery)
	v.bits += (float64(octets-v.octets+perPacket*(packets-v.packets))*perSecond - v.bits) / 2
	v.along += (float64(extra-v.extra)*perSecond - v.along) / 2
	v.octets, v.packets, v.extra = octets, packets, extra
}

// followLines takes over what lines have been found to carry, and has those
// tried that may carry more. It says whether there is anything to act on. r.mu
// is held.
func (r *room) followLines(now int64) (changed bool) {
	for _, p := range r.peers {
		t := p.transport
		if t == nil || !t.downlink.heard(now) {
			continue
		}
		limit, probe := t.downlink.limit(now)
		if probe > 0 {
			p.push(probing{t, probe})
		}
		if limit > 0 {
			// Sound comes first; 0 would be no limit.
			limit = max((limit-p.voice.bits-p.voice.along)*forVideo, 1)
		}
		was := float64(p.limit)
		if d := limit - was; d < -falls*was || d > rises*was || (limit == 0) != (was == 0) {
			p.limit = uint64(limit)
			changed = true
		}
	}
	return changed
}
