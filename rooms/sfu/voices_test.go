package sfu

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"viop/rooms"
	"viop/rooms/sfu/rewrite"
)

func TestCaution(t *testing.T) {
	type second struct {
		loss, limit float64
		want        int
	}
	calmFor := func(n int) (out []second) {
		for range n {
			out = append(out, second{0, 0, -1})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		steps []second
	}{
		{"an unknown line is not trusted", []second{{0, 0, 1}}},
		{"nor is a good one, at first", append(calmFor(19), second{0, 0, 1}, second{0, 0, 0})},
		{"a bad line gets more at once", []second{{0, 0, 1}, {0.1, 0, 2}}},
		{"and keeps it over a good moment", append([]second{{0.1, 0, 2}}, append(calmFor(18), second{0, 0, 2}, second{0, 0, 0})...)},
		{"some loss, one packet", append([]second{{0.1, 0, 2}}, append(calmFor(19), second{0.01, 0, 1})...)},
		{"only what a thin line carries goes along", []second{{0.1, 99_000, 0}, {0.1, 100_000, 1}, {0.1, 900_000, 1}, {0.1, 0, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var caution caution
			for i, s := range c.steps {
				got := caution.step(int64(i)*int64(time.Second), s.loss, s.limit, 50_000)
				if s.want >= 0 && got != s.want {
					t.Errorf("second %d: %d packets go along, want %d", i, got, s.want)
				}
			}
		})
	}
}

// Speech stays whole although a tenth of the packets is lost, on the way here
// as on the way on, without a packet asked for twice.
func TestTenthLostLeavesSpeechWhole(t *testing.T) {
	for _, publisher := range []bool{true, false} {
		name := map[bool]string{true: "towards the server", false: "towards a browser"}[publisher]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := testSFU(t)
			line, settings := lossyLine(t)
			line.share.Store(100)
			send, recv := browserOptions{red: true}, browserOptions{audio: 1, video: 1, red: true, twcc: true}
			if publisher {
				send.settings = settings
			} else {
				recv.settings = settings
			}
			a, b := join(t, r, "a", send), join(t, r, "b", recv)
			together(r, a, b)
			if !publisher {
				// Nothing goes along until the browser has said what it loses.
				b.until("redundant sound", func() bool { return b.reds > 50 })
				b.forget()
			}
			b.until("300 sounds", func() bool { return len(b.sounds) > 300 })
			missing, total := b.silences("a-mic")
			t.Logf("%d of %d sounds missing, %d packets lost, %d restored here", missing, total, line.lost.Load(), s.Stats().Restored)
			if line.lost.Load() < 20 {
				t.Fatalf("only %d packets were lost, the line is too good to test", line.lost.Load())
			}
			// Without help a tenth is missing; with it, what is lost three times in a row.
			if missing > total/30 {
				t.Errorf("%d of %d sounds are missing", missing, total)
			}
			if publisher && s.Stats().Restored == 0 {
				t.Error("nothing was restored here")
			}
		})
	}
}

// Who does not know redundant sound gets the plain sound inside.
func TestPlainSoundForWhoKnowsNoRED(t *testing.T) {
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{red: true})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1})
	together(r, a, b)
	b.until("100 sounds", func() bool { return len(b.sounds) > 100 })
	if missing, total := b.silences("a-mic"); b.reds > 0 || missing > 0 || total < 90 {
		t.Errorf("%d redundant packets, %d of %d plain ones missing", b.reds, missing, total)
	}
	b.unbroken("a0")
}

// hearing is a voice with one receiver and no network.
type hearing struct {
	in   *ingress
	l    *layer
	slot *slot
	got  []string // each packet's sounds, oldest first
}

func (h *hearing) WriteRTP(header *rtp.Header, payload []byte) (int, error) {
	if header.PayloadType == 109 {
		h.got = append(h.got, string(payload))
		return len(payload), nil
	}
	r, ok := rewrite.ParseRED(payload)
	if !ok {
		return 0, errors.New("no redundant sound")
	}
	text := string(r.Primary)
	for _, b := range r.Earlier[:r.N] {
		text = string(b.Payload) + text
	}
	h.got = append(h.got, text)
	return len(payload), nil
}

