package auth_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"viop/auth"
	"viop/auth/authtest"
)

func TestParseSecrets(t *testing.T) {
	key := "+/+/" + strings.Repeat("A", 40) // 33 bytes, in the standard alphabet
	url := "-_-_" + strings.Repeat("A", 40)
	short := base64.StdEncoding.EncodeToString(make([]byte, 31))
	padded := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, tt := range []struct {
		name, text string
		kids       string // empty: refused
	}{
		{"one", "a:" + key, "a"},
		{"two", "a:" + key + ", b:" + url, "a b"},
		{"padded", "a:" + padded, "a"},
		{"not padded", "a:" + strings.TrimRight(padded, "="), "a"},
		{"a kid with colons", "viop:2026:a:" + key, "viop:2026:a"},
		{"three", "a:" + key + ",b:" + key + ",c:" + key, ""},
		{"one kid twice", "a:" + key + ",a:" + url, ""},
		{"31 bytes", "a:" + short, ""},
		{"no kid", ":" + key, ""},
		{"no colon", key, ""},
		{"a kid with a space", "a b:" + key, ""},
		{"not base64", "a:" + strings.Repeat("!", 44), ""},
		{"a trailing comma", "a:" + key + ",", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secrets, err := auth.ParseSecrets(tt.text)
			if (err == nil) != (tt.kids != "") {
				t.Fatalf("error = %v", err)
			}
			if err != nil {
				if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), short) {
					t.Errorf("error quotes the secret: %v", err)
				}
				return
			}
			var kids []string
			for _, s := range secrets {
				kids = append(kids, s.KID())
			}
			if got := strings.Join(kids, " "); got != tt.kids {
				t.Errorf("kids = %s, want %s", got, tt.kids)
			}
		})
	}
	if secrets, err := auth.ParseSecrets("  "); err != nil || len(secrets) != 0 {
		t.Errorf("ParseSecrets of nothing = %v, %v", secrets, err)
	}
}

// TestParsedSecretVerifies: the bytes that come out of the text are the ones a
// token was signed with, in either alphabet.
func TestParsedSecretVerifies(t *testing.T) {
	k := authtest.New(t, atNoon)
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		secrets, err := auth.ParseSecrets(authtest.KID + ":" + enc.EncodeToString(k.Secret))
		if err != nil {
			t.Fatal(err)
		}
		verifyGood(t, k.Verifier(auth.Config{Secrets: secrets}), k.Sign(k.Token()))
	}
}

// TestConfigRefused: a mistake in the keys shows at boot, in a sentence.
func TestConfigRefused(t *testing.T) {
	k := authtest.New(t, atNoon)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	es, ed := pair(t, k, "ES256"), pair(t, k, "EdDSA")
	with := func(jwk map[string]any, name string, value any) map[string]any {
		jwk = maps.Clone(jwk)
		jwk[name] = value
		return jwk
	}
	dBytes, err := es.Key.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	file := func(keys ...map[string]any) auth.Config {
		return auth.Config{JWKSFile: writeFile(t, authtest.JWKS(keys...))}
	}
	text := func(s string) auth.Config { return auth.Config{JWKSFile: writeFile(t, []byte(s))} }
	secret := k.Config().Secrets[0]

	for _, tt := range []struct {
		name string
		cfg  auth.Config
		want string // part of the error
	}{
		{"no keys at all", auth.Config{}, "none"},
		{"a zero secret", auth.Config{Secrets: make([]auth.Secret, 1)}, "empty secret"},
		{"three secrets", auth.Config{Secrets: []auth.Secret{secret, secret, secret}}, "at most 2"},
		{"the same secret twice", auth.Config{Secrets: []auth.Secret{secret, secret}}, "twice"},
		{"file and URL", auth.Config{JWKSFile: "a", JWKSURL: "https://example.org"}, "set one"},
		{"no such file", auth.Config{JWKSFile: "testdata/none.json"}, "no such file"},
		{"not JSON", text("keys:"), "invalid character"},
		{"no keys in the file", text(`{"keys":[]}`), "no keys"},
		{"RSA of 1024 bits", file(authtest.Pair{KID: "weak", Method: jwt.SigningMethodRS256, Key: weak}.JWK()), "1024 bits"},
		{"EC on P-384", file(authtest.Pair{KID: "p384", Method: jwt.SigningMethodES384, Key: p384}.JWK()), "P-256"},
		{"a key for agreement, not signatures", file(map[string]any{"kid": "x", "kty": "OKP", "crv": "X25519", "x": b64(x25519.PublicKey().Bytes())}), "not a public"},
		{"a shared secret in the JWKS", file(map[string]any{"kid": "oct", "kty": "oct", "k": b64(k.Secret)}), "not a public"},
		{"a private key in the JWKS", file(with(es.JWK(), "d", b64(dBytes))), "not a public"},
		{"a key for encryption", file(with(es.JWK(), "use", "enc")), "use is not sig"},
		{"a key for another algorithm", file(with(pair(t, k, "RS256").JWK(), "alg", "RS512")), "alg is not RS256"},
		{"a key without kid", file(with(ed.JWK(), "kid", "")), "needs a kid"},
		{"two keys with one kid", file(ed.JWK(), with(es.JWK(), "kid", ed.KID)), "needs a kid of its own"},
		{"http to another machine", auth.Config{JWKSURL: "http://idp.example.org/jwks"}, "https"},
		{"http to a name that starts like loopback", auth.Config{JWKSURL: "http://127.0.0.1.example.org/jwks"}, "https"},
		{"a file URL", auth.Config{JWKSURL: "file:///etc/jwks.json"}, "not a URL"},
		{"not a URL", auth.Config{JWKSURL: "jwks"}, "not a URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := auth.New(t.Context(), tt.cfg, atNoon)
			if err == nil {
				v.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %q, want something with %q", err, tt.want)
			}
		})
	}
}
