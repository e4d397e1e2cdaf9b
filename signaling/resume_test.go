package signaling

import (
	"context"
	"encoding/hex"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

// A page that was reloaded knows nothing: it gets a snapshot, with its slots
// gone, is asked for media, and counts its own messages from 1 again. Answers
// to the former page are not for it.
func TestFreshPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		ana.out.Send(rooms.Slots{Slots: []rooms.Slot{{Audio: true, Handle: "m2", Source: rooms.Mic}}})
		p.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Hand{Up: true}})
		p.heard()
		letGo := ana.hold()
		p.say(wire.ClientFrame{ID: "c2", Seq: 2, Msg: wire.Help{On: true}})
		token := p.resumeToken()
		p.cut()
		q := h.resumeWith(token, 1, true)
		letGo() // the former page's command ends before the new page sits
		if d := cmp.Diff([]string{"resumed", "snapshot", "attach_media"}, types(q.heard())); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		if s := q.heard()[1].Msg.(wire.Snapshot); len(s.Slots) != 0 {
			t.Errorf("the slots of the former page: %v", s.Slots)
		}
		ana.told()
		q.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Hand{Up: false}})
		if d := cmp.Diff([]string{"rooms.Hand{Up:false}"}, ana.told()); d != "" {
			t.Errorf("its first message (-want +got):\n%s", d)
		}
	})
}

// A snapshot holds the slots as they are, and an attach_media that may not have
// arrived is told again.
func TestSnapshotIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		token, ack := p.resumeToken(), p.heard()[1].Seq
		p.cut()
		ana.out.Send(rooms.AttachMedia{})
		ana.out.Send(rooms.Slots{Slots: []rooms.Slot{{Index: 3, Handle: "m2", Source: rooms.Screen, Paused: true, Why: "bandwidth"}}})
		for i := range waitingMost + 1 {
			ana.out.Send(said(i))
		}
		ana.out.Send(rooms.Slots{Slots: []rooms.Slot{{Index: 4, Handle: "m2", Source: rooms.Screen}}})
		q := h.resumeWith(token, ack, false)
		all := q.heard()
		if d := cmp.Diff([]string{"resumed", "attach_media", "snapshot"}, types(all)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		want := wire.List[wire.Slot]{{Kind: wire.Video, Index: 4, Handle: "m2", Source: wire.Screen}}
		if d := cmp.Diff(want, all[2].Msg.(wire.Snapshot).Slots); d != "" {
			t.Errorf("slots (-want +got):\n%s", d)
		}
		if n := h.srv.Stats(); n.Overflows != 1 || n.Resumes["snapshot"] != 1 {
			t.Errorf("stats = %+v", n)
		}
		// Now that it has arrived, the next snapshot does not ask again.
		token, ack = q.resumeToken(), all[2].Seq
		q.cut()
		for i := range waitingMost + 1 {
			ana.out.Send(said(i))
		}
		if d := cmp.Diff([]string{"resumed", "snapshot"}, types(h.resumeWith(token, ack, false).heard())); d != "" {
			t.Errorf("again (-want +got):\n%s", d)
		}
	})
}

// A command that was carried out while the line broke is not carried out
// again, and its answer is there after the resume.
func TestCommandsAreCarriedOutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		token, ack := p.resumeToken(), p.heard()[1].Seq
		letGo := ana.hold()
		p.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Hand{Up: true}})
		p.cut()
		q := h.resumeWith(token, ack, false)
		letGo()
		all := q.heard()
		if d := cmp.Diff([]string{"resumed", "result c1"}, types(all)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		if all[0].Ack != 1 {
			t.Errorf("resumed says %d arrived, want 1", all[0].Ack)
		}
		q.forget()
		q.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Hand{Up: true}}) // a browser that is not sure
		q.say(wire.ClientFrame{ID: "c2", Seq: 2, Msg: wire.Hand{Up: false}})
		if d := cmp.Diff([]string{"result c2"}, types(q.heard())); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		want := []string{"rooms.Hand{Up:true}", "linked fresh=false", "rooms.Hand{Up:false}"}
		if d := cmp.Diff(want, ana.told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
	})
}

// What a page of an older generation says comes to nothing, even while it is
// still connected; it is told why and sent away.
func TestTheOlderConnectionCanDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		letGo := ana.hold()
		p.say(wire.ClientFrame{Msg: wire.Hand{Up: true}}) // begun, and holding up the reader
		q := h.resumeWith(p.resumeToken(), 1, false)
		if got := q.heard(); len(got) > 0 {
			t.Fatalf("the takeover did not wait for what had been begun: %v", types(got))
		}
		letGo()
		p.say(wire.ClientFrame{Msg: wire.Moderate{Action: "end"}})
		p.say(wire.ClientFrame{Msg: wire.Leave{}})
		if d := cmp.Diff([]string{"rooms.Hand{Up:true}", "linked fresh=false"}, ana.told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
		if b := p.bye(); b.Code != "replaced" || b.Retry != wire.RetryNone || p.closed() != 4009 {
			t.Errorf("the older page: %+v, closed with %d", b, p.closed())
		}
		if got := types(q.ask("c1", wire.Hand{})); len(got) != 1 || got[0] != "result c1" {
			t.Errorf("the newer page: %v", got)
		}
	})
}

