package sfu

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtp"

	"viop/rooms"
)

// nowhere takes packets like a network that is always ready.
type nowhere struct{ n int }

func (s *nowhere) WriteRTP(_ *rtp.Header, payload []byte) (int, error) {
	s.n++
	return len(payload), nil
}

// bench is a publisher's layer and nine receivers without a network.
func bench(tb testing.TB) (*ingress, *layer, *nowhere) {
	tb.Helper()
	s := &SFU{base: time.Now()}
	t := &transport{room: &room{sfu: s, wakeups: make(chan struct{}, 1)}, sources: map[rooms.Source]*source{}}
	t.peer = &peer{room: t.room}
	t.ingress = newIngress(t, new(batch))
	src := &source{transport: t, kind: rooms.Camera}
	l := &layer{source: src, ssrc: 1, clock: 90000}
	var out nowhere
	var receivers []*slot
	for range 9 {
		r := &slot{transport: t, video: true, clock: 90000, sink: &out, ready: true, next: l}
		r.hasTime = true
		if err := r.header.SetExtension(3, r.absTime[:]); err != nil {
			tb.Fatal(err)
		}
		receivers = append(receivers, r)
	}
	l.receivers.Store(&receivers)
	return t.ingress, l, &out
}

// frame is one packet of a keyframe, or of what follows it.
func frame(seq uint16, key bool) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, SSRC: 1}}
	p.Payload = append([]byte{0x90, 0xe0, 0x80 | byte(seq>>8), byte(seq), byte(seq), 0, 1}, make([]byte, 1100)...)
	if key {
		p.Payload[6] = 0
	}
	b, err := p.Marshal()
	if err != nil {
		panic(err) // of a packet made here: cannot be
	}
	return b
}

// TestForwardingDoesNotAllocate covers all of our code on a packet's way:
// parsing, the window, the ring, and nine receivers' rewriting.
func TestForwardingDoesNotAllocate(t *testing.T) {
	in, l, out := bench(t)
	packets := make([][]byte, 3*ringSize)
	for i := range packets {
		packets[i] = frame(uint16(i), i == 0)
	}
	next := 0
	forward := func() {
		p := &in.packet
		p.at = int64(next) * int64(time.Millisecond)
		if !p.parse(packets[next], extensions{1, 2, 3, 4, 5}) {
			t.Fatal("refused")
		}
		in.media(l, p, payloadVP8, false)
		in.out.forward()
		next++
	}
	for range ringSize + 1 { // the ring grows once
		forward()
	}
	before := out.n
	if n := testing.AllocsPerRun(ringSize, forward); n != 0 {
		t.Errorf("%v allocations per packet for nine receivers, want 0", n)
	}
	if got := out.n - before; got != 9*(ringSize+1) {
		t.Errorf("%d packets forwarded, want %d", got, 9*(ringSize+1))
	}
}

// BenchmarkForward is our own part of forwarding one packet to nine.
func BenchmarkForward(b *testing.B) {
	in, l, _ := bench(b)
	packets := make([][]byte, 1<<16)
	for i := range packets {
		packets[i] = frame(uint16(i), i == 0)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		p := &in.packet
		p.at = int64(i) * int64(time.Millisecond)
		if p.parse(packets[i&0xffff], extensions{1, 2, 3, 4, 5}) {
			in.media(l, p, payloadVP8, false)
			in.out.forward()
		}
		i++
	}
}

// BenchmarkForwardRooms is the same for frames of three packets, from one after
// the other in three rooms of ten, so that little is in the nearest cache.
func BenchmarkForwardRooms(b *testing.B) {
	const people, packets = 30, 3 // of a frame
	var ingresses []*ingress
	var layers []*layer
	lines := make([]*transport, people)
	for i := range people {
		in, l, out := bench(b)
		ingresses, layers, lines[i] = append(ingresses, in), append(layers, l), in.transport
		var receivers []*slot
		for range 9 {
			s := &slot{video: true, clock: 90000, sink: out, ready: true, next: l, hasNumber: true}
			if err := s.extend(3, s.number[:]); err != nil {
				b.Fatal(err)
			}
			receivers = append(receivers, s)
		}
		l.receivers.Store(&receivers)
	}
	for i, l := range layers { // everybody's slots are for the others in the room
		for j, s := range *l.receivers.Load() {
			s.transport = lines[i/10*10+(i+1+j)%10]
		}
	}
	first, rest := frame(0, true), frame(0, false)
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		in, l, n := ingresses[at%people], layers[at%people], at/people
		for i := range packets {
			raw := rest
			if n == 0 && i == 0 {
				raw = first
			}
			binary.BigEndian.PutUint16(raw[2:], uint16(n*packets+i))
			binary.BigEndian.PutUint32(raw[4:], uint32(n*3000))
			p := &in.packet
			p.at = int64(at) * int64(time.Millisecond)
			if p.parse(raw, extensions{1, 2, 3, 4, 5}) {
				in.media(l, p, payloadVP8, false)
			}
		}
		in.out.forward()
		at++
	}
}
