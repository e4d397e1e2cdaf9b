package delivery

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"viop/rooms/attendance"
)

// Secrets of a destination. They are sealed at rest, and nobody reads them
// again: what a page may show is a Fingerprint.
type Secrets struct {
	Client string `json:"client,omitempty"` // OAuth
	// Keys sign webhooks, the newest first. There are two while the receiver
	// changes over.
	Keys []Key `json:"keys,omitempty"`
}

// Key signs webhooks.
type Key struct {
	Kind  Signature          `json:"kind"`
	Bytes []byte             `json:"bytes"` // of HMAC the secret, of Ed25519 the seed
	Made  attendance.Instant `json:"made"`
	Until attendance.Instant `json:"until,omitzero"` // signs until then; 0: for good
}

// secretBytes of a new secret: Standard Webhooks asks for 24 to 64.
const secretBytes = 32

// OldKeyFor is how long the former key signs beside a new one.
const OldKeyFor = 24 * time.Hour

// newKey makes one. now is the store's clock.
func newKey(kind Signature, now time.Time) Key {
	k := Key{Kind: kind, Bytes: make([]byte, secretBytes), Made: attendance.At(now)}
	_, _ = rand.Read(k.Bytes) // never fails (crypto/rand)
	return k
}

// rotate puts a new key in front. The former one signs for a while, and one
// before that not any more.
func (s Secrets) rotate(kind Signature, now time.Time) Secrets {
	keys := []Key{newKey(kind, now)}
	if len(s.Keys) > 0 {
		old := s.Keys[0]
		old.Until = attendance.At(now.Add(OldKeyFor))
		keys = append(keys, old)
	}
	s.Keys = keys
	return s
}

// signing are the keys in force.
func (s Secrets) signing(now time.Time) []Key {
	var keys []Key
	for _, k := range s.Keys {
		if k.Until == 0 || attendance.At(now) < k.Until {
			keys = append(keys, k)
		}
	}
	return keys
}

// Secret is what the receiver of an HMAC has to be told, once.
func (k Key) Secret() string {
	if k.Kind != HMAC {
		return ""
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(k.Bytes)
}

// Public is what anybody may know of an Ed25519 key.
func (k Key) Public() string {
	if k.Kind != Ed25519 {
		return ""
	}
	public, _ := k.private().Public().(ed25519.PublicKey)
	return "whpk_" + base64.StdEncoding.EncodeToString(public)
}

func (k Key) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(k.Bytes) }

// Fingerprint tells keys apart: the beginning of the SHA-256 of what the
// receiver has.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.Secret() + k.Public()))
	return hex.EncodeToString(sum[:4])
}
