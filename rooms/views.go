package rooms

// publish tells every page what it may see and does not know yet. Who may see
// what stands in view and nowhere else; changes are found by comparing with
// what was told last, so no act can forget to tell somebody.
func (s *state) publish() {
	rev := s.rev + 1
	told := false
	for _, viewer := range s.here() {
		told = s.tell(viewer, rev) || told
	}
	if told {
		s.rev = rev
	}
}

// tell reports whether there was anything to tell.
func (s *state) tell(viewer *person, rev int) (told bool) {
	seat := viewer.seat
	room, people := s.roomView(viewer), s.peopleFor(viewer, s.spare[:0])
	if seat.snapshot {
		seat.snapshot, told = false, true
		s.do(send{seat.id, Snapshot{Room: revised(room, rev), You: viewer.handle, People: revisedAll(people, rev)}})
	} else {
		told = s.tellChanges(seat, room, people, rev)
	}
	seat.sentRoom, seat.sent, s.spare = room, people, seat.sent
	s.speak(seat)
	if seat.wantsMedia {
		seat.wantsMedia = false
		s.do(send{seat.id, AttachMedia{}})
	}
	return told
}

func (s *state) speak(seat *seat) {
	for _, word := range seat.words {
		s.do(send{seat.id, word})
	}
	seat.words = nil
}

func (s *state) tellChanges(seat *seat, room RoomView, people []PersonView, rev int) (told bool) {
	if room != seat.sentRoom {
		told = true
		s.do(send{seat.id, RoomChanged{revised(room, rev)}})
	}
	old := seat.sent
	for _, p := range s.people {
		was, is := next(&old, p.handle), next(&people, p.handle)
		switch {
		case is != nil && (was == nil || *is != *was):
			told = true
			view := *is
			view.Rev = rev
			s.do(send{seat.id, PersonChanged{view}})
		case is == nil && was != nil:
			told = true
			s.do(send{seat.id, PersonChanged{PersonView{
				Rev: rev, Handle: was.Handle, Name: was.Name, Role: was.Role, State: Gone,
			}}})
		}
	}
	return told
}

// next takes the view of h off the list if it is the first. Lists of views are
// in the order of s.people, whoever is missing.
func next(list *[]PersonView, h Handle) *PersonView {
	if len(*list) == 0 || (*list)[0].Handle != h {
		return nil
	}
	view := &(*list)[0]
	*list = (*list)[1:]
	return view
}

func revised(room RoomView, rev int) RoomView {
	room.Rev = rev
	return room
}

func revisedAll(people []PersonView, rev int) []PersonView {
	all := make([]PersonView, len(people))
	for i, view := range people {
		view.Rev = rev
		all[i] = view
	}
	return all
}

func (s *state) roomView(viewer *person) RoomView {
	room := RoomView{
		State: s.phase, Locked: s.locked, OnBreak: s.onBreak,
		HeldSince: s.heldSince, Start: s.plan.Start, End: s.plan.End, Storage: "ok",
	}
	if s.onBreak {
		room.BreakSince = s.breakSince
	}
	switch {
	case !s.health.Durable:
		room.Storage = "volatile"
	case s.health.Behind > behindAfter && viewer.facilitates():
		room.Storage = "behind"
	}
	return room
}

// peopleFor a viewer, appended to all.
func (s *state) peopleFor(viewer *person, all []PersonView) []PersonView {
	for _, p := range s.here() {
		if s.maySee(viewer, p) {
			all = append(all, s.view(viewer, p))
		}
	}
	return all
}

// maySee: oneself always; facilitators everybody; those in the group each
// other. The lobby sees nobody, and is seen by facilitators only: who else
// waits for an addiction group is nobody's business. In an ended session
// everybody is alone.
func (s *state) maySee(viewer, p *person) bool {
	switch {
	case viewer == p:
		return true
	case s.phase == Ended:
		return false
	case viewer.facilitates():
		return true
	}
	return viewer.admitted && p.admitted
}

// view is p as the viewer may see them. It holds nothing of the person's id.
func (s *state) view(viewer, p *person) PersonView {
	seat := p.seat
	view := PersonView{
		Handle: p.handle, Name: p.name, Role: string(p.role), State: seat.state, Room: p.room,
		Muted: p.held, Hand: !seat.handSince.IsZero(), HandSince: seat.handSince,
	}
	if seat.state == Waiting {
		view.WaitingSince = seat.since
	}
	if p.admitted && seat.state != Gone {
		view.Mic = seat.publishing&Mic != 0
		view.Camera = seat.publishing&Camera != 0
		view.Screen = seat.publishing&Screen != 0
	}
	if viewer.facilitates() || viewer == p {
		view.Help = seat.help
	}
	if viewer.facilitates() {
		view.CheckIn = seat.answers
	}
	return view
}
