package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed is the picture of the house: which package may import which, beyond
// the standard library, outside tests. A new arrow is a line here, and so a
// line in a diff that somebody has to agree with.
//
// An entry that ends in "/..." allows that and everything below it.
var allowed = map[string][]string{
	"auth":                        {"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/...", "golang.org/x/time/rate"},
	"auth/authtest":               {"viop/auth", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/..."},
	"rooms/attendance":            {},
	"rooms/export":                {"viop/rooms/attendance", "viop/rooms/records"},
	"rooms/export/fhir":           {"viop/rooms/attendance", "viop/rooms/export", "viop/rooms/records"},
	"rooms/export/sample":         {"viop/rooms/attendance", "viop/rooms/export", "viop/rooms/records"},
	"rooms":                       {"viop/auth", "viop/rooms/attendance"},
	"rooms/schedule/form":         {},
	"rooms/schedule":              {"viop/auth", "viop/rooms", "viop/rooms/attendance", "viop/rooms/schedule/form"},
	"rooms/schedule/intake":       {"viop/auth", "viop/rooms", "viop/rooms/attendance", "viop/rooms/schedule", "viop/rooms/schedule/form", "github.com/teambition/rrule-go"},
	"rooms/records":               {"viop/rooms", "viop/rooms/attendance", "viop/rooms/schedule"},
	"rooms/delivery/deliverytest": {},
	"rooms/delivery":              {"viop/rooms", "viop/rooms/attendance", "viop/rooms/export/...", "viop/rooms/records", "viop/rooms/schedule", "viop/rooms/schedule/form", "golang.org/x/oauth2/..."},
	"rooms/sfu/bandwidth":         {},
	"rooms/sfu/feedback":          {},
	"rooms/sfu/plane":             {"github.com/pion/...", "golang.org/x/sys/unix"},
	"rooms/sfu/rewrite":           {},
	"rooms/sfu":                   {"viop/rooms", "viop/rooms/sfu/bandwidth", "viop/rooms/sfu/feedback", "viop/rooms/sfu/plane", "viop/rooms/sfu/rewrite", "github.com/pion/..."},
	"rooms/redisstore":            {"viop/auth", "viop/rooms", "viop/rooms/attendance", "viop/rooms/delivery", "viop/rooms/records", "viop/rooms/schedule", "github.com/redis/go-redis/v9/...", "github.com/alicebob/miniredis/v2"},
	"signaling/wire":              {},
	"signaling":                   {"viop/auth", "viop/rooms", "viop/signaling/wire", "github.com/coder/websocket", "golang.org/x/time/rate"},
	"web":                         {"viop/auth", "viop/rooms", "viop/rooms/attendance", "viop/rooms/delivery", "viop/rooms/export", "viop/rooms/records", "viop/rooms/schedule", "viop/rooms/schedule/form", "viop/rooms/schedule/intake", "github.com/prometheus/client_golang/...", "golang.org/x/time/rate"},
	"cmd/viop":                    {"viop/...", "github.com/alecthomas/kong", "github.com/prometheus/client_golang/..."},
	"cmd/viopload":                {"viop/auth", "viop/signaling/wire", "github.com/alecthomas/kong", "github.com/coder/websocket", "github.com/pion/..."},
	"web/app/e2e/impair":          {"golang.org/x/sys/unix"},
}

func TestImports(t *testing.T) {
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		may, known := allowed[filepath.ToSlash(dir)]
		if !known {
			t.Errorf("%s: the package %s is not in the table of allowed imports", path, dir)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if isStandard(imported) || slices.ContainsFunc(may, func(pattern string) bool { return matches(pattern, imported) }) {
				continue
			}
			t.Errorf("%s imports %s, which the table does not allow for %s", path, imported, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// isStandard: the first element of a standard import path has no dot, and
// ours begin with the module's name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "viop" && !strings.Contains(first, ".")
}

func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}
