package web

import (
	"net/http"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// revocation takes back one token, or a person's place in a session.
type revocation struct {
	TokenID string          `json:"token_id,omitempty"`
	Person  rooms.PersonID  `json:"person,omitempty"`
	Session rooms.SessionID `json:"session,omitempty"`
	Until   time.Time       `json:"until,omitzero"`
}

// revokedFor outlasts every token that could have been minted until now.
const revokedFor = auth.DefaultMaxLifetime + auth.Skew

func (s *server) revoke(w http.ResponseWriter, r *request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var order revocation
	if err := form.Read(body, &order); err != nil {
		return err
	}
	now := s.Now()
	if order.Until.IsZero() {
		order.Until = now.Add(revokedFor).UTC().Truncate(time.Second)
	}
	if err := order.check(now); err != nil {
		return err
	}
	err = s.Store.Revoke(r.Context(), auth.Revocation{ // from now on, by the store's clock: ours may be ahead
		TokenID: order.TokenID, Subject: string(order.Person), Session: string(order.Session), Until: order.Until,
	})
	if err != nil {
		return err
	}
	if order.Person != "" { // at once here; other nodes hear of it from the store
		s.Rooms.Expel(r.Context(), order.Session, order.Person,
			rooms.Reason{Code: rooms.CodeRevoked, Message: "Your invitation was taken back."})
	}
	return reply(w, http.StatusCreated, order)
}

func (v revocation) check(now time.Time) error {
	var p form.Problems
	place := v.Person != "" || v.Session != ""
	switch {
	case v.TokenID == "" && !place:
		p.Add("", "Name a token (token_id), or a person and a session.")
	case v.TokenID != "" && place:
		p.Add("/token_id", "Name either a token or a person and a session, not both.")
	case !place && !schedule.ValidID(v.TokenID):
		p.Add("/token_id", "This must be the jti of a token.")
	case place && !schedule.ValidID(string(v.Person)):
		p.Add("/person", "This must be the id of a person.")
	case place && !schedule.ValidID(string(v.Session)):
		p.Add("/session", "This must be the id of a session.")
	}
	if !v.Until.After(now) || v.Until.Sub(now) > 2*revokedFor {
		p.Add("/until", "This must be in the future, at most 800 days from now.")
	}
	return p.Err()
}
