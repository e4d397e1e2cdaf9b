package redisstore

import (
	"net"
	"sync"
	"time"
)

// queued is a connection to a server in this process, over a net.Pipe, which
// has no buffer: a client that writes a long pipeline before it reads, and a
// server that answers before it has read all of it, would wait for each other.
// Its Write never waits.
type queued struct {
	net.Conn
	done chan struct{} // closed when write has ended

	mu      sync.Mutex
	more    sync.Cond // waiting, failed or closed has changed; on mu
	waiting []byte    // guarded by mu, as are
	failed  error
	closed  bool
}

// queue starts the goroutine that Close waits for.
func queue(c net.Conn) *queued {
	q := &queued{Conn: c, done: make(chan struct{})}
	q.more.L = &q.mu
	go q.write()
	return q
}

func (q *queued) write() {
	defer close(q.done)
	for {
		b := q.next()
		if b == nil {
			return
		}
		if _, err := q.Conn.Write(b); err != nil {
			q.mu.Lock()
			q.failed = err
			q.mu.Unlock()
			return
		}
	}
}

// next waits for what is to be written; nil is the end.
func (q *queued) next() (b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return nil
	}
	b, q.waiting = q.waiting, nil
	return b
}

// Write takes all of b. An error is that of an earlier one.
func (q *queued) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.failed != nil:
		return 0, q.failed
	case q.closed:
		return 0, net.ErrClosed
	}
	q.waiting = append(q.waiting, b...)
	q.more.Signal()
	return len(b), nil
}

// SetDeadline is of reading only: writing does not wait.
func (q *queued) SetDeadline(t time.Time) error { return q.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (q *queued) SetWriteDeadline(time.Time) error { return nil }

// Close drops what is not written yet.
func (q *queued) Close() error {
	q.mu.Lock()
	q.closed = true
	q.more.Signal()
	q.mu.Unlock()
	err := q.Conn.Close()
	<-q.done
	return err
}
