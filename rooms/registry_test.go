package rooms

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"viop/auth"
)

// A room with nobody in it closes after a minute. Who comes while it does waits
// for it, and finds the next.
func TestJoinMeetsAClosingRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		t1, _ := h.join("t1", auth.Facilitator)
		t1.Leave()
		h.store.set(func(s *fakeLedger) { s.slow = 5 * time.Second }) // to give the lease back
		h.wait(idleAfter + 3*time.Second)
		began := time.Now()
		again, out := h.join("t1", auth.Facilitator)
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("the new room opened after %s, the old one cannot have been closed", took)
		}
		if h.store.epoch != 2 || again.Info().Handle != "m1" || out.end() != "" {
			t.Errorf("epoch %d, %+v", h.store.epoch, again.Info())
		}
	})
}

// Ten people at the door of a room that opens slowly: it is opened once.
func TestOneOpener(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.store.set(func(s *fakeLedger) { s.slow = 3 * time.Second })
		var wg sync.WaitGroup
		for i := range 10 {
			e := h.entry("p"+string(rune('a'+i)), auth.Patient)
			wg.Go(func() {
				if _, err := h.rooms.Join(t.Context(), e, &fakeOutbox{}); err != nil {
					t.Errorf("Join() = %v", err)
				}
			})
		}
		wg.Wait()
		if h.store.acquired != 1 {
			t.Errorf("the lease was asked for %d times", h.store.acquired)
		}
		if here, ok := h.rooms.Presence("s1"); !ok || len(here) != 10 {
			t.Errorf("Presence() = %v, %t", here, ok)
		}
	})
}

// Whose page is gone before the room is open does not keep the seat.
func TestJoinGivenUp(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.store.set(func(s *fakeLedger) { s.slow = 3 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.rooms.Join(ctx, h.entry("p1", auth.Patient), &fakeOutbox{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Join() = %v", err)
		}
		h.wait(5 * time.Second)
		if here, ok := h.rooms.Presence("s1"); !ok || len(here) != 0 {
			t.Errorf("Presence() = %v, %t", here, ok)
		}
	})
}

// The same when the room is open and the page goes while it asks: whether the
// room has seated it by then or not, nobody holds the seat.
func TestJoinGivenUpInAnOpenRoom(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("t1", auth.Facilitator)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 10 {
			seat, err := h.rooms.Join(gone, h.entry("p"+string(rune('a'+i)), auth.Patient), &fakeOutbox{})
			if err == nil {
				seat.Unlinked() // what signaling does
			}
		}
		h.wait(ResumeWindow + 2*time.Second)
		if here, _ := h.rooms.Presence("s1"); len(here) != 1 {
			t.Errorf("seats held for nobody: %v", here)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		house func(*house)
		entry func(*house) Entry
		want  Code
	}{
		{"another node has the room", func(h *house) { h.store.heldBy = "node-2" }, nil, CodeWrongNode},
		{"the store cannot be reached", func(h *house) { h.store.down = true }, nil, CodeInternal},
		{"no such session", func(h *house) { h.plans.plan.Session = "s2" }, nil, CodeNotFound},
		{"the schedule cannot be reached", func(h *house) { h.plans.err = errors.New("down") }, nil, CodeInternal},
		{"too early", func(h *house) { h.plans.plan.Start = time.Now().Add(31 * time.Minute) }, nil, CodeNotOpen},
		{"cancelled", func(h *house) { h.plans.plan.Cancelled = true }, nil, CodeCancelled},
		{"neither grant nor resume", nil, func(*house) Entry { return Entry{Session: "s1"} }, CodeResume},
		{"a resume nobody knows", nil, func(*house) Entry { return Entry{Session: "s1", ResumeHash: "x"} }, CodeResume},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				e := h.entry("p1", auth.Patient)
				if test.house != nil {
					test.house(h)
				}
				if test.entry != nil {
					e = test.entry(h)
				}
				seat, err := h.rooms.Join(t.Context(), e, &fakeOutbox{})
				if CodeOf(err) != test.want || seat != nil {
					t.Errorf("Join() = %v, %v, want %s", seat, err, test.want)
				}
				if held, ok := errors.AsType[*HeldError](err); test.want == CodeWrongNode && (!ok || held.Node != "node-2") {
					t.Errorf("%v does not say which node", err)
				}
			})
		})
	}
}

// After a refusal because of the store the next attempt is a new one.
func TestStoreComesBack(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.store.set(func(s *fakeLedger) { s.down = true })
		if _, err := h.rooms.Join(t.Context(), h.entry("p1", auth.Patient), &fakeOutbox{}); CodeOf(err) != CodeInternal {
			t.Errorf("Join() = %v", err)
		}
		h.store.set(func(s *fakeLedger) { s.down = false })
		h.join("p1", auth.Patient)
	})
}

