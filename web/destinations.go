package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/delivery"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// Gate says who may be told, and writes down what they are; delivery.Gate is one.
type Gate interface {
	Destination(context.Context, delivery.ID) (delivery.Destination, schedule.Tag, error)
	Destinations(context.Context) ([]delivery.Destination, error)
	Put(context.Context, delivery.Destination, schedule.Condition) (tag schedule.Tag, created bool, err error)
	Delete(context.Context, delivery.ID, schedule.Condition) error
	NewKey(context.Context, delivery.ID) (delivery.Key, error)
	// Resolve finds the destination as which a subject fetches.
	Resolve(ctx context.Context, subject string, manages bool, named delivery.ID) (delivery.Destination, error)
	// Disclose writes down what is about to leave.
	Disclose(ctx context.Context, to delivery.Destination, by string, as delivery.Format, rows ...delivery.Disclosure) error
	Disclosures(ctx context.Context, person rooms.PersonID, after, limit int) ([]delivery.Disclosure, error)
}

// Courier knows how it goes with destinations that things are brought to;
// delivery.Courier is one.
type Courier interface {
	Status(context.Context, delivery.ID) (delivery.Status, error)
	Log(ctx context.Context, of delivery.ID, limit int) ([]delivery.Attempt, error)
	Dead(ctx context.Context, of delivery.ID, after int64, limit int) ([]delivery.DeadLetter, error)
	Redrive(ctx context.Context, of delivery.ID, seq int64) (int, error)
	Test(context.Context, delivery.ID) (delivery.Attempt, error)
}

func (s *server) destinations() document[delivery.Destination] {
	return document[delivery.Destination]{
		noun: "destination", puts: auth.DestinationsWrite,
		read: delivery.Read,
		bind: bindTo("/id", func(d *delivery.Destination) *delivery.ID { return &d.ID }),
		get: func(ctx context.Context, id string) (delivery.Destination, schedule.Tag, error) {
			return s.Gate.Destination(ctx, delivery.ID(id))
		},
		// It checks what is stored in the same step.
		put: func(ctx context.Context, d delivery.Destination, c schedule.Condition, _ options) (outcome, error) {
			tag, created, err := s.Gate.Put(ctx, d, c)
			if created {
				return outcome{http.StatusCreated, tag, d.Public()}, err
			}
			return outcome{http.StatusOK, tag, d.Public()}, err
		},
	}
}

func (s *server) getDestination(w http.ResponseWriter, r *request) error {
	return s.destinations().serveGet(w, r)
}

func (s *server) putDestination(w http.ResponseWriter, r *request) error {
	return s.destinations().servePut(w, r)
}

func destinationOf(r *request) delivery.ID { return delivery.ID(r.PathValue("id")) }

// destinationRow is a line of the list.
type destinationRow struct {
	Destination delivery.Destination `json:"destination"`
	Status      delivery.Status      `json:"status"`
}

func (s *server) listDestinations(w http.ResponseWriter, r *request) error {
	all, err := s.Gate.Destinations(r.Context())
	if err != nil {
		return err
	}
	rows := []destinationRow{}
	for _, d := range all {
		status, err := s.Courier.Status(r.Context(), d.ID)
		if errors.Is(err, schedule.ErrNotFound) {
			continue // it was taken out just now
		}
		if err != nil {
			return err
		}
		rows = append(rows, destinationRow{d, status})
	}
	return reply(w, http.StatusOK, struct {
		Destinations []destinationRow `json:"destinations"`
	}{rows})
}

