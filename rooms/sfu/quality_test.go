package sfu

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"viop/rooms"
)

// lossy drops a share of the RTP and RTCP in both directions, and all of it
// while it is cut.
type lossy struct {
	net.PacketConn
	share atomic.Uint64 // of 1000
	cut   atomic.Bool
	lost  atomic.Uint64
}

func (l *lossy) drops(b []byte) bool {
	if l.cut.Load() {
		return true
	}
	media := len(b) > 0 && b[0] >= 128 && b[0] < 192
	if media && rand.Uint64N(1000) < l.share.Load() {
		l.lost.Add(1)
		return true
	}
	return false
}

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.PacketConn.ReadFrom(b)
		if err != nil || !l.drops(b[:n]) {
			return n, from, err
		}
	}
}

func (l *lossy) WriteTo(b []byte, to net.Addr) (int, error) {
	if l.drops(b) {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, to)
}

// lossyLine is a browser's network.
func lossyLine(t *testing.T) (*lossy, func(*webrtc.SettingEngine)) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	l := &lossy{PacketConn: conn}
	t.Cleanup(func() { _ = conn.Close() })
	return l, func(s *webrtc.SettingEngine) {
		mux := webrtc.NewICEUDPMux(pionLog{discard}.NewLogger("test"), l)
		t.Cleanup(func() { _ = mux.Close() })
		s.SetICEUDPMux(mux)
	}
}

// whole checks that all numbers of a track arrived in the end, each once, but
// for the newest that may still be on their way.
func (b *browser) whole(track string) (missing, total int) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.got[track]
	first := list[0].seq
	marks := map[uint16]got{}
	end := 0
	for _, g := range list {
		if at := int(g.seq - first); at < 30000 {
			end = max(end, at)
		}
		other, again := marks[g.seq]
		if again && !g.repair && !other.repair {
			b.t.Errorf("%s %s: number %d came twice", b.name, track, g.seq)
		}
		other.repair = g.repair
		if other.at = g.at; again && other != g {
			b.t.Errorf("%s %s: number %d was repaired with %+v, first was %+v", b.name, track, g.seq, g, other)
		}
		if !again || !g.repair {
			marks[g.seq] = g
		}
	}
	total = end - 60
	for at := range max(total, 0) {
		g, ok := marks[first+uint16(at)]
		if !ok {
			missing++
			continue
		}
		if before, ok := marks[first+uint16(at)-1]; ok && before.ts == g.ts && before.pic != g.pic {
			b.t.Errorf("%s %s: one frame has pictures %d and %d", b.name, track, before.pic, g.pic)
		}
	}
	return missing, total
}

func testRepair(t *testing.T, publisher bool) {
	t.Helper()
	t.Parallel()
	s, r := testSFU(t)
	line, settings := lossyLine(t)
	send, recv := browserOptions{audio: 1, video: 1}, browserOptions{audio: 1, video: 1}
	if publisher {
		send.settings = settings
	} else {
		recv.settings = settings
	}
	a, b := join(t, r, "a", send), join(t, r, "b", recv)
	together(r, a, b)
	b.hears("a-cam")
	b.hears("a-mic")
	line.share.Store(50)
	b.until("400 packets", func() bool { return len(b.got["v0"]) > 400 })
	line.share.Store(0)
	pass(t, 500*time.Millisecond)
	missing, total := b.whole("v0")
	if line.lost.Load() < 20 {
		t.Fatalf("only %d packets were lost, the line is too good to test", line.lost.Load())
	}
	if missing > total/200 {
		t.Errorf("%d of %d packets missing after repair, %d were lost on the line", missing, total, line.lost.Load())
	}
	if n := s.Stats().Resent; !publisher && n == 0 {
		t.Error("nothing was resent")
	}
}

func TestLossTowardsTheServerIsRepaired(t *testing.T) { testRepair(t, true) }
func TestLossTowardsABrowserIsRepaired(t *testing.T)  { testRepair(t, false) }

// Without a repair stream a NACK is not answered: changed bytes under a used
// number would break the encryption.
func TestNoRepairStreamNoRepair(t *testing.T) {
	t.Parallel()
	s, r := testSFU(t)
	line, settings := lossyLine(t)
	a, b := join(t, r, "a", browserOptions{}), join(t, r, "b", browserOptions{video: 1, noRTX: true, settings: settings})
	together(r, a, b)
	track := b.hears("a-cam")
	line.share.Store(50)
	b.until("200 packets", func() bool { return len(b.got[track]) > 200 })
	if n := s.Stats().Resent; n != 0 {
		t.Errorf("%d packets resent", n)
	}
	b.whole(track)
}

