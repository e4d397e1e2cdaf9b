package redisstore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/rooms"
)

// item is one thing on its way to Redis, and one line of a journal.
type item struct {
	Kind  kind   `json:"k"` // kindLog, kindAudit or kindMemory
	Seq   int    `json:"s,omitempty"`
	Entry string `json:"e"` // the bytes that Redis gets
	Hash  string `json:"h,omitempty"`
	// Before is the hash of the entry before.
	Before string `json:"b,omitempty"`

	since time.Time // when the room handed it over
}

// kindMemory is an item that replaces the memory of the room.
const kindMemory kind = "memory"

// owned names one epoch of one session: what has a journal and a beat.
type owned struct {
	session rooms.SessionID
	epoch   int
}

func (o owned) stream(k kind) stream { return stream{o.session, o.epoch, k} }

const (
	journalSuffix = ".journal"
	beatSuffix    = ".beat"
	// conflictSuffix is added to a journal that Redis refuses, for a person to
	// look at. It is never replayed and never removed.
	conflictSuffix = ".conflict"
)

// fileName is the session, escaped, and the epoch.
func (o owned) fileName() string {
	return url.PathEscape(string(o.session)) + "." + strconv.Itoa(o.epoch)
}

// parseName is the inverse of fileName plus a suffix.
func parseName(name string) (o owned, ok bool) {
	base, isJournal := strings.CutSuffix(name, journalSuffix)
	if !isJournal {
		if base, ok = strings.CutSuffix(name, beatSuffix); !ok {
			return owned{}, false
		}
	}
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 {
		return owned{}, false
	}
	session, err := url.PathUnescape(base[:dot])
	epoch, err2 := strconv.Atoi(base[dot+1:])
	return owned{rooms.SessionID(session), epoch}, err == nil && err2 == nil
}

// orphans lists the epochs that have files in the spool and no live lease,
// oldest epoch first.
func orphans(spool string, live map[string]bool) []owned {
	files, _ := os.ReadDir(spool) // unreadable: the journals of live leases say so
	var found []owned
	for _, file := range files {
		o, ok := parseName(file.Name())
		if ok && !live[o.fileName()] && !slices.Contains(found, o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b owned) int {
		if c := strings.Compare(string(a.session), string(b.session)); c != 0 {
			return c
		}
		return a.epoch - b.epoch
	})
	return found
}

// journal is the local file that holds what Redis does not have yet. It
// belongs to one goroutine.
type journal struct {
	path string
	file *os.File // nil: not open
	size int64    // of what is whole
	torn bool     // the last write failed somewhere in the middle
}

// append writes the items and returns when they are on the disk: one fsync for
// all of them.
func (j *journal) append(items []item) error {
	if err := j.open(); err != nil {
		return err
	}
	var b bytes.Buffer
	if j.torn {
		b.WriteByte('\n')
	}
	for _, it := range items {
		line, err := json.Marshal(it)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%08x %s\n", crc32.ChecksumIEEE(line), line)
	}
	n, err := j.file.Write(b.Bytes())
	j.size += int64(n)
	j.torn = err != nil
	if err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) open() error {
	if j.file != nil {
		return nil
	}
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	j.file = file
	return syncDir(filepath.Dir(j.path))
}

// empty forgets everything: Redis has it. It need not survive a power cut,
// because writing it again is harmless.
func (j *journal) empty() error {
	if err := j.open(); err != nil {
		return err
	}
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	j.size, j.torn = 0, false
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// readJournal returns the items in the order they were handed over and how
// many lines are damaged: at most one, at the end, after a power cut. A file
// that is not there is empty.
func readJournal(path string) (items []item, damaged int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return items, damaged, err
		}
		if it, ok := parseLine(line); ok {
			items = append(items, it)
		} else if len(bytes.TrimSpace(line)) > 0 {
			damaged++
		}
		if err == io.EOF {
			return items, damaged, nil
		}
	}
}

func parseLine(line []byte) (it item, ok bool) {
	sum, text, found := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if !found || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(text)) {
		return item{}, false
	}
	return it, json.Unmarshal(text, &it) == nil
}
