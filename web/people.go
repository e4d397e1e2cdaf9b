package web

import (
	"context"
	"errors"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) people() document[schedule.Person] {
	return document[schedule.Person]{
		noun: "person", puts: auth.PeopleWrite,
		read: schedule.ReadPerson,
		bind: bindTo("/id", func(v *schedule.Person) *rooms.PersonID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Person, schedule.Tag, error) {
			return s.Store.Person(ctx, rooms.PersonID(id))
		},
		put: planning(s, func(ctx context.Context, v schedule.Person, c *schedule.Condition, _ options) (plan, error) {
			return plan{answer: v}, s.checkPerson(ctx, v, c)
		}),
		drop: dropping[schedule.Person](s), // ErrInUse, always
	}
}

// checkPerson keeps the role of a person who exists: the minutes of everybody
// who was ever in a room with them follow from it, so changing it would change
// records that may be signed. The condition is narrowed to what was seen here,
// or two writers could get past each other.
func (s *server) checkPerson(ctx context.Context, v schedule.Person, c *schedule.Condition) error {
	var p form.Problems
	if v.Program != "" {
		if err := s.checkProgram(ctx, &p, v.Program); err != nil {
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

func (s *server) programs() document[schedule.Program] {
	return document[schedule.Program]{
		noun: "program", puts: auth.ProgramsWrite,
		read: schedule.ReadProgram,
		bind: bindTo("/id", func(v *schedule.Program) *schedule.ProgramID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Program, schedule.Tag, error) {
			return s.Store.Program(ctx, schedule.ProgramID(id))
		},
		put:  planning(s, s.planProgram),
		drop: dropping[schedule.Program](s), // likewise
	}
}

// planProgram moves the series of a program to another zone with it.
func (s *server) planProgram(ctx context.Context, v schedule.Program, c *schedule.Condition, o options) (plan, error) {
	rework := rework{server: s, options: o}
	stored, tag, err := s.Store.Program(ctx, v.ID)
	switch {
	case errors.Is(err, schedule.ErrNotFound):
	case err != nil:
		return plan{}, err
	case stored.Timezone != v.Timezone:
		if err := c.Check(tag); err != nil {
			return plan{}, err
		}
		c.Tags = []schedule.Tag{tag}
		if err := rework.program(ctx, v); err != nil {
			return plan{}, err
		}
	}
	moved, err := rework.moved(ctx)
	return plan{also: rework.writes, answer: struct {
		schedule.Program
		Warnings []schedule.Warning `json:"warnings,omitempty"`
		reworked
	}{v, v.Warnings(), reworked{rework.reports, moved}}}, err
}
