package plane

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// compound of RTCP: a receiver report of nothing, and a number in a request.
func compound(ssrc uint32, n int) []byte {
	b := []byte{0x80, 201, 0, 1, 0, 0, 0, 0, 0x81, 205, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, byte(n >> 8), byte(n), 0, 0}
	binary.BigEndian.PutUint32(b[4:], ssrc)
	return b
}

func testRTCPOpener(tb testing.TB) *rtcpOpener {
	tb.Helper()
	_, a, err := testKeys(tb).theirs.session()
	if err != nil {
		tb.Fatal(err)
	}
	return &rtcpOpener{aead: a, seen: map[uint32]*indexes{}}
}

// sealRTCP as a browser does.
func sealRTCP(tb testing.TB, c *srtp.Context, plain []byte) []byte {
	tb.Helper()
	b, err := c.EncryptRTCP(nil, plain, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// The examples of RFC 7714 §17: one packet encrypted and authenticated, and one
// that is only authenticated.
func TestRTCPOfTheRFC(t *testing.T) {
	bytesOf := func(s string) []byte {
		b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := bytesOf(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
		deadbeef deadbeef deadbeef deadbeef deadbeef`)
	encrypted := bytesOf(`81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
		c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`)
	clear := bytesOf(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
		deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4`)
	block, err := aes.NewCipher(bytesOf("00010203 04050607 08090a0b 0c0d0e0f"))
	if err != nil {
		t.Fatal(err)
	}
	a := &aead{salt: [saltSize]byte(bytesOf("51756964 2070726f 2071756f"))}
	if a.gcm, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	for _, sealed := range [][]byte{encrypted, clear} {
		o := &rtcpOpener{aead: a, seen: map[uint32]*indexes{}}
		if got, err := o.open(bytes.Clone(sealed)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("open(%x) = %x, %v, want %x", sealed, got, err, plain)
		}
	}
	b := append(bytes.Clone(plain), make([]byte, rtcpAdded)...)
	if a.sealRTCP(b, len(plain), 0x5d4); !bytes.Equal(b, encrypted) {
		t.Errorf("sealed as %x, want %x", b, encrypted)
	}
}

// What Pion seals we open, whether it is encrypted or not, and whoever speaks.
func TestOpensRTCPThatPionSeals(t *testing.T) {
	for _, test := range []struct {
		name   string
		option srtp.ContextOption
	}{{"encrypted", srtp.SRTCPEncryption()}, {"clear", srtp.SRTCPNoEncryption()}} {
		t.Run(test.name, func(t *testing.T) {
			o, c := testRTCPOpener(t), pionContext(t, testKeys(t).theirs, test.option)
			for i := range 5000 {
				plain := compound(uint32(7+i%3), i)
				sealed := sealRTCP(t, c, plain)
				if bytes.Contains(sealed, plain) != (test.name == "clear") {
					t.Fatalf("on the wire: %x", sealed)
				}
				if got, err := o.open(sealed); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("compound %d: open = %x, %v, want %x", i, got, err, plain)
				}
			}
		})
	}
}

// A compound is taken once, in whatever order they come, and nothing a stranger
// sends changes what we know of a sender, or makes us know one.
func TestRTCPReplaysAndForgeries(t *testing.T) {
	o, c := testRTCPOpener(t), pionContext(t, testKeys(t).theirs)
	var sealed [][]byte
	for i := range 3000 {
		sealed = append(sealed, sealRTCP(t, c, compound(7, i)))
	}
	take := func(i int) error {
		_, err := o.open(bytes.Clone(sealed[i]))
		return err
	}
	for _, test := range []struct {
		name string
		i    int
		want error
	}{
		{"the first, whatever its number", 500, nil},
		{"one from before it", 499, errReplay},
		{"one that leaps", 2900, nil},
		{"one that is late", 2895, nil},
		{"the same", 2895, errReplay},
		{"one too late to tell", 2900 - indexWindow, errReplay},
	} {
		if err := take(test.i); !errors.Is(err, test.want) {
			t.Errorf("%s: open = %v, want %v", test.name, err, test.want)
		}
	}
	before, heard := *o.seen[7], maps.Clone(o.seen)
	for _, test := range []struct {
		name  string
		forge func(b []byte)
	}{
		{"another number", func(b []byte) { b[len(b)-1]++ }},
		{"a number far ahead", func(b []byte) { b[len(b)-4] = 0xff }},
		{"another speaker", func(b []byte) { b[7] = 8 }},
		{"another header", func(b []byte) { b[1]-- }},
		{"other contents", func(b []byte) { b[10] ^= 1 }},
		{"as if it was not encrypted", func(b []byte) { b[len(b)-4] &^= 0x80 }},
	} {
		b := bytes.Clone(sealed[2950])
		test.forge(b)
		if _, err := o.open(b); !errors.Is(err, errTag) {
			t.Errorf("%s: open = %v, want %v", test.name, err, errTag)
		}
	}
	if _, err := o.open(sealed[2950][:rtcpClear+rtcpAdded-1]); !errors.Is(err, errShort) {
		t.Errorf("a piece: open = %v, want %v", err, errShort)
	}
	if *o.seen[7] != before || !maps.Equal(o.seen, heard) {
		t.Error("a forgery has changed the state")
	}
	if err := take(2950); err != nil {
		t.Errorf("after the forgeries: open = %v", err)
	}
	for ssrc := range uint32(2 * maxStreams) {
		_, _ = o.open(sealRTCP(t, c, compound(100+ssrc, 1)))
	}
	if len(o.seen) != maxStreams {
		t.Errorf("%d speakers of one browser, want no more than %d", len(o.seen), maxStreams)
	}
}

// Pion opens what a lane seals, and what our own Pion has sealed before the lane
// was armed, with the same key and as the same speakers: no nonce is used by both
// of them, or by the lane for two compounds.
func TestNoRTCPNonceComesTwice(t *testing.T) {
	r := newRig(t)
	m := r.browser()
	once := &onceOnly{AEAD: m.lane.sealRTCP.gcm, t: t, seen: map[[saltSize]byte]bool{}}
	m.lane.sealRTCP.gcm = once
	pion, theirs := pionContext(t, testKeys(t).ours), pionContext(t, testKeys(t).ours, srtp.SRTCPReplayProtection(64))
	type nonce struct{ ssrc, index uint32 }
	seen := map[nonce]bool{}
	arrives := func(b, want []byte) {
		t.Helper()
		n := nonce{rtcpSSRC(b), binary.BigEndian.Uint32(b[len(b)-rtcpWordSize:])}
		if seen[n] {
			t.Fatalf("%v was used for two compounds", n)
		}
		seen[n] = true
		if plain, err := theirs.DecryptRTCP(nil, b, nil); err != nil || !bytes.Equal(plain, want) {
			t.Fatalf("Pion opens %x, %v, want %x", plain, err, want)
		}
	}
	for i := range 1000 {
		plain := compound(uint32(7+i%3), i)
		arrives(sealRTCP(t, pion, plain), plain)
	}
	for i := range 3000 {
		plain := compound(uint32(7+i%4), i)
		r.plane.Begin()
		ours := m.lane.WriteRTCP(plain)
		r.plane.End()
		if !ours {
			t.Fatal("an armed lane leaves RTCP to Pion")
		}
		arrives(m.read(t), plain)
	}
	if len(once.seen) != 3000 || r.plane.Counts().RTCPOut != 3000 {
		t.Errorf("%d sealed, %+v", len(once.seen), r.plane.Counts())
	}
	// The key seals no more than half of 2^31, from the middle on.
	m.lane.nextRTCP = rtcpLimit - 1
	r.plane.Begin()
	m.lane.WriteRTCP(compound(7, 1))
	m.lane.WriteRTCP(compound(7, 2))
	r.plane.End()
	if c := r.plane.Counts(); c.RTCPOut != 3001 || c.Refused != 1 {
		t.Errorf("beyond the last index: %+v", c)
	}
}

// Whose RTCP is sent when.
func TestWhoSendsRTCP(t *testing.T) {
	r := newRig(t)
	m := &remote{UDPConn: socket(t, "127.0.0.1:0")}
	m.lane = r.plane.Lane(nobody, nil, nil)
	write := func(b []byte) bool {
		r.plane.Begin()
		defer r.plane.End()
		return m.lane.WriteRTCP(b)
	}
	if write(compound(7, 1)) {
		t.Error("a lane that is not armed keeps RTCP from Pion")
	}
	if err := m.lane.Arm(testKeys(t), false); err != nil {
		t.Fatal(err)
	}
	if !write(compound(7, 1)) || r.plane.Counts().RTCPOut != 0 {
		t.Error("RTCP was sent nowhere, or is Pion's")
	}
	var detour bytes.Buffer
	m.lane.Detour(&detour)
	if !write(compound(7, 1)) || detour.Len() != len(compound(7, 1))+rtcpAdded {
		t.Errorf("%d bytes by the detour", detour.Len())
	}
	for _, b := range [][]byte{make([]byte, maxDatagram), compound(7, 1)[:4]} {
		if !write(b) {
			t.Errorf("%d bytes are Pion's", len(b))
		}
	}
	if c := r.plane.Counts(); c.RTCPOut != 1 || c.Unsent != 2 {
		t.Errorf("Counts() = %+v", c)
	}
	m.lane.Close()
	if !write(compound(7, 1)) || r.plane.Counts().RTCPOut != 1 {
		t.Error("RTCP of a lane that has ended was sent, or is Pion's")
	}
}

// RTCP comes from where media comes from, by a detour, too, and tells as much of
// where the browser is.
func TestRTCPFromElsewhere(t *testing.T) {
	m := newRoamer(t)
	n := 0
	take := func(ssrc uint32, do func(b []byte)) {
		n++
		do(sealRTCP(t, m.sealed, compound(ssrc, n)))
	}
	receive := func(b []byte) {
		m.plane.Begin()
		defer m.plane.End()
		if !m.plane.receive(m.conn, b, m.second.at(), m.time) {
			t.Errorf("RTCP from an address that is not known is Pion's")
		}
	}
	m.media(t, m.at()) // as 7
	m.time += int64(quiet)
	take(7, receive)
	if len(m.said) != 1 || len(m.asked) != 1 || m.asked[0].Addr() != m.second.at() {
		t.Errorf("%d taken, asked for %v", len(m.said), m.asked)
	}
	take(7, func(b []byte) {
		if !m.lane.Take(b) {
			t.Error("RTCP by a detour is Pion's")
		}
	})
	if len(m.said) != 2 {
		t.Errorf("%d taken, want that by the detour", len(m.said))
	}
	take(7, func(b []byte) {
		b[9] ^= 1
		m.lane.Take(b)
	})
	if c := m.plane.Counts(); len(m.said) != 2 || c.Forged != 1 || c.RTCPIn != 2 || c.In != 1 {
		t.Errorf("a forgery: %d taken, %+v", len(m.said), c)
	}
}

// Who sends no media is known by its RTCP. Several may speak as the same; a
// lane that ends leaves the others theirs.
func TestRTCPOfThoseWhoOnlyListen(t *testing.T) {
	r := newRig(t)
	m, other := r.browser(), r.browser()
	c := pionContext(t, testKeys(t).theirs)
	take := func(b []byte, at *remote) {
		r.plane.Begin()
		defer r.plane.End()
		r.plane.receive(r.conn, b, at.at(), int64(time.Hour))
	}
	take(sealRTCP(t, c, compound(1, 1)), m)
	take(sealRTCP(t, c, compound(1, 2)), other)
	elsewhere := &remote{UDPConn: socket(t, "127.0.0.1:0")}
	take(sealRTCP(t, c, compound(1, 3)), elsewhere)
	if len(m.said) != 2 || len(other.said) != 1 {
		t.Errorf("%d and %d were taken", len(m.said), len(other.said))
	}
	other.lane.Close()
	if r.plane.bySSRC[1] != m.lane {
		t.Error("another's end has taken the SSRC")
	}
	m.lane.Close()
	if len(r.plane.bySSRC) != 0 {
		t.Errorf("SSRCs of closed lanes: %v", r.plane.bySSRC)
	}
}

// A compound in and one out allocate nothing.
func TestRTCPDoesNotAllocate(t *testing.T) {
	r := newRig(t)
	m := r.browser()
	said := new(relay)
	m.lane.rtcp = said
	c := pionContext(t, testKeys(t).theirs)
	const turns = 100
	var sealed [][]byte
	for i := range turns + 2 {
		sealed = append(sealed, sealRTCP(t, c, compound(1, i)))
	}
	next, plain, at := 0, compound(7, 1), m.at()
	turn := func() {
		r.plane.Begin()
		if !r.plane.receive(r.conn, sealed[next], at, 0) || !m.lane.WriteRTCP(plain) {
			t.Fatal("RTCP is Pion's")
		}
		said.n = 0
		r.plane.End()
		next++
	}
	turn()
	if n := testing.AllocsPerRun(turns, turn); n != 0 {
		t.Errorf("%v allocations in a turn, want 0", n)
	}
	if c := r.plane.Counts(); c.RTCPIn != turns+2 || c.RTCPOut != turns+2 || c.Unsent != 0 {
		t.Errorf("Counts() = %+v", c)
	}
}

// Whatever arrives: no panic, and nothing that was not sealed is taken.
func FuzzOpenRTCP(f *testing.F) {
	var sealed [][]byte
	for _, option := range []srtp.ContextOption{srtp.SRTCPEncryption(), srtp.SRTCPNoEncryption()} {
		b := sealRTCP(f, pionContext(f, testKeys(f).theirs, option), compound(7, 1))
		sealed = append(sealed, b)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := testRTCPOpener(t)
		if _, err := o.open(bytes.Clone(b)); err == nil && !bytes.Equal(b, sealed[0]) && !bytes.Equal(b, sealed[1]) {
			t.Errorf("open(%x) succeeded", b)
		}
	})
}
