package auth

import (
	"context"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// One error for each way a token can be wrong. Their texts hold nothing of the
// token, so they may be logged and sent to the client.
var (
	ErrTooLarge     = errors.New("the token is larger than 8 KiB")
	ErrMalformed    = errors.New("this is not a JSON Web Token in compact form")
	ErrUnknownKey   = errors.New("the token's kid names no key of ours")
	ErrAlgorithm    = errors.New("the token's alg is not the algorithm of its key")
	ErrSignature    = errors.New("the token's signature does not match")
	ErrAudience     = errors.New("the token is for another purpose (aud)")
	ErrExpired      = errors.New("the token has expired")
	ErrNotYetValid  = errors.New("the token is not valid yet")
	ErrClaim        = errors.New("a claim is missing or wrong") // always a *ClaimError
	ErrRevoked      = errors.New("the token or the person's place in the session was revoked")
	ErrOtherSession = errors.New("the token is for another session")
)

// A ClaimError says which claim is wrong, never what it said. It matches
// ErrClaim.
type ClaimError struct {
	Claim   string // as in the token: "sub", "session" …
	Problem string // completes "claim sub …"
}

func (e *ClaimError) Error() string { return "claim " + e.Claim + " " + e.Problem }
func (e *ClaimError) Unwrap() error { return ErrClaim }

// reason reduces what the parser returned to one of the errors above. The
// parser's own text is dropped, because it may quote the token; of several
// things wrong with the claims the one that explains most is kept.
func reason(err error) error {
	if claim, ok := errors.AsType[*ClaimError](err); ok {
		return claim
	}
	for _, m := range []struct{ seen, say error }{
		{ErrMalformed, ErrMalformed},
		{ErrUnknownKey, ErrUnknownKey},
		{ErrAlgorithm, ErrAlgorithm},
		{context.Canceled, context.Canceled},
		{context.DeadlineExceeded, context.DeadlineExceeded},
		{jwt.ErrTokenMalformed, ErrMalformed},
		{jwt.ErrTokenUnverifiable, ErrAlgorithm}, // alg is missing or unheard of
		{jwt.ErrTokenSignatureInvalid, ErrSignature},
		{jwt.ErrTokenRequiredClaimMissing, &ClaimError{"exp", "is required"}},
		{jwt.ErrTokenExpired, ErrExpired},
		{jwt.ErrTokenNotValidYet, ErrNotYetValid},
		{jwt.ErrTokenUsedBeforeIssued, ErrNotYetValid},
	} {
		if errors.Is(err, m.seen) {
			return m.say
		}
	}
	return ErrMalformed
}
