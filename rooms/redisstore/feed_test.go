package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// feed is all changes in words.
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
		switch c.Kind {
		case records.RecordChanged:
			lines = append(lines, fmt.Sprintf("%s %s v%d %s", c.Session, c.Person, c.Version, c.Hash))
		case records.RecordsSigned:
			lines = append(lines, fmt.Sprintf("%s signed %d by %s", c.Session, c.Amendment, c.Signature.By))
		case records.WeekChanged:
			lines = append(lines, fmt.Sprintf("%s %s %s<%s %d", c.Week.Week.Week, c.Person, c.Week.Verdict, c.Week.Previous, c.Week.CreditedMS))
		case records.AuthorizationChanged:
			lines = append(lines, fmt.Sprintf("%s %s<%s %d", c.Authorization.ID, c.Authorization.Status, c.Authorization.Previous, c.Authorization.Remaining))
		}
	}
	return lines
}

func aRecord(session string, seq int) records.Change {
	return records.Change{Kind: records.RecordChanged, Session: session, Person: "p1", Version: 1, Hash: fmt.Sprint("h", seq), Reading: seq, First: seq == 1}
}

func aSignature(session string, seq int) records.Change {
	return records.Change{Kind: records.RecordsSigned, Session: session, Version: 1, Hash: "v", Amendment: seq,
		Signature: &records.Signature{Session: session, Version: 1, By: "t1", Hash: "v", At: 1_800_000_000_000, Records: map[string]string{"p1": "h1"}}}
}

const firstWeek = attendance.Date(20759) // 2026-11-02

func weekOf(person string, verdict attendance.Verdict, creditedMS int64) records.ToldWeek {
	w := records.ToldWeek{Program: "iop", Timezone: "UTC"}
	w.Person, w.Week.Week, w.Verdict, w.CreditedMS = person, firstWeek, verdict, creditedMS
	w.Start, w.End, w.Days = 1_800_000_000_000, 1_800_604_800_000, []attendance.Day{}
	return w
}

func TestTheFeedTellsAChangeOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, seq := range []int{1, 2, 2, 1, 3} { // somebody else has told 2 before we tell 1 again
			must(s.Tell(t.Context(), aRecord("s", seq)))
		}
		must(s.Tell(t.Context(), aRecord("other", 1)))
		for _, seq := range []int{2, 2, 1} { // readings and signatures are numbered apart
			must(s.Tell(t.Context(), aSignature("s", seq)))
		}
		want := []string{"s p1 v1 h1", "s p1 v1 h2", "s p1 v1 h3", "other p1 v1 h1", "s signed 2 by t1"}
		if got := feed(t, s); !slices.Equal(got, want) {
			t.Errorf("the feed is %q, want %q", got, want)
		}
		page, err := s.Changes(t.Context(), 2, 3)
		if err != nil || len(page) != 3 || page[0].Seq != 3 {
			t.Errorf("three after the second are %+v, %v", page, err)
		}
		if page, err := s.Changes(t.Context(), 5, 3); err != nil || len(page) != 0 {
			t.Errorf("after the last are %+v, %v", page, err)
		}
		if page, err := s.Changes(t.Context(), 6, 3); !errors.Is(err, records.ErrNoSuchPlace) {
			t.Errorf("after one that never was are %+v, %v; want ErrNoSuchPlace", page, err)
		}
		if b := bookOf(t, s, "s"); b.Told != 3 || b.ToldSigned != 2 {
			t.Errorf("told of s are %d and %d, want 3 and 2", b.Told, b.ToldSigned)
		}
	})
}

func TestAWeekIsToldWhenItIsNews(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		onTrack, atRisk, met := attendance.VerdictOnTrack, attendance.VerdictAtRisk, attendance.VerdictMet
		for _, told := range []struct {
			asOf    attendance.Instant
			verdict attendance.Verdict
			ms      int64
			runs    bool
		}{
			{1_000, onTrack, 1, true},  // the first
			{2_000, onTrack, 2, true},  // other numbers, while a session runs
			{3_000, onTrack, 2, false}, // and when it does not any more
			{4_000, onTrack, 2, false}, // nothing new
			{3_500, atRisk, 9, false},  // worked out before that, told late
			{5_000, met, 3, true},      // another verdict
			{5_000, met, 3, true},
		} {
			if err := s.TellWeek(t.Context(), weekOf("p1", told.verdict, told.ms), 1_800_000_000_000+told.asOf, told.runs); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"2026-11-02 p1 on_track< 1", "2026-11-02 p1 on_track<on_track 2", "2026-11-02 p1 met<on_track 3"}
		if got := feed(t, s); !slices.Equal(got, want) {
			t.Errorf("the feed is %q, want %q", got, want)
		}
	})
}

