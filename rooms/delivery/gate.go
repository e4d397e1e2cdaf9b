package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"viop/rooms"
	"viop/rooms/export"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// Gate is what everything that leaves goes through.
type Gate struct {
	store Store
	now   func(context.Context) (time.Time, error) // the store's clock
}

// NewGate asks store for destinations; clock is that by which keys run out.
func NewGate(store Store, clock func(context.Context) (time.Time, error)) *Gate {
	return &Gate{store: store, now: clock}
}

// Why something does not leave.
var (
	// ErrNoBasis: there is no destination, or none with a basis in law.
	ErrNoBasis = errors.New("the destination has no basis on which it may be told")
	// ErrNotTheirs: the caller may not fetch as this destination.
	ErrNotTheirs = errors.New("this destination is not the caller's")
	// ErrDisabled: somebody has switched the destination off.
	ErrDisabled = errors.New("the destination is switched off")
)

// Resolve finds the destination as which a subject fetches: the one they name
// or, when they name none, the one that is called like them. Whoever manages
// destinations may fetch as any of them. Others do not learn which there are.
func (g *Gate) Resolve(ctx context.Context, subject string, manages bool, named ID) (Destination, error) {
	id := named
	if id == "" {
		id = ID(subject)
	}
	d, _, _, err := g.store.Destination(ctx, id)
	own := string(id) == subject
	switch {
	case errors.Is(err, schedule.ErrNotFound) && (own || manages):
		return Destination{}, ErrNoBasis
	case errors.Is(err, schedule.ErrNotFound):
		return Destination{}, ErrNotTheirs
	case err != nil:
		return Destination{}, err
	case !own && !manages && !slices.Contains(d.Subjects, subject):
		return Destination{}, ErrNotTheirs
	}
	return d, d.open()
}

// open reports why nothing may leave, if so.
func (d Destination) open() error {
	switch {
	case d.Basis == "":
		return ErrNoBasis
	case !d.Enabled:
		return ErrDisabled
	}
	return nil
}

// Disclose writes down what is about to leave, for each of the people, and
// returns when that is kept. What each row is about is the caller's: Person,
// Records, and Items or a span. by is who fetches, "" when it is brought.
func (g *Gate) Disclose(ctx context.Context, d Destination, by string, as Format, rows ...Disclosure) error {
	if err := d.open(); err != nil {
		return fmt.Errorf("destination %s: %w", d.ID, err)
	}
	for i := range rows {
		r := &rows[i]
		r.Destination, r.Basis, r.Notice, r.Names, r.By, r.Format = d.ID, d.Basis, export.NoticeVersion, d.Names, by, as
	}
	if len(rows) == 0 {
		return nil
	}
	return g.store.Disclosed(ctx, rows)
}

// Destination without its secrets, or schedule.ErrNotFound.
func (g *Gate) Destination(ctx context.Context, id ID) (Destination, schedule.Tag, error) {
	d, _, tag, err := g.store.Destination(ctx, id)
	return d, tag, err
}

// Destinations are all of them, by id.
func (g *Gate) Destinations(ctx context.Context) ([]Destination, error) {
	return g.store.Destinations(ctx)
}

// Delete takes a destination out, with what waits for it.
func (g *Gate) Delete(ctx context.Context, id ID, c schedule.Condition) error {
	return g.store.DeleteDestination(ctx, id, c)
}

// Disclosures of a person, oldest first.
func (g *Gate) Disclosures(ctx context.Context, person rooms.PersonID, after, limit int) ([]Disclosure, error) {
	return g.store.Disclosures(ctx, person, after, limit)
}

// Put writes a destination. What is kept of its secrets stays with it, as long
// as they would go where they were meant to go. What is wrong with it beside
// what is stored is form.Problems.
func (g *Gate) Put(ctx context.Context, d Destination, c schedule.Condition) (schedule.Tag, bool, error) {
	old, secrets, tag, err := g.store.Destination(ctx, d.ID)
	if err != nil && !errors.Is(err, schedule.ErrNotFound) {
		return "", false, err
	}
	if err := c.Check(tag); err != nil {
		return "", false, err
	}
	if tag == "" {
		c.Absent = true
	} else {
		c.Tags = []schedule.Tag{tag} // nothing may come between
		if err := d.follows(old, secrets); err != nil {
			return "", false, err
		}
		d.Start = old.Start
	}
	switch {
	case d.OAuth == nil:
		secrets.Client = ""
	case d.OAuth.ClientSecret != "":
		secrets.Client = d.OAuth.ClientSecret
	}
	return g.store.PutDestination(ctx, d, secrets, c)
}

// follows reports what of d may not be as it is after old.
func (d Destination) follows(old Destination, secrets Secrets) error {
	var p form.Problems
	if d.Kind != old.Kind {
		p.Add("/kind", "A destination stays of its kind: %s. Use another id.", old.Kind)
	}
	// The one gets the secret, the other what is had for it.
	moved := d.OAuth != nil && old.OAuth != nil &&
		(!sameHost(d.OAuth.TokenURL, old.OAuth.TokenURL) || !sameHost(d.URL, old.URL))
	if moved && secrets.Client != "" && d.OAuth.ClientSecret == "" {
		p.Add("/oauth/client_secret", "The secret was given for another host. Give it again for this one.")
	}
	return p.Err()
}

// ErrNoWebhook: only webhooks are signed.
var ErrNoWebhook = errors.New("the destination is no webhook")

// NewKey makes a webhook's key; the former one goes on signing for OldKeyFor.
func (g *Gate) NewKey(ctx context.Context, id ID) (Key, error) {
	var made Key
	err := g.edit(ctx, id, func(d *Destination, s *Secrets) error {
		if d.Kind != Webhook {
			return ErrNoWebhook
		}
		now, err := g.now(ctx)
		if err != nil {
			return err
		}
		*s = s.rotate(d.signature(), now)
		made = s.Keys[0]
		return nil
	})
	return made, err
}

func (d Destination) signature() Signature {
	if d.Signature == "" {
		return HMAC
	}
	return d.Signature
}

// tries is how often a change of a document begins anew because somebody else
// was faster.
const tries = 8

// edit changes a destination as it is when it is written.
func (g *Gate) edit(ctx context.Context, id ID, change func(*Destination, *Secrets) error) error {
	for range tries {
		d, secrets, tag, err := g.store.Destination(ctx, id)
		if err != nil {
			return err
		}
		if err := change(&d, &secrets); err != nil {
			return err
		}
		_, _, err = g.store.PutDestination(ctx, d, secrets, schedule.Condition{Tags: []schedule.Tag{tag}})
		if !errors.Is(err, schedule.ErrChanged) {
			return err
		}
	}
	return schedule.ErrChanged
}
