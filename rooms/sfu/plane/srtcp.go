package plane

import "encoding/binary"

// RTCP is secured a compound at a time (RFC 3711 §3.4, RFC 7714 §9): the first
// header and the SSRC of who speaks stay clear, and behind the tag there is the
// packet's index, of 31 bits, with a flag that the rest is encrypted.
const (
	rtcpClear    = 8
	rtcpWordSize = 4
	rtcpAdded    = tagSize + rtcpWordSize
	rtcpFlag     = 1 << 31
	rtcpLimit    = 1 << 31 // no key seals more (RFC 3711 §9.2)
	// rtcpFirst is the first index of ours. Until a lane is armed Pion seals
	// RTCP with the same key, and counts each SSRC from 1; in that time it says
	// something a few times, and not a billion. Afterwards it says nothing. So
	// no index is used by both, whatever the SSRCs, and as a lane counts all its
	// RTCP with one counter, none is used twice by us. What is left lasts for
	// three years at ten a second.
	rtcpFirst = 1 << 30
)

// isMedia tells RTP and RTCP from what else comes on a port (RFC 7983 §7).
func isMedia(b []byte) bool { return len(b) >= 12 && b[0]>>6 == 2 }

// isRTCP tells it from RTP (RFC 5761 §4).
func isRTCP(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

func rtcpSSRC(b []byte) uint32 { return binary.BigEndian.Uint32(b[4:]) }

// rtcpOpener is the RTCP a browser sends: one key, and the indexes of each SSRC
// it speaks as.
type rtcpOpener struct {
	aead *aead
	seen map[uint32]*indexes
}

// open a compound in place. What is known of its sender changes only when it is
// authentic; of one not heard before, any index is the first.
func (o *rtcpOpener) open(b []byte) ([]byte, error) {
	n := len(b) - rtcpAdded
	if n < rtcpClear {
		return nil, errShort
	}
	ssrc, at := rtcpSSRC(b), uint64(binary.BigEndian.Uint32(b[n+tagSize:])&^rtcpFlag)
	seen := o.seen[ssrc]
	if seen == nil && len(o.seen) == maxStreams || seen != nil && !seen.fresh(at) {
		return nil, errReplay
	}
	if !o.aead.openRTCP(b, n, ssrc, at) {
		return nil, errTag
	}
	if seen == nil {
		seen = new(indexes)
		o.seen[ssrc] = seen
	}
	seen.use(at)
	return b[:n], nil
}

// openRTCP opens a compound of n bytes, whose tag and word are behind it.
func (a *aead) openRTCP(b []byte, n int, ssrc uint32, at uint64) bool {
	word := b[n+tagSize:]
	if binary.BigEndian.Uint32(word)&rtcpFlag != 0 {
		_, err := a.gcm.Open(b[rtcpClear:rtcpClear], a.iv(ssrc, at), b[rtcpClear:n+tagSize], a.rtcpData(b, word))
		return err == nil
	}
	// Nothing is encrypted, and all is authenticated, the word as if it was
	// directly behind the compound (RFC 7714 §9.3).
	a.tag = [tagSize]byte(b[n:])
	copy(b[n:], word)
	_, err := a.gcm.Open(nil, a.iv(ssrc, at), a.tag[:], b[:n+rtcpWordSize])
	return err == nil
}

// sealRTCP seals a compound of n bytes, behind which there is room.
func (a *aead) sealRTCP(b []byte, n int, at uint32) {
	word := b[n+tagSize:]
	binary.BigEndian.PutUint32(word, at|rtcpFlag)
	a.gcm.Seal(b[rtcpClear:rtcpClear], a.iv(rtcpSSRC(b), uint64(at)), b[rtcpClear:n], a.rtcpData(b, word))
}

// rtcpData is what is authenticated and not encrypted.
func (a *aead) rtcpData(b, word []byte) []byte {
	copy(a.data[copy(a.data[:], b[:rtcpClear]):], word)
	return a.data[:]
}

// WriteRTCP seals a compound and puts it up for the end of the turn, within
// which it is called; false before the lane is armed, when RTCP is Pion's to
// send. What has nowhere to go is lost, as it may be anywhere on its way.
func (l *Lane) WriteRTCP(compound []byte) (ours bool) {
	p := l.plane
	switch {
	case l.closed:
		return true
	case l.sealRTCP == nil:
		return false
	case l.aim.socket == nil && l.aim.detour == nil:
		return true
	case l.nextRTCP == rtcpLimit:
		p.counts.Refused++
		return true
	}
	b := p.out.room(len(compound)+rtcpAdded, &p.counts)
	if len(compound) < rtcpClear || b == nil {
		p.counts.Unsent++
		return true
	}
	copy(b, compound)
	l.sealRTCP.sealRTCP(b, len(compound), l.nextRTCP)
	l.nextRTCP++
	p.out.put(l, &l.sentRTCP, len(b))
	p.counts.RTCPOut++
	return true
}
