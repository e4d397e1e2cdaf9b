package sfu

import "viop/rooms/sfu/rewrite"

// recentMost is how many packets of a voice are kept: as many as may be
// received before the first of them is forwarded, and those before it.
const recentMost = 128

// recent keeps the last packets of a voice, once for all its receivers, who
// may get them again along with the next one (RFC 2198). No browser repairs
// sound by asking, and asking would take longer than sound can wait. Owned by
// the ingress.
type recent struct{ list []spoken }

type spoken struct {
	used    bool
	seq     uint16
	ts      uint32
	payload []byte
}

// earlier are the packets that directly precede one, newest first.
type earlier struct {
	blocks [rewrite.Depth]rewrite.Block
	n      int
}

// before notes in p what directly precedes it.
func (r *recent) before(p *packet) {
	if r.list == nil {
		r.list = make([]spoken, recentMost)
	}
	for p.earlier.n < rewrite.Depth {
		seq := p.seq - uint16(p.earlier.n+1)
		s := &r.list[seq%recentMost]
		if !s.used || s.seq != seq {
			return
		}
		p.earlier.blocks[p.earlier.n] = rewrite.Block{Behind: p.ts - s.ts, Payload: s.payload}
		p.earlier.n++
	}
}

func (r *recent) put(p *packet) {
	s := &r.list[p.seq%recentMost]
	s.used, s.seq, s.ts = true, p.seq, p.ts
	s.payload = append(s.payload[:0], p.payload...)
}
