package delivery

import (
	"context"
	"maps"
	"sync"
	"time"

	"viop/rooms/attendance"
)

// Why nothing is brought to a destination or fetched by it.
const (
	StoppedNoBasis  = "no_basis"
	StoppedDisabled = "disabled"
	StoppedNoKey    = "no_key" // a webhook cannot be signed
)

// Stopped lists what is in the way of a destination; nil when nothing is.
func (d Destination) Stopped(s Secrets, now time.Time) (why []string) {
	if d.Basis == "" {
		why = append(why, StoppedNoBasis)
	}
	if !d.Enabled {
		why = append(why, StoppedDisabled)
	}
	if d.Kind == Webhook && len(s.signing(now)) == 0 {
		why = append(why, StoppedNoKey)
	}
	return why
}

// Status of a destination, as it is shown.
type Status struct {
	Stopped         []string           `json:"stopped"`
	Backlog         int64              `json:"backlog"`
	Queued          int                `json:"queued"`
	Oldest          attendance.Instant `json:"oldest,omitzero"`
	HeldUntil       attendance.Instant `json:"held_until,omitzero"`
	DeadLetters     int                `json:"dead_letters"`
	LastDelivered   *Attempt           `json:"last_delivered,omitempty"`
	LastFailed      *Attempt           `json:"last_failed,omitempty"`
	LastDisclosed   attendance.Instant `json:"last_disclosed,omitzero"`
	Keys            []KeyView          `json:"keys"`
	HasClientSecret bool               `json:"has_client_secret"`
}

// KeyView is a key without what is secret of it.
type KeyView struct {
	Kind        Signature          `json:"kind"`
	Fingerprint string             `json:"fingerprint"`
	PublicKey   string             `json:"public_key,omitempty"`
	Made        attendance.Instant `json:"made"`
	Until       attendance.Instant `json:"until,omitzero"`
}

// View of the key.
func (k Key) View() KeyView {
	return KeyView{k.Kind, k.Fingerprint(), k.Public(), k.Made, k.Until}
}

// Status of a destination.
func (c *Courier) Status(ctx context.Context, id ID) (Status, error) {
	d, secrets, _, err := c.gate.store.Destination(ctx, id)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		Stopped: []string{}, Keys: []KeyView{}, HasClientSecret: secrets.Client != "",
	}
	s.Stopped = append(s.Stopped, d.Stopped(secrets, c.now())...)
	for _, k := range secrets.signing(c.now()) {
		s.Keys = append(s.Keys, k.View())
	}
	state, err := c.outbox.State(ctx, id)
	if err != nil {
		return Status{}, err
	}
	s.LastDisclosed = state.LastDisclosed
	if d.Kind.Pushed() {
		s.Backlog, s.Queued, s.DeadLetters = state.Backlog(), state.Queued, state.Dead
		s.LastDelivered, s.LastFailed = state.LastDelivered, state.LastFailed
		s.Oldest = state.Oldest
		if state.Held > attendance.At(c.now()) {
			s.HeldUntil = state.Held
		}
	}
	return s, nil
}

// Log is the last attempts at a destination, newest first.
func (c *Courier) Log(ctx context.Context, id ID, limit int) ([]Attempt, error) {
	if _, _, _, err := c.gate.store.Destination(ctx, id); err != nil {
		return nil, err
	}
	return c.outbox.Log(ctx, id, limit)
}

// Dead are dead letters of a destination, oldest first.
func (c *Courier) Dead(ctx context.Context, id ID, after int64, limit int) ([]DeadLetter, error) {
	if _, _, _, err := c.gate.store.Destination(ctx, id); err != nil {
		return nil, err
	}
	return c.outbox.Dead(ctx, id, after, limit)
}

// Redrive sends one dead letter again, or with 0 all of them, and what waits
// at once.
func (c *Courier) Redrive(ctx context.Context, id ID, seq int64) (int, error) {
	if _, _, _, err := c.gate.store.Destination(ctx, id); err != nil {
		return 0, err
	}
	return c.outbox.Redrive(ctx, id, seq)
}

// Stats are counts of this node since it began, and how it stood with all
// destinations together at its last look.
type Stats struct {
	Attempts map[Kind]map[Result]int64
	Backlog  int64
	Oldest   time.Duration // age of the oldest that has not been brought
	Dead     int
}

// Stats never waits.
func (c *Courier) Stats() Stats { return c.count.stats() }

// counter counts.
type counter struct {
	mu   sync.Mutex // guards the rest
	by   map[Kind]map[Result]int64
	last Stats // without Attempts
}

func newCounter() *counter { return &counter{by: map[Kind]map[Result]int64{Webhook: {}, FHIR: {}}} }

func (c *counter) attempt(k Kind, r Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[k][r]++
}

func (c *counter) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.last
	s.Attempts = map[Kind]map[Result]int64{}
	for kind, results := range c.by {
		s.Attempts[kind] = maps.Clone(results)
	}
	return s
}

// survey sums up how it stands with all destinations. Those that are switched
// off count too: somebody may have forgotten them.
func (c *Courier) survey(ctx context.Context, all []Destination) error {
	var sum Stats
	for _, d := range all {
		if !d.Kind.Pushed() {
			continue
		}
		state, err := c.outbox.State(ctx, d.ID)
		if err != nil {
			return err
		}
		sum.Backlog += state.Backlog()
		sum.Dead += state.Dead
		if state.Oldest > 0 {
			sum.Oldest = max(sum.Oldest, c.now().Sub(state.Oldest.Time()))
		}
	}
	c.count.mu.Lock()
	defer c.count.mu.Unlock()
	c.count.last = sum
	return nil
}
