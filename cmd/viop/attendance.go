package main

import (
	"context"
	"fmt"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/redisstore"
)

// attendanceCmd is everything about minutes on the command line.
type attendanceCmd struct {
	Case     caseCmd     `cmd:"" help:"Print the evidence of a session as a viop.attendance/1 document."`
	Archive  archiveCmd  `cmd:"" help:"Print everything behind the records of a session, for viop verify FILE."`
	Evaluate evaluateCmd `cmd:"" help:"Evaluate a document: credited time, by the contract and nothing else."`
}

// readWithin bounds the reading of one session's evidence.
const readWithin = time.Minute

// pastFlags name a session in the store; the server may be running.
type pastFlags struct {
	storeFlags `embed:""`
	logFlags   `embed:""`
	Session    string `required:"" help:"Id of the session."`
}

// print writes what read gets of the session.
func (f pastFlags) print(ctx context.Context, s std, read func(context.Context, *redisstore.Store, rooms.SessionID) (any, error)) error {
	if !auth.ValidID(f.Session) {
		return fmt.Errorf("--session: %q is not an id", f.Session)
	}
	store, err := f.open(ctx, true, f.logger(s.err))
	if err != nil {
		return err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	document, err := read(ctx, store, rooms.SessionID(f.Session))
	if err != nil {
		return fmt.Errorf("session %s: %w", f.Session, err)
	}
	return writeJSON(s.out, document)
}

// caseCmd writes what `evaluate` reads, so that anybody can recompute what was
// exported.
type caseCmd struct {
	pastFlags `embed:""`
}

func (c caseCmd) Run(ctx context.Context, s std) error {
	return c.print(ctx, s, func(ctx context.Context, store *redisstore.Store, id rooms.SessionID) (any, error) {
		return store.Case(ctx, id)
	})
}

// archiveCmd writes what `verify FILE` reads.
type archiveCmd struct {
	pastFlags `embed:""`
}

func (c archiveCmd) Run(ctx context.Context, s std) error {
	return c.print(ctx, s, func(ctx context.Context, store *redisstore.Store, id rooms.SessionID) (any, error) {
		return store.Archive(ctx, id)
	})
}
