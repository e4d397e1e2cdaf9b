package redisstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// The store is where the books lie.
var _ records.Store = (*Store)(nil)

// The chains that belong to the session and to none of its epochs.
func amendments(s rooms.SessionID) stream { return stream{s, 0, kindAmend} }
func readings(s rooms.SessionID) stream   { return stream{s, 0, kindReading} }
func acts(s rooms.SessionID) stream       { return stream{s, 0, kindAudit} }

// Book implements records.Store. All of it is of one instant, but for what is
// told, which may be more by now.
func (s *Store) Book(ctx context.Context, session rooms.SessionID) (records.Book, error) {
	told, err := s.rdb.HMGet(ctx, toldKey, toldRecords(session), toldSigned(session)).Result()
	if err != nil {
		return records.Book{}, fmt.Errorf("read what was told of session %s: %w", session, err)
	}
	pipe := s.rdb.TxPipeline()
	state := askState(ctx, pipe, session)
	amended := pipe.XRange(ctx, amendments(session).key(), "-", "+")
	kept := pipe.XRange(ctx, readings(session).key(), "-", "+")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return records.Book{}, fmt.Errorf("read the book of session %s: %w", session, err)
	}
	b := records.Book{Session: session, Now: state.now(), Ends: state.ends()}
	b.Told, b.ToldSigned = reply(told).number(0), reply(told).number(1)
	b.Occupied, b.Crashed = state.occupied()
	if b.Digest, err = s.digest(ctx, b.Head(), state); err != nil {
		return records.Book{}, err
	}
	if b.Amendments, err = s.amendmentsOf(session, amended.Val()); err != nil {
		return records.Book{}, err
	}
	b.Readings, err = readingsOf(session, kept.Val())
	return b, err
}

