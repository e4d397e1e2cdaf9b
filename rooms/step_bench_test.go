package rooms

import (
	"fmt"
	"testing"
	"time"

	"viop/auth"
)

// BenchmarkTick is an uneventful second of a full group.
func BenchmarkTick(b *testing.B) {
	now := storyDay.Add(10 * time.Hour)
	plan := Plan{Session: "s1", Start: now, End: now.Add(3 * time.Hour), Seats: 12}
	s := newState(now, plan, 1, true, Memory{}, nil)
	for i := range 12 {
		role := auth.Patient
		if i == 0 {
			role = auth.Facilitator
		}
		s.step(now, join{seat: seatID(i + 1), person: PersonID(fmt.Sprint("p", i)), role: role, instance: "x", fresh: true})
	}
	s.step(now, command{1, Moderate{Action: AdmitAll}})
	for _, p := range s.here() {
		s.step(now, mediaUp{p.seat.conn.name})
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(tickEvery)
		s.step(now, tick{Health{Durable: true}})
	}
}
