package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// maxItems is the most documents of one call; an import takes more, and all or
// nothing.
const maxItems = 200

// bulkItem is one write of many, as the call for it alone would be.
type bulkItem struct {
	Method string        `json:"method"` // PUT or DELETE
	Type   schedule.Kind `json:"type"`
	ID     string        `json:"id"` // of an excuse: <session>/<person>
	// IfMatch and IfNoneMatch are those of the headers.
	IfMatch     string          `json:"if_match,omitempty"`
	IfNoneMatch string          `json:"if_none_match,omitempty"`
	Rewrite     bool            `json:"rewrite,omitempty"`
	Document    json.RawMessage `json:"document,omitempty"`
}

// bulkResult is what became of it.
type bulkResult struct {
	Type     schedule.Kind `json:"type"`
	ID       string        `json:"id"`
	Status   int           `json:"status"`
	ETag     string        `json:"etag,omitempty"`
	Document any           `json:"document,omitempty"` // as PUT answers
	Problem  *problem      `json:"problem,omitempty"`
}

// kinds are the documents by what /v1/bulk calls them.
func (s *server) kinds() map[schedule.Kind]writable {
	return map[schedule.Kind]writable{
		schedule.KindSession: s.sessions(), schedule.KindPerson: s.people(), schedule.KindProgram: s.programs(),
		schedule.KindCohort: s.cohorts(), schedule.KindSeries: s.series(), schedule.KindEnrollment: s.enrollments(),
		schedule.KindAuthorization: s.authorizations(), schedule.KindExcuse: s.excuses(),
	}
}

// bulk writes documents one after the other. Each succeeds or fails by itself,
// and later ones see what earlier ones did.
func (s *server) bulk(w http.ResponseWriter, r *request) error {
	body, err := readUpTo(w, r, maxBulk)
	if err != nil {
		return err
	}
	var items []bulkItem
	if err := form.Read(body, &items); err != nil {
		return err
	}
	if len(items) == 0 || len(items) > maxItems {
		return invalid(form.Problems{{Pointer: "", Detail: "This must be a list of 1 to 200 items."}})
	}
	kinds := s.kinds()
	results := make([]bulkResult, len(items))
	for i, item := range items {
		results[i] = s.bulkOne(r, kinds, item)
	}
	return reply(w, http.StatusOK, map[string]any{"results": results})
}

func (s *server) bulkOne(r *request, kinds map[schedule.Kind]writable, item bulkItem) bulkResult {
	result := bulkResult{Type: item.Type, ID: item.ID}
	done, err := s.bulkWrite(r, kinds, item)
	if err != nil {
		result.Problem = s.problemFor(r.Request, err)
		result.Status = result.Problem.Status
		return result
	}
	result.Status, result.Document = done.status, done.answer
	if done.tag != "" {
		result.ETag = quoted(done.tag)
	}
	return result
}

func (s *server) bulkWrite(r *request, kinds map[schedule.Kind]writable, item bulkItem) (outcome, error) {
	ctx := r.Context()
	if ctx.Err() != nil {
		return outcome{}, ctx.Err() // the call has had its time: this one was not begun
	}
	d, known := kinds[item.Type]
	if !known {
		return outcome{}, invalid(form.Problems{{Pointer: "/type", Detail: "There is no such type of document."}})
	}
	if !r.grant.Has(d.scope()) {
		return outcome{}, insufficientScope(d.scope())
	}
	if !validName(item) {
		return outcome{}, invalid(form.Problems{{Pointer: "/id", Detail: "An id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : and -; that of an excuse is <session>/<person>."}})
	}
	condition, err := conditionOf(http.Header{"If-Match": listed(item.IfMatch), "If-None-Match": listed(item.IfNoneMatch)})
	if err != nil {
		return outcome{}, err
	}
	switch item.Method {
	case http.MethodPut:
		return d.store(ctx, item.ID, item.Document, condition, options{rewrite: item.Rewrite})
	case http.MethodDelete:
		return bulkDelete(ctx, d, item, condition)
	}
	return outcome{}, invalid(form.Problems{{Pointer: "/method", Detail: "This must be PUT or DELETE."}})
}

func bulkDelete(ctx context.Context, d writable, item bulkItem, c schedule.Condition) (outcome, error) {
	if item.Document != nil {
		return outcome{}, invalid(form.Problems{{Pointer: "/document", Detail: "What is deleted has no document."}})
	}
	return d.remove(ctx, item.ID, c)
}

// validName wants one id, or two for an excuse.
func validName(item bulkItem) bool {
	parts := strings.Split(item.ID, "/")
	want := 1
	if item.Type == schedule.KindExcuse {
		want = 2
	}
	return len(parts) == want && !slices.ContainsFunc(parts, func(id string) bool { return !schedule.ValidID(id) })
}

// listed is a header with one line, or none.
func listed(line string) []string {
	if line == "" {
		return nil
	}
	return []string{line}
}
