package attendance_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// evaluate is Evaluate of a case that must be valid.
func evaluate(t *rapid.T, c *attendance.Case) *attendance.Result {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatalf("the drawn case is not valid: %v", err)
	}
	return attendance.Evaluate(c)
}

func TestEvaluateAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		got := evaluate(t, c)
		if diff := cmp.Diff(newModel(c).result(), got); diff != "" {
			document, _ := json.Marshal(c)
			t.Fatalf("of %s\n-model +Evaluate\n%s", document, diff)
		}
	})
}

// TestModelAgreesWithTheVectors keeps the model honest: it, too, answers every
// vector whose instants are whole seconds.
func TestModelAgreesWithTheVectors(t *testing.T) {
	answered := 0
	for _, v := range vectors(t) {
		if v.WantError != nil {
			continue
		}
		c := mustDecode(t, v.Input)
		if !wholeSeconds(c) {
			continue
		}
		answered++
		if diff := cmp.Diff(v.Want, values(t, newModel(c).result())); diff != "" {
			t.Errorf("%s: %s\n-want +model\n%s", v.Name, v.Why, diff)
		}
	}
	if answered < 50 {
		t.Errorf("the model answered %d vectors, want most", answered)
	}
}

func wholeSeconds(c *attendance.Case) bool {
	odd := attendance.Instant(0)
	for _, e := range c.Events {
		odd |= e.At % 1000
	}
	for _, s := range c.Sessions {
		odd |= s.ScheduledStart%1000 | s.ScheduledEnd%1000
	}
	for _, k := range c.Corrections {
		odd |= k.Start%1000 | k.End%1000
	}
	return odd|c.AsOf%1000 == 0
}
