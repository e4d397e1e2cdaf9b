package signaling

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

func TestUpgrade(t *testing.T) {
	origin := func(o string) func(*websocket.DialOptions) {
		return func(d *websocket.DialOptions) { d.HTTPHeader = http.Header{"Origin": {o}} }
	}
	protocol := func(names ...string) func(*websocket.DialOptions) {
		return func(d *websocket.DialOptions) { d.Subprotocols = names }
	}
	for _, c := range []struct {
		name string
		dial func(*websocket.DialOptions)
		want int
	}{
		{"the own origin", origin("https://viop.example"), 101},
		{"an origin on the list", origin("https://clinic.example"), 101},
		{"another origin", origin("https://evil.example"), 403},
		{"the right host by the wrong scheme", origin("http://clinic.example"), 403},
		{"no origin: not a browser", func(*websocket.DialOptions) {}, 101},
		{"no subprotocol", protocol(), 400},
		{"another subprotocol", protocol("viop.v0"), 400},
		{"ours among others", protocol("viop.v2", "viop.v1"), 101},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(c *Config) { c.Origins = []string{"https://clinic.example"} })
				p, resp, err := h.dial(c.dial)
				if resp == nil || resp.StatusCode != c.want {
					t.Fatalf("dial = %v, %v, want %d", resp, err, c.want)
				}
				if p != nil {
					p.listen()
				}
			})
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New of an empty Config = nil")
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		bad := h.srv.cfg
		bad.Origins = []string{"[a"}
		if _, err := New(bad); err == nil {
			t.Error("New with a bad origin pattern = nil")
		}
	})
}

func TestHelloDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		p.listen()
		pass(helloWithin - time.Millisecond)
		if got := p.closed(); got != 0 {
			t.Fatalf("closed with %d before the deadline", got)
		}
		pass(time.Millisecond)
		if b := p.bye(); b.Code != "hello_timeout" || b.Retry != wire.RetryResume || p.closed() != 4008 {
			t.Errorf("%+v, closed with %d", b, p.closed())
		}
	})
}

func TestTooManyWithoutHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.MaxPending = 2 })
		for range 2 {
			p, _, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			p.listen()
		}
		if _, resp, _ := h.dial(); resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Fatalf("the third = %v, want 503", resp)
		}
		pass(2 * helloWithin)
		// The places are free again, and those with a seat take none.
		h.join("ana", auth.Patient)
		h.join("ben", auth.Patient)
		h.join("cem", auth.Patient)
		if s := h.srv.Stats(); s.Open != 3 || s.Pending != 0 || s.Links != 3 || s.Busy != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// What a page may say first, and how it ends.
func TestRefusedHello(t *testing.T) {
	hello := func(f func(*wire.Hello)) func(*house) []byte {
		return func(h *house) []byte {
			m := wire.Hello{Versions: []int{1}, Token: h.token("ana", auth.Patient), Instance: "i"}
			f(&m)
			b, _ := wire.AppendClient(nil, wire.ClientFrame{Msg: m})
			return b
		}
	}
	raw := func(s string) func(*house) []byte { return func(*house) []byte { return []byte(s) } }
	for _, c := range []struct {
		name  string
		first func(*house) []byte
		code  rooms.Code
		close websocket.StatusCode
		retry wire.Retry
	}{
		{"not JSON", raw("hello"), "bad_message", 4000, "none"},
		{"another message", raw(`{"t":"leave","d":{}}`), "bad_message", 4000, "none"},
		{"unknown type", raw(`{"t":"knock","d":{}}`), "bad_message", 4000, "none"},
		{"a field missing", raw(`{"t":"hello","d":{"versions":[1],"token":"t"}}`), "bad_message", 4000, "none"},
		{"another version", hello(func(m *wire.Hello) { m.Versions = []int{2, 3} }), "version_unsupported", 4006, "none"},
		{"not a token", hello(func(m *wire.Hello) { m.Token = "secret" }), "auth_invalid", 4001, "none"},
		{"expired", hello(func(m *wire.Hello) { m.Token = "expired" }), "auth_expired", 4001, "none"},
		{"revoked", hello(func(m *wire.Hello) { m.Token = "revoked" }), "revoked", 4002, "none"},
		{"keys out of reach", hello(func(m *wire.Hello) { m.Token = "broken" }), "internal", 1011, "resume"},
		{"a resume token of nobody", hello(func(m *wire.Hello) {
			m.Token, m.Resume = "", &wire.Resume{Session: session, Token: "t"}
		}), "resume_expired", 4019, "rejoin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(c *Config) {
					verify := c.Verify
					c.Verify = func(ctx context.Context, token string) (auth.Grant, error) {
						switch token {
						case "expired":
							return auth.Grant{}, auth.ErrExpired
						case "revoked":
							return auth.Grant{}, auth.ErrRevoked
						case "broken":
							return auth.Grant{}, errors.New("dial 10.0.0.1: refused")
						}
						return verify(ctx, token)
					}
				})
				p, _, err := h.dial()
				if err != nil {
					t.Fatal(err)
				}
				p.listen()
				p.saw(websocket.MessageText, c.first(h))
				b := p.bye()
				if b.Code != string(c.code) || b.Retry != c.retry || p.closed() != c.close {
					t.Errorf("%+v, closed with %d, want %s, %s, %d", b, p.closed(), c.code, c.retry, c.close)
				}
				if strings.Contains(b.Message, "secret") || strings.Contains(b.Message, "10.0.0.1") {
					t.Errorf("the message tells too much: %q", b.Message)
				}
				if wantVersions := c.code == "version_unsupported"; wantVersions != (len(b.Versions) == 1 && b.Versions[0] == 1) {
					t.Errorf("versions = %v", b.Versions)
				}
				if n := h.srv.Stats().Closes[c.code]; n != 1 {
					t.Errorf("closes of %s = %d", c.code, n)
				}
			})
		})
	}
}