// The same person from elsewhere, by join token: the room replaces the seat.
func TestSecondConnectionReplacesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		token := p.resumeToken()
		q := h.join("ana", auth.Patient)
		if b := p.bye(); b.Code != "replaced" || p.closed() != 4009 {
			t.Errorf("the first: %+v, %d", b, p.closed())
		}
		if d := cmp.Diff([]string{"welcome", "snapshot"}, types(q.heard())); d != "" {
			t.Errorf("the second (-want +got):\n%s", d)
		}
		if b := h.resumeWith(token, 1, false).bye(); b.Code != "resume_expired" || b.Retry != wire.RetryRejoin {
			t.Errorf("the first, by its resume token: %+v", b)
		}
		if s := h.srv.Stats(); s.Links != 1 {
			t.Errorf("%d links", s.Links)
		}
	})
}

// A resume token is for one use. The one before it is good until the browser
// has shown that the new one arrived, and not a moment longer.
func TestResumeTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		first := p.resumeToken()
		p.cut()

		// The answer to the first resume is lost with the line.
		lost, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		lost.say(wire.ClientFrame{Msg: wire.Hello{Versions: []int{1}, Instance: "i", Resume: &wire.Resume{Session: session, Token: first, Ack: 1}}})
		synctest.Wait()
		lost.cut()
		pass(time.Minute)
		q := h.resumeWith(first, 1, false)
		second := q.resumeToken()
		if second == first {
			t.Fatal("the token did not change")
		}
		// It has answered a ping: the first is spent now, whoever has it.
		if b := h.resumeWith(first, 1, false).bye(); b.Code != "resume_expired" || b.Retry != wire.RetryRejoin {
			t.Errorf("a spent token: %+v", b)
		}
		if q.closed() != 0 {
			t.Error("a spent token harmed the one who has the seat")
		}
		// The right token in another session opens nothing.
		wrong := h.open(wire.Hello{Versions: []int{1}, Instance: "i", Resume: &wire.Resume{Session: "other", Token: second}})
		if wrong.bye().Code != "resume_expired" {
			t.Errorf("another session: %+v", wrong.bye())
		}
		if got := types(h.resumeWith(second, 1, false).heard()); got[0] != "resumed" {
			t.Errorf("the second: %v", got)
		}
	})
}

// Two pages come with the same token, and the first has spent it before the
// second gets its turn.
func TestASpentTokenTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		token := digestOf(p.resumeToken())
		l := h.srv.find(session, token)
		p.cut()
		q := h.resume(p, false)
		if _, ok := l.resume(token, 1, false); ok || q.closed() != 0 {
			t.Errorf("resume = %v, and the page that has the seat was closed with %d", ok, q.closed())
		}
		if _, ok := l.resume(digest{}, 1, false); ok {
			t.Error("no token at all is one")
		}
	})
}

// The room is told the hash of the token the browser has, never the token, and
// by it the seat is found again after a restart of the server.
func TestResumeAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		token := p.resumeToken()
		want := digestOf(token)
		if hash, until := ana.kept(); hash != hex.EncodeToString(want[:]) || until != time.Now().Add(rooms.ResumeWindow) {
			t.Errorf("KeepResume(%s, %v)", hash, until)
		}
		p.say(wire.ClientFrame{Seq: 1, Msg: wire.Hand{Up: true}})
		p.heard()
		after := h.again()
		q := after.resumeWith(token, 17, false)
		all := q.heard()
		if d := cmp.Diff([]string{"welcome", "snapshot"}, types(all)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		if all[0].Msg.(wire.Welcome).ResumeToken == token || all[1].Seq != 1 {
			t.Errorf("the numbering did not begin anew: %+v", all[1])
		}
		if s := after.srv.Stats(); s.Resumes["restored"] != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// The seat's words to a link that nobody has are kept; Close ends it at once.
func TestClosedWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		token := p.resumeToken()
		p.cut()
		h.seats.of(t, "ana").out.Close(rooms.Reason{Code: rooms.CodeExpired})
		if s := h.srv.Stats(); s.Links != 0 {
			t.Errorf("%d links", s.Links)
		}
		if b := h.resumeWith(token, 1, false).bye(); b.Code != "resume_expired" || b.Retry != wire.RetryRejoin {
			t.Errorf("%+v", b)
		}
	})
}

// Closed before Join has even returned.
func TestClosedWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.Seats = hasty{c.Seats} })
		p := h.join("ana", auth.Patient)
		if b := p.bye(); b.Code != "room_ended" || p.closed() != 4014 {
			t.Errorf("%+v, closed with %d", b, p.closed())
		}
		if s := h.srv.Stats(); s.Links != 0 {
			t.Errorf("%d links", s.Links)
		}
	})
}

type hasty struct{ Seats }

func (h hasty) Join(ctx context.Context, e rooms.Entry, out rooms.Outbox) (Seat, error) {
	s, err := h.Seats.Join(ctx, e, out)
	out.Close(rooms.Reason{Code: rooms.CodeEnded, Message: "This session is over."})
	return s, err
}
