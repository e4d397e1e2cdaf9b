package attendance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// InputError is the one error of this package: what is wrong with a document,
// and where (§2).
type InputError struct {
	Pointer string // JSON pointer (RFC 6901); empty for what is not JSON
	Message string
}

// Error is "/pointer: message", always on one line.
func (e *InputError) Error() string {
	line := e.Pointer + ": " + e.Message
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }) {
		quoted := strconv.Quote(line)
		return quoted[1 : len(quoted)-1]
	}
	return line
}

// pointer joins field names and list indices into a JSON pointer.
func pointer(path ...any) string {
	var b strings.Builder
	for _, step := range path {
		fmt.Fprintf(&b, "/%s", strings.NewReplacer("~", "~0", "/", "~1").Replace(fmt.Sprint(step)))
	}
	return b.String()
}

// Decode reads a document and validates it. The error is an *InputError. The
// Case shares no memory with the document.
func Decode(document []byte) (*Case, error) {
	d := &decoder{b: document, texts: make(map[string]string)}
	c := d.document()
	if d.err == nil {
		if err := c.Validate(); err != nil {
			return nil, err
		}
		return c, nil
	}
	// What is wrong in one place may be no JSON at all in another (§2).
	if !json.Valid(document) {
		return nil, &InputError{"", "is not JSON"}
	}
	return nil, d.err
}

// decoder reads one document from front to back, once. After the first error
// every method does nothing, so callers look at err when they are done.
//
// It exists because the events of a program are tens of megabytes, because
// errors need a pointer, and because null, absent and empty differ (§2).
type decoder struct {
	b     []byte
	i     int    // next byte of b
	path  []step // to the value being read
	err   *InputError
	texts map[string]string // each text once, whatever its number of mentions
}

// step is a field, or an index where field is nil.
type step struct {
	field []byte
	index int
}

// fail records what is wrong with the value being read.
func (d *decoder) fail(message string) {
	if d.err != nil {
		return
	}
	path := make([]any, len(d.path))
	for i, s := range d.path {
		path[i] = s.index
		if s.field != nil {
			path[i] = string(s.field)
		}
	}
	d.err = &InputError{pointer(path...), message}
}

// failSyntax records that the document is not JSON.
func (d *decoder) failSyntax(message string) {
	if d.err == nil {
		d.err = &InputError{"", message}
	}
}

// peek is the next byte that is not white space, 0 at the end.
func (d *decoder) peek() byte {
	for ; d.i < len(d.b); d.i++ {
		switch c := d.b[d.i]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// accept steps over c if it comes next.
func (d *decoder) accept(c byte) bool {
	if d.err != nil || d.peek() != c {
		return false
	}
	d.i++
	return true
}

// acceptWord steps over true, false or null if it comes next.
func (d *decoder) acceptWord(word string) bool {
	if d.err != nil || d.peek() != word[0] || !bytes.HasPrefix(d.b[d.i:], []byte(word)) {
		return false
	}
	d.i += len(word)
	return true
}

// shape is the fields an object has, in the usual order.
type shape []field

type field struct {
	name string
	presence
}

type presence uint8

const (
	required presence = iota
	optional          // may be absent, null is absent
	nullable          // may be absent, null is a value
)

// find is the place of a field, -1 of one that is unknown. It looks at guess
// first: most writers keep the usual order.
func (s shape) find(key []byte, guess int) int {
	if guess < len(s) && s[guess].name == string(key) {
		return guess
	}
	for i := range s {
		if s[i].name == string(key) {
			return i
		}
	}
	return -1
}

// object yields the name of each field that has a value; the loop's body must
// read that value.
func (d *decoder) object(fields shape) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !d.accept('{') {
			d.fail("is not an object")
			return
		}
		var seen uint32
		for more, next := !d.accept('}'), 0; more; more = d.more('}') {
			i := d.fieldName(fields, next, seen)
			if d.err != nil {
				return
			}
			seen, next = seen|1<<i, i+1
			if fields[i].presence != optional || !d.acceptWord("null") {
				yield(fields[i].name)
			}
			if d.err != nil {
				return
			}
			d.path = d.path[:len(d.path)-1]
		}
		d.missing(fields, seen)
	}
}

// fieldName reads a field's name and colon and steps into it.
func (d *decoder) fieldName(fields shape, guess int, seen uint32) int {
	key := d.rawText()
	d.path = append(d.path, step{field: key})
	if !d.accept(':') {
		d.failSyntax("has a field without a value")
		return -1
	}
	i := fields.find(key, guess)
	switch {
	case i < 0:
		d.fail("is not a field of this format")
	case seen&(1<<i) != 0:
		d.fail("is given twice")
	}
	return i
}

// more reports whether another item follows, or else steps over closing.
func (d *decoder) more(closing byte) bool {
	if d.accept(',') {
		return true
	}
	if !d.accept(closing) {
		d.failSyntax("has a list or object that does not end")
	}
	return false
}

