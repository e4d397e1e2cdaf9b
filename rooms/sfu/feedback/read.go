// Package feedback reads and writes RTCP: what each end of a line says to the
// other of what it sends and of what has come (RFC 3550 §6, RFC 4585, RFC 5104,
// and two drafts every browser speaks). Only what a forwarder has a use for.
//
// Everything is done on bytes that are somebody else's, and nothing allocates:
// a full room's browsers say something a hundred times a second, mostly to say
// that all is well. Bytes that were read are trusted in nothing; what was cut
// short is read as far as it goes.
//
// Where to start: Next reads, Append... write, Recorder makes the feedback on
// what came.
package feedback

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// Kind of a packet, by the names that people know them by.
type Kind uint8

// What is read. Other is everything else, and what is too short.
const (
	Other Kind = iota
	SR         // sender report (RFC 3550 §6.4.1)
	RR         // receiver report (RFC 3550 §6.4.2)
	NACK       // packets that are missing (RFC 4585 §6.2.1)
	TWCC       // when packets came (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1)
	PLI        // a picture is missing (RFC 4585 §6.3.1)
	FIR        // a keyframe is wanted (RFC 5104 §4.3.1)
	REMB       // what the line carries (draft-alvestrand-rmcat-remb-03 §2.2)
)

// Packet types, and formats of two of them.
const (
	typeSR, typeRR           = 200, 201
	typeTransport, typeMedia = 205, 206
	formatNACK, formatTWCC   = 1, 15
	formatPLI, formatFIR     = 1, 4
	formatREMB               = 15
)

// Sizes in bytes.
const (
	headerSize  = 4
	senderSize  = 24 // of a sender's report, its SSRC included
	reportSize  = 24
	ssrcsSize   = 8 // of who speaks and of what is spoken of
	arrivalsAt  = 16
	bitrateAt   = 12
	bitrateName = "REMB"
)

// Packet is one of a compound. It points into the bytes it was read from, and
// its methods are for the kinds that they name.
type Packet struct {
	Kind    Kind
	reports int
	body    []byte // behind the header, without padding
}

// Next takes the first packet off a compound; false at its end, or when what is
// left of it is not one.
func Next(b []byte) (p Packet, rest []byte, ok bool) {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return Packet{}, nil, false
	}
	size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
	if len(b) < size {
		return Packet{}, nil, false
	}
	p.body = b[headerSize:size]
	if b[0]&0x20 != 0 {
		p.body = p.body[:max(len(p.body)-int(b[size-1]), 0)]
	}
	p.Kind = kindOf(b[1], b[0]&0x1f, p.body)
	switch p.Kind {
	case SR:
		p.reports = min(int(b[0]&0x1f), (len(p.body)-senderSize)/reportSize)
	case RR:
		p.reports = min(int(b[0]&0x1f), (len(p.body)-4)/reportSize)
	}
	return p, b[size:], true
}

// kindOf a packet that is as long as its kind is at least.
func kindOf(packetType, format byte, body []byte) Kind {
	switch {
	case packetType == typeSR && len(body) >= senderSize:
		return SR
	case packetType == typeRR && len(body) >= 4:
		return RR
	case packetType == typeTransport && format == formatNACK && len(body) >= ssrcsSize:
		return NACK
	case packetType == typeTransport && format == formatTWCC && len(body) >= arrivalsAt:
		return TWCC
	case packetType == typeMedia && format == formatPLI && len(body) >= ssrcsSize:
		return PLI
	case packetType == typeMedia && format == formatFIR && len(body) >= ssrcsSize:
		return FIR
	case packetType == typeMedia && format == formatREMB && len(body) >= bitrateAt+4 && string(body[ssrcsSize:bitrateAt]) == bitrateName:
		return REMB
	}
	return Other
}

// Media is the stream that a NACK, TWCC or PLI is about.
func (p Packet) Media() uint32 { return binary.BigEndian.Uint32(p.body[4:]) }

// Sent is what a SR says of a stream.
type Sent struct {
	SSRC            uint32
	NTP             uint64 // a moment, by the sender's clock,
	RTP             uint32 // and by the stream's
	Packets, Octets uint32
}

// Sent of a SR.
func (p Packet) Sent() Sent {
	b := p.body
	return Sent{
		SSRC: binary.BigEndian.Uint32(b), NTP: binary.BigEndian.Uint64(b[4:]), RTP: binary.BigEndian.Uint32(b[12:]),
		Packets: binary.BigEndian.Uint32(b[16:]), Octets: binary.BigEndian.Uint32(b[20:]),
	}
}

// Report is what a SR or RR says of a stream that was received.
type Report struct {
	SSRC         uint32
	FractionLost uint8  // of 256, since the last one
	TotalLost    uint32 // of 24 bits
	Highest      uint32 // number, with its rollovers
	Jitter       uint32
	LastSR       uint32 // the middle of its NTP
	Delay        uint32 // since then, in 65536ths of a second
}

