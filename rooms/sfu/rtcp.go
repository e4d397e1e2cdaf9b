package sfu

import (
	"io"

	"viop/rooms/sfu/feedback"
)

// inboundRTCP takes the RTCP a browser sends, where it has been decrypted. The
// plane gives all of it to one, a compound at a time. Pion has one for each SSRC,
// and gives it, on the goroutine of its SRTCP session, every packet that is about
// this SSRC among others: each of them takes what is about its own.
type inboundRTCP struct {
	transport *transport
	one       bool // Pion's, of:
	ssrc      uint32
}

func (i *inboundRTCP) Read([]byte) (int, error) { return 0, io.EOF }

func (i *inboundRTCP) Close() error { return nil }

// Write takes what is Pion's again when it returns.
func (i *inboundRTCP) Write(b []byte) (int, error) {
	i.transport.beginTurn() // repairs are sent from here
	defer i.transport.endTurn()
	i.Receive(b, i.transport.now())
	return len(b), nil
}

// Receive is Write within a turn: the bytes are the plane's. What cannot be read
// is not for us.
func (i *inboundRTCP) Receive(b []byte, now int64) {
	i.transport.proofOfLife(now)
	for p, rest, ok := feedback.Next(b); ok; p, rest, ok = feedback.Next(rest) {
		i.take(p, now)
	}
}

func (i *inboundRTCP) take(p feedback.Packet, now int64) {
	t := i.transport
	switch p.Kind {
	case feedback.SR:
		if sent := p.Sent(); i.isAbout(sent.SSRC) {
			t.senderReport(sent, now)
		}
		i.reception(p, now)
	case feedback.RR:
		i.reception(p, now)
	case feedback.REMB:
		t.remb.Store(p.Bitrate())
	case feedback.TWCC:
		if i.isAbout(p.Media()) && t.downlink.feedback(p, now) {
			t.room.wake() // it has become narrower
		}
	case feedback.PLI:
		if s := i.slot(p.Media()); s != nil {
			s.wantKeyframe(now)
		}
	case feedback.FIR:
		for ssrc := range p.Wanted {
			if s := i.slot(ssrc); s != nil {
				s.wantKeyframe(now)
			}
		}
	case feedback.NACK:
		if s := i.slot(p.Media()); s != nil {
			for seq := range p.Lost {
				s.resend(seq, now)
			}
		}
	}
}

func (i *inboundRTCP) isAbout(ssrc uint32) bool { return !i.one || ssrc == i.ssrc }

// slot of an outgoing SSRC; nil when there is none, or another one takes what is
// about it.
func (i *inboundRTCP) slot(ssrc uint32) *slot {
	table := i.transport.bySSRC.Load()
	if table == nil || !i.isAbout(ssrc) {
		return nil
	}
	return (*table)[ssrc]
}

// reception notes what the browser says of our slots.
func (i *inboundRTCP) reception(p feedback.Packet, now int64) {
	for r := range p.Reports {
		if s := i.slot(r.SSRC); s != nil {
			s.lost.Store(uint32(r.FractionLost))
			s.lastReport.Store(now)
		}
	}
}

// senderReport of a publisher's stream.
func (t *transport) senderReport(sent feedback.Sent, now int64) {
	for _, src := range t.sources {
		for rank := range src.layers {
			if l := src.layers[rank].Load(); l != nil && l.ssrc == sent.SSRC {
				t.clock.heard(sent.NTP, now)
				l.senderReport.Store(&senderReport{ntp: sent.NTP, rtp: sent.RTP, at: now})
			}
		}
	}
}
