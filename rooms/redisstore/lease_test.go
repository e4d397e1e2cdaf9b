package redisstore

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
)

func TestALeaseIsOneEpoch(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one := b.open(t, t.TempDir(), "one")
		if got := acquire(t, one, "s").Epoch(); got != 1 {
			t.Errorf("the first epoch is %d, want 1", got)
		}
		if got := acquire(t, one, "s").Epoch(); got != 2 {
			t.Errorf("a node takes its own room over at once: epoch %d, want 2", got)
		}
		if got := acquire(t, one, "other").Epoch(); got != 1 {
			t.Errorf("another session begins at epoch %d, want 1", got)
		}
	})
}

func TestAnotherNodeWaitsForTheLeaseToRunOut(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		first := acquire(t, one, "s")
		_, err := two.Acquire(t.Context(), "s")
		if held, ok := errors.AsType[*rooms.HeldError](err); !ok || held.Node != "one" {
			t.Fatalf("Acquire of a held room = %v, want a HeldError of node one", err)
		}
		runOut(t, b, "s")
		if got := acquire(t, two, "s").Epoch(); got != 2 {
			t.Errorf("after the lease ran out: epoch %d, want 2", got)
		}
		first.Beat(rooms.Beat{At: first.Now()})
		select {
		case <-first.Lost():
		case <-time.After(5 * time.Second):
			t.Error("the former owner is not told that it lost the room")
		}
	})
}

// runOut makes a lease look as if its time had passed.
func runOut(t *testing.T, b backend, session rooms.SessionID) {
	t.Helper()
	if err := b.client(t).HSet(t.Context(), leaseKey(session), "until", "1").Err(); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseThatRanOutAndNobodyTookIsRenewed(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		l := acquire(t, one, "s")
		runOut(t, b, "s")
		l.Beat(rooms.Beat{At: l.Now(), State: rooms.Live})
		eventually(t, "the beat is in the store", func() bool {
			state, _, _, err := one.Presence(t.Context(), "s")
			return err == nil && state == rooms.Live
		})
		if _, err := two.Acquire(t.Context(), "s"); err == nil {
			t.Error("another node took a room whose lease was renewed")
		}
	})
}

func TestAFormerOwnerIsFencedOff(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		former := acquire(t, one, "s")
		runOut(t, b, "s")
		owner := acquire(t, two, "s")
		owner.Save(rooms.Memory{Locked: true})
		flush(t, owner)

		former.Record(admitted(former.Now(), "p1", "c1-1"))
		former.Save(rooms.Memory{State: rooms.Ended})
		former.Beat(rooms.Beat{At: former.Now(), State: rooms.Ended})
		flush(t, former)
		select {
		case <-former.Lost():
		case <-time.After(5 * time.Second):
			t.Fatal("the former owner is not told that it lost the room")
		}
		wantStory(t, one, "s", "1 log 1 admitted c1-1") // a fact stays a fact
		if state, _, _, err := one.Presence(t.Context(), "s"); err != nil || state == rooms.Ended {
			t.Errorf("Presence = %s, %v: the former owner's beat counts", state, err)
		}
		if err := owner.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := rooms.Memory{Locked: true}
		if diff := cmp.Diff(want, acquire(t, one, "s").Memory()); diff != "" {
			t.Errorf("the former owner's memory counts (-want +got):\n%s", diff)
		}
	})
}

func TestALeaseGivenBackIsFreeAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		l := acquire(t, one, "s")
		now := l.Now()
		l.Record(admitted(now, "p1", "c1-1"), admitted(now, "p2", "c1-2"),
			attendance.Event{Type: attendance.Left, At: attendance.At(now.Add(time.Second)), Connection: "c1-2", Reason: attendance.ReasonLeave})
		l.Beat(rooms.Beat{At: now.Add(4 * time.Second), State: rooms.Live, Here: []rooms.Presence{
			here("p1", "c1-1", now.Add(3*time.Second)), here("p2", "c1-2", now)}})
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Whoever is still in the room has the last proof of life in the log,
		// and a takeover has nothing to add.
		acquire(t, two, "s")
		wantStory(t, two, "s", "1 log 1 admitted c1-1", "1 log 2 admitted c1-2", "1 log 3 left c1-2", "1 log 4 seen c1-1")
		entries, _ := two.Evidence(t.Context(), "s")
		if got, want := entries[3].Event.At, attendance.At(now.Add(3*time.Second)); got != want {
			t.Errorf("the last proof of life is dated %v, want %v", got, want)
		}
		if left := files(t, one); len(left) > 0 {
			t.Errorf("files are left: %v", left)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
}

