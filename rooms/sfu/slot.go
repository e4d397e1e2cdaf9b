package sfu

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"viop/rooms/sfu/feedback"
	"viop/rooms/sfu/plane"
	"viop/rooms/sfu/rewrite"
)

const (
	// maxPayload is the largest that is taken from a publisher: it fits an
	// Ethernet frame. A slot may add a byte of picture id and two of RTX.
	maxPayload = 1500
	mostAdded  = 3
	// resendGap, or half the round trip if that is longer, keeps one lost
	// packet from being sent again and again while the first repair is on its
	// way. Chromium asks every 100 ms when it does not know the round trip.
	resendGap  = 20 * time.Millisecond
	resendMost = 6 // times for one packet
	resendMap  = 256
)

// sink takes a finished packet towards the browser, within a turn: the plane's
// sender, or Pion's write stream.
type sink interface {
	WriteRTP(*rtp.Header, []byte) (int, error)
}

// repairs are a slot's retransmissions: most slots never have any.
type repairs struct {
	scratch [maxPayload + mostAdded]byte
	sent    [resendMap]struct {
		seq uint16
		n   uint8
		at  int64
	}
}

// slot is one receive section of a browser: a permanent track whose source
// changes behind it. Packets come from the publishers' goroutines.
type slot struct {
	transport *transport
	video     bool
	index     int
	clock     uint32

	mu        sync.Mutex
	sink      sink // nil until bound
	merges    bool // the sink sends packets of one size together
	ready     bool // the transport is connected
	header    rtp.Header
	repair    rtp.Header // of retransmissions; PayloadType 0: not negotiated
	plain     uint8      // payload type of what is sent
	red       uint8      // of redundant sound; 0: not negotiated
	absTime   [3]byte
	hasTime   bool
	number    [2]byte // transport wide
	hasNumber bool
	cur, next *layer // sending; to be sent from its next keyframe on
	numbers   rewrite.Stream[*layer]
	lastAt    int64
	repairs   *repairs // nil until something is lost

	sent       atomic.Uint64 // packets
	octets     atomic.Uint64 // of payload
	along      atomic.Uint64 // bytes of sound that went along with others
	resends    atomic.Uint64
	lost       atomic.Uint32 // fraction of the last report, of 256
	lastReport atomic.Int64
}

// show names what the slot shall carry; nil is nothing. Another layer of the
// same source takes over at its next keyframe and the old one runs on until
// then; another person's source stops the old one at once, so that nobody is
// seen under another's name. The answer says whether a keyframe is awaited.
func (s *slot) show(l *layer) (waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l == nil || s.cur != nil && s.cur.source != l.source {
		s.cur = nil
	}
	s.next = l
	if s.cur == l {
		s.next = nil
	}
	return s.next != nil && s.ready
}

// shown says what the slot sends and what it waits for.
func (s *slot) shown() (cur, next *layer, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur, s.next, s.ready
}

// forward sends a packet on, if it is of the layer this slot carries or
// begins the one it waits for. scratch is the publisher's: nobody keeps it.
func (s *slot) forward(l *layer, p *packet, scratch []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready || s.sink == nil {
		return
	}
	in := p.numbers()
	var out rewrite.Numbers
	switch {
	case l == s.cur:
		var ok, leapt bool
		if out, ok, leapt = s.numbers.Next(in); leapt {
			out = s.begin(l, in, p.at)
		} else if !ok {
			return
		}
	case l == s.next && p.startsAt():
		s.cur, s.next = l, nil
		out = s.begin(l, in, p.at)
	default:
		return
	}
	s.lastAt = p.at
	s.header.SequenceNumber, s.header.Timestamp, s.header.Marker = out.Seq, out.TS, p.marker
	s.header.PayloadType = s.plain
	var payload []byte
	if earlier := s.redundancy(p); len(earlier) > 0 {
		s.header.PayloadType = s.red
		payload = rewrite.AppendRED(scratch, s.plain, earlier, p.payload, maxPayload)
		s.along.Add(uint64(len(payload) - len(p.payload)))
	} else {
		payload = s.payload(scratch, p, out)
	}
	if s.header.Padding = p.pad && s.merges; p.pad && s.merges {
		payload = append(payload, 1)
	}
	s.write(&s.header, payload, p.at)
	s.sent.Add(1)
	s.octets.Add(uint64(len(p.payload)))
}

// redundancy is what goes along of the packets before p: what went out here,
// and nothing of before a switch or of while somebody was muted.
func (s *slot) redundancy(p *packet) []rewrite.Block {
	if s.red == 0 {
		return nil
	}
	return p.earlier.blocks[:min(p.earlier.n, int(s.transport.redundancy.Load()), s.numbers.Span())]
}

