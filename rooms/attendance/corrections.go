package attendance

import (
	"cmp"
	"slices"
)

// amendment is what the corrections of one session say together, up to as_of
// and without the dropped ones (§5). The facts about breaks, window and people
// are applied in credit.go, where §4 needs them.
type amendment struct {
	known []*Correction            // all up to as_of in their order, dropped ones too
	valid []*Correction            // those that are not dropped
	of    map[string][]*Correction // valid ones, by the person they name
}

// amendments are those of all sessions that have corrections, by session.
func amendments(c *Case) map[string]*amendment {
	superseded := make(map[string]struct{})
	all := make(map[string]*amendment)
	for _, k := range inOrder(c) {
		a := all[k.Session]
		if a == nil {
			a = &amendment{of: make(map[string][]*Correction)}
			all[k.Session] = a
		}
		a.known = append(a.known, k)
		if k.Supersedes != "" {
			superseded[k.Supersedes] = struct{}{}
		}
	}
	for _, a := range all {
		for _, k := range a.known {
			// Dropped for good, even if what superseded it is superseded.
			if _, dropped := superseded[k.ID]; !dropped {
				a.valid = append(a.valid, k)
				if k.Person != "" {
					a.of[k.Person] = append(a.of[k.Person], k)
				}
			}
		}
	}
	return all
}

// inOrder is the corrections known at as_of in the order they apply.
func inOrder(c *Case) []*Correction {
	var known []*Correction
	for i := range c.Corrections {
		if c.Corrections[i].At <= c.AsOf {
			known = append(known, &c.Corrections[i])
		}
	}
	slices.SortFunc(known, (*Correction).compare)
	return known
}

// reassigned is the last word on connections that were given to somebody.
func (a *amendment) reassigned() map[string]string {
	var to map[string]string
	for _, k := range a.valid {
		if k.Op == Reassign {
			if to == nil {
				to = make(map[string]string)
			}
			to[k.Connection] = k.Person
		}
	}
	return to
}

// effect is what a correction does to a set of instants.
type effect int8

const (
	leaves effect = iota // alone
	puts                 // its interval in
	takes                // its interval out
)

// corrected is base after the corrections, in their order: the last word wins
// at every instant.
func corrected(base Set, corrections []*Correction, effectOf func(*Correction) effect) Set {
	var strokes []stroke
	for rank, k := range corrections {
		if e := effectOf(k); e != leaves {
			strokes = append(strokes, stroke{k.interval(), rank, int(e)})
		}
	}
	if strokes == nil {
		return base
	}
	for _, i := range base {
		strokes = append(strokes, stroke{i, -1, int(puts)})
	}
	var result Set
	paint(strokes, func(i Interval, owner int) {
		if effect(owner) == puts {
			result = result.extend(i)
		}
	})
	return result
}

// added is A of a patient, who has these corrections: what the last word adds.
func added(corrections []*Correction) Set {
	return corrected(nil, corrections, func(k *Correction) effect { return k.Op.onTime(puts, takes) })
}

// removed is X of a patient: what the last word removes.
func removed(corrections []*Correction) Set {
	return corrected(nil, corrections, func(k *Correction) effect { return k.Op.onTime(takes, puts) })
}

// onTime is what an op does to a set that add and remove change like this.
func (o Op) onTime(add, remove effect) effect {
	switch o {
	case AddTime:
		return add
	case RemoveTime:
		return remove
	}
	return leaves
}

// inRoom is what a correction of a facilitator does to the facilitator's part
// of F(room): add has a room, remove is of every room.
func (k *Correction) inRoom(room string) effect {
	if k.Op == AddTime && cmp.Or(k.Room, MainRoom) != room {
		return leaves
	}
	return k.Op.onTime(puts, takes)
}

// onBreaks is what a correction does to B.
func (k *Correction) onBreaks() effect {
	switch k.Op {
	case DeclareBreak:
		return puts
	case CancelBreak:
		return takes
	}
	return leaves
}
