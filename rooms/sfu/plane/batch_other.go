//go:build !linux

package plane

import "net/netip"

// rawAddr is of no use where datagrams are sent one by one.
type rawAddr struct{}

// batcher is the way of systems without batches: one datagram each.
type batcher struct {
	conn *Conn
	data [maxDatagram]byte
	size int
	from netip.AddrPort
}

func (b *batcher) init(c *Conn, _ int) error {
	b.conn = c
	return nil
}

func (b *batcher) read() (n int, err error) {
	b.size, b.from, err = b.conn.ReadFromUDPAddrPort(b.data[:])
	return 1, err
}

func (b *batcher) datagram(int) ([]byte, netip.AddrPort) {
	return b.data[:b.size], netip.AddrPortFrom(b.from.Addr().Unmap(), b.from.Port())
}

func (b *batcher) raw(netip.AddrPort) rawAddr { return rawAddr{} }
func (b *batcher) merges() bool               { return false }
func (b *batcher) flush(*Counts)              {}

func (b *batcher) send(o *outbox, l *Lane, counts *Counts) {
	for i := range o.groups {
		counts.Messages++
		counts.Calls++
		if _, err := b.conn.WriteToUDPAddrPort(o.bytes(&o.entries[o.groups[i].first-1]), l.aim.addr); err != nil {
			counts.Unsent++
		}
	}
}
