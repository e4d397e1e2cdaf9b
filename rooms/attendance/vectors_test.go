package attendance_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/attendance"
)

// vector is a worked case of the contract: an input with its answer, or with
// the place of its error.
type vector struct {
	Name      string          `json:"name"`
	Why       string          `json:"why"`
	Input     json.RawMessage `json:"input"`
	Want      any             `json:"want"`
	WantError *string         `json:"want_error"`
}

// vectors are those of testdata, which are never edited.
func vectors(t testing.TB) []vector {
	t.Helper()
	paths, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("vectors: %v, %d files", err, len(paths))
	}
	all := make([]vector, len(paths))
	for i, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &all[i]); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return all
}

// values is a result as JSON values.
func values(t testing.TB, r *attendance.Result) any {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatalf("marshal the result: %v", err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("unmarshal the result: %v", err)
	}
	return v
}

func mustDecode(t testing.TB, document []byte) *attendance.Case {
	t.Helper()
	c, err := attendance.Decode(document)
	if err != nil {
		t.Fatalf("Decode = %v", err)
	}
	return c
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if v.WantError != nil {
				wantInputError(t, string(v.Input), *v.WantError)
				return
			}
			if diff := cmp.Diff(v.Want, values(t, attendance.Evaluate(mustDecode(t, v.Input)))); diff != "" {
				t.Errorf("%s\n-want +got\n%s", v.Why, diff)
			}
		})
	}
}

// wantInputError checks that a document is refused with an error at pointer.
func wantInputError(t *testing.T, document, pointer string) {
	t.Helper()
	_, err := attendance.Decode([]byte(document))
	var bad *attendance.InputError
	if !errors.As(err, &bad) {
		t.Fatalf("Decode = %v, want an *InputError at %s", err, pointer)
	}
	if bad.Pointer != pointer {
		t.Errorf("Decode = %v, want the error at %q", err, pointer)
	}
	if bad.Message == "" || strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("Error() = %q, want a message on one line", err)
	}
}
