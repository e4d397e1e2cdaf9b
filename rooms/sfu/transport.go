package sfu

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"viop/rooms"
	"viop/rooms/sfu/feedback"
	"viop/rooms/sfu/plane"
)

// gatherWithin bounds the wait for our own candidates. On muxed ports they are
// there at once.
const gatherWithin = 2 * time.Second

// transport is one PeerConnection and what hangs on it. A browser that comes
// back with another certificate gets a new one.
type transport struct {
	// Set by newTransport.
	peer        *peer
	room        *room
	pc          *webrtc.PeerConnection
	fingerprint string
	ssrc        uint32 // ours, in RTCP
	ingress     *ingress
	plane       *plane.Plane // nil: media is Pion's
	lane        *plane.Lane  // nil without a plane
	handshake   *plane.Handshake
	detour      *detour // nil without a plane or without TCP
	sources     map[rooms.Source]*source
	feedbacks   chan []byte // compounds Pion is to send: many senders, read by the peer's run; full: dropped

	// Guarded by room.mu.
	audio, video []*slot
	connected    bool
	path         Path // PathPlane or PathPion once connected; written by the peer's run

	// Read by the packet path.
	heard    atomic.Pointer[heard]
	bySSRC   atomic.Pointer[map[uint32]*slot]
	rtt      atomic.Int64
	moved    atomic.Pointer[netip.AddrPort] // where media goes and Pion does not yet
	clock    clockOffset
	downlink downlink
	remb     atomic.Uint64 // bit/s; 0: none yet
	// redundancy is how many earlier packets go along with each of sound.
	redundancy atomic.Int32
	counters   counters
}

// newTransport makes the PeerConnection for a first offer.
func newTransport(p *peer, o *offer) (*transport, error) {
	t := &transport{
		peer: p, room: p.room, fingerprint: o.fingerprint, ssrc: rand.Uint32(),
		sources:   map[rooms.Source]*source{},
		feedbacks: make(chan []byte, 256),
	}
	e := p.room.engine
	if e.plane == nil {
		t.ingress = newIngress(t, new(batch))
	} else {
		t.ingress = newIngress(t, e.batch)
		t.plane, t.handshake = e.plane, new(plane.Handshake)
		t.lane = e.plane.Lane(
			func(ssrc uint32) plane.Receiver { return t.ingress.stream(ssrc) },
			&inboundRTCP{transport: t},
			func(at plane.Place) { p.push(roamed{t, at}) })
	}
	for _, kind := range []rooms.Source{rooms.Mic, rooms.Camera, rooms.Screen, rooms.ScreenAudio} {
		t.sources[kind] = &source{transport: t, kind: kind}
	}
	pc, err := e.connect(t)
	if err != nil {
		return nil, err
	}
	t.pc = pc
	if t.lane != nil {
		pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(t.follow)
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.push(stateChanged{t, s}) })
	return t, nil
}

// now is the SFU's clock.
func (t *transport) now() int64 { return t.room.sfu.now() }

// roundTrip to the browser, as STUN measures it.
func (t *transport) roundTrip() time.Duration { return time.Duration(t.rtt.Load()) }

// proofOfLife notes that something authenticated came in.
func (t *transport) proofOfLife(now int64) { t.peer.seen(now) }

// onBinding is called for every connectivity check whose integrity held:
// browsers keep up consent with them (RFC 7675), muted or not.
// From where media has moved to, it has Pion move, too.
func (t *transport) onBinding(_ *stun.Message, _, remote ice.Candidate, _ *ice.CandidatePair) (selects bool) {
	t.proofOfLife(t.now())
	if t.lane == nil || !remote.NetworkType().IsUDP() {
		return false
	}
	addr, err := netip.ParseAddr(remote.Address())
	if err != nil {
		return false
	}
	at := netip.AddrPortFrom(addr.Unmap(), uint16(remote.Port()))
	t.lane.Heard(at)
	moved := t.moved.Load()
	return moved != nil && *moved == at && t.moved.CompareAndSwap(moved, nil)
}

// roam asks whether the browser is where its media has come from, as ICE
// would have, had it known.
func (t *transport) roam(at plane.Place) {
	agent := t.pc.SCTP().Transport().ICETransport()
	theirs, err := agent.GetRemoteParameters()
	if err != nil {
		return // there is no session yet
	}
	ours, err := agent.GetLocalParameters()
	if err != nil {
		return
	}
	key := stun.NewShortTermIntegrity(theirs.Password)
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(theirs.UsernameFragment+":"+ours.UsernameFragment),
		ice.AttrControlled(t.ssrc), ice.PriorityAttr(reflexivePriority), key, stun.Fingerprint)
	if err != nil {
		return
	}
	addr := at.Addr()
	// A check that is lost is made again when more media comes.
	_ = t.lane.Check(at, request, key, func() { t.moved.Store(&addr) })
}

