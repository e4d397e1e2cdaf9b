package rooms

import (
	"strconv"
	"strings"
	"time"

	"viop/rooms/attendance"
)

// act is one kind of moderation: on one person, or on the room.
type act struct {
	person func(*state, *person, Moderate) error // set: needs a target
	room   func(*state, *person, Moderate) error // the person is the facilitator
	// spares facilitators: nobody shuts a colleague out.
	spares bool
	// absent: the target need not be here.
	absent bool
}

func acts(a Action) (act, bool) {
	switch a {
	case Admit:
		return act{person: (*state).admit}, true
	case AdmitAll:
		return act{room: (*state).admitAll}, true
	case Deny:
		return act{person: (*state).deny, spares: true}, true
	case SendBack:
		return act{person: (*state).sendBack, spares: true}, true
	case Mute:
		return act{person: (*state).mute}, true
	case MuteAll:
		return act{room: (*state).muteAll}, true
	case AllowUnmute:
		return act{person: (*state).allowUnmute}, true
	case StopCamera:
		return act{person: (*state).stopCamera}, true
	case Remove:
		return act{person: (*state).remove, spares: true, absent: true}, true
	case Readmit:
		return act{person: (*state).readmit, absent: true}, true
	case Lock, Unlock:
		return act{room: (*state).lock}, true
	case LowerHand:
		return act{person: (*state).lowerHand}, true
	case AnswerHelp:
		return act{person: (*state).answerHelp}, true
	case Move:
		return act{person: (*state).move}, true
	case BreakStart, BreakEnd:
		return act{room: (*state).callBreak}, true
	case End:
		return act{room: (*state).end}, true
	}
	return act{}, false
}

