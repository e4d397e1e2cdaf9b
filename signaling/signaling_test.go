package signaling

import (
	"context"
	"errors"
	"fmt"
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

func TestWelcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) {
			c.ICEServers = func(s rooms.SessionID, m rooms.Handle) []wire.ICEServer {
				return []wire.ICEServer{{URLs: []string{"turn:192.0.2.1"}, Username: string(s) + "/" + string(m)}}
			}
		})
		p := h.join("ana", auth.Patient)
		all := p.heard()
		if d := cmp.Diff([]string{"welcome", "snapshot"}, types(all)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		w := all[0].Msg.(wire.Welcome)
		if len(w.ResumeToken) != 43 || w.ServerTime != wire.At(time.Now()) {
			t.Errorf("resume token %q, server time %d", w.ResumeToken, w.ServerTime)
		}
		w.ResumeToken, w.ServerTime = "", 0
		want := wire.Welcome{
			Version: 1, Session: session, Handle: "m1", Role: "patient", ResumeWindowMS: 120000,
			Slots: wire.SlotCounts{Audio: 11, Video: 12}, Durable: true,
			ICEServers: []wire.ICEServer{{URLs: []string{"turn:192.0.2.1"}, Username: session + "/m1"}},
			Name:       w.Name,
		}
		if d := cmp.Diff(want, w); d != "" {
			t.Errorf("welcome (-want +got):\n%s", d)
		}
		if all[0].Seq != 0 || all[1].Seq != 1 {
			t.Errorf("numbers %d, %d, want 0, 1", all[0].Seq, all[1].Seq)
		}
	})
}

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
		if _, resp, _ := h.dial(); resp == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
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

