package export

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
	"strings"
	"time"

	"viop/rooms/attendance"
)

// Archive is a ZIP of tables for a range of dates, with the notice, the meaning
// of every column, and a manifest that is signed:
//
//	attendance.csv  intervals.csv  weekly.csv
//	NOTICE.txt  COLUMNS.txt
//	manifest.json  manifest.json.sig  signer.pem
//
// It is written as it is read, in constant memory and one pass, so that the
// tables agree with each other. A ZIP is one file after the other, while a
// record has rows in two: those of intervals.csv wait in a temporary file
// (spool) until attendance.csv is complete.
type Archive struct {
	Made        attendance.Instant
	From, To    attendance.Date // both included
	Destination string
	Basis       string
	Generator   string // version of this program
	Style       Style  // "" is ForSpreadsheets
	Signer      Signer
	// Dir is where the spool is; "" is the system's directory for such files.
	Dir string
}

// Manifest is the document manifest.json. Its signature is over its bytes.
type Manifest struct {
	Format        string             `json:"format"` // ManifestFormat
	Made          attendance.Instant `json:"made"`
	Generator     string             `json:"generator"`
	From          attendance.Date    `json:"from"`
	To            attendance.Date    `json:"to"` // included
	Destination   string             `json:"destination"`
	Basis         string             `json:"disclosure_basis"`
	Notice        string             `json:"notice"`
	NoticeVersion string             `json:"notice_version"`
	Style         Style              `json:"style"`
	Signer        string             `json:"signer"` // fingerprint of the key
	Files         []File             `json:"files"`
}

// ManifestFormat names the document Manifest.
const ManifestFormat = "viop.export.manifest/1"

// File of an archive.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"` // of a table, without its header
}

// Names of the files.
const (
	recordsFile   = "attendance.csv"
	intervalsFile = "intervals.csv"
	weeksFile     = "weekly.csv"
	noticeFile    = "NOTICE.txt"
	columnsFile   = "COLUMNS.txt"
	manifestFile  = "manifest.json"
	signatureFile = "manifest.json.sig"
	signerFile    = "signer.pem"
)

// Write writes the archive. When it fails, what it wrote is no archive: the
// directory of a ZIP is its end.
func (a Archive) Write(ctx context.Context, w io.Writer, records iter.Seq2[Row, error], weeks iter.Seq2[Week, error]) (Manifest, error) {
	if a.Style == "" {
		a.Style = ForSpreadsheets
	}
	m := Manifest{
		Format: ManifestFormat, Made: a.Made, Generator: a.Generator, From: a.From, To: a.To,
		Destination: a.Destination, Basis: a.Basis, Notice: Notice, NoticeVersion: NoticeVersion,
		Style: a.Style, Signer: a.Signer.Fingerprint(),
	}
	z := zip.NewWriter(w)
	if err := a.writeTables(ctx, z, &m, records, weeks); err != nil {
		return Manifest{}, err
	}
	for _, text := range []struct{ name, text string }{{noticeFile, crlf(NoticeText)}, {columnsFile, columnsText()}} {
		file, err := a.add(z, text.name, func(w io.Writer) (int64, error) {
			_, err := io.WriteString(w, text.text)
			return 0, err
		})
		if err != nil {
			return Manifest{}, err
		}
		m.Files = append(m.Files, file)
	}
	if err := a.sign(z, m); err != nil {
		return Manifest{}, err
	}
	return m, z.Close()
}

