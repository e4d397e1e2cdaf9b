package sfu

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"viop/rooms/sfu/plane"
)

// wire is one receiver's end of a real plane: it opens what arrives as a browser
// does, and knows which nonces it has seen.
type wire struct {
	t     *testing.T
	plane *plane.Plane
	lane  *plane.Lane
	out   *batch
	conn  *net.UDPConn
	srtp  *srtp.Context
	read  uint64
	high  map[uint32]uint64 // by SSRC: the highest index
	seen  map[nonce]bool
	count map[uint32]int
}

type nonce struct {
	ssrc  uint32
	index uint64
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{t: t, out: new(batch), high: map[uint32]uint64{}, seen: map[nonce]bool{}, count: map[uint32]int{}}
	listen := func() *net.UDPConn {
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback))
		must(t, err)
		t.Cleanup(func() { _ = u.Close() })
		return u
	}
	w.plane = plane.New(func() int64 { return 0 }, w.out.forward)
	socket := listen()
	w.conn = listen()
	_, err := w.plane.Listen(socket, 1<<20)
	must(t, err)
	material := make([]byte, 56)
	for i := range material {
		material[i] = byte(i)
	}
	keys, err := plane.ServerKeys(material)
	must(t, err)
	w.lane = w.plane.Lane(nil, nil, nil)
	must(t, w.lane.Arm(keys, true))
	at := func(u *net.UDPConn) netip.AddrPort { return u.LocalAddr().(*net.UDPAddr).AddrPort() }
	if !w.lane.Aim(at(socket), at(w.conn)) {
		t.Fatal("nowhere to send")
	}
	w.srtp, err = srtp.CreateContext(material[16:32], material[44:], srtp.ProtectionProfileAeadAes128Gcm, srtp.Cryptex(srtp.CryptexModeEnabled))
	must(t, err)
	return w
}

// turn does something, and takes what comes of it.
func (w *wire) turn(do func()) {
	w.t.Helper()
	w.plane.Begin()
	do()
	w.plane.End()
	b := make([]byte, 2048)
	for sent := w.plane.Counts().Out; w.read < sent; w.read++ {
		must(w.t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		n, err := w.conn.Read(b)
		must(w.t, err)
		w.take(b[:n])
	}
}

func (w *wire) take(b []byte) {
	w.t.Helper()
	seq, ssrc := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:])
	high, begun := w.high[ssrc]
	at := uint64(seq)
	if begun {
		at = uint64(int64(high) + int64(int16(seq-uint16(high))))
	}
	if w.seen[nonce{ssrc, at}] {
		w.t.Fatalf("SSRC %d: the nonce of %d was used for two packets", ssrc, at)
	}
	w.seen[nonce{ssrc, at}] = true
	w.high[ssrc] = max(high, at)
	w.count[ssrc]++
	plain, err := w.srtp.DecryptRTP(nil, b, nil)
	if err != nil {
		w.t.Fatalf("SSRC %d, number %d (%d): %v", ssrc, seq, at, err)
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil {
		w.t.Fatal(err)
	}
}

// Whatever sources do, and whatever a receiver asks for: reordering, loss,
// repeats, leaps, switches between layers, repairs of anything at any time, and
// the number turning over more than once. No nonce is used twice, the slot never
// asks for that, and what leaves can be opened.
func TestNoNonceTwiceOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	random := rand.New(rand.NewPCG(5, 6))
	in, first, _ := bench(t)
	in.out = w.out
	out := &slot{transport: in.transport, video: true, clock: 90000, sink: new(nowhere)}
	out.header = rtp.Header{Version: 2, PayloadType: 96, SSRC: 100}
	out.repair = rtp.Header{Version: 2, PayloadType: 97, SSRC: 101}
	out.hasTime = true
	must(t, out.header.SetExtension(3, out.absTime[:]))
	must(t, out.repair.SetExtension(3, out.absTime[:]))
	must(t, out.setReady(w.lane))
	receivers := []*slot{out}
	var layers []*layer
	for rank := range 3 {
		l := &layer{source: first.source, rank: rank, ssrc: uint32(rank), clock: 90000}
		l.receivers.Store(&receivers)
		layers = append(layers, l)
	}
	next := make([]uint16, len(layers))
	for i := range next {
		next[i] = uint16(random.Uint32())
	}
	at := int64(0)
	receive := func(l *layer, seq uint16, key bool) {
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, Timestamp: uint32(seq) * 1000}}
		p.Payload = []byte{0x90, 0xe0, 0x80 | byte(seq>>8)&0x7f, byte(seq), byte(seq), 0, 1, byte(l.rank), 0, 0}
		if key {
			p.Payload[6] = 0
		}
		p.Payload = append(p.Payload, make([]byte, random.IntN(4))...)
		b, err := p.Marshal()
		must(t, err)
		at += int64(time.Millisecond)
		in.packet.at = at
		if !in.packet.parse(b, extensions{}) {
			t.Fatal("refused")
		}
		in.media(l, &in.packet, payloadVP8, false)
	}
	for w.count[100] < 150_000 {
		if random.IntN(200) == 0 {
			out.show(layers[random.IntN(len(layers))])
		}
		w.turn(func() {
			l := random.IntN(len(layers))
			if cur, _, _ := out.shown(); cur != nil && random.IntN(4) > 0 {
				l = cur.rank
			}
			switch random.IntN(100) {
			case 0:
				next[l] += uint16(random.IntN(20_000))
			case 1:
				next[l] += uint16(random.IntN(5))
			}
			seqs := make([]uint16, 1+random.IntN(6))
			for i := range seqs {
				seqs[i] = next[l]
				next[l]++
			}
			if random.IntN(4) == 0 {
				random.Shuffle(len(seqs), func(i, j int) { seqs[i], seqs[j] = seqs[j], seqs[i] })
			}
			for _, seq := range seqs {
				receive(layers[l], seq, random.IntN(20) == 0)
				switch random.IntN(10) {
				case 0:
					receive(layers[l], seq, true) // again, and pretending
				case 1:
					receive(layers[l], seq-uint16(random.IntN(1500)), false)
				}
			}
		})
		if random.IntN(3) == 0 {
			w.turn(func() {
				last, _, _ := out.numbers.Last()
				for range 1 + random.IntN(4) {
					out.resend(last-uint16(random.IntN(300)), at)
				}
			})
		}
	}
	if c := w.plane.Counts(); c.Refused != 0 || c.Unsent != 0 {
		t.Errorf("the plane had to refuse: %+v", c)
	}
	if w.high[100] < 2<<16 || w.count[101] < 10_000 {
		t.Errorf("too little to prove anything: up to %d, %d repairs", w.high[100], w.count[101])
	}
}

// A slot becomes ready while a turn is under way that wants the same slot: the
// one waits for the other, and not both. (Once they did.)
func TestSlotIsFreeWithinATurn(t *testing.T) {
	w := newWire(t)
	s := &slot{video: true, clock: 90000, sink: new(nowhere), header: rtp.Header{Version: 2, SSRC: 100}}
	w.plane.Begin()
	done := make(chan error, 1)
	go func() { done <- s.setReady(w.lane) }()
	free := 0
	eventually(t, "the slot is free, again and again", func() bool {
		if s.mu.TryLock() {
			s.mu.Unlock()
			free++
		}
		return free == 50
	})
	w.plane.End()
	must(t, <-done)
	if _, _, ready := s.shown(); !ready {
		t.Error("the slot is not ready")
	}
}
