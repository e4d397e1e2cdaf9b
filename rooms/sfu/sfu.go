// Package sfu is the forwarding plane on Pion: it provides rooms.Media.
//
// One browser has one PeerConnection and always offers. What it sends are up
// to four sections (microphone, camera, screen, the screen's sound); what it
// receives are slots, a fixed pool of recvonly sections whose sources change
// behind them, so that people coming, going, being muted or pinned cause no
// SDP.
//
// A packet's way is short. The plane (package plane) takes it off the socket,
// past Pion, opens it and gives it to the ingress of its publisher; its layer
// (one SSRC) hands it to the slots in an immutable list, and each slot renumbers
// it (package rewrite) and writes it to its sink, the plane's sender. All of
// that is one turn of the plane, for everything that was queued at the socket;
// it takes no lock but the slot's own, and allocates nothing. Where the plane
// cannot be (ICE-TCP, another SRTP profile, VIOP_MEDIA_PATH=pion), Pion's SRTP
// session opens the packet and writes it to the same ingress, which stands where
// Pion would buffer it for a reader, and Pion's write stream is the sink. A
// transport goes one way or the other for its whole life; a room may have both.
// Loss is repaired on both sides separately. Pictures: the ingress asks the
// publisher, and a slot answers its browser from the layer's ring. Sound, which
// no browser asks for: what was before comes along with it (RFC 2198) both ways,
// and who cannot take that gets in-band FEC, because the encoder hears of the
// loss (recent.go, voices.go).
//
// What a line carries is estimated here from transport wide feedback (package
// bandwidth, downlink.go); from REMB and loss where a browser gives none. As it
// gets worse others lose quality first, then who speaks, then pictures go in
// that order, and sound never does (share). A page stops making the layers that
// nobody gets (demand.go), and of a large room the loudest few microphones are
// forwarded (floor.go).
//
// The control side is the room: under one mutex it turns the table of places
// (Route), what pages show (Want) and what lines can carry into slots and
// layers. The packet path never takes that mutex; it may wake the room.
// RTCP is read and written (package feedback) where media is: taken off the
// socket and sealed by the plane, within a turn. What Pion has to do for a
// browser (answers, and its RTCP where media goes by Pion) is done by the
// goroutine of its peer, because Pion's close holds the lock RTCP needs while it
// waits for the packet path.
//
// Where to start: ingress.go and slot.go for packets, room.go and routing.go
// for control, peer.go for a browser's life, layers.go for who gets what when a
// line is thin. What must hold on bad lines is in impair_test.go, and for a real
// browser in web/app/e2e/lines.test.mjs.
package sfu

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"viop/rooms"
)

// Config of the forwarding plane.
type Config struct {
	// UDP is where media is received and sent from, one port for everybody.
	// An unspecified address listens on every interface. Invalid: none.
	// Firefox does not use loopback addresses, so a demonstration for it needs
	// another one.
	UDP netip.AddrPort
	// TCP is the port of ICE-TCP (RFC 6544). Invalid: none.
	TCP netip.AddrPort
	// Shards divide the rooms, each with ports of its own: the first those
	// above, the others the numbers after them. One loop per shard forwards
	// (package plane), so a shard is a core's worth of rooms. Default 1.
	Shards int
	// PublicIPs replace the local addresses in what browsers are told, for a
	// server behind NAT.
	PublicIPs []netip.Addr
	// Loopback offers loopback addresses too, for demonstrations and tests.
	Loopback bool
	// Interfaces keeps the interfaces that may be offered; nil: all.
	Interfaces func(name string) bool
	// Path is the way of media. Default PathAuto.
	Path Path
	// DeadAfter is the silence after which a peer is down. Default 10 s.
	DeadAfter time.Duration
	// Loudest is how many microphones of a room are forwarded at once, those
	// of facilitators not counted, when there are more than LoudestAbove.
	// Default 4 above 6; negative: all, always.
	Loudest, LoudestAbove int
}

// Path is the way of media inside this process.
type Path string

const (
	// PathAuto is the plane where it can be, else Pion's: for ICE-TCP, and for
	// browsers with another SRTP profile.
	PathAuto Path = "auto"
	// PathPion is Pion's for everybody.
	PathPion Path = "pion"
	// PathPlane is what a transport that goes by the plane is counted as.
	PathPlane Path = "plane"
)

// SFU holds the ports and the rooms on them.
type SFU struct {
	// Set by New.
	config Config
	log    *slog.Logger
	shards []*engine
	base   time.Time

	mu      sync.Mutex
	rooms   map[*room]struct{} // guarded by mu
	retired Stats              // guarded by mu: of transports that are gone
	closed  bool               // guarded by mu
}

// New opens the ports. Close gives them back.
func New(c Config, log *slog.Logger) (*SFU, error) {
	if c.DeadAfter == 0 {
		c.DeadAfter = 10 * time.Second
	}
	if c.Loudest == 0 {
		c.Loudest = 4
	}
	if c.LoudestAbove == 0 {
		c.LoudestAbove = 6
	}
	s := &SFU{config: c, log: log, base: time.Now(), rooms: map[*room]struct{}{}}
	for i := range max(c.Shards, 1) {
		e, err := newEngine(c.shard(i), log, s.now)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.shards = append(s.shards, e)
	}
	return s, nil
}

// shard is the configuration of one: the ports are moved along.
func (c Config) shard(i int) Config {
	move := func(a netip.AddrPort) netip.AddrPort {
		if a.Port() == 0 { // any, or none
			return a
		}
		return netip.AddrPortFrom(a.Addr(), a.Port()+uint16(i))
	}
	c.UDP, c.TCP = move(c.UDP), move(c.TCP)
	return c
}

// leastBusy is the shard with the fewest rooms. s.mu is held.
func (s *SFU) leastBusy() *engine {
	load := map[*engine]int{}
	for r := range s.rooms {
		load[r.engine]++
	}
	return slices.MinFunc(s.shards, func(a, b *engine) int { return load[a] - load[b] })
}

// now is nanoseconds since New, monotonic.
func (s *SFU) now() int64 { return int64(time.Since(s.base)) }

// Room makes the forwarding plane of one session. The caller closes it.
func (s *SFU) Room(id rooms.SessionID) (rooms.Media, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("sfu: closed")
	}
	r := newRoom(s, s.leastBusy(), id)
	s.rooms[r] = struct{}{}
	r.running.Go(r.run)
	return r, nil
}

// Close ends every room and gives the ports back.
func (s *SFU) Close() error {
	s.mu.Lock()
	s.closed = true
	open := make([]*room, 0, len(s.rooms))
	for r := range s.rooms {
		open = append(open, r)
	}
	s.mu.Unlock()
	var errs []error
	for _, r := range open {
		errs = append(errs, r.Close())
	}
	for _, e := range s.shards {
		errs = append(errs, e.close())
	}
	return errors.Join(errs...)
}

func (s *SFU) forget(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rooms, r)
}