// reflexivePriority is what a candidate found on the way has (RFC 8445 §5.1.2.1).
const reflexivePriority = 110<<24 | 65535<<8 | 255

// follow sends where ICE has settled.
func (t *transport) follow(pair *webrtc.ICECandidatePair) {
	if pair == nil {
		t.lane.Detour(nil)
		return
	}
	t.downlink.moved()
	if pair.Remote.Protocol != webrtc.ICEProtocolUDP {
		t.lane.Detour(t.detour.to(net.JoinHostPort(pair.Remote.Address, strconv.Itoa(int(pair.Remote.Port)))))
		return
	}
	local, errLocal := netip.ParseAddr(pair.Local.Address)
	remote, errRemote := netip.ParseAddr(pair.Remote.Address)
	if errLocal == nil && errRemote == nil {
		t.lane.Aim(netip.AddrPortFrom(local, pair.Local.Port), netip.AddrPortFrom(remote, pair.Remote.Port))
	}
}

// beginTurn and endTurn are around whatever forwards or sends media.
func (t *transport) beginTurn() {
	if t.plane != nil {
		t.plane.Begin()
	}
}

func (t *transport) endTurn() {
	if t.plane != nil {
		t.plane.End()
	}
}

// say sends the browser a compound of RTCP, within a turn; false when it had to
// be dropped. By the lane it leaves with the turn. Pion takes a lock to send it
// that its close holds while it waits for the packet path, so then it goes
// through the peer's goroutine.
func (t *transport) say(compound []byte) bool {
	if t.lane != nil && t.lane.WriteRTCP(compound) {
		return true
	}
	select {
	case t.feedbacks <- bytes.Clone(compound):
		return true
	default:
		return false
	}
}

// pass on what was queued, on the peer's goroutine, which is also the one that
// arms the lane: after that Pion sends nothing any more.
func (t *transport) pass(compound []byte) {
	if t.path == PathPlane {
		t.beginTurn()
		defer t.endTurn()
		t.lane.WriteRTCP(compound)
		return
	}
	raw := rtcp.RawPacket(compound)
	// Before the transport is up there is nobody to tell.
	_ = t.pc.WriteRTCP([]rtcp.Packet{&raw})
}

// report sends the browser the sender reports of its slots, within a turn.
// room.mu is held.
func (t *transport) report(now int64, wall time.Time) {
	var said [feedback.MostBytes]byte
	b := said[:0]
	for _, slots := range [...][]*slot{t.audio, t.video} {
		for _, s := range slots {
			sent, ok := s.report(now, wall)
			if !ok {
				continue
			}
			if b = feedback.AppendSR(b, sent); len(b) > feedback.MostBytes/2 {
				t.say(b)
				b = b[:0]
			}
		}
	}
	if len(b) > 0 {
		t.say(b)
	}
}

// tellsLevels says whether the browser tells how loud its packets are.
func (t *transport) tellsLevels() bool {
	h := t.heard.Load()
	return h != nil && h.ids.level != 0
}

// stuck says that an offer was begun and could not be finished. Pion cannot
// roll back, so such a transport can never negotiate again.
func (t *transport) stuck() bool {
	return t.pc.SignalingState() != webrtc.SignalingStateStable
}

// negotiate answers an offer. It adds slots for recvonly sections that are new
// and changes nothing else, so that an ICE restart keeps everything.
func (t *transport) negotiate(text string, o *offer) (string, error) {
	if err := t.grow(o); err != nil {
		return "", err
	}
	if err := t.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}); err != nil {
		return "", err
	}
	t.heard.Store(newHeard(o, func(s section) *source { return t.sources[s.source] }))
	answer, err := t.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(t.pc)
	if err := t.pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	timeout := time.NewTimer(gatherWithin)
	defer timeout.Stop()
	select {
	case <-gathered:
	case <-timeout.C:
	}
	t.index()
	local := t.pc.LocalDescription()
	if local == nil {
		return "", errors.New("no local description")
	}
	return local.SDP, nil
}

