package rooms

import "sync"

// inbox is the queue in front of a room's goroutine. Posting never blocks: a
// peer's goroutine posts while the room may be waiting for it to end. It has no
// bound of its own; what browsers put in is rated by signaling, and the rest is
// a few transitions per person.
type inbox struct {
	// ready holds one token when there is something to take.
	ready chan struct{}

	mu     sync.Mutex
	queue  []posting // guarded by mu
	closed bool      // guarded by mu
}

// posting is an input and who waits for its answer.
type posting struct {
	in   input
	seat *Seat // of a join
	// reply gets one value, and has room for it; nil when nobody waits.
	reply chan<- error
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// post is false when the room takes nothing any more.
func (b *inbox) post(p posting) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.queue = append(b.queue, p)
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return true
}

// take empties the queue.
func (b *inbox) take() []posting {
	b.mu.Lock()
	defer b.mu.Unlock()
	queue := b.queue
	b.queue = nil
	return queue
}

// close is the end of posting; it returns what nobody took.
func (b *inbox) close() []posting {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.take()
}
