package redisstore

import (
	"context"
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

// Entries are Changes with what they name, in three round trips.
func (s *Store) Entries(ctx context.Context, after int64, limit int) ([]records.Entry, error) {
	changes, err := s.Changes(ctx, after, limit)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	pipe := s.rdb.Pipeline()
	read := make([]*redis.XMessageSliceCmd, len(changes))
	signed := map[string]*redis.XMessageSliceCmd{}
	for i, c := range changes {
		if c.Kind != records.RecordChanged {
			continue
		}
		session := rooms.SessionID(c.Session)
		from, to := "-", "+" // a change of former times: one of them
		if c.Reading > 0 {
			from = strconv.Itoa(c.Reading) + "-0"
			to = from
		}
		read[i] = pipe.XRange(ctx, readings(session).key(), from, to)
		if signed[c.Session] == nil {
			signed[c.Session] = pipe.XRange(ctx, amendments(session).key(), "-", "+")
		}
	}
	if pipe.Len() > 0 {
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, fmt.Errorf("read what changed: %w", err)
		}
	}
	signatures := map[string][]records.Signature{}
	for session, answer := range signed {
		if signatures[session], err = s.signaturesOf(rooms.SessionID(session), answer.Val()); err != nil {
			return nil, err
		}
	}
	entries := make([]records.Entry, len(changes))
	for i, c := range changes {
		entries[i] = records.Entry{Change: c, Signatures: signatures[c.Session]}
		if read[i] == nil {
			entries[i].Signatures = nil
			continue
		}
		kept, err := readingsOf(rooms.SessionID(c.Session), read[i].Val())
		if err != nil {
			return nil, err
		}
		if j := slices.IndexFunc(kept, func(r records.Reading) bool { return r.Person == c.Person && r.Hash == c.Hash }); j >= 0 {
			entries[i].Reading = kept[j]
		}
	}
	return entries, nil
}

func (s *Store) signaturesOf(session rooms.SessionID, messages []redis.XMessage) ([]records.Signature, error) {
	amended, err := s.amendmentsOf(session, messages)
	return records.Book{Amendments: amended}.Signatures(), err
}

// Reading is one reading of a session, or schedule.ErrNotFound.
func (s *Store) Reading(ctx context.Context, session rooms.SessionID, seq int) (records.Reading, error) {
	id := strconv.Itoa(seq) + "-0"
	messages, err := s.rdb.XRange(ctx, readings(session).key(), id, id).Result()
	if err != nil {
		return records.Reading{}, fmt.Errorf("read reading %d of session %s: %w", seq, session, err)
	}
	kept, err := readingsOf(session, messages)
	if err != nil {
		return records.Reading{}, err
	}
	if len(kept) == 0 {
		return records.Reading{}, schedule.ErrNotFound
	}
	return kept[0], nil
}

// Readings are the last reading of each person in a session that is on the
// feed, by person, and the signatures that are, oldest first.
func (s *Store) Readings(ctx context.Context, session rooms.SessionID) ([]records.Reading, []records.Signature, error) {
	told, err := s.rdb.HMGet(ctx, toldKey, toldRecords(session), toldSigned(session)).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("read what was told of session %s: %w", session, err)
	}
	pipe := s.rdb.Pipeline()
	upTo := func(n int) string { return strconv.Itoa(n) + "-0" }
	read := pipe.XRange(ctx, readings(session).key(), "-", upTo(reply(told).number(0)))
	signed := pipe.XRange(ctx, amendments(session).key(), "-", upTo(reply(told).number(1)))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, fmt.Errorf("read the readings of session %s: %w", session, err)
	}
	kept, err := readingsOf(session, read.Val())
	if err != nil {
		return nil, nil, err
	}
	signatures, err := s.signaturesOf(session, signed.Val())
	return records.Book{Readings: kept}.Last(), signatures, err
}

// WeekRows are the weeks that begin on the dates from to to, both included, as
// they were told last: at most limit of them, by date and person, after the one
// that the cursor names ("" is the beginning). next is "" when there are no
// more.
func (s *Store) WeekRows(ctx context.Context, from, to attendance.Date, cursor string, limit int) (rows []records.Change, next string, err error) {
	start := "[" + from.String()
	if cursor != "" {
		start = "(" + cursor
	}
	names, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: weeksKey, ByLex: true, Start: start, Stop: "(" + (to + 1).String(), Count: int64(limit) + 1,
	}).Result()
	if err != nil {
		return nil, "", fmt.Errorf("list weeks: %w", err)
	}
	if len(names) > limit {
		names = names[:limit]
		next = names[limit-1]
	}
	pipe := s.rdb.Pipeline()
	found := make([]*redis.StringCmd, len(names))
	for i, name := range names {
		date, person, _ := strings.Cut(name, " ")
		var first attendance.Date
		if err := first.UnmarshalText([]byte(date)); err != nil {
			return nil, "", fmt.Errorf("the list of weeks is damaged: %w", err)
		}
		found[i] = pipe.HGet(ctx, weekKey(first), person)
	}
	if len(names) > 0 {
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, "", fmt.Errorf("read weeks: %w", err)
		}
	}
	for i, row := range found {
		c, err := rowOf(row.Val())
		if err != nil {
			return nil, "", fmt.Errorf("the week %s is damaged: %w", names[i], err)
		}
		rows = append(rows, c)
	}
	return rows, next, nil
}

// WeekTold is a week as it was told last, or schedule.ErrNotFound.
func (s *Store) WeekTold(ctx context.Context, person rooms.PersonID, first attendance.Date) (records.Change, error) {
	row, err := s.rdb.HGet(ctx, weekKey(first), string(person)).Result()
	if errors.Is(err, redis.Nil) {
		return records.Change{}, schedule.ErrNotFound
	}
	if err != nil {
		return records.Change{}, fmt.Errorf("read the week %s of person %s: %w", first, person, err)
	}
	return rowOf(row)
}

// rowOf reads a row as tell_week.lua writes it.
func rowOf(row string) (records.Change, error) {
	f := strings.SplitN(row, " ", 6)
	if len(f) < 6 {
		return records.Change{}, errReply
	}
	return changeOf(redis.XMessage{ID: f[1], Values: map[string]any{
		"kind": string(records.WeekChanged), "at": f[2], "previous": f[4], "c": f[5],
	}})
}
