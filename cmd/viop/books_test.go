package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"viop/auth"
	"viop/auth/authtest"
	"viop/rooms"
	"viop/rooms/attendance"
)

func TestProvenance(t *testing.T) {
	p := provenance()
	if p.TZData != attendance.ZoneDataVersion() || p.Evaluator == "" {
		t.Errorf("provenance = %+v, want the zone database of the contract and a version", p)
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
