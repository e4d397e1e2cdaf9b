package attendance_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// summed is the fields of a record that a timeline has, from its segments.
func summed(l attendance.Line) (r attendance.Record) {
	for _, s := range l.Segments {
		add := func(yes bool, to *int64) {
			if yes {
				*to += s.Length()
			}
		}
		add(s.Connected, &r.ConnectedMS)
		add(s.Waiting, &r.LobbyMS)
		add(s.Bridged, &r.BridgedMS)
		add(s.Manual, &r.ManualMS)
		add(s.Taken == attendance.RuleOutsideWindow, &r.LostOutsideWindowMS)
		add(s.Taken == attendance.RuleBreak, &r.LostBreakMS)
		add(s.Taken == attendance.RuleNoFacilitator, &r.LostNoFacilitatorMS)
		add(s.Taken == attendance.RuleCorrection, &r.LostCorrectionMS)
		add(s.Rule == attendance.RuleOverlap, &r.LostOverlapMS)
		add(s.Rule.Credits(), &r.CreditedMS)
		add(s.Rule.Credits() || s.Rule == attendance.RuleOverlap || s.Rule == attendance.RuleNotCounting, &r.AttendedMS)
		if s.Rule.Credits() {
			r.Credited = r.Credited.Union(attendance.Set{s.Interval})
		}
	}
	return r
}

func TestATimelineSumsUpToTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		records := evaluate(t, c).Records
		for _, s := range c.Sessions {
			timeline, ok := attendance.NewTimeline(c, s.ID)
			if !ok {
				t.Fatalf("NewTimeline(%s) knows nothing", s.ID)
			}
			var got []attendance.Record
			for _, l := range timeline.People {
				r := summed(l)
				r.Session, r.Person = s.ID, l.Person
				if l.CreditedMS != r.CreditedMS {
					t.Errorf("%s in %s: credited %d, segments %d", l.Person, s.ID, l.CreditedMS, r.CreditedMS)
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(lengthsOf(records, s.ID), got); diff != "" {
				t.Errorf("%s: -records +segments\n%s", s.ID, diff)
			}
		}
	})
}

// lengthsOf is what a timeline can know of the records of a session.
func lengthsOf(records []attendance.Record, session string) (lengths []attendance.Record) {
	for _, r := range records {
		if r.Session != session {
			continue
		}
		r.Service, r.Date, r.Status, r.State, r.Version, r.Labels, r.Units = "", 0, "", "", 0, nil, attendance.RecordUnits{}
		if len(r.Credited) == 0 {
			r.Credited = nil
		}
		lengths = append(lengths, r)
	}
	return lengths
}

func TestSegmentsCoverTheAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		s := c.Sessions[0]
		timeline, _ := attendance.NewTimeline(c, s.ID)
		for _, e := range c.Events {
			if e.Type == attendance.Left || e.Type == attendance.Lost {
				continue // their instant may be a later one (§3)
			}
			if e.Session == s.ID && e.At <= c.AsOf && (e.At < timeline.Axis.Start || e.At > timeline.Axis.End) {
				t.Errorf("evidence at %v is off the axis %v", e.At, timeline.Axis)
			}
		}
		for _, l := range timeline.People {
			now := timeline.Axis.Start
			for i, segment := range l.Segments {
				if segment.Start != now || segment.End <= now {
					t.Errorf("%s: segment %d of %v does not follow on %v", l.Person, i, l.Segments, now)
				}
				now = segment.End
				if i == 0 {
					continue
				}
				before := l.Segments[i-1]
				before.Interval = segment.Interval
				if cmp.Equal(before, segment) {
					t.Errorf("%s: segments %d and %d of %v are one", l.Person, i-1, i, l.Segments)
				}
			}
			if now != timeline.Axis.End {
				t.Errorf("%s: segments end at %v, the axis at %v", l.Person, now, timeline.Axis.End)
			}
		}
	})
}

func TestAnInstantIsExplainedAsItsSegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		s := c.Sessions[0]
		timeline, _ := attendance.NewTimeline(c, s.ID)
		for _, l := range timeline.People {
			segment := rapid.SampledFrom(l.Segments).Draw(t, "segment")
			inside := attendance.Instant(rapid.Int64Range(int64(segment.Start), int64(segment.End-1)).Draw(t, "inside"))
			for _, at := range []attendance.Instant{segment.Start, inside, segment.End - 1} {
				got := explainAt(t, c, s.ID, l.Person, at)
				if diff := cmp.Diff(segment, got.Segment); diff != "" {
					t.Errorf("%s at %v: -segment +explanation\n%s", l.Person, at, diff)
				}
				checkSteps(t, got)
			}
			checkOffTheAxis(t, c, timeline, l.Person)
		}
	})
}

func explainAt(t *rapid.T, c *attendance.Case, session, person string, at attendance.Instant) *attendance.Explanation {
	t.Helper()
	e, ok := attendance.ExplainAt(c, session, person, at)
	if !ok {
		t.Fatalf("ExplainAt(%s, %s, %v) knows nothing", session, person, at)
	}
	return e
}

// checkSteps holds what the steps say against what became of the instant.
func checkSteps(t *rapid.T, e *attendance.Explanation) {
	t.Helper()
	holds := map[string]bool{}
	order := ""
	for _, step := range e.Steps {
		holds[step.Set] = step.Holds
		order += step.Set
		if step.Text == "" {
			t.Errorf("step %s of %v says nothing", step.Set, e.Steps)
		}
	}
	last := e.Steps[len(e.Steps)-1]
	if e.Credited() && (last.Set != "K" || !last.Holds || !holds["W"] || !holds["B"]) {
		t.Errorf("%s, but the steps are %+v", e.Segment.Rule, e.Steps)
	}
	if e.Segment.Rule == attendance.RuleOverlap && e.Segment.Elsewhere == "" {
		t.Errorf("%s at %v is credited elsewhere, but where?", e.Person, e.At)
	}
	if !slices.Contains([]string{"C", "CR", "CFWB", "CRFWB", "CFWBK", "CRFWBK", "CFWBA", "CRFWBA", "CFWBAK", "CRFWBAK", "CRWBA", "CRWBAK", "CRA"}, order) {
		t.Errorf("steps %s are not in their order", order)
	}
	failed := map[attendance.Rule]string{
		attendance.RuleOutsideWindow: "W", attendance.RuleBreak: "B", attendance.RuleNoFacilitator: "F",
		attendance.RuleCorrection: "A", attendance.RuleOverlap: "K", attendance.RuleNotCounting: "K",
	}[e.Segment.Rule]
	if failed != "" && holds[failed] {
		t.Errorf("%s took it, but the steps are %+v", e.Segment.Rule, e.Steps)
	}
}

// checkOffTheAxis: half-open, nothing before the start and nothing at the end.
func checkOffTheAxis(t *rapid.T, c *attendance.Case, timeline *attendance.Timeline, person string) {
	t.Helper()
	for _, at := range []attendance.Instant{timeline.Axis.Start - 1, timeline.Axis.End} {
		got := explainAt(t, c, timeline.Session, person, at)
		if got.Segment.Rule != attendance.RuleAbsent || at < got.Segment.Start || at >= got.Segment.End || got.Segment.Overlaps(timeline.Axis) {
			t.Errorf("%s at %v, off the axis %v, is %+v", person, at, timeline.Axis, got.Segment)
		}
	}
}
