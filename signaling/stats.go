package signaling

import (
	"maps"
	"sync"

	"viop/rooms"
)

// Stats is what the Server counted since it was made; Open, Pending and Links
// are now.
type Stats struct {
	Open    int // WebSockets after the upgrade
	Pending int // … that have not said a good hello yet, upgrades included
	Links   int // seats, with or without a WebSocket
	Busy    int // upgrades refused for MaxPending or Drain
	Joins   int // welcomes, restored seats included
	// Resumes by mode: replay, snapshot, and restored (after a restart).
	Resumes map[string]int
	// Closes by code; "" are lines that broke or were closed by the browser.
	Closes    map[rooms.Code]int
	GaveWay   int // levels and states that gave way to newer ones
	Overflows int // queues given up for a reader that did not keep up
}

type counters struct {
	mu sync.Mutex
	n  Stats
}

func newCounters() *counters {
	return &counters{n: Stats{Resumes: map[string]int{}, Closes: map[rooms.Code]int{}}}
}

func (c *counters) count(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.n)
}

func (c *counters) busy()                  { c.count(func(n *Stats) { n.Busy++ }) }
func (c *counters) joined()                { c.count(func(n *Stats) { n.Joins++ }) }
func (c *counters) resumed(mode string)    { c.count(func(n *Stats) { n.Resumes[mode]++ }) }
func (c *counters) closed(code rooms.Code) { c.count(func(n *Stats) { n.Closes[code]++ }) }
func (c *counters) overflow()              { c.count(func(n *Stats) { n.Overflows++ }) }

func (c *counters) gaveWay(n int) {
	if n > 0 {
		c.count(func(s *Stats) { s.GaveWay += n })
	}
}

// Stats may be called from any goroutine.
func (s *Server) Stats() Stats {
	s.stats.mu.Lock()
	n := s.stats.n
	n.Resumes, n.Closes = maps.Clone(n.Resumes), maps.Clone(n.Closes)
	s.stats.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	n.Open, n.Pending = len(s.conns), s.pending
	for _, links := range s.links {
		n.Links += len(links)
	}
	return n
}
