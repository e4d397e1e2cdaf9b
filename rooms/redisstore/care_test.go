package redisstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// clinicOfAll is a store and, made by hand beside it, the one case that has
// everything in it: what Case says of a part must be what that says.
type clinicOfAll struct {
	t     failer
	store *Store
	whole attendance.Case
}

type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
	Context() context.Context
}

func newClinicOfAll(t failer, s *Store, profile attendance.ProfileName, patients ...rooms.PersonID) *clinicOfAll {
	c := &clinicOfAll{t: t, store: s}
	program := schedule.Program{ID: "iop", Program: attendance.Program{
		Timezone: "America/Chicago", Profile: profile, Counting: attendance.DefaultCounting()}}
	c.whole = attendance.Case{Format: attendance.Format, Program: program.Program}
	c.put(program)
	c.person("t1", auth.Facilitator)
	for _, p := range patients {
		c.person(p, auth.Patient)
	}
	return c
}

func (c *clinicOfAll) put(d schedule.Document) {
	c.t.Helper()
	if _, err := c.store.PutAll(c.t.Context(), []schedule.Write{{Document: d}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinicOfAll) person(id rooms.PersonID, role auth.Role) {
	c.put(schedule.Person{ID: id, Role: role})
	c.whole.People = append(c.whole.People, attendance.Person{ID: string(id), Role: attendance.Role(role)})
}

// held puts a session in that the therapist led to its end and in which people
// stayed for some minutes.
func (c *clinicOfAll) held(v schedule.Session, stayed map[rooms.PersonID]int) {
	c.t.Helper()
	c.put(v)
	meeting := attendance.Session{ID: string(v.ID), Service: v.Service,
		ScheduledStart: attendance.At(v.Start), ScheduledEnd: attendance.At(v.End)}
	for _, p := range v.Roster {
		meeting.Roster = append(meeting.Roster, string(p))
	}
	c.whole.Sessions = append(c.whole.Sessions, meeting)
	if len(stayed) == 0 {
		return
	}
	events := []attendance.Event{{Type: attendance.Opened, At: attendance.At(v.Start)}, admitted(v.Start, "t1", "c-t1")}
	people := slices.Sorted(maps.Keys(stayed))
	for _, p := range people {
		events = append(events, admitted(v.Start, string(p), "c-"+string(p)))
	}
	for _, p := range people {
		events = append(events, attendance.Event{Type: attendance.Left, At: attendance.At(v.Start.Add(time.Duration(stayed[p]) * time.Minute)),
			Connection: "c-" + string(p), Reason: attendance.ReasonLeave})
	}
	events = append(events, attendance.Event{Type: attendance.Closed, At: attendance.At(v.End)})
	lease, err := c.store.Acquire(c.t.Context(), v.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	lease.Record(events...)
	if err := lease.Close(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	for i, e := range events {
		e.Session, e.Epoch, e.Seq = string(v.ID), 1, i+1
		c.whole.Events = append(c.whole.Events, e)
	}
}

func (c *clinicOfAll) enroll(e schedule.Enrollment) {
	c.put(e)
	c.whole.Enrollments = append(c.whole.Enrollments, e.Facts()...)
}

func (c *clinicOfAll) authorize(a schedule.Authorization) {
	c.put(a)
	c.whole.Authorizations = append(c.whole.Authorizations, a.Fact())
}

func (c *clinicOfAll) excuse(e schedule.Excuse) {
	c.put(e)
	c.whole.Excused = append(c.whole.Excused, e.Fact())
}

// agrees compares what Case promises of a session with the whole: its records,
// the weeks it lies in, and the authorizations of its people that reach into
// them.
func (c *clinicOfAll) agrees(id rooms.SessionID) {
	c.t.Helper()
	part, err := c.store.Case(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	whole := c.whole
	whole.AsOf = part.AsOf
	if err := whole.Validate(); err != nil {
		c.t.Fatal(err)
	}
	got, want := attendance.Evaluate(part), attendance.Evaluate(&whole)
	people := map[string]bool{}
	records := func(r *attendance.Result) (own []attendance.Record) {
		for _, x := range r.Records {
			if x.Session == string(id) {
				own, people[x.Person] = append(own, x), true
			}
		}
		return own
	}
	if diff := cmp.Diff(records(want), records(got)); diff != "" {
		c.t.Errorf("records of %s (-whole +case):\n%s", id, diff)
	}
	scheduled := scheduledIn(part, id)
	weeks := func(r *attendance.Result) (own []attendance.Week) {
		for _, w := range r.Weeks {
			if people[w.Person] && scheduled.Overlaps(attendance.Interval{Start: w.Start, End: w.End}) {
				own = append(own, w)
			}
		}
		return own
	}
	if diff := cmp.Diff(weeks(want), weeks(got)); diff != "" {
		c.t.Errorf("weeks of %s (-whole +case):\n%s", id, diff)
	}
	there := map[string]attendance.AuthorizationResult{}
	for _, a := range got.Authorizations {
		there[a.ID] = a
	}
	var date attendance.Date
	for _, r := range got.Records {
		if r.Session == string(id) {
			date = r.Date
		}
	}
	for _, a := range want.Authorizations {
		i := slices.IndexFunc(whole.Authorizations, func(x attendance.Authorization) bool { return x.ID == a.ID })
		granted := whole.Authorizations[i]
		decides := people[a.Person] && granted.From <= date && date <= granted.To
		if _, known := there[a.ID]; decides && !known || known && there[a.ID] != a {
			c.t.Errorf("authorization %s in the case of %s = %+v, want %+v", a.ID, id, there[a.ID], a)
		}
	}
}

func scheduledIn(c *attendance.Case, id rooms.SessionID) attendance.Interval {
	for _, s := range c.Sessions {
		if s.ID == string(id) {
			return attendance.Interval{Start: s.ScheduledStart, End: s.ScheduledEnd}
		}
	}
	return attendance.Interval{}
}

// autumn is a clock on the wall of Chicago, in weeks that are over; day 1 is
// Monday, the second of September 2024.
func autumn(day, hour int) time.Time {
	zone, err := attendance.LoadZone("America/Chicago")
	if err != nil {
		panic(err)
	}
	return time.Date(2024, 9, 1+day, hour, 0, 0, 0, zone)
}

func dated(t time.Time) (d attendance.Date) {
	if err := d.UnmarshalText([]byte(t.Format(time.DateOnly))); err != nil {
		panic(err)
	}
	return d
}

// eightWeeks are Mondays, Wednesdays and Thursdays of p1 and p2, of whom p1
// misses a third of the Thursdays.
func (c *clinicOfAll) eightWeeks() {
	for week := range 8 {
		for i, day := range []int{1, 3, 4} {
			v := group(fmt.Sprintf("w%d-%d", week, i), autumn(7*week+day, 18), "p1", "p2")
			stayed := map[rooms.PersonID]int{"p1": 180, "p2": 120}
			if i == 2 {
				stayed["p1"] = 60 * (week % 4)
			}
			c.held(v, stayed)
		}
	}
}

func TestACaseHasWhatDecides(t *testing.T) {
	for _, test := range []struct {
		name  string
		more  func(*clinicOfAll)
		check func(*testing.T, *attendance.Result) // of the case of w5-2
	}{
		{"an excuse", func(c *clinicOfAll) {
			c.held(group("off", autumn(7*5+5, 18), "p1", "p2"), nil)
			c.excuse(schedule.Excuse{Session: "off", Person: "p1", By: attendance.ByPatient})
			c.excuse(schedule.Excuse{Session: "w5-2", Person: "p2", By: attendance.ByProgram}) // who came all the same
		}, func(t *testing.T, r *attendance.Result) {
			if got := statuses(r); got["off p1"] != "excused" || got["off p2"] != "no_show" || got["w5-2 p2"] != "attended" {
				t.Errorf("statuses = %v", got)
			}
		}},
		{"a level decides by what a week is measured", func(c *clinicOfAll) {
			c.enroll(schedule.Enrollment{Person: "p2", Levels: []schedule.Level{
				{Start: autumn(1, 0), End: autumn(7*5+1, 0), Profile: attendance.PHP},
				{Start: autumn(7*5+1, 0), Profile: attendance.GenericAdolescent},
			}})
		}, func(t *testing.T, r *attendance.Result) {
			if got := verdicts(r)["p2 2024-10-07"]; got != "met" {
				t.Errorf("verdict = %v, want met: six hours in three days", got)
			}
		}},
		{"a level that changes within the week", func(c *clinicOfAll) {
			c.enroll(schedule.Enrollment{Person: "p2", Levels: []schedule.Level{
				{Start: autumn(1, 0), End: autumn(7*5+3, 0), Profile: attendance.PHP},
				{Start: autumn(7*5+3, 0), Profile: attendance.GenericAdolescent},
			}})
		}, func(t *testing.T, r *attendance.Result) {
			if got := verdicts(r)["p2 2024-10-07"]; got != "partial_week" {
				t.Errorf("verdict = %v, want partial_week", got)
			}
		}},
		{"a level whose weeks are averaged reaches back, whatever the program", func(c *clinicOfAll) {
			c.enroll(schedule.Enrollment{Person: "p1", Levels: []schedule.Level{
				{Start: autumn(7*2+1, 0), Profile: attendance.VAMedicaidAdult}}})
		}, func(t *testing.T, r *attendance.Result) {
			for _, w := range r.Weeks { // of the weeks 2 to 5: 480, 540, 360 and 420 minutes
				if w.Person == "p1" && w.Week.String() == "2024-10-07" && w.MeasuredMS != 450*60_000 {
					t.Errorf("measured %d minutes, want the mean of four weeks, 450", w.MeasuredMS/60_000)
				}
			}
		}},
		{"an authorization is used up by all sessions while it lasts", func(c *clinicOfAll) {
			for unit, id := range map[attendance.Unit]schedule.AuthorizationID{"day": "a-day", "session": "a-session", "hour": "a-hour", "q15": "a-q15"} {
				c.authorize(schedule.Authorization{ID: id, Person: "p1", Unit: unit, Count: 100, From: dated(autumn(8, 0)), To: dated(autumn(7*7+1, 0))})
			}
			c.authorize(schedule.Authorization{ID: "later", Person: "p1", Unit: "day", Count: 1, From: dated(autumn(7*7, 0)), To: dated(autumn(7*9, 0))})
			c.authorize(schedule.Authorization{ID: "anothers", Person: "p2", Unit: "session", Count: 9, From: dated(autumn(7*4+1, 0)), To: dated(autumn(7*6, 0))})
		}, func(t *testing.T, r *attendance.Result) {
			want := map[string]int64{ // of p1: six weeks and a monday, thursdays of 60, 120, 180, 0, 60 and 120 minutes
				"a-day": 100 - 14, "a-session": 100 - 18, "a-hour": 100 - 48, "a-q15": 100 - 192, "anothers": 9 - 6,
			}
			got := map[string]int64{}
			for _, a := range r.Authorizations {
				got[a.ID] = a.Remaining
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("remaining (-want +got):\n%s", diff)
			}
		}},
		{"what is said of somebody who is no patient is left out", func(c *clinicOfAll) {
			c.put(schedule.Enrollment{Person: "t1", Levels: []schedule.Level{{Start: autumn(1, 0), Profile: attendance.PHP}}})
			c.put(schedule.Authorization{ID: "x", Person: "t1", Unit: "day", From: 20000, To: 20001})
			c.put(schedule.Excuse{Session: "w5-2", Person: "t1", By: attendance.ByProgram})
			c.put(schedule.Excuse{Session: "w5-2", Person: "nobody", By: attendance.ByProgram})
		}, func(*testing.T, *attendance.Result) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			contract(t, func(t *testing.T, b backend) {
				c := newClinicOfAll(t, b.open(t, t.TempDir(), "one"), attendance.GenericAdult, "p1", "p2")
				c.eightWeeks()
				test.more(c)
				for week := range 8 {
					c.agrees(rooms.SessionID(fmt.Sprintf("w%d-2", week)))
				}
				part, err := c.store.Case(t.Context(), "w5-2")
				if err != nil {
					t.Fatal(err)
				}
				test.check(t, attendance.Evaluate(part))
			})
		})
	}
}

func statuses(r *attendance.Result) map[string]string {
	all := map[string]string{}
	for _, x := range r.Records {
		all[x.Session+" "+x.Person] = string(x.Status)
	}
	return all
}

func verdicts(r *attendance.Result) map[string]string {
	all := map[string]string{}
	for _, w := range r.Weeks {
		all[w.Person+" "+w.Week.String()] = string(w.Verdict)
	}
	return all
}

// An average begins with the first week that has a row: what came before and
// gave none does not hide it.
func TestAnAverageBeginsWithTheFirstRow(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		c := newClinicOfAll(t, b.open(t, t.TempDir(), "one"), attendance.VAMedicaidAdult, "p1", "p2")
		aftercare := group("aftercare", autumn(1, 18), "p1") // does not count
		aftercare.Service = attendance.Aftercare
		c.held(aftercare, map[rooms.PersonID]int{"p1": 60})
		c.held(group("visit", autumn(7*3+1, 18), "p2"), map[rooms.PersonID]int{"p1": 1}) // not on the roster
		c.held(group("later", autumn(7*5+1, 18), "p1"), map[rooms.PersonID]int{"p1": 120})
		c.agrees("later")
	})
}

// Of any clinic, the case of any session says what the whole says.
func TestAnyCaseSaysWhatTheWholeSays(t *testing.T) {
	memory := miniredis.RunT(t)
	memory.ClockTTL(true)
	store := backend{"redis://" + memory.Addr()}.open(t, t.TempDir(), "one")
	profiles := []attendance.ProfileName{attendance.GenericAdult, attendance.VAMedicaidAdult, attendance.NYOASAS, attendance.PHP}
	patients := []rooms.PersonID{"p1", "p2", "p3"}
	services := []attendance.Service{attendance.Group, attendance.Individual, attendance.Aftercare}
	rapid.Check(t, func(t *rapid.T) {
		memory.FlushAll()
		c := newClinicOfAll(t, store, rapid.SampledFrom(profiles).Draw(t, "program"), patients...)
		some := func(what string) (people []rooms.PersonID) {
			for _, p := range patients {
				if rapid.Bool().Draw(t, what) {
					people = append(people, p)
				}
			}
			return people
		}
		sessions := rapid.IntRange(2, 10).Draw(t, "sessions")
		for i := range sessions {
			day := rapid.IntRange(1, 7*7).Draw(t, "day")
			v := group(fmt.Sprintf("s%d", i), autumn(day, rapid.IntRange(0, 23).Draw(t, "hour")), some("on the roster")...)
			v.Service = rapid.SampledFrom(services).Draw(t, "service")
			stayed := map[rooms.PersonID]int{}
			for _, p := range some("came") {
				stayed[p] = rapid.IntRange(1, 200).Draw(t, "minutes")
			}
			c.held(v, stayed)
			for _, p := range some("excused") {
				c.excuse(schedule.Excuse{Session: v.ID, Person: p, By: attendance.ByPatient})
			}
		}
		for _, p := range some("enrolled") {
			from := rapid.IntRange(-20, 40).Draw(t, "enrolled from")
			to := from + rapid.IntRange(1, 40).Draw(t, "for")
			e := schedule.Enrollment{Person: p, Levels: []schedule.Level{
				{Start: autumn(from, 0), End: autumn(to, 0), Profile: rapid.SampledFrom(profiles).Draw(t, "first level")}}}
			if rapid.Bool().Draw(t, "goes on") {
				e.Levels = append(e.Levels, schedule.Level{Start: autumn(to, 0), Profile: rapid.SampledFrom(profiles).Draw(t, "second level")})
			}
			c.enroll(e)
		}
		units := []attendance.Unit{attendance.UnitDay, attendance.UnitSession, attendance.UnitHour, attendance.UnitQ15}
		for i, p := range some("authorized") {
			from := rapid.IntRange(1, 40).Draw(t, "authorized from")
			c.authorize(schedule.Authorization{
				ID: schedule.AuthorizationID(fmt.Sprintf("a%d", i)), Person: p, Count: 10, Unit: rapid.SampledFrom(units).Draw(t, "unit"),
				From: dated(autumn(from, 0)), To: dated(autumn(from+rapid.IntRange(0, 30).Draw(t, "days"), 0)),
			})
		}
		for i := range sessions {
			c.agrees(rooms.SessionID(fmt.Sprintf("s%d", i)))
		}
	})
}

// What a settling asks for: a group of twelve, whose authorizations reach over
// so many weeks of three sessions.
func BenchmarkCase(b *testing.B) {
	if server == "" {
		b.Skip("no redis-server on PATH")
	}
	for _, weeks := range []int{0, 8, 26} {
		b.Run(fmt.Sprintf("authorized for %d weeks", weeks), func(b *testing.B) {
			back := backend{"unix://" + server}
			s, err := Open(b.Context(), Config{URL: back.url, Dir: b.TempDir(), Node: "one", AllowVolatile: true}, quiet())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.Close)
			s.rdb.FlushDB(b.Context())
			var patients []rooms.PersonID
			stayed := map[rooms.PersonID]int{}
			for i := range 12 {
				patients = append(patients, rooms.PersonID(fmt.Sprintf("p%d", i)))
				stayed[patients[i]] = 170
			}
			c := newClinicOfAll(b, s, attendance.GenericAdult, patients...)
			for week := range max(weeks, 1) {
				for i, day := range []int{1, 3, 4} {
					c.held(group(fmt.Sprintf("w%d-%d", week, i), autumn(7*week+day, 18), patients...), stayed)
				}
			}
			for _, p := range patients {
				if weeks > 0 {
					c.authorize(schedule.Authorization{ID: schedule.AuthorizationID(p), Person: p, Unit: attendance.UnitDay, Count: 100,
						From: dated(autumn(1, 0)), To: dated(autumn(7*weeks, 0))})
				}
			}
			for b.Loop() {
				part, err := s.Case(b.Context(), "w0-2")
				if err != nil {
					b.Fatal(err)
				}
				attendance.Evaluate(part)
			}
		})
	}
}
