package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery/deliverytest"
	"viop/rooms/export"
	"viop/rooms/redisstore"
)

// A week of a clinic, from the calendar to everybody who is told of it: four
// groups of ten are imported and meet three times; people come late, leave,
// lose their line, wait in vain, stay away; records are corrected, signed,
// amended and signed again. Somebody pulls the feed, somebody downloads tables,
// a webhook is down for half of the week, a FHIR server has its moments. In the
// end all of them hold what the evaluator says of the evidence: the same
// records, in the same versions, with the same time.
func TestAWeekReachesEverybody(t *testing.T) {
	t.Parallel()
	c := openClinic(t)
	c.arrange()
	hook, clinic := c.hook(), c.fhir()

	hook.down(true)
	for _, m := range c.meetings[:len(c.meetings)/2] {
		c.meet(m)
	}
	c.settled(len(c.meetings) / 2)
	clinic.Refuse(
		deliverytest.Trouble{Request: "PUT Encounter", Status: http.StatusPreconditionFailed},
		deliverytest.Trouble{Request: "POST Encounter", Status: http.StatusTooManyRequests, Header: "Retry-After: 1"},
		deliverytest.Trouble{Request: "POST Observation", Status: http.StatusConflict},
	)
	for _, m := range c.meetings[:3] {
		c.correct(m, "add", m.patient(6), -30*time.Minute, 0, "phone_participation")
		c.sign(m)
	}
	hook.down(false)
	for _, m := range c.meetings[len(c.meetings)/2:] {
		c.meet(m)
	}
	c.settled(len(c.meetings))
	for _, m := range c.meetings[3:] {
		c.sign(m)
	}
	amended := c.meetings[1]
	c.correct(amended, "remove", amended.patient(0), 0, 20*time.Minute, "wrong_person")
	c.sign(amended)
	c.put("/v1/sessions/"+c.meetings[5].id+"/excuses/"+c.meetings[5].patient(9), `{"by": "patient"}`)

	truth := c.evaluated()
	c.wantAWeekWorthTheName(truth)
	c.same("the feed", truth, func() held { return heldByFeed(c.feed()) })
	c.same("the tables", truth, func() held { return c.heldByTables() })
	c.redrive("hook")
	c.same("the webhook's receiver", truth, func() held { return hook.held(c.feed()) })
	c.redrive("clinic")
	c.same("the FHIR server", truth, func() held { return heldByFHIR(clinic) })
	c.accounted(c.meetings[0].patient(0), "billing", "hook", "clinic")
}

// held is what somebody holds: by record, its status, version and credited time.
type held map[string]string

func (h held) take(record string, status attendance.Status, version int, creditedMS int64) {
	h[record] = holding(status, version, creditedMS)
}

func holding(status attendance.Status, version int, creditedMS int64) string {
	return fmt.Sprintf("%s, version %d, %d ms", status, version, creditedMS)
}

// meeting is one session of one group.
type meeting struct {
	group      byte // 'a' to 'd'
	id         string
	start, end time.Time
}

func (m meeting) patient(i int) string { return fmt.Sprintf("%c%d", m.group, i) }
func (m meeting) leader() string       { return "t" + string(m.group) }

// clinic is a node on a real Redis, and a second store on it in which the
// evidence of a week is written.
type clinic struct {
	t          *testing.T
	base       string
	tokens     map[string]string // by subject
	evidence   *redisstore.Store
	first      time.Time // local midnight at which the week begins
	meetings   []meeting
	redisFlags []string
}

