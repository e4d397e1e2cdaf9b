package bandwidth

import "time"

const (
	probeTime    = int64(40 * time.Millisecond) // what a train would take at its rate
	probeLeast   = 2_000                        // bytes
	probeMost    = 24_000
	probeFloor   = 300_000 // bit/s; asking for less is not worth the trouble
	probeFactor  = 2.0
	probeWanted  = 1.5
	probeShare   = 0.9 // of what it measured
	probeBetter  = 1.05
	probeWaits   = int64(time.Second)            // for the answer
	probeAgain   = int64(100 * time.Millisecond) // after one that went well
	probeBackoff = int64(3 * time.Second / 2)    // after one that did not, then twice that,
	probeMostly  = int64(4 * time.Second)        // up to this
	probeFirst   = int64(time.Second)            // after congestion
	probeArrived = 0.8
)

// probe is a train of padding: its packets leave together, and how far apart
// they come is what the line carries. It is short enough to be no more than
// twice its own length in a queue.
type probe struct {
	next int64 // none before
	wait int64 // after the next that does not go well

	flying      bool
	from, until int64 // sent, and gone from a full line
	target      float64
	packets     int
	bytes       int
	heard, lost int
	cameBytes   int
	head        int // bytes of the first that came
	first, last int64
}

// Probe says how many bytes of padding to send at once, if any; each of its
// packets goes through SentProbe.
func (l *Line) Probe(now int64) (bytes int) {
	p := &l.probe
	if p.flying && now-p.from > probeWaits {
		p.failed(now)
	}
	if l.limit == 0 || l.wanted <= l.limit || p.flying || now < p.next || l.share > LossHigh {
		return 0
	}
	target := max(min(probeFactor*l.limit, probeWanted*l.wanted), probeFloor)
	bytes = min(max(int(target*float64(probeTime)/float64(time.Second)/8), probeLeast), probeMost)
	*p = probe{
		next: p.next, wait: p.wait, flying: true, from: now, target: target, bytes: bytes,
		until: now + int64(float64(bytes)*8*float64(time.Second)/l.limit),
	}
	return bytes
}

// SentProbe is Sent for a packet of the train.
func (l *Line) SentProbe(at int64, bytes int) uint16 {
	l.probe.packets++
	return l.send(at, bytes, true)
}

// covers says whether a packet was sent while the line was busy with a train.
func (p *probe) covers(sent int64) bool { return sent >= p.from && sent < p.until }

func (p *probe) came(f *flight, at int64) {
	if !p.flying || f.at < p.from {
		return
	}
	if p.heard == 0 {
		p.first, p.head = at, int(f.bytes)
	}
	p.heard++
	p.cameBytes += int(f.bytes)
	p.last = max(p.last, at)
}

func (p *probe) missed(f *flight) {
	if p.flying && f.probe && f.at >= p.from {
		p.lost++
	}
}

func (p *probe) failed(now int64) {
	p.flying = false
	p.next = max(p.next, now+probeFirst)
}

// judgeProbe looks at a train that has come.
func (l *Line) judgeProbe(now int64) {
	p := &l.probe
	if !p.flying || p.packets == 0 || p.heard+p.lost < p.packets {
		return
	}
	p.flying = false
	p.wait = min(max(2*p.wait, probeBackoff), probeMostly)
	p.next = now + p.wait
	if float64(p.heard) < probeArrived*float64(p.packets) || p.heard < 2 {
		return
	}
	rate := p.target
	if d := p.last - p.first; d > 0 {
		rate = min(rate, float64(p.cameBytes-p.head)*8*float64(time.Second)/float64(d))
	}
	if rate *= probeShare; rate > probeBetter*l.limit && l.limit > 0 {
		l.limit = rate
		p.next, p.wait = now+probeAgain, 0
	}
}
