// Package rewrite gives what a receiver gets one unbroken numbering, whatever
// sources and simulcast layers it is made of: sequence numbers, timestamps,
// VP8 picture ids and TL0PICIDX. Chromium stops decoding when the VP8 numbers
// jump, and with AES-GCM a sequence number that comes twice for different
// bytes breaks the encryption, so nothing here ever goes back or repeats; a
// packet that comes late keeps its place, and one from before a switch is
// refused.
//
// Everything is a pure function over numbers; nothing blocks, allocates or
// knows a clock. The caller owns a Stream and locks it.
package rewrite

// Numbers of one packet.
type Numbers struct {
	Seq         uint16
	TS          uint32
	PictureBits uint8 // 0: no picture id; else 7 or 15
	Picture     uint16
	HasTL0      bool
	TL0         uint8
}

const (
	// Late is how far behind the newest packet one may come and still be
	// forwarded or asked for again.
	Late = 1024
	// Jump is how far ahead of the newest packet one may be; beyond it the
	// source has begun anew.
	Jump = 3000

	history     = 8 // switches one can look back over
	pictureMask = 1<<15 - 1
)

// Stream is the numbering of one outgoing stream; S is how its owner names
// what fills it. The zero value is ready.
type Stream[S any] struct {
	segments [history]Segment[S]
	n        int // segments begun
	seq      uint16
	ts       uint32
	picture  uint16
	tl0      uint8
}

// Segment is a stretch that one source fills.
type Segment[S any] struct {
	source  S
	first   uint16 // outgoing number of its first packet
	highest uint16 // of the source
	span    uint64 // from its first to its highest packet
	seqOff  uint16
	tsOff   uint32
	// Picture ids are carried by distance from the newest one, so that a
	// 7-bit source can wrap while the 15-bit outgoing number goes on.
	srcPicture, outPicture uint16
	tl0Off                 uint8
}

// Begin makes source the one that fills the stream from now on and gives the
// outgoing numbers of in, its first packet. gap is the time since the last
// packet in clock units; at least 1 is used.
func (s *Stream[S]) Begin(source S, in Numbers, gap uint32) Numbers {
	if s.n == 0 {
		// RFC 3711 §3.3.1 wants the first number below 2^15.
		s.seq, s.ts, s.picture, s.tl0 = in.Seq&0x7fff-1, in.TS-1, in.Picture-1, in.TL0-1
		gap = 1
	}
	g := &s.segments[s.n%history]
	*g = Segment[S]{
		source:     source,
		first:      s.seq + 1,
		highest:    in.Seq,
		seqOff:     s.seq + 1 - in.Seq,
		tsOff:      s.ts + max(gap, 1) - in.TS,
		srcPicture: in.Picture,
		outPicture: (s.picture + 1) & pictureMask,
		tl0Off:     s.tl0 + 1 - in.TL0,
	}
	s.n++
	out := g.Apply(in)
	s.newest(g, in, out)
	return out
}

// Next gives the outgoing numbers of a packet of the current source. ok is
// false for one from before the segment, for the newest one once more, or for
// one later than Late; jumped means that the source has begun anew and Begin
// is due. A number in the middle that comes twice is the caller's to drop.
func (s *Stream[S]) Next(in Numbers) (out Numbers, ok, jumped bool) {
	if s.n == 0 {
		return out, false, true
	}
	g := &s.segments[(s.n-1)%history]
	ahead := int(int16(in.Seq - g.highest))
	switch {
	case ahead > Jump:
		return out, false, true
	case ahead > 0:
		g.highest = in.Seq
		g.span += uint64(ahead)
		out = g.Apply(in)
		s.newest(g, in, out)
		return out, true, false
	case ahead == 0 || -ahead > Late || uint64(-ahead) > g.span:
		return out, false, false
	}
	return g.Apply(in), true, false
}

// newest records the numbers of a packet that is ahead of all others.
func (s *Stream[S]) newest(g *Segment[S], in, out Numbers) {
	s.seq, s.ts = out.Seq, out.TS
	if in.PictureBits != 0 {
		g.srcPicture, g.outPicture = in.Picture, out.Picture
		s.picture = out.Picture
	}
	if in.HasTL0 {
		s.tl0 = out.TL0
	}
}

// Apply gives the outgoing numbers of a packet of the segment; the same ones
// each time, also long after the segment has ended.
func (g *Segment[S]) Apply(in Numbers) Numbers {
	out := in
	out.Seq += g.seqOff
	out.TS += g.tsOff
	if in.PictureBits != 0 {
		out.Picture = (g.outPicture + distance(in.Picture, g.srcPicture, in.PictureBits)) & pictureMask
		out.PictureBits = 15
	}
	if in.HasTL0 {
		out.TL0 += g.tl0Off
	}
	return out
}

// distance from b to a in a circle of 2^bits, the short way round.
func distance(a, b uint16, bits uint8) uint16 {
	shift := 16 - bits
	return uint16(int16((a-b)<<shift) >> shift)
}

// Find says whose packet went out under a number, and what its number was
// there; false when it is too old or never went out.
func (s *Stream[S]) Find(out uint16) (g *Segment[S], seq uint16, ok bool) {
	if s.n == 0 || s.seq-out > Late {
		return nil, 0, false
	}
	for i := s.n - 1; i >= 0 && i > s.n-1-history; i-- {
		g := &s.segments[i%history]
		within := int16(out-g.first) >= 0
		if i == s.n-1 { // may be longer than half the circle
			within = uint64(s.seq-out) <= g.span
		}
		if within {
			return g, out - g.seqOff, true
		}
	}
	return nil, 0, false
}

// Source is what fills the segment.
func (g *Segment[S]) Source() S { return g.source }

// Last is the newest outgoing sequence number and timestamp; false before the
// first packet.
func (s *Stream[S]) Last() (seq uint16, ts uint32, ok bool) { return s.seq, s.ts, s.n > 0 }

// Span is how many numbers lie between the first packet of the current
// segment and its newest, within reason.
func (s *Stream[S]) Span() int {
	if s.n == 0 {
		return 0
	}
	return int(min(s.segments[(s.n-1)%history].span, Jump))
}

// Offset is what the current segment adds to its source's timestamps.
func (s *Stream[S]) Offset() uint32 {
	if s.n == 0 {
		return 0
	}
	return s.segments[(s.n-1)%history].tsOff
}
