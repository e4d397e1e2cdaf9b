package rewrite

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestStreamKeepsOneNumbering(t *testing.T) {
	var s Stream[string]
	first := s.Begin("a", Numbers{Seq: 65535, TS: 0xfffffff0, PictureBits: 15, Picture: 0x7fff, HasTL0: true, TL0: 255}, 99)
	if first.Seq != 0x7fff || first.TS != 0xfffffff0 {
		t.Errorf("first packet = %+v, want a sequence number below 2^15 and its own timestamp", first)
	}
	next, ok, leapt := s.Next(Numbers{Seq: 1, TS: 3000, PictureBits: 15, Picture: 1, HasTL0: true, TL0: 1})
	want := Numbers{Seq: 0x7fff + 2, TS: 3000, PictureBits: 15, Picture: 1, HasTL0: true, TL0: 1}
	if !ok || leapt || next != want {
		t.Errorf("after a wrap = %+v, %v, %v, want %+v", next, ok, leapt, want)
	}
	late, ok, _ := s.Next(Numbers{Seq: 0, TS: 0xfffffff0, PictureBits: 15, Picture: 0, HasTL0: true, TL0: 0})
	if !ok || late.Seq != 0x7fff+1 {
		t.Errorf("a late packet = %+v, %v, want its own place", late, ok)
	}
	b := s.Begin("b", Numbers{Seq: 500, TS: 7, PictureBits: 7, Picture: 127, HasTL0: true, TL0: 9}, 2970)
	want = Numbers{Seq: 0x7fff + 3, TS: 5970, PictureBits: 15, Picture: 2, HasTL0: true, TL0: 2}
	if b != want {
		t.Errorf("switch = %+v, want %+v", b, want)
	}
	wrapped, _, _ := s.Next(Numbers{Seq: 501, TS: 3007, PictureBits: 7, Picture: 0, HasTL0: true, TL0: 10})
	if wrapped.Picture != 3 {
		t.Errorf("a 7-bit picture id wraps to %d, want 3", wrapped.Picture)
	}
	if _, ok, _ := s.Next(Numbers{Seq: 499}); ok {
		t.Error("a packet from before the switch went out")
	}
	for out, want := range map[uint16]string{0x7fff: "a 65535", 0x7fff + 2: "a 1", 0x7fff + 3: "b 500", 0x7fff + 4: "b 501"} {
		g, seq, ok := s.Find(out)
		if got := fmt.Sprint(g.Source(), " ", seq); !ok || got != want {
			t.Errorf("Find(%d) = %s, %v, want %s", out, got, ok, want)
		}
	}
	if _, _, ok := s.Find(0x7fff + 5); ok {
		t.Error("Find knows a number that never went out")
	}
	if _, _, ok := s.Find(0x7ffe); ok {
		t.Error("Find knows a number from before the first")
	}
}

func TestStreamLeap(t *testing.T) {
	var s Stream[int]
	s.Begin(1, Numbers{Seq: 10}, 1)
	if _, ok, leapt := s.Next(Numbers{Seq: 10 + Jump + 1}); ok || !leapt {
		t.Errorf("a leap of the source: ok %v, leapt %v, want a new beginning", ok, leapt)
	}
	if _, ok, leapt := s.Next(Numbers{Seq: 10 + Jump}); !ok || leapt {
		t.Errorf("a gap of %d: ok %v, leapt %v, want to go on", Jump, ok, leapt)
	}
}

// publisher is the model of a source: its true position, from which the
// numbers on the wire follow, and which packets were handed over.
type publisher struct {
	name                string
	at                  int64
	seq0, ts0, pic0     int64
	bits                uint8
	given               map[int64]bool
	begunAt, framesEach int64
}

func (p *publisher) numbers(at int64) Numbers {
	frame := at / p.framesEach
	n := Numbers{Seq: uint16(p.seq0 + at), TS: uint32(p.ts0 + frame*3000), PictureBits: p.bits, HasTL0: p.bits != 0, TL0: uint8(frame)}
	switch p.bits {
	case 7:
		n.Picture = uint16(p.pic0+frame) & 0x7f
	case 15:
		n.Picture = uint16(p.pic0+frame) & 0x7fff
	}
	return n
}

