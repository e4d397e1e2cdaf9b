package rooms

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"viop/auth"
	"viop/auth/authtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a registry among fakes, in a synctest bubble.
type house struct {
	t     *testing.T
	keys  *authtest.Keyring
	store *fakeLedger
	plans *fakePlans
	rooms *Registry

	mu    sync.Mutex
	media *fakeMedia // of the room opened last
}

// inHouse runs f in a bubble in which it is noon UTC by the clock of the
// evidence, at the start of a session, and drains the house after.
func inHouse(t *testing.T, f func(*testing.T, *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		noon := time.Now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour)
		<-time.After(time.Until(noon.Add(-skew)))
		h := &house{
			t: t, keys: authtest.New(t, time.Now), store: &fakeLedger{t: t},
			plans: &fakePlans{plan: Plan{Session: "s1", Start: noon, End: noon.Add(3 * time.Hour), Seats: 12}},
		}
		// The door is looked at by this process's clock too, which is behind.
		h.plans.plan.Start = noon.Add(-skew)
		h.rooms = h.registry()
		defer h.drain()
		f(t, h)
	})
}

func (h *house) drain() {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	if err := h.rooms.Drain(ctx); err != nil {
		h.t.Errorf("Drain() = %v", err)
	}
}

// registry is another node on the same store.
func (h *house) registry() *Registry {
	config := Config{Seal: seal, Unseal: unseal, CheckIn: true}
	return New(config, h.store, h.newMedia, h.plans, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

func (h *house) newMedia(SessionID) (Media, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.media = newFakeMedia(h.t)
	return h.media, nil
}

func (h *house) entry(person string, role auth.Role) Entry {
	return Entry{Grant: h.keys.Grant("s1", person, role), Instance: "tab of " + person, Fresh: true}
}

// join takes a seat, or fails the test.
func (h *house) join(person string, role auth.Role) (*Seat, *fakeOutbox) {
	h.t.Helper()
	return h.enter(h.rooms, h.entry(person, role))
}

func (h *house) enter(r *Registry, e Entry) (*Seat, *fakeOutbox) {
	h.t.Helper()
	out := &fakeOutbox{}
	s, err := r.Join(h.t.Context(), e, out)
	if err != nil {
		h.t.Fatalf("Join(%+v) = %v", e, err)
	}
	return s, out
}

// group is a facilitator and a patient with media in the group.
func (h *house) group() (t1, p1 *Seat, outT, outP *fakeOutbox) {
	h.t.Helper()
	t1, outT = h.join("t1", auth.Facilitator)
	h.media.peer("m1").connect()
	settled()
	p1, outP = h.join("p1", auth.Patient)
	h.must(t1.Do(h.t.Context(), Moderate{Action: Admit, Target: "m2"}))
	h.media.peer("m2").connect()
	settled()
	return t1, p1, outT, outP
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) wait(d time.Duration) {
	<-time.After(d)
	settled()
}

func (h *house) wantEvidence(epoch int, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.store.evidence(epoch)); diff != "" {
		h.t.Errorf("evidence of epoch %d (-want +got):\n%s", epoch, diff)
	}
}

func (h *house) wantEnd(out *fakeOutbox, want Code) {
	h.t.Helper()
	settled()
	if got := out.end(); got != want {
		h.t.Errorf("outbox closed with %q, want %q", got, want)
	}
}

// From the lobby to the group, a dead line, back, and the explicit end: dated
// by the clock of the evidence, the dead line at its last packet.
func TestJoinAdmitLostReturnLeave(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		t1, p1, _, outP := h.group()
		info := p1.Info()
		want := SeatInfo{Session: "s1", Person: "p1", Handle: "m2", Role: "patient", Name: "Name of p1",
			CheckIn: true, Audio: 11, Video: 12, Durable: true}
		if info != want {
			t.Errorf("Info() = %+v, want %+v", info, want)
		}
		if !outP.told(AttachMedia{}) {
			t.Error("the patient was not asked for media")
		}
		h.must(p1.Do(t.Context(), Publish{Mic, true}))
		if place, _ := h.media.place("m2"); place != (Place{MainRoom, Mic}) {
			t.Errorf("the patient stands in %+v", place)
		}
		h.wait(time.Minute)
		peer := h.media.peer("m2")
		peer.silence()
		h.wait(12 * time.Second)
		peer.notice()
		h.wait(10 * time.Second)
		if _, routed := h.media.place("m2"); routed {
			t.Error("a dead line is routed")
		}
		peer.connect()
		h.wait(time.Minute)
		p1.Leave()
		h.must(h.rooms.Flush(t.Context(), "s1"))
		h.must(t1.Do(t.Context(), Moderate{Action: End}))
		h.wantEnd(outP, CodeLeft)
		h.wait(tickEvery)
		if last := h.store.beats[len(h.store.beats)-1]; last.State != Ended {
			t.Errorf("a second after the end the beat says %s", last.State)
		}
		h.wantEvidence(1,
			"12:00:00 opened",
			"12:00:00 admitted t1 c1-1 main",
			"12:00:00 waiting p1 c1-2",
			"12:00:00 admitted p1 c1-2 main",
			"12:01:00 lost c1-2",
			"12:01:22 admitted p1 c1-2 main",
			"12:02:22 left c1-2 leave",
			"12:02:22 closed",
		)
	})
}

