package sfu

import (
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// path is a browser's network where there is no root to make a real one: in
// both directions a queue of 200 ms that is served at a rate, a delay that
// varies without changing the order, and loss.
type path struct {
	net.PacketConn // what the browser believes to have
	line           atomic.Pointer[impairment]
	down           chan datagram
	up             pipe
	gone           chan struct{}
	once           sync.Once

	outside atomic.Pointer[net.PacketConn] // what the server sees
	in      *pipe
	running sync.WaitGroup

	deadline      time.Time // guarded by mu
	deadlineMoved chan struct{}
	mu            sync.Mutex
}

// impairment of each direction; the rate is of the way down only.
type impairment struct {
	delay, jitter time.Duration
	loss          float64
	rate          float64 // bit/s; 0: none
}

const pathQueue = 200 * time.Millisecond

type datagram struct {
	b    []byte
	addr net.Addr
	at   time.Time
}

// pipe decides when a datagram is through, if ever.
type pipe struct {
	mu         sync.Mutex
	free, last time.Time
	lost       int
	ch         chan datagram
}

func (p *pipe) put(b []byte, addr net.Addr, line impairment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if rand.Float64() < line.loss {
		p.lost++
		return
	}
	at := now
	if line.rate > 0 {
		if p.free.Before(now) {
			p.free = now
		}
		if p.free.Sub(now) > pathQueue {
			p.lost++
			return
		}
		const ipUDP = 28
		p.free = p.free.Add(time.Duration(float64(len(b)+ipUDP) * 8 / line.rate * float64(time.Second)))
		at = p.free
	}
	at = at.Add(line.delay + time.Duration((rand.Float64()*2-1)*float64(line.jitter)))
	if at.Before(p.last) {
		at = p.last
	}
	p.last = at
	select {
	case p.ch <- datagram{append([]byte(nil), b...), addr, at}:
	default:
		p.lost++
	}
}

// newPath is a path and what a browser's settings need for it.
func newPath(t *testing.T, line impairment) (*path, func(*webrtc.SettingEngine)) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	p := &path{PacketConn: conn, in: &pipe{ch: make(chan datagram, 4096)}, down: make(chan datagram), gone: make(chan struct{}), deadlineMoved: make(chan struct{}, 1)}
	p.line.Store(&line)
	p.up.ch = make(chan datagram, 4096)
	p.outside.Store(&conn)
	wg := &p.running
	wg.Go(func() { p.read(conn) })
	wg.Go(func() {
		p.carry(p.in, func(d datagram) {
			select {
			case p.down <- d:
			case <-p.gone:
			}
		})
	})
	wg.Go(func() { p.carry(&p.up, func(d datagram) { _, _ = (*p.outside.Load()).WriteTo(d.b, d.addr) }) })
	t.Cleanup(func() { _ = p.Close(); wg.Wait() })
	return p, func(s *webrtc.SettingEngine) {
		mux := webrtc.NewICEUDPMux(pionLog{discard}.NewLogger("test"), p)
		t.Cleanup(func() { _ = mux.Close() })
		s.SetICEUDPMux(mux)
	}
}

func (p *path) read(conn net.PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		p.in.put(b[:n], from, *p.line.Load())
	}
}

func (p *path) carry(from *pipe, to func(datagram)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.gone:
			return
		case d := <-from.ch:
			timer.Reset(time.Until(d.at))
			select {
			case <-timer.C:
				to(d)
			case <-p.gone:
				return
			}
		}
	}
}

func (p *path) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		p.mu.Lock()
		deadline := p.deadline
		p.mu.Unlock()
		var expired <-chan time.Time
		if !deadline.IsZero() {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case d := <-p.down:
			return copy(b, d.b), d.addr, nil
		case <-p.gone:
			return 0, nil, net.ErrClosed
		case <-expired:
			return 0, nil, os.ErrDeadlineExceeded
		case <-p.deadlineMoved:
		}
	}
}

func (p *path) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	p.deadline = at
	p.mu.Unlock()
	select {
	case p.deadlineMoved <- struct{}{}:
	default:
	}
	return nil
}

func (p *path) SetDeadline(at time.Time) error { return p.SetReadDeadline(at) }

func (p *path) WriteTo(b []byte, to net.Addr) (int, error) {
	line := *p.line.Load()
	line.rate = 0
	p.up.put(b, to, line)
	return len(b), nil
}

func (p *path) Close() error {
	p.once.Do(func() { close(p.gone) })
	return (*p.outside.Load()).Close()
}

// blocked is how many packets of the browser did not get through.
func (p *path) blocked() int {
	p.up.mu.Lock()
	defer p.up.mu.Unlock()
	return p.up.lost
}
