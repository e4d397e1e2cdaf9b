package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// inviteOrder asks for one link.
type inviteOrder struct {
	Person rooms.PersonID `json:"person"`
	// Role and Name are the person's own when left out.
	Role       auth.Role `json:"role,omitempty"`
	Name       string    `json:"name,omitempty"`
	TTLSeconds int       `json:"ttl_seconds,omitempty"`
}

// invited is the answer. Token and URL open the seat to whoever holds them.
type invited struct {
	Session rooms.SessionID `json:"session"`
	Person  rooms.PersonID  `json:"person"`
	Role    auth.Role       `json:"role"`
	Token   string          `json:"token"`
	URL     string          `json:"url"`
	Expires time.Time       `json:"expires"`
}

const (
	minTTL = time.Minute
	maxTTL = auth.DefaultMaxLifetime - time.Hour // so that the verifier's clock agrees
	// afterEnd is how long an invite outlives the session's scheduled end when
	// nobody says otherwise: groups run over.
	afterEnd = 2 * time.Hour
)

func (s *server) invite(w http.ResponseWriter, r *request) error {
	if s.Minter == nil {
		return newProblem(http.StatusNotImplemented, "no_invites", "This server makes no invites.",
			"It has no shared secret to sign them with; the identity provider that it trusts has to.")
	}
	session, _, err := s.Store.Session(r.Context(), sessionOf(r))
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound("session")
	}
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var order inviteOrder
	if err := form.Read(body, &order); err != nil {
		return err
	}
	known, err := s.Store.People(r.Context(), []rooms.PersonID{order.Person})
	if err != nil {
		return err
	}
	person, ok := known[order.Person]
	if !ok {
		return invalid(form.Problems{{Pointer: "/person", Detail: "There is no such person. Put them in first: PUT /v1/people/{id}."}})
	}
	expires, err := s.checkInvite(&order, session, person)
	if err != nil {
		return err
	}
	return s.mint(w, session.ID, order, expires)
}

// checkInvite completes the order. Patients must be on the roster: a link to
// the wrong group would tell its members who else is a patient.
func (s *server) checkInvite(order *inviteOrder, session schedule.Session, person schedule.Person) (time.Time, error) {
	var p form.Problems
	if person.Role == auth.Patient && !slices.Contains(session.Roster, person.ID) {
		p.Add("/person", "This person is a patient who is not on the roster of the session.")
	}
	if order.Role == "" {
		order.Role = person.Role
	}
	if order.Role != person.Role {
		p.Add("/role", "The role of this person is %s.", person.Role)
	}
	if order.Name == "" {
		order.Name = person.Name
	}
	if errs, ok := errors.AsType[form.Problems](schedule.Person{Role: order.Role, Name: order.Name}.Check()); ok {
		p = append(p, errs...)
	}
	if session.Cancelled() {
		p.Add("", "The session is cancelled.")
	}
	now := s.Now()
	expires := session.End.Add(afterEnd)
	if order.TTLSeconds != 0 {
		expires = now.Add(time.Duration(order.TTLSeconds) * time.Second)
	}
	if left := expires.Sub(now); left < minTTL || left > maxTTL {
		p.Add("/ttl_seconds", "An invite is valid for a minute to 399 days; without a value it ends %d hours after the session.", afterEnd/time.Hour)
	}
	return expires.UTC().Truncate(time.Second), p.Err()
}

// mint puts the token into the fragment, which no server ever sees.
func (s *server) mint(w http.ResponseWriter, session rooms.SessionID, order inviteOrder, expires time.Time) error {
	token, err := s.Minter.Join(auth.JoinToken{
		Subject: string(order.Person), Session: string(session), Role: order.Role, Name: order.Name, Expires: expires,
	})
	if err != nil {
		return err
	}
	link := *s.Public
	link.Path, link.RawQuery, link.Fragment = strings.TrimSuffix(link.Path, "/")+"/", "", "t="+token
	return reply(w, http.StatusCreated, invited{
		Session: session, Person: order.Person, Role: order.Role, Token: token, URL: link.String(), Expires: expires,
	})
}
