package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// Books keep what the records said, what was corrected and who signed;
// records.Books is one. Unknown sessions, people and programs are
// schedule.ErrNotFound.
type Books interface {
	Records(context.Context, rooms.SessionID) (*records.Sheet, error)
	Versions(context.Context, rooms.SessionID, rooms.PersonID) ([]records.Version, error)
	Correct(context.Context, rooms.SessionID, attendance.Correction) (*records.Sheet, error)
	Sign(context.Context, rooms.SessionID, records.Signature) (*records.Sheet, error)
	PersonWeeks(ctx context.Context, person rooms.PersonID, from, to attendance.Date) (*records.Weeks, error)
	ProgramWeeks(context.Context, schedule.ProgramID, attendance.Date) (*records.Weeks, error)
	// Moved is what becomes of the records if sessions are scheduled like this.
	Moved(context.Context, ...schedule.Session) ([]records.Moved, error)
}

// Provenance says what computed an answer. It stands beside the documents of
// the contract and is in no hash.
type Provenance struct {
	Evaluator string `json:"evaluator"` // version of this program
	TZData    string `json:"tzdata"`    // version of the time zone database
}

// named is a person, with a name for those who may see it.
type named struct {
	Person rooms.PersonID `json:"person"`
	Name   string         `json:"name,omitempty"`
}

// sheetView is the records of a session.
type sheetView struct {
	Format       string                   `json:"format"`
	AsOf         attendance.Instant       `json:"as_of"`
	Timezone     string                   `json:"timezone"`
	Notice       string                   `json:"notice"`
	Session      attendance.SessionResult `json:"session"`
	Records      []records.Record         `json:"records"` // by person
	Head         string                   `json:"head"`
	Versions     []records.SheetVersion   `json:"versions"`
	Stale        []records.Stale          `json:"stale"`
	Occupied     bool                     `json:"occupied"`
	People       []named                  `json:"people"`
	Facilitators []named                  `json:"facilitators"`
	Provenance   Provenance               `json:"provenance"`
}

func (s *server) attendanceJSON(w http.ResponseWriter, r *request) error {
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	return s.replySheet(w, r, http.StatusOK, sheet)
}

// sheet recomputes the records from the evidence, including what this node's
// room has handed over a moment ago.
func (s *server) sheet(r *request) (*records.Sheet, error) {
	if err := s.evidenceIn(r); err != nil {
		return nil, err
	}
	return s.Books.Records(r.Context(), sessionOf(r))
}

// evidenceIn waits until the store has what this node's room knows.
func (s *server) evidenceIn(r *request) error {
	if err := s.sessionExists(r); err != nil {
		return err
	}
	if err := s.Rooms.Flush(r.Context(), sessionOf(r)); err != nil {
		return fmt.Errorf("flush evidence: %w", err)
	}
	return nil
}

func (s *server) replySheet(w http.ResponseWriter, r *request, status int, sheet *records.Sheet) error {
	session, _, err := s.Store.Session(r.Context(), sessionOf(r))
	if err != nil {
		return err
	}
	patients, staff := peopleOf(sheet), staffOf(sheet, session)
	names, err := s.names(r, append(slices.Clone(patients), staff...))
	if err != nil {
		return err
	}
	return reply(w, status, sheetView{
		Format: export.Format, AsOf: sheet.AsOf, Timezone: sheet.Timezone, Notice: export.Notice,
		Session: sheet.Session, Records: orEmpty(sheet.Records), Head: sheet.Head, Versions: orEmpty(sheet.Versions),
		Stale: orEmpty(sheet.Stale), Occupied: sheet.Occupied,
		People: names.of(patients), Facilitators: names.of(staff), Provenance: s.Provenance,
	})
}

// peopleOf a sheet are those who have a record.
func peopleOf(sheet *records.Sheet) []rooms.PersonID {
	var people []rooms.PersonID
	for _, record := range sheet.Records {
		people = append(people, rooms.PersonID(record.Person))
	}
	return people
}

// staffOf a sheet are the facilitators who were expected or came, and whoever
// corrected or signed.
func staffOf(sheet *records.Sheet, session schedule.Session) []rooms.PersonID {
	staff := slices.Clone(session.Facilitators)
	if sheet.Input != nil {
		for _, e := range sheet.Input.Events {
			leads := slices.Contains(sheet.Input.People, attendance.Person{ID: e.Person, Role: attendance.Facilitator})
			if leads && e.Session == string(session.ID) {
				staff = append(staff, rooms.PersonID(e.Person))
			}
		}
	}
	for _, k := range sheet.Corrections {
		staff = append(staff, rooms.PersonID(k.By))
	}
	for _, signature := range sheet.Signatures {
		staff = append(staff, rooms.PersonID(signature.By))
	}
	slices.Sort(staff)
	return slices.Compact(staff)
}

// names are those that the caller may see.
type names map[rooms.PersonID]schedule.Person

// names asks for them if the token may read people.
func (s *server) names(r *request, ids []rooms.PersonID) (names, error) {
	if !r.grant.Has(auth.PeopleRead) {
		return nil, nil
	}
	return s.Store.People(r.Context(), ids)
}

