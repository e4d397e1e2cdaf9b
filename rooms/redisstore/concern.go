package redisstore

import (
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
)

// about is what of the facts concerns some patients, and whether they appear
// in it. Facilitators and the room itself concern everybody.
func (f facts) about(patients []rooms.PersonID, facilitator func(rooms.PersonID) bool) (facts, bool) {
	who := f.whose()
	concerns := func(people []rooms.PersonID) bool {
		return slices.ContainsFunc(people, func(p rooms.PersonID) bool { return facilitator(p) || slices.Contains(patients, p) })
	}
	corrections := f.correctionsAbout(who, concerns)
	needed := map[string]bool{}
	appear := false
	for _, k := range corrections {
		needed[k.Connection] = k.Op == attendance.Reassign || needed[k.Connection]
		appear = appear || slices.Contains(patients, rooms.PersonID(k.Person))
	}
	events := slices.DeleteFunc(slices.Clone(f.events), func(e attendance.Event) bool {
		if e.Connection == "" {
			return false
		}
		people := who[e.Connection]
		appear = appear || slices.ContainsFunc(people, func(p rooms.PersonID) bool { return slices.Contains(patients, p) })
		return !needed[e.Connection] && !concerns(people)
	})
	return facts{events, corrections, f.signatures}, appear
}

// whose are those whom events or a correction ever gave each connection to.
func (f facts) whose() map[string][]rooms.PersonID {
	who := map[string][]rooms.PersonID{}
	for _, e := range f.events {
		if e.Person != "" {
			who[e.Connection] = append(who[e.Connection], rooms.PersonID(e.Person))
		}
	}
	for _, k := range f.corrections {
		if k.Op == attendance.Reassign {
			who[k.Connection] = append(who[k.Connection], rooms.PersonID(k.Person))
		}
	}
	return who
}

// correctionsAbout are those that concern somebody, with all that they
// supersede or are superseded by: each of these touches and drops the others'.
func (f facts) correctionsAbout(who map[string][]rooms.PersonID, concerns func([]rooms.PersonID) bool) []attendance.Correction {
	first := map[string]string{} // correction -> the first of those that supersede one another
	keep := map[string]bool{}    // by that
	for _, k := range f.corrections {
		first[k.ID] = k.ID
		if k.Supersedes != "" {
			first[k.ID] = first[k.Supersedes]
		}
		people := who[k.Connection]
		if k.Op != attendance.Reassign {
			people = []rooms.PersonID{rooms.PersonID(k.Person)}
		}
		if k.Person == "" || concerns(people) {
			keep[first[k.ID]] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(f.corrections), func(k attendance.Correction) bool { return !keep[first[k.ID]] })
}
