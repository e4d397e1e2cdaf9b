package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"viop/auth"
	"viop/auth/authtest"
)

// A provider serves a JWKS that can change.
type provider struct {
	url     string
	set     atomic.Pointer[[]byte]
	fetches atomic.Int32
}

func newProvider(t *testing.T, keys ...map[string]any) *provider {
	t.Helper()
	p := &provider{}
	p.serve(authtest.JWKS(keys...))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		set := *p.set.Load()
		if set == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(set) // a reader that went away is the test's business
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// serve changes the set; nil is an outage.
func (p *provider) serve(set []byte) { p.set.Store(&set) }

// TestKeyAddedAtTheProvider: twelve people come at once with tokens of a key
// nobody here has seen, and one fetch lets all of them in.
func TestKeyAddedAtTheProvider(t *testing.T) {
	k := authtest.New(t, atNoon)
	rs, es := pair(t, k, "RS256"), pair(t, k, "ES256")
	p := newProvider(t, rs.JWK())
	v := k.Verifier(auth.Config{JWKSURL: p.url})
	verifyGood(t, v, k.Sign(k.Token().By(rs)))
	if n := p.fetches.Load(); n != 1 {
		t.Fatalf("%d fetches before any unknown kid, want 1", n)
	}

	p.serve(authtest.JWKS(rs.JWK(), es.JWK()))
	fresh := k.Sign(k.Token().By(es))
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			if _, err := v.VerifyJoin(t.Context(), fresh); err != nil {
				t.Errorf("a token of the new key: %v", err)
			}
		})
	}
	group.Wait()

	// Strangers cannot make us hammer the provider.
	w := k.Token().By(es)
	w.Header["kid"] = "nobody"
	for range 100 {
		if _, err := v.VerifyJoin(t.Context(), k.Sign(w)); err != auth.ErrUnknownKey {
			t.Fatalf("error = %v, want %v", err, auth.ErrUnknownKey)
		}
	}
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want 2: at the start, and for the new kid", n)
	}
}

// TestKeyWithdrawnAtTheProvider: its tokens are refused after the next refresh.
// In an outage the keys stay.
func TestKeyWithdrawnAtTheProvider(t *testing.T) {
	k := authtest.New(t, atNoon)
	rs, es := pair(t, k, "RS256"), pair(t, k, "ES256")
	p := newProvider(t, rs.JWK(), es.JWK())
	v := k.Verifier(auth.Config{JWKSURL: p.url, JWKSRefresh: 5 * time.Millisecond})
	token := k.Sign(k.Token().By(es))

	p.serve(nil)
	outage := p.fetches.Load()
	eventually(t, "three refreshes during the outage", func() bool { return p.fetches.Load() >= outage+3 })
	verifyGood(t, v, token)

	p.serve(authtest.JWKS(rs.JWK()))
	eventually(t, "the withdrawn key is refused", func() bool {
		_, err := v.VerifyJoin(t.Context(), token)
		return err == auth.ErrUnknownKey
	})
	verifyGood(t, v, k.Sign(k.Token().By(rs)))
}

// TestProviderDownAtBoot: the server starts, says so in the log, and the first
// token that needs the key fetches it.
func TestProviderDownAtBoot(t *testing.T) {
	k := authtest.New(t, atNoon)
	ed := pair(t, k, "EdDSA")
	p := newProvider(t)
	p.serve(nil)
	var log bytes.Buffer
	v := k.Verifier(auth.Config{JWKSURL: p.url, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(log.String(), "fetch JWKS") {
		t.Errorf("log = %q, want word of the JWKS", log.String())
	}
	p.serve(authtest.JWKS(ed.JWK()))
	verifyGood(t, v, k.Sign(k.Token().By(ed)))
}

// TestUnusableAtTheProvider: what a file would be refused for is passed over
// here, because the set also serves others.
func TestUnusableAtTheProvider(t *testing.T) {
	k := authtest.New(t, atNoon)
	rs, es := pair(t, k, "RS256"), pair(t, k, "ES256")
	enc := es.JWK()
	enc["use"] = "enc"
	oct := map[string]any{"kid": "oct", "kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}
	p := newProvider(t, oct, enc, rs.JWK())
	v := k.Verifier(auth.Config{JWKSURL: p.url})
	verifyGood(t, v, k.Sign(k.Token().By(rs)))

	w := k.Token()
	w.Header["kid"], w.Key = "oct", []byte("secretsecretsecretsecretsecret")
	for name, token := range map[string]string{
		"HS256 with a secret out of the JWKS": k.Sign(w),
		"ES256 with a key for encryption":     k.Sign(k.Token().By(es)),
	} {
		if _, err := v.VerifyJoin(t.Context(), token); err != auth.ErrUnknownKey {
			t.Errorf("%s: error = %v, want %v", name, err, auth.ErrUnknownKey)
		}
	}
}

// TestProviderMisbehaves: answers we do not follow or read to their end.
func TestProviderMisbehaves(t *testing.T) {
	k := authtest.New(t, atNoon)
	es := pair(t, k, "ES256")
	good := newProvider(t, es.JWK())
	for name, handler := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.url, http.StatusFound)
		},
		"more than a megabyte": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 1<<20)))
			_, _ = w.Write(authtest.JWKS(es.JWK()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			v := k.Verifier(auth.Config{JWKSURL: server.URL})
			if _, err := v.VerifyJoin(t.Context(), k.Sign(k.Token().By(es))); err != auth.ErrUnknownKey {
				t.Errorf("error = %v, want %v", err, auth.ErrUnknownKey)
			}
		})
	}
}

// TestCallerGivesUp: a fetch that hangs holds nobody longer than they want.
func TestCallerGivesUp(t *testing.T) {
	k := authtest.New(t, atNoon)
	es := pair(t, k, "ES256")
	asked, release := make(chan struct{}), make(chan struct{})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 2 { // the one for the unknown kid
			close(asked)
			<-release
		}
		_, _ = w.Write(authtest.JWKS())
	}))
	defer server.Close()
	defer close(release)
	v := k.Verifier(auth.Config{JWKSURL: server.URL})
	token := k.Sign(k.Token().By(es))

	first, giveUp := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := v.VerifyJoin(first, token)
		result <- err
	}()
	<-asked
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.VerifyJoin(gone, token); err != context.Canceled {
		t.Errorf("waiting behind the fetch: error = %v, want %v", err, context.Canceled)
	}
	giveUp()
	if err := <-result; err != context.Canceled {
		t.Errorf("fetching: error = %v, want %v", err, context.Canceled)
	}
}

// TestClose: the refreshing ends, the keys stay.
func TestClose(t *testing.T) {
	k := authtest.New(t, atNoon)
	es := pair(t, k, "ES256")
	ignore := goleak.IgnoreCurrent()
	p := newProvider(t, es.JWK())
	v, err := auth.New(t.Context(), auth.Config{JWKSURL: p.url, JWKSRefresh: time.Millisecond}, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a refresh", func() bool { return p.fetches.Load() > 1 })
	v.Close()
	v.Close()
	verifyGood(t, v, k.Sign(k.Token().By(es)))
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1"))
}

// eventually polls until ok, for ten seconds at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in ten seconds: %s", what)
		}
	}
}
