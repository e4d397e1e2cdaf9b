package web_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/web"
)

// fed is a house with a feed of so many entries: records, with a signature,
// weeks and authorizations in between.
func fed(t *testing.T, n int, change ...func(*web.Config)) *house {
	h := newHouse(t, change...)
	for i := range n {
		h.feed.add(h.anEntry(i + 1))
	}
	return h
}

func (h *house) anEntry(seq int) records.Entry {
	h.t.Helper()
	at := attendance.At(h.now) + attendance.Instant(seq)
	record := attendance.Record{
		Session: "s1", Person: "p1", Service: attendance.Group, Date: 20759, Status: attendance.StatusAttended, Version: 1,
		Labels: []attendance.Label{}, Credited: attendance.Set{{Start: at, End: at + 60_000}}, CreditedMS: 60_000,
		ConnectedMS: 60_000, AttendedMS: 60_000, Units: attendance.RecordUnits{MinuteFloor: 1},
	}
	e := records.Entry{Change: records.Change{Seq: int64(seq), At: at, Kind: records.RecordChanged, Session: "s1", Person: "p1", Version: 1, Reading: seq, First: seq == 1}}
	switch seq % 5 {
	case 1, 2:
		text, err := records.Canonical(record)
		hash, err2 := records.HashRecord(record)
		if err := errors.Join(err, err2); err != nil {
			h.t.Fatal(err)
		}
		e.Hash = hash
		e.Reading = records.Reading{Seq: seq, Person: "p1", Version: 1, Hash: hash, AsOf: at, Head: digest("a"), Record: text, About: &records.About{
			Program: "evening", Timezone: "America/Chicago", Title: "Monday", Start: at, End: at + 60_000, Level: "2.1",
			Waiting: attendance.Set{{Start: at - 10, End: at}}, Facilitators: []records.Staff{{Person: "t1", Start: at, End: at + 60_000}},
			Flags: []attendance.Flag{attendance.FlagGroupUnderMin}, PatientsMax: 1,
		}}
		e.Signatures = []records.Signature{{Session: "s1", Version: 1, By: "t1", At: at - 1, Hash: digest("d"), Head: digest("a"), Records: map[string]string{"p1": hash}}}
	case 3:
		e.Change = records.Change{Seq: int64(seq), At: at, Kind: records.RecordsSigned, Session: "s1", Version: 1, Hash: digest("d"), Amendment: seq,
			Signature: &records.Signature{Session: "s1", Version: 1, By: "t1", At: at, Hash: digest("d"), Head: digest("a"), Records: map[string]string{"p1": digest("b"), "p2": digest("c")}}}
	case 4:
		e.Change = h.aRow("p2", 20759, seq)
	case 0:
		e.Change = records.Change{Seq: int64(seq), At: at, Kind: records.AuthorizationChanged, Person: "p1", Authorization: &records.ToldAuthorization{
			AuthorizationResult: attendance.AuthorizationResult{ID: "a1", Person: "p1", Used: 3, Pending: 6, Remaining: 1},
			Program:             "evening", Unit: attendance.UnitDay, Count: 10, From: 20700, To: 20800, Status: records.AuthorizationLow,
		}}
	}
	return e
}

// aRow is a week as it was told.
func (h *house) aRow(person string, first attendance.Date, seq int) records.Change {
	w := &records.ToldWeek{Program: "evening", Timezone: "America/Chicago", Previous: attendance.VerdictOnTrack}
	w.Person, w.Week.Week, w.Verdict, w.Days = person, first, attendance.VerdictMet, []attendance.Day{}
	w.Start, w.End = attendance.At(h.now), attendance.At(h.now)+7*24*3600*1000
	return records.Change{Seq: int64(seq), At: attendance.At(h.now) + attendance.Instant(seq), Kind: records.WeekChanged, Person: person, Week: w}
}

type itemPage struct {
	Items []struct {
		ID, Type      string
		Record        *struct{ Name string }
		Week          *struct{ Person, Week string }
		Authorization *struct{ Name string }
	}
	Next string
	More bool
}

func (h *house) page(path string) (p itemPage) {
	h.t.Helper()
	answer := h.do(call{method: "GET", path: path})
	h.want(answer, http.StatusOK)
	h.decode(answer, &p)
	return p
}

