package main

import (
	"context"
	"runtime/debug"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
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

// provenance says what computes: the version of this program, and that of the
// time zone database by which it tells days and weeks apart.
func provenance() web.Provenance {
	p := web.Provenance{Evaluator: "unknown", TZData: attendance.ZoneDataVersion()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	if version := build.Main.Version; version != "" && version != "(devel)" {
		p.Evaluator = version
		return p
	}
	for _, setting := range build.Settings {
		if setting.Key == "vcs.revision" {
			p.Evaluator = setting.Value
		}
	}
	return p
}
