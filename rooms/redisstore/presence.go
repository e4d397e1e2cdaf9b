package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
)

// staleAfter is how old a beat may be, by Redis TIME, and still be presence: a
// beat and a half, so that a late one does not empty the room on the screens.
const staleAfter = rooms.BeatEvery + rooms.BeatEvery/2

// Presence is who is in the session now, by its last beat, and when that was.
// A room whose owner has not beaten for staleAfter has nobody known to be in
// it, nor has one that an earlier process of this node held: then asOf is now
// and the state is what a person who came now would find.
func (s *Store) Presence(ctx context.Context, session rooms.SessionID) (
	state rooms.RoomState, here []rooms.Presence, asOf time.Time, err error,
) {
	keys := []string{leaseKey(session), beatsKey(session), memoryKey(session)}
	answer, err := s.run(ctx, s.scripts.presence, keys)
	if err != nil {
		return "", nil, time.Time{}, fmt.Errorf("read presence of session %s: %w", session, err)
	}
	now := answer.time(0)
	dead := answer.text(5) == s.node && !s.holds(owned{session, answer.number(2)})
	if text := answer.text(3); text != "" && !dead && now.Sub(beatenAt(text)) <= staleAfter {
		if _, b, err := parseBeat(answer.text(2), text); err == nil {
			return b.State, b.presence(), b.At.Time(), nil
		}
	}
	return emptyState(answer.text(4)), nil, now.Truncate(time.Millisecond), nil
}

// holds reports whether a lease of this process is live.
func (s *Store) holds(o owned) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.leases {
		if l.owned == o {
			return true
		}
	}
	return false
}

// beatenAt is the Redis TIME at which a beat was written.
func beatenAt(text string) time.Time {
	ms, _, _ := strings.Cut(text, " ")
	n, _ := strconv.ParseInt(ms, 10, 64)
	return attendance.Instant(n).Time()
}

func (b beat) presence() []rooms.Presence {
	here := make([]rooms.Presence, 0, len(b.Here))
	for _, p := range b.Here {
		here = append(here, rooms.Presence{
			Person: p.Person, Handle: p.Handle, Role: p.Role, State: p.State, Room: p.Room, Conn: p.Conn,
			Since: timeOf(p.Since), Seen: timeOf(p.Seen),
		})
	}
	return here
}

// emptyState is the state of a room without anybody in it.
func emptyState(memory string) rooms.RoomState {
	var m rooms.Memory
	if memory == "" || json.Unmarshal([]byte(memory), &m) != nil {
		return rooms.Scheduled
	}
	switch {
	case m.State == rooms.Ended:
		return rooms.Ended
	case m.Opened:
		return rooms.Held // no facilitator is here any more
	}
	return rooms.Scheduled
}
