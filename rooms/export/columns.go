package export

import (
	"slices"
	"strings"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/records"
)

// Columns only ever come at the end, before part2_notice, and never change
// their names or what they mean. Lengths are seconds with three decimals, exact;
// they may be added up. Minutes and units are rounded (down, or as their name
// says) and may not.

// Row is a record in a table.
type Row struct {
	Record
	// DayQualifies says whether the day of the record qualifies in its week;
	// nil: not known, or the week counts no days.
	DayQualifies *bool
}

// sources of a column's cells: of what we write ourselves...
func ours[R any](name string, cell func(R) string, means string) column[R] {
	return column[R]{name: name, means: means, ours: func(r R, _ *time.Location) string { return cell(r) }}
}

// ...of instants...
func onWall[R any](name string, at func(R) attendance.Instant, means string) column[R] {
	return column[R]{name: name, means: means, ours: func(r R, z *time.Location) string { return clock(at(r), z) }}
}

// ...and of text that came from outside.
func theirs[R any](name string, cell func(R) string, means string) column[R] {
	return column[R]{name: name, means: means, text: cell}
}

func notice[R any]() column[R] {
	return ours("part2_notice", func(R) string { return Notice }, "The short notice of 42 CFR part 2; NOTICE.txt has the whole one.")
}

// about is of a record that may have none.
func (r Record) about() records.About {
	if r.About == nil {
		return records.About{}
	}
	return *r.About
}

// recordColumns are those of attendance.csv: a row for each record.
func recordColumns() []column[Row] {
	return []column[Row]{
		theirs("record_id", func(r Row) string { return r.RecordID }, "Name of the record, <session>/<person>; the same in every format."),
		ours("version", func(r Row) string { return whole(int64(r.Version)) }, "1, and one more for every correction."),
		ours("hash", func(r Row) string { return r.Hash }, "SHA-256 of the record as it was read and is signed; empty when withdrawn."),
		ours("status", func(r Row) string { return string(r.Status) }, "attended, present_uncredited, removed, lobby_only, no_show, excused, cancelled_by_program, withdrawn."),
		ours("state", func(r Row) string { return string(r.State) }, "unsigned, signed (in this version), amended (signed, and corrected since); empty when withdrawn."),
		onWall("signed_at", func(r Row) attendance.Instant { return r.SignedAt }, "When the record was signed in this version; empty unless it is."),
		theirs("signed_by", func(r Row) string { return r.SignedBy }, "Id of who made it."),
		ours("signed_hash", func(r Row) string { return r.SignedHash }, "Hash it was signed with: not hash when evidence came after the signature."),
		theirs("session_id", func(r Row) string { return r.Session }, "Id of the session, as the scheduling system gave it."),
		theirs("session_name", func(r Row) string { return r.about().Title }, "Its neutral title."),
		theirs("program", func(r Row) string { return string(r.about().Program) }, "Id of the program."),
		theirs("service", func(r Row) string { return string(r.Service) }, "Kind of the service."),
		theirs("level", func(r Row) string { return r.about().Level }, "Level of care of the person on that day."),
		theirs("cohort", func(r Row) string { return r.about().Cohort }, "Id of the cohort."),
		theirs("track", func(r Row) string { return r.about().Track }, "morning, afternoon, evening, weekend."),
		theirs("person_id", func(r Row) string { return r.Person }, "Our id of the person."),
		theirs("external_patient_id", func(r Row) string { return r.External }, "The receiver's own id of the person, where it has one."),
		theirs("name", func(r Row) string { return r.Name }, "Name of the person; empty unless the destination may have names."),
		ours("local_date", func(r Row) string { return dateCell(r.Date) }, "Date of the scheduled start, in tz."),
		ours("tz", func(r Row) string { return r.about().Timezone }, "IANA name of the program's zone. Times are written with its offset."),
		onWall("sched_start", func(r Row) attendance.Instant { return r.about().Start }, "Scheduled start."),
		onWall("sched_end", func(r Row) attendance.Instant { return r.about().End }, "Scheduled end."),
		onWall("first_join", func(r Row) attendance.Instant { return first(r.about().Connected) }, "When the person was first in the room, lobby not included."),
		onWall("last_leave", func(r Row) attendance.Instant { return last(r.about().Connected) }, "When the person was last in the room."),
		ours("connected_s", func(r Row) string { return seconds(r.ConnectedMS) }, "In a room, by evidence. Two devices at once count once."),
		ours("lobby_s", func(r Row) string { return seconds(r.LobbyMS) }, "In the lobby; never credited."),
		ours("bridged_s", func(r Row) string { return seconds(r.BridgedMS) }, "Short losses of the line that count as connected."),
		ours("manual_s", func(r Row) string { return seconds(r.ManualMS) }, "Added by a correction."),
		ours("outside_window_s", func(r Row) string { return seconds(r.LostOutsideWindowMS) }, "Not credited: outside the session's window."),
		ours("break_s", func(r Row) string { return seconds(r.LostBreakMS) }, "Not credited: in a break."),
		ours("no_facilitator_s", func(r Row) string { return seconds(r.LostNoFacilitatorMS) }, "Not credited: no facilitator was there."),
		ours("correction_s", func(r Row) string { return seconds(r.LostCorrectionMS) }, "Not credited: taken out by a correction."),
		ours("overlap_s", func(r Row) string { return seconds(r.LostOverlapMS) }, "Not credited: credited in another session."),
		ours("attended_s", func(r Row) string { return seconds(r.AttendedMS) }, "Attended, whether or not the service counts."),
		ours("credited_s", func(r Row) string { return seconds(r.CreditedMS) }, "The credited time: connected + bridged + manual, less all that is not credited."),
		ours("credited_min", func(r Row) string { return whole(r.Units.MinuteFloor) }, "Whole minutes of it."),
		ours("units_q15_floor", func(r Row) string { return whole(r.Units.Q15Floor) }, "Units of 15 minutes: whole ones."),
		ours("units_q15_cms8", func(r Row) string { return whole(r.Units.Q15CMS8) }, "Units of 15 minutes: by the 8-minute rule of CMS."),
		ours("units_q15_ceil", func(r Row) string { return whole(r.Units.Q15Ceil) }, "Units of 15 minutes: begun ones."),
		ours("day_qualifies", func(r Row) string { return maybe(r.DayQualifies) }, "Whether the day qualifies in its week; empty when days are not counted."),
		ours("late", func(r Row) string { return yes(r.has(attendance.LabelLate)) }, "Came late by the program's rule; never changes credit."),
		ours("left_early", func(r Row) string { return yes(r.has(attendance.LabelLeftEarly)) }, "Left early by the program's rule; never changes credit."),
		ours("flags", func(r Row) string { return words(r.about().Flags) }, "Remarks on the session: group_over_max, group_under_min, no_facilitator."),
		theirs("facilitator_ids", func(r Row) string { return words(leaders(r.about())) }, "Ids of the facilitators who were there."),
		ours("headcount_max", func(r Row) string { return whole(int64(r.about().PatientsMax)) }, "Most patients in the session at one instant."),
		ours("modality", func(Row) string { return "virtual" }, "Always virtual."),
		theirs("appointment_ref", func(r Row) string { return r.about().Appointment }, "The scheduling system's name for the person's place in the session."),
		theirs("authorization_ref", func(r Row) string { return r.about().Authorization }, "Id of the payer's authorization it is counted on."),
		notice[Row](),
	}
}

