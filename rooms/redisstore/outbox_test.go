package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/schedule"
)

func hook(id delivery.ID) delivery.Destination {
	return delivery.Destination{ID: id, Kind: delivery.Webhook, Basis: delivery.QSOA, Enabled: true,
		URL: "https://example.org/hook", Start: delivery.AtBeginning}
}

// putHook stores a destination for the tests.
func putHook(t *testing.T, s *Store, id delivery.ID) {
	t.Helper()
	if _, _, err := s.PutDestination(t.Context(), hook(id), delivery.Secrets{}, schedule.Condition{}); err != nil {
		t.Fatal(err)
	}
}

func TestDestinationIsKeptWithoutItsSecrets(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		d := hook("d1")
		d.OAuth = &delivery.OAuth{TokenURL: "https://example.org/token", ClientID: "viop", ClientSecret: "open-sesame"}
		secrets := delivery.Secrets{Client: "open-sesame", Keys: []delivery.Key{{Kind: delivery.HMAC, Bytes: []byte("open-sesame-as-bytes"), Made: attendance.At(time.Now())}}}
		tag, created, err := s.PutDestination(t.Context(), d, secrets, schedule.Condition{Absent: true})
		if err != nil || !created {
			t.Fatalf("PutDestination = created %v, %v", created, err)
		}
		if _, _, err := s.PutDestination(t.Context(), d, secrets, schedule.Condition{Absent: true}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("PutDestination of one that is there = %v, want ErrChanged", err)
		}
		got, kept, stored, err := s.Destination(t.Context(), "d1")
		if err != nil || stored != tag {
			t.Fatalf("Destination = tag %q, %v, want %q", stored, err, tag)
		}
		if diff := cmp.Diff(d.Public(), got); diff != "" {
			t.Errorf("Destination differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(secrets, kept); diff != "" {
			t.Errorf("Secrets differ (-want +got):\n%s", diff)
		}
		text := b.client(t).HGet(t.Context(), destinationKey("d1", "doc"), "doc").Val()
		if text == "" || contains(text, "sesame") || contains(text, "b3Blbi1zZXNhbWU") {
			t.Errorf("the document at rest is %s, want no secret in it", text)
		}
		if err := s.DeleteDestination(t.Context(), "d1", schedule.Condition{Tags: []schedule.Tag{"other"}}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("DeleteDestination on another version = %v, want ErrChanged", err)
		}
		if err := s.DeleteDestination(t.Context(), "d1", schedule.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteDestination(t.Context(), "d1", schedule.Condition{}); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("DeleteDestination again = %v, want ErrNotFound", err)
		}
		if left := b.client(t).Keys(t.Context(), "viop:{dest:d1}:*").Val(); len(left) > 0 {
			t.Errorf("%v is left of a destination that was deleted", left)
		}
	})
}

// boxState is the queue of a destination as lines "lane: number number".
func boxState(t *testing.T, b backend, id delivery.ID) []string {
	t.Helper()
	var lines []string
	for lane, line := range b.client(t).HGetAll(t.Context(), destinationKey(id, "queue")).Val() {
		lines = append(lines, lane+": "+line)
	}
	slices.Sort(lines)
	return lines
}

func wantBox(t *testing.T, b backend, id delivery.ID, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, boxState(t, b, id)); diff != "" {
		t.Errorf("the queue differs (-want +got):\n%s", diff)
	}
}

func due(t *testing.T, s *Store, id delivery.ID) ([]delivery.Head, time.Duration) {
	t.Helper()
	heads, next, err := s.Due(t.Context(), id, 10)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(heads, func(a, b delivery.Head) int { return strings.Compare(string(a.Lane), string(b.Lane)) })
	return heads, next
}

func head(lane delivery.Lane, seq int64, tries int) delivery.Head {
	return delivery.Head{Entry: delivery.Entry{Lane: lane, Seq: seq}, Tries: tries}
}

