package schedule

import (
	"errors"
	"slices"
)

// What a store of these documents may answer besides its own failures.
var (
	ErrNotFound = errors.New("there is no such document")
	// ErrChanged: the Condition of a write does not hold.
	ErrChanged = errors.New("the document is not the one the writer has seen")
	// ErrHasEvidence: somebody has been in the session, so it may be cancelled
	// and changed, but never deleted.
	ErrHasEvidence = errors.New("the session has evidence")
	// ErrInUse: other documents rest on this one, so it is not deleted.
	ErrInUse = errors.New("other documents rest on this one")
	// ErrTooMany: more documents than are written at once.
	ErrTooMany = errors.New("too many documents at once")
	// ErrUnderway: a request with this key has begun and not ended.
	ErrUnderway = errors.New("a request with this key is under way")
	// ErrOtherRequest: the key was another request's.
	ErrOtherRequest = errors.New("the key was used for another request")
)

// Tag names one version of a stored document (an ETag without its quotes). It
// is the store's to choose: opaque, and not made from what the document says,
// or a guessed name could be checked against it. "" is no document.
type Tag string

// Stored is a document as it is kept.
type Stored struct {
	Document Document
	Tag      Tag
}

// Condition is what must be true of the stored document for a write to happen
// (RFC 9110 §13.1). The zero Condition always holds.
type Condition struct {
	Tags   []Tag // If-Match: one of these is stored
	Exists bool  // If-Match: *
	Absent bool  // If-None-Match: *
}

// Check returns ErrChanged unless the condition holds for what is stored. Store
// and writer agree only if nothing can come between Check and the write.
func (c Condition) Check(stored Tag) error {
	switch {
	case c.Absent && stored != "",
		c.Exists && stored == "",
		len(c.Tags) > 0 && (stored == "" || !slices.Contains(c.Tags, stored)):
		return ErrChanged
	}
	return nil
}
