package web_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/web"
)

// clearing is a house on a real store, with a real courier that nobody runs.
func clearing(t *testing.T) (*house, *redisstore.Store, *delivery.Courier) {
	t.Helper()
	store := openRedis(t)
	gate := delivery.NewGate(store, store.Now)
	courier := delivery.NewCourier(delivery.CourierConfig{
		Gate: gate, Outbox: store, Feed: delivery.NewTeller(store), Log: slog.New(slog.DiscardHandler),
	})
	seed, err := store.Derive("signatures v1")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := export.NewSigner(seed)
	if err != nil {
		t.Fatal(err)
	}
	h := houseOn(t, store, func(c *web.Config) {
		c.Courier, c.Signer = courier, signer
		c.Extracts = func(ctx context.Context, to delivery.Destination, by string, as delivery.Format, span delivery.Span) (*delivery.Extract, error) {
			return delivery.NewExtract(ctx, store, gate, to, by, as, span)
		}
	})
	return h, store, courier
}

func TestDestinations(t *testing.T) {
	h, _, _ := clearing(t)
	hook := object{"kind": "webhook", "title": "Billing", "url": "https://billing.example.org/hooks", "types": []string{"week.met"}}
	created := h.do(call{method: "PUT", path: "/v1/destinations/billing", body: hook})
	h.want(created, http.StatusCreated)

	got := h.do(call{method: "GET", path: "/v1/destinations/billing"})
	h.want(got, http.StatusOK)
	var d map[string]any
	h.decode(got, &d)
	want := `{"enabled":true,"id":"billing","kind":"webhook","start":"end","title":"Billing","types":["week.met"],"url":"https://billing.example.org/hooks"}`
	if text, err := json.Marshal(d); err != nil || string(text) != want {
		t.Errorf("GET = %s, want %s", text, want)
	}
	// What was read can be changed and put back, in the version that was read.
	d["basis"] = "qsoa"
	etag := got.Header().Get("ETag")
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/billing", body: d, header: map[string]string{"If-Match": etag}}), http.StatusOK)
	h.problem(h.do(call{method: "PUT", path: "/v1/destinations/billing", body: d, header: map[string]string{"If-Match": etag}}),
		http.StatusPreconditionFailed, "precondition_failed")

	var status delivery.Status
	h.decode(h.do(call{method: "GET", path: "/v1/destinations/billing/status"}), &status)
	if !slices.Equal(status.Stopped, []string{delivery.StoppedNoKey}) {
		t.Errorf("stopped = %v, want no_key", status.Stopped)
	}
	var list struct {
		Destinations []struct{ Destination delivery.Destination }
	}
	h.decode(h.do(call{method: "GET", path: "/v1/destinations"}), &list)
	if len(list.Destinations) != 2 || list.Destinations[0].Destination.ID != "billing" {
		t.Errorf("list = %+v, want billing and scheduler", list)
	}
	h.want(h.do(call{method: "DELETE", path: "/v1/destinations/billing"}), http.StatusNoContent)
	for _, path := range []string{"", "/status", "/deliveries", "/dead-letters"} {
		h.problem(h.do(call{method: "GET", path: "/v1/destinations/billing" + path}), http.StatusNotFound, "not_found")
	}
	for _, c := range []call{{path: "/keys"}, {path: "/test"}, {path: "/redrive", body: object{}}} {
		c.method, c.path = "POST", "/v1/destinations/billing"+c.path
		h.problem(h.do(c), http.StatusNotFound, "not_found")
	}
}