func TestFeedInPages(t *testing.T) {
	h := fed(t, 12)
	var ids, kinds []string
	path := "/v1/attendance?limit=5"
	for pages := 1; ; pages++ {
		p := h.page(path)
		for _, item := range p.Items {
			ids, kinds = append(ids, item.ID), append(kinds, item.Type)
		}
		if more := pages < 3; p.More != more {
			t.Errorf("page %d says that there is more: %t", pages, p.More)
		}
		path = "/v1/attendance?limit=5&after=" + p.Next
		if !p.More {
			break
		}
	}
	for i, id := range ids {
		if want := fmt.Sprint("FEED.", i+1); numbered(id) != want || len(ids) != 12 {
			t.Errorf("item %d of %d has id %q, want %q", i+1, len(ids), id, want)
		}
	}
	want := []string{"attendance.record.finalized", "attendance.record.amended", "attendance.record.signed", "week.met", "authorization.low"}
	if diff := cmp.Diff(want, kinds[:5]); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if p := h.page(path); len(p.Items) != 0 || p.More || path != "/v1/attendance?limit=5&after="+p.Next {
		t.Errorf("after the last: %+v, want nothing, and the same place", p)
	}
	h.feed.add(h.anEntry(13))
	if p := h.page(path); len(p.Items) != 1 || numbered(p.Items[0].ID) != "FEED.13" {
		t.Errorf("when there is another: %+v", p)
	}
}

func TestFeedQueries(t *testing.T) {
	h := fed(t, 3)
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "wait=-1", "wait=61", "wait=1.5", "after=1", "after=***", "destination=a/b", "after=" + url.QueryEscape("Zm9vIGJhcg==")} {
		h.problem(h.do(call{method: "GET", path: "/v1/attendance?" + query}), http.StatusBadRequest, "invalid_parameter")
	}
	next := h.page("/v1/attendance").Next
	read := call{method: "GET", path: "/v1/attendance?after=" + next}
	h.want(h.do(read), http.StatusOK)

	weeks := call{method: "GET", path: "/v1/weeks?from=2026-11-02&to=2026-11-02&after=" + next}
	h.problem(h.do(weeks), http.StatusBadRequest, "invalid_parameter")

	// Redis has lost its last entries, and has given the numbers to others since.
	h.feed.entries[2].At++
	h.problem(h.do(read), http.StatusBadRequest, "other_feed")
	h.feed.entries = h.feed.entries[:2]
	h.problem(h.do(read), http.StatusBadRequest, "other_feed")

	h = fed(t, 3)
	h.feed.id = "ANOTHER"
	h.problem(h.do(read), http.StatusBadRequest, "other_feed")
}

// Nothing leaves without a basis; what does is written down before, once, and
// names only for those who may have them.
func TestFeedIsDisclosed(t *testing.T) {
	h := fed(t, 5)
	all := auth.AllScopes()
	read := call{method: "GET", path: "/v1/attendance"}
	answer := h.do(read)
	h.want(answer, http.StatusOK)
	want := []string{"scheduler feed scheduler p1 4", "scheduler feed scheduler p2 2"}
	if diff := cmp.Diff(want, h.gate.disclosed); diff != "" {
		t.Errorf("written down (-want +got):\n%s", diff)
	}
	if strings.Contains(answer.Body.String(), "Ana") {
		t.Error("a name left for a destination that may not have it")
	}
	h.gate.disclosed = nil
	read.header = map[string]string{"If-None-Match": answer.Header().Get("ETag")}
	if again := h.do(read); again.Code != http.StatusNotModified || again.Body.Len() > 0 || h.gate.disclosed != nil {
		t.Errorf("again: %d, %s, and written down %q; want 304 and nothing", again.Code, again.Body, h.gate.disclosed)
	}
	read.header = nil

	read.path = "/v1/attendance?destination=clinic"
	if p := h.page(read.path); p.Items[0].Record.Name != "Ana B." || p.Items[4].Authorization.Name != "Ana B." {
		t.Errorf("for those who may have names comes %+v", p.Items)
	}
	h.gate.disclosed = nil
	mine := slices.DeleteFunc(slices.Clone(all), func(s auth.Scope) bool { return s == auth.DestinationsWrite })
	for _, refused := range []struct {
		subject, path, word string
		status              int
	}{
		{"scheduler", "/v1/attendance?destination=clinic", "other_destination", http.StatusForbidden},
		{"stranger", "/v1/attendance", "no_disclosure_basis", http.StatusForbidden},
		{"nobody", "/v1/attendance?wait=60", "no_disclosure_basis", http.StatusForbidden},
		{"nobody", "/v1/weeks?from=2026-11-02&to=2026-11-02", "no_disclosure_basis", http.StatusForbidden},
	} {
		answer := h.do(call{method: "GET", path: refused.path, token: h.keys.API(refused.subject, mine...)})
		h.problem(answer, refused.status, refused.word)
		if body := answer.Body.String(); strings.Contains(body, "FEED") || strings.Contains(body, "p1") {
			t.Errorf("%s as %s says %s", refused.path, refused.subject, body)
		}
	}
	h.gate.fails = errors.New("the accounting is gone")
	h.problem(h.do(call{method: "GET", path: "/v1/attendance"}), http.StatusInternalServerError, "internal")
}

