package web

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"viop/rooms"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/schedule"
)

// presenceView is who is where now.
type presenceView struct {
	Session rooms.SessionID `json:"session"`
	AsOf    time.Time       `json:"as_of"` // evidence clock
	State   rooms.RoomState `json:"state"`
	People  []presentPerson `json:"people"`
}

type presentPerson struct {
	Person rooms.PersonID  `json:"person"`
	Role   string          `json:"role"`
	State  rooms.SeatState `json:"state"`
	Room   string          `json:"room,omitempty"` // not in the lobby
	Since  time.Time       `json:"since"`
}

func (s *server) presence(w http.ResponseWriter, r *request) error {
	if err := s.sessionExists(r); err != nil {
		return err
	}
	state, here, asOf, err := s.Store.Presence(r.Context(), sessionOf(r))
	if err != nil {
		return err
	}
	view := presenceView{Session: sessionOf(r), AsOf: asOf.UTC(), State: state, People: []presentPerson{}}
	for _, p := range here {
		view.People = append(view.People, presentPerson{p.Person, p.Role, p.State, p.Room, p.Since.UTC()})
	}
	return reply(w, http.StatusOK, view)
}

func (s *server) attendanceCSV(w http.ResponseWriter, r *request) error {
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	to, err := s.receiver(r)
	if err != nil {
		return err
	}
	style, err := styleOf(r)
	if err != nil {
		return err
	}
	var table bytes.Buffer
	if err := export.CSV(&table, style, export.View{}.Sheet(sheet)); err != nil {
		return err
	}
	var rows []delivery.Disclosure
	for _, record := range sheet.Records {
		rows = append(rows, delivery.Disclosure{
			Person: rooms.PersonID(record.Person), Records: 1, Items: []string{export.RecordID(record.Session, record.Person)},
		})
	}
	if err := s.Gate.Disclose(r.Context(), to, r.grant.Subject(), delivery.AsCSV, rows...); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="attendance.csv"`)
	send(w, table.Bytes())
	return nil
}

func (s *server) sessionExists(r *request) error {
	_, _, err := s.Store.Session(r.Context(), sessionOf(r))
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound("session")
	}
	return err
}
