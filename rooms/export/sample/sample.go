// Package sample holds a little of everything that can be told, for the
// tests of those who write it down: an evening of a group, what became of it,
// and the week around it.
package sample

import (
	"encoding/json"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
)

// Told is an entry of the feed, with what is needed to write it down.
type Told struct {
	Name       string // of the case, as a file could be called
	Change     records.Change
	Reading    records.Reading
	Signatures []records.Signature
}

// View is what a destination may know: all have its own ids, one a name.
func View() export.View {
	return export.View{Feed: "F1", People: map[string]export.Person{
		"per_41": {External: "M-1009", Name: "Ana <&> P."},
		"per_42": {External: "M-1010"},
		"per_44": {External: "M-1012"},
	}}
}

const (
	session  = "ses_8k2"
	timezone = "America/Chicago"
)

// at is a time of the evening of 2026-11-02, in Chicago: the day after the
// clocks went back.
func at(hour, minute, second, ms int) attendance.Instant {
	return attendance.At(time.Date(2026, 11, 2, hour+6, minute, second, ms*int(time.Millisecond), time.UTC))
}

func span(from, to attendance.Instant) attendance.Interval {
	return attendance.Interval{Start: from, End: to}
}

// Everything is one of each kind, status and edge, in the order of a feed.
func Everything() []Told {
	var all []Told
	reading := func(name string, first bool, r attendance.Record, about *records.About, signatures ...records.Signature) {
		n := len(all) + 1
		kept := Keep(n, r, about)
		if r.Status == export.StatusWithdrawn {
			kept = records.Reading{Seq: n, Person: r.Person, Version: r.Version, AsOf: at(22, 0, 0, 0), Head: hash("head")}
		}
		all = append(all, Told{Name: name, Reading: kept, Signatures: signatures, Change: records.Change{
			Kind: records.RecordChanged, Session: r.Session, Person: r.Person, Version: r.Version, Hash: kept.Hash,
			Reading: n, First: first,
		}})
	}
	stayed := came("per_41", group(), span(at(18, 9, 30, 0), at(19, 45, 0, 0)), span(at(19, 47, 0, 0), at(21, 0, 0, 0)))
	stayed.about.Waiting = attendance.SetOf(span(at(18, 3, 0, 0), at(18, 9, 30, 0)))
	stayed.record.LobbyMS = stayed.about.Waiting.Length()

	reading("attended", true, stayed.record, stayed.about)
	reading("no-show", true, absent("per_42", attendance.StatusNoShow), group())
	waited := absent("per_43", attendance.StatusLobbyOnly)
	inLobby := group()
	inLobby.Waiting = attendance.SetOf(span(at(18, 1, 0, 0), at(18, 4, 0, 5)))
	waited.LobbyMS = inLobby.Waiting.Length()
	reading("lobby-only", true, waited, inLobby)
	removed := came("per_44", group(), span(at(18, 0, 0, 0), at(18, 20, 0, 1)))
	removed.record.Status = attendance.StatusRemoved
	reading("removed", true, removed.record, removed.about)
	alone := came("per_45", group(), span(at(17, 50, 0, 0), at(17, 58, 0, 0)))
	alone.record.Status = attendance.StatusPresentUncredited
	reading("present-uncredited", true, alone.record, alone.about)
	reading("excused", true, absent("per_46", attendance.StatusExcused), group())
	reading("cancelled-by-program", true, absent("per_47", attendance.StatusCancelled), group())
	odd := came("-per~1:x", group(), span(at(18, 0, 0, 0), at(18, 0, 0, 1)))
	odd.about.Appointment, odd.about.Title = "slot 7|b", "=Tuesday, \"late\""
	reading("odd-names", true, odd.record, odd.about)
	reading("told-before-there-was-an-about", true, came("per_48", group(), span(at(18, 0, 0, 0), at(20, 0, 0, 0))).record, nil)

	signature := Sign(1, all)
	all = append(all, Told{Name: "signed", Change: records.Change{
		Kind: records.RecordsSigned, Session: session, Version: 1, Hash: signature.Hash, Signature: &signature,
	}})
	later := stayed.record
	later.Version, later.Labels = 2, []attendance.Label{attendance.LabelLate, attendance.LabelManual}
	later.ManualMS = 2 * 60_000
	later.Credited = later.Credited.Union(attendance.SetOf(span(at(19, 45, 0, 0), at(19, 47, 0, 0))))
	later = count(later)
	reading("amended", false, later, stayed.about, signature)
	waited.Status, waited.Version = attendance.StatusNoShow, 2
	reading("decided-after-the-lobby", false, waited, inLobby, signature)
	reading("scheduled-again", false, absentIn("per_46", attendance.StatusScheduled, 2), group(), signature)
	reading("withdrawn", false, attendance.Record{Session: session, Person: "per_44", Version: 2, Status: export.StatusWithdrawn}, nil, signature)

	for _, w := range weeks() {
		all = append(all, Told{Name: w.name, Change: records.Change{Kind: records.WeekChanged, Person: w.Person, Week: &w.ToldWeek}})
	}
	for _, status := range []records.AuthorizationStatus{
		records.AuthorizationLow, records.AuthorizationExhausted, records.AuthorizationRecovered,
	} {
		all = append(all, Told{Name: "authorization-" + string(status), Change: records.Change{
			Kind: records.AuthorizationChanged, Person: "per_41", Authorization: &records.ToldAuthorization{
				AuthorizationResult: attendance.AuthorizationResult{ID: "auth.7", Person: "per_41", Used: 11, Pending: 1, Remaining: 0},
				Program:             "iop", Unit: "day", Count: 12, From: monday(), To: monday() + 27, Status: status,
			},
		}})
	}
	for i := range all {
		all[i].Change.Seq = int64(i + 1)
		all[i].Change.At = at(22, i, 0, 0)
	}
	return all
}

