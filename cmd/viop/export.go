package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

// exportCmd takes attendance out, and looks after those to whom it goes. It
// reads the store itself, beside a server that runs, and goes through the same
// gate: no basis, no export, and every export is accounted for.
type exportCmd struct {
	Attendance   exportArchiveCmd `cmd:"" help:"Tables of a span of dates, as a ZIP."`
	Fhir         exportFHIRCmd    `cmd:"" name:"fhir" help:"FHIR R4 resources of a span of dates, as a transaction Bundle."`
	Feed         exportFeedCmd    `cmd:"" help:"What was told on a span of dates, one item a line (JSON)."`
	Destinations destinationsCmd  `cmd:"" help:"To whom things go, and how that goes."`
	Deliveries   deliveriesCmd    `cmd:"" help:"The last attempts at a destination, newest first."`
	Dead         deadCmd          `cmd:"" help:"Dead letters of a destination, oldest first."`
	Redrive      redriveCmd       `cmd:"" help:"Send dead letters again, and what waits at once."`
	Test         testCmd          `cmd:"" help:"Send a test to a destination: exit status 1 unless it is taken."`
}

// exitNotAllowed is the exit status of an export that may not be: there is no
// destination, or none with a basis. Everything else that fails is 1.
const exitNotAllowed = 3

// doors are what the commands go through.
type doors struct {
	store   *redisstore.Store
	gate    *delivery.Gate
	courier *delivery.Courier
}

type doorFlags struct {
	storeFlags `embed:""`
	logFlags   `embed:""`
}

// through opens the store and closes it behind do.
func (f doorFlags) through(ctx context.Context, s std, do func(doors) error) error {
	log := f.logger(s.err)
	store, err := f.open(ctx, true, log)
	if err != nil {
		return err
	}
	defer store.Close()
	gate := delivery.NewGate(store, store.Now)
	err = do(doors{store, gate, delivery.NewCourier(delivery.CourierConfig{
		Gate: gate, Outbox: store, Feed: delivery.NewTeller(store), Log: log,
	})})
	if errors.Is(err, delivery.ErrNoBasis) || errors.Is(err, delivery.ErrDisabled) || errors.Is(err, schedule.ErrNotFound) {
		fmt.Fprintln(s.err, "viop:", err)
		return exitStatus(exitNotAllowed)
	}
	return err
}

// outFlags are of what writes a file.
type outFlags struct {
	doorFlags   `embed:""`
	From        string `required:"" placeholder:"DATE" help:"First date, such as 2026-11-02."`
	To          string `required:"" placeholder:"DATE" help:"Last date."`
	Destination string `required:"" help:"Id of the destination it is for: it must have a basis."`
	By          string `required:"" help:"Opaque id of who takes it out, for the accounting."`
	Output      string `short:"o" default:"-" help:"File to write, - for standard output. It is there when it is complete, and not before."`
}

// write exports into the output.
func (f outFlags) write(ctx context.Context, s std, do func(doors, delivery.Destination, delivery.Span, io.Writer) error) error {
	var span delivery.Span
	for _, date := range []struct {
		flag, text string
		into       *attendance.Date
	}{{"--from", f.From, &span.From}, {"--to", f.To, &span.To}} {
		if err := date.into.UnmarshalText([]byte(date.text)); err != nil {
			return fmt.Errorf("%s: %q is not a date, such as 2026-11-02", date.flag, date.text)
		}
	}
	if span.To < span.From {
		return errors.New("--to: this is before --from")
	}
	for _, id := range []struct{ flag, text string }{{"--destination", f.Destination}, {"--by", f.By}} {
		if !auth.ValidID(id.text) {
			return fmt.Errorf("%s: %q is not an id", id.flag, id.text)
		}
	}
	return f.through(ctx, s, func(d doors) error {
		// Whoever has the store's keys may name any destination.
		to, err := d.gate.Resolve(ctx, f.By, true, delivery.ID(f.Destination))
		if err != nil {
			return fmt.Errorf("destination %s: %w", f.Destination, err)
		}
		if f.Output == "-" {
			return buffered(s.out, func(w io.Writer) error { return do(d, to, span, w) })
		}
		return complete(f.Output, func(w io.Writer) error { return do(d, to, span, w) })
	})
}