func TestMemoryOutlivesTheProcess(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		dir := t.TempDir()
		s := b.open(t, dir, "one")
		l := acquire(t, s, "s")
		if diff := cmp.Diff(rooms.Memory{}, l.Memory()); diff != "" {
			t.Errorf("the memory of a new room (-want +got):\n%s", diff)
		}
		want := rooms.Memory{State: rooms.Live, Opened: true, People: []rooms.Remembered{{
			Person: "p1", Handle: "m1", Role: "patient", Admitted: true, Resume: "ab",
			Until: time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC), SealedName: s.Seal("Ana B."),
		}}}
		for range 50 {
			l.Save(rooms.Memory{State: rooms.Open})
		}
		l.Save(want)
		flush(t, l)
		s.crash()
		again := b.open(t, dir, "one")
		got := acquire(t, again, "s").Memory()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the memory after a crash (-want +got):\n%s", diff)
		}
		if name, err := again.Unseal(got.People[0].SealedName); err != nil || name != "Ana B." {
			t.Errorf("Unseal = %q, %v", name, err)
		}
	})
}

func TestNotesAreSealedAndChained(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		l := acquire(t, s, "s")
		l.Note(rooms.Note{At: l.Now(), Actor: "p1", Action: "check_in", Sealed: "42 Elm Street"},
			rooms.Note{At: l.Now(), Actor: "t1", Action: "admit", Target: "p1"})
		flush(t, l)
		entries, err := s.entries(t.Context(), stream{"s", 1, kindAudit})
		if err != nil || len(entries) != 2 {
			t.Fatalf("the audit trail has %d entries, %v; want 2", len(entries), err)
		}
		b.wantNowhere(t, "Elm Street")
		heads, err := s.VerifyChain(t.Context(), "s")
		if err != nil || len(heads) != 1 || heads[0].Log != "audit" || heads[0].Entries != 2 {
			t.Errorf("VerifyChain = %+v, %v; want one head of the audit trail", heads, err)
		}
	})
}

// wantNowhere looks through everything in Redis.
func (b backend) wantNowhere(t *testing.T, secret string) {
	t.Helper()
	rdb := b.client(t)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatal("no keys", err)
	}
	for _, key := range keys {
		var all any
		switch kind, _ := rdb.Type(t.Context(), key).Result(); kind {
		case "string":
			all = rdb.Get(t.Context(), key).Val()
		case "hash":
			all = rdb.HGetAll(t.Context(), key).Val()
		case "stream":
			all = rdb.XRange(t.Context(), key, "-", "+").Val()
		case "zset":
			all = rdb.ZRange(t.Context(), key, 0, -1).Val()
		case "set":
			all = rdb.SMembers(t.Context(), key).Val()
		default:
			t.Fatalf("key %s is a %s", key, kind)
		}
		if contains(all, secret) {
			t.Errorf("key %s holds %q in the clear", key, secret)
		}
	}
}

func TestTheEvidenceClock(t *testing.T) {
	sent := time.Now()
	redis := time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC)
	c := anchor(redis, sent, sent.Add(20*time.Millisecond))
	if got := c.at(sent.Add(10 * time.Millisecond)); !got.Equal(redis) {
		t.Errorf("in the middle of the round trip it is %v, want %v", got, redis)
	}
	if c.error != 10*time.Millisecond {
		t.Errorf("the error is %v, want half the round trip", c.error)
	}
	later := sent.Add(time.Hour)
	if got := c.drift(redis.Add(time.Hour-7*time.Second), later.Add(5*time.Millisecond), later.Add(15*time.Millisecond)); got != -7*time.Second {
		t.Errorf("Redis was set back by 7 s: drift %v", got)
	}
	if got := c.at(later.Add(10 * time.Millisecond)); !got.Equal(redis.Add(time.Hour)) {
		t.Errorf("the clock follows a Redis that was set back: %v", got)
	}
}

func TestTheDriftIsMeasuredAtEveryBeat(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		l := acquire(t, s, "s")
		l.clock.base = l.clock.base.Add(-3 * time.Second) // as if Redis had been set ahead since
		l.Beat(rooms.Beat{At: l.Now()})
		eventually(t, "the drift shows", func() bool { return s.Health().Drift.Round(time.Second) == 3*time.Second })
		l.Beat(rooms.Beat{At: l.Now()})
		eventually(t, "the drift is in the next beat", func() bool {
			text := b.client(t).HGet(t.Context(), beatsKey("s"), "1").Val()
			_, kept, err := parseBeat("1", text)
			return err == nil && time.Duration(kept.DriftMicros)*time.Microsecond > 2*time.Second
		})
	})
}

func TestALeaseWhoseClockIsWrongIsGivenUp(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		l := acquire(t, s, "s")
		l.clock.base = l.clock.base.Add(-time.Minute) // as if the node had slept
		l.Beat(rooms.Beat{At: l.Now()})
		eventually(t, "the lease is lost", func() bool {
			select {
			case <-l.Lost():
				return true
			default:
				return false
			}
		})
		next := acquire(t, s, "s") // the same node, at once
		if next.Epoch() != l.Epoch()+1 {
			t.Errorf("epoch %d after %d", next.Epoch(), l.Epoch())
		}
		now, err := s.Now(t.Context())
		if apart := now.Sub(next.Now()).Abs(); err != nil || apart > time.Second {
			t.Errorf("the new clock is %v off, %v", apart, err)
		}
	})
}
