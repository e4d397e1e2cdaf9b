package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os/exec"
	"testing"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// signedSession puts session s1 of yesterday into a store in a directory: an
// hour of p1 with t1, corrected and signed. It returns the record as kept.
func signedSession(t *testing.T) (data, kept string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
	data = t.TempDir()
	log := slog.New(slog.DiscardHandler)
	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: data}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	start := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour)
	at := attendance.At(start)
	const minute = 60_000
	_, _, err = store.PutSession(t.Context(), schedule.Session{
		ID: "s1", Program: "evening", Service: attendance.Group, Start: start, End: start.Add(time.Hour),
		Roster: []rooms.PersonID{"p1"}, Facilitators: []rooms.PersonID{"t1"},
	}, schedule.Condition{})
	_, _, err2 := store.PutPerson(t.Context(), schedule.Person{ID: "t1", Role: auth.Facilitator}, schedule.Condition{})
	lease, err3 := store.Acquire(t.Context(), "s1")
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	lease.Record(
		attendance.Event{At: at, Type: attendance.Opened},
		attendance.Event{At: at, Type: attendance.Admitted, Person: "t1", Connection: "c1-1"},
		attendance.Event{At: at + 10*minute, Type: attendance.Admitted, Person: "p1", Connection: "c1-2"},
		attendance.Event{At: at + 60*minute, Type: attendance.Closed})
	if err := lease.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	books := records.New(store, log)
	sheet, err := books.Correct(t.Context(), "s1", attendance.Correction{
		By: "t1", Op: attendance.AddTime, Person: "p1", Start: at, End: at + 4*minute, Reason: attendance.PhoneParticipation,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = books.Sign(t.Context(), "s1", records.Signature{By: "t1", Version: 1, Hash: sheet.Versions[0].Hash, Head: sheet.Head})
	book, err2 := store.Book(t.Context(), "s1")
	if err := errors.Join(err, err2); err != nil || len(book.Readings) != 1 {
		t.Fatalf("kept are %+v, %v; want one reading", book.Readings, err)
	}
	return data, string(book.Readings[0].Record)
}

// What an auditor does: the case of a past session, evaluated by the contract,
// is the record that was signed, byte for byte.
func TestACaseRecomputesToTheSignedRecord(t *testing.T) {
	data, kept := signedSession(t)
	document, _, err := command(t, "", "attendance", "case", "--data", data, "--session", "s1")
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := command(t, document, "attendance", "evaluate", "-")
	if err != nil {
		t.Fatal(err)
	}
	var result attendance.Result
	if err := json.Unmarshal([]byte(answer), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Records) != 1 || result.Records[0].State != attendance.StateSigned || result.Records[0].CreditedMS != 54*60_000 {
		t.Fatalf("the records are %+v, want one, signed, of 54 minutes", result.Records)
	}
	canonical, err := records.Canonical(result.Records[0])
	if err != nil || string(canonical) != kept {
		t.Errorf("recomputed is\n%s (%v)\nand kept\n%s", canonical, err, kept)
	}
	if out, _, err := command(t, "", "verify", "--data", data, "--session", "s1"); err != nil {
		t.Errorf("verify = %q, %v", out, err)
	}
}
