package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"viop/rooms/attendance"
)

// job starts this test binary as another process that does the job and is
// killed in the end, at the latest. said gives the lines it prints.
func job(t *testing.T, name string, env ...string) (cmd *exec.Cmd, said *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "REDISSTORE_TEST_JOB="+name), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// otherProcess is the other process: it opens a store as told and never ends by
// itself.
func otherProcess(name string) int {
	ctx := context.Background()
	s, err := Open(ctx, Config{URL: os.Getenv("URL"), Dir: os.Getenv("DIR"), Node: "one", AllowVolatile: true}, quiet())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if name == "open" {
		fmt.Fprintln(os.Stdout, "open")
		<-ctx.Done() // never
		return 0
	}
	l, err := s.Acquire(ctx, "s")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(os.Stdout, "acquired")
	record(l.(*lease)) // until killed
	return 0
}

// record writes event after event and says how many are on the disk or in
// Redis, which nothing may lose any more.
func record(l *lease) {
	for n, safe := 1, 0; ; n++ {
		l.Record(attendance.Event{Type: attendance.Seen, At: attendance.At(l.Now())})
		l.rec.mu.Lock()
		now := l.rec.stored + len(l.rec.pending)
		l.rec.mu.Unlock()
		if now > safe {
			safe = now
			fmt.Fprintln(os.Stdout, safe)
		}
		timer := time.NewTimer(time.Millisecond)
		<-timer.C
	}
}

// number reads the lines until one is a number of at least n, and returns it.
func number(t *testing.T, said *bufio.Scanner, n int) int {
	t.Helper()
	for said.Scan() {
		if got, err := strconv.Atoi(strings.TrimSpace(said.Text())); err == nil && got >= n {
			return got
		}
	}
	t.Fatal("the process ended")
	return 0
}

func TestAKilledProcessLosesNothingThatWasOnDisk(t *testing.T) {
	needServer(t)
	for _, outage := range []bool{false, true} {
		t.Run(fmt.Sprintf("redis away %v", outage), func(t *testing.T) {
			dir := t.TempDir()
			c := ownServer(t)
			cmd, said := job(t, "record", "URL=unix://"+c.socket, "DIR="+dir)
			safe := number(t, said, 50)
			if outage {
				c.freeze(t)
				safe = number(t, said, safe+200)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for said.Scan() { // what it managed to say
				if n, err := strconv.Atoi(said.Text()); err == nil {
					safe = n
				}
			}
			if outage {
				c.thaw(t)
			}
			s := open(t, Config{URL: "unix://" + c.socket, Dir: dir, Node: "one"})
			if err := s.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries, err := s.Evidence(t.Context(), "s")
			if err != nil || len(entries) < safe {
				t.Fatalf("%d entries are in the store, %v; %d were on disk", len(entries), err, safe)
			}
			if _, err := s.VerifyChain(t.Context(), "s"); err != nil {
				t.Error(err)
			}
			if left := files(t, s); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
}
