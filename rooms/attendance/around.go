package attendance

// Around is what evidence says of a session besides its records: who was where
// when, whatever that is worth.
type Around struct {
	Breaks       Set                 // B
	Facilitators []Presence          // by person, those who were connected
	People       map[string]Presence // those who have a record
}

// Presence is when somebody was there.
type Presence struct {
	Person    string
	Connected Set // ⋃ᵣ C
	Waiting   Set // in the lobby, and not connected elsewhere
}

// LookAround works it out like the records; ok is false when c has no such
// session. It costs what the session alone costs to evaluate.
func LookAround(c *Case, session string) (around *Around, ok bool) {
	e := newEvaluation(c)
	for _, place := range e.byID {
		if e.Sessions[place].ID != session {
			continue
		}
		s, _ := e.sit(place)
		around = &Around{Breaks: s.b, People: make(map[string]Presence)}
		for _, person := range e.attenders(s) {
			a := s.account(person, e.AsOf)
			around.People[person] = Presence{person, a.Connected, a.Lobby}
		}
		for i := range s.parties {
			if p := &s.parties[i]; p.role == Facilitator && len(p.connected) > 0 {
				around.Facilitators = append(around.Facilitators, Presence{p.person, p.connected, p.lobby()})
			}
		}
		return around, true
	}
	return nil, false
}
