package sfu

import (
	"testing"

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
