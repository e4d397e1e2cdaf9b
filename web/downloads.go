package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
)

// Extracts reads what was told about a span of dates, for a destination, and
// writes down that it leaves; the node makes them of delivery.NewExtract.
type Extracts func(ctx context.Context, to delivery.Destination, by string, as delivery.Format, span delivery.Span) (*delivery.Extract, error)

const (
	// downloadWithin bounds a download, however large: a year of a thousand
	// patients takes a minute.
	downloadWithin = 15 * time.Minute
	// stallWithin is how long a reader may take none of it.
	stallWithin = 30 * time.Second
	// maxDownloads at a time, on this node and of one subject: each reads
	// thousands of documents.
	maxDownloads   = 4
	maxDownloadsOf = 1
	// maxDates of one: a year and a day.
	maxDates = 366
)

// downloads are the operations that may take long.
func (op operation) downloads() bool {
	return op.path == "/v1/attendance.zip" || op.path == "/v1/fhir/Bundle"
}

// download is what both of them begin with.
type download struct {
	to      delivery.Destination
	span    delivery.Span
	extract *delivery.Extract
	leave   func()
}

// begin finds out for whom it is and what is in it. leave must be called.
func (s *server) begin(r *request, as delivery.Format) (d download, err error) {
	if d.span.From, err = dateOf(r, "from"); err != nil {
		return d, err
	}
	if d.span.To, err = dateOf(r, "to"); err != nil {
		return d, err
	}
	if d.span.To < d.span.From || d.span.To-d.span.From >= maxDates {
		return d, badQuery("to", "This must not be before from, and less than 366 days after it.")
	}
	if d.to, err = s.receiver(r); err != nil {
		return d, err
	}
	leave, ok := s.downloading.enter(r.grant.Subject())
	if !ok {
		return d, newProblem(http.StatusTooManyRequests, "too_many_downloads", "Too many downloads at a time.",
			"Wait until the other one is complete.").with("Retry-After", "30")
	}
	if d.extract, err = s.Extracts(r.Context(), d.to, r.grant.Subject(), as, d.span); err != nil {
		leave()
		return d, err
	}
	d.leave = leave
	return d, nil
}

func (s *server) attendanceZIP(w http.ResponseWriter, r *request) error {
	style, err := styleOf(r)
	if err != nil {
		return err
	}
	d, err := s.begin(r, delivery.AsCSV)
	if err != nil {
		return err
	}
	defer d.leave()
	name := fmt.Sprintf("attendance-%s-%s.zip", d.span.From, d.span.To)
	s.stream(w, r, "application/zip", name, func(out io.Writer) error {
		_, err := d.extract.Archive(r.Context(), out, export.Archive{
			Made: attendance.At(s.Now()), Generator: s.Provenance.Evaluator, Style: style, Signer: s.Signer,
		})
		return err
	})
	return nil
}

// styleOf is for whom tables are written.
func styleOf(r *request) (export.Style, error) {
	switch r.URL.Query().Get("raw") {
	case "", "0":
		return export.ForSpreadsheets, nil
	case "1":
		return export.Raw, nil
	}
	return "", badQuery("raw", "This must be 0 or 1.")
}

func (s *server) fhirBundle(w http.ResponseWriter, r *request) error {
	d, err := s.begin(r, delivery.AsFHIR)
	if err != nil {
		return err
	}
	defer d.leave()
	s.stream(w, r, "application/fhir+json", "", func(out io.Writer) error {
		return d.extract.Bundle(r.Context(), out)
	})
	return nil
}

// stream sends what write writes. When that fails, the connection is cut, so
// that nobody takes a part for the whole.
func (s *server) stream(w http.ResponseWriter, r *request, kind, name string, write func(io.Writer) error) {
	w.Header().Set("Content-Type", kind)
	if name != "" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	out := bufio.NewWriterSize(patient{w, http.NewResponseController(w)}, 64<<10)
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "a download failed", "request", requestID(r.Context()), "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// patient gives a reader some time for every piece, and not for ever.
type patient struct {
	io.Writer
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(stallWithin)) // a test's recorder has none
	return p.Writer.Write(b)
}
