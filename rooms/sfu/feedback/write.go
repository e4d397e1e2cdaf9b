package feedback

import "encoding/binary"

// MostBytes is what a compound should not be longer than: with what secures it,
// it fits every path.
const MostBytes = 1200

// mostReports of one packet.
const mostReports = 31

// appendHeader of a packet with so many bytes behind it.
func appendHeader(b []byte, format, packetType byte, size int) []byte {
	b = append(b, 2<<6|format, packetType)
	return binary.BigEndian.AppendUint16(b, uint16(size/4))
}

// AppendSR appends the sender report of a stream.
func AppendSR(b []byte, s Sent) []byte {
	b = appendHeader(b, 0, typeSR, senderSize)
	b = binary.BigEndian.AppendUint32(b, s.SSRC)
	b = binary.BigEndian.AppendUint64(b, s.NTP)
	b = binary.BigEndian.AppendUint32(b, s.RTP)
	b = binary.BigEndian.AppendUint32(b, s.Packets)
	return binary.BigEndian.AppendUint32(b, s.Octets)
}

// AppendRR appends a receiver report; of more streams than it can be about, the
// first.
func AppendRR(b []byte, sender uint32, reports []Report) []byte {
	reports = reports[:min(len(reports), mostReports)]
	b = appendHeader(b, byte(len(reports)), typeRR, 4+reportSize*len(reports))
	b = binary.BigEndian.AppendUint32(b, sender)
	for _, r := range reports {
		b = binary.BigEndian.AppendUint32(b, r.SSRC)
		b = binary.BigEndian.AppendUint32(b, uint32(r.FractionLost)<<24|r.TotalLost&0xffffff)
		b = binary.BigEndian.AppendUint32(b, r.Highest)
		b = binary.BigEndian.AppendUint32(b, r.Jitter)
		b = binary.BigEndian.AppendUint32(b, r.LastSR)
		b = binary.BigEndian.AppendUint32(b, r.Delay)
	}
	return b
}

// AppendNACK appends a request for packets of a stream, whose numbers are in
// their order.
func AppendNACK(b []byte, sender, media uint32, lost []uint16) []byte {
	begin := len(b)
	b = appendHeader(b, formatNACK, typeTransport, 0)
	b = binary.BigEndian.AppendUint32(b, sender)
	b = binary.BigEndian.AppendUint32(b, media)
	for len(lost) > 0 {
		first, more := lost[0], uint16(0)
		for lost = lost[1:]; len(lost) > 0 && lost[0]-first-1 < 16; lost = lost[1:] {
			more |= 1 << (lost[0] - first - 1)
		}
		b = binary.BigEndian.AppendUint16(b, first)
		b = binary.BigEndian.AppendUint16(b, more)
	}
	return finish(b, begin)
}

// AppendPLI appends a request for a keyframe of a stream.
func AppendPLI(b []byte, sender, media uint32) []byte {
	b = appendHeader(b, formatPLI, typeMedia, ssrcsSize)
	b = binary.BigEndian.AppendUint32(b, sender)
	return binary.BigEndian.AppendUint32(b, media)
}

// finish a packet whose length was not known when it was begun.
func finish(b []byte, begin int) []byte {
	if pad := -(len(b) - begin) & 3; pad > 0 {
		b[begin] |= 0x20
		b = append(b, make([]byte, pad)...)
		b[len(b)-1] = byte(pad)
	}
	binary.BigEndian.PutUint16(b[begin+2:], uint16((len(b)-begin)/4-1))
	return b
}
