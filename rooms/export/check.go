package export

import (
	"archive/zip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of what is read of an archive at once; tables have none, they are
// read and let go.
const (
	maxManifest = 1 << 20
	maxKey      = 4 << 10
	maxArchived = 16 // files
)

// ErrArchive is an archive that is not what was written.
var ErrArchive = errors.New("the archive is not as it was made")

// Check reads an archive and compares it with its manifest, and that with its
// signature: by the key if there is one, else by the one in the archive itself,
// whose fingerprint is then Manifest.Signer: who compares that with the one they
// were given knows as much. Every file has to be as the manifest says, and no other may be there.
func Check(r io.ReaderAt, size int64, key ed25519.PublicKey) (Manifest, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if len(z.File) > maxArchived {
		return Manifest{}, fmt.Errorf("%w: it has %d files", ErrArchive, len(z.File))
	}
	m, err := checkManifest(z, key)
	if err != nil {
		return Manifest{}, err
	}
	here := map[string]*zip.File{}
	for _, f := range z.File {
		if here[f.Name] != nil {
			return Manifest{}, fmt.Errorf("%w: %s is there twice", ErrArchive, f.Name)
		}
		here[f.Name] = f
	}
	for _, want := range m.Files {
		f := here[want.Name]
		if f == nil {
			return Manifest{}, fmt.Errorf("%w: %s is missing", ErrArchive, want.Name)
		}
		delete(here, want.Name)
		if err := checkFile(f, want); err != nil {
			return Manifest{}, err
		}
	}
	for name := range here {
		if !slices.Contains([]string{manifestFile, signatureFile, signerFile}, name) {
			return Manifest{}, fmt.Errorf("%w: %q is not in the manifest", ErrArchive, name)
		}
	}
	return m, nil
}

func checkManifest(z *zip.Reader, key ed25519.PublicKey) (m Manifest, err error) {
	text, err := readMember(z, manifestFile, maxManifest)
	if err != nil {
		return m, err
	}
	signature, err := readMember(z, signatureFile, maxKey)
	if err != nil {
		return m, err
	}
	if key == nil {
		own, err := readMember(z, signerFile, maxKey)
		if err != nil {
			return m, err
		}
		if key, err = ParsePublic(own); err != nil {
			return m, fmt.Errorf("%w: %s: %w", ErrArchive, signerFile, err)
		}
	}
	if !ed25519.Verify(key, text, signature) {
		return m, fmt.Errorf("%w: the signature of %s is not by the key %s", ErrArchive, manifestFile, Fingerprint(key))
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrArchive, manifestFile, err)
	}
	if m.Signer != Fingerprint(key) {
		return m, fmt.Errorf("%w: the manifest names the key %q, it was signed by %s", ErrArchive, m.Signer, Fingerprint(key))
	}
	if m.Format != ManifestFormat {
		return m, fmt.Errorf("%w: the format of its manifest is %q, this program knows %q", ErrArchive, m.Format, ManifestFormat)
	}
	return m, nil
}

func readMember(z *zip.Reader, name string, most int64) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is missing", ErrArchive, name)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrArchive, name, err)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrArchive, name, most)
	}
	return text, nil
}

func checkFile(f *zip.File, want File) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
	}
	defer func() { _ = r.Close() }() // only read
	sum := &summing{to: io.Discard, sha: sha256.New()}
	// One byte more than there should be is enough to know.
	read := io.TeeReader(io.LimitReader(r, want.Bytes+1), sum)
	rows := int64(0)
	if strings.HasSuffix(f.Name, ".csv") {
		rows, err = countRows(read)
	}
	if _, rest := io.Copy(io.Discard, read); err == nil {
		err = rest
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
	}
	if is := sum.file(f.Name, rows); is != want {
		return fmt.Errorf("%w: %s has %d bytes, %d rows and the SHA-256 %s, and should have %d, %d and %s",
			ErrArchive, f.Name, is.Bytes, is.Rows, is.SHA256, want.Bytes, want.Rows, want.SHA256)
	}
	return nil
}

// countRows without the header.
func countRows(r io.Reader) (rows int64, err error) {
	table := csv.NewReader(r)
	table.ReuseRecord = true
	for {
		switch _, err := table.Read(); {
		case errors.Is(err, io.EOF):
			return max(0, rows-1), nil
		case err != nil:
			return 0, err
		}
		rows++
	}
}
