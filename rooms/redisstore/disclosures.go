package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
)

func disclosuresKey(p rooms.PersonID) string { return personKey(p, "disclosures") }

// beforeDisclosures is the hash before the first row of a person. It names
// them, so that an accounting cannot be moved to somebody else.
func beforeDisclosures(p rooms.PersonID) link {
	return sha256.Sum256([]byte("viop.disclosures/1\x00" + string(p)))
}

// Disclosed implements delivery.Store. Rows are dated by Redis TIME.
func (s *Store) Disclosed(ctx context.Context, rows []delivery.Disclosure) error {
	owed := map[rooms.PersonID][]delivery.Disclosure{}
	for _, r := range rows {
		owed[r.Person] = append(owed[r.Person], r)
	}
	for range maxDisclosers {
		if len(owed) == 0 {
			return s.noteDisclosed(ctx, rows)
		}
		if err := s.disclose(ctx, owed); err != nil {
			return fmt.Errorf("account for a disclosure: %w", err)
		}
	}
	return errors.New("account for a disclosure: others write all the time")
}

// maxDisclosers is how often an accounting is begun anew because somebody else
// wrote about the same person.
const maxDisclosers = 32

// disclose writes what is owed and takes that out, but for those in whose
// accounting somebody else wrote in between.
func (s *Store) disclose(ctx context.Context, owed map[rooms.PersonID][]delivery.Disclosure) error {
	people := slices.Sorted(maps.Keys(owed))
	look := s.rdb.Pipeline()
	now := look.Time(ctx)
	tails := make([]*redis.XMessageSliceCmd, len(people))
	for i, p := range people {
		tails[i] = look.XRevRangeN(ctx, disclosuresKey(p), "+", "-", 1)
	}
	if _, err := look.Exec(ctx); err != nil {
		return err
	}
	write := s.rdb.Pipeline()
	done := make([]*redis.Cmd, len(people))
	for i, p := range people {
		args, err := moreRows(p, tails[i].Val(), owed[p], attendance.At(now.Val()))
		if err != nil {
			return err
		}
		done[i] = s.scripts.disclosed.Eval(ctx, write, []string{disclosuresKey(p)}, args...)
	}
	if _, err := write.Exec(ctx); err != nil {
		return err
	}
	for i, p := range people {
		if n, _ := done[i].Int(); n == 1 {
			delete(owed, p)
		}
	}
	return nil
}

// moreRows are the arguments of disclosed.lua: rows that follow the last.
func moreRows(p rooms.PersonID, last []redis.XMessage, rows []delivery.Disclosure, now attendance.Instant) ([]any, error) {
	seq, head, seen := 0, beforeDisclosures(p), ""
	if len(last) > 0 {
		e := entryOf(stream{}, last[0])
		var err error
		if head, err = parseLink(e.Hash); err != nil {
			return nil, err
		}
		seq, seen = e.Seq, e.Hash
	}
	args := []any{seen}
	for _, r := range rows {
		seq++
		r.Seq, r.At = seq, now
		text, err := canonical(r)
		if err != nil {
			return nil, err
		}
		head = head.next(text)
		args = append(args, seq, text, head.String())
	}
	return args, nil
}

// noteDisclosed remembers when last something went to each destination.
func (s *Store) noteDisclosed(ctx context.Context, rows []delivery.Disclosure) error {
	to := map[delivery.ID]bool{}
	for _, r := range rows {
		to[r.Destination] = true
	}
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	for d := range to {
		if err := s.rdb.HSet(ctx, destinationKey(d, "state"), "disclosed", now.UnixMilli()).Err(); err != nil {
			return err
		}
	}
	return nil
}

// Disclosures implements delivery.Store. Every row is held against the one
// before it.
func (s *Store) Disclosures(ctx context.Context, p rooms.PersonID, after, limit int) ([]delivery.Disclosure, error) {
	first, count := max(after, 1), int64(limit)
	if after > 0 {
		count++ // the row before, for its hash
	}
	messages, err := s.rdb.XRangeN(ctx, disclosuresKey(p), strconv.Itoa(first)+"-0", "+", count).Result()
	if err != nil {
		return nil, fmt.Errorf("read disclosures: %w", err)
	}
	head, rows := beforeDisclosures(p), []delivery.Disclosure{}
	for i, m := range messages {
		e := entryOf(stream{}, m)
		if i == 0 && after > 0 {
			if head, err = parseLink(e.Hash); err != nil {
				return nil, err
			}
			continue
		}
		r := delivery.Disclosure{}
		head = head.next(e.Text)
		if err := json.Unmarshal([]byte(e.Text), &r); err != nil || head.String() != e.Hash || e.Seq != first+i || r.Seq != e.Seq {
			return nil, fmt.Errorf("the accounting of person %s is broken at row %d", p, first+i)
		}
		r.Person = p
		rows = append(rows, r)
	}
	return rows, nil
}
