package attendance

import (
	"cmp"
	"encoding/json"
)

// ProfileName names a set of weekly rules of §7.
type ProfileName string

const (
	GenericAdult         ProfileName = "generic_adult"
	GenericAdolescent    ProfileName = "generic_adolescent"
	PHP                  ProfileName = "php"
	Outpatient           ProfileName = "outpatient"
	NCMedicaid           ProfileName = "nc_medicaid"
	NYOASAS              ProfileName = "ny_oasas"
	VAMedicaidAdult      ProfileName = "va_medicaid_adult"
	VAMedicaidAdolescent ProfileName = "va_medicaid_adolescent"
	Medicare             ProfileName = "medicare"
)

// WeekBasis says what is measured against the weekly minimum (§8).
type WeekBasis string

const (
	BasisAttended  WeekBasis = "attended"
	BasisScheduled WeekBasis = "scheduled"
	BasisPlanned   WeekBasis = "planned"
	BasisAverage   WeekBasis = "average"
)

// Profile is a column of §7: data with a source, not law.
type Profile struct {
	WeekMin           Limit // minutes
	WeekMax           Limit // minutes
	WeekBasis         WeekBasis
	DayMin            Limit // minutes
	DaysMin           Limit
	AverageWeeks      int
	TelehealthAllowed bool
}

// Limit is a number that a profile may do without (the dash of §7).
type Limit struct {
	Value int
	Set   bool
}

// ms is the limit as milliseconds, of a limit in minutes; 0 without one.
func (l Limit) ms() int64 { return int64(l.Value) * minute }

func limit(n int) Limit { return Limit{Value: n, Set: true} }

// profile is the column of §7 with that name; ok is false for none.
func (n ProfileName) profile() (p Profile, ok bool) {
	p = Profile{WeekBasis: BasisAttended, AverageWeeks: 4, TelehealthAllowed: true}
	switch n {
	case GenericAdult, NCMedicaid:
		p.WeekMin, p.WeekMax, p.DayMin, p.DaysMin = limit(540), limit(1140), limit(180), limit(3)
	case GenericAdolescent:
		p.WeekMin, p.WeekMax, p.DayMin, p.DaysMin = limit(360), limit(1140), limit(120), limit(3)
	case PHP:
		p.WeekMin, p.DayMin, p.DaysMin = limit(1200), limit(240), limit(5)
	case Outpatient:
	case NYOASAS:
		p.WeekMin, p.DayMin, p.WeekBasis = limit(540), limit(180), BasisScheduled
	case VAMedicaidAdult:
		p.WeekMin, p.WeekMax, p.DayMin, p.WeekBasis = limit(540), limit(1140), limit(180), BasisAverage
	case VAMedicaidAdolescent:
		p.WeekMin, p.WeekMax, p.DayMin, p.WeekBasis = limit(360), limit(1140), limit(120), BasisAverage
	case Medicare:
		p.WeekMin, p.WeekMax, p.WeekBasis, p.TelehealthAllowed = limit(540), limit(1140), BasisPlanned, false
	default:
		return Profile{}, false
	}
	return p, true
}

// Rules is a column of §7 under the program's overrides, which change its own
// profile and no other. An unknown name has no rules.
func (p *Program) Rules(name ProfileName) Profile {
	profile, _ := name.profile()
	if name == cmp.Or(p.Profile, GenericAdult) {
		return p.Overrides.apply(profile)
	}
	return profile
}

// ProfileOverrides changes a program's own profile, field by field (§2).
type ProfileOverrides struct {
	WeekMinMinutes    Override[int]       `json:"week_min_minutes,omitzero"`
	WeekMaxMinutes    Override[int]       `json:"week_max_minutes,omitzero"`
	WeekBasis         Override[WeekBasis] `json:"week_basis,omitzero"`
	DayMinMinutes     Override[int]       `json:"day_min_minutes,omitzero"`
	DaysMin           Override[int]       `json:"days_min,omitzero"`
	AverageWeeks      Override[int]       `json:"average_weeks,omitzero"`
	TelehealthAllowed Override[bool]      `json:"telehealth_allowed,omitzero"`
}

// Override is a field that leaves the profile's value alone (the zero value),
// takes it away (NoLimit) or replaces it (OverrideWith).
type Override[T any] struct {
	given bool
	value *T
}

// OverrideWith replaces the profile's value by v.
func OverrideWith[T any](v T) Override[T] { return Override[T]{given: true, value: &v} }

// NoLimit takes the profile's value away: null in a document, a dash in §7.
func NoLimit[T any]() Override[T] { return Override[T]{given: true} }

// Get is the new value, nil for a dash; given is false where the profile's
// own stands.
func (o Override[T]) Get() (value *T, given bool) { return o.value, o.given }

// MarshalJSON writes the value or null; omitzero keeps what is not given out.
func (o Override[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.value) }

// UnmarshalJSON reads a value or null.
func (o *Override[T]) UnmarshalJSON(b []byte) error {
	o.given = true
	return json.Unmarshal(b, &o.value)
}

// apply is p with what o changes in it.
func (o ProfileOverrides) apply(p Profile) Profile {
	overrideLimit(&p.WeekMin, o.WeekMinMinutes)
	overrideLimit(&p.WeekMax, o.WeekMaxMinutes)
	overrideLimit(&p.DayMin, o.DayMinMinutes)
	overrideLimit(&p.DaysMin, o.DaysMin)
	overrideValue(&p.WeekBasis, o.WeekBasis, BasisAttended)
	overrideValue(&p.AverageWeeks, o.AverageWeeks, 4)
	overrideValue(&p.TelehealthAllowed, o.TelehealthAllowed, true)
	return p
}

func overrideLimit(l *Limit, o Override[int]) {
	switch {
	case o.value != nil:
		*l = limit(*o.value)
	case o.given:
		*l = Limit{}
	}
}

// overrideValue sets *v; dash is what the field means without a value (§7).
func overrideValue[T any](v *T, o Override[T], dash T) {
	switch {
	case o.value != nil:
		*v = *o.value
	case o.given:
		*v = dash
	}
}
