package sfu

import (
	"io"
	"sync"
	"time"

	"github.com/pion/transport/v5/packetio"

	"viop/rooms/sfu/feedback"
	"viop/rooms/sfu/rewrite"
)

// How often a publisher hears from us.
const (
	lossEvery     = 10 * time.Millisecond
	feedbackEvery = 100 * time.Millisecond // as libwebrtc does: 50 to 250
	reportEvery   = time.Second
	maxStreams    = 32 // SSRCs one browser may use
)

// ingress takes a publisher's packets where they have been decrypted, by the
// plane or by Pion: there it stands in for the buffer Pion would put them in
// for a reader. So a packet goes to all its receivers on the goroutine that
// opened it, without another copy or wakeup. It runs within a turn, and so on
// one goroutine at a time; without a plane that is Pion's SRTP session. It must
// never wait.
type ingress struct {
	transport *transport

	mu     sync.Mutex
	bySSRC map[uint32]*inbound // guarded by mu

	// Within a turn.
	out      *batch // what is to be forwarded at the turn's end
	packet   packet
	restored packet // out of the redundancy of packet
	streams  int
	layers   []*layer
	arrived  feedback.Recorder
	said     [feedback.MostBytes]byte // scratch of housekeeping, like:
	ask      []uint16
	reports  []feedback.Report
	lastLoss int64
	lastTWCC int64
	lastRR   int64
}

func newIngress(t *transport, out *batch) *ingress {
	return &ingress{transport: t, out: out, bySSRC: map[uint32]*inbound{}}
}

// inbound is one SSRC of the browser.
type inbound struct {
	in    *ingress
	ssrc  uint32
	layer *layer // nil until known
}

// Write takes one plain packet, which is Pion's again when it returns.
func (i *inbound) Write(b []byte) (int, error) {
	t := i.in.transport
	t.beginTurn()
	i.Receive(b, t.now())
	if t.plane == nil {
		i.in.out.forward()
	}
	t.endTurn()
	return len(b), nil
}

// Receive is Write within a turn: the bytes are the plane's.
func (i *inbound) Receive(b []byte, now int64) { i.in.receive(i, b, now) }

// Read gives nothing: there is no reader. Pion's own probing of unknown
// streams ends at once.
func (i *inbound) Read([]byte) (int, error) { return 0, io.EOF }

func (i *inbound) Close() error { return nil }

// buffer is Pion's BufferFactory.
func (t *transport) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if kind == packetio.RTCPBufferPacket {
		return &inboundRTCP{transport: t, one: true, ssrc: ssrc}
	}
	return t.ingress.stream(ssrc)
}

// stream of an SSRC: the same one whether Pion opens its packets or the plane,
// because the first ones may come by Pion and the others by the plane.
func (in *ingress) stream(ssrc uint32) *inbound {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.bySSRC[ssrc]
	if s == nil {
		s = &inbound{in: in, ssrc: ssrc}
		if len(in.bySSRC) < 2*maxStreams { // with their repairs
			in.bySSRC[ssrc] = s
		}
	}
	return s
}

func (in *ingress) receive(from *inbound, b []byte, now int64) {
	t := in.transport
	p := &in.packet
	p.at = now
	heard := t.heard.Load()
	if heard == nil || !p.parse(b, heard.ids) {
		return
	}
	t.proofOfLife(now)
	t.counters.packetsIn.Add(1)
	if p.hasTWCC {
		in.arrived.Record(p.ssrc, p.twcc, now)
	}
	kind := heard.kinds[p.pt]
	if from.layer == nil {
		from.layer = in.find(heard, p, kind)
	}
	if from.layer != nil {
		switch kind {
		case payloadRTX:
			in.repair(from.layer, p)
		case payloadRED:
			if from.layer.ssrc == p.ssrc {
				in.redundant(from.layer, p)
			}
		case payloadOpus, payloadVP8:
			if from.layer.ssrc == p.ssrc {
				in.media(from.layer, p, kind, false)
			}
		}
	}
	in.housekeeping(now)
}

// repair unwraps a retransmission (RFC 4588 §4). Most are probes for
// bandwidth: padding, or media that has long come.
func (in *ingress) repair(l *layer, p *packet) {
	if len(p.payload) < 2 || !l.window.started {
		return
	}
	p.seq = uint16(p.payload[0])<<8 | uint16(p.payload[1])
	p.ssrc, p.payload = l.ssrc, p.payload[2:]
	if int16(p.seq-uint16(l.window.highest)) > 0 {
		return // a repair of what has not been sent is nonsense
	}
	in.media(l, p, payloadVP8, true)
}

