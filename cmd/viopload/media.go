package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"
)

// rembBits is what a client says its line carries: enough for everything.
const rembBits = 100e6

// media is one client's PeerConnection: it sends until close, and hands what
// it receives to a meter.
type media struct {
	// Set by newMedia.
	pc        *webrtc.PeerConnection
	meter     *meter
	clock     clock
	window    *window
	mark      stamp // room and person
	mic       *stream
	cameras   []*stream
	sent      *atomic.Uint64 // packets of the window, each once whatever its layers
	asked     *atomic.Uint64 // keyframes
	connected chan struct{}  // closed when SRTP is up
	failed    chan struct{}  // closed when it is gone for good

	keyframe atomic.Bool // one is wanted
	heard    heardStreams

	// Owned by send.
	voices, pictures uint32
}

// mediaConfig is what a client needs to know of the run.
type mediaConfig struct {
	room, person int
	layers       int // 0: no camera
	audio, video int // receive sections
	loopback     bool
	clock        clock
	window       *window
	meter        *meter
	sent, asked  *atomic.Uint64
}

// newMedia makes the sections our page makes, in its order: microphone,
// camera, screen, the screen's sound, and the slots.
func newMedia(c mediaConfig) (*media, error) {
	m := &media{
		sent: c.sent, asked: c.asked, meter: c.meter, clock: c.clock, window: c.window,
		mark:      stamp{room: c.room, person: c.person},
		connected: make(chan struct{}), failed: make(chan struct{}),
	}
	m.keyframe.Store(true)
	api, err := m.api(c.loopback)
	if err != nil {
		return nil, err
	}
	if m.pc, err = api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle}); err != nil {
		return nil, err
	}
	m.watch()
	if err := m.sections(c); err != nil {
		return nil, errors.Join(err, m.pc.Close())
	}
	return m, nil
}

func (m *media) api(loopback bool) (*webrtc.API, error) {
	codecs, err := codecs()
	if err != nil {
		return nil, err
	}
	s := webrtc.SettingEngine{LoggerFactory: silence{}}
	s.BufferFactory = m.buffer
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(loopback)
	if loopback {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
		s.SetIPFilter(net.IP.IsLoopback)
	}
	s.SetFireOnTrackBeforeFirstRTP(true) // no goroutine that waits for it
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(s),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	), nil
}

// codecs and extensions are those of our page in Chromium.
func codecs() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	errs := []error{
		m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
			RTCPFeedback: feedback[1:2]}}, webrtc.RTPCodecTypeAudio),
		m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}}, webrtc.RTPCodecTypeVideo),
		m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}}, webrtc.RTPCodecTypeVideo),
		m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}, webrtc.RTPCodecTypeAudio),
		webrtc.ConfigureSimulcastExtensionHeaders(m),
	}
	for _, uri := range []string{sdp.SDESMidURI, sdp.TransportCCURI, sdp.ABSSendTimeURI} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			errs = append(errs, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind))
		}
	}
	return m, errors.Join(errs...)
}

// watch tells of the connection's fate, once each.
func (m *media) watch() {
	var up, down sync.Once
	m.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			up.Do(func() { close(m.connected) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			down.Do(func() { close(m.failed) })
		}
	})
}

func (m *media) sections(c mediaConfig) error {
	sequence := new(transportSequence)
	add := func(s *stream) error {
		t, err := m.pc.AddTransceiverFromTrack(s, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err == nil {
			s.mid = t.Mid
		}
		return err
	}
	m.mic = newStream("mic", nil, sequence)
	if err := add(m.mic); err != nil {
		return err
	}
	// A camera that is off still has its section.
	for i := range max(c.layers, 1) {
		m.cameras = append(m.cameras, newStream("camera", &layers[i], sequence))
	}
	if err := add(m.cameras[0]); err != nil {
		return err
	}
	for _, s := range m.cameras[1:] {
		s.mid = m.cameras[0].mid
		if err := m.pc.GetSenders()[1].AddEncoding(s); err != nil {
			return err
		}
	}
	if c.layers == 0 {
		m.cameras = nil
	}
	screen := layers[0]
	screen.rid = ""
	if err := errors.Join(add(newStream("screen", &screen, sequence)), add(newStream("screen-audio", nil, sequence))); err != nil {
		return err
	}
	return errors.Join(m.slots(webrtc.RTPCodecTypeAudio, c.audio), m.slots(webrtc.RTPCodecTypeVideo, c.video))
}

func (m *media) slots(kind webrtc.RTPCodecType, n int) error {
	for range n {
		_, err := m.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return err
		}
	}
	return nil
}

// answer takes the server's answer.
func (m *media) answer(text string) error {
	return m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: text})
}

// due is one thing a client does at a pace.
type due struct {
	every time.Duration
	next  time.Time
	do    func() error
}

const (
	reportEvery      = time.Second
	askKeyframeEvery = 200 * time.Millisecond
)

