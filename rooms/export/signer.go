package export

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Signer signs archives, by Ed25519: the receiver needs nothing that could
// forge one, and can show an archive to others. The public key lies in every
// archive, which proves that it is whole; that it is ours is proved by the key,
// or its Fingerprint, that the receiver was given once, by another way. Without
// this program:
//
//	openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in manifest.json -sigfile manifest.json.sig
//	sha256sum attendance.csv …
type Signer struct{ key ed25519.PrivateKey }

// NewSigner makes one of a seed of 32 bytes that the nodes of a house share.
func NewSigner(seed []byte) (Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return Signer{}, fmt.Errorf("the seed of a signer has %d bytes, not %d", ed25519.SeedSize, len(seed))
	}
	return Signer{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public is the key that archives are checked with.
func (s Signer) Public() ed25519.PublicKey {
	public, _ := s.key.Public().(ed25519.PublicKey)
	return public
}

// PublicPEM is Public as a file, for openssl and others.
func (s Signer) PublicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(s.Public())
	if err != nil {
		return nil // of other kinds of keys only
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Fingerprint is short enough to be read out: the beginning of the SHA-256 of
// the public key.
func (s Signer) Fingerprint() string { return Fingerprint(s.Public()) }

// Fingerprint of a public key.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

func (s Signer) sign(text []byte) []byte { return ed25519.Sign(s.key, text) }

// ParsePublic reads what PublicPEM writes.
func ParsePublic(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("this is no public key (PEM)")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the public key is %T, not Ed25519", key)
	}
	return public, nil
}
