package records_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// last is the last reading of a person.
func (h *house) last(id rooms.SessionID, person string) (last records.Reading) {
	h.t.Helper()
	book, err := h.store.Book(h.t.Context(), id)
	h.must(err)
	for _, r := range book.Last() {
		if r.Person == person {
			last = r
		}
	}
	return last
}

// A reading says what was around the record, so that every format can be
// written from it; what changes there is told like what changes in the record.
func TestWhatIsAboutARecord(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.clock.SetTime(h.time(600))
	session := schedule.Session{
		ID: "s1", Program: "iop", Title: "Monday evening", Service: attendance.Group, Start: h.time(0), End: h.time(180),
		Breaks: []schedule.Break{{Start: h.time(90), End: h.time(100)}},
		Roster: []rooms.PersonID{"p1", "p2"}, Facilitators: []rooms.PersonID{"t1"},
		Track: schedule.Evening, Appointments: []schedule.Appointment{{Person: "p1", Reference: "Appointment/7"}},
	}
	h.write(session)
	h.write(schedule.Enrollment{Person: "p1", Levels: []schedule.Level{{Start: h.time(-10_000), Profile: attendance.GenericAdult, Code: "2.1"}}})
	h.authorize(schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitDay, Count: 30})
	h.record("s1",
		attendance.Event{Type: attendance.Opened, At: h.at(-5)},
		attendance.Event{Type: attendance.Admitted, At: h.at(-5), Person: "t1", Connection: "c1"},
		attendance.Event{Type: attendance.Waiting, At: h.at(-2), Person: "p1", Connection: "c2"},
		attendance.Event{Type: attendance.Admitted, At: h.at(3), Person: "p1", Connection: "c2"},
		attendance.Event{Type: attendance.Left, At: h.at(60), Connection: "c1", Reason: attendance.ReasonLeave},
		attendance.Event{Type: attendance.Admitted, At: h.at(70), Person: "t1", Connection: "c3"},
		attendance.Event{Type: attendance.Closed, At: h.at(180)})
	h.settle("s1")
	span := func(from, to int) attendance.Interval { return attendance.Interval{Start: h.at(from), End: h.at(to)} }
	want := &records.About{
		Program: "iop", Timezone: "America/Chicago", Title: "Monday evening", Start: h.at(0), End: h.at(180),
		Waiting: attendance.Set{span(-2, 3)}, Connected: attendance.Set{span(3, 180)}, Breaks: attendance.Set{span(90, 100)},
		Facilitators: []records.Staff{{"t1", h.at(-5), h.at(60)}, {"t1", h.at(70), h.at(180)}},
		PatientsMax:  1, Flags: []attendance.Flag{attendance.FlagGroupUnderMin},
		Track: "evening", Level: "2.1", Appointment: "Appointment/7", Authorization: "a1",
	}
	first := h.last("s1", "p1")
	if diff := cmp.Diff(want, first.About); diff != "" {
		t.Errorf("about p1's record (-want +got):\n%s", diff)
	}
	h.wantVerified("s1")
	h.wantRecomputed("s1")

	told := len(h.feed())
	session.Title = "Monday, late"
	h.write(session)
	h.books.Round(t.Context())
	second := h.last("s1", "p1")
	if second.Hash != first.Hash || second.Seq == first.Seq || second.About.Title != "Monday, late" {
		t.Errorf("under another title, the last reading is %+v after %+v", second, first)
	}
	if got := h.feed()[told:]; !slices.Equal(got, []string{"s1 p1 v1", "s1 p2 v1"}) {
		t.Errorf("then the feed goes on with %q", got)
	}
	versions, err := h.books.Versions(t.Context(), "s1", "p1")
	if err != nil || len(versions) != 1 {
		t.Errorf("p1's record has %d versions, %v: it says what it said", len(versions), err)
	}
}

