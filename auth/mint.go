package auth

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Minter signs tokens with a shared secret, for invites and for development.
// It refuses what a Verifier of the same Config would refuse, so a mistake
// shows when the link is made and not when a patient opens it. Safe for
// concurrent use.
type Minter struct {
	secret      Secret
	maxLifetime time.Duration
	now         func() time.Time
}

// NewMinter signs with the first of cfg.Secrets.
func NewMinter(cfg Config, now func() time.Time) (*Minter, error) {
	if len(cfg.Secrets) == 0 {
		return nil, errors.New("minting tokens needs a shared secret")
	}
	if err := checkSecrets(cfg.Secrets); err != nil {
		return nil, err
	}
	return &Minter{cfg.Secrets[0], cfg.maxLifetime(), now}, nil
}

// JoinToken is what goes into a token for a seat.
type JoinToken struct {
	Subject, Session string
	Role             Role
	Name             string    // optional
	ID               string    // jti; empty: a random one
	NotBefore        time.Time // zero: at once
	Expires          time.Time
}

// APIToken is what goes into a token for the HTTP API.
type APIToken struct {
	Subject string
	Scopes  []Scope
	Session string // empty: every session
	ID      string // jti; empty: a random one
	Expires time.Time
}

// Join mints a token that VerifyJoin accepts.
func (m *Minter) Join(t JoinToken) (string, error) {
	c := claims{Session: t.Session, Role: t.Role, Name: strings.TrimSpace(t.Name)}
	c.Subject, c.ID = t.Subject, t.ID
	if !t.NotBefore.IsZero() {
		c.NotBefore = jwt.NewNumericDate(t.NotBefore)
	}
	return m.sign(AudienceJoin, c, t.Expires)
}

// API mints a token that VerifyAPI accepts. Scopes we do not know are an error
// here: nobody asks for them but by mistake.
func (m *Minter) API(t APIToken) (string, error) {
	c := claims{Session: t.Session}
	c.Subject, c.ID = t.Subject, t.ID
	words := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		words[i] = string(s)
	}
	if slices.ContainsFunc(t.Scopes, func(s Scope) bool { return !s.Valid() }) {
		return "", &ClaimError{"scope", "holds a scope that is not ours"}
	}
	c.Scope = strings.Join(words, " ")
	return m.sign(AudienceAPI, c, t.Expires)
}

func (m *Minter) sign(audience string, c claims, expires time.Time) (string, error) {
	now := m.now()
	c.Audience = jwt.ClaimStrings{audience}
	c.IssuedAt = jwt.NewNumericDate(now)
	c.ExpiresAt = jwt.NewNumericDate(expires)
	if c.ID == "" {
		c.ID = rand.Text()
	}
	if !c.ExpiresAt.After(now) {
		return "", &ClaimError{"exp", "is not in the future"}
	}
	if err := c.check(audience, now.Add(m.maxLifetime)); err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	t.Header["kid"] = m.secret.kid
	return t.SignedString(m.secret.key())
}
