package redisstore

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
)

// People are found by what other systems call them, under this key and the one
// before, and by nothing that they are no longer called.
func TestIdentifiedFindsPeople(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		dir := t.TempDir()
		old, fresh := DataKey{ID: "old", Key: [32]byte{1}}, DataKey{ID: "new", Key: [32]byte{2}}
		keyed := func(keys ...DataKey) *Store {
			return open(t, Config{URL: b.url, Dir: dir, Node: "one", AllowVolatile: true, Keys: keys})
		}
		put := func(s *Store, id rooms.PersonID, numbers ...string) {
			t.Helper()
			p := schedule.Person{ID: id, Role: auth.Patient}
			for _, n := range numbers {
				p.Identifiers = append(p.Identifiers, schedule.Identifier{System: "mrn", Value: n})
			}
			if _, _, err := s.PutPerson(t.Context(), p, schedule.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		find := func(s *Store, number string, want ...rooms.PersonID) {
			t.Helper()
			id := schedule.Identifier{System: "mrn", Value: number}
			found, err := s.Identified(t.Context(), []schedule.Identifier{id, {System: "other", Value: number}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, found[id]); diff != "" {
				t.Errorf("%s is (-want +got):\n%s", number, diff)
			}
			if others := found[schedule.Identifier{System: "other", Value: number}]; len(others) > 0 {
				t.Errorf("%s of another system is %v", number, others)
			}
		}
		s := keyed(old)
		put(s, "p1", "M-1", "M-11")
		put(s, "p2", "M-2")
		put(s, "p3", "M-2")
		find(s, "M-1", "p1")
		find(s, "M-2", "p2", "p3")
		find(s, "M-3")
		for _, key := range b.client(t).Keys(t.Context(), "*").Val() {
			if strings.Contains(key, "M-1") {
				t.Errorf("the key %s tells an identifier", key)
			}
		}
		s.crash()
		s = keyed(fresh, old)
		find(s, "M-1", "p1")
		put(s, "p1", "M-1", "M-12")
		put(s, "p3")
		find(s, "M-1", "p1")
		find(s, "M-11")
		find(s, "M-12", "p1")
		find(s, "M-2", "p2")
	})
}

// Documents are read as they were written, in one question, with the tags of
// their versions.
func TestDocumentsAndSessionsFrom(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		from := func(id, source string, start time.Time) schedule.Session {
			v := group(id, start, "p1")
			v.Source = schedule.Source{System: source, UID: "u"}
			return v
		}
		batch := []schedule.Write{
			{Document: schedule.Person{ID: "p1", Role: auth.Patient, Name: "Ana B.", Identifiers: []schedule.Identifier{{System: "mrn", Value: "M-1"}}}},
			{Document: schedule.Authorization{ID: "a1", Person: "p1", Reference: "R-1", Unit: "day", Count: 3, From: 20000, To: 20100}},
			{Document: schedule.Excuse{Session: "s1", Person: "p1", By: "patient"}},
			{Document: schedule.Cohort{ID: "c1", Program: "iop", Members: []schedule.Member{{Person: "p1", From: 20000}}}},
			{Document: from("s1", "google", tuesday())},
			{Document: from("s2", "outlook", tuesday())},
			{Document: from("s3", "google", tuesday().AddDate(0, 0, 7))},
		}
		written, err := s.PutAll(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		want := map[schedule.Name]schedule.Stored{}
		names := []schedule.Name{{Kind: schedule.KindSession, ID: "nosuch"}, {Kind: schedule.KindExcuse, ID: "s1", Person: "p2"}}
		for i, w := range batch {
			want[w.Document.Called()] = schedule.Stored{Document: w.Document, Tag: written[i].Tag}
			names = append(names, w.Document.Called())
		}
		got, err := s.Documents(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Documents (-want +got):\n%s", diff)
		}
		found, err := s.SessionsFrom(t.Context(), "google", tuesday().Add(time.Hour), tuesday().Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := found[nameOf(schedule.KindSession, rooms.SessionID("s1"))]; !ok || len(found) != 1 {
			t.Errorf("SessionsFrom = %v, want s1", found)
		}
	})
}
