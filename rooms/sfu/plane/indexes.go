package plane

// indexes are the packet indexes (RFC 3711 §3.3.1: rollover counter and
// sequence number, 48 bits) of one stream that have been used, so that each is
// used once: by a sender because of the nonce, by a receiver because of
// replays. What is further back than the window counts as used.
type indexes struct {
	begun   bool
	highest uint64
	bits    [indexWindow / 64]uint64
}

const (
	// indexWindow is more than the rewriting lets a packet be late.
	indexWindow = 2048
	indexLimit  = 1 << 48 // no key seals more (RFC 3711 §9.2)
)

// guess the index of a sequence number: of those that end in it the one
// nearest to the highest (RFC 3711 §3.3.1). first is the rollover counter of a
// stream that has not begun. False when there is no such index.
func (x *indexes) guess(seq uint16, first uint32) (uint64, bool) {
	if !x.begun {
		return uint64(first)<<16 | uint64(seq), true
	}
	at := int64(x.highest) + int64(int16(seq-uint16(x.highest)))
	return uint64(at), at >= 0 && at < indexLimit
}

// fresh says whether an index has not been used.
func (x *indexes) fresh(at uint64) bool {
	switch {
	case !x.begun || at > x.highest:
		return true
	case x.highest-at >= indexWindow:
		return false
	}
	return x.bits[at/64%(indexWindow/64)]&(1<<(at%64)) == 0
}

// use an index that is fresh. What is before a stream's first is used, too.
func (x *indexes) use(at uint64) {
	switch {
	case !x.begun:
		x.begun, x.highest = true, at
		for i := range x.bits {
			x.bits[i] = ^uint64(0)
		}
	case at > x.highest:
		if at-x.highest >= indexWindow {
			clear(x.bits[:])
		} else {
			for n := x.highest + 1; n < at; n++ {
				x.bits[n/64%(indexWindow/64)] &^= 1 << (n % 64)
			}
		}
		x.highest = at
	}
	x.bits[at/64%(indexWindow/64)] |= 1 << (at % 64)
}
