package sfu

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"viop/rooms"
	"viop/rooms/sfu/rewrite"
)

// A browser stands in for a page: it offers the sections our page offers,
// sends marked media from a goroutine, serves keyframes when asked, and keeps
// every packet it gets.

var (
	loopback = netip.MustParseAddrPort("127.0.0.1:0")
	discard  = slog.New(slog.NewTextHandler(io.Discard, nil))
)

// testRED is the payload type a browser gives to redundant sound.
const testRED = 63

// mediaPath is the way all tests of this package go: the whole suite runs once
// for each (make unit).
func mediaPath() Path { return Path(cmp.Or(os.Getenv("VIOP_MEDIA_PATH"), string(PathAuto))) }

// testSFU on loopback with a room.
func testSFU(t *testing.T, configure ...func(*Config)) (*SFU, *room) {
	t.Helper()
	c := Config{UDP: loopback, Loopback: true, Path: mediaPath()}
	for _, f := range configure {
		f(&c)
	}
	s, err := New(c, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	media, err := s.Room("session")
	if err != nil {
		t.Fatal(err)
	}
	return s, media.(*room)
}

var explained sync.Map

// explain a failure, once, by what the room believed.
func (r *room) explain(t *testing.T) {
	if !t.Failed() {
		return
	}
	if _, again := explained.LoadOrStore(r, true); again {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.sfu.now()
	for _, p := range r.peers {
		if p.transport == nil {
			t.Logf("%s has no transport", p.attachment.Handle)
			continue
		}
		known := &p.transport.downlink.known
		t.Logf("%s: limit %d; by loss %+v; by feedback %.0f, loss %.2f, heard %v ago; wants %v; ready %v by %s", p.attachment.Handle, p.limit, p.budget,
			known.Limit(), known.Loss(), time.Duration(now-known.Heard()), p.wants, p.transport.connected, p.transport.path)
		for kind, src := range p.transport.sources {
			t.Logf("  sends %v, demand %+v", kind, src.demand)
			for rank := range src.layers {
				if l := src.layers[rank].Load(); l != nil {
					t.Logf("    layer %d: %v ago, %d bytes, %+v; keyframe wanted %v, asked %v ago, came %v ago", rank, time.Duration(now-l.lastAt.Load()), l.bytes.Load(), l.rate,
						l.keyframeWanted.Load(), time.Duration(now-l.keyframeAsked.Load()), time.Duration(now-l.keyframeAt.Load()))
				}
			}
		}
		p.eachSlot(func(s *slot) {
			cur, next, ready := s.shown()
			rank := func(l *layer) int {
				if l == nil {
					return -1
				}
				return l.rank
			}
			t.Logf("  slot %s: shows %d, then %d, ready %v; %d sent, %d again, lost %d of 256 %v ago", s.ID(), rank(cur), rank(next), ready, s.sent.Load(), s.resends.Load(),
				s.lost.Load(), time.Duration(now-s.lastReport.Load()))
		})
	}
}

type browserOptions struct {
	audio, video int      // recvonly sections
	rids         []string // of the camera; none: one plain stream
	noRTX        bool
	red          bool // offers redundant sound, and sends it
	twcc         bool // reports on transport wide numbers
	settings     func(*webrtc.SettingEngine)
}

// got is one packet a slot received.
type got struct {
	seq, pic uint16
	ts       uint32
	tl0      uint8
	key      bool
	from     string // of the mark
	repair   bool   // came as RTX
	part     int    // of its frame
	at       time.Time
}

type browser struct {
	t      *testing.T
	name   string
	handle rooms.Handle
	conn   rooms.Conn
	pc     *webrtc.PeerConnection
	peer   rooms.Peer
	mic    *sendTrack
	camera []*sendTrack
	screen *sendTrack
	level  int

	mu     sync.Mutex
	events []rooms.PeerEvent
	slots  []rooms.Slot
	got    map[string][]got // by track id: a0, v3
	sounds map[string]bool  // marks of sound, also those that came along with others
	reds   int              // packets of redundant sound
	offers int
	// reported is how often we said how a stream arrives.
	reported int
	stop     chan struct{}
	wg       sync.WaitGroup
}

// join makes a browser, attaches it and negotiates.
func join(t *testing.T, r *room, name string, o browserOptions) *browser {
	t.Helper()
	b := &browser{
		t: t, name: name, handle: rooms.Handle(name), conn: rooms.Conn("c1-" + name),
		got: map[string][]got{}, sounds: map[string]bool{}, stop: make(chan struct{}), level: 40,
	}
	p, err := r.Attach(rooms.Attachment{Conn: b.conn, Handle: b.handle}, b.event)
	if err != nil {
		t.Fatal(err)
	}
	b.peer = p
	b.build(o)
	b.negotiate(nil)
	b.wg.Go(b.send)
	t.Cleanup(func() {
		r.explain(t)
		b.close()
	})
	return b
}

func (b *browser) build(o browserOptions) {
	b.t.Helper()
	m := &webrtc.MediaEngine{}
	must(b.t, m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 109, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}}, webrtc.RTPCodecTypeAudio))
	if o.red {
		must(b.t, m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: testRED, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mimeRED, ClockRate: 48000, Channels: 2, SDPFmtpLine: "109/109"}}, webrtc.RTPCodecTypeAudio))
	}
	must(b.t, m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 120, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "goog-remb"}}}}, webrtc.RTPCodecTypeVideo))
	if !o.noRTX {
		must(b.t, m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 124, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=120"}}, webrtc.RTPCodecTypeVideo))
	}
	must(b.t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}, webrtc.RTPCodecTypeAudio))
	must(b.t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.SDESMidURI}, webrtc.RTPCodecTypeAudio))
	must(b.t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.ABSSendTimeURI}, webrtc.RTPCodecTypeVideo))
	must(b.t, webrtc.ConfigureSimulcastExtensionHeaders(m))
	reg := &interceptor.Registry{}
	must(b.t, webrtc.ConfigureNack(m, reg))
	must(b.t, webrtc.ConfigureRTCPReports(reg))
	if o.twcc {
		must(b.t, webrtc.ConfigureTWCCSender(m, reg))
	}
	must(b.t, webrtc.ConfigureTWCCHeaderExtensionSender(m, reg))
	se := webrtc.SettingEngine{LoggerFactory: pionLog{discard}}
	se.SetIncludeLoopbackCandidate(true)
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if o.settings != nil {
		o.settings(&se)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(reg), webrtc.WithSettingEngine(se))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	must(b.t, err)
	b.pc = pc
	pc.OnTrack(b.receive)
	mic := b.add(&sendTrack{mime: webrtc.MimeTypeOpus, id: "mic"})
	var camera []*sendTrack
	if len(o.rids) == 0 {
		camera = append(camera, b.add(&sendTrack{mime: webrtc.MimeTypeVP8, id: "camera", key: true}))
	} else {
		first := b.add(&sendTrack{mime: webrtc.MimeTypeVP8, id: "camera", rid: o.rids[0], key: true})
		camera = append(camera, first)
		sender := pc.GetSenders()[1]
		for _, rid := range o.rids[1:] {
			s := &sendTrack{mime: webrtc.MimeTypeVP8, id: "camera", rid: rid, key: true, mid: first.mid}
			must(b.t, sender.AddEncoding(s))
			camera = append(camera, s)
			b.readRTCP(sender, s)
		}
	}
	screen := b.add(&sendTrack{mime: webrtc.MimeTypeVP8, id: "screen", key: true, off: true})
	b.add(&sendTrack{mime: webrtc.MimeTypeOpus, id: "screenaudio", off: true})
	b.mu.Lock()
	b.mic, b.camera, b.screen = mic, camera, screen
	b.mu.Unlock()
	for range o.audio {
		b.slot(webrtc.RTPCodecTypeAudio)
	}
	for range o.video {
		b.slot(webrtc.RTPCodecTypeVideo)
	}
}

