package plane

import (
	"net"
	"net/netip"
)

// maxDatagram is the largest that is read or sent.
const maxDatagram = 2048

// Conn is a socket for ice.UDPMuxParams.UDPConn. Its reader, Pion's, makes the
// turns: media never comes out of it.
type Conn struct {
	*net.UDPConn
	// Set by Listen.
	plane *Plane
	local netip.AddrPort
	io    batcher

	// Owned by the reader: datagrams of the last batch that are Pion's.
	others []int
	next   int
}

// Listen makes the socket one of the plane's, until it is closed. buffer is
// what the kernel shall hold in each direction; it may give less.
func (p *Plane) Listen(u *net.UDPConn, buffer int) (*Conn, error) {
	_, _ = u.SetReadBuffer(buffer), u.SetWriteBuffer(buffer)
	c := &Conn{UDPConn: u, plane: p, local: addrPort(u.LocalAddr())}
	if err := c.io.init(c, buffer); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets = append(p.sockets, c)
	return c, nil
}

// ReadFromAddrPort gives the next datagram that is Pion's. One goroutine only.
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for c.next == len(c.others) {
		n, err := c.io.read()
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		c.others, c.next = c.others[:0], 0
		c.turn(n)
	}
	datagram, from := c.io.datagram(c.others[c.next])
	c.next++
	return copy(b, datagram), from, nil
}

// turn takes a batch of n datagrams.
func (c *Conn) turn(n int) {
	p := c.plane
	p.Begin()
	defer p.End()
	now := p.now()
	for i := range n {
		b, from := c.io.datagram(i)
		switch at := plainAddr(from); {
		case isMedia(b) && p.receive(c, b, at, now):
		case p.answered(c, b, at):
		default:
			c.others = append(c.others, i)
			if l := p.byAddr[at]; l != nil {
				l.heardOn(c, at)
			}
		}
	}
}

// ReadFrom is ReadFromAddrPort for those who do not know it.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends what is Pion's.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.WriteToUDPAddrPort(b, to)
}

// Close takes the socket away from the plane.
func (c *Conn) Close() error {
	p := c.plane
	p.mu.Lock()
	for i, s := range p.sockets {
		if s == c {
			p.sockets = append(p.sockets[:i:i], p.sockets[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	return c.UDPConn.Close()
}

func (c *Conn) raw(to netip.AddrPort) rawAddr           { return c.io.raw(to) }
func (c *Conn) merges() bool                            { return c.io.merges() }
func (c *Conn) send(o *outbox, l *Lane, counts *Counts) { c.io.send(o, l, counts) }
func (c *Conn) flush(counts *Counts)                    { c.io.flush(counts) }
