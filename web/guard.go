package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"viop/rooms/schedule"
)

// contentPolicy lets the page load from here and nowhere else. 'self' in
// connect-src covers the WebSocket of the same host and port (CSP Level 3
// §6.7.2.8), in Chromium and in Firefox.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// permissions are what a group needs of a browser; everything else is off.
const permissions = "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), " +
	"picture-in-picture=(self), screen-wake-lock=(self), speaker-selection=(self), " +
	"accelerometer=(), browsing-topics=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), " +
	"local-fonts=(), magnetometer=(), midi=(), payment=(), publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()"

// guarded is what every answer goes through, the WebSocket's too: an id, the
// headers, the log line, and the net under a panic.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		id := rand.Text()
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		answer := &answer{ResponseWriter: w}
		s.setHeaders(answer.Header(), id)
		defer func() {
			if thrown := recover(); thrown != nil {
				s.recovered(answer, r, thrown)
			}
			s.logged(r, answer, time.Since(started))
		}()
		next.ServeHTTP(answer, r)
	})
}

func (s *server) setHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Permissions-Policy", permissions)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // until somebody knows better
	if s.TLS {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// recovered turns a panic into a 500. The value that was thrown may hold what a
// request said, so only its type and the stack are logged.
func (s *server) recovered(w *answer, r *http.Request, thrown any) {
	if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(thrown) // net/http's own way to cut a connection
	}
	s.log.ErrorContext(r.Context(), "panic", "request", requestID(r.Context()), "pattern", r.Pattern,
		"kind", fmt.Sprintf("%T", thrown), "stack", string(debug.Stack()))
	if w.status == 0 {
		s.fail(w, r, newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side.",
			"It has been logged under the id in instance."))
	}
}

// logged writes the access log: the pattern rather than the path, because what
// strangers put into paths is not ours to keep.
func (s *server) logged(r *http.Request, w *answer, took time.Duration) {
	pattern := r.Pattern
	if pattern == "" {
		pattern = "none"
	}
	if w.status != http.StatusSwitchingProtocols { // a WebSocket lasts as long as a session
		s.requests.WithLabelValues(pattern, statusClass(w.status)).Observe(took.Seconds())
	}
	fields := []any{"request", requestID(r.Context()), "pattern", pattern, "status", w.status, "bytes", w.bytes, "took", took}
	if id := r.PathValue("id"); schedule.ValidID(id) {
		fields = append(fields, "id", id)
	}
	if w.subject != "" {
		fields = append(fields, "sub", w.subject)
	}
	s.log.InfoContext(r.Context(), "request", fields...)
}

// answer counts what was sent. Unwrap lets http.ResponseController and the
// WebSocket's upgrade through.
type answer struct {
	http.ResponseWriter
	status  int // 0 until the header is sent
	bytes   int64
	subject string // of the token, once it is believed
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// statusClass is "2xx" and so on, to keep the number of series small.
func statusClass(status int) string { return strconv.Itoa(status/100) + "xx" }

type requestKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
