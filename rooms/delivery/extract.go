package delivery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// Shelf is what an Extract reads, besides Books.
type Shelf interface {
	Books
	// Sessions are those whose scheduled time overlaps [from, to), by start.
	Sessions(ctx context.Context, from, to time.Time, cursor string, limit int) (page []schedule.Session, next string, err error)
	// WeekRows are the weeks that begin on the dates from to to, as they were
	// told last, by date and person.
	WeekRows(ctx context.Context, from, to attendance.Date, cursor string, limit int) (rows []records.Change, next string, err error)
}

// Span is dates, both included: local ones, of each record's own program.
type Span struct{ From, To attendance.Date }

// Told reports whether an instant is on one of the dates, in UTC.
func (s Span) Told(at attendance.Instant) bool {
	return !at.Time().Before(midnight(s.From)) && at.Time().Before(midnight(s.To+1))
}

// Extract is everything that was told about a span of dates, for a
// destination: records by session, and weeks that have a day in it, each as it
// was told last. It is read in pages, and never held as a whole.
type Extract struct {
	// Set by NewExtract.
	teller *Teller
	shelf  Shelf
	gate   *Gate
	to     Destination
	by     string
	as     Format
	span   Span

	told map[rooms.PersonID]bool // whose accounting has a row
	// Records and Weeks are how many there were when it was begun.
	Records, Weeks int
	// Each is called after each of them that was handed out. It may be nil.
	Each func()
}

