package redisstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/rooms"
	"viop/rooms/attendance"
)

// ownServer is a redis-server of one test, to be treated badly.
func ownServer(t *testing.T) *child {
	t.Helper()
	needServer(t)
	c, err := startChild(t.Context(), "redis-server", t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

func (c *child) signal(t interface{ Fatal(...any) }, s syscall.Signal) {
	if err := syscall.Kill(int(c.pid.Load()), s); err != nil {
		t.Fatal(err)
	}
}

func (c *child) freeze(t *testing.T) { c.signal(t, syscall.SIGSTOP) }
func (c *child) thaw(t *testing.T)   { c.signal(t, syscall.SIGCONT) }

// seen is an event that tells its number by its time.
func seen(n int) attendance.Event {
	return attendance.Event{Type: attendance.Seen, At: attendance.Instant(1_800_000_000_000 + n)}
}

// wantNumbers: the log of an epoch is exactly these, in order, chained.
func wantNumbers(t interface{ Fatalf(string, ...any) }, s *Store, session rooms.SessionID, n int) {
	entries, err := s.Evidence(context.Background(), session)
	if err != nil || len(entries) != n {
		t.Fatalf("%d entries are in the store, %v; want %d", len(entries), err, n)
	}
	for i, e := range entries {
		if got := int(e.Event.At - 1_800_000_000_000); got != i+1 {
			t.Fatalf("entry %d is event %d", i+1, got)
		}
	}
	if _, err := s.VerifyChain(context.Background(), session); err != nil && n > 0 {
		t.Fatalf("VerifyChain: %v", err)
	}
}

func TestRedisAwayWhileRecording(t *testing.T) {
	for _, away := range []struct {
		name       string
		go_, comes func(*child, *testing.T)
	}{
		{"hangs", (*child).freeze, (*child).thaw},
		{"is killed", func(c *child, t *testing.T) { c.signal(t, syscall.SIGKILL) }, func(*child, *testing.T) {}},
	} {
		t.Run(away.name, func(t *testing.T) {
			c := ownServer(t)
			s := open(t, Config{URL: "unix://" + c.socket, Dir: t.TempDir(), Node: "one"})
			l := acquire(t, s, "s")
			for n := 1; n <= 10; n++ {
				l.Record(seen(n))
			}
			flush(t, l)
			away.go_(c, t)
			began := time.Now()
			for n := 11; n <= 500; n++ {
				l.Record(seen(n))
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("Record waited: 490 events took %v", took)
			}
			if away.name == "hangs" {
				eventually(t, "the journal has them", func() bool {
					items, _, err := readJournal(s.file(l.owned, journalSuffix))
					return err == nil && len(items) >= 490
				})
				eventually(t, "health says so", func() bool {
					h := l.Health()
					return h.Behind > 0 && h.Err != nil && s.Health().Behind > 0
				})
			}
			away.comes(c, t)
			flush(t, l)
			wantNumbers(t, s, "s", 500)
			eventually(t, "the journal is empty again", func() bool {
				info, err := os.Stat(s.file(l.owned, journalSuffix))
				return err == nil && info.Size() == 0
			})
			if h := l.Health(); h.Behind != 0 || h.Err != nil {
				t.Errorf("Health = %+v after everything is well", h)
			}
		})
	}
}

func TestAClosedLeaseIsBroughtHomeLater(t *testing.T) {
	c := ownServer(t)
	s := open(t, Config{URL: "unix://" + c.socket, Dir: t.TempDir(), Node: "one"})
	l := acquire(t, s, "s")
	l.Record(seen(1))
	flush(t, l)
	c.freeze(t)
	l.Record(seen(2), seen(3))
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close while Redis hangs = %v, want its deadline", err)
	}
	if got := s.Health().Waiting; got != 1 {
		t.Errorf("%d journals wait, want 1", got)
	}
	c.thaw(t)
	eventually(t, "the store brings it home by itself", func() bool { return s.Health().Waiting == 0 })
	wantNumbers(t, s, "s", 3)
}

func TestAcquireWaitsForTheStoreAndItsOwnJournal(t *testing.T) {
	c := ownServer(t)
	dir := t.TempDir()
	url := "unix://" + c.socket
	s := open(t, Config{URL: url, Dir: dir, Node: "one"})
	l := acquire(t, s, "s")
	c.freeze(t)
	l.Record(seen(1))
	l.Save(rooms.Memory{Locked: true})
	eventually(t, "both are in the journal", func() bool {
		items, _, _ := readJournal(s.file(l.owned, journalSuffix))
		return len(items) == 2
	})
	s.crash()
	c.thaw(t)
	again := open(t, Config{URL: url, Dir: dir, Node: "one"})
	c.freeze(t)
	got := make(chan rooms.Lease, 1)
	go func() {
		l, err := again.Acquire(t.Context(), "s")
		if err != nil {
			t.Error(err)
		}
		got <- l
	}()
	select {
	case <-got:
		t.Fatal("a room was taken while Redis hangs")
	case <-time.After(100 * time.Millisecond):
	}
	c.thaw(t)
	next := <-got
	if next.Epoch() != 2 && next.Epoch() != 3 || !next.Memory().Locked {
		t.Errorf("epoch %d with memory %+v; want the memory from the journal", next.Epoch(), next.Memory())
	}
	wantNumbers(t, again, "s", 1)
}

func TestWritingAgainIsHarmless(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		o := owned{"s", 1}
		items := numbered(t, o, 5)
		for range 3 {
			if n, err := s.write(t.Context(), o, items, false); n != 5 || err != nil {
				t.Fatalf("write = %d, %v", n, err)
			}
		}
		wantNumbers(t, s, "s", 5)
	})
}

