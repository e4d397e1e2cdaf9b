package sfu

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"viop/rooms"
	"viop/rooms/sfu/plane"
)

const (
	liveEvery     = time.Second
	maxInputs     = 1024 // waiting for run; a flood is signaling's to stop
	maxCandidates = 64   // per offer
)

// peer is one browser: rooms.Peer. Its goroutine, run, does all that may take
// a while (negotiation, closing) and delivers every event.
type peer struct {
	// Set by newPeer.
	room       *room
	attachment rooms.Attachment
	on         func(rooms.PeerEvent)
	wakeup     chan struct{} // from push to run; one is enough
	closing    chan struct{} // closed by Close
	lastSeen   atomic.Int64  // SFU clock; 0: never

	// Guarded by inbox.
	inbox  sync.Mutex
	inputs []any

	// Guarded by events: delivering, and closed.
	events sync.Mutex
	closed bool

	// Guarded by room.mu.
	place      rooms.Place
	wants      []rooms.Want
	hasWants   bool
	publishing rooms.Source
	transport  *transport // nil before the first offer and after the end
	gone       bool       // closed: gets no other transport
	audioKeys  []key
	videoKeys  []key
	told       []rooms.Slot
	budget     budget
	limit      uint64      // bit/s for pictures; 0: none
	held       map[key]int // the rank each picture was given
	claim      claim
	speech     speech
	speakers   *rooms.Speakers // the last it was told of
	sentBytes  uint64
	voice      voiceRate
	caution    caution

	// Owned by run.
	link       *transport // what transport was set to
	nid        int
	candidates int
	live       liveness
	responses  uint64
	polled     int64
}

// Inputs of run.
type (
	signalled struct{ rooms.Signal }
	probing   struct {
		transport *transport
		bytes     int
	}
	told   struct{ rooms.PeerEvent }
	roamed struct {
		transport *transport
		at        plane.Place
	}
	stateChanged struct {
		transport *transport
		state     webrtc.PeerConnectionState
	}
)

func newPeer(r *room, a rooms.Attachment, on func(rooms.PeerEvent)) *peer {
	return &peer{
		room: r, attachment: a, on: on,
		wakeup: make(chan struct{}, 1), closing: make(chan struct{}), held: map[key]int{},
		live: liveness{deadAfter: int64(r.sfu.config.DeadAfter)},
	}
}

// Signal hands an offer or a candidate to run.
func (p *peer) Signal(s rooms.Signal) { p.push(signalled{s}) }

// Want replaces what the page shows.
func (p *peer) Want(wants []rooms.Want) {
	p.room.mu.Lock()
	p.wants, p.hasWants = slices.Clone(wants), true
	p.room.mu.Unlock()
	p.room.wake()
}

// Publishing replaces what the page claims to send.
func (p *peer) Publishing(s rooms.Source) {
	p.room.mu.Lock()
	p.publishing = s
	p.room.mu.Unlock()
	p.room.wake()
}

// LastSeen is zero before the first authenticated packet.
func (p *peer) LastSeen() time.Time {
	at := p.lastSeen.Load()
	if at == 0 {
		return time.Time{}
	}
	return p.room.sfu.base.Add(time.Duration(at))
}

// seen notes proof of life; it never goes back.
func (p *peer) seen(at int64) {
	for {
		last := p.lastSeen.Load()
		if at <= last || p.lastSeen.CompareAndSwap(last, at) {
			return
		}
	}
}

// Close takes the peer out of the forwarding at once; its transport is ended
// by run, for which Media.Close waits.
func (p *peer) Close() {
	p.events.Lock()
	again := p.closed
	p.closed = true
	p.events.Unlock()
	if again {
		return
	}
	p.room.remove(p)
	close(p.closing)
}

// push queues an input for run. Levels are dropped for a slow page.
func (p *peer) push(in any) {
	p.inbox.Lock()
	defer p.inbox.Unlock()
	if t, ok := in.(told); ok {
		if _, levels := t.PeerEvent.(rooms.Speakers); levels && len(p.inputs) > maxInputs/8 {
			return
		}
	}
	if len(p.inputs) >= maxInputs {
		return
	}
	p.inputs = append(p.inputs, in)
	select {
	case p.wakeup <- struct{}{}:
	default:
	}
}

func (p *peer) take() []any {
	p.inbox.Lock()
	defer p.inbox.Unlock()
	in := p.inputs
	p.inputs = nil
	return in
}

// emit delivers one event, unless the peer was closed meanwhile.
func (p *peer) emit(e rooms.PeerEvent) {
	p.events.Lock()
	defer p.events.Unlock()
	if !p.closed {
		p.on(e)
	}
}

