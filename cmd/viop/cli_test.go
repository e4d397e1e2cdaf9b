package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"viop/auth"
)

// command runs viop and gives what it printed.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, complaints bytes.Buffer
	err = run(t.Context(), args, strings.NewReader(stdin), &out, &complaints)
	return out.String(), complaints.String(), err
}

const oneHour = `{
	"format": "viop.attendance/1", "as_of": "2026-11-03T04:00:00Z",
	"program": { "timezone": "America/Chicago" },
	"people": [ { "id": "t1", "role": "facilitator" }, { "id": "p1", "role": "patient" } ],
	"sessions": [ { "id": "s1", "service": "group", "scheduled_start": "2026-11-03T00:00:00Z", "scheduled_end": "2026-11-03T03:00:00Z", "roster": ["p1"] } ],
	"events": [
		{ "session": "s1", "epoch": 1, "seq": 1, "at": "2026-11-03T00:00:00Z", "type": "admitted", "person": "t1", "connection": "t" },
		{ "session": "s1", "epoch": 1, "seq": 2, "at": "2026-11-03T00:00:00Z", "type": "admitted", "person": "p1", "connection": "c1" },
		{ "session": "s1", "epoch": 1, "seq": 3, "at": "2026-11-03T01:00:00Z", "type": "closed" }
	]
}`

func TestEvaluate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "case.json")
	if err := os.WriteFile(file, []byte(oneHour), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, _, err := command(t, "", "attendance", "evaluate", file)
	if err != nil || !strings.Contains(fromFile, `"credited_ms": 3600000`) {
		t.Errorf("evaluate FILE = %v, %s", err, fromFile)
	}
	fromPipe, complaints, err := command(t, oneHour, "attendance", "evaluate", "-")
	if err != nil || fromPipe != fromFile || complaints != "" {
		t.Errorf("evaluate - = %v, %q on standard error, the same answer: %v", err, complaints, fromPipe == fromFile)
	}
}

func TestEvaluateNamesThePlace(t *testing.T) {
	for _, test := range []struct{ name, document, want string }{
		{"a wrong zone", strings.Replace(oneHour, "America/Chicago", "Nowhere/Land", 1), "/program/timezone: "},
		{"no JSON", "minutes, please", ": "},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, complaints, err := command(t, test.document, "attendance", "evaluate", "-")
			if status, ok := errors.AsType[exitStatus](err); !ok || status != 2 {
				t.Errorf("evaluate = %v, want exit status 2", err)
			}
			if out != "" {
				t.Errorf("evaluate printed %q, want nothing", out)
			}
			if !strings.HasPrefix(complaints, test.want) || strings.Count(complaints, "\n") != 1 {
				t.Errorf("standard error = %q, want one line that begins with %q", complaints, test.want)
			}
		})
	}
}

func TestToken(t *testing.T) {
	secret := "dev:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	secrets, err := auth.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.New(t.Context(), auth.Config{Secrets: secrets}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()

	token, _, err := command(t, "", "token", "--jwt-secrets", secret, "--person", "p1", "--session", "s1")
	if err != nil {
		t.Fatal(err)
	}
	grant, err := verifier.VerifyJoin(t.Context(), strings.TrimSpace(token))
	if err != nil || grant.Subject() != "p1" || grant.Session() != "s1" || grant.Role() != auth.Patient {
		t.Errorf("VerifyJoin = %v, %v", grant, err)
	}

	token, _, err = command(t, "", "token", "--jwt-secrets", secret, "--person", "sync", "--scope", "sessions:write")
	if err != nil {
		t.Fatal(err)
	}
	if grant, err := verifier.VerifyAPI(t.Context(), strings.TrimSpace(token)); err != nil || !grant.Has(auth.SessionsWrite) {
		t.Errorf("VerifyAPI = %v, %v", grant, err)
	}

	if _, _, err := command(t, "", "token", "--jwt-secrets", secret, "--person", "p1"); err == nil {
		t.Error("a token for no session was minted")
	}
}

// TestHelpIsTheManual: every setting of serve is in its help, with its
// variable, and the README's table names no other.
func TestHelpIsTheManual(t *testing.T) {
	var help string
	for _, name := range []string{"serve", "import"} { // a server, and what talks to one
		text, _, err := command(t, "", name, "--help")
		if err != nil {
			t.Fatal(err)
		}
		help += text
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsFuncSeq(string(readme), func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		if strings.HasPrefix(word, "VIOP_") && !strings.Contains(help, word) {
			t.Errorf("the README names %s, which neither `viop serve --help` nor `viop import --help` has", word)
		}
	}
}

// A file of settings may name variables and leave them empty.
func TestAnEmptyVariableIsNone(t *testing.T) {
	help, _, err := command(t, "", "serve", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`VIOP_[A-Z_]+`).FindAllString(help, -1) {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	secret := "dev:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	out, _, err := command(t, "", "doctor", "--data", dir, "--jwt-secrets", secret)
	if _, sick := errors.AsType[exitStatus](err); err != nil && !sick || !strings.Contains(out, "listen   ok     127.0.0.1:8080") {
		t.Errorf("doctor = %v\n%s", err, out)
	}
}