// Readings of a viop that kept nothing about a record still read, and what is
// about it is told when something else is.
func TestAReadingOfFormerTimes(t *testing.T) {
	h := inMemory(t)
	h.evening()
	old := h.sheet("s1")
	book, err := h.store.Book(t.Context(), "s1")
	h.must(err)
	var former []records.Reading
	for i, r := range old.Records {
		canonical, err := records.Canonical(r.Record)
		h.must(err)
		former = append(former, records.Reading{Seq: i + 1, Person: r.Person, Version: 1, Hash: r.Hash, AsOf: old.AsOf, Head: old.Head, Record: canonical})
	}
	h.must(h.store.Keep(t.Context(), book, former))
	h.wantVerified("s1")
	h.sign("s1", "t1", 1)
	h.wantVerified("s1")
	h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m")
	if about := h.last("s1", "p1").About; about == nil {
		t.Error("nothing is about the last reading of p1")
	}
	first := 0
	for _, c := range h.changes() {
		if c.First {
			first++
		}
	}
	if first != 2 {
		t.Errorf("%d changes say that they are the first of a record, want p1's and p2's", first)
	}
}

// Who did not come, and who came no further than the lobby, is told when the
// session is over like everybody else, also of a session to which nobody came.
func TestNobodyCame(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.put("s1", 0, 180, "p1", "p2")
	h.put("s2", 0, 180, "p3")
	h.clock.SetTime(h.time(20))
	h.record("s1",
		attendance.Event{Type: attendance.Waiting, At: h.at(5), Person: "p2", Connection: "c1"},
		attendance.Event{Type: attendance.Left, At: h.at(15), Connection: "c1", Reason: attendance.ReasonLeave})
	h.books.Round(t.Context())
	statuses := func() map[string]attendance.Status {
		is := map[string]attendance.Status{}
		for _, c := range h.changes() {
			if c.Kind != records.RecordChanged {
				continue
			}
			reading, err := h.store.Reading(t.Context(), rooms.SessionID(c.Session), c.Reading)
			h.must(err)
			var r attendance.Record
			h.must(json.Unmarshal(reading.Record, &r))
			is[c.Session+"/"+c.Person] += r.Status // twice would be another word
		}
		return is
	}
	if got := statuses(); len(got) != 0 {
		t.Errorf("before the end the feed has %v", got)
	}
	h.clock.SetTime(h.time(180))
	for range 3 {
		h.books.Round(t.Context())
	}
	want := map[string]attendance.Status{
		"s1/p1": attendance.StatusNoShow, "s1/p2": attendance.StatusLobbyOnly, "s2/p3": attendance.StatusNoShow,
	}
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Errorf("what is told of them (-want +got):\n%s", diff)
	}
}

// A signature is told once, after what it is for, with what it is for.
func TestASignatureIsTold(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		seen := read(h.sheet("s1"), "t1", 1)
		for range 2 { // the client did not hear the answer
			_, err := h.books.Sign(t.Context(), "s1", seen)
			h.must(err)
		}
		h.sign("s1", "t2", 1)
		h.correct("s1", h.add("p2", 30, 60))
		h.sign("s1", "t1", 2)
		var got []string
		for _, line := range h.feed() {
			if line[0] == 's' { // of the session
				got = append(got, line)
			}
		}
		want := []string{"s1 p1 v1", "s1 p2 v1", "s1 signed v1 t1", "s1 signed v1 t2", "s1 p2 v2", "s1 signed v2 t1"}
		if !slices.Equal(got, want) {
			t.Errorf("the feed is %q, want %q", got, want)
		}
		book, err := h.store.Book(t.Context(), "s1")
		h.must(err)
		for _, c := range h.changes() {
			if c.Kind != records.RecordsSigned {
				continue
			}
			i := slices.IndexFunc(book.Amendments, func(a records.Amendment) bool { return a.Seq == c.Amendment })
			signed := *book.Amendments[i].Signature
			signed.Ends = nil
			if diff := cmp.Diff(&signed, c.Signature); diff != "" || c.Hash != signed.Hash || c.Version != signed.Version {
				t.Errorf("what was signed (-book +feed):\n%s", diff)
			}
		}
	})
}

