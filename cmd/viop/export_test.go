package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// furnishedForExport is a data directory with session s1 of yesterday, told,
// and two destinations: "billing" with a basis, and "nobody" without.
func furnishedForExport(t *testing.T, receiver string) (data string) {
	t.Helper()
	data = keepSession(t)
	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: data}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, _, err = store.PutPerson(t.Context(), schedule.Person{ID: "p1", Role: auth.Patient}, schedule.Condition{})
	if err == nil {
		err = records.New(store, slog.New(slog.DiscardHandler)).Settle(t.Context(), "s1")
	}
	gate := delivery.NewGate(store, store.Now)
	for _, d := range []delivery.Destination{
		{ID: "billing", Kind: delivery.Webhook, Basis: delivery.QSOA, Enabled: true, URL: receiver, AllowPrivate: true, Start: delivery.AtBeginning},
		{ID: "nobody", Kind: delivery.Pull, Enabled: true, Start: delivery.AtEnd},
	} {
		_, _, err2 := gate.Put(t.Context(), d, schedule.Condition{})
		err = errors.Join(err, err2)
	}
	_, err2 := gate.NewKey(t.Context(), "billing")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestExport(t *testing.T) {
	answer := http.StatusNoContent
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	defer receiver.Close()
	data := furnishedForExport(t, receiver.URL)
	from, to := time.Now().Add(-72*time.Hour).Format(time.DateOnly), time.Now().Add(24*time.Hour).Format(time.DateOnly)
	file := filepath.Join(t.TempDir(), "out.zip")
	span := func(what, destination string, more ...string) []string {
		return append([]string{"export", what, "--data", data, "--from", from, "--to", to, "--destination", destination, "--by", "clerk"}, more...)
	}

	_, said, err := command(t, "", span("attendance", "billing", "-o", file)...)
	if err != nil || !strings.Contains(said, "1 records and 1 weeks for billing (qsoa)") {
		t.Fatalf("export attendance says %q, %v", said, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := export.Check(bytes.NewReader(text), int64(len(text)), nil)
	if err != nil || m.Destination != "billing" || m.Files[0].Rows != 1 {
		t.Errorf("manifest = %+v, %v", m, err)
	}
	bundle, _, err := command(t, "", span("fhir", "billing")...)
	if err != nil || !json.Valid([]byte(bundle)) || strings.Count(bundle, `"resourceType":"Encounter"`) != 1 {
		t.Errorf("export fhir = %s, %v, want one Encounter", bundle, err)
	}
	feed, _, err := command(t, "", span("feed", "billing")...)
	if err != nil || !strings.Contains(feed, `"record_id":"s1/p1"`) {
		t.Errorf("export feed = %s, %v, want the record", feed, err)
	}

	// No basis, no export, and no file.
	none := filepath.Join(t.TempDir(), "none.zip")
	_, said, err = command(t, "", span("attendance", "nobody", "-o", none)...)
	if status, ok := errors.AsType[exitStatus](err); !ok || int(status) != exitNotAllowed || !strings.Contains(said, "no basis") {
		t.Errorf("export for nobody = %v, %q, want exit status %d and why", err, said, exitNotAllowed)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(none), "*")); len(left) > 0 {
		t.Errorf("%v was left", left)
	}

	list, _, err := command(t, "", "export", "destinations", "--data", data)
	if err != nil || !strings.Contains(list, "billing") || !strings.Contains(list, "[no_basis]") {
		t.Errorf("export destinations = %s, %v", list, err)
	}
	if out, _, err := command(t, "", "export", "test", "billing", "--data", data); err != nil || !strings.Contains(out, "delivered") {
		t.Errorf("export test = %q, %v", out, err)
	}
	answer = http.StatusTeapot
	_, _, err = command(t, "", "export", "test", "billing", "--data", data)
	if status, ok := errors.AsType[exitStatus](err); !ok || status != 1 {
		t.Errorf("export test of one that refuses = %v, want exit status 1", err)
	}

	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: data}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := store.Disclosures(t.Context(), "p1", 0, 10)
	if err != nil || len(rows) != 3 || rows[0].Format != delivery.AsCSV || rows[0].By != "clerk" || rows[2].Format != delivery.AsFeed {
		t.Errorf("accounting = %+v, %v, want the three exports", rows, err)
	}
	first := delivery.Entry{Lane: "s1", Seq: 1}
	dead := delivery.Outcome{Dead: true, Attempt: delivery.Attempt{At: attendance.At(time.Now()), Seq: 1, Type: "week.met", Try: 10, Result: delivery.Refused, Status: 418, Took: "<1s"}}
	err = errors.Join(store.Enqueue(t.Context(), "billing", 0, 1, []delivery.Entry{first}), store.Settle(t.Context(), "billing", delivery.Head{Entry: first}, dead))
	store.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ command, want string }{{"dead", "418"}, {"deliveries", "418"}, {"redrive", "1 dead letters"}, {"redrive", "0 dead letters"}} {
		if out, _, err := command(t, "", "export", test.command, "billing", "--data", data); err != nil || !strings.Contains(out, test.want) {
			t.Errorf("export %s = %q, %v, want %q in it", test.command, out, err, test.want)
		}
	}
	_, _, err = command(t, "", "export", "redrive", "unknown", "--data", data)
	if status, ok := errors.AsType[exitStatus](err); !ok || int(status) != exitNotAllowed {
		t.Errorf("export redrive unknown = %v, want exit status %d", err, exitNotAllowed)
	}
}

// A node brings what was told to where it should go.
func TestServeDelivers(t *testing.T) {
	taken := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m export.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		taken <- string(m.Type)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	data := furnishedForExport(t, receiver.URL)
	_, end := serving(t, "--data", data)
	poll(t, "both are taken", func() bool { return len(taken) == 2 })
	got := map[string]bool{<-taken: true, <-taken: true}
	if !got[string(export.RecordFinalized)] && !got[string(export.RecordNoShow)] || len(got) != 2 {
		t.Errorf("got %v, want the record and the week", got)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