// NewExtract reads who is in it, and writes that down (Gate.Disclose) before
// anything is handed out. by is who asked for it.
func NewExtract(ctx context.Context, shelf Shelf, gate *Gate, to Destination, by string, as Format, span Span) (*Extract, error) {
	if err := to.open(); err != nil {
		return nil, err
	}
	e := &Extract{teller: NewTeller(shelf), shelf: shelf, gate: gate, to: to, by: by, as: as, span: span, told: map[rooms.PersonID]bool{}}
	count := map[rooms.PersonID]int{}
	for s, err := range e.sessions(ctx) {
		if err != nil {
			return nil, err
		}
		for _, r := range s.readings {
			count[rooms.PersonID(r.Person)]++
			e.Records++
		}
	}
	for row, err := range e.rows(ctx) {
		if err != nil {
			return nil, err
		}
		count[rooms.PersonID(row.Person)]++
		e.Weeks++
	}
	var rows []Disclosure
	for _, person := range slices.Sorted(maps.Keys(count)) {
		e.told[person] = true
		rows = append(rows, e.row(person, count[person]))
	}
	for some := range slices.Chunk(rows, maxRows) {
		if err := gate.Disclose(ctx, to, by, as, some...); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// maxRows of the accounting are written at a time.
const maxRows = 200

func (e *Extract) row(person rooms.PersonID, n int) Disclosure {
	return Disclosure{Person: person, Records: n, From: e.span.From.String(), To: e.span.To.String()}
}

// account for somebody who was told of since the extract was begun.
func (e *Extract) account(ctx context.Context, person string) error {
	id := rooms.PersonID(person)
	if e.told[id] {
		return nil
	}
	e.told[id] = true
	return e.gate.Disclose(ctx, e.to, e.by, e.as, e.row(id, 1))
}

// step tells that one more was handed out.
func (e *Extract) step() {
	if e.Each != nil {
		e.Each()
	}
}

// toldSession is a session with what was told of it, in the span.
type toldSession struct {
	id         rooms.SessionID
	readings   []records.Reading
	signatures []records.Signature
}

// pageSize is how much is read at a time.
const pageSize = 100

// sessions that have a record in the span.
func (e *Extract) sessions(ctx context.Context) iter.Seq2[toldSession, error] {
	// A local date begins and ends within a day of the same date in UTC.
	from, to := midnight(e.span.From-1), midnight(e.span.To+2)
	return func(yield func(toldSession, error) bool) {
		for cursor := ""; ; {
			page, next, err := e.shelf.Sessions(ctx, from, to, cursor, pageSize)
			if err != nil {
				yield(toldSession{}, err)
				return
			}
			for _, v := range page {
				s := toldSession{id: v.ID}
				var all []records.Reading
				if all, s.signatures, err = e.shelf.Readings(ctx, v.ID); err != nil {
					yield(s, err)
					return
				}
				for _, r := range all {
					within, err := e.within(r)
					if err != nil {
						yield(s, fmt.Errorf("session %s: %w", v.ID, err))
						return
					}
					if within {
						s.readings = append(s.readings, r)
					}
				}
				if len(s.readings) > 0 && !yield(s, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// midnight of a date in UTC.
func midnight(d attendance.Date) time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// within reports whether the record is of a date in the span. One that is gone
// has none.
func (e *Extract) within(r records.Reading) (bool, error) {
	if r.Gone() {
		return false, nil
	}
	record, err := export.View{}.Record("", r, nil)
	return err == nil && e.span.From <= record.Date && record.Date <= e.span.To, err
}

// rows are the weeks that have a day in the span.
func (e *Extract) rows(ctx context.Context) iter.Seq2[records.Change, error] {
	return e.rowsFrom(ctx, e.span.From-6, e.span.To)
}

func (e *Extract) rowsFrom(ctx context.Context, first, last attendance.Date) iter.Seq2[records.Change, error] {
	return func(yield func(records.Change, error) bool) {
		for cursor := ""; ; {
			page, next, err := e.shelf.WeekRows(ctx, first, last, cursor, pageSize)
			if err != nil {
				yield(records.Change{}, err)
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// Rows are the records, by session, for a table.
func (e *Extract) Rows(ctx context.Context) iter.Seq2[export.Row, error] {
	return func(yield func(export.Row, error) bool) {
		days := qualifying{e: e, loaded: map[attendance.Date]bool{}, days: map[personDay]bool{}}
		for s, err := range e.sessions(ctx) {
			if err != nil {
				yield(export.Row{}, err)
				return
			}
			view, err := e.teller.View(ctx, e.to, peopleOf(s.readings))
			if err != nil {
				yield(export.Row{}, err)
				return
			}
			for _, r := range s.readings {
				row := export.Row{}
				err := e.account(ctx, r.Person)
				if err == nil {
					row.Record, err = view.Record(string(s.id), r, s.signatures)
				}
				if err == nil {
					row.DayQualifies, err = days.of(ctx, row.Person, row.Date)
				}
				if !yield(row, err) || err != nil {
					return
				}
				e.step()
			}
		}
	}
}

func peopleOf(readings []records.Reading) []rooms.PersonID {
	people := make([]rooms.PersonID, len(readings))
	for i, r := range readings {
		people[i] = rooms.PersonID(r.Person)
	}
	return people
}

// WeekItems are the weeks, by first date and person.
func (e *Extract) WeekItems(ctx context.Context) iter.Seq2[export.Item, error] {
	return func(yield func(export.Item, error) bool) {
		for c, err := range e.rows(ctx) {
			var item export.Item
			if err == nil {
				err = e.account(ctx, c.Person)
			}
			var view export.View
			if err == nil {
				view, err = e.teller.View(ctx, e.to, []rooms.PersonID{rooms.PersonID(c.Person)})
			}
			if err == nil {
				item, err = view.Item(c, records.Reading{}, nil)
			}
			if !yield(item, err) || err != nil {
				return
			}
			e.step()
		}
	}
}

// WeekRows are the weeks, for a table.
func (e *Extract) WeekRows(ctx context.Context) iter.Seq2[export.Week, error] {
	return func(yield func(export.Week, error) bool) {
		for item, err := range e.WeekItems(ctx) {
			week := export.Week{}
			if err == nil && item.Week == nil {
				err = errors.New("a row of the weeks is none")
			}
			if err == nil {
				week = *item.Week
			}
			if !yield(week, err) || err != nil {
				return
			}
		}
	}
}

// Sessions are the items of one session after the other: its records, and the
// last signature under them.
func (e *Extract) Sessions(ctx context.Context) iter.Seq2[[]export.Item, error] {
	return func(yield func([]export.Item, error) bool) {
		for s, err := range e.sessions(ctx) {
			var items []export.Item
			if err == nil {
				items, err = e.items(ctx, s)
			}
			if !yield(items, err) || err != nil {
				return
			}
		}
	}
}

func (e *Extract) items(ctx context.Context, s toldSession) ([]export.Item, error) {
	view, err := e.teller.View(ctx, e.to, peopleOf(s.readings))
	if err != nil {
		return nil, err
	}
	var items []export.Item
	for _, r := range s.readings {
		if err := e.account(ctx, r.Person); err != nil {
			return nil, err
		}
		item, err := view.Item(records.Change{
			At: r.AsOf, Kind: records.RecordChanged, Session: string(s.id), Person: r.Person,
			Version: r.Version, Hash: r.Hash, Reading: r.Seq, First: r.Version == 1,
		}, r, nil)
		if err != nil {
			return nil, err
		}
		if *item.Record, err = view.Record(string(s.id), r, s.signatures); err != nil {
			return nil, err
		}
		items = append(items, item)
		e.step()
	}
	if n := len(s.signatures); n > 0 {
		last := s.signatures[n-1]
		for person := range last.Records {
			if err := e.account(ctx, person); err != nil {
				return nil, err
			}
		}
		item, err := view.Item(records.Change{At: last.At, Kind: records.RecordsSigned, Session: string(s.id), Version: last.Version, Hash: last.Hash, Signature: &last}, records.Reading{}, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// qualifying knows which days qualify, of the weeks around the records that
// are written just now: those come by start, so that few weeks are needed at a
// time.
type qualifying struct {
	e      *Extract
	loaded map[attendance.Date]bool // first dates of weeks
	days   map[personDay]bool
}

type personDay struct {
	person string
	date   attendance.Date
}

// of a day; nil when nobody said.
func (q *qualifying) of(ctx context.Context, person string, date attendance.Date) (*bool, error) {
	for first := range q.loaded {
		if first+7+2 <= date { // two days: sessions at the same time are not all of one date
			delete(q.loaded, first)
			maps.DeleteFunc(q.days, func(d personDay, _ bool) bool { return d.date < first+7 })
		}
	}
	for first := date - 6; first <= date; first++ {
		if q.loaded[first] {
			continue
		}
		q.loaded[first] = true
		for c, err := range q.e.rowsFrom(ctx, first, first) {
			if err != nil {
				return nil, err
			}
			if c.Week == nil {
				continue
			}
			for _, d := range c.Week.Days {
				q.days[personDay{c.Person, d.Date}] = d.Qualifies
			}
		}
	}
	qualifies, known := q.days[personDay{person, date}]
	if !known {
		return nil, nil
	}
	return &qualifies, nil
}