// Guessing is slow, and a clinic behind one address is not locked out by one
// person's broken link.
func TestRefusedHellosAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		good := h.join("ana", auth.Patient)
		token := good.resumeToken()
		codes := map[string]int{}
		for range 32 {
			codes[h.resumeWith("guess", 0, false).bye().Code]++
		}
		if d := cmp.Diff(map[string]int{"resume_expired": 30, "rate_limited": 2}, codes); d != "" {
			t.Errorf("32 guesses (-want +got):\n%s", d)
		}
		h.join("ben", auth.Patient).resumeToken() // still let in
		pass(7 * time.Second)
		good.cut()
		if got := types(h.resumeWith(token, 1, false).heard()); got[0] != "resumed" {
			t.Errorf("after a while: %v", got)
		}
		codes = map[string]int{}
		for range 70 {
			codes[h.open(wire.Hello{Versions: []int{1}, Token: "x", Instance: "i"}).bye().Code]++
		}
		if codes["auth_invalid"] != 60 || codes["rate_limited"] != 10 {
			t.Errorf("seventy bad tokens = %v, want 60 invalid, then limited", codes)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		mute, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		mute.listen()
		p := h.join("ana", auth.Patient)
		drained := make(chan error)
		go func() { drained <- h.srv.Drain(t.Context()) }()
		synctest.Wait()
		if b := mute.bye(); b.Code != "restart" || mute.closed() != 4010 {
			t.Errorf("without a seat: %+v, %d", b, mute.closed())
		}
		if _, resp, _ := h.dial(); resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a newcomer: %v, want 503", resp)
		}
		if p.closed() != 0 {
			t.Error("a seat was closed before its room")
		}
		h.seats.of(t, "ana").out.Close(rooms.Reason{Code: rooms.CodeRestart})
		if err := <-drained; err != nil || p.bye().Retry != wire.RetryResume {
			t.Errorf("Drain = %v, %+v", err, p.bye())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.srv.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || p.closed() != -1 {
			t.Errorf("Drain = %v, closed with %d, want a cut at the deadline", err, p.closed())
		}
	})
}

// A page that leaves in the middle of being let in is not left sitting.
func TestGoneWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.seats.takes(3 * time.Second)
		p := h.join("ana", auth.Patient)
		p.cut()
		pass(4 * time.Second)
		if d := cmp.Diff([]string{"unlinked"}, h.seats.of(t, "ana").told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
		h.seats.takes(time.Minute)
		q := h.join("ben", auth.Patient)
		pass(admitWithin)
		if b := q.bye(); b.Code != "internal" || b.Retry != wire.RetryResume {
			t.Errorf("a store that does not answer: %+v", b)
		}
	})
}

// A group that comes back while the server cannot take it is not locked out
// for having tried.
func TestTryingAgainIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		token := h.join("ana", auth.Patient).resumeToken()
		after := h.again()
		for _, code := range []rooms.Code{rooms.CodeInternal, rooms.CodeWrongNode, rooms.CodeRestart, rooms.CodeNotOpen} {
			after.seats.refuses(&rooms.Error{Code: code})
			for range 40 {
				if b := after.resumeWith(token, 1, false).bye(); b.Code != string(code) {
					t.Fatalf("%+v, want %s", b, code)
				}
			}
		}
		after.seats.refuses(nil)
		if got := types(after.resumeWith(token, 1, false).heard()); got[0] != "welcome" {
			t.Errorf("at last: %v", got)
		}
	})
}
