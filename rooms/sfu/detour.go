package sfu

import (
	"io"
	"net"
	"sync"

	"github.com/pion/ice/v4"

	"viop/rooms/sfu/plane"
)

// detour is a transport's view of the TCP port. A transport that begins on TCP
// is Pion's altogether. One that began on UDP, and is on the plane for good, may
// still find itself on TCP after an ICE restart, when its network has stopped
// letting UDP through; then its media goes here, past Pion like before.
type detour struct {
	*ice.TCPMuxDefault
	lane *plane.Lane

	mu    sync.Mutex
	conns map[string]net.PacketConn // guarded by mu; by remote address
}

// mostDetours are TCP connections of one browser.
const mostDetours = 16

func newDetour(tcp *ice.TCPMuxDefault, lane *plane.Lane) *detour {
	return &detour{TCPMuxDefault: tcp, lane: lane, conns: map[string]net.PacketConn{}}
}

// GetConnByUfrag is Pion's, seen through.
func (d *detour) GetConnByUfrag(ufrag string, ipv6 bool, local net.IP) (net.PacketConn, error) {
	conn, err := d.TCPMuxDefault.GetConnByUfrag(ufrag, ipv6, local)
	if err != nil {
		return nil, err
	}
	return &detourConn{conn, d}, nil
}

// to is the way to a remote address; nil without one.
func (d *detour) to(remote string) io.Writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	conn, ok := d.conns[remote]
	if !ok {
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", remote)
	if err != nil {
		return nil
	}
	return detourWriter{conn, addr}
}

func (d *detour) note(remote string, conn net.PacketConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.conns[remote]; !known && len(d.conns) == mostDetours {
		clear(d.conns) // who is still there is noted with the next check
	}
	d.conns[remote] = conn
}

// detourConn keeps media from Pion.
type detourConn struct {
	net.PacketConn
	detour *detour
}

func (c *detourConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if !c.detour.lane.Take(b[:n]) {
			c.detour.note(from.String(), c.PacketConn)
			return n, from, nil
		}
	}
}

// detourWriter drops what the connection cannot take at once.
type detourWriter struct {
	conn net.PacketConn
	to   net.Addr
}

func (w detourWriter) Write(b []byte) (int, error) { return w.conn.WriteTo(b, w.to) }
