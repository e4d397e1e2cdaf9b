package delivery

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"viop/rooms/export"
	"viop/rooms/schedule"
)

// Times and bounds of a Courier.
const (
	// LookEvery is how often it looks for destinations that nobody serves, and
	// how long what is new on the feed may wait, at most.
	LookEvery = 2 * time.Second
	// SurveyEvery is how often it looks how all destinations stand.
	SurveyEvery = 15 * time.Second
	// HoldFor is how long the right to send lasts: longer than any attempt.
	HoldFor = 3 * answerWithin
	// workers are attempts at one destination at a time.
	workers = 8
	// maxTaken is how many changes are looked at in one step.
	maxTaken = 200
	// maxQueued bounds the queue of a destination that is behind. The rest
	// waits on the feed, which is where it is anyway.
	maxQueued = 10_000
)

// Feed is what happened, in order, as a destination may read it.
type Feed interface {
	// Told are at most limit entries after the one numbered after.
	Told(ctx context.Context, to Destination, after int64, limit int) ([]Told, error)
	// Latest is what an item's record or week says by now; of others, the item.
	Latest(ctx context.Context, to Destination, item export.Item) (export.Item, error)
}

// Told is an entry of the feed. Err says that it cannot be told to anybody, as
// when its reading is damaged; everything else goes on.
type Told struct {
	Seq  int64
	Item export.Item
	Err  error
}

// Lane of the entry.
func (t Told) Lane() Lane {
	switch {
	case t.Item.Record != nil:
		return Lane(t.Item.Record.Session)
	case t.Item.Signature != nil:
		return Lane(t.Item.Signature.Session)
	case t.Item.Week != nil:
		return Lane(t.Item.Week.Person + "/" + t.Item.Week.Week.Week.String())
	case t.Item.Authorization != nil:
		return Lane(t.Item.Authorization.Person + "/authorizations")
	}
	return "others"
}

// Courier brings what is new on the feed to destinations. Nodes may run one
// each: every destination is served by one of them at a time.
type Courier struct {
	// Set by NewCourier.
	gate    *Gate
	outbox  Outbox
	feed    Feed
	log     *slog.Logger
	now     func() time.Time
	public  *http.Client
	private *http.Client // may reach private addresses
	tokens  *tokens
	count   *counter

	mu     sync.Mutex       // guards the rest
	routes map[ID]struct{}  // served by this node
	failed map[ID]string    // why it was not served, as was logged
	tested map[ID]time.Time // when last
}

// CourierConfig is what NewCourier needs.
type CourierConfig struct {
	Gate   *Gate
	Outbox Outbox
	Feed   Feed
	Log    *slog.Logger
	// Now dates messages; nil is time.Now.
	Now func() time.Time
}

// NewCourier has no goroutine; see Run.
func NewCourier(c CourierConfig) *Courier {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Courier{
		gate: c.Gate, outbox: c.Outbox, feed: c.Feed, log: c.Log, now: c.Now,
		public: newClient(false), private: newClient(true), tokens: newTokens(), count: newCounter(),
		routes: map[ID]struct{}{}, failed: map[ID]string{}, tested: map[ID]time.Time{},
	}
}

// client for a destination.
func (c *Courier) client(d Destination) *http.Client {
	if d.AllowPrivate {
		return c.private
	}
	return c.public
}

