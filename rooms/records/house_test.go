package records_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// house is a clinic with a store and its books: facilitators t1 and t2,
// an observer o1, patients p1 to p3, all of program "iop" in Chicago.
type house struct {
	t     tester
	store *redisstore.Store
	books *records.Books
	start time.Time // of the evening in most stories, two days ago: it is over
	clock *miniredis.Miniredis
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
	Context() context.Context
}

// stories runs a test on an in-memory Redis and on a real one.
func stories(t *testing.T, story func(*testing.T, *house)) {
	t.Run("memory", func(t *testing.T) { story(t, inMemory(t)) })
	t.Run("server", func(t *testing.T) {
		if _, err := exec.LookPath("redis-server"); err != nil {
			t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
		}
		story(t, newHouse(t, redisstore.Config{}))
	})
}

// inMemory is a house on a Redis whose clock can be set.
func inMemory(t testing.TB) *house {
	m := miniredis.RunT(t)
	h := newHouse(t, redisstore.Config{URL: "redis://" + m.Addr(), AllowVolatile: true})
	h.clock = m
	return h
}

func newHouse(t testing.TB, cfg redisstore.Config) *house {
	t.Helper()
	cfg.Dir = t.TempDir()
	store, err := redisstore.Open(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &house{t: t, store: store, books: records.New(store, quiet())}
	now, err := store.Now(t.Context())
	h.must(err)
	h.start = now.Add(-48 * time.Hour).Truncate(time.Hour)
	h.furnish()
	return h
}

// furnish puts in the program and its people.
func (h *house) furnish() {
	h.t.Helper()
	h.putProgram(func(*schedule.Program) {})
	for id, role := range map[rooms.PersonID]auth.Role{
		"t1": auth.Facilitator, "t2": auth.Facilitator, "t3": auth.Facilitator, "o1": auth.Observer,
		"p1": auth.Patient, "p2": auth.Patient, "p3": auth.Patient,
	} {
		_, _, err := h.store.PutPerson(h.t.Context(), schedule.Person{ID: id, Role: role, Program: "iop"}, schedule.Condition{})
		h.must(err)
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) putProgram(change func(*schedule.Program)) {
	h.t.Helper()
	p := schedule.Program{ID: "iop"}
	p.Timezone, p.Counting = "America/Chicago", attendance.DefaultCounting()
	change(&p)
	_, _, err := h.store.PutProgram(h.t.Context(), p, schedule.Condition{})
	h.must(err)
}

// put schedules a session for some minutes after h.start.
func (h *house) put(id rooms.SessionID, from, to int, roster ...rooms.PersonID) {
	h.t.Helper()
	h.putService(id, attendance.Group, from, to, roster...)
}

func (h *house) putService(id rooms.SessionID, service attendance.Service, from, to int, roster ...rooms.PersonID) {
	h.t.Helper()
	_, _, err := h.store.PutSession(h.t.Context(), schedule.Session{
		ID: id, Program: "iop", Service: service, Start: h.time(from), End: h.time(to),
		Roster: roster, Facilitators: []rooms.PersonID{"t1", "t2"},
	}, schedule.Condition{})
	h.must(err)
}

// authorize puts in an authorization for the weeks around h.start.
func (h *house) authorize(a schedule.Authorization) {
	h.t.Helper()
	today := attendance.Date(h.start.Unix() / (24 * 60 * 60))
	a.From, a.To = today-14, today+60
	h.write(a)
}

func (h *house) write(d schedule.Document) {
	h.t.Helper()
	_, err := h.store.PutAll(h.t.Context(), []schedule.Write{{Document: d}})
	h.must(err)
}

func (h *house) time(minute int) time.Time        { return h.start.Add(time.Duration(minute) * time.Minute) }
func (h *house) at(minute int) attendance.Instant { return attendance.At(h.time(minute)) }

// hold is a session as it happened: t1 is there from minute to minute, and so
// is everybody on stays, and then it is closed.
func (h *house) hold(id rooms.SessionID, from, to int, stays ...stay) {
	h.t.Helper()
	events := []attendance.Event{{Type: attendance.Opened, At: h.at(from)}}
	for i, s := range append([]stay{{"t1", from, to}}, stays...) {
		conn := "c1-" + string(rune('a'+i))
		events = append(events,
			attendance.Event{Type: attendance.Admitted, At: h.at(s.from), Person: string(s.person), Connection: conn},
			attendance.Event{Type: attendance.Left, At: h.at(s.to), Connection: conn, Reason: attendance.ReasonLeave})
	}
	h.record(id, append(events, attendance.Event{Type: attendance.Closed, At: h.at(to)})...)
}

type stay struct {
	person   rooms.PersonID
	from, to int
}

// record writes evidence in an epoch of its own.
func (h *house) record(id rooms.SessionID, events ...attendance.Event) {
	h.t.Helper()
	l, err := h.store.Acquire(h.t.Context(), id)
	h.must(err)
	l.Record(events...)
	h.must(l.Close(h.t.Context()))
}

// evening is the usual story: s1 of three hours, p1 there all the time, p2 for
// the last two.
func (h *house) evening() {
	h.t.Helper()
	h.put("s1", 0, 180, "p1", "p2")
	h.hold("s1", 0, 180, stay{"p1", 0, 180}, stay{"p2", 60, 180})
}

func (h *house) sheet(id rooms.SessionID) *records.Sheet {
	h.t.Helper()
	s, err := h.books.Records(h.t.Context(), id)
	h.must(err)
	return s
}

func (h *house) settle(id rooms.SessionID) {
	h.t.Helper()
	h.must(h.books.Settle(h.t.Context(), id))
}

// read is what somebody who has read the sheet signs of a version.
func read(s *records.Sheet, by string, version int) records.Signature {
	sig := records.Signature{By: by, Version: version, Head: s.Head}
	for _, v := range s.Versions {
		if v.Version == version {
			sig.Hash = v.Hash
		}
	}
	return sig
}

func (h *house) sign(id rooms.SessionID, by string, version int) *records.Sheet {
	h.t.Helper()
	s, err := h.books.Sign(h.t.Context(), id, read(h.sheet(id), by, version))
	h.must(err)
	return s
}

func (h *house) correct(id rooms.SessionID, k attendance.Correction) *records.Sheet {
	h.t.Helper()
	s, err := h.books.Correct(h.t.Context(), id, k)
	h.must(err)
	return s
}

// add credits a person by t1, who saw them on the phone.
func (h *house) add(person string, from, to int) attendance.Correction {
	return attendance.Correction{By: "t1", Op: attendance.AddTime, Person: person, Start: h.at(from), End: h.at(to),
		Reason: attendance.PhoneParticipation}
}

// words says of each record "person version state minutes".
func words(s *records.Sheet) []string {
	var lines []string
	for _, r := range s.Records {
		lines = append(lines, r.Person+" v"+string(rune('0'+r.Version))+" "+string(r.State)+" "+attendance.CreditText(r.CreditedMS))
	}
	return lines
}

func (h *house) want(s *records.Sheet, lines ...string) {
	h.t.Helper()
	if got := words(s); !slices.Equal(got, lines) {
		h.t.Errorf("the sheet of %s says %q, want %q", s.Session.Session, got, lines)
	}
}

// readings are "person version minutes" as kept, in order.
func (h *house) readings(id rooms.SessionID) []string {
	h.t.Helper()
	book, err := h.store.Book(h.t.Context(), id)
	h.must(err)
	lines := []string{}
	for _, r := range book.Readings {
		if r.Gone() {
			lines = append(lines, r.Person+" v"+string(rune('0'+r.Version))+" gone")
			continue
		}
		var record attendance.Record
		h.must(json.Unmarshal(r.Record, &record))
		lines = append(lines, r.Person+" v"+string(rune('0'+r.Version))+" "+attendance.CreditText(record.CreditedMS))
	}
	return lines
}

func (h *house) wantReadings(id rooms.SessionID, lines ...string) {
	h.t.Helper()
	if got := h.readings(id); !slices.Equal(got, lines) {
		h.t.Errorf("kept of %s is %q, want %q", id, got, lines)
	}
}

// feed is all changes (inWords).
func (h *house) feed() []string {
	h.t.Helper()
	var lines []string
	for _, c := range h.changes() {
		lines = append(lines, inWords(c))
	}
	return lines
}

func (h *house) changes() (all []records.Change) {
	h.t.Helper()
	var after int64
	for {
		page, err := h.store.Changes(context.WithoutCancel(h.t.Context()), after, 3) // small, so that paging is tested
		h.must(err)
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1].Seq
	}
}

// inWords is "s1 p1 v1" of a record, "s1 signed v1 t1" of a signature, "p1
// verdict<previous minutes" of a week and "a1 status<previous left" of an
// authorization.
func inWords(c records.Change) string {
	switch c.Kind {
	case records.RecordChanged:
		return fmt.Sprintf("%s %s v%d", c.Session, c.Person, c.Version)
	case records.RecordsSigned:
		return fmt.Sprintf("%s signed v%d %s", c.Session, c.Version, c.Signature.By)
	case records.WeekChanged:
		return fmt.Sprintf("%s %s<%s %s", c.Person, c.Week.Verdict, c.Week.Previous, attendance.CreditText(c.Week.CreditedMS))
	}
	return fmt.Sprintf("%s %s<%s %d", c.Authorization.ID, c.Authorization.Status, c.Authorization.Previous, c.Authorization.Remaining)
}

// wantRecomputed: anybody who has the case as a document comes to the bytes
// that were kept last.
func (h *house) wantRecomputed(id rooms.SessionID) {
	h.t.Helper()
	c, err := h.store.Case(h.t.Context(), id)
	h.must(err)
	document, err := json.Marshal(c)
	h.must(err)
	again, err := attendance.Decode(document)
	h.must(err)
	book, err := h.store.Book(h.t.Context(), id)
	h.must(err)
	kept := map[string]string{}
	for _, r := range book.Readings {
		kept[r.Person] = string(r.Record)
		if r.Gone() {
			delete(kept, r.Person)
		}
	}
	n := 0
	for _, r := range attendance.Evaluate(again).Records {
		if r.Session != string(id) {
			continue
		}
		n++
		canonical, err := records.Canonical(r)
		h.must(err)
		if string(canonical) != kept[r.Person] {
			h.t.Errorf("record of %s in %s recomputes to\n%s\nand kept is\n%s", r.Person, id, canonical, kept[r.Person])
		}
	}
	if n == 0 || n != len(kept) {
		h.t.Errorf("%d records of %s recompute, %d are kept", n, id, len(kept))
	}
}

func (h *house) wantVerified(id rooms.SessionID) {
	h.t.Helper()
	if _, err := h.store.VerifyChain(h.t.Context(), id); err != nil {
		h.t.Errorf("VerifyChain: %v", err)
	}
}
