package web_test

import (
	"context"
	"fmt"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// books is a web.Books over memory. It counts; what comes of acts is the
// test's to say. The real one is asked in records_redis_test.go.
type books struct {
	store *memory
	// err is what every act ends with, wrapped as the real one does.
	err       error
	corrected []attendance.Correction
	signed    []records.Signature
	versions  map[rooms.PersonID][]records.Version
	weeks     *records.Weeks
	asked     []string // for weeks
}

func (b *books) Records(ctx context.Context, session rooms.SessionID) (*records.Sheet, error) {
	c, err := b.store.Case(ctx, session)
	if err != nil {
		return nil, err
	}
	result := attendance.Evaluate(c)
	sheet := &records.Sheet{
		AsOf: result.AsOf, Timezone: result.Timezone, Session: result.Sessions[0], Head: records.Book{}.Head(),
		Corrections: b.corrected, Signatures: b.signed, Input: c,
		About: map[string]*records.About{},
	}
	hashes, people := map[string]string{}, []string{}
	for _, r := range result.Records {
		hash, err := records.HashRecord(r)
		if err != nil {
			return nil, err
		}
		sheet.Records = append(sheet.Records, records.Record{Record: r, Hash: hash})
		hashes[r.Person], people = hash, append(people, r.Person)
		sheet.About[r.Person] = &records.About{
			Timezone: result.Timezone, Start: c.Sessions[0].ScheduledStart, End: c.Sessions[0].ScheduledEnd,
			PatientsMax: sheet.Session.PatientsMax,
		}
	}
	sheet.Versions = []records.SheetVersion{
		{Version: 1, Hash: records.HashVersion(hashes), People: people, State: result.Records[0].State},
	}
	return sheet, nil
}

func (b *books) Correct(ctx context.Context, session rooms.SessionID, k attendance.Correction) (*records.Sheet, error) {
	if b.err != nil {
		return nil, fmt.Errorf("correct session %s: %w", session, b.err)
	}
	b.corrected = append(b.corrected, k)
	return b.Records(ctx, session)
}

func (b *books) Sign(ctx context.Context, session rooms.SessionID, s records.Signature) (*records.Sheet, error) {
	if b.err != nil {
		return nil, fmt.Errorf("sign session %s: %w", session, b.err)
	}
	b.signed = append(b.signed, s)
	return b.Records(ctx, session)
}

func (b *books) Versions(_ context.Context, _ rooms.SessionID, person rooms.PersonID) ([]records.Version, error) {
	if b.versions[person] == nil {
		return nil, fmt.Errorf("person %s: %w", person, schedule.ErrNotFound)
	}
	return b.versions[person], nil
}

func (b *books) PersonWeeks(ctx context.Context, person rooms.PersonID, from, to attendance.Date) (*records.Weeks, error) {
	if _, _, err := b.store.Person(ctx, person); err != nil {
		return nil, err
	}
	b.asked = append(b.asked, fmt.Sprint(person, " ", from, " ", to))
	return b.weeks, nil
}

func (b *books) ProgramWeeks(ctx context.Context, program schedule.ProgramID, day attendance.Date) (*records.Weeks, error) {
	if _, _, err := b.store.Program(ctx, program); err != nil {
		return nil, err
	}
	b.asked = append(b.asked, fmt.Sprint(program, " ", day))
	return b.weeks, nil
}

// Moved says what the books were told to say; the real ones are asked in
// series_test.go.
func (b *books) Moved(_ context.Context, changed ...schedule.Session) ([]records.Moved, error) {
	return []records.Moved{{
		Session: string(changed[0].ID), Person: "p1",
		Before: &records.Counted{Status: attendance.StatusAttended, CreditedMS: 60_000},
	}}, nil
}
