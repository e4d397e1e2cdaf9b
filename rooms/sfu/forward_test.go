package sfu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"viop/rooms"
)

func TestThreePeopleHearAndSeeEachOther(t *testing.T) {
	_, r := testSFU(t)
	o := browserOptions{audio: 3, video: 4}
	a, b, c := join(t, r, "a", o), join(t, r, "b", o), join(t, r, "c", o)
	together(r, a, b, c)
	for _, me := range []*browser{a, b, c} {
		me.until("connected", func() bool { return me.has(is[rooms.PeerUp]) })
		for _, other := range []*browser{a, b, c} {
			if other != me {
				me.hears(other.name + "-mic")
				me.hears(other.name + "-cam")
			}
		}
		if n := me.count(me.name + "-mic"); n > 0 {
			t.Errorf("%s got %d packets of its own voice", me.name, n)
		}
	}
}

// TestNoSDPWhenPeopleComeAndGo: twelve joins, twelve leaves, mutes and moves;
// everybody has made one offer.
func TestNoSDPWhenPeopleComeAndGo(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t, func(c *Config) { c.Loudest = -1 })
	var all []*browser
	for i := range 12 {
		b := join(t, r, fmt.Sprintf("p%02d", i), browserOptions{audio: 11, video: 12})
		all = append(all, b)
		together(r, all...)
	}
	last := all[11]
	last.until("eleven voices mapped", func() bool { return voices(last.slots) == 11 })
	all[0].hears("p11-mic")
	last.hears("p00-cam")
	r.Route(map[rooms.Conn]rooms.Place{
		all[0].conn: {Room: "breakout-1", Send: rooms.Mic}, all[1].conn: {Room: "breakout-1", Send: rooms.AllSources},
	})
	together(r, all...)
	for len(all) > 1 {
		all[0].peer.Close()
		all = all[1:]
		together(r, all...)
	}
	last.until("no voices mapped", func() bool { return voices(last.slots) == 0 })
	answers := 0
	for _, e := range last.events {
		switch e.(type) {
		case rooms.Answer:
			answers++
		case rooms.SignalFailed, rooms.ICERestart:
			t.Errorf("unexpected %#v", e)
		}
	}
	if last.offers != 1 || answers != 1 {
		t.Errorf("%d offers and %d answers over 12 joins and 12 leaves, want 1 and 1", last.offers, answers)
	}
}

func voices(slots []rooms.Slot) (n int) {
	for _, s := range slots {
		if s.Audio && s.Handle != "" {
			n++
		}
	}
	return n
}

func TestSlotsStayWithTheirPerson(t *testing.T) {
	_, r := testSFU(t)
	o := browserOptions{audio: 3, video: 4}
	a, b, c, d := join(t, r, "a", o), join(t, r, "b", o), join(t, r, "c", o), join(t, r, "d", o)
	together(r, a, b, c, d)
	a.until("three voices", func() bool { return voices(a.slots) == 3 })
	before := slices.Clone(a.slots)
	if before[1].Handle != "c" || before[3+1].Handle != "c" || before[3+1].Source != rooms.Camera {
		t.Fatalf("slots of a = %+v, want the camera of c beside its voice", before)
	}
	c.screen.set(func(s *sendTrack) { s.off = false })
	c.peer.Publishing(rooms.Screen)
	together(r, a, c, d) // b is gone
	a.until("the screen of c", func() bool { return a.slots[3+3].Source == rooms.Screen && a.slots[3+3].Handle == "c" })
	if a.slots[0].Handle != "" || a.slots[1] != before[1] || a.slots[2] != before[2] || a.slots[3+1] != before[3+1] {
		t.Errorf("slots of a = %+v, were %+v; who stayed has moved", a.slots, before)
	}
	a.hears("c-screen")
}

func TestPaddingOnAnEmptySectionIsNoScreen(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 1, video: 2}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	a.screen.set(func(s *sendTrack) { s.off = false })
	together(r, a, b)
	b.hears("a-cam")
	pass(t, 300*time.Millisecond)
	if n := b.count("a-screen"); n > 0 {
		t.Errorf("%d packets of a screen nobody shares", n)
	}
	a.peer.Publishing(rooms.Camera | rooms.Screen)
	b.hears("a-screen")
}

