package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Weeks are weeks of people as of now.
type Weeks struct {
	AsOf     attendance.Instant
	Timezone string
	Week     attendance.Date // of a program: the first day of the week
	Rows     []WeekRow       // by person and week
}

// WeekRow is a week with what a person asks next.
type WeekRow struct {
	attendance.Week
	MinMS        *int64 `json:"min_ms"` // of the week's profile; nil without one
	MaxMS        *int64 `json:"max_ms"`
	SessionsLeft int    `json:"sessions_left"` // that count and are not over
}

// PersonWeeks are the weeks of a person that have a day in from to to, both
// included.
func (b *Books) PersonWeeks(ctx context.Context, person rooms.PersonID, from, to attendance.Date) (*Weeks, error) {
	known, _, err := b.store.Person(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("person %s: %w", person, err)
	}
	zone, _, err := b.zone(ctx, known.Program)
	if err != nil {
		return nil, err
	}
	start, end := midnight(from, zone), midnight(to+1, zone)
	c, err := b.store.CaseOfPerson(ctx, person, start, end)
	if err != nil {
		return nil, fmt.Errorf("weeks of person %s: %w", person, err)
	}
	return weeksOf(c, attendance.Interval{Start: attendance.At(start), End: attendance.At(end)}, func(p string) bool {
		return p == string(person)
	}), nil
}

// ProgramWeeks is the week around a day of everybody who was expected in a
// session of the program in it, or came. The zero Date is today, where the
// program is.
func (b *Books) ProgramWeeks(ctx context.Context, program schedule.ProgramID, day attendance.Date) (*Weeks, error) {
	if _, _, err := b.store.Program(ctx, program); err != nil {
		return nil, fmt.Errorf("program %s: %w", program, err)
	}
	zone, starts, err := b.zone(ctx, program)
	if err != nil {
		return nil, err
	}
	if day == 0 {
		now, err := b.store.Now(ctx)
		if err != nil {
			return nil, err
		}
		day = dateOf(now.In(zone))
	}
	first := firstDay(day, starts)
	start, end := midnight(first, zone), midnight(first+7, zone)
	c, patients, err := b.store.CaseOfProgram(ctx, program, start, end)
	if err != nil {
		return nil, fmt.Errorf("weeks of program %s: %w", program, err)
	}
	weeks := weeksOf(c, attendance.Interval{Start: attendance.At(start), End: attendance.At(end)}, func(p string) bool {
		return slices.Contains(patients, rooms.PersonID(p))
	})
	weeks.Week = first
	return weeks, nil
}

// zone of a program, and the day its weeks start; as the store, it takes a
// program that nobody put in for one on UTC.
func (b *Books) zone(ctx context.Context, id schedule.ProgramID) (*time.Location, attendance.Weekday, error) {
	p, _, err := b.store.Program(ctx, id)
	if errors.Is(err, schedule.ErrNotFound) {
		return time.UTC, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	zone, err := attendance.LoadZone(p.Timezone)
	if err != nil {
		return nil, "", fmt.Errorf("program %s: %w", id, err)
	}
	return zone, p.WeekStart, nil
}

// weeksOf are the weeks of a case that lie in a time, of such people.
func weeksOf(c *attendance.Case, in attendance.Interval, such func(string) bool) *Weeks {
	result := attendance.Evaluate(c)
	weeks := &Weeks{AsOf: result.AsOf, Timezone: result.Timezone, Rows: []WeekRow{}}
	for _, w := range result.Weeks {
		if !such(w.Person) || !in.Overlaps(attendance.Interval{Start: w.Start, End: w.End}) {
			continue
		}
		weeks.Rows = append(weeks.Rows, rowOf(c, result, w))
	}
	return weeks
}

// rowOf is a week of a result.
func rowOf(c *attendance.Case, result *attendance.Result, w attendance.Week) WeekRow {
	rules := c.Program.Rules(w.Profile)
	return WeekRow{
		Week: w, MinMS: milliseconds(rules.WeekMin), MaxMS: milliseconds(rules.WeekMax),
		SessionsLeft: sessionsLeft(c, result, w),
	}
}

func milliseconds(minutes attendance.Limit) *int64 {
	if !minutes.Set {
		return nil
	}
	ms := int64(minutes.Value) * time.Minute.Milliseconds()
	return &ms
}

// sessionsLeft are those of the week that the person is expected in and that
// are not over; what does not count is no way to make a minimum.
func sessionsLeft(c *attendance.Case, result *attendance.Result, w attendance.Week) (left int) {
	expected := map[string]bool{}
	for _, r := range result.Records {
		if r.Person == w.Person && r.State == attendance.StateOpen {
			expected[r.Session] = true
		}
	}
	for _, s := range c.Sessions {
		begins := w.Start <= s.ScheduledStart && s.ScheduledStart < w.End
		if begins && expected[s.ID] && s.Counting() {
			left++
		}
	}
	return left
}

// midnight is the first instant of a local date (SPEC §1), or one a little
// before it where a clock springs over midnight; weeks overlap or they do not.
func midnight(d attendance.Date, zone *time.Location) time.Time {
	y, m, day := time.Unix(int64(d)*24*60*60, 0).UTC().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, zone)
}

func dateOf(t time.Time) attendance.Date {
	y, m, d := t.Date()
	return attendance.Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// firstDay is the first day of the week of a day.
func firstDay(day attendance.Date, starts attendance.Weekday) attendance.Date {
	number := map[attendance.Weekday]int{"sunday": 0, "": 1, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6}
	const thursday = 4 // 1970-01-01
	weekday := (int(day)%7 + 7 + thursday) % 7
	return day - attendance.Date((weekday-number[starts]+7)%7)
}
