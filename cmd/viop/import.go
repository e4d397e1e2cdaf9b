package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/records"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
	"viop/rooms/schedule/intake"
)

// importCmd takes files of scheduling systems in, through the API of a running
// server: by the same rules as anybody's, and beside whatever goes on there.
type importCmd struct {
	clientFlags `embed:""`

	Format intake.Format `arg:"" enum:"csv,ics,fhir" help:"csv (sessions, rosters, authorizations: the header row says which), ics (iCalendar) or fhir (a Bundle or NDJSON of Appointments and Groups)."`
	Files  []string      `arg:"" name:"file" help:"Files, one after the other; - is standard input. A file is taken in whole or not at all; the first that is refused is the last."`

	DryRun bool `help:"Say what would change, and change nothing."`
	JSON   bool `name:"json" help:"Print what the server says of each file as a line of JSON."`

	Program   string             `help:"Program of calendars and appointments, and of rows that name none."`
	Source    string             `help:"Which calendar or server it is: the same event of another one is another session. Default: the format."`
	From      time.Time          `format:"2006-01-02" placeholder:"DATE" help:"Of a calendar, what is read begins on this day (UTC). Default: yesterday."`
	Until     time.Time          `format:"2006-01-02" placeholder:"DATE" help:"It ends before this day, at most 400 days later. Default: half a year later."`
	Service   attendance.Service `help:"Service of what names none; default group."`
	Cohort    string             `help:"Cohort that is expected in the sessions of a calendar."`
	Attendees string             `placeholder:"SYSTEM" help:"System of the identifiers by which the addresses of a calendar's attendees are people."`
	Titles    bool               `help:"Take the SUMMARY of events as title. Everybody sees it, also on lock screens."`
	Group     string             `placeholder:"SYSTEM" help:"System of the identifier that appointments of one session share."`
}

// Help is printed by --help.
func (importCmd) Help() string {
	return `Ends with 0 when all was taken in (or, with --dry-run, would be), 1 when a file is refused,
2 when the command makes no sense, 3 when there is no answer, 4 when the token does not allow it
(it needs the scope imports:write). Reports go to standard output, progress to standard error.`
}

// Run implements the command.
func (c importCmd) Run(ctx context.Context, s std) error {
	api, err := c.client(s.err)
	if err != nil {
		return end(s, endUsage, "%v", err)
	}
	for i, name := range c.Files {
		text, err := readInput(s.in, name)
		if err != nil {
			return end(s, endUsage, "%v", err)
		}
		if len(text) > intake.MaxBytes {
			return end(s, endRefused, "%s: a file has at most %d bytes", name, intake.MaxBytes)
		}
		if len(c.Files) > 1 {
			api.say("%s: file %d of %d, %d bytes", name, i+1, len(c.Files), len(text))
		}
		if err := c.send(ctx, s, api, name, text); err != nil {
			return err
		}
	}
	return nil
}

func (c importCmd) send(ctx context.Context, s std, api *client, name string, text []byte) error {
	done := api.waiting(name)
	got, err := api.post(ctx, "/v1/imports/"+string(c.Format), c.query(), mediaType(c.Format), text)
	done()
	if err != nil {
		return end(s, endUnreachable, "%s: %v", name, err)
	}
	var told importAnswer
	if err := json.Unmarshal(got.body, &told); err != nil {
		return end(s, endUnreachable, "%s: %s answered %d, and nothing that could be read", name, api.base, got.status)
	}
	if got.status == http.StatusOK || told.Refusal != nil {
		if err := c.print(s.out, name, told, got.body); err != nil {
			return err
		}
	}
	switch {
	case got.status == http.StatusOK:
		return nil
	case told.Refusal != nil:
		return endRefused
	case got.status == http.StatusUnauthorized, got.status == http.StatusForbidden:
		return end(s, endForbidden, "%s: %s %s", name, told.Title, told.Detail)
	case got.status >= 500, got.status == http.StatusTooManyRequests, got.status == http.StatusPreconditionFailed:
		return end(s, endUnreachable, "%s: %s %s", name, told.Title, told.Detail)
	}
	for _, e := range told.Errors {
		fmt.Fprintf(s.err, "viop: %s: %s\n", e.Pointer, e.Detail)
	}
	return end(s, endRefused, "%s: %s %s", name, told.Title, told.Detail)
}

// importAnswer is a report, or a problem with a report in it.
type importAnswer struct {
	intake.Report
	Series []struct {
		Series string `json:"series"`
		schedule.Revision
	} `json:"series"`
	Moved   []records.Moved `json:"moved"`
	Title   string          `json:"title"`
	Detail  string          `json:"detail"`
	Errors  form.Problems   `json:"errors"`
	Refusal *intake.Report  `json:"report"`
}

// print tells of one file; with --json, what the server said.
func (c importCmd) print(w io.Writer, name string, told importAnswer, said []byte) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(struct {
			File   string          `json:"file"`
			Answer json.RawMessage `json:"answer"`
		}{name, said})
	}
	var text strings.Builder
	if len(c.Files) > 1 {
		text.WriteString(name + ":\n")
	}
	if told.Refusal != nil {
		text.WriteString(told.Refusal.String())
	} else {
		for _, s := range told.Series {
			fmt.Fprintf(&text, "series %s: %d sessions made, %d changed, %d removed, %d left as they are\n",
				s.Series, len(s.Made), len(s.Changed), len(s.Removed), len(s.Left))
		}
		for _, m := range told.Moved {
			fmt.Fprintf(&text, "record %s/%s: %s becomes %s\n", m.Session, m.Person, counted(m.Before), counted(m.After))
		}
		text.WriteString(told.String())
	}
	if c.DryRun && told.Refusal == nil {
		text.WriteString("This was a dry run: nothing was changed.\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func counted(c *records.Counted) string {
	if c == nil {
		return "no record"
	}
	return fmt.Sprintf("%s %v", c.Status, time.Duration(c.CreditedMS)*time.Millisecond)
}

// query are the parameters of the call.
func (c importCmd) query() url.Values {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("program", c.Program)
	set("source", c.Source)
	set("service", string(c.Service))
	set("cohort", c.Cohort)
	set("attendees", c.Attendees)
	set("group", c.Group)
	for name, at := range map[string]time.Time{"from": c.From, "until": c.Until} {
		if !at.IsZero() {
			set(name, at.UTC().Format(time.RFC3339))
		}
	}
	for name, on := range map[string]bool{"dry_run": c.DryRun, "titles": c.Titles} {
		if on {
			set(name, "1")
		}
	}
	return query
}

func mediaType(format intake.Format) string {
	return map[intake.Format]string{
		intake.CSV: "text/csv", intake.ICS: "text/calendar", intake.FHIR: "application/fhir+json",
	}[format]
}

// readInput reads a file, or standard input for "-", and not much more than is
// taken in.
func readInput(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, intake.MaxBytes+1))
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, intake.MaxBytes+1))
}

// end says why, and is the status to end with.
func end(s std, status exitStatus, format string, args ...any) error {
	fmt.Fprintf(s.err, "viop: "+format+"\n", args...)
	return status
}
