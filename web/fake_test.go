package web_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// memory is a web.Store that keeps everything until the test ends.
type memory struct {
	mu       sync.Mutex
	now      func() time.Time
	revision int
	sessions shelf[rooms.SessionID, schedule.Session]
	people   shelf[rooms.PersonID, schedule.Person]
	programs shelf[schedule.ProgramID, schedule.Program]
	events   map[rooms.SessionID][]attendance.Event
	here     map[rooms.SessionID][]rooms.Presence
	revoked  []auth.Revocation
}

func newMemory(now func() time.Time) *memory {
	return &memory{
		now:      now,
		sessions: shelf[rooms.SessionID, schedule.Session]{},
		people:   shelf[rooms.PersonID, schedule.Person]{},
		programs: shelf[schedule.ProgramID, schedule.Program]{},
		events:   map[rooms.SessionID][]attendance.Event{},
		here:     map[rooms.SessionID][]rooms.Presence{},
	}
}

type kept[T any] struct {
	value T
	tag   schedule.Tag
}

type shelf[ID comparable, T any] map[ID]kept[T]

func get[ID comparable, T any](m *memory, from shelf[ID, T], id ID) (T, schedule.Tag, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := from[id]
	if !ok {
		return k.value, "", schedule.ErrNotFound
	}
	return k.value, k.tag, nil
}

func put[ID comparable, T any](m *memory, to shelf[ID, T], id ID, v T, c schedule.Condition) (schedule.Tag, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := c.Check(to[id].tag); err != nil {
		return "", false, err
	}
	_, existed := to[id]
	m.revision++
	tag := schedule.Tag(strconv.Itoa(m.revision))
	to[id] = kept[T]{v, tag}
	return tag, !existed, nil
}

func (m *memory) Session(_ context.Context, id rooms.SessionID) (schedule.Session, schedule.Tag, error) {
	return get(m, m.sessions, id)
}

func (m *memory) PutSession(_ context.Context, s schedule.Session, c schedule.Condition) (schedule.Tag, bool, error) {
	return put(m, m.sessions, s.ID, s, c)
}

func (m *memory) Person(_ context.Context, id rooms.PersonID) (schedule.Person, schedule.Tag, error) {
	return get(m, m.people, id)
}

func (m *memory) PutPerson(_ context.Context, p schedule.Person, c schedule.Condition) (schedule.Tag, bool, error) {
	return put(m, m.people, p.ID, p, c)
}

func (m *memory) Program(_ context.Context, id schedule.ProgramID) (schedule.Program, schedule.Tag, error) {
	return get(m, m.programs, id)
}

func (m *memory) PutProgram(_ context.Context, p schedule.Program, c schedule.Condition) (schedule.Tag, bool, error) {
	return put(m, m.programs, p.ID, p, c)
}

func (m *memory) People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error) {
	found := map[rooms.PersonID]schedule.Person{}
	for _, id := range ids {
		if p, _, err := m.Person(ctx, id); err == nil {
			found[id] = p
		}
	}
	return found, nil
}

func (m *memory) DeleteSession(_ context.Context, id rooms.SessionID, c schedule.Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, ok := m.sessions[id]
	if err := c.Check(stored.tag); err != nil {
		return err
	}
	switch {
	case !ok:
		return schedule.ErrNotFound
	case len(m.events[id]) > 0:
		return schedule.ErrHasEvidence
	}
	delete(m.sessions, id)
	return nil
}

func (m *memory) Sessions(_ context.Context, from, to time.Time, cursor string, limit int) ([]schedule.Session, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []schedule.Session
	for _, k := range m.sessions {
		if k.value.Start.Before(to) && k.value.End.After(from) {
			all = append(all, k.value)
		}
	}
	slices.SortFunc(all, func(a, b schedule.Session) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	if i := slices.IndexFunc(all, func(s schedule.Session) bool { return string(s.ID) == cursor }); i >= 0 {
		all = all[i+1:]
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], string(all[limit-1].ID), nil
}

func (m *memory) Presence(_ context.Context, id rooms.SessionID) (rooms.RoomState, []rooms.Presence, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if here := m.here[id]; len(here) > 0 {
		return rooms.Live, here, m.now(), nil
	}
	return rooms.Scheduled, nil, m.now(), nil
}

func (m *memory) Case(ctx context.Context, id rooms.SessionID) (*attendance.Case, error) {
	session, _, err := m.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	program, _, err := m.Program(ctx, session.Program)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &attendance.Case{Format: attendance.Format, AsOf: attendance.At(m.now()), Program: program.Program, Events: m.events[id]}
	for _, k := range m.people {
		c.People = append(c.People, attendance.Person{ID: string(k.value.ID), Role: attendance.Role(k.value.Role)})
	}
	meeting := attendance.Session{
		ID: string(session.ID), Service: session.Service, Counts: session.Counts, Status: session.Status,
		ScheduledStart: attendance.At(session.Start), ScheduledEnd: attendance.At(session.End),
	}
	for _, p := range session.Roster {
		meeting.Roster = append(meeting.Roster, string(p))
	}
	c.Sessions = []attendance.Session{meeting}
	return c, c.Validate()
}

func (m *memory) Revoke(_ context.Context, r auth.Revocation) error {
	whole := r
	if whole.At.IsZero() {
		whole.At = r.Until.Add(-time.Second) // now, whenever that is
	}
	if err := whole.Validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.revoked = append(m.revoked, r)
	return nil
}

// node is a web.Rooms that remembers who was put out and what was flushed.
type node struct {
	mu       sync.Mutex
	expelled []string
	flushed  []rooms.SessionID
	flush    func(context.Context) error // nil is at once
}

func (n *node) Flush(ctx context.Context, id rooms.SessionID) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flushed = append(n.flushed, id)
	if n.flush != nil {
		return n.flush(ctx)
	}
	return nil
}

func (n *node) Expel(_ context.Context, id rooms.SessionID, person rooms.PersonID, why rooms.Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expelled = append(n.expelled, string(id)+" "+string(person)+" "+string(why.Code))
}
