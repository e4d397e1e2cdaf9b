package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// maxBody holds the largest session there can be several times over.
const maxBody = 64 << 10

// document is a kind of thing that is read and written whole, under an id of
// the writer's choice, with ETags against lost updates (RFC 9110 §13).
type document[T any, ID ~string] struct {
	noun string
	read func([]byte) (T, error)
	id   func(*T) *ID
	get  func(context.Context, ID) (T, schedule.Tag, error)
	put  func(context.Context, T, schedule.Condition) (schedule.Tag, bool, error)
	// check may ask the store, and narrows the condition to what it has seen.
	check func(context.Context, T, *schedule.Condition) error
	// answer is what a write is answered with: the value, and warnings.
	answer func(context.Context, T) (any, error)
}

func (d document[T, ID]) serveGet(w http.ResponseWriter, r *request) error {
	value, tag, err := d.get(r.Context(), ID(r.PathValue("id")))
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound(d.noun)
	}
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quoted(tag))
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return reply(w, http.StatusOK, value)
}

func (d document[T, ID]) servePut(w http.ResponseWriter, r *request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	value, err := d.read(body)
	if err != nil {
		return err
	}
	id := ID(r.PathValue("id"))
	own := d.id(&value)
	if *own != "" && *own != id {
		return invalid(form.Problems{{Pointer: "/id", Detail: "The id is not the one in the address. It may be left out."}})
	}
	*own = id
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	if err := d.check(r.Context(), value, &condition); err != nil {
		return err
	}
	// Before the write: when it fails, nothing has been done.
	answer, err := d.answer(r.Context(), value)
	if err != nil {
		return err
	}
	tag, created, err := d.put(r.Context(), value, condition)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quoted(tag))
	if created {
		return reply(w, http.StatusCreated, answer)
	}
	return reply(w, http.StatusOK, answer)
}

// readBody wants JSON, and not too much of it.
func readBody(w http.ResponseWriter, r *request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "This is not JSON.",
			"Send the document with Content-Type: application/json.").with("Accept", "application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, err
	}
	if err != nil {
		return nil, malformed("The body ended before it was complete.")
	}
	return body, nil
}

func reply(w http.ResponseWriter, status int, value any) error {
	body, err := marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	send(w, body)
	return nil
}

func marshal(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // this is no page: nosniff, and a type of its own
	err := encoder.Encode(value)
	return body.Bytes(), err
}

func quoted(tag schedule.Tag) string { return `"` + string(tag) + `"` }

// matches reports whether an If-None-Match lists the tag; weakly, as for
// reading (RFC 9110 §13.1.2).
func matches(header []string, tag schedule.Tag) bool {
	for _, one := range listOf(header) {
		if one == "*" || strings.TrimPrefix(one, "W/") == quoted(tag) {
			return true
		}
	}
	return false
}

// conditionOf the headers of a write. Comparison is strong (RFC 9110 §13.1.1),
// so a weak tag matches nothing, and a header that makes no sense is refused
// rather than ignored: whoever sent it wanted protection.
func conditionOf(h http.Header) (schedule.Condition, error) {
	var c schedule.Condition
	for _, one := range listOf(h.Values("If-Match")) {
		switch {
		case one == "*":
			c.Exists = true
		case isTag(one):
			c.Tags = append(c.Tags, schedule.Tag(strings.Trim(one, `"`)))
		default:
			return c, malformed(`If-Match lists tags in quotes, as they came in ETag, or is *.`)
		}
	}
	switch none := listOf(h.Values("If-None-Match")); {
	case len(none) == 0:
	case len(none) == 1 && none[0] == "*":
		c.Absent = true
	default:
		return c, malformed("If-None-Match of a write is *: the document must not exist yet.")
	}
	return c, nil
}

func isTag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	return len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' && !strings.Contains(s[1:len(s)-1], `"`)
}

// listOf splits a header that is a list. Our tags hold no commas.
func listOf(header []string) []string {
	var list []string
	for _, line := range header {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one != "" {
				list = append(list, one)
			}
		}
	}
	return list
}
