package auth_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"viop/auth"
	"viop/auth/authtest"
)

// TestEveryLetterCounts replaces each letter of a good token by each of a few
// others. Nothing but the token itself is accepted: this is why base64 is
// decoded strictly, whose last letter otherwise has four spellings.
func TestEveryLetterCounts(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(believing(t, k))
	tokens := []string{k.Sign(k.Token())}
	for _, p := range k.Pairs() {
		tokens = append(tokens, k.Sign(k.Token().By(p)))
	}
	for _, token := range tokens {
		verifyGood(t, v, token)
		for i := range token {
			for _, letter := range "ABQgwz0-_.=\x00é" {
				changed := token[:i] + string(letter) + token[i+1:]
				if changed == token {
					continue
				}
				if g, err := v.VerifyJoin(t.Context(), changed); err == nil || g.Valid() {
					t.Errorf("accepted with %q at %d: %s", letter, i, changed)
				}
			}
		}
	}
}

// FuzzVerify: no text makes Verify panic, and none is accepted that we did not
// sign. What counts as ours is what was signed; an ECDSA signature has a twin.
func FuzzVerify(f *testing.F) {
	k := authtest.New(f, atNoon)
	v := k.Verifier(believing(f, k))
	good := []string{k.Sign(k.Token()), k.API("emr", auth.AllScopes()...)}
	for _, p := range k.Pairs() {
		good = append(good, k.Sign(k.Token().By(p)))
	}
	ours := map[string]bool{}
	for _, token := range good {
		f.Add(token)
		ours[signed(token)] = true
	}
	none := k.Token()
	none.Header["alg"], none.Method, none.Key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
	stranger := authtest.New(f, atNoon)
	for _, token := range []string{k.Sign(none), stranger.Sign(stranger.Token()), "", "..", "e30.e30."} {
		f.Add(token)
	}

	f.Fuzz(func(t *testing.T, token string) {
		for _, verify := range []func() (auth.Grant, error){
			func() (auth.Grant, error) { return v.VerifyJoin(t.Context(), token) },
			func() (auth.Grant, error) { return v.VerifyAPI(t.Context(), token) },
		} {
			g, err := verify()
			if g.Valid() != (err == nil) {
				t.Fatalf("grant %v with error %v", g, err)
			}
			if g.Valid() && !ours[signed(token)] {
				t.Fatalf("accepted %q", token)
			}
			if err != nil && len(token) > 8 && strings.Contains(err.Error(), token) {
				t.Fatalf("the error quotes the token: %v", err)
			}
		}
	})
}

// signed is the part of a token that its signature is about.
func signed(token string) string { return token[:strings.LastIndexByte(token, '.')] }

// FuzzClaims signs any claims, as a careless issuer might: what is granted keeps
// the promises of Grant.
func FuzzClaims(f *testing.F) {
	k := authtest.New(f, atNoon)
	v := k.Verifier(k.Config())
	f.Add(`{"aud":"viop:join","sub":"p1","session":"s1","role":"patient","name":"Ada L.","exp":1772456400}`)
	f.Add(`{"aud":["viop:join"],"sub":"p1","SUB":"p2","sub":"p3","session":"s1","role":"peer","exp":1.7724564e9}`)
	f.Add(`{"aud":"viop:join","sub":null,"session":{},"role":[],"name":0,"exp":1e400,"nbf":-0,"iat":"1"}`)
	f.Add(`{"aud":"viop:join","sub":"p1","session":"s1","role":"patient","name":"\ud800","exp":1772456400.9999999}`)
	f.Fuzz(func(t *testing.T, payload string) {
		g, err := v.VerifyJoin(t.Context(), k.SignText(payload))
		if err != nil {
			if g != (auth.Grant{}) {
				t.Fatalf("grant %v with error %v", g, err)
			}
			return
		}
		ok := auth.ValidID(g.Subject()) && auth.ValidID(g.Session()) && auth.ValidID(g.ID()) && g.Role().Valid() &&
			!strings.ContainsAny(g.Name(), "\n\r\x00\x1b") && len([]rune(g.Name())) <= 80 &&
			g.Expires().After(noon.Add(-auth.Skew)) && !g.Expires().After(noon.Add(auth.DefaultMaxLifetime+auth.Skew))
		if !ok {
			t.Fatalf("granted %s", payload)
		}
	})
}
