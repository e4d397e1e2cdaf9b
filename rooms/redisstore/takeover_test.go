package redisstore

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
)

// beaten waits until a beat is in the store.
func beaten(t *testing.T, b backend, l *lease, want rooms.Beat) {
	t.Helper()
	l.Beat(want)
	eventually(t, "the beat is in the store", func() bool {
		text := b.client(t).HGet(t.Context(), beatsKey(l.session), strconv.Itoa(l.epoch)).Val()
		_, kept, err := parseBeat("0", text)
		return err == nil && kept.At == attendance.At(want.At)
	})
}

func TestATakeoverWritesWhatTheCrashLeft(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		l := acquire(t, one, "s")
		now := l.Now()
		l.Record(admitted(now, "p1", "c1-1"), admitted(now, "p2", "c1-2"), admitted(now, "p3", "c1-3"),
			attendance.Event{Type: attendance.Lost, At: attendance.At(now.Add(time.Second)), Connection: "c1-3"})
		flush(t, l)
		beaten(t, b, l, rooms.Beat{At: now.Add(9 * time.Second), State: rooms.Live, Here: []rooms.Presence{
			here("p1", "c1-1", now.Add(8*time.Second)),
			here("p2", "c1-2", now.Add(2*time.Second)), // was dead for a while when the node died
			here("p3", "c1-3", now.Add(time.Second)),   // lost, and the log knows
			here("p4", "c1-4", now.Add(7*time.Second)), // in a journal that comes later
			here("p5", "c1-5", time.Time{}),            // without any proof of life
			here("p6", "", now.Add(8*time.Second)),     // without a connection
		}})
		one.crash()
		runOut(t, b, "s")
		next := acquire(t, two, "s")
		next.Record(admitted(next.Now(), "p1", "c2-1"))
		flush(t, next)
		want := []string{
			"1 log 1 admitted c1-1", "1 log 2 admitted c1-2", "1 log 3 admitted c1-3", "1 log 4 lost c1-3",
			"1 crash 1000000000 seen c1-1", "1 crash 1000000001 seen c1-2", "1 crash 1000000002 seen c1-4",
			"2 log 1 admitted c2-1",
		}
		wantStory(t, two, "s", want...)
		entries, err := two.Evidence(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		for i, seconds := range []int{8, 2, 7} {
			if got, want := entries[4+i].Event.At, attendance.At(now.Add(time.Duration(seconds)*time.Second)); got != want {
				t.Errorf("%s is credited until %v, its last proof of life was %v", entries[4+i].Event.Connection, got, want)
			}
		}
		// The crashed node comes back and finds its files: nothing is doubled.
		if err := b.open(t, t.TempDir(), "three").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantStory(t, two, "s", want...)
		if err := next.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		acquire(t, two, "s")
		wantStory(t, two, "s", want...)
	})
}

