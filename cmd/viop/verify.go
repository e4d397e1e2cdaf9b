package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/export"
	"viop/rooms/redisstore"
)

// verifyCmd walks the hash chains and counts again what was signed, in the
// store or in an archive: exit status 1 and the first broken entry, or one
// line per chain. Of an export it compares every table with the signed
// manifest. Neither kind of file needs a store or a secret.
type verifyCmd struct {
	storeFlags `embed:""`
	logFlags   `embed:""`
	File       string `arg:"" optional:"" help:"An archive (viop attendance archive), - for standard input; or an export (ZIP)."`
	Session    string `help:"Id of a session in the store, instead of a file."`
	Signer     string `placeholder:"FINGERPRINT" help:"Of an export: the key that must have signed it, as whoever made it said by another way."`
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
	if c.File != "-" {
		file, size, err := openZIP(c.File)
		if err != nil {
			return err
		}
		if file != nil {
			defer file.Close()
			return c.verifyExport(s, file, size)
		}
	}
	if c.Signer != "" {
		return fmt.Errorf("--signer: %s is no export", c.File)
	}
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

// openZIP opens a file if it is a ZIP; nil when it is something else.
func openZIP(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	magic := make([]byte, 4)
	if n, _ := file.ReadAt(magic, 0); n < 4 || string(magic) != "PK\x03\x04" {
		return nil, 0, file.Close()
	}
	return file, info.Size(), nil
}

func (c verifyCmd) verifyExport(s std, file io.ReaderAt, size int64) error {
	m, err := export.Check(file, size, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.Signer != "" && m.Signer != c.Signer {
		return fmt.Errorf("%s was signed by %s, not by %s", c.File, m.Signer, c.Signer)
	}
	fmt.Fprintf(s.out, "%s to %s for %s (%s), made %s by viop %s\n", m.From, m.To, m.Destination, m.Basis, m.Made, m.Generator)
	for _, f := range m.Files {
		fmt.Fprintf(s.out, "%s: %d rows, %d bytes, %s\n", f.Name, f.Rows, f.Bytes, f.SHA256)
	}
	fmt.Fprintf(s.out, "signed by %s\n", m.Signer)
	if c.Signer == "" {
		fmt.Fprintln(s.err, "whose key that is, only --signer can tell: compare it with the one that you were given")
	}
	return nil
}

func printHeads(w io.Writer, session string, heads []redisstore.Head) {
	for _, head := range heads {
		fmt.Fprintf(w, "%s epoch %d %s: %d entries, last %d, %s\n", session, head.Epoch, head.Log, head.Entries, head.Seq, head.Hash)
	}
}
