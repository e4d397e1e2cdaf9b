package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// Feed is what was told, in order; redisstore.Store is one.
type Feed interface {
	// FeedID tells the feed from every other.
	FeedID(context.Context) (string, error)
	Changes(ctx context.Context, after int64, limit int) ([]records.Change, error)
	// Entries are Changes with what they name.
	Entries(ctx context.Context, after int64, limit int) ([]records.Entry, error)
	// WaitChanges returns nil when there is a change after the one numbered
	// after, or the error of the context.
	WaitChanges(ctx context.Context, after int64) error
	// WeekRows are the weeks that begin on the dates from to to, as they were
	// told last, by date and person.
	WeekRows(ctx context.Context, from, to attendance.Date, cursor string, limit int) (rows []records.Change, next string, err error)
}

// Teller writes what was told as a destination may read it; delivery.Teller is
// one.
type Teller interface {
	View(ctx context.Context, to delivery.Destination, people []rooms.PersonID) (export.View, error)
}

// maxWait is how long a call waits for something new, if it asks for that.
const maxWait = time.Minute

type feedPage struct {
	Items []export.Item `json:"items"`
	Next  string        `json:"next"` // for after, also when there are no items
	More  bool          `json:"more"`
}

// listAttendance serves the feed.
func (s *server) listAttendance(w http.ResponseWriter, r *request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	wait, err := waitOf(r)
	if err != nil {
		return err
	}
	to, err := s.receiver(r)
	if err != nil {
		return err
	}
	from, err := s.placeOf(r)
	if err != nil {
		return err
	}
	entries, err := s.Feed.Entries(r.Context(), from.seq, limit+1)
	if err == nil && len(entries) == 0 && wait > 0 {
		if err := s.await(r, from, wait); err != nil {
			return err
		}
		if to, err = s.receiver(r); err != nil { // a minute is long
			return err
		}
		entries, err = s.Feed.Entries(r.Context(), from.seq, limit+1)
	}
	if err != nil {
		return err
	}
	page := feedPage{More: len(entries) > limit}
	entries = entries[:min(limit, len(entries))]
	if n := len(entries); n > 0 {
		from.seq, from.at = entries[n-1].Seq, entries[n-1].At
	}
	page.Next = from.cursor()
	if page.Items, err = s.items(r, from.feed, to, entries); err != nil {
		return err
	}
	return s.tell(w, r, to, delivery.AsFeed, page.Items, page)
}

type weeksPage struct {
	Items []export.Item `json:"items"` // by week and person
	Next  string        `json:"next,omitempty"`
}

// listWeeks serves the weeks that begin in a span of dates.
func (s *server) listWeeks(w http.ResponseWriter, r *request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	first, last, err := spanOfDates(r)
	if err != nil {
		return err
	}
	to, err := s.receiver(r)
	if err != nil {
		return err
	}
	feed, err := s.Feed.FeedID(r.Context())
	if err != nil {
		return err
	}
	after, err := rowAfter(r, feed)
	if err != nil {
		return err
	}
	rows, next, err := s.Feed.WeekRows(r.Context(), first, last, after, limit)
	if err != nil {
		return err
	}
	entries := make([]records.Entry, len(rows))
	for i, c := range rows {
		entries[i].Change = c
	}
	page := weeksPage{}
	if next != "" {
		page.Next = opaque(feed, "week", next)
	}
	if page.Items, err = s.items(r, feed, to, entries); err != nil {
		return err
	}
	return s.tell(w, r, to, delivery.AsWeeks, page.Items, page)
}

// spanOfDates reads from and to.
func spanOfDates(r *request) (from, to attendance.Date, err error) {
	if from, err = dateOf(r, "from"); err != nil {
		return 0, 0, err
	}
	if to, err = dateOf(r, "to"); err != nil {
		return 0, 0, err
	}
	if to < from || to-from > maxWeeks {
		return 0, 0, badQuery("to", "This must not be before from, and at most 371 days after it.")
	}
	return from, to, nil
}

// waitOf is how long the caller would wait for something new.
func waitOf(r *request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 || seconds > int(maxWait.Seconds()) {
		return 0, badQuery("wait", "This must be a number of seconds from 0 to 60.")
	}
	return time.Duration(seconds) * time.Second, nil
}

