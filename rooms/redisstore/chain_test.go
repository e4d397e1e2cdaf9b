package redisstore

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// rewrite replaces a stream, and leaves what was noted of its end.
func rewrite(t *testing.T, rdb *redis.Client, at stream, change func([]redis.XMessage) []redis.XMessage) {
	t.Helper()
	rewriteStream(t, rdb, at.key(), change)
}

func rewriteStream(t *testing.T, rdb *redis.Client, key string, change func([]redis.XMessage) []redis.XMessage) {
	t.Helper()
	all, err := rdb.XRange(t.Context(), key, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	rdb.Del(t.Context(), key)
	for _, m := range change(all) {
		values := []any{"e", m.Values["e"], "h", m.Values["h"]}
		if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: key, ID: m.ID, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// trimTail makes Redis look as if it had lost what follows entry last.
func trimTail(t *testing.T, rdb *redis.Client, at stream, last int) {
	t.Helper()
	rewrite(t, rdb, at, func(all []redis.XMessage) []redis.XMessage { return all[:last] })
	end, err := rdb.XRevRangeN(t.Context(), at.key(), "+", "-", 1).Result()
	if err != nil {
		t.Fatal(err)
	}
	rdb.HSet(t.Context(), headsKey(at.session), at.name(), strconv.Itoa(last)+" "+end[0].Values["h"].(string))
}

func TestTamperingIsFoundAndNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]redis.XMessage) []redis.XMessage
		seq    int // of the entry that is named
	}{
		{"a changed entry", func(all []redis.XMessage) []redis.XMessage {
			all[2].Values["e"] = `{"session":"s","epoch":1,"seq":3,"at":"2027-01-15T08:59:00Z","type":"seen"}`
			return all
		}, 3},
		{"a changed entry with its own hash made anew", func(all []redis.XMessage) []redis.XMessage {
			all[2].Values["e"] = `{"session":"s","epoch":1,"seq":3,"at":"2027-01-15T08:59:00Z","type":"seen"}`
			before, _ := parseLink(all[1].Values["h"].(string))
			all[2].Values["h"] = before.next(all[2].Values["e"].(string)).String()
			return all
		}, 4},
		{"a removed entry", func(all []redis.XMessage) []redis.XMessage { return append(all[:2], all[3:]...) }, 3},
		{"a removed beginning", func(all []redis.XMessage) []redis.XMessage { return all[1:] }, 1},
		{"a removed end", func(all []redis.XMessage) []redis.XMessage { return all[:4] }, 5},
		{"a removed log", func(all []redis.XMessage) []redis.XMessage { return nil }, 1},
		{"an added end", func(all []redis.XMessage) []redis.XMessage {
			last, _ := parseLink(all[4].Values["h"].(string))
			text := `{"session":"s","epoch":1,"seq":6,"at":"2027-01-15T08:59:00Z","type":"seen"}`
			return append(all, redis.XMessage{ID: "6-0", Values: map[string]any{"e": text, "h": last.next(text).String()}})
		}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			contract(t, func(t *testing.T, b backend) {
				s := b.open(t, t.TempDir(), "one")
				o := owned{"s", 1}
				if _, err := s.write(t.Context(), o, numbered(t, o, 5), false); err != nil {
					t.Fatal(err)
				}
				heads, err := s.VerifyChain(t.Context(), "s")
				if err != nil || len(heads) != 1 || heads[0].Entries != 5 || heads[0].Seq != 5 {
					t.Fatalf("VerifyChain before = %+v, %v", heads, err)
				}
				rewrite(t, b.client(t), o.stream(kindLog), c.change)
				_, err = s.VerifyChain(t.Context(), "s")
				broken, ok := errors.AsType[*ChainError](err)
				if !ok || broken.Seq != c.seq || broken.Epoch != 1 || broken.Log != "log" {
					t.Errorf("VerifyChain = %v, want entry %d of epoch 1 named", err, c.seq)
				}
			})
		})
	}
}

func TestALogCannotBeMovedToAnotherEpoch(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s, rdb := b.open(t, t.TempDir(), "one"), b.client(t)
		o := owned{"s", 1}
		if _, err := s.write(t.Context(), o, numbered(t, o, 2), false); err != nil {
			t.Fatal(err)
		}
		moved := stream{"s", 2, kindLog}
		rdb.Rename(t.Context(), o.stream(kindLog).key(), moved.key())
		rdb.HSet(t.Context(), headsKey("s"), moved.name(), rdb.HGet(t.Context(), headsKey("s"), "log:1").Val())
		rdb.HDel(t.Context(), headsKey("s"), "log:1")
		rdb.HSet(t.Context(), leaseKey("s"), "epoch", 2)
		_, err := s.VerifyChain(t.Context(), "s")
		if broken, ok := errors.AsType[*ChainError](err); !ok || broken.Epoch != 2 || broken.Seq != 1 {
			t.Errorf("VerifyChain = %v, want the moved log named", err)
		}
	})
}

// Silence must not pass for soundness.
func TestEvidenceThatIsNotThereIsNotSound(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s, rdb := b.open(t, t.TempDir(), "one"), b.client(t)
		if heads, err := s.VerifyChain(t.Context(), "never-met"); err == nil {
			t.Errorf("VerifyChain of a session without evidence = %+v, nil", heads)
		}
		l := acquire(t, s, "s")
		l.Record(admitted(l.Now(), "p", "c1-1"))
		flush(t, l)
		left := beat{Here: []presence{{Conn: "c1-1", Seen: instantOf(l.Now().Add(time.Minute))}}}
		if err := s.settle(t.Context(), l.owned, left); err != nil {
			t.Fatal(err)
		}
		if _, err := s.VerifyChain(t.Context(), "s"); err != nil {
			t.Fatalf("VerifyChain before = %v", err)
		}
		// A Redis that was replaced: the log is gone with its noted end, the
		// last proofs of life came after that from a beat.
		rdb.Del(t.Context(), l.stream(kindLog).key())
		rdb.HDel(t.Context(), headsKey("s"), l.stream(kindLog).name())
		_, err := s.VerifyChain(t.Context(), "s")
		if broken, ok := errors.AsType[*ChainError](err); !ok || broken.Log != "log" || broken.Seq != 1 {
			t.Errorf("VerifyChain = %v, want the log named that is gone", err)
		}
	})
}