// A week is told with all its numbers: another verdict at once, other numbers
// when nobody is in a session of it any more, and that it is over.
func TestWeeksAreTold(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.putProgram(threeHours)
	const wednesday = 2 * 24 * 60
	h.put("mon", 0, 180, "p1")
	h.put("wed", wednesday, wednesday+180, "p1")
	round := func(minute int, want ...string) {
		t.Helper()
		h.clock.SetTime(h.time(minute))
		told := len(h.feed())
		h.books.Round(t.Context())
		var got []string
		for _, c := range h.changes()[told:] {
			if c.Kind == records.WeekChanged {
				got = append(got, inWords(c))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("at minute %d weeks go on with %q, want %q", minute, got, want)
		}
	}
	round(10, "p1 on_track< 0 m")
	h.hold("mon", 0, 180, stay{"p1", 0, 180})
	round(181, "p1 met<on_track 3 h 00 m")
	round(wednesday - 10)
	round(wednesday + 20)
	h.correct("wed", h.add("p1", wednesday+5, wednesday+15))
	round(wednesday + 30) // it will be another number soon
	h.hold("wed", wednesday, wednesday+180, stay{"p1", wednesday + 60, wednesday + 180})
	round(wednesday+181, "p1 met<met 5 h 10 m")
	round(7*24*60, "p1 met<met 5 h 10 m")

	var last records.Change
	for _, c := range h.changes() {
		if c.Kind == records.WeekChanged {
			if final := c.At >= c.Week.End; c.Week.Final != final {
				t.Errorf("%s is final: %t, told at %v", inWords(c), c.Week.Final, c.At)
			}
			last = c
		}
	}
	now, err := h.books.PersonWeeks(t.Context(), "p1", day(t, "2026-11-02"), day(t, "2026-11-08"))
	h.must(err)
	want := &records.ToldWeek{WeekRow: now.Rows[0], Program: "iop", Timezone: "America/Chicago", Previous: attendance.VerdictMet, Final: true}
	if diff := cmp.Diff(want, last.Week); diff != "" {
		t.Errorf("the last that was told (-want +got):\n%s", diff)
	}
	rows, _, err := h.store.WeekRows(t.Context(), day(t, "2026-11-02"), day(t, "2026-11-02"), "", 10)
	if diff := cmp.Diff([]records.Change{last}, rows); diff != "" || err != nil {
		t.Errorf("WeekRows, %v (-want +got):\n%s", err, diff)
	}
}

// An authorization is low when what is scheduled for the next seven days would
// use up the rest, or two units are left; it is exhausted when nothing is, and
// recovers when there is more. Each is told once.
func TestAuthorizationsAreTold(t *testing.T) {
	h := inMemory(t)
	h.start = monday
	h.clock.SetTime(h.time(-60))
	const aDay = 24 * 60
	days := []int{0, 2, 4, 7, 9, 11, 14, 16}
	for i, day := range days {
		h.put(rooms.SessionID("s"+string(rune('a'+i))), day*aDay, day*aDay+180, "p1")
	}
	grant := schedule.Authorization{ID: "a1", Person: "p1", Unit: attendance.UnitDay, Count: 6}
	h.authorize(grant)
	var got []string
	attend := func(i int) {
		t.Helper()
		from := days[i] * aDay
		id := rooms.SessionID("s" + string(rune('a'+i)))
		h.clock.SetTime(h.time(from + 181))
		h.hold(id, from, from+180, stay{"p1", from, from + 180})
		h.settle(id)
		got = nil
		for _, line := range h.feed() {
			if line[0] == 'a' {
				got = append(got, line)
			}
		}
	}
	want := func(when string, lines ...string) {
		t.Helper()
		if !slices.Equal(got, lines) {
			t.Errorf("%s the feed has %q, want %q", when, got, lines)
		}
	}
	attend(0)
	attend(1)
	want("with four left and three in the next seven days,")
	attend(2)
	want("with three left,", "a1 low< 3")
	attend(3)
	attend(4)
	want("with less left,", "a1 low< 3")
	attend(5)
	want("with nothing left,", "a1 low< 3", "a1 exhausted<low 0")
	grant.Count = 20
	h.authorize(grant)
	attend(6)
	want("after the payer granted more,", "a1 low< 3", "a1 exhausted<low 0", "a1 recovered<exhausted 13")
}
