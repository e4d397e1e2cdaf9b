package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/redisstore"
	"viop/signaling/wire"
)

// minutes answers the page's question for the minutes: the evidence so far,
// evaluated by the same contract as the export.
type minutes struct {
	store    *redisstore.Store
	registry *rooms.Registry
}

// flushWithin bounds the wait for evidence on its way: minutes that are a beat
// old are better than none.
const flushWithin = 2 * time.Second

// report is everybody's minutes for staff (person ""), and a person's own
// with their week otherwise.
func (m minutes) report(ctx context.Context, session rooms.SessionID, person rooms.PersonID) (wire.MinutesReport, error) {
	flush, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	_ = m.registry.Flush(flush, session) // a slow store does not hide the minutes it has

	input, err := m.store.Case(ctx, session)
	if err != nil {
		return wire.MinutesReport{}, fmt.Errorf("minutes of session %s: %w", session, err)
	}
	result := attendance.Evaluate(input)
	faces, err := m.faces(ctx, session, result)
	if err != nil {
		return wire.MinutesReport{}, err
	}
	report := wire.MinutesReport{AsOf: wire.Millis(result.AsOf), Final: over(input, string(session))}
	for _, record := range result.Records {
		if record.Session == string(session) && (person == "" || record.Person == string(person)) {
			report.Rows = append(report.Rows, row(record, faces[rooms.PersonID(record.Person)]))
		}
	}
	if person != "" {
		report.Week = week(input, result, string(person))
	}
	return report, nil
}

// face is how a person is shown.
type face struct {
	handle rooms.Handle
	name   string
}

func (m minutes) faces(ctx context.Context, session rooms.SessionID, result *attendance.Result) (map[rooms.PersonID]face, error) {
	var ids []rooms.PersonID
	for _, record := range result.Records {
		if record.Session == string(session) {
			ids = append(ids, rooms.PersonID(record.Person))
		}
	}
	people, err := m.store.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	faces := make(map[rooms.PersonID]face, len(ids))
	for id, person := range people {
		faces[id] = face{name: person.Name}
	}
	here, _ := m.registry.Presence(session)
	for _, p := range here {
		f := faces[p.Person]
		f.handle = p.Handle
		faces[p.Person] = f
	}
	return faces, nil
}

func row(record attendance.Record, f face) wire.MinutesRow {
	r := wire.MinutesRow{
		Handle: wire.Handle(f.handle), Name: f.name, Role: wire.Role("patient"), Status: string(record.Status),
		CreditedMS: wire.Millis(record.CreditedMS), ConnectedMS: wire.Millis(record.ConnectedMS),
		LobbyMS: wire.Millis(record.LobbyMS), BridgedMS: wire.Millis(record.BridgedMS),
		CreditedText: attendance.CreditText(record.CreditedMS),
	}
	for _, label := range record.Labels {
		r.Labels = append(r.Labels, string(label))
	}
	for _, lost := range []struct {
		why  wire.LossReason
		ms   int64
		text string
	}{
		{"outside_window", record.LostOutsideWindowMS, "before or after the scheduled time"},
		{"break", record.LostBreakMS, "in a break"},
		{"no_facilitator", record.LostNoFacilitatorMS, "while no facilitator was connected"},
		{"correction", record.LostCorrectionMS, "taken out by a correction"},
		{"overlap", record.LostOverlapMS, "counted in another session at the same time"},
	} {
		if lost.ms > 0 {
			r.Lost = append(r.Lost, wire.LostMinutes{Why: lost.why, MS: wire.Millis(lost.ms), Text: lostText(lost.ms) + " " + lost.text})
		}
	}
	return r
}

// lostText says a short loss in seconds: "0 m" would read as none.
func lostText(ms int64) string {
	if ms < 60_000 {
		return fmt.Sprintf("%d s", (ms+999)/1000)
	}
	return attendance.CreditText(ms)
}

// week is the person's row of the local week that the question falls into.
func week(input *attendance.Case, result *attendance.Result, person string) *wire.Week {
	for _, w := range result.Weeks {
		if w.Person != person || result.AsOf < w.Start || result.AsOf >= w.End {
			continue
		}
		out := &wire.Week{
			CreditedMS: wire.Millis(w.CreditedMS), CreditedText: attendance.CreditText(w.CreditedMS),
			SessionsLeft: sessionsLeft(input, w, result.AsOf),
			Days:         w.QualifyingDays, DaysNeed: w.DaysNeed,
			Verdict: string(w.Verdict), Ends: wire.Millis(w.End),
		}
		if w.NeedMS != nil {
			out.NeedMS, out.NeedText = wire.Millis(*w.NeedMS), attendance.NeedText(*w.NeedMS)
		}
		if minimum := weekMinimum(w); minimum > 0 {
			out.MinMS, out.MinText = wire.Millis(minimum), attendance.CreditText(minimum)
		}
		return out
	}
	return nil
}

// weekMinimum is the least the week asks for, in milliseconds; 0 when it asks
// for none or that cannot be told from the row (SPEC §8: need and slack are
// measured against it).
func weekMinimum(w attendance.Week) int64 {
	switch {
	case w.NeedMS == nil:
		return 0
	case *w.NeedMS > 0:
		return w.MeasuredMS + *w.NeedMS
	case w.MeasuredMS == w.CreditedMS:
		return w.MeasuredMS + w.RemainingMS - *w.SlackMS
	}
	return 0
}

// sessionsLeft are those of the week that still count for the person, the one
// that is going on included.
func sessionsLeft(input *attendance.Case, w attendance.Week, now attendance.Instant) int {
	left := 0
	for i := range input.Sessions {
		s := &input.Sessions[i]
		if s.ScheduledStart >= w.Start && s.ScheduledStart < w.End && s.ScheduledEnd > now &&
			!over(input, s.ID) && s.Status != attendance.SessionCancelled && slices.Contains(s.Roster, w.Person) {
			left++
		}
	}
	return left
}

// over reports whether a session is over (SPEC §3): its scheduled end is
// past, or it was closed at or after its start and not opened again.
func over(input *attendance.Case, session string) bool {
	i := slices.IndexFunc(input.Sessions, func(s attendance.Session) bool { return s.ID == session })
	if i < 0 {
		return false
	}
	s := input.Sessions[i]
	if input.AsOf >= s.ScheduledEnd {
		return true
	}
	var last attendance.Event
	for _, e := range input.Events {
		if e.Session == session && (e.Type == attendance.Opened || e.Type == attendance.Closed) && e.At >= last.At {
			last = e
		}
	}
	return last.Type == attendance.Closed && last.At >= s.ScheduledStart
}
