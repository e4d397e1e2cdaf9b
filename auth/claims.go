package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

const (
	maxIDBytes   = 128
	maxNameRunes = 80
	// maxDate is the last second of the year 9999. Far larger numbers would
	// overflow time.Time and come out as dates in the past or the future.
	maxDate = 253402300799
)

// claims is the payload of both kinds of token. The tags are for minting;
// UnmarshalJSON says how it is read.
type claims struct {
	jwt.RegisteredClaims
	Session string `json:"session,omitempty"`
	Role    Role   `json:"role,omitempty"`
	Name    string `json:"name,omitempty"`
	Scope   string `json:"scope,omitempty"`
}

// UnmarshalJSON takes claims by their exact name. encoding/json alone would
// also take "SUB" for sub (RFC 7519 §10.1.1: names are case-sensitive), and an
// issuer that lets people add claims of their own could be made to sign
// somebody else's subject.
func (c *claims) UnmarshalJSON(payload []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(payload, &raw); err != nil {
		return err
	}
	for _, claim := range []struct {
		name string
		into any
	}{
		{"iss", &c.Issuer}, {"sub", &c.Subject}, {"aud", &c.Audience}, {"jti", &c.ID},
		{"exp", &date{&c.ExpiresAt}}, {"nbf", &date{&c.NotBefore}}, {"iat", &date{&c.IssuedAt}},
		{"session", &c.Session}, {"role", &c.Role}, {"name", &c.Name}, {"scope", &c.Scope},
	} {
		value, ok := raw[claim.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, claim.into); err != nil {
			return &ClaimError{claim.name, "has the wrong type"}
		}
	}
	return nil
}

// A date reads a JSON number of seconds (RFC 7519 §2) and drops its fraction. A
// number in quotes, or one that no calendar holds, is the wrong type.
type date struct{ into **jwt.NumericDate }

func (d *date) UnmarshalJSON(b []byte) error {
	var seconds *float64
	if err := json.Unmarshal(b, &seconds); err != nil || seconds == nil {
		return err
	}
	if *seconds < 0 || *seconds > maxDate {
		return jwt.ErrInvalidType
	}
	*d.into = jwt.NewNumericDate(time.Unix(int64(*seconds), 0).UTC())
	return nil
}

// check applies the rules that the Verifier and the Minter share. The signature,
// that there is an exp, and the times against the clock are the parser's and
// come first.
func (c *claims) check(audience string, latest time.Time) error {
	other := AudienceAPI
	if audience == AudienceAPI {
		other = AudienceJoin
	}
	switch {
	case len(c.Audience) == 0:
		return &ClaimError{"aud", "is required"}
	case !slices.Contains(c.Audience, audience), slices.Contains(c.Audience, other):
		return ErrAudience // a token for both purposes is for neither
	case c.ExpiresAt.After(latest):
		return &ClaimError{"exp", "is too far ahead"}
	case !ValidID(c.Subject):
		return badID("sub", c.Subject)
	case c.ID != "" && !ValidID(c.ID):
		return badID("jti", c.ID)
	case c.Session != "" && !ValidID(c.Session):
		return badID("session", c.Session)
	}
	if audience == AudienceAPI {
		return c.checkAPI()
	}
	return c.checkJoin()
}

func (c *claims) checkJoin() error {
	switch {
	case c.Session == "":
		return badID("session", c.Session)
	case c.Role == "":
		return &ClaimError{"role", "is required"}
	case !c.Role.Valid():
		return &ClaimError{"role", "is not one of ours"}
	}
	return checkName(c.Name)
}

func (c *claims) checkAPI() error {
	switch {
	case c.Scope == "":
		return &ClaimError{"scope", "is required"}
	case len(c.scopes()) == 0:
		return &ClaimError{"scope", "holds no scope of ours"}
	}
	return nil
}

// scopes are the ones we know. Others are skipped, not refused: identity
// providers add their own, such as openid.
func (c *claims) scopes() []string {
	return slices.DeleteFunc(strings.Fields(c.Scope), func(s string) bool { return !Scope(s).Valid() })
}

// grant is what the token allows; c has passed check.
func (c *claims) grant(audience, token string) Grant {
	g := Grant{subject: c.Subject, session: c.Session, id: c.ID, expires: c.ExpiresAt.Time}
	if g.id == "" {
		g.id = digest(token)
	}
	if c.IssuedAt != nil {
		g.issued = c.IssuedAt.Time
	}
	if audience == AudienceAPI {
		g.scope = strings.Join(c.scopes(), " ")
	} else {
		g.role, g.name = c.Role, strings.TrimSpace(c.Name)
	}
	return g
}

// digest names a token without a jti. It leaves the signature out, because
// ECDSA signatures can be rewritten into other valid ones (s into n-s), and
// that would free a revoked token of its revocation.
func digest(token string) string {
	signed := token[:strings.LastIndexByte(token, '.')]
	sum := sha256.Sum256([]byte(signed))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ValidID reports whether s can be an id (a subject, session, jti or kid): 1 to
// 128 of the characters A-Z a-z 0-9 . _ ~ : -
func ValidID(s string) bool {
	if s == "" || len(s) > maxIDBytes {
		return false
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && strings.IndexByte("._~:-", c) < 0 {
			return false
		}
	}
	return true
}

func badID(claim, id string) error {
	if id == "" {
		return &ClaimError{claim, "is required"}
	}
	return &ClaimError{claim, "is not an id: 1 to 128 of A-Z a-z 0-9 . _ ~ : -"}
}

// checkName refuses what could break a line or a log, or turn the text around
// it (U+202A–202E, U+2066–2069) and so look like somebody else's name.
func checkName(name string) error {
	if utf8.RuneCountInString(strings.TrimSpace(name)) > maxNameRunes {
		return &ClaimError{"name", "is longer than 80 characters"}
	}
	for _, r := range name {
		turns := '\u202A' <= r && r <= '\u202E' || '\u2066' <= r && r <= '\u2069'
		if turns || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			return &ClaimError{"name", "holds control characters"}
		}
	}
	return nil
}
