package rooms

import (
	"fmt"
	"time"

	"viop/auth"
	"viop/rooms/attendance"
)

// SeatInfo is what a page needs to know of its seat.
type SeatInfo struct {
	Session SessionID
	Person  PersonID
	Handle  Handle
	Role    string
	Name    string
	// CheckIn: the questions of the lobby are wanted and not answered yet.
	CheckIn bool
	// Audio and Video are how many receive slots to offer.
	Audio, Video int
	// Durable is false when the store keeps nothing across a restart.
	Durable bool
}

const (
	defaultSeats = 12
	maxAudio     = 11
	videoSlots   = 12 // one of them for a screen
)

func refuse(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuses says why the schedule does not let the role in at the time now; nil
// when it does.
func (p Plan) refuses(now time.Time, role auth.Role) error {
	early := doorsPatients
	if role == auth.Facilitator {
		early = doorsFacilitators
	}
	opens := p.Start.Add(-early)
	switch {
	case p.Cancelled:
		return refuse(CodeCancelled, "This session was cancelled.")
	case now.Before(opens):
		return refuse(CodeNotOpen, "This session is not open yet. You can come in from %s.",
			opens.Format("Monday 2 January 15:04 MST"))
	case now.After(p.End.Add(overAfter)):
		return refuse(CodeEnded, "This session is over.")
	}
	return nil
}

func (p Plan) seats() int {
	if p.Seats <= 0 {
		return defaultSeats
	}
	return p.Seats
}

func (in join) apply(s *state) {
	if in.plan != nil {
		s.plan = *in.plan
		s.reschedule()
	}
	p, err := s.recognize(in)
	if err == nil {
		err = s.mayEnter(p, in)
	}
	if err != nil {
		s.do(answer{err: err})
		return
	}
	if p == nil {
		p = &person{id: in.person, handle: s.nextHandle(), role: in.role}
		s.people = append(s.people, p)
	}
	if in.resume == "" {
		p.name, p.sealedName = in.name, in.sealedName
	}
	s.sit(p, in)
}

// reschedule: a session that was ended before what is now its scheduled start
// is not over (SPEC §3), or nobody could come to the group that was moved.
// Those who are still reviewing the former end are shown out.
func (s *state) reschedule() {
	if s.phase != Ended || !s.now.Before(s.plan.Start) {
		return
	}
	s.note("", "rescheduled", nil, "")
	for _, p := range s.here() {
		s.vacate(p, Reason{CodeEnded, "This session was moved to a later time. Please open your link again then."})
	}
	s.beginAnew()
}

// beginAnew: what was no session yet admits nobody to the one to come.
func (s *state) beginAnew() {
	s.phase, s.opened = Scheduled, false
	for _, p := range s.people {
		p.admitted, p.room = false, ""
	}
}

// recognize finds the person of a join; nil for a newcomer.
func (s *state) recognize(in join) (*person, error) {
	if in.resume != "" {
		p := s.find(func(p *person) bool { return p.resume == in.resume })
		if p == nil || s.now.After(p.until) {
			return nil, refuse(CodeResume, "Your place was given up. Please open your link again.")
		}
		return p, nil
	}
	p := s.person(in.person)
	if p != nil && p.role != in.role {
		return nil, refuse(CodeRoleMismatch, "This link is for another role than the one you have in this session.")
	}
	return p, nil
}

// mayEnter is the door. Removal comes first and knows no exception; those who
// have a seat are only coming back; facilitators pass the lock and find a
// chair in a full room.
func (s *state) mayEnter(p *person, in join) error {
	known := p != nil && (p.seat != nil || in.resume != "")
	role := in.role
	if p != nil {
		role = p.role
	}
	facilitates := role == auth.Facilitator
	switch {
	case p != nil && p.removed:
		return refuse(CodeRemoved, "You were removed from this session. Please call your program.")
	case s.phase == Ended && !facilitates:
		return refuse(CodeEnded, "This session is over.")
	case known || s.phase == Ended:
		return nil
	}
	if err := s.plan.refuses(s.now, role); err != nil || facilitates {
		return err
	}
	switch {
	case s.locked && (p == nil || !p.admitted):
		return refuse(CodeLocked, "The facilitator has locked this session. Please call your program.")
	case len(s.here()) >= s.plan.seats():
		return refuse(CodeFull, "This session is full.")
	}
	return nil
}

// sit gives the person the seat. One they have already is replaced, whose
// connection goes on only if the same page kept its media.
func (s *state) sit(p *person, in join) {
	if p.facilitates() && !p.admitted {
		p.admitted, p.room = true, MainRoom
	}
	former := p.seat
	if former != nil {
		s.do(dismiss{former.id, Reason{CodeReplaced, "You are here from another page now."}})
	}
	if former != nil && former.instance != in.instance {
		p.resume, p.until = "", time.Time{} // it belongs to the other page
	}
	if former == nil || former.instance != in.instance || in.fresh {
		s.unseat(p, attendance.ReasonReplaced)
		p.seat = &seat{wasActive: former != nil && former.wasActive}
		if former != nil {
			p.seat.state, p.seat.since = former.state, former.since
			p.seat.handSince, p.seat.help, p.seat.answers = former.handSince, former.help, former.answers
		}
	}
	seat := p.seat
	seat.id, seat.instance, seat.sent = in.seat, in.instance, nil
	seat.linked, seat.linkedAt, seat.snapshot = true, s.now, true
	s.do(answer{info: s.info(p)})
	if s.phase == Ended {
		seat.closesAt = s.now.Add(reviewTime)
		return
	}
	if p.facilitates() && !s.opened {
		s.opened = true
		s.do(record{attendance.Event{Type: attendance.Opened, At: attendance.At(s.now)}})
	}
	switch {
	case seat.conn.name == "":
		s.connect(p)
	case seat.conn.attached:
		s.do(rebind{seat.conn.name, seat.id})
	case !p.admitted:
		s.waiting(p)
	}
}

func (s *state) info(p *person) *SeatInfo {
	return &SeatInfo{
		Session: s.session, Person: p.id, Handle: p.handle, Role: string(p.role), Name: p.name,
		CheckIn: s.checkIn && p.role == auth.Patient && !p.admitted && p.seat.answers == nil && s.phase != Ended,
		Audio:   min(max(s.plan.seats()-1, 1), maxAudio), Video: videoSlots,
		Durable: s.health.Durable,
	}
}

// unseat ends the connection of the person's seat, if there is one, with an
// explicit word in the evidence.
func (s *state) unseat(p *person, why attendance.Reason) {
	if p.seat != nil {
		s.left(p, why)
		s.detach(p)
	}
}

// dismiss takes the seat away and says why. What its connection comes to in
// the evidence is the caller's affair.
func (s *state) dismiss(p *person, why Reason) {
	s.detach(p)
	s.speak(p.seat)
	s.do(dismiss{p.seat.id, why})
	p.seat = nil
}

// vacate is dismiss for somebody who is not expected back with a resume token.
func (s *state) vacate(p *person, why Reason) {
	p.resume, p.until = "", time.Time{}
	s.dismiss(p, why)
}

func (in linked) apply(s *state) {
	p := s.bySeat(in.seat)
	if p == nil {
		return
	}
	seat := p.seat
	seat.linked, seat.linkedAt = true, s.now
	switch {
	case s.phase == Ended:
		seat.snapshot = seat.snapshot || in.fresh
	case in.fresh:
		s.renewConnection(p)
	case !p.admitted:
		s.waiting(p)
	}
}

// renewConnection begins anew for a page that has no PeerConnection.
func (s *state) renewConnection(p *person) {
	s.unseat(p, attendance.ReasonReplaced)
	p.seat.snapshot = true
	s.connect(p)
}

func (in unlinked) apply(s *state) {
	p := s.bySeat(in.seat)
	if p == nil || !p.seat.linked {
		return
	}
	p.seat.linked, p.seat.goneAt = false, s.now
	// In the group the media is the proof of life; in the lobby there was
	// only this.
	if p.seat.conn.phase == inLobby {
		s.lost(p)
	}
}

func (in snapshot) apply(s *state) {
	if p := s.bySeat(in.seat); p != nil {
		p.seat.snapshot = true
	}
}

func (in leave) apply(s *state) {
	if p := s.bySeat(in.seat); p != nil {
		s.left(p, attendance.ReasonLeave)
		s.vacate(p, Reason{CodeLeft, "You have left the session."})
	}
}

func (in keepResume) apply(s *state) {
	if p := s.bySeat(in.seat); p != nil {
		p.resume, p.until = in.hash, in.until
		s.renew(p)
	}
}

// renew gives the resume token of somebody who is here the time it needs: the
// whole window after a crash at any moment before the next renewal.
func (s *state) renew(p *person) {
	if need := s.now.Add(renewEvery + ResumeWindow); p.resume != "" && p.until.Before(need) {
		p.until = need
	}
}

func (in tick) apply(s *state) {
	s.health = in.health
	for _, p := range s.here() {
		s.checkSeat(p)
	}
	if s.now.Sub(s.renewed) >= renewEvery {
		s.renewed = s.now
		for _, p := range s.here() {
			if p.seat.linked || p.seat.conn.up {
				s.renew(p)
			}
		}
	}
	s.beats()
	if len(s.here()) > 0 {
		s.empty = s.now
	} else if s.now.Sub(s.empty) >= idleAfter {
		s.closing = "idle"
	}
}

// checkSeat gives up a seat nobody came back to, sends a page away from an
// ended session, and helps a page whose media does not come back.
func (s *state) checkSeat(p *person) {
	seat := p.seat
	silent := !seat.linked && !seat.conn.up
	switch {
	case !seat.closesAt.IsZero() && !s.now.Before(seat.closesAt):
		s.vacate(p, Reason{CodeEnded, "This session is over."})
	case silent && s.now.Sub(seat.goneAt) >= ResumeWindow:
		s.vacate(p, Reason{CodeExpired, "You were away too long. Please open your link again."})
	case s.mediaMissing(seat):
		s.renewConnection(p)
	}
}

// mediaMissing: this connection had media, lost it, and has not brought it back
// though its page could have.
func (s *state) mediaMissing(seat *seat) bool {
	since := seat.goneAt
	if seat.linkedAt.After(since) {
		since = seat.linkedAt
	}
	return seat.linked && seat.conn.attached && seat.conn.connected && !seat.conn.up &&
		s.now.Sub(since) >= reattachAfter
}
