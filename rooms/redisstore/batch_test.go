package redisstore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

func putAll(t *testing.T, s *Store, documents ...schedule.Document) []schedule.Written {
	t.Helper()
	var batch []schedule.Write
	for _, d := range documents {
		batch = append(batch, schedule.Write{Document: d})
	}
	written, err := s.PutAll(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func TestABatchIsWrittenWholeOrNotAtAll(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		first := putAll(t, s, group("s1", tuesday(), "p1"), group("s2", tuesday(), "p2"))
		held(t, s, group("met", tuesday(), "p1"), "t1", "p1")
		if first[0].Tag == first[1].Tag || !first[0].Created || !first[1].Created {
			t.Errorf("written = %+v, want two new ones", first)
		}
		changed := group("s1", tuesday().Add(time.Hour), "p3")
		seen := schedule.Condition{Tags: []schedule.Tag{first[0].Tag}}
		stale := schedule.Condition{Tags: []schedule.Tag{"another"}}
		for _, test := range []struct {
			name  string
			batch []schedule.Write
			index int
			err   error
		}{
			{"one has changed", []schedule.Write{{Document: changed, If: seen}, {Document: group("s2", tuesday()), If: stale}, {Document: group("s3", tuesday())}}, 1, schedule.ErrChanged},
			{"one that was looked at has changed", []schedule.Write{{Document: changed}, {Document: group("s2", tuesday()), Keep: true, If: stale}}, 1, schedule.ErrChanged},
			{"one is there already", []schedule.Write{{Document: changed}, {Document: group("s2", tuesday()), If: schedule.Condition{Absent: true}}}, 1, schedule.ErrChanged},
			{"one to be deleted is not there", []schedule.Write{{Document: changed}, {Document: group("s9", tuesday()), Delete: true}}, 1, schedule.ErrNotFound},
			{"one has evidence", []schedule.Write{{Document: changed}, {Document: group("met", tuesday()), Delete: true}}, 1, schedule.ErrHasEvidence},
			{"a person", []schedule.Write{{Document: changed}, {Document: schedule.Person{ID: "p1"}, Delete: true}}, 1, schedule.ErrInUse},
			{"a program", []schedule.Write{{Document: changed}, {Document: schedule.Program{ID: "iop"}, Delete: true}}, 1, schedule.ErrInUse},
			{"one comes twice", []schedule.Write{{Document: changed}, {Document: group("s1", tuesday())}}, 1, nil},
			{"levels that overlap", []schedule.Write{{Document: changed}, {Document: schedule.Enrollment{Person: "p1", Levels: []schedule.Level{
				{Start: tuesday(), Profile: attendance.PHP}, {Start: tuesday(), Profile: attendance.PHP}}}}}, 1, nil},
		} {
			written, err := s.PutAll(t.Context(), test.batch)
			broken, ok := errors.AsType[*schedule.BatchError](err)
			if !ok || written != nil || broken.Index != test.index || test.err != nil && !errors.Is(err, test.err) || broken.Name != test.batch[test.index].Document.Called() {
				t.Errorf("%s: PutAll = %v, %v; want %v at %d", test.name, written, err, test.err, test.index)
			}
			v, tag, err := s.Session(t.Context(), "s1")
			if err != nil || tag != first[0].Tag || !v.Start.Equal(tuesday()) {
				t.Errorf("%s: s1 is %v, %s, %v; want it untouched", test.name, v.Start, tag, err)
			}
			if of, err := s.sessionsOf(t.Context(), []rooms.PersonID{"p3"}); err != nil || len(of["p3"]) > 0 {
				t.Errorf("%s: the index has %v of p3, %v", test.name, of, err)
			}
		}
		if _, err := s.PutAll(t.Context(), make([]schedule.Write, MaxBatch+1)); !errors.Is(err, schedule.ErrTooMany) {
			t.Errorf("a batch without end: %v", err)
		}
		if written, err := s.PutAll(t.Context(), nil); err != nil || len(written) > 0 {
			t.Errorf("an empty batch: %v, %v", written, err)
		}
	})
}

