package rewrite

import "encoding/binary"

// Redundant audio (RFC 2198) carries, before a packet's own sound, that of
// packets before it, so that one that is lost is made good without asking.

const (
	// Depth is how many earlier packets are carried at most.
	Depth = 2

	redHeader   = 4         // of an earlier block
	redFollows  = 0x80      // F: another block header follows
	redMostTime = 1<<14 - 1 // in timestamp units
	redMostSize = 1<<10 - 1
	redMostRead = 8 // blocks of one packet; browsers send one or two
)

// Block is the sound of an earlier packet.
type Block struct {
	Behind  uint32 // timestamp units before the packet's own
	Payload []byte
}

// RED is a redundant packet read. It points into the payload it was read from.
type RED struct {
	Primary []byte
	Earlier [Depth]Block // the N newest, the newest first
	N       int
}

// ParseRED reads a payload; false when it is shorter than it claims.
func ParseRED(payload []byte) (RED, bool) {
	var r RED
	at, size := 0, 0
	var blocks [redMostRead]struct {
		behind uint32
		size   int
	}
	n := 0
	for ; ; n++ {
		if at >= len(payload) {
			return r, false
		}
		if payload[at]&redFollows == 0 {
			at++
			break
		}
		if len(payload) < at+redHeader || n == redMostRead {
			return r, false
		}
		v := binary.BigEndian.Uint32(payload[at:])
		blocks[n].behind, blocks[n].size = v>>10&redMostTime, int(v&redMostSize)
		size += blocks[n].size
		at += redHeader
	}
	if len(payload) < at+size {
		return r, false
	}
	for i, b := range blocks[:n] {
		body := payload[at : at+b.size]
		at += b.size
		// The oldest comes first on the wire.
		if back := n - 1 - i; back < Depth {
			r.Earlier[back] = Block{b.behind, body}
			r.N = max(r.N, back+1)
		}
	}
	r.Primary = payload[at:]
	return r, true
}

// AppendRED appends to dst a redundant packet of primary and of those earlier
// blocks, newest first, that fit the format, and all in most bytes; pt is the
// payload type the receiver gave the sound inside.
func AppendRED(dst []byte, pt uint8, earlier []Block, primary []byte, most int) []byte {
	fit := 0
	size := 1 + len(primary)
	for _, b := range earlier {
		size += redHeader + len(b.Payload)
		if b.Behind == 0 || b.Behind > redMostTime || len(b.Payload) > redMostSize || size > most {
			break
		}
		fit++
	}
	for i := fit - 1; i >= 0; i-- {
		b := earlier[i]
		dst = binary.BigEndian.AppendUint32(dst, uint32(redFollows|pt)<<24|b.Behind<<10|uint32(len(b.Payload)))
	}
	dst = append(dst, pt)
	for i := fit - 1; i >= 0; i-- {
		dst = append(dst, earlier[i].Payload...)
	}
	return append(dst, primary...)
}
