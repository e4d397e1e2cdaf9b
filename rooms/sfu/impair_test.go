package sfu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"viop/rooms"
)

// films gives the moments at which a decoder would have shown a picture of a
// track, and the layer each was of: when it was whole, and the one before it
// had been shown or it was a keyframe.
func (b *browser) films(track string) (at []time.Time, from []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const parts = 3
	type picture struct {
		parts uint8
		key   bool
		from  string
	}
	pictures := map[uint16]*picture{}
	begun := false
	var last uint16
	for _, g := range b.got[track] {
		if g.from == "" {
			continue
		}
		p := pictures[g.pic]
		if p == nil {
			p = &picture{}
			pictures[g.pic] = p
		}
		p.parts |= 1 << g.part
		p.key = p.key || g.key
		p.from = g.from
		for {
			next := pictures[(last+1)&0x7fff]
			switch {
			case p.parts == 1<<parts-1 && p.key && (!begun || int16((g.pic-last)<<1) > 0):
				next, last, begun = p, g.pic, true
			case begun && next != nil && next.parts == 1<<parts-1:
				last = (last + 1) & 0x7fff
			default:
				next = nil
			}
			if next == nil {
				break
			}
			at, from = append(at, g.at), append(from, next.from)
			next.parts = 0 // shown
		}
	}
	return at, from
}

// longestFreeze between two pictures.
func longestFreeze(at []time.Time) time.Duration {
	longest := time.Duration(0)
	for i := 1; i < len(at); i++ {
		longest = max(longest, at[i].Sub(at[i-1]))
	}
	return longest
}

// shownNow is what a page would see of everybody: the layer of the newest
// picture of each video slot that is less than a second old, and why there is
// none. By handle.
func (b *browser) shownNow() map[rooms.Handle]string {
	b.mu.Lock()
	slots := slices.Clone(b.slots)
	b.mu.Unlock()
	out := map[rooms.Handle]string{}
	for _, s := range slots {
		if s.Audio || s.Handle == "" {
			continue
		}
		out[s.Handle] = s.Why
		if at, from := b.films(fmt.Sprintf("v%d", s.Index)); len(at) > 0 && time.Since(at[len(at)-1]) < time.Second {
			out[s.Handle] = from[len(from)-1]
		}
	}
	return out
}

// askKeyframe is a decoder that is stuck.
func (b *browser) askKeyframe(track string) {
	for _, r := range b.pc.GetReceivers() {
		if remote := r.Track(); remote != nil && remote.ID() == track {
			_ = b.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
		}
	}
}

// forgetSounds has silences count from now on.
func (b *browser) forgetSounds() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.sounds)
}

// A minute on a bad radio: 80 ms each way, 20 more or less, one in twenty
// packets lost in each direction.
func TestMinuteOnABadRadio(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	_, settings := newPath(t, impairment{delay: 80 * time.Millisecond, jitter: 20 * time.Millisecond, loss: 0.05})
	a := join(t, r, "a", browserOptions{rids: []string{"q", "h"}, red: true})
	b := join(t, r, "b", browserOptions{audio: 1, video: 1, red: true, twcc: true, settings: settings})
	together(r, a, b)
	b.peer.Want([]rooms.Want{{Handle: "a", Source: rooms.Camera, Height: 360}})
	b.hears("a-camh")
	pass(t, 5*time.Second)
	b.forgetSounds()
	begun := time.Now()
	a.camera[1].rested()
	before := a.camera[1].frameNow()
	for time.Since(begun) < time.Minute {
		pass(t, 100*time.Millisecond)
		// Decoders that are stuck ask for a keyframe.
		if at, _ := b.films("v0"); time.Since(at[len(at)-1]) > 300*time.Millisecond {
			b.askKeyframe("v0")
		}
	}
	at, from := b.films("v0")
	first := 0
	for first < len(at) && at[first].Before(begun) {
		first++
	}
	at, from = at[first:], from[first:]
	full := 0
	for _, l := range from {
		if l == "a-camh" {
			full++
		}
	}
	missing, total := b.silences("a-mic")
	t.Logf("%d pictures, %d of them full, longest freeze %v; %d of %d sounds missing", len(at), full, longestFreeze(at), missing, total)
	if len(at) < 300 || full < len(at)/2 {
		t.Errorf("%d pictures in a minute, %d of the full layer", len(at), full)
	}
	// A machine that is busy makes none for a while; that is not the line's. One
	// that cannot make a camera's pictures delays everything else, too, and what
	// it says of freezes is nothing.
	const nominal = 60 * 1000 / 33
	made := a.camera[1].frameNow() - before
	if f, own := longestFreeze(at), a.camera[1].rested(); made < nominal*9/10 {
		t.Logf("a machine so busy that the camera makes %d of %d pictures: a freeze of %v is not judged", made, nominal, f)
	} else if f > time.Second+own {
		t.Errorf("the picture froze for %v, the camera for %v", f, own)
	}
	if total < 500 || missing > total/50 {
		t.Errorf("%d of %d sounds are missing", missing, total)
	}
}

