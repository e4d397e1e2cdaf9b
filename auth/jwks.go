package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

const (
	fetchTimeout = 5 * time.Second
	// unknownKidEvery limits what strangers' tokens can make us fetch.
	unknownKidEvery = 10 * time.Second
	maxJWKSBytes    = 1 << 20
)

// jwks is a set of public keys (RFC 7517), read once from a file or kept up to
// date from a URL by keyfunc.
type jwks struct {
	// Set by openJWKS and fetchJWKS.
	set    keyfunc.Keyfunc
	issuer string
	limit  *rate.Limiter // nil for a file: nothing to fetch again

	// fetching holds one element while somebody looks for an unknown kid, so
	// that everybody who came with the same new key waits for one fetch.
	fetching chan struct{}
}

// openJWKS is strict, because somebody wrote the file for us: every key in it
// has to be usable.
func openJWKS(ctx context.Context, path, issuer string) (*jwks, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set, err := keyfunc.NewJWKSetJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	keys, err := set.Storage().KeyReadAll(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no keys", path)
	}
	seen := map[string]bool{}
	for i, k := range keys {
		kid := k.Marshal().KID
		if !ValidID(kid) || seen[kid] {
			return nil, fmt.Errorf("%s: key %d needs a kid of its own, 1 to 128 of A-Z a-z 0-9 . _ ~ : -", path, i+1)
		}
		seen[kid] = true
		if _, err := usable(k); err != nil {
			return nil, fmt.Errorf("%s: key %s: %w", path, kid, err)
		}
	}
	return &jwks{set: set, issuer: issuer}, nil
}

// fetchJWKS fetches now and then every refresh until ctx ends; keyfunc's
// goroutine does that. A set that cannot be fetched is logged and not an error:
// the keys we have stay good, and a restart while the identity provider is down
// must not keep people out who need no new token.
func fetchJWKS(ctx context.Context, at, issuer string, refresh time.Duration, log *slog.Logger) (*jwks, error) {
	if err := checkURL(at); err != nil {
		return nil, err
	}
	limit := rate.NewLimiter(rate.Every(unknownKidEvery), 1)
	set, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{at}, keyfunc.Override{
		Client: &http.Client{
			Transport:     boundedBody{http.DefaultTransport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPTimeout:       fetchTimeout,
		RefreshInterval:   refresh,
		RefreshUnknownKID: limit,
		RateLimitWaitMax:  fetchTimeout, // bounds the fetch for an unknown kid as well
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(ctx context.Context, err error) { log.WarnContext(ctx, "fetch JWKS", "err", err) }
		},
	})
	if err != nil {
		return nil, fmt.Errorf("JWKS URL: %w", err)
	}
	return &jwks{set: set, issuer: issuer, limit: limit, fetching: make(chan struct{}, 1)}, nil
}

// find looks among the keys we have and, for a kid that is new, fetches the set
// once more if that was not done in the last ten seconds.
func (j *jwks) find(ctx context.Context, kid string) (key, error) {
	if k, err := j.known(ctx, kid); err == nil || j.limit == nil {
		return k, err
	}
	select {
	case j.fetching <- struct{}{}:
		defer func() { <-j.fetching }()
	case <-ctx.Done():
		return key{}, ctx.Err()
	}
	k, err := j.known(ctx, kid) // whoever was before us may have fetched it
	if err == nil || j.limit.Tokens() < 1 {
		return k, err
	}
	_, err = j.set.Storage().KeyRead(ctx, kid) // fetches; what failed is logged
	if ctx.Err() != nil {
		return key{}, ctx.Err()
	}
	if err != nil {
		return key{}, ErrUnknownKey
	}
	return j.known(ctx, kid)
}

// known never fetches.
func (j *jwks) known(ctx context.Context, kid string) (key, error) {
	keys, err := j.set.Storage().KeyReadAll(ctx)
	if err != nil {
		return key{}, ErrUnknownKey
	}
	for _, k := range keys {
		if k.Marshal().KID != kid {
			continue
		}
		found, err := usable(k)
		if err != nil {
			return key{}, ErrUnknownKey
		}
		found.issuer = j.issuer
		return found, nil
	}
	return key{}, ErrUnknownKey
}

// usable turns a JWK into a key if it is one for signatures and states no other
// algorithm than ours for its type (RFC 7517 §4.2, §4.4).
func usable(k jwkset.JWK) (key, error) {
	found, err := publicKey(k.Key())
	if err != nil {
		return key{}, err
	}
	if alg := k.Marshal().ALG.String(); alg != "" && alg != found.alg {
		return key{}, fmt.Errorf("alg is not %s", found.alg)
	}
	if use := k.Marshal().USE.String(); use != "" && use != "sig" {
		return key{}, errors.New("use is not sig")
	}
	return found, nil
}

// checkURL wants HTTPS, or HTTP to this machine: who can change the set can sign
// as anybody. Redirects are not followed for the same reason.
func checkURL(at string) error {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return errors.New("JWKS URL: not a URL")
	}
	loopback := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return errors.New("JWKS URL: must be https (http only to localhost)")
}

// boundedBody fails the reading of answers longer than any JWKS.
type boundedBody struct{ http.RoundTripper }

func (b boundedBody) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxJWKSBytes)
	}
	return resp, err
}
