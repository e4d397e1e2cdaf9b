package auth_test

import (
	"testing"
	"time"

	"viop/auth"
	"viop/auth/authtest"
)

func TestRevocationValidate(t *testing.T) {
	later := noon.Add(time.Hour)
	for _, tt := range []struct {
		name string
		r    auth.Revocation
		ok   bool
	}{
		{"a token", auth.Revocation{TokenID: "t1", At: noon, Until: later}, true},
		{"a person in a session", auth.Revocation{Subject: "p1", Session: "s1", At: noon, Until: later}, true},
		{"neither", auth.Revocation{At: noon, Until: later}, false},
		{"both", auth.Revocation{TokenID: "t1", Subject: "p1", Session: "s1", At: noon, Until: later}, false},
		{"a token and a subject", auth.Revocation{TokenID: "t1", Subject: "p1", At: noon, Until: later}, false},
		{"a person everywhere", auth.Revocation{Subject: "p1", At: noon, Until: later}, false},
		{"everybody in a session", auth.Revocation{Session: "s1", At: noon, Until: later}, false},
		{"a token id that is none", auth.Revocation{TokenID: "t 1", At: noon, Until: later}, false},
		{"a subject that is no id", auth.Revocation{Subject: "p*", Session: "s1", At: noon, Until: later}, false},
		{"no beginning", auth.Revocation{TokenID: "t1", Until: later}, false},
		{"no end", auth.Revocation{TokenID: "t1", At: noon}, false},
		{"no time at all", auth.Revocation{TokenID: "t1", At: noon, Until: noon}, false},
	} {
		if err := tt.r.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: Validate() = %v", tt.name, err)
		}
	}
}

func TestRevocationCovers(t *testing.T) {
	later := noon.Add(time.Hour)
	token := auth.Revocation{TokenID: "t1", At: noon, Until: later}
	person := auth.Revocation{Subject: "p1", Session: "s1", At: noon, Until: later}
	for _, tt := range []struct {
		name              string
		r                 auth.Revocation
		now               time.Time
		jti, sub, session string
		want              bool
	}{
		{"the token", token, noon, "t1", "p1", "s1", true},
		{"another token of the person", token, noon, "t2", "p1", "s1", false},
		{"a moment before", token, noon.Add(-1), "t1", "p1", "s1", false},
		{"the last moment", token, later.Add(-1), "t1", "p1", "s1", true},
		{"over", token, later, "t1", "p1", "s1", false},
		{"the person there, with any token", person, noon, "t9", "p1", "s1", true},
		{"the person elsewhere", person, noon, "t1", "p1", "s2", false},
		{"the person's token for no one session", person, noon, "t1", "p1", "", false},
		{"somebody else there", person, noon, "t1", "p2", "s1", false},
		{"an empty revocation and empty ids", auth.Revocation{At: noon, Until: later}, noon, "", "", "", false},
	} {
		if got := tt.r.Covers(tt.now, tt.jti, tt.sub, tt.session); got != tt.want {
			t.Errorf("%s: Covers = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// asked remembers what Verify asked.
type asked struct {
	jti, subject, session string
	issuedAt              time.Time
	times                 int
}

func (a *asked) Revoked(jti, subject, session string, issuedAt time.Time) bool {
	*a = asked{jti, subject, session, issuedAt, a.times + 1}
	return false
}

// TestRevocationsAreAskedLast: only about tokens good in themselves, so that
// strangers cannot probe the list.
func TestRevocationsAreAskedLast(t *testing.T) {
	k := authtest.New(t, atNoon)
	cfg := k.Config()
	list := &asked{}
	cfg.Revocations = list
	v := k.Verifier(cfg)
	forged := k.Token()
	forged.Key = make([]byte, 32)
	expired := k.Token()
	expired.Claims["exp"] = noon.Unix() - 3600
	for _, w := range []authtest.Token{forged, expired} {
		if _, err := v.VerifyJoin(t.Context(), k.Sign(w)); err == nil {
			t.Fatal("a wrong token was accepted")
		}
	}
	if list.times != 0 {
		t.Errorf("asked %d times about wrong tokens", list.times)
	}
	verifyGood(t, v, k.Sign(k.Token()))
	if want := (asked{"t1", "p1", "s1", noon, 1}); *list != want {
		t.Errorf("asked %+v, want %+v", *list, want)
	}
}