// Run serves all destinations until ctx ends, and returns when everything that
// was under way has ended. What was not settled by then is sent again.
func (c *Courier) Run(ctx context.Context) {
	var routes sync.WaitGroup
	defer routes.Wait()
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	var surveyed time.Time
	for {
		all, err := c.gate.store.Destinations(ctx)
		if err == nil && c.now().Sub(surveyed) >= SurveyEvery {
			surveyed, err = c.now(), c.survey(ctx, all)
		}
		if err != nil && ctx.Err() == nil {
			c.log.Error("destinations cannot be read", "err", err)
		}
		for _, d := range all {
			if d.Kind.Pushed() && d.open() == nil && c.begin(d.ID) {
				routes.Go(func() { c.serve(ctx, d.ID) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// begin takes the destination as one that is served, once.
func (c *Courier) begin(id ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, served := c.routes[id]
	c.routes[id] = struct{}{}
	return !served
}

// serve sends to one destination while this node may, and while it is open. It
// ends on trouble with the store, too: the next look begins anew.
func (c *Courier) serve(ctx context.Context, id ID) {
	defer func() {
		c.mu.Lock()
		delete(c.routes, id)
		c.mu.Unlock()
	}()
	held, err := c.outbox.Hold(ctx, id, HoldFor)
	if err == nil && held {
		r := &route{c: c, id: id, busy: map[Lane]bool{}, done: make(chan finished, workers), renewed: c.now()}
		err = r.run(ctx)
	}
	if ctx.Err() == nil {
		c.complain(id, err)
	}
}

// complain logs about a destination once, not at every look.
func (c *Courier) complain(id ID, err error) {
	c.mu.Lock()
	known := c.failed[id]
	delete(c.failed, id)
	if err != nil {
		c.failed[id] = err.Error()
	}
	c.mu.Unlock()
	if err != nil && err.Error() != known {
		c.log.Error("a destination is not served", "destination", id, "err", err)
	}
}

// route is the way to one destination. All of it belongs to the goroutine of
// run, but for done.
type route struct {
	// Set by serve.
	c    *Courier
	id   ID
	done chan finished // an attempt -> run; it holds all of them

	to      Destination
	secrets Secrets
	busy    map[Lane]bool // being sent
	renewed time.Time
}

// finished is the end of an attempt: err is trouble with the store.
type finished struct {
	lane Lane
	err  error
}

// errClosed: the destination is closed, or another node serves it.
var errClosed = errors.New("closed")

func (r *route) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for len(r.busy) > 0 {
			delete(r.busy, (<-r.done).lane)
		}
		if errors.Is(err, errClosed) {
			err = nil
		}
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectWithin)
		defer cancel()
		err = errors.Join(err, r.c.outbox.Release(leave, r.id))
	}()
	for {
		if err := r.renew(ctx); err != nil {
			return err
		}
		more, err := r.take(ctx)
		if err != nil {
			return err
		}
		next, err := r.send(ctx)
		if err != nil {
			return err
		}
		if more && len(r.busy) < workers {
			next = 0
		}
		if err := r.wait(ctx, next); err != nil {
			return err
		}
	}
}

// renew keeps the right to send, and reads the destination anew: somebody may
// have changed it.
func (r *route) renew(ctx context.Context) (err error) {
	if now := r.c.now(); now.Sub(r.renewed) > HoldFor/4 {
		held, err := r.c.outbox.Hold(ctx, r.id, HoldFor)
		if err != nil {
			return err
		}
		if !held {
			return errClosed
		}
		r.renewed = now
	}
	r.to, r.secrets, _, err = r.c.gate.store.Destination(ctx, r.id)
	if errors.Is(err, schedule.ErrNotFound) || err == nil && len(r.to.Stopped(r.secrets, r.c.now())) > 0 {
		return errClosed
	}
	return err
}

// take looks at what is new on the feed and queues what is for the
// destination. more says that there may be more of it.
func (r *route) take(ctx context.Context) (more bool, err error) {
	place, queued, err := r.c.outbox.Place(ctx, r.id)
	if err != nil || queued >= maxQueued {
		return false, err
	}
	told, err := r.c.feed.Told(ctx, r.to, place, maxTaken)
	if err != nil || len(told) == 0 {
		return false, err
	}
	var entries []Entry
	for _, t := range told {
		switch {
		case t.Err != nil:
			r.c.log.Error("a change cannot be told", "destination", r.id, "change", t.Seq, "err", t.Err)
		case r.to.Wants(string(t.Item.Type)):
			entries = append(entries, Entry{t.Lane(), t.Seq})
		}
	}
	err = r.c.outbox.Enqueue(ctx, r.id, place, told[len(told)-1].Seq, entries)
	if errors.Is(err, ErrMoved) {
		return true, nil // by ourselves, if an answer was lost; look again
	}
	return len(told) == maxTaken, err
}

// send begins attempts at what is due, as far as there are workers, and
// returns how long nothing else will be due.
func (r *route) send(ctx context.Context) (next time.Duration, err error) {
	if len(r.busy) == workers {
		return LookEvery, nil
	}
	heads, next, err := r.c.outbox.Due(ctx, r.id, workers+len(r.busy))
	if err != nil {
		return 0, err
	}
	for _, h := range heads {
		if r.busy[h.Lane] || len(r.busy) == workers {
			continue
		}
		r.busy[h.Lane] = true
		go r.attempt(ctx, errand{r.to, r.secrets, h})
	}
	if next == 0 || next > LookEvery {
		next = LookEvery
	}
	return next, nil
}

// wait returns when an attempt has ended, or after that time.
func (r *route) wait(ctx context.Context, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	case f := <-r.done:
		delete(r.busy, f.lane)
		return f.err
	}
}

// errand is an attempt at a head, with the destination as it was then.
type errand struct {
	to      Destination
	secrets Secrets
	head    Head
}

// attempt is a goroutine that ends with its request; route.run waits for it.
func (r *route) attempt(ctx context.Context, a errand) {
	r.done <- finished{a.head.Lane, r.c.deliver(ctx, a)}
}

// deliver makes one attempt and settles it. An error means that it is not
// settled: it will be made again.
func (c *Courier) deliver(ctx context.Context, a errand) error {
	told, err := c.feed.Told(ctx, a.to, a.head.Seq-1, 1)
	if err != nil {
		return err
	}
	if len(told) == 0 || told[0].Seq != a.head.Seq || told[0].Err != nil {
		return c.outbox.Settle(ctx, a.to.ID, a.head, c.outcome(a, "", c.now(), withheld("The feed does not say any more what this was.")))
	}
	item := told[0].Item
	if a.to.Kind == FHIR {
		if item, err = c.feed.Latest(ctx, a.to, item); err != nil {
			return err
		}
	}
	if a.head.Tries == 0 {
		if err := c.gate.Disclose(ctx, a.to, "", a.to.format(), RowsOf([]export.Item{item})...); err != nil {
			return err
		}
	}
	began := c.now()
	answer := c.carry(ctx, a, item)
	if ctx.Err() != nil {
		return ctx.Err() // nobody knows what became of it
	}
	outcome := c.outcome(a, string(item.Type), began, answer)
	c.count.attempt(a.to.Kind, outcome.Result)
	if answer.gone {
		if err := c.stop(ctx, a.to.ID); err != nil {
			return err
		}
	}
	return c.outbox.Settle(ctx, a.to.ID, a.head, outcome)
}

func (d Destination) format() Format {
	if d.Kind == FHIR {
		return AsPush
	}
	return AsWebhook
}

// carry sends the item in the destination's own way.
func (c *Courier) carry(ctx context.Context, a errand, item export.Item) answer {
	if a.to.Kind == FHIR {
		return c.pushFHIR(ctx, a, item)
	}
	return c.postWebhook(ctx, a, item)
}

// outcome decides what becomes of the head after an answer.
func (c *Courier) outcome(a errand, kind string, began time.Time, got answer) Outcome {
	o := Outcome{Attempt: got.attempt(c.now(), c.now().Sub(began))}
	o.Seq, o.Type, o.Try = a.head.Seq, kind, a.head.Tries+1
	o.HoldFor = got.retryAfter
	if got.result == Delivered {
		o.Sent = true
		return o
	}
	wait, again := pause(a.head.Tries + 1)
	o.Dead = !again || got.hopeless
	o.After = max(wait, got.retryAfter)
	return o
}

// stop switches a destination off that says it is gone. What waits for it
// stays, for when somebody switches it on again.
func (c *Courier) stop(ctx context.Context, id ID) error {
	c.log.Warn("a destination is switched off: it answered 410 Gone", "destination", id)
	err := c.gate.edit(ctx, id, func(d *Destination, _ *Secrets) error {
		d.Enabled = false
		return nil
	})
	if errors.Is(err, schedule.ErrNotFound) {
		return nil
	}
	return err
}
