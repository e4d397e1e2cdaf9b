package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) sessions() document[schedule.Session] {
	return document[schedule.Session]{
		noun: "session", puts: auth.SessionsWrite,
		read: schedule.ReadSession,
		bind: bindTo("/id", func(v *schedule.Session) *rooms.SessionID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Session, schedule.Tag, error) {
			return s.Store.Session(ctx, rooms.SessionID(id))
		},
		put:  planning(s, s.planSession),
		drop: dropping[schedule.Session](s),
	}
}

// planSession adds what the session comes to among the others of its week, and
// what moves in the records if it was met already.
func (s *server) planSession(ctx context.Context, v schedule.Session, c *schedule.Condition, _ options) (plan, error) {
	if err := s.checkSession(ctx, v); err != nil {
		return plan{}, err
	}
	warnings, err := s.warnOfSession(ctx, v)
	if err != nil {
		return plan{}, err
	}
	moved, err := s.moves(ctx, v, c)
	if err != nil {
		return plan{}, err
	}
	return plan{answer: struct {
		schedule.Session
		Warnings []schedule.Warning `json:"warnings,omitempty"`
		Moved    *moves             `json:"moved,omitempty"`
	}{v, warnings, moved}}, nil
}

// moves is what a change of a session that was met comes to: its evidence is
// kept, and counted by another schedule.
type moves struct {
	Fields  []string        `json:"fields"`
	Records []records.Moved `json:"records"`
}

// moves is nil when nothing is counted otherwise. The condition is narrowed to
// the version that was compared.
func (s *server) moves(ctx context.Context, v schedule.Session, c *schedule.Condition) (*moves, error) {
	standing, err := s.Store.Standing(ctx, "", []rooms.SessionID{v.ID})
	if err != nil {
		return nil, err
	}
	there := standing[v.ID]
	if !there.Evidence || there.Tag == "" {
		return nil, nil
	}
	fields := there.Session.Moves(v)
	if len(fields) == 0 {
		return nil, nil
	}
	if err := c.Check(there.Tag); err != nil {
		return nil, err
	}
	c.Tags = []schedule.Tag{there.Tag}
	changed, err := s.moved(ctx, v)
	if err != nil {
		return nil, err
	}
	return &moves{fields, changed}, nil
}

// moved counts by the schedule as it is and as it would be.
func (s *server) moved(ctx context.Context, changed ...schedule.Session) ([]records.Moved, error) {
	for _, v := range changed {
		if err := s.Rooms.Flush(ctx, v.ID); err != nil {
			return nil, fmt.Errorf("flush evidence: %w", err)
		}
	}
	return s.Books.Moved(ctx, changed...)
}

// checkSession asks whether the program and the people exist and are what the
// session takes them for.
func (s *server) checkSession(ctx context.Context, v schedule.Session) error {
	var p form.Problems
	if err := s.checkProgram(ctx, &p, v.Program); err != nil {
		return err
	}
	if err := s.checkPeople(ctx, &p, v.Roster, v.Facilitators); err != nil {
		return err
	}
	return p.Err()
}

func (s *server) checkProgram(ctx context.Context, p *form.Problems, id schedule.ProgramID) error {
	_, _, err := s.Store.Program(ctx, id)
	if errors.Is(err, schedule.ErrNotFound) {
		p.Add("/program", "There is no such program. Put it in first: PUT /v1/programs/{id}.")
		return nil
	}
	return err
}

func (s *server) checkPeople(ctx context.Context, p *form.Problems, roster, facilitators []rooms.PersonID) error {
	people, err := s.Store.People(ctx, slices.Concat(roster, facilitators))
	if err != nil {
		return err
	}
	checkRoles(p, "/roster/", roster, people, auth.Patient)
	checkRoles(p, "/facilitators/", facilitators, people, auth.Facilitator)
	return nil
}

func checkRoles(p *form.Problems, at string, ids []rooms.PersonID, people map[rooms.PersonID]schedule.Person, role auth.Role) {
	for i, id := range ids {
		checkRole(p, at+strconv.Itoa(i), id, people, role)
	}
}

