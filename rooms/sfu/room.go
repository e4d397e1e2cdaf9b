package sfu

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"viop/rooms"
)

const (
	tickEvery     = 100 * time.Millisecond
	speakersEvery = 2  // ticks
	shareEvery    = 10 // ticks
)

// room is the forwarding plane of one session: rooms.Media.
type room struct {
	// Set by newRoom.
	sfu     *SFU
	engine  *engine // its shard
	log     *slog.Logger
	wakeups chan struct{} // from wake to run; one is enough
	stop    chan struct{} // closed by Close
	running sync.WaitGroup

	// mu is the control side's one lock. It is taken before any slot's and
	// after SFU.mu, and never on the packet path.
	mu     sync.Mutex
	peers  []*peer // in order of joining
	closed bool
	// Changed by tick, read wherever slots are filled.
	ticks    int
	speakers speakers
	floor    floor
	scratch  scratch
}

// key names a source before and after its transport is there.
type key struct {
	peer *peer
	kind rooms.Source
}

func newRoom(s *SFU, e *engine, id rooms.SessionID) *room {
	return &room{
		sfu: s, engine: e, log: s.log.With("session", id),
		wakeups: make(chan struct{}, 1), stop: make(chan struct{}),
		speakers: speakers{},
		floor:    floor{most: s.config.Loudest, from: s.config.LoudestAbove},
	}
}

// Attach makes a peer that is nowhere until Route says where.
func (r *room) Attach(a rooms.Attachment, on func(rooms.PeerEvent)) (rooms.Peer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("sfu: room is closed")
	}
	p := newPeer(r, a, on)
	r.peers = append(r.peers, p)
	r.running.Go(p.run)
	return p, nil
}

// Route replaces who is where. When it returns, nothing goes where it may
// not go any more.
func (r *room) Route(table map[rooms.Conn]rooms.Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.peers {
		p.place = table[p.attachment.Conn]
	}
	r.apply()
	if plane := r.engine.plane; plane != nil {
		plane.Barrier() // what is sealed has left
	}
}

// Close ends every peer and waits.
func (r *room) Close() error {
	r.mu.Lock()
	again := r.closed
	r.closed = true
	peers := slices.Clone(r.peers)
	r.mu.Unlock()
	if !again {
		for _, p := range peers {
			p.Close()
		}
		close(r.stop)
		r.sfu.forget(r)
	}
	r.running.Wait()
	return nil
}

// wake has run look again. It never blocks; the packet path may call it.
func (r *room) wake() {
	select {
	case r.wakeups <- struct{}{}:
	default:
	}
}

// update applies at once what has changed.
func (r *room) update() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.sfu.now()
	r.takeFloor(now)
	r.followLines(now)
	r.apply()
}

// remove takes a peer out; run ends its transport.
func (r *room) remove(p *peer) {
	r.setTransport(p, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	p.gone = true
	r.peers = slices.DeleteFunc(r.peers, func(q *peer) bool { return q == p })
	r.apply()
}

// setTransport gives a peer another transport, or none. The counts of the old
// one are kept in the same breath, so that sums never go back.
func (r *room) setTransport(p *peer, t *transport) {
	r.sfu.mu.Lock()
	defer r.sfu.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.transport != nil {
		r.sfu.retired.add(p.transport.stats())
		p.eachSlot(func(s *slot) { s.show(nil) })
	}
	if p.gone {
		t = nil
	}
	p.transport, p.audioKeys, p.videoKeys, p.told = t, nil, nil, nil
	r.apply()
}

// setConnected lets a transport's slots be filled: who waits for a keyframe
// asks for it now, not before, when it would be lost on the way.
func (r *room) setConnected(t *transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.connected = true
	r.apply()
}

// run is the room's goroutine; it ends after Close.
func (r *room) run() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-r.wakeups:
			r.update()
		case <-tick.C:
			r.tick()
		}
	}
}

