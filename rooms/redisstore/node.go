package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// claim locks the data directory for this process, so that two of them never
// write the same journals, and reads who this node is: name, or what is kept
// in the directory, or a new identity. The lock ends with the file or with the
// process, however that dies.
func claim(dir, name string) (node string, lock *os.File, err error) {
	lock, err = flock(filepath.Join(dir, "node"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return "", nil, fmt.Errorf("the data directory %s is in use by another viop; give this one another", dir)
	}
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	kept, err := io.ReadAll(lock)
	if err != nil {
		return "", nil, err
	}
	if node = strings.TrimSpace(string(kept)); name == "" && node != "" {
		return node, lock, nil
	}
	if node = name; node == "" {
		node = "n-" + strings.ToLower(rand.Text()[:12])
	}
	if err := lock.Truncate(0); err != nil {
		return "", nil, err
	}
	if _, err := lock.WriteAt([]byte(node+"\n"), 0); err != nil {
		return "", nil, err
	}
	return node, lock, lock.Sync()
}

// flock opens a file and locks it for as long as it, or a copy of its
// descriptor in a child, is open; EWOULDBLOCK when somebody else has it.
func flock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// writeFile replaces a file as a whole: a reader, or the next start, sees the
// former or the new content. With sync it also survives a power cut.
func writeFile(path string, content []byte, sync bool) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && sync {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil || !sync {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// backoff waits longer from time to time. The zero value is ready.
type backoff struct{ next time.Duration }

const (
	firstWait   = 50 * time.Millisecond
	longestWait = 2 * time.Second
)

// wait returns the error of ctx when it ends first.
func (b *backoff) wait(ctx context.Context) error {
	b.next = min(max(firstWait, 2*b.next), longestWait)
	return pause(ctx, b.next)
}

// pause waits for d or for the end of ctx, whose error it then returns.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
