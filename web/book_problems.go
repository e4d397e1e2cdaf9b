package web

import (
	"errors"
	"net/http"

	"viop/rooms/records"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// missing says what an address names that is not there.
func missing(err error, what string) error {
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound(what)
	}
	return err
}

// bookProblem is what records.Books refuses; nil when it is something else.
func bookProblem(err error) *problem {
	if field, ok := errors.AsType[*records.Invalid](err); ok {
		return invalid(form.Problems{{Pointer: field.Pointer, Detail: "This " + field.Message + "."}})
	}
	if now, ok := errors.AsType[*records.Conflict](err); ok {
		p := newProblem(http.StatusConflict, "not_current", "This is not what the records say now.",
			"What was to be signed has changed since it was read. Read the records again; current is what can be signed.")
		p.Current = &signatureOrder{now.Version, now.Hash, now.Head}
		return p
	}
	conflict := func(word, title, detail string) *problem { return newProblem(http.StatusConflict, word, title, detail) }
	switch {
	case errors.Is(err, records.ErrNothingChanges):
		return conflict("nothing_changes", "The correction would change nothing.",
			"Every record would say what it says now, so nothing was written.")
	case errors.Is(err, records.ErrIDTaken):
		return conflict("id_taken", "Another correction has this id.", "Leave the id out, or choose another one.")
	case errors.Is(err, records.ErrSuperseded):
		return conflict("superseded", "The correction is superseded already.",
			"Another one has taken its place. Read the corrections again, and supersede that one.")
	case errors.Is(err, records.ErrNotOver):
		return conflict("not_over", "The session is not over.", "Records are signed when nothing is added to them any more.")
	case errors.Is(err, records.ErrOccupied):
		return conflict("occupied", "People are still in the room.", "Records are signed when the room is empty or has been closed.")
	case errors.Is(err, records.ErrNotStaff):
		return newProblem(http.StatusForbidden, "not_staff", "The token's subject may not do this.",
			"Corrections are made by facilitators and observers, and signed for by a facilitator who was expected in the session or came.")
	case errors.Is(err, records.ErrMoved):
		return newProblem(http.StatusServiceUnavailable, "unavailable", "Others are writing at the same time.",
			"Nothing was written, and nothing is wrong with the request. Try again.").with("Retry-After", "1")
	}
	return nil
}