// Reports of a SR or RR.
func (p Packet) Reports(yield func(Report) bool) {
	at := 4
	if p.Kind == SR {
		at = senderSize
	}
	for range p.reports {
		b := p.body[at : at+reportSize]
		lost := binary.BigEndian.Uint32(b[4:])
		if !yield(Report{
			SSRC: binary.BigEndian.Uint32(b), FractionLost: uint8(lost >> 24), TotalLost: lost & 0xffffff,
			Highest: binary.BigEndian.Uint32(b[8:]), Jitter: binary.BigEndian.Uint32(b[12:]),
			LastSR: binary.BigEndian.Uint32(b[16:]), Delay: binary.BigEndian.Uint32(b[20:]),
		}) {
			return
		}
		at += reportSize
	}
}

// Lost are the numbers a NACK asks for.
func (p Packet) Lost(yield func(uint16) bool) {
	for b := p.body[ssrcsSize:]; len(b) >= 4; b = b[4:] {
		first, more := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if !yield(first) {
			return
		}
		for i := range uint16(16) {
			if more>>i&1 != 0 && !yield(first+1+i) {
				return
			}
		}
	}
}

// Wanted are the streams a FIR wants a keyframe of.
func (p Packet) Wanted(yield func(uint32) bool) {
	for b := p.body[ssrcsSize:]; len(b) >= 8; b = b[8:] {
		if !yield(binary.BigEndian.Uint32(b)) {
			return
		}
	}
}

// Bitrate of a REMB, bit/s.
func (p Packet) Bitrate() uint64 {
	v := binary.BigEndian.Uint32(p.body[bitrateAt:])
	exponent, mantissa := v>>18&0x3f, uint64(v&0x3ffff)
	if bits.Len64(mantissa)+int(exponent) > 64 {
		return math.MaxUint64
	}
	return mantissa << exponent
}

// Arrival is what a TWCC says of one packet.
type Arrival struct {
	Number  uint16
	Arrived bool
	At      int64 // when, by the receiver's clock; nanoseconds
}

// A TWCC counts time in ticks, and its first one in units of 64 ms.
const (
	tick         = int64(250 * time.Microsecond)
	ticksPerUnit = 256
)

// Arrivals of a TWCC, in the order of the numbers.
func (p Packet) Arrivals(yield func(Arrival) bool) {
	number, left := binary.BigEndian.Uint16(p.body[8:]), int(binary.BigEndian.Uint16(p.body[10:]))
	at := int64(binary.BigEndian.Uint32(p.body[12:])>>8) * ticksPerUnit
	chunks := p.body[arrivalsAt:]
	deltas := behind(chunks, left)
	for ; left > 0 && len(chunks) >= 2; chunks = chunks[2:] {
		c := chunk(binary.BigEndian.Uint16(chunks))
		for i := range min(c.len(), left) {
			a := Arrival{Number: number}
			switch s := c.symbol(i); {
			case s == smallDelta && len(deltas) >= 1:
				at += int64(deltas[0])
				deltas = deltas[1:]
				a.Arrived, a.At = true, at*tick
			case s == largeDelta && len(deltas) >= 2:
				at += int64(int16(binary.BigEndian.Uint16(deltas)))
				deltas = deltas[2:]
				a.Arrived, a.At = true, at*tick
			case s == smallDelta || s == largeDelta:
				return
			}
			if !yield(a) {
				return
			}
			number++
		}
		left -= c.len()
	}
}

// behind the chunks that say what became of so many packets.
func behind(chunks []byte, packets int) []byte {
	for packets > 0 && len(chunks) >= 2 {
		packets -= chunk(binary.BigEndian.Uint16(chunks)).len()
		chunks = chunks[2:]
	}
	return chunks
}

// chunk says what became of some packets: a run of one symbol, or 14 of one bit,
// or 7 of two.
type chunk uint16

// Symbols. The fourth, which nobody sends, says as little as the first.
const (
	notReceived = iota
	smallDelta  // a byte
	largeDelta  // two, with a sign
)

const (
	vector  chunk = 1 << 15
	twoBits chunk = 1 << 14
	longest       = 1<<13 - 1 // run
)

func (c chunk) len() int {
	switch {
	case c&vector == 0:
		return int(c & longest)
	case c&twoBits == 0:
		return 14
	}
	return 7
}

func (c chunk) symbol(i int) int {
	switch {
	case c&vector == 0:
		return int(c >> 13 & 3)
	case c&twoBits == 0:
		return int(c >> (13 - i) & 1)
	}
	return int(c >> (12 - 2*i) & 3)
}
