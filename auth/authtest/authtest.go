// Package authtest gives tests good tokens, wrong tokens and Grants.
//
// A test of another package wants New, and then Join, API or Grant. A test of
// token checking itself takes the Token of a good one apart, changes what it
// likes and signs it with whatever key it likes.
package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"viop/auth"
)

// KID names the keyring's shared secret.
const KID = "test-hs"

// A Keyring holds one shared secret and, made when first asked for, one key pair
// of each kind. Its methods end the test when something fails, so they are for
// the test's own goroutine.
type Keyring struct {
	// Secret is the key of KID.
	Secret []byte

	tb    testing.TB
	now   func() time.Time
	pairs func() []Pair
}

// A Pair is a signing key and how the JWKS presents its public half.
type Pair struct {
	KID    string
	Method jwt.SigningMethod
	Key    crypto.Signer
}

// New makes a keyring with fresh keys. Tokens are issued at now() and are good
// for an hour.
func New(tb testing.TB, now func() time.Time) *Keyring {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	k := &Keyring{Secret: secret, tb: tb, now: now}
	k.pairs = sync.OnceValue(k.generate)
	return k
}

// Config believes the keyring's secret, and nothing else.
func (k *Keyring) Config() auth.Config {
	k.tb.Helper()
	secret, err := auth.NewSecret(KID, k.Secret)
	k.check(err)
	return auth.Config{Secrets: []auth.Secret{secret}}
}

// Verifier verifies by cfg, on the keyring's clock, until the test ends.
func (k *Keyring) Verifier(cfg auth.Config) *auth.Verifier {
	k.tb.Helper()
	v, err := auth.New(k.tb.Context(), cfg, k.now)
	k.check(err)
	k.tb.Cleanup(v.Close)
	return v
}

// Join mints a good join token.
func (k *Keyring) Join(session, subject string, role auth.Role) string {
	k.tb.Helper()
	token, err := k.minter().Join(auth.JoinToken{
		Subject: subject, Session: session, Role: role,
		Name:    "Name of " + subject,
		Expires: k.now().Add(time.Hour),
	})
	k.check(err)
	return token
}

// API mints a good API token for every session.
func (k *Keyring) API(subject string, scopes ...auth.Scope) string {
	k.tb.Helper()
	token, err := k.minter().API(auth.APIToken{
		Subject: subject, Scopes: scopes,
		Expires: k.now().Add(time.Hour),
	})
	k.check(err)
	return token
}

// Grant is what a Verifier makes of Join's token.
func (k *Keyring) Grant(session, subject string, role auth.Role) auth.Grant {
	k.tb.Helper()
	g, err := k.Verifier(k.Config()).VerifyJoin(k.tb.Context(), k.Join(session, subject, role))
	k.check(err)
	return g
}

func (k *Keyring) minter() *auth.Minter {
	k.tb.Helper()
	m, err := auth.NewMinter(k.Config(), k.now)
	k.check(err)
	return m
}

// A Token is a token before it is signed. Header["alg"] is written as it stands,
// whatever Method signs.
type Token struct {
	Header map[string]any
	Claims map[string]any
	Method jwt.SigningMethod
	Key    any
}

// Token is a good join token of p1 in session s1, to be spoilt. Its claims have
// the types JSON gives them.
func (k *Keyring) Token() Token {
	now := k.now().Unix()
	return Token{
		Header: map[string]any{"typ": "JWT", "alg": "HS256", "kid": KID},
		Claims: map[string]any{
			"aud": auth.AudienceJoin, "sub": "p1", "session": "s1", "role": "patient",
			"name": "Ada L.", "jti": "t1", "iat": now, "exp": now + 3600,
		},
		Method: jwt.SigningMethodHS256,
		Key:    k.Secret,
	}
}

// By has the token signed by the pair, and its header say so.
func (t Token) By(p Pair) Token {
	t.Header["alg"], t.Header["kid"] = p.Method.Alg(), p.KID
	t.Method, t.Key = p.Method, p.Key
	return t
}

// Sign signs the token as it stands.
func (k *Keyring) Sign(t Token) string {
	k.tb.Helper()
	signed, err := (&jwt.Token{Method: t.Method, Header: t.Header, Claims: jwt.MapClaims(t.Claims)}).SignedString(t.Key)
	k.check(err)
	return signed
}

// SignText signs any text as the claims, with the shared secret. Unlike the
// other methods it may be used inside a fuzz target.
func (k *Keyring) SignText(claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"HS256","kid":"`+KID+`"}`)) + "." + b64([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(text, k.Secret)
	if err != nil {
		panic(err) // HMAC takes any key and any text
	}
	return text + "." + b64(signature)
}

// Pairs are an RSA, an EC and an Ed25519 key with the kids test-rs, test-es and
// test-ed.
func (k *Keyring) Pairs() []Pair { return k.pairs() }

func (k *Keyring) generate() []Pair {
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	k.check(err)
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.check(err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	k.check(err)
	return []Pair{
		{"test-rs", jwt.SigningMethodRS256, rs},
		{"test-es", jwt.SigningMethodES256, es},
		{"test-ed", jwt.SigningMethodEdDSA, ed},
	}
}

func (k *Keyring) check(err error) {
	k.tb.Helper()
	if err != nil {
		k.tb.Fatal(err)
	}
}

// JWK is the pair's public half (RFC 7517), to be changed or put into a JWKS.
func (p Pair) JWK() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := map[string]any{"kid": p.KID, "use": "sig"}
	switch pub := p.Key.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4, x, y (SEC 1 §2.3.3)
		if err != nil {
			panic(err) // the curve is one of the standard library's
		}
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"] = "EC", pub.Params().Name
		jwk["x"], jwk["y"] = b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", b64(pub)
	}
	return jwk
}

// JWKS is the set of these keys.
func JWKS(keys ...map[string]any) []byte {
	set, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err) // strings in maps always marshal
	}
	return set
}
