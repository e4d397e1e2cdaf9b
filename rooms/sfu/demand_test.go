package sfu

import (
	"slices"
	"testing"
	"time"

	"viop/rooms"
)

func TestDemand(t *testing.T) {
	type set = [maxLayers]bool
	all := set{true, true, true}
	low, none := set{true}, set{}
	type step struct {
		after               time.Duration
		used, known, coming set
		stopped             set
		onCall              set
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"what nobody gets is stopped, after a while", []step{
			{0, low, all, all, none, none}, {4 * time.Second, low, all, all, none, none},
			{time.Second, low, all, all, set{false, true, true}, set{false, true, true}},
		}},
		{"what is scrolled past is not", []step{
			{0, all, all, all, none, none}, {4 * time.Second, low, all, all, none, none}, {time.Second / 2, all, all, all, none, none}, {4 * time.Second, low, all, all, none, none},
		}},
		{"nobody looks at all: nothing is made", []step{{0, none, all, all, none, none}, {5 * time.Second, none, all, all, all, all}}},
		{"what has never come is left alone", []step{{0, none, low, low, none, none}, {9 * time.Second, none, low, low, low, low}}},
		{"who looks again calls it back at once, and it is counted on", []step{
			{0, low, all, all, none, none}, {5 * time.Second, low, all, all, set{false, true, true}, set{false, true, true}},
			{9 * time.Second, set{true, true}, all, low, set{false, false, true}, set{false, true, true}},
			{100 * time.Millisecond, set{true, true}, all, set{true, true}, set{false, false, true}, set{false, false, true}},
		}},
		{"what does not come back is not waited for, nor stopped again", []step{
			{0, low, all, all, none, none}, {5 * time.Second, low, all, all, set{false, true, true}, set{false, true, true}},
			{time.Second, set{true, true}, all, low, set{false, false, true}, set{false, true, true}},
			{3 * time.Second, low, all, low, set{false, false, true}, set{false, false, true}},
			{time.Minute, low, all, low, set{false, false, true}, set{false, false, true}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d demand
			now := int64(time.Hour)
			for i, s := range c.steps {
				now += int64(s.after)
				before := d.stopped
				if changed := d.step(now, s.used, s.known, s.coming); changed != (before != d.stopped) {
					t.Errorf("step %d: changed = %v, from %v to %v", i, changed, before, d.stopped)
				}
				var onCall set
				for rank := range onCall {
					onCall[rank] = d.onCall(rank, now)
				}
				if d.stopped != s.stopped || onCall != s.onCall {
					t.Errorf("step %d: stopped %v, on call %v, want %v and %v", i, d.stopped, onCall, s.stopped, s.onCall)
				}
			}
		})
	}
}

// A page is told to stop what nobody gets, and has it back, from a keyframe
// and without a break, when somebody wants it.
func TestPagesMakeWhatSomebodyGets(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h", "f"}})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1})
	together(r, a, b)
	show := func(height int) {
		b.peer.Want([]rooms.Want{{Handle: "a", Source: rooms.Camera, Height: height}})
	}
	makes := func(want ...bool) {
		t.Helper()
		a.until("its encoders told", func() bool {
			return slices.EqualFunc(a.camera, want, func(s *sendTrack, on bool) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.unwanted != on
			})
		})
	}
	show(90)
	b.hears("a-camq")
	makes(true, false, false)
	show(720)
	b.hears("a-camf")
	makes(true, false, true)
	show(0)
	makes(false, false, false)
	show(720)
	n := b.count("a-camf")
	b.until("the full layer again", func() bool { return b.countLocked("a-camf") > n+20 })
	b.unbroken("v0")
}
