package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/schedule"
)

// MaxBatch is the most documents that PutAll takes at once. Redis does nothing
// else while it writes them: ten thousand sessions are some fifty milliseconds.
const MaxBatch = 10_000

// PutAll writes all documents of the batch with their indexes, or nothing, and
// then returns a *schedule.BatchError that says for which. What sessions that
// have begun say differently by then is owed a settling (Owe), in the same
// breath.
//
// It is optimistic: it watches the documents, decides, and writes if nobody
// came between (WATCH, MULTI), which needs all keys in one place. On a cluster,
// where documents are in slots of their own, it would take a journal of the
// batch that readers look past until it is complete; the client here is of a
// single node.
func (s *Store) PutAll(ctx context.Context, batch []schedule.Write) ([]schedule.Written, error) {
	changes, err := s.changes(batch)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, c := range changes {
		keys = append(keys, c.watched()...)
	}
	const tries = 8
	for range tries {
		err = s.rdb.Watch(ctx, func(tx *redis.Tx) error { return s.putWatched(ctx, tx, changes) }, keys...)
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	if _, refused := errors.AsType[*schedule.BatchError](err); err != nil && !refused {
		return nil, fmt.Errorf("write %d documents: %w", len(batch), err)
	}
	if err != nil {
		return nil, err
	}
	written := make([]schedule.Written, len(changes))
	for i, c := range changes {
		written[i] = schedule.Written{Tag: c.tag, Created: c.stored == "" && !c.Delete && !c.Keep}
	}
	return written, nil
}

// put is a batch of one.
func (s *Store) put(ctx context.Context, w schedule.Write) (schedule.Tag, bool, error) {
	written, err := s.PutAll(ctx, []schedule.Write{w})
	if err != nil {
		return "", false, err
	}
	return written[0].Tag, written[0].Created, nil
}

// change is a Write on its way.
type change struct {
	// Set by changes.
	schedule.Write
	name schedule.Name
	at   spot
	text []byte       // what is written
	tag  schedule.Tag // of it, or "": random, so that it never names another version and says nothing

	// Set by look, anew for every try.
	stored schedule.Tag
	old    string // the text that is stored
	barred error  // why it must not be deleted
}

// spot is where a document is: fields of a hash.
type spot struct{ key, tag, doc string }

func placeOf(n schedule.Name) (spot, error) {
	whole := func(key string) (spot, error) { return spot{key, "tag", "doc"}, nil }
	switch n.Kind {
	case schedule.KindSession:
		return whole(docKey(rooms.SessionID(n.ID)))
	case schedule.KindPerson:
		return whole(personKey(rooms.PersonID(n.ID), "doc"))
	case schedule.KindProgram:
		return whole(programKey(schedule.ProgramID(n.ID), "doc"))
	case schedule.KindCohort:
		return whole(cohortKey(schedule.CohortID(n.ID), "doc"))
	case schedule.KindSeries:
		return whole(seriesKey(schedule.SeriesID(n.ID), "doc"))
	case schedule.KindEnrollment:
		return whole(personKey(rooms.PersonID(n.ID), "enrollment"))
	case schedule.KindAuthorization:
		return whole(authorizationKey(schedule.AuthorizationID(n.ID)))
	case schedule.KindExcuse: // those of a session are read together
		return spot{excusesKey(rooms.SessionID(n.ID)), "tag:" + string(n.Person), "doc:" + string(n.Person)}, nil
	}
	return spot{}, fmt.Errorf("%s: there is no such kind of document", n)
}

func (s *Store) changes(batch []schedule.Write) ([]*change, error) {
	if len(batch) > MaxBatch {
		return nil, fmt.Errorf("a batch of %d: %w", len(batch), schedule.ErrTooMany)
	}
	seen := make(map[schedule.Name]bool, len(batch))
	changes := make([]*change, len(batch))
	for i, w := range batch {
		c, err := s.change(w)
		if err == nil && seen[c.name] {
			err = errors.New("comes twice in one batch")
		}
		if err != nil {
			return nil, &schedule.BatchError{Index: i, Name: w.Document.Called(), Err: err}
		}
		seen[c.name], changes[i] = true, c
	}
	return changes, nil
}

func (s *Store) change(w schedule.Write) (*change, error) {
	c := &change{Write: w, name: w.Document.Called()}
	var err error
	if c.at, err = placeOf(c.name); err != nil || w.Delete || w.Keep {
		return c, err
	}
	switch w.Document.(type) {
	case schedule.Enrollment, schedule.Authorization, schedule.Excuse:
		// One that is wrong would make every case of its person invalid.
		if err := w.Document.Check(); err != nil {
			return nil, err
		}
	}
	c.tag = schedule.Tag(rand.Text())
	c.text, err = json.Marshal(s.sealed(w.Document))
	return c, err
}

// sealed is the document as it lies in Redis.
func (s *Store) sealed(d schedule.Document) schedule.Document {
	switch v := d.(type) {
	case schedule.Person:
		return s.sealPerson(v)
	case schedule.Authorization:
		v.Reference = s.Seal(v.Reference)
		return v
	}
	return d
}

// watched is everything that decides whether the change may happen.
func (c *change) watched() []string {
	keys := []string{c.at.key}
	if !c.Delete {
		return keys
	}
	switch c.name.Kind {
	case schedule.KindSession:
		keys = append(keys, headsKey(rooms.SessionID(c.name.ID)))
	case schedule.KindCohort:
		keys = append(keys, cohortKey(schedule.CohortID(c.name.ID), "series"))
	}
	return keys
}

// putWatched looks, decides and writes.
func (s *Store) putWatched(ctx context.Context, tx *redis.Tx, changes []*change) error {
	if err := look(ctx, tx, changes); err != nil {
		return err
	}
	for i, c := range changes {
		if err := c.allowed(); err != nil {
			return &schedule.BatchError{Index: i, Name: c.name, Err: err}
		}
	}
	owed, err := s.unsettledBy(ctx, changes)
	if err != nil {
		return err
	}
	_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, c := range changes {
			if err := s.writeDocument(ctx, pipe, c); err != nil {
				return err
			}
		}
		for _, session := range owed {
			pipe.SAdd(ctx, owedKey, debtOf(session))
		}
		return nil
	})
	return err
}

