package redisstore

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// tuesday is the start of most sessions: 18:00 in Chicago.
func tuesday() time.Time { return time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC) }

func group(id string, start time.Time, roster ...rooms.PersonID) schedule.Session {
	return schedule.Session{
		ID: rooms.SessionID(id), Program: "iop", Service: attendance.Group,
		Start: start, End: start.Add(3 * time.Hour), Roster: roster, Facilitators: []rooms.PersonID{"t1"},
	}
}

func putSession(t *testing.T, s *Store, v schedule.Session) {
	t.Helper()
	if _, _, err := s.PutSession(t.Context(), v, schedule.Condition{}); err != nil {
		t.Fatal(err)
	}
}

func putPeople(t *testing.T, s *Store, role auth.Role, ids ...rooms.PersonID) {
	t.Helper()
	for _, id := range ids {
		p := schedule.Person{ID: id, Role: role, Name: "Name of " + string(id), Program: "iop"}
		if _, _, err := s.PutPerson(t.Context(), p, schedule.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
}

func putProgram(t *testing.T, s *Store) {
	t.Helper()
	p := schedule.Program{ID: "iop", Program: attendance.Program{Timezone: "America/Chicago", Counting: attendance.DefaultCounting()}}
	if _, _, err := s.PutProgram(t.Context(), p, schedule.Condition{}); err != nil {
		t.Fatal(err)
	}
}

func TestAWriteHappensOnlyUnderItsCondition(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		write := func(title string, c schedule.Condition) (schedule.Tag, bool, error) {
			v := group("s", tuesday(), "p1")
			v.Title = title
			return s.PutSession(t.Context(), v, c)
		}
		if _, _, err := s.Session(t.Context(), "s"); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("a session that was never put: %v", err)
		}
		if _, _, err := write("no", schedule.Condition{Exists: true}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("If-Match: * without a document: %v", err)
		}
		first, created, err := write("first", schedule.Condition{Absent: true})
		if err != nil || !created || first == "" {
			t.Fatal(first, created, err)
		}
		if _, _, err := write("no", schedule.Condition{Absent: true}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("If-None-Match: * with a document: %v", err)
		}
		second, created, err := write("second", schedule.Condition{Tags: []schedule.Tag{"other", first}})
		if err != nil || created || second == first {
			t.Fatal(second, created, err)
		}
		if _, _, err := write("no", schedule.Condition{Tags: []schedule.Tag{first}}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("a writer who has seen the first version: %v", err)
		}
		v, tag, err := s.Session(t.Context(), "s")
		if err != nil || tag != second || v.Title != "second" || !v.Start.Equal(tuesday()) {
			t.Errorf("Session = %+v, %s, %v; want the second, %s", v, tag, err, second)
		}
		if err := s.DeleteSession(t.Context(), "s", schedule.Condition{Tags: []schedule.Tag{first}}); !errors.Is(err, schedule.ErrChanged) {
			t.Errorf("DeleteSession of another version: %v", err)
		}
		if err := s.DeleteSession(t.Context(), "s", schedule.Condition{Tags: []schedule.Tag{second}}); err != nil {
			t.Error(err)
		}
		if err := s.DeleteSession(t.Context(), "s", schedule.Condition{}); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("DeleteSession twice: %v", err)
		}
		third, created, err := write("third", schedule.Condition{})
		if err != nil || !created || third == first || third == second {
			t.Errorf("a tag is used again: %s, %v, %v", third, created, err)
		}
	})
}

func TestASessionWithEvidenceIsNotDeleted(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putSession(t, s, group("s", tuesday()))
		l := acquire(t, s, "s")
		l.Record(seen(1))
		flush(t, l)
		if err := s.DeleteSession(t.Context(), "s", schedule.Condition{}); !errors.Is(err, schedule.ErrHasEvidence) {
			t.Errorf("DeleteSession = %v, want ErrHasEvidence", err)
		}
		if _, _, err := s.Session(t.Context(), "s"); err != nil {
			t.Error(err)
		}
	})
}

func TestNamesAreSealedAtRest(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		putPeople(t, s, auth.Patient, "p1", "p2")
		putProgram(t, s)
		b.wantNowhere(t, "Name of")
		p, tag, err := s.Person(t.Context(), "p1")
		if err != nil || p.Name != "Name of p1" || p.Role != auth.Patient || tag == "" {
			t.Errorf("Person = %+v, %s, %v", p, tag, err)
		}
		people, err := s.People(t.Context(), []rooms.PersonID{"p2", "nobody", "p1"})
		if err != nil || len(people) != 2 || people["p2"].Name != "Name of p2" {
			t.Errorf("People = %+v, %v", people, err)
		}
		stranger := b.open(t, t.TempDir(), "two") // another key
		if _, _, err := stranger.Person(t.Context(), "p1"); err == nil {
			t.Error("a person without the name would be written back without it")
		}
		if people, err := stranger.People(t.Context(), []rooms.PersonID{"p1"}); err != nil || people["p1"].Role != auth.Patient {
			t.Errorf("a lost key takes the minutes with it: %+v, %v", people, err)
		}
		program, _, err := s.Program(t.Context(), "iop")
		if err != nil || program.Timezone != "America/Chicago" || program.Counting != attendance.DefaultCounting() {
			t.Errorf("Program = %+v, %v", program, err)
		}
	})
}

func TestSessionsByTime(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		for i := range 7 {
			putSession(t, s, group("s"+strconv.Itoa(i), tuesday().Add(time.Duration(i/2)*24*time.Hour)))
		}
		long := group("long", tuesday().Add(-20*time.Hour))
		long.End = long.Start.Add(24 * time.Hour)
		putSession(t, s, long)
		putSession(t, s, group("moved", tuesday()))
		putSession(t, s, group("moved", tuesday().Add(30*24*time.Hour)))
		list := func(from, to time.Time, limit int) (ids []string) {
			for cursor := ""; ; {
				page, next, err := s.Sessions(t.Context(), from, to, cursor, limit)
				if err != nil || len(page) > limit {
					t.Fatal(len(page), err)
				}
				for _, v := range page {
					ids = append(ids, string(v.ID))
				}
				if cursor = next; next == "" {
					return ids
				}
			}
		}
		for _, limit := range []int{1, 2, 8, 100} {
			want := []string{"long", "s0", "s1", "s2", "s3", "s4", "s5", "s6"}
			if diff := cmp.Diff(want, list(tuesday(), tuesday().Add(7*24*time.Hour), limit)); diff != "" {
				t.Errorf("by pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		if diff := cmp.Diff([]string{"s2", "s3"}, list(tuesday().Add(26*time.Hour), tuesday().Add(48*time.Hour), 9)); diff != "" {
			t.Errorf("those that overlap an afternoon, ends excluded (-want +got):\n%s", diff)
		}
	})
}
