package plane

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// readMost datagrams are taken at once: what a full room sends in a few
	// milliseconds.
	readMost  = 64
	writeMost = 256  // messages of a call
	pieces    = 1024 // packets of a call (UIO_MAXIOV)
)

// rawAddr is a socket address as the kernel takes it, of either family.
type rawAddr struct {
	sockaddr unix.RawSockaddrInet6
	size     uint32
}

// mmsghdr is recvmmsg(2)'s.
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
}

// segmentControl is the message that names the size of GSO's segments.
type segmentControl [((unix.SizeofCmsghdr + 7) &^ 7) + 8]byte

// batcher reads and writes many datagrams with one call each.
type batcher struct {
	// Set by init.
	conn *Conn
	fd   syscall.RawConn
	zone string // of link-local addresses
	link uint32
	v4   bool

	// Owned by the reader.
	in     [readMost]mmsghdr
	inIO   [readMost]unix.Iovec
	inAddr [readMost]unix.RawSockaddrInet6
	inData []byte
	inN    int
	inErr  error
	doRead func(fd uintptr) bool

	// Owned by a turn.
	segments bool // the kernel segments
	out      [writeMost]mmsghdr
	outIO    [pieces]unix.Iovec
	outCtl   [writeMost]segmentControl
	outN     int
	outPiece int
	sent     int
	counts   *Counts
	doWrite  func(fd uintptr) bool
}

func (b *batcher) init(c *Conn, buffer int) error {
	fd, err := c.SyscallConn()
	if err != nil {
		return err
	}
	b.conn, b.fd, b.v4 = c, fd, c.local.Addr().Is4()
	if u, ok := c.LocalAddr().(*net.UDPAddr); ok && u.Zone != "" {
		b.zone = u.Zone
		if i, err := net.InterfaceByName(u.Zone); err == nil {
			b.link = uint32(i.Index)
		}
	}
	if err := fd.Control(func(fd uintptr) {
		// Since Linux 4.18.
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		b.segments = err == nil
		// Beyond net.core.rmem_max, if we may (CAP_NET_ADMIN).
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, buffer)
	}); err != nil {
		return err
	}
	b.inData = make([]byte, readMost*maxDatagram)
	for i := range b.in {
		b.inIO[i].Base = &b.inData[i*maxDatagram]
		b.inIO[i].SetLen(maxDatagram)
		h := &b.in[i].header
		h.Name = (*byte)(unsafe.Pointer(&b.inAddr[i]))
		h.Iov = &b.inIO[i]
		h.SetIovlen(1)
	}
	for i := range b.outCtl {
		control := (*unix.Cmsghdr)(unsafe.Pointer(&b.outCtl[i]))
		control.Level, control.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		control.SetLen(unix.CmsgLen(2))
	}
	b.doRead, b.doWrite = b.recvmmsg, b.sendmmsg
	return nil
}

// read waits for datagrams and says how many there are.
func (b *batcher) read() (int, error) {
	if err := b.fd.Read(b.doRead); err != nil {
		return 0, err
	}
	return b.inN, b.inErr
}

func (b *batcher) recvmmsg(fd uintptr) bool {
	for i := range b.in {
		b.in[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.in[0])), readMost, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.inN, b.inErr = int(n), nil
			return true
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			b.inN, b.inErr = 0, errno
			return true
		}
	}
}

// datagram i of the batch; empty if it was larger than any that is taken.
func (b *batcher) datagram(i int) ([]byte, netip.AddrPort) {
	m := &b.in[i]
	size := int(m.size)
	if m.header.Flags&unix.MSG_TRUNC != 0 {
		size = 0
	}
	return b.inData[i*maxDatagram : i*maxDatagram+size : (i+1)*maxDatagram], b.from(&b.inAddr[i])
}

