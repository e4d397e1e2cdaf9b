package sfu

import (
	"io"

	"github.com/pion/rtcp"
)

// inboundRTCP takes the RTCP a browser sends about one SSRC, where Pion has
// decrypted it; on the goroutine of Pion's SRTCP session. A packet about
// several is delivered once for each.
type inboundRTCP struct {
	transport *transport
	ssrc      uint32
}

func (i *inboundRTCP) Read([]byte) (int, error) { return 0, io.EOF }

func (i *inboundRTCP) Close() error { return nil }

func (i *inboundRTCP) Write(b []byte) (int, error) {
	t := i.transport
	t.beginTurn() // repairs are sent from here
	defer t.endTurn()
	now := t.now()
	t.proofOfLife(now)
	// What cannot be read is not for us.
	if packets, err := rtcp.Unmarshal(b); err == nil {
		for _, p := range packets {
			i.take(p, now)
		}
	}
	return len(b), nil
}

func (i *inboundRTCP) take(packet rtcp.Packet, now int64) {
	t := i.transport
	switch p := packet.(type) {
	case *rtcp.SenderReport:
		if p.SSRC == i.ssrc {
			t.senderReport(p, now)
		}
		i.reception(p.Reports, now)
	case *rtcp.ReceiverReport:
		i.reception(p.Reports, now)
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		t.remb.Store(uint64(p.Bitrate))
	case *rtcp.TransportLayerCC:
		if p.MediaSSRC == i.ssrc && t.downlink.feedback(p, now) {
			t.room.wake() // it has become narrower
		}
	case *rtcp.PictureLossIndication:
		if s := t.slot(p.MediaSSRC); s != nil {
			s.wantKeyframe(now)
		}
	case *rtcp.FullIntraRequest:
		if s := t.slot(i.ssrc); s != nil {
			s.wantKeyframe(now)
		}
	case *rtcp.TransportLayerNack:
		if s := t.slot(p.MediaSSRC); s != nil {
			for _, pair := range p.Nacks {
				pair.Range(func(seq uint16) bool { s.resend(seq, now); return true })
			}
		}
	}
}

// slot of an outgoing SSRC.
func (t *transport) slot(ssrc uint32) *slot {
	if table := t.bySSRC.Load(); table != nil {
		return (*table)[ssrc]
	}
	return nil
}

// reception notes what the browser says of the slot this SSRC is.
func (i *inboundRTCP) reception(reports []rtcp.ReceptionReport, now int64) {
	for _, r := range reports {
		if r.SSRC != i.ssrc {
			continue
		}
		if s := i.transport.slot(r.SSRC); s != nil {
			s.lost.Store(uint32(r.FractionLost))
			s.lastReport.Store(now)
		}
	}
}

// senderReport of a publisher's stream.
func (t *transport) senderReport(sr *rtcp.SenderReport, now int64) {
	for _, src := range t.sources {
		for rank := range src.layers {
			if l := src.layers[rank].Load(); l != nil && l.ssrc == sr.SSRC {
				t.clock.heard(sr.NTPTime, now)
				l.senderReport.Store(&senderReport{ntp: sr.NTPTime, rtp: sr.RTPTime, at: now})
			}
		}
	}
}
