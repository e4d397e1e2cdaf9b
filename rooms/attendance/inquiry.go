package attendance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// inquiry gathers what is behind one instant of one patient.
type inquiry struct {
	*inspection
	*line
	Segment
	person string
	t      Instant
}

// steps are the rules that the instant went through.
func (q *inquiry) steps() []Step {
	var steps []Step
	say := func(set string, holds bool, format string, args ...any) {
		steps = append(steps, Step{set, holds, fmt.Sprintf(format, args...)})
	}
	say("C", q.Connected, "%s", q.connectedText())
	if !q.Connected {
		say("R", q.Bridged, "%s", q.bridgeText())
	}
	if q.present() {
		say("F", q.K0.Contains(q.t), "%s", q.facilitatorText())
	}
	if q.present() || q.A.Contains(q.t) {
		say("W", q.W.Contains(q.t), "%s", q.windowText())
		say("B", !q.B.Contains(q.t), "%s", q.breakText())
	}
	switch {
	case q.A.Contains(q.t):
		say("A", true, "A correction adds this time.")
	case q.X.Contains(q.t):
		say("A", false, "A correction takes this time out.")
	}
	if q.K3.Contains(q.t) {
		say("K", q.K.Contains(q.t), "%s", q.shareText())
	}
	return steps
}

// present reports whether the instant is in ⋃ᵣ R.
func (q *inquiry) present() bool { return q.Connected || q.Bridged }

func (q *inquiry) connectedText() string {
	switch {
	case q.Connected:
		return fmt.Sprintf("Connected, in %s.", q.roomsText())
	case q.Waiting:
		return "Not connected: waiting in the lobby."
	}
	return "Not connected."
}

func (q *inquiry) roomsText() string { return strings.Join(q.Rooms, " and ") }

// bridgeText says why the gap around the instant is bridged, or why not.
func (q *inquiry) bridgeText() string {
	after := slices.IndexFunc(q.line.Connected, func(i Interval) bool { return i.Start > q.t })
	switch {
	case after < 0:
		return "No connection came after it, so there is no gap to bridge."
	case after == 0:
		return "No connection came before it, so there is no gap to bridge."
	}
	gap := Interval{q.line.Connected[after-1].End, q.line.Connected[after].Start}
	length := time.Duration(gap.Length()) * time.Millisecond
	longest := time.Duration(q.sitting.counting.BridgeSeconds) * time.Second
	switch {
	case q.Bridged:
		return fmt.Sprintf("The connection was lost for %v, no longer than the %v that count as presence in %s.", length, longest, q.roomsText())
	case length > longest:
		return fmt.Sprintf("The gap of %v is longer than the %v that are bridged.", length, longest)
	}
	return fmt.Sprintf("The gap of %v is not bridged: it began with an explicit end, not with a loss.", length)
}

func (q *inquiry) facilitatorText() string {
	scope := q.sitting.counting.FacilitatorScope
	where := "any room of the session"
	if scope == ScopeRoom {
		where = q.roomsText()
	}
	switch {
	case !q.sitting.rule.needsFacilitator:
		return "The service needs no facilitator."
	case scope == ScopeNone:
		return "The program asks for no facilitator."
	case q.K0.Contains(q.t):
		return fmt.Sprintf("A facilitator was in %s.", where)
	}
	return fmt.Sprintf("No facilitator was in %s.", where)
}

func (q *inquiry) windowText() string {
	switch {
	case len(q.W) == 0:
		return "The session has no time that counts."
	case q.W.Contains(q.t):
		return fmt.Sprintf("Within the time that counts, %s.", q.clocks(q.W[0]))
	}
	return fmt.Sprintf("Outside the time that counts, %s.", q.clocks(q.W[0]))
}

func (q *inquiry) breakText() string {
	i := slices.IndexFunc(q.B, func(i Interval) bool { return i.Start <= q.t && q.t < i.End })
	switch {
	case i >= 0:
		return fmt.Sprintf("In a break, %s.", q.clocks(q.B[i]))
	case q.sitting.counting.Breaks == IncludeBreaks:
		return "The program counts breaks."
	}
	return "In no break."
}

func (q *inquiry) shareText() string {
	switch {
	case !q.counts:
		return "The session does not count."
	case q.Elsewhere != "":
		return fmt.Sprintf("Credited in session %s, which goes before this one.", q.Elsewhere)
	}
	return "Credited here, and in no other session."
}

// clocks is an interval by the program's wall clock.
func (q *inquiry) clocks(i Interval) string {
	clock := func(t Instant) string { return t.Time().In(q.calendar.zone).Format("15:04:05.999") }
	return clock(i.Start) + " to " + clock(i.End)
}

