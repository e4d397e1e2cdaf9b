// Package form reads a JSON text into a Go value and says everything that is
// wrong with it, not only the first thing: whoever fills in a form wants one
// list, with the place of each mistake as a JSON pointer (RFC 6901).
//
// The Go value is the form. A field is required unless its tag says omitempty
// or omitzero, or the value has something there already, which is then the
// default. An optional field may be null. A field that the type does not have,
// or that comes twice, is a mistake; names are compared exactly, unlike in
// encoding/json. What a field may say is its owner's to check, with
// Problems.Add.
package form

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Most is how many problems are listed; more help nobody.
const Most = 20

// Problem is one thing wrong, as in the `errors` of a problem document
// (RFC 9457 §3). Detail is a sentence for people and never repeats what was
// written there: it may be about a patient.
type Problem struct {
	Pointer string `json:"pointer"` // RFC 6901; "" is the whole document
	Detail  string `json:"detail"`
}

// Problems is an error that lists at most Most of them.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Pointer + ": " + one.Detail
	}
	return strings.Join(lines, "; ")
}

// Add appends a problem unless the list is full.
func (p *Problems) Add(pointer, format string, args ...any) {
	if len(*p) < Most {
		*p = append(*p, Problem{pointer, fmt.Sprintf(format, args...)})
	}
}

// Err is p, or nil when nothing is wrong.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// ErrSyntax says that the text is not JSON at all.
type ErrSyntax struct{ Offset int64 }

func (e *ErrSyntax) Error() string {
	return "This is not one JSON value; it goes wrong at byte " + strconv.FormatInt(e.Offset, 10) + "."
}

// Read fills v, a pointer, from text. Its error is *ErrSyntax or Problems, and
// v is then unchanged.
func Read(text []byte, v any) error {
	if err := syntax(text); err != nil {
		return err
	}
	var problems Problems
	problems.value("", text, reflect.ValueOf(v).Elem())
	if len(problems) > 0 {
		return problems
	}
	if err := json.Unmarshal(text, v); err != nil {
		return Problems{{"", "This cannot be read: a value does not fit its field."}}
	}
	return nil
}

func syntax(text []byte) error {
	if !utf8.Valid(text) {
		return &ErrSyntax{}
	}
	var whole json.RawMessage
	err := json.Unmarshal(text, &whole)
	if err == nil {
		return nil
	}
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &ErrSyntax{at.Offset}
	}
	return &ErrSyntax{int64(len(text))}
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value looks at one value of the document, which is valid JSON. v is what the
// form holds in that place.
func (p *Problems) value(at string, raw json.RawMessage, v reflect.Value) {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		v = reflect.Zero(t)
	}
	own := reflect.PointerTo(t)
	switch {
	case isNull(raw):
		p.Add(at, "This must not be null.")
	case t == timeType:
		p.time(at, raw)
	case own.Implements(unmarshaler), own.Implements(textUnmarshaler):
		p.scalar(at, raw, t)
	case t.Kind() == reflect.Struct:
		p.object(at, raw, v)
	case t.Kind() == reflect.Slice:
		p.array(at, raw, t.Elem())
	default:
		p.scalar(at, raw, t)
	}
}

// scalar asks the type itself. The error of a type that reads itself is told,
// as long as it is not encoding/json's about Go types.
func (p *Problems) scalar(at string, raw json.RawMessage, t reflect.Type) {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	if err == nil {
		return
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p.Add(at, "This must be %s.", words(kind.Type))
		return
	}
	p.Add(at, "This is not valid: it %s.", strings.TrimSuffix(err.Error(), "."))
}

// time takes RFC 3339 with an offset, as the schedule needs it.
func (p *Problems) time(at string, raw json.RawMessage) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		p.Add(at, "This must be a time in quotes, such as 2026-11-02T18:00:00-06:00.")
		return
	}
	if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
		p.Add(at, "This must be a time with its offset (RFC 3339), such as 2026-11-02T18:00:00-06:00.")
	}
}

func (p *Problems) array(at string, raw json.RawMessage, t reflect.Type) {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		p.Add(at, "This must be a list.")
		return
	}
	for i, element := range elements {
		if len(*p) == Most {
			return
		}
		p.value(at+"/"+strconv.Itoa(i), element, reflect.Zero(t))
	}
}

func (p *Problems) object(at string, raw json.RawMessage, v reflect.Value) {
	members, ok := membersOf(raw)
	if !ok {
		p.Add(at, "This must be an object.")
		return
	}
	known := fieldsOf(v)
	var seen []string
	for _, m := range members {
		place := at + "/" + escape(m.name)
		i := slices.IndexFunc(known, func(f field) bool { return f.name == m.name })
		switch {
		case slices.Contains(seen, m.name):
			p.Add(place, "This field comes twice.")
		case i < 0:
			p.Add(place, "There is no such field here.")
		case known[i].optional && isNull(m.value):
		default:
			p.value(place, m.value, known[i].holds)
		}
		seen = append(seen, m.name)
	}
	for _, f := range known {
		if !f.optional && !slices.Contains(seen, f.name) {
			p.Add(at+"/"+f.name, "This field is required.")
		}
	}
}

type member struct {
	name  string
	value json.RawMessage
}

// membersOf an object, in the document's order. Maps would hide duplicates.
func membersOf(raw json.RawMessage) ([]member, bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		m := member{}
		m.name, _ = name.(string) // a member's name is a string, always
		if decoder.Decode(&m.value) != nil {
			return nil, false
		}
		members = append(members, m)
	}
	return members, true
}

type field struct {
	name     string
	optional bool
	holds    reflect.Value
}

// fieldsOf a struct as encoding/json sees them; those of embedded structs
// belong to it.
func fieldsOf(v reflect.Value) []field {
	var fields []field
	for f, holds := range v.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			fields = append(fields, fieldsOf(holds)...)
		case !f.IsExported() || tag == "-":
		default:
			optional := strings.Contains(options, "omit") || !holds.IsZero()
			fields = append(fields, field{tag, optional, holds})
		}
	}
	return fields
}

func words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Map:
		return "an object of the right kind"
	}
	return "of another type"
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// escape writes a member's name as a reference token (RFC 6901 §3). A long one
// is cut: it is somebody's mistake, not a place we know.
func escape(name string) string {
	if len(name) > 64 {
		name = strings.ToValidUTF8(name[:64], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
