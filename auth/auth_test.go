package auth_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"viop/auth"
	"viop/auth/authtest"
)

// noon is when the tests of this package happen.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// revoked is the obvious Revocations.
type revoked []auth.Revocation

func (all revoked) Revoked(jti, subject, session string, _ time.Time) bool {
	for _, r := range all {
		if r.Covers(noon, jti, subject, session) {
			return true
		}
	}
	return false
}

// believing is a Config for everything the keyring can sign with.
func believing(t testing.TB, k *authtest.Keyring) auth.Config {
	t.Helper()
	cfg := k.Config()
	var keys []map[string]any
	for _, p := range k.Pairs() {
		keys = append(keys, p.JWK())
	}
	cfg.JWKSFile = writeFile(t, authtest.JWKS(keys...))
	return cfg
}

func writeFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pair(t testing.TB, k *authtest.Keyring, alg string) authtest.Pair {
	t.Helper()
	for _, p := range k.Pairs() {
		if p.Method.Alg() == alg {
			return p
		}
	}
	t.Fatalf("no pair for %s", alg)
	return authtest.Pair{}
}

// TestWrongTokens has one token for each way to be wrong. Each is a good token
// with one thing changed, so nothing else can be why it is refused.
func TestWrongTokens(t *testing.T) {
	k := authtest.New(t, atNoon)
	stranger := authtest.New(t, atNoon)
	rs, es, ed := pair(t, k, "RS256"), pair(t, k, "ES256"), pair(t, k, "EdDSA")
	cfg := believing(t, k)
	cfg.Revocations = revoked{
		{TokenID: "t-revoked", At: noon.Add(-time.Minute), Until: noon.Add(time.Hour)},
		{Subject: "p-removed", Session: "s1", At: noon.Add(-time.Minute), Until: noon.Add(time.Hour)},
	}
	v := k.Verifier(cfg)

	claim := func(name string, value any) func(*authtest.Token) {
		return func(w *authtest.Token) { w.Claims[name] = value }
	}
	without := func(name string) func(*authtest.Token) {
		return func(w *authtest.Token) { delete(w.Claims, name) }
	}
	header := func(name string, value any) func(*authtest.Token) {
		return func(w *authtest.Token) { w.Header[name] = value }
	}
	by := func(p authtest.Pair) func(*authtest.Token) {
		return func(w *authtest.Token) { *w = w.By(p) }
	}
	hmacWith := func(p authtest.Pair, secret []byte) func(*authtest.Token) {
		return func(w *authtest.Token) { w.Header["kid"], w.Key = p.KID, secret }
	}
	wrong := func(claim string) error { return &auth.ClaimError{Claim: claim} }
	der, err := x509.MarshalPKIXPublicKey(rs.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pem := []byte("-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString(der) + "\n-----END PUBLIC KEY-----\n")

	for _, tt := range []struct {
		name  string
		spoil func(*authtest.Token)
		want  error
	}{
		// The algorithm.
		{"alg none, not signed", func(w *authtest.Token) {
			w.Header["alg"], w.Method, w.Key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		}, auth.ErrAlgorithm},
		{"alg nOnE", header("alg", "nOnE"), auth.ErrAlgorithm},
		{"alg missing", func(w *authtest.Token) { delete(w.Header, "alg") }, auth.ErrAlgorithm},
		{"alg is a number", header("alg", 256), auth.ErrAlgorithm},
		{"HS256 with the RSA public key in DER as the secret", hmacWith(rs, der), auth.ErrAlgorithm},
		{"HS256 with the RSA public key in PEM as the secret", hmacWith(rs, pem), auth.ErrAlgorithm},
		{"HS256 with the Ed25519 public key as the secret", hmacWith(ed, der), auth.ErrAlgorithm},
		{"HS512 with our secret", func(w *authtest.Token) { w.Header["alg"], w.Method = "HS512", jwt.SigningMethodHS512 }, auth.ErrAlgorithm},
		{"RS512 with the RSA key", func(w *authtest.Token) {
			*w = w.By(rs)
			w.Header["alg"], w.Method = "RS512", jwt.SigningMethodRS512
		}, auth.ErrAlgorithm},
		{"PS256 with the RSA key", func(w *authtest.Token) {
			*w = w.By(rs)
			w.Header["alg"], w.Method = "PS256", jwt.SigningMethodPS256
		}, auth.ErrAlgorithm},
		{"ES256 with the kid of the RSA key", func(w *authtest.Token) { *w = w.By(es); w.Header["kid"] = rs.KID }, auth.ErrAlgorithm},
		{"RS256 with the kid of the secret", func(w *authtest.Token) { *w = w.By(rs); w.Header["kid"] = authtest.KID }, auth.ErrAlgorithm},

		// The key.
		{"kid unknown", header("kid", "nobody"), auth.ErrUnknownKey},
		{"kid missing, though one secret exists", func(w *authtest.Token) { delete(w.Header, "kid") }, auth.ErrUnknownKey},
		{"kid empty", header("kid", ""), auth.ErrUnknownKey},
		{"kid is a path", header("kid", "../../dev/null"), auth.ErrUnknownKey},
		{"kid is a list", header("kid", []string{authtest.KID}), auth.ErrUnknownKey},
		{"kid of a secret rotated out", func(w *authtest.Token) { w.Header["kid"], w.Key = "test-hs-2025", stranger.Secret }, auth.ErrUnknownKey},
		{"signed by another secret", func(w *authtest.Token) { w.Key = stranger.Secret }, auth.ErrSignature},
		{"signed by an empty secret", func(w *authtest.Token) { w.Key = []byte{} }, auth.ErrSignature},
		{"signed by another RSA key", by(pair(t, stranger, "RS256")), auth.ErrSignature},
		{"signed by another EC key", by(pair(t, stranger, "ES256")), auth.ErrSignature},
		{"signed by another Ed25519 key", by(pair(t, stranger, "EdDSA")), auth.ErrSignature},
		{"jku and x5u point at the forger's keys", func(w *authtest.Token) {
			*w = w.By(pair(t, stranger, "RS256"))
			w.Header["jku"], w.Header["x5u"] = "http://127.0.0.1/jwks", "http://127.0.0.1/cert"
		}, auth.ErrSignature},
		{"jwk brings the forger's key", func(w *authtest.Token) {
			forger := pair(t, stranger, "RS256")
			*w = w.By(forger)
			w.Header["jwk"] = forger.JWK()
		}, auth.ErrSignature},
		{"crit asks for an extension", header("crit", []string{"exp"}), auth.ErrMalformed},

		// The times.
		{"expired", claim("exp", noon.Unix()-3600), auth.ErrExpired},
		{"exp missing", without("exp"), wrong("exp")},
		{"exp null", claim("exp", nil), wrong("exp")},
		{"exp in quotes", claim("exp", fmt.Sprint(noon.Unix()+3600)), wrong("exp")},
		{"exp 401 days ahead", claim("exp", noon.Add(401*24*time.Hour).Unix()), wrong("exp")},
		{"exp in the year 9999", claim("exp", 253402300799), wrong("exp")},
		{"exp overflows the calendar", claim("exp", json.Number("1e300")), wrong("exp")},
		{"exp negative", claim("exp", -1), wrong("exp")},
		{"not yet valid", claim("nbf", noon.Unix()+3600), auth.ErrNotYetValid},
		{"nbf is a word", claim("nbf", "tomorrow"), wrong("nbf")},
		{"issued in the future", claim("iat", noon.Unix()+3600), auth.ErrNotYetValid},

		// The purpose.
		{"aud of somebody else", claim("aud", "example.org"), auth.ErrAudience},
		{"aud with another case", claim("aud", "VIOP:join"), auth.ErrAudience},
		{"aud missing", without("aud"), wrong("aud")},
		{"aud an empty list", claim("aud", []string{}), wrong("aud")},
		{"aud a list without ours", claim("aud", []string{"a", "b"}), auth.ErrAudience},
		{"aud a list with both of ours", claim("aud", []string{auth.AudienceJoin, auth.AudienceAPI}), auth.ErrAudience},
		{"aud an object", claim("aud", map[string]string{"a": "b"}), wrong("aud")},
		{"an API token", func(w *authtest.Token) {
			w.Claims["aud"], w.Claims["scope"] = auth.AudienceAPI, "sessions:read"
		}, auth.ErrAudience},

		// The other claims.
		{"sub missing", without("sub"), wrong("sub")},
		{"sub empty", claim("sub", ""), wrong("sub")},
		{"sub with a control character", claim("sub", "p1\n"), wrong("sub")},
		{"sub with a space", claim("sub", "Ada Lovelace"), wrong("sub")},
		{"sub with a brace, that Redis Cluster would read", claim("sub", "{p1}"), wrong("sub")},
		{"sub too long", claim("sub", strings.Repeat("p", 129)), wrong("sub")},
		{"sub is a number", claim("sub", 1), wrong("sub")},
		{"sub only in capitals", func(w *authtest.Token) { delete(w.Claims, "sub"); w.Claims["SUB"] = "p1" }, wrong("sub")},
		{"session missing", without("session"), wrong("session")},
		{"session with a slash", claim("session", "s1/../s2"), wrong("session")},
		{"role missing", without("role"), wrong("role")},
		{"role unknown", claim("role", "admin"), wrong("role")},
		{"role with another case", claim("role", "Facilitator"), wrong("role")},
		{"role a list", claim("role", []string{"facilitator"}), wrong("role")},
		{"jti with a space", claim("jti", "t 1"), wrong("jti")},
		{"name of 81 characters", claim("name", strings.Repeat("é", 81)), wrong("name")},
		{"name with a line break", claim("name", "Ada\nadmitted"), wrong("name")},
		{"name with a line separator", claim("name", "Ada\u2028admitted"), wrong("name")},
		{"name that turns the text around", claim("name", "\u202Eada"), wrong("name")},

		// Taken back.
		{"revoked by jti", claim("jti", "t-revoked"), auth.ErrRevoked},
		{"revoked by subject and session, whatever the jti", func(w *authtest.Token) {
			w.Claims["sub"], w.Claims["jti"] = "p-removed", "t-new"
		}, auth.ErrRevoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := k.Token()
			tt.spoil(&w)
			g, err := v.VerifyJoin(t.Context(), k.Sign(w))
			expect(t, g, err, tt.want)
		})
	}
}

// expect wants no grant and this very error; of a ClaimError, its claim.
func expect(t *testing.T, g auth.Grant, err, want error) {
	t.Helper()
	if g != (auth.Grant{}) || g.Valid() {
		t.Errorf("there is a grant: %v", g)
	}
	wantClaim, ok := errors.AsType[*auth.ClaimError](want)
	if !ok {
		if err != want {
			t.Errorf("error = %v, want %v", err, want)
		}
		return
	}
	claim, ok := errors.AsType[*auth.ClaimError](err)
	if !ok || claim.Claim != wantClaim.Claim || !errors.Is(err, auth.ErrClaim) {
		t.Errorf("error = %v, want one about claim %s", err, wantClaim.Claim)
	}
}

// TestBrokenTokens is about tokens whose text was damaged after signing.
func TestBrokenTokens(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(k.Config())
	good := k.Sign(k.Token())
	parts := strings.Split(good, ".")
	claims := func(payload string) string {
		return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + parts[2]
	}
	huge := k.Token()
	huge.Claims["padding"] = strings.Repeat("x", auth.MaxTokenBytes)

	for _, tt := range []struct {
		name, token string
		want        error
	}{
		{"empty", "", auth.ErrMalformed},
		{"two dots and nothing else", "..", auth.ErrMalformed},
		{"signature cut off", parts[0] + "." + parts[1], auth.ErrMalformed},
		{"signature empty", parts[0] + "." + parts[1] + ".", auth.ErrSignature},
		{"signature truncated", good[:len(good)-3], auth.ErrSignature},
		{"five parts, as if encrypted", good + ".a.b", auth.ErrMalformed},
		{"padded base64", good + "=", auth.ErrMalformed},
		{"standard base64 alphabet", parts[0] + "." + parts[1] + ".+/+/", auth.ErrMalformed},
		{"a space in front", " " + good, auth.ErrMalformed},
		{"with its scheme", "Bearer " + good, auth.ErrMalformed},
		{"header is not JSON", "e30x." + parts[1] + "." + parts[2], auth.ErrMalformed},
		{"header is null", base64.RawURLEncoding.EncodeToString([]byte("null")) + "." + parts[1] + "." + parts[2], auth.ErrAlgorithm},
		{"claims are null", claims("null"), auth.ErrSignature},
		{"claims are a list", claims("[]"), auth.ErrMalformed},
		{"claims are nested deep", claims(strings.Repeat("[", 5000)), auth.ErrMalformed},
		{"claims replaced", claims(`{"aud":"viop:join","sub":"p1","session":"s1","role":"facilitator","exp":1772500000}`), auth.ErrSignature},
		{"oversized, though well signed", k.Sign(huge), auth.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := v.VerifyJoin(t.Context(), tt.token)
			expect(t, g, err, tt.want)
		})
	}
}

