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
	// others are the kinds that need no more than to be kept; series and what
	// they make are the real store's, in series_test.go.
	others shelf[schedule.Name, schedule.Document]
	once   map[string]onceKept
}

type onceKept struct {
	request string
	answer  []byte // nil: under way
}

func newMemory(now func() time.Time) *memory {
	return &memory{
		now:      now,
		sessions: shelf[rooms.SessionID, schedule.Session]{},
		people:   shelf[rooms.PersonID, schedule.Person]{},
		programs: shelf[schedule.ProgramID, schedule.Program]{},
		events:   map[rooms.SessionID][]attendance.Event{},
		here:     map[rooms.SessionID][]rooms.Presence{},
		others:   shelf[schedule.Name, schedule.Document]{},
		once:     map[string]onceKept{},
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

// PutAll is without series: it writes what it is given.
func (m *memory) PutAll(_ context.Context, batch []schedule.Write) ([]schedule.Written, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	written := make([]schedule.Written, len(batch))
	for i, w := range batch {
		if err := m.allowed(w); err != nil {
			return nil, &schedule.BatchError{Index: i, Name: w.Document.Called(), Err: err}
		}
	}
	for i, w := range batch {
		tag := m.tagOf(w.Document.Called())
		if !w.Keep {
			m.revision++
			written[i] = schedule.Written{Tag: schedule.Tag(strconv.Itoa(m.revision)), Created: tag == ""}
			m.write(w, written[i].Tag)
		}
		if w.Delete {
			written[i] = schedule.Written{}
		}
	}
	return written, nil
}

func (m *memory) allowed(w schedule.Write) error {
	tag := m.tagOf(w.Document.Called())
	if err := w.If.Check(tag); err != nil || !w.Delete {
		return err
	}
	switch {
	case tag == "":
		return schedule.ErrNotFound
	case w.Document.Called().Kind == schedule.KindSession && len(m.events[rooms.SessionID(w.Document.Called().ID)]) > 0:
		return schedule.ErrHasEvidence
	}
	return nil
}

func (m *memory) tagOf(n schedule.Name) schedule.Tag {
	switch n.Kind {
	case schedule.KindSession:
		return m.sessions[rooms.SessionID(n.ID)].tag
	case schedule.KindPerson:
		return m.people[rooms.PersonID(n.ID)].tag
	case schedule.KindProgram:
		return m.programs[schedule.ProgramID(n.ID)].tag
	}
	return m.others[n].tag
}

func (m *memory) write(w schedule.Write, tag schedule.Tag) {
	switch v := w.Document.(type) {
	case schedule.Session:
		m.sessions[v.ID] = kept[schedule.Session]{v, tag}
		if w.Delete {
			delete(m.sessions, v.ID)
		}
	case schedule.Person:
		m.people[v.ID] = kept[schedule.Person]{v, tag}
	case schedule.Program:
		m.programs[v.ID] = kept[schedule.Program]{v, tag}
	default:
		m.others[v.Called()] = kept[schedule.Document]{v, tag}
		if w.Delete {
			delete(m.others, v.Called())
		}
	}
}

// other is a document of the kinds that are only kept.
func other[T schedule.Document](m *memory, kind schedule.Kind, id string, person rooms.PersonID) (v T, tag schedule.Tag, err error) {
	d, tag, err := get(m, m.others, schedule.Name{Kind: kind, ID: id, Person: person})
	if err == nil {
		v, _ = d.(T)
	}
	return v, tag, err
}

// page is those of a kind that are wanted, by name.
func page[T schedule.Document](m *memory, wanted func(T) bool, after string, limit int) (all []T, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.others {
		if v, ok := k.value.(T); ok && wanted(v) && v.Called().ID > after {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b T) int {
		return cmp.Or(cmp.Compare(a.Called().ID, b.Called().ID), cmp.Compare(a.Called().Person, b.Called().Person))
	})
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].Called().ID
	}
	return all, next, nil
}

func (m *memory) Cohort(_ context.Context, id schedule.CohortID) (schedule.Cohort, schedule.Tag, error) {
	return other[schedule.Cohort](m, schedule.KindCohort, string(id), "")
}

func (m *memory) Cohorts(_ context.Context, program schedule.ProgramID, after string, limit int) ([]schedule.Cohort, string, error) {
	return page(m, func(v schedule.Cohort) bool { return v.Program == program }, after, limit)
}

func (m *memory) Series(_ context.Context, id schedule.SeriesID) (schedule.Series, schedule.Tag, error) {
	return other[schedule.Series](m, schedule.KindSeries, string(id), "")
}

func (m *memory) AllSeries(_ context.Context, program schedule.ProgramID, after string, limit int) ([]schedule.Series, string, error) {
	return page(m, func(v schedule.Series) bool { return v.Program == program }, after, limit)
}