func TestWrongDestinations(t *testing.T) {
	h, _, _ := clearing(t)
	for _, test := range []struct {
		name    string
		body    object
		pointer string
	}{
		{"no kind", object{}, "/kind"},
		{"no such kind", object{"kind": "fax"}, "/kind"},
		{"no such basis", object{"kind": "pull", "basis": "because"}, "/basis"},
		{"a webhook to nowhere", object{"kind": "webhook"}, "/url"},
		{"http on the Internet", object{"kind": "webhook", "url": "http://example.org"}, "/url"},
		{"a password in a URL", object{"kind": "webhook", "url": "https://a:b@example.org"}, "/url"},
		{"a URL of one that fetches", object{"kind": "pull", "url": "https://example.org"}, "/url"},
		{"a signature of FHIR", object{"kind": "fhir", "url": "https://example.org", "signature": "hmac"}, "/signature"},
		{"no such signature", object{"kind": "webhook", "url": "https://example.org", "signature": "rot13"}, "/signature"},
		{"a token from nowhere", object{"kind": "fhir", "url": "https://example.org", "oauth": object{"token_url": "ftp://x", "client_id": "a"}}, "/oauth/token_url"},
		{"no such type", object{"kind": "webhook", "url": "https://example.org", "types": []string{"week.maybe"}}, "/types/0"},
		{"a subject that is none", object{"kind": "pull", "subjects": []string{"a b"}}, "/subjects/0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.in(t)
			p := h.problem(h.do(call{method: "PUT", path: "/v1/destinations/d1", body: test.body}), http.StatusUnprocessableEntity, "invalid")
			if len(p.Errors) == 0 || p.Errors[0].Pointer != test.pointer {
				t.Errorf("errors = %+v, want one at %s", p.Errors, test.pointer)
			}
		})
	}
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/d1", body: object{"kind": "pull"}}), http.StatusCreated)
	p := h.problem(h.do(call{method: "PUT", path: "/v1/destinations/d1", body: object{"kind": "webhook", "url": "https://example.org"}}),
		http.StatusUnprocessableEntity, "invalid")
	if p.Errors[0].Pointer != "/kind" {
		t.Errorf("errors = %+v, want the kind to stay", p.Errors)
	}
}

// Secrets go in, or come out once, and are not seen again; and nobody can have
// one sent to another host.
func TestSecretsStayInside(t *testing.T) {
	h, _, _ := clearing(t)
	clinic := func(base, token, secret string) object {
		oauth := object{"token_url": token, "client_id": "viop"}
		if secret != "" {
			oauth["client_secret"] = secret
		}
		return object{"kind": "fhir", "basis": "qsoa", "url": base, "oauth": oauth}
	}
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/clinic", body: clinic("https://a.example/fhir", "https://a.example/token", "open-sesame")}), http.StatusCreated)
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/clinic", body: clinic("https://a.example/r4", "https://a.example/token", "")}), http.StatusOK)
	for _, moved := range []object{
		clinic("https://a.example/fhir", "https://evil.example/token", ""),
		clinic("https://evil.example/fhir", "https://a.example/token", ""),
	} {
		p := h.problem(h.do(call{method: "PUT", path: "/v1/destinations/clinic", body: moved}), http.StatusUnprocessableEntity, "invalid")
		if p.Errors[0].Pointer != "/oauth/client_secret" {
			t.Errorf("errors = %+v, want the secret asked for", p.Errors)
		}
	}
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/hook", body: object{"kind": "webhook", "basis": "qsoa", "url": "https://a.example"}}), http.StatusCreated)
	var made struct{ Secret string }
	answer := h.do(call{method: "POST", path: "/v1/destinations/hook/keys"})
	h.want(answer, http.StatusCreated)
	h.decode(answer, &made)
	if !strings.HasPrefix(made.Secret, "whsec_") {
		t.Errorf("secret = %q, want whsec_…", made.Secret)
	}
	h.problem(h.do(call{method: "POST", path: "/v1/destinations/clinic/keys"}), http.StatusConflict, "no_webhook")
	for _, path := range []string{"", "/hook", "/hook/status", "/clinic", "/clinic/status"} {
		text := h.do(call{method: "GET", path: "/v1/destinations" + path}).Body.String()
		if strings.Contains(text, "sesame") || strings.Contains(text, made.Secret) || strings.Contains(text, "whsec_") {
			t.Errorf("GET /v1/destinations%s = %s, want no secret in it", path, text)
		}
	}
	var status delivery.Status
	h.decode(h.do(call{method: "GET", path: "/v1/destinations/clinic/status"}), &status)
	if !status.HasClientSecret {
		t.Error("the secret was not kept")
	}
	if log := h.log.String(); strings.Contains(log, "sesame") || strings.Contains(log, made.Secret) {
		t.Error("the log holds a secret")
	}
}

