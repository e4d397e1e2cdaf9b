package fhir

import (
	"viop/rooms/attendance"
	"viop/rooms/export"
)

// Observation is a week of a person: preliminary while it runs, final when it
// is over, amended when something else is said after that. at is when it was
// told.
func (t Target) Observation(w export.Week, at attendance.Instant) Observation {
	on := wallOf(w.Timezone)
	o := Observation{
		ResourceType: "Observation", Meta: protected(), Extension: []Extension{t.notice()},
		Identifier:      []Identifier{t.identifier(weekSystem, weekID(w))},
		Status:          "preliminary",
		Code:            t.code("weekly-credited-hours", "Credited hours of the week"),
		Subject:         t.patient(w.Person, w.External, w.Name),
		EffectivePeriod: on.period(attendance.Interval{Start: w.Start, End: w.End}),
		Issued:          at.String(),
		ValueQuantity:   hours(w.CreditedMS),
	}
	switch {
	case w.Amended:
		o.Status = "amended"
	case w.Final:
		o.Status = "final"
	}
	o.Component = append(o.Component,
		t.quantity("credited", "Credited time, exact", seconds(w.CreditedMS)),
		t.quantity("scheduled", "Scheduled time that counts", hours(w.ScheduledMS)),
	)
	if w.MinMS != nil {
		o.Component = append(o.Component, t.quantity("minimum", "Minimum of the week", hours(*w.MinMS)))
	}
	if w.NeedMS != nil {
		o.Component = append(o.Component, t.quantity("need", "Missing to the minimum, exact", seconds(*w.NeedMS)))
	}
	o.Component = append(o.Component,
		ObservationComponent{Code: t.code("qualifying-days", "Days that qualify"), ValueInteger: &w.QualifyingDays},
		ObservationComponent{Code: t.code("verdict", "Verdict on the week"), ValueString: string(w.Verdict)},
		ObservationComponent{Code: t.code("over-maximum", "More than the maximum"), ValueBoolean: &w.OverMax},
	)
	return o
}

func (t Target) quantity(code, text string, q Quantity) ObservationComponent {
	return ObservationComponent{Code: t.code(code, text), ValueQuantity: &q}
}

func weekID(w export.Week) string { return w.Person + "/" + w.Week.Week.String() }
