package records_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

func TestCorrectionsThatAreRefused(t *testing.T) {
	h := inMemory(t)
	h.evening()
	first := h.add("p2", 30, 60)
	first.ID = "k1"
	h.correct("s1", first)
	second := h.add("p2", 30, 50)
	second.ID, second.Supersedes = "k2", "k1"
	h.correct("s1", second)
	h.put("s9", 600, 660, "p1")
	h.hold("s9", 600, 660, stay{"p1", 600, 640})
	before, err := h.store.Owed(t.Context()) // the sessions of a week in which one was put in
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name    string
		session rooms.SessionID
		change  func(*attendance.Correction)
		field   string // of *Invalid
		err     error
	}{
		{"nobody of that name", "s1", func(k *attendance.Correction) { k.Person = "nobody" }, "/person", nil},
		{"an observer has no minutes", "s1", func(k *attendance.Correction) { k.Person = "o1" }, "/person", nil},
		{"it ends before it starts", "s1", func(k *attendance.Correction) { k.End = k.Start }, "/end", nil},
		{"other wants a note", "s1", func(k *attendance.Correction) { k.Reason = attendance.OtherReason }, "/note", nil},
		{"a room is of facilitators", "s1", func(k *attendance.Correction) { k.Room = "main" }, "/room", nil},
		{"no such op", "s1", func(k *attendance.Correction) { k.Op = "forget" }, "/op", nil},
		{"supersedes nothing", "s1", func(k *attendance.Correction) { k.Supersedes = "k7" }, "/supersedes", nil},
		{"supersedes what is superseded", "s1", func(k *attendance.Correction) { k.Supersedes = "k1" }, "", records.ErrSuperseded},
		{"by a patient", "s1", func(k *attendance.Correction) { k.By = "p1" }, "", records.ErrNotStaff},
		{"by nobody we know", "s1", func(k *attendance.Correction) { k.By = "billing" }, "", records.ErrNotStaff},
		{"an id with another content", "s1", func(k *attendance.Correction) { k.ID = "k1" }, "", records.ErrIDTaken},
		{"an id of another session", "s9", func(k *attendance.Correction) { k.ID, k.Start, k.End = "k1", h.at(640), h.at(650) }, "", records.ErrIDTaken},
		{"nothing changes", "s1", func(k *attendance.Correction) { k.Person, k.Start, k.End = "p1", h.at(10), h.at(20) }, "", records.ErrNothingChanges},
		{"no such session", "s0", func(*attendance.Correction) {}, "", schedule.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := h.add("p2", 0, 10)
			c.change(&k)
			_, err := h.books.Correct(t.Context(), c.session, k)
			invalid, ok := errors.AsType[*records.Invalid](err)
			if c.field != "" && (!ok || invalid.Pointer != c.field) || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("Correct = %v, want %s%v", err, c.field, c.err)
			}
			if got := len(h.sheet("s1").Corrections); got != 2 {
				t.Errorf("%d corrections are in the book, want the two from before", got)
			}
		})
	}
	owed, err := h.store.Owed(t.Context())
	if err != nil || !reflect.DeepEqual(owed, before) {
		t.Errorf("owed is %v, %v; want %v as before: nothing was written", owed, err, before)
	}
}

func TestTheSameCorrectionAgain(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		k := h.add("p2", 30, 60)
		k.ID, k.Reason, k.Note = "k1", attendance.OtherReason, "called from the car"
		for range 3 {
			s := h.correct("s1", k)
			h.want(s, "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 2 h 30 m")
			if len(s.Corrections) != 1 || s.Corrections[0].Note != k.Note {
				t.Errorf("the corrections are %+v, want one, with its note", s.Corrections)
			}
		}
		k.Note = "called from the bus"
		if _, err := h.books.Correct(t.Context(), "s1", k); !errors.Is(err, records.ErrIDTaken) {
			t.Errorf("another note under the same id: %v, want ErrIDTaken", err)
		}
	})
}

func TestACorrectionOfWhatIsStillToCome(t *testing.T) {
	h := inMemory(t)
	now, _ := h.store.Now(t.Context())
	h.start = now.Add(-time.Hour)
	h.put("s1", 0, 180, "p1")
	k := attendance.Correction{By: "t1", Op: attendance.DeclareBreak, Start: h.at(90), End: h.at(100), Reason: attendance.BreakNotRecorded}
	if got := h.correct("s1", k); len(got.Corrections) != 1 {
		t.Errorf("a break in half an hour is not in the book: %+v", got.Corrections)
	}
}

