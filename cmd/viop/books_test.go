package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"viop/auth"
	"viop/auth/authtest"
	"viop/rooms"
)

func TestTZData(t *testing.T) {
	zones := func(files map[string]string) string {
		dir := t.TempDir()
		files["America/Chicago"] = "TZif"
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	debian := zones(map[string]string{"tzdata.zi": "# version 2026a\n# This zic input file is in the public domain.\n"})
	macOS := zones(map[string]string{"+VERSION": "2025b\n"})
	bare := zones(map[string]string{})
	for _, test := range []struct {
		name, env   string
		directories []string
		want        string
	}{
		{"the first directory that has zones", "", []string{t.TempDir(), debian, macOS}, "2026a (" + debian + ")"},
		{"another kind of directory", "", []string{macOS}, "2025b (" + macOS + ")"},
		{"one that does not say", "", []string{bare}, "unknown version (" + bare + ")"},
		{"ZONEINFO comes first", macOS, []string{debian}, "2025b (" + macOS + ")"},
		{"none", "", []string{t.TempDir()}, runtime.Version() + " (embedded)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := tzdata(test.env, test.directories); got != test.want {
				t.Errorf("tzdata = %q, want %q", got, test.want)
			}
		})
	}
}

// The token of a facilitator's page opens the records of one session, in the
// facilitator's name, and not for long.
func TestStaffToken(t *testing.T) {
	keys := authtest.New(t, time.Now)
	minter, err := auth.NewMinter(keys.Config(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{minter: minter}
	token, life, err := n.staffToken("s1", "t1")
	if err != nil {
		t.Fatal(err)
	}
	grant, err := keys.Verifier(keys.Config()).VerifyAPI(t.Context(), token)
	if err != nil || grant.Subject() != "t1" || grant.Session() != "s1" {
		t.Fatalf("the grant = %v, %v, want t1's for s1", grant, err)
	}
	if left := time.Until(grant.Expires()); life != 10*time.Minute || left > life || left < life-time.Minute {
		t.Errorf("it lives %v and says %v, want ten minutes", left, life)
	}
	for _, scope := range auth.AllScopes() {
		wanted := slices.Contains([]auth.Scope{
			auth.AttendanceRead, auth.AttendanceCorrect, auth.AttendanceSign, auth.PeopleRead, auth.SessionsRead,
		}, scope)
		if grant.Has(scope) != wanted {
			t.Errorf("it has %s: %v, want %v", scope, grant.Has(scope), wanted)
		}
	}
}

// lease counts how often it was closed.
type lease struct {
	rooms.Lease
	closed *int
}

func (l lease) Close(context.Context) error { *l.closed++; return context.DeadlineExceeded }

type ledger struct{ closed int }

func (l *ledger) Acquire(context.Context, rooms.SessionID) (rooms.Lease, error) {
	return lease{closed: &l.closed}, nil
}

// The books hear of a room that is handed back after it is, and also when it
// was not flushed in time.
func TestClosedRoomsAreSettled(t *testing.T) {
	var inner ledger
	var told []string
	outer := settling{&inner, func(s rooms.SessionID) {
		if inner.closed != 1 {
			t.Error("the books were told before the lease was closed")
		}
		told = append(told, string(s))
	}}
	held, err := outer.Acquire(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Close(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close = %v, want the lease's own error", err)
	}
	if !slices.Equal(told, []string{"s1"}) {
		t.Errorf("the books were told of %v, want s1 once", told)
	}
}
