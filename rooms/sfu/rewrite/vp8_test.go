package rewrite

import (
	"bytes"
	"testing"
)

func TestParseVP8(t *testing.T) {
	key := []byte{0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41} // 640x360, scale bits set
	for _, c := range []struct {
		name string
		in   []byte
		want VP8
		ok   bool
	}{
		{"nothing", nil, VP8{}, false},
		{"one octet, start of a later frame", []byte{0x10, 0x01}, VP8{Size: 1, Start: true}, true},
		{"a start in another partition is none", []byte{0x11, 0x00}, VP8{Size: 1}, true},
		{"a keyframe tells its size", append([]byte{0x10}, key...),
			VP8{Size: 1, Start: true, Keyframe: true, Width: 640, Height: 360}, true},
		{"a keyframe with a broken start code has none", []byte{0x10, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7},
			VP8{Size: 1, Start: true, Keyframe: true}, true},
		{"7-bit picture id", []byte{0x90, 0x80, 0x7f, 0x01},
			VP8{Size: 3, Start: true, PictureBits: 7, Picture: 0x7f}, true},
		{"15-bit picture id", []byte{0x90, 0x80, 0xff, 0xfe, 0x01},
			VP8{Size: 4, Start: true, PictureBits: 15, Picture: 0x7ffe}, true},
		{"what Chromium sends: I, L, T", []byte{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20, 0x01},
			VP8{Size: 6, Start: true, PictureBits: 15, Picture: 0x102, HasTL0: true, TL0: 0x33}, true},
		{"KEYIDX alone takes an octet", []byte{0x80, 0x10, 0x07, 0x00}, VP8{Size: 3}, true},
		{"extension cut off", []byte{0x80}, VP8{}, false},
		{"picture id cut off", []byte{0x80, 0x80}, VP8{}, false},
		{"long picture id cut off", []byte{0x80, 0x80, 0x80}, VP8{}, false},
		{"TL0PICIDX cut off", []byte{0x80, 0x40}, VP8{}, false},
		{"TID cut off", []byte{0x80, 0x20}, VP8{}, false},
		{"a descriptor and nothing else", []byte{0x90, 0x80, 0x01}, VP8{Size: 3, Start: true, PictureBits: 7, Picture: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ParseVP8(c.in)
			if got != c.want || ok != c.ok {
				t.Errorf("ParseVP8(%x) = %+v, %v, want %+v, %v", c.in, got, ok, c.want, c.ok)
			}
		})
	}
}

func TestAppendTo(t *testing.T) {
	n := Numbers{Picture: 0x1234, TL0: 0x55}
	for _, c := range []struct {
		name     string
		in, want []byte
	}{
		{"no numbers: untouched", []byte{0x10, 1, 2, 3}, []byte{0x10, 1, 2, 3}},
		{"KEYIDX alone: untouched", []byte{0x80, 0x10, 0x07, 9}, []byte{0x80, 0x10, 0x07, 9}},
		{"a short picture id becomes long", []byte{0x90, 0x80, 0x01, 9, 8}, []byte{0x90, 0x80, 0x92, 0x34, 9, 8}},
		{"long stays long, KEYIDX stays", []byte{0x90, 0xf0, 0x81, 0x02, 0x33, 0x27, 9},
			[]byte{0x90, 0xf0, 0x92, 0x34, 0x55, 0x27, 9}},
		{"TL0PICIDX without picture id", []byte{0x80, 0x60, 0x33, 0x20, 9}, []byte{0x80, 0x60, 0x55, 0x20, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, ok := ParseVP8(c.in)
			if !ok {
				t.Fatalf("ParseVP8(%x) refused", c.in)
			}
			if got := d.AppendTo(nil, c.in, n); !bytes.Equal(got, c.want) {
				t.Errorf("AppendTo(%x) = %x, want %x", c.in, got, c.want)
			}
		})
	}
}

// Whatever comes in: no panic, and what was rewritten reads back as the same
// packet with the new numbers.
func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20, 0x01}, uint16(77), uint8(3))
	f.Add([]byte{0x90, 0x80, 0x7f, 0x01}, uint16(0x7fff), uint8(0))
	f.Add([]byte{0x80, 0x10, 0x07}, uint16(1), uint8(1))
	f.Add([]byte{0x10, 0, 0, 0, 0x9d, 1, 0x2a, 1, 2, 3, 4}, uint16(1), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, picture uint16, tl0 uint8) {
		before := bytes.Clone(in)
		d, ok := ParseVP8(in)
		if !ok {
			return
		}
		if d.Size < 1 || d.Size > len(in) {
			t.Fatalf("ParseVP8(%x) says %d bytes of %d", in, d.Size, len(in))
		}
		out := d.AppendTo(nil, in, Numbers{Picture: picture & pictureMask, TL0: tl0})
		if !bytes.Equal(in, before) {
			t.Fatalf("AppendTo changed its source %x to %x", before, in)
		}
		again, ok := ParseVP8(out)
		if !ok {
			t.Fatalf("ParseVP8(%x) refused what was made of %x", out, in)
		}
		want := d
		if d.PictureBits != 0 {
			want.Picture, want.PictureBits = picture&pictureMask, 15
			if d.PictureBits == 7 {
				want.Size++
			}
		}
		if d.HasTL0 {
			want.TL0 = tl0
		}
		if again != want || !bytes.Equal(out[again.Size:], in[d.Size:]) {
			t.Fatalf("AppendTo(%x) = %x, read as %+v, want %+v", in, out, again, want)
		}
	})
}
