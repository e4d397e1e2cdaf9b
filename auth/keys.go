package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minSecretBytes = 32 // RFC 7518 §3.2: no shorter than the hash
	minRSABits     = 2048
	maxSecrets     = 2 // the one that signs, and the one coming or going
)

// A Secret is a shared key for HS256 and its kid. It prints as the kid alone.
type Secret struct {
	kid string
	// key is a function because fmt does not call Format on unexported fields:
	// printing whatever holds a Secret prints an address.
	key func() []byte
}

// NewSecret copies key, which must have at least 32 bytes, all of them random.
func NewSecret(kid string, key []byte) (Secret, error) {
	if !ValidID(kid) {
		return Secret{}, errors.New("secret: kid is not 1 to 128 of A-Z a-z 0-9 . _ ~ : -")
	}
	if len(key) < minSecretBytes {
		return Secret{}, fmt.Errorf("secret %s: %d bytes are too few, at least %d are needed", kid, len(key), minSecretBytes)
	}
	key = bytes.Clone(key)
	return Secret{kid, func() []byte { return key }}, nil
}

// ParseSecrets reads the configuration text "kid:base64[,kid:base64]"; any
// base64 alphabet, padded or not (`openssl rand -base64 32` makes one). The
// errors do not quote the text. Empty text is no secrets.
//
// To replace a secret without refusing anybody: put the new one second on every
// node, then first (the first one signs), and remove the old one when the last
// token it signed has expired.
func ParseSecrets(text string) ([]Secret, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var secrets []Secret
	for i, entry := range strings.Split(text, ",") {
		entry = strings.TrimSpace(entry)
		colon := strings.LastIndexByte(entry, ':') // a kid may hold colons, base64 does not
		if colon < 0 {
			return nil, fmt.Errorf("secret %d is not kid:base64", i+1)
		}
		key, err := decodeBase64(entry[colon+1:])
		if err != nil {
			return nil, fmt.Errorf("secret %d is not base64 after the last colon", i+1)
		}
		s, err := NewSecret(entry[:colon], key)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, s)
	}
	return secrets, checkSecrets(secrets)
}

func decodeBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

func checkSecrets(secrets []Secret) error {
	if len(secrets) > maxSecrets {
		return fmt.Errorf("%d secrets: at most %d at a time", len(secrets), maxSecrets)
	}
	for i, s := range secrets {
		if s.kid == "" {
			return errors.New("an empty secret: make them with NewSecret or ParseSecrets")
		}
		if i > 0 && s.kid == secrets[0].kid {
			return fmt.Errorf("secret %s is there twice", s.kid)
		}
	}
	return nil
}

// KID names the secret in the headers of the tokens it signs.
func (s Secret) KID() string { return s.kid }

// Format prints the kid, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "secret(%s)", s.kid) }

// A key verifies signatures of exactly one algorithm. Which one follows from
// the key and never from the token, so no token can have a public key used as
// an HMAC secret (RFC 8725 §2.1, §3.1).
type key struct {
	alg      string // HS256, RS256, ES256 or EdDSA
	material any    // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	issuer   string // the iss a token of this key must have; empty: any or none
}

// publicKey takes what a JWKS may hold for us. A shared secret or a private key
// in there is somebody's accident and is refused too.
func publicKey(material any) (key, error) {
	switch k := material.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return key{}, fmt.Errorf("an RSA key of %d bits is too short, at least %d are needed", k.N.BitLen(), minRSABits)
		}
		return key{alg: jwt.SigningMethodRS256.Alg(), material: k}, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return key{}, errors.New("an EC key must be on P-256")
		}
		return key{alg: jwt.SigningMethodES256.Alg(), material: k}, nil
	case ed25519.PublicKey:
		return key{alg: jwt.SigningMethodEdDSA.Alg(), material: k}, nil
	default:
		return key{}, fmt.Errorf("%T is not a public RSA, EC or Ed25519 key", material)
	}
}

// A keyring finds keys by kid: shared secrets first, then the JWKS.
type keyring struct {
	secrets map[string]Secret
	public  *jwks // nil without one
}

// find may wait, until ctx ends at the latest, for a JWKS to be fetched again.
func (k *keyring) find(ctx context.Context, kid string) (key, error) {
	if s, ok := k.secrets[kid]; ok {
		return key{alg: jwt.SigningMethodHS256.Alg(), material: s.key()}, nil
	}
	if k.public == nil {
		return key{}, ErrUnknownKey
	}
	return k.public.find(ctx, kid)
}

// forToken is the jwt.Keyfunc: the header's kid chooses the key, and alg is
// compared with the key's own. jku, jwk, x5u and x5c are never read: a token
// does not bring its own key.
func (k *keyring) forToken(ctx context.Context, t *jwt.Token) (key, error) {
	if _, ok := t.Header["crit"]; ok {
		return key{}, ErrMalformed // RFC 7515 §4.1.11: refuse extensions we do not know
	}
	kid, _ := t.Header["kid"].(string)
	if !ValidID(kid) {
		return key{}, ErrUnknownKey
	}
	found, err := k.find(ctx, kid)
	if err != nil {
		return key{}, err
	}
	if t.Method.Alg() != found.alg {
		return key{}, ErrAlgorithm
	}
	return found, nil
}
