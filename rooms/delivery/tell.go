package delivery

import (
	"context"
	"fmt"

	"viop/rooms"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// Books are where it is written what was told.
type Books interface {
	// FeedID tells the feed from every other.
	FeedID(context.Context) (string, error)
	Changes(ctx context.Context, after int64, limit int) ([]records.Change, error)
	Book(context.Context, rooms.SessionID) (records.Book, error)
	// People are those of ids that exist.
	People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error)
}

// Teller writes changes as a destination may read them.
type Teller struct{ books Books }

// NewTeller is the Feed of these books.
func NewTeller(b Books) *Teller { return &Teller{b} }

// Told implements Feed.
func (t *Teller) Told(ctx context.Context, to Destination, after int64, limit int) ([]Told, error) {
	changes, err := t.books.Changes(ctx, after, limit)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	view, err := t.View(ctx, to, peopleIn(changes))
	if err != nil {
		return nil, err
	}
	read := map[string]records.Book{}
	told := make([]Told, 0, len(changes))
	for _, c := range changes {
		var (
			reading records.Reading
			signed  []records.Signature
		)
		if c.Kind == records.RecordChanged {
			book, known := read[c.Session]
			if !known {
				if book, err = t.books.Book(ctx, rooms.SessionID(c.Session)); err != nil {
					return nil, err
				}
				read[c.Session] = book
			}
			if reading, err = readingOf(book, c); err != nil {
				return nil, err
			}
			signed = book.Signatures()
		}
		item, err := view.Item(c, reading, signed)
		if err != nil {
			return nil, err
		}
		told = append(told, Told{c.Seq, item})
	}
	return told, nil
}

// readingOf is the one that a change names. One of former times names none: it
// is the last that said this.
func readingOf(book records.Book, c records.Change) (records.Reading, error) {
	for i := len(book.Readings) - 1; i >= 0; i-- {
		r := book.Readings[i]
		if r.Seq == c.Reading || c.Reading == 0 && r.Person == c.Person && r.Hash == c.Hash && r.Version == c.Version {
			return r, nil
		}
	}
	return records.Reading{}, fmt.Errorf("change %d names a reading that session %s does not have", c.Seq, c.Session)
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
		seen := export.Person{}
		if to.Names {
			seen.Name = p.Name
		}
		for _, identifier := range p.Identifiers {
			if to.PatientSystem != "" && identifier.System == to.PatientSystem {
				seen.External = identifier.Value
			}
		}
		view.People[string(id)] = seen
	}
	return view, nil
}

func peopleIn(changes []records.Change) []rooms.PersonID {
	var people []rooms.PersonID
	for _, c := range changes {
		if c.Person != "" {
			people = append(people, rooms.PersonID(c.Person))
		}
		if c.Signature != nil {
			for person := range c.Signature.Records {
				people = append(people, rooms.PersonID(person))
			}
		}
	}
	return people
}
