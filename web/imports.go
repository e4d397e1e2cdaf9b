package web

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
	"viop/rooms/schedule/intake"
)

// Limits of imports.
const (
	// importWithin bounds reading the file, and then everything that is done
	// with it. An import that has begun is not ended because its caller left.
	importWithin = time.Minute
	// importTries is how often an import looks again when documents changed
	// while it looked.
	importTries = 4
	// maxImports go on at once on this node: each holds a file.
	maxImports = 2
	// maxImportWrites is what Store.PutAll takes at once.
	maxImportWrites = 10_000
)

// importTypes are what a file may be sent as.
func importTypes(format intake.Format) []string {
	return map[intake.Format][]string{
		intake.CSV:  {"text/csv"},
		intake.ICS:  {"text/calendar"},
		intake.FHIR: {"application/fhir+json", "application/json", "application/fhir+ndjson", "application/x-ndjson"},
	}[format]
}

// importFile takes a file in, whole or not at all.
func (s *server) importFile(w http.ResponseWriter, r *request) error {
	format := intake.Format(r.PathValue("format"))
	if importTypes(format) == nil {
		return notFound("format. It is csv, ics or fhir")
	}
	settings, dryRun, err := s.importSettings(r)
	if err != nil {
		return err
	}
	select {
	case s.imports <- struct{}{}:
		defer func() { <-s.imports }()
	default:
		return tooManyRequests(5 * time.Second)
	}
	text, err := importBody(w, r, format)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), importWithin)
	defer cancel()
	taken, err := s.take(ctx, format, text, settings, dryRun)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, taken)
}

// taken is what a file came to.
type taken struct {
	intake.Report
	DryRun bool `json:"dry_run"`
	reworked
}

func importRefused(report intake.Report) error {
	p := newProblem(http.StatusUnprocessableEntity, "import_refused", "The file cannot be taken in.",
		"Nothing was changed. Each of the lines under report that are refused has to be put right.")
	p.Report = &report
	return p
}

// take reads, compares and writes. When a document changed between the last two,
// all of it is done again.
func (s *server) take(ctx context.Context, format intake.Format, text []byte, settings intake.Settings, dryRun bool) (t taken, err error) {
	for range importTries {
		file := intake.Read(format, text, settings)
		for needs := file.Needs(); !needs.Empty(); needs = file.Needs() {
			known, err := s.known(ctx, needs)
			if err != nil {
				return t, err
			}
			file.Learn(known)
		}
		writes, report := file.Result()
		if report.Refused > 0 {
			return t, importRefused(report)
		}
		t = taken{Report: report, DryRun: dryRun}
		if writes, err = s.alsoOf(ctx, &t, writes); err != nil {
			return t, err
		}
		if dryRun || len(writes) == 0 {
			return t, nil
		}
		if _, err = s.Store.PutAll(ctx, writes); !errors.Is(err, schedule.ErrChanged) {
			return t, err
		}
	}
	return t, err
}

// alsoOf adds what follows from the writes of a file: series that meet with a
// cohort of it, and what moves in records.
func (s *server) alsoOf(ctx context.Context, t *taken, writes []schedule.Write) ([]schedule.Write, error) {
	r := rework{server: s}
	met := map[string]bool{}
	for _, change := range t.Documents {
		if change.Evidence {
			met[change.ID] = true
		}
	}
	written := map[schedule.Name]bool{}
	for _, w := range writes {
		written[w.Document.Called()] = true
		switch v := w.Document.(type) {
		case schedule.Cohort:
			if !w.Keep {
				if err := r.cohort(ctx, v); err != nil {
					return nil, err
				}
			}
		case schedule.Session:
			if met[string(v.ID)] {
				r.met = append(r.met, v)
			}
		}
	}
	for _, w := range r.writes {
		if name := w.Document.Called(); !written[name] { // what the file says of a session counts more
			written[name] = true
			writes = append(writes, w)
		}
	}
	if len(writes) > maxImportWrites {
		return nil, newProblem(http.StatusUnprocessableEntity, "import_too_large", "The file changes too much at once.",
			"With the series that follow from it, it changes more than 10,000 documents. Split it.")
	}
	t.Series = r.reports
	byProgram := map[schedule.ProgramID][]schedule.Session{}
	for _, v := range r.met {
		byProgram[v.Program] = append(byProgram[v.Program], v)
	}
	for _, program := range slices.Sorted(maps.Keys(byProgram)) {
		moved, err := s.moved(ctx, byProgram[program]...)
		if err != nil {
			return nil, err
		}
		t.Moved = append(t.Moved, moved...)
	}
	return writes, nil
}

