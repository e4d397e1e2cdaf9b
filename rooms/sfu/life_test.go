package sfu

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"viop/rooms"
)

// A page that sends nothing (muted, camera off) still proves that it is there;
// one whose line is cut is down, dated back; packets bring it up again.
func TestSilentLineIsDownAndComesBack(t *testing.T) {
	t.Parallel()
	s, r := testSFU(t, func(c *Config) { c.DeadAfter = 3 * time.Second })
	line, settings := lossyLine(t)
	a := join(t, r, "a", browserOptions{settings: settings})
	a.mic.set(func(s *sendTrack) { s.off = true })
	a.camera[0].set(func(s *sendTrack) { s.off = true })
	together(r, a)
	if !a.peer.LastSeen().IsZero() && a.peer.LastSeen().Before(s.base) {
		t.Errorf("LastSeen() = %v before the SFU began", a.peer.LastSeen())
	}
	a.until("connected", func() bool { return a.has(is[rooms.PeerUp]) })
	in := s.Stats().PacketsIn
	pass(t, 4*time.Second) // longer than the dead time
	a.mu.Lock()
	if a.has(is[rooms.PeerDown]) {
		t.Error("an idle page was taken for dead")
	}
	a.mu.Unlock()
	if got := time.Since(a.peer.LastSeen()); got > 3*time.Second {
		t.Errorf("an idle page was last seen %v ago", got)
	}
	if s.Stats().PacketsIn != in {
		t.Error("the page was not idle")
	}
	cut := time.Now()
	line.cut.Store(true)
	var down rooms.PeerDown
	a.until("down", func() bool {
		for _, e := range a.events {
			if d, ok := e.(rooms.PeerDown); ok {
				down = d
			}
		}
		return a.has(is[rooms.PeerDown])
	})
	if d := cut.Sub(down.LastSeen); d < -100*time.Millisecond || d > 3*time.Second {
		t.Errorf("PeerDown dated %v before the cut, want within one keepalive", d)
	}
	line.cut.Store(false)
	a.until("up again", func() bool {
		ups := 0
		for _, e := range a.events {
			if is[rooms.PeerUp](e) {
				ups++
			}
		}
		return ups == 2
	})
}

// ICE gives up, the page restarts it on the same peer, and everything goes
// on: the slots, the numbers, the people.
func TestICERestartKeepsEverything(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	b.hears("a-cam")
	a.hears("b-cam")
	a.negotiate(&webrtc.OfferOptions{ICERestart: true})
	n, m := b.count("a-cam"), a.count("b-cam")
	b.until("a after the restart", func() bool { return b.countLocked("a-cam") > n+60 })
	a.until("b after the restart", func() bool { return a.countLocked("b-cam") > m+60 })
	a.unbroken("v0")
	b.unbroken("v0")
	b.unbroken("a0")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has(is[rooms.PeerDown]) {
		t.Error("an ICE restart on a live line was taken for a loss")
	}
}

// The line is gone until ICE has given up; then it comes back.
func TestICERestartAfterFailure(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t, func(c *Config) { c.DeadAfter = 3 * time.Second })
	r.engine.iceFailed = time.Second
	line, settings := lossyLine(t)
	o := browserOptions{audio: 1, video: 1}
	b := join(t, r, "b", o)
	o.settings = settings
	a := join(t, r, "a", o)
	together(r, a, b)
	b.hears("a-cam")
	a.hears("b-cam")
	line.cut.Store(true)
	asked := func() (n int) {
		for _, e := range a.events {
			if is[rooms.ICERestart](e) {
				n++
			}
		}
		return n
	}
	a.until("asked to restart, and again when ICE gave up", func() bool { return asked() == 2 })
	a.until("down", func() bool { return a.has(is[rooms.PeerDown]) })
	line.cut.Store(false)
	a.mu.Lock()
	a.events = slices.DeleteFunc(a.events, is[rooms.PeerUp])
	a.mu.Unlock()
	a.negotiate(&webrtc.OfferOptions{ICERestart: true})
	a.until("up again", func() bool { return a.has(is[rooms.PeerUp]) })
	n, m := b.count("a-cam"), a.count("b-cam")
	b.until("a after the restart", func() bool { return b.countLocked("a-cam") > n+30 })
	a.until("b after the restart", func() bool { return a.countLocked("b-cam") > m+30 })
}