// takesRED says whether the section takes redundant sound.
func (s *slot) takesRED() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.red != 0
}

// begin starts a segment of the numbering.
func (s *slot) begin(l *layer, in rewrite.Numbers, at int64) rewrite.Numbers {
	gap := (at - s.lastAt) / int64(time.Microsecond) * int64(s.clock) / 1_000_000
	return s.numbers.Begin(l, in, uint32(gap))
}

// payload is that of p with its outgoing numbers, in dst if it is rewritten.
func (s *slot) payload(dst []byte, p *packet, out rewrite.Numbers) []byte {
	if !p.isVP8 || len(p.payload) == 0 {
		return append(dst, p.payload...)
	}
	return p.vp8.AppendTo(dst, p.payload, out)
}

func (s *slot) write(h *rtp.Header, payload []byte, at int64) {
	if s.hasTime {
		// 24 bits of seconds in 6.18 fixed point.
		v := uint32((uint64(at) << 18 / uint64(time.Second)))
		s.absTime = [3]byte{byte(v >> 16), byte(v >> 8), byte(v)}
	}
	if s.hasNumber {
		binary.BigEndian.PutUint16(s.number[:], s.transport.downlink.sent(at, len(payload), h == &s.repair && h.Padding))
	}
	// A packet that the network would not take is lost like any other.
	_, _ = s.sink.WriteRTP(h, payload)
}

// resend answers a NACK (RFC 4588) with what went out under that number: the
// same bytes, in the repair stream. Without one nothing is sent: bytes under a
// number that was used must not change, and the plain packet is gone.
func (s *slot) resend(seq uint16, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready || s.sink == nil || s.repair.PayloadType == 0 {
		return
	}
	if s.repairs == nil {
		s.repairs = new(repairs)
	}
	last := &s.repairs.sent[seq%resendMap]
	if last.seq != seq {
		last.seq, last.n = seq, 0
	}
	if last.n == resendMost || last.n > 0 && now-last.at < int64(max(resendGap, s.transport.roundTrip()/2)) {
		return
	}
	segment, original, ok := s.numbers.Find(seq)
	if !ok || segment.Source() != s.cur {
		return // a picture that has ended, or one that a keyframe has made good
	}
	var p packet
	var kept [maxPayload]byte
	if !segment.Source().ring.get(original, &p, kept[:0]) {
		return
	}
	if s.hasNumber && !s.transport.downlink.mayRepair(len(p.payload)) {
		return
	}
	last.n++
	last.at = now
	out := segment.Apply(p.numbers())
	s.repair.Timestamp, s.repair.Marker = out.TS, p.marker
	s.write(&s.repair, s.payload(append(s.repairs.scratch[:0], byte(seq>>8), byte(seq)), &p, out), now)
	s.repair.SequenceNumber++
	s.resends.Add(1)
}

// paddingBytes is what a packet of a probe carries.
const paddingBytes = 224

// pad sends a train of padding in the repair stream, where it uses up no
// number of the picture; false when it has none.
func (s *slot) pad(bytes int, now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready || s.sink == nil || s.repair.PayloadType == 0 || !s.hasNumber {
		return false
	}
	var padding [paddingBytes]byte
	padding[paddingBytes-1] = paddingBytes
	s.repair.Padding, s.repair.Marker = true, false
	for ; bytes > 0; bytes -= paddingBytes + perPacket {
		s.write(&s.repair, padding[:], now)
		s.repair.SequenceNumber++
	}
	s.repair.Padding = false
	return true
}

// report makes the sender report of what the slot carries (RFC 3550 §6.4.1);
// false when it has sent nothing. Sound and picture of a person tell the same
// time, so that the browser can play them together.
func (s *slot) report(now int64, wall time.Time) (feedback.Sent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ts, ok := s.numbers.Last()
	if !ok || !s.ready || s.cur == nil {
		return feedback.Sent{}, false
	}
	r := feedback.Sent{
		SSRC: s.header.SSRC, NTP: ntpTime(wall),
		Packets: uint32(s.sent.Load()), Octets: uint32(s.octets.Load()),
	}
	r.RTP = ts + uint32((now-s.lastAt)/int64(time.Microsecond)*int64(s.clock)/1_000_000)
	if sr := s.cur.senderReport.Load(); sr != nil {
		// Their clock, told in ours.
		age := time.Duration(now) - s.cur.source.transport.toLocal(sr)
		r.RTP = sr.rtp + s.numbers.Offset() + uint32(int64(age/time.Microsecond)*int64(s.clock)/1_000_000)
	}
	return r, true
}

