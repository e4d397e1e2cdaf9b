package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// recorder carries what a room hands over to the journal and on to Redis, in
// order. Handing over never waits. Two goroutines do the work, so that a Redis
// that hangs does not keep facts off the disk:
//
//	put -> queue -> (journaler: write, fsync) -> pending -> (sender: Redis) -> done
//
// A disk that fails is reported and left out; a Redis that fails is tried
// again for as long as the recorder lives.
type recorder struct {
	// Set by newRecorder.
	owned owned
	write func(context.Context, owned, []item, bool) (int, error) // (*Store).write
	log   *slog.Logger

	toJournal, toSend chan struct{} // put/sender -> journaler, journaler -> sender; hold one token

	journal journal // owned by runJournal
	kept    []item  // owned by runSend: all entries sent so far, in case Redis loses its end
	memory  []item  // owned by runSend: the last memory sent, if any

	mu      sync.Mutex // guards the rest
	queue   []item     // handed over
	writing []item     // taken from queue, on the way to the disk
	pending []item     // in the journal (or the disk failed), not in Redis
	refused []item     // Redis has another entry of that number: stays in the journal
	lost    bool       // Redis does not have all of kept any more
	acked   lasts      // of kept
	handed  int
	stored  int // of handed, those done; refused ones too
	changed chan struct{}
	err     error // of the last write to Redis
	disk    error // of the last write to the journal
}

// lasts are the numbers of the last entries that Redis has acknowledged.
type lasts struct{ log, audit int }

// conflictError: Redis holds another entry under a number of ours. Two owners
// were given the same epoch, or somebody edited the log.
type conflictError struct {
	stream stream
	seq    int
}

func (e *conflictError) Error() string {
	return fmt.Sprintf("session %s: entry %d of %s is in the store already, with another content",
		e.stream.session, e.seq, e.stream.name())
}

// holeError: Redis ends at last, before what was to be appended.
type holeError struct{ last int }

func (e *holeError) Error() string {
	return fmt.Sprintf("the store has lost entries: it ends at %d", e.last)
}

func newRecorder(o owned, path string, write func(context.Context, owned, []item, bool) (int, error), log *slog.Logger) *recorder {
	return &recorder{
		owned: o, write: write, log: log.With("session", o.session, "epoch", o.epoch),
		toJournal: make(chan struct{}, 1), toSend: make(chan struct{}, 1),
		journal: journal{path: path}, changed: make(chan struct{}),
	}
}

// put hands items over. It never waits.
func (r *recorder) put(items ...item) {
	now := time.Now()
	r.mu.Lock()
	for _, it := range items {
		it.since = now
		r.queue = append(r.queue, it)
	}
	r.handed += len(items)
	r.mu.Unlock()
	poke(r.toJournal)
}

// poke leaves a token, if there is none.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// runJournal writes what is queued, all of it with one fsync, until ctx ends.
func (r *recorder) runJournal(ctx context.Context) {
	for {
		select {
		case <-r.toJournal:
		case <-ctx.Done():
			r.journalOnce() // the last words
			if err := r.journal.close(); err != nil {
				r.diskDone(err)
			}
			return
		}
		r.journalOnce()
	}
}

func (r *recorder) journalOnce() {
	r.mu.Lock()
	items := r.queue
	r.queue, r.writing = nil, items
	empty := len(items)+len(r.pending)+len(r.refused) == 0
	r.mu.Unlock()
	switch {
	case empty && r.journal.size > 0:
		r.diskDone(r.journal.empty())
		return
	case len(items) == 0:
		return
	}
	r.diskDone(r.journal.append(items))
	r.mu.Lock()
	r.pending, r.writing = append(r.pending, items...), nil
	r.mu.Unlock()
	poke(r.toSend)
}

// diskDone notes how the journal fares. Care goes on without it, and so does
// the evidence, by Redis alone.
func (r *recorder) diskDone(err error) {
	r.mu.Lock()
	was := r.disk
	r.disk = err
	r.mu.Unlock()
	switch {
	case err != nil && was == nil:
		r.log.Error("the journal cannot be written; evidence goes to Redis alone", "err", err)
	case err == nil && was != nil:
		r.log.Info("the journal is written again")
	}
}

