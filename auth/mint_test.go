package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/auth"
	"viop/auth/authtest"
)

// TestMintedIsGranted: whatever the Minter signs, the Verifier grants as it was
// asked for; what the Minter refuses, it refuses by the name of a claim.
func TestMintedIsGranted(t *testing.T) {
	k := authtest.New(t, atNoon)
	v := k.Verifier(k.Config())
	m, err := auth.NewMinter(k.Config(), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	id := rapid.StringMatching(`[A-Za-z0-9._~:-]{0,3}[ /\x00é]?`)
	role := rapid.SampledFrom([]auth.Role{auth.Patient, auth.Facilitator, auth.Observer, auth.Interpreter, auth.Guest, auth.Peer, "", "admin"})
	seconds := rapid.Int64Range(-10, 500*24*3600)
	minted := 0
	rapid.Check(t, func(r *rapid.T) {
		want := auth.JoinToken{
			Subject: id.Draw(r, "sub"), Session: id.Draw(r, "session"), ID: id.Draw(r, "jti"),
			Role: role.Draw(r, "role"), Name: rapid.StringN(0, 90, -1).Draw(r, "name"),
			Expires: noon.Add(time.Duration(seconds.Draw(r, "exp")) * time.Second),
		}
		token, err := m.Join(want)
		if err != nil {
			if !errors.Is(err, auth.ErrClaim) {
				r.Fatalf("Join(%+v) = %v, want a ClaimError", want, err)
			}
			return
		}
		minted++
		g, err := v.VerifyJoin(t.Context(), token)
		if err != nil {
			r.Fatalf("minted %+v, refused: %v", want, err)
		}
		got := auth.JoinToken{Subject: g.Subject(), Session: g.Session(), ID: g.ID(), Role: g.Role(), Name: g.Name(), Expires: g.Expires()}
		if want.ID == "" {
			want.ID = got.ID
		}
		want.Name = strings.TrimSpace(strings.ToValidUTF8(want.Name, "\uFFFD"))
		if got != want || g.ID() == "" || !g.Issued().Equal(noon) {
			r.Fatalf("granted %+v, want %+v", got, want)
		}
	})
	if minted == 0 {
		t.Error("nothing was minted: the test tested nothing")
	}
}

func TestMinterRefuses(t *testing.T) {
	k := authtest.New(t, atNoon)
	m, err := auth.NewMinter(k.Config(), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	good := auth.JoinToken{Subject: "p1", Session: "s1", Role: auth.Patient, Expires: noon.Add(time.Hour)}
	for _, tt := range []struct {
		claim string
		spoil func(*auth.JoinToken)
	}{
		{"sub", func(j *auth.JoinToken) { j.Subject = "" }},
		{"sub", func(j *auth.JoinToken) { j.Subject = "Ada Lovelace" }},
		{"session", func(j *auth.JoinToken) { j.Session = "" }},
		{"role", func(j *auth.JoinToken) { j.Role = "" }},
		{"role", func(j *auth.JoinToken) { j.Role = "admin" }},
		{"name", func(j *auth.JoinToken) { j.Name = "Ada\x1b[2J" }},
		{"jti", func(j *auth.JoinToken) { j.ID = "{t1}" }},
		{"exp", func(j *auth.JoinToken) { j.Expires = time.Time{} }},
		{"exp", func(j *auth.JoinToken) { j.Expires = noon }},
		{"exp", func(j *auth.JoinToken) { j.Expires = noon.Add(auth.DefaultMaxLifetime + time.Second) }},
	} {
		bad := good
		tt.spoil(&bad)
		_, err := m.Join(bad)
		if claim, ok := errors.AsType[*auth.ClaimError](err); !ok || claim.Claim != tt.claim {
			t.Errorf("Join(%+v) = %v, want an error about %s", bad, err, tt.claim)
		}
	}
	for _, scopes := range [][]auth.Scope{nil, {"sessions:*"}, {auth.SessionsRead, "sessions:read people:read"}} {
		_, err := m.API(auth.APIToken{Subject: "emr", Scopes: scopes, Expires: noon.Add(time.Hour)})
		if claim, ok := errors.AsType[*auth.ClaimError](err); !ok || claim.Claim != "scope" {
			t.Errorf("API with scopes %q = %v, want an error about scope", scopes, err)
		}
	}
	if _, err := auth.NewMinter(auth.Config{}, atNoon); err == nil {
		t.Error("NewMinter without a secret: no error")
	}
}

func TestNotBefore(t *testing.T) {
	now := noon
	k := authtest.New(t, func() time.Time { return now })
	m, err := auth.NewMinter(k.Config(), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	begins := noon.Add(24 * time.Hour)
	token, err := m.Join(auth.JoinToken{Subject: "p1", Session: "s1", Role: auth.Guest, NotBefore: begins, Expires: begins.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	v := k.Verifier(k.Config())
	if _, err := v.VerifyJoin(t.Context(), token); err != auth.ErrNotYetValid {
		t.Errorf("the day before: error = %v, want %v", err, auth.ErrNotYetValid)
	}
	now = begins
	if _, err := v.VerifyJoin(t.Context(), token); err != nil {
		t.Errorf("when it begins: %v", err)
	}
}

func TestAllScopes(t *testing.T) {
	k := authtest.New(t, atNoon)
	g, err := k.Verifier(k.Config()).VerifyAPI(t.Context(), k.API("admin", auth.AllScopes()...))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range auth.AllScopes() {
		if !g.Has(s) {
			t.Errorf("Has(%s) = false", s)
		}
	}
}
