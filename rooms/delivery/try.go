package delivery

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Why there is nothing to be tried.
var (
	ErrNotPushed = errors.New("nothing is brought to this destination")
	ErrNoKey     = errors.New("the webhook has no key")
)

// TooSoon: a destination was tried just now.
type TooSoon struct{ Wait time.Duration }

func (e *TooSoon) Error() string { return fmt.Sprintf("tried just now; again in %s", e.Wait) }

// TestEvery is how long a destination is left alone after a test.
const TestEvery = 10 * time.Second

// TestType is the type of a test's message. It is about nobody.
const TestType = "viop.test"

// Test sends something harmless to a destination, at once and past its queue,
// and says what became of it.
func (c *Courier) Test(ctx context.Context, id ID) (Attempt, error) {
	d, secrets, _, err := c.gate.store.Destination(ctx, id)
	if err != nil {
		return Attempt{}, err
	}
	switch {
	case !d.Kind.Pushed():
		return Attempt{}, ErrNotPushed
	case d.Kind == Webhook && len(secrets.signing(c.now())) == 0:
		return Attempt{}, ErrNoKey
	}
	if err := c.testAgain(id); err != nil {
		return Attempt{}, err
	}
	began := c.now()
	var got answer
	if d.Kind == FHIR {
		got = c.testFHIR(ctx, d, secrets)
	} else {
		got = c.testWebhook(ctx, d, secrets)
	}
	a := got.attempt(c.now(), c.now().Sub(began))
	a.Type, a.Try = TestType, 1
	return a, nil
}

// testAgain lets through one test in a while.
func (c *Courier) testAgain(id ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if wait := c.tested[id].Add(TestEvery).Sub(now); wait > 0 {
		return &TooSoon{wait}
	}
	if len(c.tested) >= maxTested {
		clear(c.tested)
	}
	c.tested[id] = now
	return nil
}

// maxTested bounds what is remembered of tests.
const maxTested = 1000

func (c *Courier) testWebhook(ctx context.Context, d Destination, secrets Secrets) answer {
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct{}  `json:"data"`
	}{Type: TestType, Timestamp: c.now().UTC().Truncate(time.Second)})
	if err != nil {
		return withheld("The message cannot be written.")
	}
	got := c.post(ctx, d, secrets, "test_"+rand.Text(), body)
	if got.gone {
		got.problem = "It says that it is gone."
	}
	return got
}
