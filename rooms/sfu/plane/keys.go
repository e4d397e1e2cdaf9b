package plane

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
)

// Sizes of AEAD_AES_128_GCM (RFC 7714 §12).
const (
	keySize  = 16
	saltSize = 12
	tagSize  = 16
)

// ErrProfile is another SRTP profile than AEAD_AES_128_GCM: its packets are
// Pion's to open and to seal.
var ErrProfile = errors.New("plane: another SRTP profile")

// Keys are both directions of one browser's SRTP.
type Keys struct{ ours, theirs masterKey }

// ServerKeys reads what the exporter gives (RFC 5764 §4.2): both keys, then
// both salts, the client's first; the client is the browser.
func ServerKeys(material []byte) (*Keys, error) {
	if len(material) != 2*(keySize+saltSize) {
		return nil, fmt.Errorf("plane: %d bytes of keys", len(material))
	}
	k := new(Keys)
	m := material[copy(k.theirs.key[:], material):]
	m = m[copy(k.ours.key[:], m):]
	m = m[copy(k.theirs.salt[:], m):]
	copy(k.ours.salt[:], m)
	return k, nil
}

type masterKey struct {
	key  [keySize]byte
	salt [saltSize]byte
}

// Handshake learns the keys of one DTLS handshake in which we are the server,
// from what Pion tells anybody who asks: the key log says the client's random
// and the master secret, the hook of the ServerHello our random, the suite and
// the SRTP profile. That is all RFC 5705 needs. Pion verifies the browser's
// certificate; until it says so the keys are nobody's.
type Handshake struct {
	mu     sync.Mutex
	client []byte // random
	secret []byte
	server []byte // random
	suite  dtls.CipherSuiteID
	srtp   dtls.SRTPProtectionProfile
}

// Write takes a line of the key log: label, client random, secret.
func (h *Handshake) Write(line []byte) (int, error) {
	fields := strings.Fields(string(line))
	if len(fields) != 3 || fields[0] != "CLIENT_RANDOM" {
		return len(line), nil
	}
	client, err := hex.DecodeString(fields[1])
	if err != nil {
		return 0, err
	}
	secret, err := hex.DecodeString(fields[2])
	if err != nil {
		return 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.client, h.secret = client, secret
	return len(line), nil
}

// ServerHello is Pion's hook. The message goes out as it is.
func (h *Handshake) ServerHello(m handshake.MessageServerHello) handshake.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	random := m.Random.MarshalFixed()
	h.server, h.srtp, h.suite = random[:], 0, 0
	if m.CipherSuiteID != nil {
		h.suite = dtls.CipherSuiteID(*m.CipherSuiteID)
	}
	for _, e := range m.Extensions {
		if u, ok := e.(*extension.UseSRTP); ok && len(u.ProtectionProfiles) == 1 {
			h.srtp = u.ProtectionProfiles[0]
		}
	}
	return &m
}

// Keys of the handshake, to be asked for once, when Pion is connected; the
// secret they are made of is forgotten.
func (h *Handshake) Keys() (*Keys, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.secret = nil }()
	if h.srtp != dtls.SRTP_AEAD_AES_128_GCM {
		return nil, fmt.Errorf("%w: %#04x", ErrProfile, uint16(h.srtp))
	}
	if len(h.secret) == 0 || len(h.server) == 0 {
		return nil, errors.New("plane: the handshake has told no secret")
	}
	hash := prfHash(h.suite)
	if hash == nil {
		return nil, fmt.Errorf("plane: cipher suite %#04x", uint16(h.suite))
	}
	seed := append(append([]byte("EXTRACTOR-dtls_srtp"), h.client...), h.server...)
	m, err := prf.PHash(h.secret, seed, 2*(keySize+saltSize), hash)
	if err != nil {
		return nil, err
	}
	return ServerKeys(m)
}

// prfHash of a suite (RFC 5246 §5, RFC 5289 §3); nil for one we do not know.
func prfHash(suite dtls.CipherSuiteID) func() hash.Hash {
	switch suite {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, dtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return sha256.New
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return sha512.New384
	}
	return nil
}
