package plane

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

func testKeys(tb testing.TB) *Keys {
	tb.Helper()
	material := make([]byte, 2*(keySize+saltSize))
	for i := range material {
		material[i] = byte(i * 7)
	}
	k, err := ServerKeys(material)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// pionContext is the other side.
func pionContext(tb testing.TB, m masterKey, options ...srtp.ContextOption) *srtp.Context {
	tb.Helper()
	c, err := srtp.CreateContext(m.key[:], m.salt[:], srtp.ProtectionProfileAeadAes128Gcm, options...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func testOpener(tb testing.TB) *opener {
	tb.Helper()
	a, _, err := testKeys(tb).theirs.session()
	if err != nil {
		tb.Fatal(err)
	}
	return &opener{aead: a, streams: map[uint32]*opened{}}
}

func nobody(uint32) Receiver { return nil }

// plainPacket with sources and extensions of either form, or none.
func plainPacket(tb testing.TB, seq uint16, csrcs int, extension uint16) []byte {
	tb.Helper()
	p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 7, SequenceNumber: seq}, Payload: []byte{byte(seq), 1, 2}}
	for i := range csrcs {
		p.CSRC = append(p.CSRC, uint32(i))
	}
	if extension != 0 {
		p.Extension, p.ExtensionProfile = true, extension
		if err := p.SetExtension(1, []byte{9, 8, 7}); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := p.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// What Pion seals we open, with and without RFC 9335, over a rollover.
func TestOpensWhatPionSeals(t *testing.T) {
	for _, test := range []struct {
		name      string
		options   []srtp.ContextOption
		csrcs     int
		extension uint16
	}{
		{"plain", nil, 0, 0},
		{"sources and extensions", nil, 2, oneByteClear},
		{"cryptex", []srtp.ContextOption{srtp.Cryptex(srtp.CryptexModeEnabled)}, 0, oneByteClear},
		{"cryptex, long extensions", []srtp.ContextOption{srtp.Cryptex(srtp.CryptexModeEnabled)}, 0, twoByteClear},
		{"cryptex, sources", []srtp.ContextOption{srtp.Cryptex(srtp.CryptexModeEnabled)}, 3, oneByteClear},
		{"cryptex, nothing to encrypt", []srtp.ContextOption{srtp.Cryptex(srtp.CryptexModeEnabled)}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, c := testOpener(t), pionContext(t, testKeys(t).theirs, test.options...)
			for i := range 70_000 {
				plain := plainPacket(t, uint16(60_000+i), test.csrcs, test.extension)
				b, err := c.EncryptRTP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, _, err := o.open(b, nobody)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("packet %d: open = %x, %v, want %x", i, got, err, plain)
				}
			}
		})
	}
}

// Nothing a stranger sends changes what we know of a stream: not the window,
// not the rollover counter, not the list of streams.
func TestForgeriesChangeNothing(t *testing.T) {
	o, c := testOpener(t), pionContext(t, testKeys(t).theirs)
	seal := func(seq uint16) []byte {
		b, err := c.EncryptRTP(nil, plainPacket(t, seq, 0, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, _, err := o.open(seal(65_000), nobody); err != nil {
		t.Fatal(err)
	}
	before := *o.streams[7]
	for _, forged := range []struct {
		name string
		seq  uint16
		ssrc uint32
	}{{"ahead", 65_400, 7}, {"over the rollover", 3000, 7}, {"the next one", 65_001, 7}, {"another stream", 1, 8}} {
		b := seal(40_000)
		binary.BigEndian.PutUint16(b[2:], forged.seq)
		binary.BigEndian.PutUint32(b[8:], forged.ssrc)
		if _, _, err := o.open(b, nobody); !errors.Is(err, errTag) {
			t.Errorf("%s: open = %v, want %v", forged.name, err, errTag)
		}
	}
	if *o.streams[7] != before || len(o.streams) != 1 {
		t.Error("a forgery has changed the state")
	}
}

// Each packet is taken once, however late it comes and whatever was between.
func TestReplaysAreRefused(t *testing.T) {
	o, c := testOpener(t), pionContext(t, testKeys(t).theirs)
	random := rand.New(rand.NewPCG(1, 2))
	var sealed [][]byte
	for i := range 80_000 {
		b, err := c.EncryptRTP(nil, plainPacket(t, uint16(i+1), 0, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, b)
	}
	took := make([]int, len(sealed))
	for i := range sealed {
		for _, n := range []int{max(i-random.IntN(50), 0), max(i-random.IntN(5000), 0), i} {
			plain, _, err := o.open(bytes.Clone(sealed[n]), nobody)
			if err == nil {
				took[n]++
				if got := binary.BigEndian.Uint16(plain[2:]); got != uint16(n+1) {
					t.Fatalf("packet %d came out as %d", n+1, got)
				}
			}
		}
	}
	for n, times := range took {
		if times > 1 {
			t.Fatalf("packet %d was taken %d times", n, times)
		}
	}
}

// A stream whose number turned over before we listened.
func TestStreamThatHasTurnedOver(t *testing.T) {
	o, c := testOpener(t), pionContext(t, testKeys(t).theirs)
	var b []byte
	for i := range 1000 {
		var err error
		if b, err = c.EncryptRTP(nil, plainPacket(t, uint16(65_000+i), 0, 0), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := o.open(b, nobody); err != nil {
		t.Errorf("open = %v", err)
	}
}

// Whatever arrives: no panic, and nothing that was not sealed is taken.
func FuzzOpen(f *testing.F) {
	sealed, err := pionContext(f, testKeys(f).theirs, srtp.Cryptex(srtp.CryptexModeEnabled)).EncryptRTP(nil, plainPacket(f, 5, 2, oneByteClear), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7})
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xc0, 0xde, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		o := testOpener(t)
		_, _, err := o.open(bytes.Clone(b), nobody)
		if err == nil && !bytes.Equal(b, sealed) {
			t.Errorf("open(%x) succeeded", b)
		}
		if isMedia(b) && !isRTCP(b) {
			_, _ = headerSize(b)
		}
	})
}

// Turning around is undone by turning back.
func FuzzTurnAround(f *testing.F) {
	f.Add(plainPacket(f, 1, 3, oneByteClear))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := headerSize(b); !ok || profileAt(b) == 0 {
			return
		}
		c := bytes.Clone(b)
		turnAround(c, false)
		if !bytes.Equal(c[12:16], b[profileAt(b):][:4]) {
			t.Errorf("the extension's header is not at 12: %x of %x", c, b)
		}
		turnAround(c, true)
		if !bytes.Equal(c, b) {
			t.Errorf("%x came back as %x", b, c)
		}
	})
}

// Of all orders of sequence numbers an index comes out fresh at most once.
func FuzzIndexes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 2, 255, 255, 0, 0, 128, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var x indexes
		used := map[uint64]bool{}
		for ; len(steps) >= 2; steps = steps[2:] {
			at, ok := x.guess(binary.BigEndian.Uint16(steps), 0)
			if !ok || !x.fresh(at) {
				continue
			}
			if used[at] {
				t.Fatalf("index %d is fresh a second time", at)
			}
			used[at] = true
			x.use(at)
			if x.fresh(at) {
				t.Fatalf("index %d is fresh after its use", at)
			}
		}
	})
}
