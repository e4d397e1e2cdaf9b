package main

import (
	"context"
	"fmt"
	"time"

	"viop/auth"
	"viop/rooms"
)

// attendanceCmd is everything about minutes on the command line.
type attendanceCmd struct {
	Case     caseCmd     `cmd:"" help:"Print the evidence of a session as a viop.attendance/1 document."`
	Archive  archiveCmd  `cmd:"" help:"Print everything behind the records of a session, for viop verify FILE."`
	Evaluate evaluateCmd `cmd:"" help:"Evaluate a document: credited time, by the contract and nothing else."`
}

// readWithin bounds the reading of one session's evidence.
const readWithin = time.Minute

// caseCmd writes what `evaluate` reads, so that anybody can recompute what was
// exported. The server may be running.
type caseCmd struct {
	storeFlags `embed:""`
	logFlags   `embed:""`
	Session    string `required:"" help:"Id of the session."`
}

func (c caseCmd) Run(ctx context.Context, s std) error {
	if !auth.ValidID(c.Session) {
		return fmt.Errorf("--session: %q is not an id", c.Session)
	}
	store, err := c.open(ctx, true, c.logger(s.err))
	if err != nil {
		return err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	document, err := store.Case(ctx, rooms.SessionID(c.Session))
	if err != nil {
		return fmt.Errorf("session %s: %w", c.Session, err)
	}
	return writeJSON(s.out, document)
}