// Items are Everything as the destination of View reads it.
func Items() (names []string, items []export.Item, err error) {
	for _, t := range Everything() {
		item, err := View().Item(t.Change, t.Reading, t.Signatures)
		if err != nil {
			return nil, nil, err
		}
		names, items = append(names, t.Name), append(items, item)
	}
	return names, items, nil
}

// Keep is a record as the books keep it.
func Keep(seq int, r attendance.Record, about *records.About) records.Reading {
	canonical, err := records.Canonical(r)
	if err != nil {
		panic(err) // records of tests marshal
	}
	sum, err := records.HashRecord(r)
	if err != nil {
		panic(err)
	}
	return records.Reading{
		Seq: seq, Person: r.Person, Version: r.Version, Hash: sum, AsOf: at(21, 30, 0, 0), Head: hash("head"),
		Record: json.RawMessage(canonical), About: about,
	}
}

// Sign signs what was told of the session so far and has the version.
func Sign(version int, told []Told) records.Signature {
	hashes := map[string]string{}
	for _, t := range told {
		if t.Reading.Version == version && !t.Reading.Gone() {
			hashes[t.Reading.Person] = t.Reading.Hash
		}
	}
	return records.Signature{
		Session: session, Version: version, By: "t-7", At: at(21, 40, 0, 0),
		Hash: records.HashVersion(hashes), Head: hash("head"), Records: hashes,
	}
}

func hash(of string) string { return records.HashVersion(map[string]string{of: ""}) }

// group is the evening: 18:00 to 21:00, ten minutes of it a break, with two
// facilitators.
func group() *records.About {
	return &records.About{
		Program: "iop", Timezone: timezone, Title: "Monday evening", Start: at(18, 0, 0, 0), End: at(21, 0, 0, 0),
		Breaks: attendance.SetOf(span(at(19, 30, 0, 0), at(19, 40, 0, 0))),
		Facilitators: []records.Staff{
			{Person: "t-7", Start: at(17, 59, 0, 0), End: at(19, 0, 0, 0)},
			{Person: "t-7", Start: at(19, 1, 0, 0), End: at(21, 5, 0, 0)},
			{Person: "t-9", Start: at(18, 0, 0, 0), End: at(21, 0, 0, 0)},
		},
		PatientsMax: 9, Flags: []attendance.Flag{}, Cohort: "c-autumn", Track: "evening", Level: "2.1",
		Appointment: "Appointment/apt-5521", Authorization: "auth.7",
	}
}