// readingsOf reads the entries of their chain.
func readingsOf(session rooms.SessionID, messages []redis.XMessage) ([]records.Reading, error) {
	all := make([]records.Reading, 0, len(messages))
	for _, m := range messages {
		e, r := entryOf(readings(session), m), records.Reading{}
		if err := json.Unmarshal([]byte(e.Text), &r); err != nil {
			return nil, fmt.Errorf("read reading %d of session %s: %w", e.Seq, session, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// amendmentsOf reads the entries of their chain.
func (s *Store) amendmentsOf(session rooms.SessionID, messages []redis.XMessage) ([]records.Amendment, error) {
	all := make([]records.Amendment, 0, len(messages))
	for _, m := range messages {
		e := entryOf(amendments(session), m)
		a := records.Amendment{Hash: e.Hash}
		if err := json.Unmarshal([]byte(e.Text), &a); err != nil || (a.Correction == nil) == (a.Signature == nil) {
			return nil, fmt.Errorf("entry %d of the corrections and signatures of session %s is damaged", e.Seq, session)
		}
		if a.Correction != nil {
			a.Correction.Note = s.unsealNote(session, e.Seq, a.Correction.Note)
		}
		all = append(all, a)
	}
	return all, nil
}

// unsealNote opens the free text of a correction. A key that is gone hides the
// text, not the correction.
func (s *Store) unsealNote(session rooms.SessionID, seq int, sealed string) string {
	note, err := s.Unseal(sealed)
	if err != nil {
		s.log.Error("the note of a correction cannot be read", "session", session, "entry", seq, "err", err)
		return "(sealed)"
	}
	return note
}

// readAmendments reads the corrections and signatures of a session.
func (s *Store) readAmendments(ctx context.Context, session rooms.SessionID) ([]records.Amendment, error) {
	messages, err := s.rdb.XRange(ctx, amendments(session).key(), "-", "+").Result()
	if err != nil {
		return nil, fmt.Errorf("read corrections and signatures of session %s: %w", session, err)
	}
	return s.amendmentsOf(session, messages)
}

// Amend implements records.Store. The free text of a correction is sealed.
func (s *Store) Amend(ctx context.Context, seen records.Book, a records.Amendment, n rooms.Note) error {
	session := seen.Session
	if a.Correction != nil {
		sealed := *a.Correction
		sealed.Note = s.Seal(sealed.Note)
		a.Correction = &sealed
		if err := s.claimID(ctx, session, sealed.ID); err != nil {
			return err
		}
		if sealed.Person != "" { // before, as in PutSession
			if err := s.rdb.SAdd(ctx, personKey(rooms.PersonID(sealed.Person), "sessions"), string(session)).Err(); err != nil {
				return fmt.Errorf("index person of a correction: %w", err)
			}
		}
	}
	entry, err := extension(seen, amendments(session), a)
	if err != nil {
		return err
	}
	kept := note{At: attendance.At(n.At), Actor: n.Actor, Action: n.Action, Target: n.Target,
		Detail: n.Detail, Sealed: s.Seal(n.Sealed), Seq: seen.End(records.KindAudit, 0).Seq + 1}
	act, err := extension(seen, acts(session), kept)
	if err != nil {
		return err
	}
	return s.extend(ctx, seen, entry, act)
}

// claimID makes an id the session's for good: two corrections of one case
// cannot share one.
func (s *Store) claimID(ctx context.Context, session rooms.SessionID, id string) error {
	pipe := s.rdb.TxPipeline()
	pipe.HSetNX(ctx, correctionsKey, id, string(session))
	owner := pipe.HGet(ctx, correctionsKey, id)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("claim the id of a correction: %w", err)
	}
	if owner.Val() != string(session) {
		return records.ErrIDTaken
	}
	return nil
}

// Keep implements records.Store.
func (s *Store) Keep(ctx context.Context, seen records.Book, fresh []records.Reading) error {
	values := make([]any, len(fresh))
	for i, r := range fresh {
		values[i] = r
	}
	more, err := extension(seen, readings(seen.Session), values...)
	if err != nil {
		return err
	}
	return s.extend(ctx, seen, more)
}

// addition is what a stream gets.
type addition struct {
	to    stream
	items []item
}

// extension continues a chain from where the book saw it end.
func extension(seen records.Book, to stream, values ...any) (addition, error) {
	at := newChain(to)
	if end := seen.End(records.Kind(to.kind), to.epoch); end.Seq > 0 {
		head, err := parseLink(end.Hash)
		if err != nil {
			return addition{}, err
		}
		at = chain{seq: end.Seq, head: head}
	}
	more := addition{to: to}
	for _, v := range values {
		it, err := at.add(to.kind, func(int) (string, error) { return canonical(v) })
		if err != nil {
			return addition{}, err
		}
		more.items = append(more.items, it)
	}
	return more, nil
}

// extend appends all of the additions, or nothing and returns ErrMoved.
func (s *Store) extend(ctx context.Context, seen records.Book, more ...addition) error {
	if s.reader {
		return errReader
	}
	var acted string
	var others []any
	for _, e := range seen.Ends {
		name, value := stream{kind: kind(e.Kind), epoch: e.Epoch}.name(), strconv.Itoa(e.Seq)+" "+e.Hash
		switch {
		case e.Kind != records.KindAudit:
			others = append(others, name, value)
		case e.Epoch == 0:
			acted = value
		}
	}
	keys := []string{headsKey(seen.Session)}
	args := append([]any{acted, len(others) / 2}, others...)
	for _, a := range more {
		keys = append(keys, a.to.key())
		for _, it := range a.items {
			args = append(args, len(keys), a.to.name(), it.Seq, it.Entry, it.Hash)
		}
	}
	done, err := s.scripts.extend.Run(ctx, s.rdb, keys, args...).Int()
	if err != nil {
		return fmt.Errorf("write the book of session %s: %w", seen.Session, err)
	}
	if done == 0 {
		return records.ErrMoved
	}
	return nil
}

// Collect implements records.Store. An owner that comes back, late, goes on
// where it was: a proof of life of its connections is true in any log.
func (s *Store) Collect(ctx context.Context, session rooms.SessionID) error {
	if s.reader {
		return errReader
	}
	pipe := s.rdb.TxPipeline()
	state := askState(ctx, pipe, session)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("read the room of session %s: %w", session, err)
	}
	if state.held() {
		return nil
	}
	return s.settleAll(ctx, session, state.beats.Val())
}

// Role implements records.Store: what their document says, what the room knew
// them by, or what the schedule expects them to be.
func (s *Store) Role(ctx context.Context, session rooms.SessionID, person rooms.PersonID) (attendance.Role, error) {
	roles, err := s.rolesOf(ctx, []rooms.PersonID{person})
	if err != nil || roles[person] != "" {
		return roles[person], err
	}
	role, err := s.knownRole(ctx, session, person)
	if err != nil || role != "" {
		return role, err
	}
	v, _, err := s.Session(ctx, session)
	switch {
	case err != nil:
		return "", err
	case slices.Contains(v.Facilitators, person):
		return attendance.Facilitator, nil
	case slices.Contains(v.Roster, person):
		return attendance.Patient, nil
	}
	return "", nil
}

// state is what decides whether a session must be settled, all but its schedule.
type state struct {
	session rooms.SessionID
	time    *redis.TimeCmd
	heads   *redis.MapStringStringCmd
	lease   *redis.SliceCmd
	beats   *redis.MapStringStringCmd
	doc     *redis.SliceCmd // tag, doc
	excuses *redis.MapStringStringCmd
	settled *redis.StringCmd
}

// askState puts the questions into a pipeline; all keys are in one slot.
func askState(ctx context.Context, pipe redis.Pipeliner, session rooms.SessionID) state {
	return state{
		session: session,
		time:    pipe.Time(ctx),
		heads:   pipe.HGetAll(ctx, headsKey(session)),
		lease:   pipe.HMGet(ctx, leaseKey(session), "epoch", "until"),
		beats:   pipe.HGetAll(ctx, beatsKey(session)),
		doc:     pipe.HMGet(ctx, docKey(session), "tag", "doc"),
		excuses: pipe.HGetAll(ctx, excusesKey(session)),
		settled: pipe.Get(ctx, settledKey(session)),
	}
}

func (s state) now() attendance.Instant { return attendance.At(s.time.Val()) }

// held reports whether a node holds the room.
func (s state) held() bool {
	until, _ := strconv.ParseInt(reply(s.lease.Val()).text(1), 10, 64)
	return int64(s.now()) < until
}

// occupied reports whether people are in a room that a node holds, or else
// whether a crash has left beats.
func (s state) occupied() (occupied, crashed bool) {
	if !s.held() {
		return false, len(s.beats.Val()) > 0
	}
	epoch := reply(s.lease.Val()).text(0)
	text, beats := s.beats.Val()[epoch]
	if !beats {
		return false, false
	}
	_, last, err := parseBeat(epoch, text)
	return err == nil && slices.ContainsFunc(last.Here, func(p presence) bool { return p.Conn != "" }), false
}

// ends of the chains, evidence first.
func (s state) ends() []records.End {
	var ends []records.End
	for name, value := range s.heads.Val() {
		k, epoch, _ := strings.Cut(name, ":")
		seq, hash, _ := strings.Cut(value, " ")
		e := records.End{Kind: records.Kind(k), Hash: hash}
		e.Epoch, _ = strconv.Atoi(epoch)
		e.Seq, _ = strconv.Atoi(seq)
		ends = append(ends, e)
	}
	order := []records.Kind{records.KindAmend, records.KindReading, records.KindAudit} // -1: evidence
	slices.SortFunc(ends, func(a, b records.End) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(a.Epoch, b.Epoch), -cmp.Compare(a.Kind, b.Kind)) // log before crash
	})
	return ends
}

