package attendance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// told is an evening in Chicago, 18:00 to 21:00, as evidence and corrections
// may have it. Each event is named by its seq.
const told = `{
  "format": "viop.attendance/1", "as_of": "2026-11-03T04:00:00Z",
  "program": { "timezone": "America/Chicago" },
  "people": [ { "id": "t1", "role": "facilitator" }, { "id": "t2", "role": "facilitator" }, { "id": "p1", "role": "patient" }, { "id": "p2", "role": "patient" } ],
  "sessions": [
    { "id": "s1", "service": "group", "scheduled_start": "2026-11-03T00:00:00Z", "scheduled_end": "2026-11-03T03:00:00Z", "roster": ["p1"] },
    { "id": "s2", "service": "individual", "scheduled_start": "2026-11-03T02:30:00Z", "scheduled_end": "2026-11-03T02:45:00Z", "roster": ["p1"] } ],
  "events": [
    { "session": "s1", "epoch": 1, "seq": 1, "at": "2026-11-02T23:50:00Z", "type": "opened" },
    { "session": "s1", "epoch": 1, "seq": 2, "at": "2026-11-02T23:55:00Z", "type": "waiting", "person": "p1", "connection": "c1" },
    { "session": "s1", "epoch": 1, "seq": 3, "at": "2026-11-02T23:58:00Z", "type": "admitted", "person": "p1", "connection": "c1" },
    { "session": "s1", "epoch": 1, "seq": 4, "at": "2026-11-03T00:05:00Z", "type": "admitted", "person": "t1", "connection": "t" },
    { "session": "s1", "epoch": 1, "seq": 5, "at": "2026-11-03T00:30:00Z", "type": "lost", "connection": "c1" },
    { "session": "s1", "epoch": 1, "seq": 6, "at": "2026-11-03T00:30:10Z", "type": "waiting", "person": "p1", "connection": "c2" },
    { "session": "s1", "epoch": 1, "seq": 7, "at": "2026-11-03T00:30:20Z", "type": "admitted", "person": "p1", "connection": "c2" },
    { "session": "s1", "epoch": 1, "seq": 8, "at": "2026-11-03T01:00:00Z", "type": "break_started" },
    { "session": "s1", "epoch": 1, "seq": 9, "at": "2026-11-03T01:10:00Z", "type": "break_ended" },
    { "session": "s1", "epoch": 1, "seq": 10, "at": "2026-11-03T01:20:00Z", "type": "left", "connection": "c2", "reason": "leave" },
    { "session": "s1", "epoch": 1, "seq": 11, "at": "2026-11-03T01:20:30Z", "type": "admitted", "person": "p1", "connection": "c3" },
    { "session": "s1", "epoch": 1, "seq": 12, "at": "2026-11-03T01:40:00Z", "type": "lost", "connection": "c3" },
    { "session": "s1", "epoch": 1, "seq": 13, "at": "2026-11-03T01:43:00Z", "type": "admitted", "person": "p1", "connection": "c4" },
    { "session": "s1", "epoch": 1, "seq": 14, "at": "2026-11-03T01:50:00Z", "type": "moved", "connection": "c4", "room": "b-1" },
    { "session": "s1", "epoch": 1, "seq": 15, "at": "2026-11-03T02:00:00Z", "type": "moved", "connection": "c4", "room": "main" },
    { "session": "s1", "epoch": 1, "seq": 16, "at": "2026-11-03T02:50:00Z", "type": "seen" },
    { "session": "s2", "epoch": 1, "seq": 1, "at": "2026-11-03T02:30:00Z", "type": "admitted", "person": "p1", "connection": "c1" },
    { "session": "s2", "epoch": 1, "seq": 2, "at": "2026-11-03T02:30:00Z", "type": "admitted", "person": "t2", "connection": "t" },
    { "session": "s2", "epoch": 1, "seq": 3, "at": "2026-11-03T02:45:00Z", "type": "closed" } ],
  "corrections": [
    { "id": "k1", "session": "s1", "at": "2026-11-03T03:10:00Z", "by": "t1", "op": "remove", "person": "p1", "start": "2026-11-03T02:10:00Z", "end": "2026-11-03T02:20:00Z", "reason": "wrong_person" },
    { "id": "k2", "session": "s1", "at": "2026-11-03T03:11:00Z", "by": "t1", "op": "add", "person": "p1", "start": "2026-11-03T02:15:00Z", "end": "2026-11-03T02:20:00Z", "reason": "payer_rule" },
    { "id": "k3", "session": "s1", "at": "2026-11-03T03:12:00Z", "by": "t1", "op": "add", "person": "p1", "start": "2026-11-03T02:52:00Z", "end": "2026-11-03T03:05:00Z", "reason": "phone_participation" },
    { "id": "k4", "session": "s1", "at": "2026-11-03T03:13:00Z", "by": "t1", "op": "add", "person": "t2", "room": "b-1", "start": "2026-11-03T01:55:00Z", "end": "2026-11-03T02:05:00Z", "reason": "facilitator_connection_loss" },
    { "id": "k5", "session": "s1", "at": "2026-11-03T03:14:00Z", "by": "t1", "op": "cancel_break", "start": "2026-11-03T01:05:00Z", "end": "2026-11-03T01:10:00Z", "reason": "break_not_recorded" } ]
}`

