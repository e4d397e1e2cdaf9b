package attendance

import (
	"cmp"
	"math"
	"slices"
)

// need says whether a field belongs to an event type or an op.
type need uint8

const (
	never need = iota
	maybe
	always
)

// bad is what is wrong with a field that is, or is not, given.
func (n need) bad(given bool) string {
	switch {
	case n == always && !given:
		return isRequired
	case n == never && given:
		return isNotItsOwn
	}
	return ""
}

// eventFields is a row of the table of §3.
type eventFields struct{ person, connection, room, reason need }

// fields is the type's row of §3; ok is false for no type of ours.
func (t EventType) fields() (row eventFields, ok bool) {
	switch t {
	case Opened, Closed, BreakStarted, BreakEnded:
		return eventFields{}, true
	case Waiting:
		return eventFields{person: always, connection: always}, true
	case Admitted:
		return eventFields{person: always, connection: always, room: maybe}, true
	case Moved:
		return eventFields{connection: always, room: always}, true
	case Left:
		return eventFields{connection: always, reason: always}, true
	case Lost:
		return eventFields{connection: always}, true
	case Seen:
		return eventFields{connection: maybe}, true
	}
	return eventFields{}, false
}

// normal is e with its defaults filled in (§3).
func (e Event) normal() Event {
	if e.Type == Admitted && e.Room == "" {
		e.Room = MainRoom
	}
	return e
}

// events checks each event by itself.
func (v *validator) events() *InputError {
	v.sessionOf = make([]int, len(v.Events))
	last, place := "", -1
	for i := range v.Events {
		e := &v.Events[i]
		if e.Session != last || place < 0 {
			if m := v.badSession(e.Session); m != "" {
				return broken(m, "events", i, "session")
			}
			last, place = e.Session, v.sessions[e.Session]
		}
		v.sessionOf[i] = place
		if err := v.event(i, e); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) event(i int, e *Event) *InputError {
	row, ok := e.Type.fields()
	if !ok {
		return broken(isUnknown, "events", i, "type")
	}
	for _, f := range [...]finding{
		{"epoch", badNumber(e.Epoch, 0, math.MaxInt32)},
		{"seq", badNumber(e.Seq, 0, math.MaxInt32)},
		{"at", badInstant(e.At)},
		{"person", row.person.bad(e.Person != "")},
		{"connection", row.connection.bad(e.Connection != "")},
		{"room", row.room.bad(e.Room != "")},
		{"reason", row.reason.bad(e.Reason != "")},
	} {
		if f.message != "" {
			return broken(f.message, "events", i, f.field)
		}
	}
	if e.Person != "" {
		if m := v.badPerson(e.Person); m != "" {
			return broken(m, "events", i, "person")
		}
	}
	if e.Reason != "" {
		if m := badWord(e.Reason, ReasonLeave, ReasonRemoved, ReasonSentToLobby, ReasonReplaced); m != "" {
			return broken(m, "events", i, "reason")
		}
	}
	return nil
}

// evidence checks the events of each session against each other (§3), and the
// connections that corrections reassign against the events (§5).
func (v *validator) evidence() *InputError {
	reassigned := make(map[int][]int) // places of corrections, by session
	for i, k := range v.Corrections {
		if s, known := v.sessions[k.Session]; known && k.Op == Reassign && k.Connection != "" {
			reassigned[s] = append(reassigned[s], i)
		}
	}
	owners := make(map[string]owner)
	for s, events := range grouped(v.sessionOf, len(v.Sessions)) {
		clear(owners)
		if err := v.connections(events, owners); err != nil {
			return err
		}
		for _, i := range reassigned[s] {
			if _, named := owners[v.Corrections[i].Connection]; !named {
				return broken("names no connection of the session", "corrections", i, "connection")
			}
		}
		if err := v.identities(events); err != nil {
			return err
		}
	}
	return nil
}

// grouped lists the places of keys under each key below n, in order.
func grouped(keys []int, n int) [][]int32 {
	ends := make([]int, n+1)
	for _, k := range keys {
		ends[k+1]++
	}
	for k := range n {
		ends[k+1] += ends[k]
	}
	places := make([]int32, ends[n])
	groups := make([][]int32, n)
	for k := range groups {
		groups[k] = places[ends[k]:ends[k]:ends[k+1]]
	}
	for i, k := range keys {
		groups[k] = append(groups[k], int32(i))
	}
	return groups
}

// owner is whose a connection is; the person is empty until an event says.
type owner struct {
	epoch  int
	person string
}

// connections checks that each connection of a session belongs to one epoch
// and one person, and collects them.
func (v *validator) connections(events []int32, owners map[string]owner) *InputError {
	for _, i := range events {
		e := &v.Events[i]
		if e.Connection == "" {
			continue
		}
		o, known := owners[e.Connection]
		switch {
		case known && o.epoch != e.Epoch:
			return broken("is another epoch than the connection's", "events", i, "epoch")
		case e.Person != "" && o.person != "" && o.person != e.Person:
			return broken("is another person than the connection's", "events", i, "person")
		}
		if !known || o.person != e.Person && e.Person != "" {
			owners[e.Connection] = owner{e.Epoch, e.Person}
		}
	}
	return nil
}

// identities checks that events of one identity have one content. It reorders
// the places.
func (v *validator) identities(events []int32) *InputError {
	slices.SortFunc(events, func(i, j int32) int {
		a, b := &v.Events[i], &v.Events[j]
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq), cmp.Compare(i, j))
	})
	for n := 1; n < len(events); n++ {
		a, b := &v.Events[events[n-1]], &v.Events[events[n]]
		if a.Epoch == b.Epoch && a.Seq == b.Seq && a.normal() != b.normal() {
			return broken("has the identity of another event and another content", "events", events[n])
		}
	}
	return nil
}