// await waits until there is something after a place, or for so long, or until
// the node goes.
func (s *server) await(r *request, from place, wait time.Duration) error {
	leave, ok := s.waiters.enter(r.grant.Subject())
	if !ok {
		return newProblem(http.StatusTooManyRequests, "too_many_waiting", "Too many calls wait.",
			"One call at a time with wait= is enough to hear of everything.").with("Retry-After", "5")
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	go func() { // ends with the wait
		select {
		case <-s.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := s.Feed.WaitChanges(ctx, from.seq)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if r.Context().Err() != nil {
		return r.Context().Err() // the caller has left
	}
	// Whoever was let in a minute ago may have been shut out since.
	r.grant, err = s.verify(r.Context(), r.Header.Get("Authorization"))
	return err
}

// receiver is the destination as which the caller fetches.
func (s *server) receiver(r *request) (delivery.Destination, error) {
	named := r.URL.Query().Get("destination")
	if named != "" && !schedule.ValidID(named) {
		return delivery.Destination{}, badQuery("destination", "This must be the id of a destination.")
	}
	return s.Gate.Resolve(r.Context(), r.grant.Subject(), r.grant.Has(auth.DestinationsWrite), delivery.ID(named))
}

// items are entries as the destination may read them. A record whose reading
// is lost cannot be told to anybody; everything else goes on.
func (s *server) items(r *request, feed string, to delivery.Destination, entries []records.Entry) ([]export.Item, error) {
	view, err := s.Teller.View(r.Context(), to, peopleNamed(entries))
	if err != nil {
		return nil, err
	}
	view.Feed = feed
	items := make([]export.Item, 0, len(entries))
	for _, e := range entries {
		item, err := view.Item(e.Change, e.Reading, e.Signatures)
		if err != nil {
			s.log.ErrorContext(r.Context(), "a change cannot be told", "seq", e.Seq, "session", e.Session, "err", err)
			continue
		}
		items = append(items, item)
	}
	return items, nil
}

// peopleNamed are those whom entries are about.
func peopleNamed(entries []records.Entry) []rooms.PersonID {
	var people []rooms.PersonID
	for _, e := range entries {
		if e.Person != "" {
			people = append(people, rooms.PersonID(e.Person))
		}
		if e.Signature != nil {
			for person := range e.Signature.Records {
				people = append(people, rooms.PersonID(person))
			}
		}
	}
	slices.Sort(people)
	return slices.Compact(people)
}

// tell writes down what the page discloses and sends it, unless the caller has
// it: then nothing leaves.
func (s *server) tell(w http.ResponseWriter, r *request, to delivery.Destination, as delivery.Format, items []export.Item, page any) error {
	body, err := marshal(page)
	if err != nil {
		return err
	}
	// Weak: compressed or not, it says the same.
	sum := sha256.Sum256(body)
	tag := schedule.Tag(base64.RawURLEncoding.EncodeToString(sum[:18]))
	w.Header().Set("ETag", "W/"+quoted(tag))
	w.Header().Set("Vary", "Accept-Encoding, Authorization")
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if err := s.Gate.Disclose(r.Context(), to, r.grant.Subject(), as, delivery.RowsOf(items)...); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if len(body) >= worthwhile && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if body, err = compressed(body); err != nil {
			return err
		}
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(http.StatusOK)
	send(w, body)
	return nil
}

// worthwhile is from how many bytes on an answer is compressed: it fits into
// one packet otherwise.
const worthwhile = 1400

func compressed(body []byte) ([]byte, error) {
	var small bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	err = z.Close()
	return small.Bytes(), err
}

// place is one in the feed: after the change numbered seq, which was told at.
type place struct {
	feed string
	seq  int64
	at   attendance.Instant
}

func (p place) cursor() string {
	return opaque(p.feed, "feed", strconv.FormatInt(p.seq, 10), strconv.FormatInt(int64(p.at), 10))
}

// opaque is a cursor: whoever has it cannot mistake it for a number to count.
func opaque(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, " ")))
}

// parts of a cursor of a feed, or the problem with it.
func parts(r *request, feed, kind string, n int) ([]string, error) {
	text, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("after"))
	parts := strings.Split(string(text), " ")
	switch {
	case err != nil || len(parts) != n+2 || parts[1] != kind:
		return nil, badQuery("after", "This must be what next said on the page before.")
	case parts[0] != feed:
		return nil, otherFeed()
	}
	return parts[2:], nil
}

// otherFeed: it would be a guess what is new to the caller.
func otherFeed() *problem {
	return newProblem(http.StatusBadRequest, "other_feed", "This is a place in another feed.",
		"after: This comes from another store, or from before this one lost its last entries. Begin again without after; items have the ids that they had.")
}

// placeOf is where the caller goes on. It must be in this feed: one that lost
// its end has given the same numbers to other changes since.
func (s *server) placeOf(r *request) (place, error) {
	feed, err := s.Feed.FeedID(r.Context())
	if err != nil || r.URL.Query().Get("after") == "" {
		return place{feed: feed}, err
	}
	numbers, err := parts(r, feed, "feed", 2)
	if err != nil {
		return place{}, err
	}
	seq, err := strconv.ParseInt(numbers[0], 10, 64)
	at, err2 := strconv.ParseInt(numbers[1], 10, 64)
	if err != nil || err2 != nil || seq < 0 {
		return place{}, badQuery("after", "This must be what next said on the page before.")
	}
	p := place{feed, seq, attendance.Instant(at)}
	if seq == 0 {
		return p, nil
	}
	there, err := s.Feed.Changes(r.Context(), seq-1, 1)
	switch {
	case errors.Is(err, records.ErrNoSuchPlace):
		return place{}, otherFeed()
	case err != nil:
		return place{}, err
	case len(there) == 0 || there[0].Seq != seq || there[0].At != p.at:
		return place{}, otherFeed()
	}
	return p, nil
}

// rowAfter is the row of the last page, "" at the beginning.
func rowAfter(r *request, feed string) (string, error) {
	if r.URL.Query().Get("after") == "" {
		return "", nil
	}
	row, err := parts(r, feed, "week", 2)
	return strings.Join(row, " "), err
}
