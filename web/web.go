// Package web is the HTTP side of the house: the API for scheduling and
// billing systems, the browser client (embedded, with a strict content
// security policy), health and metrics.
//
// The contract of the API is api/openapi.yaml, which is also served as
// /v1/openapi.yaml. Every operation is one line in operations; the tests hold
// that table, the document, and every request and answer of theirs against
// each other. Errors are problem documents (RFC 9457) that name the field.
//
// Whoever calls says who they are with an API token (auth.AudienceAPI), whose
// scopes decide. A patient's page calls nothing here but its own files: it
// lives on the WebSocket, which is Config.Signaling's. Pages of staff call the
// records (records.go, weeks.go, timeline.go) with a token of ten minutes that
// they got over it. Corrections and signatures are in the name of the token's
// subject; what they may do is for Config.Books to say.
//
// Logs hold ids only: no names, tokens, queries or addresses.
//
// Start with New for what is served, operations for the API, problem.go for
// what can go wrong, client.go for the page.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/export"
	"viop/rooms/schedule"
)

// Store keeps the documents of the API and answers what became of a session.
// Documents that are not there are schedule.ErrNotFound; a write whose
// condition does not hold is schedule.ErrChanged and has changed nothing.
type Store interface {
	// PutAll writes all of the batch, or nothing and returns a
	// *schedule.BatchError. Evidence is not touched, and a session that has some
	// is never deleted (schedule.ErrHasEvidence).
	PutAll(context.Context, []schedule.Write) ([]schedule.Written, error)

	// Documents are those of names that exist.
	Documents(context.Context, []schedule.Name) (map[schedule.Name]schedule.Stored, error)
	// Identified are the people who have the identifiers.
	Identified(context.Context, []schedule.Identifier) (map[schedule.Identifier][]rooms.PersonID, error)
	// SessionsFrom are those that were imported from a source and overlap [from, to).
	SessionsFrom(ctx context.Context, source string, from, to time.Time) (map[schedule.Name]schedule.Stored, error)

	Session(context.Context, rooms.SessionID) (schedule.Session, schedule.Tag, error)
	// Sessions are those whose scheduled time overlaps [from, to), by start and
	// id: at most limit of them, after the one that the cursor names ("" is the
	// beginning). next is "" when there are no more; so it is below.
	Sessions(ctx context.Context, from, to time.Time, cursor string, limit int) (page []schedule.Session, next string, err error)
	Person(context.Context, rooms.PersonID) (schedule.Person, schedule.Tag, error)
	// People are those of ids that exist.
	People(ctx context.Context, ids []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error)
	Program(context.Context, schedule.ProgramID) (schedule.Program, schedule.Tag, error)

	Cohort(context.Context, schedule.CohortID) (schedule.Cohort, schedule.Tag, error)
	Cohorts(ctx context.Context, program schedule.ProgramID, after string, limit int) (page []schedule.Cohort, next string, err error)
	Series(context.Context, schedule.SeriesID) (schedule.Series, schedule.Tag, error)
	AllSeries(ctx context.Context, program schedule.ProgramID, after string, limit int) (page []schedule.Series, next string, err error)
	// SeriesOf are the series that meet with a cohort.
	SeriesOf(context.Context, schedule.CohortID) ([]schedule.SeriesID, error)
	// Standing is what there is of the sessions that a series made, and of those
	// with these ids.
	Standing(context.Context, schedule.SeriesID, []rooms.SessionID) (map[rooms.SessionID]schedule.Standing, error)

	Enrollment(context.Context, rooms.PersonID) (schedule.Enrollment, schedule.Tag, error)
	Authorization(context.Context, schedule.AuthorizationID) (schedule.Authorization, schedule.Tag, error)
	Authorizations(ctx context.Context, person rooms.PersonID, after string, limit int) (page []schedule.Authorization, next string, err error)
	Excuse(context.Context, rooms.SessionID, rooms.PersonID) (schedule.Excuse, schedule.Tag, error)
	// Excuses are those from a session, by person.
	Excuses(context.Context, rooms.SessionID) ([]schedule.Excuse, error)

	// Begin begins what is to be done once under a key. It returns the answer if
	// it was done, schedule.ErrUnderway while it is, and schedule.ErrOtherRequest
	// if something else was. Otherwise whoever has turn does it, and says so.
	Begin(ctx context.Context, key, request string) (answer []byte, turn string, err error)
	// Finish keeps the answer for a day; nil forgets that it was begun.
	Finish(ctx context.Context, key, turn string, answer []byte) error

	// Presence is who is there at asOf: the last word of whoever owns the room
	// or, after a crash, nobody.
	Presence(context.Context, rooms.SessionID) (state rooms.RoomState, here []rooms.Presence, asOf time.Time, err error)
	// Revoke returns when the revocation is durable. A zero At is now.
	Revoke(context.Context, auth.Revocation) error
}