func TestWrongAPITokens(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(k.Config())
	for _, tt := range []struct {
		name  string
		spoil func(claims map[string]any)
		want  error
	}{
		{"a join token", func(c map[string]any) { c["aud"] = auth.AudienceJoin }, auth.ErrAudience},
		{"a list with both of ours", func(c map[string]any) { c["aud"] = []string{auth.AudienceAPI, auth.AudienceJoin} }, auth.ErrAudience},
		{"sub missing", func(c map[string]any) { delete(c, "sub") }, &auth.ClaimError{Claim: "sub"}},
		{"scope missing", func(c map[string]any) { delete(c, "scope") }, &auth.ClaimError{Claim: "scope"}},
		{"scope empty", func(c map[string]any) { c["scope"] = " " }, &auth.ClaimError{Claim: "scope"}},
		{"scope a list", func(c map[string]any) { c["scope"] = []string{"sessions:read"} }, &auth.ClaimError{Claim: "scope"}},
		{"no scope of ours", func(c map[string]any) { c["scope"] = "openid sessions:* SESSIONS:READ" }, &auth.ClaimError{Claim: "scope"}},
		{"session is no id", func(c map[string]any) { c["session"] = "s 1" }, &auth.ClaimError{Claim: "session"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := k.Token()
			w.Claims = map[string]any{"aud": auth.AudienceAPI, "sub": "emr", "scope": "sessions:read", "exp": noon.Unix() + 60}
			tt.spoil(w.Claims)
			g, err := v.VerifyAPI(t.Context(), k.Sign(w))
			expect(t, g, err, tt.want)
		})
	}
}

