package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	dtlselliptic "github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"viop/rooms/sfu/plane"
)

// ICE timeouts: a session outlives a path by far, and the evidence is taken
// from packets, not from these.
const (
	iceDisconnected = 5 * time.Second
	iceFailed       = 25 * time.Second
	iceKeepalive    = 2 * time.Second
)

const (
	// tcpWriteBuffer is what may wait for a slow TCP path; more is dropped,
	// so that one browser never holds up the publisher's goroutine.
	tcpWriteBuffer = 512 << 10
	tcpReadBuffer  = 64
	tcpFirstSTUN   = 5 * time.Second
	// udpBuffer holds a burst of keyframes from a full room; the system may
	// give less.
	udpBuffer = 4 << 20
)

// mimeRED is redundant audio (RFC 2198), which Pion has no name for.
const mimeRED = "audio/red"

// engine makes PeerConnections that share two ports and one certificate.
type engine struct {
	config      Config
	loggers     logging.LoggerFactory
	certificate webrtc.Certificate
	udp         ice.UDPMux
	tcp         *ice.TCPMuxDefault // nil: none
	plane       *plane.Plane       // nil: none
	batch       *batch             // the plane's
	networks    []webrtc.NetworkType
	iceFailed   time.Duration // after iceDisconnected; tests are less patient
}

func newEngine(c Config, log *slog.Logger, now func() int64) (*engine, error) {
	e := &engine{config: c, loggers: pionLog{log}, iceFailed: iceFailed}
	if c.Path != PathPion {
		e.batch = new(batch)
		e.plane = plane.New(now, e.batch.forward)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	e.certificate = *certificate
	if err := e.listen(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// listen opens the two ports. An unspecified UDP address becomes one socket
// per interface, so that answers leave from the address that was asked.
func (e *engine) listen() error {
	if e.config.UDP.IsValid() {
		mux, err := e.listenUDP(e.config.UDP)
		if err != nil {
			return fmt.Errorf("listen for media on UDP: %w", err)
		}
		e.udp = mux
		e.networks = append(e.networks, webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6)
	}
	if e.config.TCP.IsValid() {
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(e.config.TCP))
		if err != nil {
			return fmt.Errorf("listen for media on TCP: %w", err)
		}
		e.tcp = ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: listener, Logger: e.loggers.NewLogger("tcp"),
			ReadBufferSize: tcpReadBuffer, WriteBufferSize: tcpWriteBuffer, FirstStunBindTimeout: tcpFirstSTUN,
		})
		e.networks = append(e.networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	if len(e.networks) == 0 {
		return errors.New("neither a UDP nor a TCP address for media")
	}
	return nil
}

func (e *engine) listenUDP(at netip.AddrPort) (ice.UDPMux, error) {
	if !at.Addr().IsUnspecified() {
		return e.listenAt(at)
	}
	addrs, err := e.addresses()
	if err != nil {
		return nil, err
	}
	var muxes []ice.UDPMux
	for _, addr := range addrs {
		mux, err := e.listenAt(netip.AddrPortFrom(addr, at.Port()))
		if err != nil {
			for _, m := range muxes {
				_ = m.Close()
			}
			return nil, err
		}
		muxes = append(muxes, mux)
	}
	return ice.NewMultiUDPMuxDefault(muxes...), nil
}

func (e *engine) listenAt(at netip.AddrPort) (ice.UDPMux, error) {
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	var conn net.PacketConn = socket
	if e.plane == nil {
		_, _ = socket.SetReadBuffer(udpBuffer), socket.SetWriteBuffer(udpBuffer)
	} else if conn, err = e.plane.Listen(socket, udpBuffer); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: e.loggers.NewLogger("udp")}), nil
}

