package attendance

import "slices"

// Timeline is what became of every instant of a session, for everybody who
// has a record of it.
type Timeline struct {
	Session     string   `json:"session"`
	AsOf        Instant  `json:"as_of"`
	Timezone    string   `json:"timezone"`
	Scheduled   Interval `json:"scheduled"`
	Axis        Interval `json:"axis"`        // around the scheduled time, the window and all evidence
	Window      Set      `json:"window"`      // W
	Breaks      Set      `json:"breaks"`      // B
	Facilitated Set      `json:"facilitated"` // ⋃ᵣ F: a facilitator was in any room
	People      []Line   `json:"people"`      // by person
}

// Line is the timeline of one person. Segments touch, and cover the axis.
type Line struct {
	Person     string    `json:"person"`
	CreditedMS int64     `json:"credited_ms"`
	Segments   []Segment `json:"segments"`
}

// Segment is a time of which one and the same is true throughout. The lengths
// of segments sum up to the fields of the record exactly: those that are
// Connected to connected_ms, and so on with Waiting (lobby_ms), Bridged and
// Manual; those with a Rule that Credits to credited_ms, with RuleOverlap to
// lost_overlap_ms; and those Taken by another rule to the rule's lost_ field.
type Segment struct {
	Interval
	Rule Rule `json:"rule"`
	// Taken is the rule that took the evidence, "" where there is nothing to
	// take or nothing took it. Where a correction gave the time back, Rule is
	// what became of it then.
	Taken     Rule     `json:"taken,omitempty"`
	Rooms     []string `json:"rooms,omitempty"`     // of R
	Elsewhere string   `json:"elsewhere,omitempty"` // the session that has it, of RuleOverlap
	Connected bool     `json:"connected,omitempty"` // in ⋃ᵣ C
	Bridged   bool     `json:"bridged,omitempty"`   // in ⋃ᵣ R and not connected
	Waiting   bool     `json:"waiting,omitempty"`   // in the lobby, maybe while a gap is bridged
	Manual    bool     `json:"manual,omitempty"`    // attended by correction only
}

// Rule is what became of an instant of a person.
type Rule string

const (
	RuleCredited      Rule = "credited"       // connected, and credited
	RuleBridged       Rule = "bridged"        // a short loss, and credited
	RuleManual        Rule = "manual"         // credited by correction
	RuleOutsideWindow Rule = "outside_window" // §4.4 took it
	RuleBreak         Rule = "break"          // §4.5
	RuleNoFacilitator Rule = "no_facilitator" // §4.6
	RuleCorrection    Rule = "correction"     // §5
	RuleOverlap       Rule = "overlap"        // §4.8: another session credits it
	RuleNotCounting   Rule = "not_counting"   // attended, and the session does not count
	RuleLobby         Rule = "lobby"          // waiting
	RuleAbsent        Rule = "absent"         // there is no evidence, or not yet
)

// Credits reports whether time under the rule is in K.
func (r Rule) Credits() bool { return r == RuleCredited || r == RuleBridged || r == RuleManual }

// NewTimeline works out the timeline of a session by the sets that its
// records are measured by; ok is false when c has no such session. It costs
// about as much as Evaluate: give it a Case of the sessions in which the same
// patients may have credit.
func NewTimeline(c *Case, session string) (timeline *Timeline, ok bool) {
	in, ok := inspect(c, session)
	if !ok {
		return nil, false
	}
	s := in.sitting
	timeline = &Timeline{
		Session: session, AsOf: c.AsOf, Timezone: c.Program.Timezone,
		Scheduled: s.scheduled(), Axis: in.axis(),
		Window: listed(s.w), Breaks: listed(s.b), Facilitated: listed(s.leading),
		People: []Line{},
	}
	people := in.attenders(s)
	for i, a := range in.accounts(people...) {
		segments := in.line(people[i], a).segments(timeline.Axis)
		timeline.People = append(timeline.People, Line{people[i], a.K.Length(), segments})
	}
	return timeline, true
}

