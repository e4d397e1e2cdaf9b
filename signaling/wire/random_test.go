package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Every message a struct can hold within its limits is valid by the schema,
// and comes back as it was.
func TestWhatIsWrittenIsValidAndReadBack(t *testing.T) {
	s := compileSchemas(t)
	for _, m := range serverMessages() {
		t.Run("server/"+m.Type(), rapid.MakeCheck(func(t *rapid.T) {
			f := ServerFrame{Msg: draw(t, m), ID: drawText(t, "id", 32), Seq: drawNumber(t, maxWhole), Ack: drawNumber(t, maxWhole)}
			b, err := Append(nil, f)
			if err != nil {
				t.Fatal(err)
			}
			if err := valid(s.server, b); err != nil {
				t.Fatalf("%s is not valid: %v", b, err)
			}
			got, err := DecodeServer(b)
			if err != nil {
				t.Fatalf("DecodeServer(%s): %v", b, err)
			}
			if d := cmp.Diff(f, got); d != "" {
				t.Fatalf("came back different (-want +got):\n%s", d)
			}
		}))
	}
	for _, m := range clientMessages() {
		t.Run("client/"+m.Type(), rapid.MakeCheck(func(t *rapid.T) {
			f := ClientFrame{Msg: draw(t, m), ID: drawText(t, "id", 32), Seq: drawNumber(t, maxWhole), Ack: drawNumber(t, maxWhole)}
			if h, ok := f.Msg.(Hello); ok {
				f.Msg = oneOfTokenAndResume(h)
			}
			b, err := AppendClient(nil, f)
			if err != nil {
				t.Fatal(err)
			}
			if err := valid(s.client, b); err != nil {
				t.Fatalf("%s is not valid: %v", b, err)
			}
			got, err := Decode(b)
			if err != nil {
				t.Fatalf("Decode(%s): %v", b, err)
			}
			if d := cmp.Diff(f, got); d != "" {
				t.Fatalf("came back different (-want +got):\n%s", d)
			}
		}))
	}
}

func oneOfTokenAndResume(h Hello) Hello {
	switch {
	case h.Resume != nil:
		h.Token = ""
	case h.Token == "":
		h.Token = "t"
	}
	return h
}

// What the schema refuses is refused: a valid frame with one thing spoilt is
// never read as if it were whole, and never panics.
func TestASpoiltFrameIsRefused(t *testing.T) {
	s := compileSchemas(t)
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(clientMessages()).Draw(t, "message")
		f := ClientFrame{Msg: draw(t, m), Seq: 1}
		if h, ok := f.Msg.(Hello); ok {
			f.Msg = oneOfTokenAndResume(h)
		}
		b, err := AppendClient(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		doc = spoil(t, doc)
		b, err = json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		_, got := Decode(b)
		if want := valid(s.client, b); want != nil && got == nil {
			t.Fatalf("Decode(%s) = nil; the schema says %v", b, want)
		}
	})
}

// spoil replaces or removes one value somewhere in the document.
func spoil(t *rapid.T, doc any) any {
	bad := rapid.SampledFrom([]any{
		nil, true, -1, 0.5, 1e300, "", "m1", "nothing", strings.Repeat("x", 300), []any{}, map[string]any{}, []any{nil},
	})
	switch v := doc.(type) {
	case map[string]any:
		if len(v) == 0 {
			return bad.Draw(t, "bad")
		}
		key := rapid.SampledFrom(keysOf(v)).Draw(t, "key")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			delete(v, key)
		case 1:
			v[key] = bad.Draw(t, "bad")
		default:
			v[key] = spoil(t, v[key])
		}
		return v
	case []any:
		if len(v) == 0 {
			return bad.Draw(t, "bad")
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "index")
		v[i] = spoil(t, v[i])
		return v
	}
	return bad.Draw(t, "bad")
}

func keysOf(m map[string]any) (keys []string) {
	for _, name := range []string{"d", "t", "seq"} { // the envelope first: most spoiling happens inside
		if _, ok := m[name]; ok {
			keys = append(keys, name)
		}
	}
	if len(keys) > 0 {
		return keys
	}
	return slices.Sorted(maps.Keys(m)) // the same draw from the same seed
}

// draw makes a random message of m's type within the limits of its tags.
func draw[M any](t *rapid.T, m M) M {
	v := reflect.New(reflect.TypeOf(m)).Elem()
	drawInto(t, v, limits{}, false)
	return v.Interface().(M)
}

func drawInto(t *rapid.T, v reflect.Value, l limits, optional bool) {
	if optional && rapid.Bool().Draw(t, "absent") {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		drawInto(t, v.Elem(), l, false)
	case reflect.Struct:
		for i := range v.NumField() {
			_, optional := nameOf(v.Type().Field(i))
			drawInto(t, v.Field(i), limitsOf(v.Type().Field(i)), optional)
		}
	case reflect.Slice:
		n := rapid.OneOf(rapid.IntRange(0, 2), rapid.Just(int(min(l.most, 12)))).Draw(t, "length")
		if n == 0 && optional {
			return // omitted, and so read back as nil
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			drawInto(t, v.Index(i), limits{most: l.each}, false)
		}
	case reflect.String:
		v.SetString(drawWord(t, v, l))
	case reflect.Int, reflect.Int64:
		most := l.most
		if most == 0 {
			most = maxWhole
		}
		v.SetInt(drawNumber(t, most))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	}
}

func drawWord(t *rapid.T, v reflect.Value, l limits) string {
	switch w := v.Interface().(type) {
	case Handle:
		return fmt.Sprintf("m%d", rapid.IntRange(0, 999999).Draw(t, "handle"))
	case worded:
		return rapid.SampledFrom(w.words()).Draw(t, "word")
	}
	return drawText(t, "text", int(l.most))
}

func drawText(t *rapid.T, label string, most int) string {
	full := strings.Repeat("é", most) // code points, not bytes
	if most > 10000 {
		full = strings.Repeat("x", most) // SDP is ASCII, and frames are bounded in bytes
	}
	return rapid.OneOf(rapid.StringN(0, min(most, 20), -1), rapid.Just(full)).Draw(t, label)
}

func drawNumber(t *rapid.T, most int64) int64 {
	return rapid.OneOf(rapid.Int64Range(0, most), rapid.Just(most), rapid.Just(int64(0))).Draw(t, "number")
}
