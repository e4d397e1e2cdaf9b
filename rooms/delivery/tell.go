package delivery

import (
	"context"
	"errors"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// Books are where it is written what was told.
type Books interface {
	// FeedID tells the feed from every other.
	FeedID(context.Context) (string, error)
	// Entries are at most limit changes after the one numbered after, with what
	// they name.
	Entries(ctx context.Context, after int64, limit int) ([]records.Entry, error)
	// Readings are the last of each person in a session that is on the feed, and
	// the signatures that are.
	Readings(context.Context, rooms.SessionID) ([]records.Reading, []records.Signature, error)
	// WeekTold is a week as it was told last, or schedule.ErrNotFound.
	WeekTold(ctx context.Context, person rooms.PersonID, first attendance.Date) (records.Change, error)
	// People are those of ids that exist.
	People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error)
}

// Teller writes changes as a destination may read them.
type Teller struct{ books Books }

// NewTeller is the Feed of these books.
func NewTeller(b Books) *Teller { return &Teller{b} }

// Told implements Feed.
func (t *Teller) Told(ctx context.Context, to Destination, after int64, limit int) ([]Told, error) {
	entries, err := t.books.Entries(ctx, after, limit)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	view, err := t.View(ctx, to, peopleIn(entries))
	if err != nil {
		return nil, err
	}
	told := make([]Told, 0, len(entries))
	for _, e := range entries {
		item, err := view.Item(e.Change, e.Reading, e.Signatures)
		told = append(told, Told{e.Seq, item, err})
	}
	return told, nil
}

// Latest implements Feed.
func (t *Teller) Latest(ctx context.Context, to Destination, item export.Item) (export.Item, error) {
	switch {
	case item.Record != nil:
		person := item.Record.Person
		view, err := t.View(ctx, to, []rooms.PersonID{rooms.PersonID(person)})
		if err != nil {
			return item, err
		}
		readings, signatures, err := t.books.Readings(ctx, rooms.SessionID(item.Record.Session))
		if err != nil {
			return item, err
		}
		for _, r := range readings {
			if r.Person != person {
				continue
			}
			latest, err := view.Record(item.Record.Session, r, signatures)
			if err != nil {
				return item, err
			}
			item.Record = &latest
		}
	case item.Week != nil:
		person := rooms.PersonID(item.Week.Person)
		view, err := t.View(ctx, to, []rooms.PersonID{person})
		if err != nil {
			return item, err
		}
		last, err := t.books.WeekTold(ctx, person, item.Week.Week.Week)
		if errors.Is(err, schedule.ErrNotFound) {
			return item, nil
		}
		if err != nil {
			return item, err
		}
		return view.Item(last, records.Reading{}, nil)
	}
	return item, nil
}

// View is how a destination sees people: with names if it may have them, and
// with the identifiers of its own system.
func (t *Teller) View(ctx context.Context, to Destination, ids []rooms.PersonID) (export.View, error) {
	feed, err := t.books.FeedID(ctx)
	if err != nil {
		return export.View{}, err
	}
	view := export.View{Feed: feed}
	if !to.Names && to.PatientSystem == "" {
		return view, nil
	}
	people, err := t.books.People(ctx, ids)
	if err != nil {
		return export.View{}, err
	}
	view.People = map[string]export.Person{}
	for id, p := range people {
		view.People[string(id)] = to.sees(p)
	}
	return view, nil
}

// sees is what the destination may know somebody by, besides our id.
func (d Destination) sees(p schedule.Person) (seen export.Person) {
	if d.Names {
		seen.Name = p.Name
	}
	for _, identifier := range p.Identifiers {
		if d.PatientSystem != "" && identifier.System == d.PatientSystem {
			seen.External = identifier.Value
		}
	}
	return seen
}

func peopleIn(entries []records.Entry) []rooms.PersonID {
	var people []rooms.PersonID
	for _, e := range entries {
		if e.Person != "" {
			people = append(people, rooms.PersonID(e.Person))
		}
		if e.Signature != nil {
			for person := range e.Signature.Records {
				people = append(people, rooms.PersonID(person))
			}
		}
	}
	return people
}