func (r *room) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
	now := r.sfu.now()
	if r.ticks%speakersEvery == 0 {
		r.tellSpeakers()
	}
	if r.ticks%shareEvery == 0 {
		r.measure(now)
		r.report(now)
	}
	moved, changed := r.takeFloor(now), r.followLines(now)
	if moved || changed || r.ticks%shareEvery == 0 {
		r.apply()
	}
	for _, p := range r.peers {
		p.eachLayer(func(l *layer) { l.retryKeyframe(now) })
		if p.transport == nil {
			continue
		}
		for _, s := range p.transport.video {
			_, next, ready := s.shown()
			if ready && next != nil && !next.keyframeWanted.Load() && next.mayAnswer(now) {
				next.demandKeyframe(now)
			}
		}
	}
}

// apply turns places, wishes and limits into slots and receivers. r.mu is
// held.
func (r *room) apply() {
	now := r.sfu.now()
	r.offer(now)
	for _, p := range r.peers {
		if p.transport == nil {
			continue
		}
		wishes := r.wishes(p)
		r.assign(p, wishes)
		r.fill(p, wishes, now)
		p.eachSlot(func(s *slot) {
			cur, next, _ := s.shown()
			if cur != nil {
				cur.goesTo(s)
				cur.source.used[cur.rank] = true
			}
			if next != nil {
				next.goesTo(s)
			}
		})
	}
	for _, p := range r.peers {
		p.eachLayer((*layer).publish)
	}
	r.demands(now)
}

// goesTo notes a receiver, unless the stream has been replaced by another and
// gets no packets. room.mu is held.
func (l *layer) goesTo(s *slot) {
	if l.source.layers[l.rank].Load() == l {
		l.gets = append(l.gets, s)
	}
}

// publish the receivers, for packets to go to. room.mu is held.
func (l *layer) publish() {
	if old := l.receivers.Load(); old == nil || !slices.Equal(*old, l.gets) {
		list := slices.Clone(l.gets)
		l.receivers.Store(&list)
	}
	clear(l.gets)
	l.gets = l.gets[:0]
}

// tellSpeakers sends who speaks in each room to those in it who do not know it.
// r.mu is held.
func (r *room) tellSpeakers() {
	now := r.scratch.heard[:0]
	for _, p := range r.peers {
		var level float64
		if p.transport != nil && p.place.Room != "" {
			level = p.transport.sources[rooms.Mic].level.take()
		}
		if p.speaks() {
			now = append(now, heardNow{&p.speech, p.attachment.Handle, p.place.Room, level})
		} else {
			p.speech = speech{}
		}
	}
	r.scratch.heard = now
	r.speakers.step(now)
	for _, p := range r.peers {
		var who *rooms.Speakers
		if p.place.Room != "" {
			who = r.speakers.in(p.place.Room).told
		}
		if p.speakers == who {
			continue
		}
		p.speakers = who
		if who == nil {
			who = &rooms.Speakers{}
		}
		p.push(told{*who})
	}
}

// takeFloor decides whose microphones are forwarded, and says whether that has
// changed. r.mu is held.
func (r *room) takeFloor(now int64) (changed bool) {
	mouths := r.scratch.mouths[:0]
	for _, p := range r.peers {
		if !p.speaks() {
			p.claim = claim{on: true}
			continue
		}
		mouths = append(mouths, mouth{
			&p.claim, p.place.Room, p.transport.sources[rooms.Mic].level.peak(),
			p.attachment.Preferred || !p.transport.tellsLevels(),
		})
	}
	r.scratch.mouths = mouths
	r.floor.step(now, mouths)
	for _, p := range r.peers {
		if p.transport != nil && p.transport.sources[rooms.Mic].level.unheard.Swap(!p.claim.on) == p.claim.on {
			changed = true
		}
	}
	return changed
}

// speaks says that the peer's microphone is let through somewhere. room.mu is
// held.
func (p *peer) speaks() bool {
	return p.transport != nil && p.place.Room != "" && p.place.Send&rooms.Mic != 0
}

// eachSlot of the peer, audio first. room.mu is held.
func (p *peer) eachSlot(do func(*slot)) {
	if p.transport == nil {
		return
	}
	for _, s := range p.transport.audio {
		do(s)
	}
	for _, s := range p.transport.video {
		do(s)
	}
}

// eachLayer of everything the peer sends. room.mu is held.
func (p *peer) eachLayer(do func(*layer)) {
	if p.transport == nil {
		return
	}
	for _, src := range p.transport.sources {
		for rank := range src.layers {
			if l := src.layers[rank].Load(); l != nil {
				do(l)
			}
		}
	}
}
