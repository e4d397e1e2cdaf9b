package web

import (
	"context"
	"errors"

	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) people() document[schedule.Person, rooms.PersonID] {
	return document[schedule.Person, rooms.PersonID]{
		noun:   "person",
		read:   schedule.ReadPerson,
		id:     func(v *schedule.Person) *rooms.PersonID { return &v.ID },
		get:    s.Store.Person,
		put:    s.Store.PutPerson,
		check:  s.checkPerson,
		answer: func(_ context.Context, v schedule.Person) (any, error) { return v, nil },
	}
}

// checkPerson keeps the role of a person who exists: the minutes of everybody
// who was ever in a room with them follow from it, so changing it would change
// records that may be signed. The condition is narrowed to what was seen here,
// or two writers could get past each other.
func (s *server) checkPerson(ctx context.Context, v schedule.Person, c *schedule.Condition) error {
	var p form.Problems
	if v.Program != "" {
		switch _, _, err := s.Store.Program(ctx, v.Program); {
		case errors.Is(err, schedule.ErrNotFound):
			p.Add("/program", "There is no such program. Put it in first: PUT /v1/programs/{id}.")
		case err != nil:
			return err
		}
	}
	stored, tag, err := s.Store.Person(ctx, v.ID)
	switch {
	case errors.Is(err, schedule.ErrNotFound):
		tag = ""
	case err != nil:
		return err
	case stored.Role != v.Role:
		p.Add("/role", "The role of a person stays %s: records depend on it. Use another id.", stored.Role)
	}
	if err := c.Check(tag); err != nil {
		return err
	}
	if tag == "" {
		c.Absent = true
	} else {
		c.Tags = []schedule.Tag{tag}
	}
	return p.Err()
}

func (s *server) programs() document[schedule.Program, schedule.ProgramID] {
	return document[schedule.Program, schedule.ProgramID]{
		noun:  "program",
		read:  schedule.ReadProgram,
		id:    func(v *schedule.Program) *schedule.ProgramID { return &v.ID },
		get:   s.Store.Program,
		put:   s.Store.PutProgram,
		check: func(context.Context, schedule.Program, *schedule.Condition) error { return nil },
		answer: func(_ context.Context, v schedule.Program) (any, error) {
			return struct {
				schedule.Program
				Warnings []schedule.Warning `json:"warnings,omitempty"`
			}{v, v.Warnings()}, nil
		},
	}
}
