package web_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
)

// feed is a web.Feed and a web.Teller over memory. The real ones are asked in
// feed_redis_test.go.
type feed struct {
	mu      sync.Mutex
	id      string
	entries []records.Entry
	rows    []records.Change
	grown   chan struct{} // closed, and replaced, when there is another entry
	waiting chan struct{} // gets one when somebody begins to wait
}

func newFeed() *feed {
	return &feed{id: "FEED", grown: make(chan struct{}), waiting: make(chan struct{}, 1000)}
}

func (f *feed) add(entries ...records.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, entries...)
	close(f.grown)
	f.grown = make(chan struct{})
}

func (f *feed) FeedID(context.Context) (string, error) { return f.id, nil }

func (f *feed) Entries(_ context.Context, after int64, limit int) ([]records.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	later := slices.DeleteFunc(slices.Clone(f.entries), func(e records.Entry) bool { return e.Seq <= after })
	if len(later) == 0 && after > 0 && (len(f.entries) == 0 || f.entries[len(f.entries)-1].Seq < after) {
		return nil, records.ErrNoSuchPlace
	}
	return later[:min(limit, len(later))], nil
}

func (f *feed) Changes(ctx context.Context, after int64, limit int) ([]records.Change, error) {
	entries, err := f.Entries(ctx, after, limit)
	changes := make([]records.Change, len(entries))
	for i, e := range entries {
		changes[i] = e.Change
	}
	return changes, err
}

func (f *feed) WaitChanges(ctx context.Context, after int64) error {
	f.mu.Lock()
	grown, end := f.grown, int64(0)
	if n := len(f.entries); n > 0 {
		end = f.entries[n-1].Seq
	}
	f.mu.Unlock()
	if end > after {
		return nil
	}
	f.waiting <- struct{}{}
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *feed) WeekRows(_ context.Context, from, to attendance.Date, cursor string, limit int) (rows []records.Change, next string, err error) {
	name := func(c records.Change) string { return fmt.Sprint(c.Week.Week.Week, " ", c.Person) }
	for _, c := range f.rows {
		if c.Week.Week.Week >= from && c.Week.Week.Week <= to && name(c) > cursor {
			rows = append(rows, c)
		}
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = name(rows[limit-1])
	}
	return rows, next, nil
}

// View knows p1.
func (f *feed) View(_ context.Context, to delivery.Destination, _ []rooms.PersonID) (export.View, error) {
	view := export.View{Feed: f.id, People: map[string]export.Person{}}
	if to.Names {
		view.People["p1"] = export.Person{Name: "Ana B."}
	}
	return view, nil
}

// gate is a web.Gate that knows some destinations and remembers what leaves.
type gate struct {
	*delivery.Gate // nobody asks for the rest
	destinations   map[delivery.ID]delivery.Destination
	disclosed      []string // "destination format by person records"
	fails          error
}

func newGate() *gate {
	return &gate{destinations: map[delivery.ID]delivery.Destination{
		"scheduler": {ID: "scheduler", Kind: delivery.Pull, Basis: delivery.QSOA, Enabled: true},
		"clinic":    {ID: "clinic", Kind: delivery.Pull, Basis: delivery.Internal, Enabled: true, Names: true},
		"nobody":    {ID: "nobody", Kind: delivery.Pull, Enabled: true},
	}}
}

func (g *gate) Resolve(_ context.Context, subject string, manages bool, named delivery.ID) (delivery.Destination, error) {
	if named == "" {
		named = delivery.ID(subject)
	}
	d, there := g.destinations[named]
	switch {
	case string(named) != subject && !manages:
		return d, delivery.ErrNotTheirs
	case !there || d.Basis == "":
		return d, delivery.ErrNoBasis
	}
	return d, nil
}

func (g *gate) Disclose(_ context.Context, to delivery.Destination, by string, as delivery.Format, rows ...delivery.Disclosure) error {
	for _, r := range rows {
		g.disclosed = append(g.disclosed, fmt.Sprintf("%s %s %s %s %d", to.ID, as, by, r.Person, r.Records))
	}
	return g.fails
}
