package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/schedule/form"
)

// colour reads itself.
type colour string

func (c *colour) UnmarshalText(text []byte) error {
	if string(text) == "mauve" {
		return errors.New("is not a colour")
	}
	*c = colour(text)
	return nil
}

type inner struct {
	Deep int `json:"deep"`
}

type outer struct {
	Name   string    `json:"name"`
	Count  int       `json:"count"` // the form has a default here
	Flag   *bool     `json:"flag,omitempty"`
	When   time.Time `json:"when,omitzero"`
	List   []inner   `json:"list,omitempty"`
	Colour colour    `json:"colour,omitempty"`
	_      int       // not a field of the form
	inner
	Skipped int `json:"-"`
}

func TestRead(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"the least", `{"name": "a", "deep": 1}`, ""},
		{"everything", `{"name": "a", "count": 3, "flag": true, "when": "2026-11-02T18:00:00Z", "list": [{"deep": 1}], "colour": "red", "deep": 1}`, ""},
		{"optional fields may be null", `{"name": "a", "count": null, "flag": null, "when": null, "list": null, "colour": null, "deep": 1}`, ""},
		{"required fields may not", `{"name": null, "deep": null}`, "/name: This must not be null. /deep: This must not be null."},
		{"all that is missing", `{}`, "/name: This field is required. /deep: This field is required."},
		{"unknown, and only by another case", `{"NAME": "a", "name": "a", "deep": 1}`, "/NAME: There is no such field here."},
		{"unexported and skipped fields are not there", `{"name": "a", "deep": 1, "_": 1, "Skipped": 1, "-": 1}`,
			"/_: There is no such field here. /Skipped: There is no such field here. /-: There is no such field here."},
		{"twice", `{"name": "a", "name": "b", "deep": 1}`, "/name: This field comes twice."},
		{"in lists", `{"name": "a", "deep": 1, "list": [{"deep": 1}, {"deep": "x"}, 3, {}]}`,
			"/list/1/deep: This must be a whole number. /list/2: This must be an object. /list/3/deep: This field is required."},
		{"no fractions", `{"name": "a", "deep": 1.5}`, "/deep: This must be a whole number."},
		{"types", `{"name": 1, "count": "3", "flag": 0, "when": 5, "list": {}, "deep": true}`,
			"/name: This must be a text in quotes. /count: This must be a whole number. /flag: This must be true or false. " +
				"/when: This must be a time in quotes, such as 2026-11-02T18:00:00-06:00. /list: This must be a list. /deep: This must be a whole number."},
		{"a time without an offset", `{"name": "a", "deep": 1, "when": "2026-11-02T18:00:00"}`,
			"/when: This must be a time with its offset (RFC 3339), such as 2026-11-02T18:00:00-06:00."},
		{"what a type says of itself", `{"name": "a", "deep": 1, "colour": "mauve"}`, "/colour: This is not valid: it is not a colour."},
		{"pointers are escaped", `{"name": "a", "deep": 1, "a/b~c": 1}`, "/a~1b~0c: There is no such field here."},
		{"not an object", `"name"`, ": This must be an object."},
		{"null", `null`, ": This must not be null."},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := outer{Count: 7}
			err := form.Read([]byte(test.text), &got)
			if said := sentences(err); said != test.want {
				t.Errorf("Read(%s) = %q\nwant %q", test.text, said, test.want)
			}
			if err != nil && !cmp.Equal(got, outer{Count: 7}, cmp.AllowUnexported(outer{})) {
				t.Errorf("Read(%s) left %+v, want it unchanged", test.text, got)
			}
		})
	}
}

func sentences(err error) string {
	problems, ok := errors.AsType[form.Problems](err)
	if err != nil && !ok {
		return err.Error()
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Pointer+": "+p.Detail)
	}
	return strings.Join(lines, " ")
}

func TestReadKeepsDefaults(t *testing.T) {
	got := outer{Count: 7}
	if err := form.Read([]byte(`{"name": "a", "deep": 2}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Count != 7 || got.Name != "a" || got.Deep != 2 {
		t.Errorf("got %+v, want the default 7 beside what was read", got)
	}
}

func TestSyntax(t *testing.T) {
	for _, text := range []string{"", " ", "{", `{"a": }`, "{} {}", "{\"name\": \"\xff\"}", strings.Repeat("[", 20_000)} {
		err := form.Read([]byte(text), &outer{})
		if _, ok := errors.AsType[*form.ErrSyntax](err); !ok {
			t.Errorf("Read(%.20q) = %v, want ErrSyntax", text, err)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, `"x%d": 1, `, i)
	}
	err := form.Read([]byte("{"+text.String()+`"list": [1`+strings.Repeat(",1", 100)+"]}"), &outer{})
	if problems, _ := errors.AsType[form.Problems](err); len(problems) != form.Most {
		t.Errorf("%d problems, want %d", len(problems), form.Most)
	}
}

// Whatever the text, Read neither fails otherwise than it says nor accepts
// what encoding/json would not.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"a","deep":1}`, `{"list":[{"deep":1}],"flag":null}`, `[1]`, `{"when":"2026-11-02T18:00:00Z"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := outer{Count: 7}
		err := form.Read(text, &got)
		if err == nil {
			if !json.Valid(text) {
				t.Errorf("Read(%q) accepted what is not JSON", text)
			}
			return
		}
		problems, isProblems := errors.AsType[form.Problems](err)
		_, isSyntax := errors.AsType[*form.ErrSyntax](err)
		if !isSyntax && (!isProblems || len(problems) == 0 || len(problems) > form.Most) {
			t.Errorf("Read(%q) = %#v, want ErrSyntax or 1 to %d Problems", text, err, form.Most)
		}
	})
}
