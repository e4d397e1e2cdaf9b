package signaling

import (
	"errors"
	"fmt"
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
