package sfu

import (
	"sync"

	"viop/rooms/sfu/rewrite"
)

// ringSize is how many packets of a layer are kept for retransmission: 1.8 s
// of a 1.2 Mbit/s layer, and a repair that late helps nobody. Packets keep
// their own size, so a low layer is small; still they are most of what a node
// holds in memory.
const ringSize = 256

// ring keeps the newest packets of one layer, once for all its receivers.
// Written by the publisher's goroutine, read by receivers that lost one.
type ring struct {
	mu      sync.Mutex
	entries []kept
}

type kept struct {
	seq    uint16
	used   bool
	ts     uint32
	marker bool
	vp8    rewrite.VP8
	isVP8  bool
	data   []byte
}

func (r *ring) put(p *packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		r.entries = make([]kept, ringSize)
	}
	e := &r.entries[p.seq%ringSize]
	e.seq, e.used, e.ts, e.marker = p.seq, true, p.ts, p.marker
	e.vp8, e.isVP8 = p.vp8, p.isVP8
	e.data = append(e.data[:0], p.payload...)
}

// get copies a kept packet into p, its payload appended to dst; false when it
// is not there any more.
func (r *ring) get(seq uint16, p *packet, dst []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		return false
	}
	e := &r.entries[seq%ringSize]
	if !e.used || e.seq != seq {
		return false
	}
	*p = packet{seq: e.seq, ts: e.ts, marker: e.marker, vp8: e.vp8, isVP8: e.isVP8}
	p.payload = append(dst, e.data...)
	return true
}

// clear gives the memory back; a slot's history may name the layer for long.
func (r *ring) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = nil
}

// windowSize is how far back duplicates are known. Browsers probe for
// bandwidth by sending old media again as RTX, many times over: a duplicate
// that went on would start a switch on a stale keyframe, and would encrypt two
// packets under one nonce.
const windowSize = 2048

// window knows which sequence numbers of a stream have come.
type window struct {
	started bool
	first   uint64
	highest uint64
	bits    [windowSize / 64]uint64
}

// unwrapBase keeps numbers before the first one above zero.
const unwrapBase = 1 << 16

// take says whether seq comes for the first time, and how far ahead of the
// newest one it is (0 or less: late). Anything older than the window, or than
// the first packet, is refused. A leap of more than rewrite.Jump is a new
// beginning.
func (w *window) take(seq uint16) (ahead int, fresh bool) {
	if !w.started {
		w.begin(unwrapBase + uint64(seq))
		return 1, true
	}
	ahead = int(int16(seq - uint16(w.highest)))
	at := uint64(int64(w.highest) + int64(ahead))
	switch {
	case ahead > rewrite.Jump:
		w.begin(at)
		return 1, true
	case ahead > 0:
		for n := w.highest + 1; n < at; n++ {
			w.clear(n)
		}
		w.highest = at
		w.set(at)
		return ahead, true
	case -ahead >= windowSize || at < w.first || w.has(at):
		return ahead, false
	}
	w.set(at)
	return ahead, true
}

// lacks says whether seq is one of this stream that has not come and still may.
func (w *window) lacks(seq uint16) bool {
	ahead := int(int16(seq - uint16(w.highest)))
	at := uint64(int64(w.highest) + int64(ahead))
	return w.started && ahead <= rewrite.Jump && -ahead < windowSize && at >= w.first && (ahead > 0 || !w.has(at))
}

func (w *window) begin(at uint64) {
	*w = window{started: true, first: at, highest: at}
	w.set(at)
}

func (w *window) has(n uint64) bool { return w.bits[n/64%(windowSize/64)]&(1<<(n%64)) != 0 }
func (w *window) set(n uint64)      { w.bits[n/64%(windowSize/64)] |= 1 << (n % 64) }
func (w *window) clear(n uint64)    { w.bits[n/64%(windowSize/64)] &^= 1 << (n % 64) }