// intervalRow is one stretch of a record's time.
type intervalRow struct {
	record Record
	kind   string
	person string // whose
	span   attendance.Interval
}

// intervalColumns are those of intervals.csv: what the lengths of
// attendance.csv are made of.
func intervalColumns() []column[intervalRow] {
	return []column[intervalRow]{
		theirs("record_id", func(r intervalRow) string { return r.record.RecordID }, "Record it belongs to."),
		ours("version", func(r intervalRow) string { return whole(int64(r.record.Version)) }, "Version of that record."),
		ours("kind", func(r intervalRow) string { return r.kind }, "lobby, connected, credited, break (of the session), facilitator (was there)."),
		theirs("person_id", func(r intervalRow) string { return r.person }, "Whose time it is; empty of a break."),
		onWall("start", func(r intervalRow) attendance.Instant { return r.span.Start }, "First instant."),
		onWall("end", func(r intervalRow) attendance.Instant { return r.span.End }, "First instant after it."),
		ours("length_s", func(r intervalRow) string { return seconds(r.span.Length()) }, "Its length."),
		notice[intervalRow](),
	}
}

// intervals of a record, kind after kind.
func (r Record) intervals(yield func(intervalRow) error) error {
	about := r.about()
	for _, of := range []struct {
		kind, person string
		set          attendance.Set
	}{
		{"lobby", r.Person, about.Waiting},
		{"connected", r.Person, about.Connected},
		{"credited", r.Person, r.Credited},
		{"break", "", about.Breaks},
	} {
		for _, span := range of.set {
			if err := yield(intervalRow{r, of.kind, of.person, span}); err != nil {
				return err
			}
		}
	}
	for _, staff := range about.Facilitators {
		span := attendance.Interval{Start: staff.Start, End: staff.End}
		if err := yield(intervalRow{r, "facilitator", staff.Person, span}); err != nil {
			return err
		}
	}
	return nil
}