// What is said of a week that was over when it was told before amends that.
func TestAWeekIsAmendedWhenItWasFinal(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		for i, final := range []bool{false, true, true, false, true} { // a week is moved at times
			w := weekOf("p1", attendance.VerdictMet, int64(i))
			w.Final = final
			if err := s.TellWeek(t.Context(), w, attendance.Instant(1_800_000_000_000+i), false); err != nil {
				t.Fatal(err)
			}
		}
		changes, err := s.Changes(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for _, c := range changes {
			got = append(got, c.Week.Amended)
			if want := attendance.VerdictMet; c.Seq > 1 && c.Week.Previous != want {
				t.Errorf("change %d is after %q, want %q", c.Seq, c.Week.Previous, want)
			}
		}
		if want := []bool{false, false, true, false, false}; !slices.Equal(got, want) {
			t.Errorf("amended are %v, want %v", got, want)
		}
		rows, _, err := s.WeekRows(t.Context(), changes[0].Week.Week.Week, changes[0].Week.Week.Week, "", 10)
		if err != nil || len(rows) != 1 || rows[0].Week.Amended || rows[0].Week.Previous != attendance.VerdictMet {
			t.Errorf("the week as it was told last is %+v, %v", rows, err)
		}
	})
}

func TestAnAuthorizationIsToldWhenItGetsLow(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		for _, told := range []struct {
			asOf   attendance.Instant
			status records.AuthorizationStatus
			left   int64
		}{
			{1, records.AuthorizationRecovered, 9}, // it was never low
			{2, records.AuthorizationLow, 2},
			{3, records.AuthorizationLow, 1}, // still
			{5, records.AuthorizationExhausted, 0},
			{4, records.AuthorizationLow, 1}, // late
			{6, records.AuthorizationRecovered, 20},
			{7, records.AuthorizationRecovered, 19},
			{8, records.AuthorizationLow, 2},
		} {
			a := records.ToldAuthorization{Program: "iop", Unit: attendance.UnitSession, Count: 20, From: firstWeek, To: firstWeek + 90, Status: told.status}
			a.ID, a.Person, a.Remaining = "a1", "p1", told.left
			if err := s.TellAuthorization(t.Context(), a, 1_800_000_000_000+told.asOf); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"a1 low< 2", "a1 exhausted<low 0", "a1 recovered<exhausted 20", "a1 low<recovered 2"}
		if got := feed(t, s); !slices.Equal(got, want) {
			t.Errorf("the feed is %q, want %q", got, want)
		}
	})
}

// Rows are read in pages, as they were told last.
func TestWeekRows(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		tell := func(person string, first attendance.Date, ms int64) {
			t.Helper()
			w := weekOf(person, attendance.VerdictMet, ms)
			w.Week.Week = first
			if err := s.TellWeek(t.Context(), w, attendance.Instant(1_800_000_000_000+ms), false); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			tell(fmt.Sprint("p", i), firstWeek, 1)
			tell(fmt.Sprint("p", i), firstWeek+7, 2)
		}
		tell("p1", firstWeek, 3)
		tell("p0", firstWeek-7, 4)
		tell("p0", firstWeek+14, 4)
		all, err := s.Changes(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		cursor := ""
		for pages := 0; pages == 0 || cursor != ""; pages++ {
			var rows []records.Change
			if rows, cursor, err = s.WeekRows(t.Context(), firstWeek, firstWeek+7, cursor, 3); err != nil {
				t.Fatal(err)
			}
			for _, c := range rows {
				got = append(got, fmt.Sprint(c.Week.Week.Week, " ", c.Person, " ", c.Week.CreditedMS))
				if diff := cmp.Diff(all[c.Seq-1], c); diff != "" {
					t.Errorf("the row is not what the feed has (-feed +row):\n%s", diff)
				}
			}
		}
		want := []string{
			"2026-11-02 p0 1", "2026-11-02 p1 3", "2026-11-02 p2 1", "2026-11-02 p3 1", "2026-11-02 p4 1",
			"2026-11-09 p0 2", "2026-11-09 p1 2", "2026-11-09 p2 2", "2026-11-09 p3 2", "2026-11-09 p4 2",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the rows (-want +got):\n%s", diff)
		}
	})
}