func (b *browser) slot(kind webrtc.RTPCodecType) {
	_, err := b.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	must(b.t, err)
}

func (b *browser) add(s *sendTrack) *sendTrack {
	tr, err := b.pc.AddTransceiverFromTrack(s, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(b.t, err)
	s.mid = tr.Mid
	b.readRTCP(tr.Sender(), s)
	return s
}

// readRTCP serves keyframes and counts who asked.
func (b *browser) readRTCP(sender *webrtc.RTPSender, s *sendTrack) {
	b.wg.Go(func() {
		for {
			var packets []rtcp.Packet
			var err error
			if s.rid == "" {
				packets, _, err = sender.ReadRTCP()
			} else {
				packets, _, err = sender.ReadSimulcastRTCP(s.rid)
			}
			if err != nil {
				return
			}
			for _, p := range packets {
				switch p := p.(type) {
				case *rtcp.PictureLossIndication:
					s.set(func(s *sendTrack) {
						if s.c != nil && p.MediaSSRC == uint32(s.c.SSRC()) {
							s.key = true
							s.plis++
						}
					})
				case *rtcp.ReceiverReport:
					b.mu.Lock()
					b.reported += len(p.Reports)
					b.mu.Unlock()
				}
			}
		}
	})
}

// negotiate offers and waits for the answer.
func (b *browser) negotiate(o *webrtc.OfferOptions) {
	b.t.Helper()
	offer, err := b.pc.CreateOffer(o)
	must(b.t, err)
	gathered := webrtc.GatheringCompletePromise(b.pc)
	must(b.t, b.pc.SetLocalDescription(offer))
	<-gathered
	b.mu.Lock()
	b.offers++
	nid := b.offers
	b.mu.Unlock()
	b.peer.Signal(rooms.Signal{NID: nid, SDP: b.pc.LocalDescription().SDP})
	var answer string
	b.until("an answer", func() bool {
		for _, e := range b.events {
			if a, ok := e.(rooms.Answer); ok && a.NID == nid {
				answer = a.SDP
			}
		}
		return answer != ""
	})
	must(b.t, b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
}

func (b *browser) event(e rooms.PeerEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := e.(rooms.Slots); ok {
		b.slots = s.Slots
	}
	if l, ok := e.(rooms.Layers); ok && l.Source == rooms.Camera {
		for i, c := range b.camera {
			c.set(func(s *sendTrack) { s.key = s.key || s.unwanted && l.Wanted[i]; s.unwanted = !l.Wanted[i] })
		}
	}
	b.events = append(b.events, e)
}

// loud sets what the browser says of its microphone.
func (b *browser) loud(level int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = level
}

// send makes 30 frames and 50 voice packets a second until close.
func (b *browser) send() {
	video, audio := time.NewTicker(33*time.Millisecond), time.NewTicker(20*time.Millisecond)
	defer video.Stop()
	defer audio.Stop()
	heights := []int{180, 360, 720}
	for {
		select {
		case <-b.stop:
			return
		case <-audio.C:
			b.mu.Lock()
			level, mic := b.level, b.mic
			b.mu.Unlock()
			mic.sendVoice(b.name+"-mic", level)
		case <-video.C:
			b.mu.Lock()
			camera, screen := b.camera, b.screen
			b.mu.Unlock()
			for i, c := range camera {
				c.sendFrame(b.name+"-cam"+c.rid, heights[i])
			}
			screen.sendFrame(b.name+"-screen", 1080)
		}
	}
}

func (b *browser) receive(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	b.wg.Go(func() {
		for {
			// Now and then Pion's close leaves a reader behind; the deadline
			// finds it.
			if track.SetReadDeadline(time.Now().Add(time.Second)) != nil {
				return
			}
			p, attributes, err := track.ReadRTP()
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) && !b.stopped() {
					continue
				}
				return
			}
			g := got{seq: p.SequenceNumber, ts: p.Timestamp, at: time.Now()}
			g.repair = attributes.Get(webrtc.AttributeRtxPayloadType) != nil
			if track.Kind() == webrtc.RTPCodecTypeVideo {
				if d, ok := rewrite.ParseVP8(p.Payload); ok {
					g.pic, g.tl0, g.key = d.Picture, d.TL0, d.Keyframe
				}
			}
			if i := bytes.LastIndexByte(p.Payload, '<'); i >= 0 {
				g.from, _, _ = strings.Cut(string(p.Payload[i+1:]), "/")
				if part := bytes.LastIndexByte(p.Payload, '/'); part+1 < len(p.Payload) {
					g.part = int(p.Payload[part+1] - '0')
				}
			}
			b.mu.Lock()
			if track.Kind() == webrtc.RTPCodecTypeAudio {
				b.sound(p)
			}
			b.got[track.ID()] = append(b.got[track.ID()], g)
			b.mu.Unlock()
		}
	})
}

