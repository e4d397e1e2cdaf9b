package plane

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// A rig is a plane with one socket, and browsers that are plain sockets.
type rig struct {
	t       testing.TB
	plane   *Plane
	conn    *Conn
	forward func()
	time    int64
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, forward: func() {}}
	r.plane = New(func() int64 { return r.time }, func() { r.forward() })
	r.conn = r.listen("127.0.0.1:0")
	return r
}

func socket(t testing.TB, at string) *net.UDPConn {
	t.Helper()
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	return u
}

func (r *rig) listen(at string) *Conn {
	r.t.Helper()
	c, err := r.plane.Listen(socket(r.t, at), 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// remote is one browser.
type remote struct {
	*net.UDPConn
	lane *Lane
	got  [][]byte // packets of its streams
}

func (m *remote) Receive(b []byte, _ int64) { m.got = append(m.got, bytes.Clone(b)) }

func (r *rig) browser() *remote {
	r.t.Helper()
	m := &remote{UDPConn: socket(r.t, "127.0.0.1:0")}
	m.lane = r.plane.Lane(func(uint32) Receiver { return m }, nil)
	m.lane.Heard(m.at())
	if !m.lane.Aim(r.conn.local, m.at()) {
		r.t.Fatal("there is no socket to send from")
	}
	if err := m.lane.Arm(testKeys(r.t), false); err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (m *remote) at() netip.AddrPort { return addrPort(m.LocalAddr()) }

func (r *rig) sender(m *remote, ssrcs ...uint32) *Sender {
	r.t.Helper()
	s, err := m.lane.Sender(ssrcs...)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// read the next datagram.
func (m *remote) read(t testing.TB) []byte {
	t.Helper()
	b := make([]byte, maxDatagram)
	if err := m.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := m.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func header(ssrc uint32, seq uint16) *rtp.Header {
	return &rtp.Header{Version: 2, PayloadType: 96, SSRC: ssrc, SequenceNumber: seq}
}

// Pion opens what we seal, with and without RFC 9335, over a rollover.
func TestPionOpensWhatWeSeal(t *testing.T) {
	for _, test := range []struct {
		name    string
		cryptex bool
		csrcs   []uint32
		profile uint16
	}{
		{"plain", false, nil, 0},
		{"extensions", false, nil, oneByteClear},
		{"cryptex", true, nil, oneByteClear},
		{"cryptex, sources", true, []uint32{1, 2}, oneByteClear},
		{"cryptex, long extensions", true, nil, twoByteClear},
		{"cryptex, nothing to encrypt", true, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			m := r.browser()
			m.lane.cryptex = test.cryptex
			s := r.sender(m, 7)
			c := pionContext(t, testKeys(t).ours, srtp.SRTPReplayProtection(64), srtp.Cryptex(srtp.CryptexModeEnabled))
			for i := range 70_000 {
				h := header(7, uint16(i))
				h.CSRC = test.csrcs
				if test.profile != 0 {
					h.Extension, h.ExtensionProfile = true, test.profile
					if err := h.SetExtension(3, []byte("level")); err != nil {
						t.Fatal(err)
					}
				}
				r.plane.Begin()
				_, err := s.WriteRTP(h, []byte{1, 2, 3, byte(i)})
				r.plane.End()
				if err != nil {
					t.Fatal(err)
				}
				b := m.read(t)
				if encrypted := test.cryptex && test.profile != 0; bytes.Contains(b, []byte("level")) != (test.profile != 0 && !encrypted) {
					t.Fatalf("on the wire: %q", b)
				}
				plain, err := c.DecryptRTP(nil, b, nil)
				if err != nil {
					t.Fatalf("packet %d: Pion says %v", i, err)
				}
				var p rtp.Packet
				if err := p.Unmarshal(plain); err != nil || p.SequenceNumber != uint16(i) || !bytes.Equal(p.Payload, []byte{1, 2, 3, byte(i)}) {
					t.Fatalf("packet %d came out as %v, %v", i, &p, err)
				}
				if test.profile != 0 && string(p.GetExtension(3)) != "level" {
					t.Fatalf("packet %d has the extension %x", i, p.GetExtension(3))
				}
			}
		})
	}
}

// onceOnly is a cipher that must not see a nonce twice.
type onceOnly struct {
	cipher.AEAD
	t    *testing.T
	seen map[[saltSize]byte]bool
}

func (o *onceOnly) Seal(dst, nonce, plain, data []byte) []byte {
	n := [saltSize]byte(nonce)
	if o.seen[n] {
		o.t.Fatalf("nonce %x seals a second packet", n)
	}
	o.seen[n] = true
	return o.AEAD.Seal(dst, nonce, plain, data)
}

// Whatever numbers a sender is asked to seal, and in whatever order: no nonce
// comes twice. They run on, repeat, come late, leap, and turn over.
func TestNoNonceComesTwice(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t)
		m := r.browser()
		s := r.sender(m, 7, 8)
		once := &onceOnly{AEAD: m.lane.seal.gcm, t: t, seen: map[[saltSize]byte]bool{}}
		m.lane.seal.gcm = once
		random := rand.New(rand.NewPCG(seed, 1))
		var at [2]uint16
		refused := 0
		for range 200_000 / 20 {
			which := random.IntN(2)
			seq := at[which] + 1
			switch random.IntN(8) {
			case 0:
				seq = at[which] - uint16(random.IntN(3000))
			case 1:
				seq = at[which]
			case 2:
				seq = at[which] + uint16(random.IntN(3000))
			case 3:
				seq = uint16(random.Uint32())
			}
			r.plane.Begin()
			_, err := s.WriteRTP(header(uint32(7+which), seq), []byte{byte(seq)})
			r.plane.End()
			if errors.Is(err, errReuse) {
				refused++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if int16(seq-at[which]) > 0 {
				at[which] = seq
			}
		}
		if refused == 0 || uint64(refused) != r.plane.Counts().Refused || len(once.seen) < 1000 {
			t.Fatalf("%d refused, %d sealed, %+v", refused, len(once.seen), r.plane.Counts())
		}
	}
}

// An SSRC has one sender, and a sender no other SSRCs.
func TestOneSenderForAnSSRC(t *testing.T) {
	r := newRig(t)
	m := r.browser()
	s := r.sender(m, 1, 2)
	if _, err := m.lane.Sender(3, 2); err == nil {
		t.Error("a second sender for an SSRC")
	}
	r.sender(m, 3) // not taken by the one that failed
	r.plane.Begin()
	defer r.plane.End()
	if _, err := s.WriteRTP(header(3, 1), nil); err == nil {
		t.Error("a sender writes as another one")
	}
}

// What leaves in one message, and in which order it arrives.
func TestMessages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("messages are merged on Linux")
	}
	type out struct {
		ssrc uint32
		size int
	}
	for _, test := range []struct {
		name     string
		packets  []out
		messages int
	}{
		{"a frame of equal packets", []out{{1, 900}, {1, 900}, {1, 900}}, 1},
		{"the last one may be shorter", []out{{1, 900}, {1, 900}, {1, 30}}, 1},
		{"the first one may not", []out{{1, 899}, {1, 900}, {1, 900}}, 2},
		{"voices between frames", []out{{1, 900}, {2, 80}, {1, 900}, {3, 80}, {1, 900}}, 2},
		{"another's shorter packet does not end a message", []out{{1, 900}, {2, 80}, {1, 900}, {2, 80}}, 2},
		{"a stream is never overtaken by itself", []out{{1, 80}, {1, 900}, {1, 80}, {1, 80}}, 3},
		{"two frames with tails", []out{{1, 900}, {1, 900}, {1, 30}, {2, 900}, {2, 900}, {2, 31}}, 2},
		{"more than a message holds", slices.Repeat([]out{{1, 900}}, mostSegments+1), 2},
		{"more bytes than a message holds", slices.Repeat([]out{{1, 1400}}, 46), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			m := r.browser()
			s := r.sender(m, 1, 2, 3)
			if !r.conn.merges() {
				t.Skip("this kernel does not segment")
			}
			c := pionContext(t, testKeys(t).ours)
			seqs := map[uint32]uint16{}
			r.plane.Begin()
			for _, p := range test.packets {
				seqs[p.ssrc]++
				if _, err := s.WriteRTP(header(p.ssrc, seqs[p.ssrc]), make([]byte, p.size)); err != nil {
					t.Fatal(err)
				}
			}
			r.plane.End()
			if got := int(r.plane.Counts().Messages); got != test.messages {
				t.Errorf("%d messages, want %d", got, test.messages)
			}
			last := map[uint32]uint16{}
			for range test.packets {
				plain, err := c.DecryptRTP(nil, m.read(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				ssrc, seq := binary.BigEndian.Uint32(plain[8:]), binary.BigEndian.Uint16(plain[2:])
				if seq != last[ssrc]+1 {
					t.Errorf("stream %d: %d after %d", ssrc, seq, last[ssrc])
				}
				last[ssrc] = seq
			}
		})
	}
}

// A turn that seals more than the arena holds sends in between.
func TestMoreThanTheArena(t *testing.T) {
	r := newRig(t)
	m := r.browser()
	s := r.sender(m, 1)
	r.plane.Begin()
	for i := range 2 * mostEntries {
		if _, err := s.WriteRTP(header(1, uint16(i)), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	r.plane.End()
	if c := r.plane.Counts(); c.Out != 2*mostEntries || c.Unsent != 0 {
		t.Errorf("Counts() = %+v", c)
	}
	if _, err := s.WriteRTP(header(1, 9), make([]byte, maxDatagram)); err == nil {
		t.Error("a packet larger than any was sealed")
	}
}

// The reader gives Pion what is Pion's, in order, and nothing of a lane's media.
func TestWhatIsPions(t *testing.T) {
	r := newRig(t)
	m := r.browser()
	stranger := socket(t, "127.0.0.1:0")
	c := pionContext(t, testKeys(t).theirs)
	media, err := c.EncryptRTP(nil, plainPacket(t, 1, 0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	report := append([]byte{0x80, 201, 0, 1}, make([]byte, 20)...)
	for _, b := range [][]byte{stun, media, report, {22, 254, 253}} {
		if _, err := m.WriteToUDPAddrPort(b, r.conn.local); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stranger.WriteToUDPAddrPort(media, r.conn.local); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, maxDatagram)
	for _, want := range [][]byte{stun, report, {22, 254, 253}, media} {
		n, _, err := r.conn.ReadFrom(b)
		if err != nil || !bytes.Equal(b[:n], want) {
			t.Fatalf("ReadFrom = %x, %v, want %x", b[:n], err, want)
		}
	}
	if len(m.got) != 1 || r.plane.Counts().In != 1 {
		t.Errorf("%d packets were opened: %+v", len(m.got), r.plane.Counts())
	}
}

// Before Arm and after Close a lane's media is Pion's.
func TestUnarmedLines(t *testing.T) {
	r := newRig(t)
	at := netip.MustParseAddrPort("192.0.2.1:9")
	l := r.plane.Lane(func(uint32) Receiver { t.Error("a packet was opened"); return nil }, nil)
	l.Heard(at)
	b := plainPacket(t, 1, 0, 0)
	take := func() bool {
		r.plane.Begin()
		defer r.plane.End()
		return r.plane.receive(r.conn, b, at, 0)
	}
	if take() {
		t.Error("an unarmed lane took a packet")
	}
	if err := l.Arm(testKeys(t), false); err != nil {
		t.Fatal(err)
	}
	if !take() || r.plane.Counts().Forged != 1 {
		t.Errorf("an armed lane did not refuse a packet nobody sealed: %+v", r.plane.Counts())
	}
	l.Close()
	if take() {
		t.Error("a closed lane took a packet")
	}
	if err := l.Arm(testKeys(t), false); err == nil {
		t.Error("a closed lane was armed")
	}
	if len(r.plane.byAddr) != 0 {
		t.Errorf("addresses of a closed lane: %v", r.plane.byAddr)
	}
}

// An address belongs to who was heard there last, but is not taken from a lane
// that media comes from right now.
func TestAddresses(t *testing.T) {
	r := newRig(t)
	m, other := r.browser(), r.plane.Lane(nobody, nil)
	c := pionContext(t, testKeys(t).theirs)
	media, err := c.EncryptRTP(nil, plainPacket(t, 1, 0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := func() *Lane {
		r.plane.Begin()
		defer r.plane.End()
		return r.plane.byAddr[m.at()]
	}
	r.plane.Begin()
	r.plane.receive(r.conn, media, m.at(), r.time)
	r.plane.End()
	other.Heard(m.at())
	if owner() != m.lane {
		t.Error("a check in a stranger's name has taken the address")
	}
	r.time += int64(holds)
	other.Heard(m.at())
	if owner() != other {
		t.Error("an address that fell silent stays with its old lane")
	}
	m.lane.Close()
	if owner() != other {
		t.Error("a lane that ends has taken another's address with it")
	}
	for port := range uint16(2 * mostHeard) {
		other.Heard(netip.AddrPortFrom(m.at().Addr(), 10_000+port))
		owner()
	}
	if n := len(r.plane.byAddr); n != mostHeard {
		t.Errorf("%d addresses of one lane, want %d", n, mostHeard)
	}
}

// Which socket sends: the one that is named, or the only one of the family.
func TestAim(t *testing.T) {
	r := newRig(t)
	l := r.plane.Lane(nobody, nil)
	to := netip.MustParseAddrPort("127.0.0.1:9")
	if !l.Aim(netip.MustParseAddrPort("203.0.113.7:7800"), to) || l.aim.socket != r.conn {
		t.Error("behind a NAT the only socket is not taken")
	}
	second := r.listen("127.0.0.1:0")
	if l.Aim(netip.MustParseAddrPort("203.0.113.7:7800"), to) || l.Aimed() {
		t.Error("one of two sockets was guessed")
	}
	r.plane.Begin()
	l.heardOn(second, to)
	r.plane.End()
	if !l.Aimed() || l.aim.socket != second {
		t.Error("the socket the browser was heard on is not taken")
	}
	if !l.Aim(r.conn.local, to) || l.aim.socket != r.conn {
		t.Error("the named socket is not taken, because the browser was last heard on another")
	}
	if !l.Aim(second.local, to) || l.aim.socket != second {
		t.Error("the named socket is not taken")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Aim(second.local, to) && l.aim.socket != r.conn {
		t.Error("a closed socket was taken")
	}
}

// A browser that reaches two of our sockets checks both, and takes media only
// on the pair it has selected: that is where its own comes from.
func TestMediaNamesTheSocket(t *testing.T) {
	m := newRoamer(t)
	first, second := m.conn, m.listen("127.0.0.1:0")
	on := func(c *Conn) {
		m.conn = c
		m.media(t, m.at())
	}
	s := m.sender(m.remote, 7)
	for seq, c := range []*Conn{first, second, second, first} {
		on(c)
		m.plane.Begin()
		_, err := s.WriteRTP(header(7, uint16(seq)), nil)
		m.plane.End()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, maxDatagram)
		if err := m.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, from, err := m.ReadFromUDPAddrPort(b)
		if err != nil || plainAddr(from) != c.local {
			t.Errorf("after media on %v ours comes from %v, %v", c.local, from, err)
		}
	}
	if len(m.asked) != 0 {
		t.Error("it was asked whether it is where it is")
	}
}

func TestIPv6(t *testing.T) {
	u, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here")
	}
	r := newRig(t)
	conn, err := r.plane.Listen(u, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	m := &remote{UDPConn: socket(t, "[::1]:0")}
	m.lane = r.plane.Lane(func(uint32) Receiver { return m }, nil)
	m.lane.Heard(m.at())
	if err := m.lane.Arm(testKeys(t), false); err != nil || !m.lane.Aim(conn.local, m.at()) {
		t.Fatal(err)
	}
	s := r.sender(m, 1)
	r.plane.Begin()
	_, err = s.WriteRTP(header(1, 1), []byte("to you"))
	r.plane.End()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pionContext(t, testKeys(t).ours).DecryptRTP(nil, m.read(t), nil); err != nil {
		t.Error(err)
	}
	media, err := pionContext(t, testKeys(t).theirs).EncryptRTP(nil, plainPacket(t, 1, 0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{media, {22}} {
		if _, err := m.WriteToUDPAddrPort(b, conn.local); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 10)
	if n, from, err := conn.ReadFromAddrPort(b); err != nil || n != 1 || from != m.at() {
		t.Errorf("ReadFromAddrPort = %d, %v, %v", n, from, err)
	}
	if len(m.got) != 1 {
		t.Errorf("%d packets, want 1", len(m.got))
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadFromAddrPort(b); err == nil {
		t.Error("a closed socket reads")
	}
}

// Barrier waits for the turn that is under way.
func TestBarrier(t *testing.T) {
	r := newRig(t)
	sent := false // guarded by the turn
	r.plane.Begin()
	passed := make(chan bool)
	go func() {
		r.plane.Barrier()
		passed <- sent
	}()
	runtime.Gosched()
	sent = true
	r.plane.End()
	if !<-passed {
		t.Error("Barrier returned within the turn")
	}
}

// fanOut is a publisher and nine receivers of one plane.
func fanOut(t testing.TB, packets int) (r *rig, at netip.AddrPort, sealed [][]byte) {
	t.Helper()
	r = newRig(t)
	publisher := r.browser()
	var senders []*Sender
	for range 9 {
		senders = append(senders, r.sender(r.browser(), 1))
	}
	relay := &relay{}
	publisher.lane.begin = func(uint32) Receiver { return relay }
	h := header(1, 0)
	r.forward = func() {
		for _, s := range senders {
			for i := range relay.n {
				h.SequenceNumber = binary.BigEndian.Uint16(relay.got[i][2:])
				if _, err := s.WriteRTP(h, relay.got[i][12:]); err != nil {
					t.Fatal(err)
				}
			}
		}
		relay.n = 0
	}
	c := pionContext(t, testKeys(t).theirs)
	for i := range packets {
		p := rtp.Packet{Header: *header(9, uint16(i)), Payload: make([]byte, 1100)}
		plain, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.EncryptRTP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, b)
	}
	return r, publisher.at(), sealed
}

type relay struct {
	got [readBatch][]byte
	n   int
}

const readBatch = 3 // a frame

func (r *relay) Receive(b []byte, _ int64) {
	r.got[r.n] = b
	r.n++
}

// A turn allocates nothing: three packets opened, sealed for nine, sent.
func TestATurnDoesNotAllocate(t *testing.T) {
	const turns = 200
	r, at, sealed := fanOut(t, readBatch*(turns+2))
	next := 0
	turn := func() {
		r.plane.Begin()
		for range readBatch {
			if !r.plane.receive(r.conn, sealed[next], at, 0) {
				t.Fatal("a packet was Pion's")
			}
			next++
		}
		r.plane.End()
	}
	turn() // the stream, the arena and the table begin once
	if n := testing.AllocsPerRun(turns, turn); n != 0 {
		t.Errorf("%v allocations in a turn, want 0", n)
	}
	c := r.plane.Counts()
	if want := uint64(next * 9); c.Out != want || c.Unsent != 0 {
		t.Errorf("Counts() = %+v, want %d out", c, want)
	}
	if r.conn.merges() && c.Messages*readBatch != c.Out {
		t.Errorf("%d packets in %d messages", c.Out, c.Messages)
	}
}

// BenchmarkTurn is the whole way of a frame of three packets to nine browsers
// that do not read, the kernel's part included.
func BenchmarkTurn(b *testing.B) {
	r, at, sealed := fanOut(b, readBatch*20_000)
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		if next == len(sealed) {
			b.StopTimer()
			r, at, sealed = fanOut(b, readBatch*20_000)
			next = 0
			b.StartTimer()
		}
		r.plane.Begin()
		for range readBatch {
			r.plane.receive(r.conn, sealed[next], at, 0)
			next++
		}
		r.plane.End()
	}
	packets := float64(b.N * readBatch * 9)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/packets, "ns/packet")
}