func (m *memory) SeriesOf(_ context.Context, cohort schedule.CohortID) (ids []schedule.SeriesID, err error) {
	all, _, err := page(m, func(v schedule.Series) bool { return v.Cohort == cohort }, "", 1000)
	for _, v := range all {
		ids = append(ids, v.ID)
	}
	return ids, err
}

func (m *memory) Standing(_ context.Context, _ schedule.SeriesID, ids []rooms.SessionID) (map[rooms.SessionID]schedule.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := map[rooms.SessionID]schedule.Standing{}
	for _, id := range ids {
		k := m.sessions[id]
		standing[id] = schedule.Standing{Session: k.value, Tag: k.tag, Evidence: len(m.events[id]) > 0}
	}
	return standing, nil
}

func (m *memory) Enrollment(_ context.Context, person rooms.PersonID) (schedule.Enrollment, schedule.Tag, error) {
	return other[schedule.Enrollment](m, schedule.KindEnrollment, string(person), "")
}

func (m *memory) Authorization(_ context.Context, id schedule.AuthorizationID) (schedule.Authorization, schedule.Tag, error) {
	return other[schedule.Authorization](m, schedule.KindAuthorization, string(id), "")
}

func (m *memory) Authorizations(_ context.Context, person rooms.PersonID, after string, limit int) ([]schedule.Authorization, string, error) {
	return page(m, func(v schedule.Authorization) bool { return v.Person == person }, after, limit)
}

func (m *memory) Excuse(_ context.Context, session rooms.SessionID, person rooms.PersonID) (schedule.Excuse, schedule.Tag, error) {
	return other[schedule.Excuse](m, schedule.KindExcuse, string(session), person)
}

func (m *memory) Excuses(_ context.Context, session rooms.SessionID) ([]schedule.Excuse, error) {
	all, _, err := page(m, func(v schedule.Excuse) bool { return v.Session == session }, "", 1000)
	return all, err
}

func (m *memory) Begin(_ context.Context, key, request string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, taken := m.once[key]
	switch {
	case !taken:
		m.once[key] = onceKept{request: request}
		return nil, request, nil
	case known.request != request:
		return nil, "", schedule.ErrOtherRequest
	case known.answer == nil:
		return nil, "", schedule.ErrUnderway
	}
	return known.answer, "", nil
}

func (m *memory) Finish(_ context.Context, key, turn string, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if answer == nil {
		delete(m.once, key)
		return nil
	}
	m.once[key] = onceKept{turn, answer}
	return nil
}

// PutSession puts a session in, past the API.
func (m *memory) PutSession(ctx context.Context, v schedule.Session, c schedule.Condition) (schedule.Tag, bool, error) {
	written, err := m.PutAll(ctx, []schedule.Write{{Document: v, If: c}})
	if err != nil {
		return "", false, err
	}
	return written[0].Tag, written[0].Created, nil
}

func (m *memory) Session(_ context.Context, id rooms.SessionID) (schedule.Session, schedule.Tag, error) {
	return get(m, m.sessions, id)
}

func (m *memory) Person(_ context.Context, id rooms.PersonID) (schedule.Person, schedule.Tag, error) {
	return get(m, m.people, id)
}

func (m *memory) Program(_ context.Context, id schedule.ProgramID) (schedule.Program, schedule.Tag, error) {
	return get(m, m.programs, id)
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
	expel    func()                      // waits; nil does not
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
	if n.expel != nil {
		n.expel()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expelled = append(n.expelled, string(id)+" "+string(person)+" "+string(why.Code))
}

// Documents, Identified and SessionsFrom are what imports ask.
func (m *memory) Documents(_ context.Context, names []schedule.Name) (map[schedule.Name]schedule.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[schedule.Name]schedule.Stored{}
	for _, n := range names {
		tag := m.tagOf(n)
		if tag == "" {
			continue
		}
		document := m.others[n].value
		switch n.Kind {
		case schedule.KindSession:
			document = m.sessions[rooms.SessionID(n.ID)].value
		case schedule.KindPerson:
			document = m.people[rooms.PersonID(n.ID)].value
		case schedule.KindProgram:
			document = m.programs[schedule.ProgramID(n.ID)].value
		}
		found[n] = schedule.Stored{Document: document, Tag: tag}
	}
	return found, nil
}

func (m *memory) Identified(_ context.Context, ids []schedule.Identifier) (map[schedule.Identifier][]rooms.PersonID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[schedule.Identifier][]rooms.PersonID{}
	for _, k := range m.people {
		for _, id := range k.value.Identifiers {
			if slices.Contains(ids, id) {
				found[id] = append(found[id], k.value.ID)
			}
		}
	}
	return found, nil
}

func (m *memory) SessionsFrom(_ context.Context, source string, from, to time.Time) (map[schedule.Name]schedule.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[schedule.Name]schedule.Stored{}
	for _, k := range m.sessions {
		if k.value.Source.System == source && k.value.Start.Before(to) && k.value.End.After(from) {
			found[k.value.Called()] = schedule.Stored{Document: k.value, Tag: k.tag}
		}
	}
	return found, nil
}