func openClinic(t *testing.T) *clinic {
	t.Helper()
	zone, err := attendance.LoadZone("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(zone)
	c := &clinic{t: t, tokens: map[string]string{}, first: time.Date(today.Year(), today.Month(), today.Day()-7, 0, 0, 0, 0, zone)}
	url := realRedis(t)
	key := redisstore.DataKey{ID: "week", Key: [32]byte{1}}
	keys := fmt.Sprintf("%s:%x", key.ID, key.Key)
	c.redisFlags = []string{"--redis-url", url, "--data-keys", keys}
	address, end := serving(t, append(c.redisFlags, "--data", t.TempDir())...)
	c.base = "http://" + address
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	poll(t, "the node is ready", func() bool {
		response, err := http.Get(c.base + "/readyz") //nolint:noctx // of this test
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
	c.evidence, err = redisstore.Open(t.Context(), redisstore.Config{
		URL: url, Dir: t.TempDir(), Node: "rooms", Keys: []redisstore.DataKey{key},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.evidence.Close)
	return c
}

// token of a subject, for everything.
func (c *clinic) token(subject string) string {
	c.t.Helper()
	if c.tokens[subject] == "" {
		secrets := "t:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
		token, _, err := command(c.t, "", "token", "--jwt-secrets", secrets, "--person", subject, "--scope", "all")
		if err != nil {
			c.t.Fatal(err)
		}
		c.tokens[subject] = strings.TrimSpace(token)
	}
	return c.tokens[subject]
}

// call as a subject, patiently where the node asks for patience.
func (c *clinic) call(subject, method, path, body string) []byte {
	c.t.Helper()
	var answer []byte
	poll(c.t, method+" "+path, func() bool {
		request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+c.token(subject))
		if body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			c.t.Fatal(err)
		}
		defer response.Body.Close()
		if answer, err = io.ReadAll(response.Body); err != nil {
			c.t.Fatal(err)
		}
		if response.StatusCode == http.StatusTooManyRequests {
			return false
		}
		if response.StatusCode/100 != 2 {
			c.t.Fatalf("%s %s as %s = %d: %s", method, path, subject, response.StatusCode, answer)
		}
		return true
	})
	return answer
}

func (c *clinic) get(subject, path string, into any) {
	c.t.Helper()
	if err := json.Unmarshal(c.call(subject, "GET", path, ""), into); err != nil {
		c.t.Fatalf("GET %s: %v", path, err)
	}
}

func (c *clinic) put(path, body string) {
	c.t.Helper()
	c.call("scheduler", "PUT", path, body)
}

// arrange puts the program and its people in, and imports the calendar.
func (c *clinic) arrange() {
	c.t.Helper()
	c.put("/v1/programs/iop", fmt.Sprintf(`{"timezone": "America/Chicago", "week_start": %q}`, strings.ToLower(c.first.Weekday().String())))
	people := []string{}
	sessions := "session_id,start,end,title,roster,facilitators\n"
	grants := "authorization_id,person_id,unit,count,from,to\n"
	person := func(id, role string) {
		people = append(people, fmt.Sprintf(`{"method": "PUT", "type": "person", "id": %q, "document": {"role": %q, "program": "iop"}}`, id, role))
	}
	for n, group := range []byte("abcd") {
		person("t"+string(group), "facilitator")
		var roster []string
		for i := range 10 {
			id := meeting{group: group}.patient(i)
			person(id, "patient")
			roster = append(roster, id)
			grants += fmt.Sprintf("grant-%s,%s,day,%d,%s,%s\n", id, id, 2+i, c.first.Format(time.DateOnly), c.first.AddDate(0, 0, 6).Format(time.DateOnly))
		}
		for _, day := range []int{0, 2, 3} {
			start := c.first.AddDate(0, 0, day).Add(time.Duration(9+3*n) * time.Hour) // 09:00 to 18:00, unless a clock changed
			m := meeting{group: group, id: fmt.Sprintf("%c-day%d", group, day), start: start, end: start.Add(3 * time.Hour)}
			c.meetings = append(c.meetings, m)
			sessions += strings.Join([]string{m.id, m.start.Format(time.RFC3339), m.end.Format(time.RFC3339), "Group " + strings.ToUpper(string(group)),
				strings.Join(roster, " "), m.leader()}, ",") + "\n"
		}
	}
	c.call("scheduler", "POST", "/v1/bulk", "["+strings.Join(people, ",")+"]")
	c.imported("sessions.csv", sessions)
	c.imported("authorizations.csv", grants)
	c.put("/v1/destinations/billing", `{"kind": "pull", "basis": "consent_tpo", "enabled": true, "start": "beginning"}`)
}

// imported takes a file in by the command line.
func (c *clinic) imported(name, text string) {
	c.t.Helper()
	dir := c.t.TempDir()
	path, token := filepath.Join(dir, name), filepath.Join(dir, "token")
	for path, text := range map[string]string{path: text, token: c.token("scheduler")} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	out, complaints, err := command(c.t, "", "import", "csv", path, "--program", "iop", "--server", c.base, "--token-file", token)
	if err != nil || !strings.Contains(out, strconv.Itoa(strings.Count(text, "\n")-1)+" created") {
		c.t.Fatalf("import %s: %v\n%s%s", name, err, out, complaints)
	}
}

// meet is what happened in a session.
func (c *clinic) meet(m meeting) {
	c.t.Helper()
	lease, err := c.evidence.Acquire(c.t.Context(), rooms.SessionID(m.id))
	if err != nil {
		c.t.Fatal(err)
	}
	events := []attendance.Event{}
	add := func(after time.Duration, e attendance.Event) {
		e.At = attendance.At(m.start.Add(after))
		events = append(events, e)
	}
	length := m.end.Sub(m.start)
	add(-5*time.Minute, attendance.Event{Type: attendance.Opened})
	add(-4*time.Minute, attendance.Event{Type: attendance.Admitted, Person: m.leader(), Connection: m.id + "-t"})
	for i := range 10 {
		person, conn := m.patient(i), fmt.Sprintf("%s-%d", m.id, i)
		comes := func(after time.Duration, conn string) {
			add(after, attendance.Event{Type: attendance.Admitted, Person: person, Connection: conn})
		}
		switch i {
		default:
			comes(-time.Minute, conn)
		case 5: // late
			comes(20*time.Minute, conn)
		case 6: // goes early
			comes(0, conn)
			add(length-30*time.Minute, attendance.Event{Type: attendance.Left, Connection: conn, Reason: attendance.ReasonLeave})
		case 7: // loses the line twice, once for longer than is bridged
			comes(0, conn)
			add(time.Hour, attendance.Event{Type: attendance.Lost, Connection: conn})
			comes(time.Hour+45*time.Second, conn+"b")
			add(2*time.Hour, attendance.Event{Type: attendance.Lost, Connection: conn + "b"})
			comes(2*time.Hour+95*time.Second+250*time.Millisecond, conn+"c")
		case 8: // waits in vain
			add(0, attendance.Event{Type: attendance.Waiting, Person: person, Connection: conn})
			add(40*time.Minute, attendance.Event{Type: attendance.Left, Connection: conn, Reason: attendance.ReasonLeave})
		case 9: // stays away
		}
	}
	add(length+time.Minute, attendance.Event{Type: attendance.Closed})
	lease.Record(events...)
	if err := lease.Close(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// settled waits until the feed has told of so many sessions in full.
func (c *clinic) settled(meetings int) {
	c.t.Helper()
	patiently(c.t, "the feed tells of what happened", func() bool {
		attended := map[string]bool{}
		for _, item := range c.feed() {
			if item.Record != nil && item.Record.CreditedMS > 0 {
				attended[item.Record.Session] = true
			}
		}
		return len(attended) == meetings
	})
}

// patiently polls what takes the node some rounds of its books.
func patiently(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 90 s: %s", what)
		}
	}
}

func (c *clinic) correct(m meeting, op, person string, from, to time.Duration, reason string) {
	c.t.Helper()
	at := func(after time.Duration, of time.Time) string { return of.Add(after).UTC().Format(time.RFC3339) }
	start, end := at(from, m.start), at(to, m.start)
	if from < 0 { // before the end
		start, end = at(from, m.end), at(to, m.end)
	}
	c.call(m.leader(), "POST", "/v1/sessions/"+m.id+"/corrections",
		fmt.Sprintf(`{"op": %q, "person": %q, "start": %q, "end": %q, "reason": %q}`, op, person, start, end, reason))
}

// sign every version that is not signed.
func (c *clinic) sign(m meeting) {
	c.t.Helper()
	for range 4 {
		var sheet struct {
			Head     string
			Versions []struct {
				Version int
				Hash    string
				State   attendance.State
			}
		}
		c.get(m.leader(), "/v1/sessions/"+m.id+"/attendance", &sheet)
		done := true
		for _, v := range sheet.Versions {
			if v.State != attendance.StateSigned {
				c.call(m.leader(), "POST", "/v1/sessions/"+m.id+"/signatures",
					fmt.Sprintf(`{"version": %d, "hash": %q, "head": %q}`, v.Version, v.Hash, sheet.Head))
				done = false
				break // the head is another one now
			}
		}
		if done {
			return
		}
	}
	c.t.Fatalf("session %s cannot be signed to the end", m.id)
}

// evaluated is what anybody can compute from the evidence.
func (c *clinic) evaluated() held {
	c.t.Helper()
	h := held{}
	for _, m := range c.meetings {
		document, _, err := command(c.t, "", append([]string{"attendance", "case", "--data", c.t.TempDir(), "--session", m.id}, c.redisFlags...)...)
		if err != nil {
			c.t.Fatal(err)
		}
		answer, _, err := command(c.t, document, "attendance", "evaluate", "-")
		if err != nil {
			c.t.Fatal(err)
		}
		var result attendance.Result
		if err := json.Unmarshal([]byte(answer), &result); err != nil {
			c.t.Fatal(err)
		}
		for _, r := range result.Records {
			if r.Session == m.id {
				h.take(export.RecordID(r.Session, r.Person), r.Status, r.Version, r.CreditedMS)
			}
		}
	}
	return h
}

// wantAWeekWorthTheName guards against a test that compares nothing.
func (c *clinic) wantAWeekWorthTheName(h held) {
	c.t.Helper()
	const hour = 60 * 60 * 1000
	for record, want := range map[string]string{
		"a-day0/a0": holding(attendance.StatusAttended, 1, 3*hour),
		"a-day0/a6": holding(attendance.StatusAttended, 1, 3*hour), // corrected before anybody signed
		"a-day2/a0": holding(attendance.StatusAttended, 2, 3*hour-20*60*1000),
		"b-day0/b7": holding(attendance.StatusAttended, 1, 3*hour-95_250),
		"d-day3/d5": holding(attendance.StatusAttended, 1, 3*hour-20*60*1000),
		"d-day3/d6": holding(attendance.StatusAttended, 1, 3*hour-30*60*1000),
		"d-day3/d8": holding(attendance.StatusLobbyOnly, 1, 0),
		"d-day3/d9": holding(attendance.StatusNoShow, 1, 0),
		"b-day3/b9": holding(attendance.StatusExcused, 1, 0),
	} {
		if h[record] != want {
			c.t.Errorf("%s is %s by the evidence, want %s", record, h[record], want)
		}
	}
	if len(h) != 120 {
		c.t.Fatalf("the evidence has %d records, want 120", len(h))
	}
}

// same waits until somebody holds what is true.
func (c *clinic) same(who string, truth held, now func() held) {
	c.t.Helper()
	var got held
	deadline := time.Now().Add(90 * time.Second)
	for tick := time.NewTicker(500 * time.Millisecond); ; <-tick.C {
		if got = now(); cmp.Equal(truth, got) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not within 90 s: %s hold what is true (-true +held):\n%s", who, cmp.Diff(truth, got))
		}
	}
}

// feed is all of it, pulled from the beginning by billing.
func (c *clinic) feed() []export.Item {
	c.t.Helper()
	var items []export.Item
	for after := ""; ; {
		var page struct {
			Items []export.Item
			Next  string
			More  bool
		}
		c.get("billing", "/v1/attendance?limit=200&after="+after, &page)
		items = append(items, page.Items...)
		if after = page.Next; !page.More {
			return items
		}
	}
}

// heldByFeed is what the last item of each record says.
func heldByFeed(items []export.Item) held {
	h := held{}
	for _, item := range items {
		if r := item.Record; r != nil {
			h.take(r.RecordID, r.Status, r.Version, r.CreditedMS)
		}
	}
	return h
}

// heldByTables is what the rows of attendance.csv say.
func (c *clinic) heldByTables() held {
	c.t.Helper()
	archive := c.call("billing", "GET", fmt.Sprintf("/v1/attendance.zip?raw=1&from=%s&to=%s",
		c.first.Format(time.DateOnly), c.first.AddDate(0, 0, 6).Format(time.DateOnly)), "")
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		c.t.Fatal(err)
	}
	table, err := files.Open("attendance.csv")
	if err != nil {
		c.t.Fatal(err)
	}
	defer table.Close()
	rows, err := csv.NewReader(table).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	h := held{}
	for _, row := range rows[1:] {
		version, err := strconv.Atoi(row[column["version"]])
		if err != nil {
			c.t.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(row[column["credited_s"]], 64)
		if err != nil {
			c.t.Fatal(err)
		}
		h.take(row[column["record_id"]], attendance.Status(row[column["status"]]), version, int64(math.Round(seconds*1000)))
	}
	return h
}

// receiver of the webhook.
type receiver struct {
	mu      sync.Mutex
	refuses bool                      // guarded by mu, as is
	got     map[string]export.Message // the last message of each record
}

// hook is a webhook on this machine, from the beginning.
func (c *clinic) hook() *receiver {
	c.t.Helper()
	r := &receiver{got: map[string]export.Message{}}
	server := httptest.NewServer(r)
	c.t.Cleanup(server.Close)
	c.put("/v1/destinations/hook", fmt.Sprintf(
		`{"kind": "webhook", "basis": "qsoa", "enabled": true, "start": "beginning", "allow_private": true, "url": %q}`, server.URL))
	c.call("scheduler", "POST", "/v1/destinations/hook/keys", "")
	return r
}

func (r *receiver) down(refuses bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = refuses
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var m export.Message
	err := json.NewDecoder(request.Body).Decode(&m)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || r.refuses || request.Header.Get("Webhook-Signature") == "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if m.Data.Record != "" {
		r.got[m.Data.Record] = m
	}
	w.WriteHeader(http.StatusNoContent)
}

