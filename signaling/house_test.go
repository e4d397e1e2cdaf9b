package signaling

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"viop/auth"
	"viop/auth/authtest"
	"viop/signaling/wire"
)

// house is a server on a network in memory, so that tests run in a synctest
// bubble: time is the bubble's, and settle waits until nothing moves any more.
type house struct {
	t      *testing.T
	srv    *Server
	seats  *seats
	keys   *authtest.Keyring
	web    *http.Server
	listen *pipes
}

const session = "iop-eve"

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	keys := authtest.New(t, time.Now)
	verifier, err := auth.New(t.Context(), keys.Config(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, keys: keys, seats: newSeats(), listen: newPipes()}
	cfg := Config{Seats: h.seats, Verify: verifier.VerifyJoin, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	if h.srv, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	h.web = &http.Server{Handler: h.srv, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.web.Serve(h.listen)
	}()
	t.Cleanup(func() {
		verifier.Close()
		_ = h.web.Close()
		<-served
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // cut whoever is left
		_ = h.srv.Drain(ctx)
	})
	return h
}

// again is the same house after a restart: the seats' memory is all that is
// left.
func (h *house) again() *house {
	h.t.Helper()
	seats := h.seats.restarted()
	after := newHouse(h.t, func(c *Config) { c.Seats = seats })
	after.seats = seats
	return after
}

// pass lets time pass, the bubble's, until everything it brings has happened.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (h *house) token(person string, role auth.Role) string {
	return h.keys.Join(session, person, role)
}

// pipes is a net.Listener without a network.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
	dead     atomic.Bool // the network takes everything and brings nothing
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.accepted <- &from{Conn: there, addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50000}, dead: &p.dead}:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// from is a connection with the address of whoever made it. The dead network
// takes what is written and brings nothing.
type from struct {
	net.Conn
	addr net.Addr
	dead *atomic.Bool
}

func (f *from) RemoteAddr() net.Addr { return f.addr }

func (f *from) Write(b []byte) (int, error) {
	if f.dead.Load() {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

// page is a browser: it dials, says things, and remembers what it was told.
type page struct {
	h    *house
	ws   *websocket.Conn
	line net.Conn // below the WebSocket
	read chan struct{}

	mu     sync.Mutex
	frames []wire.ServerFrame // guarded by mu
	ack    int64              // guarded by mu
	status websocket.StatusCode
}

// dial upgrades; the page neither speaks nor reads yet.
func (h *house) dial(options ...func(*websocket.DialOptions)) (*page, *http.Response, error) {
	p := &page{h: h, read: make(chan struct{})}
	transport := &http.Transport{DialContext: func(ctx context.Context, n, a string) (net.Conn, error) {
		c, err := h.listen.dial(ctx, n, a)
		p.line = c
		return c, err
	}}
	o := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{wire.Subprotocol}}
	for _, f := range options {
		f(o)
	}
	ws, resp, err := websocket.Dial(h.t.Context(), "ws://viop.example/v1/ws", o)
	if err != nil {
		transport.CloseIdleConnections()
		return nil, resp, err
	}
	p.ws = ws
	ws.SetReadLimit(wire.MaxFrame)
	return p, resp, nil
}

// open dials, says the message and listens.
func (h *house) open(first wire.ClientMessage) *page {
	h.t.Helper()
	p, _, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	p.say(wire.ClientFrame{Msg: first})
	p.listen()
	synctest.Wait()
	return p
}

// join opens a page with a join token.
func (h *house) join(person string, role auth.Role) *page {
	h.t.Helper()
	return h.open(wire.Hello{Versions: []int{1}, Token: h.token(person, role), Instance: "i-" + person, Fresh: true})
}

// resume opens a page on the seat that the other page had.
func (h *house) resume(former *page, fresh bool) *page {
	h.t.Helper()
	former.mu.Lock()
	ack := former.ack
	former.mu.Unlock()
	p := h.resumeWith(former.resumeToken(), ack, fresh)
	p.mu.Lock()
	p.ack = max(p.ack, ack)
	p.mu.Unlock()
	return p
}

func (h *house) resumeWith(token string, ack int64, fresh bool) *page {
	h.t.Helper()
	return h.open(wire.Hello{
		Versions: []int{1}, Instance: "i", Fresh: fresh,
		Resume: &wire.Resume{Session: session, Token: token, Ack: ack},
	})
}

// listen reads until the connection ends. A page that has not been told to
// listen is a browser that has stalled.
func (p *page) listen() {
	go func() {
		defer close(p.read)
		for {
			_, b, err := p.ws.Read(context.Background())
			if err != nil {
				p.mu.Lock()
				p.status = websocket.CloseStatus(err)
				p.mu.Unlock()
				return
			}
			p.take(b)
		}
	}()
	p.h.t.Cleanup(func() {
		_ = p.ws.CloseNow()
		<-p.read
	})
}

func (p *page) take(b []byte) {
	f, err := wire.DecodeServer(b)
	if err != nil {
		p.h.t.Errorf("the server sent %s: %v", b, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, f)
	if f.Seq > 0 {
		p.ack = f.Seq
	}
}

func (p *page) say(f wire.ClientFrame) {
	p.h.t.Helper()
	b, err := wire.AppendClient(nil, f)
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.saw(websocket.MessageText, b)
}

// saw writes raw bytes; a line that is gone takes them too.
func (p *page) saw(typ websocket.MessageType, b []byte) {
	p.h.t.Helper()
	if err := p.ws.Write(p.h.t.Context(), typ, b); err != nil && !isGone(err) {
		p.h.t.Fatal(err)
	}
}

func isGone(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, io.EOF)
}

// ask says a message with an id and gives everything that came since.
func (p *page) ask(id string, m wire.ClientMessage) []wire.ServerFrame {
	p.h.t.Helper()
	p.forget()
	p.say(wire.ClientFrame{ID: id, Msg: m})
	return p.heard()
}

// heard is everything since the last forget, when nothing moves any more.
func (p *page) heard() []wire.ServerFrame {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]wire.ServerFrame(nil), p.frames...)
}

func (p *page) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = nil
}

// closed is the close status, -1 for a broken line, 0 for one that is open.
func (p *page) closed() websocket.StatusCode {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// cut breaks the line without a word.
func (p *page) cut() {
	_ = p.line.Close()
	synctest.Wait()
}

// resumeToken is the last one the page was told.
func (p *page) resumeToken() (token string) {
	for _, f := range p.heard() {
		switch m := f.Msg.(type) {
		case wire.Welcome:
			token = m.ResumeToken
		case wire.Resumed:
			token = m.ResumeToken
		}
	}
	if token == "" {
		p.h.t.Helper()
		p.h.t.Fatalf("the page was not told a resume token: %v", p.heard())
	}
	return token
}

// bye is the last message, or a test that fails.
func (p *page) bye() wire.Bye {
	p.h.t.Helper()
	all := p.heard()
	if len(all) > 0 {
		if b, ok := all[len(all)-1].Msg.(wire.Bye); ok {
			return b
		}
	}
	p.h.t.Fatalf("no bye at the end of %v", all)
	return wire.Bye{}
}

// types of frames, with their ids, for comparing.
func types(frames []wire.ServerFrame) (all []string) {
	for _, f := range frames {
		name := f.Msg.Type()
		if f.ID != "" {
			name += " " + f.ID
		}
		all = append(all, name)
	}
	return all
}
