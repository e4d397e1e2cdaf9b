package schedule

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"viop/rooms"
)

// Standing is what there is of a session that a series made, or wants to make.
type Standing struct {
	Session  Session
	Tag      Tag  // of the stored session; "" when there is none
	Made     Tag  // of the version that the series wrote last; "" when it never did
	Evidence bool // somebody has been there, or something was said about it
}

// Revision is what must be written so that the sessions of a series are what
// it says, and what was left as it is.
type Revision struct {
	Writes  []Write           `json:"-"`
	Made    []rooms.SessionID `json:"made,omitempty"`
	Changed []rooms.SessionID `json:"changed,omitempty"`
	Removed []rooms.SessionID `json:"removed,omitempty"`
	Left    []Left            `json:"left,omitempty"`
}

// Left is a session that a series would have otherwise.
type Left struct {
	Session rooms.SessionID `json:"session"`
	Why     LeftWhy         `json:"why"`
}

// LeftWhy says why a session was left as it is.
type LeftWhy string

const (
	LeftEvidence LeftWhy = "evidence" // somebody has been there
	LeftBegun    LeftWhy = "begun"    // its time has come, whoever came
	LeftEdited   LeftWhy = "edited"   // somebody changed it singly
	LeftDeleted  LeftWhy = "deleted"  // somebody deleted it singly
	LeftForeign  LeftWhy = "foreign"  // the series never made it
)

// Revise compares the sessions that the series should have with those that are
// there. What was edited or deleted singly stays so. So does, unless rewrite is
// asked for, what has begun or has evidence: the schedule of the past is what
// records were counted by. Even then, a session with evidence is never deleted.
func (s Series) Revise(wanted []Session, standing map[rooms.SessionID]Standing, now time.Time, rewrite bool) Revision {
	r := revising{series: s.ID, now: now, rewrite: rewrite}
	known := map[rooms.SessionID]bool{}
	for _, v := range wanted {
		known[v.ID] = true
		r.want(v, standing[v.ID])
	}
	for _, id := range slices.Sorted(maps.Keys(standing)) {
		if st := standing[id]; !known[id] && st.Tag != "" && st.Made != "" {
			r.drop(id, st)
		}
	}
	return r.Revision
}

type revising struct {
	Revision
	series  SeriesID
	now     time.Time
	rewrite bool
}

func (r *revising) want(v Session, st Standing) {
	why, free := r.free(st)
	switch {
	case st.Tag == "" && st.Made == "":
		r.Made = append(r.Made, v.ID)
		r.write(Write{Document: v, If: Condition{Absent: true}, Series: r.series})
	case st.Tag == "":
		r.leave(v.ID, LeftDeleted)
	case same(v, st.Session):
	case st.Made == "":
		r.leave(v.ID, LeftForeign)
	case !free:
		r.leave(v.ID, why)
	default:
		r.Changed = append(r.Changed, v.ID)
		r.write(Write{Document: v, If: Condition{Tags: []Tag{st.Tag}}, Series: r.series})
	}
}

func (r *revising) drop(id rooms.SessionID, st Standing) {
	why, free := r.free(st)
	if free && st.Evidence {
		why, free = LeftEvidence, false
	}
	if !free {
		r.leave(id, why)
		return
	}
	r.Removed = append(r.Removed, id)
	r.write(Write{Document: st.Session, Delete: true, If: Condition{Tags: []Tag{st.Tag}}, Series: r.series})
}

// free reports whether a series may touch the session.
func (r *revising) free(st Standing) (why LeftWhy, free bool) {
	switch {
	case st.Made != st.Tag:
		return LeftEdited, false
	case r.rewrite:
		return "", true
	case st.Evidence:
		return LeftEvidence, false
	case !st.Session.Start.After(r.now):
		return LeftBegun, false
	}
	return "", true
}

func (r *revising) write(w Write) { r.Writes = append(r.Writes, w) }

func (r *revising) leave(id rooms.SessionID, why LeftWhy) {
	r.Left = append(r.Left, Left{id, why})
}

// same reports whether two sessions are the same document.
func same(a, b Session) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
