package rooms

import (
	"testing"
	"time"

	"viop/auth"
)

func TestPlanRefuses(t *testing.T) {
	start := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	plan := Plan{Session: "s1", Start: start, End: start.Add(3 * time.Hour)}
	cancelled := plan
	cancelled.Cancelled = true
	tests := []struct {
		name string
		plan Plan
		at   time.Duration // after the start
		role auth.Role
		want Code // "" lets in
	}{
		{"patients come half an hour early", plan, -30 * time.Minute, auth.Patient, ""},
		{"and no earlier", plan, -30*time.Minute - time.Millisecond, auth.Patient, CodeNotOpen},
		{"observers are no facilitators", plan, -31 * time.Minute, auth.Observer, CodeNotOpen},
		{"facilitators come an hour early", plan, -time.Hour, auth.Facilitator, ""},
		{"and no earlier either", plan, -time.Hour - time.Millisecond, auth.Facilitator, CodeNotOpen},
		{"groups run over", plan, 4 * time.Hour, auth.Patient, ""},
		{"the last moment", plan, 15 * time.Hour, auth.Patient, ""},
		{"a link of yesterday opens nothing", plan, 15*time.Hour + time.Millisecond, auth.Facilitator, CodeEnded},
		{"cancelled is cancelled for all", cancelled, 0, auth.Facilitator, CodeCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.plan.refuses(start.Add(test.at), test.role)
			if got := CodeOf(err); err != nil && got != test.want || err == nil && test.want != "" {
				t.Errorf("refuses(%s after the start, %s) = %v, want %q", test.at, test.role, err, test.want)
			}
		})
	}
}
