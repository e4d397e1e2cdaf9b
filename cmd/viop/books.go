package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/web"
)

// settling is a ledger that tells the books when a room has handed back its
// lease: its evidence is complete then, and the store has it.
type settling struct {
	rooms.Ledger
	nudge func(rooms.SessionID)
}

// Acquire implements rooms.Ledger.
func (l settling) Acquire(ctx context.Context, session rooms.SessionID) (rooms.Lease, error) {
	lease, err := l.Ledger.Acquire(ctx, session)
	if err != nil {
		return nil, err
	}
	return nudging{lease, func() { l.nudge(session) }}, nil
}

type nudging struct {
	rooms.Lease
	closed func()
}

// Close implements rooms.Lease.
func (l nudging) Close(ctx context.Context) error {
	defer l.closed() // also when the flush failed: what is there counts
	return l.Lease.Close(ctx)
}

// staffTokenLife is how long a facilitator's page may use the API before it
// asks again, over a WebSocket that a revocation ends.
const staffTokenLife = 10 * time.Minute

// staffToken makes a token for the closing review: the records of one
// session, and the names and times that a page shows with them.
func (n *node) staffToken(session rooms.SessionID, person rooms.PersonID) (string, time.Duration, error) {
	token, err := n.minter.API(auth.APIToken{
		Subject: string(person), Session: string(session), Expires: time.Now().Add(staffTokenLife),
		Scopes: []auth.Scope{auth.AttendanceRead, auth.AttendanceCorrect, auth.AttendanceSign, auth.PeopleRead, auth.SessionsRead},
	})
	return token, staffTokenLife, err
}

// provenance says what computes: the version of this program, and which time
// zone database it uses.
func provenance() web.Provenance {
	version := "unknown"
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" && (version == "" || version == "(devel)") {
				version = setting.Value
			}
		}
	}
	return web.Provenance{Evaluator: cmp.Or(version, "unknown"), TZData: tzdata(os.Getenv("ZONEINFO"), zoneDirectories())}
}

// zoneDirectories are where package time looks before it takes the database
// that is in this program.
func zoneDirectories() []string {
	return []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}
}

// tzdata names the time zone database that package time takes: that of
// ZONEINFO, else the machine's, such as "2026a (/usr/share/zoneinfo)", else the
// one in this program, which is of a Go release: "go1.26.8 (embedded)". Go
// does not tell the number of the database that it carries; lib/time/update.bash
// of its sources does.
func tzdata(env string, directories []string) string {
	if env != "" {
		directories = append([]string{env}, directories...)
	}
	for _, directory := range directories {
		if _, err := os.Stat(filepath.Join(directory, "America", "Chicago")); err == nil {
			return cmp.Or(zoneVersion(directory), "unknown version") + " (" + directory + ")"
		}
	}
	return runtime.Version() + " (embedded)"
}

// zoneVersion is what the files that distributions ship beside the zones say
// of their version; "" when there are none.
func zoneVersion(directory string) string {
	if text, err := os.ReadFile(filepath.Join(directory, "+VERSION")); err == nil {
		return strings.TrimSpace(string(text))
	}
	text, err := os.ReadFile(filepath.Join(directory, "tzdata.zi"))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n") // # version 2026a
	version, _ := strings.CutPrefix(line, "# version ")
	return strings.TrimSpace(version)
}