func settle(t *testing.T, s *Store, id delivery.ID, h delivery.Head, o delivery.Outcome) {
	t.Helper()
	o.Seq, o.At = h.Seq, attendance.At(time.Now())
	if err := s.Settle(t.Context(), id, h, o); err != nil {
		t.Fatal(err)
	}
}

// The place moves together with what it passes, once, whoever tries again.
func TestEnqueueOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putHook(t, s, "d1")
		entries := []delivery.Entry{{Lane: "s1", Seq: 1}, {Lane: "s2", Seq: 2}, {Lane: "s1", Seq: 4}}
		if err := s.Enqueue(t.Context(), "d1", 0, 5, entries); err != nil {
			t.Fatal(err)
		}
		if err := s.Enqueue(t.Context(), "d1", 0, 5, entries); !errors.Is(err, delivery.ErrMoved) {
			t.Errorf("Enqueue from a place that was left = %v, want ErrMoved", err)
		}
		wantBox(t, b, "d1", "s1: 1 4", "s2: 2")
		if place, queued, err := s.Place(t.Context(), "d1"); place != 5 || queued != 3 || err != nil {
			t.Errorf("Place = %d, %d, %v, want 5 and 3 queued", place, queued, err)
		}
		if err := s.Enqueue(t.Context(), "nobody", 0, 5, entries); !errors.Is(err, delivery.ErrMoved) {
			t.Errorf("Enqueue for nobody = %v, want ErrMoved: a destination that was deleted does not come back", err)
		}
	})
}

func TestLanesKeepTheirOrder(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putHook(t, s, "d1")
		err := s.Enqueue(t.Context(), "d1", 0, 4, []delivery.Entry{{Lane: "s1", Seq: 1}, {Lane: "s1", Seq: 2}, {Lane: "s2", Seq: 3}, {Lane: "s1", Seq: 4}})
		if err != nil {
			t.Fatal(err)
		}
		heads, _ := due(t, s, "d1")
		if diff := cmp.Diff([]delivery.Head{head("s1", 1, 0), head("s2", 3, 0)}, heads); diff != "" {
			t.Errorf("heads differ (-want +got):\n%s", diff)
		}
		// One that fails keeps its lane waiting, and no other.
		settle(t, s, "d1", head("s1", 1, 0), delivery.Outcome{After: time.Hour})
		heads, next := due(t, s, "d1")
		if diff := cmp.Diff([]delivery.Head{head("s2", 3, 0)}, heads); diff != "" {
			t.Errorf("heads differ (-want +got):\n%s", diff)
		}
		if next < 59*time.Minute || next > time.Hour {
			t.Errorf("next = %v, want an hour", next)
		}
		settle(t, s, "d1", head("s2", 3, 0), delivery.Outcome{Sent: true})
		settle(t, s, "d1", head("s2", 3, 0), delivery.Outcome{Sent: true}) // twice is once
		settle(t, s, "d1", head("s1", 4, 0), delivery.Outcome{Sent: true}) // not its turn
		wantBox(t, b, "d1", "s1: 1 2 4")

		// A person lets it be tried at once; it remembers that it has failed.
		if n, err := s.Redrive(t.Context(), "d1", 0); n != 0 || err != nil {
			t.Errorf("Redrive without dead letters = %d, %v", n, err)
		}
		heads, _ = due(t, s, "d1")
		if diff := cmp.Diff([]delivery.Head{head("s1", 1, 1)}, heads); diff != "" {
			t.Errorf("heads differ (-want +got):\n%s", diff)
		}
	})
}

