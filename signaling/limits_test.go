package signaling

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAddressOf(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		trusted      []netip.Prefix
		want         string
	}{
		{"nobody in between", "192.0.2.7:1", nil, trusted, "192.0.2.7"},
		{"a header from a stranger", "192.0.2.7:1", []string{"198.51.100.1"}, trusted, "192.0.2.7"},
		{"no proxy is trusted", "10.0.0.1:1", []string{"198.51.100.1"}, nil, "10.0.0.1"},
		{"one proxy", "10.0.0.1:1", []string{"198.51.100.1"}, trusted, "198.51.100.1"},
		{"two proxies", "10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, trusted, "198.51.100.1"},
		{"two headers", "10.0.0.1:1", []string{"198.51.100.1", "10.0.0.2"}, trusted, "198.51.100.1"},
		{"what the client made up", "10.0.0.1:1", []string{"203.0.113.9, 198.51.100.1"}, trusted, "198.51.100.1"},
		{"nonsense", "10.0.0.1:1", []string{"unknown"}, trusted, "10.0.0.1"},
		{"no header", "10.0.0.1:1", nil, trusted, "10.0.0.1"},
		{"IPv6 is its /64", "[2001:db8:1:2:3:4:5:6]:1", nil, trusted, "2001:db8:1:2::"},
		{"IPv6 with a zone", "[fe80::1%eth0]:1", nil, trusted, "fe80::"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:1", nil, trusted, "192.0.2.7"},
		{"IPv6 behind IPv6", "[fd00::1]:1", []string{"2001:db8::9"}, trusted, "2001:db8::"},
		{"no address at all", "@", nil, trusted, "invalid IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Server{cfg: Config{TrustedProxies: c.trusted}}
			r := httptest.NewRequest(http.MethodGet, "/v1/ws", nil)
			r.RemoteAddr = c.remote
			for _, f := range c.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := s.addressOf(r).String(); got != c.want {
				t.Errorf("addressOf = %s, want %s", got, c.want)
			}
		})
	}
}

// The memory of failures is bounded, and forgets those who behave first.
func TestFailuresAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures()
		for range 30 {
			f.note("p old")
		}
		if !f.tooMany("p old") {
			t.Fatal("thirty failures are not too many")
		}
		pass(2 * time.Minute)
		for range 30 {
			f.note("p bad")
		}
		for i := range failuresMost + 50 {
			f.note(fmt.Sprint("a ", i))
		}
		if len(f.bad) > failuresMost {
			t.Errorf("%d are remembered", len(f.bad))
		}
		pass(2 * time.Second) // addresses with one failure behave again
		f.note("a new")
		if f.tooMany("p old") || !f.tooMany("p bad") && f.bad["p bad"] != nil {
			t.Error("the wrong ones were forgotten")
		}
	})
}
