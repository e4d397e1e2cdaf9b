package signaling

import (
	"fmt"
	"slices"

	"viop/rooms"
	"viop/signaling/wire"
)

// translate is what a room's event is on the wire. Slots and layers are the
// peer's affair and the snapshot is the room's; the page gets them together,
// so the link keeps the last of them. Called with the link's mu held.
func (l *link) translate(ev rooms.Event) wire.ServerMessage {
	switch ev := ev.(type) {
	case rooms.Snapshot:
		s := wire.Snapshot{Room: room(ev.Room), You: wire.Handle(ev.You), Slots: l.slots, Layers: l.layers}
		for _, p := range ev.People {
			s.People = append(s.People, person(p))
		}
		return s
	case rooms.RoomChanged:
		return room(ev.Room)
	case rooms.PersonChanged:
		return person(ev.Person)
	case rooms.Moderated:
		return wire.Moderated{Action: ev.Action, Reason: ev.Reason}
	case rooms.AttachMedia:
		l.slots, l.layers = nil, nil // they were the former peer's
		return wire.AttachMedia{}
	case rooms.Answer:
		return wire.Answer{NID: ev.NID, SDP: ev.SDP}
	case rooms.SignalFailed:
		return wire.SignalFailed{NID: ev.NID, Code: ev.Code, Message: ev.Message}
	case rooms.ICERestart:
		return wire.ICERestart{}
	case rooms.Slots:
		l.slots = slots(ev)
		return wire.Slots{Slots: l.slots}
	case rooms.Layers:
		m := wire.Layers{Source: sourceWord(ev.Source), Wanted: ev.Wanted}
		l.layers = slices.DeleteFunc(slices.Clone(l.layers), func(o wire.Layers) bool { return o.Source == m.Source })
		l.layers = append(l.layers, m)
		return m
	case rooms.Speakers:
		return speakers(ev)
	}
	// The set is closed, and a test sends every one of it.
	panic(fmt.Sprintf("signaling: %T is no event", ev))
}

func room(v rooms.RoomView) wire.Room {
	return wire.Room{
		Rev: v.Rev, State: wire.RoomState(v.State), Locked: v.Locked,
		OnBreak: v.OnBreak, BreakSince: wire.At(v.BreakSince), HeldSince: wire.At(v.HeldSince),
		Start: wire.At(v.Start), End: wire.At(v.End), Storage: wire.Storage(v.Storage),
	}
}

func person(v rooms.PersonView) wire.Person {
	p := wire.Person{
		Rev: v.Rev, Handle: wire.Handle(v.Handle), Name: v.Name, Role: wire.Role(v.Role),
		State: wire.SeatState(v.State), WaitingSince: wire.At(v.WaitingSince), Room: v.Room,
		Mic: v.Mic, Camera: v.Camera, Screen: v.Screen, Muted: v.Muted,
		Hand: v.Hand, HandSince: wire.At(v.HandSince), Help: v.Help,
	}
	if c := v.CheckIn; c != nil {
		p.CheckIn = &wire.CheckIn{
			Private: c.Private, Headphones: c.Headphones, GroundRules: c.GroundRules,
			OthersPresent: c.OthersPresent, Location: c.Location, CallBack: c.CallBack,
		}
	}
	return p
}

func slots(ev rooms.Slots) []wire.Slot {
	all := make([]wire.Slot, 0, len(ev.Slots))
	for _, s := range ev.Slots {
		w := wire.Slot{
			Kind: wire.Video, Index: s.Index, Handle: wire.Handle(s.Handle),
			Source: sourceWord(s.Source), Paused: s.Paused, Why: wire.PauseReason(s.Why),
		}
		if s.Audio {
			w.Kind = wire.Audio
		}
		all = append(all, w)
	}
	return all
}

// maxSpeakers is the schema's limit.
const maxSpeakers = 16

func speakers(ev rooms.Speakers) wire.Speakers {
	var s wire.Speakers
	for _, l := range ev.Levels[:min(len(ev.Levels), maxSpeakers)] {
		s.Levels = append(s.Levels, wire.Level{Handle: wire.Handle(l.Handle), Level: l.Level})
	}
	return s
}

func sourceWord(s rooms.Source) wire.Source {
	switch s {
	case rooms.Mic:
		return wire.Mic
	case rooms.Camera:
		return wire.Camera
	case rooms.Screen:
		return wire.Screen
	case rooms.ScreenAudio:
		return wire.ScreenAudio
	}
	return ""
}

func source(w wire.Source) rooms.Source {
	switch w {
	case wire.Mic:
		return rooms.Mic
	case wire.Camera:
		return rooms.Camera
	case wire.Screen:
		return rooms.Screen
	case wire.ScreenAudio:
		return rooms.ScreenAudio
	}
	return 0
}

// command is what the room is asked; nil for a message that is not for it.
func command(m wire.ClientMessage) rooms.Command {
	switch m := m.(type) {
	case wire.CheckIn:
		return rooms.CheckIn{
			Private: m.Private, Headphones: m.Headphones, GroundRules: m.GroundRules,
			OthersPresent: m.OthersPresent, Location: m.Location, CallBack: m.CallBack,
		}
	case wire.Publish:
		return rooms.Publish{Source: source(m.Source), On: m.On}
	case wire.Hand:
		return rooms.Hand{Up: m.Up}
	case wire.Help:
		return rooms.Help{On: m.On}
	case wire.Moderate:
		return rooms.Moderate{
			Action: rooms.Action(m.Action), Target: rooms.Handle(m.Target),
			Room: m.Room, Hold: m.Hold, Reason: m.Reason,
		}
	}
	return nil
}

func wants(m wire.Want) []rooms.Want {
	all := make([]rooms.Want, 0, len(m.Tiles))
	for _, t := range m.Tiles {
		all = append(all, rooms.Want{
			Handle: rooms.Handle(t.Handle), Source: source(t.Source), Height: t.Height, Pinned: t.Pinned,
		})
	}
	return all
}

func offer(m wire.Offer) rooms.Signal { return rooms.Signal{NID: m.NID, SDP: m.SDP} }

func candidate(m wire.Candidate) rooms.Signal {
	return rooms.Signal{NID: m.NID, Candidate: m.Candidate, Mid: m.Mid, End: m.End}
}

func welcome(info rooms.SeatInfo, token string, ice []wire.ICEServer) wire.Welcome {
	return wire.Welcome{
		Version: wire.Version, Session: string(info.Session), Handle: wire.Handle(info.Handle),
		Role: wire.Role(info.Role), Name: info.Name,
		ResumeToken: token, ResumeWindowMS: wire.Span(rooms.ResumeWindow),
		Slots:      wire.SlotCounts{Audio: info.Audio, Video: info.Video},
		ICEServers: ice, Durable: info.Durable, CheckIn: info.CheckIn,
	}
}
