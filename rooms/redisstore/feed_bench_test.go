package redisstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
)

// A page of the feed costs the same at the end of 100,000 entries as at the
// beginning: end/beginning is the ratio, and both are in milliseconds. A page
// is 100 entries with their readings and signatures.
func BenchmarkFeedPage(b *testing.B) {
	if server == "" {
		b.Skip("no redis-server on PATH: this benchmark was NOT run (apt-get install redis-server)")
	}
	const entries, page = 100_000, 100
	s, err := Open(b.Context(), Config{URL: "unix://" + server, Dir: b.TempDir(), AllowVolatile: true}, quiet())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.rdb.FlushDB(b.Context())
	defer s.rdb.FlushDB(b.Context())
	fillFeed(b, s, entries)
	var beginning, end time.Duration
	read := func(after int64) time.Duration {
		began := time.Now()
		got, err := s.Entries(b.Context(), after, page)
		if err != nil || len(got) != page || got[page-1].Reading.About == nil {
			b.Fatalf("after %d come %d entries, %v", after, len(got), err)
		}
		return time.Since(began)
	}
	for b.Loop() {
		beginning += read(0)
		end += read(entries - page)
	}
	b.ReportMetric(float64(beginning.Microseconds())/1000/float64(b.N), "ms/beginning")
	b.ReportMetric(float64(end.Microseconds())/1000/float64(b.N), "ms/end")
	b.ReportMetric(float64(end)/float64(beginning), "end/beginning")
}

// fillFeed tells readings of sessions of ten people each, past the scripts.
func fillFeed(b *testing.B, s *Store, entries int) {
	b.Helper()
	now := attendance.At(time.Now())
	pipe := s.rdb.Pipeline()
	for i := range entries {
		session, seq := rooms.SessionID(fmt.Sprint("s", i/10)), i%10+1
		person, hash := fmt.Sprint("p", i%10), fmt.Sprintf("%064d", i)
		r := records.Reading{Seq: seq, Person: person, Version: 1, Hash: hash, AsOf: now, Head: hash, Record: []byte(`{}`), About: &records.About{
			Program: "iop", Timezone: "UTC", Start: now, End: now, Connected: attendance.Set{{Start: now, End: now + 1}},
		}}
		text, err := canonical(r)
		if err != nil {
			b.Fatal(err)
		}
		change, err := changeText(records.Change{Kind: records.RecordChanged, Session: string(session), Person: person, Version: 1, Hash: hash, Reading: seq, First: true})
		if err != nil {
			b.Fatal(err)
		}
		pipe.XAdd(b.Context(), &redis.XAddArgs{Stream: readings(session).key(), ID: fmt.Sprint(seq, "-0"), Values: []any{"e", text, "h", hash}})
		pipe.XAdd(b.Context(), &redis.XAddArgs{Stream: feedKey, ID: fmt.Sprint(i+1, "-0"), Values: []any{"kind", "record", "at", int64(now), "c", change}})
		if pipe.Len() >= 1000 {
			if _, err := pipe.Exec(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}