// A muted person's packets do not leave the server, whatever the page sends.
func TestMuteIsEnforced(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	b.hears("a-mic")
	r.Route(map[rooms.Conn]rooms.Place{
		a.conn: {Room: rooms.MainRoom, Send: rooms.Camera}, b.conn: {Room: rooms.MainRoom, Send: rooms.AllSources},
	})
	pass(t, 50*time.Millisecond) // what was on the wire
	silent, seen := b.count("a-mic"), b.count("a-cam")
	pass(t, 300*time.Millisecond)
	if n := b.count("a-mic"); n != silent {
		t.Errorf("%d packets of a muted microphone", n-silent)
	}
	if b.count("a-cam") == seen {
		t.Error("the camera stopped with the microphone")
	}
	together(r, a, b)
	b.until("the voice again", func() bool { return b.lenOf("a0") > silent })
	b.unbroken("a0")
}

// Held is nowhere: a held patient neither hears nor is heard, and comes back
// without SDP.
func TestHeldIsolates(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 2, video: 2}
	a, b, c := join(t, r, "a", o), join(t, r, "b", o), join(t, r, "c", o)
	together(r, a, b, c)
	a.hears("b-cam")
	b.hears("a-cam")
	r.Route(map[rooms.Conn]rooms.Place{a.conn: {Send: rooms.AllSources}, b.conn: {Send: rooms.AllSources}})
	pass(t, 50*time.Millisecond)
	before := []int{a.count("b-mic"), a.count("b-cam"), b.count("a-mic"), b.count("c-mic"), c.count("a-mic")}
	pass(t, 300*time.Millisecond)
	after := []int{a.count("b-mic"), a.count("b-cam"), b.count("a-mic"), b.count("c-mic"), c.count("a-mic")}
	if !slices.Equal(before, after) {
		t.Errorf("packets in a held room: %v, then %v", before, after)
	}
	a.until("empty slots", func() bool { return voices(a.slots) == 0 })
	together(r, a, b, c)
	a.until("b again", func() bool { return len(a.got) > 0 && a.countLocked("b-cam") > before[1] })
	for _, track := range []string{"a0", "v0"} {
		a.unbroken(track)
	}
}

// A late joiner asks for a keyframe the moment its transport is up, and starts
// on it.
func TestLateJoinerStartsOnAKeyframe(t *testing.T) {
	_, r := testSFU(t)
	o := browserOptions{audio: 2, video: 2}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	b.hears("a-cam")
	pass(t, 400*time.Millisecond) // past the gap between requests
	c := join(t, r, "c", o)
	together(r, a, b, c)
	track := c.hears("a-cam")
	c.until("connected", func() bool { return c.has(is[rooms.PeerUp]) })
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.got[track][0]
	if !first.key {
		t.Errorf("the first packet of %s is no keyframe", track)
	}
}

// Several who wait for the same layer share one keyframe.
func TestKeyframeRequestsAreShared(t *testing.T) {
	s, r := testSFU(t)
	o := browserOptions{audio: 5, video: 6}
	a := join(t, r, "a", browserOptions{})
	together(r, a)
	a.until("connected", func() bool { return a.has(is[rooms.PeerUp]) })
	var all []*browser
	for i := range 5 {
		all = append(all, join(t, r, fmt.Sprint("w", i), o))
	}
	for _, b := range all {
		b.until("connected", func() bool { return b.has(is[rooms.PeerUp]) })
	}
	before := s.Stats().KeyframeRequests
	r.Route(map[rooms.Conn]rooms.Place{a.conn: {Room: "x", Send: rooms.AllSources},
		all[0].conn: {Room: "x"}, all[1].conn: {Room: "x"}, all[2].conn: {Room: "x"}, all[3].conn: {Room: "x"}, all[4].conn: {Room: "x"}})
	for _, b := range all {
		b.hears("a-cam")
	}
	if n := s.Stats().KeyframeRequests - before; n != 1 {
		t.Errorf("%d keyframe requests for five who joined at once, want 1", n)
	}
}

// Probes are media that has come already: none may go out twice.
func TestProbesAreNeverForwarded(t *testing.T) {
	t.Parallel()
	s, r := testSFU(t)
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h", "f"}})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1})
	together(r, a, b)
	track := b.hears("a-camh")
	for range 40 {
		for back := range 12 {
			for _, c := range a.camera {
				c.probe(back)
			}
		}
		pass(t, 10*time.Millisecond)
	}
	b.unbroken(track)
	if n := s.Stats().Duplicates; n < 1000 {
		t.Errorf("%d duplicates dropped; the probes did not reach the server", n)
	}
}