// Each receiver gets the layer its tile needs, and changes it without a break.
func TestSimulcastFollowsTheTile(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h", "f"}})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1})
	c := join(t, r, "c", browserOptions{audio: 1, video: 1})
	together(r, a, b, c)
	show := func(b *browser, height int) {
		b.peer.Want([]rooms.Want{{Handle: "a", Source: rooms.Camera, Height: height}})
	}
	latest := func(b *browser, name string) {
		b.until("layer "+name, func() bool {
			list := b.got["v0"]
			return len(list) > 0 && list[len(list)-1].from == name
		})
	}
	show(b, 720)
	show(c, 90)
	latest(b, "a-camf")
	latest(c, "a-camq")
	show(b, 180)
	latest(b, "a-camq")
	show(b, 400)
	latest(b, "a-camh")
	show(b, 1080)
	latest(b, "a-camf")
	if n := c.count("a-camf"); n > 0 {
		t.Errorf("the small tile got %d packets of the full layer", n)
	}
	show(b, 0)
	b.until("hidden", func() bool { return b.slots[1].Paused && b.slots[1].Why == "hidden" && b.slots[1].Handle == "a" })
	pass(t, 50*time.Millisecond)
	n := b.count("a-camf")
	pass(t, 200*time.Millisecond)
	if b.count("a-camf") != n {
		t.Error("a hidden tile still gets packets")
	}
	show(b, 720)
	latest(b, "a-camf")
	b.unbroken("v0")
	c.unbroken("v0")
}

// A layer that is not there is not waited for, and is taken when it comes.
func TestLayerThatIsMissing(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h", "f"}})
	a.camera[2].set(func(s *sendTrack) { s.off = true })
	b := join(t, r, "b", browserOptions{audio: 1, video: 1})
	together(r, a, b)
	b.peer.Want([]rooms.Want{{Handle: "a", Source: rooms.Camera, Height: 720}})
	b.hears("a-camh")
	a.camera[2].set(func(s *sendTrack) { s.off = false })
	b.hears("a-camf")
	a.camera[2].set(func(s *sendTrack) { s.off = true })
	full := b.count("a-camh")
	b.until("half again", func() bool { return b.countLocked("a-camh") > full })
	b.unbroken("v0")
}

// On a bad line the picture gives way and the voice does not.
func TestLossCostsPictureNotVoice(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	line, settings := lossyLine(t)
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h", "f"}})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1, settings: settings})
	c := join(t, r, "c", browserOptions{audio: 1, video: 1})
	together(r, a, b, c)
	for _, x := range []*browser{b, c} {
		x.peer.Want([]rooms.Want{{Handle: "a", Source: rooms.Camera, Height: 720}})
		x.hears("a-camf")
	}
	line.share.Store(250)
	b.until("a lower layer, or none", func() bool {
		list := b.got["v0"]
		return list[len(list)-1].from == "a-camq" || b.slots[1].Paused && b.slots[1].Why == "bandwidth"
	})
	n := b.count("a-mic")
	b.until("the voice", func() bool { return b.countLocked("a-mic") > n+20 })
	c.mu.Lock()
	defer c.mu.Unlock()
	if list := c.got["v0"]; list[len(list)-1].from != "a-camf" {
		t.Errorf("the other one's good line carries %s", list[len(list)-1].from)
	}
}

func TestSpeakers(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 2, video: 2}
	a, b, c := join(t, r, "a", o), join(t, r, "b", o), join(t, r, "c", o)
	together(r, a, b, c)
	a.mu.Lock()
	a.level = 100
	a.mu.Unlock()
	b.mu.Lock()
	b.level = 85
	b.mu.Unlock()
	last := func(x *browser) []rooms.Level {
		for _, e := range slices.Backward(x.events) {
			if s, ok := e.(rooms.Speakers); ok {
				return s.Levels
			}
		}
		return nil
	}
	c.until("a, then b", func() bool {
		l := last(c)
		return len(l) == 2 && l[0].Handle == "a" && l[1].Handle == "b" && l[0].Level > 95
	})
	// Muted by the room, however loud the page is.
	r.Route(map[rooms.Conn]rooms.Place{a.conn: {Room: rooms.MainRoom}, b.conn: {Room: rooms.MainRoom, Send: rooms.Mic}, c.conn: {Room: rooms.MainRoom}})
	c.until("only b", func() bool { l := last(c); return len(l) == 1 && l[0].Handle == "b" })
	b.mu.Lock()
	b.level = 0
	b.mu.Unlock()
	c.until("silence", func() bool { return len(last(c)) == 0 && c.has(is[rooms.Speakers]) })
}
