package records

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Correct adds a correction and returns the sheet as it is then. Session and
// At are the Books' to set; so is an ID that is empty. The same correction
// with the same ID again is answered like the first time.
//
// Errors, with nothing written: *Invalid, ErrNotStaff, ErrIDTaken,
// ErrSuperseded, ErrNothingChanges.
func (b *Books) Correct(ctx context.Context, session rooms.SessionID, k attendance.Correction) (*Sheet, error) {
	k.Session = string(session)
	if k.ID == "" {
		k.ID = "k-" + strings.ToLower(rand.Text())
	}
	err := b.act(ctx, session, func(p *page) (*Amendment, rooms.Note, error) {
		if done, err := p.made(k); done || err != nil {
			return nil, rooms.Note{}, err
		}
		k.At = p.next()
		roles, err := b.correctable(ctx, p, k)
		if err != nil {
			return nil, rooms.Note{}, err
		}
		return &Amendment{Correction: &k, Roles: roles}, rooms.Note{
			Actor: rooms.PersonID(k.By), Action: "correct", Target: rooms.PersonID(k.Person), Detail: k.ID,
		}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("correct session %s: %w", session, err)
	}
	return b.Records(ctx, session)
}

// act makes one amendment, as often as it takes to be the next one, and
// settles what follows. make returns nil when there is nothing to write.
func (b *Books) act(ctx context.Context, session rooms.SessionID, make func(*page) (*Amendment, rooms.Note, error)) error {
	debt, err := b.store.Owe(ctx, session) // what dies after writing is settled by Run
	if err != nil {
		return err
	}
	written := false // or nobody knows
	err = again(func() error {
		p, err := b.open(ctx, session)
		if err != nil {
			return err
		}
		a, note, err := make(p)
		if err != nil || a == nil {
			return err
		}
		a.Seq = p.End(KindAmend, 0).Seq + 1
		note.At = a.At().Time()
		err = b.store.Amend(ctx, p.Book, *a, note)
		written = !errors.Is(err, ErrMoved) && !errors.Is(err, ErrIDTaken)
		return err
	})
	switch {
	case err != nil && written:
		return err
	case err == nil:
		if err := b.Settle(ctx, session); err != nil { // the act stands, and Run settles it
			b.log.Error("a session is not settled yet after an act", "session", session, "err", err)
			return nil
		}
	}
	if paid := b.store.Paid(ctx, debt); paid != nil {
		b.log.Warn("a session will be settled once more than needed", "session", session, "err", paid)
	}
	return err
}

// made reports whether the book has the correction already.
func (b Book) made(k attendance.Correction) (bool, error) {
	for _, old := range b.Corrections() {
		if old.ID == k.ID {
			k.At = old.At
			if k != old {
				return false, ErrIDTaken
			}
			return true, nil
		}
		if k.Supersedes != "" && old.Supersedes == k.Supersedes {
			return false, ErrSuperseded
		}
	}
	return false, nil
}

// correctable checks a correction against the page and returns the roles of
// those it names.
func (b *Books) correctable(ctx context.Context, p *page, k attendance.Correction) (map[string]attendance.Role, error) {
	roles, err := b.roles(ctx, p, k.By, k.Person)
	if err != nil {
		return nil, err
	}
	if by := roles[k.By]; by != attendance.Facilitator && by != attendance.Observer {
		return nil, ErrNotStaff
	}
	with := *p.input
	with.AsOf = max(with.AsOf, k.At)
	with.People = withRoles(with.People, roles)
	without := with
	with.Corrections = append(slices.Clip(with.Corrections), k)
	if err := with.Validate(); err != nil {
		return nil, inField(err, len(with.Corrections)-1)
	}
	// What reaches beyond now may change something later.
	over := p.over()
	if over && k.End <= with.AsOf && sameRecords(attendance.Evaluate(&without), attendance.Evaluate(&with)) {
		return nil, ErrNothingChanges
	}
	return roles, nil
}

// roles of those people, as the page knows them or else the store.
func (b *Books) roles(ctx context.Context, p *page, people ...string) (map[string]attendance.Role, error) {
	roles := map[string]attendance.Role{}
	for _, id := range people {
		if id == "" {
			continue
		}
		i := slices.IndexFunc(p.input.People, func(x attendance.Person) bool { return x.ID == id })
		if i >= 0 {
			roles[id] = p.input.People[i].Role
			continue
		}
		role, err := b.store.Role(ctx, p.Session, rooms.PersonID(id))
		if err != nil {
			return nil, err
		}
		if role != "" {
			roles[id] = role
		}
	}
	return roles, nil
}

// withRoles is people and those of roles who are not among them.
func withRoles(people []attendance.Person, roles map[string]attendance.Role) []attendance.Person {
	people = slices.Clone(people)
	for id, role := range roles {
		if !slices.ContainsFunc(people, func(x attendance.Person) bool { return x.ID == id }) {
			people = append(people, attendance.Person{ID: id, Role: role})
		}
	}
	return people
}

// inField turns what is wrong with the case into what is wrong with its
// correction number n.
func inField(err error, n int) error {
	input, ok := errors.AsType[*attendance.InputError](err)
	if !ok {
		return err
	}
	if field, ok := strings.CutPrefix(input.Pointer, "/corrections/"+strconv.Itoa(n)); ok {
		return &Invalid{Pointer: field, Message: input.Message}
	}
	return err
}

// over reports whether the session is over; one without records is not.
func (p *page) over() bool {
	i := slices.IndexFunc(p.result.Records, func(r attendance.Record) bool { return r.Session == string(p.Session) })
	return i >= 0 && p.result.Records[i].State != attendance.StateOpen
}

// sameRecords reports whether all records say the same, whatever their
// versions and states.
func sameRecords(a, b *attendance.Result) bool {
	return slices.EqualFunc(a.Records, b.Records, func(x, y attendance.Record) bool {
		x.Version, y.Version = 1, 1
		this, err := HashRecord(x)
		that, err2 := HashRecord(y)
		return err == nil && err2 == nil && this == that
	})
}