// monday is 2026-10-26, on which the week begins.
func monday() (date attendance.Date) {
	if err := date.UnmarshalText([]byte("2026-10-26")); err != nil {
		panic(err) // it is one
	}
	return date
}

type attended struct {
	record attendance.Record
	about  *records.About
}

// came is somebody who was connected.
func came(person string, about *records.About, connected ...attendance.Interval) attended {
	r := absent(person, attendance.StatusAttended)
	about.Connected = attendance.SetOf(connected...)
	window := attendance.SetOf(span(about.Start, about.End))
	r.ConnectedMS = about.Connected.Length()
	r.Credited = about.Connected.Intersect(window).Subtract(about.Breaks)
	r.LostOutsideWindowMS = about.Connected.Subtract(window).Length()
	r.LostBreakMS = about.Connected.Intersect(window).Intersect(about.Breaks).Length()
	return attended{count(r), about}
}

func count(r attendance.Record) attendance.Record {
	r.Credited = append(attendance.Set{}, r.Credited...) // a list, as the contract writes it
	r.CreditedMS = r.Credited.Length()
	r.AttendedMS = r.CreditedMS
	minutes := r.CreditedMS / 60_000
	r.Units = attendance.RecordUnits{MinuteFloor: minutes, Q15Floor: minutes / 15, Q15CMS8: (minutes + 7) / 15, Q15Ceil: (minutes + 14) / 15}
	return r
}

func absent(person string, status attendance.Status) attendance.Record {
	return absentIn(person, status, 1)
}

func absentIn(person string, status attendance.Status, version int) attendance.Record {
	return attendance.Record{
		Session: session, Person: person, Service: attendance.Group, Date: monday() + 7, Status: status,
		Version: version, Labels: []attendance.Label{}, Credited: attendance.Set{},
	}
}

type namedWeek struct {
	name string
	records.ToldWeek
}

// weeks are of the week in which the clocks go back: an hour longer than others.
func weeks() []namedWeek {
	first := monday()
	minimum := int64(9 * 3_600_000)
	week := func(name string, credited int64, verdict, previous attendance.Verdict, final bool) namedWeek {
		need := max(0, minimum-credited)
		engaged := false
		w := attendance.Week{
			Person: "per_41", Week: first, Profile: attendance.GenericAdult,
			Start: attendance.At(time.Date(2026, 10, 26, 5, 0, 0, 0, time.UTC)),
			End:   attendance.At(time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)),
			Days: []attendance.Day{
				{Date: first, CreditedMS: credited - 1_800_000, Qualifies: credited > 3_600_000}, {Date: first + 2, CreditedMS: 1_800_000},
			},
			CreditedMS: credited, ScheduledMS: minimum, MeasuredMS: credited, QualifyingDays: 1, NeedMS: &need, DaysNeed: 2,
			Verdict: verdict, Engaged: &engaged,
		}
		return namedWeek{name, records.ToldWeek{
			WeekRow: records.WeekRow{Week: w, MinMS: &minimum}, Program: "iop", Timezone: timezone, Previous: previous, Final: final,
		}}
	}
	open := week("week-no-minimum", 12_345_678, attendance.VerdictNoMinimum, "", true)
	open.MinMS, open.NeedMS, open.Engaged = nil, nil, nil
	amended := week("week-met", minimum, attendance.VerdictMet, attendance.VerdictNotMet, true)
	amended.Amended = true
	return []namedWeek{
		week("week-on-track", 3_600_000, attendance.VerdictOnTrack, "", false),
		week("week-at-risk", 7_200_000, attendance.VerdictAtRisk, attendance.VerdictOnTrack, false),
		week("week-cannot-meet", 7_200_000, attendance.VerdictCannotMeet, attendance.VerdictAtRisk, false),
		week("week-not-met", minimum-1, attendance.VerdictNotMet, attendance.VerdictAtRisk, true),
		amended,
		week("week-partial", 1_800_000, attendance.VerdictPartialWeek, "", true),
		open,
	}
}