// A later offer that is refused changes nothing. One that Pion gives up in the
// middle of ends the transport, and the page begins anew.
func TestBrokenOfferInBetween(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	a.hears("b-cam")
	good := a.pc.LocalDescription().SDP
	offer := func(sdp string) {
		a.mu.Lock()
		a.offers++
		nid := a.offers
		a.mu.Unlock()
		a.peer.Signal(rooms.Signal{NID: nid, SDP: sdp})
		a.until("a refusal", func() bool {
			return a.has(func(e rooms.PeerEvent) bool { f, ok := e.(rooms.SignalFailed); return ok && f.NID == nid })
		})
	}
	offer(strings.ReplaceAll(good, "a=ice-ufrag", "a=x"))
	offer(strings.ReplaceAll(good, "a=ice-pwd", "a=x"))
	a.negotiate(&webrtc.OfferOptions{ICERestart: true})
	n := a.count("b-cam")
	a.until("b goes on", func() bool { return a.countLocked("b-cam") > n+30 })
	offer(strings.ReplaceAll(good, "apt=120", "apt=zzz"))
	a.until("down", func() bool { return a.has(is[rooms.PeerDown]) })
	must(t, a.pc.GracefulClose())
	a.build(o)
	a.negotiate(nil)
	n = a.count("b-cam")
	a.until("b on a new connection", func() bool { return a.countLocked("b-cam") > n+30 })
}

// The pool grows by a second offer; what was there stays.
func TestPoolGrows(t *testing.T) {
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{audio: 1, video: 1})
	b, c := join(t, r, "b", browserOptions{}), join(t, r, "c", browserOptions{})
	together(r, a, b, c)
	a.hears("b-cam")
	if n := a.count("c-cam"); n > 0 {
		t.Fatalf("%d packets for a slot that is not there", n)
	}
	a.slot(webrtc.RTPCodecTypeVideo)
	a.slot(webrtc.RTPCodecTypeAudio)
	a.negotiate(nil)
	if track := a.hears("c-cam"); track != "v1" {
		t.Errorf("c came on %s, want v1", track)
	}
	a.hears("c-mic")
	a.unbroken("v0")
}

// A page that builds a new PeerConnection on the same peer gets a new
// transport; the others see the same person in the same slot.
func TestNewPeerConnectionOnTheSamePeer(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	b.hears("a-cam")
	a.until("connected", func() bool { return a.has(is[rooms.PeerUp]) })
	must(t, a.pc.GracefulClose())
	a.until("down", func() bool { return a.has(is[rooms.PeerDown]) })
	n := b.count("a-cam")
	a.mu.Lock()
	clear(a.got)
	a.mu.Unlock()
	a.build(o)
	a.negotiate(nil)
	b.until("a on its new connection", func() bool { return b.countLocked("a-cam") > n+10 })
	a.hears("b-cam")
	a.unbroken("v0")
	b.unbroken("v0")
}

func TestOverTCPOnly(t *testing.T) {
	_, r := testSFU(t, func(c *Config) { c.UDP, c.TCP = netip.AddrPort{}, loopback })
	o := browserOptions{audio: 1, video: 1, settings: func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	a.hears("b-cam")
	b.hears("a-cam")
	pair, err := a.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	must(t, err)
	if pair.Local.Protocol != webrtc.ICEProtocolTCP {
		t.Errorf("the pair is %v, not TCP", pair.Local.Protocol)
	}
	b.hears("a-cam")
	b.unbroken("v0")
}

func TestPublicAddressIsToldInstead(t *testing.T) {
	_, r := testSFU(t, func(c *Config) { c.PublicIPs = []netip.Addr{netip.MustParseAddr("203.0.113.7")} })
	a := join(t, r, "a", browserOptions{audio: 1})
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if answer, ok := e.(rooms.Answer); ok {
			if !strings.Contains(answer.SDP, "203.0.113.7") || strings.Contains(answer.SDP, "127.0.0.1 ") {
				t.Errorf("candidates of the answer:\n%s", candidates(answer.SDP))
			}
		}
	}
}

func candidates(sdp string) (out string) {
	for line := range strings.Lines(sdp) {
		if strings.HasPrefix(line, "a=candidate") {
			out += line
		}
	}
	return out
}