// sound notes what a packet of sound brings. b.mu is held.
func (b *browser) sound(p *rtp.Packet) {
	if p.PayloadType != testRED {
		b.sounds[string(p.Payload)] = true
		return
	}
	b.reds++
	r, ok := rewrite.ParseRED(p.Payload)
	if !ok {
		b.t.Errorf("%s: % x is no redundant sound", b.name, p.Payload)
		return
	}
	b.sounds[string(r.Primary)] = true
	for _, e := range r.Earlier[:r.N] {
		b.sounds[string(e.Payload)] = true
	}
}

// forget what was heard so far.
func (b *browser) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.sounds)
}

// silences counts the sounds of somebody that never came between the first
// and the last but a few.
func (b *browser) silences(from string) (missing, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, last := uint32(math.MaxUint32), uint32(0)
	for m := range b.sounds {
		var frame uint32
		if _, err := fmt.Sscanf(m, "<"+from+"/%d/0>", &frame); err == nil {
			first, last = min(first, frame), max(last, frame)
		}
	}
	for frame := first; frame+5 < last; frame++ {
		total++
		if !b.sounds[string(mark(from, frame, 0))] {
			missing++
		}
	}
	return missing, total
}

func (b *browser) stopped() bool {
	select {
	case <-b.stop:
		return true
	default:
		return false
	}
}

