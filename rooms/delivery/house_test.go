package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// script is a feed that tests write.
type script struct {
	mu   sync.Mutex
	told []delivery.Told // guarded by mu; numbers from 1
}

// tell adds a version of a record.
func (f *script) tell(session, person string, version int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seq := int64(len(f.told) + 1)
	record := &export.Record{RecordID: export.RecordID(session, person)}
	record.Session, record.Person, record.Version = session, person, version
	kind := export.RecordFinalized
	if version > 1 {
		kind = export.RecordAmended
	}
	item := export.Item{ID: fmt.Sprintf("feed.%d", seq), At: attendance.At(time.Now()), Type: kind, Record: record, Notice: export.Notice}
	f.told = append(f.told, delivery.Told{Seq: seq, Item: item})
}

func (f *script) Told(_ context.Context, _ delivery.Destination, after int64, limit int) ([]delivery.Told, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rest := f.told[min(after, int64(len(f.told))):]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

// Latest is the last version of a record.
func (f *script) Latest(_ context.Context, _ delivery.Destination, item export.Item) (export.Item, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.told {
		if item.Record != nil && t.Item.Record != nil && t.Item.Record.RecordID == item.Record.RecordID {
			item.Record = t.Item.Record
		}
	}
	return item, nil
}

// house is a courier on a store in memory, in a bubble of time.
type house struct {
	t       *testing.T
	store   *redisstore.Store
	feed    *script
	gate    *delivery.Gate
	courier *delivery.Courier
	net     *fakeNet
	stop    func()
}

// inHouse runs a test in a bubble: hours pass in no time.
func inHouse(t *testing.T, test func(*testing.T, *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: t.TempDir(), InMemory: true}, quiet())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		h := &house{t: t, store: store, feed: &script{}, net: newFakeNet()}
		h.gate = delivery.NewGate(store, store.Now)
		h.courier = delivery.NewCourier(delivery.CourierConfig{Gate: h.gate, Outbox: store, Feed: h.feed, Log: quiet()})
		h.courier.UseTransport(h.net)
		h.stop = h.run()
		defer func() { h.stop() }()
		test(t, h)
	})
}

// run starts the courier and returns how to stop it.
func (h *house) run() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.courier.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// put stores a destination, and gives a webhook a key.
func (h *house) put(d delivery.Destination) {
	h.t.Helper()
	if _, _, err := h.gate.Put(h.t.Context(), d, schedule.Condition{}); err != nil {
		h.t.Fatal(err)
	}
	if d.Kind == delivery.Webhook {
		if _, err := h.gate.NewKey(h.t.Context(), d.ID); err != nil {
			h.t.Fatal(err)
		}
	}
}

// hook is a webhook at https://<id>.example.
func hook(id delivery.ID) delivery.Destination {
	return delivery.Destination{
		ID: id, Kind: delivery.Webhook, Basis: delivery.QSOA, Enabled: true, Start: delivery.AtBeginning,
		URL: "https://" + string(id) + ".example/hook",
	}
}

func (h *house) status(id delivery.ID) delivery.Status {
	h.t.Helper()
	s, err := h.courier.Status(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// pass lets time pass and everything that is due happen.
func (h *house) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// until lets time pass, at most an hour, until something is so.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	for range 360 {
		if holds() {
			return
		}
		h.pass(10 * time.Second)
	}
	h.t.Errorf("not within an hour: %s", what)
}

// fakeNet answers for hosts; nobody else is there.
type fakeNet struct {
	mu    sync.Mutex
	hosts map[string]func(*http.Request, []byte) *http.Response // guarded by mu, as is
	got   map[string][]string                                   // what each host took: "record_id vN"
}

func newFakeNet() *fakeNet {
	return &fakeNet{hosts: map[string]func(*http.Request, []byte) *http.Response{}, got: map[string][]string{}}
}

// on sets how a destination answers; nil makes it unreachable.
func (n *fakeNet) on(id delivery.ID, answer func(*http.Request, []byte) *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[string(id)+".example"] = answer
}

// RoundTrip notes what was taken with 2xx.
func (n *fakeNet) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	answer := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if answer == nil {
		return nil, fmt.Errorf("dial %s: nobody is there", r.URL.Host)
	}
	response := answer(r, body)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 {
		n.mu.Lock()
		n.got[r.URL.Host] = append(n.got[r.URL.Host], nameOf(body))
		n.mu.Unlock()
	}
	return response, nil
}

// took is what a destination has taken, in order.
func (n *fakeNet) took(id delivery.ID) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got[string(id)+".example"])
}

// nameOf a message: "s1/p1 v2".
func nameOf(body []byte) string {
	var m export.Message
	if err := json.Unmarshal(body, &m); err != nil {
		return "not a message: " + string(body)
	}
	return fmt.Sprintf("%s v%d", m.Data.Record, m.Data.Version)
}

// says answers with a status and headers "Name: value".
func says(status int, headers ...string) func(*http.Request, []byte) *http.Response {
	return func(*http.Request, []byte) *http.Response {
		r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(&bytes.Buffer{})}
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		return r
	}
}

// hangs until the request is given up.
func hangs(r *http.Request, _ []byte) *http.Response {
	<-r.Context().Done()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}
}

func (h *house) wantTaken(id delivery.ID, want ...string) {
	h.t.Helper()
	if got := h.net.took(id); !slices.Equal(got, want) {
		h.t.Errorf("%s took %q, want %q", id, got, want)
	}
}

func (h *house) disclosures(person rooms.PersonID) []delivery.Disclosure {
	h.t.Helper()
	rows, err := h.gate.Disclosures(h.t.Context(), person, 0, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	return rows
}