func TestFeedIsCompressed(t *testing.T) {
	h := fed(t, 50)
	plain := h.do(call{method: "GET", path: "/v1/attendance"})
	h.want(plain, http.StatusOK)
	r := h.request(call{method: "GET", path: "/v1/attendance"})
	r.Header.Set("Accept-Encoding", "br, gzip")
	small := httptest.NewRecorder()
	h.handler.ServeHTTP(small, r)
	if got := small.Header().Get("Content-Encoding"); got != "gzip" || small.Body.Len()*3 > plain.Body.Len() {
		t.Fatalf("Content-Encoding = %q, %d bytes of %d", got, small.Body.Len(), plain.Body.Len())
	}
	z, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || string(body) != plain.Body.String() {
		t.Errorf("it is not what the plain answer says: %v", err)
	}
	if small.Header().Get("ETag") != plain.Header().Get("ETag") || !strings.Contains(small.Header().Get("Vary"), "Accept-Encoding") {
		t.Errorf("headers are %v, want the same weak tag, and Vary", small.Header())
	}
	h.feed.entries = h.feed.entries[:1]
	r.Header.Set("Accept-Encoding", "gzip;q=0")
	for range 2 { // too small, and not wanted
		short := httptest.NewRecorder()
		h.handler.ServeHTTP(short, r)
		if got := short.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("Content-Encoding = %q", got)
		}
		r.Header.Set("Accept-Encoding", "gzip")
	}
}

// A call that waits hears of what is new at once, gets an empty page when the
// time is up or the node goes, and is refused when it was shut out meanwhile.
func TestFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		draining := make(chan struct{})
		var verifier shut
		h := fed(t, 3, func(c *web.Config) {
			c.Draining = draining
			verifier.Verifier, c.Verifier = c.Verifier, &verifier
		})
		next := h.page("/v1/attendance").Next
		path := "/v1/attendance?wait=60&after=" + next
		wait := func() (answer *httptest.ResponseRecorder, took time.Duration) {
			began := time.Now()
			answer = h.do(call{method: "GET", path: path})
			return answer, time.Since(began)
		}
		items := func(answer *httptest.ResponseRecorder) int {
			t.Helper()
			var p itemPage
			h.want(answer, http.StatusOK)
			h.decode(answer, &p)
			return len(p.Items)
		}
		if answer, took := wait(); items(answer) != 0 || took != time.Minute {
			t.Errorf("with nothing new: %d items after %v, want none after a minute", items(answer), took)
		}
		soon := func(act func()) {
			<-h.feed.waiting
			time.AfterFunc(7*time.Second, act)
		}
		<-h.feed.waiting // of the first
		go soon(func() { h.feed.add(h.anEntry(4)) })
		if answer, took := wait(); items(answer) != 1 || took != 7*time.Second {
			t.Errorf("with something new: %d items after %v, want one at once", items(answer), took)
		}
		path = "/v1/attendance?wait=60&after=" + h.page("/v1/attendance").Next
		go soon(func() { verifier.closed = true; h.feed.add(h.anEntry(5)) })
		answer, _ := wait()
		h.problem(answer, http.StatusUnauthorized, "unauthorized")
		verifier.closed = false

		path = "/v1/attendance?wait=60&after=" + h.page("/v1/attendance").Next
		go soon(func() { close(draining) })
		if answer, took := wait(); items(answer) != 0 || took != 7*time.Second {
			t.Errorf("when the node goes: %d items after %v, want none at once", items(answer), took)
		}
	})
}

