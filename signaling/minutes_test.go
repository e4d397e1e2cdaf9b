package signaling

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

func TestMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type asked struct {
			session rooms.SessionID
			person  rooms.PersonID
		}
		var got []asked
		release := make(chan struct{})
		h := newHouse(t, func(c *Config) {
			c.Minutes = func(ctx context.Context, s rooms.SessionID, p rooms.PersonID) (wire.MinutesReport, error) {
				got = append(got, asked{s, p})
				if p == "slow" {
					select {
					case <-release:
					case <-ctx.Done():
						return wire.MinutesReport{}, ctx.Err()
					}
				}
				return wire.MinutesReport{AsOf: 7}, nil
			}
		})
		for _, p := range []*page{h.join("ana", auth.Patient), h.join("tia", auth.Facilitator), h.join("obi", auth.Observer)} {
			if d := cmp.Diff([]string{"minutes_report c1"}, types(p.ask("c1", wire.Minutes{}))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
		// Only a facilitator is told of others.
		want := []asked{{session, "ana"}, {session, ""}, {session, "obi"}}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(asked{})); d != "" {
			t.Errorf("asked for (-want +got):\n%s", d)
		}

		slow := h.join("slow", auth.Patient)
		slow.ask("c1", wire.Minutes{})
		if d := cmp.Diff([]string{"error c2"}, types(slow.ask("c2", wire.Minutes{}))); d != "" {
			t.Errorf("a second request meanwhile (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"result c3"}, types(slow.ask("c3", wire.Hand{}))); d != "" {
			t.Errorf("a command meanwhile (-want +got):\n%s", d)
		}
		slow.forget()
		close(release)
		if d := cmp.Diff([]string{"minutes_report c1"}, types(slow.heard())); d != "" {
			t.Errorf("at last (-want +got):\n%s", d)
		}
	})
}

// The line breaks while the minutes are fetched. The same page gets them all
// the same; one that was reloaded meanwhile has another c1.
func TestMinutesAcrossABreak(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprint("fresh=", fresh), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				h := newHouse(t, func(c *Config) {
					c.Minutes = func(ctx context.Context, _ rooms.SessionID, _ rooms.PersonID) (wire.MinutesReport, error) {
						<-release
						return wire.MinutesReport{}, ctx.Err()
					}
				})
				p := h.join("ana", auth.Patient)
				p.say(wire.ClientFrame{ID: "c1", Seq: 1, Msg: wire.Minutes{}})
				p.cut()
				q := h.resume(p, fresh)
				close(release)
				want := []string{"resumed", "minutes_report c1"}
				if fresh {
					want = []string{"resumed", "snapshot", "attach_media"}
				}
				if d := cmp.Diff(want, types(q.heard())); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
}
