package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"viop/signaling/wire"
)

// person is one client: a WebSocket, and media once admitted.
type person struct {
	// Set by newPerson.
	trial        *trial
	room, number int
	token        string
	meter        *meter

	// writing serializes the WebSocket, and puts the offer before its
	// candidates.
	writing sync.Mutex
	ws      *websocket.Conn
	said    int64 // guarded by writing: the last number of ours

	// Owned by read, until it has ended.
	welcome  wire.Welcome
	media    *media
	sender   sync.WaitGroup
	sendFail error // set by the sender
	admitted map[wire.Handle]bool

	steps progress
	sent  atomic.Uint64 // packets of the window
	asked atomic.Uint64 // keyframes
}

// steps are when a person got how far, by the run's clock; 0: not yet.
type steps struct{ dialed, seated, attached, answered, connected int64 }

// progress keeps the steps.
type progress struct {
	mu    sync.Mutex
	steps steps // guarded by mu
}

func (p *progress) note(change func(*steps)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.steps)
}

func (p *progress) get() steps {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.steps
}

func newPerson(t *trial, room, number int, token string) *person {
	return &person{
		trial: t, room: room, number: number, token: token,
		meter:    newMeter(t.clock, &t.window, room, number, t.scenario.People),
		admitted: map[wire.Handle]bool{},
	}
}

// live takes the seat and stays until ctx ends; then it leaves.
func (p *person) live(ctx context.Context) error {
	p.steps.note(func(s *steps) { s.dialed = p.trial.clock.now() })
	//nolint:bodyclose // there is nothing to close after a Dial
	ws, _, err := websocket.Dial(ctx, p.trial.server.webSocket(), &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	ws.SetReadLimit(wire.MaxFrame)
	p.ws = ws
	defer ws.CloseNow() //nolint:errcheck // it is over
	hello := wire.Hello{Versions: []int{wire.Version}, Token: p.token, Instance: fmt.Sprintf("load-%d-%d", p.room, p.number), Fresh: true}
	if err := p.say(ctx, hello); err != nil {
		return err
	}
	// The reader's context outlives ctx by the leaving: a context that ends
	// closes a coder/websocket.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	sending, silence := context.WithCancel(ctx)
	defer silence()
	ended := make(chan struct{})
	var failure error // of the reader; to be read when it has ended
	go func() {
		defer close(ended)
		failure = p.read(reading, sending)
	}()
	select {
	case <-ended:
		err = failure
	case <-ctx.Done():
		p.leave(reading, ended)
		stop()
		<-ended
	}
	silence()
	p.sender.Wait()
	if p.media != nil {
		err = errors.Join(err, p.media.close(), p.sendFail)
	}
	return err
}

const leaveWithin = 2 * time.Second

// leave says so and waits for the server to hang up.
func (p *person) leave(ctx context.Context, ended <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	_ = p.say(ctx, wire.Leave{}) // a line that is gone has ended, too
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// say sends one numbered message.
func (p *person) say(ctx context.Context, m wire.ClientMessage) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	return p.sayLocked(ctx, m)
}

func (p *person) sayLocked(ctx context.Context, m wire.ClientMessage) error {
	frame := wire.ClientFrame{Msg: m}
	if _, hello := m.(wire.Hello); !hello {
		p.said++
		frame.Seq = p.said
	}
	b, err := wire.AppendClient(nil, frame)
	if err != nil {
		return err
	}
	return p.ws.Write(ctx, websocket.MessageText, b)
}

// read does what the server asks for until the WebSocket ends. Sending media
// ends with sending.
func (p *person) read(ctx, sending context.Context) error {
	for {
		_, b, err := p.ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("the server hung up: %w", err)
		}
		frame, err := wire.DecodeServer(b)
		if err != nil {
			return err
		}
		if err := p.handle(ctx, sending, frame.Msg); err != nil {
			return err
		}
	}
}

func (p *person) handle(ctx, sending context.Context, message wire.ServerMessage) error {
	now := p.trial.clock.now()
	switch m := message.(type) {
	case wire.Welcome:
		p.steps.note(func(s *steps) { s.seated = now })
		p.welcome = m
		if m.CheckIn {
			return errors.New("the server asks the questions of the check-in; run it with --no-check-in")
		}
	case wire.Snapshot:
		for _, other := range m.People {
			if err := p.letIn(ctx, other); err != nil {
				return err
			}
		}
	case wire.Person:
		return p.letIn(ctx, m)
	case wire.AttachMedia:
		p.steps.note(func(s *steps) { s.attached = now })
		return p.offer(ctx)
	case wire.Answer:
		p.steps.note(func(s *steps) { s.answered = now })
		if err := p.media.answer(m.SDP); err != nil {
			return err
		}
		p.sender.Go(func() { p.sendFail = p.send(sending) })
	case wire.SignalFailed:
		return fmt.Errorf("the offer was refused: %s", m.Code)
	case wire.Error:
		return fmt.Errorf("refused: %s", m.Code)
	case wire.Bye:
		return fmt.Errorf("sent away: %s", m.Code)
	}
	return nil
}

// letIn is the facilitator's part: whoever waits is admitted at once.
func (p *person) letIn(ctx context.Context, other wire.Person) error {
	if p.welcome.Role != facilitatorRole || other.State != waitingState || p.admitted[other.Handle] {
		return nil
	}
	p.admitted[other.Handle] = true
	return p.say(ctx, wire.Moderate{Action: "admit", Target: other.Handle})
}

const (
	facilitatorRole wire.Role      = "facilitator"
	patientRole     wire.Role      = "patient"
	waitingState    wire.SeatState = "waiting"
)

// offer makes the PeerConnection and offers, candidates trickling after it.
func (p *person) offer(ctx context.Context) error {
	if p.media != nil {
		return errors.New("asked for media a second time")
	}
	m, err := newMedia(mediaConfig{
		room: p.room, person: p.number, layers: p.trial.scenario.cameraLayers(),
		audio: p.welcome.Slots.Audio, video: p.welcome.Slots.Video,
		loopback: p.trial.server.loopback, clock: p.trial.clock, window: &p.trial.window, meter: p.meter, sent: &p.sent, asked: &p.asked,
	})
	if err != nil {
		return err
	}
	p.media = m
	const nid = 1
	m.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		message := wire.Candidate{NID: nid, End: c == nil}
		if c != nil {
			init := c.ToJSON()
			message.Candidate = init.Candidate
			if init.SDPMid != nil {
				message.Mid = *init.SDPMid
			}
		}
		_ = p.say(ctx, message) // a line that is gone is told by read
	})
	offer, err := m.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := m.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	if err := p.sayLocked(ctx, wire.Offer{NID: nid, SDP: offer.SDP}); err != nil {
		return err
	}
	if err := p.sayLocked(ctx, wire.Publish{Source: wire.Mic, On: true}); err != nil || p.trial.scenario.AudioOnly {
		return err
	}
	return p.sayLocked(ctx, wire.Publish{Source: wire.Camera, On: true})
}

// send waits for the connection and sends until ctx ends.
func (p *person) send(ctx context.Context) error {
	select {
	case <-p.media.connected:
	case <-p.media.failed:
		return errors.New("the connection failed")
	case <-ctx.Done():
		return nil
	}
	p.steps.note(func(s *steps) { s.connected = p.trial.clock.now() })
	return p.media.send(ctx)
}