// Care goes on: a room that is open takes people in without the schedule.
func TestOpenRoomNeedsNoSchedule(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.join("t1", auth.Facilitator)
		h.plans.set(func(p *fakePlans) { p.slow = true })
		h.join("p1", auth.Patient)
		h.plans.set(func(p *fakePlans) { p.slow, p.err = false, refuse(CodeNotFound, "It was deleted.") })
		if _, err := h.rooms.Join(t.Context(), h.entry("p2", auth.Patient), &fakeOutbox{}); CodeOf(err) != CodeNotFound {
			t.Errorf("Join() of a deleted session = %v", err)
		}
	})
}

// A restart: everybody is told to come back, the evidence is flushed, the lease
// given back, newcomers refused. Afterwards the same people are in the same
// seats with nothing but their resume tokens, names and all.
func TestDrainAndReturn(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, p1, outT, outP := h.group()
		p1.KeepResume("hash-of-p1", time.Now().Add(skew+ResumeWindow))
		h.wait(time.Minute)
		lease := h.store.owner
		h.must(h.rooms.Drain(t.Context()))
		h.wantEnd(outT, CodeRestart)
		h.wantEnd(outP, CodeRestart)
		if !lease.closed || lease.flushed != lease.seq || !h.media.closed {
			t.Errorf("closed %t, flushed %d of %d, media closed %t", lease.closed, lease.flushed, lease.seq, h.media.closed)
		}
		if _, err := h.rooms.Join(t.Context(), h.entry("p2", auth.Patient), &fakeOutbox{}); CodeOf(err) != CodeRestart {
			t.Errorf("Join while draining = %v", err)
		}
		h.wait(5 * time.Second)
		h.rooms = h.registry()
		back, outBack := h.enter(h.rooms, Entry{Session: "s1", ResumeHash: "hash-of-p1", Instance: "tab of p1"})
		if info := back.Info(); info.Handle != "m2" || info.Name != "Name of p1" || info.Role != "patient" {
			t.Errorf("back as %+v", info)
		}
		settled()
		if view := outBack.snapshot(t).People[0]; view.State != Admitted || view.Name != "Name of p1" {
			t.Errorf("back as %+v", view)
		}
		if !outBack.told(AttachMedia{}) {
			t.Error("media was not asked for")
		}
		h.media.peer("m2").connect()
		settled()
		h.wantEvidence(2, "12:01:05 break_ended", "12:01:05 admitted p1 c2-1 main")
	})
}

// Another node takes the room: this one sends everybody there and writes not a
// word more (the fake store fails the test if it does).
func TestLeaseLost(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, p1, outT, outP := h.group()
		p1.KeepResume("hash-of-p1", time.Now().Add(skew+ResumeWindow))
		h.wait(time.Minute)
		media, before := h.media, len(h.store.evidence(1))
		other := h.registry()
		_, outBack := h.enter(other, Entry{Session: "s1", ResumeHash: "hash-of-p1", Instance: "tab of p1", Fresh: true})
		h.wantEnd(outT, CodeWrongNode)
		h.wantEnd(outP, CodeWrongNode)
		h.wantEnd(outBack, "")
		h.wait(time.Minute)
		if !media.closed || len(h.store.evidence(1)) != before {
			t.Error("the former owner goes on")
		}
		if _, here := h.rooms.Presence("s1"); here {
			t.Error("the former owner still has the room")
		}
		h.must(other.Drain(t.Context()))
	})
}

func TestExpel(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, _, _, outP := h.group()
		h.rooms.Expel(t.Context(), "s1", "p1", Reason{CodeRevoked, "Your link was revoked."})
		h.rooms.Expel(t.Context(), "s9", "p1", Reason{CodeRevoked, ""})
		h.wantEnd(outP, CodeRevoked)
		if here, _ := h.rooms.Presence("s1"); len(here) != 1 || here[0].Person != "t1" {
			t.Errorf("Presence() = %v", here)
		}
	})
}

// Flush returns when what happened before it is in the store, also what was
// still in the inbox.
func TestFlush(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		_, p1, _, _ := h.group()
		p1.Leave()
		h.must(h.rooms.Flush(t.Context(), "s1"))
		if lease := h.store.owner; lease.flushed != lease.seq || lease.seq != 5 {
			t.Errorf("flushed %d of %d events, want all 5", lease.flushed, lease.seq)
		}
		h.must(h.rooms.Flush(t.Context(), "s9"))
		h.store.set(func(s *fakeLedger) { s.slow = time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.rooms.Flush(ctx, "s1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush() = %v", err)
		}
		h.store.set(func(s *fakeLedger) { s.slow = 0 })
	})
}
