package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
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

func (s *server) attendanceJSON(w http.ResponseWriter, r *request) error {
	records, err := s.attendance(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, records)
}

func (s *server) attendanceCSV(w http.ResponseWriter, r *request) error {
	records, err := s.attendance(r)
	if err != nil {
		return err
	}
	var table bytes.Buffer
	if err := records.CSV(&table); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="attendance.csv"`)
	send(w, table.Bytes())
	return nil
}

// attendance recomputes the records from the evidence, including what this
// node's room has handed over a moment ago.
func (s *server) attendance(r *request) (export.Attendance, error) {
	if err := s.sessionExists(r); err != nil {
		return export.Attendance{}, err
	}
	if err := s.Rooms.Flush(r.Context(), sessionOf(r)); err != nil {
		return export.Attendance{}, fmt.Errorf("flush evidence: %w", err)
	}
	evidence, err := s.Store.Case(r.Context(), sessionOf(r))
	if err != nil {
		return export.Attendance{}, err
	}
	return export.Of(attendance.Evaluate(evidence), r.PathValue("id")), nil
}

func (s *server) sessionExists(r *request) error {
	_, _, err := s.Store.Session(r.Context(), sessionOf(r))
	if errors.Is(err, schedule.ErrNotFound) {
		return notFound("session")
	}
	return err
}