// addresses of this machine that media is served on.
func (e *engine) addresses() ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, i := range interfaces {
		local := i.Flags&net.FlagLoopback != 0
		if i.Flags&net.FlagUp == 0 || local && !e.config.Loopback || e.config.Interfaces != nil && !e.config.Interfaces(i.Name) {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // gone meanwhile
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if addr := prefix.Addr().Unmap(); err == nil && offered(addr) {
				if addr.IsLinkLocalUnicast() && addr.Is6() {
					addr = addr.WithZone(i.Name)
				}
				out = append(out, addr)
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no interface to serve media on")
	}
	return out, nil
}

// offered leaves out the IPv6 addresses RFC 8445 §5.1.1.1 does.
func offered(a netip.Addr) bool {
	b := a.As16()
	compatible := a.Is6() && [12]byte(b[:12]) == [12]byte{} && !a.IsLoopback()
	siteLocal := a.Is6() && b[0] == 0xfe && b[1]&0xc0 == 0xc0
	return !compatible && !siteLocal
}

func (e *engine) close() error {
	var errs []error
	if e.udp != nil {
		errs = append(errs, e.udp.Close())
	}
	if e.tcp != nil {
		errs = append(errs, e.tcp.Close())
	}
	return errors.Join(errs...)
}

// connect makes a transport's PeerConnection. The transport gets all its plain
// RTP and RTCP, every authenticated connectivity check, and the secrets of its
// handshake.
func (e *engine) connect(t *transport) (*webrtc.PeerConnection, error) {
	media, err := mediaEngine()
	if err != nil {
		return nil, err
	}
	settings, err := e.settings()
	if err != nil {
		return nil, err
	}
	if e.tcp != nil && t.lane != nil {
		t.detour = newDetour(e.tcp, t.lane)
		settings.SetICETCPMux(t.detour)
	} else if e.tcp != nil {
		settings.SetICETCPMux(e.tcp)
	}
	settings.BufferFactory = t.buffer
	settings.SetICEBindingRequestHandler(t.onBinding)
	if t.handshake != nil {
		settings.SetDTLSKeyLogWriter(t.handshake)
		settings.SetDTLSServerHelloMessageHook(t.handshake.ServerHello)
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(media),
		webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	)
	return api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{e.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
		SDPSemantics: webrtc.SDPSemanticsUnifiedPlan,
	})
}

func (e *engine) settings() (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: e.loggers}
	s.SetNetworkTypes(e.networks)
	if e.udp != nil {
		s.SetICEUDPMux(e.udp)
	}
	s.DisableActiveTCP(true) // nobody makes us dial
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(e.config.Loopback)
	if e.config.Interfaces != nil {
		s.SetInterfaceFilter(e.config.Interfaces)
	}
	s.SetICETimeouts(iceDisconnected, e.iceFailed, iceKeepalive)
	// The certificate is checked against the fingerprint, and ICE has checked
	// the address: HelloVerify would cost a round trip and prove nothing more.
	s.SetDTLSInsecureSkipHelloVerify(true)
	// The server's order decides; GCM-128 costs a fifth of SHA1_80.
	s.SetSRTPProtectionProfiles(
		dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	// P-256 first: Go has assembly for it.
	s.SetDTLSEllipticCurves(dtlselliptic.P256, dtlselliptic.X25519, dtlselliptic.P384)
	s.SetFireOnTrackBeforeFirstRTP(true) // no goroutine that waits for it
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return s, err
	}
	if len(e.config.PublicIPs) == 0 {
		return s, nil
	}
	rule := webrtc.ICEAddressRewriteRule{
		AsCandidateType: webrtc.ICECandidateTypeHost,
		Mode:            webrtc.ICEAddressRewriteReplace,
	}
	for _, ip := range e.config.PublicIPs {
		rule.External = append(rule.External, ip.String())
	}
	return s, s.SetICEAddressRewriteRules(rule)
}

// mediaEngine knows Opus, RED around it, and VP8 with RTX, and nothing else. Payload types and
// extension ids are only defaults: the browser's offer decides.
//
// Publishers get transport wide feedback: it is what lets a browser's own
// estimator ramp up within a second, with nothing to estimate here. REMB is
// for the other direction: browsers send it when packets carry abs-send-time
// and no transport wide number.
func mediaEngine() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine:  "minptime=10;useinbandfec=1;usedtx=1",
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}},
	}}
	vp8 := webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{
			{Type: webrtc.TypeRTCPFBTransportCC},
			{Type: webrtc.TypeRTCPFBGoogREMB},
			{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
			{Type: webrtc.TypeRTCPFBNACK},
			{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
		},
	}}
	rtx := webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96",
	}}
	// The numbers inside are those of the format it is around, twice or more;
	// Pion answers with the browser's own.
	red := webrtc.RTPCodecParameters{PayloadType: 63, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: mimeRED, ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111",
	}}
	for _, c := range []webrtc.RTPCodecParameters{opus, red} {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	for _, c := range []webrtc.RTPCodecParameters{vp8, rtx} {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	for _, e := range []struct {
		uri          string
		audio, video bool
	}{
		{sdp.SDESMidURI, true, true},
		{sdp.TransportCCURI, true, true},
		{sdp.ABSSendTimeURI, true, true},
		{sdp.AudioLevelURI, true, false},
		{sdp.SDESRTPStreamIDURI, false, true},
		{sdp.SDESRepairRTPStreamIDURI, false, true},
	} {
		if err := register(m, e.uri, e.audio, e.video); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func register(m *webrtc.MediaEngine, uri string, audio, video bool) error {
	c := webrtc.RTPHeaderExtensionCapability{URI: uri}
	if audio {
		if err := m.RegisterHeaderExtension(c, webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
	}
	if video {
		return m.RegisterHeaderExtension(c, webrtc.RTPCodecTypeVideo)
	}
	return nil
}
