package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// bookOf reads the book of a session.
func bookOf(t *testing.T, s *Store, session rooms.SessionID) records.Book {
	t.Helper()
	b, err := s.Book(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// correction is an amendment that follows what was seen.
func correction(seen records.Book, id string) records.Amendment {
	return records.Amendment{
		Seq: seen.End(records.KindAmend, 0).Seq + 1,
		Correction: &attendance.Correction{
			ID: id, Session: string(seen.Session), At: seen.Now, By: "t1", Op: attendance.SetStatus, Person: "p1",
			Status: attendance.StatusExcused, Reason: attendance.OtherReason, Note: "spoke to Maria by phone",
		},
		Roles: map[string]attendance.Role{"t1": attendance.Facilitator, "p1": attendance.Patient},
	}
}

func amend(t *testing.T, s *Store, session rooms.SessionID, id string) {
	t.Helper()
	seen := bookOf(t, s, session)
	if err := s.Amend(t.Context(), seen, correction(seen, id), rooms.Note{At: seen.Now.Time(), Actor: "t1", Action: "correct"}); err != nil {
		t.Fatal(err)
	}
}

func reading(seq int, person, hash string) records.Reading {
	return records.Reading{Seq: seq, Person: person, Version: 1, Hash: hash, AsOf: 1_800_000_000_000, Record: []byte(`{}`)}
}

// aSession is one that is over, with p1 on the roster.
func aSession(t *testing.T, s *Store, id rooms.SessionID) (start time.Time) {
	t.Helper()
	now, err := s.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start = now.Add(-24 * time.Hour).Truncate(time.Hour)
	_, _, err = s.PutSession(t.Context(), schedule.Session{ID: id, Program: "iop", Service: attendance.Group,
		Start: start, End: start.Add(time.Hour), Roster: []rooms.PersonID{"p1"}, Facilitators: []rooms.PersonID{"t1"}}, schedule.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	return start
}

func TestABookIsWrittenOnWhatWasSeen(t *testing.T) {
	for _, moved := range []struct {
		name string
		by   func(*testing.T, *Store)
		ok   bool
	}{
		{"nothing", func(*testing.T, *Store) {}, true},
		{"a note of a room", func(t *testing.T, s *Store) {
			l := acquire(t, s, "s")
			l.Note(rooms.Note{At: l.Now(), Action: "lock"})
			flush(t, l)
		}, true},
		{"evidence", func(t *testing.T, s *Store) {
			l := acquire(t, s, "s")
			l.Record(seen(1))
			flush(t, l)
		}, false},
		{"a correction", func(t *testing.T, s *Store) { amend(t, s, "s", "k9") }, false},
		{"a reading", func(t *testing.T, s *Store) {
			if err := s.Keep(t.Context(), bookOf(t, s, "s"), []records.Reading{reading(1, "p1", "h")}); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(moved.name, func(t *testing.T) {
			contract(t, func(t *testing.T, b backend) {
				s := b.open(t, t.TempDir(), "one")
				aSession(t, s, "s")
				amend(t, s, "s", "k1")
				old := bookOf(t, s, "s")
				moved.by(t, s)
				before := bookOf(t, s, "s")
				errs := []error{
					s.Keep(t.Context(), old, []records.Reading{reading(len(old.Readings)+1, "p1", "x")}),
					s.Amend(t.Context(), old, correction(old, "k2"), rooms.Note{At: old.Now.Time(), Action: "correct"}),
				}
				after := bookOf(t, s, "s")
				if !moved.ok {
					if !errors.Is(errs[0], records.ErrMoved) || !errors.Is(errs[1], records.ErrMoved) || !slices.Equal(after.Ends, before.Ends) {
						t.Errorf("written over what has moved: %v", errs)
					}
					return
				}
				// The first has moved the book for the second.
				if errs[0] != nil || !errors.Is(errs[1], records.ErrMoved) || len(after.Readings) != 1 || len(after.Amendments) != 1 {
					t.Errorf("Keep, Amend = %v; the book is %+v", errs, after)
				}
				amend(t, s, "s", "k2")
				if _, err := s.VerifyChain(t.Context(), "s"); err == nil || !strings.Contains(err.Error(), "reading") {
					t.Errorf("VerifyChain = %v, want the reading named whose hash is made up", err)
				}
			})
		})
	}
}

func TestABookKeepsWhatWasWritten(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		dir := t.TempDir()
		s := b.open(t, dir, "one")
		aSession(t, s, "s")
		amend(t, s, "s", "k1")
		amend(t, s, "s", "k2")
		got := bookOf(t, s, "s")
		want := correction(records.Book{Session: "s"}, "k1").Correction
		want.At = got.Amendments[0].Correction.At
		if *got.Amendments[0].Correction != *want || got.Amendments[1].Seq != 2 || got.Amendments[1].Roles["p1"] != attendance.Patient {
			t.Errorf("the book says %+v", got.Amendments)
		}
		raw, err := b.client(t).XRange(t.Context(), amendments("s").key(), "-", "+").Result()
		if err != nil || contains(raw, "Maria") {
			t.Errorf("free text is not sealed at rest (%v)", err)
		}
		acts, err := s.entries(t.Context(), acts("s"))
		if err != nil || len(acts) != 2 || !strings.Contains(acts[1].Text, `"actor":"t1","action":"correct"`) {
			t.Errorf("the audit trail says %+v, %v", acts, err)
		}
		heads, err := s.VerifyChain(t.Context(), "s")
		if err != nil || len(heads) != 2 || heads[0].Log != "amend" || heads[0].Entries != 2 || heads[1].Log != "audit" {
			t.Errorf("VerifyChain = %+v, %v; want both chains", heads, err)
		}
		if err := s.DeleteSession(t.Context(), "s", schedule.Condition{}); !errors.Is(err, schedule.ErrHasEvidence) {
			t.Errorf("DeleteSession of one that was corrected = %v, want ErrHasEvidence", err)
		}
		sessions, err := b.client(t).SMembers(t.Context(), personKey("p1", "sessions")).Result()
		if err != nil || !slices.Contains(sessions, "s") {
			t.Errorf("p1 is in the index of %v, %v", sessions, err)
		}
		aSession(t, s, "other")
		seen := bookOf(t, s, "other")
		if err := s.Amend(t.Context(), seen, correction(seen, "k1"), rooms.Note{}); !errors.Is(err, records.ErrIDTaken) {
			t.Errorf("an id of another session: %v, want ErrIDTaken", err)
		}
	})
}

// A key that is gone hides the words of a note and nothing else.
func TestANoteWithoutItsKey(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		aSession(t, s, "s")
		amend(t, s, "s", "k1")
		s.crash()
		s = b.open(t, t.TempDir(), "two")
		if got := bookOf(t, s, "s").Amendments[0].Correction; got.Note != "(sealed)" || got.Status != attendance.StatusExcused {
			t.Errorf("the correction is %+v", got)
		}
		if _, err := s.VerifyChain(t.Context(), "s"); err != nil {
			t.Errorf("VerifyChain: %v", err)
		}
	})
}

func TestTamperingWithABookIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  func(*testing.T, backend)
		log  string
		seq  int
	}{
		{"a correction is changed", func(t *testing.T, b backend) { edit(t, b, amendments("s"), 1, "excused", "no_show") }, "amend", 1},
		{"a signature is changed", func(t *testing.T, b backend) { edit(t, b, amendments("s"), 2, `"by":"t1"`, `"by":"t2"`) }, "amend", 2},
		{"a reading is changed", func(t *testing.T, b backend) { edit(t, b, readings("s"), 1, "excused", "attended") }, "reading", 1},
		{"a note is changed", func(t *testing.T, b backend) { edit(t, b, acts("s"), 1, "t1", "t2") }, "audit", 1},
		{"the signature is taken out", func(t *testing.T, b backend) { b.client(t).XDel(t.Context(), amendments("s").key(), "2-0") }, "amend", 2},
		{"all readings are taken out", func(t *testing.T, b backend) { b.client(t).Del(t.Context(), readings("s").key()) }, "reading", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			contract(t, func(t *testing.T, b backend) {
				s := b.open(t, t.TempDir(), "one")
				signedSession(t, s)
				if _, err := s.VerifyChain(t.Context(), "s"); err != nil {
					t.Fatalf("VerifyChain before: %v", err)
				}
				c.cut(t, b)
				_, err := s.VerifyChain(t.Context(), "s")
				if broken, ok := errors.AsType[*ChainError](err); !ok || broken.Log != c.log || broken.Seq != c.seq {
					t.Errorf("VerifyChain = %v, want entry %d of %s named", err, c.seq, c.log)
				}
			})
		})
	}
}

