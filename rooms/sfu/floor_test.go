package sfu

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"viop/rooms"
)

// voiced is what one microphone says in a step.
type voiced struct {
	who, room string
	level     float64
	always    bool
}

// claims of people by name.
type claims map[string]*claim

// step says who is not heard. Who does not take part gives up the claim.
func (c claims) step(f floor, now int64, all []voiced) (unheard map[string]bool) {
	var mouths []mouth
	there := claims{}
	for _, s := range all {
		there[s.who] = c[s.who]
		if there[s.who] == nil {
			there[s.who] = &claim{}
		}
		mouths = append(mouths, mouth{there[s.who], s.room, s.level, s.always})
	}
	f.step(now, mouths)
	clear(c)
	unheard = map[string]bool{}
	for who, claim := range there {
		c[who] = claim
		if !claim.on {
			unheard[who] = true
		}
	}
	return unheard
}

// TestFloor: each line is a tenth of a second: who is how loud, and who is
// heard then. People are single letters; T is a therapist.
func TestFloor(t *testing.T) {
	const speech, loud = speechOn + 5, speechOn + 30
	for _, c := range []struct {
		name  string
		from  int
		steps []string // "abc: a=77; heard abc", silent unless told
	}{
		{"few people are all heard", 6, []string{"abcdef: ; abcdef"}},
		{"of many, the first few, while nobody speaks", 6, []string{"abcdefg: ; abcd"}},
		{"who speaks up is heard at once", 6, []string{"abcdefg: ; abcd", "abcdefg: g=S; abcg"}},
		{"and stays heard afterwards", 6, []string{"abcdefg: g=S; abcg", "abcdefg: ; abcg", "abcdefg: x20; abcg"}},
		{"the one silent for longest goes", 6, []string{
			"abcdefg: a=S b=S c=S; abcd", "abcdefg: x20 a=S b=S; abcd", "abcdefg: x20 b=S; abcd", "abcdefg: e=S; abce", "abcdefg: f=S; abef",
		}},
		{"a breath costs nobody the floor", 6, []string{"abcdefg: a=S b=S c=S d=S; abcd", "abcdefg: x5 b=S c=S d=S e=S; abcd"}},
		{"a longer silence does", 6, []string{"abcdefg: a=S b=S c=S d=S; abcd", "abcdefg: x12 b=S c=S d=S e=S; bcde"}},
		{"full of speakers, only a much louder one comes in", 6, []string{
			"abcdefg: a=S b=S c=S d=S; abcd", "abcdefg: a=S b=S c=S d=S e=S; abcd", "abcdefg: a=S b=S c=S d=S e=L; abce",
		}},
		{"a therapist is always heard and takes nobody's place", 6, []string{"Tabcdef: ; Tabcd", "Tabcdef: e=S f=S; Tabef", "Tabcdef: x30 e=S f=S a=S b=S; Tabef"}},
		{"a seventh who comes in silence is not heard yet", 6, []string{"abcdef: a=S; abcdef", "abcdefg: ; abcd", "abcdefg: g=S; abcg"}},
		{"who leaves makes room", 6, []string{"abcdefgh: a=S b=S c=S d=S; abcd", "bcdefgh: ; bcde"}},
		{"all are heard again when the room empties", 6, []string{"abcdefg: ; abcd", "abcdef: ; abcdef"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, claims := floor{most: 4, from: c.from}, claims{}
			now := int64(time.Hour)
			for i, s := range c.steps {
				people, rest, _ := strings.Cut(s, ":")
				said, want, _ := strings.Cut(rest, ";")
				levels, times := map[string]float64{}, 1
				for _, word := range strings.Fields(said) {
					if n, err := fmt.Sscanf(word, "x%d", &times); n == 1 && err == nil {
						continue
					}
					levels[word[:1]] = map[string]float64{"S": speech, "L": loud}[word[2:]]
				}
				var got string
				for range times {
					now += int64(100 * time.Millisecond)
					got = ""
					var all []voiced
					for _, p := range strings.Split(people, "") {
						all = append(all, voiced{p, rooms.MainRoom, levels[p], p == "T"})
					}
					unheard := claims.step(f, now, all)
					for _, m := range all {
						if !unheard[m.who] {
							got += m.who
						}
					}
				}
				if want = strings.TrimSpace(want); got != want {
					t.Errorf("step %d (%s): heard %s, want %s", i, s, got, want)
				}
			}
		})
	}
}

// The floor of one room is not that of another.
func TestFloorOfEachRoom(t *testing.T) {
	f, claims := floor{most: 1, from: 1}, claims{}
	unheard := claims.step(f, 1, []voiced{{"a", "x", 0, false}, {"b", "x", 90, false}, {"c", "y", 0, false}})
	if !unheard["a"] || unheard["b"] || unheard["c"] {
		t.Errorf("unheard: %v, want a alone", unheard)
	}
	unheard = claims.step(f, 2, []voiced{{"a", "x", 0, false}, {"b", "y", 0, false}, {"c", "y", 90, false}})
	if unheard["a"] || !unheard["b"] || unheard["c"] {
		t.Errorf("after a move unheard: %v, want b alone", unheard)
	}
}

// In a room with more people than are heard at once, who begins to speak is
// heard with the next packet, and a mute stays a mute.
func TestWhoSpeaksUpIsHeard(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t, func(c *Config) { c.Loudest, c.LoudestAbove = 1, 2 })
	a, b := join(t, r, "a", browserOptions{}), join(t, r, "b", browserOptions{})
	c := join(t, r, "c", browserOptions{audio: 2, video: 1})
	together(r, a, b, c)
	c.hears("a-mic")
	pass(t, 300*time.Millisecond)
	if n := c.count("b-mic"); n > 50 {
		t.Errorf("%d packets of b, who has not got the floor", n)
	}
	from := b.mic.frameNow()
	b.loud(100)
	c.until("b", func() bool { return len(c.got["a1"]) > 20 || len(c.got["a0"]) > 0 && c.countLocked("b-mic") > 20 })
	c.mu.Lock()
	first := ^uint32(0)
	for m := range c.sounds {
		var frame uint32
		if _, err := fmt.Sscanf(m, "<b-mic/%d/0>", &frame); err == nil && frame >= from {
			first = min(first, frame)
		}
	}
	c.mu.Unlock()
	if first > from+4 {
		t.Errorf("the first sound of b that came is %d packets after it spoke up", first-from)
	}
	r.Route(map[rooms.Conn]rooms.Place{
		a.conn: {Room: rooms.MainRoom, Send: rooms.AllSources}, b.conn: {Room: rooms.MainRoom}, c.conn: {Room: rooms.MainRoom, Send: rooms.AllSources},
	})
	n := c.count("a-mic")
	c.until("a again", func() bool { return c.countLocked("a-mic") > n+20 })
	silent := c.count("b-mic")
	pass(t, 300*time.Millisecond)
	if c.count("b-mic") != silent {
		t.Error("b is heard although muted, because it is loud")
	}
}
