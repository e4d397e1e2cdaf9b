package delivery_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"viop/rooms/delivery"
	"viop/rooms/export"
)

func TestEverythingArrivesInOrder(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		h.net.on("d1", says(http.StatusNoContent))
		for version := range 3 {
			h.feed.tell("s1", "p1", version+1)
		}
		h.pass(2 * delivery.LookEvery)
		h.wantTaken("d1", "s1/p1 v1", "s1/p1 v2", "s1/p1 v3")
		s := h.status("d1")
		if s.Queued != 0 || s.LastDelivered == nil || s.LastDelivered.Seq != 3 || s.LastFailed != nil || s.LastDisclosed == 0 {
			t.Errorf("status = %+v, want all three delivered", s)
		}
	})
}

// What fails waits longer and longer, and only its own session with it.
func TestRetries(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		var at []time.Duration
		began := time.Now()
		h.net.on("d1", func(r *http.Request, body []byte) *http.Response {
			if nameOf(body) == "s1/p1 v1" {
				at = append(at, time.Since(began))
				return says(http.StatusBadRequest)(r, body)
			}
			return says(http.StatusOK)(r, body)
		})
		h.feed.tell("s1", "p1", 1)
		h.feed.tell("s1", "p1", 2)
		h.feed.tell("s2", "p1", 1)
		h.pass(6 * time.Minute)
		h.wantTaken("d1", "s2/p1 v1")
		if s := h.status("d1"); s.Queued != 2 || s.DeadLetters != 0 || s.LastFailed.Status != http.StatusBadRequest {
			t.Errorf("status = %+v, want two waiting", s)
		}
		want := []time.Duration{5 * time.Second, 5 * time.Minute}
		if len(at) != len(want)+1 {
			t.Fatalf("%d attempts in six minutes, want %d", len(at), len(want)+1)
		}
		for i, usual := range want {
			got := at[i+1] - at[i]
			if got < usual*9/10 || got > usual*11/10+delivery.LookEvery {
				t.Errorf("pause %d was %v, want %v and a tenth more or less", i+1, got, usual)
			}
		}
		h.net.on("d1", says(http.StatusOK))
		if n, err := h.courier.Redrive(t.Context(), "d1", 0); n != 0 || err != nil {
			t.Fatalf("Redrive = %d, %v", n, err)
		}
		h.pass(2 * delivery.LookEvery)
		h.wantTaken("d1", "s2/p1 v1", "s1/p1 v1", "s1/p1 v2")
	})
}

// After the last attempt a letter is dead, and its lane goes on.
func TestDeadLetter(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.stop()
		h.put(hook("d1"))
		h.net.on("d1", func(r *http.Request, body []byte) *http.Response {
			if nameOf(body) == "s1/p1 v1" {
				return says(http.StatusBadRequest)(r, body)
			}
			return says(http.StatusOK)(r, body)
		})
		h.feed.tell("s1", "p1", 1)
		h.feed.tell("s1", "p1", 2)
		first := delivery.Entry{Lane: "s1", Seq: 1}
		if err := h.store.Enqueue(t.Context(), "d1", 0, 1, []delivery.Entry{first}); err != nil {
			t.Fatal(err)
		}
		for range delivery.Attempts - 1 { // three days go by
			if err := h.store.Settle(t.Context(), "d1", delivery.Head{Entry: first}, delivery.Outcome{}); err != nil {
				t.Fatal(err)
			}
		}
		h.stop = h.run()
		h.pass(2 * delivery.LookEvery)
		h.wantTaken("d1", "s1/p1 v2")
		letters, err := h.courier.Dead(t.Context(), "d1", 0, 10)
		if err != nil || len(letters) != 1 || letters[0].Lane != "s1" || letters[0].Seq != 1 || letters[0].Try != delivery.Attempts {
			t.Fatalf("Dead = %+v, %v", letters, err)
		}
		if s := h.status("d1"); s.Queued != 0 || s.DeadLetters != 1 {
			t.Errorf("status = %+v, want one dead letter", s)
		}

		// Somebody has mended the receiver.
		h.net.on("d1", says(http.StatusOK))
		if n, err := h.courier.Redrive(t.Context(), "d1", letters[0].Seq); n != 1 || err != nil {
			t.Fatalf("Redrive = %d, %v", n, err)
		}
		h.pass(2 * delivery.LookEvery)
		h.wantTaken("d1", "s1/p1 v2", "s1/p1 v1")
	})
}

