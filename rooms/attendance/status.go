package attendance

import (
	"cmp"
	"slices"
)

// status is what became of the appointment (§4): the first rule that applies,
// unless a correction says otherwise.
func (s *sitting) status(person string, attendedMS int64, excused bool) Status {
	own := s.of[person]
	for i := len(own) - 1; i >= 0; i-- {
		if own[i].Op == SetStatus {
			return own[i].Status
		}
	}
	p := s.party(person)
	switch {
	case s.Status == SessionCancelled:
		return StatusCancelled
	case attendedMS > 0:
		return StatusAttended
	case p != nil && p.removed():
		return StatusRemoved
	case p != nil && p.admitted():
		return StatusPresentUncredited
	case p != nil: // a connection opens by waiting or by admitted
		return StatusLobbyOnly
	case excused:
		return StatusExcused
	case !s.over:
		return StatusScheduled
	}
	return StatusNoShow
}

// removed reports whether one of the person's latest ends was a removal.
func (p *party) removed() bool {
	latest := slices.MaxFunc(p.connections, func(a, b *connection) int { return cmp.Compare(a.ended, b.ended) }).ended
	return slices.ContainsFunc(p.connections, func(c *connection) bool { return c.ended == latest && c.removed })
}

func (p *party) admitted() bool {
	return slices.ContainsFunc(p.connections, func(c *connection) bool { return c.admitted })
}

// labels are remarks on a record, in order.
func (s *sitting) labels(r *Record, attended Set) []Label {
	labels := []Label{}
	if r.BridgedMS != 0 {
		labels = append(labels, LabelBridged)
	}
	if n := len(attended); n > 0 {
		tolerated := Instant(s.counting.LateAfterMinutes) * minute
		if attended[0].Start-s.ScheduledStart > tolerated {
			labels = append(labels, LabelLate)
		}
		if s.ScheduledEnd-attended[n-1].End > tolerated && s.over {
			labels = append(labels, LabelLeftEarly)
		}
	}
	if r.ManualMS != 0 {
		labels = append(labels, LabelManual)
	}
	return labels
}

// result is what is said of the session as a whole (§4, session flags).
func (s *sitting) result(ev *evidence) SessionResult {
	r := SessionResult{Session: s.ID, Flags: []Flag{}, PatientsMax: s.patientsMax()}
	if ev.first != 0 {
		r.FirstEvidence, r.LastEvidence = &ev.first, &ev.last
	}
	connected := func(p party) bool { return len(p.connected) > 0 }
	led := func(p party) bool { return p.role == Facilitator && connected(p) }
	if !slices.ContainsFunc(s.parties, connected) {
		return r
	}
	if s.Service.hasGroupSize() {
		if r.PatientsMax > s.counting.GroupMax {
			r.Flags = append(r.Flags, FlagGroupOverMax)
		}
		if r.PatientsMax < s.counting.GroupMin {
			r.Flags = append(r.Flags, FlagGroupUnderMin)
		}
	}
	if s.rule.needsFacilitator && !slices.ContainsFunc(s.parties, led) {
		r.Flags = append(r.Flags, FlagNoFacilitator)
	}
	return r
}

// patientsMax is the most patients connected at one instant. Who leaves at an
// instant and who comes at it are not connected together (§1).
func (s *sitting) patientsMax() int {
	type change struct {
		at Instant
		by int
	}
	var changes []change
	for i := range s.parties {
		if s.parties[i].role == Patient {
			for _, c := range s.parties[i].connected {
				changes = append(changes, change{c.Start, 1}, change{c.End, -1})
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	most, now := 0, 0
	for _, c := range changes {
		now += c.by
		most = max(most, now)
	}
	return most
}
