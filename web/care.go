package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) enrollments() document[schedule.Enrollment] {
	return document[schedule.Enrollment]{
		noun: "enrollment", puts: auth.PeopleWrite,
		read: schedule.ReadEnrollment,
		bind: bindTo("/person", func(v *schedule.Enrollment) *rooms.PersonID { return &v.Person }),
		get: func(ctx context.Context, id string) (schedule.Enrollment, schedule.Tag, error) {
			return s.Store.Enrollment(ctx, rooms.PersonID(id))
		},
		put: planning(s, func(ctx context.Context, v schedule.Enrollment, _ *schedule.Condition, _ options) (plan, error) {
			return plan{answer: v}, s.checkPatient(ctx, "/person", v.Person)
		}),
		drop: dropping[schedule.Enrollment](s),
	}
}

func (s *server) authorizations() document[schedule.Authorization] {
	return document[schedule.Authorization]{
		noun: "authorization", puts: auth.AuthorizationsWrite,
		read: schedule.ReadAuthorization,
		bind: bindTo("/id", func(v *schedule.Authorization) *schedule.AuthorizationID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Authorization, schedule.Tag, error) {
			return s.Store.Authorization(ctx, schedule.AuthorizationID(id))
		},
		put: planning(s, func(ctx context.Context, v schedule.Authorization, _ *schedule.Condition, _ options) (plan, error) {
			return plan{answer: v}, s.checkPatient(ctx, "/person", v.Person)
		}),
		drop: dropping[schedule.Authorization](s),
	}
}

// excuses have two ids: <session>/<person>, as records have.
func (s *server) excuses() document[schedule.Excuse] {
	return document[schedule.Excuse]{
		noun: "excuse", puts: auth.SessionsWrite,
		read: schedule.ReadExcuse,
		bind: func(v *schedule.Excuse, id string) string {
			session, person, _ := strings.Cut(id, "/")
			switch {
			case !bound(&v.Session, session):
				return "/session"
			case !bound(&v.Person, person):
				return "/person"
			}
			return ""
		},
		get: func(ctx context.Context, id string) (schedule.Excuse, schedule.Tag, error) {
			session, person, _ := strings.Cut(id, "/")
			return s.Store.Excuse(ctx, rooms.SessionID(session), rooms.PersonID(person))
		},
		put:  planning(s, s.planExcuse),
		drop: dropping[schedule.Excuse](s),
	}
}

// planExcuse wants somebody who is expected.
func (s *server) planExcuse(ctx context.Context, v schedule.Excuse, _ *schedule.Condition, _ options) (plan, error) {
	session, _, err := s.Store.Session(ctx, v.Session)
	if errors.Is(err, schedule.ErrNotFound) {
		return plan{}, notFound("session")
	}
	if err != nil {
		return plan{}, err
	}
	if !slices.Contains(session.Roster, v.Person) {
		return plan{}, invalid(form.Problems{{Pointer: "/person", Detail: "This person is not on the roster of the session, so nobody expects them."}})
	}
	return plan{answer: v}, nil
}

func (s *server) listExcuses(w http.ResponseWriter, r *request) error {
	if err := s.sessionExists(r); err != nil {
		return err
	}
	excuses, err := s.Store.Excuses(r.Context(), sessionOf(r))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"excuses": orEmpty(excuses)})
}

func (s *server) listAuthorizations(w http.ResponseWriter, r *request) error {
	return listPage(w, r, "person", "authorizations", func(ctx context.Context, person, after string, limit int) ([]schedule.Authorization, string, error) {
		return s.Store.Authorizations(ctx, rooms.PersonID(person), after, limit)
	})
}

// checkPatient wants somebody whose minutes are counted.
func (s *server) checkPatient(ctx context.Context, field string, id rooms.PersonID) error {
	people, err := s.Store.People(ctx, []rooms.PersonID{id})
	if err != nil {
		return err
	}
	var p form.Problems
	checkRole(&p, field, id, people, auth.Patient)
	return p.Err()
}
