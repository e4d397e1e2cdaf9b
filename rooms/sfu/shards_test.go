package sfu

import (
	"net/netip"
	"testing"
)

// Rooms are divided among the shards, which have ports of their own and know
// nothing of each other's people.
func TestShards(t *testing.T) {
	s, first := testSFU(t, func(c *Config) { c.Shards = 2 })
	media, err := s.Room("another")
	must(t, err)
	second := media.(*room)
	if first.engine == second.engine {
		t.Fatal("two rooms are on one of two shards")
	}
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, first, "a", o), join(t, first, "b", o)
	c, d := join(t, second, "c", o), join(t, second, "d", o)
	together(first, a, b)
	together(second, c, d)
	b.hears("a-cam")
	d.hears("c-cam")
	port := func(x *browser) uint16 {
		pair, err := x.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		must(t, err)
		return pair.Remote.Port
	}
	if port(a) != port(b) || port(c) != port(d) || port(a) == port(c) {
		t.Errorf("ports %d, %d and %d, %d; want one for each room", port(a), port(b), port(c), port(d))
	}
	if n := b.count("c-cam") + d.count("a-cam"); n != 0 {
		t.Errorf("%d packets went from room to room", n)
	}
	if got := s.Stats(); got.Peers != 4 || mediaPath() == PathAuto && got.Ways[PathPlane] != 4 {
		t.Errorf("Stats() = %+v", got)
	}
	must(t, second.Close())
	third, err := s.Room("a third")
	must(t, err)
	if third.(*room).engine != second.engine {
		t.Error("a room goes to the shard that has one already")
	}
}

func TestShardPorts(t *testing.T) {
	c := Config{UDP: netip.MustParseAddrPort("192.0.2.1:7800"), TCP: netip.AddrPort{}, Loudest: 3}
	if got := c.shard(2); got.UDP != netip.MustParseAddrPort("192.0.2.1:7802") || got.TCP.IsValid() || got.Loudest != 3 {
		t.Errorf("shard(2) = %+v", got)
	}
}
