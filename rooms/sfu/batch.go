package sfu

// batch is what one turn has received of pictures and not yet forwarded. It belongs to
// who makes the turn: with a plane to the plane, without one to the ingress.
type batch struct {
	packets []queued
	scratch [maxPayload + mostAdded + 1]byte
}

// queued is one packet; its bytes are good until the turn's end.
type queued struct {
	layer *layer // nil: forwarded
	packet
}

// add a packet for the turn's end, if it is of a picture. Sound has no packets
// that belong together, and goes on at once.
func (b *batch) add(l *layer, p *packet) {
	if p.isVP8 {
		b.packets = append(b.packets, queued{l, *p})
		return
	}
	if receivers := l.receivers.Load(); receivers != nil {
		for _, s := range *receivers {
			s.forward(l, p, b.scratch[:0])
		}
	}
}

// forward hands every packet to everybody who gets its layer. A layer's
// packets go to one receiver after the other, so that what one browser gets of
// a frame lies together and can leave in one message. It takes no lock but
// each receiver's slot, and allocates nothing.
func (b *batch) forward() {
	for i := range b.packets {
		l := b.packets[i].layer
		if l == nil {
			continue
		}
		rest := b.packets[i:]
		even(l, rest)
		if receivers := l.receivers.Load(); receivers != nil {
			for _, s := range *receivers {
				for j := range rest {
					if rest[j].layer == l {
						s.forward(l, &rest[j].packet, b.scratch[:0])
					}
				}
			}
		}
		for j := range rest {
			if rest[j].layer == l {
				rest[j].layer = nil
			}
		}
	}
	b.packets = b.packets[:0]
}

// even out a frame. Encoders cut a frame into packets that differ by a byte,
// the shorter ones first; UDP's segmentation wants equal sizes, of which only
// the last may be shorter. One byte of padding makes them one message.
func even(l *layer, packets []queued) {
	longest, ts := 0, uint32(0)
	for i := len(packets) - 1; i >= 0; i-- {
		p := &packets[i]
		if p.layer != l {
			continue
		}
		if p.ts != ts {
			longest, ts = 0, p.ts
		}
		p.pad = len(p.payload) > 0 && len(p.payload)+1 == longest
		longest = max(longest, len(p.payload))
	}
}
