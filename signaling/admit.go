package signaling

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/signaling/wire"
)

const facilitator = string(auth.Facilitator)

// admit answers a hello: with welcome or resumed, or with why not.
func (c *conn) admit(ctx context.Context, h wire.Hello) (first wire.ServerFrame, end *ending) {
	if !slices.Contains(h.Versions, wire.Version) {
		return first, &ending{codeVersion, "This page does not fit the server any more. Please load it again."}
	}
	if c.srv.failures.tooMany(fromAddress(c.addr)) {
		return first, &ending{codeRate, "Too many attempts. Please wait a moment."}
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	if h.Resume != nil {
		return c.resume(ctx, h)
	}
	return c.join(ctx, h)
}

// join takes a seat by token.
func (c *conn) join(ctx context.Context, h wire.Hello) (first wire.ServerFrame, end *ending) {
	grant, err := c.srv.cfg.Verify(ctx, h.Token)
	if err != nil {
		return first, c.refused(unverified(err), err, fromAddress(c.addr))
	}
	who := fromPerson(c.addr, grant.Subject())
	if c.srv.failures.tooMany(who) {
		return first, &ending{codeRate, "Too many attempts. Please wait a moment."}
	}
	return c.sit(ctx, who, rooms.Entry{
		Grant: grant, Session: rooms.SessionID(grant.Session()), Instance: h.Instance, Fresh: h.Fresh,
	})
}

// resume takes a seat again: that of a link of this process, exactly; or, when
// the process that had it is gone, the one the room remembers.
func (c *conn) resume(ctx context.Context, h wire.Hello) (first wire.ServerFrame, end *ending) {
	session, token := rooms.SessionID(h.Resume.Session), digestOf(h.Resume.Token)
	who := fromPerson(c.addr, h.Resume.Session)
	if c.srv.failures.tooMany(who) {
		return first, &ending{codeRate, "Too many attempts. Please wait a moment."}
	}
	if l := c.srv.find(session, token); l != nil {
		if hold, ok := l.resume(token, h.Resume.Ack, h.Fresh); ok {
			c.taken(hold)
			c.srv.stats.resumed(string(hold.mode))
			return wire.ServerFrame{
				Ack: hold.received,
				Msg: wire.Resumed{Mode: hold.mode, ResumeToken: hold.token},
			}, nil
		}
	}
	first, end = c.sit(ctx, who, rooms.Entry{
		Session: session, ResumeHash: hex.EncodeToString(token[:]), Instance: h.Instance, Fresh: h.Fresh,
	})
	if end == nil {
		c.srv.stats.resumed("restored")
	}
	return first, end
}

func (c *conn) sit(ctx context.Context, who string, entry rooms.Entry) (first wire.ServerFrame, end *ending) {
	l := newLink(entry.Session, c.srv.forget, c.srv.stats)
	seat, err := c.srv.cfg.Seats.Join(ctx, entry, l)
	if err != nil {
		return first, c.refused(endingOf(err), err, who)
	}
	c.srv.stats.joined()
	c.taken(l.sit(seat))
	c.srv.register(l)
	info := seat.Info()
	var ice []wire.ICEServer
	if c.srv.cfg.ICEServers != nil {
		ice = c.srv.cfg.ICEServers(info.Session, info.Handle)
	}
	w := welcome(info, c.hold.token, ice)
	w.ServerTime = wire.At(time.Now())
	return wire.ServerFrame{Msg: w}, nil
}

func (c *conn) taken(h hold) {
	c.hold = h
	info := h.link.seat.Info()
	c.log = c.log.With("session", info.Session, "seat", info.Handle, "generation", h.generation)
	c.log.Debug("link up", "mode", h.mode)
}

// refused keeps the cause for the log when it is ours, and otherwise counts it
// against the key. Whoever is told to try again is not blamed for doing so: a
// whole group does when its server restarts.
func (c *conn) refused(end ending, err error, key string) *ending {
	if end.code == rooms.CodeInternal {
		c.log.Error("a hello could not be answered", "err", err)
	}
	switch outcomeOf(end.code).retry {
	case wire.RetryNone, wire.RetryRejoin:
		c.srv.failures.note(key)
	}
	return &end
}
