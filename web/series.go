package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/records"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

func (s *server) cohorts() document[schedule.Cohort] {
	return document[schedule.Cohort]{
		noun: "cohort", puts: auth.SessionsWrite,
		read: schedule.ReadCohort,
		bind: bindTo("/id", func(v *schedule.Cohort) *schedule.CohortID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Cohort, schedule.Tag, error) {
			return s.Store.Cohort(ctx, schedule.CohortID(id))
		},
		put:  planning(s, s.planCohort),
		drop: dropping[schedule.Cohort](s),
	}
}

func (s *server) series() document[schedule.Series] {
	return document[schedule.Series]{
		noun: "series", puts: auth.SessionsWrite,
		read: schedule.ReadSeries,
		bind: bindTo("/id", func(v *schedule.Series) *schedule.SeriesID { return &v.ID }),
		get: func(ctx context.Context, id string) (schedule.Series, schedule.Tag, error) {
			return s.Store.Series(ctx, schedule.SeriesID(id))
		},
		put:  planning(s, s.planSeries),
		drop: s.dropSeries,
	}
}

// planCohort makes the series of a cohort follow its members.
func (s *server) planCohort(ctx context.Context, v schedule.Cohort, _ *schedule.Condition, o options) (plan, error) {
	if err := s.checkCohort(ctx, v); err != nil {
		return plan{}, err
	}
	r := rework{server: s, options: o}
	if err := r.cohort(ctx, v); err != nil {
		return plan{}, err
	}
	moved, err := r.moved(ctx)
	return plan{also: r.writes, answer: struct {
		schedule.Cohort
		reworked
	}{v, reworked{r.reports, moved}}}, err
}

// checkCohort keeps the program of a cohort: series of it meet by its clock.
func (s *server) checkCohort(ctx context.Context, v schedule.Cohort) error {
	var p form.Problems
	if err := s.checkProgram(ctx, &p, v.Program); err != nil {
		return err
	}
	var members []rooms.PersonID
	for _, m := range v.Members {
		members = append(members, m.Person)
	}
	people, err := s.Store.People(ctx, slices.Concat(members, v.Facilitators))
	if err != nil {
		return err
	}
	for i, id := range members {
		checkRole(&p, "/members/"+strconv.Itoa(i)+"/person", id, people, auth.Patient)
	}
	checkRoles(&p, "/facilitators/", v.Facilitators, people, auth.Facilitator)
	stored, _, err := s.Store.Cohort(ctx, v.ID)
	switch {
	case errors.Is(err, schedule.ErrNotFound):
	case err != nil:
		return err
	case stored.Program != v.Program:
		p.Add("/program", "The program of a cohort stays %s: its sessions are of it. Use another id.", stored.Program)
	}
	return p.Err()
}

// planSeries makes the sessions of a series, and changes those that it made.
func (s *server) planSeries(ctx context.Context, v schedule.Series, _ *schedule.Condition, o options) (plan, error) {
	var p form.Problems
	if err := s.checkProgram(ctx, &p, v.Program); err != nil {
		return plan{}, err
	}
	if err := s.checkPeople(ctx, &p, v.Roster, v.Facilitators); err != nil {
		return plan{}, err
	}
	r := rework{server: s, options: o}
	var cohort schedule.Cohort
	if v.Cohort != "" {
		found, tag, err := s.Store.Cohort(ctx, v.Cohort)
		switch {
		case errors.Is(err, schedule.ErrNotFound):
			p.Add("/cohort", "There is no such cohort. Put it in first: PUT /v1/cohorts/{id}.")
		case err != nil:
			return plan{}, err
		case found.Program != v.Program:
			p.Add("/cohort", "The cohort is of another program.")
		}
		cohort = found
		r.keep(found, tag)
	}
	if err := p.Err(); err != nil {
		return plan{}, err
	}
	program, tag, err := s.Store.Program(ctx, v.Program)
	if err != nil {
		return plan{}, err
	}
	r.keep(program, tag)
	if err := r.series(ctx, v, program, cohort); err != nil {
		return plan{}, err
	}
	moved, err := r.moved(ctx)
	return plan{also: r.writes, answer: struct {
		schedule.Series
		seriesReport
		Warnings []schedule.Warning `json:"warnings,omitempty"`
		Moved    []records.Moved    `json:"moved,omitempty"`
	}{v, r.reports[0], warningsOf(v, program), moved}}, err
}

// warningsOf a usual week of the series, of somebody who has no other.
func warningsOf(v schedule.Series, program schedule.Program) []schedule.Warning {
	program.Template = slices.Clone(v.Slots)
	for i := range program.Template {
		if program.Template[i].Service == "" {
			program.Template[i].Service = v.Service
		}
	}
	warnings := program.Warnings()
	for i := range warnings {
		warnings[i].Pointer = "/slots" + strings.TrimPrefix(warnings[i].Pointer, "/template")
	}
	return warnings
}

