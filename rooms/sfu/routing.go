package sfu

import (
	"cmp"
	"slices"
	"time"

	"viop/rooms"
)

// defaultHeight is what a tile is taken to be before the page has said what
// it shows.
const defaultHeight = 360

// Who is served first when a line is thin.
const (
	rankPinned = iota
	rankScreen
	rankSpeaker
	rankPreferred
	rankVisible
	rankHidden
)

// wish is one video a peer could get.
type wish struct {
	key    key
	height int
	rank   int
	order  int // within the rank
}

// scratch is what one look at a room is worked out in; nothing of it is good
// after that.
type scratch struct {
	asked  []*peer // of the wants
	wishes []wish
	keys   []key
	views  []view
	given  []choice
	slots  []rooms.Slot
	mouths []mouth
	heard  []heardNow
}

// wishes of a peer's page, most important first; good until asked again. r.mu
// is held.
func (r *room) wishes(p *peer) []wish {
	asked, out := r.scratch.asked[:0], r.scratch.wishes[:0]
	for _, w := range p.wants {
		asked = append(asked, r.byHandle(w.Handle))
	}
	for i, q := range r.peers {
		for _, kind := range [...]rooms.Source{rooms.Screen, rooms.Camera} {
			if !hears(p, q, kind) {
				continue
			}
			k, want, order := key{q, kind}, rooms.Want{}, len(p.wants)+i
			for i, w := range p.wants { // what is said last, counts
				if asked[i] == q && w.Source == kind {
					want, order = w, i
				}
			}
			if !p.hasWants {
				want = rooms.Want{Height: defaultHeight}
			}
			out = append(out, wish{k, want.Height, r.importance(k, want), order})
		}
	}
	slices.SortStableFunc(out, func(a, b wish) int { return cmp.Or(a.rank-b.rank, a.order-b.order) })
	r.scratch.asked, r.scratch.wishes = asked, out
	return out
}

func (r *room) importance(k key, w rooms.Want) int {
	switch {
	case w.Height == 0 && k.kind != rooms.Screen:
		return rankHidden
	case w.Pinned:
		return rankPinned
	case k.kind == rooms.Screen:
		return rankScreen
	case r.speakers.in(k.peer.place.Room).first == k.peer.attachment.Handle:
		return rankSpeaker
	case k.peer.attachment.Preferred:
		return rankPreferred
	}
	return rankVisible
}

// hears says whether p may get a source of q: both in the same room, the
// source let through, and for a screen also claimed, because browsers pad
// empty sections.
func hears(p, q *peer, kind rooms.Source) bool {
	if p == q || p.place.Room == "" || p.place.Room != q.place.Room || q.place.Send&kind == 0 {
		return false
	}
	return kind&(rooms.Mic|rooms.Camera) != 0 || q.publishing&kind != 0
}

func (r *room) byHandle(h rooms.Handle) *peer {
	for _, p := range r.peers {
		if p.attachment.Handle == h {
			return p
		}
	}
	return nil
}

// assign maps the peer's slots. Everybody's voice keeps its slot for as long
// as the person is in the room, muted or not; a camera goes to the slot beside
// its voice, so that the browser keeps the two in step, and a screen to the
// far end. r.mu is held.
func (r *room) assign(p *peer, wishes []wish) {
	wanted := r.scratch.keys[:0]
	for _, q := range r.peers {
		if p != q && p.place.Room != "" && p.place.Room == q.place.Room {
			wanted = append(wanted, key{q, rooms.Mic})
		}
	}
	for _, q := range r.peers {
		if hears(p, q, rooms.ScreenAudio) {
			wanted = append(wanted, key{q, rooms.ScreenAudio})
		}
	}
	p.audioKeys = resize(p.audioKeys, len(p.transport.audio))
	assign(p.audioKeys, wanted, func(key) int { return -1 })
	wanted = wanted[:0]
	for _, w := range wishes {
		wanted = append(wanted, w.key)
	}
	p.videoKeys = resize(p.videoKeys, len(p.transport.video))
	assign(p.videoKeys, wanted, func(k key) int {
		if k.kind == rooms.Screen {
			return len(p.transport.video) - 1
		}
		return slices.Index(p.audioKeys, key{k.peer, rooms.Mic})
	})
	r.scratch.keys = wanted
}

func resize(keys []key, n int) []key {
	for len(keys) < n {
		keys = append(keys, key{})
	}
	return keys[:n]
}

// fill points the slots at layers, notes which are used, and tells the page.
// r.mu is held.
func (r *room) fill(p *peer, wishes []wish, now int64) {
	t := p.transport
	out := r.scratch.slots[:0]
	for i, s := range t.audio {
		k := p.audioKeys[i]
		var l *layer
		if k.peer != nil && hears(p, k.peer, k.kind) && (k.kind != rooms.Mic || !k.unheard()) {
			l = k.layer(0)
		}
		s.show(l)
		out = append(out, k.slot(true, i))
	}
	keys, choices := r.choose(p, wishes)
	for i, s := range t.video {
		k := p.videoKeys[i]
		var c choice
		if at := slices.Index(keys, k); at >= 0 {
			c = choices[at]
		}
		var l *layer
		if k.peer != nil && c.rank >= 0 {
			l = k.best(c.rank, now)
		}
		if l != nil {
			l.source.used[c.rank] = true
		}
		if s.show(l) && l.mayAnswer(now) {
			l.demandKeyframe(now)
		}
		said := k.slot(false, i)
		said.Paused, said.Why = c.why != "", c.why
		out = append(out, said)
	}
	r.scratch.slots = out
	if len(out) > 0 && !slices.Equal(out, p.told) {
		p.told = slices.Clone(out)
		p.push(told{rooms.Slots{Slots: p.told}})
	}
}

