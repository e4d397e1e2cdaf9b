package signaling

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"viop/auth"
	"viop/auth/authtest"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/signaling/wire"
)

// These tests are over the real rooms; only what the rooms themselves need is
// faked: a ledger that keeps the memory, and media that do nothing.

type ledger struct {
	mu     sync.Mutex
	epoch  int
	memory rooms.Memory
}

func (l *ledger) Acquire(context.Context, rooms.SessionID) (rooms.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	return &lease{ledger: l, epoch: l.epoch, lost: make(chan struct{})}, nil
}

type lease struct {
	ledger *ledger
	epoch  int
	lost   chan struct{}
}

func (l *lease) Epoch() int                  { return l.epoch }
func (l *lease) Now() time.Time              { return time.Now() }
func (l *lease) Record(...attendance.Event)  {}
func (l *lease) Note(...rooms.Note)          {}
func (l *lease) Beat(rooms.Beat)             {}
func (l *lease) Health() rooms.Health        { return rooms.Health{Durable: true} }
func (l *lease) Lost() <-chan struct{}       { return l.lost }
func (l *lease) Flush(context.Context) error { return nil }
func (l *lease) Close(context.Context) error { return nil }

func (l *lease) Save(m rooms.Memory) {
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	l.ledger.memory = m
}

func (l *lease) Memory() rooms.Memory {
	l.ledger.mu.Lock()
	defer l.ledger.mu.Unlock()
	return l.ledger.memory
}

type media struct{}

func (media) Attach(rooms.Attachment, func(rooms.PeerEvent)) (rooms.Peer, error) { return peer{}, nil }
func (media) Route(map[rooms.Conn]rooms.Place)                                   {}
func (media) Close() error                                                       { return nil }

type peer struct{}

func (peer) Signal(rooms.Signal)     {}
func (peer) Want([]rooms.Want)       {}
func (peer) Publishing(rooms.Source) {}
func (peer) LastSeen() time.Time     { return time.Time{} }
func (peer) Close()                  {}

type plans struct{ start time.Time }

func (p plans) Plan(_ context.Context, id rooms.SessionID) (rooms.Plan, error) {
	return rooms.Plan{Session: id, Start: p.start, End: p.start.Add(3 * time.Hour), Seats: 12}, nil
}

// realHouse is a house over real rooms.
func realHouse(t *testing.T, l *ledger) (*house, *rooms.Registry) {
	t.Helper()
	registry := rooms.New(rooms.Config{}, l, func(rooms.SessionID) (rooms.Media, error) { return media{}, nil },
		plans{time.Now().Add(-time.Minute)}, slog.New(slog.DiscardHandler))
	h := newHouse(t, func(c *Config) {
		c.Seats = Rooms(registry)
		c.Minutes = func(context.Context, rooms.SessionID, rooms.PersonID) (wire.MinutesReport, error) {
			return wire.MinutesReport{AsOf: 1}, nil
		}
	})
	t.Cleanup(func() {
		if err := registry.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, registry
}

// people a page knows of, by handle, from what it heard.
func (p *page) people() map[wire.Handle]wire.SeatState {
	all := map[wire.Handle]wire.SeatState{}
	for _, f := range p.heard() {
		switch m := f.Msg.(type) {
		case wire.Snapshot:
			clear(all)
			for _, someone := range m.People {
				all[someone.Handle] = someone.State
			}
		case wire.Person:
			all[m.Handle] = m.State
		}
	}
	return all
}

func (p *page) has(kind string) bool {
	for _, f := range p.heard() {
		if f.Msg.Type() == kind {
			return true
		}
	}
	return false
}

// A session from the lobby to the closing page.
func TestASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := realHouse(t, &ledger{})
		tia := h.join("tia", auth.Facilitator)
		ana := h.join("ana", auth.Patient)
		if got := tia.people()["m2"]; got != "waiting" {
			t.Fatalf("the facilitator sees the patient as %q", got)
		}
		if ana.has("attach_media") {
			t.Fatal("media in the lobby")
		}
		if got := types(ana.ask("c1", wire.Moderate{Action: "admit", Target: "m2"})); got[0] != "error c1" {
			t.Errorf("a patient admits themself: %v", got)
		}
		tia.ask("c1", wire.Moderate{Action: "admit", Target: "m2"})
		if !ana.has("attach_media") || !ana.has("moderated") {
			t.Errorf("after the admission: %v", types(ana.heard()))
		}

		// The patient's page is reloaded: same seat.
		before := ana
		pass(time.Second)
		ana = h.join("ana", auth.Patient)
		if before.bye().Code != "replaced" || !ana.has("attach_media") || ana.people()["m2"] == "" {
			t.Errorf("after the reload: %v, %v", types(before.heard()), types(ana.heard()))
		}

		// The line breaks and comes back: exactly.
		known := ana.resumeToken()
		ana.cut()
		tia.ask("c2", wire.Moderate{Action: "lock"})
		ana = h.resume(ana, false)
		if r, ok := ana.heard()[0].Msg.(wire.Resumed); !ok || r.Mode != wire.ModeReplay || known == ana.resumeToken() {
			t.Errorf("after the break: %v", types(ana.heard()))
		}
		if !ana.has("room") {
			t.Error("the lock was not replayed")
		}

		// The end: the patient is sent away, the facilitator stays to review.
		if got := types(tia.ask("c3", wire.Moderate{Action: "end"})); got[len(got)-1] != "result c3" && got[0] != "result c3" {
			t.Errorf("end: %v", got)
		}
		pass(time.Minute)
		if b := ana.bye(); b.Code != "room_ended" || b.Retry != wire.RetryNone || ana.closed() != 4014 {
			t.Errorf("the patient: %+v, closed with %d", b, ana.closed())
		}
		if d := cmp.Diff([]string{"minutes_report c4"}, types(tia.ask("c4", wire.Minutes{}))); d != "" {
			t.Errorf("minutes after the end (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"error c5"}, types(tia.ask("c5", wire.Moderate{Action: "lock"}))); d != "" {
			t.Errorf("a command after the end (-want +got):\n%s", d)
		}
		pass(time.Hour)
		if b := tia.bye(); b.Code != "room_ended" {
			t.Errorf("the facilitator, when the time for review is over: %+v", b)
		}
		if s := h.srv.Stats(); s.Links != 0 || s.Open != 0 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// Nobody comes back: the room gives the seat up, and the link goes with it.
func TestNobodyComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := realHouse(t, &ledger{})
		ana := h.join("ana", auth.Patient)
		token := ana.resumeToken()
		ana.cut()
		pass(rooms.ResumeWindow - 10*time.Second)
		if s := h.srv.Stats(); s.Links != 1 {
			t.Fatalf("%d links within the window", s.Links)
		}
		pass(20 * time.Second)
		if s := h.srv.Stats(); s.Links != 0 {
			t.Errorf("%d links after the window", s.Links)
		}
		if b := h.resumeWith(token, 1, false).bye(); b.Code != "resume_expired" || b.Retry != wire.RetryRejoin {
			t.Errorf("too late: %+v", b)
		}
		if got := types(h.join("ana", auth.Patient).heard()); got[0] != "welcome" {
			t.Errorf("by the join token: %v", got)
		}
	})
}