// send sends until ctx ends; to be called when connected. What falls due while
// the process was held up is sent at once, as a pacer would.
func (m *media) send(ctx context.Context) error {
	now := time.Now()
	plan := []*due{
		{audioEvery, now, m.voice},
		{reportEvery, now.Add(reportEvery), m.report},
	}
	if len(m.cameras) > 0 {
		plan = append(plan, &due{videoEvery, now, m.frame}, &due{askKeyframeEvery, now.Add(askKeyframeEvery), m.askKeyframes})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.failed:
			return errors.New("the connection failed")
		case now = <-timer.C:
		}
		first := now.Add(time.Second)
		for _, d := range plan {
			for ; !d.next.After(now); d.next = d.next.Add(d.every) {
				if err := d.do(); err != nil {
					return err
				}
			}
			if d.next.Before(first) {
				first = d.next
			}
		}
		timer.Reset(time.Until(first))
	}
}

func (m *media) voice() error {
	mark := m.mark
	mark.number, mark.at = m.voices, m.clock.now()
	m.voices++
	if m.window.has(mark.at) {
		m.sent.Add(1)
	}
	return m.mic.sendVoice(mark)
}

// frame sends a frame on every layer, under the same numbers: a receiver gets
// one of the layers.
func (m *media) frame() error {
	mark := m.mark
	mark.video, mark.number = true, m.pictures
	mark.keyframe = m.keyframe.Swap(false)
	m.pictures += uint32(len(layers[0].parts))
	for i, camera := range m.cameras {
		now := m.clock.now
		if i == 0 {
			now = func() int64 {
				at := m.clock.now()
				if m.window.has(at) {
					m.sent.Add(1)
				}
				return at
			}
		}
		if err := camera.sendFrame(mark, now); err != nil {
			return err
		}
	}
	return nil
}

// report tells the server what a browser would: that nothing was lost, and that
// the line carries everything.
func (m *media) report() error {
	var ssrcs []uint32
	for _, in := range m.heard.list() {
		ssrcs = append(ssrcs, in.ssrc)
	}
	if len(ssrcs) == 0 {
		return nil
	}
	var packets []rtcp.Packet
	for some := range slices.Chunk(ssrcs, 31) { // as many as a report holds (RFC 3550 §6.4.2)
		rr := &rtcp.ReceiverReport{SSRC: 1}
		for _, ssrc := range some {
			rr.Reports = append(rr.Reports, rtcp.ReceptionReport{SSRC: ssrc})
		}
		packets = append(packets, rr)
	}
	remb := &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: rembBits, SSRCs: ssrcs}
	return m.pc.WriteRTCP(append(packets, remb))
}

// askKeyframes asks for a keyframe of every picture that came without one,
// because its first packet was lost on the way, as a decoder does.
func (m *media) askKeyframes() error {
	var packets []rtcp.Packet
	for _, in := range m.heard.list() {
		if in.dark.Load() {
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: in.ssrc})
		}
	}
	if len(packets) == 0 {
		return nil
	}
	m.asked.Add(uint64(len(packets)))
	return m.pc.WriteRTCP(packets)
}

// close ends the connection and waits for what Pion runs.
func (m *media) close() error { return m.pc.GracefulClose() }

// buffer is Pion's BufferFactory: packets are counted on the goroutine that
// opened them, without another queue and reader for each of 23 tracks.
func (m *media) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if kind == packetio.RTCPBufferPacket {
		return inboundRTCP{m}
	}
	in := &inboundRTP{m: m, ssrc: ssrc}
	m.heard.add(in)
	return in
}

// inboundRTP is one receive stream.
type inboundRTP struct {
	m    *media
	ssrc uint32
	lit  bool        // Owned by Write: a keyframe has come.
	dark atomic.Bool // a picture came, and no keyframe
}

func (i *inboundRTP) Write(b []byte) (int, error) {
	if s, ok := i.m.meter.take(b); ok && s.video && !i.lit {
		i.lit = s.keyframe
		i.dark.Store(!s.keyframe)
	}
	return len(b), nil
}
func (*inboundRTP) Read([]byte) (int, error) { return 0, io.EOF }
func (*inboundRTP) Close() error             { return nil }

type inboundRTCP struct{ m *media }

// Write looks for keyframe requests in a compound packet.
func (i inboundRTCP) Write(b []byte) (int, error) {
	const payloadSpecific, pictureLoss = 206, 1 // RFC 4585 §6.1, §6.3.1
	for rest := b; len(rest) >= 4; {
		size := 4 * (1 + int(binary.BigEndian.Uint16(rest[2:])))
		if rest[1] == payloadSpecific && rest[0]&0x1f == pictureLoss {
			i.m.keyframe.Store(true)
		}
		rest = rest[min(size, len(rest)):]
	}
	return len(b), nil
}
func (inboundRTCP) Read([]byte) (int, error) { return 0, io.EOF }
func (inboundRTCP) Close() error             { return nil }

// heardStreams are the streams that have come.
type heardStreams struct {
	mu  sync.Mutex
	all []*inboundRTP // guarded by mu; grows, and what is there stays
}

func (h *heardStreams) add(in *inboundRTP) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, in)
}

func (h *heardStreams) list() []*inboundRTP {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

// silence is Pion's logger: what matters shows in the figures.
type silence struct{}

// NewLogger for one of Pion's parts.
func (silence) NewLogger(scope string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope(scope, logging.LogLevelDisabled, io.Discard)
}

// loopbackHost says whether a URL's host is this machine.
func loopbackHost(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
