package auth

import (
	"errors"
	"time"
)

// Revocations answers whether a token that is good in itself has been taken
// back. Verify asks it last, on the caller's goroutine: it must answer from
// memory, without waiting, and be safe for concurrent use. How fresh that
// memory is, is the implementation's promise.
//
// jti is Grant.ID, so never empty; session is empty for a token of the API
// that is not limited to one; issuedAt is zero when the token has no iat.
type Revocations interface {
	Revoked(jti, subject, session string, issuedAt time.Time) bool
}

// A Revocation takes back either
//
//   - one token: TokenID is its Grant.ID, Subject and Session are empty. Other
//     tokens of the same person stay good. Until has to be at least the token's
//     expiry plus Skew, or the token comes back to life; or
//   - a person's place in a session: Subject and Session are set, TokenID is
//     empty. No token for that session opens it to them any more, issued before
//     or after, and a seat they hold is closed. Until should be past the latest
//     end the session can have.
//
// It is in force from At until Until, exclusive; after that a store may drop it.
type Revocation struct {
	TokenID          string
	Subject, Session string
	At, Until        time.Time
}

// Validate reports what makes r neither of the two kinds.
func (r Revocation) Validate() error {
	byToken := r.TokenID != ""
	byPerson := r.Subject != "" || r.Session != ""
	switch {
	case byToken == byPerson:
		return errors.New("revocation: wants a token id, or a subject and a session")
	case byToken && !ValidID(r.TokenID):
		return errors.New("revocation: the token id is not an id")
	case byPerson && !ValidID(r.Subject):
		return errors.New("revocation: the subject is not an id")
	case byPerson && !ValidID(r.Session):
		return errors.New("revocation: the session is not an id")
	case r.At.IsZero():
		return errors.New("revocation: at is required")
	case !r.Until.After(r.At):
		return errors.New("revocation: until is not after at")
	}
	return nil
}

// Covers reports whether r, at the time now, takes back the token or the seat
// that these ids describe. Stores index for speed; this is what they must equal.
func (r Revocation) Covers(now time.Time, jti, subject, session string) bool {
	if now.Before(r.At) || !now.Before(r.Until) {
		return false
	}
	if r.TokenID != "" {
		return r.TokenID == jti
	}
	return r.Subject != "" && r.Subject == subject && r.Session == session
}
