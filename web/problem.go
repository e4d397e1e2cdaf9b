package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"viop/auth"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
	"viop/rooms/schedule/intake"
)

// problem is a problem document (RFC 9457) and the error that becomes one. Its
// texts say nothing about a person.
type problem struct {
	Type   string `json:"type"` // problemURN and a stable word
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Instance names this one answer; the log has the same id.
	Instance string        `json:"instance,omitempty"`
	Errors   form.Problems `json:"errors,omitempty"`
	// Current is what could be signed instead, of a signature that came late.
	Current *signatureOrder `json:"current,omitempty"`
	// Report is of a file that was refused.
	Report *intake.Report `json:"report,omitempty"`

	header http.Header // sent along
}

const problemURN = "urn:viop:problem:"

func (p *problem) Error() string { return p.Type + ": " + p.Detail }

func newProblem(status int, word, title, detail string) *problem {
	return &problem{Type: problemURN + word, Title: title, Status: status, Detail: detail}
}

// with adds a header to the answer.
func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

func malformed(detail string) *problem {
	return newProblem(http.StatusBadRequest, "malformed", "The request cannot be read.", detail)
}

// invalid lists fields that can be read and are wrong.
func invalid(errs form.Problems) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid", "The document is not valid.",
		"Each of the fields under errors has to be put right.")
	p.Errors = errs
	return p
}

// badQuery names a parameter of the URL that is wrong.
func badQuery(name, detail string) *problem {
	return newProblem(http.StatusBadRequest, "invalid_parameter", "A parameter is not valid.", name+": "+detail)
}

func notFound(what string) *problem {
	return newProblem(http.StatusNotFound, "not_found", "Not found.", "There is no such "+what+".")
}

func methodNotAllowed(allow string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "This method is not for this address.",
		"Use "+allow+".").with("Allow", allow)
}

// unauthorized follows RFC 6750 §3: the challenge says what was wrong.
func unauthorized(err error) *problem {
	challenge := `Bearer realm="viop"`
	detail := "Send an API token: Authorization: Bearer …"
	if err != nil {
		challenge += `, error="invalid_token"`
		detail = "The token is refused: " + err.Error() + "."
	}
	return newProblem(http.StatusUnauthorized, "unauthorized", "No valid token.", detail).
		with("WWW-Authenticate", challenge)
}

func insufficientScope(scope auth.Scope) *problem {
	return newProblem(http.StatusForbidden, "insufficient_scope", "The token does not allow this.",
		"The token needs the scope "+string(scope)+".").
		with("WWW-Authenticate", `Bearer realm="viop", error="insufficient_scope", scope="`+string(scope)+`"`)
}

func otherSession() *problem {
	return newProblem(http.StatusForbidden, "other_session", "The token does not allow this.",
		"The token is limited to one session, and this is not it.")
}

// problemOf finds the document for an error; nil means that nobody has thought
// of it, which is our fault and not the caller's.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if errs, ok := errors.AsType[form.Problems](err); ok {
		return invalid(errs)
	}
	if syntax, ok := errors.AsType[*form.ErrSyntax](err); ok {
		return malformed(syntax.Error())
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "The document is too large.",
			"At most "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes are read.")
	}
	if p := bookProblem(err); p != nil {
		return p
	}
	if p := deliveryProblem(err); p != nil {
		return p
	}
	switch {
	case errors.Is(err, schedule.ErrChanged):
		return newProblem(http.StatusPreconditionFailed, "precondition_failed", "The document has changed.",
			"What is stored is not what If-Match or If-None-Match asks for. Read it again and decide.")
	case errors.Is(err, schedule.ErrHasEvidence):
		return newProblem(http.StatusConflict, "session_has_evidence", "The session cannot be deleted.",
			`Somebody has been in it, and evidence is kept. Set its status to "cancelled_by_program" instead.`)
	case errors.Is(err, schedule.ErrInUse):
		return newProblem(http.StatusConflict, "in_use", "The document cannot be deleted.",
			"Other documents rest on it. Change or delete those first.")
	case errors.Is(err, schedule.ErrTooMany):
		return newProblem(http.StatusUnprocessableEntity, "too_many", "This changes too many sessions at once.",
			"At most 10,000 documents are written together. Divide it: change the series one by one first.")
	case errors.Is(err, schedule.ErrUnderway):
		return newProblem(http.StatusConflict, "idempotency_key_underway", "This request is under way.",
			"One with the same Idempotency-Key has begun and not ended. Wait for its answer, or try again.").with("Retry-After", "1")
	case errors.Is(err, schedule.ErrOtherRequest):
		return newProblem(http.StatusUnprocessableEntity, "idempotency_key_reused", "The Idempotency-Key was used before.",
			"It belongs to another request: another address or another body. Use a new key.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // or the caller has left
		return newProblem(http.StatusServiceUnavailable, "unavailable", "The store does not answer.",
			"Nothing is wrong with the request. Try again.").with("Retry-After", "5")
	}
	return nil
}

// problemFor is the problem of err, as it is told. Only what is our fault is
// logged.
func (s *server) problemFor(r *http.Request, err error) *problem {
	p := problemOf(err)
	if p == nil {
		s.log.ErrorContext(r.Context(), "request failed", "request", requestID(r.Context()), "pattern", r.Pattern, "err", err)
		p = newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side.",
			"It has been logged under the id in instance.")
	}
	told := *p
	told.Instance = "urn:viop:request:" + requestID(r.Context())
	return &told
}

// fail answers with the problem of err.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer := s.problemFor(r, err)
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	body, err := json.Marshal(answer)
	if err != nil {
		s.log.ErrorContext(r.Context(), "marshal problem", "err", err)
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(answer.Status)
	send(w, append(body, '\n'))
}