func (b *browser) close() {
	if b.stopped() {
		return
	}
	close(b.stop)
	b.peer.Close()
	if err := b.pc.GracefulClose(); err != nil {
		b.t.Errorf("%s: close: %v", b.name, err)
	}
	b.wg.Wait()
}

// until polls, with b.mu held, for up to ten seconds.
func (b *browser) until(what string, ok func() bool) {
	b.t.Helper()
	eventually(b.t, b.name+": "+what, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return ok()
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(15 * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("never happened: %s", what)
		case <-poll.C:
		}
	}
}

// hears waits until packets of a mark arrive, and gives the track.
func (b *browser) hears(from string) string {
	b.t.Helper()
	var id string
	b.until("packets of "+from, func() bool {
		for track, list := range b.got {
			for _, g := range list {
				if g.from == from {
					id = track
				}
			}
		}
		return id != ""
	})
	return id
}

// count packets of a mark.
func (b *browser) count(from string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, list := range b.got {
		for _, g := range list {
			if g.from == from {
				n++
			}
		}
	}
	return n
}

func (b *browser) has(match func(rooms.PeerEvent) bool) bool {
	return slices.ContainsFunc(b.events, match)
}

func is[E rooms.PeerEvent](e rooms.PeerEvent) bool { _, ok := e.(E); return ok }

// pass lets real media run for a while.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// together routes everybody into one room with everything allowed.
func together(r *room, all ...*browser) {
	table := map[rooms.Conn]rooms.Place{}
	for _, b := range all {
		table[b.conn] = rooms.Place{Room: rooms.MainRoom, Send: rooms.AllSources}
	}
	r.Route(table)
}

func (b *browser) lenOf(track string) int { return len(b.got[track]) }

func (b *browser) countLocked(from string) int {
	n := 0
	for _, list := range b.got {
		for _, g := range list {
			if g.from == from {
				n++
			}
		}
	}
	return n
}

// unbroken checks everything a decoder needs of a track on a line without
// loss: each number once, in order, no holes; timestamps and VP8 numbers that
// never leap; a keyframe wherever the layer changes.
func (b *browser) unbroken(track string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(b.got[track]), func(g got) bool { return g.repair })
	if len(list) == 0 {
		b.t.Fatalf("%s got nothing on %s", b.name, track)
	}
	for i := 1; i < len(list); i++ {
		p, q := list[i-1], list[i]
		// Pion's client drops and mixes what comes while it sets up SRTP and its
		// reader.
		if i < 100 && q.seq != p.seq+1 {
			continue
		}
		if q.seq != p.seq+1 {
			b.t.Errorf("%s %s: number %d after %d at packet %d", b.name, track, q.seq, p.seq, i)
		}
		if d := int32(q.ts - p.ts); d < 0 || d > 10*90000 {
			b.t.Errorf("%s %s: timestamp leaps by %d at packet %d", b.name, track, d, i)
		}
		if track[0] != 'v' {
			continue
		}
		if d := (q.pic - p.pic) & 0x7fff; d > 1 {
			b.t.Errorf("%s %s: picture %d after %d", b.name, track, q.pic, p.pic)
		}
		if d := q.tl0 - p.tl0; d > 1 {
			b.t.Errorf("%s %s: TL0PICIDX %d after %d", b.name, track, q.tl0, p.tl0)
		}
		if p.from != q.from && !q.key {
			b.t.Errorf("%s %s: from %s to %s without a keyframe", b.name, track, p.from, q.from)
		}
	}
}