// Rooms are the rooms of this node.
type Rooms interface {
	// Flush waits until the evidence handed over so far is in the store; a room
	// that is not on this node has none.
	Flush(context.Context, rooms.SessionID) error
	// Expel ends the person's seat, if there is one on this node.
	Expel(context.Context, rooms.SessionID, rooms.PersonID, rooms.Reason)
}

// Verifier believes tokens; auth.Verifier is one.
type Verifier interface {
	VerifyAPI(context.Context, string) (auth.Grant, error)
}

// Minter makes the tokens of invites; auth.Minter is one.
type Minter interface {
	Join(auth.JoinToken) (string, error)
}

// Check is one thing that must hold for this node to take people in.
type Check struct {
	Name string
	// Ask must not wait longer than its context. Detail is shown to anybody
	// ("volatile: nothing is kept"); an error is logged and shown as "failed".
	Ask func(context.Context) (detail string, err error)
}

// Config is what New needs. Fields without "may be" are required.
type Config struct {
	Store    Store
	Books    Books
	Feed     Feed
	Teller   Teller
	Gate     Gate
	Courier  Courier
	Extracts Extracts
	// Signer signs what is downloaded.
	Signer   export.Signer
	Rooms    Rooms
	Verifier Verifier
	// Provenance is told beside what was computed.
	Provenance Provenance
	// Minter may be nil when no shared secret is configured: no invites then.
	Minter Minter
	// Signaling serves GET /v1/ws.
	Signaling http.Handler
	// Checks are asked by /readyz.
	Checks []Check
	// Metrics is where this package counts, and what /metrics shows.
	Metrics *prometheus.Registry
	// Public is what links begin with, such as https://group.example.org.
	Public *url.URL
	// TLS says that browsers reach us by https, our own or a proxy's.
	TLS bool
	// Client is the built browser client; nil is the embedded one.
	Client fs.FS
	// Rate and Burst bound the calls of one token's subject; 0 is 20 a second
	// and 60.
	Rate  rate.Limit
	Burst int
	Log   *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Draining is closed when the node goes, so that nobody is kept waiting for
	// something new. It may be nil.
	Draining <-chan struct{}
}

// answerWithin bounds one call of the API, the store's part included.
const answerWithin = 10 * time.Second

type server struct {
	// Set by New.
	Config
	log         *slog.Logger
	limits      *limits
	imports     chan struct{} // holds one for each import that is going on
	waiters     *waiters
	downloading *waiters
	requests    *prometheus.HistogramVec
}

// New serves the API, the client, health and metrics. The handler has no
// goroutines of its own and needs no closing. Timeouts for slow readers and
// headers are the http.Server's.
func New(cfg Config) (http.Handler, error) {
	s := &server{Config: cfg, log: cfg.Log, imports: make(chan struct{}, maxImports)}
	s.setDefaults()
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "viop_http_request_seconds",
		Help:    "Time to answer HTTP requests, by route pattern and class of status.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 7),
	}, []string{"pattern", "status"})
	if err := cfg.Metrics.Register(s.requests); err != nil {
		return nil, err
	}
	client, err := newClient(s.Client)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.mountAPI(mux)
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Metrics, promhttp.HandlerOpts{}))
	mux.Handle("GET /v1/ws", cfg.Signaling)
	client.mount(mux)
	return s.guarded(mux), nil
}

func (s *server) setDefaults() {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Rate == 0 {
		s.Rate, s.Burst = 20, 60
	}
	s.limits = newLimits(s.Rate, s.Burst)
	s.waiters = &waiters{most: maxWaiters, mostOf: maxWaitersOf, by: map[string]int{}}
	s.downloading = &waiters{most: maxDownloads, mostOf: maxDownloadsOf, by: map[string]int{}}
}
