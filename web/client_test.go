package web_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"viop/web"
)

const script = "console.log('group') // "

func built() fstest.MapFS {
	return fstest.MapFS{
		".keep":                  {},
		"index.html":             {Data: []byte("<!doctype html><title>viop</title>")},
		"assets/app-1a2b3c4d.js": {Data: []byte(script + strings.Repeat("a", 2000))},
		"favicon.svg":            {Data: []byte("<svg/>")},
	}
}

func visit(t *testing.T, h *house, method, path string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, r)
	return answer
}

func TestClient(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Client = built() })
	for _, test := range []struct {
		method, path  string
		status        int
		kind, caching string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"GET", "/index.html", 200, "text/html; charset=utf-8", "no-store"},
		{"GET", "/assets/app-1a2b3c4d.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"GET", "/favicon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/.keep", 404, "text/plain; charset=utf-8", "no-store"},
		{"GET", "/assets/", 404, "text/plain; charset=utf-8", "no-store"},
		{"GET", "/nothing", 404, "text/plain; charset=utf-8", "no-store"},
		{"POST", "/", 405, "text/plain; charset=utf-8", "no-store"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			got := visit(t, h, test.method, test.path, nil)
			if got.Code != test.status || got.Header().Get("Content-Type") != test.kind || got.Header().Get("Cache-Control") != test.caching {
				t.Errorf("answer = %d %q, cached %q; want %d %q, %q", got.Code, got.Header().Get("Content-Type"),
					got.Header().Get("Cache-Control"), test.status, test.kind, test.caching)
			}
		})
	}
}

func TestClientIsZippedForWhoWantsIt(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Client = built() })
	const path = "/assets/app-1a2b3c4d.js"
	plain := visit(t, h, "GET", path, nil)
	for _, accept := range []string{"", "identity", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"} {
		got := visit(t, h, "GET", path, map[string]string{"Accept-Encoding": accept})
		if got.Header().Get("Content-Encoding") != "" || !strings.HasPrefix(got.Body.String(), script) {
			t.Errorf("with Accept-Encoding %q the file is encoded, want it as it is", accept)
		}
	}
	zipped := visit(t, h, "GET", path, map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers = %v, want gzip and Vary", zipped.Header())
	}
	if zipped.Header().Get("ETag") == plain.Header().Get("ETag") {
		t.Error("both forms have the same ETag")
	}
	again := visit(t, h, "GET", path, map[string]string{"Accept-Encoding": "gzip", "If-None-Match": zipped.Header().Get("ETag")})
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("asked again: %d with %d bytes, want 304 and none", again.Code, again.Body.Len())
	}
	reader, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(reader); err != nil || string(body) != plain.Body.String() {
		t.Errorf("unzipped = %.40q (%v), want the file", body, err)
	}
}

func TestClientThatIsNotBuilt(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Client = fstest.MapFS{".keep": {}} })
	got := visit(t, h, "GET", "/", nil)
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "make web") {
		t.Errorf("answer = %d %s, want a page that says how to build the client", got.Code, got.Body)
	}
}

// The page may load nothing from anywhere else, whatever it is made to say.
func TestSecurityHeaders(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/v1/sessions/s1", "/healthz", "/nothing"} {
		got := visit(t, h, "GET", path, nil).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
				"media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"Strict-Transport-Security":    "max-age=63072000",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s = %q, want %q", path, name, got.Get(name), want)
			}
		}
		if p := got.Get("Permissions-Policy"); !strings.Contains(p, "camera=(self), microphone=(self), display-capture=(self)") ||
			!strings.Contains(p, "geolocation=()") {
			t.Errorf("%s: Permissions-Policy = %q, want camera, microphone and screen for us, and no location", path, p)
		}
	}
	plain := newHouse(t, func(c *web.Config) { c.TLS = false })
	if got := visit(t, plain, "GET", "/", nil).Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security without TLS = %q, want none", got)
	}
}

func TestHealth(t *testing.T) {
	store := errors.New("dial unix: no such file")
	h := newHouse(t, func(c *web.Config) {
		c.Checks = []web.Check{
			{Name: "store", Ask: func(context.Context) (string, error) { return "volatile: nothing is kept", store }},
			{Name: "media", Ask: func(context.Context) (string, error) { return "", nil }},
		}
	})
	h.want(h.do(call{method: "GET", path: "/healthz", token: "none"}), http.StatusOK)
	answer := h.do(call{method: "GET", path: "/readyz", token: "none"})
	h.want(answer, http.StatusServiceUnavailable)
	want := `{"status":"not_ready","checks":{"media":{"ok":true},"store":{"ok":false,"detail":"failed"}}}`
	if got := strings.TrimSpace(answer.Body.String()); got != want {
		t.Errorf("readyz = %s, want %s", got, want)
	}
	if !strings.Contains(h.log.String(), "no such file") {
		t.Error("the reason is not in the log")
	}
	store = nil
	answer = h.do(call{method: "GET", path: "/readyz", token: "none"})
	h.want(answer, http.StatusOK)
	want = `{"status":"ok","checks":{"media":{"ok":true},"store":{"ok":true,"detail":"volatile: nothing is kept"}}}`
	if got := strings.TrimSpace(answer.Body.String()); got != want {
		t.Errorf("readyz = %s, want %s", got, want)
	}
}

func TestMetricsAreAboutNobody(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	answer := h.do(call{method: "GET", path: "/metrics", token: "none"})
	h.want(answer, http.StatusOK)
	body := answer.Body.String()
	if want := `viop_http_request_seconds_count{pattern="PUT /v1/people/{id}",status="2xx"} 3`; !strings.Contains(body, want) {
		t.Errorf("metrics = %s\nwant %s", body, want)
	}
	for _, never := range []string{"p1", "s1", "evening"} {
		if strings.Contains(body, `"`+never) || strings.Contains(body, "/"+never) {
			t.Errorf("metrics name %s", never)
		}
	}
}

func TestCheckListen(t *testing.T) {
	for _, test := range []struct {
		address    string
		tls, proxy bool
		ok         bool
	}{
		{"127.0.0.1:8080", false, false, true},
		{"127.8.9.1:8080", false, false, true},
		{"[::1]:8080", false, false, true},
		{"localhost:8080", false, false, true},
		{":8080", false, false, false},
		{"0.0.0.0:8080", false, false, false},
		{"192.0.2.7:8080", false, false, false},
		{"[fe80::1%eth0]:8080", false, false, false},
		{"localhost.example.org:8080", false, false, false},
		{":8080", true, false, true},
		{":8080", false, true, true},
		{"8080", true, true, false},
	} {
		err := web.CheckListen(test.address, test.tls, test.proxy)
		if (err == nil) != test.ok {
			t.Errorf("CheckListen(%q, tls %v, proxy %v) = %v, want accepted = %v", test.address, test.tls, test.proxy, err, test.ok)
		}
	}
}
