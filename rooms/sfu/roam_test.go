package sfu

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"viop/rooms"
)

// roaming is a browser's network behind a translator that may forget it: from
// then on its packets leave from another port, and what comes to the old one is
// lost. The browser does not notice.
type roaming struct {
	net.PacketConn // what the browser believes to have
	in             chan parcel
	wg             sync.WaitGroup

	mu      sync.Mutex
	outside net.PacketConn // guarded by mu
}

type parcel struct {
	b    []byte
	from net.Addr
}

func newRoaming(t *testing.T) (*roaming, func(*webrtc.SettingEngine)) {
	t.Helper()
	inside, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	r := &roaming{PacketConn: inside, in: make(chan parcel, 1024)}
	r.move(t)
	t.Cleanup(func() {
		_ = r.Close()
		r.wg.Wait()
	})
	return r, func(s *webrtc.SettingEngine) {
		mux := webrtc.NewICEUDPMux(pionLog{discard}.NewLogger("test"), r)
		t.Cleanup(func() { _ = mux.Close() })
		s.SetICEUDPMux(mux)
	}
}

// move to another port.
func (r *roaming) move(t *testing.T) {
	t.Helper()
	outside, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outside != nil {
		_ = r.outside.Close()
	}
	r.outside = outside
	r.wg.Go(func() {
		for {
			b := make([]byte, 2048)
			n, from, err := outside.ReadFrom(b)
			if err != nil {
				return
			}
			select {
			case r.in <- parcel{b[:n], from}:
			default:
			}
		}
	})
}

func (r *roaming) ReadFrom(b []byte) (int, net.Addr, error) {
	d, ok := <-r.in
	if !ok {
		return 0, nil, net.ErrClosed
	}
	return copy(b, d.b), d.from, nil
}

func (r *roaming) WriteTo(b []byte, to net.Addr) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outside.WriteTo(b, to)
}

func (r *roaming) Close() error {
	r.mu.Lock()
	_ = r.outside.Close()
	r.mu.Unlock()
	r.wg.Wait()
	err := r.PacketConn.Close()
	if err == nil {
		close(r.in)
	}
	return err
}

// A translator gives a browser another port in the middle of a session: both
// directions go on at once, without anybody asking for anything, and Pion's
// part follows.
func TestAddressChangesInMidCall(t *testing.T) {
	_, r := testSFU(t)
	if r.engine.plane == nil {
		t.Skip("Pion waits for a check from the new address and its nomination")
	}
	network, settings := newRoaming(t)
	o := browserOptions{audio: 1, video: 1}
	b := join(t, r, "b", o)
	o.settings = settings
	a := join(t, r, "a", o)
	together(r, a, b)
	b.hears("a-cam")
	a.hears("b-cam")
	network.move(t)
	moved := time.Now()
	n, m := b.count("a-cam"), a.count("b-cam")
	b.until("a from its new address", func() bool { return b.countLocked("a-cam") > n+15 })
	a.until("b at its new address", func() bool { return a.countLocked("b-cam") > m+15 })
	for _, c := range []struct {
		who  *browser
		from string
	}{{a, "b-cam"}, {b, "a-cam"}} {
		if gap := c.who.gapAfter(c.from, moved); gap > time.Second {
			t.Errorf("%s has not got %s for %v", c.who.name, c.from, gap)
		}
	}
	// Keyframes are asked for by RTCP, which is Pion's.
	plis := func() int {
		n := 0
		a.camera[0].set(func(s *sendTrack) { n = s.plis })
		return n
	}
	had := plis()
	c := join(t, r, "c", browserOptions{audio: 2, video: 2})
	together(r, a, b, c)
	c.hears("a-cam")
	eventually(t, "a keyframe asked of the new address", func() bool { return plis() > had })
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has(is[rooms.PeerDown]) || a.has(is[rooms.ICERestart]) {
		t.Error("a change of address was taken for a loss")
	}
}

// gapAfter is the longest time without a packet of a mark since a moment.
func (b *browser) gapAfter(from string, moment time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, longest := moment, time.Duration(0)
	for _, list := range b.got {
		for _, g := range list {
			if g.from == from && g.at.After(moment) {
				longest = max(longest, g.at.Sub(last))
				last = g.at
			}
		}
	}
	return longest
}
