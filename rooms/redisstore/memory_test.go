package redisstore

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/schedule"
)

// Hundreds of documents are read in one pipeline of many kilobytes, which the
// in-memory Redis answers while it is still being written.
func TestLongPipelinesInMemory(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), InMemory: true})
	start := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	const many = 400
	for i := range many {
		_, _, err := s.PutSession(t.Context(), schedule.Session{
			ID: rooms.SessionID(strings.Repeat("x", 100) + strconv.Itoa(i)), Program: "p", Service: "group",
			Start: start, End: start.Add(time.Hour),
		}, schedule.Condition{})
		if err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	page, _, err := s.Sessions(t.Context(), start, start.Add(time.Hour), "", many)
	if err != nil || len(page) != many {
		t.Errorf("Sessions = %d of %d, %v, after %v", len(page), many, err, time.Since(began))
	}
}
