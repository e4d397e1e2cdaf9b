package export

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"viop/rooms/attendance"
	"viop/rooms/records"
)

// View is how a destination sees things.
type View struct {
	// Feed is the id of the feed, so that items of two stores never have the
	// same one.
	Feed string
	// People are those of whom more than our id may go there.
	People map[string]Person
}

// Person is what a destination may know somebody by, besides our id.
type Person struct {
	External string // in the destination's own words
	Name     string // only where names may go
}

// itemID names a change: by its feed, its number there and when it was told. A
// Redis that loses its last entries gives their numbers again, and a receiver
// that drops what it has seen must not take the new change for the old one.
func (v View) itemID(c records.Change) string {
	return v.Feed + "." + strconv.FormatInt(c.Seq, 10) + "." + strconv.FormatInt(int64(c.At), 36)
}

// Item is a change as the destination may read it. Of a record it needs the
// reading that the change names, and the signatures of the session; those that
// came after the change are not looked at, so that an item never changes.
func (v View) Item(c records.Change, reading records.Reading, signatures []records.Signature) (Item, error) {
	i := Item{ID: v.itemID(c), At: c.At, Notice: Notice, NoticeVersion: NoticeVersion}
	switch {
	case c.Kind == records.RecordChanged && (reading.Person != c.Person || reading.Hash != c.Hash):
		return Item{}, fmt.Errorf("change %d names a reading that is not there", c.Seq) // and nothing was withdrawn
	case c.Kind == records.RecordChanged:
		before := slices.DeleteFunc(slices.Clone(signatures), func(s records.Signature) bool { return s.At > c.At })
		r, err := v.Record(c.Session, reading, before)
		if err != nil {
			return Item{}, fmt.Errorf("change %d: %w", c.Seq, err)
		}
		i.Record, i.Type = &r, recordType(r.Status, c.First)
	case c.Kind == records.RecordsSigned && c.Signature != nil:
		i.Signature, i.Type = v.signature(*c.Signature), RecordsSigned
	case c.Kind == records.WeekChanged && c.Week != nil:
		w := v.Week(*c.Week)
		i.Week, i.Type = &w, WeekType(w.Verdict)
	case c.Kind == records.AuthorizationChanged && c.Authorization != nil:
		p := v.People[c.Authorization.Person]
		i.Authorization = &Authorization{*c.Authorization, p.External, p.Name}
		i.Type = authorizationType + Type(c.Authorization.Status)
	default:
		return Item{}, fmt.Errorf("change %d: there is no such kind as %q", c.Seq, c.Kind)
	}
	return i, nil
}

func recordType(status attendance.Status, first bool) Type {
	switch {
	case status == StatusWithdrawn:
		return RecordWithdrawn
	case !first:
		return RecordAmended
	case status == attendance.StatusNoShow:
		return RecordNoShow
	case status == attendance.StatusLobbyOnly:
		return RecordLobbyOnly
	}
	return RecordFinalized
}

// Record is a reading of a record under these signatures of its session.
func (v View) Record(session string, reading records.Reading, signatures []records.Signature) (Record, error) {
	p := v.People[reading.Person]
	r := Record{
		RecordID: RecordID(session, reading.Person), Hash: reading.Hash,
		External: p.External, Name: p.Name, About: reading.About,
	}
	if reading.Gone() {
		r.Record = attendance.Record{
			Session: session, Person: reading.Person, Version: reading.Version,
			Status: StatusWithdrawn, Labels: []attendance.Label{},
		}
		return r, nil
	}
	if err := json.Unmarshal(reading.Record, &r.Record); err != nil {
		return Record{}, fmt.Errorf("reading %d of record %s: %w", reading.Seq, r.RecordID, err)
	}
	r.sign(signatures)
	return r, nil
}

// sign finds out how far it is signed, by SPEC §5: a signature is for the
// records that had its version when it was made, and those are named in it.
func (r *Record) sign(signatures []records.Signature) {
	r.State = attendance.StateUnsigned
	for _, s := range signatures {
		hash, named := s.Records[r.Person]
		switch {
		case !named:
		case s.Version == r.Version:
			r.State, r.SignedBy, r.SignedAt, r.SignedHash = attendance.StateSigned, s.By, s.At, hash
		case r.State == attendance.StateUnsigned:
			r.State = attendance.StateAmended
		}
	}
}

// Sheet are the records of a session as of now, for a table.
func (v View) Sheet(sheet *records.Sheet) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, now := range sheet.Records {
			p := v.People[now.Person]
			r := Record{
				RecordID: RecordID(now.Session, now.Person), Record: now.Record, Hash: now.Hash,
				External: p.External, Name: p.Name, About: sheet.About[now.Person],
			}
			r.sign(sheet.Signatures)
			r.State = now.State // the contract's; it knows of records that are open
			if !yield(Row{Record: r}, nil) {
				return
			}
		}
	}
}

// Week is a week as it was told.
func (v View) Week(w records.ToldWeek) Week {
	p := v.People[w.Person]
	return Week{w, p.External, p.Name}
}

func (v View) signature(s records.Signature) *Signature {
	signed := Signature{
		Session: s.Session, Version: s.Version, By: s.By, At: s.At, Hash: s.Hash, Head: s.Head,
		Records: []SignedRecord{},
	}
	for _, person := range slices.Sorted(maps.Keys(s.Records)) {
		p := v.People[person]
		signed.Records = append(signed.Records, SignedRecord{
			RecordID: RecordID(s.Session, person), Person: person, External: p.External, Name: p.Name,
			Hash: s.Records[person],
		})
	}
	return &signed
}
