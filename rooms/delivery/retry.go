package delivery

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// pauses are between the attempts, as Standard Webhooks recommends: the first
// attempt is at once, the tenth 76 hours later.
func pauses() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// Attempts is how often something is tried before it is a dead letter.
const Attempts = 10

// maxHold bounds what Retry-After can ask for: the longest of our own pauses.
const maxHold = 24 * time.Hour

// jitter is how much of a pause is left to chance, so that what failed
// together does not come back together.
const jitter = 0.2

// pause is how long to wait when that many attempts have failed; false when
// there have been enough.
func pause(failed int) (time.Duration, bool) {
	all := pauses()
	if failed > len(all) {
		return 0, false
	}
	usual := float64(all[failed-1])
	return time.Duration(usual * (1 - jitter/2 + jitter*rand.Float64())), true //nolint:gosec // chance, no secret
}

// retryAfter is what the header asks for (RFC 9110 §10.2.3), within bounds; 0
// when it asks for nothing, or for nonsense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxHold)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), maxHold))
}