// A test goes out at once, and its answer is the answer.
func TestTestOfADestination(t *testing.T) {
	h, _, _ := clearing(t)
	var got []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer receiver.Close()
	put := func(id string, private bool) {
		t.Helper()
		h.want(h.do(call{method: "PUT", path: "/v1/destinations/" + id, body: object{
			"kind": "webhook", "url": strings.Replace(receiver.URL, "http://", map[bool]string{true: "http://", false: "https://"}[private], 1), "allow_private": private,
		}}), http.StatusCreated)
	}
	put("inside", true)
	put("outside", false)
	h.problem(h.do(call{method: "POST", path: "/v1/destinations/inside/test"}), http.StatusConflict, "no_key")
	h.problem(h.do(call{method: "POST", path: "/v1/destinations/scheduler/test"}), http.StatusConflict, "not_pushed")
	test := func(id string) (a delivery.Attempt) {
		t.Helper()
		h.want(h.do(call{method: "POST", path: "/v1/destinations/" + id + "/keys"}), http.StatusCreated)
		answer := h.do(call{method: "POST", path: "/v1/destinations/" + id + "/test"})
		h.want(answer, http.StatusOK)
		h.decode(answer, &a)
		return a
	}
	if a := test("inside"); a.Result != delivery.Refused || a.Status != http.StatusTeapot || !strings.Contains(string(got), `"viop.test"`) {
		t.Errorf("test = %+v with %s, want 418", a, got)
	}
	again := h.do(call{method: "POST", path: "/v1/destinations/inside/test"})
	h.problem(again, http.StatusTooManyRequests, "too_many_requests")
	if a := test("outside"); a.Result != delivery.Unreached || !strings.Contains(a.Problem, "private") {
		t.Errorf("test of a private address = %+v, want it refused by us", a)
	}
}

// Dead letters are listed in pages, and sent again by number or all.
func TestDeadLettersOverTheAPI(t *testing.T) {
	h, store, _ := clearing(t)
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/d1", body: object{"kind": "webhook", "basis": "qsoa", "url": "https://a.example"}}), http.StatusCreated)
	var entries []delivery.Entry
	for seq := range int64(3) {
		entries = append(entries, delivery.Entry{Lane: delivery.Lane(fmt.Sprint("s", seq+1)), Seq: seq + 1})
	}
	if err := store.Enqueue(t.Context(), "d1", 0, 3, entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		o := delivery.Outcome{Dead: true, Attempt: delivery.Attempt{Seq: e.Seq, Type: "week.met", Try: 10, Result: delivery.Refused, Status: 400, Took: "<1s"}}
		o.At.UnmarshalText([]byte("2026-11-02T12:00:00Z"))
		if err := store.Settle(t.Context(), "d1", delivery.Head{Entry: e}, o); err != nil {
			t.Fatal(err)
		}
	}
	var page struct {
		DeadLetters []delivery.DeadLetter `json:"dead_letters"`
		Next        int64
	}
	h.decode(h.do(call{method: "GET", path: "/v1/destinations/d1/dead-letters?limit=2"}), &page)
	if len(page.DeadLetters) != 2 || page.Next != 2 || page.DeadLetters[1].Lane != "s2" {
		t.Errorf("page = %+v, want two letters and more", page)
	}
	h.want(h.do(call{method: "GET", path: "/v1/destinations/d1/deliveries?limit=2"}), http.StatusOK)
	redrive := func(body object, want string) {
		t.Helper()
		answer := h.do(call{method: "POST", path: "/v1/destinations/d1/redrive", body: body})
		h.want(answer, http.StatusOK)
		if got := strings.TrimSpace(answer.Body.String()); got != want {
			t.Errorf("redrive %v = %s, want %s", body, got, want)
		}
	}
	redrive(object{"seq": 2}, `{"redriven":1}`)
	h.problem(h.do(call{method: "POST", path: "/v1/destinations/d1/redrive", body: object{"seq": 2}}), http.StatusNotFound, "not_found")
	redrive(object{}, `{"redriven":2}`)
	redrive(object{}, `{"redriven":0}`)
}

// held are sessions s1 to sN of two patients, one a day from 2026-11-02, told.
func (h *house) held(store *redisstore.Store, n int) {
	h.t.Helper()
	h.furnish()
	books := records.New(store, slog.New(slog.DiscardHandler))
	for i := range n {
		id := rooms.SessionID(fmt.Sprint("s", i+1))
		h.hold(store, id, time.Date(2025, 11, 3+i, 18, 0, 0, 0, time.FixedZone("CST", -6*3600)))
		if err := books.Settle(h.t.Context(), id); err != nil {
			h.t.Fatal(err)
		}
	}
}