func buffered(out io.Writer, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(out, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// complete writes a file beside its place and puts it there when it is whole.
func complete(path string, write func(io.Writer) error) error {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // only its owner may read it
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part.Name()) }() // it is elsewhere by then, if all went well
	err = buffered(part, write)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// progress says on standard error how far it has come.
type progress struct {
	to    io.Writer
	what  string
	total int
	done  int
	said  time.Time
}

// sayEvery is how often progress is told of long work.
const sayEvery = 2 * time.Second

func (p *progress) step() {
	p.done++
	if time.Since(p.said) >= sayEvery {
		p.said = time.Now()
		fmt.Fprintf(p.to, "%d of %d %s\n", p.done, p.total, p.what)
	}
}

type exportArchiveCmd struct {
	outFlags `embed:""`
	Raw      bool `help:"For machines: cells as they are. Otherwise what a spreadsheet would take for a formula is disarmed."`
}

func (c exportArchiveCmd) Run(ctx context.Context, s std) error {
	return c.write(ctx, s, func(d doors, to delivery.Destination, span delivery.Span, out io.Writer) error {
		seed, err := d.store.Derive(signaturesPurpose)
		if err != nil {
			return err
		}
		signer, err := export.NewSigner(seed)
		if err != nil {
			return err
		}
		e, err := delivery.NewExtract(ctx, d.store, d.gate, to, c.By, delivery.AsCSV, span)
		if err != nil {
			return err
		}
		now, err := d.store.Now(ctx)
		if err != nil {
			return err
		}
		a := export.Archive{Made: attendance.At(now), Generator: provenance().Evaluator, Signer: signer}
		if c.Raw {
			a.Style = export.Raw
		}
		e.Each = (&progress{to: s.err, what: "records and weeks", total: e.Records + e.Weeks, said: time.Now()}).step
		m, err := e.Archive(ctx, out, a)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%d records and %d weeks for %s (%s), signed by %s\n", e.Records, e.Weeks, to.ID, to.Basis, m.Signer)
		return nil
	})
}

type exportFHIRCmd struct {
	outFlags `embed:""`
}

func (c exportFHIRCmd) Run(ctx context.Context, s std) error {
	return c.write(ctx, s, func(d doors, to delivery.Destination, span delivery.Span, out io.Writer) error {
		e, err := delivery.NewExtract(ctx, d.store, d.gate, to, c.By, delivery.AsFHIR, span)
		if err != nil {
			return err
		}
		e.Each = (&progress{to: s.err, what: "records and weeks", total: e.Records + e.Weeks, said: time.Now()}).step
		if err := e.Bundle(ctx, out); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%d records and %d weeks for %s (%s)\n", e.Records, e.Weeks, to.ID, to.Basis)
		return nil
	})
}

type exportFeedCmd struct {
	outFlags `embed:""`
}

// feedPage is how many items are read and accounted for at a time.
const feedPage = 200

func (c exportFeedCmd) Run(ctx context.Context, s std) error {
	return c.write(ctx, s, func(d doors, to delivery.Destination, span delivery.Span, out io.Writer) error {
		teller, lines := delivery.NewTeller(d.store), json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		state, err := d.store.State(ctx, to.ID)
		if err != nil {
			return err
		}
		p := progress{to: s.err, what: "entries of the feed", total: int(state.End), said: time.Now()}
		items := 0
		for after := int64(0); ; {
			told, err := teller.Told(ctx, to, after, feedPage)
			if err != nil {
				return err
			}
			if len(told) == 0 {
				fmt.Fprintf(s.err, "%d items for %s (%s)\n", items, to.ID, to.Basis)
				return nil
			}
			var page []export.Item
			for _, t := range told {
				p.step()
				if t.Err != nil {
					return t.Err
				}
				if span.Told(t.Item.At) {
					page = append(page, t.Item)
				}
			}
			if err := d.gate.Disclose(ctx, to, c.By, delivery.AsFeed, delivery.RowsOf(page)...); err != nil {
				return err
			}
			for _, item := range page {
				if err := lines.Encode(item); err != nil {
					return err
				}
			}
			after, items = told[len(told)-1].Seq, items+len(page)
		}
	})
}

type destinationsCmd struct {
	doorFlags `embed:""`
}

func (c destinationsCmd) Run(ctx context.Context, s std) error {
	return c.through(ctx, s, func(d doors) error {
		all, err := d.gate.Destinations(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tKIND\tBASIS\tSTOPPED\tBACKLOG\tDEAD\tLAST")
		for _, one := range all {
			status, err := d.courier.Status(ctx, one.ID)
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", one.ID, one.Kind, orDash(string(one.Basis)),
				orDash(fmt.Sprint(status.Stopped)), status.Backlog, status.DeadLetters, last(status))
		}
		return table.Flush()
	})
}

func orDash(text string) string {
	if text == "" || text == "[]" {
		return "-"
	}
	return text
}

// last is the last attempt at a destination or, of one that fetches, when
// something last left for it.
func last(s delivery.Status) string {
	a := s.LastDelivered
	if a == nil || s.LastFailed != nil && s.LastFailed.At > a.At {
		a = s.LastFailed
	}
	switch {
	case a != nil:
		return fmt.Sprintf("%s %s", a.At, a.Result)
	case s.LastDisclosed > 0:
		return s.LastDisclosed.String() + " fetched"
	}
	return "-"
}

// oneFlags name a destination.
type oneFlags struct {
	doorFlags   `embed:""`
	Destination string `arg:"" help:"Id of the destination."`
}

func (f oneFlags) id() delivery.ID { return delivery.ID(f.Destination) }

type deliveriesCmd struct {
	oneFlags `embed:""`
	Limit    int `default:"50" help:"At most so many."`
}

func (c deliveriesCmd) Run(ctx context.Context, s std) error {
	return c.through(ctx, s, func(d doors) error {
		attempts, err := d.courier.Log(ctx, c.id(), max(1, c.Limit))
		if err != nil {
			return fmt.Errorf("destination %s: %w", c.Destination, err)
		}
		table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "AT\tCHANGE\tTYPE\tTRY\tRESULT\tSTATUS\tTOOK\tPROBLEM")
		for _, a := range attempts {
			printAttempt(table, a)
		}
		return table.Flush()
	})
}