// grow makes a permanent track for each recvonly section that has none. Pion
// gives them to the offered sections of their kind in order.
func (t *transport) grow(o *offer) error {
	r := t.room
	r.mu.Lock()
	audio, video := len(t.audio), len(t.video)
	r.mu.Unlock()
	var fresh []*slot
	for i := audio; i < o.audio; i++ {
		fresh = append(fresh, &slot{transport: t, index: i, clock: 48000})
	}
	for i := video; i < o.video; i++ {
		fresh = append(fresh, &slot{transport: t, index: i, clock: 90000, video: true})
	}
	for _, s := range fresh {
		_, err := t.pc.AddTransceiverFromTrack(s, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionSendonly,
		})
		if err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range fresh {
		if s.video {
			t.video = append(t.video, s)
		} else {
			t.audio = append(t.audio, s)
		}
	}
	return nil
}

// index makes the table by which RTCP finds its slot.
func (t *transport) index() {
	table := map[uint32]*slot{}
	for _, s := range t.slots() {
		s.mu.Lock()
		if s.sink != nil {
			table[s.header.SSRC] = s
		}
		s.mu.Unlock()
	}
	t.bySSRC.Store(&table)
}

// slots, audio first.
func (t *transport) slots() []*slot {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	return append(append([]*slot{}, t.audio...), t.video...)
}

// open lets the slots write, now that SRTP is up. Pion opens a write stream
// when it is first used, under the lock its close holds; here that is done
// from the peer's goroutine and never from a publisher's.
func (t *transport) open() {
	var lane *plane.Lane
	if t.choose() == PathPlane {
		lane = t.lane
	}
	for _, sender := range t.pc.GetSenders() {
		if err := sender.SetReadDeadline(time.Time{}); err != nil {
			continue // a section that was answered without a stream
		}
		if s, ok := sender.Track().(*slot); ok {
			if err := s.setReady(lane); err != nil {
				t.room.log.Error("a slot cannot send", "conn", t.peer.attachment.Conn, "err", err)
			}
		}
	}
}

// choose the way of the transport's media: the plane if there is one, the
// browser took its SRTP profile and ICE has settled on UDP. It is chosen once,
// because a nonce must not be used by two who count for themselves.
func (t *transport) choose() Path {
	if t.path == "" {
		path := t.arm()
		t.room.mu.Lock()
		defer t.room.mu.Unlock()
		t.path = path
	}
	return t.path
}

func (t *transport) arm() Path {
	if t.lane == nil {
		return PathPion
	}
	if !t.lane.Aimed() {
		// ICE tells of its pair on another goroutine than of being connected.
		if pair, err := t.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
			t.follow(pair)
		}
	}
	if !t.lane.Aimed() {
		return PathPion
	}
	keys, err := t.handshake.Keys()
	if err == nil {
		err = t.lane.Arm(keys, t.headersEncrypted())
	}
	switch {
	case err == nil:
		return PathPlane
	case !errors.Is(err, plane.ErrProfile):
		t.room.log.Error("media stays with Pion", "conn", t.peer.attachment.Conn, "err", err)
	}
	return PathPion
}

// pollConsent counts answers to our own keepalives as proof of life. Pion
// keeps no time of them, so it is the last moment they cannot be later than
// that is known to be true: the poll before.
func (t *transport) pollConsent(last *uint64, before int64) {
	pair, ok := t.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return
	}
	t.rtt.Store(int64(pair.CurrentRoundTripTime * float64(time.Second)))
	if n := pair.ResponsesReceived; n != *last {
		*last = n
		t.proofOfLife(before)
	}
}

// headersEncrypted says whether RFC 9335 has been negotiated.
func (t *transport) headersEncrypted() bool {
	return slices.ContainsFunc(t.pc.GetTransceivers(), func(r *webrtc.RTPTransceiver) bool {
		return r.RTPHeaderEncryptionNegotiated()
	})
}

// close ends the PeerConnection and waits for what Pion runs.
func (t *transport) close() {
	if t.lane != nil {
		t.lane.Close()
	}
	_ = t.pc.GracefulClose()
	for _, s := range t.sources {
		for i := range s.layers {
			if l := s.layers[i].Load(); l != nil {
				l.ring.clear()
			}
		}
	}
}

// clockOffset is the distance between a publisher's clock and ours: the
// smallest seen, which is the one that waited least on the way.
type clockOffset struct {
	mu    sync.Mutex
	known bool
	least int64
}

func (c *clockOffset) heard(ntp uint64, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := at - ntpNanos(ntp); !c.known || d < c.least {
		c.known, c.least = true, d
	}
}

// toLocal is when a sender report was made, by our clock.
func (t *transport) toLocal(sr *senderReport) time.Duration {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return time.Duration(ntpNanos(sr.ntp) + t.clock.least)
}

func ntpNanos(ntp uint64) int64 {
	return int64(ntp>>32)*int64(time.Second) + int64((ntp&0xffffffff)*uint64(time.Second)>>32)
}