func TestExplainAtTellsWhatIsBehindAnInstant(t *testing.T) {
	c := mustDecode(t, []byte(told))
	for _, x := range []struct {
		at          string // of the evening
		rule        attendance.Rule
		evidence    string // seqs
		corrections string
		steps       string
	}{
		{"23:53:00", "absent", "2 3", "", "not C: Not connected. " +
			"not R: No connection came before it, so there is no gap to bridge."},
		{"23:57:00", "lobby", "2 3", "", "not C: Not connected: waiting in the lobby. " +
			"not R: No connection came before it, so there is no gap to bridge."},
		{"23:59:00", "outside_window", "3 5", "", "C: Connected, in main. not F: No facilitator was in main. " +
			"not W: Outside the time that counts, 18:00:00 to 21:00:00. B: In no break."},
		{"00:04:59.999", "no_facilitator", "3 4 5", "", "C: Connected, in main. not F: No facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break."},
		{"00:05:00", "credited", "3 4 5 16", "", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. K: Credited here, and in no other session."},
		{"00:30:15", "bridged", "4 5 6 7 16", "", "not C: Not connected: waiting in the lobby. " +
			"R: The connection was lost for 20s, no longer than the 1m0s that count as presence in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. K: Credited here, and in no other session."},
		{"01:00:00", "break", "7 8 9 10", "", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. not B: In a break, 19:00:00 to 19:05:00."},
		{"01:05:00", "credited", "4 7 8 9 10 16", "k5", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. K: Credited here, and in no other session."},
		{"01:20:00", "absent", "10 11", "", "not C: Not connected. " +
			"not R: The gap of 30s is not bridged: it began with an explicit end, not with a loss."},
		{"01:41:00", "absent", "12 13", "", "not C: Not connected. " +
			"not R: The gap of 3m0s is longer than the 1m0s that are bridged."},
		{"01:52:00", "no_facilitator", "14 15", "", "C: Connected, in b-1. not F: No facilitator was in b-1. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break."},
		{"01:57:00", "credited", "14 15", "k4", "C: Connected, in b-1. F: A facilitator was in b-1. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. K: Credited here, and in no other session."},
		{"02:02:00", "credited", "4 15 16", "", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. K: Credited here, and in no other session."},
		{"02:12:00", "correction", "4 15 16", "k1", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. not A: A correction takes this time out."},
		{"02:17:00", "credited", "4 15 16", "k1 k2", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. A: A correction adds this time. K: Credited here, and in no other session."},
		{"02:40:00", "overlap", "4 15 16", "", "C: Connected, in main. F: A facilitator was in main. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. not K: Credited in session s2, which goes before this one."},
		{"02:55:00", "manual", "16", "k3", "not C: Not connected. not R: No connection came after it, so there is no gap to bridge. " +
			"W: Within the time that counts, 18:00:00 to 21:00:00. B: In no break. A: A correction adds this time. K: Credited here, and in no other session."},
		{"03:02:00", "absent", "16", "k3", "not C: Not connected. not R: No connection came after it, so there is no gap to bridge. " +
			"not W: Outside the time that counts, 18:00:00 to 21:00:00. B: In no break. A: A correction adds this time."},
	} {
		t.Run(x.at, func(t *testing.T) {
			day := "2026-11-03T"
			if x.at[0] == '2' {
				day = "2026-11-02T"
			}
			got, ok := attendance.ExplainAt(c, "s1", "p1", at(t, day+x.at+"Z"))
			if !ok {
				t.Fatal("ExplainAt knows nothing")
			}
			if got.Segment.Rule != x.rule {
				t.Errorf("rule = %s, want %s", got.Segment.Rule, x.rule)
			}
			if diff := cmp.Diff(x.evidence, seqs(got.Events)); diff != "" {
				t.Errorf("evidence: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(x.corrections, ids(got.Corrections)); diff != "" {
				t.Errorf("corrections: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(x.steps, sentences(got.Steps)); diff != "" {
				t.Errorf("steps: -want +got\n%s", diff)
			}
			if want := withoutSets.Replace(x.steps); got.Text() != want {
				t.Errorf("Text() = %q, want %q", got.Text(), want)
			}
		})
	}
}

// withoutSets leaves of steps what they say.
var withoutSets = strings.NewReplacer("not C: ", "", "C: ", "", "not R: ", "", "R: ", "", "not F: ", "", "F: ", "",
	"not W: ", "", "W: ", "", "not B: ", "", "B: ", "", "not A: ", "", "A: ", "", "not K: ", "", "K: ", "")

func seqs(events []attendance.Event) string {
	var words []string
	for _, e := range events {
		words = append(words, fmt.Sprint(e.Seq))
	}
	return strings.Join(words, " ")
}

func ids(corrections []attendance.Correction) string {
	var words []string
	for _, k := range corrections {
		words = append(words, k.ID)
	}
	return strings.Join(words, " ")
}

func sentences(steps []attendance.Step) string {
	var words []string
	for _, s := range steps {
		set := s.Set
		if !s.Holds {
			set = "not " + set
		}
		words = append(words, set+": "+s.Text)
	}
	return strings.Join(words, " ")
}

// TestTheEvidenceIsEnough: whoever was there came and went by an event that is
// shown, and what a correction did is shown with the correction.
func TestTheEvidenceIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		s := c.Sessions[0]
		timeline, _ := attendance.NewTimeline(c, s.ID)
		for _, l := range timeline.People {
			for _, segment := range l.Segments {
				e := explainAt(t, c, s.ID, l.Person, segment.Start)
				checkEvidence(t, c, e)
			}
		}
	})
}

// checkEvidence holds each event against what it was given for.
func checkEvidence(t *rapid.T, c *attendance.Case, e *attendance.Explanation) {
	t.Helper()
	began, ended := false, false
	for i, x := range e.Events {
		if x.Session != e.Session || x.At > c.AsOf {
			t.Errorf("%v is no evidence of %s at %v", x, e.Session, c.AsOf)
		}
		if i > 0 && e.Events[i-1].At > x.At {
			t.Errorf("evidence %v is not in order", e.Events)
		}
		began = began || x.At <= e.At && (x.Type == attendance.Waiting || x.Type == attendance.Admitted || x.Type == attendance.Moved)
		ended = ended || x.At > e.At
	}
	there := e.Segment.Connected || e.Segment.Waiting
	if there && !began {
		t.Errorf("%s at %v is %s, and nothing says since when: %v", e.Person, e.At, e.Segment.Rule, e.Events)
	}
	// A left or lost may be dated after its at (§3), by an admitted at that instant.
	if there && !ended && !redated(e.Events) {
		t.Errorf("%s at %v is %s, and nothing says until when: %v", e.Person, e.At, e.Segment.Rule, e.Events)
	}
	if e.Segment.Taken == attendance.RuleCorrection && len(e.Corrections) == 0 {
		t.Errorf("%s at %v: a correction took it, but which?", e.Person, e.At)
	}
	if e.Segment.Manual && len(e.Corrections) == 0 {
		t.Errorf("%s at %v: a correction added it, but which?", e.Person, e.At)
	}
}

func redated(events []attendance.Event) bool {
	for _, e := range events {
		if e.Type == attendance.Left || e.Type == attendance.Lost {
			return true
		}
	}
	return false
}