func printAttempt(w io.Writer, a delivery.Attempt) {
	fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%d\t%s\t%s\n", a.At, a.Seq, a.Type, a.Try, a.Result, a.Status, a.Took, a.Problem)
}

type deadCmd struct {
	oneFlags `embed:""`
}

func (c deadCmd) Run(ctx context.Context, s std) error {
	return c.through(ctx, s, func(d doors) error {
		table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "AT\tCHANGE\tTYPE\tTRY\tRESULT\tSTATUS\tTOOK\tPROBLEM")
		for after := int64(0); ; {
			letters, err := d.courier.Dead(ctx, c.id(), after, feedPage)
			if err != nil {
				return fmt.Errorf("destination %s: %w", c.Destination, err)
			}
			if len(letters) == 0 {
				return table.Flush()
			}
			for _, letter := range letters {
				printAttempt(table, letter.Attempt)
			}
			after = letters[len(letters)-1].Seq
		}
	})
}

type redriveCmd struct {
	oneFlags `embed:""`
	Change   int64 `help:"Number of the change of one dead letter; left out, all of them."`
}

func (c redriveCmd) Run(ctx context.Context, s std) error {
	return c.through(ctx, s, func(d doors) error {
		n, err := d.courier.Redrive(ctx, c.id(), c.Change)
		if err != nil {
			return fmt.Errorf("destination %s: %w", c.Destination, err)
		}
		fmt.Fprintf(s.out, "%d dead letters are in the queue again\n", n)
		return nil
	})
}

type testCmd struct {
	oneFlags `embed:""`
}

func (c testCmd) Run(ctx context.Context, s std) error {
	return c.through(ctx, s, func(d doors) error {
		a, err := d.courier.Test(ctx, c.id())
		if err != nil {
			return fmt.Errorf("destination %s: %w", c.Destination, err)
		}
		fmt.Fprintf(s.out, "%s: %s, status %d, %s %s\n", c.Destination, a.Result, a.Status, a.Took, a.Problem)
		if a.Result != delivery.Delivered {
			return exitStatus(1)
		}
		return nil
	})
}