func (b *batcher) from(a *unix.RawSockaddrInet6) netip.AddrPort {
	if a.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), swapped(v4.Port))
	}
	addr := netip.AddrFrom16(a.Addr).Unmap()
	if b.zone != "" && addr.IsLinkLocalUnicast() {
		addr = addr.WithZone(b.zone)
	}
	return netip.AddrPortFrom(addr, swapped(a.Port))
}

// swapped to or from the network's order.
func swapped(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

// raw form of an address, in the socket's family.
func (b *batcher) raw(to netip.AddrPort) (r rawAddr) {
	if b.v4 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&r.sockaddr))
		v4.Family, v4.Port, v4.Addr = unix.AF_INET, swapped(to.Port()), to.Addr().As4()
		r.size = unix.SizeofSockaddrInet4
		return r
	}
	r.sockaddr = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swapped(to.Port()), Addr: to.Addr().As16()}
	if to.Addr().IsLinkLocalUnicast() {
		r.sockaddr.Scope_id = b.link
	}
	r.size = unix.SizeofSockaddrInet6
	return r
}

func (b *batcher) merges() bool { return b.segments }

// send puts a lane's groups up; flush sends them at last.
func (b *batcher) send(o *outbox, l *Lane, counts *Counts) {
	for i := range o.groups {
		g := &o.groups[i]
		if b.outN == writeMost || b.outPiece+int(g.count) > pieces {
			b.flush(counts)
		}
		h := &b.out[b.outN].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&l.aim.raw.sockaddr)), l.aim.raw.size
		h.Iov = &b.outIO[b.outPiece]
		h.SetIovlen(int(g.count))
		for n := g.first; n != 0; n = o.entries[n-1].join {
			e := &o.entries[n-1]
			piece := &b.outIO[b.outPiece]
			piece.Base = &o.arena[e.at]
			piece.SetLen(int(e.size))
			b.outPiece++
		}
		h.Control = nil
		h.SetControllen(0)
		if g.count > 1 {
			control := &b.outCtl[b.outN]
			binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(g.segment))
			h.Control = &control[0]
			h.SetControllen(len(control))
		}
		b.outN++
	}
}

func (b *batcher) flush(counts *Counts) {
	if b.outN == 0 {
		return
	}
	b.sent, b.counts = 0, counts
	counts.Messages += uint64(b.outN)
	if err := b.fd.Write(b.doWrite); err != nil { // closed
		counts.Unsent += uint64(b.outN - b.sent)
	}
	b.outN, b.outPiece = 0, 0
}

func (b *batcher) sendmmsg(fd uintptr) bool {
	for b.sent < b.outN {
		b.counts.Calls++
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.out[b.sent])), uintptr(b.outN-b.sent), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.sent += int(n)
		case unix.EAGAIN:
			return false // the network is the slower one: wait
		case unix.EINTR:
		default:
			b.refused(fd, errno)
			b.sent++
		}
	}
	return true
}

// refused is a message the kernel would not take. An interface that cannot
// checksum cannot segment either, and says so only now (EIO): its packets are
// sent one by one, and from now on all are.
func (b *batcher) refused(fd uintptr, errno syscall.Errno) {
	h := &b.out[b.sent].header
	if h.Control == nil {
		b.counts.Unsent++
		return
	}
	if errno == unix.EIO || errno == unix.EINVAL || errno == unix.EOPNOTSUPP {
		b.segments = false
	}
	one := *h
	one.Control = nil
	one.SetControllen(0)
	one.SetIovlen(1)
	for i := range int(h.Iovlen) {
		one.Iov = (*unix.Iovec)(unsafe.Add(unsafe.Pointer(h.Iov), uintptr(i)*unsafe.Sizeof(unix.Iovec{})))
		if _, _, errno := unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&one)), unix.MSG_DONTWAIT); errno != 0 {
			b.counts.Unsent++
		}
	}
	pieces := uint64(h.Iovlen) //nolint:unconvert // it has 32 bits on some machines
	b.counts.Messages += pieces - 1
	b.counts.Calls += pieces
}