// Writers that change two documents at once, each under what it has seen of
// both: nobody's change is lost, and the two never come apart.
func TestBatchesAtTheSameTime(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putAll(t, s, group("a", tuesday()), group("b", tuesday()))
		const writers, each = 6, 8
		var wait sync.WaitGroup
		for range writers {
			wait.Go(func() {
				for done := 0; done < each; {
					a, tagA, errA := s.Session(t.Context(), "a")
					b, tagB, errB := s.Session(t.Context(), "b")
					if errA != nil || errB != nil {
						t.Error(errA, errB)
						return
					}
					n, _ := strconv.Atoi(a.Title)
					a.Title, b.Title = strconv.Itoa(n+1), strconv.Itoa(n+1)
					_, err := s.PutAll(t.Context(), []schedule.Write{
						{Document: a, If: schedule.Condition{Tags: []schedule.Tag{tagA}}},
						{Document: b, If: schedule.Condition{Tags: []schedule.Tag{tagB}}},
					})
					switch {
					case err == nil:
						done++
					case !errors.Is(err, schedule.ErrChanged):
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		for _, id := range []rooms.SessionID{"a", "b"} {
			if v, _, err := s.Session(t.Context(), id); err != nil || v.Title != strconv.Itoa(writers*each) {
				t.Errorf("%s counts %s, %v; want %d", id, v.Title, err, writers*each)
			}
		}
	})
}

func TestWhatIdentifiesIsSealedAtRest(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		person := schedule.Person{ID: "p1", Role: auth.Patient, Identifiers: []schedule.Identifier{{System: "urn:oid:1.2", Value: "MRN-4711"}, {System: "ehr", Value: "EHR-4712"}}}
		granted := schedule.Authorization{ID: "a1", Person: "p1", Payer: "Payer", Reference: "AUTH-4713", Unit: attendance.UnitDay, Count: 1, From: 20000, To: 20001}
		putAll(t, s, person, granted)
		for _, secret := range []string{"MRN-4711", "EHR-4712", "AUTH-4713"} {
			b.wantNowhere(t, secret)
		}
		got, _, err := s.Person(t.Context(), "p1")
		if diff := cmp.Diff(person, got); err != nil || diff != "" {
			t.Errorf("Person: %v (-want +got):\n%s", err, diff)
		}
		read, _, err := s.Authorization(t.Context(), "a1")
		if diff := cmp.Diff(granted, read); err != nil || diff != "" {
			t.Errorf("Authorization: %v (-want +got):\n%s", err, diff)
		}
		stranger := b.open(t, t.TempDir(), "two") // another key
		if _, _, err := stranger.Person(t.Context(), "p1"); err == nil {
			t.Error("a person without identifiers would be written back without them")
		}
		if people, err := stranger.People(t.Context(), []rooms.PersonID{"p1"}); err != nil || people["p1"].Role != auth.Patient || len(people["p1"].Identifiers) > 0 {
			t.Errorf("a lost key takes more with it than what it sealed: %+v, %v", people, err)
		}
		if page, _, err := stranger.Authorizations(t.Context(), "p1", "", 9); err != nil || len(page) != 1 || page[0].Reference != "" || page[0].Count != 1 {
			t.Errorf("Authorizations with a lost key = %+v, %v", page, err)
		}
	})
}

// Lists follow their documents from one program, cohort or person to another.
func TestListsFollowTheirDocuments(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		cohort := func(program schedule.ProgramID) schedule.Cohort { return schedule.Cohort{ID: "c", Program: program} }
		series := func(program schedule.ProgramID, cohort schedule.CohortID) schedule.Series {
			return schedule.Series{ID: "x", Program: program, Cohort: cohort}
		}
		granted := func(person rooms.PersonID) schedule.Authorization {
			return schedule.Authorization{ID: "a", Person: person, Unit: attendance.UnitDay, From: 20000, To: 20001}
		}
		lists := func() string {
			var found []string
			for _, p := range []schedule.ProgramID{"one", "two"} {
				cohorts, _, err1 := s.Cohorts(t.Context(), p, "", 9)
				series, _, err2 := s.AllSeries(t.Context(), p, "", 9)
				granted, _, err3 := s.Authorizations(t.Context(), rooms.PersonID(p), "", 9)
				of, err4 := s.SeriesOf(t.Context(), schedule.CohortID(p))
				if err := errors.Join(err1, err2, err3, err4); err != nil {
					t.Fatal(err)
				}
				found = append(found, fmt.Sprintf("%d %d %d %d", len(cohorts), len(series), len(granted), len(of)))
			}
			return strings.Join(found, ", ")
		}
		putAll(t, s, cohort("one"), series("one", "one"), granted("one"))
		if got := lists(); got != "1 1 1 1, 0 0 0 0" {
			t.Errorf("lists = %s, want all of one", got)
		}
		putAll(t, s, cohort("two"), series("two", "two"), granted("two"))
		if got := lists(); got != "0 0 0 0, 1 1 1 1" {
			t.Errorf("lists = %s, want all of two", got)
		}
		_, err := s.PutAll(t.Context(), []schedule.Write{{Document: cohort("two"), Delete: true}, {Document: series("", ""), Delete: true}, {Document: granted(""), Delete: true}})
		if got := lists(); err != nil || got != "0 0 0 0, 0 0 0 0" {
			t.Errorf("lists = %s, %v; want nothing", got, err)
		}
	})
}

