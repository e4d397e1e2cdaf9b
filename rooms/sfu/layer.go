package sfu

import (
	"sync/atomic"
	"time"

	"viop/rooms"
	"viop/rooms/sfu/feedback"
)

// Keyframe requests.
const (
	// keyframeGap is the shortest time between two requests for one layer:
	// encoders serve no faster, and all who wait share one keyframe.
	keyframeGap = 300 * time.Millisecond
	// keyframeRetry is when an unanswered request is made again. One that was
	// answered is out of the way: who came too late for that keyframe waits
	// for the gap only.
	keyframeRetry = 500 * time.Millisecond
)

// aliveFor is how long a simulcast layer without packets counts as arriving.
// Browsers drop layers as bandwidth goes; nobody waits for one that is not
// there.
const aliveFor = 1500 * time.Millisecond

// source is one of the up to four things a person sends.
type source struct {
	transport *transport
	kind      rooms.Source
	layers    [maxLayers]atomic.Pointer[layer] // by rank, lowest first; holes while a layer is not there
	level     levelMeter

	// Guarded by room.mu.
	demand  demand
	used    [maxLayers]bool // somebody gets it, or is to get it; of the last apply
	offered []offering      // since the last offer
}

func (s *source) isVideo() bool { return isVideo(s.kind) }

func isVideo(kind rooms.Source) bool { return kind&(rooms.Camera|rooms.Screen) != 0 }

// layer is one stream of a source: one SSRC.
type layer struct {
	// Set by the ingress that found it.
	source *source
	rank   int
	ssrc   uint32
	clock  uint32 // of its timestamps, Hz

	// Owned by the ingress.
	window  window
	missing lossList
	stats   receptionStats
	recent  recent

	// receivers is an immutable list, replaced by the room.
	receivers atomic.Pointer[[]*slot]

	// Guarded by room.mu.
	rate  rate
	worst uint32  // of 256: lostBeyond to be, empty but in protectVoices
	gets  []*slot // receivers to be, empty but in apply

	ring         ring
	lastAt       atomic.Int64
	bytes        atomic.Uint64
	height       atomic.Int32  // of the last keyframe
	lostBeyond   atomic.Uint32 // of 256: what the worst line of its receivers loses
	senderReport atomic.Pointer[senderReport]

	keyframeWanted atomic.Bool
	keyframeAsked  atomic.Int64
	keyframeAt     atomic.Int64 // the last one came
}

// senderReport ties a layer's timestamps to its sender's clock.
type senderReport struct {
	ntp uint64
	rtp uint32
	at  int64
}

// alive says whether packets are arriving.
func (l *layer) alive(now int64) bool { return now-l.lastAt.Load() < int64(aliveFor) }

// askKeyframe wants one from the publisher, who is asked at once unless it was
// just now; the room's tick asks again until one comes. Within a turn.
func (l *layer) askKeyframe(now int64) {
	l.keyframeWanted.Store(true)
	l.requestKeyframe(now, keyframeGap)
}

// demandKeyframe is askKeyframe from outside of a turn, of the control side.
func (l *layer) demandKeyframe(now int64) {
	l.source.transport.beginTurn()
	defer l.source.transport.endTurn()
	l.askKeyframe(now)
}

// retryKeyframe makes a request that was not answered, or came too soon after
// one that was. Outside of a turn.
func (l *layer) retryKeyframe(now int64) {
	if !l.keyframeWanted.Load() || !l.mayAnswer(now) {
		return
	}
	gap := keyframeRetry
	if l.keyframeAt.Load() > l.keyframeAsked.Load() {
		gap = keyframeGap
	}
	l.source.transport.beginTurn()
	defer l.source.transport.endTurn()
	l.requestKeyframe(now, gap)
}

// mayAnswer says whether asking for a keyframe makes sense. A camera that is
// off has no encoder; a still screen has one that is waiting.
func (l *layer) mayAnswer(now int64) bool {
	return l.source.kind == rooms.Screen || l.alive(now)
}

func (l *layer) requestKeyframe(now int64, gap time.Duration) {
	last := l.keyframeAsked.Load()
	if last != 0 && now-last < int64(gap) || !l.keyframeAsked.CompareAndSwap(last, now) {
		return
	}
	t := l.source.transport
	var said [3 * 4]byte
	if t.say(feedback.AppendPLI(said[:0], t.ssrc, l.ssrc)) {
		t.counters.keyframeRequests.Add(1)
	}
}