// The answer decides what is spoken: DTLS server, no codec but ours.
func TestAnswer(t *testing.T) {
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{audio: 2, video: 2, rids: []string{"q", "h", "f"}})
	var sdp string
	for _, e := range a.events {
		if answer, ok := e.(rooms.Answer); ok {
			sdp = answer.SDP
		}
	}
	for _, want := range []string{"a=setup:passive", "a=simulcast:recv q;h;f", "a=ssrc-group:FID", "a=rtcp-fb:120 nack pli", "a=rtcp-fb:120 goog-remb", "ssrc-audio-level"} {
		if !strings.Contains(sdp, want) {
			t.Errorf("the answer lacks %q", want)
		}
	}
	if !strings.Contains(candidates(sdp), "127.0.0.1") {
		t.Errorf("the answer has no candidate to trickle for")
	}
	if strings.Contains(sdp, ".local") {
		t.Error("the answer hides an address behind mDNS")
	}
}

func TestStaleOfferIsRefused(t *testing.T) {
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{})
	a.peer.Signal(rooms.Signal{NID: 1, SDP: a.pc.LocalDescription().SDP})
	a.until("a refusal", func() bool {
		return a.has(func(e rooms.PeerEvent) bool { f, ok := e.(rooms.SignalFailed); return ok && f.Code == "stale_nid" })
	})
}

// Candidates a browser may send: hidden behind mDNS, empty, broken.
func TestCandidates(t *testing.T) {
	_, r := testSFU(t)
	a := join(t, r, "a", browserOptions{})
	mid := a.pc.GetTransceivers()[0].Mid()
	for _, c := range []rooms.Signal{
		{NID: 1, Mid: mid, Candidate: "candidate:1 1 UDP 2122252543 0b1c2d3e-1111-2222-3333-444455556666.local 54321 typ host"},
		{NID: 1, Mid: mid},
		{NID: 1, End: true},
	} {
		a.peer.Signal(c)
	}
	a.peer.Signal(rooms.Signal{NID: 1, Mid: mid, Candidate: "candidate: nonsense"})
	a.until("one refusal", func() bool { return a.has(is[rooms.SignalFailed]) })
	n := 0
	for _, e := range a.events {
		if is[rooms.SignalFailed](e) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d refusals, want one for the broken candidate", n)
	}
}

// Two hundred people come and go; everything that was started has ended, and
// the counters have not gone back.
func TestChurnLeavesNothing(t *testing.T) {
	s, err := New(Config{Path: mediaPath(), UDP: loopback, TCP: loopback, Loopback: true}, discard)
	must(t, err)
	media, err := s.Room("session")
	must(t, err)
	r := media.(*room)
	before := runtime.NumGoroutine()
	stay := join(t, r, "stay", browserOptions{audio: 2, video: 2})
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	var last Stats
	for i := range rounds {
		b := join(t, r, fmt.Sprint("p", i), browserOptions{audio: 1, video: 1})
		together(r, stay, b)
		if i%4 == 0 { // the others leave in the middle of it
			stay.hears(b.name + "-mic")
		}
		b.close()
		now := s.Stats()
		if now.PacketsIn < last.PacketsIn || now.PacketsOut < last.PacketsOut {
			t.Fatalf("counters went back from %+v to %+v", last, now)
		}
		last = now
	}
	stay.close()
	eventually(t, "goroutines back to what they were", func() bool { return runtime.NumGoroutine() <= before })
	must(t, media.Close())
	must(t, s.Close())
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
	if got := s.Stats(); got.Rooms != 0 || got.Peers != 0 || got.PacketsOut == 0 {
		t.Errorf("Stats() after the end = %+v", got)
	}
}

func TestNoEventAfterClose(t *testing.T) {
	_, r := testSFU(t)
	for i := range 20 {
		a := join(t, r, fmt.Sprint("a", i), browserOptions{audio: 1})
		together(r, a)
		if i%2 == 0 {
			a.until("connected", func() bool { return a.has(is[rooms.PeerUp]) })
		}
		a.peer.Close()
		a.mu.Lock()
		n := len(a.events)
		a.mu.Unlock()
		runtime.Gosched()
		a.peer.Want(nil)
		a.peer.Publishing(rooms.Mic)
		a.peer.Signal(rooms.Signal{NID: 9, SDP: "late"})
		a.close()
		a.mu.Lock()
		if len(a.events) != n {
			t.Errorf("events after Close: %#v", a.events[n:])
		}
		a.mu.Unlock()
	}
}

func TestAttachToAClosedRoom(t *testing.T) {
	s, r := testSFU(t)
	must(t, r.Close())
	if _, err := r.Attach(rooms.Attachment{Conn: "c1-1"}, func(rooms.PeerEvent) {}); err == nil {
		t.Error("Attach to a closed room succeeded")
	}
	must(t, s.Close())
	if _, err := s.Room("x"); err == nil {
		t.Error("Room of a closed SFU succeeded")
	}
}