// choose a layer for every video of the peer's slots; the two lists go
// together. r.mu is held.
func (r *room) choose(p *peer, wishes []wish) ([]key, []choice) {
	keys, views := r.scratch.keys[:0], r.scratch.views[:0]
	for _, w := range wishes {
		if slices.Contains(p.videoKeys, w.key) {
			held, known := p.held[w.key]
			if !known {
				held = maxLayers
			}
			keys = append(keys, w.key)
			views = append(views, view{height: w.height, layers: w.key.offered(), held: held})
		}
	}
	choices := share(r.scratch.given[:0], views, p.limit)
	r.scratch.keys, r.scratch.views, r.scratch.given = keys, views, choices
	clear(p.held)
	for i, k := range keys {
		p.held[k] = choices[i].rank
	}
	return keys, choices
}

// offer begins to look at pictures: it notes which layers of each arrive, or
// would if they were called back, and that none is used. r.mu is held.
func (r *room) offer(now int64) {
	for _, p := range r.peers {
		if p.transport != nil {
			p.transport.sources[rooms.Camera].offer(now)
			p.transport.sources[rooms.Screen].offer(now)
		}
	}
}

// offer: when no layer arrives it is the lowest that ever did, to be there
// when it comes back.
func (s *source) offer(now int64) {
	var lowest offering
	out, known, coming := s.offered[:0], 0, false
	for rank := range maxLayers {
		l := s.layers[rank].Load()
		if l == nil {
			continue
		}
		o := offering{rank: rank}
		o.height, o.rate = assumed(s.kind, rank)
		if h := l.height.Load(); h > 0 {
			o.height = int(h)
		}
		if l.rate.bits > 0 {
			o.rate = uint64(l.rate.bits)
		}
		if known++; known == 1 {
			lowest = o
		}
		alive := l.alive(now)
		coming = coming || alive
		if alive || s.demand.onCall(rank, now) {
			out = append(out, o)
		}
	}
	if !coming && len(out) < known {
		out = out[:0] // a camera that is off
	}
	if len(out) == 0 && known > 0 {
		out = append(out, lowest)
	}
	s.offered, s.used = out, [maxLayers]bool{}
}

// offered are the layers of a picture.
func (k key) offered() []offering {
	if k.peer.transport == nil {
		return nil
	}
	return k.peer.transport.sources[k.kind].offered
}

func (k key) layer(rank int) *layer {
	if k.peer == nil || k.peer.transport == nil {
		return nil
	}
	return k.peer.transport.sources[k.kind].layers[rank].Load()
}

// unheard says that a microphone has not got the floor.
func (k key) unheard() bool {
	return k.peer.transport != nil && k.peer.transport.sources[rooms.Mic].level.unheard.Load()
}

func (k key) slot(audio bool, index int) rooms.Slot {
	s := rooms.Slot{Audio: audio, Index: index}
	if k.peer != nil {
		s.Handle, s.Source = k.peer.attachment.Handle, k.kind
	}
	return s
}

// rate is a layer's measured bit rate.
type rate struct {
	bytes uint64
	at    int64
	alive bool // then
	bits  float64
}

// measure takes one second of every layer and every line. r.mu is held.
func (r *room) measure(now int64) {
	for _, p := range r.peers {
		p.eachLayer(func(l *layer) { l.measure(now) })
	}
	r.offer(now)
	for _, p := range r.peers {
		if p.transport != nil {
			m := r.measureLine(p, now)
			p.transport.downlink.want(m.wanted/forVideo + p.voice.bits + p.voice.along)
			if !p.transport.downlink.heard(now) {
				p.limit = p.budget.step(m)
			}
		}
	}
	r.protectVoices(now)
}

// measure takes one second. r.mu is held.
func (l *layer) measure(now int64) {
	bytes, m := l.bytes.Load(), &l.rate
	// Less than a whole second of it says nothing: what it was is what it
	// will be.
	whole := m.alive && l.alive(now)
	if d := now - m.at; whole && d > 0 {
		bits := float64(bytes-m.bytes) * 8 * float64(time.Second) / float64(d)
		if m.bits == 0 {
			m.bits = bits
		}
		m.bits += (bits - m.bits) / 2
	}
	m.bytes, m.at, m.alive = bytes, now, l.alive(now)
}

// measureLine of a peer's slots since the last second.
func (r *room) measureLine(p *peer, now int64) measure {
	m := measure{now: now, remb: float64(p.transport.remb.Load())}
	var bytes, packets, lost float64
	for _, s := range p.transport.video {
		bytes += float64(s.octets.Load())
		cur, _, _ := s.shown()
		if cur == nil || now-s.lastReport.Load() > int64(3*time.Second) {
			continue
		}
		sent := 1.0 + cur.rate.bits
		packets += sent
		lost += sent * float64(s.lost.Load()) / 256
	}
	if packets > 0 {
		m.loss = lost / packets
	}
	m.sent = (bytes - float64(p.sentBytes)) * 8 * float64(time.Second) / float64(shareEvery*tickEvery)
	p.sentBytes = uint64(bytes)
	p.voice.measure(p.transport.audio)
	for _, w := range r.wishes(p) {
		if o := w.key.offered(); w.height > 0 && len(o) > 0 {
			m.wanted += float64(o[fit(view{height: w.height, layers: o})].rate)
		}
	}
	return m
}

// report sends each browser the sender reports of its slots, all in one turn.
// r.mu is held.
func (r *room) report(now int64) {
	if plane := r.engine.plane; plane != nil {
		plane.Begin()
		defer plane.End()
	}
	wall := r.sfu.base.Add(time.Duration(now))
	for _, p := range r.peers {
		if p.transport != nil {
			p.transport.report(now, wall)
		}
	}
}