// A dead letter lets its lane go on, and takes its old place when it comes back.
func TestDeadLetters(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putHook(t, s, "d1")
		var entries []delivery.Entry
		for seq := range int64(5) {
			entries = append(entries, delivery.Entry{Lane: "p1/2026-11-02", Seq: seq + 8})
		}
		if err := s.Enqueue(t.Context(), "d1", 0, 12, entries); err != nil {
			t.Fatal(err)
		}
		dead := delivery.Outcome{Dead: true, Attempt: delivery.Attempt{Type: "week.met", Result: delivery.Refused, Status: 400}}
		settle(t, s, "d1", head("p1/2026-11-02", 8, 9), dead)
		settle(t, s, "d1", head("p1/2026-11-02", 9, 9), dead)
		settle(t, s, "d1", head("p1/2026-11-02", 10, 9), dead)
		wantBox(t, b, "d1", "p1/2026-11-02: 11 12")
		letters, err := s.Dead(t.Context(), "d1", 8, 10)
		if err != nil || len(letters) != 2 || letters[0].Seq != 9 || letters[0].Lane != "p1/2026-11-02" || letters[1].Status != 400 {
			t.Errorf("Dead after 8 = %+v, %v, want 9 and 10", letters, err)
		}
		settle(t, s, "d1", head("p1/2026-11-02", 11, 0), delivery.Outcome{After: time.Hour})
		if n, err := s.Redrive(t.Context(), "d1", 9); n != 1 || err != nil {
			t.Errorf("Redrive(9) = %d, %v", n, err)
		}
		if _, err := s.Redrive(t.Context(), "d1", 9); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("Redrive(9) again = %v, want ErrNotFound", err)
		}
		wantBox(t, b, "d1", "p1/2026-11-02: 9 11 12")
		settle(t, s, "d1", head("p1/2026-11-02", 9, 0), delivery.Outcome{After: time.Hour})
		if n, err := s.Redrive(t.Context(), "d1", 0); n != 2 || err != nil {
			t.Errorf("Redrive(all) = %d, %v, want 8 and 10", n, err)
		}
		wantBox(t, b, "d1", "p1/2026-11-02: 8 9 10 11 12")
		heads, _ := due(t, s, "d1")
		if diff := cmp.Diff([]delivery.Head{head("p1/2026-11-02", 8, 0)}, heads); diff != "" {
			t.Errorf("heads differ (-want +got):\n%s", diff)
		}
		state, err := s.State(t.Context(), "d1")
		if err != nil || state.Queued != 5 || state.Dead != 0 || state.LastFailed == nil || state.LastDelivered != nil {
			t.Errorf("State = %+v, %v, want 5 queued, none dead, a failure", state, err)
		}
		log, err := s.Log(t.Context(), "d1", 2)
		if err != nil || len(log) != 2 || log[0].Seq != 9 || log[1].Seq != 11 {
			t.Errorf("Log = %+v, %v, want the last two attempts", log, err)
		}
	})
}

// Retry-After keeps all of a destination waiting.
func TestHeldDestination(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putHook(t, s, "d1")
		err := s.Enqueue(t.Context(), "d1", 0, 2, []delivery.Entry{{Lane: "s1", Seq: 1}, {Lane: "s2", Seq: 2}})
		if err != nil {
			t.Fatal(err)
		}
		settle(t, s, "d1", head("s1", 1, 0), delivery.Outcome{After: time.Minute, HoldFor: 10 * time.Minute})
		if heads, next := due(t, s, "d1"); len(heads) > 0 || next < 9*time.Minute {
			t.Errorf("Due = %v, next %v, want nothing for ten minutes", heads, next)
		}
		if _, err := s.Redrive(t.Context(), "d1", 0); err != nil {
			t.Fatal(err)
		}
		if heads, _ := due(t, s, "d1"); len(heads) != 2 {
			t.Errorf("Due after a redrive = %v, want both", heads)
		}
	})
}

