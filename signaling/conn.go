package signaling

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"viop/rooms"
	"viop/signaling/wire"
)

// excessMost is how many frames over the rate a connection may send before it
// is cut.
const excessMost = 100

// conn is one WebSocket. serve runs in the handler's goroutine, which becomes
// the writer; it starts the reader and the pinger and waits for both.
type conn struct {
	// Set by ServeHTTP.
	srv  *Server
	ws   *websocket.Conn
	addr netip.Addr
	log  *slog.Logger

	once    sync.Once // decided
	hold    hold      // Set by admit.
	excess  int       // Owned by read.
	asking  atomic.Bool
	workers sync.WaitGroup
}

// decided gives up the place among those who have not said hello.
func (c *conn) decided() {
	c.once.Do(func() {
		c.srv.mu.Lock()
		defer c.srv.mu.Unlock()
		c.srv.pending--
	})
}

func (c *conn) serve(ctx context.Context) {
	hello, end, read := c.awaitHello(ctx)
	var first wire.ServerFrame
	if end == nil {
		first, end = c.admit(ctx, hello)
	}
	if end != nil {
		c.part(ctx, *end)
		<-read
		return
	}
	c.decided()
	last := c.run(ctx, first)
	c.log.Debug("link down", "code", last.code)
}

// awaitHello gives the hello or why the connection ends. read is closed when
// nobody reads any more, which on an end is after part.
func (c *conn) awaitHello(ctx context.Context) (_ wire.Hello, end *ending, read <-chan struct{}) {
	done := make(chan struct{})
	var hello wire.Hello
	var got *ending
	go func() { // waited for by serve
		defer close(done)
		hello, got = c.readHello(ctx)
	}()
	timer := time.NewTimer(helloWithin)
	defer timer.Stop()
	select {
	case <-done:
		return hello, got, done
	case <-timer.C:
		return wire.Hello{}, &ending{codeHelloTimeout, "The page said nothing for too long."}, done
	case <-c.srv.draining:
		return wire.Hello{}, &ending{rooms.CodeRestart, "The server restarts. You will be connected again."}, done
	}
}

func (c *conn) readHello(ctx context.Context) (wire.Hello, *ending) {
	b, end := c.readFrame(ctx)
	if end != nil {
		return wire.Hello{}, end
	}
	frame, err := wire.Decode(b)
	if err != nil {
		return wire.Hello{}, &ending{rooms.CodeBadMessage, err.Error()}
	}
	hello, ok := frame.Msg.(wire.Hello)
	if !ok {
		return hello, &ending{rooms.CodeBadMessage, "The first message has to be hello."}
	}
	return hello, nil
}

// readFrame gives a text message, or why there will be none.
func (c *conn) readFrame(ctx context.Context) ([]byte, *ending) {
	typ, b, err := c.ws.Read(ctx)
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, &ending{codeTooLarge, wire.ErrTooLarge.Error()}
	case err != nil:
		return nil, &ending{}
	case typ != websocket.MessageText:
		return nil, &ending{rooms.CodeBadMessage, "Frames are text."}
	}
	return b, nil
}

// run is the connection's life with a seat.
func (c *conn) run(ctx context.Context, first wire.ServerFrame) ending {
	defer c.hold.release() // at the latest
	if !c.tell(ctx, first) {
		c.part(ctx, ending{})
		return ending{}
	}
	live, cancel := context.WithCancel(ctx)
	read := make(chan ending, 1)
	c.workers.Go(func() { read <- c.read(live) })
	c.workers.Go(func() { c.ping(live) })
	end := c.write(ctx, read)
	// The room hears of it before the courtesies, which may take seconds.
	c.hold.release()
	c.part(ctx, end)
	cancel()
	c.workers.Wait()
	return end
}

// write is the writer: it ends with the line, the hold or the reader.
func (c *conn) write(ctx context.Context, read <-chan ending) ending {
	for {
		b, end := c.hold.next()
		switch {
		case end != nil:
			return *end
		case b != nil:
			if !c.send(ctx, b) {
				return ending{}
			}
		default:
			select {
			case <-c.hold.wake:
			case end := <-read:
				return end
			}
		}
	}
}

// read is the reader: it carries out what the browser says, one frame after
// the other. On a connection that was replaced it goes on reading, and nothing
// comes of it; the writer says why and ends it.
func (c *conn) read(ctx context.Context) ending {
	for {
		b, end := c.readFrame(ctx)
		if end == nil {
			end = c.handle(ctx, b)
		}
		if end != nil {
			return *end
		}
	}
}

func (c *conn) handle(ctx context.Context, b []byte) (end *ending) {
	frame, err := wire.Decode(b)
	if errors.Is(err, wire.ErrNotJSON) {
		return &ending{rooms.CodeBadMessage, err.Error()}
	}
	c.hold.act(func(seat Seat) {
		if !c.hold.link.accept(frame) {
			return
		}
		seat.Seen()
		if !c.hold.link.frames.Allow() {
			if c.excess++; c.excess > excessMost {
				end = &ending{codeRate, "Too many messages."}
				return
			}
			err = tooMany("That was too fast. Please try again.")
		}
		if err == nil {
			err = c.carryOut(ctx, seat, frame)
		}
		if err != nil {
			c.refuse(frame, err)
		}
	})
	return end
}

