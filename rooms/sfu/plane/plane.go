// Package plane is the way of RTP past Pion: what ICE and DTLS have agreed on
// is Pion's, and so are STUN, DTLS and RTCP on the wire, but media is taken off
// the socket before Pion sees it, and written past it.
//
// A Plane is one shard: some sockets, and the lanes (browsers) of the rooms
// that live on them. A socket's reader takes what is queued (recvmmsg), and
// with it makes one turn: every packet is opened in place and handed to its
// Receiver, then the owner forwards what came of it through Senders, which seal
// into one arena, and then all of it leaves (sendmmsg, with UDP GSO for equal
// sizes to one browser). Nothing waits for a timer, and nothing on the way
// allocates.
//
// A turn is what holds the plane's lock: whoever forwards or sends on one of
// its lanes begins a turn and ends it. So a shard is one loop, whichever socket
// it was woken by, and the lock is taken once for a batch of packets. It comes
// before the locks of what forwards, and after those of what controls.
//
// What must hold, whatever the network does:
//   - no packet counts before it is authentic: replay window and rollover
//     counter change afterwards (RFC 3711 §3.3);
//   - no nonce twice: an SSRC has one Sender, which seals an index once and
//     refuses it the second time, whatever asks for it;
//   - nothing leaves after a turn that began before (Barrier), so that who is
//     muted or has left is not heard any more.
//
// Where to start: conn.go for a turn, lane.go for a browser, srtp.go and
// indexes.go for what is above, outbox.go for sending.
package plane

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Receiver takes the plain packets of one stream, within a turn. The bytes are
// good until the turn's end.
type Receiver interface {
	Receive(packet []byte, now int64)
}

// Plane is one shard. Make it with New.
type Plane struct {
	// Set by New.
	now     func() int64
	forward func()

	noting sync.Mutex
	notes  []note      // guarded by noting; taken by the next turn
	noted  atomic.Bool // there are some

	mu      sync.Mutex
	byAddr  map[netip.AddrPort]*Lane // guarded by mu: authenticated addresses
	bySSRC  map[uint32]*Lane         // guarded by mu: whose streams have been heard
	checks  map[checkID]*check       // guarded by mu
	budget  int                      // guarded by mu: strangers' packets that may be tried
	refill  int64                    // guarded by mu
	sockets []*Conn                  // guarded by mu
	out     outbox                   // guarded by mu
	counts  Counts                   // guarded by mu
}

// Counts since New. Packets are RTP, messages what the kernel was given.
type Counts struct {
	In, Out  uint64 // opened and sealed
	Messages uint64 // UDP sends; with GSO several packets each
	Calls    uint64 // system calls for them
	Replayed uint64 // came again, or too late to tell
	Forged   uint64 // were not authentic, or not RTP
	Refused  uint64 // were not sealed: their number was used
	Unsent   uint64 // the kernel would not take
}

// Add another plane's.
func (c *Counts) Add(o Counts) {
	c.In += o.In
	c.Out += o.Out
	c.Messages += o.Messages
	c.Calls += o.Calls
	c.Replayed += o.Replayed
	c.Forged += o.Forged
	c.Refused += o.Refused
	c.Unsent += o.Unsent
}

// New makes a shard. now is its clock; forward is called in every turn after
// the last packet was received.
func New(now func() int64, forward func()) *Plane {
	return &Plane{now: now, forward: forward, byAddr: map[netip.AddrPort]*Lane{}, bySSRC: map[uint32]*Lane{}, checks: map[checkID]*check{}}
}

// note is an address a browser was heard at. It waits for the next turn,
// because who hears it is Pion's agent, for which a turn may wait.
type note struct {
	lane *Lane
	at   netip.AddrPort
}

// mostNotes between two turns; a check that is not noted comes again.
const mostNotes = 1024

// Begin a turn. The caller ends it soon.
func (p *Plane) Begin() {
	p.mu.Lock()
	if !p.noted.Load() {
		return
	}
	p.noting.Lock()
	defer p.noting.Unlock()
	for _, n := range p.notes {
		n.lane.heardAt(n.at)
	}
	clear(p.notes)
	p.notes = p.notes[:0]
	p.noted.Store(false)
}

// End forwards what the turn received and sends what it sealed.
func (p *Plane) End() {
	p.forward()
	p.out.flush(&p.counts)
	p.mu.Unlock()
}

// Barrier returns when the turn that is under way has ended.
func (p *Plane) Barrier() {
	p.mu.Lock()
	p.mu.Unlock() //nolint:staticcheck // that is all
}

// Counts are consistent with each other.
func (p *Plane) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// receive one datagram of a turn; false when it is not media of a lane, and
// so Pion's.
func (p *Plane) receive(c *Conn, b []byte, from netip.AddrPort, now int64) bool {
	l := p.byAddr[from]
	if l == nil {
		if l = p.stranger(b, now); l == nil {
			return false
		}
	}
	if l.opener == nil {
		return false
	}
	if p.open(l, b, from, now) {
		l.at(c, from, now)
	}
	return true
}

// open a datagram of an armed lane and hand it to its Receiver; false when it
// is not authentic, or has come before.
func (p *Plane) open(l *Lane, b []byte, from netip.AddrPort, now int64) bool {
	plain, s, err := l.opener.open(b, l.begin)
	switch {
	case err == nil:
	case errors.Is(err, errReplay):
		p.counts.Replayed++
		return false
	default:
		p.counts.Forged++
		return false
	}
	p.counts.In++
	l.lastAt, l.lastFrom = now, from
	if s.to != nil {
		s.to.Receive(plain, now)
	}
	return true
}

// socket that has a local address, which is then named, or the only one of its
// family: behind a NAT what Pion names is not what is bound. Nil when it cannot
// be said.
func (p *Plane) socket(local netip.AddrPort) (c *Conn, named bool) {
	var only *Conn
	n := 0
	for _, c := range p.sockets {
		if c.local == local {
			return c, true
		}
		if c.local.Addr().Is4() == local.Addr().Is4() {
			only = c
			n++
		}
	}
	if n == 1 {
		return only, false
	}
	return nil, false
}

// plainAddr is an address as the table has it: without IPv4 in IPv6, without
// a zone.
func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func addrPort(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok {
		return plainAddr(u.AddrPort())
	}
	return netip.AddrPort{}
}