func TestABeatThatOnlyTheDiskHas(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		dir := t.TempDir()
		one := b.open(t, dir, "one")
		l := acquire(t, one, "s")
		now := l.Now()
		l.Record(admitted(now, "p1", "c1-1"))
		flush(t, l)
		beaten(t, b, l, rooms.Beat{At: now.Add(5 * time.Second), Here: []rooms.Presence{here("p1", "c1-1", now.Add(4*time.Second))}})
		one.crash()
		last, err := l.kept(rooms.Beat{At: now.Add(10 * time.Second), Here: []rooms.Presence{here("p1", "c1-1", now.Add(9*time.Second))}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(one.file(l.owned, beatSuffix), last, 0o600); err != nil {
			t.Fatal(err)
		}
		runOut(t, b, "s")
		acquire(t, b.open(t, t.TempDir(), "two"), "s") // took over with what Redis had
		again := b.open(t, dir, "one")
		for range 2 {
			if err := again.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wantStory(t, again, "s", "1 log 1 admitted c1-1", "1 crash 1000000000 seen c1-1", "1 crash 1000000001 seen c1-1")
		entries, err := again.Evidence(t.Context(), "s")
		if err != nil || len(entries) != 3 {
			t.Fatal(len(entries), err)
		}
		if got, want := entries[2].Event.At, attendance.At(now.Add(9*time.Second)); got != want {
			t.Errorf("credited until %v, want %v from the file", got, want)
		}
	})
}

func TestEveryBeatIsOnDiskFirst(t *testing.T) {
	c := ownServer(t)
	s := open(t, Config{URL: "unix://" + c.socket, Dir: t.TempDir(), Node: "one"})
	l := acquire(t, s, "s")
	c.freeze(t)
	defer c.thaw(t)
	now := l.Now()
	l.Beat(rooms.Beat{At: now, Here: []rooms.Presence{here("p1", "c1-1", now)}})
	eventually(t, "the beat is on disk", func() bool {
		text, err := os.ReadFile(s.file(l.owned, beatSuffix))
		var kept beat
		return err == nil && json.Unmarshal(text, &kept) == nil && kept.At == attendance.At(now)
	})
}

func TestLeftBehind(t *testing.T) {
	at := func(s int) attendance.Instant { return attendance.Instant(1_800_000_000_000 + 1000*s) }
	event := func(kind attendance.EventType, conn string, s int) Entry {
		return Entry{Event: attendance.Event{Type: kind, Connection: conn, At: at(s)}}
	}
	alive := func(conn string, s int) presence { return presence{Conn: rooms.Conn(conn), Seen: at(s)} }
	for _, c := range []struct {
		name       string
		log, crash []Entry
		here       []presence
		want       string
	}{
		{"a proof newer than the log", []Entry{event("admitted", "a", 0)}, nil, []presence{alive("a", 5)}, "a 5"},
		{"a proof that the log has", []Entry{event("admitted", "a", 5)}, nil, []presence{alive("a", 5)}, ""},
		{"a seen for all covers it", []Entry{event("admitted", "a", 0), event("seen", "", 6)}, nil, []presence{alive("a", 5)}, ""},
		{"a seen for all does not cover who came later", []Entry{event("seen", "", 6), event("waiting", "a", 7)}, nil, []presence{alive("a", 8)}, "a 8"},
		{"in the lobby", []Entry{event("waiting", "a", 0)}, nil, []presence{alive("a", 5)}, "a 5"},
		{"an end is an end", []Entry{event("admitted", "a", 0), event("left", "a", 3)}, nil, []presence{alive("a", 5)}, ""},
		{"closed ends everybody", []Entry{event("admitted", "a", 0), event("closed", "", 3)}, nil, []presence{alive("a", 5)}, ""},
		{"lost and back", []Entry{event("admitted", "a", 0), event("lost", "a", 3), event("admitted", "a", 4)}, nil, []presence{alive("a", 5)}, "a 5"},
		{"settled before", []Entry{event("admitted", "a", 0)}, []Entry{event("seen", "a", 5)}, []presence{alive("a", 5)}, ""},
		{"settled before, and the log does not know it", nil, []Entry{event("seen", "a", 5)}, []presence{alive("a", 5)}, ""},
		{"never seen", []Entry{event("admitted", "a", 0)}, nil, []presence{{Conn: "a"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, e := range leftBehind(c.log, c.crash, beat{At: at(9), Here: c.here}) {
				got = append(got, e.Connection+" "+strconv.Itoa(int(e.At-at(0))/1000))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("leftBehind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPresence(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		want := func(state rooms.RoomState, people int) {
			t.Helper()
			got, here, asOf, err := s.Presence(t.Context(), "s")
			if err != nil || got != state || len(here) != people || time.Since(asOf).Abs() > time.Minute {
				t.Errorf("Presence = %s, %d people, as of %v, %v; want %s, %d", got, len(here), asOf, err, state, people)
			}
		}
		want(rooms.Scheduled, 0)
		l := acquire(t, s, "s")
		l.Save(rooms.Memory{State: rooms.Live, Opened: true})
		flush(t, l)
		want(rooms.Held, 0)
		now := l.Now()
		p := here("p1", "c1-1", now)
		beaten(t, b, l, rooms.Beat{At: now, State: rooms.Live, Here: []rooms.Presence{p}})
		want(rooms.Live, 1)
		if _, got, asOf, _ := s.Presence(t.Context(), "s"); !asOf.Equal(now) || !cmp.Equal(got[0], p, cmp.Comparer(time.Time.Equal)) {
			t.Errorf("Presence = %+v as of %v, want %+v as of %v", got[0], asOf, p, now)
		}

		// The owner stops beating: a beat and a half later nobody is known to be here.
		age(t, b, "s", 1, rooms.BeatEvery)
		want(rooms.Live, 1)
		age(t, b, "s", 1, 3*time.Second)
		want(rooms.Held, 0)

		// A restarted node knows at once that what it held before is over.
		two := b.open(t, t.TempDir(), "two")
		m := acquire(t, two, "s2")
		beaten(t, b, m, rooms.Beat{At: m.Now(), State: rooms.Live, Here: []rooms.Presence{p}})
		if _, here, _, err := s.Presence(t.Context(), "s2"); err != nil || len(here) != 1 {
			t.Errorf("another node's room has %d people, %v; want 1", len(here), err)
		}
		two.crash()
		if _, here, _, err := b.open(t, t.TempDir(), "two").Presence(t.Context(), "s2"); err != nil || len(here) != 0 {
			t.Errorf("%d people are in a room whose node has restarted, %v", len(here), err)
		}

		beaten(t, b, l, rooms.Beat{At: now.Add(time.Second), State: rooms.Live, Here: []rooms.Presence{p}})
		want(rooms.Live, 1)
		next := acquire(t, s, "s") // a restart: the former beat says nothing any more
		want(rooms.Held, 0)
		next.Save(rooms.Memory{State: rooms.Ended, Opened: true})
		beaten(t, b, next, rooms.Beat{At: next.Now(), State: rooms.Ended})
		if err := next.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(rooms.Ended, 0)
	})
}

// age makes the beat of an epoch older than it is.
func age(t *testing.T, b backend, session rooms.SessionID, epoch int, by time.Duration) {
	t.Helper()
	rdb := b.client(t)
	field := strconv.Itoa(epoch)
	text := rdb.HGet(t.Context(), beatsKey(session), field).Val()
	_, document, _ := strings.Cut(text, " ")
	at := beatenAt(text).Add(-by).UnixMilli()
	rdb.HSet(t.Context(), beatsKey(session), field, strconv.FormatInt(at, 10)+" "+document)
}