func (n names) of(ids []rooms.PersonID) []named {
	all := make([]named, len(ids))
	for i, id := range ids {
		all[i] = named{id, n[id].Name}
	}
	return all
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// correctionOrder is a correction as somebody asks for it: when it was made,
// by whom and of which session is not theirs to say.
type correctionOrder struct {
	ID         string                      `json:"id,omitempty"`
	Op         attendance.Op               `json:"op"`
	Person     string                      `json:"person,omitempty"`
	Start      attendance.Instant          `json:"start,omitzero"`
	End        attendance.Instant          `json:"end,omitzero"`
	Room       string                      `json:"room,omitempty"`
	Connection string                      `json:"connection,omitempty"`
	Status     attendance.Status           `json:"status,omitempty"`
	Reason     attendance.CorrectionReason `json:"reason"`
	Note       string                      `json:"note,omitempty"`
	Supersedes string                      `json:"supersedes,omitempty"`
}

func (s *server) correct(w http.ResponseWriter, r *request) error {
	if err := s.evidenceIn(r); err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var order correctionOrder
	if err := form.Read(body, &order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	sheet, err := s.Books.Correct(r.Context(), sessionOf(r), attendance.Correction{
		ID: order.ID, By: r.grant.Subject(), Op: order.Op, Person: order.Person, Start: order.Start, End: order.End,
		Room: order.Room, Connection: order.Connection, Status: order.Status,
		Reason: order.Reason, Note: order.Note, Supersedes: order.Supersedes,
	})
	if err != nil {
		return err
	}
	return s.replySheet(w, r, http.StatusCreated, sheet)
}

// maxNote keeps clinical notes out of the records.
const maxNote = 500 // runes

// check is what the contract of attendance does not ask: whether ids can be
// ids, and whether text is fit to be printed.
func (o correctionOrder) check() error {
	var p form.Problems
	for _, id := range []struct{ at, value string }{
		{"/id", o.ID}, {"/person", o.Person}, {"/connection", o.Connection}, {"/supersedes", o.Supersedes},
	} {
		if id.value != "" {
			schedule.CheckID(&p, id.at, id.value)
		}
	}
	schedule.CheckLine(&p, "/room", o.Room, 128)
	schedule.CheckLine(&p, "/note", o.Note, maxNote)
	return p.Err()
}

func (s *server) listCorrections(w http.ResponseWriter, r *request) error {
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Corrections []attendance.Correction `json:"corrections"`
	}{orEmpty(sheet.Corrections)})
}

// signatureOrder is what somebody has read and stands by.
type signatureOrder struct {
	Version int    `json:"version"`
	Hash    string `json:"hash"`
	Head    string `json:"head"`
}

func (s *server) sign(w http.ResponseWriter, r *request) error {
	if err := s.evidenceIn(r); err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var order signatureOrder
	if err := form.Read(body, &order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	sheet, err := s.Books.Sign(r.Context(), sessionOf(r), records.Signature{
		By: r.grant.Subject(), Version: order.Version, Hash: order.Hash, Head: order.Head,
	})
	if err != nil {
		return err
	}
	return s.replySheet(w, r, http.StatusCreated, sheet)
}

func (o signatureOrder) check() error {
	var p form.Problems
	if o.Version < 1 {
		p.Add("/version", "Versions count from 1.")
	}
	for _, hash := range []struct{ at, value string }{{"/hash", o.Hash}, {"/head", o.Head}} {
		if !isHash(hash.value) {
			p.Add(hash.at, "This must be a SHA-256 as the sheet has it: 64 digits of 0-9 and a-f.")
		}
	}
	return p.Err()
}

func isHash(text string) bool {
	return len(text) == 64 && !slices.ContainsFunc([]byte(text), func(c byte) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'f')
	})
}

// signatureView is a signature without the list of what it covers, which the
// sheet and the archive have.
type signatureView struct {
	Session string             `json:"session"`
	Version int                `json:"version"`
	By      string             `json:"by"`
	At      attendance.Instant `json:"at"`
	Hash    string             `json:"hash"`
	Head    string             `json:"head"`
}

func viewsOf(signatures []records.Signature) []signatureView {
	views := make([]signatureView, len(signatures))
	for i, x := range signatures {
		views[i] = signatureView{x.Session, x.Version, x.By, x.At, x.Hash, x.Head}
	}
	return views
}

func (s *server) listSignatures(w http.ResponseWriter, r *request) error {
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Signatures []signatureView `json:"signatures"`
	}{viewsOf(sheet.Signatures)})
}

// versionView is a record as it once was.
type versionView struct {
	Version    int                `json:"version"`
	Hash       string             `json:"hash"`
	AsOf       attendance.Instant `json:"as_of"`
	Head       string             `json:"head"`
	Record     json.RawMessage    `json:"record"` // canonical: what Hash is of
	Signatures []signatureView    `json:"signatures"`
}

type versionsView struct {
	Session  rooms.SessionID `json:"session"`
	Person   rooms.PersonID  `json:"person"`
	Versions []versionView   `json:"versions"` // oldest first
}

func (s *server) versions(w http.ResponseWriter, r *request) error {
	if err := s.sessionExists(r); err != nil {
		return err
	}
	view := versionsView{Session: sessionOf(r), Person: rooms.PersonID(r.PathValue("person")), Versions: []versionView{}}
	versions, err := s.Books.Versions(r.Context(), view.Session, view.Person)
	if err != nil {
		return missing(err, "record that was kept; one is kept when the session is over")
	}
	for _, v := range versions {
		view.Versions = append(view.Versions, versionView{v.Version, v.Hash, v.AsOf, v.Head, v.Record, viewsOf(v.Signatures)})
	}
	return reply(w, http.StatusOK, view)
}
