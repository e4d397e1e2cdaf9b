package delivery_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/delivery"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The example that Standard Webhooks' own libraries are tested with.
func TestSignatureOfTheSpecification(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("plJ3nmyCDGBKInavdOK15jsl")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	delivery.Sign(h, []delivery.Key{{Kind: delivery.HMAC, Bytes: secret}}, "msg_loFOjxBNrRLzqYUf",
		time.Unix(1731705121, 0), []byte(`{"event_type":"ping","data":{"success":true}}`))
	if got, want := h.Get("webhook-signature"), "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="; got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
}

// signedMessage is what web/app/src/webhooks.test.ts has an independent
// verifier look at: whoever has one of the secrets or public keys must be
// convinced, and nobody else.
type signedMessage struct {
	Name       string            `json:"name"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Secrets    []string          `json:"secrets"`
	PublicKeys []string          `json:"public_keys"`
}

func TestSignedMessages(t *testing.T) {
	key := func(kind delivery.Signature, fill byte) delivery.Key {
		return delivery.Key{Kind: kind, Bytes: bytes.Repeat([]byte{fill}, 32)}
	}
	var all []signedMessage
	for _, test := range []struct {
		name string
		keys []delivery.Key
	}{
		{"one secret", []delivery.Key{key(delivery.HMAC, 1)}},
		{"two secrets, while the receiver changes over", []delivery.Key{key(delivery.HMAC, 2), key(delivery.HMAC, 1)}},
		{"ed25519", []delivery.Key{key(delivery.Ed25519, 3)}},
		{"from a secret to ed25519", []delivery.Key{key(delivery.Ed25519, 3), key(delivery.HMAC, 2)}},
	} {
		m := signedMessage{Name: test.name, Headers: map[string]string{}, Secrets: []string{}, PublicKeys: []string{},
			Body: `{"type":"attendance.record.finalized","timestamp":"2026-11-03T03:20:11Z","data":{"record_id":"ses_8k2/per_41","version":2}}`}
		h := http.Header{}
		delivery.Sign(h, test.keys, "feed.17", time.Date(2026, 11, 3, 3, 20, 12, 0, time.UTC), []byte(m.Body))
		for name := range h {
			m.Headers[name] = h.Get(name)
		}
		for _, k := range test.keys {
			if s := k.Secret(); s != "" {
				m.Secrets = append(m.Secrets, s)
			}
			if p := k.Public(); p != "" {
				m.PublicKeys = append(m.PublicKeys, p)
			}
		}
		all = append(all, m)
	}
	got, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "signed.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("messages differ from %s (-want +got):\n%s", golden, diff)
	}
}

// A new key signs beside the former one for a day; one before that does not.
func TestKeysChangeOver(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := hook("d1")
		h.put(d) // makes the first key
		h.net.on("d1", says(http.StatusOK))
		first := h.status("d1").Keys[0].Fingerprint
		second, err := h.gate.NewKey(t.Context(), "d1")
		if err != nil {
			t.Fatal(err)
		}
		wantKeys := func(when string, want ...string) {
			t.Helper()
			var got []string
			for _, k := range h.status("d1").Keys {
				got = append(got, k.Fingerprint)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s the keys differ (-want +got):\n%s", when, diff)
			}
		}
		wantKeys("after one change", second.Fingerprint(), first)
		third, err := h.gate.NewKey(t.Context(), "d1")
		if err != nil {
			t.Fatal(err)
		}
		wantKeys("after two changes", third.Fingerprint(), second.Fingerprint())
		h.stop()
		h.stop = func() {}
		<-time.After(delivery.OldKeyFor)
		wantKeys("after a day", third.Fingerprint())
	})
}
