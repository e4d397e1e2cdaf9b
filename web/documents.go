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

	"viop/auth"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// Limits of a body: a document is the largest there can be several times over.
const (
	maxBody = 64 << 10
	maxBulk = 1 << 20
)

// document is a kind of thing that is read and written whole, under an id of
// the writer's choice, with ETags against lost updates (RFC 9110 §13).
type document[T any] struct {
	noun string
	puts auth.Scope // of writing
	read func([]byte) (T, error)
	// bind gives the document the id of the address. It returns the field in
	// which the document says another one.
	bind func(*T, string) (field string)
	get  func(context.Context, string) (T, schedule.Tag, error)
	put  func(context.Context, T, schedule.Condition, options) (outcome, error)
	drop func(context.Context, T, schedule.Condition) (outcome, error)
}

// options of a write.
type options struct {
	rewrite bool // series: also what has begun or has evidence
}

// outcome of a call about one document.
type outcome struct {
	status int
	tag    schedule.Tag
	answer any // nil: no content
}

func (d document[T]) serveGet(w http.ResponseWriter, r *request) error {
	value, tag, err := d.get(r.Context(), nameIn(r))
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

func (d document[T]) servePut(w http.ResponseWriter, r *request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	opts, err := optionsOf(r)
	if err != nil {
		return err
	}
	done, err := d.store(r.Context(), nameIn(r), body, condition, opts)
	return done.reply(w, err)
}

func (d document[T]) serveDelete(w http.ResponseWriter, r *request) error {
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	done, err := d.remove(r.Context(), nameIn(r), condition)
	return done.reply(w, err)
}

func (o outcome) reply(w http.ResponseWriter, err error) error {
	if err != nil {
		return err
	}
	if o.tag != "" {
		w.Header().Set("ETag", quoted(o.tag))
	}
	if o.answer == nil {
		w.WriteHeader(o.status)
		return nil
	}
	return reply(w, o.status, o.answer)
}

// nameIn the address: what /v1/bulk has as `id`.
func nameIn(r *request) string {
	if person := r.PathValue("person"); person != "" {
		return r.PathValue("id") + "/" + person
	}
	return r.PathValue("id")
}

func optionsOf(r *request) (o options, err error) {
	switch r.URL.Query().Get("rewrite") {
	case "", "false":
	case "true":
		o.rewrite = true
	default:
		err = badQuery("rewrite", "This must be true or false.")
	}
	return o, err
}

// writable is a document of any type.
type writable interface {
	scope() auth.Scope // of writing
	store(ctx context.Context, id string, body []byte, c schedule.Condition, o options) (outcome, error)
	remove(ctx context.Context, id string, c schedule.Condition) (outcome, error)
}

func (d document[T]) scope() auth.Scope { return d.puts }

// store writes a document under an id.
func (d document[T]) store(ctx context.Context, id string, body []byte, c schedule.Condition, o options) (outcome, error) {
	value, err := d.read(body)
	if err != nil {
		return outcome{}, err
	}
	if field := d.bind(&value, id); field != "" {
		return outcome{}, invalid(form.Problems{{Pointer: field, Detail: "This is not what the address says. It may be left out."}})
	}
	return d.put(ctx, value, c, o)
}

// remove takes a document away.
func (d document[T]) remove(ctx context.Context, id string, c schedule.Condition) (outcome, error) {
	var value T
	d.bind(&value, id)
	done, err := d.drop(ctx, value, c)
	if errors.Is(err, schedule.ErrNotFound) {
		return outcome{}, notFound(d.noun)
	}
	return done, err
}

// plan is what a write is answered with, and what is written along with it. To
// make one is to ask the store, and to narrow the condition to what was seen.
type plan struct {
	answer any
	also   []schedule.Write
}

// planning is how documents of the schedule are put.
func planning[T schedule.Document](s *server, look func(context.Context, T, *schedule.Condition, options) (plan, error)) func(context.Context, T, schedule.Condition, options) (outcome, error) {
	return func(ctx context.Context, v T, c schedule.Condition, o options) (outcome, error) {
		if err := v.Check(); err != nil { // once more: the id is of the address
			return outcome{}, err
		}
		return planned(ctx, s.Store, schedule.Write{Document: v, If: c}, func(c *schedule.Condition) (plan, error) {
			return look(ctx, v, c, o)
		})
	}
}

// dropping is how those are taken away on which nothing hangs.
func dropping[T schedule.Document](s *server) func(context.Context, T, schedule.Condition) (outcome, error) {
	return func(ctx context.Context, v T, c schedule.Condition) (outcome, error) {
		return planned(ctx, s.Store, schedule.Write{Document: v, Delete: true, If: c}, func(*schedule.Condition) (plan, error) {
			return plan{}, nil
		})
	}
}

// planned writes a document with what goes along with it. When that has changed
// since it was looked at, it is looked at again.
func planned(ctx context.Context, to Store, w schedule.Write, look func(*schedule.Condition) (plan, error)) (outcome, error) {
	const tries = 5
	var last error
	for range tries {
		own := w
		p, err := look(&own.If)
		if err != nil {
			return outcome{}, err
		}
		// The answer is known before the write: when it fails, nothing has been done.
		written, err := to.PutAll(ctx, append([]schedule.Write{own}, p.also...))
		if broken, ok := errors.AsType[*schedule.BatchError](err); ok && broken.Index > 0 {
			last = err
			continue
		}
		if err != nil {
			return outcome{}, err
		}
		return outcomeOf(w, written[0], p.answer), nil
	}
	return outcome{}, last
}

func outcomeOf(w schedule.Write, done schedule.Written, answer any) outcome {
	switch {
	case w.Delete && answer == nil:
		return outcome{status: http.StatusNoContent}
	case done.Created:
		return outcome{http.StatusCreated, done.Tag, answer}
	}
	return outcome{http.StatusOK, done.Tag, answer}
}

// bound gives a document the id of the address, unless it says another.
func bound[ID ~string](own *ID, id string) bool {
	if *own != "" && string(*own) != id {
		return false
	}
	*own = ID(id)
	return true
}

// bindTo is bind for documents with one id, in a field.
func bindTo[T any, ID ~string](field string, own func(*T) *ID) func(*T, string) string {
	return func(v *T, id string) string {
		if bound(own(v), id) {
			return ""
		}
		return field
	}
}

// readBody wants JSON, and not too much of it.
func readBody(w http.ResponseWriter, r *request) ([]byte, error) { return readUpTo(w, r, maxBody) }

func readUpTo(w http.ResponseWriter, r *request, most int64) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "This is not JSON.",
			"Send the document with Content-Type: application/json.").with("Accept", "application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
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
