package rooms

import "errors"

// Code is a stable word for what went wrong; clients act on it. signaling
// turns codes into close codes, and nothing else does.
type Code string

const (
	CodeBadMessage   Code = "bad_message"
	CodeForbidden    Code = "forbidden"      // the role may not do this
	CodeNotFound     Code = "room_not_found" // no such session
	CodeNotOpen      Code = "room_not_open"  // too early
	CodeFull         Code = "room_full"
	CodeLocked       Code = "room_locked"
	CodeEnded        Code = "room_ended"
	CodeCancelled    Code = "room_cancelled"
	CodeRemoved      Code = "removed" // durable for the session
	CodeDenied       Code = "denied"
	CodeReplaced     Code = "replaced" // the same person came in elsewhere
	CodeRevoked      Code = "revoked"
	CodeRoleMismatch Code = "role_mismatch" // the token's role is not the person's
	CodeResume       Code = "resume_expired"
	CodeWrongNode    Code = "wrong_node"
	CodeMuted        Code = "muted_by_facilitator"
	CodeNoSuchPerson Code = "no_such_person"
	CodeRestart      Code = "restart"       // the server is going down: resume
	CodeExpired      Code = "lease_expired" // did not come back within ResumeWindow
	CodeLeft         Code = "left"          // the person's own wish
	CodeInternal     Code = "internal"
)

// Reason is why an outbox was closed.
type Reason struct {
	Code    Code
	Message string // for people
}

// Error carries a code for the client and a sentence for people; Err is for
// the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf an error; CodeInternal for one that carries none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