// The table of codes, as clients rely on it: at the door and in the middle.
func TestEveryCode(t *testing.T) {
	for _, c := range []struct {
		code  rooms.Code
		close websocket.StatusCode
		retry wire.Retry
	}{
		{rooms.CodeBadMessage, 4000, "none"}, {rooms.CodeRevoked, 4002, "none"},
		{rooms.CodeForbidden, 4003, "none"}, {rooms.CodeRoleMismatch, 4003, "none"},
		{rooms.CodeNotFound, 4004, "none"}, {rooms.CodeNotOpen, 4005, "retry"},
		{rooms.CodeFull, 4007, "retry"}, {rooms.CodeReplaced, 4009, "none"},
		{rooms.CodeRestart, 4010, "resume"}, {rooms.CodeWrongNode, 4011, "resume"},
		{rooms.CodeLocked, 4012, "retry"}, {rooms.CodeEnded, 4014, "none"},
		{rooms.CodeCancelled, 4015, "none"}, {rooms.CodeRemoved, 4016, "none"},
		{rooms.CodeDenied, 4017, "none"}, {rooms.CodeExpired, 4018, "rejoin"},
		{rooms.CodeResume, 4019, "rejoin"}, {rooms.CodeLeft, 1000, "none"},
		{rooms.CodeInternal, 1011, "resume"}, {"something_new", 1011, "resume"},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				seated := h.join("ana", auth.Patient)
				seat := h.seats.of(t, "ana")
				seat.out.Send(rooms.Moderated{Action: "removed"})
				seat.out.Close(rooms.Reason{Code: c.code, Message: "A sentence."})
				seat.out.Close(rooms.Reason{Code: rooms.CodeLeft, Message: "Not this."})
				seat.out.Send(rooms.Moderated{Action: "muted"})
				h.seats.refuses(&rooms.Error{Code: c.code, Message: "A sentence.", Err: errors.New("secret")})
				refused := h.join("ben", auth.Patient)
				for _, p := range []*page{seated, refused} {
					b := p.bye()
					if b.Code != string(c.code) || b.Retry != c.retry || p.closed() != c.close || strings.Contains(b.Message, "secret") {
						t.Errorf("%+v, closed with %d, want %s, %d", b, p.closed(), c.retry, c.close)
					}
				}
				want := []string{"welcome", "snapshot", "moderated", "bye"} // what was said before is still told
				if d := cmp.Diff(want, types(seated.heard())); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if s := h.srv.Stats(); s.Links != 0 {
					t.Errorf("%d links are left", s.Links)
				}
			})
		})
	}
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		want        []string // what comes back
		seat        []string // what the seat is asked
		close       websocket.StatusCode
	}{
		{"a command", `{"t":"hand","id":"c1","d":{"up":true}}`, []string{"result c1"}, []string{"rooms.Hand{Up:true}"}, 0},
		{"without an id", `{"t":"hand","d":{"up":true}}`, nil, []string{"rooms.Hand{Up:true}"}, 0},
		{"refused", `{"t":"moderate","id":"c1","d":{"action":"admit","target":"m2"}}`, []string{"error c1 forbidden none"},
			[]string{"rooms.Moderate{Action:admit Target:m2 Room: Hold:false Reason:}"}, 0},
		{"refused without an id", `{"t":"moderate","d":{"action":"lock"}}`, nil,
			[]string{"rooms.Moderate{Action:lock Target: Room: Hold:false Reason:}"}, 0},
		{"check-in", `{"t":"check_in","id":"c1","d":{"private":true,"headphones":false,"ground_rules":true,"others_present":false,"location":"home"}}`,
			[]string{"result c1"}, []string{"rooms.CheckIn{Private:true Headphones:false GroundRules:true OthersPresent:false Location:home CallBack:}"}, 0},
		{"publish", `{"t":"publish","id":"c1","d":{"source":"screen_audio","on":true}}`, []string{"result c1"},
			[]string{fmt.Sprintf("rooms.Publish{Source:%d On:true}", rooms.ScreenAudio)}, 0},
		{"help", `{"t":"help","id":"c1","d":{"on":true}}`, []string{"result c1"}, []string{"rooms.Help{On:true}"}, 0},
		{"offer", `{"t":"offer","d":{"nid":3,"sdp":"v=0"}}`, nil, []string{"signal {NID:3 SDP:v=0 Candidate: Mid: End:false}"}, 0},
		{"candidate", `{"t":"candidate","d":{"nid":3,"candidate":"c","mid":"0"}}`, nil, []string{"signal {NID:3 SDP: Candidate:c Mid:0 End:false}"}, 0},
		{"no more candidates", `{"t":"candidate","d":{"nid":3,"end":true}}`, nil, []string{"signal {NID:3 SDP: Candidate: Mid: End:true}"}, 0},
		{"want", `{"t":"want","d":{"tiles":[{"handle":"m2","source":"camera","height":180,"pinned":true}]}}`, nil,
			[]string{fmt.Sprintf("want [{Handle:m2 Source:%d Height:180 Pinned:true}]", rooms.Camera)}, 0},
		{"unknown type", `{"t":"juggle","id":"c1","d":{}}`, []string{"error c1 unknown_type none"}, nil, 0},
		{"unknown type without an id", `{"t":"juggle","d":{}}`, []string{"error unknown_type none"}, nil, 0},
		{"a bad field", `{"t":"hand","id":"c1","d":{"up":1}}`, []string{"error c1 bad_message none"}, nil, 0},
		{"hello again", `{"t":"hello","id":"c1","d":{"versions":[1],"instance":"i","token":"t"}}`, []string{"error c1 bad_message none"}, nil, 0},
		{"minutes, and nobody keeps any", `{"t":"minutes","id":"c1","d":{}}`, []string{"error c1 internal retry"}, nil, 0},
		{"leave", `{"t":"leave","id":"c1","d":{}}`, []string{"result c1", "bye left none"}, []string{"leave"}, 1000},
		{"not JSON", `{"t":"hand"`, []string{"bye bad_message none"}, []string{"unlinked"}, 4000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				p := h.join("ana", auth.Patient)
				p.forget()
				before := h.seats.of(t, "ana").lives()
				p.saw(websocket.MessageText, []byte(c.frame))
				var got []string
				for i, f := range p.heard() {
					name := types(p.heard())[i]
					switch m := f.Msg.(type) {
					case wire.Error:
						name += " " + m.Code + " " + string(m.Retry)
					case wire.Bye:
						name += " " + m.Code + " " + string(m.Retry)
					}
					got = append(got, name)
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("came back (-want +got):\n%s", d)
				}
				if d := cmp.Diff(c.seat, h.seats.of(t, "ana").told()); d != "" {
					t.Errorf("the seat was asked (-want +got):\n%s", d)
				}
				if got := p.closed(); got != c.close {
					t.Errorf("closed with %d, want %d", got, c.close)
				}
				if c.close == 0 && h.seats.of(t, "ana").lives() == before {
					t.Error("the frame was no proof of life")
				}
			})
		})
	}
}

func TestBinaryAndTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		p.saw(websocket.MessageBinary, []byte(`{"t":"leave","d":{}}`))
		if b := p.bye(); b.Code != "bad_message" || p.closed() != 4000 {
			t.Errorf("binary: %+v, closed with %d", b, p.closed())
		}
		q := h.join("ben", auth.Patient)
		q.saw(websocket.MessageText, make([]byte, wire.MaxFrame+1))
		if got := q.closed(); got != websocket.StatusMessageTooBig {
			t.Errorf("too large: closed with %d, want 1009", got)
		}
		if n := h.srv.Stats().Closes[codeTooLarge]; n != 1 {
			t.Errorf("closes of too_large = %d", n)
		}
		r := h.join("cem", auth.Patient)
		sdp := strings.Repeat("a", 200000)
		r.say(wire.ClientFrame{Msg: wire.Offer{NID: 1, SDP: sdp}})
		if got := h.seats.of(t, "cem").told(); len(got) != 1 || len(got[0]) < len(sdp) {
			t.Errorf("the offer of a full room did not arrive: %d calls", len(got))
		}
	})
}

// 20 a second with a burst of 100; who goes on is cut, and may come back.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		hand := func(n int) (refused int) {
			p.forget()
			for range n {
				p.say(wire.ClientFrame{ID: "c", Msg: wire.Hand{Up: true}})
			}
			for _, f := range p.heard() {
				if e, ok := f.Msg.(wire.Error); ok && e.Code == "rate_limited" && e.Retry == wire.RetryLater && e.RetryAfterMS > 0 {
					refused++
				}
			}
			return refused
		}
		if got := hand(130); got != 30 {
			t.Errorf("%d of 130 at once were refused, want 30", got)
		}
		pass(time.Second)
		if got := hand(25); got != 5 {
			t.Errorf("%d of 25 a second later were refused, want 5", got)
		}
		hand(100)
		if b := p.bye(); b.Code != "rate_limited" || b.Retry != wire.RetryResume || p.closed() != 4029 {
			t.Errorf("%+v, closed with %d", b, p.closed())
		}
	})
}

func TestOfferRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		for n := range 8 {
			p.say(wire.ClientFrame{Msg: wire.Offer{NID: n}})
		}
		if got := len(h.seats.of(t, "ana").told()); got != 5 {
			t.Errorf("%d of 8 offers reached the peer, want 5", got)
		}
		pass(time.Second)
		p.say(wire.ClientFrame{Msg: wire.Offer{NID: 9}})
		if got := len(h.seats.of(t, "ana").told()); got != 1 {
			t.Error("an offer a second later did not reach the peer")
		}
	})
}

