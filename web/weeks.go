package web

import (
	"net/http"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// weekView is a week with the name of its person, for those who may see it.
type weekView struct {
	records.WeekRow
	Name string `json:"name,omitempty"`
}

type personWeeksView struct {
	Person     rooms.PersonID     `json:"person"`
	Name       string             `json:"name,omitempty"`
	AsOf       attendance.Instant `json:"as_of"`
	Timezone   string             `json:"timezone"`
	Weeks      []weekView         `json:"weeks"`
	Provenance Provenance         `json:"provenance"`
}

// maxWeeks bounds the days of one question.
const maxWeeks = 53 * 7

func (s *server) personWeeks(w http.ResponseWriter, r *request) error {
	from, to, err := spanOfDates(r)
	if err != nil {
		return err
	}
	person := rooms.PersonID(r.PathValue("id"))
	weeks, err := s.Books.PersonWeeks(r.Context(), person, from, to)
	if err != nil {
		return missing(err, "person")
	}
	names, err := s.names(r, []rooms.PersonID{person})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, personWeeksView{
		Person: person, Name: names[person].Name, AsOf: weeks.AsOf, Timezone: weeks.Timezone,
		Weeks: names.on(weeks.Rows), Provenance: s.Provenance,
	})
}

// on puts the names on the weeks.
func (n names) on(rows []records.WeekRow) []weekView {
	views := make([]weekView, len(rows))
	for i, row := range rows {
		views[i] = weekView{row, n[rooms.PersonID(row.Person)].Name}
	}
	return views
}

type programWeeksView struct {
	Program    schedule.ProgramID `json:"program"`
	Week       attendance.Date    `json:"week"`
	AsOf       attendance.Instant `json:"as_of"`
	Timezone   string             `json:"timezone"`
	Weeks      []weekView         `json:"weeks"`
	Provenance Provenance         `json:"provenance"`
}

func (s *server) programWeeks(w http.ResponseWriter, r *request) error {
	var day attendance.Date // today
	if r.URL.Query().Has("week") {
		var err error
		if day, err = dateOf(r, "week"); err != nil {
			return err
		}
	}
	program := schedule.ProgramID(r.PathValue("id"))
	weeks, err := s.Books.ProgramWeeks(r.Context(), program, day)
	if err != nil {
		return missing(err, "program")
	}
	var people []rooms.PersonID
	for _, row := range weeks.Rows {
		people = append(people, rooms.PersonID(row.Person))
	}
	names, err := s.names(r, people)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, programWeeksView{
		Program: program, Week: weeks.Week, AsOf: weeks.AsOf, Timezone: weeks.Timezone,
		Weeks: names.on(weeks.Rows), Provenance: s.Provenance,
	})
}

// dateOf a parameter, of the years that the contract knows.
func dateOf(r *request, name string) (attendance.Date, error) {
	var date attendance.Date
	err := date.UnmarshalText([]byte(r.URL.Query().Get(name)))
	if err != nil || date < firstDate || date > lastDate {
		return 0, badQuery(name, "This must be a date of the years 2000 to 2099, such as 2026-11-02.")
	}
	return date, nil
}

// 2000-01-01 and 2099-12-31, in days since 1970-01-01.
const (
	firstDate attendance.Date = 10957
	lastDate  attendance.Date = 47481
)
