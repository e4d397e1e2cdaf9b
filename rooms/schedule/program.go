package schedule

import (
	"math"

	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// ProgramID names a program: a clinic's adult evening IOP, for example.
type ProgramID string

// Program says by which clock and rules the minutes of its sessions are
// counted: the body of PUT /v1/programs/{id}.
type Program struct {
	ID ProgramID `json:"id,omitempty"` // of the path, when the body leaves it out
	attendance.Program
	// Template is the usual week of one patient. It makes no sessions; it is
	// there to be warned about (Warnings).
	Template []Slot `json:"template,omitempty"`
}

// ReadProgram reads and checks a document; what it leaves out of `counting`
// has its default. Its error is *form.ErrSyntax or form.Problems.
func ReadProgram(text []byte) (Program, error) {
	var program Program
	program.Counting = attendance.DefaultCounting()
	if err := form.Read(text, &program); err != nil {
		return Program{}, err
	}
	return program, program.Check()
}

// Check returns everything that is wrong as form.Problems, or nil. What it
// lets through, attendance.Case.Validate accepts.
func (program Program) Check() error {
	var p form.Problems
	if program.ID != "" {
		CheckID(&p, "/id", string(program.ID))
	}
	checkZone(&p, program.Timezone)
	checkWord(&p, "/week_start", program.WeekStart, append([]attendance.Weekday{""}, weekdays()...)...)
	checkWord(&p, "/profile", program.Profile, append([]attendance.ProfileName{""}, profiles()...)...)
	checkOverrides(&p, program.Overrides)
	checkCounting(&p, program.Counting)
	checkSlots(&p, "/template", program.Template)
	return p.Err()
}

func profiles() []attendance.ProfileName {
	return []attendance.ProfileName{
		attendance.GenericAdult, attendance.GenericAdolescent, attendance.PHP, attendance.Outpatient,
		attendance.NCMedicaid, attendance.NYOASAS, attendance.VAMedicaidAdult,
		attendance.VAMedicaidAdolescent, attendance.Medicare,
	}
}

// weekdays are the days from Monday.
func weekdays() []attendance.Weekday {
	return []attendance.Weekday{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
}

// checkZone wants an IANA name.
func checkZone(p *form.Problems, zone string) {
	if _, err := attendance.LoadZone(zone); err != nil {
		p.Add("/timezone", "This must be the name of an IANA time zone, such as America/Chicago.")
	}
}

func checkOverrides(p *form.Problems, o attendance.ProfileOverrides) {
	for _, field := range []struct {
		name  string
		value attendance.Override[int]
		least int
	}{
		{"week_min_minutes", o.WeekMinMinutes, 0},
		{"week_max_minutes", o.WeekMaxMinutes, 0},
		{"day_min_minutes", o.DayMinMinutes, 0},
		{"days_min", o.DaysMin, 0},
		{"average_weeks", o.AverageWeeks, 1},
	} {
		if n, _ := field.value.Get(); n != nil {
			checkRange(p, "/profile_overrides/"+field.name, *n, field.least, math.MaxInt32)
		}
	}
	if basis, _ := o.WeekBasis.Get(); basis != nil {
		checkWord(p, "/profile_overrides/week_basis", *basis,
			attendance.BasisAttended, attendance.BasisScheduled, attendance.BasisPlanned, attendance.BasisAverage)
	}
}

func checkCounting(p *form.Problems, c attendance.Counting) {
	const at = "/counting/"
	checkRange(p, at+"bridge_seconds", c.BridgeSeconds, 0, 300)
	checkWord(p, at+"clip", c.Clip, attendance.ClipScheduled, attendance.ClipActual, attendance.ClipIntersection)
	checkWord(p, at+"breaks", c.Breaks, attendance.ExcludeBreaks, attendance.IncludeBreaks)
	checkWord(p, at+"facilitator_scope", c.FacilitatorScope,
		attendance.ScopeRoom, attendance.ScopeSession, attendance.ScopeNone)
	checkWord(p, at+"date_attribution", c.DateAttribution, attendance.SplitAtMidnight, attendance.ToStartDate)
	checkRange(p, at+"late_after_minutes", c.LateAfterMinutes, 0, math.MaxInt32)
	checkRange(p, at+"margin_minutes", c.MarginMinutes, 0, math.MaxInt32)
	checkRange(p, at+"group_max", c.GroupMax, 0, math.MaxInt32)
	checkRange(p, at+"group_min", c.GroupMin, 0, math.MaxInt32)
}
