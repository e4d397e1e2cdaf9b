package auth_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"viop/auth"
	"viop/auth/authtest"
)

// TestTokenWithoutJTI: its id has to survive the rewriting of an ECDSA signature
// (r, s) into (r, n-s), which anybody can do and which verifies too.
func TestTokenWithoutJTI(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(believing(t, k))
	w := k.Token().By(pair(t, k, "ES256"))
	delete(w.Claims, "jti")
	token := k.Sign(w)
	signed, signature := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
	rs, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(rs[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(rs[32:])
	rewritten := signed + "." + base64.RawURLEncoding.EncodeToString(rs)

	want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(signed)))
	for _, token := range []string{token, rewritten} {
		g, err := v.VerifyJoin(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if g.ID() != want || !auth.ValidID(g.ID()) {
			t.Errorf("ID() = %s, want %s", g.ID(), want)
		}
	}
}

func TestValidID(t *testing.T) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:-"
	for c := range 256 {
		id := string([]byte{byte(c)})
		if got, want := auth.ValidID(id), strings.Contains(allowed, id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
	for id, want := range map[string]bool{"": false, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "é": false} {
		if got := auth.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestForSession(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(k.Config())
	api := func(session string) auth.Grant {
		m, err := auth.NewMinter(k.Config(), atNoon)
		if err != nil {
			t.Fatal(err)
		}
		token, err := m.API(auth.APIToken{Subject: "emr", Scopes: []auth.Scope{auth.SessionsRead}, Session: session, Expires: noon.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		g, err := v.VerifyAPI(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	for _, tt := range []struct {
		name    string
		grant   auth.Grant
		session string
		want    error
	}{
		{"a seat's own session", k.Grant("s1", "p1", auth.Patient), "s1", nil},
		{"a seat in another session", k.Grant("s1", "p1", auth.Patient), "s2", auth.ErrOtherSession},
		{"the API for every session", api(""), "s2", nil},
		{"the API for one session", api("s1"), "s1", nil},
		{"the API for another session", api("s1"), "s2", auth.ErrOtherSession},
		{"no session", api(""), "", auth.ErrOtherSession},
		{"the zero grant", auth.Grant{}, "s1", auth.ErrOtherSession},
		{"the zero grant and no session", auth.Grant{}, "", auth.ErrOtherSession},
	} {
		if err := tt.grant.ForSession(tt.session); err != tt.want {
			t.Errorf("%s: ForSession(%q) = %v, want %v", tt.name, tt.session, err, tt.want)
		}
	}
}

// TestNothingLeaks prints everything that could end in a log.
func TestNothingLeaks(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(k.Config())
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	jsonLog := slog.New(slog.NewJSONHandler(&out, nil))

	w := k.Token()
	w.Claims["name"] = "Ada Lovelace"
	g, err := v.VerifyJoin(t.Context(), k.Sign(w))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"sub": "Ada Lovelace", "role": "Ada Lovelace", "name": "\x00Ada Lovelace", "aud": "Ada Lovelace", "exp": "Ada Lovelace", "session": "Ada Lovelace"} {
		bad := k.Token()
		bad.Claims[name] = value
		_, err := v.VerifyJoin(t.Context(), k.Sign(bad))
		if err == nil {
			t.Fatalf("%s was accepted", name)
		}
		fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
	}
	m, err := auth.NewMinter(k.Config(), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{g, k.Config(), k.Config().Secrets[0], v, m, struct{ s auth.Secret }{k.Config().Secrets[0]}} {
		log.Info("it", "value", value)
		jsonLog.Info("it", "value", value)
		fmt.Fprintf(&out, "%v %+v %s %d %x\n", value, value, value, value, value)
	}
	printed := out.String()
	for _, secret := range []string{"Lovelace", "4c6f76656c616365", string(k.Secret), fmt.Sprintf("%d", k.Secret), fmt.Sprintf("%x", k.Secret), base64.StdEncoding.EncodeToString(k.Secret)} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q was printed", secret)
		}
	}
	if !strings.Contains(printed, "value.sub=p1") {
		t.Error("the grant's ids were not logged")
	}
}