func checkRole(p *form.Problems, at string, id rooms.PersonID, people map[rooms.PersonID]schedule.Person, role auth.Role) {
	person, known := people[id]
	switch {
	case !known:
		p.Add(at, "There is no such person. Put them in first: PUT /v1/people/{id}.")
	case person.Role != role:
		p.Add(at, "This place is for people with the role %s; this person is a %s.", role, person.Role)
	}
}

// warnOfSession is what the session comes to among the others of its week.
func (s *server) warnOfSession(ctx context.Context, v schedule.Session) ([]schedule.Warning, error) {
	program, _, err := s.Store.Program(ctx, v.Program)
	if err != nil {
		return nil, err
	}
	const around = 8 * 24 * time.Hour // a week, and what zones do to its ends
	others, err := s.allSessions(ctx, v.Start.Add(-around), v.Start.Add(around))
	if err != nil {
		return nil, err
	}
	return v.Warnings(program, others), nil
}

func (s *server) allSessions(ctx context.Context, from, to time.Time) (all []schedule.Session, err error) {
	for after := ""; ; {
		page, next, err := s.Store.Sessions(ctx, from, to, after, maxPage)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); next == "" {
			return all, nil
		}
		after = next
	}
}

// callOff calls a session off, and putOn back on: the one thing about it that
// people change most, without the rest of it.
func (s *server) callOff(w http.ResponseWriter, r *request) error {
	return s.setStatus(w, r, attendance.SessionCancelled)
}

func (s *server) putOn(w http.ResponseWriter, r *request) error {
	return s.setStatus(w, r, attendance.SessionScheduled)
}

func (s *server) setStatus(w http.ResponseWriter, r *request, status attendance.SessionStatus) error {
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	v, tag, err := s.Store.Session(r.Context(), sessionOf(r))
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound("session")
	}
	if err != nil {
		return err
	}
	if err := condition.Check(tag); err != nil {
		return err
	}
	condition.Tags = []schedule.Tag{tag} // what was read is what is written
	if v.Cancelled() == (status == attendance.SessionCancelled) {
		return outcome{http.StatusOK, tag, v}.reply(w, nil) // as asked for, already
	}
	v.Status = status
	done, err := planned(r.Context(), s.Store, schedule.Write{Document: v, If: condition}, func(c *schedule.Condition) (plan, error) {
		return s.planSession(r.Context(), v, c, options{})
	})
	return done.reply(w, err)
}

// Limits of a listing.
const (
	defaultPage = 100
	maxPage     = 200
	maxSpan     = 400 * 24 * time.Hour
)

type sessionPage struct {
	Sessions []schedule.Session `json:"sessions"`
	Next     string             `json:"next,omitempty"`
}

func (s *server) listSessions(w http.ResponseWriter, r *request) error {
	query := r.URL.Query()
	from, err := instantOf(query.Get("from"), "from")
	if err != nil {
		return err
	}
	to, err := instantOf(query.Get("to"), "to")
	if err != nil {
		return err
	}
	if !to.After(from) || to.Sub(from) > maxSpan {
		return badQuery("to", "This must be after from, by at most 400 days.")
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	cursor := query.Get("after")
	if cursor != "" && !schedule.ValidID(cursor) {
		return badQuery("after", "This must be what next said on the page before.")
	}
	page := sessionPage{}
	page.Sessions, page.Next, err = s.Store.Sessions(r.Context(), from, to, cursor, limit)
	if err != nil {
		return err
	}
	if page.Sessions == nil {
		page.Sessions = []schedule.Session{}
	}
	return reply(w, http.StatusOK, page)
}

// limitOf a page.
func limitOf(r *request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPage {
		return 0, badQuery("limit", "This must be a number from 1 to 200.")
	}
	return limit, nil
}

func instantOf(text, name string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, badQuery(name, "This must be a time with its offset (RFC 3339), such as 2026-11-02T00:00:00Z; + is written %2B in an address.")
	}
	return t, nil
}