// Somebody with access to Redis writes a whole chain of evidence anew: the
// signature still knows the old one.
func TestEvidenceWrittenAnewUnderASignature(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		start := signedSession(t, s)
		o, rdb := owned{"s", 1}, b.client(t)
		rdb.Del(t.Context(), o.stream(kindLog).key())
		at := newChain(o.stream(kindLog))
		it, err := at.add(kindLog, func(int) (string, error) {
			e := admitted(start.Add(time.Minute), "t1", "c1-1")
			e.Session, e.Epoch, e.Seq = "s", 1, 1
			return canonical(e)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.append(t.Context(), o.stream(kindLog), []item{it}, false); err != nil {
			t.Fatal(err)
		}
		_, err = s.VerifyChain(t.Context(), "s")
		if broken, ok := errors.AsType[*ChainError](err); !ok || broken.Log != "amend" || broken.Seq != 2 || !strings.Contains(broken.Problem, "not there") {
			t.Errorf("VerifyChain = %v, want the signature named", err)
		}
	})
}

// signedSession has evidence, a correction and a signature.
func signedSession(t *testing.T, s *Store) (start time.Time) {
	t.Helper()
	for id, role := range map[rooms.PersonID]auth.Role{"t1": auth.Facilitator, "p1": auth.Patient} {
		if _, _, err := s.PutPerson(t.Context(), schedule.Person{ID: id, Role: role}, schedule.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	start = aSession(t, s, "s")
	l := acquire(t, s, "s")
	l.Record(admitted(start, "t1", "c1-1"))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	books := records.New(s, quiet())
	k := *correction(records.Book{Session: "s"}, "k1").Correction
	sheet, err := books.Correct(t.Context(), "s", k)
	if err != nil {
		t.Fatal(err)
	}
	sig := records.Signature{By: "t1", Version: 1, Hash: sheet.Versions[0].Hash, Head: sheet.Head}
	if _, err := books.Sign(t.Context(), "s", sig); err != nil {
		t.Fatal(err)
	}
	return start
}

// edit changes an entry where it stands.
func edit(t *testing.T, b backend, in stream, seq int, old, new string) {
	t.Helper()
	rewrite(t, b.client(t), in, func(all []redis.XMessage) []redis.XMessage {
		text := fmt.Sprint(all[seq-1].Values["e"])
		if !strings.Contains(text, old) {
			t.Fatalf("entry %d of %s is %s", seq, in.name(), text)
		}
		all[seq-1].Values["e"] = strings.Replace(text, old, new, 1)
		return all
	})
}
