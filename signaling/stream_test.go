package signaling

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

// said is a numbered message that no other replaces.
func said(n int) rooms.Event { return rooms.Moderated{Action: fmt.Sprint("n", n)} }

// actions are those a page heard, in order.
func actions(frames []wire.ServerFrame) (all []string) {
	for _, f := range frames {
		if m, ok := f.Msg.(wire.Moderated); ok {
			all = append(all, m.Action)
		}
	}
	return all
}

func upTo(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("n", i))
	}
	return all
}

// The line breaks in the middle of a stream; everything arrives once, in order.
func TestReplayIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		for i := range 10 {
			ana.out.Send(said(i))
		}
		heard := p.heard()
		token := p.resumeToken()
		p.cut()
		for i := range 10 {
			ana.out.Send(said(10 + i))
		}
		ana.out.Send(rooms.Speakers{Levels: []rooms.Level{{Handle: "m1", Level: 9}}}) // nobody listens
		// The browser had processed only half of what reached it.
		half := heard[6]
		q := h.resumeWith(token, half.Seq, false)
		ana.out.Send(said(20))
		after := q.heard()
		if r, ok := after[0].Msg.(wire.Resumed); !ok || r.Mode != wire.ModeReplay {
			t.Fatalf("first came %+v, want resumed by replay", after[0])
		}
		if d := cmp.Diff(upTo(21), actions(append(heard[:7:7], after...))); d != "" {
			t.Errorf("the stream (-want +got):\n%s", d)
		}
		for i, f := range after[1:] {
			if want := half.Seq + 1 + int64(i); f.Seq != want {
				t.Errorf("%s has number %d, want %d", types(after[1:])[i], f.Seq, want)
			}
		}
		if d := cmp.Diff([]string{"unlinked", "linked fresh=false"}, ana.told()); d != "" {
			t.Errorf("the seat was asked (-want +got):\n%s", d)
		}
		if s := h.srv.Stats(); s.Resumes["replay"] != 1 || s.Joins != 1 || s.Links != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// More than the ring holds, in number or in bytes, or more than may wait:
// a snapshot, and the numbers go on.
func TestSnapshotWhenReplayIsNotPossible(t *testing.T) {
	sdp := make([]byte, 100_000)
	for i := range sdp {
		sdp[i] = 'a'
	}
	for _, c := range []struct {
		name         string
		online, away func(int) rooms.Event
		n, m         int
		want         []string
	}{
		{"too many written and not heard", said, nil, ringMost + 1, 0, []string{"resumed", "snapshot"}},
		{"as many as there may be", said, nil, ringMost, 0, nil},
		{"too many bytes", func(n int) rooms.Event { return rooms.Answer{NID: n, SDP: string(sdp)} }, nil, 3, 0, []string{"resumed", "snapshot"}},
		{"too many while away", nil, said, 0, waitingMost + 1, []string{"resumed", "snapshot"}},
		{"states of two persons while away", nil,
			func(n int) rooms.Event {
				return rooms.PersonChanged{Person: rooms.PersonView{
					Rev: n, Handle: rooms.Handle(fmt.Sprint("m", 2+(n+1)%2)), Role: "patient", State: rooms.Active,
				}}
			}, 0, 3 * waitingMost, []string{"resumed", "person", "person"}},
		{"many states of one person while away", nil,
			func(n int) rooms.Event {
				return rooms.PersonChanged{Person: rooms.PersonView{Rev: n, Handle: "m2", Role: "patient", State: rooms.Active}}
			}, 0, 3 * waitingMost, []string{"resumed", "person"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				p := h.join("ana", auth.Patient)
				ana := h.seats.of(t, "ana")
				token, ack := p.resumeToken(), p.heard()[1].Seq
				for i := range c.n {
					ana.out.Send(c.online(i))
					synctest.Wait() // written, every one
				}
				p.cut()
				for i := range c.m {
					ana.out.Send(c.away(i))
				}
				got := h.resumeWith(token, ack, false).heard()
				if c.want == nil {
					if len(got) != 1+c.n || got[0].Msg.(wire.Resumed).Mode != wire.ModeReplay {
						t.Errorf("%d frames, first %+v, want a replay of %d", len(got), got[0], c.n)
					}
					return
				}
				if d := cmp.Diff(c.want, types(got)); d != "" {
					t.Fatalf("(-want +got):\n%s", d)
				}
				if last := got[1]; last.Seq != ack+int64(c.n)+1 {
					t.Errorf("the %s has number %d, want %d", last.Msg.Type(), last.Seq, ack+int64(c.n)+1)
				}
				if p, ok := got[len(got)-1].Msg.(wire.Person); ok && p.Rev != c.m-1 {
					t.Errorf("the person is of rev %d, want the latest", p.Rev)
				}
			})
		})
	}
}