// What it answers decides; only 2xx is success.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(*http.Request, []byte) *http.Response
		result delivery.Result
		status int
	}{
		{"success", says(http.StatusAccepted), delivery.Delivered, 202},
		{"a redirect is a failure", says(http.StatusFound, "Location: https://elsewhere.example/"), delivery.Refused, 302},
		{"refused", says(http.StatusUnprocessableEntity), delivery.Refused, 422},
		{"broken", says(http.StatusBadGateway), delivery.Refused, 502},
		{"not there", nil, delivery.Unreached, 0},
		{"silent", hangs, delivery.Unreached, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				h.put(hook("d1"))
				h.net.on("d1", test.answer)
				h.feed.tell("s1", "p1", 1)
				h.pass(delivery.AnswerWithin + 2*delivery.LookEvery)
				log, err := h.courier.Log(t.Context(), "d1", 10)
				if err != nil || len(log) == 0 {
					t.Fatalf("Log = %v, %v", log, err)
				}
				first := log[len(log)-1]
				if first.Result != test.result || first.Status != test.status || first.Try != 1 || first.Type != string(export.RecordFinalized) {
					t.Errorf("attempt = %+v, want %s %d", first, test.result, test.status)
				}
			})
		})
	}
}

func TestRetryAfterHoldsTheDestination(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		h.net.on("d1", says(http.StatusTooManyRequests, "Retry-After: 600"))
		h.feed.tell("s1", "p1", 1)
		h.pass(2 * delivery.LookEvery)
		h.net.on("d1", says(http.StatusOK))
		h.feed.tell("s2", "p2", 1)
		h.pass(9 * time.Minute)
		h.wantTaken("d1")
		if s := h.status("d1"); s.HeldUntil == 0 {
			t.Errorf("status = %+v, want it to say that it is held", s)
		}
		h.pass(2 * time.Minute)
		if got := h.net.took("d1"); len(got) != 2 {
			t.Errorf("took %q after ten minutes, want both", got)
		}
	})
}

// 410 switches the destination off; nothing that waits is lost.
func TestGone(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		h.net.on("d1", says(http.StatusGone))
		h.feed.tell("s1", "p1", 1)
		h.pass(time.Minute)
		if s := h.status("d1"); !slices.Equal(s.Stopped, []string{delivery.StoppedDisabled}) || s.Queued != 1 || s.LastFailed.Status != http.StatusGone {
			t.Errorf("status = %+v, want it disabled with one waiting", s)
		}
		h.feed.tell("s2", "p2", 1)
		h.net.on("d1", says(http.StatusOK))
		h.pass(10 * time.Minute)
		h.wantTaken("d1")
		h.put(hook("d1"))
		h.pass(time.Minute)
		if got := h.net.took("d1"); len(got) != 2 {
			t.Errorf("took %q after it was switched on, want both", got)
		}
	})
}

// One that hangs keeps nobody else waiting, neither other destinations nor,
// as far as there are workers, its own other sessions.
func TestSlowDestinationDelaysNobody(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("slow"))
		h.put(hook("quick"))
		h.net.on("slow", func(r *http.Request, body []byte) *http.Response {
			if nameOf(body) == "s1/p1 v1" {
				return hangs(r, body)
			}
			return says(http.StatusOK)(r, body)
		})
		h.net.on("quick", says(http.StatusOK))
		h.feed.tell("s1", "p1", 1)
		h.feed.tell("s2", "p1", 1)
		h.pass(2 * delivery.LookEvery)
		if got := len(h.net.took("quick")); got != 2 {
			t.Errorf("the quick one took %d, want both", got)
		}
		h.wantTaken("slow", "s2/p1 v1")
	})
}

