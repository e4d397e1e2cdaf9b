package sfu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"viop/rooms"
)

func TestWhoIsFirst(t *testing.T) {
	s, known := speakers{}, [2]speech{}
	say := func(levels ...float64) string {
		var now []heardNow
		for i, l := range levels {
			now = append(now, heardNow{&known[i], rooms.Handle(string(rune('a' + i))), "main", l})
		}
		s.step(now)
		return names(s.in("main").speaking)
	}
	for i, c := range []struct {
		levels []float64
		want   string
		why    string
	}{
		{[]float64{30, 30}, "", "background"},
		{[]float64{120, 30}, "a", "a begins"},
		{[]float64{110, 110}, "a b", "b joins in"},
		{[]float64{110, 113}, "a b", "a stays first, b is not clearly louder"},
		{[]float64{110, 0}, "a b", "a breath of b changes nothing"},
		{[]float64{80, 127}, "a b", "b gets louder"},
		{[]float64{80, 127}, "b a", "and takes over"},
		{[]float64{0, 127}, "b a", "a stops"},
		{[]float64{0, 127}, "b a", "for long enough"},
		{[]float64{0, 127}, "b", "to count as silent"},
		{[]float64{0}, "", "b has left"},
	} {
		if got := say(c.levels...); got != c.want {
			t.Errorf("step %d (%s): %q, want %q", i, c.why, got, c.want)
		}
	}
}

func names(levels []rooms.Level) string {
	var out []string
	for _, l := range levels {
		out = append(out, string(l.Handle))
	}
	return strings.Join(out, " ")
}

// Everybody knows who speaks from the first step on that they are loud enough,
// and for 1.4 s after the last, whatever they are told and when: as if the
// levels came at each step.
func TestWhoSpeaksIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, known := speakers{}, map[string]*speech{}
		level, last := map[string]float64{}, map[string]int{}
		people := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-e]`), 1, 5, rapid.ID[string]).Draw(t, "people")
		for step := range rapid.IntRange(1, 80).Draw(t, "steps") {
			var now []heardNow
			var want []string
			for _, who := range people {
				l := rapid.SampledFrom([]float64{0, 0, 60, 70, 76, 90, 127}).Draw(t, "level")
				if known[who] == nil {
					known[who] = &speech{}
				}
				now = append(now, heardNow{known[who], rooms.Handle(who), "main", l})
				weight := 0.2
				if l > level[who] {
					weight = 0.6
				}
				if level[who] += (l - level[who]) * weight; level[who] >= 75 {
					last[who] = step
				}
				if at, ever := last[who]; ever && step-at <= 7 {
					want = append(want, who)
				}
			}
			s.step(now)
			var got []string
			if told := s.in("main").told; told != nil {
				got = strings.Fields(names(told.Levels))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: %q speak, want %q", step, got, want)
			}
		}
	})
}

// Pages are told who speaks when that changes, when they come into the room,
// and once a second as long as somebody does.
func TestWhenWhoSpeaksIsTold(t *testing.T) {
	r := group(t, 3)
	r.peers[2].place.Room = ""
	for i, c := range []struct {
		do     func()
		steps  int
		levels []uint8
		want   string
		why    string
	}{
		{nil, 9, []uint8{30}, "", "silence is nothing to tell"},
		{nil, 1, []uint8{127}, "m0: m0, m1: m0", "somebody begins"},
		{nil, 4, []uint8{120}, "", "and goes on"},
		{nil, 1, []uint8{120}, "m0: m0, m1: m0", "a second later it is told again"},
		{nil, 2, []uint8{100, 127}, "m0: m0 m1, m1: m0 m1", "another one begins"},
		{func() { r.peers[2].place.Room = rooms.MainRoom }, 2, []uint8{100, 100}, "m2: m0 m1", "somebody comes in"},
		{func() { r.peers[0].place.Send = 0 }, 1, []uint8{100, 100}, "m0: m1, m1: m1, m2: m1", "one is muted"},
		{func() { r.peers[2].place.Room = "" }, 1, []uint8{0, 100}, "m2: ", "somebody leaves the room"},
		{nil, 3, nil, "", "a breath"},
		{nil, 2, nil, "m0: m1, m1: m1", "is still told again"},
		{nil, 9, nil, "m0: , m1: ", "the last one has ended"},
	} {
		if c.do != nil {
			c.do()
		}
		var all []string
		for range c.steps {
			talk(r, c.levels...)
			r.tellSpeakers()
			for i, p := range r.peers {
				for _, in := range p.take() {
					all = append(all, fmt.Sprintf("m%d: %s", i, names(in.(told).PeerEvent.(rooms.Speakers).Levels)))
				}
			}
		}
		if got := strings.Join(all, ", "); got != c.want {
			t.Errorf("story %d (%s): told %q, want %q", i, c.why, got, c.want)
		}
	}
}