// batch is the most items in one go.
const batch = 256

// runSend writes what is pending to Redis until ctx ends.
func (r *recorder) runSend(ctx context.Context) {
	var wait backoff
	for {
		r.mu.Lock()
		items := slices.Clone(r.pending[:min(batch, len(r.pending))])
		lost := r.lost
		r.mu.Unlock()
		if len(items) == 0 && !lost {
			poke(r.toJournal) // it may be emptied
			select {
			case <-r.toSend:
			case <-ctx.Done():
				return
			}
			continue
		}
		send := r.sendOnce
		if lost {
			send = r.rewrite
		}
		if err := send(ctx, items); err == nil {
			wait = backoff{}
		} else if wait.wait(ctx) != nil {
			return
		}
	}
}

// again says that Redis has lost acknowledged entries. A room in which nothing
// more happens would not find out by itself.
func (r *recorder) again() {
	r.mu.Lock()
	r.lost = true
	r.mu.Unlock()
	poke(r.toSend)
}

func (r *recorder) lasts() lasts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acked
}

// rewrite writes all that was acknowledged once more, and then the items.
func (r *recorder) rewrite(ctx context.Context, items []item) error {
	r.log.Error("the store has lost evidence; writing it again")
	_, err := r.write(ctx, r.owned, slices.Concat(r.kept, r.memory), true)
	if _, refused := errors.AsType[*conflictError](err); err != nil && !refused {
		r.done(nil, err)
		return err
	}
	r.mu.Lock()
	r.lost = false
	r.mu.Unlock()
	n, err := r.write(ctx, r.owned, items, true)
	r.done(items[:n], err)
	return err
}

// sendOnce writes the items and forgets those that are done.
func (r *recorder) sendOnce(ctx context.Context, items []item) error {
	n, err := r.write(ctx, r.owned, items, false)
	_, lost := errors.AsType[*holeError](err)
	if lost {
		err = nil
	}
	r.done(items[:n], err)
	if lost {
		return r.rewrite(ctx, items[n:])
	}
	return err
}

// done moves items out of pending, and a refused one into refused.
func (r *recorder) done(items []item, err error) {
	for _, it := range items {
		if it.Kind == kindMemory {
			r.memory = []item{it}
		} else {
			r.kept = append(r.kept, it)
		}
	}
	n := len(items)
	conflict, refused := errors.AsType[*conflictError](err)
	r.mu.Lock()
	for _, it := range items {
		switch it.Kind {
		case kindLog:
			r.acked.log = it.Seq
		case kindAudit:
			r.acked.audit = it.Seq
		}
	}
	was := r.err
	r.err = err
	if refused {
		r.refused = append(r.refused, r.pending[n])
		n++
	}
	r.pending = slices.Delete(r.pending, 0, n)
	r.stored += n
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	switch {
	case refused:
		r.log.Error("EVIDENCE REFUSED by the store; it stays in the journal for a person to look at", "err", conflict)
	case err != nil && was == nil:
		r.log.Warn("the store does not take evidence; it waits in the journal", "err", err)
	case err == nil && was != nil:
		r.log.Info("the store takes evidence again")
	}
}

// flush waits until all that has been handed over is in Redis.
func (r *recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	target := r.handed
	r.mu.Unlock()
	for {
		r.mu.Lock()
		stored, refused, err, changed := r.stored, len(r.refused), r.err, r.changed
		r.mu.Unlock()
		switch {
		case stored >= target && refused > 0:
			return fmt.Errorf("session %s: %d entries are refused by the store and kept in the journal", r.owned.session, refused)
		case stored >= target:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// state is what Health reports: the age of the oldest item that is not in
// Redis, and the errors that stand.
func (r *recorder) state() (behind time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range [][]item{r.refused, r.pending, r.writing, r.queue} {
		if len(list) > 0 {
			behind = max(behind, time.Since(list[0].since))
		}
	}
	err = errors.Join(r.err, r.disk)
	if len(r.refused) > 0 {
		err = errors.Join(err, fmt.Errorf("%d entries are refused by the store", len(r.refused)))
	}
	return behind, err
}
