package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"viop/rooms/schedule/intake"
)

// doneOnce is what is kept of a request with an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header): the answer, for whoever did not
// hear it and asks again. What was refused has done nothing, so it is not kept.
type doneOnce struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// finishWithin bounds the noting down of an answer that was earned.
const finishWithin = 3 * time.Second

// once serves a request that has an Idempotency-Key at most once in a day for
// each caller and key. A node that dies in the middle leaves the key taken for
// a minute, and then nobody knows: what was asked for may have been done.
func (s *server) once(w http.ResponseWriter, r *request, serve func(http.ResponseWriter, *request) error) error {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return serve(w, r)
	}
	own := strings.Trim(keys[0], `"`) // a string of RFC 9651, or bare
	if len(keys) > 1 || own == "" || len(own) > 255 || strings.ContainsFunc(own, func(c rune) bool { return c < '!' || c > '~' }) {
		return malformed("Idempotency-Key is 1 to 255 visible characters of ASCII.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, max(maxBulk, intake.MaxBytes)))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := hashOf(r.grant.Subject(), own)
	answer, turn, err := s.Store.Begin(r.Context(), key, hashOf(r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), string(body)))
	if err != nil {
		return err
	}
	if answer != nil {
		return again(w, answer)
	}
	kept := &keeper{header: http.Header{}}
	defer func() { s.finish(r.Context(), key, turn, kept) }() // also when serve panics
	if err := serve(kept, r); err != nil {
		kept.status = 0
		return err
	}
	kept.send(w)
	return nil
}

// finish notes the answer down, or that there was none.
func (s *server) finish(ctx context.Context, key, turn string, kept *keeper) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	var answer []byte
	if kept.status/100 == 2 {
		var err error
		if answer, err = json.Marshal(doneOnce{kept.status, kept.header, kept.body.Bytes()}); err != nil {
			answer = nil
		}
	}
	if err := s.Store.Finish(ctx, key, turn, answer); err != nil {
		s.log.ErrorContext(ctx, "an answer is not kept for its Idempotency-Key", "request", requestID(ctx), "err", err)
	}
}

// again gives the answer of the first time.
func again(w http.ResponseWriter, answer []byte) error {
	var done doneOnce
	if err := json.Unmarshal(answer, &done); err != nil {
		return fmt.Errorf("read the answer of an Idempotency-Key: %w", err)
	}
	kept := &keeper{header: done.Header, status: done.Status}
	kept.body.Write(done.Body)
	kept.header.Set("Idempotent-Replayed", "true")
	kept.send(w)
	return nil
}

// keeper is a ResponseWriter that holds the answer back.
type keeper struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keeper) Header() http.Header { return k.header }

func (k *keeper) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *keeper) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

func (k *keeper) send(w http.ResponseWriter) {
	for name, values := range k.header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.status)
	send(w, k.body.Bytes())
}

// hashOf parts that cannot be shifted into each other.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
