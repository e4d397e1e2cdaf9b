package main

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// clock is nanoseconds since the run began, monotonic.
type clock struct{ base time.Time }

func (c clock) now() int64 { return int64(time.Since(c.base)) }

// window is the time of the measuring. Packets belong to it by their stamps,
// on both sides. Set once, before it begins.
type window struct{ from, to atomic.Int64 }

// has is false for everything as long as the window has not been set.
func (w *window) has(at int64) bool {
	from := w.from.Load()
	return from != 0 && at >= from && at < w.to.Load()
}

// meter counts what one person receives. Packets come from the goroutine that
// opened them.
type meter struct {
	// Set by newMeter.
	clock        clock
	window       *window
	room, person int

	mu    sync.Mutex
	from  []hearing // guarded by mu; by person
	delay histogram // guarded by mu; of packets of the window
	count received  // guarded by mu
}

// received are packets of the window, but for strays and early ones, which
// nobody may get at any time.
type received struct {
	unique     uint64
	duplicates uint64
	unstamped  uint64
	strays     uint64 // own packets, or another room's
	early      uint64 // received before they were sent
}

func (r *received) add(o received) {
	r.unique += o.unique
	r.duplicates += o.duplicates
	r.unstamped += o.unstamped
	r.strays += o.strays
	r.early += o.early
}

// hearing is what one person has of another.
type hearing struct {
	first, firstKeyframe int64 // 0: none yet
	audio, video         seen
}

// seen is a set of numbers.
type seen struct{ bits []uint64 }

// add says whether n is new.
func (s *seen) add(n uint32) bool {
	at := int(n / 64)
	for len(s.bits) <= at {
		s.bits = append(s.bits, 0)
	}
	bit := uint64(1) << (n % 64)
	fresh := s.bits[at]&bit == 0
	s.bits[at] |= bit
	return fresh
}

func newMeter(c clock, w *window, room, person, people int) *meter {
	return &meter{clock: c, window: w, room: room, person: person, from: make([]hearing, people)}
}

// take counts one plain packet and gives its stamp; false for one that nobody
// should have got.
func (m *meter) take(packet []byte) (s stamp, ok bool) {
	now := m.clock.now()
	s, ok = readStamp(packet)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !ok:
		m.count.unstamped++
		return s, false
	case s.room != m.room || s.person == m.person || s.person >= len(m.from):
		m.count.strays++
		return s, false
	case s.at > now:
		m.count.early++
	}
	h := &m.from[s.person]
	if h.first == 0 {
		h.first = now
	}
	numbers := &h.audio
	if s.video {
		numbers = &h.video
	}
	if s.keyframe && h.firstKeyframe == 0 {
		h.firstKeyframe = now
	}
	fresh := numbers.add(s.number)
	switch {
	case !m.window.has(s.at):
	case !fresh:
		m.count.duplicates++
	default:
		m.count.unique++
		m.delay.add(now - s.at)
	}
	return s, true
}

// firsts of what came from a person; 0 for what has not come.
func (m *meter) firsts(person int) (media, keyframe int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.from[person].first, m.from[person].firstKeyframe
}

// sum of what was counted.
func (m *meter) sum() (received, histogram) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count, m.delay
}

// histogram of durations, in steps of a sixteenth of a power of two: a
// quantile is wrong by 6 % at most.
type histogram struct {
	buckets [64 * 16]uint64
	n       uint64
}

func (h *histogram) add(nanoseconds int64) {
	h.buckets[bucketOf(uint64(max(nanoseconds, 0)))]++
	h.n++
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.n += o.n
}

func bucketOf(v uint64) int {
	if v < 16 {
		return int(v)
	}
	exponent := bits.Len64(v) - 5 // of the highest bit, beyond the four below it
	return exponent*16 + int(v>>exponent)
}

// floor is the smallest duration of a bucket.
func floor(bucket int) uint64 {
	if bucket < 32 {
		return uint64(bucket)
	}
	exponent := bucket/16 - 1
	return uint64(16+bucket%16) << exponent
}

// quantile q of 0…1, by nearest rank; the middle of the bucket it is in.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(h.n))), 1)
	for i, n := range h.buckets {
		if rank <= n {
			return time.Duration((floor(i) + floor(i+1)) / 2)
		}
		rank -= n
	}
	return 0 // n is the sum of the buckets
}