// A download is fetched for a destination, accounted for, and complete.
func TestDownloads(t *testing.T) {
	h, store, _ := clearing(t)
	h.held(store, 3)
	zipped := h.do(call{method: "GET", path: "/v1/attendance.zip?from=2025-11-03&to=2025-11-04"})
	h.want(zipped, http.StatusOK)
	m, err := export.Check(bytes.NewReader(zipped.Body.Bytes()), int64(zipped.Body.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Destination != "scheduler" || m.Basis != "qsoa" || m.Files[0].Name != "attendance.csv" || m.Files[0].Rows != 4 {
		t.Errorf("manifest = %+v, want four records for scheduler", m)
	}
	z, err := zip.NewReader(bytes.NewReader(zipped.Body.Bytes()), int64(zipped.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("attendance.csv")
	if err != nil {
		t.Fatal(err)
	}
	table, err := io.ReadAll(f)
	if err != nil || !strings.Contains(string(table), "s1/p1") || strings.Contains(string(table), "s3/p1") || strings.Contains(string(table), "Ana") {
		t.Errorf("attendance.csv = %s, %v, want s1 and s2, and no names", table, err)
	}

	bundle := h.do(call{method: "GET", path: "/v1/fhir/Bundle?from=2025-11-01&to=2025-11-30"})
	h.want(bundle, http.StatusOK)
	var b struct {
		ResourceType string
		Entry        []struct {
			FullURL  string `json:"fullUrl"`
			Resource struct{ ResourceType string }
		}
	}
	h.decode(bundle, &b)
	kinds, seen := map[string]int{}, map[string]bool{}
	for _, e := range b.Entry {
		kinds[e.Resource.ResourceType]++
		if seen[e.FullURL] {
			t.Errorf("%s is in the transaction twice", e.FullURL)
		}
		seen[e.FullURL] = true
	}
	if b.ResourceType != "Bundle" || kinds["Encounter"] != 6 || kinds["Observation"] != 2 {
		t.Errorf("the bundle has %v, want an Encounter for each record and an Observation for each week", kinds)
	}

	var accounting struct{ Disclosures []delivery.Disclosure }
	h.decode(h.do(call{method: "GET", path: "/v1/people/p1/disclosures"}), &accounting)
	if rows := accounting.Disclosures; len(rows) != 2 || rows[0].Format != delivery.AsCSV || rows[0].Records != 3 || rows[0].From != "2025-11-03" ||
		rows[0].By != "scheduler" || rows[1].Format != delivery.AsFHIR || rows[1].Records != 4 {
		t.Errorf("accounting = %+v, want the archive (2 records, 1 week) and the bundle (3 and 1)", rows)
	}
}

// No basis, no export: whatever the format.
func TestNoBasisNoExport(t *testing.T) {
	h, store, _ := clearing(t)
	h.held(store, 1)
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/biller", body: object{"kind": "pull"}}), http.StatusCreated)
	h.want(h.do(call{method: "PUT", path: "/v1/destinations/off", body: object{"kind": "pull", "basis": "qsoa", "enabled": false, "subjects": []string{"biller"}}}), http.StatusCreated)
	biller := h.keys.API("biller", auth.AttendanceRead, auth.WeeksRead)
	stranger := h.keys.API("stranger", auth.AttendanceRead, auth.WeeksRead)
	for _, path := range []string{
		"/v1/attendance?", "/v1/weeks?from=2025-11-01&to=2025-11-30&", "/v1/attendance.zip?from=2025-11-01&to=2025-11-30&",
		"/v1/fhir/Bundle?from=2025-11-01&to=2025-11-30&", "/v1/sessions/s1/attendance.csv?",
	} {
		for _, test := range []struct{ token, destination, word string }{
			{biller, "", "no_disclosure_basis"},
			{stranger, "", "no_disclosure_basis"},
			{stranger, "destination=scheduler", "other_destination"},
			{stranger, "destination=unknown", "other_destination"},
			{biller, "destination=off", "destination_disabled"},
		} {
			h.problem(h.do(call{method: "GET", path: path + test.destination, token: test.token}), http.StatusForbidden, test.word)
		}
	}
	var accounting struct{ Disclosures []delivery.Disclosure }
	h.decode(h.do(call{method: "GET", path: "/v1/people/p1/disclosures"}), &accounting)
	if len(accounting.Disclosures) > 0 {
		t.Errorf("accounting = %+v, want nothing: nothing left", accounting.Disclosures)
	}
}
