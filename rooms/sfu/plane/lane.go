package plane

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/rtp"
)

const (
	// mostHeard addresses of one browser are known; the oldest goes.
	mostHeard = 16
	// holds is how long an address stays with the lane it was last heard on,
	// though another one claims it: a check can be sent in a stranger's name.
	holds = 2 * time.Second
)

// Lane is the media of one browser: where it is, and its keys. Before Arm and
// after Close its packets are Pion's.
type Lane struct {
	plane *Plane
	begin func(ssrc uint32) Receiver
	roam  func(Place) // nil: nobody wants to know

	// Guarded by plane.mu.
	opener   *opener // nil: not armed
	seal     *aead
	cryptex  bool
	heard    []netip.AddrPort // oldest first
	lastAt   int64            // the newest authentic packet
	lastFrom netip.AddrPort
	aim      target
	via      Place           // where what is Pion's came from
	claimed  map[uint32]bool // SSRCs that have a Sender
	closed   bool
	aimedAt  int64 // the newest authentic packet from where it is aimed
	asked    int64 // roam was called
	// Of the outbox: indexes of its entries plus one, 0 for none.
	first, last int32
}

// target is where a lane's packets go: to an address from a socket, or through
// a detour; neither is nowhere.
type target struct {
	socket *Conn
	addr   netip.AddrPort
	raw    rawAddr
	detour io.Writer
}

// Lane makes one. begin is called, within a turn, with every SSRC that
// authentic packets have; what it returns gets them. roam is called, within a
// turn, when they come from somewhere else than they go to; it may ask for a
// Check, afterwards.
func (p *Plane) Lane(begin func(ssrc uint32) Receiver, roam func(Place)) *Lane {
	l := &Lane{plane: p, roam: roam, claimed: map[uint32]bool{}}
	l.begin = func(ssrc uint32) Receiver {
		p.bySSRC[ssrc] = l
		return begin(ssrc)
	}
	return l
}

// Heard says that the browser is at an address: a connectivity check from
// there was authentic. It waits for no turn.
func (l *Lane) Heard(at netip.AddrPort) {
	p := l.plane
	p.noting.Lock()
	defer p.noting.Unlock()
	if len(p.notes) < mostNotes {
		p.notes = append(p.notes, note{l, plainAddr(at)})
		p.noted.Store(true)
	}
}

func (l *Lane) heardAt(at netip.AddrPort) {
	p := l.plane
	other := p.byAddr[at]
	if l.closed || other == l || other != nil && other.lastFrom == at && p.now()-other.lastAt < int64(holds) {
		return
	}
	if len(l.heard) == mostHeard {
		l.forget(l.heard[0])
		l.heard = append(l.heard[:0], l.heard[1:]...)
	}
	l.heard = append(l.heard, at)
	p.byAddr[at] = l
}

func (l *Lane) forget(at netip.AddrPort) {
	if l.plane.byAddr[at] == l {
		delete(l.plane.byAddr, at)
	}
}

// Aim sends to an address from now on, from the socket that has the local
// address, or else the one it was heard on; false as long as no socket can be
// named, and then nothing is sent.
func (l *Lane) Aim(local, remote netip.AddrPort) bool {
	p := l.plane
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.flush(&p.counts) // what was sealed for the old one
	l.aim = target{addr: plainAddr(remote)}
	c, named := p.socket(plainAddr(local))
	if !named && l.via.addr == l.aim.addr && slices.Contains(p.sockets, l.via.socket) {
		c = l.via.socket
	}
	return l.aimFrom(c)
}

func (l *Lane) aimFrom(c *Conn) bool {
	if c == nil || l.closed {
		return false
	}
	l.aim = target{socket: c, addr: l.aim.addr, raw: c.raw(l.aim.addr)}
	return true
}

// heardOn notes the socket Pion's packets came on: behind a NAT the agent names
// another address than that of the socket. It is a guess: a browser checks all
// its ways here, also those it does not take.
func (l *Lane) heardOn(c *Conn, at netip.AddrPort) {
	l.via = Place{c, at}
	if l.aim.socket == nil && l.aim.addr == at {
		l.aimFrom(c)
	}
}

// Detour sends through w, one packet with each Write, which must not wait: ICE
// has left UDP. With nil nothing is sent.
func (l *Lane) Detour(w io.Writer) {
	p := l.plane
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.flush(&p.counts)
	l.aim = target{}
	if !l.closed {
		l.aim.detour = w
	}
}

