package rewrite

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What real browsers number their packets with (testdata/README.md says how
// that was recorded), put through a Stream as a slot of the SFU does.

// captured is one packet a browser sent.
type captured struct {
	at     int // ms
	stream string
	person string // the capture
	Numbers
	temporal                         int // -1: none
	start, key, marker, repair, idle bool
}

// name of the layer, for a reader.
func (c captured) name() string { return c.person + " " + c.stream }

// readCaptures gives the packets of all captures, as if all had been sent at
// once, of one kind: "camera" or "mic". Repairs are those that a receiver can
// use: with a number and a payload.
func readCaptures(tb testing.TB, kind string) []captured {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("captures: %v, %v", files, err)
	}
	var all []captured
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		person := strings.TrimSuffix(filepath.Base(file), ".txt")
		first := -1
		for line := range strings.Lines(string(text)) {
			if line[0] == '#' {
				continue
			}
			c, err := readCaptured(line)
			if err != nil {
				tb.Fatalf("%s: %q: %v", file, line, err)
			}
			if first < 0 {
				first = c.at
			}
			c.at -= first
			c.person = person
			if strings.HasPrefix(c.stream, kind) {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b captured) int { return cmp.Compare(a.at, b.at) })
	return all
}

func readCaptured(line string) (captured, error) {
	c := captured{temporal: -1}
	var flags, picture, tl0, temporal string
	if _, err := fmt.Sscan(line, &c.at, &c.stream, &c.Seq, &c.TS, &flags, &picture, &tl0, &temporal); err != nil {
		return c, err
	}
	c.start, c.key, c.marker = strings.Contains(flags, "s"), strings.Contains(flags, "k"), strings.Contains(flags, "m")
	c.repair, c.idle = strings.Contains(flags, "r"), strings.Contains(flags, "p")
	if picture != "-" {
		if _, err := fmt.Sscanf(picture, "%d/%d", &c.Picture, &c.PictureBits); err != nil {
			return c, err
		}
	}
	if tl0 != "-" {
		c.HasTL0 = true
		if _, err := fmt.Sscan(tl0, &c.TL0); err != nil {
			return c, err
		}
	}
	if temporal != "-" {
		if _, err := fmt.Sscan(temporal, &c.temporal); err != nil {
			return c, err
		}
	}
	return c, nil
}

// What the rest relies on, and a new browser might do otherwise.
func TestWhatBrowsersSend(t *testing.T) {
	type frame struct {
		stream  string
		picture uint16
	}
	times := map[frame]uint32{}
	for _, c := range readCaptures(t, "camera") {
		if c.idle {
			if !c.repair {
				t.Errorf("%s: padding without a repair stream: %+v", c.name(), c)
			}
			continue
		}
		if c.PictureBits != 15 {
			t.Errorf("%s: a picture id of %d bits, want 15", c.name(), c.PictureBits)
		}
		if simulcast := c.person != "firefox-plain"; c.HasTL0 != simulcast || simulcast != (c.temporal >= 0) {
			t.Errorf("%s: TL0PICIDX %v, temporal layer %d; simulcast has both, Firefox's plain stream neither", c.name(), c.HasTL0, c.temporal)
		}
		f := frame{c.name(), c.Picture}
		if ts, known := times[f]; known && ts != c.TS {
			t.Errorf("%s: picture %d has timestamps %d and %d", c.name(), c.Picture, ts, c.TS)
		}
		times[f] = c.TS
	}
}

// line is what happens to captured packets on the way here, of 100, and how
// many others may overtake one.
type line struct {
	lost, twice uint8
	late        uint8
}

// carry gives the packets in the order in which they come.
func (l line) carry(all []captured, rng *rand.Rand) []captured {
	type parcel struct {
		captured
		place int
	}
	var parcels []parcel
	for i, c := range all {
		if rng.IntN(100) < int(l.lost) {
			continue
		}
		parcels = append(parcels, parcel{c, i + rng.IntN(int(l.late)+1)})
		if rng.IntN(100) < int(l.twice) {
			parcels = append(parcels, parcel{c, i + rng.IntN(int(l.late)+1)})
		}
	}
	slices.SortStableFunc(parcels, func(a, b parcel) int { return cmp.Compare(a.place, b.place) })
	out := make([]captured, len(parcels))
	for i, p := range parcels {
		out[i] = p.captured
	}
	return out
}

// sent is a packet that went out.
type sent struct {
	in     captured
	out    Numbers
	full   int64 // the number, unwrapped
	begins bool
	gap    uint32
}

// forwarder does with a Stream what a slot does: one layer at a time, another
// one from its next keyframe on, each number of a source once.
type forwarder struct {
	t       testing.TB
	stream  Stream[string]
	cur     string
	lastAt  int
	seen    map[string]map[uint16]bool
	highest map[string]uint16
	out     []sent
	newest  int64
}

// fresh says whether a packet is one the SFU's ingress hands on.
func (f *forwarder) fresh(c captured) bool {
	name := c.name()
	highest, begun := f.highest[name]
	ahead := !begun || int16(c.Seq-highest) > 0
	if c.idle || c.repair && ahead || f.seen[name][c.Seq] {
		return false
	}
	if !begun {
		f.seen[name] = map[uint16]bool{}
	}
	if ahead {
		f.highest[name] = c.Seq
	}
	f.seen[name][c.Seq] = true
	return true
}

// next takes a packet of the layer that is being sent.
func (f *forwarder) next(c captured) {
	out, ok, jumped := f.stream.Next(c.Numbers)
	if jumped {
		f.t.Fatalf("%s: the source was taken to have begun anew at %+v", c.name(), c)
	}
	if ok {
		f.add(sent{in: c, out: out})
	}
}