// look reads what is stored.
func look(ctx context.Context, tx *redis.Tx, changes []*change) error {
	pipe := tx.Pipeline()
	stored, barriers := make([]*redis.SliceCmd, len(changes)), make([]*redis.IntCmd, len(changes))
	for i, c := range changes {
		stored[i] = pipe.HMGet(ctx, c.at.key, c.at.tag, c.at.doc)
		if keys := c.watched(); len(keys) > 1 {
			barriers[i] = pipe.Exists(ctx, keys[1:]...)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, c := range changes {
		fields := reply(stored[i].Val())
		c.stored, c.old, c.barred = schedule.Tag(fields.text(0)), fields.text(1), nil
		if barriers[i] != nil && barriers[i].Val() > 0 {
			c.barred = map[schedule.Kind]error{
				schedule.KindSession: schedule.ErrHasEvidence, schedule.KindCohort: schedule.ErrInUse,
			}[c.name.Kind]
		}
	}
	return nil
}

// allowed is why the change must not happen, or nil.
func (c *change) allowed() error {
	if err := c.If.Check(c.stored); err != nil {
		return err
	}
	switch {
	case !c.Delete:
		return nil
	case c.stored == "":
		return schedule.ErrNotFound
	case c.name.Kind == schedule.KindPerson, c.name.Kind == schedule.KindProgram:
		return schedule.ErrInUse // what was counted by them is counted again and again
	}
	return c.barred
}

// writeDocument puts the change into the transaction.
func (s *Store) writeDocument(ctx context.Context, pipe redis.Pipeliner, c *change) error {
	switch {
	case c.Keep:
		return nil
	case c.Delete:
		pipe.HDel(ctx, c.at.key, c.at.tag, c.at.doc)
	default:
		pipe.HSet(ctx, c.at.key, c.at.tag, string(c.tag), c.at.doc, c.text)
	}
	if v, ok := c.Document.(schedule.Person); ok {
		return s.indexPerson(ctx, pipe, c, v)
	}
	return c.index(ctx, pipe)
}

// indexPerson lets the person be found by their identifiers.
func (s *Store) indexPerson(ctx context.Context, pipe redis.Pipeliner, c *change, v schedule.Person) error {
	old, err := oldOf[schedule.Person](c)
	if err != nil {
		return err
	}
	if err := s.unsealPerson(&old); err != nil { // then it is not found by what cannot be read
		s.log.Error("a person cannot be read", "person", c.name.ID, "err", err)
	}
	for _, id := range old.Identifiers {
		for _, blinded := range s.sealer.blinded(identifierText(id)) {
			pipe.SRem(ctx, identifierKey(blinded), c.name.ID)
		}
	}
	if c.Delete {
		return nil
	}
	for _, id := range v.Identifiers {
		pipe.SAdd(ctx, identifierKey(s.sealer.blinded(identifierText(id))[0]), c.name.ID)
	}
	return nil
}

// index keeps the indexes in step with the document.
func (c *change) index(ctx context.Context, pipe redis.Pipeliner) error {
	switch v := c.Document.(type) {
	case schedule.Session:
		c.indexSession(ctx, pipe, v)
	case schedule.Cohort:
		old, err := oldOf[schedule.Cohort](c)
		c.list(ctx, pipe, programKey(old.Program, "cohorts"), programKey(v.Program, "cohorts"))
		return err
	case schedule.Series:
		old, err := oldOf[schedule.Series](c)
		c.list(ctx, pipe, programKey(old.Program, "series"), programKey(v.Program, "series"))
		if old.Cohort != "" {
			pipe.SRem(ctx, cohortKey(old.Cohort, "series"), c.name.ID)
		}
		switch {
		case c.Delete:
			pipe.Del(ctx, seriesKey(v.ID, "made"))
		case v.Cohort != "":
			pipe.SAdd(ctx, cohortKey(v.Cohort, "series"), c.name.ID)
		}
		return err
	case schedule.Authorization:
		old, err := oldOf[schedule.Authorization](c)
		c.list(ctx, pipe, personKey(old.Person, "authorizations"), personKey(v.Person, "authorizations"))
		return err
	}
	return nil
}

// list moves the document from one list of ids to another.
func (c *change) list(ctx context.Context, pipe redis.Pipeliner, from, to string) {
	if c.stored != "" {
		pipe.ZRem(ctx, from, c.name.ID)
	}
	if !c.Delete {
		pipe.ZAdd(ctx, to, redis.Z{Member: c.name.ID})
	}
}

func (c *change) indexSession(ctx context.Context, pipe redis.Pipeliner, v schedule.Session) {
	switch {
	case c.Delete:
		pipe.Del(ctx, excusesKey(v.ID))
		if c.Series != "" {
			pipe.HDel(ctx, seriesKey(c.Series, "made"), string(v.ID))
		}
		return
	case c.Series != "":
		pipe.HSet(ctx, seriesKey(c.Series, "made"), string(v.ID), string(c.tag))
	}
	for _, list := range [][]rooms.PersonID{v.Roster, v.Facilitators} {
		for _, person := range list {
			pipe.SAdd(ctx, personKey(person, "sessions"), string(v.ID))
		}
	}
	pipe.ZAdd(ctx, byStartKey, redis.Z{Score: float64(v.Start.UnixMilli()), Member: string(v.ID)})
}

// oldOf is the document that is replaced, zero when there is none.
func oldOf[T any](c *change) (v T, err error) {
	if c.old == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(c.old), &v); err != nil {
		return v, fmt.Errorf("read %s: %w", c.name, err)
	}
	return v, nil
}

// newOf is the document that is written, zero when one is deleted.
func newOf[T schedule.Document](c *change) (v T) {
	if !c.Delete {
		v, _ = c.Document.(T)
	}
	return v
}