// Take a datagram that came by a detour; false when it is Pion's.
func (l *Lane) Take(b []byte) bool {
	if !isRTP(b) {
		return false
	}
	l.plane.Begin()
	defer l.plane.End()
	if l.opener == nil {
		return false
	}
	l.plane.open(l, b, netip.AddrPort{}, l.plane.now())
	return true
}

// Aimed says whether there is an address to send to.
func (l *Lane) Aimed() bool {
	l.plane.mu.Lock()
	defer l.plane.mu.Unlock()
	return l.aim.socket != nil
}

// Arm takes the lane over from Pion, for good. cryptex says that the browser
// takes encrypted header extensions (RFC 9335); what comes may have them anyway.
func (l *Lane) Arm(k *Keys, cryptex bool) error {
	theirs, err := newAEAD(k.theirs)
	if err != nil {
		return err
	}
	ours, err := newAEAD(k.ours)
	if err != nil {
		return err
	}
	l.plane.mu.Lock()
	defer l.plane.mu.Unlock()
	if l.closed || l.opener != nil {
		return errors.New("plane: a lane is armed once")
	}
	l.opener = &opener{aead: theirs, streams: map[uint32]*opened{}}
	l.seal, l.cryptex = ours, cryptex
	return nil
}

// Close ends the lane; when it returns nothing comes or goes.
func (l *Lane) Close() {
	l.plane.mu.Lock()
	defer l.plane.mu.Unlock()
	l.plane.out.flush(&l.plane.counts)
	for _, at := range l.heard {
		l.forget(at)
	}
	if l.opener != nil {
		for ssrc := range l.opener.streams {
			if l.plane.bySSRC[ssrc] == l {
				delete(l.plane.bySSRC, ssrc)
			}
		}
	}
	l.closed, l.opener, l.seal, l.heard, l.aim = true, nil, nil, nil, target{}
}

// Sender seals what goes out under some SSRCs, and is the only one to do so.
type Sender struct {
	lane    *Lane
	streams []sealed
}

// sealed is one outgoing stream.
type sealed struct {
	ssrc uint32
	sent indexes
	// Of the outbox: the message its newest packet is in, in that flush.
	flush   uint64
	message int32
}

// Sender for SSRCs that have none.
func (l *Lane) Sender(ssrcs ...uint32) (*Sender, error) {
	l.plane.mu.Lock()
	defer l.plane.mu.Unlock()
	s := &Sender{lane: l}
	for _, ssrc := range ssrcs {
		if l.claimed[ssrc] {
			return nil, errors.New("plane: two senders for one SSRC")
		}
	}
	for _, ssrc := range ssrcs {
		l.claimed[ssrc] = true
		s.streams = append(s.streams, sealed{ssrc: ssrc})
	}
	return s, nil
}

func (s *Sender) stream(ssrc uint32) *sealed {
	for i := range s.streams {
		if s.streams[i].ssrc == ssrc {
			return &s.streams[i]
		}
	}
	return nil
}

// WriteRTP seals a packet and puts it up for the end of the turn, within which
// it is called. With the padding bit the payload ends in the padding. A number
// that was used is refused: its nonce has sealed something else.
func (s *Sender) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	l := s.lane
	p := l.plane
	if l.seal == nil || l.aim.socket == nil && l.aim.detour == nil {
		return 0, errors.New("plane: nowhere to send")
	}
	stream := s.stream(h.SSRC)
	if stream == nil {
		return 0, errors.New("plane: another sender's SSRC")
	}
	at, ok := stream.sent.guess(h.SequenceNumber, 0)
	if !ok || !stream.sent.fresh(at) {
		p.counts.Refused++
		return 0, errReuse
	}
	size := h.MarshalSize()
	b := p.out.room(size+len(payload)+tagSize, &p.counts)
	if b == nil {
		return 0, errShort
	}
	if _, err := h.MarshalTo(b[:size]); err != nil {
		return 0, err
	}
	copy(b[size:], payload)
	stream.sent.use(at)
	l.sealFrom(b, size, len(payload), h.SSRC, at)
	p.out.put(l, stream, len(b))
	p.counts.Out++
	return len(payload), nil
}

// sealFrom seals a packet in place: a header of size bytes, a payload, and room
// for the tag.
func (l *Lane) sealFrom(b []byte, size, payload int, ssrc uint32, at uint64) {
	end := size + payload
	whole := l.cryptex && encryptable(b)
	if whole {
		turnAround(b, false)
		size = cryptexHeader
	}
	l.seal.gcm.Seal(b[size:size], l.seal.iv(ssrc, at), b[size:end], b[:size])
	if whole {
		turnAround(b, true)
	}
}