func (s *server) deleteDestination(w http.ResponseWriter, r *request) error {
	condition, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	if err := s.Gate.Delete(r.Context(), destinationOf(r), condition); err != nil {
		return missing(err, "destination")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) destinationStatus(w http.ResponseWriter, r *request) error {
	status, err := s.Courier.Status(r.Context(), destinationOf(r))
	if err != nil {
		return missing(err, "destination")
	}
	return reply(w, http.StatusOK, status)
}

func (s *server) makeDestinationKey(w http.ResponseWriter, r *request) error {
	key, err := s.Gate.NewKey(r.Context(), destinationOf(r))
	if err != nil {
		return missing(err, "destination")
	}
	return reply(w, http.StatusCreated, struct {
		Key    delivery.KeyView `json:"key"`
		Secret string           `json:"secret,omitempty"`
	}{key.View(), key.Secret()})
}

func (s *server) listDeliveries(w http.ResponseWriter, r *request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	attempts, err := s.Courier.Log(r.Context(), destinationOf(r), limit)
	if err != nil {
		return missing(err, "destination")
	}
	return reply(w, http.StatusOK, struct {
		Deliveries []delivery.Attempt `json:"deliveries"`
	}{orEmpty(attempts)})
}

func (s *server) listDeadLetters(w http.ResponseWriter, r *request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	after, err := afterOf(r)
	if err != nil {
		return err
	}
	letters, err := s.Courier.Dead(r.Context(), destinationOf(r), after, limit)
	if err != nil {
		return missing(err, "destination")
	}
	var next int64
	if len(letters) == limit {
		next = letters[limit-1].Seq
	}
	return reply(w, http.StatusOK, struct {
		DeadLetters []delivery.DeadLetter `json:"dead_letters"`
		Next        int64                 `json:"next,omitempty"`
	}{orEmpty(letters), next})
}

// afterOf reads the number of a page.
func afterOf(r *request) (int64, error) {
	text := r.URL.Query().Get("after")
	if text == "" {
		return 0, nil
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, badQuery("after", "This must be what next said on the page before.")
	}
	return after, nil
}

func (s *server) redrive(w http.ResponseWriter, r *request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var order struct {
		Seq *int64 `json:"seq,omitempty"`
	}
	if err := form.Read(body, &order); err != nil {
		return err
	}
	seq := int64(0) // all
	if order.Seq != nil {
		if seq = *order.Seq; seq < 1 {
			return form.Problems{{Pointer: "/seq", Detail: "Dead letters count from 1."}}
		}
	}
	back, err := s.Courier.Redrive(r.Context(), destinationOf(r), seq)
	if err != nil {
		return missing(err, "destination or dead letter")
	}
	return reply(w, http.StatusOK, struct {
		Redriven int `json:"redriven"`
	}{back})
}

func (s *server) testDestination(w http.ResponseWriter, r *request) error {
	attempt, err := s.Courier.Test(r.Context(), destinationOf(r))
	if err != nil {
		return missing(err, "destination")
	}
	return reply(w, http.StatusOK, attempt)
}

func (s *server) listDisclosures(w http.ResponseWriter, r *request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	after, err := afterOf(r)
	if err != nil {
		return err
	}
	rows, err := s.Gate.Disclosures(r.Context(), rooms.PersonID(r.PathValue("id")), int(after), limit)
	if err != nil {
		return err
	}
	next := 0
	if len(rows) == limit {
		next = rows[limit-1].Seq
	}
	return reply(w, http.StatusOK, struct {
		Disclosures []delivery.Disclosure `json:"disclosures"`
		Next        int                   `json:"next,omitempty"`
	}{orEmpty(rows), next})
}

// deliveryProblem finds the document for what delivery refuses.
func deliveryProblem(err error) *problem {
	switch {
	case errors.Is(err, delivery.ErrNoBasis):
		return newProblem(http.StatusForbidden, "no_disclosure_basis", "Nothing leaves without a basis.",
			"There is no destination with a disclosure basis (42 CFR part 2) to fetch this for. Put one in "+
				"(PUT /v1/destinations/{id}) that is called like the token's subject, or name one with ?destination=.")
	case errors.Is(err, delivery.ErrNotTheirs):
		return newProblem(http.StatusForbidden, "other_destination", "The token does not allow this.",
			"Its subject is none of those that may fetch as this destination.")
	case errors.Is(err, delivery.ErrDisabled):
		return newProblem(http.StatusForbidden, "destination_disabled", "The destination is switched off.",
			"Nothing is brought to it and nothing fetched for it until somebody switches it on.")
	case errors.Is(err, delivery.ErrNoWebhook):
		return newProblem(http.StatusConflict, "no_webhook", "This is no webhook.",
			"Only messages of webhooks are signed, so only they have keys.")
	case errors.Is(err, delivery.ErrNotPushed):
		return newProblem(http.StatusConflict, "not_pushed", "Nothing is brought to this destination.",
			"It fetches by itself, so there is nothing to be tried.")
	case errors.Is(err, delivery.ErrNoKey):
		return newProblem(http.StatusConflict, "no_key", "The webhook has no key.",
			"Make one: POST /v1/destinations/{id}/keys.")
	}
	if soon, ok := errors.AsType[*delivery.TooSoon](err); ok {
		return tooManyRequests(soon.Wait)
	}
	return nil
}
