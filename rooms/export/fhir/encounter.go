package fhir

import (
	"cmp"
	"slices"
	"strings"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
)

// Encounter is a record. A record that is no more is an error, not a deletion.
func (t Target) Encounter(r export.Record) Encounter {
	e := Encounter{
		ResourceType: "Encounter", Meta: protected(),
		Identifier: []Identifier{t.identifier(recordSystem, r.RecordID)},
		Status:     encounterStatus(r.Status),
		Class:      Coding{System: actCode, Code: "VR", Display: "virtual"},
		Subject:    t.patient(r.Person, r.External, r.Name),
		Length:     seconds(r.CreditedMS),
		Extension: []Extension{
			t.numberExtension("record-version", r.Version),
			t.codeExtension("record-status", strings.ReplaceAll(string(r.Status), "_", "-")),
		},
	}
	if r.Hash != "" {
		e.Extension = append(e.Extension, t.textExtension("record-hash", r.Hash))
	}
	e.Extension = append(e.Extension, t.notice())
	session := t.named("Encounter", sessionSystem, r.Session)
	e.PartOf = &session
	if r.Service != "" {
		e.ServiceType = &CodeableConcept{Coding: []Coding{{System: t.uri(serviceSystem), Code: string(r.Service)}}}
	}
	t.surround(&e, r)
	return e
}

// encounterStatus: whoever was in a room had an encounter; whoever only waited
// has arrived, until somebody decides what that was; whoever did not come has
// one that ended before it began.
func encounterStatus(s attendance.Status) string {
	switch s {
	case attendance.StatusAttended, attendance.StatusPresentUncredited, attendance.StatusRemoved:
		return "finished"
	case attendance.StatusLobbyOnly:
		return "arrived"
	case attendance.StatusScheduled:
		return "planned"
	case attendance.StatusNoShow, attendance.StatusExcused, attendance.StatusCancelled:
		return "cancelled"
	case export.StatusWithdrawn:
		return "entered-in-error"
	}
	return "unknown"
}

// surround writes what is known about the record: when, with whom, and which
// appointment it was.
func (t Target) surround(e *Encounter, r export.Record) {
	about := records.About{}
	if r.About != nil {
		about = *r.About
	}
	w := wallOf(about.Timezone)
	in, arrived, away := spans(r.Credited, about)
	if whole := hull(in.Union(away)); whole != (attendance.Interval{}) {
		p := w.period(whole)
		e.Period = &p
	} else if whole := hull(arrived); whole != (attendance.Interval{}) {
		p := w.period(whole)
		e.Period = &p
	}
	e.StatusHistory = history(w, in, arrived, away)
	for _, staff := range about.Facilitators {
		p := w.period(attendance.Interval{Start: staff.Start, End: staff.End})
		e.Participant = append(e.Participant, EncounterParticipant{
			Type:   []CodeableConcept{{Coding: []Coding{{System: participationType, Code: "PART", Display: "Participation"}}}},
			Period: &p, Individual: t.staff(staff.Person),
		})
	}
	if about.Appointment != "" {
		e.Appointment = []Reference{t.appointment(about.Appointment)}
	}
}

// spans of a record: in the encounter (in a room and not in a break, and
// whatever is credited), waiting for it, and away from it in between.
func spans(credited attendance.Set, about records.About) (in, arrived, away attendance.Set) {
	in = about.Connected.Subtract(about.Breaks).Union(credited)
	arrived = about.Waiting.Subtract(about.Connected).Subtract(in)
	between := attendance.Set{}
	if whole := hull(about.Connected.Union(in)); whole.Length() > 0 {
		between = attendance.Set{whole}
	}
	return in, arrived, between.Subtract(in).Subtract(arrived)
}

func hull(s attendance.Set) attendance.Interval {
	if len(s) == 0 {
		return attendance.Interval{}
	}
	return attendance.Interval{Start: s[0].Start, End: s[len(s)-1].End}
}

func history(w wall, in, arrived, away attendance.Set) []EncounterStatus {
	type span struct {
		status string
		attendance.Interval
	}
	var all []span
	for status, set := range map[string]attendance.Set{"in-progress": in, "arrived": arrived, "onleave": away} {
		for _, i := range set {
			all = append(all, span{status, i})
		}
	}
	// No two of them overlap, so their starts are an order.
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.Start, b.Start) })
	var list []EncounterStatus
	for _, s := range all {
		list = append(list, EncounterStatus{Status: s.status, Period: w.period(s.Interval)})
	}
	return list
}
