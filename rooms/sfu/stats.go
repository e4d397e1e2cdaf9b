package sfu

import (
	"sync/atomic"

	"viop/rooms/sfu/plane"
)

// Stats are counters since New, summed when asked for, and two gauges.
type Stats struct {
	Rooms, Peers     int
	PacketsIn        uint64 // RTP that was opened
	PacketsOut       uint64 // RTP forwarded, repairs not counted
	BytesOut         uint64 // payload of PacketsOut
	Resent           uint64 // repairs sent to receivers
	Duplicates       uint64 // probes and repeats that were not forwarded
	KeyframeRequests uint64 // sent to publishers
	Restored         uint64 // packets of sound that were lost, out of the redundancy of others
	// Ways are the transports that are connected now, by the way of their media.
	Ways map[Path]int
	// Plane is what the plane has counted; zero without one.
	Plane plane.Counts
}

func (s *Stats) add(o Stats) {
	s.PacketsIn += o.PacketsIn
	s.PacketsOut += o.PacketsOut
	s.BytesOut += o.BytesOut
	s.Resent += o.Resent
	s.Duplicates += o.Duplicates
	s.KeyframeRequests += o.KeyframeRequests
	s.Restored += o.Restored
}

// counters of one publisher's side.
type counters struct {
	packetsIn, duplicates, keyframeRequests, restored atomic.Uint64
}

// stats of one transport; room.mu is held.
func (t *transport) stats() Stats {
	out := Stats{
		PacketsIn: t.counters.packetsIn.Load(), Duplicates: t.counters.duplicates.Load(),
		KeyframeRequests: t.counters.keyframeRequests.Load(), Restored: t.counters.restored.Load(),
	}
	for _, slots := range [][]*slot{t.audio, t.video} {
		for _, s := range slots {
			out.PacketsOut += s.sent.Load()
			out.BytesOut += s.octets.Load()
			out.Resent += s.resends.Load()
		}
	}
	return out
}

// Stats may be called at any time; it takes each room's lock once.
func (s *SFU) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.retired
	out.Rooms, out.Ways = len(s.rooms), map[Path]int{PathPlane: 0, PathPion: 0}
	for _, e := range s.shards {
		if e.plane != nil {
			out.Plane.Add(e.plane.Counts())
		}
	}
	for r := range s.rooms {
		r.mu.Lock()
		out.Peers += len(r.peers)
		for _, p := range r.peers {
			if p.transport != nil {
				out.add(p.transport.stats())
				if path := p.transport.path; path != "" {
					out.Ways[path]++
				}
			}
		}
		r.mu.Unlock()
	}
	return out
}