// carryOut does what a frame asks, and says so. What is begun is finished even
// when the connection ends meanwhile (ctx ends after release, which waits for
// its turn): the browser sends no numbered frame twice, so its answer has to be
// there after the resume.
func (c *conn) carryOut(ctx context.Context, seat Seat, frame wire.ClientFrame) error {
	switch m := frame.Msg.(type) {
	case wire.Hello:
		return &rooms.Error{Code: rooms.CodeBadMessage, Message: "hello was said already"}
	case wire.Offer:
		if !c.hold.link.offer.Allow() {
			return tooMany("Too many offers.")
		}
		seat.Signal(offer(m))
	case wire.Candidate:
		seat.Signal(candidate(m))
	case wire.Want:
		seat.Want(wants(m))
	case wire.Minutes:
		return c.minutes(ctx, seat.Info(), frame.ID)
	case wire.AskAPIToken:
		return c.apiToken(seat.Info(), frame.ID)
	case wire.Leave:
		c.done(frame) // before the room's last word
		seat.Leave()
		return nil
	default:
		ctx, cancel := context.WithTimeout(ctx, doWithin)
		defer cancel()
		if err := seat.Do(ctx, command(m)); err != nil {
			return err
		}
	}
	c.done(frame)
	return nil
}

func (c *conn) done(frame wire.ClientFrame) {
	if frame.ID != "" {
		c.hold.link.answer(c.hold.page, wire.ServerFrame{ID: frame.ID, Msg: wire.Result{}})
	}
}

// refuse tells why. Without an id the browser waits for no answer, so it is
// told only of what is wrong with the browser itself.
func (c *conn) refuse(frame wire.ClientFrame, err error) {
	e := refusal(err)
	if e.Code == string(rooms.CodeInternal) {
		c.log.Error("a message could not be carried out", "err", err)
	}
	if frame.ID != "" || frame.Msg == nil || e.Code == string(codeRate) {
		c.hold.link.answer(c.hold.page, wire.ServerFrame{ID: frame.ID, Msg: e})
	}
}

// minutes are fetched beside the reader, one request at a time: the store may
// take seconds, and pongs must be heard meanwhile.
func (c *conn) minutes(ctx context.Context, info rooms.SeatInfo, id string) error {
	if c.srv.cfg.Minutes == nil {
		return &rooms.Error{Code: rooms.CodeInternal, Message: "No minutes are kept here.", Err: errors.New("Config.Minutes is not set")}
	}
	if c.asking.Swap(true) {
		return tooMany("The minutes are being fetched already.")
	}
	whose := info.Person
	if info.Role == facilitator {
		whose = "" // everybody's
	}
	c.workers.Go(func() {
		defer c.asking.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), minutesTaken)
		defer cancel()
		report, err := c.srv.cfg.Minutes(ctx, info.Session, whose)
		if err != nil {
			c.refuse(wire.ClientFrame{ID: id, Msg: wire.Minutes{}}, err)
			return
		}
		c.hold.link.answer(c.hold.page, wire.ServerFrame{ID: id, Msg: report})
	})
	return nil
}

// apiToken opens the HTTP API to a facilitator's page. The token is kept for
// replay like every answer, and never logged.
func (c *conn) apiToken(info rooms.SeatInfo, id string) error {
	switch {
	case info.Role != facilitator:
		return &rooms.Error{Code: rooms.CodeForbidden, Message: "Only facilitators may do this."}
	case c.srv.cfg.APIToken == nil:
		return &rooms.Error{Code: rooms.CodeForbidden, Message: "This server gives out no tokens."}
	case !c.hold.link.tokens.Allow():
		return tooMany("Too many tokens.")
	}
	token, life, err := c.srv.cfg.APIToken(info.Session, info.Person)
	if err != nil {
		return err
	}
	c.hold.link.answer(c.hold.page, wire.ServerFrame{ID: id, Msg: wire.APIToken{
		Token: token, ExpiresMS: wire.Span(life), Session: string(info.Session),
	}})
	return nil
}

// ping proves both ways that the line lives. The browser answers by itself,
// even from a hidden tab.
func (c *conn) ping(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		pong, cancel := context.WithTimeout(ctx, pongWithin)
		err := c.ws.Ping(pong)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			_ = c.ws.CloseNow() // dead: the reader ends, and with it the rest
			return
		}
		c.hold.arrived()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// part says bye, if there is anybody to say it to, and closes.
func (c *conn) part(ctx context.Context, end ending) {
	c.srv.stats.closed(end.code)
	if end.code == "" {
		_ = c.ws.CloseNow()
		return
	}
	c.tell(ctx, wire.ServerFrame{Msg: end.bye()})
	_ = c.ws.Close(outcomeOf(end.code).close, string(end.code))
}

func (c *conn) tell(ctx context.Context, f wire.ServerFrame) bool {
	b, err := wire.Append(nil, f)
	return err == nil && c.send(ctx, b)
}

// send reports whether it was written in time. When not, the WebSocket is
// closed: half a frame cannot be taken back.
func (c *conn) send(ctx context.Context, b []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, b) == nil
}
