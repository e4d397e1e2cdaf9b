package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func eachFile(t *testing.T, pattern string, f func(t *testing.T, b []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f(t, b)
		})
	}
}

// sameJSON compares the documents, unless the file has fields we do not know.
func sameJSON(t *testing.T, want, got []byte) {
	t.Helper()
	if strings.HasSuffix(t.Name(), "-unknown-fields") {
		return
	}
	var w, g any
	if err := errors.Join(json.Unmarshal(want, &w), json.Unmarshal(got, &g)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("written again it differs (-file +written):\n%s", d)
	}
}

func TestCorpus(t *testing.T) {
	s := compileSchemas(t)
	seen := coverage{}
	eachFile(t, "client-*.json", func(t *testing.T, b []byte) {
		if err := valid(s.client, b); err != nil {
			t.Errorf("by the schema: %v", err)
		}
		f, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := AppendClient(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, b, again)
		seen.add(f.Msg.Type(), reflect.ValueOf(f.Msg))
	})
	eachFile(t, "server-*.json", func(t *testing.T, b []byte) {
		if err := valid(s.server, b); err != nil {
			t.Errorf("by the schema: %v", err)
		}
		f, err := DecodeServer(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Append(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, b, again)
		seen.add(f.Msg.Type(), reflect.ValueOf(f.Msg))
	})
	for _, m := range clientMessages() {
		seen.check(t, m.Type(), reflect.TypeOf(m))
	}
	for _, m := range serverMessages() {
		seen.check(t, m.Type(), reflect.TypeOf(m))
	}
}

// coverage counts what the corpus holds: messages, optional fields present and
// absent, and words.
type coverage map[string]bool

func (c coverage) add(at string, v reflect.Value) {
	c[at] = true
	switch v.Kind() {
	case reflect.Pointer:
		c.add(at, v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			c.add(at, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, optional := nameOf(v.Type().Field(i))
			if optional && v.Field(i).IsZero() {
				c[at+"."+name+" absent"] = true
				continue
			}
			c.add(at+"."+name, v.Field(i))
		}
	case reflect.String:
		if _, ok := v.Interface().(worded); ok {
			c[v.Type().Name()+" "+v.String()] = true
		}
	}
}

func (c coverage) check(t *testing.T, at string, typ reflect.Type) {
	t.Helper()
	if !c[at] {
		t.Errorf("the corpus has no %s", at)
	}
	switch typ.Kind() {
	case reflect.Pointer:
		c.check(t, at, typ.Elem())
	case reflect.Slice:
		c.check(t, at, typ.Elem())
	case reflect.Struct:
		for i := range typ.NumField() {
			name, optional := nameOf(typ.Field(i))
			c.check(t, at+"."+name, typ.Field(i).Type)
			if optional && !c[at+"."+name+" absent"] {
				t.Errorf("the corpus has no %s without %s", at, name)
			}
		}
	case reflect.String:
		w, ok := reflect.Zero(typ).Interface().(worded)
		if !ok || typ == reflect.TypeFor[Action]() { // actions are all alike
			return
		}
		for _, word := range w.words() {
			if !c[typ.Name()+" "+word] {
				t.Errorf("the corpus has no %s %q", typ.Name(), word)
			}
		}
	}
}

func TestBadCorpus(t *testing.T) {
	s := compileSchemas(t)
	eachFile(t, "bad-client-*.json", func(t *testing.T, b []byte) {
		testBad(t, b, func(text []byte) (string, error) {
			f, err := Decode(text)
			return f.ID, err
		})
		// The schema refuses it too, unless the rule is one that only code
		// can say (README of the package: exactly one of two, 2^53).
		text := textOf(t, b)
		rule := strings.Contains(t.Name(), "hello-neither") || strings.Contains(t.Name(), "hello-both") ||
			strings.Contains(t.Name(), "ack-unsafe")
		if !rule && valid(s.client, text) == nil {
			t.Error("the schema takes it")
		}
	})
	eachFile(t, "bad-server-*.json", func(t *testing.T, b []byte) {
		testBad(t, b, func(text []byte) (string, error) {
			f, err := DecodeServer(text)
			return f.ID, err
		})
		if valid(s.server, textOf(t, b)) == nil {
			t.Error("the schema takes it")
		}
	})
}

type badFrame struct{ Text, Kind, Error, ID string }

func textOf(t *testing.T, b []byte) []byte {
	t.Helper()
	var bad badFrame
	if err := json.Unmarshal(b, &bad); err != nil {
		t.Fatal(err)
	}
	return []byte(bad.Text)
}

func testBad(t *testing.T, b []byte, decode func([]byte) (string, error)) {
	t.Helper()
	var want badFrame
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	id, err := decode([]byte(want.Text))
	if err == nil {
		t.Fatalf("Decode(%s) = nil, want %q", want.Text, want.Error)
	}
	got := badFrame{want.Text, kindOf(err), err.Error(), id}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Decode (-want +got):\n%s", d)
	}
}

func kindOf(err error) string {
	if _, ok := errors.AsType[*FieldError](err); ok {
		return "field"
	}
	if _, ok := errors.AsType[*UnknownTypeError](err); ok {
		return "unknown_type"
	}
	if errors.Is(err, ErrNotJSON) {
		return "not_json"
	}
	return err.Error()
}

// What is too large to keep as a file.
func TestTooLarge(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ name, frame, want string }{
		{"a frame of 256 KiB", `{"t":"leave","d":{"x":"` + text(MaxFrame-26) + `"}}`, ""},
		{"one byte more", `{"t":"leave","d":{"x":"` + text(MaxFrame-25) + `"}}`, ErrTooLarge.Error()},
		{"SDP", `{"t":"offer","d":{"nid":1,"sdp":"` + text(200001) + `"}}`, "d.sdp is longer than 200000 characters"},
		{"token", `{"t":"hello","d":{"versions":[],"instance":"","token":"` + text(8193) + `"}}`, "d.token is longer than 8192 characters"},
		{"nesting", strings.Repeat("[", 20000), ErrNotJSON.Error()},
		{"nesting in an unknown field", `{"t":"leave","d":{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.frame))
			if got := text0(err); got != c.want {
				t.Errorf("Decode of %d bytes = %q, want %q", len(c.frame), got, c.want)
			}
		})
	}
}

func text0(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAppend(t *testing.T) {
	if _, err := Append(nil, ServerFrame{}); err == nil {
		t.Error("Append of a frame without a message = nil")
	}
	got, err := Append([]byte("before "), ServerFrame{ID: "c1", Seq: 2, Msg: Slots{}})
	if want := `before {"t":"slots","id":"c1","seq":2,"d":{"slots":[]}}`; string(got) != want || err != nil {
		t.Errorf("Append = %s, %v, want %s", got, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if frame, err := DecodeServer(b); err == nil {
			again, err := Append(nil, frame)
			if err != nil {
				t.Fatalf("Append(%+v): %v", frame, err)
			}
			back, err := DecodeServer(again)
			if err != nil || !reflect.DeepEqual(frame, back) {
				t.Fatalf("%s came back as %+v, %v", again, back, err)
			}
		}
		frame, err := Decode(b)
		if err != nil {
			if frame.Msg != nil {
				t.Fatalf("Decode gave a message and %v", err)
			}
			return
		}
		again, err := AppendClient(nil, frame)
		if err != nil {
			t.Fatalf("AppendClient(%+v): %v", frame, err)
		}
		// What became larger on the way (escapes of invalid UTF-8) may be
		// too large now; everything else must come back.
		if len(again) > MaxFrame {
			return
		}
		back, err := Decode(again)
		if err != nil || !reflect.DeepEqual(frame, back) || bytes.ContainsRune(again, '\n') {
			t.Fatalf("%s came back as %+v, %v", again, back, err)
		}
	})
}