// The WebSocket dies with the media; nobody comes back within the window.
func TestSeatIsGivenUp(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, p1, _, outP := h.group()
		peer := h.media.peer("m2")
		peer.silence()
		h.wait(12 * time.Second)
		p1.Unlinked()
		peer.notice()
		h.wait(ResumeWindow - 2*time.Second)
		h.wantEnd(outP, "")
		h.wait(3 * time.Second)
		h.wantEnd(outP, CodeExpired)
		if err := p1.Do(t.Context(), Hand{true}); CodeOf(err) != CodeReplaced {
			t.Errorf("Do on a seat given up = %v", err)
		}
	})
}

// In the lobby the page's own words are the proof of life.
func TestLobbyIsProvenByThePage(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		p1, _ := h.join("p1", auth.Patient)
		h.wait(5 * time.Minute)
		p1.Seen()
		h.wait(12 * time.Second)
		p1.Unlinked()
		h.wait(time.Second)
		p1.Linked(false)
		settled()
		h.wantEvidence(1, "12:00:00 waiting p1 c1-1", "12:05:00 lost c1-1", "12:05:13 waiting p1 c1-1")
	})
}

// A second device replaces the first. Only the new one is told anything, and
// what the old one does has no effect.
func TestSecondDeviceReplaces(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, laptop, _, outLaptop := h.group()
		h.wait(time.Minute)
		e := h.entry("p1", auth.Patient)
		e.Instance = "phone"
		phone, outPhone := h.enter(h.rooms, e)
		h.wantEnd(outLaptop, CodeReplaced)
		if phone.Info().Handle != "m2" || !outPhone.told(AttachMedia{}) {
			t.Error("the phone is not in the same seat with media to offer")
		}
		h.media.peer("m2").connect()
		settled()
		laptop.Leave()
		laptop.Signal(Signal{SDP: "v=0"})
		settled()
		h.wantEnd(outPhone, "")
		if got := h.media.peer("m2").signals; got != nil {
			t.Errorf("the laptop's offer reached the phone's peer: %v", got)
		}
		h.wantEvidence(1,
			"12:00:00 opened",
			"12:00:00 admitted t1 c1-1 main",
			"12:00:00 waiting p1 c1-2",
			"12:00:00 admitted p1 c1-2 main",
			"12:01:00 left c1-2 replaced",
			"12:01:00 admitted p1 c1-3 main",
		)
	})
}

