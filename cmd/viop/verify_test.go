package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// keepSession puts session s1 of yesterday, one hour of p1's, into a store in
// a directory, and closes the store.
func keepSession(t *testing.T) (data string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
	data = t.TempDir()
	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: data}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	program := schedule.Program{ID: "evening"}
	program.Timezone, program.Counting = "America/Chicago", attendance.DefaultCounting()
	start := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour)
	_, _, err = store.PutProgram(t.Context(), program, schedule.Condition{})
	_, _, err2 := store.PutSession(t.Context(), schedule.Session{
		ID: "s1", Program: "evening", Service: attendance.Group, Start: start, End: start.Add(time.Hour), Roster: nil,
	}, schedule.Condition{})
	lease, err3 := store.Acquire(t.Context(), "s1")
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	at := attendance.At(start)
	lease.Record(
		attendance.Event{At: at, Type: attendance.Opened},
		attendance.Event{At: at, Type: attendance.Admitted, Person: "p1", Connection: "c1-1"},
		attendance.Event{At: at + 3_600_000, Type: attendance.Closed})
	if err := lease.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return data
}

// An archive is written, carried elsewhere and checked there; so is one that
// somebody has touched on the way.
func TestArchiveAndVerify(t *testing.T) {
	data := keepSession(t)
	archive, _, err := command(t, "", "attendance", "archive", "--data", data, "--session", "s1")
	if err != nil {
		t.Fatal(err)
	}
	inStore, _, err := command(t, "", "verify", "--data", data, "--session", "s1")
	if err != nil || !strings.HasPrefix(inStore, "s1 epoch 1 log: 3 entries, last 3, ") {
		t.Errorf("verify --session = %q, %v, want the log of epoch 1", inStore, err)
	}
	file := filepath.Join(t.TempDir(), "s1.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(archive)
	inFile, _, err := command(t, "", "verify", file)
	if err != nil || inFile != inStore {
		t.Errorf("verify FILE = %q, %v, want what is said of the store: %q", inFile, err, inStore)
	}
	if piped, _, err := command(t, archive, "verify", "-"); err != nil || piped != inStore {
		t.Errorf("verify - = %q, %v", piped, err)
	}
	const event = `\"type\":\"admitted\"`
	if !strings.Contains(archive, event) {
		t.Fatalf("no %s in %s", event, archive)
	}
	write(strings.Replace(archive, event, `\"type\":\"waiting\"`, 1))
	out, _, err := command(t, "", "verify", file)
	const want = "session s1, epoch 1, log, entry 2: does not match its hash"
	if err == nil || !strings.HasPrefix(err.Error(), want) || out != "" {
		t.Errorf("verify of a changed file = %q, %v, want an error that begins with %q", out, err, want)
	}
}

// An export says for itself whether it is as it was made, and by whose key.
func TestVerifyOfAnExport(t *testing.T) {
	signer, err := export.NewSigner(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	rows := func(yield func(export.Row, error) bool) {
		var r export.Row
		r.RecordID = "s1/p1"
		yield(r, nil)
	}
	weeks := func(func(export.Week, error) bool) {}
	var zip bytes.Buffer
	a := export.Archive{Made: attendance.At(time.Now()), Destination: "billing", Basis: "qsoa", Signer: signer, Dir: t.TempDir()}
	if _, err := a.Write(t.Context(), &zip, rows, weeks); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.zip")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(zip.Bytes())
	out, hint, err := command(t, "", "verify", file)
	if err != nil || !strings.Contains(out, "for billing (qsoa)") || !strings.Contains(out, "attendance.csv: 1 rows, ") ||
		!strings.Contains(out, "signed by "+signer.Fingerprint()) || !strings.Contains(hint, "--signer") {
		t.Errorf("verify of an export = %q, %q, %v", out, hint, err)
	}
	if _, hint, err := command(t, "", "verify", "--signer", signer.Fingerprint(), file); err != nil || hint != "" {
		t.Errorf("verify by the right key = %q, %v", hint, err)
	}
	if _, _, err := command(t, "", "verify", "--signer", "0123", file); err == nil || !strings.Contains(err.Error(), "not by 0123") {
		t.Errorf("verify by another key = %v, want an error", err)
	}
	damaged := bytes.Clone(zip.Bytes())
	damaged[200] ^= 1
	write(damaged)
	if out, _, err := command(t, "", "verify", file); err == nil || out != "" {
		t.Errorf("verify of a damaged export = %q, %v, want an error", out, err)
	}
	write([]byte("{}"))
	if _, _, err := command(t, "", "verify", "--signer", "0123", file); err == nil || !strings.Contains(err.Error(), "no export") {
		t.Errorf("verify --signer of something else = %v, want that it is no export", err)
	}
}

func TestVerifyWantsOneThing(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "--session", "s1", "file"}} {
		if _, _, err := command(t, "", args...); err == nil || !strings.Contains(err.Error(), "either a file or --session") {
			t.Errorf("viop %s = %v, want what it needs", strings.Join(args, " "), err)
		}
	}
	if _, _, err := command(t, "{}", "verify", "-"); err == nil || !strings.Contains(err.Error(), "no archive") {
		t.Errorf("verify of something else = %v, want that it is no archive", err)
	}
}