// begin switches to the layer of c; clock is of its timestamps, in kHz.
func (f *forwarder) begin(c captured, clock int) {
	gap := uint32((c.at - f.lastAt) * clock)
	f.cur = c.name()
	f.add(sent{in: c, out: f.stream.Begin(f.cur, c.Numbers, gap), begins: true, gap: gap})
}

func (f *forwarder) add(s sent) {
	f.lastAt = s.in.at
	s.full = int64(s.out.Seq)
	if n := len(f.out); n > 0 {
		s.full = f.newest + int64(int16(s.out.Seq-uint16(f.newest)))
	}
	f.newest = max(f.newest, s.full)
	f.out = append(f.out, s)
	g, seq, ok := f.stream.Find(s.out.Seq)
	if !ok || g.Source() != s.in.name() || seq != s.in.Seq || g.Apply(s.in.Numbers) != s.out {
		f.t.Fatalf("a repair of %+v would be %v %d", s, ok, seq)
	}
}

// check holds everything that went out against the promises of the package.
func check(t testing.TB, all []sent) {
	t.Helper()
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(a.full, b.full) })
	tl0Known := false // nothing is missing since the last picture of the lowest temporal layer
	for i, b := range all {
		if i == 0 {
			continue
		}
		a := all[i-1]
		apart := func(what string, got, want any) {
			if got != want {
				t.Fatalf("%s: %v apart, want %v, between %+v and %+v", what, got, want, a, b)
			}
		}
		whole := b.full == a.full+1
		if b.begins {
			apart("numbers at a switch", b.full-a.full, int64(1))
			apart("timestamps at a switch", b.out.TS-a.out.TS, max(b.gap, 1))
		} else {
			apart("sources", b.in.name(), a.in.name())
			apart("numbers", b.full-a.full, int64(b.in.Seq-a.in.Seq))
			apart("timestamps", b.out.TS-a.out.TS, b.in.TS-a.in.TS)
		}
		if b.in.PictureBits == 0 {
			continue
		}
		pictures := (b.out.Picture - a.out.Picture) & pictureMask
		switch {
		case b.begins && !b.in.key:
			t.Fatalf("a switch without a keyframe: %+v", b)
		case b.begins || whole && b.in.start:
			apart("pictures", pictures, uint16(1))
		case whole:
			apart("pictures within one", pictures, uint16(0))
		default:
			apart("pictures over a loss", pictures, (b.in.Picture-a.in.Picture)&pictureMask)
		}
		if !b.in.HasTL0 || !a.in.HasTL0 {
			tl0Known = false
			continue
		}
		steps := b.out.TL0 - a.out.TL0
		tl0Known = tl0Known && whole || b.begins
		switch {
		case b.begins || tl0Known && b.in.start && b.in.temporal == 0:
			apart("TL0PICIDX", steps, uint8(1))
		case tl0Known:
			apart("TL0PICIDX between", steps, uint8(0))
		default:
			apart("TL0PICIDX over a loss", steps, b.in.TL0-a.in.TL0)
		}
		tl0Known = tl0Known || b.in.start && b.in.temporal == 0
	}
}

// replay sends one receiver now this layer and now that, of now this person
// and now that, and gives how often it was another.
func replay(t testing.TB, all []captured, clock int, l line, seed uint64) (switches int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	f := forwarder{t: t, seen: map[string]map[uint16]bool{}, highest: map[string]uint16{}}
	for _, c := range l.carry(all, rng) {
		if rng.IntN(500) == 0 {
			f.cur = "" // hidden, or somebody else is to be seen there
		}
		video := c.PictureBits != 0
		begins := video && c.key && rng.IntN(2) == 0 || !video && rng.IntN(10) == 0
		switch {
		case !f.fresh(c):
		case c.name() == f.cur:
			f.next(c)
		case begins:
			f.begin(c, clock)
			switches++
		}
	}
	numbers := map[int64]bool{}
	for _, s := range f.out {
		if numbers[s.full] {
			t.Fatalf("a number went out twice: %+v", s)
		}
		numbers[s.full] = true
	}
	check(t, f.out)
	return switches
}

// What browsers sent, through the numbering, on lines of every kind.
func TestCaptures(t *testing.T) {
	camera, mic := readCaptures(t, "camera"), readCaptures(t, "mic")
	for _, l := range lines {
		t.Run(fmt.Sprintf("%d lost, %d twice, %d late", l.lost, l.twice, l.late), func(t *testing.T) {
			pictures, sounds := 0, 0
			for seed := range uint64(20) {
				pictures += replay(t, camera, 90, l, seed)
				sounds += replay(t, mic, 48, l, seed)
			}
			if pictures < 100 || sounds < 100 {
				t.Errorf("%d switches of picture and %d of sound: too little was tried", pictures, sounds)
			}
		})
	}
}

var lines = []line{{}, {lost: 5}, {twice: 10}, {late: 40}, {lost: 5, twice: 5, late: 40}, {lost: 50}, {late: 255}}

func FuzzCaptures(f *testing.F) {
	for seed, l := range lines {
		f.Add(uint64(seed), l.lost, l.twice, l.late)
	}
	camera, mic := readCaptures(f, "camera"), readCaptures(f, "mic")
	f.Fuzz(func(t *testing.T, seed uint64, lost, twice, late uint8) {
		replay(t, camera, 90, line{lost, twice, late}, seed)
		replay(t, mic, 48, line{lost, twice, late}, seed)
	})
}
