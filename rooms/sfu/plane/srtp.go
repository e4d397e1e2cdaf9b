package plane

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

// Errors of single packets. They are counted, not told: whoever sends such a
// packet is not whose lane it is, or sends it twice.
var (
	errShort  = errors.New("plane: not a whole packet")
	errReplay = errors.New("plane: a packet that has come")
	errReuse  = errors.New("plane: a number that was used")
	errTag    = errors.New("plane: not authentic")
)

// aead is one direction of AEAD_AES_128_GCM (RFC 7714), for RTP or RTCP.
type aead struct {
	gcm  cipher.AEAD
	salt [saltSize]byte
	// Scratch: on the stack it would escape.
	nonce [saltSize]byte
	data  [rtcpClear + rtcpWordSize]byte
	tag   [tagSize]byte
}

// Labels of the key derivation (RFC 3711 §4.3.1, §4.3.2).
const (
	labelKey, labelSalt         = 0, 2
	labelKeyRTCP, labelSaltRTCP = 3, 5
)

// session keys for RTP and RTCP.
func (m masterKey) session() (rtp, rtcp *aead, err error) {
	if rtp, err = newAEAD(m, labelKey, labelSalt); err != nil {
		return nil, nil, err
	}
	rtcp, err = newAEAD(m, labelKeyRTCP, labelSaltRTCP)
	return rtp, rtcp, err
}

func newAEAD(m masterKey, labelKey, labelSalt byte) (*aead, error) {
	key, err := derive(m, labelKey, keySize)
	if err != nil {
		return nil, err
	}
	salt, err := derive(m, labelSalt, saltSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	a := &aead{salt: [saltSize]byte(salt)}
	a.gcm, err = cipher.NewGCM(block)
	return a, err
}

// derive a session key (RFC 3711 §4.3.3, with a derivation rate of zero; RFC
// 7714 §11 pads the salt to 14 bytes).
func derive(m masterKey, label byte, size int) ([]byte, error) {
	block, err := aes.NewCipher(m.key[:])
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:], m.salt[:])
	x[7] ^= label
	out := make([]byte, (size+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	for i := 0; i*aes.BlockSize < size; i++ {
		binary.BigEndian.PutUint16(x[14:], uint16(i))
		block.Encrypt(out[i*aes.BlockSize:], x[:])
	}
	return out[:size], nil
}

// iv of a packet of RTP, by its index of 48 bits, or of RTCP, by one of 31 (RFC
// 7714 §8.1, §9.1).
func (a *aead) iv(ssrc uint32, index uint64) []byte {
	a.nonce = a.salt
	iv := a.nonce[:]
	binary.BigEndian.PutUint32(iv[2:], binary.BigEndian.Uint32(iv[2:])^ssrc)
	binary.BigEndian.PutUint32(iv[6:], binary.BigEndian.Uint32(iv[6:])^uint32(index>>16))
	binary.BigEndian.PutUint16(iv[10:], binary.BigEndian.Uint16(iv[10:])^uint16(index))
	return iv
}

// headerSize of an RTP packet (RFC 3550 §5.1, §5.3.1): what is authenticated
// and not encrypted; false for what is not one.
func headerSize(b []byte) (int, bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return 0, false
	}
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return 0, false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	return n, n <= len(b)
}

// Cryptex (RFC 9335) encrypts contributing sources and header extensions, too,
// and says so in the extension's profile.
const (
	oneByteClear, oneByteCryptex = 0xbede, 0xc0de
	twoByteClear, twoByteCryptex = 0x1000, 0xc2de
	cryptexHeader                = 16 // what stays clear: the fixed header and that of the extension
)

// profileAt is where a packet's extension profile is; 0 without one.
func profileAt(b []byte) int {
	if b[0]&0x10 == 0 {
		return 0
	}
	return 12 + 4*int(b[0]&0x0f)
}

// cryptex says whether a packet is encrypted so, and what its profile is when
// it is not.
func cryptex(b []byte) (clear uint16, ok bool) {
	at := profileAt(b)
	if at == 0 {
		return 0, false
	}
	switch binary.BigEndian.Uint16(b[at:]) {
	case oneByteCryptex:
		return oneByteClear, true
	case twoByteCryptex:
		return twoByteClear, true
	}
	return 0, false
}

