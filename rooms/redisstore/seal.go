package redisstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DataKey seals names and free text at rest, by AES-256-GCM. Its ID stands
// beside everything it sealed, so that keys can be rotated.
type DataKey struct {
	ID  string // no dots
	Key [32]byte
}

// ParseDataKey reads "id:64 hex digits", as a setting or an environment
// variable holds it. Its error does not quote the text.
func ParseDataKey(text string) (DataKey, error) {
	id, digits, ok := strings.Cut(strings.TrimSpace(text), ":")
	key, err := hex.DecodeString(digits)
	if !ok || id == "" || strings.Contains(id, ".") || err != nil || len(key) != 32 {
		return DataKey{}, errors.New("a data key is written id:key, the id without dots, the key as 64 hex digits")
	}
	return DataKey{ID: id, Key: [32]byte(key)}, nil
}

// sealer seals with one key and opens with any of several.
type sealer struct {
	current string
	root    [32]byte // the key of that id
	aead    map[string]cipher.AEAD
	blind   [][]byte // keys of blinded, the current one first
}

func newSealer(keys []DataKey) (*sealer, error) {
	s := &sealer{aead: map[string]cipher.AEAD{}}
	for _, k := range keys {
		block, err := aes.NewCipher(k.Key[:])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		if s.aead[k.ID] != nil || k.ID == "" || strings.Contains(k.ID, ".") {
			return nil, errors.New("data keys have ids without dots, each once")
		}
		s.aead[k.ID] = aead
		s.blind = append(s.blind, mac(k.Key[:], "viop blind index"))
	}
	s.current, s.root = keys[0].ID, keys[0].Key
	return s, nil
}

const sealVersion = "s1"

// seal returns s1.<key id>.<nonce and ciphertext, base64url>; "" stays "". The
// part before the ciphertext is authenticated too.
func (s *sealer) seal(plain string) string {
	if plain == "" {
		return ""
	}
	aead, header := s.aead[s.current], sealVersion+"."+s.current+"."
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(sealed) // never fails (crypto/rand)
	sealed = aead.Seal(sealed, sealed, []byte(plain), []byte(header))
	return header + base64.RawURLEncoding.EncodeToString(sealed)
}

var errSealed = errors.New("sealed text is damaged or its key is not one of ours")

func (s *sealer) unseal(sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	version, rest, _ := strings.Cut(sealed, ".")
	id, text, _ := strings.Cut(rest, ".")
	aead := s.aead[id]
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || version != sealVersion || aead == nil || len(b) < aead.NonceSize() {
		return "", errSealed
	}
	header := sealed[:len(sealed)-len(text)]
	plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(header))
	if err != nil {
		return "", errSealed
	}
	return string(plain), nil
}

// blinded is what stands for text where it must be found again and not be
// read: one for each key, the first by the current one. Nobody without the key
// can check a guess against it.
func (s *sealer) blinded(text string) []string {
	all := make([]string, len(s.blind))
	for i, key := range s.blind {
		all[i] = base64.RawURLEncoding.EncodeToString(mac(key, text)[:16])
	}
	return all
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// ownKey is the data key of a node that was given none: made once and kept in
// the data directory, readable by its owner only.
func ownKey(dir string) (DataKey, error) {
	path := filepath.Join(dir, "data.key")
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := ParseDataKey(string(text))
		if err != nil {
			return DataKey{}, fmt.Errorf("%s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return DataKey{}, err
	}
	key := DataKey{ID: "local"}
	_, _ = rand.Read(key.Key[:]) // never fails (crypto/rand)
	line := key.ID + ":" + hex.EncodeToString(key.Key[:]) + "\n"
	return key, writeFile(path, []byte(line), true)
}