// dropSeries takes the sessions along that nobody has been in, edited or
// waited for. The others stay, and are told of.
func (s *server) dropSeries(ctx context.Context, v schedule.Series, c schedule.Condition) (outcome, error) {
	return planned(ctx, s.Store, schedule.Write{Document: v, Delete: true, If: c}, func(*schedule.Condition) (plan, error) {
		standing, err := s.Store.Standing(ctx, v.ID, nil)
		if err != nil {
			return plan{}, err
		}
		revision := v.Revise(nil, standing, s.Now(), false)
		return plan{also: revision.Writes, answer: seriesReport{SeriesID: v.ID, Revision: revision}}, nil
	})
}

// rework is series that are made to say something else.
type rework struct {
	*server
	options
	writes  []schedule.Write
	reports []seriesReport
	met     []schedule.Session // those that will be scheduled otherwise though they have evidence
}

// seriesReport is what became of the sessions of a series.
type seriesReport struct {
	SeriesID schedule.SeriesID `json:"series"`
	schedule.Revision
	Remarks []schedule.Remark `json:"remarks,omitempty"`
}

// reworked is what an answer says of series.
type reworked struct {
	Series []seriesReport  `json:"series,omitempty"`
	Moved  []records.Moved `json:"moved,omitempty"`
}

// keep makes the write depend on what was looked at.
func (r *rework) keep(d schedule.Document, tag schedule.Tag) {
	r.writes = append(r.writes, schedule.Write{Document: d, Keep: true, If: schedule.Condition{Tags: []schedule.Tag{tag}}})
}

// series compares what one should be with what there is.
func (r *rework) series(ctx context.Context, v schedule.Series, program schedule.Program, cohort schedule.Cohort) error {
	wanted, remarks := v.Expand(program, cohort)
	ids := make([]rooms.SessionID, len(wanted))
	for i, one := range wanted {
		ids[i] = one.ID
	}
	standing, err := r.Store.Standing(ctx, v.ID, ids)
	if err != nil {
		return err
	}
	revision := v.Revise(wanted, standing, r.Now(), r.rewrite)
	for _, w := range revision.Writes {
		if one, ok := w.Document.(schedule.Session); ok && !w.Delete && standing[one.ID].Evidence {
			r.met = append(r.met, one)
		}
	}
	r.writes = append(r.writes, revision.Writes...)
	r.reports = append(r.reports, seriesReport{v.ID, revision, remarks})
	return nil
}

// cohort makes the series of a cohort follow it.
func (r *rework) cohort(ctx context.Context, v schedule.Cohort) error {
	program, _, err := r.Store.Program(ctx, v.Program)
	if err != nil {
		return err
	}
	ids, err := r.Store.SeriesOf(ctx, v.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		series, tag, err := r.Store.Series(ctx, id)
		if errors.Is(err, schedule.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		r.keep(series, tag)
		if err := r.series(ctx, series, program, v); err != nil {
			return err
		}
	}
	return nil
}

// program makes all series of a program follow it.
func (r *rework) program(ctx context.Context, program schedule.Program) error {
	for after := ""; ; {
		page, next, err := r.Store.AllSeries(ctx, program.ID, after, maxPage)
		if err != nil {
			return err
		}
		for _, v := range page {
			_, tag, err := r.Store.Series(ctx, v.ID)
			if err != nil {
				return err
			}
			r.keep(v, tag)
			var cohort schedule.Cohort
			if v.Cohort != "" {
				if cohort, _, err = r.Store.Cohort(ctx, v.Cohort); err != nil && !errors.Is(err, schedule.ErrNotFound) {
					return err
				}
			}
			if err := r.series(ctx, v, program, cohort); err != nil {
				return err
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
}

// moved is what that comes to for those who were there.
func (r *rework) moved(ctx context.Context) ([]records.Moved, error) {
	if len(r.met) == 0 {
		return nil, nil
	}
	return r.server.moved(ctx, r.met...)
}

func (s *server) listCohorts(w http.ResponseWriter, r *request) error {
	return listOfProgram(w, r, "cohorts", s.Store.Cohorts)
}

func (s *server) listSeries(w http.ResponseWriter, r *request) error {
	return listOfProgram(w, r, "series", s.Store.AllSeries)
}

func listOfProgram[T any](w http.ResponseWriter, r *request, name string, list func(context.Context, schedule.ProgramID, string, int) ([]T, string, error)) error {
	return listPage(w, r, "program", name, func(ctx context.Context, owner, after string, limit int) ([]T, string, error) {
		return list(ctx, schedule.ProgramID(owner), after, limit)
	})
}

// listPage is a page of documents that belong to one other.
func listPage[T any](w http.ResponseWriter, r *request, owner, name string, list func(context.Context, string, string, int) ([]T, string, error)) error {
	query := r.URL.Query()
	of, after := query.Get(owner), query.Get("after")
	if !schedule.ValidID(of) {
		return badQuery(owner, "This must be the id of the "+owner+" whose "+name+" are asked for.")
	}
	if after != "" && !schedule.ValidID(after) {
		return badQuery("after", "This must be what next said on the page before.")
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	page, next, err := list(r.Context(), of, after, limit)
	if err != nil {
		return err
	}
	answer := map[string]any{name: orEmpty(page)}
	if next != "" {
		answer["next"] = next
	}
	return reply(w, http.StatusOK, answer)
}