// stories plays a random story against a stream and checks every rule of the
// package comment.
func story(t *rapid.T) {
	var s Stream[string]
	people := make([]*publisher, 3)
	for i := range people {
		people[i] = &publisher{
			name: string(rune('a' + i)), given: map[int64]bool{},
			seq0: rapid.Int64Range(0, 65535).Draw(t, "seq"), ts0: rapid.Int64Range(0, 1<<32-1).Draw(t, "ts"),
			pic0:       rapid.Int64Range(0, 1<<15-1).Draw(t, "picture"),
			bits:       rapid.SampledFrom([]uint8{0, 7, 15}).Draw(t, "bits"),
			framesEach: rapid.Int64Range(1, 4).Draw(t, "packets a frame"),
		}
	}
	var cur *publisher
	var newest int64 // unwrapped outgoing number
	var last Numbers
	out := map[int64]string{}
	record := func(n Numbers, p *publisher, at int64, late bool) {
		full := newest + int64(int16(n.Seq-last.Seq))
		if len(out) == 0 {
			full = int64(n.Seq)
		}
		if who, again := out[full]; again {
			t.Fatalf("number %d went out for %s and again for %s %d", full, who, p.name, at)
		}
		if !late && len(out) > 0 && full <= newest {
			t.Fatalf("number went back from %d to %d", newest, full)
		}
		out[full] = fmt.Sprint(p.name, " ", uint16(p.seq0+at))
		if !late {
			newest, last = full, n
		}
		g, seq, ok := s.Find(n.Seq)
		if !ok || fmt.Sprint(g.Source(), " ", seq) != out[full] {
			t.Fatalf("Find(%d) = %v %d, want %s", n.Seq, ok, seq, out[full])
		}
		if again := g.Apply(p.numbers(at)); again != n {
			t.Fatalf("a repair of %s would carry %+v, first was %+v", out[full], again, n)
		}
	}
	for range rapid.IntRange(1, 300).Draw(t, "steps") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0: // switch
			cur = people[rapid.IntRange(0, 2).Draw(t, "who")]
			cur.at += rapid.Int64Range(1, 40000).Draw(t, "unseen")
			gap := rapid.Uint32Range(0, 9000).Draw(t, "gap")
			before := last
			n := s.Begin(cur.name, cur.numbers(cur.at), gap)
			if len(out) > 0 && n.TS-before.TS != max(gap, 1) {
				t.Fatalf("timestamp leapt by %d at a switch, want %d", n.TS-before.TS, max(gap, 1))
			}
			if len(out) > 0 && n.Seq != before.Seq+1 {
				t.Fatalf("a switch went from number %d to %d", before.Seq, n.Seq)
			}
			cur.given, cur.begunAt = map[int64]bool{cur.at: true}, cur.at
			record(n, cur, cur.at, false)
		case 1: // late
			if cur == nil {
				continue
			}
			at := cur.at - rapid.Int64Range(1, 60).Draw(t, "late")
			if cur.given[at] || at < 0 {
				continue
			}
			n, ok, leapt := s.Next(cur.numbers(at))
			if leapt || ok != (at > cur.begunAt) {
				t.Fatalf("late packet %d of a segment begun at %d: %v, %v", at, cur.begunAt, ok, leapt)
			}
			if ok {
				cur.given[at] = true
				record(n, cur, at, true)
			}
		default: // on
			if cur == nil {
				continue
			}
			step := rapid.Int64Range(1, 5).Draw(t, "step")
			before := cur.numbers(cur.at)
			cur.at += step
			now := cur.numbers(cur.at)
			prev := last
			n, ok, leapt := s.Next(now)
			if !ok || leapt {
				t.Fatalf("packet %d was refused (%v, %v)", cur.at, ok, leapt)
			}
			if n.TS-prev.TS != now.TS-before.TS || int64(n.Seq-prev.Seq) != step {
				t.Fatalf("in a segment the distances changed: %+v to %+v for %+v to %+v", prev, n, before, now)
			}
			if cur.bits != 0 && (n.Picture-prev.Picture)&pictureMask != distance(now.Picture, before.Picture, cur.bits)&pictureMask {
				t.Fatalf("picture went from %d to %d for %d to %d", prev.Picture, n.Picture, before.Picture, now.Picture)
			}
			cur.given[cur.at] = true
			record(n, cur, cur.at, false)
		}
	}
}

func TestStreamStories(t *testing.T) { rapid.Check(t, story) }

func FuzzStream(f *testing.F) { f.Fuzz(rapid.MakeFuzz(story)) }
