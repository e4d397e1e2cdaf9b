package sfu

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"viop/rooms"
)

// group is a room of n people without a network: all are connected, send sound
// and three layers of picture that keep coming, and get everybody else's.
func group(tb testing.TB, n int) *room {
	tb.Helper()
	r := newRoom(&SFU{base: time.Now(), config: Config{Loudest: 4, LoudestAbove: 6}, log: slog.New(slog.DiscardHandler)}, &engine{}, "s")
	var out nowhere
	for i := range n {
		p := newPeer(r, rooms.Attachment{Handle: rooms.Handle(fmt.Sprintf("m%d", i))}, func(rooms.PeerEvent) {})
		p.place = rooms.Place{Room: rooms.MainRoom, Send: rooms.AllSources}
		t := &transport{peer: p, room: r, connected: true, sources: map[rooms.Source]*source{}}
		t.heard.Store(&heard{ids: extensions{level: 1}})
		for _, kind := range []rooms.Source{rooms.Mic, rooms.Camera, rooms.Screen, rooms.ScreenAudio} {
			t.sources[kind] = &source{transport: t, kind: kind}
		}
		sends := func(kind rooms.Source, rank int) {
			l := &layer{source: t.sources[kind], rank: rank}
			l.lastAt.Store(int64(24 * time.Hour))
			t.sources[kind].layers[rank].Store(l)
		}
		sends(rooms.Mic, 0)
		for rank := range maxLayers {
			sends(rooms.Camera, rank)
		}
		for i := range n - 1 {
			t.audio = append(t.audio, &slot{transport: t, index: i, clock: 48000, sink: &out, ready: true})
			t.video = append(t.video, &slot{transport: t, index: i, clock: 90000, sink: &out, ready: true, video: true})
		}
		p.transport = t
		r.peers = append(r.peers, p)
	}
	r.apply()
	for _, p := range r.peers { // everybody has had a keyframe
		for _, slots := range [][]*slot{p.transport.audio, p.transport.video} {
			for _, s := range slots {
				if s.next != nil {
					s.cur, s.next = s.next, nil
				}
			}
		}
		p.eachLayer(func(l *layer) { l.keyframeWanted.Store(false) })
	}
	listen(r)
	return r
}

// talk has the people say something, each at their level, for a tenth of a
// second.
func talk(r *room, levels ...uint8) {
	for i, level := range levels {
		for range 5 {
			r.peers[i].transport.sources[rooms.Mic].level.add(127 - level)
		}
	}
}

// listen takes what the peers were told.
func listen(r *room) (n int) {
	for _, p := range r.peers {
		n += len(p.take())
	}
	return n
}

// BenchmarkTick is what a room of ten costs ten times a second, over whole
// seconds, packets not counted.
func BenchmarkTick(b *testing.B) {
	for _, c := range []struct {
		name   string
		levels []uint8
	}{{"quiet", nil}, {"speaking", []uint8{100, 20, 30, 90}}} {
		b.Run(c.name, func(b *testing.B) {
			r := group(b, 10)
			b.ReportAllocs()
			for b.Loop() {
				talk(r, c.levels...)
				r.tick()
				listen(r)
			}
		})
	}
}

// BenchmarkApply is what everybody's slots cost when anything changes.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{2, 10, 30} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := group(b, n)
			b.ReportAllocs()
			for b.Loop() {
				r.apply()
			}
		})
	}
}

// A room in which nothing changes makes no garbage.
func TestAQuietRoomDoesNotAllocate(t *testing.T) {
	r := group(t, 10)
	r.tick()
	listen(r)
	for r.ticks%shareEvery != 0 {
		r.tick()
	}
	if n := testing.AllocsPerRun(shareEvery-2, r.tick); n != 0 {
		t.Errorf("%v allocations in a tick, want 0", n)
	}
	// And what is done once a second, but for the sender reports.
	if n := testing.AllocsPerRun(10, func() { r.measure(r.sfu.now()); r.apply() }); n != 0 {
		t.Errorf("%v allocations in a second, want 0", n)
	}
	if n := listen(r); n != 0 {
		t.Errorf("people were told %d things", n)
	}
}
