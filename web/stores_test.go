package web_test

import (
	"log/slog"
	"net/http"
	"testing"

	"viop/rooms/attendance"
	"viop/rooms/redisstore"
)

// onBothStores runs a test on the store of these tests and on the real one, so
// that the first stays honest.
func onBothStores(t *testing.T, run func(*testing.T, *house)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { run(t, newHouse(t)) })
	t.Run("redis", func(t *testing.T) {
		h, _ := newRedisHouse(t)
		run(t, h)
	})
}

// newRedisHouse is a house on the real store and the real books.
func newRedisHouse(t *testing.T) (*house, *redisstore.Store) {
	t.Helper()
	store := openRedis(t)
	return houseOn(t, store), store
}

func openRedis(t *testing.T) *redisstore.Store {
	t.Helper()
	store, err := redisstore.Open(t.Context(), redisstore.Config{Dir: t.TempDir(), InMemory: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// From the first fact on, a session can be cancelled and not deleted, and its
// attendance is counted from what the room recorded.
func TestEvidenceInRedis(t *testing.T) {
	h, store := newRedisHouse(t)
	h.furnish()
	lease, err := store.Acquire(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	at := attendance.At(lease.Now())
	lease.Record(
		attendance.Event{At: at, Type: attendance.Opened},
		attendance.Event{At: at, Type: attendance.Waiting, Person: "p1", Connection: "c1-1"},
		attendance.Event{At: at, Type: attendance.Left, Connection: "c1-1", Reason: attendance.ReasonLeave},
	)
	if err := lease.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.problem(h.do(call{method: "DELETE", path: "/v1/sessions/s1"}), http.StatusConflict, "session_has_evidence")
	h.want(h.do(call{method: "PUT", path: "/v1/sessions/s1", body: evening()}), http.StatusOK)

	var got struct {
		Session attendance.SessionResult
		Records []attendance.Record
	}
	answer := h.do(call{method: "GET", path: "/v1/sessions/s1/attendance"})
	h.want(answer, http.StatusOK)
	h.decode(answer, &got)
	if len(got.Records) != 2 || got.Records[0].Status != attendance.StatusLobbyOnly || got.Session.FirstEvidence == nil {
		t.Errorf("attendance = %s, want p1 lobby_only and p2, and that there is evidence", answer.Body)
	}
	h.want(h.do(call{method: "GET", path: "/v1/sessions/s1/presence"}), http.StatusOK)
}