// stableWord is what a reason may look like: a word of a list, never prose
// about a patient.
func stableWord(w string) bool {
	return len(w) <= 40 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// moderate checks who may, finds the target, acts, and notes what was done.
func (s *state) moderate(by *person, m Moderate) error {
	act, ok := acts(m.Action)
	switch {
	case !by.facilitates():
		return refuse(CodeForbidden, "Only facilitators may do this.")
	case !ok:
		return refuse(CodeBadMessage, "Unknown action.")
	case !stableWord(m.Reason):
		return refuse(CodeBadMessage, "The reason is not a word of the list.")
	case act.room != nil:
		return s.noted(by, nil, m, act.room(s, by, m))
	}
	target := s.byHandle(m.Target)
	switch {
	case target == nil || target.seat == nil && !act.absent:
		return refuse(CodeNoSuchPerson, "This person is not here.")
	case act.spares && target.facilitates():
		return refuse(CodeForbidden, "A facilitator cannot be shut out by another.")
	}
	return s.noted(by, target, m, act.person(s, target, m))
}

func (s *state) noted(by, target *person, m Moderate, err error) error {
	if err != nil {
		return err
	}
	var words []string
	if m.Room != "" {
		words = append(words, "room="+m.Room)
	}
	if m.Hold {
		words = append(words, "hold")
	}
	if m.Reason != "" {
		words = append(words, "reason="+m.Reason)
	}
	s.note(by.id, string(m.Action), target, strings.Join(words, " "))
	return nil
}

// told tells a person what was done to them, after what has become of it: the
// page shows the new state and then why.
func (p *person) told(action, reason string) {
	p.seat.words = append(p.seat.words, Moderated{action, reason})
}

func (s *state) admit(p *person, m Moderate) error {
	if p.admitted {
		return nil
	}
	p.admitted, p.room = true, MainRoom
	p.told("admitted", m.Reason)
	s.attach(p)
	return nil
}

// admitAll notes each admission, besides the act itself.
func (s *state) admitAll(by *person, m Moderate) error {
	for _, p := range s.here() {
		if p.admitted {
			continue
		}
		if err := s.admit(p, m); err != nil {
			return err
		}
		s.note(by.id, string(Admit), p, "")
	}
	return nil
}

// deny sends a person away from the lobby; they may knock again.
func (s *state) deny(p *person, m Moderate) error {
	if p.admitted {
		return refuse(CodeBadMessage, "This person is in the group already.")
	}
	s.left(p, attendance.ReasonRemoved)
	p.told("denied", m.Reason)
	s.vacate(p, Reason{CodeDenied, "The facilitator has not let you in. Please call your program."})
	return nil
}

// sendBack takes a person from the group to the lobby. Their connection ends,
// and with it what their camera and microphone sent us.
func (s *state) sendBack(p *person, m Moderate) error {
	if !p.admitted {
		return refuse(CodeBadMessage, "This person is in the lobby already.")
	}
	s.unseat(p, attendance.ReasonSentToLobby)
	p.admitted, p.room = false, ""
	p.seat.wasActive, p.seat.handSince = false, time.Time{}
	p.told("sent_back", m.Reason)
	s.connect(p)
	return nil
}

// mute stops the forwarding of a microphone until its owner switches it on
// again; held, until a facilitator allows that. Nobody else ever switches it
// on.
func (s *state) mute(p *person, m Moderate) error {
	if !p.admitted {
		return refuse(CodeBadMessage, "This person is in the lobby.")
	}
	p.held = p.held || m.Hold && !p.facilitates()
	s.setPublishing(p, p.seat.publishing&^Mic)
	p.told("muted", m.Reason)
	return nil
}

func (s *state) muteAll(by *person, m Moderate) error {
	for _, p := range s.here() {
		if !p.admitted || p.facilitates() {
			continue
		}
		if err := s.mute(p, m); err != nil {
			return err
		}
		s.note(by.id, string(Mute), p, "")
	}
	return nil
}

func (s *state) allowUnmute(p *person, m Moderate) error {
	if p.held {
		p.held = false
		p.told("unmute_allowed", m.Reason)
	}
	return nil
}

func (s *state) stopCamera(p *person, m Moderate) error {
	if p.seat.publishing&Camera != 0 {
		s.setPublishing(p, p.seat.publishing&^Camera)
		p.told("camera_stopped", m.Reason)
	}
	return nil
}

// remove is for the rest of the session, whatever token the person comes back
// with.
func (s *state) remove(p *person, m Moderate) error {
	p.removed, p.admitted, p.room = true, false, ""
	p.resume, p.until = "", time.Time{}
	if p.seat != nil {
		s.left(p, attendance.ReasonRemoved)
		p.told("removed", m.Reason)
		s.vacate(p, Reason{CodeRemoved, "You were removed from this session. Please call your program."})
	}
	return nil
}

// readmit lets a removed person knock again.
func (s *state) readmit(p *person, _ Moderate) error {
	p.removed = false
	return nil
}

// lock keeps out those who are not let in yet and not in the lobby either.
func (s *state) lock(_ *person, m Moderate) error {
	s.locked = m.Action == Lock
	return nil
}

func (s *state) lowerHand(p *person, _ Moderate) error {
	p.seat.handSince = time.Time{}
	return nil
}

func (s *state) answerHelp(p *person, m Moderate) error {
	if p.seat.help {
		p.seat.help = false
		p.told("help_answered", m.Reason)
	}
	return nil
}

func (s *state) move(p *person, m Moderate) error {
	room := m.Room
	if room == "" {
		room = MainRoom
	}
	switch {
	case !p.admitted:
		return refuse(CodeBadMessage, "This person is in the lobby.")
	case room != MainRoom && !breakout(room):
		return refuse(CodeBadMessage, "There is no such room.")
	case room == p.room:
		return nil
	}
	p.room = room
	s.moved(p)
	p.told("moved", m.Reason)
	return nil
}

// breakout reports whether room is "breakout-1" … "breakout-99".
func breakout(room string) bool {
	number := strings.TrimPrefix(room, "breakout-")
	n, err := strconv.Atoi(number)
	return err == nil && 1 <= n && n <= 99 && room == "breakout-"+strconv.Itoa(n)
}

func (s *state) callBreak(_ *person, m Moderate) error {
	start := m.Action == BreakStart
	if start == s.onBreak {
		return nil
	}
	s.onBreak, s.breakSince = start, time.Time{}
	kind := attendance.BreakEnded
	if start {
		s.breakSince = s.now
		kind = attendance.BreakStarted
	}
	s.do(record{attendance.Event{Type: kind, At: attendance.At(s.now)}})
	return nil
}

// end closes the session for all: `closed` ends every connection of the epoch,
// and nobody comes back but facilitators, to review. Before the scheduled
// start it was a rehearsal: the room only empties (SPEC §3: "a room opened and
// closed again before its start is not over").
func (s *state) end(*person, Moderate) error {
	for _, p := range s.here() {
		if s.silent(p) { // `closed` would end it now (SPEC §3)
			s.lost(p)
		}
	}
	s.do(record{attendance.Event{Type: attendance.Closed, At: attendance.At(s.now)}})
	rehearsal := s.now.Before(s.plan.Start)
	s.onBreak, s.breakSince, s.heldSince = false, time.Time{}, time.Time{}
	s.beatAt = time.Time{} // presence says so within a tick
	s.phase = Ended
	if rehearsal {
		s.beginAnew()
	}
	for _, p := range s.here() {
		p.seat.conn.phase = outside
		s.detach(p)
		switch {
		case rehearsal:
			s.vacate(p, Reason{CodeEnded, "The room was closed before the session's start. Please open your link again later."})
		case p.facilitates():
			p.seat.closesAt = s.now.Add(reviewTime)
		default:
			p.resume, p.until = "", time.Time{}
			p.seat.closesAt = s.now.Add(partingTime)
		}
	}
	return nil
}
