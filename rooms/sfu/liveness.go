package sfu

// liveness decides when a peer is up and down, from proof of life and not
// from ICE's state: what is authenticated counts, what merely arrives does
// not. Times are of the SFU's clock.
type liveness struct {
	deadAfter int64
	connected bool // DTLS is up and ICE has not given up
	up        bool
	// doubted: ICE has heard nothing for a while. It does not hear media that
	// goes past it, so the last proof of life is asked, too.
	doubted  bool
	asked    bool  // for an ICE restart, in this outage
	downSeen int64 // proof of life the last time it went down
}

type verdict int

const (
	unchanged verdict = iota
	wentUp
	wentDown
)

// step looks at the clock.
func (l *liveness) step(now, seen int64) verdict {
	silent := now-seen >= l.deadAfter
	switch {
	case l.up && silent:
		l.up, l.downSeen = false, seen
		return wentDown
	case !l.up && l.connected && !silent && seen > l.downSeen:
		l.up = true
		return wentUp
	}
	return unchanged
}

// fail is the end of the transport; it says whether the peer was up.
func (l *liveness) fail(seen int64) bool {
	was := l.up
	l.up = false
	if was {
		l.downSeen = seen
	}
	return was
}