// A room of eight, and one of them on 300 kbit/s: everybody she can hear stays
// whole, pictures go in order, and ten seconds after relief all is back.
func TestThinLineInARoomOfEight(t *testing.T) {
	t.Parallel()
	_, r := testSFU(t)
	path, settings := newPath(t, impairment{delay: 30 * time.Millisecond})
	b := join(t, r, "b", browserOptions{audio: 7, video: 7, red: true, twcc: true, settings: settings})
	all := []*browser{b}
	var tiles []rooms.Want
	for i := range 7 {
		p := join(t, r, fmt.Sprint("p", i), browserOptions{rids: []string{"q", "h"}, red: true})
		all = append(all, p)
		tiles = append(tiles, rooms.Want{Handle: p.handle, Source: rooms.Camera, Height: 360})
	}
	// Two are talking; what the others send is what is sent in silence.
	speaker, other := all[7], all[3]
	for _, p := range all[1:] {
		p.mic.set(func(s *sendTrack) { s.silent = p != speaker && p != other })
	}
	speaker.loud(100)
	other.loud(85)
	together(r, all...)
	b.peer.Want(tiles)
	full := func() bool {
		shown := b.shownNow()
		for _, p := range all[1:] {
			if shown[p.handle] != p.name+"-camh" {
				return false
			}
		}
		return true
	}
	eventually(t, "everybody's full picture", full)

	path.line.Store(&impairment{delay: 30 * time.Millisecond, rate: 300e3})
	pass(t, 5*time.Second)
	b.forgetSounds()
	pass(t, 10*time.Second)
	shown := b.shownNow()
	t.Logf("on 300 kbit/s: %v", shown)
	pictures := 0
	for _, p := range all[1:] {
		switch shown[p.handle] {
		case p.name + "-camq", p.name + "-camh":
			pictures++
		case whyBandwidth:
		default:
			t.Errorf("%s is %q, want a picture or the reason why not", p.name, shown[p.handle])
		}
	}
	if pictures == 7 {
		t.Error("seven pictures on 300 kbit/s: the line is not thin")
	}
	if shown[speaker.handle] == whyBandwidth {
		t.Errorf("there is room for a small picture of the speaker: %v", shown)
	}
	for _, p := range []*browser{speaker, other} {
		if missing, total := b.silences(p.name + "-mic"); total < 100 || missing > total/50 {
			t.Errorf("%d of %d sounds of %s are missing, in ten seconds", missing, total, p.name)
		}
	}

	path.line.Store(&impairment{delay: 30 * time.Millisecond})
	relieved := time.Now()
	eventually(t, "everybody's full picture again", full)
	if d := time.Since(relieved); d > 10*time.Second {
		t.Errorf("all was back after %v, want ten seconds", d)
	}
}

func (b *browser) protocol() webrtc.ICEProtocol {
	b.t.Helper()
	pair, err := b.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	must(b.t, err)
	return pair.Local.Protocol
}

// Where UDP does not pass, ICE-TCP carries the same room, as whole.
func TestUDPBlockedForOne(t *testing.T) {
	t.Parallel()
	s, r := testSFU(t, func(c *Config) { c.TCP = loopback })
	path, blocked := newPath(t, impairment{loss: 1})
	o := browserOptions{audio: 2, video: 2, red: true, twcc: true}
	b, c := join(t, r, "b", o), join(t, r, "c", o)
	o.settings = func(e *webrtc.SettingEngine) {
		blocked(e)
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	}
	a := join(t, r, "a", o)
	together(r, a, b, c)
	for _, me := range []*browser{a, b, c} {
		for _, other := range []*browser{a, b, c} {
			if me != other {
				me.hears(other.name + "-mic")
				me.hears(other.name + "-cam")
			}
		}
	}
	if p := a.protocol(); p != webrtc.ICEProtocolTCP {
		t.Fatalf("the blocked one is on %v", p)
	}
	if p := b.protocol(); p != webrtc.ICEProtocolUDP {
		t.Fatalf("the other one is on %v", p)
	}
	if path.blocked() == 0 {
		t.Fatal("nobody has tried UDP: the test says nothing")
	}
	pass(t, 3*time.Second)
	for _, track := range []string{"a0", "a1", "v0", "v1"} {
		a.unbroken(track)
	}
	if missing, total := b.silences("a-mic"); total < 100 || missing > 0 {
		t.Errorf("%d of %d sounds over TCP are missing", missing, total)
	}
	if n := s.Stats().Resent; n != 0 {
		t.Errorf("%d packets resent on lines that lose nothing", n)
	}
}