// weekColumns are those of weekly.csv: a row for each week of a person.
func weekColumns() []column[Week] {
	return []column[Week]{
		theirs("person_id", func(w Week) string { return w.Person }, "Our id of the person."),
		theirs("external_patient_id", func(w Week) string { return w.External }, "The receiver's own id of the person, where it has one."),
		theirs("name", func(w Week) string { return w.Name }, "Name of the person; empty unless the destination may have names."),
		ours("week", func(w Week) string { return dateCell(w.Week.Week) }, "Its first date, in tz."),
		ours("tz", func(w Week) string { return w.Timezone }, "IANA name of the program's zone. Times are written with its offset."),
		onWall("start", func(w Week) attendance.Instant { return w.Start }, "First instant of the week."),
		onWall("end", func(w Week) attendance.Instant { return w.End }, "First instant after it."),
		ours("profile", func(w Week) string { return string(w.Profile) }, "Rules by which the week is measured."),
		ours("verdict", func(w Week) string { return string(w.Verdict) }, "met, not_met, cannot_meet, at_risk, on_track, partial_week, no_minimum."),
		ours("final", func(w Week) string { return yes(w.Final) }, "true when nothing is expected to change it any more."),
		ours("credited_s", func(w Week) string { return seconds(w.CreditedMS) }, "Credited time of the week."),
		ours("credited_min", func(w Week) string { return whole(w.CreditedMS / 60_000) }, "Whole minutes of it."),
		ours("scheduled_s", func(w Week) string { return seconds(w.ScheduledMS) }, "Scheduled time that counts."),
		ours("measured_s", func(w Week) string { return seconds(w.MeasuredMS) }, "What the minimum is compared with."),
		ours("min_s", func(w Week) string { return secondsOf(w.MinMS) }, "The minimum; empty when there is none."),
		ours("need_s", func(w Week) string { return secondsOf(w.NeedMS) }, "What is missing to it; empty when there is none."),
		ours("remaining_s", func(w Week) string { return seconds(w.RemainingMS) }, "What can still be credited in sessions to come."),
		ours("qualifying_days", func(w Week) string { return whole(int64(w.QualifyingDays)) }, "Days that qualify."),
		ours("days_need", func(w Week) string { return whole(int64(w.DaysNeed)) }, "Days that are missing."),
		ours("possible_days", func(w Week) string { return whole(int64(w.PossibleDays)) }, "Days that can still qualify."),
		ours("credited_by_date", byDate, "Credited seconds of each date that has any: 2026-11-02=10230.000 2026-11-04=…"),
		ours("qualifying_dates", qualifying, "The dates that qualify."),
		ours("over_max", func(w Week) string { return yes(w.OverMax) }, "More is credited than the profile's maximum."),
		ours("engaged", func(w Week) string { return maybe(w.Engaged) }, "Engagement in the first four weeks; empty after them."),
		notice[Week](),
	}
}

func byDate(w Week) string {
	days := make([]string, len(w.Days))
	for i, d := range w.Days {
		days[i] = d.Date.String() + "=" + seconds(d.CreditedMS)
	}
	return strings.Join(days, " ")
}

func qualifying(w Week) string {
	var dates []string
	for _, d := range w.Days {
		if d.Qualifies {
			dates = append(dates, d.Date.String())
		}
	}
	return strings.Join(dates, " ")
}

func dateCell(d attendance.Date) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func secondsOf(ms *int64) string {
	if ms == nil {
		return ""
	}
	return seconds(*ms)
}

func maybe(b *bool) string {
	if b == nil {
		return ""
	}
	return yes(*b)
}

func first(s attendance.Set) attendance.Instant {
	if len(s) == 0 {
		return 0
	}
	return s[0].Start
}

func last(s attendance.Set) attendance.Instant {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].End
}

// leaders are the facilitators who were there, each once.
func leaders(a records.About) []string {
	var people []string
	for _, staff := range a.Facilitators {
		people = append(people, staff.Person)
	}
	slices.Sort(people)
	return slices.Compact(people)
}
