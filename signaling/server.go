// Package signaling is the edge towards the browsers: GET /v1/ws, a WebSocket
// with the subprotocol viop.v1 (package wire), in front of the rooms.
//
// Three things with three lives:
//
//   - A conn is one WebSocket: one goroutine reads (and acts), one writes, a
//     third pings. It knows nothing that must outlive it.
//   - A link is one seat's line to its person. It is the room's Outbox and
//     lives exactly as long as the seat: it numbers what must not be lost,
//     keeps it for replay, and holds the resume token. WebSockets come and go
//     on it; each has a generation, and an older one can do nothing any more.
//   - The Server has the links by session, and the limits.
//
// When a seat ends is the room's decision (rooms.ResumeWindow without link and
// media), told by Outbox.Close; nothing here expires on its own.
//
// Where to start: conn.go for the life of a WebSocket, link.go for resume,
// mailbox.go for what is queued, dropped and replayed, codes.go for the table
// of errors and close codes, translate.go for wire <-> rooms.
package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

const (
	helloWithin  = 5 * time.Second
	admitWithin  = 10 * time.Second // keys, schedule and lease may have to be fetched
	writeWithin  = 10 * time.Second
	doWithin     = 5 * time.Second
	pingEvery    = 5 * time.Second
	pongWithin   = 12 * time.Second
	minutesTaken = 10 * time.Second
	maxPending   = 256
)

// Config of a Server. Seats, Verify and Log are required.
type Config struct {
	Seats Seats
	// Verify turns a join token into a grant. Its errors are auth's.
	Verify func(ctx context.Context, token string) (auth.Grant, error)
	// Minutes of one person, or of everybody for "". nil: none are kept.
	Minutes func(context.Context, rooms.SessionID, rooms.PersonID) (wire.MinutesReport, error)
	// APIToken makes a token with which a facilitator of the session may use
	// the HTTP API for it, and says how long it lasts. nil: none are given.
	APIToken func(rooms.SessionID, rooms.PersonID) (token string, life time.Duration, err error)
	// ICEServers for one seat, with credentials if they need any. May be nil.
	ICEServers func(rooms.SessionID, rooms.Handle) []wire.ICEServer
	// Origins that may connect besides the server's own: "host" or
	// "scheme://host", with path.Match patterns.
	Origins []string
	// TrustedProxies may say in X-Forwarded-For for whom they speak. Without
	// them the address of the TCP connection is the client's.
	TrustedProxies []netip.Prefix
	// MaxPending bounds the WebSockets that have not said a good hello yet;
	// 0 is 256.
	MaxPending int
	Log        *slog.Logger
}

// Seats is what gives out seats: the rooms' registry, by Rooms.
type Seats interface {
	// Join errors are *rooms.Error. The outbox may be used before it returns.
	Join(context.Context, rooms.Entry, rooms.Outbox) (Seat, error)
}

// Seat is one person's place in a room. Its methods are safe for concurrent
// use and, but for Do, do not wait for the room.
type Seat interface {
	Info() rooms.SeatInfo
	KeepResume(hash string, until time.Time)
	Snapshot()
	Do(context.Context, rooms.Command) error
	Signal(rooms.Signal)
	Want([]rooms.Want)
	// Linked with fresh brings a Snapshot, and AttachMedia to those admitted.
	Linked(fresh bool)
	Unlinked()
	Seen()
	Leave()
}

// Rooms are the seats of a registry.
func Rooms(r *rooms.Registry) Seats { return registry{r} }

type registry struct{ rooms *rooms.Registry }

func (r registry) Join(ctx context.Context, e rooms.Entry, out rooms.Outbox) (Seat, error) {
	seat, err := r.rooms.Join(ctx, e, out)
	if err != nil {
		return nil, err // not a nil *rooms.Seat in an interface
	}
	return seat, nil
}