func (d *decoder) missing(fields shape, seen uint32) {
	if d.err != nil {
		return
	}
	for i, f := range fields {
		if f.presence == required && seen&(1<<i) == 0 {
			d.path = append(d.path, step{field: []byte(f.name)})
			d.fail("is required")
			return
		}
	}
}

// list reads an array; it is never nil. Capacity is a guess at its length.
func list[T any](d *decoder, capacity int, item func(*decoder) T) []T {
	if !d.accept('[') {
		d.fail("is not a list")
		return nil
	}
	items := make([]T, 0, capacity)
	for more := !d.accept(']'); more; more = d.more(']') {
		d.path = append(d.path, step{index: len(items)})
		items = append(items, item(d))
		if d.err != nil {
			return nil
		}
		d.path = d.path[:len(d.path)-1]
	}
	return items
}

// text reads a string that is not empty, as ids, names and words must be.
func (d *decoder) text() string {
	raw := d.rawText()
	if d.err == nil && len(raw) == 0 {
		d.fail("is empty")
	}
	return d.intern(raw)
}

// note reads any string.
func (d *decoder) note() string { return d.intern(d.rawText()) }

// word reads one of a fixed set of words; Validate knows which they are.
func word[T ~string](d *decoder) T { return T(d.text()) }

func (d *decoder) intern(raw []byte) string {
	if text, ok := d.texts[string(raw)]; ok {
		return text
	}
	text := string(raw)
	d.texts[text] = text
	return text
}

func (d *decoder) instant() Instant {
	raw := d.rawText()
	if d.err != nil {
		return 0
	}
	t, err := parseInstant(raw)
	if err != nil {
		d.fail(err.Error())
	}
	return t
}

func (d *decoder) date() Date {
	date, ok := parseCivil(d.rawText())
	if !ok {
		d.fail("is not a date such as 2026-11-02")
	}
	return date
}

func (d *decoder) bool() bool {
	if d.acceptWord("true") {
		return true
	}
	if !d.acceptWord("false") {
		d.fail("is neither true nor false")
	}
	return false
}

// int reads an integer; Validate knows its range.
func (d *decoder) int() int {
	d.peek()
	from := d.i
	for d.i < len(d.b) && strings.IndexByte("+-.0123456789Ee", d.b[d.i]) >= 0 {
		d.i++
	}
	literal := string(d.b[from:d.i])
	n, err := strconv.ParseInt(literal, 10, 32)
	switch {
	case err != nil:
		d.fail("is not an integer from 0 to 2147483647")
	case literal != strconv.FormatInt(n, 10) && literal != "-0":
		d.failSyntax("has a number with a leading zero or plus")
	}
	return int(n)
}

// rawText reads a string. The bytes may be those of the document.
func (d *decoder) rawText() []byte {
	if !d.accept('"') {
		d.fail("is not a string")
		return nil
	}
	from, ascii := d.i, true
	for ; d.i < len(d.b); d.i++ {
		switch c := d.b[d.i]; {
		case c == '"':
			raw := d.b[from:d.i]
			d.i++
			if !ascii && !utf8.Valid(raw) {
				d.failSyntax("is not UTF-8")
			}
			return raw
		case c == '\\':
			return d.escapedText(from)
		case c < ' ':
			d.failSyntax("has a control character in a string")
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	d.failSyntax("ends within a string")
	return nil
}

// escapedText reads on at the first backslash of a string.
func (d *decoder) escapedText(from int) []byte {
	for ; d.i < len(d.b) && d.b[d.i] != '"'; d.i++ {
		if d.b[d.i] == '\\' {
			d.i++
		}
	}
	if d.i >= len(d.b) {
		d.failSyntax("ends within a string")
		return nil
	}
	d.i++
	literal := d.b[from-1 : d.i]
	var text string
	switch {
	case !utf8.Valid(literal) || json.Unmarshal(literal, &text) != nil:
		d.failSyntax("has a string that is not JSON")
	case loneSurrogate(literal):
		d.fail("has half a character: a surrogate without its pair")
	}
	return []byte(text)
}

// loneSurrogate reports whether a valid string literal escapes a surrogate
// that is not one of a pair: no Unicode code point, so no text (§1).
func loneSurrogate(literal []byte) bool {
	pending := false // a high surrogate ended where we are
	for i := 0; i < len(literal); {
		unit, size := escapedUnit(literal[i:])
		low := 0xDC00 <= unit && unit < 0xE000
		if low != pending {
			return true
		}
		pending = 0xD800 <= unit && unit < 0xDC00
		i += size
	}
	return false
}

// escapedUnit is the UTF-16 unit of a \u escape at the front of b, or 0 of
// anything else, and the bytes it takes.
func escapedUnit(b []byte) (unit uint64, size int) {
	if b[0] != '\\' {
		return 0, 1
	}
	if b[1] != 'u' {
		return 0, 2
	}
	unit, _ = strconv.ParseUint(string(b[2:6]), 16, 16)
	return unit, 6
}
