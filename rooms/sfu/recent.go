package sfu

import "viop/rooms/sfu/rewrite"

// recent keeps the last packets of a voice, once for all its receivers, who
// may get them again along with the next one (RFC 2198). No browser repairs
// sound by asking, and asking would take longer than sound can wait. Owned by
// the ingress.
type recent struct {
	list   [rewrite.Depth]spoken // by sequence number
	blocks [rewrite.Depth]rewrite.Block
}

type spoken struct {
	used    bool
	seq     uint16
	ts      uint32
	payload []byte
}

// before gives those that directly precede p, newest first. They are good
// until the next put.
func (r *recent) before(p *packet) []rewrite.Block {
	out := r.blocks[:0]
	for back := uint16(1); back <= rewrite.Depth; back++ {
		s := &r.list[(p.seq-back)%rewrite.Depth]
		if !s.used || s.seq != p.seq-back {
			break
		}
		out = append(out, rewrite.Block{Behind: p.ts - s.ts, Payload: s.payload})
	}
	return out
}

func (r *recent) put(p *packet) {
	s := &r.list[p.seq%rewrite.Depth]
	s.used, s.seq, s.ts = true, p.seq, p.ts
	s.payload = append(s.payload[:0], p.payload...)
}