// A browser that has stalled with its line open: levels and states give way,
// then the connection ends, and the resume brings a snapshot.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		p := h.join("ana", auth.Patient)
		ana := h.seats.of(t, "ana")
		token, ack := p.resumeToken(), p.heard()[1].Seq
		p.cut()

		stalled, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		stalled.say(wire.ClientFrame{Msg: wire.Hello{Versions: []int{1}, Instance: "i", Resume: &wire.Resume{Session: session, Token: token, Ack: ack}}})
		synctest.Wait()
		speak := func(n int) {
			ana.out.Send(rooms.Speakers{Levels: []rooms.Level{{Handle: "m1", Level: n}}})
			ana.out.Send(rooms.RoomChanged{Room: rooms.RoomView{Rev: n, State: rooms.Live, Storage: "ok"}})
		}
		for n := range 100 {
			speak(n)
		}
		if s := h.srv.Stats(); s.GaveWay != 2*99 || s.Overflows != 0 {
			t.Errorf("gave way %d, overflows %d, want 198, 0", s.GaveWay, s.Overflows)
		}
		stalled.listen() // it has come to itself in time
		want := []string{"resumed", "room", "speakers"}
		if d := cmp.Diff(want, types(stalled.heard())); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if r := stalled.heard()[1].Msg.(wire.Room); r.Rev != 99 {
			t.Errorf("room of rev %d, want the latest", r.Rev)
		}

		token, ack = stalled.resumeToken(), stalled.heard()[1].Seq
		stalled.cut()
		again, _, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		again.say(wire.ClientFrame{Msg: wire.Hello{Versions: []int{1}, Instance: "i", Resume: &wire.Resume{Session: session, Token: token, Ack: ack}}})
		synctest.Wait()
		for n := range waitingMost + 1 {
			ana.out.Send(said(n))
		}
		again.listen()
		if b := again.bye(); b.Code != "slow_consumer" || b.Retry != wire.RetryResume || again.closed() != 4013 {
			t.Errorf("%+v, closed with %d", b, again.closed())
		}
		token = again.resumeToken()
		if d := cmp.Diff([]string{"resumed", "snapshot"}, types(h.resumeWith(token, ack, false).heard())); d != "" {
			t.Errorf("after the resume (-want +got):\n%s", d)
		}
	})
}

// Whatever happens to the line, a page that resumes hears the room's stream,
// each message once and in order, and ends with the latest state.
func TestStreamSurvivesAnyDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		runs := 0
		rapid.Check(bubbled{t}, func(rt *rapid.T) {
			runs++
			person := fmt.Sprint("p", runs)
			p := h.join(person, auth.Patient)
			s := &stream{h: h, page: p, token: p.resumeToken(), out: h.seats.of(t, rooms.PersonID(person)).out, room: -1}
			rt.Repeat(map[string]func(*rapid.T){
				"say": func(rt *rapid.T) { s.say(rapid.IntRange(1, 20).Draw(rt, "n")) },
				"say and break": func(rt *rapid.T) {
					s.say(rapid.IntRange(1, 20).Draw(rt, "n"))
					_ = s.page.line.Close() // with whatever has arrived by now
				},
				"change": func(*rapid.T) { s.change() },
				"speak":  func(*rapid.T) { s.out.Send(rooms.Speakers{}) },
				"settle": func(*rapid.T) { synctest.Wait() },
				"process some, say so, break, resume": func(rt *rapid.T) {
					s.hear(rt, rapid.IntRange(0, 5).Draw(rt, "not processed"))
					s.page.say(wire.ClientFrame{Ack: s.ack, Msg: wire.Want{}})
					s.page.cut()
					s.page.forget()
					s.resume(rt, 0)
				},
				"break":  func(*rapid.T) { s.page.cut() },
				"resume": func(rt *rapid.T) { s.resume(rt, rapid.IntRange(0, 5).Draw(rt, "not processed")) },
			})
			s.resume(rt, 0)
			s.hear(rt, 0)
			if d := cmp.Diff(s.want, s.got); d != "" {
				rt.Fatalf("the stream (-want +got):\n%s", d)
			}
			if s.rev > 0 && s.room != s.rev {
				rt.Fatalf("room of rev %d, want %d", s.room, s.rev)
			}
			s.out.Close(rooms.Reason{Code: rooms.CodeLeft})
		})
	})
}

// stream is what one page should hear and what it heard.
type stream struct {
	h     *house
	out   rooms.Outbox
	page  *page
	token string
	ack   int64
	want  []string
	got   []string
	rev   int // of the room, as told to the outbox
	room  int // as heard
}

func (s *stream) say(n int) {
	for range n {
		s.out.Send(said(len(s.want)))
		s.want = append(s.want, fmt.Sprint("n", len(s.want)))
	}
}

func (s *stream) change() {
	s.rev++
	s.out.Send(rooms.RoomChanged{Room: rooms.RoomView{Rev: s.rev, State: rooms.Live, Storage: "ok"}})
}

// hear processes what came, but for the last few.
func (s *stream) hear(t *rapid.T, butLast int) {
	var numbered []wire.ServerFrame
	for _, f := range s.page.heard() {
		if f.Seq > 0 {
			numbered = append(numbered, f)
		}
	}
	s.page.forget()
	for _, f := range numbered[:max(0, len(numbered)-butLast)] {
		if s.ack > 0 && f.Seq != s.ack+1 {
			t.Fatalf("number %d came after %d", f.Seq, s.ack)
		}
		s.ack = f.Seq
		switch m := f.Msg.(type) {
		case wire.Moderated:
			s.got = append(s.got, m.Action)
		case wire.Room:
			if m.Rev <= s.room {
				t.Fatalf("room of rev %d came after %d", m.Rev, s.room)
			}
			s.room = m.Rev
		}
	}
}

func (s *stream) resume(t *rapid.T, notProcessed int) {
	s.hear(t, notProcessed)
	s.page = s.h.resumeWith(s.token, s.ack, false)
	s.token = s.page.resumeToken()
	r := s.page.heard()[0].Msg.(wire.Resumed)
	if missing := len(s.want) - len(s.got); r.Mode == wire.ModeSnapshot {
		if missing <= waitingMost {
			t.Fatalf("resumed by a snapshot, with %d missing", missing)
		}
		s.got, s.room = append([]string(nil), s.want...), s.rev // all of it is in the snapshot
		s.hear(t, 0)
	}
}

// bubbled hides the deadline of the test, which is in another time.
type bubbled struct{ rapid.TB }
