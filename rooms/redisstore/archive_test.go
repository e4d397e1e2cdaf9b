package redisstore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// audited is a store with session s of an evening: evidence, a correction with
// a note, and signatures before and after it.
func audited(t *testing.T, b backend) *Store {
	t.Helper()
	s := b.open(t, t.TempDir(), "n1")
	p := schedule.Program{ID: "evening"}
	p.Timezone, p.Counting = "America/Chicago", attendance.DefaultCounting()
	start := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour)
	_, _, err := s.PutProgram(t.Context(), p, schedule.Condition{})
	for id, role := range map[rooms.PersonID]auth.Role{"t1": auth.Facilitator, "p1": auth.Patient} {
		_, _, err2 := s.PutPerson(t.Context(), schedule.Person{ID: id, Role: role, Name: "Ana B."}, schedule.Condition{})
		err = errors.Join(err, err2)
	}
	_, _, err2 := s.PutSession(t.Context(), schedule.Session{
		ID: "s", Program: "evening", Service: attendance.Group, Start: start, End: start.Add(3 * time.Hour),
		Roster: []rooms.PersonID{"p1"}, Facilitators: []rooms.PersonID{"t1"},
	}, schedule.Condition{})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	l := acquire(t, s, "s")
	l.Record(admitted(start, "t1", "c1-1"), admitted(start, "p1", "c1-2"),
		attendance.Event{Type: attendance.Left, At: attendance.At(start.Add(time.Hour)), Connection: "c1-2", Reason: attendance.ReasonLeave},
		attendance.Event{Type: attendance.Closed, At: attendance.At(start.Add(3 * time.Hour))})
	l.Note(rooms.Note{At: start, Actor: "t1", Action: "admit", Target: "p1"})
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	books := records.New(s, quiet())
	sign := func(version int) {
		t.Helper()
		sheet, err := books.Records(t.Context(), "s")
		if err == nil {
			_, err = books.Sign(t.Context(), "s", records.Signature{By: "t1", Version: version, Hash: sheet.Versions[0].Hash, Head: sheet.Head})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sign(1)
	_, err = books.Correct(t.Context(), "s", attendance.Correction{
		ID: "k1", By: "t1", Op: attendance.AddTime, Person: "p1", Reason: attendance.OtherReason, Note: "a burst pipe",
		Start: attendance.At(start.Add(time.Hour)), End: attendance.At(start.Add(2 * time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	sign(2)
	return s
}

// archived is the document of a session, as it is handed to somebody.
func archived(t *testing.T, s *Store) []byte {
	t.Helper()
	a, err := s.Archive(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestArchiveVerifiesWithoutAStore(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := audited(t, b)
		document := archived(t, s)
		want, err := s.VerifyChain(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		s.crash()
		a, err := ReadArchive(document)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Verify()
		if err != nil {
			t.Fatalf("Verify = %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("heads (-store +archive):\n%s", diff)
		}
		if r := a.Records; len(r) != 1 || r[0].CreditedMS != 2*time.Hour.Milliseconds() || r[0].State != attendance.StateSigned || r[0].Version != 2 {
			t.Errorf("records = %+v, want two hours, signed, version 2", r)
		}
		for _, secret := range []string{"burst pipe", "Ana B."} {
			if strings.Contains(string(document), secret) {
				t.Errorf("the archive holds %q", secret)
			}
		}
	})
}

// Whatever is changed in an archive is found, and the first entry that does
// not hold is named.
func TestArchiveNamesTheFirstBrokenEntry(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		sound := archived(t, audited(t, b))
		chain := func(a *Archive, log string) *Chain {
			for i := range a.Chains {
				if a.Chains[i].Log == log {
					return &a.Chains[i]
				}
			}
			t.Fatalf("no chain %s", log)
			return nil
		}
		// anew makes the hashes of a chain fit its entries again.
		anew := func(a *Archive, c *Chain) {
			at := newChain(stream{a.Session, c.Epoch, kind(c.Log)})
			for i := range c.Entries {
				at.head = at.head.next(c.Entries[i].Text)
				c.Entries[i].Hash = at.head.String()
				c.Seq, c.Hash = c.Entries[i].Seq, c.Entries[i].Hash
			}
		}
		swap := func(text *string, old, new string) {
			if !strings.Contains(*text, old) {
				t.Fatalf("no %q in %s", old, *text)
			}
			*text = strings.Replace(*text, old, new, 1)
		}
		inCase := func(a *Archive, old, new string) {
			text := string(a.Case)
			swap(&text, old, new)
			a.Case = json.RawMessage(text)
		}
		for _, test := range []struct {
			name   string
			change func(*Archive)
			log    string
			seq    int
		}{
			{"an event is changed", func(a *Archive) { swap(&chain(a, "log").Entries[1].Text, "p1", "p2") }, "log", 2},
			{"with new hashes behind it", func(a *Archive) {
				swap(&chain(a, "log").Entries[1].Text, "p1", "p2")
				anew(a, chain(a, "log"))
			}, "log", 2},
			{"an event is gone", func(a *Archive) {
				c := chain(a, "log")
				c.Entries = append(c.Entries[:2], c.Entries[3:]...)
			}, "log", 3},
			{"the end is gone", func(a *Archive) { c := chain(a, "log"); c.Entries = c.Entries[:3] }, "log", 4},
			{"and the note of it", func(a *Archive) {
				c := chain(a, "log")
				c.Entries = c.Entries[:3]
				anew(a, c)
			}, "log", 4},
			{"the audit trail is changed", func(a *Archive) { swap(&chain(a, "audit").Entries[0].Text, "admit", "deny") }, "audit", 1},
			{"a correction has another reason", func(a *Archive) {
				swap(&chain(a, "amend").Entries[1].Text, `"reason":"other"`, `"reason":"payer_rule"`)
				anew(a, chain(a, "amend"))
			}, "amend", 2},
			{"the case counts another correction", func(a *Archive) { inCase(a, `"id":"k1"`, `"id":"k2"`) }, "amend", 2},
			{"the case counts another event", func(a *Archive) { inCase(a, `"reason":"leave"`, `"reason":"removed"`) }, "log", 3},
			{"the case has a signature on another version", func(a *Archive) { inCase(a, `"version":1,"by":"t1"`, `"version":3,"by":"t1"`) }, "amend", 1},
			{"a reading is changed", func(a *Archive) {
				swap(&chain(a, "reading").Entries[0].Text, `"credited_ms":3600000`, `"credited_ms":3600001`)
				anew(a, chain(a, "reading"))
			}, "reading", 1},
			{"a minute is added to the record", func(a *Archive) { a.Records[0].CreditedMS += 60_000 }, "records", 0},
			{"the record is left out", func(a *Archive) { a.Records = nil }, "records", 0},
			{"a chain comes twice", func(a *Archive) { a.Chains = append(a.Chains, *chain(a, "log")) }, "log", 4},
		} {
			t.Run(test.name, func(t *testing.T) {
				a, err := ReadArchive(sound)
				if err != nil {
					t.Fatal(err)
				}
				test.change(a)
				_, err = a.Verify()
				broken, ok := errors.AsType[*ChainError](err)
				if !ok || broken.Log != test.log || broken.Seq != test.seq {
					t.Errorf("Verify = %v, want entry %d of %s", err, test.seq, test.log)
				}
			})
		}
	})
}

func TestReadArchive(t *testing.T) {
	for _, document := range []string{``, `[]`, `{}`, `{"format":"viop.attendance/1"}`, `{"format":"viop.archive/1","more":1}`} {
		if _, err := ReadArchive([]byte(document)); err == nil || !strings.Contains(err.Error(), "no archive") {
			t.Errorf("ReadArchive(%s) = %v, want that it is none", document, err)
		}
	}
}

// A whole group's minutes cannot be moved to another session.
func TestArchiveOfAnotherSession(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		a, err := ReadArchive(archived(t, audited(t, b)))
		if err != nil {
			t.Fatal(err)
		}
		a.Session = "s2"
		_, err = a.Verify()
		if broken, ok := errors.AsType[*ChainError](err); !ok || broken.Seq != 1 {
			t.Errorf("Verify = %v, want the first entry", err)
		}
	})
}
