package attendance_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

func TestTextForPeople(t *testing.T) {
	const hour = 3_600_000
	for _, x := range []struct {
		ms           int64
		credit, need string
	}{
		{0, "0 m", "0 m"},
		{1, "0 m", "1 m"},
		{59_999, "0 m", "1 m"},
		{60_000, "1 m", "1 m"},
		{9*hour - 1, "8 h 59 m", "9 h 00 m"},
		{9 * hour, "9 h 00 m", "9 h 00 m"},
		{3*hour + 5*60_000 + 1, "3 h 05 m", "3 h 06 m"},
	} {
		if got := attendance.CreditText(x.ms); got != x.credit {
			t.Errorf("CreditText(%d) = %q, want %q", x.ms, got, x.credit)
		}
		if got := attendance.NeedText(x.ms); got != x.need {
			t.Errorf("NeedText(%d) = %q, want %q", x.ms, got, x.need)
		}
	}
}

func TestInstantText(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-03T00:03:00Z":          "2026-11-03T00:03:00Z",
		"2026-11-03T00:03:00.000Z":      "2026-11-03T00:03:00Z",
		"2026-11-03T00:03:00.2Z":        "2026-11-03T00:03:00.200Z",
		"2026-11-03T00:03:00.25Z":       "2026-11-03T00:03:00.250Z",
		"2026-11-03T00:03:00.007-06:00": "2026-11-03T06:03:00.007Z",
		"2026-11-03T00:03:00-00:00":     "2026-11-03T00:03:00Z",
		"1999-12-31T23:30:00-01:00":     "2000-01-01T00:30:00Z",
		"2100-01-01T00:30:00+01:00":     "2099-12-31T23:30:00Z",
		"2024-02-29T23:59:59.999+14:00": "2024-02-29T09:59:59.999Z",
	} {
		var got attendance.Instant
		if err := got.UnmarshalText([]byte(in)); err != nil || got.String() != want {
			t.Errorf("%q is %v, %v, want %s", in, got, err, want)
		}
	}
}

// TestInstantAgreesWithTime compares the reader with the library's, which
// takes more (a comma, more decimals) but never differs where both read.
func TestInstantAgreesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(946684800000, 4102444799999).Draw(t, "ms")
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "offset"))
		text := time.UnixMilli(ms).In(zone).Format("2006-01-02T15:04:05.999Z07:00")
		var got attendance.Instant
		if err := got.UnmarshalText([]byte(text)); err != nil || int64(got) != ms {
			t.Errorf("%s is %d, %v, want %d", text, got, err, ms)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := time.Parse(`"`+time.RFC3339+`"`, string(again)); err != nil || attendance.At(back) != got {
			t.Errorf("%s is written %s", text, again)
		}
	})
}

// TestSetsAreSetsOfInstants compares the algebra with what it stands for.
func TestSetsAreSetsOfInstants(t *testing.T) {
	draw := func(t *rapid.T, label string) []attendance.Interval {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) attendance.Interval {
			from := rapid.Int64Range(0, 40).Draw(t, "from")
			return attendance.Interval{Start: attendance.Instant(from), End: attendance.Instant(from + rapid.Int64Range(-1, 9).Draw(t, "length"))}
		}), 0, 6).Draw(t, label)
	}
	in := func(intervals []attendance.Interval, x attendance.Instant) bool {
		return slices.ContainsFunc(intervals, func(i attendance.Interval) bool { return i.Start <= x && x < i.End })
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		x, y := attendance.SetOf(slices.Clone(a)...), attendance.SetOf(slices.Clone(b)...)
		cut := attendance.Instant(rapid.Int64Range(0, 50).Draw(t, "cut"))
		kept := slices.Concat(x, y)
		results := map[string]attendance.Set{
			"union": x.Union(y), "intersection": x.Intersect(y), "difference": x.Subtract(y),
			"before": x.Before(cut), "from": x.From(cut), "set": x,
		}
		if !slices.Equal(kept, slices.Concat(x, y)) {
			t.Fatalf("an operand changed: %v", kept)
		}
		length := map[string]int64{}
		for at := attendance.Instant(0); at < 60; at++ {
			for name, want := range map[string]bool{
				"union": in(a, at) || in(b, at), "intersection": in(a, at) && in(b, at), "difference": in(a, at) && !in(b, at),
				"before": in(a, at) && at < cut, "from": in(a, at) && at >= cut, "set": in(a, at),
			} {
				if results[name].Contains(at) != want {
					t.Errorf("a=%v b=%v cut=%d: %s = %v, at %d want %v", a, b, cut, name, results[name], at, want)
				}
				if want {
					length[name]++
				}
			}
		}
		for name, set := range results {
			for i, v := range set {
				if v.Length() == 0 || i > 0 && set[i-1].End >= v.Start {
					t.Errorf("%s = %v is not in order, or touches", name, set)
				}
			}
			if set.Length() != length[name] {
				t.Errorf("|%s| = %d, want %d", name, set.Length(), length[name])
			}
		}
	})
}

