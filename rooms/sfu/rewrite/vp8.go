package rewrite

import "encoding/binary"

// VP8 is the payload descriptor of one VP8 packet (RFC 7741 §4.2), as far as
// a forwarder needs it.
type VP8 struct {
	Size        int    // bytes of the descriptor
	Start       bool   // first packet of a frame: S set, partition 0
	Keyframe    bool   // Start, and the frame is a keyframe (§4.3)
	PictureBits uint8  // 0: no picture id; else 7 or 15
	Picture     uint16 // in PictureBits
	HasTL0      bool
	TL0         uint8
	// Width and Height are those of a keyframe, else 0.
	Width, Height int
}

// Bits of the descriptor.
const (
	bitX, bitS, maskPID    = 0x80, 0x10, 0x07 // first octet
	bitI, bitL, bitT, bitK = 0x80, 0x40, 0x20, 0x10
	bitM                   = 0x80
	keyframeHeader         = 10 // bytes up to and including the dimensions (RFC 6386 §9.1)
	maskDimension          = 0x3fff
	pictureAt              = 2
)

// ParseVP8 reads the descriptor; false when the payload is too short for what
// it claims.
func ParseVP8(payload []byte) (VP8, bool) {
	var d VP8
	if len(payload) < 1 {
		return d, false
	}
	first := payload[0]
	d.Size = 1
	if first&bitX != 0 && !d.extension(payload) {
		return VP8{}, false
	}
	d.Start = first&bitS != 0 && first&maskPID == 0
	if d.Start && len(payload) > d.Size {
		d.frame(payload[d.Size:])
	}
	return d, true
}

func (d *VP8) extension(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	flags := payload[1]
	d.Size = pictureAt
	if flags&bitI != 0 {
		if len(payload) <= d.Size {
			return false
		}
		d.PictureBits, d.Picture = 7, uint16(payload[d.Size])
		d.Size++
		if d.Picture&bitM != 0 {
			if len(payload) <= d.Size {
				return false
			}
			d.PictureBits, d.Picture = 15, d.Picture&0x7f<<8|uint16(payload[d.Size])
			d.Size++
		}
	}
	if flags&bitL != 0 {
		if len(payload) <= d.Size {
			return false
		}
		d.HasTL0, d.TL0 = true, payload[d.Size]
		d.Size++
	}
	if flags&(bitT|bitK) != 0 {
		d.Size++
	}
	return len(payload) >= d.Size
}

// frame reads the beginning of a frame: its P bit, and a keyframe's size.
func (d *VP8) frame(b []byte) {
	d.Keyframe = b[0]&1 == 0
	if d.Keyframe && len(b) >= keyframeHeader && b[3] == 0x9d && b[4] == 0x01 && b[5] == 0x2a {
		d.Width = int(binary.LittleEndian.Uint16(b[6:]) & maskDimension)
		d.Height = int(binary.LittleEndian.Uint16(b[8:]) & maskDimension)
	}
}

// AppendTo appends payload with the picture id and TL0PICIDX of n in place of
// its own. A short picture id becomes a long one, so that one receiver sees
// one numbering whatever the sources use; a field the descriptor lacks stays
// away, and KEYIDX is not touched. payload is what d was parsed from; at most
// one byte is added.
func (d VP8) AppendTo(dst, payload []byte, n Numbers) []byte {
	if d.PictureBits == 0 && !d.HasTL0 {
		return append(dst, payload...)
	}
	dst = append(dst, payload[0], payload[1])
	rest := pictureAt
	if d.PictureBits != 0 {
		dst = append(dst, bitM|byte(n.Picture>>8), byte(n.Picture))
		rest++
		if d.PictureBits == 15 {
			rest++
		}
	}
	if d.HasTL0 {
		dst = append(dst, n.TL0)
		rest++
	}
	return append(dst, payload[rest:]...)
}
