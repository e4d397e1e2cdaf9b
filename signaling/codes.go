package signaling

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

// Codes of signaling's own, beside those of rooms.
const (
	codeAuthInvalid  rooms.Code = "auth_invalid"
	codeAuthExpired  rooms.Code = "auth_expired"
	codeVersion      rooms.Code = "version_unsupported"
	codeHelloTimeout rooms.Code = "hello_timeout"
	codeSlow         rooms.Code = "slow_consumer"
	codeRate         rooms.Code = "rate_limited"
	codeUnknownType  rooms.Code = "unknown_type"
	codeTooLarge     rooms.Code = "too_large"
)

// outcome is what a code means on the wire.
type outcome struct {
	close   websocket.StatusCode // of a connection that ends with it
	retry   wire.Retry           // said in bye
	after   time.Duration        // said in bye
	command wire.Retry           // said in error, where the connection goes on
}

// outcomeOf is the one table of codes. The numbers 4000-4099 are ours; 1009 is
// sent by the WebSocket itself, without a bye. A client that sees no bye (1006)
// resumes.
//
// retry "retry" is for the door: the same hello later. "resume" also holds
// there: the same hello, by whatever the page has.
func outcomeOf(code rooms.Code) outcome {
	const none, later, resume, rejoin = wire.RetryNone, wire.RetryLater, wire.RetryResume, wire.RetryRejoin
	const knock = 15 * time.Second
	switch code {
	case rooms.CodeLeft:
		return outcome{1000, none, 0, none}
	case codeTooLarge:
		return outcome{1009, none, 0, none}
	case rooms.CodeBadMessage:
		return outcome{4000, none, 0, none}
	case codeAuthInvalid, codeAuthExpired:
		return outcome{4001, none, 0, none}
	case rooms.CodeRevoked:
		return outcome{4002, none, 0, none}
	case rooms.CodeForbidden, rooms.CodeRoleMismatch:
		return outcome{4003, none, 0, none}
	case rooms.CodeNotFound:
		return outcome{4004, none, 0, none}
	case rooms.CodeNotOpen:
		return outcome{4005, later, knock, later}
	case codeVersion:
		return outcome{4006, none, 0, none}
	case rooms.CodeFull:
		return outcome{4007, later, knock, later}
	case codeHelloTimeout:
		return outcome{4008, resume, 0, none}
	case rooms.CodeReplaced:
		return outcome{4009, none, 0, none}
	case rooms.CodeRestart:
		return outcome{4010, resume, 500 * time.Millisecond, later}
	case rooms.CodeWrongNode:
		return outcome{4011, resume, time.Second, later}
	case rooms.CodeLocked:
		return outcome{4012, later, knock, later}
	case codeSlow:
		return outcome{4013, resume, time.Second, none}
	case rooms.CodeEnded:
		return outcome{4014, none, 0, none}
	case rooms.CodeCancelled:
		return outcome{4015, none, 0, none}
	case rooms.CodeRemoved:
		return outcome{4016, none, 0, none}
	case rooms.CodeDenied:
		return outcome{4017, none, 0, none}
	case rooms.CodeExpired:
		return outcome{4018, rejoin, 0, none}
	case rooms.CodeResume:
		return outcome{4019, rejoin, 0, none}
	case codeRate:
		return outcome{4029, resume, 5 * time.Second, later}
	case rooms.CodeMuted, rooms.CodeNoSuchPerson, codeUnknownType:
		// About one message only; nothing ends with them.
		return outcome{1011, resume, time.Second, none}
	}
	// rooms.CodeInternal, and any this table does not know yet.
	return outcome{1011, resume, time.Second, later}
}

// ending is why a connection ends. The zero ending is a line that is gone:
// there is nobody left to tell.
type ending struct {
	code    rooms.Code
	message string // for people
}

func (e ending) bye() wire.Bye {
	o := outcomeOf(e.code)
	b := wire.Bye{Code: string(e.code), Message: e.message, Retry: o.retry, RetryAfterMS: wire.Span(o.after)}
	if e.code == codeVersion {
		b.Versions = []int{wire.Version}
	}
	return b
}

// refusal of a command.
func refusal(err error) wire.Error {
	end := endingOf(err)
	o := outcomeOf(end.code)
	e := wire.Error{Code: string(end.code), Message: end.message, Retry: o.command}
	if o.command == wire.RetryLater {
		e.RetryAfterMS = 1000
	}
	return e
}

// endingOf an error: what may be told of it. The rest is for the log.
func endingOf(err error) ending {
	if e, ok := errors.AsType[*rooms.Error](err); ok {
		return ending{e.Code, e.Message}
	}
	if e, ok := errors.AsType[*wire.UnknownTypeError](err); ok {
		return ending{codeUnknownType, e.Error()}
	}
	if _, ok := errors.AsType[*wire.FieldError](err); ok || errors.Is(err, wire.ErrNotJSON) {
		return ending{rooms.CodeBadMessage, err.Error()}
	}
	return ending{rooms.CodeInternal, "Something went wrong on our side. Please try again."}
}

// unverified is what may be told of a token that Verify refused. auth's texts
// hold nothing of the token.
func unverified(err error) ending {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return endingOf(err)
	case errors.Is(err, auth.ErrExpired):
		return ending{codeAuthExpired, "This link has expired. Please ask your program for a new one."}
	case errors.Is(err, auth.ErrRevoked):
		return ending{rooms.CodeRevoked, "This link is not valid any more. Please call your program."}
	}
	for _, fault := range []error{
		auth.ErrTooLarge, auth.ErrMalformed, auth.ErrUnknownKey, auth.ErrAlgorithm, auth.ErrSignature,
		auth.ErrAudience, auth.ErrNotYetValid, auth.ErrClaim, auth.ErrOtherSession,
	} {
		if errors.Is(err, fault) {
			return ending{codeAuthInvalid, "This link does not work: " + err.Error() + "."}
		}
	}
	return endingOf(err)
}

func tooMany(message string) error { return &rooms.Error{Code: codeRate, Message: message} }