func TestOneSender(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		putHook(t, one, "d1")
		hold := func(s *Store, while time.Duration) bool {
			held, err := s.Hold(t.Context(), "d1", while)
			if err != nil {
				t.Fatal(err)
			}
			return held
		}
		for range 2 {
			if !hold(one, time.Hour) {
				t.Error("the first node does not get it, or does not keep it")
			}
		}
		if hold(two, time.Hour) {
			t.Error("the second node holds what the first one has")
		}
		if err := one.Release(t.Context(), "d1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the second node takes over", func() bool { return hold(two, time.Millisecond) })
		eventually(t, "it runs out by itself", func() bool { return hold(one, time.Hour) })
		if held, err := one.Hold(t.Context(), "nobody", time.Hour); held || err != nil {
			t.Errorf("Hold of nobody = %v, %v", held, err)
		}
	})
}

func TestStartOfADestination(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		rdb := b.client(t)
		for seq := range 3 {
			rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: feedKey, ID: fmt.Sprintf("%d-0", seq+1), Values: []any{"kind", "record", "at", 1000 * (seq + 1)}})
		}
		now, all := hook("now"), hook("all")
		now.Start = delivery.AtEnd
		for _, d := range []delivery.Destination{now, all} {
			if _, _, err := s.PutDestination(t.Context(), d, delivery.Secrets{}, schedule.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		all.Start = delivery.AtEnd // it stays where it is
		if _, _, err := s.PutDestination(t.Context(), all, delivery.Secrets{}, schedule.Condition{}); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[delivery.ID]delivery.State{"now": {Place: 3, End: 3}, "all": {Place: 0, End: 3, Oldest: 1000}} {
			if got, err := s.State(t.Context(), id); err != nil || !cmp.Equal(got, want) {
				t.Errorf("State(%s) = %+v, %v, want %+v", id, got, err, want)
			}
		}
	})
}

func TestDisclosuresAreAChain(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		row := func(person string, n int) delivery.Disclosure {
			return delivery.Disclosure{Person: rooms.PersonID(person), Destination: "d1", Basis: delivery.QSOA, Format: delivery.AsCSV, Records: n}
		}
		if err := s.Disclosed(t.Context(), []delivery.Disclosure{row("p1", 1), row("p2", 2), row("p1", 3)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Disclosed(t.Context(), []delivery.Disclosure{row("p1", 4)}); err != nil {
			t.Fatal(err)
		}
		read := func(after, limit int) string {
			rows, err := s.Disclosures(t.Context(), "p1", after, limit)
			if err != nil {
				return err.Error()
			}
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%d:%d", r.Seq, r.Records))
				if r.At == 0 {
					t.Errorf("row %d has no time", r.Seq)
				}
			}
			return strings.Join(got, " ")
		}
		for _, test := range []struct {
			after, limit int
			want         string
		}{{0, 10, "1:1 2:3 3:4"}, {0, 2, "1:1 2:3"}, {2, 2, "3:4"}, {3, 2, ""}, {9, 2, ""}} {
			if got := read(test.after, test.limit); got != test.want {
				t.Errorf("Disclosures after %d, at most %d = %q, want %q", test.after, test.limit, got, test.want)
			}
		}
		rewriteStream(t, b.client(t), disclosuresKey("p1"), func(all []redis.XMessage) []redis.XMessage {
			all[1].Values["e"] = strings.Replace(fmt.Sprint(all[1].Values["e"]), "d1", "d2", 1)
			return all
		})
		for _, after := range []int{0, 1} {
			if got := read(after, 10); got != "the accounting of person p1 is broken at row 2" {
				t.Errorf("Disclosures of an edited accounting, after %d = %q", after, got)
			}
		}
	})
}

// Whoever writes about the same person at once writes one after the other.
func TestDisclosuresAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		const writers, each = 8, 10
		done := make(chan error, writers)
		for range writers {
			go func() {
				var err error
				for range each {
					err = errors.Join(err, s.Disclosed(t.Context(), []delivery.Disclosure{{Person: "p1", Destination: "d1", Records: 1}}))
				}
				done <- err
			}()
		}
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if rows, err := s.Disclosures(t.Context(), "p1", 0, 1000); err != nil || len(rows) != writers*each {
			t.Errorf("Disclosures = %d rows, %v, want %d", len(rows), err, writers*each)
		}
	})
}