// Without a basis, and while it is switched off, nothing leaves; afterwards it
// gets everything.
func TestNothingLeavesWithoutABasis(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := hook("d1")
		d.Basis = ""
		h.put(d)
		h.net.on("d1", says(http.StatusOK))
		h.feed.tell("s1", "p1", 1)
		h.pass(time.Minute)
		h.wantTaken("d1")
		if rows := h.disclosures("p1"); len(rows) > 0 {
			t.Errorf("accounting = %+v, want nothing", rows)
		}
		d.Basis = delivery.ConsentTPO
		h.put(d)
		h.pass(time.Minute)
		h.wantTaken("d1", "s1/p1 v1")
		rows := h.disclosures("p1")
		if len(rows) != 1 {
			t.Fatalf("accounting = %+v, want one row", rows)
		}
		got := rows[0]
		if got.Destination != "d1" || got.Basis != delivery.ConsentTPO || got.Notice != export.NoticeVersion ||
			got.Format != delivery.AsWebhook || got.Records != 1 || !slices.Equal(got.Items, []string{"feed.1"}) || got.By != "" {
			t.Errorf("row = %+v", got)
		}
	})
}

// The row is there before anything leaves, and once for all attempts.
func TestAccountingComesFirst(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		var rows []int
		h.net.on("d1", func(r *http.Request, body []byte) *http.Response {
			rows = append(rows, len(h.disclosures("p1")))
			return says(http.StatusServiceUnavailable)(r, body)
		})
		h.feed.tell("s1", "p1", 1)
		h.pass(6 * time.Minute)
		if !slices.Equal(rows, []int{1, 1, 1}) {
			t.Errorf("rows at each attempt = %v, want one, always", rows)
		}
	})
}

func TestFilter(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := hook("d1")
		d.Types = []string{string(export.RecordAmended)}
		h.put(d)
		h.net.on("d1", says(http.StatusOK))
		h.feed.tell("s1", "p1", 1)
		h.feed.tell("s1", "p1", 2)
		h.pass(time.Minute)
		h.wantTaken("d1", "s1/p1 v2")
		if rows := h.disclosures("p1"); len(rows) != 1 {
			t.Errorf("accounting = %+v, want one row: the other did not leave", rows)
		}
	})
}

// A test is about nobody, and is not answered too often.
func TestTest(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		var kind string
		h.net.on("d1", func(r *http.Request, body []byte) *http.Response {
			kind = string(body)
			return says(http.StatusTeapot)(r, body)
		})
		a, err := h.courier.Test(t.Context(), "d1")
		if err != nil || a.Result != delivery.Refused || a.Status != http.StatusTeapot || a.Type != delivery.TestType || a.Seq != 0 {
			t.Errorf("Test = %+v, %v", a, err)
		}
		if want := `{"type":"viop.test"`; len(kind) < len(want) || kind[:len(want)] != want {
			t.Errorf("message = %s, want a test", kind)
		}
		if _, err := h.courier.Test(t.Context(), "d1"); err == nil {
			t.Error("a second test at once was sent")
		}
		h.pass(delivery.TestEvery)
		if _, err := h.courier.Test(t.Context(), "d1"); err != nil {
			t.Errorf("Test after a while: %v", err)
		}
	})
}

// A change that nobody can read any more holds up nothing.
func TestChangeThatCannotBeTold(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.put(hook("d1"))
		h.net.on("d1", says(http.StatusOK))
		h.feed.tell("s1", "p1", 1)
		h.feed.told[0].Err = errors.New("its reading is damaged")
		h.feed.tell("s1", "p1", 2)
		h.pass(2 * delivery.LookEvery)
		h.wantTaken("d1", "s1/p1 v2")
	})
}
