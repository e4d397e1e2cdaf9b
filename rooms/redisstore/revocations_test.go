package redisstore

import (
	"sync"
	"testing"
	"time"

	"viop/auth"
)

func TestARevocationIsKnownEverywhereWithinTwoSeconds(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		here, there := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		var mu sync.Mutex
		var told []auth.Revocation
		there.WatchRevocations(func(r auth.Revocation) {
			mu.Lock()
			told = append(told, r)
			mu.Unlock()
		})
		now := time.Now()
		token := auth.Revocation{TokenID: "j1", At: now, Until: now.Add(time.Hour)}
		place := auth.Revocation{Subject: "p1", Session: "s", Until: now.Add(time.Hour)} // At is now, by Redis
		for _, r := range []auth.Revocation{token, place} {
			if err := here.Revoke(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if !here.Revoked("j1", "p9", "s9", time.Time{}) || !here.Revoked("j2", "p1", "s", time.Time{}) {
			t.Error("the node that revoked does not obey at once")
		}
		eventually(t, "the other node obeys", func() bool {
			return there.Revoked("j1", "p9", "s9", time.Time{}) && there.Revoked("j2", "p1", "s", time.Time{})
		})
		eventually(t, "its watcher is told", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(told) == 2
		})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		for _, other := range [][3]string{{"j2", "p1", "s2"}, {"j2", "p2", "s"}, {"", "", ""}, {"j1x", "p9", "s9"}} {
			if there.Revoked(other[0], other[1], other[2], time.Time{}) {
				t.Errorf("%v is revoked, too", other)
			}
		}
		if age := there.Health().RevocationsAge; age > 2*time.Second {
			t.Errorf("the list is %v old", age)
		}
		// A later node, and a later watcher, know it from the start.
		late := b.open(t, t.TempDir(), "three")
		if !late.Revoked("j1", "", "", time.Time{}) {
			t.Error("a node that starts later does not know")
		}
		again := make(chan auth.Revocation, 10)
		late.WatchRevocations(func(r auth.Revocation) { again <- r })
		<-again
		<-again
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 2 {
			t.Errorf("a watcher was told %d times of 2", len(told))
		}
	})
}

// A seat that is resumed after a crash shows no token, so the room has to hear
// again whose place was taken back while it was away.
func TestARoomThatOpensAgainHearsOfRevokedPlaces(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		if err := s.Revoke(t.Context(), auth.Revocation{Subject: "p1", Session: "s", Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		told := make(chan auth.Revocation, 10)
		s.WatchRevocations(func(r auth.Revocation) { told <- r })
		<-told
		l := acquire(t, s, "s")
		acquired := time.Now()
		if r := <-told; r.Subject != "p1" || time.Since(acquired) < pollEvery/2 || time.Since(acquired) > 3*time.Second {
			t.Errorf("told of %+v %v after the room was taken", r, time.Since(acquired))
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARevocationEnds(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		now := time.Now()
		if err := s.Revoke(t.Context(), auth.Revocation{TokenID: "short", At: now, Until: now.Add(300 * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
		if !s.Revoked("short", "", "", time.Time{}) {
			t.Error("it is not in force")
		}
		eventually(t, "it ends", func() bool { return !s.Revoked("short", "", "", time.Time{}) })
		if err := s.Revoke(t.Context(), auth.Revocation{TokenID: "next", At: now, Until: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is trimmed", func() bool { return b.client(t).ZCard(t.Context(), revokedKey).Val() == 1 })
		if err := s.Revoke(t.Context(), auth.Revocation{TokenID: "x", Subject: "p1", Session: "s", At: now, Until: now.Add(time.Hour)}); err == nil {
			t.Error("neither kind, and accepted")
		}
	})
}

func TestTheLastListStaysInForceWithoutRedis(t *testing.T) {
	c := ownServer(t)
	s := open(t, Config{URL: "unix://" + c.socket, Dir: t.TempDir()})
	now := time.Now()
	if err := s.Revoke(t.Context(), auth.Revocation{TokenID: "j1", At: now, Until: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	c.freeze(t)
	eventually(t, "its age shows", func() bool { return s.Health().RevocationsAge > 1500*time.Millisecond })
	if !s.Revoked("j1", "", "", time.Time{}) {
		t.Error("a revocation is forgotten when Redis is away")
	}
	c.thaw(t)
	eventually(t, "it is fresh again", func() bool { return s.Health().RevocationsAge < 1500*time.Millisecond })
}