func TestSignaturesThatAreRefused(t *testing.T) {
	h := inMemory(t)
	h.evening()
	old := h.sheet("s1")
	k := h.add("p2", 30, 60)
	now := h.correct("s1", k)
	for _, c := range []struct {
		name string
		sig  records.Signature
		err  error // nil: *Conflict
	}{
		{"by an observer", read(now, "o1", 1), records.ErrNotStaff},
		{"by a patient", read(now, "p1", 1), records.ErrNotStaff},
		{"by a facilitator of other sessions", read(now, "t3", 1), records.ErrNotStaff},
		{"by nobody we know", read(now, "billing", 1), records.ErrNotStaff},
		{"what it said before", read(old, "t1", 1), nil},
		{"on former evidence", records.Signature{By: "t1", Version: 1, Hash: now.Versions[0].Hash, Head: old.Head}, nil},
		{"with another hash", records.Signature{By: "t1", Version: 1, Hash: old.Versions[0].Hash, Head: now.Head}, nil},
		{"a version there is not", records.Signature{By: "t1", Version: 2, Hash: now.Versions[0].Hash, Head: now.Head}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := h.books.Sign(t.Context(), "s1", c.sig)
			conflict, ok := errors.AsType[*records.Conflict](err)
			switch {
			case c.err != nil && !errors.Is(err, c.err):
				t.Errorf("Sign = %v, want %v", err, c.err)
			case c.err == nil && (!ok || conflict.Version != 1 || conflict.Hash != now.Versions[0].Hash || conflict.Head != now.Head):
				t.Errorf("Sign = %v, want a conflict with the current version, hash and head", err)
			}
		})
	}
	if got := h.sheet("s1").Signatures; len(got) != 0 {
		t.Errorf("there are signatures: %+v", got)
	}
	h.want(h.sign("s1", "t1", 1), "p1 v1 signed 3 h 00 m", "p2 v1 signed 2 h 30 m")
}

func TestACosignatureAndTheSameAgain(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		seen := h.sheet("s1") // both have the same sheet before them
		for range 2 {
			for _, by := range []string{"t1", "t2"} {
				if _, err := h.books.Sign(t.Context(), "s1", read(seen, by, 1)); err != nil {
					t.Fatalf("%s signs: %v", by, err)
				}
			}
		}
		if got := h.sheet("s1").Signatures; len(got) != 2 || got[0].By != "t1" || got[1].By != "t2" || got[0].Head != got[1].Head {
			t.Errorf("the signatures are %+v, want one of each", got)
		}
		h.wantVerified("s1")
	})
}

func TestNothingIsSignedWhileItGoesOn(t *testing.T) {
	h := inMemory(t)
	h.clock.SetTime(h.time(90))
	h.put("s1", 0, 180, "p1")
	l, err := h.store.Acquire(t.Context(), "s1")
	h.must(err)
	l.Record(attendance.Event{Type: attendance.Opened, At: h.at(0)},
		attendance.Event{Type: attendance.Admitted, At: h.at(0), Person: "t1", Connection: "c1-1"},
		attendance.Event{Type: attendance.Admitted, At: h.at(0), Person: "p1", Connection: "c1-2"})
	h.must(l.Flush(t.Context()))
	sign := func() error {
		_, err := h.books.Sign(t.Context(), "s1", read(h.sheet("s1"), "t1", 1))
		return err
	}
	if err := sign(); !errors.Is(err, records.ErrNotOver) {
		t.Errorf("Sign before the end = %v, want ErrNotOver", err)
	}

	h.clock.SetTime(h.time(181)) // over by the schedule, and they go on
	here := func(person rooms.PersonID, conn rooms.Conn) rooms.Presence {
		return rooms.Presence{Person: person, Conn: conn, State: rooms.Active, Seen: h.time(181), Since: h.time(0)}
	}
	l.Beat(rooms.Beat{At: h.time(181), State: rooms.Live, Here: []rooms.Presence{here("t1", "c1-1"), here("p1", "c1-2")}})
	h.eventually("the beat is in the store", func() bool { return h.sheet("s1").Occupied })
	if err := sign(); !errors.Is(err, records.ErrOccupied) {
		t.Errorf("Sign while people are there = %v, want ErrOccupied", err)
	}
	h.wantReadings("s1") // nothing is kept that goes on changing

	h.clock.SetTime(h.time(190)) // the node has died: its lease runs out
	if s := h.sheet("s1"); s.Occupied {
		t.Error("people are still in a room that nobody holds")
	}
	h.books.Round(t.Context()) // brings home what the crash left
	h.must(sign())
	h.want(h.sheet("s1"), "p1 v1 signed 3 h 00 m")
	heads, err := h.store.VerifyChain(t.Context(), "s1")
	if err != nil || len(heads) < 2 || heads[1].Log != "crash" {
		t.Errorf("VerifyChain = %+v, %v; want what the crash left in the chains, under the signature", heads, err)
	}
	h.wantRecomputed("s1")
}

// eventually polls until the condition holds.
func (h *house) eventually(what string, holds func() bool) {
	h.t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("not within 20 s: %s", what)
		}
	}
}