// shut is a verifier that can be told to believe nobody.
type shut struct {
	web.Verifier
	closed bool
}

func (v *shut) VerifyAPI(ctx context.Context, token string) (auth.Grant, error) {
	if v.closed {
		return auth.Grant{}, errors.New("it was revoked")
	}
	return v.Verifier.VerifyAPI(ctx, token)
}

// However many calls of one subject come, a few of them wait.
func TestFeedWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fed(t, 1)
		path := "/v1/attendance?wait=30&after=" + h.page("/v1/attendance").Next
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { h.want(h.do(call{method: "GET", path: path}), http.StatusOK) })
		}
		synctest.Wait()
		answer := h.do(call{method: "GET", path: path})
		h.problem(answer, http.StatusTooManyRequests, "too_many_waiting")
		if answer.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		all.Wait()
		h.want(h.do(call{method: "GET", path: path}), http.StatusOK) // they have left
	})
}

func TestWeeksOfEverybody(t *testing.T) {
	h := newHouse(t)
	seq := 0
	for _, first := range []attendance.Date{20752, 20759, 20766} {
		for _, person := range []string{"p1", "p2", "p3"} {
			seq++
			h.feed.rows = append(h.feed.rows, h.aRow(person, first, seq))
		}
	}
	var got []string
	for after := ""; ; {
		p := h.page("/v1/weeks?from=2026-11-01&to=2026-11-09&limit=4" + after)
		for _, item := range p.Items {
			got = append(got, numbered(item.ID)+" "+item.Type+" "+item.Week.Week+" "+item.Week.Person)
		}
		if after = "&after=" + p.Next; p.Next == "" {
			break
		}
	}
	want := []string{
		"FEED.4 week.met 2026-11-02 p1", "FEED.5 week.met 2026-11-02 p2", "FEED.6 week.met 2026-11-02 p3",
		"FEED.7 week.met 2026-11-09 p1", "FEED.8 week.met 2026-11-09 p2", "FEED.9 week.met 2026-11-09 p3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if len(h.gate.disclosed) != 5 || h.gate.disclosed[0] != "scheduler weeks scheduler p1 2" { // a row for each on a page
		t.Errorf("written down is %q", h.gate.disclosed)
	}
	for _, query := range []string{"", "?from=2026-11-02", "?from=2026-11-02&to=2026-11-01", "?from=2026-11-02&to=2027-11-09", "?from=2026-11-02&to=2026-11-02&after=x"} {
		h.problem(h.do(call{method: "GET", path: "/v1/weeks" + query}), http.StatusBadRequest, "invalid_parameter")
	}
}

// A reading that is lost is no reason to keep back everything after it.
func TestAFeedWithAHole(t *testing.T) {
	h := fed(t, 3)
	h.feed.entries[1].Reading = records.Reading{}
	p := h.page("/v1/attendance")
	if len(p.Items) != 2 || numbered(p.Items[1].ID) != "FEED.3" {
		t.Errorf("the page is %+v, want the first and the third", p.Items)
	}
	if log := h.log.String(); !strings.Contains(log, "a change cannot be told") || !strings.Contains(log, "seq=2") {
		t.Errorf("the log does not name it:\n%s", log)
	}
}

// What a page says of a withdrawn record is in the contract, too.
func TestAWithdrawnRecordOnTheFeed(t *testing.T) {
	h := fed(t, 1)
	h.feed.add(records.Entry{
		Change:  records.Change{Seq: 2, At: attendance.At(h.now), Kind: records.RecordChanged, Session: "s1", Person: "p1", Version: 1, Reading: 2},
		Reading: records.Reading{Seq: 2, Person: "p1", Version: 1, AsOf: attendance.At(h.now), Head: digest("a")},
	})
	answer := h.do(call{method: "GET", path: "/v1/attendance"})
	var p struct{ Items []json.RawMessage }
	h.want(answer, http.StatusOK)
	h.decode(answer, &p)
	if last := string(p.Items[1]); !strings.Contains(last, `"type":"attendance.record.withdrawn"`) || !strings.Contains(last, `"record_id":"s1/p1"`) {
		t.Errorf("the last item is %s", last)
	}
}

// numbered is the id of an item without when it was told.
func numbered(id string) string { return id[:strings.LastIndexByte(id, '.')] }
