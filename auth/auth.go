// Package auth turns a token into a Grant: what its bearer may do here.
//
// Tokens are signed JSON Web Tokens (RFC 7519, following the advice of RFC
// 8725), of two kinds that cannot be taken for one another:
//
//	aud        required                          optional
//	viop:join  exp aud sub session role          name jti nbf iat iss
//	viop:api   exp aud sub scope                 session jti nbf iat iss
//
// A join token opens a seat for one person in one session. An API token opens
// the HTTP API to a program or a member of staff; scope is a list of Scopes
// separated by spaces. Ids (sub, session, jti, and kid in the header) are
// opaque: 1 to 128 of A-Z a-z 0-9 . _ ~ : -
//
// Every token names its key by kid, even when there is only one. The key
// decides the algorithm, the token's alg has to agree:
//
//	a shared secret   HS256   Config.Secrets, at least 32 bytes, two while rotating
//	RSA               RS256   JWKS, at least 2048 bits
//	EC on P-256       ES256   JWKS
//	Ed25519           EdDSA   JWKS
//
// Clocks may disagree by Skew. What is wrong with a token is told by one of the
// Err variables. A token that is good can still be taken back: Revocations.
//
// Start at Verifier.verify. It is the whole order of checks in one function.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The audiences of the two kinds of token.
const (
	AudienceJoin = "viop:join"
	AudienceAPI  = "viop:api"
)

const (
	// MaxTokenBytes is the longest token that is looked at.
	MaxTokenBytes = 8 << 10
	// Skew is how far an issuer's clock may be from ours: a token is good from
	// Skew before its nbf and iat, until just before Skew after its exp.
	Skew = 30 * time.Second
	// DefaultMaxLifetime is Config.MaxLifetime when that is zero: a year of
	// sessions invited in advance, and a month to spare.
	DefaultMaxLifetime = 400 * 24 * time.Hour
	// DefaultJWKSRefresh is Config.JWKSRefresh when that is zero. It is how
	// long a key stays accepted after the identity provider withdrew it.
	DefaultJWKSRefresh = 5 * time.Minute
)

// Config says whose tokens are believed. It needs a secret or a JWKS.
type Config struct {
	// Secrets are shared with whoever mints; at most two. The first one signs
	// what a Minter mints.
	Secrets []Secret
	// JWKSFile is read once, by New. JWKSURL is fetched by New, every
	// JWKSRefresh, and (at most every ten seconds) when a token names a new
	// kid; it must be https, or http to localhost. Set one of the two.
	JWKSFile, JWKSURL string
	JWKSRefresh       time.Duration
	// Issuer, when set, is the iss that tokens of JWKS keys must have: for
	// identity providers that sign for several tenants with the same keys.
	Issuer string
	// MaxLifetime refuses tokens that expire later than this from now. An exp
	// in the year 9999 is an issuer's mistake, and would have to stay on the
	// revocation list as long.
	MaxLifetime time.Duration
	// Revocations may be nil: no token is ever taken back.
	Revocations Revocations
	// Log hears of a JWKS that cannot be fetched. Nil: nobody does.
	Log *slog.Logger
}

func (c Config) maxLifetime() time.Duration {
	if c.MaxLifetime == 0 {
		return DefaultMaxLifetime
	}
	return c.MaxLifetime
}

// A Verifier makes Grants of tokens. Safe for concurrent use.
type Verifier struct {
	// Set by New.
	keys        keyring
	parser      *jwt.Parser
	maxLifetime time.Duration
	revocations Revocations
	now         func() time.Time
	stop        context.CancelFunc
}

// New reads or fetches the keys; fetching takes five seconds at most, and its
// failing is logged, not returned. A JWKSURL is kept up to date until ctx ends
// or Close is called, whichever is first. now is asked for every token.
func New(ctx context.Context, cfg Config, now func() time.Time) (*Verifier, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(ctx)
	keys, err := newKeyring(ctx, cfg)
	if err != nil {
		stop()
		return nil, fmt.Errorf("token keys: %w", err)
	}
	return &Verifier{
		keys: keys,
		// No WithValidMethods: a list would let any algorithm on it be used
		// with any key. keyring.forToken allows one algorithm for each key.
		parser: jwt.NewParser(
			jwt.WithStrictDecoding(),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(Skew),
			jwt.WithTimeFunc(now),
		),
		maxLifetime: cfg.maxLifetime(),
		revocations: cfg.Revocations,
		now:         now,
		stop:        stop,
	}, nil
}

func newKeyring(ctx context.Context, cfg Config) (keyring, error) {
	ring := keyring{secrets: map[string]Secret{}}
	if err := checkSecrets(cfg.Secrets); err != nil {
		return ring, err
	}
	for _, s := range cfg.Secrets {
		ring.secrets[s.kid] = s
	}
	refresh := cfg.JWKSRefresh
	if refresh == 0 {
		refresh = DefaultJWKSRefresh
	}
	var err error
	switch {
	case cfg.JWKSFile != "" && cfg.JWKSURL != "":
		err = errors.New("a JWKS file and a JWKS URL: set one")
	case cfg.JWKSFile != "":
		ring.public, err = openJWKS(ctx, cfg.JWKSFile, cfg.Issuer)
	case cfg.JWKSURL != "":
		ring.public, err = fetchJWKS(ctx, cfg.JWKSURL, cfg.Issuer, refresh, cfg.Log)
	case len(cfg.Secrets) == 0:
		err = errors.New("none: give a shared secret, a JWKS file or a JWKS URL")
	}
	return ring, err
}

// VerifyJoin makes a Grant of a join token: Session and Role are set. The
// error is one of the Err variables, or ctx's; waiting happens only for a kid
// that is not in the JWKS yet.
func (v *Verifier) VerifyJoin(ctx context.Context, token string) (Grant, error) {
	return v.verify(ctx, token, AudienceJoin)
}

// VerifyAPI makes a Grant of an API token: Scopes is not empty. Errors and
// waiting are those of VerifyJoin.
func (v *Verifier) VerifyAPI(ctx context.Context, token string) (Grant, error) {
	return v.verify(ctx, token, AudienceAPI)
}

func (v *Verifier) verify(ctx context.Context, token, audience string) (Grant, error) {
	if len(token) > MaxTokenBytes {
		return Grant{}, ErrTooLarge
	}
	var (
		c      claims
		signer key
	)
	// Form, key and algorithm, signature, and exp, nbf and iat: in this order.
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		var err error
		signer, err = v.keys.forToken(ctx, t)
		return signer.material, err
	})
	if err != nil {
		return Grant{}, reason(err)
	}
	if signer.issuer != "" && c.Issuer != signer.issuer {
		return Grant{}, &ClaimError{"iss", "is not the issuer of the token's key"}
	}
	if err := c.check(audience, v.now().Add(v.maxLifetime+Skew)); err != nil {
		return Grant{}, err
	}
	g := c.grant(audience, token)
	if v.revocations != nil && v.revocations.Revoked(g.id, g.subject, g.session, g.issued) {
		return Grant{}, ErrRevoked
	}
	return g, nil
}

// Close stops the refreshing of a JWKS URL. Tokens can still be verified with
// the keys there are.
func (v *Verifier) Close() { v.stop() }
