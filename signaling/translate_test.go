package signaling

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

// Every event there is, and what it is on the wire, within the wire's limits.
func TestEvents(t *testing.T) {
	at := time.UnixMilli(1795440000123)
	view := rooms.PersonView{
		Rev: 4, Handle: "m2", Name: "Ana B.", Role: "patient", State: rooms.Waiting, WaitingSince: at, Room: "main",
		Mic: true, Camera: true, Screen: true, Muted: true, Hand: true, HandSince: at, Help: true,
		CheckIn: &rooms.CheckIn{Private: true, Headphones: true, GroundRules: true, OthersPresent: true, Location: "home", CallBack: "555"},
	}
	person := wire.Person{
		Rev: 4, Handle: "m2", Name: "Ana B.", Role: "patient", State: "waiting", WaitingSince: 1795440000123, Room: "main",
		Mic: true, Camera: true, Screen: true, Muted: true, Hand: true, HandSince: 1795440000123, Help: true,
		CheckIn: &wire.CheckIn{Private: true, Headphones: true, GroundRules: true, OthersPresent: true, Location: "home", CallBack: "555"},
	}
	roomView := rooms.RoomView{Rev: 9, State: rooms.Held, Locked: true, OnBreak: true, BreakSince: at, HeldSince: at, Start: at, End: at, Storage: "behind"}
	roomWire := wire.Room{
		Rev: 9, State: "held", Locked: true, OnBreak: true, BreakSince: 1795440000123, HeldSince: 1795440000123,
		Start: 1795440000123, End: 1795440000123, Storage: "behind",
	}
	slot := wire.Slot{Kind: wire.Audio, Index: 3, Handle: "m2", Source: wire.ScreenAudio, Paused: true, Why: "hidden"}
	many := rooms.Speakers{Levels: make([]rooms.Level, maxSpeakers+1)}
	loud := wire.Speakers{}
	for i := range many.Levels {
		many.Levels[i] = rooms.Level{Handle: "m3", Level: 127}
		if i < maxSpeakers {
			loud.Levels = append(loud.Levels, wire.Level{Handle: "m3", Level: 127})
		}
	}
	l := &link{}
	for _, c := range []struct {
		event rooms.Event
		want  wire.ServerMessage
	}{
		{rooms.RoomChanged{Room: roomView}, roomWire},
		{rooms.PersonChanged{Person: view}, person},
		{rooms.Slots{Slots: []rooms.Slot{
			{Audio: true, Index: 3, Handle: "m2", Source: rooms.ScreenAudio, Paused: true, Why: "hidden"}, {Index: 1},
		}}, wire.Slots{Slots: []wire.Slot{slot, {Kind: wire.Video, Index: 1}}}},
		{rooms.Layers{Source: rooms.Camera, Wanted: []bool{true, true, true}}, wire.Layers{Source: wire.Camera, Wanted: []bool{true, true, true}}},
		{rooms.Layers{Source: rooms.Screen, Wanted: []bool{true}}, wire.Layers{Source: wire.Screen, Wanted: []bool{true}}},
		{rooms.Layers{Source: rooms.Camera, Wanted: []bool{true, false, false}}, wire.Layers{Source: wire.Camera, Wanted: []bool{true, false, false}}},
		{rooms.Snapshot{Room: roomView, You: "m2", People: []rooms.PersonView{view}}, wire.Snapshot{
			Room: roomWire, You: "m2", People: []wire.Person{person}, Slots: []wire.Slot{slot, {Kind: wire.Video, Index: 1}},
			Layers: []wire.Layers{{Source: wire.Screen, Wanted: []bool{true}}, {Source: wire.Camera, Wanted: []bool{true, false, false}}},
		}},
		{rooms.Moderated{Action: "muted", Reason: "noise"}, wire.Moderated{Action: "muted", Reason: "noise"}},
		{rooms.AttachMedia{}, wire.AttachMedia{}},
		{rooms.Snapshot{Room: roomView, You: "m2"}, wire.Snapshot{Room: roomWire, You: "m2"}}, // the slots went with the media
		{rooms.Answer{NID: 7, SDP: "v=0\r\n"}, wire.Answer{NID: 7, SDP: "v=0\r\n"}},
		{rooms.SignalFailed{NID: 7, Code: "stale_nid", Message: "m"}, wire.SignalFailed{NID: 7, Code: "stale_nid", Message: "m"}},
		{rooms.ICERestart{}, wire.ICERestart{}},
		{many, loud},
	} {
		got := l.translate(c.event)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%T (-want +got):\n%s", c.event, d)
		}
		b, err := wire.Append(nil, wire.ServerFrame{Msg: got})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.DecodeServer(b); err != nil {
			t.Errorf("%T is not one of viop.v1: %v", c.event, err)
		}
	}
}

// The words of the rooms are the words of the wire.
func TestWords(t *testing.T) {
	person := func(role string, state rooms.SeatState) rooms.Event {
		return rooms.PersonChanged{Person: rooms.PersonView{Handle: "m1", Role: role, State: state}}
	}
	var events []rooms.Event
	for _, s := range []rooms.RoomState{rooms.Scheduled, rooms.Open, rooms.Live, rooms.Held, rooms.Ended} {
		events = append(events, rooms.RoomChanged{Room: rooms.RoomView{State: s, Storage: "volatile"}})
	}
	for _, s := range []rooms.SeatState{rooms.Waiting, rooms.Admitted, rooms.Active, rooms.Reconnecting, rooms.Gone} {
		events = append(events, person("patient", s))
	}
	for _, r := range []auth.Role{auth.Patient, auth.Facilitator, auth.Observer, auth.Interpreter, auth.Guest, auth.Peer} {
		events = append(events, person(string(r), rooms.Active))
	}
	for _, s := range []rooms.Source{rooms.Mic, rooms.Camera, rooms.Screen, rooms.ScreenAudio} {
		if got := source(sourceWord(s)); got != s {
			t.Errorf("source %d came back as %d", s, got)
		}
		events = append(events, rooms.Slots{Slots: []rooms.Slot{{Source: s, Handle: "m1"}}})
	}
	for _, ev := range events {
		b, err := wire.Append(nil, wire.ServerFrame{Msg: (&link{}).translate(ev)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.DecodeServer(b); err != nil {
			t.Errorf("%+v: %v", ev, err)
		}
	}
	for _, a := range []rooms.Action{
		rooms.Admit, rooms.AdmitAll, rooms.Deny, rooms.SendBack, rooms.Mute, rooms.MuteAll, rooms.AllowUnmute,
		rooms.StopCamera, rooms.Remove, rooms.Readmit, rooms.Lock, rooms.Unlock, rooms.LowerHand, rooms.AnswerHelp,
		rooms.Move, rooms.BreakStart, rooms.BreakEnd, rooms.End,
	} {
		b, err := wire.AppendClient(nil, wire.ClientFrame{Msg: wire.Moderate{Action: wire.Action(a), Target: "m1", Room: "breakout-1", Hold: true, Reason: "r"}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		want := rooms.Moderate{Action: a, Target: "m1", Room: "breakout-1", Hold: true, Reason: "r"}
		if d := cmp.Diff(rooms.Command(want), command(f.Msg)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}
