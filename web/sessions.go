package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) sessions() document[schedule.Session, rooms.SessionID] {
	return document[schedule.Session, rooms.SessionID]{
		noun:   "session",
		read:   schedule.ReadSession,
		id:     func(v *schedule.Session) *rooms.SessionID { return &v.ID },
		get:    s.Store.Session,
		put:    s.Store.PutSession,
		check:  s.checkSession,
		answer: s.warnOfSession,
	}
}

// checkSession asks whether the program and the people exist and are what the
// session takes them for.
func (s *server) checkSession(ctx context.Context, v schedule.Session, _ *schedule.Condition) error {
	var p form.Problems
	switch _, _, err := s.Store.Program(ctx, v.Program); {
	case errors.Is(err, schedule.ErrNotFound):
		p.Add("/program", "There is no such program. Put it in first: PUT /v1/programs/{id}.")
	case err != nil:
		return err
	}
	people, err := s.Store.People(ctx, append(append([]rooms.PersonID{}, v.Roster...), v.Facilitators...))
	if err != nil {
		return err
	}
	checkRoles(&p, "/roster/", v.Roster, people, auth.Patient)
	checkRoles(&p, "/facilitators/", v.Facilitators, people, auth.Facilitator)
	return p.Err()
}

func checkRoles(p *form.Problems, at string, ids []rooms.PersonID, people map[rooms.PersonID]schedule.Person, role auth.Role) {
	for i, id := range ids {
		person, known := people[id]
		switch {
		case !known:
			p.Add(at+strconv.Itoa(i), "There is no such person. Put them in first: PUT /v1/people/{id}.")
		case person.Role != role:
			p.Add(at+strconv.Itoa(i), "This list is of people with the role %s; this person is a %s.", role, person.Role)
		}
	}
}

// warnOfSession adds what the session comes to among the others of its week.
func (s *server) warnOfSession(ctx context.Context, v schedule.Session) (any, error) {
	program, _, err := s.Store.Program(ctx, v.Program)
	if err != nil {
		return nil, err
	}
	const around = 8 * 24 * time.Hour // a week, and what zones do to its ends
	others, err := s.allSessions(ctx, v.Start.Add(-around), v.Start.Add(around))
	if err != nil {
		return nil, err
	}
	return struct {
		schedule.Session
		Warnings []schedule.Warning `json:"warnings,omitempty"`
	}{v, v.Warnings(program, others)}, nil
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

func (s *server) deleteSession(w http.ResponseWriter, r *request) error {
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	err = s.Store.DeleteSession(r.Context(), sessionOf(r), condition)
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound("session")
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
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
