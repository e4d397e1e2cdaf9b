package plane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
)

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// handshakeWith runs a real one and gives what Pion exports.
func handshakeWith(t *testing.T, h *Handshake, suite dtls.CipherSuiteID, profile dtls.SRTPProtectionProfile) []byte {
	t.Helper()
	listener, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	dialer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	common := []dtls.Option{
		dtls.WithCertificates(certificate(t)), dtls.WithCipherSuites(suite), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(profile), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
	}
	var serverOptions []dtls.ServerOption
	var clientOptions []dtls.ClientOption
	for _, o := range common {
		serverOptions, clientOptions = append(serverOptions, o), append(clientOptions, o)
	}
	serverOptions = append(serverOptions, dtls.WithKeyLogWriter(h), dtls.WithServerHelloMessageHook(h.ServerHello))
	server, err := dtls.ServerWithOptions(listener, dialer.LocalAddr(), serverOptions...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	client, err := dtls.ClientWithOptions(dialer, listener.LocalAddr(), clientOptions...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	state, ok := server.ConnectionState()
	if !ok {
		t.Fatal("no state after the handshake")
	}
	material, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(keySize+saltSize))
	if err != nil {
		t.Fatal(err)
	}
	return material
}

// The keys are those Pion exports, whatever suite was agreed on.
func TestKeysAreThoseOfTheHandshake(t *testing.T) {
	for _, suite := range []dtls.CipherSuiteID{
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	} {
		t.Run(suite.String(), func(t *testing.T) {
			h := new(Handshake)
			want, err := ServerKeys(handshakeWith(t, h, suite, dtls.SRTP_AEAD_AES_128_GCM))
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Keys()
			if err != nil || *got != *want {
				t.Errorf("Keys() = %v, %v, want what Pion exports", got, err)
			}
			if _, err := h.Keys(); err == nil {
				t.Error("the secret is still there")
			}
		})
	}
}

// Another profile has no keys here.
func TestOtherProfilesStayWithPion(t *testing.T) {
	h := new(Handshake)
	handshakeWith(t, h, dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if k, err := h.Keys(); k != nil || err == nil {
		t.Errorf("Keys() = %v, %v, want none", k, err)
	}
}

// The key log is text that Pion writes; nothing in it may do harm.
func FuzzKeyLog(f *testing.F) {
	f.Add([]byte("CLIENT_RANDOM 00ff 0102\n"))
	f.Add([]byte("CLIENT_RANDOM zz zz\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		h := new(Handshake)
		_, _ = h.Write(line)
		if k, err := h.Keys(); err == nil {
			t.Errorf("Keys() = %v without a ServerHello", k)
		}
	})
}