// known answers what a file needs.
func (s *server) known(ctx context.Context, needs intake.Needs) (known intake.Known, err error) {
	if known.Documents, err = s.Store.Documents(ctx, needs.Documents); err != nil {
		return known, err
	}
	if known.People, err = s.Store.Identified(ctx, needs.Identifiers); err != nil {
		return known, err
	}
	if needs.Source != "" {
		sessions, err := s.Store.SessionsFrom(ctx, needs.Source, needs.From, needs.Until)
		if err != nil {
			return known, err
		}
		if known.Documents == nil {
			known.Documents = map[schedule.Name]schedule.Stored{}
		}
		for name, stored := range sessions {
			known.Documents[name] = stored
		}
	}
	var sessions []rooms.SessionID
	for name := range known.Documents {
		if name.Kind == schedule.KindSession {
			sessions = append(sessions, rooms.SessionID(name.ID))
		}
	}
	standing, err := s.Store.Standing(ctx, "", sessions)
	known.Evidence = map[rooms.SessionID]bool{}
	for id, one := range standing {
		if one.Evidence {
			known.Evidence[id] = true
		}
	}
	return known, err
}

// importBody reads the file, in the time that there is for it.
func importBody(w http.ResponseWriter, r *request, format intake.Format) ([]byte, error) {
	types := importTypes(format)
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !slices.Contains(types, kind) {
		return nil, newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "This is not a file of the format.",
			"Send it with Content-Type: "+types[0]+".").with("Accept", types[0])
	}
	// Where the connection cannot be told, the server's own limits hold.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(importWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, intake.MaxBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, err
	}
	if err != nil {
		return nil, malformed("The body ended before it was complete.")
	}
	return body, nil
}

// importSettings are the parameters of the URL.
func (s *server) importSettings(r *request) (settings intake.Settings, dryRun bool, err error) {
	query := r.URL.Query()
	settings = intake.Settings{
		Now: s.Now(), Program: schedule.ProgramID(query.Get("program")), Source: query.Get("source"),
		Service: attendance.Service(query.Get("service")), Cohort: schedule.CohortID(query.Get("cohort")),
		Attendees: query.Get("attendees"), Group: query.Get("group"),
	}
	for name, id := range map[string]string{"program": string(settings.Program), "cohort": string(settings.Cohort)} {
		if id != "" && !schedule.ValidID(id) {
			return settings, false, badQuery(name, "An id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : and -.")
		}
	}
	for name, text := range map[string]string{"source": settings.Source, "attendees": settings.Attendees, "group": settings.Group} {
		if len(text) > 200 {
			return settings, false, badQuery(name, "This has at most 200 characters.")
		}
	}
	if settings.Service != "" && !slices.Contains(schedule.Services(), settings.Service) {
		return settings, false, badQuery("service", "This must be one of the services of a session, such as group.")
	}
	for name, at := range map[string]*time.Time{"from": &settings.From, "until": &settings.Until} {
		if text := query.Get(name); text != "" {
			if *at, err = instantOf(text, name); err != nil {
				return settings, false, err
			}
		}
	}
	if settings.Titles, err = flagOf(r, "titles"); err != nil {
		return settings, false, err
	}
	dryRun, err = flagOf(r, "dry_run")
	return settings, dryRun, err
}

// flagOf a parameter that is 0 or 1; without it, it is 0.
func flagOf(r *request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	flag, err := strconv.ParseBool(text)
	if err != nil {
		return false, badQuery(name, "This must be 0 or 1.")
	}
	return flag, nil
}
