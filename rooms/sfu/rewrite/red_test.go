package rewrite

import (
	"bytes"
	"testing"
)

func TestRED(t *testing.T) {
	long := bytes.Repeat([]byte{7}, redMostSize+1)
	for _, c := range []struct {
		name    string
		earlier []Block
		most    int
		wire    []byte
		want    []string // earlier blocks that arrive, newest first
	}{
		{name: "alone", most: 100, wire: []byte{111, 'n', 'o', 'w'}},
		{
			name: "one before it", most: 100, earlier: []Block{{960, []byte("was")}},
			wire: []byte{0x80 | 111, 0x0f, 0, 3, 111, 'w', 'a', 's', 'n', 'o', 'w'}, want: []string{"was"},
		},
		{
			name: "two before it, the older one first on the wire", most: 100,
			earlier: []Block{{960, []byte("b")}, {1920, []byte("aa")}},
			wire:    []byte{0x80 | 111, 0x1e, 0, 2, 0x80 | 111, 0x0f, 0, 1, 111, 'a', 'a', 'b', 'n', 'o', 'w'}, want: []string{"b", "aa"},
		},
		{name: "too long ago to be told", most: 100, earlier: []Block{{1 << 14, []byte("was")}}, wire: []byte{111, 'n', 'o', 'w'}},
		{name: "too large to be told", most: 5000, earlier: []Block{{960, long}}, wire: []byte{111, 'n', 'o', 'w'}},
		{
			name: "no room for the older one", most: 4 + 4 + 1, earlier: []Block{{960, []byte("b")}, {1920, []byte("a")}},
			wire: []byte{0x80 | 111, 0x0f, 0, 1, 111, 'b', 'n', 'o', 'w'}, want: []string{"b"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendRED([]byte("x"), 111, c.earlier, []byte("now"), c.most)[1:]
			if !bytes.Equal(got, c.wire) {
				t.Errorf("AppendRED() = % x, want % x", got, c.wire)
			}
			r, ok := ParseRED(got)
			if !ok || string(r.Primary) != "now" || r.N != len(c.want) {
				t.Fatalf("ParseRED(% x) = %+v, %v", got, r, ok)
			}
			for i, b := range r.Earlier[:r.N] {
				if string(b.Payload) != c.want[i] || b.Behind != c.earlier[i].Behind {
					t.Errorf("block %d = %q %d behind, want %q %d", i, b.Payload, b.Behind, c.want[i], c.earlier[i].Behind)
				}
			}
		})
	}
}

// What others may send: cut short, or with more than we keep.
func TestREDOfOthers(t *testing.T) {
	for _, b := range [][]byte{{}, {0x80 | 111}, {0x80 | 111, 0x0f, 0, 3, 111, 1}, bytes.Repeat([]byte{0xff}, 100)} {
		if _, ok := ParseRED(b); ok {
			t.Errorf("ParseRED(% x) is no error", b)
		}
	}
	r, ok := ParseRED([]byte{0x80 | 111, 0x2d, 0, 1, 0x80 | 111, 0x1e, 0, 1, 0x80 | 111, 0x0f, 0, 0, 111, 'a', 'b', 'd'})
	if !ok || r.N != 2 || len(r.Earlier[0].Payload) != 0 || string(r.Earlier[1].Payload) != "b" || string(r.Primary) != "d" {
		t.Errorf("three before it: %+v, %v, want the newest two", r, ok)
	}
}

func FuzzRED(f *testing.F) {
	f.Add([]byte{0x80 | 111, 0x0f, 0, 3, 111, 'w', 'a', 's', 'n', 'o', 'w'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := ParseRED(b)
		if !ok {
			return
		}
		again, ok := ParseRED(AppendRED(nil, 111, r.Earlier[:r.N], r.Primary, len(b)))
		if !ok || !bytes.Equal(again.Primary, r.Primary) || again.N > r.N {
			t.Errorf("% x = %+v, written and read again %+v, %v", b, r, again, ok)
		}
	})
}