// TestOddCalendars is the local weeks of zones in which a midnight or a whole
// day does not exist, or comes twice.
func TestOddCalendars(t *testing.T) {
	for _, x := range []struct {
		zone, why string
		start     string // of a session of 48 hours
		days      []attendance.Day
	}{
		{
			"America/Santiago", "Sunday begins at 01:00", "2026-09-05T04:00:00Z",
			[]attendance.Day{{Date: date("2026-09-05"), CreditedMS: 24 * hour}, {Date: date("2026-09-06"), CreditedMS: 23 * hour}, {Date: date("2026-09-07"), CreditedMS: 1 * hour}},
		},
		{
			"Australia/Lord_Howe", "Sunday lasts 24 h 30 m", "2026-04-04T13:00:00Z",
			[]attendance.Day{{Date: date("2026-04-05"), CreditedMS: 24*hour + hour/2}, {Date: date("2026-04-06"), CreditedMS: 23*hour + hour/2}},
		},
		{
			"Pacific/Apia", "there was no 30 December 2011", "2011-12-29T10:00:00Z",
			[]attendance.Day{{Date: date("2011-12-29"), CreditedMS: 24 * hour}, {Date: date("2011-12-31"), CreditedMS: 24 * hour}},
		},
		{
			"America/St_Johns", "at 00:01 on Sunday it was 23:01 on Saturday again, but Sunday had begun", "2006-10-28T02:30:00Z",
			[]attendance.Day{{Date: date("2006-10-28"), CreditedMS: 24 * hour}, {Date: date("2006-10-29"), CreditedMS: 24 * hour}},
		},
	} {
		t.Run(x.zone, func(t *testing.T) {
			start := at(t, x.start)
			end := start + 48*hour
			c := &attendance.Case{
				Format: attendance.Format, AsOf: end + 1,
				Program: attendance.Program{Timezone: x.zone, Profile: attendance.Outpatient, Counting: attendance.DefaultCounting()},
				People:  []attendance.Person{{ID: "p", Role: attendance.Patient}, {ID: "t", Role: attendance.Facilitator}},
				Sessions: []attendance.Session{{
					ID: "s", Service: attendance.Individual, ScheduledStart: start, ScheduledEnd: end, Roster: []string{"p"},
				}},
				Corrections: []attendance.Correction{
					{ID: "k", Session: "s", At: end, By: "t", Op: attendance.AddTime, Person: "p", Start: start, End: end, Reason: attendance.PayerRule},
				},
			}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			var got []attendance.Day
			for _, w := range attendance.Evaluate(c).Weeks {
				got = append(got, w.Days...)
			}
			for i := range x.days {
				x.days[i].Qualifies = true
			}
			if diff := cmp.Diff(x.days, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", x.why, diff)
			}
		})
	}
}

const hour = 3_600_000

func date(text string) attendance.Date { return parseDate(text) }

func at(t *testing.T, text string) attendance.Instant {
	t.Helper()
	var i attendance.Instant
	if err := i.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestExplainKnowsNobodyElse(t *testing.T) {
	c := mustDecode(t, []byte(wellFormed))
	if _, ok := attendance.Explain(c, "s9", "p1"); ok {
		t.Error("Explain of an unknown session is ok")
	}
	for _, person := range []string{"p9", "t1"} {
		if _, ok := attendance.Explain(c, "s1", person); ok {
			t.Errorf("Explain of %s, no patient, is ok", person)
		}
	}
}

// TestACorrectionReachesAllThatOverlap: the long session is looked for behind
// a short one that began later and was over before (§5, versions).
func TestACorrectionReachesAllThatOverlap(t *testing.T) {
	const minute = 60_000
	c := crowd()
	c.Signatures = nil
	c.Sessions = c.Sessions[:0]
	for _, s := range []struct {
		id         string
		start, end attendance.Instant // minutes
	}{{"long", 0, 300}, {"short", 10, 20}, {"shorter", 30, 40}, {"signed", 100, 110}, {"beside", 300, 310}} {
		c.Sessions = append(c.Sessions, attendance.Session{
			ID: s.id, Service: attendance.Group, Roster: []string{"p"},
			ScheduledStart: crowdStart + s.start*minute, ScheduledEnd: crowdStart + s.end*minute,
		})
		c.Signatures = append(c.Signatures, attendance.Signature{Session: s.id, Version: 1, By: "t", At: crowdStart + 400*minute})
	}
	for i, session := range []string{"short", "shorter", "long"} {
		c.Corrections = append(c.Corrections, attendance.Correction{
			ID: session, Session: session, At: crowdStart + attendance.Instant(399+i)*minute, By: "t",
			Op: attendance.SetStatus, Person: "p", Status: attendance.StatusExcused, Reason: attendance.PayerRule,
		})
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range attendance.Evaluate(c).Records {
		got[r.Session] = r.Version
	}
	want := map[string]int{"long": 2, "short": 2, "shorter": 2, "signed": 2, "beside": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions: -want +got\n%s", diff)
	}
}
