package sfu

import (
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
}

// wishes of a peer's page, most important first. r.mu is held.
func (r *room) wishes(p *peer) []wish {
	asked := map[key]rooms.Want{}
	order := map[key]int{}
	for i, w := range p.wants {
		if q := r.byHandle(w.Handle); q != nil {
			k := key{q, w.Source}
			asked[k], order[k] = w, i
		}
	}
	var out []wish
	for i, q := range r.peers {
		for _, kind := range []rooms.Source{rooms.Screen, rooms.Camera} {
			k := key{q, kind}
			if !hears(p, q, kind) {
				continue
			}
			want, listed := asked[k]
			if !p.hasWants {
				want = rooms.Want{Height: defaultHeight}
			}
			if !listed {
				order[k] = len(p.wants) + i
			}
			out = append(out, wish{k, want.Height, r.importance(k, want)})
		}
	}
	slices.SortStableFunc(out, func(a, b wish) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return order[a.key] - order[b.key]
	})
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
	case r.speakers.first[k.peer.place.Room] == k.peer.attachment.Handle:
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
func (r *room) assign(p *peer) {
	var voices, screens []key
	for _, q := range r.peers {
		if p != q && p.place.Room != "" && p.place.Room == q.place.Room {
			voices = append(voices, key{q, rooms.Mic})
		}
		if hears(p, q, rooms.ScreenAudio) {
			screens = append(screens, key{q, rooms.ScreenAudio})
		}
	}
	p.audioKeys = assign(resize(p.audioKeys, len(p.transport.audio)), append(voices, screens...), func(key) int { return -1 })
	var wanted []key
	for _, w := range r.wishes(p) {
		wanted = append(wanted, w.key)
	}
	p.videoKeys = assign(resize(p.videoKeys, len(p.transport.video)), wanted, func(k key) int {
		if k.kind == rooms.Screen {
			return len(p.transport.video) - 1
		}
		return slices.Index(p.audioKeys, key{k.peer, rooms.Mic})
	})
}

func resize(keys []key, n int) []key {
	return append(slices.Clone(keys[:min(len(keys), n)]), make([]key, max(0, n-len(keys)))...)
}

// fill points the slots at layers, notes which in used, and tells the page.
// r.mu is held.
func (r *room) fill(p *peer, used map[*source]*[maxLayers]bool, now int64) {
	t := p.transport
	out := make([]rooms.Slot, 0, len(t.audio)+len(t.video))
	for i, s := range t.audio {
		k := p.audioKeys[i]
		var l *layer
		if k.peer != nil && hears(p, k.peer, k.kind) && (k.kind != rooms.Mic || !k.unheard()) {
			l = k.layer(0)
		}
		s.show(l)
		out = append(out, k.slot(true, i))
	}
	choices := r.choose(p, now)
	for i, s := range t.video {
		k := p.videoKeys[i]
		c := choices[k]
		var l *layer
		if k.peer != nil && c.rank >= 0 {
			l = k.best(c.rank, now)
		}
		if l != nil {
			uses(used, l.source, c.rank)
		}
		if s.show(l) && l.mayAnswer(now) {
			l.demandKeyframe(now)
		}
		said := k.slot(false, i)
		said.Paused, said.Why = c.why != "", c.why
		out = append(out, said)
	}
	if len(out) > 0 && !slices.Equal(out, p.told) {
		p.told = out
		p.push(told{rooms.Slots{Slots: slices.Clone(out)}})
	}
}

// choose a layer for every video of the peer's slots. r.mu is held.
func (r *room) choose(p *peer, now int64) map[key]choice {
	var keys []key
	var views []view
	for _, w := range r.wishes(p) {
		if slices.Contains(p.videoKeys, w.key) {
			keys = append(keys, w.key)
			held, known := p.held[w.key]
			if !known {
				held = maxLayers
			}
			views = append(views, view{height: w.height, layers: r.offerings(w.key, now), held: held})
		}
	}
	out := map[key]choice{}
	p.held = make(map[key]int, len(keys))
	for i, c := range share(views, p.limit) {
		out[keys[i]] = c
		p.held[keys[i]] = c.rank
	}
	return out
}

// offerings are the layers of a source that arrive, or would if they were
// called back; when none does, the lowest that ever did, to be there when it
// comes back.
func (r *room) offerings(k key, now int64) []offering {
	var arriving, known []offering
	coming := false
	for rank := range maxLayers {
		l := k.layer(rank)
		if l == nil {
			continue
		}
		o := offering{rank: rank}
		o.height, o.rate = assumed(k.kind, rank)
		if h := l.height.Load(); h > 0 {
			o.height = int(h)
		}
		if m := r.rates[l]; m != nil && m.bits > 0 {
			o.rate = uint64(m.bits)
		}
		known = append(known, o)
		switch {
		case l.alive(now):
			coming = true
			arriving = append(arriving, o)
		case l.source.demand.onCall(rank, now):
			arriving = append(arriving, o)
		}
	}
	if !coming && len(arriving) < len(known) {
		arriving = nil // a camera that is off
	}
	if len(arriving) == 0 {
		return known[:min(1, len(known))]
	}
	return arriving
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
	seen := map[*layer]bool{}
	for _, p := range r.peers {
		p.eachLayer(func(l *layer) {
			seen[l] = true
			r.measureLayer(l, now)
		})
	}
	for l := range r.rates {
		if !seen[l] {
			delete(r.rates, l)
		}
	}
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

func (r *room) measureLayer(l *layer, now int64) {
	bytes := l.bytes.Load()
	m := r.rates[l]
	if m == nil {
		m = &rate{}
		r.rates[l] = m
	}
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
		sent := 1.0
		if l := r.rates[cur]; l != nil {
			sent += l.bits
		}
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
		if o := r.offerings(w.key, now); w.height > 0 && len(o) > 0 {
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
