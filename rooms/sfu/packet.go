package sfu

import (
	"encoding/binary"

	"viop/rooms/sfu/rewrite"
)

// packet is one plain RTP packet, read once and then shared by all its
// receivers. It points into the buffer it was read from and lives no longer.
type packet struct {
	ssrc    uint32
	seq     uint16
	ts      uint32
	pt      uint8
	marker  bool
	payload []byte // without padding
	pad     bool   // is to get a byte of it, to be as long as the next one
	at      int64  // arrival, nanoseconds since the SFU began
	vp8     rewrite.VP8
	isVP8   bool
	earlier earlier // of sound: the packets before it
	late    bool    // made good after it was lost

	// Header extensions; nil or false when absent.
	level          uint8 // RFC 6464 §3: 0 loudest, 127 silent
	hasLevel       bool
	twcc           uint16
	hasTWCC        bool
	mid, rid, rrid []byte
}

// extensions are the ids a browser gave to the header extensions (RFC 8285);
// 0 is not negotiated.
type extensions struct {
	mid, rid, rrid, level, twcc uint8
}

// parse reads the header (RFC 3550 §5.1) and the extensions it knows; false
// for what is not a whole RTP packet. It allocates nothing.
func (p *packet) parse(b []byte, ids extensions) bool {
	*p = packet{at: p.at}
	if len(b) < 12 || b[0]>>6 != 2 {
		return false
	}
	p.marker, p.pt = b[1]&0x80 != 0, b[1]&0x7f
	p.seq = binary.BigEndian.Uint16(b[2:])
	p.ts = binary.BigEndian.Uint32(b[4:])
	p.ssrc = binary.BigEndian.Uint32(b[8:])
	at := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return false
		}
		profile := binary.BigEndian.Uint16(b[at:])
		end := at + 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
		if len(b) < end {
			return false
		}
		p.readExtensions(profile, b[at+4:end], ids)
		at = end
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[end-1])
	}
	if end < at {
		return false
	}
	p.payload = b[at:end]
	return true
}

// readExtensions walks the elements in either form (RFC 8285 §4.2, §4.3).
func (p *packet) readExtensions(profile uint16, b []byte, ids extensions) {
	oneByte := profile == 0xbede
	if !oneByte && profile&0xfff0 != 0x1000 {
		return
	}
	for len(b) > 0 {
		var size int
		id, head := b[0], 1
		switch {
		case id == 0: // padding
			b = b[1:]
			continue
		case oneByte:
			id, size = b[0]>>4, int(b[0]&0x0f)+1
			if id == 15 {
				return
			}
		case len(b) < 2:
			return
		default:
			size, head = int(b[1]), 2
		}
		if len(b) < head+size {
			return
		}
		p.extension(id, b[head:head+size], ids)
		b = b[head+size:]
	}
}

func (p *packet) extension(id uint8, v []byte, ids extensions) {
	switch {
	case id == ids.twcc && len(v) == 2:
		p.twcc, p.hasTWCC = binary.BigEndian.Uint16(v), true
	case id == ids.level && len(v) == 1:
		p.level, p.hasLevel = v[0]&0x7f, true
	case id == ids.mid:
		p.mid = v
	case id == ids.rid:
		p.rid = v
	case id == ids.rrid:
		p.rrid = v
	}
}

// numbers are what a slot rewrites.
func (p *packet) numbers() rewrite.Numbers {
	return rewrite.Numbers{
		Seq: p.seq, TS: p.ts,
		PictureBits: p.vp8.PictureBits, Picture: p.vp8.Picture,
		HasTL0: p.vp8.HasTL0, TL0: p.vp8.TL0,
	}
}

// startsAt says that a receiver can begin with this packet: the first of a
// keyframe of video, or any of audio but one made good, which is from before
// the one that may be heard.
func (p *packet) startsAt() bool { return p.isVP8 && p.vp8.Keyframe || !p.isVP8 && !p.late }