func (a Archive) writeTables(ctx context.Context, z *zip.Writer, m *Manifest, records iter.Seq2[Row, error], weeks iter.Seq2[Week, error]) error {
	spool, err := newSpool(a.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = spool.Close() }() // it has no name, so it is gone
	aside := newMember(intervalsFile, spool)
	intervals, err := newTable(aside, intervalColumns(), a.Style)
	if err != nil {
		return err
	}
	file, err := a.add(z, recordsFile, func(w io.Writer) (rows int64, err error) {
		t, err := newTable(w, recordColumns(), a.Style)
		if err != nil {
			return 0, err
		}
		for row, err := range records {
			if err := firstOf(err, ctx.Err()); err != nil {
				return 0, err
			}
			zone := row.about().Timezone
			if err := t.write(row, zone); err != nil {
				return 0, fmt.Errorf("record %s: %w", row.RecordID, err)
			}
			rows++
			err := row.intervals(func(i intervalRow) error {
				aside.Rows++
				return intervals.write(i, zone)
			})
			if err != nil {
				return 0, fmt.Errorf("intervals of record %s: %w", row.RecordID, err)
			}
		}
		return rows, t.flush()
	})
	if err != nil {
		return err
	}
	m.Files = append(m.Files, file)

	if err := intervals.flush(); err != nil {
		return err
	}
	if file, err = aside.finish(); err != nil {
		return err
	}
	if err := a.addSpooled(z, aside, spool); err != nil {
		return fmt.Errorf("%s: %w", intervalsFile, err)
	}
	m.Files = append(m.Files, file)

	file, err = a.add(z, weeksFile, func(w io.Writer) (rows int64, err error) {
		t, err := newTable(w, weekColumns(), a.Style)
		if err != nil {
			return 0, err
		}
		for week, err := range weeks {
			if err := firstOf(err, ctx.Err()); err != nil {
				return 0, err
			}
			if err := t.write(week, week.Timezone); err != nil {
				return 0, fmt.Errorf("week %s of person %s: %w", week.Week.Week, week.Person, err)
			}
			rows++
		}
		return rows, t.flush()
	})
	m.Files = append(m.Files, file)
	return err
}

// sign writes the manifest, its signature and the key to check it with.
func (a Archive) sign(z *zip.Writer, m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	for _, file := range []struct {
		name  string
		bytes []byte
	}{
		{manifestFile, text}, {signatureFile, a.Signer.sign(text)}, {signerFile, a.Signer.PublicPEM()},
	} {
		if _, err := a.add(z, file.name, func(w io.Writer) (int64, error) {
			_, err := w.Write(file.bytes)
			return 0, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// add writes a file that is written in one go.
func (a Archive) add(z *zip.Writer, name string, write func(io.Writer) (rows int64, err error)) (File, error) {
	w, err := z.CreateHeader(a.header(name))
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	sum := &summing{to: w, sha: sha256.New()}
	rows, err := write(sum)
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	return sum.file(name, rows), nil
}

// addSpooled copies a file that is deflated already.
func (a Archive) addSpooled(z *zip.Writer, m *member, spool *spool) error {
	h := a.header(m.name)
	h.CRC32, h.CompressedSize64, h.UncompressedSize64 = m.crc.Sum32(), uint64(m.deflated.n), uint64(m.sum.n)
	w, err := z.CreateRaw(h)
	if err != nil {
		return err
	}
	r, err := spool.reader()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}

func (a Archive) header(name string) *zip.FileHeader {
	return &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.Made.Time().Truncate(2 * time.Second)}
}

// member of an archive, deflated on its way elsewhere.
type member struct {
	name     string
	Rows     int64
	sum      *summing
	crc      hash.Hash32
	deflate  *flate.Writer
	deflated *counting
}

func newMember(name string, to io.Writer) *member {
	m := &member{name: name, crc: crc32.NewIEEE(), deflated: &counting{to: to}}
	m.deflate, _ = flate.NewWriter(m.deflated, flate.DefaultCompression) // fails for other levels only
	m.sum = &summing{to: io.MultiWriter(m.deflate, m.crc), sha: sha256.New()}
	return m
}

func (m *member) Write(p []byte) (int, error) { return m.sum.Write(p) }

func (m *member) finish() (File, error) {
	if err := m.deflate.Close(); err != nil {
		return File{}, fmt.Errorf("%s: %w", m.name, err)
	}
	return m.sum.file(m.name, m.Rows), nil
}

// summing writes on what it sums up.
type summing struct {
	to  io.Writer
	sha hash.Hash
	n   int64
}

func (s *summing) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.sha.Write(p[:n])
	s.n += int64(n)
	return n, err
}

func (s *summing) file(name string, rows int64) File {
	return File{Name: name, SHA256: hex.EncodeToString(s.sha.Sum(nil)), Bytes: s.n, Rows: rows}
}

type counting struct {
	to io.Writer
	n  int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

func columnsText() string {
	var b strings.Builder
	describe(&b, recordsFile, recordColumns())
	describe(&b, intervalsFile, intervalColumns())
	describe(&b, weeksFile, weekColumns())
	return b.String()
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
