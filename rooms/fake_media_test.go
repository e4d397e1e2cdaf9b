package rooms

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// fakeMedia is a forwarder without packets. Its peers do what the test says.
type fakeMedia struct {
	t *testing.T

	mu     sync.Mutex
	broken bool
	peers  map[Conn]*fakePeer
	table  map[Conn]Place
	closed bool
}

func newFakeMedia(t *testing.T) *fakeMedia {
	return &fakeMedia{t: t, peers: make(map[Conn]*fakePeer)}
}

func (m *fakeMedia) Attach(a Attachment, on func(PeerEvent)) (Peer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errors.New("no port left")
	}
	p := &fakePeer{Attachment: a, events: make(chan PeerEvent, 16), done: make(chan struct{})}
	m.peers[a.Conn] = p
	go p.run(on)
	return p, nil
}

func (m *fakeMedia) Route(table map[Conn]Place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		m.t.Error("Route after Close")
	}
	m.table = table
}

func (m *fakeMedia) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, p := range m.peers {
		p.Close()
	}
	return nil
}

// peer is the newest of the handle.
func (m *fakeMedia) peer(h Handle) *fakePeer {
	m.mu.Lock()
	defer m.mu.Unlock()
	var newest *fakePeer
	for _, p := range m.peers {
		if p.Handle == h && (newest == nil || len(p.Conn) > len(newest.Conn) || p.Conn > newest.Conn) {
			newest = p
		}
	}
	if newest == nil {
		m.t.Fatalf("%s has no peer", h)
	}
	return newest
}

func (m *fakeMedia) place(h Handle) (Place, bool) {
	conn := m.peer(h).Conn
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.table[conn]
	return p, ok
}

type fakePeer struct {
	Attachment
	events chan PeerEvent
	done   chan struct{} // closed by run

	mu         sync.Mutex
	seen       time.Time // the last packet; see LastSeen
	alive      bool
	signals    []Signal
	wants      []Want
	publishing Source
	closed     bool
}

// run is the peer's own goroutine, which delivers one event at a time.
func (p *fakePeer) run(on func(PeerEvent)) {
	defer close(p.done)
	for e := range p.events {
		on(e)
	}
}

func (p *fakePeer) say(e PeerEvent) { p.events <- e }

func (p *fakePeer) connect() {
	p.mu.Lock()
	p.alive = true
	p.mu.Unlock()
	p.say(PeerUp{})
}

// fall silent; notice is what the forwarder says later.
func (p *fakePeer) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive, p.seen = false, time.Now()
}

func (p *fakePeer) notice() { p.say(PeerDown{p.LastSeen()}) }

func (p *fakePeer) LastSeen() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive {
		return time.Now()
	}
	return p.seen
}

func (p *fakePeer) Signal(s Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signals = append(p.signals, s)
}

func (p *fakePeer) Want(w []Want) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wants = w
}

func (p *fakePeer) Publishing(s Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishing = s
}

func (p *fakePeer) Close() {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.events)
	}
	<-p.done
}
