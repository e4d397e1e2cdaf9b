package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"viop/rooms/schedule"
)

// dist is what `make web` builds of web/app. The directory is in the
// repository with nothing in it, so that this compiles without Node.
//
//go:embed all:dist
var dist embed.FS

// client serves the browser client from memory. Files below assets/ carry a
// hash of their content in their name and never change; everything else is
// asked for again each time.
type client struct {
	files map[string]file // by path, without the leading slash
}

type file struct {
	body, zipped []byte // zipped is nil where that saves nothing
	kind, tag    string
	forever      bool
}

const (
	indexName = "index.html"
	notBuilt  = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The client is not built</title>
<h1>The client is not built</h1>
<p>The server runs, but it was compiled without the pages.
Run <code>make web</code> in the repository (it needs Node), then build and start the server again.</p>
</html>
`
)

// newClient reads every file of built; nil is the embedded client.
func newClient(built fs.FS) (*client, error) {
	if built == nil {
		sub, err := fs.Sub(dist, "dist")
		if err != nil {
			return nil, err
		}
		built = sub
	}
	c := &client{files: map[string]file{indexName: newFile(indexName, []byte(notBuilt))}}
	return c, fs.WalkDir(built, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		c.files[name] = newFile(name, body)
		return nil
	})
}

func newFile(name string, body []byte) file {
	sum := sha256.Sum256(body)
	return file{
		body: body, zipped: zip(body),
		kind: kindOf(name), tag: hex.EncodeToString(sum[:12]),
		forever: strings.HasPrefix(name, "assets/"),
	}
}

// kindOf is fixed for what we build: mime's answers depend on the machine.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// zip returns nil unless a tenth is saved: pictures and fonts are packed
// already.
func zip(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	_, errWrite := w.Write(body)
	if err := errors.Join(errWrite, w.Close()); err != nil || out.Len() > len(body)*9/10 {
		return nil
	}
	return out.Bytes()
}

// mount serves the files at the root. Nothing of a link but its path gets
// here: the token is in the fragment, which browsers keep.
func (c *client) mount(mux *http.ServeMux) {
	mux.HandleFunc("/{file...}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		if name == "" {
			name = indexName
		}
		f, ok := c.files[name]
		switch {
		case !ok:
			http.Error(w, "There is no such page.", http.StatusNotFound)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Pages can only be read.", http.StatusMethodNotAllowed)
		default:
			f.serve(w, r)
		}
	})
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	switch {
	case f.forever:
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	case !strings.HasPrefix(f.kind, "text/html"):
		h.Set("Cache-Control", "no-cache")
	} // pages keep no-store
	body, tag := f.body, f.tag
	if f.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, tag = f.zipped, f.tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	if matches(r.Header.Values("If-None-Match"), schedule.Tag(tag)) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	send(w, body)
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3) as far as browsers use
// it: gzip is named, and not with a weight of zero.
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return strings.Trim(q, "0.") != "" || q == ""
	}
	return false
}
