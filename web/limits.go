package web

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxSubjects bounds the memory of limits: when it is reached, whoever has a
// full bucket is forgotten, which changes nothing for them.
const maxSubjects = 4096

// limits are token buckets by subject.
type limits struct {
	// Set by newLimits.
	every rate.Limit
	burst int

	mu sync.Mutex
	by map[string]*rate.Limiter // guarded by mu
}

func newLimits(every rate.Limit, burst int) *limits {
	return &limits{every: every, burst: burst, by: map[string]*rate.Limiter{}}
}

// take uses up one call of the subject's, or says how long until there is one.
func (l *limits) take(subject string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.by[subject]
	if bucket == nil {
		if len(l.by) >= maxSubjects {
			l.forget(now)
		}
		bucket = rate.NewLimiter(l.every, l.burst)
		l.by[subject] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// forget is called with mu held.
func (l *limits) forget(now time.Time) {
	for subject, bucket := range l.by {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.by, subject)
		}
	}
}

func tooManyRequests(wait time.Duration) *problem {
	seconds := int((wait + time.Second - 1) / time.Second)
	return newProblem(http.StatusTooManyRequests, "too_many_requests", "Too many requests.",
		"Wait as many seconds as Retry-After says.").with("Retry-After", strconv.Itoa(seconds))
}

// How many calls may wait for something new at a time, on this node and of one
// subject. They cost little: a goroutine, and no connection to the store.
const (
	maxWaiters   = 256
	maxWaitersOf = 8
)

// waiters counts them.
type waiters struct {
	// Set by who makes one.
	most, mostOf int

	mu  sync.Mutex // guards the rest
	all int
	by  map[string]int // subject
}

// enter lets one in that calls leave when it is done, or says that there are
// too many.
func (w *waiters) enter(subject string) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all >= w.most || w.by[subject] >= w.mostOf {
		return nil, false
	}
	w.all++
	w.by[subject]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all--
		if w.by[subject]--; w.by[subject] == 0 {
			delete(w.by, subject)
		}
	}, true
}
