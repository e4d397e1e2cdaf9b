package attendance

import "slices"

// Projection follows one running session: after each event it says what the
// record and the week of a patient are by now, without reading the past again.
// Its answers are those of Evaluate on the case with all events applied.
//
// What is kept, and why that is exact:
//
//   - Of the other sessions, what each patient attended (K3). It depends on
//     their own facts and, through §4.7, on as_of only where a correction adds
//     time that has not come yet. When as_of reaches a fact that the case had
//     for later, or there is such a correction, or an event of another session
//     is applied, they are worked out anew. That one ends meanwhile changes
//     nothing: of its plan nothing remained then.
//   - Of this session, where the reading of its events stands (§3). An event
//     that comes last in the order of §3, and has the highest seq of its epoch,
//     is read on from there. Any other, such as a loss dated back to the last
//     proof of life, has the events of this session read again, and no others.
//   - Local midnights: a property of the zone.
//
// Everything else is worked out at each question: the sets of this session,
// §4.8 and §8 of this patient, by the same code that Evaluate runs. A question
// takes longer with each session of the patient in the case, by a microsecond
// or two (BenchmarkProjection): a case need not go back further than the weeks
// and averages that are asked for.
//
// A Projection is for one goroutine at a time.
type Projection struct {
	others Case // without the events of this session
	place  int  // of the session in others.Sessions
	own    []Event

	// The other sessions, set by settle: as of settled.AsOf, and good until.
	settled     *evaluation
	until       Instant
	stale       bool // an event of another session has come since
	corrected   map[string]*corrections
	enrollments map[string][]*Enrollment

	// The reading of own, set by listen and carried on by Apply: of the events
	// known at since, and good until the next of own.
	reader    *reader
	since     Instant
	ownUntil  Instant
	misplaced bool        // an event has come that cannot be read on from there
	last      fact        // the last that was read, zero without any
	seqs      map[int]int // the highest of each epoch that is in own
}

// NewProjection begins with what a valid case knows at its AsOf; ok is false
// when it has no such session. The lists of c must not change afterwards.
// It costs about as much as Evaluate.
func NewProjection(c *Case, session string) (projection *Projection, ok bool) {
	place := slices.IndexFunc(c.Sessions, func(s Session) bool { return s.ID == session })
	if place < 0 {
		return nil, false
	}
	p := &Projection{others: *c, place: place, enrollments: c.enrollments(), seqs: make(map[int]int)}
	p.others.Events = nil
	for _, e := range c.Events {
		if e.Session == session {
			p.own = append(p.own, e)
		} else {
			p.others.Events = append(p.others.Events, e)
		}
	}
	p.settle(c.AsOf)
	p.listen(c.AsOf)
	return p, true
}

// Apply adds an event. Like those of the case it must be valid: declared
// people, and a connection in one epoch. An event given twice is ignored.
func (p *Projection) Apply(e Event) {
	if e.Session != p.others.Sessions[p.place].ID {
		p.others.Events = append(p.others.Events, e)
		p.stale = true
		return
	}
	p.own = append(p.own, e)
	if !p.misplaced {
		p.misplaced = !p.follow(&p.own[len(p.own)-1])
	}
}

// follow reads on, or reports that the event does not come last.
func (p *Projection) follow(e *Event) bool {
	if highest, any := p.seqs[e.Epoch]; any && e.Seq <= highest {
		return false
	}
	p.seqs[e.Epoch] = e.Seq
	// What comes last is dated after no admitted (§3).
	f := fact{e, e.At}
	if p.last.Event != nil && f.compare(p.last) < 0 {
		return false
	}
	p.reader.take(f)
	p.last, p.since = f, max(p.since, e.At)
	return true
}

// Person is the record of a patient in the session, and the week in which the
// session lies, nil where that has no row; ok is false without a record. It
// may be asked as of any instant; one before the latest event, or before the
// last question that had the other sessions worked out, has more read again.
func (p *Projection) Person(person string, asOf Instant) (r Record, w *Week, ok bool) {
	p.catchUp(asOf)
	e := p.of(person, asOf)
	s := e.hear(&e.Sessions[p.place], p.reader.evidence(asOf))
	if !slices.Contains(e.attenders(s), person) {
		return Record{}, nil, false
	}
	e.enter(s, person, s.account(person, asOf))
	e.share()
	record := &e.records[len(e.records)-1]
	record.sign(s, p.corrected[person], asOf)
	d := e.diary(person, p.enrollments[person])
	if week := e.calendar.weekOf(s.date); slices.Contains(d.rows, week) {
		row := d.week(week)
		w = &row
	}
	return *record, w, true
}

// of is an evaluation of the other sessions of one person, not yet shared out.
func (p *Projection) of(person string, asOf Instant) *evaluation {
	c, e := p.others, *p.settled
	c.AsOf = asOf
	e.Case = &c
	places := p.settled.byPerson[person]
	e.records = make([]Record, len(places), len(places)+1)
	e.entries = make([]entry, len(places), len(places)+1)
	e.byPerson = map[string][]int32{person: make([]int32, len(places), len(places)+1)}
	for i, place := range places {
		e.records[i], e.entries[i] = p.settled.records[place], p.settled.entries[place]
		e.byPerson[person][i] = int32(i)
	}
	return &e
}

// catchUp makes what is kept good for a question.
func (p *Projection) catchUp(asOf Instant) {
	if p.stale || asOf < p.settled.AsOf || asOf >= p.until {
		p.settle(asOf)
	}
	if p.misplaced || asOf < p.since || asOf >= p.ownUntil {
		p.listen(asOf)
	}
}

// settle works out all sessions but this one.
func (p *Projection) settle(asOf Instant) {
	c := p.others
	c.AsOf = asOf
	e := newEvaluation(&c)
	for _, place := range e.byID {
		if place != p.place {
			s, _ := e.sit(place)
			e.record(s)
			s.parties = nil // what follows needs the records only
		}
	}
	p.settled, p.corrected, p.stale = e, e.correctedSessions(), false
	p.until = p.nextFact(asOf)
}

// nextFact is when the other sessions may say something else, or signatures
// and corrections anything.
func (p *Projection) nextFact(asOf Instant) Instant {
	next := endOfTime
	at := func(t Instant) {
		if t > asOf {
			next = min(next, t)
		}
	}
	for i := range p.others.Events {
		at(p.others.Events[i].At)
	}
	for i := range p.others.Corrections {
		k := &p.others.Corrections[i]
		at(k.At)
		if k.Session != p.others.Sessions[p.place].ID && k.Op == AddTime && k.End > asOf {
			at(asOf + 1) // as much of it counts as has come (§4.7)
		}
	}
	for i := range p.others.Signatures {
		at(p.others.Signatures[i].At)
	}
	return next
}

// listen reads the events of this session from the beginning.
func (p *Projection) listen(asOf Instant) {
	p.reader = newReader(asOf)
	p.reader.read(p.own, upTo(len(p.own)))
	p.last, p.since, p.ownUntil, p.misplaced = fact{}, 0, endOfTime, false
	if n := len(p.reader.facts); n > 0 {
		p.last = p.reader.facts[n-1]
	}
	for i := range p.own {
		e := &p.own[i]
		p.seqs[e.Epoch] = max(p.seqs[e.Epoch], e.Seq)
		if e.At <= asOf {
			p.since = max(p.since, e.At)
		} else {
			p.ownUntil = min(p.ownUntil, e.At)
		}
	}
}

// upTo is the places 0 to n-1.
func upTo(n int) []int32 {
	places := make([]int32, n)
	for i := range places {
		places[i] = int32(i)
	}
	return places
}