// held is what the messages name, fetched from the feed as a receiver does.
func (r *receiver) held(items []export.Item) held {
	r.mu.Lock()
	defer r.mu.Unlock()
	byID := map[string]export.Item{}
	for _, item := range items {
		byID[item.ID] = item
	}
	h := held{}
	for record, m := range r.got {
		if item := byID[m.Data.Item]; item.Record != nil {
			h.take(record, item.Record.Status, m.Data.Version, item.Record.CreditedMS)
		}
	}
	return h
}

// fhir is a FHIR server on this machine, from the beginning.
func (c *clinic) fhir() *deliverytest.FHIRServer {
	c.t.Helper()
	f := deliverytest.NewFHIRServer()
	server := httptest.NewServer(f)
	c.t.Cleanup(server.Close)
	c.put("/v1/destinations/clinic", fmt.Sprintf(`{"kind": "fhir", "basis": "qsoa", "enabled": true, "start": "beginning", "allow_private": true,
		"url": "%s/fhir", "system": "https://iop.example.org",
		"oauth": {"token_url": "%[1]s/token", "client_id": "viop", "client_secret": "open-sesame"}}`, server.URL))
	return f
}

// heldByFHIR is what the Encounters say.
func heldByFHIR(f *deliverytest.FHIRServer) held {
	h := held{}
	for _, resource := range f.All("Encounter") {
		var e struct {
			Identifier []struct{ System, Value string }
			Length     *struct{ Value float64 }
			Extension  []struct {
				URL, ValueCode string
				ValueInteger   int
			}
		}
		text, err := json.Marshal(resource)
		if err != nil || json.Unmarshal(text, &e) != nil || len(e.Identifier) == 0 {
			continue
		}
		status, version, credited := "", 0, int64(0)
		for _, x := range e.Extension {
			switch {
			case strings.HasSuffix(x.URL, "/record-version"):
				version = x.ValueInteger
			case strings.HasSuffix(x.URL, "/record-status"): // a FHIR code has no _
				status = strings.ReplaceAll(x.ValueCode, "-", "_")
			}
		}
		if e.Length != nil {
			credited = int64(math.Round(e.Length.Value * 1000))
		}
		h.take(e.Identifier[0].Value, attendance.Status(status), version, credited)
	}
	return h
}

// redrive is what staff do after a destination was down.
func (c *clinic) redrive(destination string) {
	c.t.Helper()
	c.call("scheduler", "POST", "/v1/destinations/"+destination+"/redrive", "{}")
}

// accounted wants rows for these destinations in a person's accounting.
func (c *clinic) accounted(person string, destinations ...string) {
	c.t.Helper()
	var page struct {
		Disclosures []struct{ Destination, Basis string }
	}
	c.get("scheduler", "/v1/people/"+person+"/disclosures", &page)
	told := map[string]bool{}
	for _, row := range page.Disclosures {
		told[row.Destination] = row.Basis != ""
	}
	for _, destination := range destinations {
		if !told[destination] {
			c.t.Errorf("the accounting of %s does not have %s", person, destination)
		}
	}
}