// numbered are items of a log, as a lease would make them.
func numbered(t interface{ Fatal(...any) }, o owned, n int) []item {
	at := newChain(o.stream(kindLog))
	var items []item
	for i := range n {
		e := seen(i + 1)
		it, err := at.add(kindLog, func(seq int) (string, error) {
			e.Session, e.Epoch, e.Seq = string(o.session), o.epoch, seq
			return canonical(e)
		})
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	return items
}

func TestAnotherEntryUnderTheSameNumberIsRefusedAndKept(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		dir := t.TempDir()
		s := b.open(t, dir, "one")
		l := acquire(t, s, "s")
		theirs := numbered(t, l.owned, 3)
		if _, err := s.write(t.Context(), l.owned, theirs, false); err != nil {
			t.Fatal(err)
		}
		l.Record(attendance.Event{Type: attendance.Opened}, attendance.Event{Type: attendance.Closed})
		l.Note(rooms.Note{At: l.Now(), Action: "end"})
		if err := l.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("Flush = %v, want what was refused", err)
		}
		if h := l.Health(); h.Err == nil || h.Behind == 0 {
			t.Errorf("Health = %+v, want the refusal to stand", h)
		}
		if err := l.Close(t.Context()); err == nil {
			t.Error("Close says that all is well")
		}
		wantNumbers(t, s, "s", 3) // theirs, untouched
		s.crash()
		s = b.open(t, dir, "one")
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := files(t, s); len(got) != 1 || got[0] != "s.1.journal.conflict" {
			t.Fatalf("the spool holds %v, want the journal set aside", got)
		}
		kept, _, err := readJournal(filepath.Join(s.spool, "s.1.journal.conflict"))
		if err != nil || len(kept) != 3 {
			t.Errorf("the journal keeps %d items, %v; want 3", len(kept), err)
		}
		if entries, _ := s.entries(t.Context(), stream{"s", 1, kindAudit}); len(entries) != 1 {
			t.Errorf("%d notes; the audit trail is another chain and was not refused", len(entries))
		}
	})
}

func TestARedisThatLostItsEndIsWrittenAgain(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		for _, lost := range []string{"its last entries", "everything"} {
			t.Run(lost, func(t *testing.T) {
				session := rooms.SessionID(strings.ReplaceAll(lost, " ", "-"))
				s, rdb := b.open(t, t.TempDir(), "one"), b.client(t)
				l := acquire(t, s, session)
				for n := 1; n <= 8; n++ {
					l.Record(seen(n))
				}
				l.Save(rooms.Memory{Locked: true})
				flush(t, l)
				log := l.stream(kindLog)
				if lost == "everything" {
					rdb.FlushDB(t.Context())
				} else {
					rdb.XDel(t.Context(), log.key(), "7-0", "8-0")
					trimTail(t, rdb, log, 6)
				}
				l.Record(seen(9))
				flush(t, l)
				wantNumbers(t, s, session, 9)
				if got := acquire(t, s, session); got.Epoch() != 2 || !got.Memory().Locked {
					t.Errorf("then epoch %d, %+v; want epoch 2 and the memory", got.Epoch(), got.Memory())
				}
			})
		}
	})
}

// In a room where nothing happens any more it is the beat that finds out,
// before a crash of the node makes the loss final.
func TestABeatFindsOutThatRedisLostEvidence(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s, rdb := b.open(t, t.TempDir(), "one"), b.client(t)
		l := acquire(t, s, "s")
		for n := 1; n <= 8; n++ {
			l.Record(seen(n))
		}
		l.Note(rooms.Note{At: l.Now(), Action: "lock"})
		l.Save(rooms.Memory{Locked: true})
		flush(t, l)
		rdb.FlushDB(t.Context())
		l.Beat(rooms.Beat{At: l.Now(), State: rooms.Live})
		eventually(t, "the memory, which comes last, is back", func() bool { return rdb.Exists(t.Context(), memoryKey("s")).Val() == 1 })
		wantNumbers(t, s, "s", 8)

		rdb.Del(t.Context(), l.stream(kindAudit).key())
		rdb.HDel(t.Context(), headsKey("s"), l.stream(kindAudit).name())
		l.Beat(rooms.Beat{At: l.Now(), State: rooms.Live})
		eventually(t, "the note is back", func() bool { return rdb.XLen(t.Context(), l.stream(kindAudit).key()).Val() == 1 })
		wantNumbers(t, s, "s", 8)
	})
}