// encryptable says so in a packet's extension, if it has one.
func encryptable(b []byte) bool {
	at := profileAt(b)
	if at == 0 {
		return false
	}
	switch binary.BigEndian.Uint16(b[at:]) {
	case oneByteClear:
		binary.BigEndian.PutUint16(b[at:], oneByteCryptex)
	case twoByteClear:
		binary.BigEndian.PutUint16(b[at:], twoByteCryptex)
	default:
		return false
	}
	return true
}

// turnAround the contributing sources and the extension's header behind them,
// so that what is encrypted lies together (RFC 9335 §6.2); back says that they
// are to be as on the wire again.
func turnAround(b []byte, back bool) {
	at := profileAt(b)
	if at == 12 {
		return
	}
	var header [4]byte
	if back {
		copy(header[:], b[12:])
		copy(b[12:at], b[cryptexHeader:])
		copy(b[at:], header[:])
		return
	}
	copy(header[:], b[at:])
	copy(b[cryptexHeader:], b[12:at])
	copy(b[12:], header[:])
}

func ssrcOf(b []byte) uint32 { return binary.BigEndian.Uint32(b[8:]) }

// opened is one stream a browser sends.
type opened struct {
	seen indexes
	to   Receiver
}

// opener is the RTP a browser sends: one key, and the indexes of each stream.
type opener struct {
	aead    *aead
	streams map[uint32]*opened
	trial   []byte // for packets of streams that have not begun
}

// maxStreams bounds the streams of one browser; they are only remembered when
// a packet of theirs was authentic.
const maxStreams = 64

// open a packet in place. The stream's state changes only when the packet is
// authentic. begin is called with the SSRC of a new stream.
func (o *opener) open(b []byte, begin func(uint32) Receiver) ([]byte, *opened, error) {
	n, ok := headerSize(b)
	if !ok || len(b) < n+tagSize {
		return nil, nil, errShort
	}
	clear, whole := cryptex(b)
	if whole {
		turnAround(b, false)
		n = cryptexHeader
	}
	plain, s, err := o.openFrom(b, n, begin)
	if err == nil && whole {
		turnAround(plain, true)
		binary.BigEndian.PutUint16(plain[profileAt(plain):], clear)
	}
	return plain, s, err
}

// openFrom opens what is clear up to n.
func (o *opener) openFrom(b []byte, n int, begin func(uint32) Receiver) ([]byte, *opened, error) {
	seq, ssrc := binary.BigEndian.Uint16(b[2:]), ssrcOf(b)
	s := o.streams[ssrc]
	if s == nil {
		return o.first(b, n, seq, ssrc, begin)
	}
	at, ok := s.seen.guess(seq, 0)
	if !ok || !s.seen.fresh(at) {
		return nil, nil, errReplay
	}
	plain, err := o.aead.gcm.Open(b[n:n], o.aead.iv(ssrc, at), b[n:], b[:n])
	if err != nil {
		return nil, nil, errTag
	}
	s.seen.use(at)
	return b[:n+len(plain)], s, nil
}

// first packet of a stream. The counter of a stream that began before we
// listened, while Pion did, may have turned over once.
func (o *opener) first(b []byte, n int, seq uint16, ssrc uint32, begin func(uint32) Receiver) ([]byte, *opened, error) {
	if len(o.streams) == maxStreams {
		return nil, nil, errReplay
	}
	for counter := range uint32(2) {
		fresh := new(opened)
		at, _ := fresh.seen.guess(seq, counter)
		plain, err := o.aead.gcm.Open(o.trial[:0], o.aead.iv(ssrc, at), b[n:], b[:n])
		if err != nil {
			continue
		}
		o.trial = plain[:0]
		fresh.seen.use(at)
		fresh.to = begin(ssrc)
		o.streams[ssrc] = fresh
		return b[:n+copy(b[n:], plain)], fresh, nil
	}
	return nil, nil, errTag
}