// The server is restarted: the resume token still opens the seat, whose name
// and role the room remembers, without the lobby.
func TestRestartWithRealRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &ledger{}
		h, registry := realHouse(t, kept)
		tia := h.join("tia", auth.Facilitator)
		ana := h.join("ana", auth.Patient)
		tia.ask("c1", wire.Moderate{Action: "admit", Target: "m2"})
		token := ana.resumeToken()
		if err := registry.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b := ana.bye(); b.Code != "restart" || b.Retry != wire.RetryResume || ana.closed() != 4010 {
			t.Errorf("%+v, closed with %d", b, ana.closed())
		}
		after, _ := realHouse(t, kept)
		again := after.resumeWith(token, 5, true)
		w, ok := again.heard()[0].Msg.(wire.Welcome)
		if !ok || w.Handle != "m2" || w.Role != "patient" || !again.has("attach_media") {
			t.Errorf("%v, %+v", types(again.heard()), w)
		}
	})
}

// Two hundred pages come and go over a real network, rudely and politely, and
// leave nothing behind.
func TestComingAndGoingLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	keys := authtest.New(t, time.Now)
	verifier, err := auth.New(t.Context(), keys.Config(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	var log strings.Builder
	var logMu sync.Mutex
	logger := slog.New(slog.NewTextHandler(locked{&logMu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	registry := rooms.New(rooms.Config{}, &ledger{}, func(rooms.SessionID) (rooms.Media, error) { return media{}, nil },
		plans{time.Now()}, logger)
	srv, err := New(Config{Seats: Rooms(registry), Verify: verifier.VerifyJoin, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv)
	defer web.Close()
	tokens := make([]string, 10)
	for i := range tokens {
		tokens[i] = keys.Join(session, fmt.Sprint("p", i), auth.Patient)
	}
	var all sync.WaitGroup
	for worker := range tokens {
		all.Go(func() {
			for n := range 20 {
				visit(t, web.URL, tokens[worker], n)
			}
		})
	}
	all.Wait()
	if err := registry.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if err := srv.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if s := srv.Stats(); s.Open != 0 || s.Pending != 0 || s.Links != 0 || s.Joins != 200 {
		t.Errorf("stats = %+v", s)
	}
	for _, secret := range []string{tokens[0], "127.0.0.1"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// visit comes, hears its welcome, and goes in one of four ways.
func visit(t *testing.T, url, token string, n int) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		t.Error(err)
		return
	}
	defer ws.CloseNow()
	say := func(m wire.ClientMessage) {
		b, err := wire.AppendClient(nil, wire.ClientFrame{Msg: m})
		if err == nil {
			err = ws.Write(ctx, websocket.MessageText, b)
		}
		if err != nil {
			t.Error(err)
		}
	}
	say(wire.Hello{Versions: []int{1}, Token: token, Instance: fmt.Sprint("i", n), Fresh: true})
	if _, b, err := ws.Read(ctx); err != nil || !strings.Contains(string(b), `"welcome"`) {
		t.Errorf("visit: %s, %v", b, err)
		return
	}
	switch n % 4 {
	case 0: // politely
		say(wire.Leave{})
		for err == nil {
			_, _, err = ws.Read(ctx)
		}
		if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
			t.Errorf("leave: %v", err)
		}
	case 1:
		_ = ws.Close(websocket.StatusGoingAway, "")
	case 2:
		say(wire.Hand{Up: true})
	case 3: // the line breaks
	}
}
