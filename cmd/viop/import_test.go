package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms/schedule/intake"
)

// furnished is a node on a real Redis with a program, a facilitator and two
// patients; VIOP_SERVER and VIOP_TOKEN are set for it.
func furnished(t *testing.T) *redis.Client {
	t.Helper()
	url := realRedis(t)
	address, end := serving(t, "--redis-url", url, "--data", t.TempDir())
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	secrets := "t:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	poll(t, "the node is ready", func() bool {
		response, err := http.Get("http://" + address + "/readyz") //nolint:noctx // of this test
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	token, _, err := command(t, "", "token", "--jwt-secrets", secrets, "--person", "scheduler", "--scope", "all")
	if err != nil {
		t.Fatal(err)
	}
	token = strings.TrimSpace(token)
	t.Setenv("VIOP_SERVER", "http://"+address)
	t.Setenv("VIOP_TOKEN", token)
	for path, body := range map[string]string{
		"programs/evening": `{"timezone": "America/Chicago"}`,
		"people/t1":        `{"role": "facilitator"}`, "people/p1": `{"role": "patient"}`, "people/p2": `{"role": "patient"}`,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+address+"/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			t.Fatalf("PUT %s = %d", path, response.StatusCode)
		}
	}
	return redisClient(t, url)
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// state is all that is in Redis, but for what a node keeps about itself there
// as time goes by.
func state(t *testing.T, rdb *redis.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		if dump, err := rdb.Dump(t.Context(), key).Result(); err == nil {
			all[key] = dump
		}
	}
	return all
}

func ends(t *testing.T, err error, want exitStatus) {
	t.Helper()
	status, _ := errors.AsType[exitStatus](err)
	if status != want || want == 0 && err != nil {
		t.Errorf("ended with %v, want status %d", err, want)
	}
}

// Beside a running node: a dry run and a file with a fault in its last line
// leave every byte of Redis as it was; then the file is taken in, and again,
// which changes nothing.
func TestImport(t *testing.T) {
	rdb := furnished(t)
	var rows strings.Builder
	rows.WriteString("session_id,start,end,roster,facilitators\n")
	for day := range 500 {
		date := time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
		fmt.Fprintf(&rows, "evening-%d,%s 18:00,21:00,p1 p2,t1\n", day, date.Format(time.DateOnly))
	}
	good := file(t, "sessions.csv", rows.String())
	bad := file(t, "bad.csv", rows.String()+"last,2027-01-04 18:00,21:00,p3,t1\n")
	before := state(t, rdb)

	out, _, err := command(t, "", "import", "csv", good, "--program", "evening", "--dry-run")
	ends(t, err, 0)
	if !strings.Contains(out, "500 created") || !strings.Contains(out, "dry run") {
		t.Errorf("a dry run says %s", out)
	}
	out, _, err = command(t, "", "import", "csv", bad, good, "--program", "evening")
	ends(t, err, endRefused)
	if want := "line 502, roster: There is no such person."; !strings.Contains(out, want) || strings.Contains(out, "created") {
		t.Errorf("a fault in the last line says %s, want %s", out, want)
	}
	if after := state(t, rdb); !same(before, after) {
		t.Error("Redis is not what it was")
	}

	for _, want := range []string{"500 created, 0 changed, 0 moved, 0 cancelled, 0 deleted, 0 unchanged.", "0 created, 0 changed, 0 moved, 0 cancelled, 0 deleted, 500 unchanged."} {
		out, _, err = command(t, "", "import", "csv", good, "--program", "evening")
		ends(t, err, 0)
		if !strings.Contains(out, want) {
			t.Errorf("the import says %.300s, want %s", out, want)
		}
		if want[0] == '5' {
			before = state(t, rdb)
		}
	}
	if after := state(t, rdb); !same(before, after) {
		t.Error("the same file again has changed Redis")
	}
	calendar := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART:20270301T180000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"
	out, _, err = command(t, calendar, "import", "ics", "-", "--program", "evening", "--from", "2027-03-01", "--until", "2027-03-31", "--json")
	ends(t, err, 0)
	var line struct {
		File   string
		Answer intake.Report
	}
	if err := json.Unmarshal([]byte(out), &line); err != nil || line.File != "-" || line.Answer.Count.Created != 1 || len(line.Answer.Lines) != 1 {
		t.Errorf("--json prints %s (%v), want one session and a note", out, err)
	}
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return true
}

// Scripts are told apart what went wrong.
func TestImportEnds(t *testing.T) {
	good := file(t, "a.csv", "session_id,start,end\n")
	answers := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	const secret = "not-to-be-told"
	for _, test := range []struct {
		name, server, token, file, says string
		status                          exitStatus
	}{
		{"no token", answers(200, "{}"), "", good, "VIOP_TOKEN", endUsage},
		{"no file", answers(200, "{}"), secret, good + "x", "no such file", endUsage},
		{"in the clear", "http://group.example.org", secret, good, "https", endUsage},
		{"no address", "group.example.org", secret, good, "address", endUsage},
		{"nobody there", "http://" + freeAddress(t), secret, good, "reach", endUnreachable},
		{"somebody else", answers(200, "<html>"), secret, good, "nothing that could be read", endUnreachable},
		{"a redirect", answers(302, "<html>"), secret, good, "302", endUnreachable},
		{"the wrong token", answers(401, `{"title": "No valid token."}`), secret, good, "No valid token.", endForbidden},
		{"a parameter", answers(400, `{"title": "A parameter is not valid."}`), secret, good, "A parameter", endRefused},
		{"a fault", answers(500, `{"title": "Something went wrong."}`), secret, good, "went wrong", endUnreachable},
		{"a refused file", answers(422, `{"title": "t", "report": {"refused": 1, "lines": [{"line": 3, "column": "start", "kind": "refused", "detail": "This."}]}}`), secret, good, "line 3, start: This.", endRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("VIOP_TOKEN", test.token)
			out, complaints, err := command(t, "", "import", "csv", test.file, "--server", test.server)
			ends(t, err, test.status)
			if said := out + complaints; !strings.Contains(said, test.says) || strings.Contains(said, secret) {
				t.Errorf("it says %q, want it to say %q", said, test.says)
			}
		})
	}
}

// A busy server is asked again when it says so.
func TestImportWaits(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		fmt.Fprint(w, `{"lines": []}`)
	}))
	defer server.Close()
	t.Setenv("VIOP_TOKEN", "t")
	_, complaints, err := command(t, "", "import", "csv", file(t, "a.csv", "x"), "--server", server.URL)
	ends(t, err, 0)
	if asked != 2 || !strings.Contains(complaints, "busy") {
		t.Errorf("the server was asked %d times, and %q was said; want twice", asked, complaints)
	}
}