// wantKeyframe is a receiver's PLI or FIR.
func (s *slot) wantKeyframe(now int64) {
	cur, next, ready := s.shown()
	if next != nil {
		cur = next
	}
	if ready && cur != nil && s.video {
		cur.askKeyframe(now)
	}
}

// setReady lets the slot send, by the plane's lane or, without one, by Pion's
// stream; which of the two is decided once, because only one may ever number
// what is sealed under an SSRC.
func (s *slot) setReady(lane *plane.Lane) error {
	ssrcs := s.unready()
	if ssrcs == nil {
		return nil
	}
	// Not under mu: a turn that is under way may want it.
	var sender *plane.Sender
	if lane != nil {
		var err error
		if sender, err = lane.Sender(ssrcs...); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink == nil {
		return nil // unbound meanwhile
	}
	if sender != nil {
		s.sink, s.merges = sender, true
	}
	s.ready = true
	return nil
}

// unready gives the SSRCs of a slot that is bound and may not send yet.
func (s *slot) unready() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready || s.sink == nil {
		return nil
	}
	if s.repair.PayloadType == 0 {
		return []uint32{s.header.SSRC}
	}
	return []uint32{s.header.SSRC, s.repair.SSRC}
}

// Bind learns the section's numbers, which are the offerer's; Pion calls it
// before the transport is up.
func (s *slot) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	mime := webrtc.MimeTypeOpus
	if s.video {
		mime = webrtc.MimeTypeVP8
	}
	for _, codec := range c.CodecParameters() {
		if !strings.EqualFold(codec.MimeType, mime) {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sink = c.WriteStream()
		s.header = rtp.Header{Version: 2, PayloadType: uint8(codec.PayloadType), SSRC: uint32(c.SSRC())}
		s.plain = uint8(codec.PayloadType)
		s.bindRepair(c, codec)
		s.bindRED(c)
		return codec, s.bindFeedback(c, codec)
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

func (s *slot) bindRepair(c webrtc.TrackLocalContext, codec webrtc.RTPCodecParameters) {
	s.repair = rtp.Header{Version: 2, SSRC: uint32(c.SSRCRetransmission())}
	if s.repair.SSRC == 0 {
		return
	}
	want := fmt.Sprintf("apt=%d", codec.PayloadType)
	for _, rtx := range c.CodecParameters() {
		if strings.EqualFold(rtx.MimeType, webrtc.MimeTypeRTX) && rtx.SDPFmtpLine == want {
			s.repair.PayloadType = uint8(rtx.PayloadType)
		}
	}
}

func (s *slot) bindRED(c webrtc.TrackLocalContext) {
	for _, codec := range c.CodecParameters() {
		if strings.EqualFold(codec.MimeType, mimeRED) {
			s.red = uint8(codec.PayloadType)
		}
	}
}

// bindFeedback puts on the packets what the line is estimated by: transport
// wide numbers, when the browser will report on them, and else abs-send-time:
// with it and without the numbers, it estimates for itself and sends REMB.
func (s *slot) bindFeedback(c webrtc.TrackLocalContext, codec webrtc.RTPCodecParameters) error {
	ids := map[string]uint8{}
	for _, e := range c.HeaderExtensions() {
		ids[e.URI] = uint8(e.ID)
	}
	s.hasNumber = ids[sdp.TransportCCURI] != 0 && slices.Contains(codec.RTCPFeedback, webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC})
	s.hasTime = !s.hasNumber && ids[sdp.ABSSendTimeURI] != 0
	switch {
	case s.hasNumber:
		return s.extend(ids[sdp.TransportCCURI], s.number[:])
	case s.hasTime:
		return s.extend(ids[sdp.ABSSendTimeURI], s.absTime[:])
	}
	return nil
}

// extend has both streams carry value, which write changes.
func (s *slot) extend(id uint8, value []byte) error {
	if err := s.header.SetExtension(id, value); err != nil {
		return err
	}
	return s.repair.SetExtension(id, value)
}

// Unbind ends the writing.
func (s *slot) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink, s.ready, s.cur, s.next = nil, false, nil, nil
	return nil
}

// ID of the track.
func (s *slot) ID() string {
	if s.video {
		return fmt.Sprintf("v%d", s.index)
	}
	return fmt.Sprintf("a%d", s.index)
}

// StreamID pairs audio and video slots of the same index: browsers keep what
// is in one stream in step.
func (s *slot) StreamID() string { return fmt.Sprintf("s%d", s.index) }

// RID is none: a slot is never simulcast.
func (s *slot) RID() string { return "" }

// Kind of the track.
func (s *slot) Kind() webrtc.RTPCodecType {
	if s.video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// ntpTime is RFC 3550 §4.
func ntpTime(t time.Time) uint64 {
	const epoch = 2208988800 // 1900 to 1970
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
