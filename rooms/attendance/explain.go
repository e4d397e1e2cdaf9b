package attendance

import (
	"slices"
	"strings"
)

// Explain is the account of one patient in one session, worked out like the
// record, also of a patient who has none; ok is false when c has no such
// session or no such patient. It costs about as much as Evaluate: give it a
// Case of the sessions in which the patient may have credit.
func Explain(c *Case, session, patient string) (account *Account, ok bool) {
	in, ok := inspect(c, session)
	if !ok || in.roles[patient] != Patient {
		return nil, false
	}
	return in.accounts(patient)[0], true
}

// inspection is an evaluation that looks into one of its sessions.
type inspection struct {
	*evaluation
	sitting  *sitting
	evidence *evidence
	credited map[string][]claim // by person, when their accounts have been asked for
}

// claim is what a session credits to somebody.
type claim struct {
	session string
	time    Set
}

// inspect hears all sessions; ok is false when the one asked for is none of
// them.
func inspect(c *Case, session string) (in *inspection, ok bool) {
	in = &inspection{evaluation: newEvaluation(c), credited: make(map[string][]claim)}
	for _, place := range in.byID {
		s, ev := in.sit(place)
		if s.ID == session {
			in.sitting, in.evidence = s, ev
		}
	}
	return in, in.sitting != nil
}

// accounts of some patients, in their order. To be asked for once: the records
// they end in, all of these patients, are shared out (§4.8).
func (in *inspection) accounts(patients ...string) []*Account {
	accounts := make([]*Account, len(patients))
	places := make([]int, len(patients))
	for i, person := range patients {
		for _, s := range in.sittings {
			a := s.account(person, in.AsOf)
			if s == in.sitting {
				accounts[i], places[i] = a, len(in.records)
			}
			in.enter(s, person, a)
		}
	}
	in.share()
	for i := range in.records {
		r := &in.records[i]
		in.credited[r.Person] = append(in.credited[r.Person], claim{r.Session, r.Credited})
	}
	for i, a := range accounts {
		a.K = in.records[places[i]].Credited
	}
	return accounts
}

// axis is the scheduled time, the window and all evidence of the session.
func (in *inspection) axis() Interval {
	axis := in.sitting.w.Hull(in.sitting.scheduled())
	if in.evidence.first != 0 {
		axis = Set{axis}.Hull(Interval{in.evidence.first, in.evidence.last})
	}
	return axis
}

// Explanation is why an instant of somebody in a session is credited, or which
// rule took it.
type Explanation struct {
	Session string  `json:"session"`
	Person  string  `json:"person"`
	At      Instant `json:"at"`
	AsOf    Instant `json:"as_of"`
	// Segment is what the Timeline has at the instant, or the rest of all time
	// before or after it, when it does not reach there.
	Segment Segment `json:"segment"`
	// Steps are the rules of §4 that the instant went through, in their order.
	Steps []Step `json:"steps"`
	// Events are the evidence that decides, in the order of its evaluation:
	// what began and ended the person's stay or wait or, where there is none,
	// the last before and the next after it; where they decide, the same of
	// facilitators; breaks; and doors.
	Events []Event `json:"events"`
	// Corrections are those that bear on the instant, in the order in which
	// they apply: the last word wins.
	Corrections []Correction `json:"corrections"`
}

// Step is one rule and what it says of the instant.
type Step struct {
	Set   string `json:"set"`   // of §4, that the instant is in if the rule holds: C, R, F, W, B, A, K
	Holds bool   `json:"holds"` // in favour of credit; of B: it is in no break
	Text  string `json:"text"`  // a sentence, with the program's local times and without names
}

// Credited reports whether the instant is in K.
func (e *Explanation) Credited() bool { return e.Segment.Rule.Credits() }

// Text is what the steps say, one sentence after the other.
func (e *Explanation) Text() string {
	sentences := make([]string, len(e.Steps))
	for i, step := range e.Steps {
		sentences[i] = step.Text
	}
	return strings.Join(sentences, " ")
}

// ExplainAt explains one instant of a patient in a session, worked out like
// the record, also of a patient who has none; ok is false when c has no such
// session or no such patient, or the instant is not in the years of §1. It
// costs like Explain.
func ExplainAt(c *Case, session, patient string, at Instant) (explanation *Explanation, ok bool) {
	in, ok := inspect(c, session)
	if !ok || in.roles[patient] != Patient || !at.inYears() {
		return nil, false
	}
	l := in.line(patient, in.accounts(patient)[0])
	q := &inquiry{inspection: in, line: l, person: patient, t: at, Segment: l.segmentAt(at, in.axis())}
	return &Explanation{
		Session: session, Person: patient, At: at, AsOf: c.AsOf,
		Segment: q.Segment, Steps: q.steps(), Events: listed(q.events()), Corrections: listed(q.corrections()),
	}, true
}

// segmentAt is the segment of an instant, on the axis or before or after it.
func (l *line) segmentAt(at Instant, axis Interval) Segment {
	switch {
	case at < axis.Start:
		axis = Interval{firstInstant, axis.Start}
	case at >= axis.End:
		axis = Interval{axis.End, endOfTime}
	}
	segments := l.segments(axis)
	return segments[slices.IndexFunc(segments, func(s Segment) bool { return at < s.End })]
}
