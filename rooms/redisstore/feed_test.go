package redisstore

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// feed is all changes, as "kind person version verdict<previous".
func feed(t *testing.T, s *Store) []string {
	t.Helper()
	changes, err := s.Changes(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for i, c := range changes {
		if c.Seq != int64(i+1) || c.At == 0 {
			t.Errorf("change %d is %+v", i+1, c)
		}
		if c.Kind == records.RecordChanged {
			lines = append(lines, fmt.Sprintf("%s %s v%d %s", c.Session, c.Person, c.Version, c.Hash))
		} else {
			lines = append(lines, fmt.Sprintf("%s %s %s<%s", c.Week.Week.Week, c.Person, c.Week.Verdict, c.Week.Previous))
		}
	}
	return lines
}

func TestTheFeedTellsAChangeOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		for _, seq := range []int{1, 2, 2, 1, 3} { // somebody else has told 2 before we tell 1 again
			if err := s.Tell(t.Context(), aRecord("s", seq)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Tell(t.Context(), aRecord("other", 1)); err != nil {
			t.Fatal(err)
		}
		week := attendance.Date(20759) // 2026-11-02
		for _, v := range []struct {
			asOf    attendance.Instant
			verdict attendance.Verdict
		}{
			{1_000, attendance.VerdictOnTrack},
			{2_000, attendance.VerdictOnTrack},
			{1_500, attendance.VerdictAtRisk}, // worked out before, told late
			{3_000, attendance.VerdictMet},
			{3_000, attendance.VerdictMet},
		} {
			if err := s.TellWeek(t.Context(), "p1", week, v.verdict, 1_800_000_000_000+v.asOf); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"s p1 v1 h1", "s p1 v1 h2", "s p1 v1 h3", "other p1 v1 h", "2026-11-02 p1 on_track<", "2026-11-02 p1 met<on_track"}
		if got := feed(t, s); !slices.Equal(got, want) {
			t.Errorf("the feed is %q, want %q", got, want)
		}
		page, err := s.Changes(t.Context(), 2, 3)
		if err != nil || len(page) != 3 || page[0].Seq != 3 {
			t.Errorf("three after the second are %+v, %v", page, err)
		}
		if page, err := s.Changes(t.Context(), 6, 3); err != nil || len(page) != 0 {
			t.Errorf("after the last are %+v, %v", page, err)
		}
		if b := bookOf(t, s, "s"); b.Told != 3 {
			t.Errorf("told of s is %d, want 3", b.Told)
		}
	})
}

func TestManyTellAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for seq := 1; seq <= 10; seq++ {
					if err := s.Tell(t.Context(), aRecord("s", seq)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got := feed(t, s); len(got) != 10 || got[9] != "s p1 v1 h10" {
			t.Errorf("the feed is %q, want ten readings in order", got)
		}
	})
}

func TestDebts(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		var debts []string
		for range 2 {
			debt, err := s.Owe(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			debts = append(debts, debt)
		}
		if err := s.Paid(t.Context(), debts[0]); err != nil {
			t.Fatal(err)
		}
		owed, err := s.Owed(t.Context())
		if err != nil || len(owed) != 1 || !slices.Equal(owed["s"], debts[1:]) {
			t.Errorf("owed is %v, %v; want the second debt: paying one does not pay the other", owed, err)
		}
	})
}

func TestPulses(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		start := aSession(t, s, "s")
		pulse := func() records.Pulse {
			t.Helper()
			pulses, err := s.Pulses(t.Context(), start.Add(-time.Hour), start.Add(time.Hour))
			if err != nil || len(pulses) != 1 || pulses[0].Session != "s" {
				t.Fatalf("Pulses = %+v, %v; want the one of s", pulses, err)
			}
			if got := bookOf(t, s, "s").Digest; got != pulses[0].Digest {
				t.Errorf("the book has digest %s and the pulse %s", got, pulses[0].Digest)
			}
			return pulses[0]
		}
		last := pulse().Digest
		moves := func(what string, act func()) {
			t.Helper()
			act()
			now := pulse().Digest
			if now == last {
				t.Errorf("%s does not move the digest", what)
			}
			last = now
		}
		moves("a correction", func() { amend(t, s, "s", "k1") })
		moves("evidence", func() {
			l := acquire(t, s, "s")
			l.Record(seen(1))
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		moves("another schedule", func() { aSession(t, s, "s") })
		moves("the program", func() {
			p := schedule.Program{ID: "iop"}
			p.Timezone, p.Counting = "UTC", attendance.DefaultCounting()
			if _, _, err := s.PutProgram(t.Context(), p, schedule.Condition{}); err != nil {
				t.Fatal(err)
			}
		})
		if err := s.Keep(t.Context(), bookOf(t, s, "s"), []records.Reading{reading(1, "p1", "h")}); err != nil {
			t.Fatal(err)
		}
		if pulse().Digest != last {
			t.Error("keeping a reading makes a session due again")
		}
		mark := records.Mark{Digest: last, AsOf: 1_800_000_000_000, Until: 1_900_000_000_000}
		if err := s.Settled(t.Context(), "s", mark); err != nil {
			t.Fatal(err)
		}
		if got := pulse().Settled; got != mark {
			t.Errorf("settled at %+v, want %+v", got, mark)
		}
	})
}

// Evidence that comes home late, however late, is owed to the books.
func TestALateJournalIsOwed(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		o := owned{"s", 1}
		j := journal{path: s.file(o, journalSuffix)}
		if err := j.append(numbered(t, o, 2)); err != nil {
			t.Fatal(err)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		owed, err := s.Owed(t.Context())
		if err != nil || len(owed) != 1 || len(owed["s"]) != 1 {
			t.Errorf("owed is %v, %v; want s, once", owed, err)
		}
		books := records.New(s, quiet())
		books.Round(t.Context()) // a session that nobody scheduled has no records
		if owed, err := s.Owed(t.Context()); err != nil || len(owed) != 0 {
			t.Errorf("then owed is %v, %v", owed, err)
		}
	})
}
