package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
	"viop/web"
)

// From a session that was held to what others read of it: everything is told
// in its order, with what is about it, and of everybody it is written down.
func TestTheFeedOfASession(t *testing.T) {
	h, store, start := held(t)
	books := records.New(store, slog.New(slog.DiscardHandler))
	books.Round(t.Context())
	staff := h.keys.API("t1", auth.AttendanceRead, auth.AttendanceCorrect, auth.AttendanceSign)
	var now sheet
	h.decode(h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"}), &now)
	h.want(h.do(call{method: "POST", path: "/v1/sessions/s1/signatures", token: staff,
		body: object{"version": 1, "hash": now.Versions[0].Hash, "head": now.Head}}), http.StatusCreated)
	h.want(h.do(call{method: "POST", path: "/v1/sessions/s1/corrections", token: staff,
		body: object{"op": "add", "person": "p2", "start": start.Add(time.Hour), "end": start.Add(2 * time.Hour), "reason": "phone_participation"}}), http.StatusCreated)

	items := h.everything("/v1/attendance?limit=3")
	var told []string
	for _, item := range items {
		switch {
		case item.Record != nil:
			told = append(told, fmt.Sprint(item.Type, " ", item.Record.RecordID, " v", item.Record.Version, " ", item.Record.State, " ", item.Record.CreditedMS/60_000))
			if a := item.Record.About; a == nil || a.Program != "evening" || len(a.Facilitators) != 1 || a.Facilitators[0].Person != "t1" {
				t.Errorf("about %s is %+v", item.Record.RecordID, a)
			}
		case item.Signature != nil:
			told = append(told, fmt.Sprint(item.Type, " v", item.Signature.Version, " ", item.Signature.By))
		}
	}
	want := []string{
		"attendance.record.finalized s1/p1 v1 unsigned 180", "attendance.record.finalized s1/p2 v1 unsigned 60",
		"attendance.record.signed v1 t1", "attendance.record.amended s1/p2 v2 amended 120",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the feed of s1 (-want +got):\n%s", diff)
	}
	week := attendance.At(start).Time().AddDate(0, 0, -7).Format(time.DateOnly)
	rows := h.everything("/v1/weeks?from=" + week + "&to=" + start.AddDate(0, 0, 1).Format(time.DateOnly))
	last := map[string]export.Item{}
	for _, item := range items {
		if item.Week != nil {
			last[item.Week.Week.Week.String()+" "+item.Week.Person] = item
		}
	}
	for _, row := range rows {
		if diff := cmp.Diff(last[row.Week.Week.Week.String()+" "+row.Week.Person], row); diff != "" {
			t.Errorf("a week is not what was told last (-feed +weeks):\n%s", diff)
		}
	}
	if len(rows) < 2 || len(rows) != len(last) {
		t.Errorf("%d weeks are listed, and %d told", len(rows), len(last))
	}
	written, err := store.Disclosures(t.Context(), "p2", 0, 100)
	if err != nil || len(written) == 0 || written[0].Destination != "scheduler" || written[0].Format != delivery.AsFeed {
		t.Errorf("the accounting of p2 is %+v, %v", written, err)
	}
}

// everything is all items of a list, page by page.
func (h *house) everything(path string) (items []export.Item) {
	h.t.Helper()
	for next := ""; ; {
		var page struct {
			Items []export.Item
			Next  string
			More  *bool
		}
		answer := h.do(call{method: "GET", path: path + next})
		h.want(answer, http.StatusOK)
		h.decode(answer, &page)
		items = append(items, page.Items...)
		if next = "&after=" + page.Next; page.Next == "" || page.More != nil && !*page.More {
			return items
		}
	}
}

// While two nodes settle, sign and correct many sessions at once, one reader
// that takes small pages, and another that takes large ones, hear of every
// change once, and of each session in the order in which it was written.
func TestTheFeedIsCompleteUnderWriters(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	h := houseOn(t, store, func(c *web.Config) { c.Rate, c.Burst = 1_000_000, 1_000_000 })
	h.furnish()
	const sessions = 8
	start := time.Now().UTC().Add(-30 * time.Hour).Truncate(time.Hour)
	var ids []rooms.SessionID
	for i := range sessions {
		ids = append(ids, rooms.SessionID(fmt.Sprint("w", i)))
		h.hold(store, ids[i], start.Add(time.Duration(i/2)*5*time.Hour))
	}

	nodes := []*records.Books{records.New(store, slog.New(slog.DiscardHandler)), records.New(store, slog.New(slog.DiscardHandler))}
	var writers, readers sync.WaitGroup
	for n := range 6 {
		random, books := rand.New(rand.NewPCG(7, uint64(n))), nodes[n%2]
		writers.Go(func() {
			for range 14 {
				if err := writeAnything(t, books, random, ids[random.IntN(sessions)], start); err != nil {
					t.Error(err)
				}
			}
		})
	}
	written := make(chan struct{})
	heard := make([][]export.Item, 2)
	for i, limit := range []int{3, 200} {
		readers.Go(func() { heard[i] = h.hear(limit, written) })
	}
	writers.Wait()
	for _, id := range ids { // what an act has left to others
		if err := nodes[0].Settle(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	close(written)
	readers.Wait()

	if diff := cmp.Diff(heard[1], heard[0]); diff != "" {
		t.Errorf("the two readers differ (-large +small):\n%s", diff)
	}
	feed, err := store.FeedID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{}
	for i, item := range heard[0] {
		if want := fmt.Sprint(feed, ".", i+1); numbered(item.ID) != want {
			t.Fatalf("item %d is %s, want %s", i+1, item.ID, want)
		}
		if item.Record != nil {
			told[item.Record.Session] = append(told[item.Record.Session], item.Record.Person+" "+item.Record.Hash)
		}
		if item.Signature != nil {
			told[item.Signature.Session] = append(told[item.Signature.Session], "signed "+item.Signature.Hash)
		}
	}
	for _, id := range ids {
		if diff := cmp.Diff(h.written(store, id), told[string(id)]); diff != "" {
			t.Errorf("%s (-written +told):\n%s", id, diff)
		}
	}
	t.Logf("%d changes of %d sessions", len(heard[0]), sessions)
}

// houseOn serves a store with real books and a real gate, through which
// "scheduler" may fetch.
func houseOn(t *testing.T, store *redisstore.Store, change ...func(*web.Config)) *house {
	t.Helper()
	gate := delivery.NewGate(store, store.Now)
	h := newHouse(t, append([]func(*web.Config){func(c *web.Config) {
		c.Store, c.Books = store, records.New(store, slog.New(slog.DiscardHandler))
		c.Feed, c.Teller, c.Gate = store, delivery.NewTeller(store), gate
	}}, change...)...)
	_, _, err := gate.Put(t.Context(), delivery.Destination{
		ID: "scheduler", Kind: delivery.Pull, Basis: delivery.QSOA, Enabled: true, Start: delivery.AtBeginning,
	}, schedule.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// hold is a session of three hours to which p1 and p2 came.
func (h *house) hold(store *redisstore.Store, id rooms.SessionID, start time.Time) {
	h.t.Helper()
	_, _, err := store.PutSession(h.t.Context(), schedule.Session{
		ID: id, Program: "evening", Service: attendance.Group, Start: start, End: start.Add(3 * time.Hour),
		Roster: []rooms.PersonID{"p1", "p2"}, Facilitators: []rooms.PersonID{"t1"},
	}, schedule.Condition{})
	if err != nil {
		h.t.Fatal(err)
	}
	lease, err := store.Acquire(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	at := func(minute int) attendance.Instant {
		return attendance.At(start.Add(time.Duration(minute) * time.Minute))
	}
	lease.Record(attendance.Event{At: at(0), Type: attendance.Opened})
	for i, person := range []string{"t1", "p1", "p2"} {
		lease.Record(attendance.Event{At: at(i), Type: attendance.Admitted, Person: person, Connection: fmt.Sprint("c1-", i)})
	}
	lease.Record(attendance.Event{At: at(180), Type: attendance.Closed})
	if err := lease.Close(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// writeAnything settles, corrects or signs a session. Others do at the same
// time, so what was read may have moved.
func writeAnything(t *testing.T, books *records.Books, random *rand.Rand, id rooms.SessionID, start time.Time) error {
	switch random.IntN(4) {
	case 0:
		return books.Settle(t.Context(), id)
	case 1:
		s, err := books.Records(t.Context(), id)
		if err != nil {
			return err
		}
		v := s.Versions[random.IntN(len(s.Versions))]
		_, err = books.Sign(t.Context(), id, records.Signature{By: "t1", Version: v.Version, Hash: v.Hash, Head: s.Head})
		if _, moved := errors.AsType[*records.Conflict](err); moved {
			return nil
		}
		return err
	}
	s, err := books.Records(t.Context(), id)
	if err != nil {
		return err
	}
	from := s.Input.Sessions[slices.IndexFunc(s.Input.Sessions, func(x attendance.Session) bool { return x.ID == string(id) })].ScheduledStart +
		attendance.Instant(random.IntN(150))*60_000
	_, err = books.Correct(t.Context(), id, attendance.Correction{
		By: "t1", Op: attendance.RemoveTime, Person: []string{"p1", "p2"}[random.IntN(2)],
		Start: from, End: from + attendance.Instant(1+random.IntN(20))*60_000, Reason: attendance.OtherReason, Note: "as seen",
	})
	if errors.Is(err, records.ErrNothingChanges) {
		return nil
	}
	return err
}

// hear reads the feed until everything is written and nothing is left.
func (h *house) hear(limit int, written <-chan struct{}) (items []export.Item) {
	for next, done := "", false; ; {
		select {
		case <-written:
			done = true
		default:
		}
		wait := 2
		if done {
			wait = 0
		}
		answer := h.do(call{method: "GET", path: fmt.Sprintf("/v1/attendance?limit=%d&wait=%d%s", limit, wait, next)})
		var page struct {
			Items []export.Item
			Next  string
			More  bool
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != http.StatusOK {
			h.t.Errorf("a page: %d %s", answer.Code, answer.Body)
			return items
		}
		items = append(items, page.Items...)
		if next = "&after=" + page.Next; done && !page.More && len(page.Items) == 0 {
			return items
		}
	}
}

// written is what the book of a session has, in its order.
func (h *house) written(store *redisstore.Store, id rooms.SessionID) (lines []string) {
	h.t.Helper()
	book, err := store.Book(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	signatures := book.Signatures()
	for _, r := range book.Readings {
		for len(signatures) > 0 && signatures[0].At < r.AsOf {
			lines, signatures = append(lines, "signed "+signatures[0].Hash), signatures[1:]
		}
		lines = append(lines, r.Person+" "+r.Hash)
	}
	for _, s := range signatures {
		lines = append(lines, "signed "+s.Hash)
	}
	if !strings.HasPrefix(strings.Join(lines, "\n"), "p1 ") {
		h.t.Errorf("the book of %s is %q", id, lines)
	}
	return lines
}