// Server answers GET /v1/ws. Make one with New.
type Server struct {
	// Set by New.
	cfg      Config
	failures *failures
	stats    *counters

	// open counts the WebSockets, from the upgrade to the last goroutine.
	open     sync.WaitGroup
	draining chan struct{} // closed by Drain

	// Guarded by mu, which is never held while a link's is taken.
	mu      sync.Mutex
	drained bool
	pending int
	conns   map[*conn]struct{}
	links   map[rooms.SessionID]map[*link]struct{}
}

// New checks the configuration.
func New(cfg Config) (*Server, error) {
	if cfg.Seats == nil || cfg.Verify == nil || cfg.Log == nil {
		return nil, errors.New("signaling: Seats, Verify and Log are required")
	}
	for _, origin := range cfg.Origins {
		if _, err := path.Match(origin, ""); err != nil {
			return nil, fmt.Errorf("signaling: origin %q: %w", origin, err)
		}
	}
	if cfg.MaxPending == 0 {
		cfg.MaxPending = maxPending
	}
	return &Server{
		cfg: cfg, failures: newFailures(), stats: newCounters(),
		draining: make(chan struct{}),
		conns:    map[*conn]struct{}{},
		links:    map[rooms.SessionID]map[*link]struct{}{},
	}, nil
}

// ServeHTTP upgrades and stays until the WebSocket and its goroutines are
// gone.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !names(r.Header.Values("Sec-WebSocket-Protocol"), wire.Subprotocol) {
		http.Error(w, "a WebSocket with the subprotocol "+wire.Subprotocol+" is wanted here", http.StatusBadRequest)
		return
	}
	if !s.enter() {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "too busy just now", http.StatusServiceUnavailable)
		return
	}
	defer s.open.Done()
	c := &conn{srv: s, addr: s.addressOf(r), log: s.cfg.Log}
	defer c.decided()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{wire.Subprotocol}, OriginPatterns: s.cfg.Origins,
	})
	if err != nil {
		return // Accept has answered; its error quotes headers
	}
	ws.SetReadLimit(wire.MaxFrame)
	c.ws = ws
	s.keep(c)
	defer s.drop(c)
	// The request's context ends with the upgrade's caller, and a context
	// that ends closes a coder/websocket. What ends a conn is said elsewhere.
	c.serve(context.WithoutCancel(r.Context()))
}

func names(headers []string, protocol string) bool {
	for _, header := range headers {
		for name := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(name) == protocol {
				return true
			}
		}
	}
	return false
}

// enter takes one of the places for those who have not said hello.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained || s.pending >= s.cfg.MaxPending {
		s.stats.busy()
		return false
	}
	s.pending++
	s.open.Add(1)
	return true
}

func (s *Server) keep(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
}

func (s *Server) drop(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Drain refuses newcomers and waits until the WebSockets are gone. Those with
// a seat go when their room closes (rooms.Registry.Drain: call it meanwhile);
// the others are sent away. When ctx ends first, what is left is cut off and
// the error is ctx's.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.drained {
		s.drained = true
		close(s.draining)
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() { // ends with the last conn, which is waited for below
		s.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	var cuts sync.WaitGroup
	s.mu.Lock()
	for c := range s.conns {
		cuts.Go(func() { _ = c.ws.CloseNow() })
	}
	s.mu.Unlock()
	cuts.Wait()
	<-gone
	return ctx.Err()
}

// find the link that a resume token opens; nil if there is none here.
func (s *Server) find(session rooms.SessionID, token digest) *link {
	s.mu.Lock()
	var links []*link
	for l := range s.links[session] {
		links = append(links, l)
	}
	s.mu.Unlock()
	var found *link
	for _, l := range links { // all of them, whichever it is
		if l.opens(token) {
			found = l
		}
	}
	return found
}

func (s *Server) register(l *link) {
	s.mu.Lock()
	if s.links[l.session] == nil {
		s.links[l.session] = map[*link]struct{}{}
	}
	s.links[l.session][l] = struct{}{}
	s.mu.Unlock()
	if l.closed() { // before it was registered
		s.forget(l)
	}
}

func (s *Server) forget(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links[l.session], l)
	if len(s.links[l.session]) == 0 {
		delete(s.links, l.session)
	}
}
