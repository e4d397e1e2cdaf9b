package plane

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// A browser's address changes while it is talking: its network's translator
// forgot it, or it has another network. It says so by the next connectivity
// check, which may be seconds away, but its packets come at once, and they are
// as authentic from there as from anywhere. They are taken. Where they come from
// is not believed to be where the browser is, though (somebody may have taken
// them up and sent them on): nothing is sent there before a check of our own
// has been answered from there (RFC 8445 §2.2, RFC 7675).

const (
	// quiet is how long nothing came from where a lane is aimed before
	// anything is thought of that.
	quiet = 100 * time.Millisecond
	// askEvery is the time between two calls of roam.
	askEvery = 200 * time.Millisecond
	// checkFor is how long an answer is waited for.
	checkFor   = 2 * time.Second
	mostChecks = 256
	// strangers is how many packets a second from unknown addresses are tried:
	// each costs as much as one that is known.
	strangers = 1000
)

// Place is where packets of a lane have come from.
type Place struct {
	socket *Conn
	addr   netip.AddrPort
}

// Addr of the place.
func (w Place) Addr() netip.AddrPort { return w.addr }

type checkID [stun.TransactionIDSize]byte

// check is one of ours that has not been answered.
type check struct {
	lane  *Lane
	place Place
	key   stun.MessageIntegrity
	until int64
	done  func()
}

// stranger is whose packet may have come from an unknown address.
func (p *Plane) stranger(b []byte, now int64) *Lane {
	l := p.bySSRC[ssrcOf(b)]
	if l == nil || l.opener == nil {
		return nil
	}
	if now-p.refill >= int64(time.Second) {
		p.budget, p.refill = strangers, now
	}
	if p.budget == 0 {
		return nil
	}
	p.budget--
	return l
}

// at notes where an authentic packet came from, and on which socket: a browser
// that reaches several of ours sends media on the pair it has selected (RFC 8445
// §12.1), and Chromium soon forgets the others: what comes by them is dropped
// there, and nobody is told.
func (l *Lane) at(c *Conn, from netip.AddrPort, now int64) {
	if from == l.aim.addr {
		l.aimedAt = now
		if c != l.aim.socket {
			l.plane.out.flush(&l.plane.counts)
			l.aimFrom(c)
		}
		return
	}
	if l.plane.byAddr[from] != l {
		l.heardAt(from)
	}
	if l.roam != nil && l.aim.socket != nil && now-l.aimedAt >= int64(quiet) && now-l.asked >= int64(askEvery) {
		l.asked = now
		l.roam(Place{c, from})
	}
}

// Check sends a binding request with the browser's credentials to a place; when
// it is answered from there, the lane is aimed there, and done is called within
// a turn.
func (l *Lane) Check(at Place, request *stun.Message, key stun.MessageIntegrity, done func()) error {
	p := l.plane
	p.mu.Lock()
	now := p.now()
	for id, c := range p.checks {
		if now >= c.until {
			delete(p.checks, id)
		}
	}
	known := len(p.checks) < mostChecks && !l.closed
	if known {
		p.checks[request.TransactionID] = &check{lane: l, place: at, key: key, until: now + int64(checkFor), done: done}
	}
	p.mu.Unlock()
	if !known {
		return nil // it comes again
	}
	_, err := at.socket.WriteToUDPAddrPort(request.Raw, at.addr)
	return err
}

// answered takes the answer to a check of ours; everything else is Pion's.
func (p *Plane) answered(c *Conn, b []byte, from netip.AddrPort) bool {
	if len(p.checks) == 0 || !stun.IsMessage(b) {
		return false
	}
	m := &stun.Message{Raw: bytes.Clone(b)}
	if m.Decode() != nil || m.Type != stun.BindingSuccess {
		return false
	}
	k := p.checks[m.TransactionID]
	if k == nil {
		return false
	}
	delete(p.checks, m.TransactionID)
	l := k.lane
	if k.place != (Place{c, from}) || l.closed || p.now() >= k.until || k.key.Check(m) != nil {
		return true
	}
	p.out.flush(&p.counts)
	l.aim = target{socket: c, addr: from, raw: c.raw(from)}
	k.done()
	return true
}
