package records

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// About is what was around a record when it was read: with it, every format
// that goes out can be written from the reading alone. Other systems see it as
// it was then, so what changes here is told like what changes in the record.
type About struct {
	Program   schedule.ProgramID `json:"program"`
	Timezone  string             `json:"timezone"`        // IANA
	Title     string             `json:"title,omitempty"` // of the session; neutral
	Start     attendance.Instant `json:"start"`           // scheduled, and so is
	End       attendance.Instant `json:"end"`
	Waiting   attendance.Set     `json:"waiting,omitempty"`   // when the person was in the lobby
	Connected attendance.Set     `json:"connected,omitempty"` // when they were in a room, on any device
	Breaks    attendance.Set     `json:"breaks,omitempty"`    // of the session
	// Facilitators are the times at which each was in a room of the session.
	Facilitators []Staff           `json:"facilitators,omitempty"`
	PatientsMax  int               `json:"patients_max"`
	Flags        []attendance.Flag `json:"flags,omitempty"`

	// As documents have it; "" where there is none.
	Cohort        string `json:"cohort,omitempty"`
	Track         string `json:"track,omitempty"`
	Level         string `json:"level,omitempty"`         // of care, at the start of the session
	Appointment   string `json:"appointment,omitempty"`   // the scheduling system's name for it
	Authorization string `json:"authorization,omitempty"` // id of the one that pays
}

// Staff is a time at which a facilitator was there.
type Staff struct {
	Person string             `json:"person"`
	Start  attendance.Instant `json:"start"`
	End    attendance.Instant `json:"end"`
}

// same reports whether two say the same.
func (a *About) same(b *About) bool {
	this, err := json.Marshal(a)
	that, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(this, that)
}

// about is what is around the records of the page, by person.
func (b *Books) about(ctx context.Context, p *page) (map[string]*About, error) {
	around, ok := attendance.LookAround(p.input, string(p.Session))
	if !ok {
		return nil, nil // and no records
	}
	v, _, err := b.store.Session(ctx, p.Session)
	if err != nil {
		return nil, err
	}
	var people []rooms.PersonID
	for person := range around.People {
		people = append(people, rooms.PersonID(person))
	}
	levels, err := b.store.Enrollments(ctx, people)
	if err != nil {
		return nil, err
	}
	all, common := map[string]*About{}, p.aboutAll(v, around)
	for person, presence := range around.People {
		one := common
		one.Waiting, one.Connected = presence.Waiting, presence.Connected
		level, _ := levels[rooms.PersonID(person)].At(v.Start)
		one.Level = string(level.Code)
		for _, x := range v.Appointments {
			if x.Person == rooms.PersonID(person) {
				one.Appointment = x.Reference
			}
		}
		one.Authorization = p.payer(person)
		all[person] = &one
	}
	return all, nil
}

// aboutAll is what all records of the session have in common.
func (p *page) aboutAll(v schedule.Session, around *attendance.Around) About {
	a := About{
		Program: v.Program, Timezone: p.result.Timezone, Title: v.Title, Breaks: around.Breaks,
		Start: attendance.At(v.Start), End: attendance.At(v.End),
		Cohort: string(v.Cohort), Track: string(v.Track),
	}
	for _, f := range around.Facilitators {
		for _, i := range f.Connected {
			a.Facilitators = append(a.Facilitators, Staff{f.Person, i.Start, i.End})
		}
	}
	for _, s := range p.result.Sessions {
		if s.Session == string(p.Session) {
			a.PatientsMax, a.Flags = s.PatientsMax, s.Flags
		}
	}
	return a
}

// payer is the authorization for a person's record in the session: of those
// that are for its date, the one that ends first.
func (p *page) payer(person string) string {
	i := slices.IndexFunc(p.result.Records, func(r attendance.Record) bool {
		return r.Session == string(p.Session) && r.Person == person
	})
	if i < 0 {
		return ""
	}
	var payer attendance.Authorization
	for _, a := range p.input.Authorizations {
		date := p.result.Records[i].Date
		if a.Person != person || date < a.From || a.To < date {
			continue
		}
		if payer.ID == "" || cmp.Or(cmp.Compare(a.To, payer.To), cmp.Compare(a.ID, payer.ID)) < 0 {
			payer = a
		}
	}
	return payer.ID
}