func newHearing(depth int32) *hearing {
	s := &SFU{base: time.Now()}
	t := &transport{room: &room{sfu: s, wakeups: make(chan struct{}, 1)}, sources: map[rooms.Source]*source{}}
	t.peer = &peer{room: t.room}
	t.ingress = newIngress(t, new(batch))
	t.redundancy.Store(depth)
	h := &hearing{in: t.ingress, l: &layer{source: &source{transport: t, kind: rooms.Mic}, ssrc: 1, clock: 48000}}
	h.slot = &slot{transport: t, clock: 48000, sink: h, ready: true, plain: 109, red: testRED, next: h.l}
	receivers := []*slot{h.slot}
	h.l.receivers.Store(&receivers)
	return h
}

// say lets a packet of redundant sound come in: text's last letter, and the
// ones before it.
func (h *hearing) say(seq uint16, text string) {
	var earlier []rewrite.Block
	for back := 1; back < len(text); back++ {
		at := len(text) - 1 - back
		earlier = append(earlier, rewrite.Block{Behind: uint32(960 * back), Payload: []byte(text[at : at+1])})
	}
	p := &h.in.packet
	*p = packet{ssrc: 1, seq: seq, ts: uint32(seq) * 960, payload: rewrite.AppendRED(nil, 111, earlier, []byte(text[len(text)-1:]), maxPayload)}
	h.in.redundant(h.l, p)
}

func TestWhatGoesAlongWithSound(t *testing.T) {
	for _, c := range []struct {
		name  string
		depth int32
		do    func(*hearing)
		want  []string
	}{
		{"as deep as the line needs", 2, func(h *hearing) { h.say(1, "a"); h.say(2, "ab"); h.say(3, "bc"); h.say(4, "cd") }, []string{"a", "ab", "abc", "bcd"}},
		{"or not at all", 0, func(h *hearing) { h.say(1, "a"); h.say(2, "ab"); h.say(3, "bc") }, []string{"a", "b", "c"}},
		{"what was lost goes out before", 1, func(h *hearing) { h.say(1, "a"); h.say(3, "bc"); h.say(4, "cd") }, []string{"a", "ab", "bc", "cd"}},
		{"what is lost for good is a hole", 2, func(h *hearing) { h.say(1, "a"); h.say(4, "cd"); h.say(5, "de") }, []string{"a", "c", "cd", "cde"}},
		{"nothing of a mute", 2, func(h *hearing) {
			h.say(1, "a")
			h.slot.show(nil)
			h.say(2, "ab")
			h.slot.show(h.l)
			h.say(3, "bc")
			h.say(4, "cd")
		}, []string{"a", "c", "cd"}},
		{"not even if it was lost", 2, func(h *hearing) {
			h.say(1, "a")
			h.slot.show(nil)
			h.slot.show(h.l)
			h.say(3, "bc")
		}, []string{"a", "c"}},
		{"a late packet goes alone", 2, func(h *hearing) { h.say(1, "a"); h.say(3, "c"); h.say(2, "b") }, []string{"a", "c", "b"}},
		{"twice is once", 2, func(h *hearing) { h.say(1, "a"); h.say(2, "ab"); h.say(2, "ab"); h.say(3, "bc") }, []string{"a", "ab", "abc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHearing(c.depth)
			c.do(h)
			if !slices.Equal(h.got, c.want) {
				t.Errorf("went out: %q, want %q", h.got, c.want)
			}
		})
	}
}

// The encoder of somebody whose receiver takes no redundant sound hears of
// that receiver's loss, so that it makes its packets overlap.
func TestEncoderHearsOfLossBeyond(t *testing.T) {
	h := newHearing(0)
	for i := range uint16(50) {
		h.say(i, "a")
	}
	if got := h.l.report(0).FractionLost; got != 0 {
		t.Fatalf("a whole stream lost %d of 256", got)
	}
	h.l.lostBeyond.Store(25)
	if r := h.l.report(0); r.FractionLost != 25 || r.TotalLost != 0 {
		t.Errorf("report %+v, want a tenth lost, and none in total", r)
	}
}

func TestRedundancyDoesNotAllocate(t *testing.T) {
	h := newHearing(2)
	h.slot.sink = &nowhere{}
	seq := uint16(0)
	sound := rewrite.AppendRED(nil, 111, []rewrite.Block{{Behind: 960, Payload: make([]byte, 80)}}, make([]byte, 80), maxPayload)
	if n := testing.AllocsPerRun(500, func() {
		seq++
		p := &h.in.packet
		*p = packet{ssrc: 1, seq: seq, ts: uint32(seq) * 960, payload: sound}
		h.in.redundant(h.l, p)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}