// Answers, slots and the like go from the peer to the page of the moment, and
// signals straight to the peer.
func TestPeerAndPageTalkPastTheRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, p1, _, outP := h.group()
		peer := h.media.peer("m2")
		p1.Signal(Signal{NID: 1, SDP: "v=0"})
		p1.Want([]Want{{Handle: "m1", Source: Camera, Height: 180}})
		peer.say(Answer{NID: 1, SDP: "v=0"})
		settled()
		if len(peer.signals) != 1 || len(peer.wants) != 1 || !outP.told(Answer{}) {
			t.Errorf("signals %v, wants %v, answered %t", peer.signals, peer.wants, outP.told(Answer{}))
		}
		// The same page comes back with its media, on a new line.
		e := h.entry("p1", auth.Patient)
		e.Fresh = false
		again, outAgain := h.enter(h.rooms, e)
		peer.say(ICERestart{})
		again.Signal(Signal{NID: 2, SDP: "v=0"})
		settled()
		if outP.told(ICERestart{}) || !outAgain.told(ICERestart{}) || len(peer.signals) != 2 {
			t.Error("the peer still talks to the former line")
		}
		if outAgain.told(AttachMedia{}) {
			t.Error("a page that kept its media was asked for it")
		}
	})
}

// What stands in the inbox behind the last input is refused, not done: the
// caller finds the next room.
func TestNothingHappensAfterTheEnd(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lease, err := h.store.Acquire(t.Context(), "s1")
		h.must(err)
		media, err := h.newMedia("s1")
		h.must(err)
		plan := h.plans.plan
		s := newState(lease.Now().UTC(), plan, 1, false, Memory{}, nil)
		r := newRoom(lease, media, s, slog.New(slog.NewTextHandler(io.Discard, nil)))
		out, reply := &fakeOutbox{}, make(chan error, 1)
		seat := r.newSeat(out)
		r.inbox.post(posting{in: drain{}})
		r.inbox.post(posting{in: join{seat: seat.id, person: "p1", role: auth.Patient}, seat: seat, reply: reply})
		r.run(t.Context())
		if err := <-reply; !errors.Is(err, errClosing) {
			t.Errorf("a join behind a drain = %v", err)
		}
		if r.inbox.post(posting{in: drain{}}) || out.told(Snapshot{}) || len(h.store.evidence(1)) != 0 {
			t.Error("the room went on after its end")
		}
	})
}

// When the forwarder cannot make a peer the person is told, and nothing hangs.
func TestMediaBroken(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("p1", auth.Patient)
		h.media.broken = true
		_, out := h.join("t1", auth.Facilitator)
		h.wantEnd(out, CodeInternal)
		h.media.broken = false
		_, out = h.join("t1", auth.Facilitator)
		h.media.peer("m2").connect()
		h.wantEnd(out, "")
	})
}

// Beats come every five seconds, and carry the last packet's time by the clock
// of the evidence.
func TestBeats(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.group()
		h.wait(time.Minute)
		h.media.peer("m2").silence()
		silent := time.Now().Add(skew).Truncate(time.Millisecond)
		h.wait(7 * time.Second)
		last := h.store.beats[len(h.store.beats)-1]
		if len(last.Here) != 2 || !last.Here[1].Seen.Equal(silent) || last.Here[1].Conn != "c1-2" {
			t.Errorf("the last beat is %+v, want m2 seen at %s", last, silent)
		}
		for i := 1; i < len(h.store.beats); i++ {
			if gap := h.store.beats[i].At.Sub(h.store.beats[i-1].At); gap != BeatEvery {
				t.Errorf("%s between two beats", gap)
			}
		}
	})
}

// A busy room: everybody talks at once, from their own goroutines, while the
// room drains. For the race detector.
func TestBusyRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		t1, p1, _, _ := h.group()
		var wg sync.WaitGroup
		for _, f := range []func(){
			func() { p1.Seen() },
			func() { p1.Signal(Signal{Candidate: "x"}) },
			func() { p1.Linked(true) },
			func() { p1.Snapshot() },
			func() { _ = p1.Do(t.Context(), Hand{true}) },
			func() { _ = t1.Do(t.Context(), Moderate{Action: MuteAll}) },
			func() { h.rooms.Presence("s1") },
			func() { _ = h.rooms.Flush(t.Context(), "s1") },
		} {
			wg.Go(func() {
				for range 50 {
					f()
				}
			})
		}
		wg.Go(func() {
			if err := h.rooms.Drain(t.Context()); err != nil {
				t.Errorf("Drain() = %v", err)
			}
		})
		wg.Wait()
		if err := p1.Do(t.Context(), Hand{true}); CodeOf(err) != CodeRestart {
			t.Errorf("Do in a closed room = %v", err)
		}
	})
}
