package attendance

import (
	"cmp"
	"slices"
)

// Evaluate answers a valid case (see Validate): same case, same answer, in
// whatever order its lists come. It neither keeps nor changes c.
func Evaluate(c *Case) *Result {
	e := newEvaluation(c)
	result := &Result{
		Format:   ResultFormat,
		AsOf:     c.AsOf,
		Timezone: c.Program.Timezone,
		Sessions: make([]SessionResult, 0, len(c.Sessions)),
	}
	for _, place := range e.byID {
		s, ev := e.sit(place)
		e.record(s)
		result.Sessions = append(result.Sessions, s.result(ev))
		s.parties = nil // what follows needs the records only
	}
	e.share()
	e.sign()
	result.Records = e.records
	result.Weeks = e.weeks()
	result.Authorizations = e.authorizations()
	return result
}

// evaluation is the working of one Evaluate, from evidence to records, which
// stay in the order of session and person throughout.
type evaluation struct {
	*Case
	calendar *calendar
	roles    map[string]Role
	excused  map[attender]bool
	byID     []int // places of sessions in order of their ids

	reader     *reader
	events     [][]int32             // places of events, by place of session
	amendments map[string]*amendment // by session
	signatures map[string][]*Signature

	sittings []*sitting // in order of their ids
	records  []Record
	entries  []entry                // the rest of what is known of each record
	byPerson map[string][]int32     // places of records
	days     map[string][]dayCredit // set by weeks, by person
}

// attender is a person in a session.
type attender struct{ session, person string }

// entry is what is known of a record and not said in it.
type entry struct {
	*sitting
	attended Set // K3
	onRoster bool
	excused  bool
}

func newEvaluation(c *Case) *evaluation {
	zone, err := LoadZone(c.Program.Timezone)
	if err != nil {
		panic("attendance: Evaluate of a Case that Validate refuses: " + err.Error())
	}
	e := &evaluation{
		Case:       c,
		calendar:   newCalendar(zone, c.Program.WeekStart),
		roles:      make(map[string]Role, len(c.People)),
		excused:    make(map[attender]bool, len(c.Excused)),
		byID:       make([]int, len(c.Sessions)),
		reader:     newReader(c.AsOf),
		events:     eventsBySession(c),
		amendments: amendments(c),
		signatures: signaturesBySession(c),
		byPerson:   make(map[string][]int32, len(c.People)),
	}
	e.declare()
	return e
}

// declare looks up people, excuses and sessions, once.
func (e *evaluation) declare() {
	for _, p := range e.People {
		e.roles[p.ID] = p.Role
	}
	for _, x := range e.Excused {
		e.excused[attender{x.Session, x.Person}] = true
	}
	expected := 0 // most records are of the roster
	for i := range e.byID {
		e.byID[i] = i
		expected += len(e.Sessions[i].Roster)
	}
	e.records = make([]Record, 0, expected)
	e.entries = make([]entry, 0, expected)
	slices.SortFunc(e.byID, func(i, j int) int { return cmp.Compare(e.Sessions[i].ID, e.Sessions[j].ID) })
}

// eventsBySession is the places of the events of each session.
func eventsBySession(c *Case) [][]int32 {
	places := make(map[string]int, len(c.Sessions))
	for i := range c.Sessions {
		places[c.Sessions[i].ID] = i
	}
	keys := make([]int, len(c.Events))
	last, place := "", -1
	for i := range c.Events {
		if s := c.Events[i].Session; s != last || place < 0 {
			last, place = s, places[s]
		}
		keys[i] = place
	}
	return grouped(keys, len(c.Sessions))
}

// sit works out what the records of a session have in common, from its events.
func (e *evaluation) sit(place int) (*sitting, *evidence) {
	ev := e.reader.read(e.Events, e.events[place])
	s := e.hear(&e.Sessions[place], ev)
	e.sittings = append(e.sittings, s)
	return s, ev
}

// hear works out what the records of a session have in common.
func (e *evaluation) hear(x *Session, ev *evidence) *sitting {
	s := e.convene(x)
	s.doors = ev.doors
	s.over = s.overAt(e.AsOf)
	if a := e.amendments[s.ID]; a != nil {
		s.amendment = *a
		s.touches = a.touches(s.Session, ev, e.roles)
	}
	longestBridge := int64(e.Program.Counting.BridgeSeconds) * second
	s.parties = partiesOf(ev.connections, &s.amendment, e.roles, longestBridge)
	s.f = s.facilitation(e.roles)
	s.leading = s.f.all()
	s.w = s.window(ev.last)
	s.b = s.breaks(ev.breaks)
	return s
}

// convene is a sitting of which no evidence has been heard.
func (e *evaluation) convene(x *Session) *sitting {
	s := &sitting{
		Session:    x,
		counting:   &e.Program.Counting,
		roster:     slices.Sorted(slices.Values(x.Roster)),
		date:       e.calendar.date(x.ScheduledStart),
		signatures: e.signatures[x.ID],
	}
	s.rule, _ = x.Service.rule()
	s.counts = x.Counting()
	return s
}

// record makes the records of a session, all but §4.8 and what follows it.
func (e *evaluation) record(s *sitting) {
	for _, person := range e.attenders(s) {
		e.enter(s, person, s.account(person, e.AsOf))
	}
}

// attenders are those who have a record: the roster, and every other patient
// who has a connection or is named by a correction that is not dropped (§4).
func (e *evaluation) attenders(s *sitting) []string {
	persons := slices.Clone(s.roster)
	for i := range s.parties {
		if s.parties[i].role == Patient {
			persons = append(persons, s.parties[i].person)
		}
	}
	for person := range s.of {
		if e.roles[person] == Patient {
			persons = append(persons, person)
		}
	}
	slices.Sort(persons)
	return slices.Compact(persons)
}

// enter adds the record of an account.
func (e *evaluation) enter(s *sitting, person string, a *Account) {
	excused := e.excused[attender{s.ID, person}]
	r := Record{
		Session: s.ID, Person: person, Service: s.Service, Date: s.date,
		Version: 1, Credited: Set{},
	}
	a.measure(&r)
	r.Status = s.status(person, r.AttendedMS, excused)
	r.Labels = s.labels(&r, a.K3)
	e.byPerson[person] = append(e.byPerson[person], int32(len(e.records)))
	e.records = append(e.records, r)
	_, onRoster := slices.BinarySearch(s.roster, person)
	e.entries = append(e.entries, entry{s, a.K3, onRoster, excused})
}

// share settles what is credited (§4.8), person by person.
func (e *evaluation) share() {
	for _, places := range e.byPerson {
		var counting []int32
		for _, i := range places {
			if e.entries[i].counts {
				counting = append(counting, i)
			}
		}
		slices.SortFunc(counting, func(i, j int32) int {
			a, b := e.entries[i].sitting, e.entries[j].sitting
			return cmp.Or(cmp.Compare(a.rule.class, b.rule.class),
				cmp.Compare(a.ScheduledStart, b.ScheduledStart), cmp.Compare(a.ID, b.ID))
		})
		attended := make([]Set, len(counting))
		for n, i := range counting {
			attended[n] = e.entries[i].attended
		}
		shareOut(attended, func(t Interval, n int) {
			r := &e.records[counting[n]]
			r.Credited = r.Credited.extend(t)
		})
		for _, i := range counting {
			r := &e.records[i]
			r.CreditedMS = r.Credited.Length()
			r.LostOverlapMS = r.AttendedMS - r.CreditedMS
			r.Units = units(r.CreditedMS)
		}
	}
}