// Guessing is slow, and a clinic behind one address is not locked out by one
// person's broken link.
func TestRefusedHellosAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		good := h.join("ana", auth.Patient)
		token := good.resumeToken()
		codes := map[string]int{}
		for range 12 {
			codes[h.resumeWith("guess", 0, false).bye().Code]++
		}
		if d := cmp.Diff(map[string]int{"resume_expired": 10, "rate_limited": 2}, codes); d != "" {
			t.Errorf("twelve guesses (-want +got):\n%s", d)
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

// A line that answers no ping is given up; one that answers is proof of life.
func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		before := ana.lives()
		pass(60*time.Second + time.Millisecond)
		if got := ana.lives() - before; got != 12 {
			t.Errorf("%d proofs of life in a quiet minute, want 12", got)
		}

		h.listen.dead.Store(true)
		pass(pingEvery + pongWithin)
		if d := cmp.Diff([]string{"unlinked"}, h.seats.of(t, "ana").told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
		if s := h.srv.Stats(); s.Open != 0 || s.Closes[""] != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// A browser that does not even take its welcome.
func TestStalledFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		stalled, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		stalled.say(wire.ClientFrame{Msg: wire.Hello{Versions: []int{1}, Token: h.token("ben", auth.Patient), Instance: "i"}})
		synctest.Wait()
		pass(writeWithin)
		if d := cmp.Diff([]string{"unlinked"}, h.seats.of(t, "ben").told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
	})
}

// The room hears that a connection is over before the courtesies of closing,
// which a stalled browser can draw out.
func TestUnlinkedBeforeTheBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		p.say(wire.ClientFrame{Msg: wire.Hello{Versions: []int{1}, Token: h.token("ana", auth.Patient), Instance: "i"}})
		for range 2 { // welcome and snapshot, and then it reads no more
			if _, _, err := p.ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p.saw(websocket.MessageText, []byte("not JSON"))
		if d := cmp.Diff([]string{"unlinked"}, h.seats.of(t, "ana").told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
		_ = p.ws.CloseNow()
	})
}

func TestMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type asked struct {
			session rooms.SessionID
			person  rooms.PersonID
		}
		var got []asked
		release := make(chan struct{})
		h := newHouse(t, func(c *Config) {
			c.Minutes = func(ctx context.Context, s rooms.SessionID, p rooms.PersonID) (wire.MinutesReport, error) {
				got = append(got, asked{s, p})
				if p == "slow" {
					select {
					case <-release:
					case <-ctx.Done():
						return wire.MinutesReport{}, ctx.Err()
					}
				}
				return wire.MinutesReport{AsOf: 7}, nil
			}
		})
		for _, p := range []*page{h.join("ana", auth.Patient), h.join("tia", auth.Facilitator), h.join("obi", auth.Observer)} {
			if d := cmp.Diff([]string{"minutes_report c1"}, types(p.ask("c1", wire.Minutes{}))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
		// Only a facilitator is told of others.
		want := []asked{{session, "ana"}, {session, ""}, {session, "obi"}}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(asked{})); d != "" {
			t.Errorf("asked for (-want +got):\n%s", d)
		}

		slow := h.join("slow", auth.Patient)
		slow.ask("c1", wire.Minutes{})
		if d := cmp.Diff([]string{"error c2"}, types(slow.ask("c2", wire.Minutes{}))); d != "" {
			t.Errorf("a second request meanwhile (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"result c3"}, types(slow.ask("c3", wire.Hand{}))); d != "" {
			t.Errorf("a command meanwhile (-want +got):\n%s", d)
		}
		slow.forget()
		close(release)
		if d := cmp.Diff([]string{"minutes_report c1"}, types(slow.heard())); d != "" {
			t.Errorf("at last (-want +got):\n%s", d)
		}
	})
}

// The line breaks while the minutes are fetched. The same page gets them all
// the same; one that was reloaded meanwhile has another c1.
func TestMinutesAcrossABreak(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprint("fresh=", fresh), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				h := newHouse(t, func(c *Config) {
					c.Minutes = func(ctx context.Context, _ rooms.SessionID, _ rooms.PersonID) (wire.MinutesReport, error) {
						<-release
						return wire.MinutesReport{}, ctx.Err()
					}
				})
				p := h.join("ana", auth.Patient)
				p.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Minutes{}})
				p.cut()
				q := h.resume(p, fresh)
				close(release)
				want := []string{"resumed", "minutes_report c1"}
				if fresh {
					want = []string{"resumed", "snapshot", "attach_media"}
				}
				if d := cmp.Diff(want, types(q.heard())); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
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
		if _, resp, _ := h.dial(); resp == nil || resp.StatusCode != 503 {
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