// scheduled is the session's document; ok is false when there is none.
func (s state) scheduled() (v schedule.Session, ok bool) {
	text := reply(s.doc.Val()).text(1)
	return v, text != "" && json.Unmarshal([]byte(text), &v) == nil
}

// excused is the versions of all excuses.
func (s state) excused() string {
	var tags []string
	for name, tag := range s.excuses.Val() {
		if strings.HasPrefix(name, "tag:") {
			tags = append(tags, name+"="+tag)
		}
	}
	slices.Sort(tags)
	return strings.Join(tags, " ")
}

// digest is of everything that a settling rests on and that is the session's
// own: what decides about the records, who holds the room, the schedule, who is
// excused, and the rules. What people have besides, levels of care, what was
// authorized and other sessions, is owed a settling when it changes (PutAll).
func (s *Store) digest(ctx context.Context, head string, of state) (string, error) {
	var rules string
	if v, ok := of.scheduled(); ok {
		tag, err := s.rdb.HGet(ctx, programKey(v.Program, "doc"), "tag").Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return "", fmt.Errorf("read the program of session %s: %w", of.session, err)
		}
		rules = tag
	}
	occupied, crashed := of.occupied()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %t %t %s", head, reply(of.doc.Val()).text(0), rules, occupied, crashed, of.excused()))
	return hex.EncodeToString(sum[:]), nil
}
