package signaling

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

// A facilitator gets a token for the session and in the own name, a few times
// a minute; nobody else does, whoever they ask for.
func TestAPIToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) {
			c.APIToken = func(s rooms.SessionID, p rooms.PersonID) (string, time.Duration, error) {
				return "for " + string(p) + " in " + string(s), 10 * time.Minute, nil
			}
		})
		tia := h.join("tia", auth.Facilitator)
		want := wire.APIToken{Token: "for tia in " + session, ExpiresMS: 600_000, Session: session}
		got := tia.ask("c1", wire.AskAPIToken{})
		if len(got) != 1 || got[0].ID != "c1" || got[0].Msg != want {
			t.Errorf("api_token = %+v, want %+v", got, want)
		}
		for _, role := range []auth.Role{auth.Patient, auth.Observer, auth.Interpreter, auth.Guest, auth.Peer} {
			if code := refusedAs(h.join(string(role), role).ask("c1", wire.AskAPIToken{})); code != rooms.CodeForbidden {
				t.Errorf("api_token for a %s: %q, want %q", role, code, rooms.CodeForbidden)
			}
		}
		for range 4 {
			if code := refusedAs(tia.ask("c2", wire.AskAPIToken{})); code != "" {
				t.Fatalf("the first five are given, not %q", code)
			}
		}
		if code := refusedAs(tia.ask("c3", wire.AskAPIToken{})); code != codeRate {
			t.Errorf("the sixth at once: %q, want %q", code, codeRate)
		}
		<-time.After(time.Minute) // of the bubble
		if code := refusedAs(tia.ask("c4", wire.AskAPIToken{})); code != "" {
			t.Errorf("a minute later: %q, want a token", code)
		}
	})
}

// A server without a secret of its own cannot make tokens, and one that fails
// to says so; neither ends the line.
func TestNoAPIToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if code := refusedAs(newHouse(t).join("tia", auth.Facilitator).ask("c1", wire.AskAPIToken{})); code != rooms.CodeForbidden {
			t.Errorf("without Config.APIToken: %q, want %q", code, rooms.CodeForbidden)
		}
		broken := newHouse(t, func(c *Config) {
			c.APIToken = func(rooms.SessionID, rooms.PersonID) (string, time.Duration, error) {
				return "", 0, errors.New("no key")
			}
		}).join("tia", auth.Facilitator)
		if code := refusedAs(broken.ask("c1", wire.AskAPIToken{})); code != rooms.CodeInternal {
			t.Errorf("when it cannot be made: %q, want %q", code, rooms.CodeInternal)
		}
		if d := cmp.Diff([]string{"result c2"}, types(broken.ask("c2", wire.Hand{}))); d != "" {
			t.Errorf("a command afterwards (-want +got):\n%s", d)
		}
	})
}

// refusedAs is the code of the one error among the frames, "" without.
func refusedAs(frames []wire.ServerFrame) rooms.Code {
	for _, f := range frames {
		if e, ok := f.Msg.(wire.Error); ok {
			return rooms.Code(e.Code)
		}
	}
	return ""
}
