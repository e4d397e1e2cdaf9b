package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
)

// toldRecords is the field of the last reading of a session that was told,
// toldSigned that of its last signature.
func toldRecords(s rooms.SessionID) string { return "records:" + string(s) }
func toldSigned(s rooms.SessionID) string  { return "signed:" + string(s) }

// Tell implements records.Store.
func (s *Store) Tell(ctx context.Context, c records.Change) error {
	field, number := toldRecords(rooms.SessionID(c.Session)), c.Reading
	if c.Kind == records.RecordsSigned {
		field, number = toldSigned(rooms.SessionID(c.Session)), c.Amendment
	}
	text, err := changeText(c)
	if err != nil {
		return err
	}
	err = s.scripts.tell.Run(ctx, s.rdb, []string{feedKey, toldKey}, field, number, string(c.Kind), text).Err()
	if err != nil {
		return fmt.Errorf("tell a change of session %s: %w", c.Session, err)
	}
	return nil
}

// TellWeek implements records.Store.
func (s *Store) TellWeek(ctx context.Context, w records.ToldWeek, asOf attendance.Instant, runs bool) error {
	w.Previous = ""
	text, err := changeText(records.Change{Kind: records.WeekChanged, Person: w.Person, Week: &w})
	if err != nil {
		return err
	}
	running := map[bool]int{true: 1}[runs]
	err = s.scripts.tellWeek.Run(ctx, s.rdb, []string{feedKey, weekKey(w.Week.Week), weeksKey},
		w.Person, weekName(w.Week.Week, w.Person), int64(asOf), string(w.Verdict), running, text).Err()
	if err != nil {
		return fmt.Errorf("tell a week of person %s: %w", w.Person, err)
	}
	return nil
}

// weekName is what a row is called among those of all weeks.
func weekName(first attendance.Date, person string) string { return first.String() + " " + person }

// TellAuthorization implements records.Store.
func (s *Store) TellAuthorization(ctx context.Context, a records.ToldAuthorization, asOf attendance.Instant) error {
	a.Previous = ""
	text, err := changeText(records.Change{Kind: records.AuthorizationChanged, Person: a.Person, Authorization: &a})
	if err != nil {
		return err
	}
	err = s.scripts.tellAuthorization.Run(ctx, s.rdb, []string{feedKey, toldKey},
		"authorization:"+a.ID, int64(asOf), string(a.Status), text).Err()
	if err != nil {
		return fmt.Errorf("tell authorization %s: %w", a.ID, err)
	}
	return nil
}

// changeText is a change as the feed keeps it: number and time are Redis's to
// give.
func changeText(c records.Change) (string, error) {
	// The fields of the outer struct take the names, and are left out.
	return canonical(struct {
		records.Change
		Seq *int64              `json:"seq,omitempty"`
		At  *attendance.Instant `json:"at,omitempty"`
	}{Change: c})
}

// changeOf reads what the feed keeps. Entries of former times have fields
// instead of a text.
func changeOf(m redis.XMessage) (c records.Change, err error) {
	field := func(name string) string { text, _ := m.Values[name].(string); return text }
	number := func(text string) int64 { n, _ := strconv.ParseInt(text, 10, 64); return n }
	seq, _, _ := strings.Cut(m.ID, "-")
	c = records.Change{
		Person: field("person"), Session: field("session"), Version: int(number(field("version"))), Hash: field("hash"),
	}
	if text := field("c"); text != "" {
		err = json.Unmarshal([]byte(text), &c)
	} else if field("kind") == string(records.WeekChanged) {
		c.Week = &records.ToldWeek{}
		c.Week.Person, c.Week.Verdict, c.Week.Days = c.Person, attendance.Verdict(field("verdict")), []attendance.Day{}
		err = c.Week.Week.Week.UnmarshalText([]byte(field("week")))
	}
	if err != nil {
		return records.Change{}, fmt.Errorf("change %s of the feed is damaged: %w", seq, err)
	}
	c.Seq, c.At, c.Kind = number(seq), attendance.Instant(number(field("at"))), records.ChangeKind(field("kind"))
	if previous := field("previous"); previous != "-" {
		follow(&c, previous)
	}
	return c, nil
}

// follow says what a change came after.
func follow(c *records.Change, previous string) {
	switch {
	case c.Week != nil:
		verdict, final, _ := strings.Cut(previous, ",")
		c.Week.Previous, c.Week.Amended = attendance.Verdict(verdict), c.Week.Final && final != ""
	case c.Authorization != nil:
		c.Authorization.Previous = records.AuthorizationStatus(previous)
	}
}

// Changes are at most limit changes after the one numbered after (0: from the
// beginning), in order. A number that the feed has not reached is
// records.ErrNoSuchPlace.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]records.Change, error) {
	from := strconv.FormatInt(after+1, 10) + "-0"
	messages, err := s.rdb.XRangeN(ctx, feedKey, from, "+", int64(limit)).Result()
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	if len(messages) == 0 && after > 0 {
		end, err := lastOf(ctx, s.rdb)
		if err != nil {
			return nil, err
		}
		if end < after {
			return nil, records.ErrNoSuchPlace
		}
	}
	changes := make([]records.Change, 0, len(messages))
	for _, m := range messages {
		c, err := changeOf(m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// lastOf is the number of the last change; 0 when there is none.
func lastOf(ctx context.Context, rdb *redis.Client) (int64, error) {
	tail, err := rdb.XRevRangeN(ctx, feedKey, "+", "-", 1).Result()
	if err != nil {
		return 0, fmt.Errorf("read the end of the feed: %w", err)
	}
	if len(tail) == 0 {
		return 0, nil
	}
	seq, _, _ := strings.Cut(tail[0].ID, "-")
	return strconv.ParseInt(seq, 10, 64)
}

// FeedID tells this feed from every other: it is made up once, and is lost
// only with the feed.
func (s *Store) FeedID(ctx context.Context) (string, error) {
	id, err := s.rdb.Get(ctx, feedIDKey).Result()
	if errors.Is(err, redis.Nil) { // of a reader, too: an export may be the first to ask
		if err := s.rdb.SetNX(ctx, feedIDKey, rand.Text(), 0).Err(); err != nil {
			return "", fmt.Errorf("name the feed: %w", err)
		}
		id, err = s.rdb.Get(ctx, feedIDKey).Result() // another node may have been faster
	}
	if err != nil {
		return "", fmt.Errorf("read the name of the feed: %w", err)
	}
	return id, nil
}