func TestGoodJoinTokens(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(believing(t, k))
	for _, p := range k.Pairs() {
		t.Run(p.Method.Alg(), func(t *testing.T) {
			verifyGood(t, v, k.Sign(k.Token().By(p)))
		})
	}
	t.Run("HS256", func(t *testing.T) { verifyGood(t, v, k.Sign(k.Token())) })
	t.Run("aud a list with one of ours", func(t *testing.T) {
		w := k.Token()
		w.Claims["aud"] = []string{"https://idp.example.org/userinfo", auth.AudienceJoin}
		verifyGood(t, v, k.Sign(w))
	})
	t.Run("unknown claims and headers are ignored", func(t *testing.T) {
		w := k.Token()
		w.Claims["SUB"], w.Claims["Role"], w.Claims["email"] = "p2", "facilitator", 7
		w.Header["jku"], w.Header["x5u"], w.Header["typ"] = "https://example.org", []int{1}, nil
		verifyGood(t, v, k.Sign(w))
	})
	t.Run("name is trimmed", func(t *testing.T) {
		w := k.Token()
		w.Claims["name"] = "  Ada L. "
		verifyGood(t, v, k.Sign(w))
	})
}

// verifyGood wants the grant of authtest's Token.
func verifyGood(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	g, err := v.VerifyJoin(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(g.Valid(), g.Subject(), g.Session(), g.Role(), g.Name(), g.ID(), g.Issued(), g.Expires(), g.Scopes(), g.Has(auth.SessionsRead))
	want := fmt.Sprint(true, "p1", "s1", auth.Patient, "Ada L.", "t1", noon, noon.Add(time.Hour), []auth.Scope(nil), false)
	if got != want {
		t.Errorf("grant = %s, want %s", got, want)
	}
}

func TestGoodAPIToken(t *testing.T) {
	k := authtest.New(t, atNoon)
	w := k.Token()
	w.Claims = map[string]any{
		"aud": auth.AudienceAPI, "sub": "emr", "exp": noon.Unix() + 60,
		"scope": "openid sessions:read  attendance:read", "role": "facilitator", "name": "EMR",
	}
	g, err := k.Verifier(k.Config()).VerifyAPI(t.Context(), k.Sign(w))
	if err != nil {
		t.Fatal(err)
	}
	if !g.Has(auth.SessionsRead) || !g.Has(auth.AttendanceRead) || g.Has(auth.SessionsWrite) || g.Has("openid") || len(g.Scopes()) != 2 {
		t.Errorf("scopes = %v, want sessions:read and attendance:read", g.Scopes())
	}
	if g.Role() != "" || g.Name() != "" || g.Session() != "" {
		t.Errorf("role %q, session %q or a name came out of an API token", g.Role(), g.Session())
	}
}

// TestSkew walks the clock over both ends of a token, nanosecond by nanosecond.
func TestSkew(t *testing.T) {
	now := noon
	k := authtest.New(t, func() time.Time { return now })
	v := k.Verifier(k.Config())
	w := k.Token()
	nbf, exp := noon.Add(time.Hour), noon.Add(2*time.Hour)
	w.Claims["nbf"], w.Claims["exp"] = nbf.Unix(), exp.Unix()
	begun := k.Sign(w)
	w = k.Token()
	iat := nbf
	w.Claims["iat"], w.Claims["exp"] = iat.Unix(), exp.Unix()
	issued := k.Sign(w)

	for _, tt := range []struct {
		name, token string
		at          time.Time
		want        error
	}{
		{"a moment before nbf - skew", begun, nbf.Add(-auth.Skew - 1), auth.ErrNotYetValid},
		{"at nbf - skew", begun, nbf.Add(-auth.Skew), nil},
		{"a moment before iat - skew", issued, iat.Add(-auth.Skew - 1), auth.ErrNotYetValid},
		{"at iat - skew", issued, iat.Add(-auth.Skew), nil},
		{"a moment before exp + skew", begun, exp.Add(auth.Skew - 1), nil},
		{"at exp + skew", begun, exp.Add(auth.Skew), auth.ErrExpired},
	} {
		now = tt.at
		if _, err := v.VerifyJoin(t.Context(), tt.token); err != tt.want {
			t.Errorf("%s: error = %v, want %v", tt.name, err, tt.want)
		}
	}
	if auth.Skew != 30*time.Second {
		t.Errorf("Skew = %v, want 30s", auth.Skew)
	}
}

func TestMaxLifetime(t *testing.T) {
	k := authtest.New(t, atNoon)
	cfg := k.Config()
	cfg.MaxLifetime = time.Hour
	v := k.Verifier(cfg)
	w := k.Token()
	w.Claims["exp"] = noon.Add(time.Hour + auth.Skew).Unix()
	if _, err := v.VerifyJoin(t.Context(), k.Sign(w)); err != nil {
		t.Errorf("exp at the limit: %v", err)
	}
	w.Claims["exp"] = noon.Add(time.Hour + auth.Skew + time.Second).Unix()
	g, err := v.VerifyJoin(t.Context(), k.Sign(w))
	expect(t, g, err, &auth.ClaimError{Claim: "exp"})
}

func TestIssuer(t *testing.T) {
	k := authtest.New(t, atNoon)
	cfg := believing(t, k)
	cfg.Issuer = "https://idp.example.org/"
	v := k.Verifier(cfg)
	w := k.Token().By(pair(t, k, "ES256"))
	for iss, ok := range map[string]bool{"": false, "https://idp.example.org/other": false, cfg.Issuer: true} {
		w.Claims["iss"] = iss
		if _, err := v.VerifyJoin(t.Context(), k.Sign(w)); (err == nil) != ok || err != nil && !errors.Is(err, auth.ErrClaim) {
			t.Errorf("iss %q of a JWKS key: error = %v", iss, err)
		}
	}
	verifyGood(t, v, k.Sign(k.Token())) // our own secret needs none
}

// TestRotation has the old secret second: its tokens are good until it is taken
// out, and new ones come from the first.
func TestRotation(t *testing.T) {
	before, after := authtest.New(t, atNoon), authtest.New(t, atNoon)
	fresh, err := auth.NewSecret("test-hs-2", after.Secret)
	if err != nil {
		t.Fatal(err)
	}
	both := auth.Config{Secrets: append([]auth.Secret{fresh}, before.Config().Secrets...)}
	old := before.Sign(before.Token())
	if _, err := before.Verifier(both).VerifyJoin(t.Context(), old); err != nil {
		t.Errorf("a token of the second secret: %v", err)
	}
	m, err := auth.NewMinter(both, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	minted, err := m.Join(auth.JoinToken{Subject: "p1", Session: "s1", Role: auth.Guest, Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	only := before.Verifier(auth.Config{Secrets: []auth.Secret{fresh}})
	if _, err := only.VerifyJoin(t.Context(), minted); err != nil {
		t.Errorf("a minted token, old secret gone: %v", err)
	}
	if _, err := only.VerifyJoin(t.Context(), old); err != auth.ErrUnknownKey {
		t.Errorf("a token of the old secret, old secret gone: error = %v, want %v", err, auth.ErrUnknownKey)
	}
}