// events are the evidence that decides.
func (q *inquiry) events() []Event {
	var found []*Event
	if p := q.sitting.party(q.person); p != nil {
		stays, waits := p.spells()
		found = append(q.covering(stays), q.covering(waits)...)
		if !q.Connected {
			found = append(found, q.around(stays)...)
		}
		if !q.Connected && !q.Waiting {
			found = append(found, q.around(append(stays, waits...))...)
		}
	}
	if q.leaderDecides() {
		found = append(found, q.leading()...)
	}
	if q.present() || q.A.Contains(q.t) {
		found = append(found, q.ofSession()...)
	}
	found = slices.DeleteFunc(found, func(e *Event) bool { return e == nil })
	slices.SortFunc(found, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq))
	})
	var events []Event
	for _, e := range slices.Compact(found) {
		events = append(events, *e)
	}
	return events
}

// spells of a party's connections, in rooms and in the lobby.
func (p *party) spells() (stays, waits []spell) {
	for _, c := range p.connections {
		for _, x := range c.spells {
			if x.room == "" {
				waits = append(waits, x)
			} else {
				stays = append(stays, x)
			}
		}
	}
	return stays, waits
}

// covering is what began and ended the spells that the instant lies in.
func (q *inquiry) covering(spells []spell) (found []*Event) {
	for _, x := range spells {
		if x.Start <= q.t && q.t < x.End {
			found = append(found, x.from, x.to)
		}
	}
	return found
}

// around is what ended the last spells before the instant and began the next.
func (q *inquiry) around(spells []spell) (found []*Event) {
	before, after := Instant(0), endOfTime
	for _, x := range spells {
		if x.End <= q.t {
			before = max(before, x.End)
		}
		if x.Start > q.t {
			after = min(after, x.Start)
		}
	}
	for _, x := range spells {
		if x.End == before {
			found = append(found, x.to)
		}
		if x.Start == after {
			found = append(found, x.from)
		}
	}
	return found
}

// leaderDecides reports whether it is for a facilitator to decide (§4.6).
func (q *inquiry) leaderDecides() bool {
	s := q.sitting
	return q.present() && q.W.Contains(q.t) && !q.B.Contains(q.t) &&
		s.rule.needsFacilitator && s.counting.FacilitatorScope != ScopeNone
}

// leading is the evidence of facilitators where one is needed.
func (q *inquiry) leading() (found []*Event) {
	var stays []spell
	for i := range q.sitting.parties {
		if p := &q.sitting.parties[i]; p.role == Facilitator {
			all, _ := p.spells()
			stays = append(stays, all...)
		}
	}
	if q.sitting.counting.FacilitatorScope == ScopeRoom {
		stays = slices.DeleteFunc(stays, func(x spell) bool { return !slices.Contains(q.Rooms, x.room) })
	}
	if found = q.covering(stays); found == nil {
		found = q.around(stays)
	}
	return found
}

// ofSession is the evidence of breaks and, where they decide, of doors.
func (q *inquiry) ofSession() (found []*Event) {
	s := q.sitting
	if s.counting.Breaks == ExcludeBreaks {
		found = q.covering(q.evidence.pauses)
	}
	if s.counting.Clip == ClipScheduled {
		return found
	}
	first := slices.IndexFunc(s.doors, func(d door) bool { return !d.closed })
	if first < 0 {
		return found
	}
	last := q.evidence.latest
	if d := s.doors[len(s.doors)-1]; d.closed {
		last = d.event
	}
	return append(found, s.doors[first].event, last)
}

// corrections are those that bear on the instant.
func (q *inquiry) corrections() (bearing []Correction) {
	for _, k := range q.sitting.valid {
		if q.bears(k) {
			bearing = append(bearing, *k)
		}
	}
	return bearing
}

func (q *inquiry) bears(k *Correction) bool {
	covers := k.Start <= q.t && q.t < k.End
	switch k.Op {
	case ExtendWindow: // a hull reaches where no interval of it does
		return q.W.Contains(q.t) && !q.sitting.clip(q.evidence.last).Contains(q.t)
	case DeclareBreak, CancelBreak:
		return covers && q.sitting.counting.Breaks == ExcludeBreaks
	case AddTime, RemoveTime:
		return covers && (k.Person == q.person || q.roles[k.Person] == Facilitator && q.leaderDecides() && q.concerns(k))
	case Reassign:
		return q.moved(k)
	}
	return false
}

// concerns reports whether a correction of a facilitator is about where one
// is needed.
func (q *inquiry) concerns(k *Correction) bool {
	return q.sitting.counting.FacilitatorScope == ScopeSession ||
		slices.ContainsFunc(q.Rooms, func(room string) bool { return k.inRoom(room) != leaves })
}

// moved reports whether a reassign gave or took away what covers the instant:
// of the person or, where one is needed, of a facilitator.
func (q *inquiry) moved(k *Correction) bool {
	concerned := func(person string) bool {
		return person == q.person || q.roles[person] == Facilitator && q.leaderDecides()
	}
	for i := range q.evidence.connections {
		c := &q.evidence.connections[i]
		if c.name == k.Connection && len(q.covering(c.spells)) > 0 {
			opener := c.spells[0].from // a waiting or an admitted: it names the person
			return concerned(k.Person) || concerned(opener.Person)
		}
	}
	return false
}
