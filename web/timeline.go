package web

import (
	"net/http"
	"strings"

	"viop/rooms"
	"viop/rooms/attendance"
)

// span is a time of which one thing is true of a person.
type span struct {
	Start attendance.Instant `json:"start"`
	End   attendance.Instant `json:"end"`
	Rule  attendance.Rule    `json:"rule"`
	// Taken is the rule that took the evidence, also when a correction gave
	// the time back; Elsewhere the session that is credited instead.
	Taken     attendance.Rule `json:"taken,omitempty"`
	Elsewhere string          `json:"elsewhere,omitempty"`
	Rooms     []string        `json:"rooms,omitempty"`
	Connected bool            `json:"connected,omitempty"`
	Waiting   bool            `json:"waiting,omitempty"`
}

func spanOf(s attendance.Segment) span {
	return span{
		Start: s.Start, End: s.End, Rule: s.Rule, Taken: s.Taken, Elsewhere: s.Elsewhere,
		Rooms: s.Rooms, Connected: s.Connected, Waiting: s.Waiting,
	}
}

type timelineView struct {
	Session     rooms.SessionID     `json:"session"`
	AsOf        attendance.Instant  `json:"as_of"`
	Timezone    string              `json:"timezone"`
	Scheduled   attendance.Interval `json:"scheduled"`
	Start       attendance.Instant  `json:"start"`
	End         attendance.Instant  `json:"end"`
	Window      attendance.Set      `json:"window"`
	Breaks      attendance.Set      `json:"breaks"`
	Facilitated attendance.Set      `json:"facilitated"`
	People      []lineView          `json:"people"`
	Provenance  Provenance          `json:"provenance"`
}

type lineView struct {
	named
	CreditedMS int64  `json:"credited_ms"`
	Spans      []span `json:"spans"`
}

func (s *server) timeline(w http.ResponseWriter, r *request) error {
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	timeline, ok := attendance.NewTimeline(sheet.Input, r.PathValue("id"))
	if !ok {
		return notFound("session")
	}
	names, err := s.names(r, peopleOf(sheet))
	if err != nil {
		return err
	}
	view := timelineView{
		Session: sessionOf(r), AsOf: timeline.AsOf, Timezone: timeline.Timezone, Scheduled: timeline.Scheduled,
		Start: timeline.Axis.Start, End: timeline.Axis.End, Window: timeline.Window, Breaks: timeline.Breaks,
		Facilitated: timeline.Facilitated, People: []lineView{}, Provenance: s.Provenance,
	}
	for _, line := range timeline.People {
		id := rooms.PersonID(line.Person)
		one := lineView{named{id, names[id].Name}, line.CreditedMS, []span{}}
		for _, segment := range line.Segments {
			one.Spans = append(one.Spans, spanOf(segment))
		}
		view.People = append(view.People, one)
	}
	return reply(w, http.StatusOK, view)
}

type explanationView struct {
	Session rooms.SessionID `json:"session"`
	named
	At          attendance.Instant `json:"at"`
	AsOf        attendance.Instant `json:"as_of"`
	Credited    bool               `json:"credited"`
	Span        span               `json:"span"`
	Text        string             `json:"text"`
	Steps       []attendance.Step  `json:"steps"`
	Evidence    []evidenceView     `json:"evidence"`
	Corrections []string           `json:"corrections"`
	Provenance  Provenance         `json:"provenance"`
}

// evidenceView is an event of the session that the address names.
type evidenceView struct {
	Epoch      int                  `json:"epoch"`
	Seq        int                  `json:"seq"`
	At         attendance.Instant   `json:"at"`
	Type       attendance.EventType `json:"type"`
	Person     string               `json:"person,omitempty"`
	Connection string               `json:"connection,omitempty"`
	Room       string               `json:"room,omitempty"`
	Reason     attendance.Reason    `json:"reason,omitempty"`
}

func (s *server) explain(w http.ResponseWriter, r *request) error {
	at, err := instantOf(r.URL.Query().Get("at"), "at")
	if err != nil {
		return err
	}
	if year := at.UTC().Year(); year < 2000 || year > 2099 {
		return badQuery("at", "This must be a time of the years 2000 to 2099.")
	}
	sheet, err := s.sheet(r)
	if err != nil {
		return err
	}
	person := rooms.PersonID(r.PathValue("person"))
	why, ok := attendance.ExplainAt(sheet.Input, r.PathValue("id"), string(person), attendance.At(at))
	if !ok {
		return notFound("patient in the session")
	}
	names, err := s.names(r, []rooms.PersonID{person})
	if err != nil {
		return err
	}
	view := explanationView{
		Session: sessionOf(r), named: named{person, names[person].Name}, At: why.At, AsOf: why.AsOf,
		Credited: why.Credited(), Span: spanOf(why.Segment), Steps: orEmpty(why.Steps),
		Evidence: []evidenceView{}, Corrections: []string{}, Provenance: s.Provenance,
	}
	var sentences []string
	for _, step := range why.Steps {
		sentences = append(sentences, step.Text)
	}
	view.Text = strings.Join(sentences, " ")
	for _, e := range why.Events {
		view.Evidence = append(view.Evidence, evidenceView{e.Epoch, e.Seq, e.At, e.Type, e.Person, e.Connection, e.Room, e.Reason})
	}
	for _, k := range why.Corrections {
		view.Corrections = append(view.Corrections, k.ID)
	}
	return reply(w, http.StatusOK, view)
}