func (in *ingress) media(l *layer, p *packet, kind payloadKind, repaired bool) {
	t := in.transport
	p.isVP8 = kind == payloadVP8
	if p.isVP8 != l.source.isVideo() || len(p.payload) > maxPayload {
		return
	}
	if p.isVP8 && len(p.payload) > 0 {
		var ok bool
		if p.vp8, ok = rewrite.ParseVP8(p.payload); !ok {
			return
		}
	}
	ahead, fresh := l.window.take(p.seq)
	if !fresh {
		t.counters.duplicates.Add(1)
		return
	}
	if !repaired {
		l.stats.count(p.ts, l.clock, p.at)
		if !l.alive(p.at) {
			t.room.wake() // it has been away
		}
		l.lastAt.Store(p.at)
		l.bytes.Add(uint64(len(p.payload) + perPacket))
	}
	if p.hasLevel && l.source.level.add(p.level) {
		t.room.wake()
	}
	if p.isVP8 {
		in.video(l, p, ahead)
		in.out.add(l, p)
		return
	}
	if ahead > 0 {
		l.recent.before(p)
	}
	in.out.add(l, p)
	if ahead > 0 {
		l.recent.put(p)
	}
}

// redundant takes redundant sound apart. What it repeats of packets that were
// lost goes out under their numbers, before it.
func (in *ingress) redundant(l *layer, p *packet) {
	r, ok := rewrite.ParseRED(p.payload)
	if !ok {
		return
	}
	for back := r.N; back > 0; back-- {
		b, seq := r.Earlier[back-1], p.seq-uint16(back)
		if len(b.Payload) == 0 || !l.window.lacks(seq) {
			continue
		}
		in.restored = packet{ssrc: p.ssrc, pt: p.pt, at: p.at, seq: seq, ts: p.ts - b.Behind, payload: b.Payload, late: true}
		in.media(l, &in.restored, payloadOpus, true)
		in.transport.counters.restored.Add(1)
	}
	p.payload = r.Primary
	in.media(l, p, payloadOpus, false)
}

// video keeps the packet for retransmission and watches for loss and
// keyframes.
func (in *ingress) video(l *layer, p *packet, ahead int) {
	switch {
	case ahead > 1:
		if !l.missing.found(l.window.highest, ahead, p.at) {
			l.askKeyframe(p.at)
		}
	case ahead <= 0:
		l.missing.came(uint64(int64(l.window.highest) + int64(ahead)))
	}
	if p.vp8.Keyframe {
		l.keyframeAt.Store(p.at)
		l.keyframeWanted.Store(false)
		if p.vp8.Height > 0 {
			l.height.Store(int32(p.vp8.Height))
		}
	}
	l.ring.put(p)
}

// find says which layer an unknown SSRC is, from the SDP or from the packet's
// MID and RID (RFC 8852, RFC 9143 §9.2); nil when it cannot be said yet.
func (in *ingress) find(heard *heard, p *packet, kind payloadKind) *layer {
	rtx := kind == payloadRTX
	src, rank, ok := heard.declared(p.ssrc, rtx)
	if !ok {
		src, rank, ok = heard.named(p, rtx)
	}
	if !ok || src.isVideo() == kind.isAudio() {
		return nil
	}
	if rtx {
		return src.layers[rank].Load()
	}
	if in.streams == maxStreams {
		return nil
	}
	in.streams++
	l := &layer{source: src, rank: rank, ssrc: p.ssrc, clock: 48000}
	if src.isVideo() {
		l.clock = 90000
	}
	l.lastAt.Store(p.at)
	in.replace(src.layers[rank].Swap(l), l)
	in.transport.room.wake()
	return l
}

func (in *ingress) replace(old, l *layer) {
	for i := range in.layers {
		if in.layers[i] == old {
			in.layers[i] = l
			return
		}
	}
	in.layers = append(in.layers, l)
}

// housekeeping tells the publisher what was lost and what came, when due.
func (in *ingress) housekeeping(now int64) {
	if now-in.lastLoss < int64(lossEvery) {
		return
	}
	in.lastLoss = now
	t := in.transport
	b := in.said[:0]
	if now-in.lastRR >= int64(reportEvery) {
		in.lastRR = now
		in.reports = in.reports[:0]
		for _, l := range in.layers {
			if l.alive(now) {
				in.reports = append(in.reports, l.report(now))
			}
		}
		b = in.gather(feedback.AppendRR(b, t.ssrc, in.reports))
	}
	for _, l := range in.layers {
		if in.ask = l.missing.due(in.ask[:0], l.window.highest, now, t.roundTrip()); len(in.ask) > 0 {
			b = in.gather(feedback.AppendNACK(b, t.ssrc, l.ssrc, in.ask))
		}
	}
	if now-in.lastTWCC >= int64(feedbackEvery) {
		for more := true; more; {
			if b, more = in.arrived.Append(b, t.ssrc); more {
				in.lastTWCC = now
				b = in.gather(b)
			}
		}
	}
	if len(b) > 0 {
		t.say(b)
	}
}

// gather what is to be said until there might be no room for more in one packet.
func (in *ingress) gather(b []byte) []byte {
	if len(b) < feedback.MostBytes/3 {
		return b
	}
	in.transport.say(b)
	return b[:0]
}
