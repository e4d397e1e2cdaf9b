package sfu

import (
	"slices"
	"testing"

	"github.com/pion/webrtc/v4"

	"viop/rooms"
)

// A network stops letting UDP through in the middle of a session. After the ICE
// restart the same transport carries on over TCP, its numbers go on, and
// nothing is sealed twice.
func TestUDPBlockedInMidCall(t *testing.T) {
	t.Parallel()
	s, r := testSFU(t, func(c *Config) { c.TCP = loopback })
	line, settings := lossyLine(t)
	o := browserOptions{audio: 1, video: 1}
	b := join(t, r, "b", o)
	o.settings = func(se *webrtc.SettingEngine) {
		settings(se)
		se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	}
	a := join(t, r, "a", o)
	together(r, a, b)
	b.hears("a-cam")
	a.hears("b-cam")
	protocol := func() webrtc.ICEProtocol {
		pair, err := a.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		if err != nil || pair == nil {
			return webrtc.ICEProtocolUDP
		}
		return pair.Local.Protocol
	}
	if protocol() != webrtc.ICEProtocolUDP {
		t.Skip("the first pair is not UDP")
	}
	line.cut.Store(true)
	a.until("asked to restart", func() bool { return a.has(is[rooms.ICERestart]) })
	a.negotiate(&webrtc.OfferOptions{ICERestart: true})
	eventually(t, "the pair is TCP", func() bool { return protocol() == webrtc.ICEProtocolTCP })
	n, m, pictures := b.count("a-mic"), a.count("b-mic"), a.count("b-cam")
	b.until("a over TCP", func() bool { return b.countLocked("a-mic") > n+60 })
	a.until("b over TCP", func() bool { return a.countLocked("b-mic") > m+60 })
	// On a machine with other work the line may be taken for a thin one, and is
	// then said to be.
	a.until("b's picture over TCP, or why not", func() bool {
		return a.countLocked("b-cam") > pictures+60 || slices.ContainsFunc(a.slots, func(s rooms.Slot) bool { return s.Why == whyBandwidth })
	})
	b.unbroken("a0")
	if got := s.Stats(); mediaPath() == PathAuto && (got.Ways[PathPlane] != 2 || got.Plane.Refused != 0) {
		t.Errorf("Stats() = %+v, want both by the plane", got)
	}
}