func TestAJournalTornByAPowerCut(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		o := owned{"s", 4}
		j := journal{path: s.file(o, journalSuffix)}
		if err := j.append(numbered(t, o, 3)); err != nil {
			t.Fatal(err)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		file.WriteString(`0a1b2c3d {"k":"log","s":4,"e":"{\"sess`)
		file.Close()
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantNumbers(t, s, "s", 3)
		if got := acquire(t, s, "s").Epoch(); got != 5 {
			t.Errorf("the next epoch is %d; a replayed epoch is never given again: want 5", got)
		}
	})
}

func TestADiskThatFailsHoldsUpNobody(t *testing.T) {
	contract(t, func(t *testing.T, b backend) {
		s := b.open(t, t.TempDir(), "one")
		if err := os.RemoveAll(s.spool); err != nil {
			t.Fatal(err)
		}
		l := acquire(t, s, "s")
		l.Record(seen(1))
		flush(t, l)
		wantNumbers(t, s, "s", 1)
		if l.Health().Err == nil {
			t.Error("Health does not say that the journal cannot be written")
		}
		if err := os.Mkdir(s.spool, 0o700); err != nil {
			t.Fatal(err)
		}
		l.Record(seen(2))
		flush(t, l)
		eventually(t, "the journal is well again", func() bool { return l.Health().Err == nil })
	})
}

func TestJournalNamesAreUnambiguous(t *testing.T) {
	for _, o := range []owned{{"s1", 3}, {"a.b.7", 1}, {"..", 2}, {"x/y", 4}, {"~:-_", 12}} {
		for _, suffix := range []string{journalSuffix, beatSuffix} {
			if got, ok := parseName(o.fileName() + suffix); !ok || got != o {
				t.Errorf("parseName(%q) = %v, %v; want %v", o.fileName()+suffix, got, ok, o)
			}
		}
	}
	for _, name := range []string{"s1.3.journal.conflict", "s1.journal", ".new-123", "s.x.beat"} {
		if got, ok := parseName(name); ok {
			t.Errorf("parseName(%q) = %v, want nothing", name, got)
		}
	}
}

// Whatever comes together (a Redis that hangs, a process that dies, a journal
// that is read twice), what was recorded is in the store once, in order.
func TestNothingIsLostOrDoubled(t *testing.T) {
	c := ownServer(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		session := rooms.SessionID("s" + strconv.Itoa(run))
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		ctx := context.Background()
		cfg := Config{URL: "unix://" + c.socket, Dir: dir, Node: "one"}
		var (
			s      *Store
			l      *lease
			frozen bool
			n      int
		)
		start := func() {
			if s, err = Open(ctx, cfg, quiet()); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "recover") {
				if err := s.Recover(ctx); err != nil {
					rt.Fatal(err)
				}
			}
			got, err := s.Acquire(ctx, session)
			if err != nil {
				rt.Fatal(err)
			}
			l = got.(*lease)
		}
		thaw := func() {
			if frozen {
				c.signal(rt, syscall.SIGCONT)
				frozen = false
			}
		}
		start()
		defer func() { thaw(); s.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"record": func(rt *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(rt, "events") {
					n++
					l.Record(seen(n))
				}
			},
			"redis hangs": func(rt *rapid.T) {
				if !frozen {
					c.signal(rt, syscall.SIGSTOP)
					frozen = true
				}
			},
			"redis is back": func(*rapid.T) { thaw() },
			"flush": func(rt *rapid.T) {
				if frozen {
					rt.Skip("it would wait")
				}
				if err := l.Flush(ctx); err != nil {
					rt.Fatal(err)
				}
				wantNumbers(rt, s, session, n)
			},
			"the journal is replayed too early": func(rt *rapid.T) {
				if frozen {
					rt.Skip("it would wait")
				}
				items, _, _ := readJournal(s.file(l.owned, journalSuffix))
				if _, err := s.write(ctx, l.owned, items, false); err != nil {
					if _, hole := errors.AsType[*holeError](err); !hole {
						rt.Fatal(err)
					}
				}
			},
			"crash": func(rt *rapid.T) {
				thaw()
				s.Close()
				start()
			},
		})
		thaw()
		if err := l.Close(ctx); err != nil {
			rt.Fatal(err)
		}
		wantNumbers(rt, s, session, n)
	})
}
