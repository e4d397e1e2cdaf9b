package export

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"os"
)

// spool is a temporary file that nobody else can read: it has no name, and its
// bytes are encrypted with a key that is in no file, so that a crash or a disk
// that is given away leaves nothing of anybody.
type spool struct {
	io.Writer
	file   *os.File
	stream func() cipher.Stream // from the beginning
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, "viop-export-")
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	block, err := aes.NewCipher(key)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	s := &spool{file: file, stream: func() cipher.Stream {
		// The key is used for this file only, so the counter may start at zero.
		return cipher.NewCTR(block, make([]byte, aes.BlockSize))
	}}
	s.Writer = cipher.StreamWriter{S: s.stream(), W: file}
	return s, nil
}

// reader of all that was written.
func (s *spool) reader() (io.Reader, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return cipher.StreamReader{S: s.stream(), R: s.file}, nil
}

// Close frees it.
func (s *spool) Close() error { return s.file.Close() }