// line is an account with what a segment of it takes besides.
type line struct {
	*Account
	given     Set     // §4, manual_ms
	counts    bool    // the session does
	elsewhere []claim // what other sessions have of K3
}

func (in *inspection) line(person string, a *Account) *line {
	l := &line{Account: a, given: a.given(), counts: in.sitting.counts}
	if lost := a.K3.Subtract(a.K); l.counts && len(lost) > 0 {
		for _, x := range in.credited[person] {
			if theirs := lost.Intersect(x.time); x.session != in.sitting.ID && len(theirs) > 0 {
				l.elsewhere = append(l.elsewhere, claim{x.session, theirs})
			}
		}
	}
	return l
}

// segments cuts a time into the longest pieces of which one thing is true.
func (l *line) segments(of Interval) []Segment {
	var segments []Segment
	cuts := l.cuts(of)
	for i, start := range cuts[:len(cuts)-1] {
		s := l.at(start)
		s.Interval = Interval{start, cuts[i+1]}
		if n := len(segments); n > 0 && segments[n-1].continues(s) {
			segments[n-1].End = s.End
		} else {
			segments = append(segments, s)
		}
	}
	return segments
}

// continues reports whether what is true of s is true of next.
func (s Segment) continues(next Segment) bool {
	return s.Rule == next.Rule && s.Taken == next.Taken && s.Elsewhere == next.Elsewhere &&
		s.Connected == next.Connected && s.Bridged == next.Bridged &&
		s.Waiting == next.Waiting && s.Manual == next.Manual && slices.Equal(s.Rooms, next.Rooms)
}

// cuts are the instants at which anything changes, with the ends of the time.
func (l *line) cuts(of Interval) []Instant {
	cuts := []Instant{of.Start, of.End}
	cut := func(s Set) {
		for _, i := range s {
			cuts = append(cuts, i.Start, i.End)
		}
	}
	for _, s := range []Set{l.Connected, l.Lobby, l.W, l.B, l.X, l.K0, l.K3, l.K, l.given} {
		cut(s)
	}
	for _, room := range l.R {
		cut(room.Time)
	}
	for _, x := range l.elsewhere {
		cut(x.time)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	from, _ := slices.BinarySearch(cuts, of.Start)
	to, _ := slices.BinarySearch(cuts, of.End)
	return cuts[from : to+1]
}

// at is what is true at t.
func (l *line) at(t Instant) Segment {
	s := Segment{
		Taken: l.taken(t), Connected: l.Connected.Contains(t),
		Waiting: l.Lobby.Contains(t), Manual: l.given.Contains(t),
	}
	s.Bridged = l.Present.Contains(t) && !s.Connected
	for _, room := range l.R {
		if room.Time.Contains(t) {
			s.Rooms = append(s.Rooms, room.Room)
		}
	}
	for _, x := range l.elsewhere {
		if x.time.Contains(t) {
			s.Elsewhere = x.session
		}
	}
	s.Rule = l.rule(t, &s)
	return s
}

// taken is the rule that took the evidence at t, as §4 measures it.
func (a *Account) taken(t Instant) Rule {
	switch {
	case !a.Present.Contains(t):
		return ""
	case !a.W.Contains(t):
		return RuleOutsideWindow
	case a.B.Contains(t):
		return RuleBreak
	case !a.K0.Contains(t):
		return RuleNoFacilitator
	case a.X.Contains(t):
		return RuleCorrection
	}
	return ""
}

// rule is what became of t in the end.
func (l *line) rule(t Instant, s *Segment) Rule {
	switch {
	case l.K.Contains(t) && s.Manual:
		return RuleManual
	case l.K.Contains(t) && s.Bridged:
		return RuleBridged
	case l.K.Contains(t):
		return RuleCredited
	case l.K3.Contains(t) && l.counts:
		return RuleOverlap
	case l.K3.Contains(t):
		return RuleNotCounting
	case s.Taken != "":
		return s.Taken
	case s.Waiting:
		return RuleLobby
	}
	return RuleAbsent
}