// What a change names is read with it, and what an older viop has told can
// still be.
func TestEntries(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		aSession(t, s, "s")
		about := &records.About{Program: "iop", Timezone: "UTC", Start: 1_800_000_000_000, End: 1_800_000_060_000, Level: "2.1"}
		second := reading(2, "p2", "h2")
		second.About = about
		if err := s.Keep(t.Context(), bookOf(t, s, "s"), []records.Reading{reading(1, "p1", "h1"), second}); err != nil {
			t.Fatal(err)
		}
		old := []any{"kind", "record", "at", "1800000000000", "session", "s", "person", "p1", "version", "1", "hash", "h1"}
		week := []any{"kind", "week", "at", "1800000000000", "person", "p1", "week", "2026-11-02", "verdict", "met", "previous", ""}
		for i, values := range [][]any{old, week} {
			add := &redis.XAddArgs{Stream: feedKey, ID: fmt.Sprint(i+1, "-0"), Values: values}
			if err := b.client(t).XAdd(t.Context(), add).Err(); err != nil {
				t.Fatal(err)
			}
		}
		told := aRecord("s", 2)
		told.Person = "p2"
		for _, c := range []records.Change{told, aSignature("s", 1), aRecord("lost", 1)} {
			if err := s.Tell(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := s.Entries(t.Context(), 0, 100)
		if err != nil || len(entries) != 5 {
			t.Fatalf("Entries = %d, %v; want five", len(entries), err)
		}
		if diff := cmp.Diff(reading(1, "p1", "h1"), entries[0].Reading); diff != "" || entries[0].Change.Reading != 0 {
			t.Errorf("of a former change (-want +got):\n%s", diff)
		}
		if w := entries[1].Week; w == nil || w.Person != "p1" || w.Verdict != attendance.VerdictMet || w.Previous != "" {
			t.Errorf("a former week is %+v", w)
		}
		if diff := cmp.Diff(second, entries[2].Reading); diff != "" {
			t.Errorf("the second reading (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(aSignature("s", 1).Signature, entries[3].Signature); diff != "" {
			t.Errorf("the signature (-want +got):\n%s", diff)
		}
		if entries[4].Reading.Seq != 0 {
			t.Errorf("of a chain that was lost comes %+v", entries[4].Reading)
		}
		kept, err := s.Reading(t.Context(), "s", 2)
		if diff := cmp.Diff(second, kept); diff != "" || err != nil {
			t.Errorf("Reading = %v (-want +got):\n%s", err, diff)
		}
		if _, err := s.Reading(t.Context(), "s", 3); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("a reading that is not there: %v", err)
		}
	})
}

// Readings are what the feed has told, and not what it is about to.
func TestReadings(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		aSession(t, s, "s")
		if err := s.Keep(t.Context(), bookOf(t, s, "s"), []records.Reading{
			reading(1, "p2", "h1"), reading(2, "p1", "h2"), reading(3, "p2", "h3"), reading(4, "p1", "h4"),
		}); err != nil {
			t.Fatal(err)
		}
		for _, told := range []struct {
			seq  int
			want []string
		}{{0, nil}, {1, []string{"h1"}}, {3, []string{"h2", "h3"}}, {4, []string{"h4", "h3"}}} {
			if told.seq > 0 {
				if err := s.Tell(t.Context(), aRecord("s", told.seq)); err != nil {
					t.Fatal(err)
				}
			}
			last, signed, err := s.Readings(t.Context(), "s")
			var got []string
			for _, r := range last {
				got = append(got, r.Hash)
			}
			if err != nil || !slices.Equal(got, told.want) || len(signed) != 0 {
				t.Errorf("after %d: %q, %v, %v; want %q", told.seq, got, signed, err, told.want)
			}
		}
	})
}

func TestTheNameOfTheFeed(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		one, two := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		first, err := one.FeedID(t.Context())
		if err != nil || len(first) < 16 {
			t.Fatalf("FeedID = %q, %v", first, err)
		}
		for _, s := range []*Store{one, two} {
			if again, err := s.FeedID(t.Context()); again != first || err != nil {
				t.Errorf("then it is %q, %v; want %q on every node", again, err, first)
			}
		}
	})
}

// Whoever waits is woken by what any node tells, and many wait at the price of
// one.
func TestWaitChanges(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		here, there := b.open(t, t.TempDir(), "one"), b.open(t, t.TempDir(), "two")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for seq := 1; seq <= 3; seq++ {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := here.WaitChanges(ctx, int64(seq-1)); err != nil {
						t.Errorf("waiting for change %d: %v", seq, err)
					}
				})
			}
			eventually(t, "they wait", func() bool { return here.watch.isWanted() })
			if err := there.Tell(t.Context(), aRecord("s", seq)); err != nil {
				t.Fatal(err)
			}
			all.Wait()
		}
		if err := here.WaitChanges(ctx, 0); err != nil {
			t.Errorf("waiting for what has long been there: %v", err)
		}
		short, end := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer end()
		if err := here.WaitChanges(short, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for nothing: %v", err)
		}
		if here.watch.isWanted() {
			t.Error("somebody is counted who has left")
		}
		closed := make(chan error, 1)
		go func() { closed <- here.WaitChanges(ctx, 3) }()
		eventually(t, "it waits", func() bool { return here.watch.isWanted() })
		here.crash()
		if err := <-closed; !errors.Is(err, errClosed) {
			t.Errorf("when the store is closed: %v", err)
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