// A series knows which of its sessions are as it wrote them.
func TestStanding(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		series := schedule.Series{ID: "x", Program: "iop", Cohort: "c"}
		batch := []schedule.Write{{Document: series}}
		for _, id := range []string{"made", "edited", "deleted", "met", "dropped"} {
			batch = append(batch, schedule.Write{Document: group(id, tuesday()), Series: "x"})
		}
		if _, err := s.PutAll(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		held(t, s, group("foreign", tuesday(), "p1"), "t1", "p1")
		putSession(t, s, group("edited", tuesday()))
		if err := s.DeleteSession(t.Context(), "deleted", schedule.Condition{}); err != nil {
			t.Fatal(err)
		}
		l := acquire(t, s, "met")
		l.Record(seen(1))
		flush(t, l)
		if _, err := s.PutAll(t.Context(), []schedule.Write{{Document: group("dropped", tuesday()), Delete: true, Series: "x"}}); err != nil {
			t.Fatal(err)
		}
		standing, err := s.Standing(t.Context(), "x", []rooms.SessionID{"foreign", "none"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[rooms.SessionID]string{}
		for id, st := range standing {
			got[id] = fmt.Sprintf("there %t, own %t, as made %t, evidence %t", st.Tag != "", st.Made != "", st.Tag == st.Made, st.Evidence)
		}
		want := map[rooms.SessionID]string{
			"made":    "there true, own true, as made true, evidence false",
			"edited":  "there true, own true, as made false, evidence false",
			"deleted": "there false, own true, as made false, evidence false",
			"met":     "there true, own true, as made true, evidence true",
			"foreign": "there true, own false, as made false, evidence true",
			"none":    "there false, own false, as made true, evidence false",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("standing (-want +got):\n%s", diff)
		}
		_, err = s.PutAll(t.Context(), []schedule.Write{{Document: schedule.Cohort{ID: "c", Program: "iop"}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.PutAll(t.Context(), []schedule.Write{{Document: schedule.Cohort{ID: "c"}, Delete: true}})
		if !errors.Is(err, schedule.ErrInUse) {
			t.Errorf("a cohort that a series meets with is deleted: %v", err)
		}
	})
}

// Whatever decides about sessions that have begun leaves a debt for each of
// them; what is still to come, and what says the same as before, does not.
func TestChangesOweASettling(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		now := time.Now().UTC().Truncate(time.Millisecond)
		week := 7 * 24 * time.Hour
		long, last, today, soon := group("long", now.Add(-9*week), "p1", "p2"), group("last", now.Add(-week), "p1"),
			group("today", now.Add(-5*time.Hour), "p1", "p2"), group("soon", now.Add(5*time.Hour), "p1", "p2")
		putAll(t, s, long, last, today, soon, group("others", now.Add(-6*time.Hour), "p3"))
		level := func(from time.Time) schedule.Level { return schedule.Level{Start: from, Profile: attendance.PHP} }
		granted := func(count int, from, to time.Time) schedule.Authorization {
			return schedule.Authorization{ID: "a", Person: "p2", Unit: attendance.UnitDay, Count: count, From: dated(from), To: dated(to)}
		}
		moved := today
		moved.Start, moved.End = moved.Start.Add(-6*week), moved.End.Add(-6*week)
		renamed := soon
		renamed.Roster = []rooms.PersonID{"p1"}
		for _, step := range []struct {
			name   string
			writes []schedule.Write
			want   string
		}{
			{"an excuse from one that was", []schedule.Write{{Document: schedule.Excuse{Session: "last", Person: "p1", By: attendance.ByPatient}}}, "last today"},
			{"an excuse from one to come: the week has less left", []schedule.Write{{Document: schedule.Excuse{Session: "soon", Person: "p2", By: attendance.ByPatient}}}, "today"},
			{"the same excuse", []schedule.Write{{Document: schedule.Excuse{Session: "soon", Person: "p2", By: attendance.ByPatient}}}, ""},
			{"levels from last week on", []schedule.Write{{Document: schedule.Enrollment{Person: "p1", Levels: []schedule.Level{level(now.Add(-week))}}}}, "last today"},
			{"levels from long ago", []schedule.Write{{Document: schedule.Enrollment{Person: "p1", Levels: []schedule.Level{level(now.Add(-20 * week))}}}}, "last long today"},
			{"levels are forgotten", []schedule.Write{{Document: schedule.Enrollment{Person: "p1"}, Delete: true}}, "last long today"},
			{"an authorization of then", []schedule.Write{{Document: granted(5, now.Add(-10*week), now.Add(-8*week))}}, "long"},
			{"of now instead", []schedule.Write{{Document: granted(5, now, now.Add(week))}}, "long today"},
			{"with another count", []schedule.Write{{Document: granted(6, now, now.Add(week))}}, "today"},
			{"off the roster of one to come", []schedule.Write{{Document: renamed}}, "last today"},
			{"a person, a program and a cohort", []schedule.Write{{Document: schedule.Person{ID: "p1", Role: auth.Patient, Name: "New N."}}, {Document: schedule.Cohort{ID: "c", Program: "iop"}}}, ""},
			{"one moves to another week", []schedule.Write{{Document: moved}}, "last today"},
			{"one is put in for long ago", []schedule.Write{{Document: group("before", now.Add(-30*week), "p1")}}, ""},
			{"one is put in for today", []schedule.Write{{Document: group("extra", now.Add(time.Hour), "p3")}}, "others"},
			{"one is deleted", []schedule.Write{{Document: schedule.Session{ID: "others"}, Delete: true}}, "others"},
		} {
			b.client(t).Del(t.Context(), owedKey)
			if _, err := s.PutAll(t.Context(), step.writes); err != nil {
				t.Fatal(step.name, err)
			}
			owed, err := s.Owed(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, id := range slices.Sorted(maps.Keys(owed)) {
				got = append(got, string(id))
			}
			if strings.Join(got, " ") != step.want {
				t.Errorf("%s: owed are %q, want %q", step.name, got, step.want)
			}
		}
	})
}

// An excuse is a version of its session, so that a settling that was begun
// before it is seen to be late.
func TestExcusesAreInTheDigest(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := clinic(t, b)
		putAll(t, s, group("s", tuesday(), "p1"))
		digest := func() string {
			book, err := s.Book(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			return book.Digest
		}
		before := digest()
		putAll(t, s, schedule.Excuse{Session: "s", Person: "p1", By: attendance.ByPatient})
		excused := digest()
		if _, err := s.PutAll(t.Context(), []schedule.Write{{Document: schedule.Excuse{Session: "s", Person: "p1"}, Delete: true}}); err != nil {
			t.Fatal(err)
		}
		if again := digest(); excused == before || again != before {
			t.Errorf("digests %s, excused %s, and not any more %s", before, excused, again)
		}
	})
}

func TestDoneOnce(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		answer, turn, err := s.Begin(t.Context(), "key", "request")
		if err != nil || answer != nil || turn == "" {
			t.Fatal(answer, turn, err)
		}
		if _, _, err := s.Begin(t.Context(), "key", "request"); !errors.Is(err, schedule.ErrUnderway) {
			t.Errorf("while it is under way: %v", err)
		}
		if _, _, err := s.Begin(t.Context(), "key", "another"); !errors.Is(err, schedule.ErrOtherRequest) {
			t.Errorf("another request: %v", err)
		}
		// Whoever had it has died, a minute ago; it is somebody else's turn.
		b.client(t).HSet(t.Context(), onceKey("key"), "until", 1)
		_, second, err := s.Begin(t.Context(), "key", "request")
		if err != nil || second == turn {
			t.Fatal(second, err)
		}
		if err := s.Finish(t.Context(), "key", turn, []byte("late")); err != nil {
			t.Error(err)
		}
		if err := s.Finish(t.Context(), "key", second, []byte("a link that opens a door")); err != nil {
			t.Error(err)
		}
		b.wantNowhere(t, "opens a door")
		if answer, _, err := s.Begin(t.Context(), "key", "request"); err != nil || string(answer) != "a link that opens a door" {
			t.Errorf("Begin = %q, %v; want the answer of the second", answer, err)
		}
		if _, _, err := s.Begin(t.Context(), "key", "another"); !errors.Is(err, schedule.ErrOtherRequest) {
			t.Errorf("another request, afterwards: %v", err)
		}
		left := b.client(t).PTTL(t.Context(), onceKey("key")).Val()
		if left > 24*time.Hour || left < 23*time.Hour {
			t.Errorf("it is kept for %v, want a day", left)
		}
		if _, turn, err = s.Begin(t.Context(), "refused", "request"); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context(), "refused", turn, nil); err != nil {
			t.Error(err)
		}
		if _, again, err := s.Begin(t.Context(), "refused", "another"); err != nil || again == "" {
			t.Errorf("after a refusal: %q, %v", again, err)
		}
	})
}
