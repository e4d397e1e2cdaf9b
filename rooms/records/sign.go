package records

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
)

// Sign puts somebody's name under the records of a session that have a
// version. By, Version, Hash and Head are what a person read in a sheet; the
// rest is the Books' to set. The same signature again is answered like the
// first time, and one that somebody else's signature came before still binds.
//
// Errors, with nothing written: ErrNotStaff, ErrNotOver, ErrOccupied, and
// *Conflict when what was read is not what the records say now.
func (b *Books) Sign(ctx context.Context, session rooms.SessionID, sig Signature) (*Sheet, error) {
	// What is signed is kept first, so that it can always be read.
	if err := b.Settle(ctx, session); err != nil {
		return nil, fmt.Errorf("sign session %s: %w", session, err)
	}
	sig.Session = string(session)
	err := b.act(ctx, session, func(p *page) (*Amendment, rooms.Note, error) {
		if p.signed(sig) {
			return nil, rooms.Note{}, nil
		}
		roles, err := b.signable(ctx, p, &sig)
		if err != nil {
			return nil, rooms.Note{}, err
		}
		sig.At = p.next()
		return &Amendment{Signature: &sig, Roles: roles}, rooms.Note{
			Actor: rooms.PersonID(sig.By), Action: "sign", Detail: fmt.Sprintf("version %d", sig.Version),
		}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("sign session %s: %w", session, err)
	}
	return b.Records(ctx, session)
}

// signed reports whether the book has the signature already.
func (b Book) signed(sig Signature) bool {
	return slices.ContainsFunc(b.Signatures(), func(s Signature) bool {
		return s.By == sig.By && s.Version == sig.Version && s.Hash == sig.Hash && s.Head == sig.Head
	})
}

// signable checks a signature against the page, fills in what it signs, and
// returns the role of who signs.
func (b *Books) signable(ctx context.Context, p *page, sig *Signature) (map[string]attendance.Role, error) {
	if err := b.mayAct(ctx, p, sig.By); err != nil {
		return nil, err
	}
	sheet, err := p.sheet()
	switch {
	case err != nil:
		return nil, err
	case !sheet.Over():
		return nil, ErrNotOver
	case p.Occupied:
		return nil, ErrOccupied
	}
	named, there := sheet.version(sig.Version)
	ends := p.endsOf(sig.Head)
	if !there || named.Hash != sig.Hash || ends == nil {
		now := sheet.unsigned(sig.Version)
		return nil, &Conflict{Version: now.Version, Hash: now.Hash, Head: sheet.Head}
	}
	if !p.kept(sheet, sig.Version) { // a session beside this one has moved
		if _, err := b.settleOne(ctx, p.Session); err != nil {
			return nil, err
		}
		return nil, ErrMoved
	}
	sig.Records, sig.Ends = sheet.hashes(sig.Version), ends
	return map[string]attendance.Role{sig.By: attendance.Facilitator}, nil
}

// mayAct: who signs is a facilitator who was expected in the session or came.
func (b *Books) mayAct(ctx context.Context, p *page, person string) error {
	roles, err := b.roles(ctx, p, person)
	if err != nil {
		return err
	}
	if roles[person] != attendance.Facilitator {
		return ErrNotStaff
	}
	for _, e := range p.input.Events {
		if e.Session == string(p.Session) && e.Person == person {
			return nil
		}
	}
	v, _, err := b.store.Session(ctx, p.Session)
	if err != nil {
		return err
	}
	if !slices.Contains(v.Facilitators, rooms.PersonID(person)) {
		return ErrNotStaff
	}
	return nil
}

// unsigned is what could be signed: the version that was asked for, or the
// first that is not signed, or the last.
func (s *Sheet) unsigned(asked int) SheetVersion {
	if v, ok := s.version(asked); ok {
		return v
	}
	for _, v := range s.Versions {
		if v.State != attendance.StateSigned {
			return v
		}
	}
	return s.Versions[len(s.Versions)-1]
}

// endsOf finds the chains under a head: those of now, or of before the last
// signatures, which decide nothing about the records they sign.
func (p *page) endsOf(want string) []End {
	ends := p.deciding()
	for i := len(p.Amendments) - 1; ; i-- {
		if head(ends) == want {
			return ends
		}
		if i < 0 || p.Amendments[i].Signature == nil {
			return nil
		}
		last := len(ends) - 1 // the chain of amendments comes last
		if i == 0 {
			ends = ends[:last]
			continue
		}
		before := p.Amendments[i-1]
		ends[last].Seq, ends[last].Hash = before.Seq, before.Hash
	}
}

// kept reports whether the present readings of a version are in the book.
func (p *page) kept(s *Sheet, version int) bool {
	last := p.lastReadings()
	for person, hash := range s.hashes(version) {
		if last[person].Hash != hash {
			return false
		}
	}
	return true
}

// Last is the last reading of each person, by person.
func (b Book) Last() []Reading {
	last := slices.Collect(maps.Values(b.lastReadings()))
	slices.SortFunc(last, func(x, y Reading) int { return cmp.Compare(x.Person, y.Person) })
	return last
}

func (b Book) lastReadings() map[string]Reading {
	last := map[string]Reading{}
	for _, r := range b.Readings {
		last[r.Person] = r
	}
	return last
}
