package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/redisstore"
)

// verifyCmd walks the hash chains and counts again what was signed, in the
// store or in an archive: exit status 1 and the first broken entry, or one
// line per chain. An archive needs no store and no secret.
type verifyCmd struct {
	storeFlags `embed:""`
	logFlags   `embed:""`
	File       string `arg:"" optional:"" help:"An archive (viop attendance archive), - for standard input."`
	Session    string `help:"Id of a session in the store, instead of a file."`
}

func (c verifyCmd) Run(ctx context.Context, s std) error {
	switch {
	case (c.File == "") == (c.Session == ""):
		return errors.New("verify needs either a file or --session")
	case c.File != "":
		return c.verifyFile(s)
	case !auth.ValidID(c.Session):
		return fmt.Errorf("--session: %q is not an id", c.Session)
	}
	store, err := c.open(ctx, true, c.logger(s.err))
	if err != nil {
		return err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	heads, err := store.VerifyChain(ctx, rooms.SessionID(c.Session))
	if err != nil {
		return err
	}
	printHeads(s.out, c.Session, heads)
	return nil
}

func (c verifyCmd) verifyFile(s std) error {
	document, err := readAll(c.File, s.in)
	if err != nil {
		return err
	}
	archive, err := redisstore.ReadArchive(document)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	heads, err := archive.Verify()
	if err != nil {
		return err
	}
	printHeads(s.out, string(archive.Session), heads)
	return nil
}

func printHeads(w io.Writer, session string, heads []redisstore.Head) {
	for _, head := range heads {
		fmt.Fprintf(w, "%s epoch %d %s: %d entries, last %d, %s\n", session, head.Epoch, head.Log, head.Entries, head.Seq, head.Hash)
	}
}