// run is the peer's goroutine; it ends after Close.
func (p *peer) run() {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	defer p.hangUp()
	for {
		var feedbacks chan []byte
		if p.link != nil {
			feedbacks = p.link.feedbacks
		}
		select {
		case <-p.closing:
			return
		case f := <-feedbacks:
			p.link.pass(f)
		case <-tick.C:
			p.check()
		case <-p.wakeup:
			for _, in := range p.take() {
				p.handle(in)
			}
		}
	}
}

func (p *peer) handle(in any) {
	switch in := in.(type) {
	case signalled:
		p.signal(in.Signal)
	case told:
		p.emit(in.PeerEvent)
	case probing:
		if in.transport == p.link {
			p.link.probe(in.bytes)
		}
	case roamed:
		if in.transport == p.link {
			p.link.roam(in.at)
		}
	case stateChanged:
		if in.transport == p.link {
			p.state(in.state)
		}
	}
}

func (p *peer) signal(s rooms.Signal) {
	var err error
	switch {
	case s.SDP != "" && s.NID <= p.nid:
		err = &refusal{codeStale, "a newer offer has been made"}
	case s.SDP != "":
		p.nid, p.candidates = s.NID, 0
		err = p.offer(s)
	case s.NID < p.nid || s.End || s.Candidate == "":
		// of an older offer, or the end of the list, which we do not wait for
	default:
		err = p.candidate(s)
	}
	if err == nil {
		return
	}
	failed := rooms.SignalFailed{NID: s.NID, Code: codeFailed, Message: "the connection could not be negotiated"}
	if r, ok := errors.AsType[*refusal](err); ok {
		failed.Code, failed.Message = r.code, r.message
	}
	p.room.log.Info("signal refused", "conn", p.attachment.Conn, "code", failed.Code)
	p.emit(failed)
}

// offer answers an offer. Another certificate is another PeerConnection on
// the browser's side: it gets a new transport, and the slots begin anew.
func (p *peer) offer(s rooms.Signal) error {
	o, err := readOffer(s.SDP)
	if err != nil {
		return err
	}
	t := p.link
	if t != nil && t.fingerprint != o.fingerprint {
		p.hangUp()
		p.lost()
		t = nil
	}
	fresh := t == nil
	if fresh {
		if t, err = newTransport(p, o); err != nil {
			return err
		}
		p.link = t
		p.room.setTransport(p, t)
	}
	answer, err := t.negotiate(s.SDP, o)
	if err != nil {
		if fresh || t.stuck() {
			p.hangUp()
			p.lost()
		}
		return err
	}
	if p.live.connected {
		t.open() // slots that are new
	}
	p.emit(rooms.Answer{NID: s.NID, SDP: answer})
	p.room.update()
	return nil
}

func (p *peer) candidate(s rooms.Signal) error {
	if p.link == nil {
		return &refusal{codeFailed, "a candidate came before the offer"}
	}
	if p.candidates++; p.candidates > maxCandidates {
		return nil // the browser reaches us by what it has
	}
	mid := s.Mid
	if err := p.link.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: s.Candidate, SDPMid: &mid}); err != nil {
		return &refusal{codeFailed, "a candidate could not be read"}
	}
	return nil
}

// state follows Pion's connection.
func (p *peer) state(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		p.link.open()
		p.room.setConnected(p.link)
		p.live.connected, p.live.asked, p.live.doubted = true, false, false
		p.check()
	case webrtc.PeerConnectionStateDisconnected:
		p.live.doubted = true
		p.check()
	case webrtc.PeerConnectionStateFailed:
		p.lost()
		p.live.asked = false
		p.askRestart()
	case webrtc.PeerConnectionStateClosed:
		p.lost()
	}
}

// askRestart asks for an ICE restart, once per outage and once more when ICE
// has given up.
func (p *peer) askRestart() {
	if !p.live.asked {
		p.live.asked = true
		p.emit(rooms.ICERestart{})
	}
}

// lost says that the transport is gone.
func (p *peer) lost() {
	p.live.connected = false
	if p.live.fail(p.lastSeen.Load()) {
		p.emit(rooms.PeerDown{LastSeen: p.LastSeen()})
	}
}

// check compares the last proof of life with the time.
func (p *peer) check() {
	if p.link == nil {
		return
	}
	now := p.room.sfu.now()
	p.link.pollConsent(&p.responses, p.polled)
	p.polled = now
	if p.live.doubted && now-p.lastSeen.Load() >= int64(iceDisconnected) {
		p.askRestart()
	}
	switch p.live.step(now, p.lastSeen.Load()) {
	case wentUp:
		p.emit(rooms.PeerUp{})
		p.room.update()
	case wentDown:
		p.emit(rooms.PeerDown{LastSeen: p.LastSeen()})
	}
}

// hangUp ends the transport, if there is one.
func (p *peer) hangUp() {
	if p.link == nil {
		return
	}
	p.room.setTransport(p, nil)
	p.link.close()
	p.link, p.responses, p.live.connected, p.live.doubted = nil, 0, false, false
}
