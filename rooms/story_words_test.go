package rooms

import (
	"fmt"
	"strings"

	"viop/rooms/attendance"
)

// effect says in words what the room did; "" for what is not part of a story.
func (st *story) effect(e effect) string {
	switch e := e.(type) {
	case answer:
		if e.err != nil {
			return "refused: " + e.err.Error()
		}
		if e.info != nil {
			return fmt.Sprintf("%s has seat %s%s", e.info.Person, e.info.Handle, when(e.info.CheckIn, ", asked to check in"))
		}
		return ""
	case send:
		return st.owner[e.to] + " is told " + st.event(e.event)
	case dismiss:
		return fmt.Sprintf("%s is shown out: %s", st.owner[e.seat], e.reason.Code)
	case attach:
		return fmt.Sprintf("media: peer for %s%s", e.conn, when(e.preferred, ", preferred"))
	case rebind:
		return fmt.Sprintf("media: %s now talks to %s", e.conn, st.owner[e.seat])
	case detach:
		return fmt.Sprintf("media: no peer for %s", e.conn)
	case publishing:
		return fmt.Sprintf("media: %s publishes%s", e.conn, sources(e.sources))
	case route:
		return "route:" + places(e.table)
	case record:
		if e.event.Type == attendance.Seen && !st.beats {
			return ""
		}
		return "evidence: " + evidenceLine(e.event)
	case note:
		n := e.note
		return strings.TrimRight(fmt.Sprintf("audit: %s %s %s %s%s", or(string(n.Actor), "the room"), n.Action, n.Target, n.Detail,
			when(n.Sealed != "", " (sealed)")), " ")
	case beat:
		if st.beats {
			return "beat: " + string(e.beat.State) + here(e.beat.Here)
		}
		return ""
	case finish:
		return "the room closes: " + e.why
	}
	return ""
}

func (st *story) event(e Event) string {
	switch e := e.(type) {
	case Snapshot:
		var people []string
		for _, p := range e.People {
			people = append(people, st.personView(p))
		}
		return fmt.Sprintf("everything: %s; %s", roomView(e.Room), strings.Join(people, ", "))
	case RoomChanged:
		return roomView(e.Room)
	case PersonChanged:
		return st.personView(e.Person)
	case Moderated:
		return strings.TrimSpace("you were " + e.Action + " " + e.Reason)
	case AttachMedia:
		return "to offer media"
	}
	return fmt.Sprintf("%T", e)
}

func roomView(r RoomView) string {
	return "room " + string(r.State) + when(r.Locked, " locked") + when(r.OnBreak, " on break") +
		when(r.Storage != "ok", " storage "+r.Storage)
}

func (st *story) personView(p PersonView) string {
	return p.Name + " " + string(p.State) + when(p.Room != "" && p.Room != MainRoom, " in "+p.Room) +
		when(p.Mic, " mic") + when(p.Camera, " camera") + when(p.Screen, " screen") +
		when(p.Muted, " muted") + when(p.Hand, " hand") + when(p.Help, " help") + when(p.CheckIn != nil, " checked-in")
}

func evidenceLine(e attendance.Event) string {
	text := e.At.Time().Format("15:04:05") + " " + string(e.Type)
	for _, w := range []string{e.Person, e.Connection, e.Room, string(e.Reason)} {
		if w != "" {
			text += " " + w
		}
	}
	return text
}

func when(ok bool, text string) string {
	if ok {
		return text
	}
	return ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func sources(s Source) string {
	return when(s&Mic != 0, " mic") + when(s&Camera != 0, " camera") + when(s&Screen != 0, " screen") + when(s == 0, " nothing")
}

func places(table map[Conn]Place) string {
	if len(table) == 0 {
		return " nobody"
	}
	var all string
	for n := range 100 {
		for epoch := range 5 {
			c := Conn(fmt.Sprintf("c%d-%d", epoch, n))
			if p, ok := table[c]; ok {
				all += fmt.Sprintf("; %s in %s%s", c, or(p.Room, "silence"), when(p.Send != 0, " with"+sources(p.Send)))
			}
		}
	}
	return all[1:]
}

func here(all []Presence) string {
	var text string
	for _, p := range all {
		text += fmt.Sprintf("; %s %s %s since %s seen %s", p.Person, p.State, or(string(p.Conn), "no connection"),
			p.Since.Format("15:04:05"), p.Seen.Format("15:04:05"))
	}
	return text
}
