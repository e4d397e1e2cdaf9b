package rooms

import (
	"encoding/json"
	"fmt"
	"time"
)

func (in command) apply(s *state) {
	p := s.bySeat(in.seat)
	var err error
	switch {
	case p == nil:
		err = refuse(CodeReplaced, "This page has no place in the session any more.")
	case s.phase == Ended:
		err = refuse(CodeEnded, "This session is over.")
	default:
		err = s.command(p, in.Command)
	}
	s.do(answer{err: err})
}

func (s *state) command(p *person, c Command) error {
	switch c := c.(type) {
	case CheckIn:
		return s.checkedIn(p, c)
	case Publish:
		return s.publishes(p, c)
	case Hand:
		return s.raises(p, c.Up)
	case Help:
		p.seat.help = c.On
		return nil
	case Moderate:
		return s.moderate(p, c)
	}
	return refuse(CodeBadMessage, "Unknown command.")
}

func (s *state) checkedIn(p *person, c CheckIn) error {
	p.seat.answers = &c
	n := Note{At: s.now, Actor: p.id, Action: "check_in", Target: p.id, Detail: fmt.Sprintf(
		"private=%t headphones=%t ground_rules=%t others_present=%t",
		c.Private, c.Headphones, c.GroundRules, c.OthersPresent)}
	if c.Location != "" || c.CallBack != "" {
		sealed, err := json.Marshal(struct {
			Location string `json:"location"`
			CallBack string `json:"call_back"`
		}{c.Location, c.CallBack})
		if err != nil {
			return &Error{CodeInternal, "The answers could not be kept.", err}
		}
		n.Sealed = string(sealed)
	}
	s.do(note{n})
	return nil
}

func (s *state) publishes(p *person, c Publish) error {
	switch c.Source {
	case Mic:
		if c.On && p.held {
			return refuse(CodeMuted, "The facilitator has muted you.")
		}
	case Camera:
	case Screen, ScreenAudio:
		if c.On && !p.facilitates() {
			return refuse(CodeForbidden, "Only facilitators share a screen.")
		}
	default:
		return refuse(CodeBadMessage, "One source at a time.")
	}
	if c.On {
		s.setPublishing(p, p.seat.publishing|c.Source)
	} else {
		s.setPublishing(p, p.seat.publishing&^c.Source)
	}
	return nil
}

func (s *state) setPublishing(p *person, sources Source) {
	if p.seat.publishing == sources {
		return
	}
	p.seat.publishing = sources
	if p.seat.conn.attached {
		s.do(publishing{p.seat.conn.name, sources})
	}
}

func (s *state) raises(p *person, up bool) error {
	switch {
	case !p.admitted:
		return refuse(CodeForbidden, "You are in the lobby. Ask for help instead.")
	case !up:
		p.seat.handSince = time.Time{}
	case p.seat.handSince.IsZero():
		p.seat.handSince = s.now
	}
	return nil
}
