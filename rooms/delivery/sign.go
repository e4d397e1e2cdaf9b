package delivery

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign puts the headers of Standard Webhooks on a message: its id is the same
// over all attempts, the time is that of this one, and there is a signature by
// every key in force, so that the receiver may change over when it likes.
func sign(h http.Header, keys []Key, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signed := append([]byte(id+"."+stamp+"."), body...)
	var signatures []string
	for _, k := range keys {
		signatures = append(signatures, k.sign(signed))
	}
	// Canonical form is how they are sent; names do not care (RFC 9110 §5.1).
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}

func (k Key) sign(text []byte) string {
	if k.Kind == Ed25519 {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(k.private(), text))
	}
	mac := hmac.New(sha256.New, k.Bytes)
	mac.Write(text)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
