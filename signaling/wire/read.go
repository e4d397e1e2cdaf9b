package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	// ErrTooLarge: more than MaxFrame bytes.
	ErrTooLarge = errors.New("the frame is larger than 256 KiB")
	// ErrNotJSON: not one JSON value.
	ErrNotJSON = errors.New("the frame is not JSON")
)

// FieldError says which field is wrong and how, never what it held.
type FieldError struct {
	Field   string // "d.tiles[3].handle"; "" is the frame itself
	Problem string // completes "d.tiles[3].handle …"
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return "the frame " + e.Problem
	}
	return e.Field + " " + e.Problem
}

// UnknownTypeError: the other side speaks of something newer. It is answered,
// and nothing ends.
type UnknownTypeError struct {
	ID   string
	Type string // at most 40 bytes of it; not ours, so not for the log
}

func (e *UnknownTypeError) Error() string { return "unknown type " + strconv.Quote(e.Type) }

// List is a list that must be there: a nil one is written [], not null.
type List[T any] []T

func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode([]T(l)); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// envelope is a frame on its way in.
type envelope struct {
	T   string          `json:"t"`
	ID  string          `json:"id,omitempty" limit:"32"`
	Seq int64           `json:"seq,omitempty"`
	Ack int64           `json:"ack,omitempty"`
	D   json.RawMessage `json:"d"`
}

func openEnvelope(b []byte) (e envelope, err error) {
	if len(b) > MaxFrame {
		return e, ErrTooLarge
	}
	if !json.Valid(b) {
		return e, ErrNotJSON
	}
	err = readObject("", b, reflect.ValueOf(&e).Elem())
	return e, err
}

// readMessage makes a new message of m's type from the frame's d.
func readMessage[M any](m M, d json.RawMessage) (none M, err error) {
	v := reflect.New(reflect.TypeOf(m)).Elem()
	if err := readValue("d", d, v, limits{}); err != nil {
		return none, err
	}
	got := v.Interface()
	if c, ok := got.(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return none, err
		}
	}
	return got.(M), nil
}

// limits are the tags of a field; 0 is none.
type limits struct{ most, each int64 }

func limitsOf(f reflect.StructField) limits {
	number := func(tag string) int64 {
		n, _ := strconv.ParseInt(f.Tag.Get(tag), 10, 64)
		return n
	}
	return limits{number("limit"), number("each")}
}

// nameOf a field in JSON, and whether it may be left out.
func nameOf(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, strings.Contains(options, "omitempty")
}

// readObject fills a struct. encoding/json alone would take "Token" for
// token, null for anything, and know no limits.
//
// The fields that can be read are read even when an earlier one is wrong, so
// that an envelope with a bad number keeps its id; the first error is told.
func readObject(at string, raw json.RawMessage, v reflect.Value) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return &FieldError{at, "is not an object"}
	}
	var first error
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, optional := nameOf(f)
		err := readField(join(at, name), fields[name], v.Field(i), limitsOf(f), optional)
		if first == nil {
			first = err
		}
	}
	return first
}

func readField(at string, raw json.RawMessage, v reflect.Value, l limits, optional bool) error {
	if raw == nil {
		if optional {
			return nil
		}
		return &FieldError{at, "is missing"}
	}
	return readValue(at, raw, v, l)
}

func readValue(at string, raw json.RawMessage, v reflect.Value, l limits) error {
	if string(raw) == "null" {
		return &FieldError{at, "is null"}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return readValue(at, raw, v.Elem(), l)
	case reflect.Struct:
		return readObject(at, raw, v)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes(raw)
			return nil
		}
		return readList(at, raw, v, l)
	case reflect.String:
		return readString(at, raw, v, l)
	case reflect.Int, reflect.Int64:
		return readNumber(at, raw, v, l)
	case reflect.Bool:
		if json.Unmarshal(raw, v.Addr().Interface()) != nil {
			return &FieldError{at, "is not true or false"}
		}
		return nil
	}
	return fmt.Errorf("%s: a %s cannot be read", at, v.Kind()) // a struct of ours is wrong; every test would fail
}

func readList(at string, raw json.RawMessage, v reflect.Value, l limits) error {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return &FieldError{at, "is not a list"}
	}
	if int64(len(elements)) > l.most {
		return &FieldError{at, fmt.Sprintf("has more than %d elements", l.most)}
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, e := range elements {
		if err := readValue(fmt.Sprintf("%s[%d]", at, i), e, v.Index(i), limits{most: l.each}); err != nil {
			return err
		}
	}
	return nil
}

func readString(at string, raw json.RawMessage, v reflect.Value, l limits) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return &FieldError{at, "is not text"}
	}
	if l.most > 0 && int64(utf8.RuneCountInString(s)) > l.most {
		return &FieldError{at, fmt.Sprintf("is longer than %d characters", l.most)}
	}
	v.SetString(s)
	switch w := v.Interface().(type) {
	case Handle:
		if !w.valid() {
			v.SetString("")
			return &FieldError{at, "is not a handle (m1, m2 …)"}
		}
	case worded:
		for _, word := range w.words() {
			if s == word {
				return nil
			}
		}
		v.SetString("")
		return &FieldError{at, "is none of " + strings.Join(w.words(), ", ")}
	}
	return nil
}

// maxWhole is the largest number that JavaScript keeps exactly.
const maxWhole = 1<<53 - 1

func readNumber(at string, raw json.RawMessage, v reflect.Value, l limits) error {
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return &FieldError{at, "is not a whole number"}
	}
	most := int64(maxWhole)
	if l.most > 0 {
		most = l.most
	}
	if n < 0 || n > most {
		return &FieldError{at, fmt.Sprintf("is not in 0 … %d", most)}
	}
	v.SetInt(n)
	return nil
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// clip shortens what a stranger wrote.
func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), 40)], "")
}
