package wire

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "schema/viop.v1.json"

// node is as much of JSON Schema as viop.v1 uses.
type node struct {
	Ref        string          `json:"$ref"`
	Type       string          `json:"type"`
	Const      string          `json:"const"`
	Enum       []string        `json:"enum"`
	Pattern    string          `json:"pattern"`
	MaxLength  int64           `json:"maxLength"`
	Maximum    int64           `json:"maximum"`
	Minimum    *int64          `json:"minimum"`
	MaxItems   int64           `json:"maxItems"`
	Items      *node           `json:"items"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	OneOf      []node          `json:"oneOf"`
	Defs       map[string]node `json:"$defs"`
}

func readSchema(t *testing.T) node {
	t.Helper()
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var n node
	if err := json.Unmarshal(b, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// follow resolves references.
func (root node) follow(n node) node {
	for n.Ref != "" {
		n = root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
	}
	return n
}

// TestStructsAndSchemaAgree compares every message both ways: types, names,
// required fields, words, patterns and limits.
func TestStructsAndSchemaAgree(t *testing.T) {
	root := readSchema(t)
	var client, server []any
	for _, m := range clientMessages() {
		client = append(client, m)
	}
	for _, m := range serverMessages() {
		server = append(server, m)
	}
	for side, messages := range map[string][]any{"ClientFrame": client, "ServerFrame": server} {
		frames := root.Defs[side].OneOf
		var said, have []string
		for _, frame := range frames {
			said = append(said, frame.Properties["t"].Const)
		}
		for _, m := range messages {
			kind := m.(interface{ Type() string }).Type()
			have = append(have, kind)
			i := slices.IndexFunc(frames, func(n node) bool { return n.Properties["t"].Const == kind })
			if i < 0 {
				continue // told below
			}
			frame := frames[i]
			compare(t, root, kind, frame.Properties["d"], reflect.TypeOf(m), limits{})
			// The envelope is one Go struct for all frames; d and t differ.
			delete(frame.Properties, "d")
			delete(frame.Properties, "t")
			compareFields(t, root, kind+" frame", frame, reflect.TypeFor[envelope](), "d", "t")
		}
		if d := cmp.Diff(said, have); d != "" {
			t.Errorf("types of %s (-schema +structs):\n%s", side, d)
		}
	}
}

func compare(t *testing.T, root node, at string, n node, typ reflect.Type, l limits) {
	t.Helper()
	n = root.follow(n)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.Struct: "object", reflect.Slice: "array", reflect.String: "string",
		reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer",
	}[typ.Kind()]
	if n.Type != want {
		t.Errorf("%s is %q in the schema, %s in Go", at, n.Type, typ)
		return
	}
	var words []string
	if w, ok := reflect.Zero(typ).Interface().(worded); ok {
		words = w.words()
	}
	if d := cmp.Diff(n.Enum, words); d != "" {
		t.Errorf("words of %s (-schema +structs):\n%s", at, d)
	}
	switch typ.Kind() {
	case reflect.Struct:
		compareFields(t, root, at, n, typ)
	case reflect.Slice:
		if n.MaxItems != l.most {
			t.Errorf("%s holds at most %d in the schema, %d in Go", at, n.MaxItems, l.most)
		}
		compare(t, root, at+"[]", *n.Items, typ.Elem(), limits{most: l.each})
	case reflect.String:
		compareText(t, at, n, typ, l)
	case reflect.Int, reflect.Int64:
		if n.Maximum != l.most || n.Minimum == nil || *n.Minimum != 0 {
			t.Errorf("%s is %v … %d in the schema, 0 … %d in Go", at, n.Minimum, n.Maximum, l.most)
		}
	}
}

func compareText(t *testing.T, at string, n node, typ reflect.Type, l limits) {
	t.Helper()
	handle := typ == reflect.TypeFor[Handle]()
	if handle {
		l.most = 7
	}
	if n.MaxLength != l.most {
		t.Errorf("%s is at most %d long in the schema, %d in Go", at, n.MaxLength, l.most)
	}
	if n.MaxLength == 0 && n.Enum == nil {
		t.Errorf("%s has no limit", at)
	}
	if (n.Pattern == "^m[0-9]{1,6}$") != handle || (n.Pattern != "") != handle {
		t.Errorf("%s has the pattern %q in the schema, and is %s in Go", at, n.Pattern, typ)
	}
}

func compareFields(t *testing.T, root node, at string, n node, typ reflect.Type, except ...string) {
	t.Helper()
	var said, have, saidRequired, haveRequired []string
	for name := range n.Properties {
		said = append(said, name)
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, optional := nameOf(f)
		if slices.Contains(except, name) {
			continue
		}
		have = append(have, name)
		if !optional {
			haveRequired = append(haveRequired, name)
		}
		if p, ok := n.Properties[name]; ok {
			compare(t, root, at+"."+name, p, f.Type, limitsOf(f))
		}
	}
	for _, name := range n.Required {
		if !slices.Contains(except, name) {
			saidRequired = append(saidRequired, name)
		}
	}
	for _, list := range [][]string{said, have, saidRequired, haveRequired} {
		sort.Strings(list)
	}
	if d := cmp.Diff(said, have); d != "" {
		t.Errorf("fields of %s (-schema +structs):\n%s", at, d)
	}
	if d := cmp.Diff(saidRequired, haveRequired); d != "" {
		t.Errorf("required fields of %s (-schema +structs):\n%s", at, d)
	}
}

// schemas of the two sides, for frames.
type schemas struct{ client, server *jsonschema.Schema }

func compileSchemas(t *testing.T) schemas {
	t.Helper()
	file, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("viop.json", doc); err != nil {
		t.Fatal(err)
	}
	return schemas{c.MustCompile("viop.json#/$defs/ClientFrame"), c.MustCompile("viop.json#/$defs/ServerFrame")}
}

// valid says what the schema has against the frame.
func valid(s *jsonschema.Schema, frame []byte) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(frame)))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}
