package records

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// Moved is a record that says something else once sessions are scheduled
// otherwise: of these sessions, or of another at the same time, because an
// instant is credited once.
type Moved struct {
	Session string `json:"session"`
	Person  string `json:"person"`
	// Before and After are nil when there is no such record.
	Before *Counted `json:"before"`
	After  *Counted `json:"after"`
}

// Counted is what moves in a record.
type Counted struct {
	Status     attendance.Status `json:"status"`
	CreditedMS int64             `json:"credited_ms"`
}

// Moved counts the evidence by the schedule as it is, and as it would be with
// these sessions, of one program. It writes nothing.
func (b *Books) Moved(ctx context.Context, changed ...schedule.Session) ([]Moved, error) {
	before, after, err := b.store.CasesIf(ctx, changed...)
	if err != nil {
		return nil, fmt.Errorf("compare schedules: %w", err)
	}
	type key struct{ session, person string }
	of := map[key]*Moved{}
	at := func(r attendance.Record) (*Moved, *Counted) {
		k := key{r.Session, r.Person}
		if of[k] == nil {
			of[k] = &Moved{Session: r.Session, Person: r.Person}
		}
		return of[k], &Counted{r.Status, r.CreditedMS}
	}
	for _, r := range attendance.Evaluate(before).Records {
		m, counted := at(r)
		m.Before = counted
	}
	for _, r := range attendance.Evaluate(after).Records {
		m, counted := at(r)
		m.After = counted
	}
	moved := []Moved{}
	for _, m := range of {
		if m.Before == nil || m.After == nil || *m.Before != *m.After {
			moved = append(moved, *m)
		}
	}
	slices.SortFunc(moved, func(x, y Moved) int {
		return cmp.Or(cmp.Compare(x.Session, y.Session), cmp.Compare(x.Person, y.Person))
	})
	return moved, nil
}
