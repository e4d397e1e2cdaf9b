package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestThreePeople runs the real server with three people for three seconds.
// What is asserted holds on any machine that is not so busy that it loses
// packets on loopback; no time is.
func TestThreePeople(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts a server")
	}
	binary := filepath.Join(t.TempDir(), "viop")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../viop").CombinedOutput(); err != nil {
		t.Fatalf("build viop: %v\n%s", err, out)
	}
	for _, test := range []struct {
		name    string
		args    []string
		streams float64 // packets a person sends per second
		camera  bool
	}{
		{"one after the other", nil, 140, true},
		{"all at once, three layers", []string{"--storm", "--layers", "3"}, 140, true},
		{"voices only", []string{"--audio-only"}, 50, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, complaints bytes.Buffer
			args := append([]string{"--binary", binary, "--people", "3", "--seconds", "3", "--settle", "1s", "--json"}, test.args...)
			if err := run(t.Context(), args, &out, &complaints); err != nil {
				t.Fatalf("run: %v\n%s", err, complaints.String())
			}
			var r result
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			consistent(t, r, test.streams*3*3, test.camera)
		})
	}
}

// consistent checks one result against what its scenario must bring.
func consistent(t *testing.T, r result, sent float64, camera bool) {
	t.Helper()
	s := r.Steady
	if s == nil {
		t.Fatal("nothing was measured")
	}
	// A person's ticks fall anywhere in the window: one voice packet and one
	// frame more or less, each.
	if d := float64(s.Sent) - sent; d < -12 || d > 12 {
		t.Errorf("%d packets sent, want about %.0f", s.Sent, sent)
	}
	if s.Expected != 2*s.Sent {
		t.Errorf("%d packets expected of %d sent to two each", s.Expected, s.Sent)
	}
	if s.Received != s.Expected {
		t.Errorf("%d packets received of %d", s.Received, s.Expected)
	}
	if s.Duplicates+s.Strays+s.Unstamped+s.Early != 0 {
		t.Errorf("%d duplicates, %d strays, %d without a stamp, %d early; want none", s.Duplicates, s.Strays, s.Unstamped, s.Early)
	}
	if s.DelayP50 <= 0 || s.DelayP50 > s.DelayP95 || s.DelayP95 > s.DelayP99 {
		t.Errorf("delays %v, %v, %v are not quantiles", s.DelayP50, s.DelayP95, s.DelayP99)
	}
	// Asked for a moment before and after the window, so a little more.
	if s.ServerCounted < float64(s.Received)*0.99 {
		t.Errorf("the server counts %.0f packets, we %d", s.ServerCounted, s.Received)
	}
	if s.MicrosPerPacket <= 0 || r.RSS <= r.RSSIdle || r.Goroutines <= 0 {
		t.Errorf("the server's cost is not there: %+v", r)
	}
	if j := r.Join; j.FirstMedia.P50 <= 0 || camera != (j.FirstKeyframe.P50 > 0) || j.Seat.P50 <= 0 || j.Connect.P50 <= 0 {
		t.Errorf("joining: %+v", j)
	}
}

func TestStampSurvivesWhatStandsBefore(t *testing.T) {
	want := stamp{room: 4, person: 11, video: true, keyframe: true, number: 1 << 30, at: 1 << 50}
	payload := make([]byte, smallestPart)
	want.put(payload)
	got, ok := readStamp(append([]byte("a longer header"), payload...))
	if !ok || got != want {
		t.Errorf("readStamp = %+v, %v, want %+v", got, ok, want)
	}
	payload[len(payload)-stampBytes] ^= 1
	if _, ok := readStamp(payload); ok {
		t.Error("a packet without a stamp has one")
	}
	if _, ok := readStamp(nil); ok {
		t.Error("nothing has a stamp")
	}
}

// Every payload has room for what is put before and behind.
func TestPartsHoldTheirStamps(t *testing.T) {
	for _, l := range layers {
		for _, size := range l.parts {
			if size < smallestPart || size > len(stream{}.payload) {
				t.Errorf("layer %s has a packet of %d bytes", l.rid, size)
			}
		}
	}
}

// meterAt is of person 1 in room 0 of three people, measuring until an hour
// from now.
func meterAt() *meter {
	var w window
	c := clock{time.Now().Add(-time.Minute)}
	w.to.Store(c.now() + int64(time.Hour))
	w.from.Store(int64(30 * time.Second))
	return newMeter(c, &w, 0, 1, 3)
}

func TestMeter(t *testing.T) {
	const before, within = int64(10 * time.Second), int64(40 * time.Second)
	ahead := int64(2 * time.Hour)
	for _, test := range []struct {
		name   string
		stamps []stamp
		want   received
	}{
		{"each once", []stamp{{person: 0, at: within}, {person: 0, number: 1, at: within}, {person: 2, at: within}}, received{unique: 3}},
		{"voice and picture count apart", []stamp{{at: within}, {at: within, video: true}}, received{unique: 2}},
		{"one twice", []stamp{{at: within}, {number: 1, at: within}, {at: within}}, received{unique: 2, duplicates: 1}},
		{"from before the window", []stamp{{at: before}, {number: 1, at: within}}, received{unique: 1}},
		{"their own", []stamp{{person: 1, at: within}}, received{strays: 1}},
		{"of another room", []stamp{{room: 1, at: within}}, received{strays: 1}},
		{"of nobody", []stamp{{person: 3, at: within}}, received{strays: 1}},
		{"from the future", []stamp{{at: ahead}}, received{early: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := meterAt()
			for _, s := range test.stamps {
				payload := make([]byte, audioBytes)
				s.put(payload)
				m.take(payload)
			}
			if got, _ := m.sum(); got != test.want {
				t.Errorf("counted %+v, want %+v", got, test.want)
			}
		})
	}
	m := meterAt()
	m.take(make([]byte, audioBytes))
	if got, _ := m.sum(); got != (received{unstamped: 1}) {
		t.Errorf("without a stamp: %+v", got)
	}
}

// A quantile is that of the sorted values, within a sixteenth.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var values []int64
	for range 10_000 {
		v := random.Int64N(1 << (5 + random.IntN(30)))
		values = append(values, v)
		h.add(v)
	}
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		want := float64(values[max(int(q*float64(len(values)))-1, 0)])
		if got := float64(h.quantile(q)); got < want*15/16-1 || got > want*17/16+1 {
			t.Errorf("quantile(%v) = %v, want %v within a sixteenth", q, got, want)
		}
	}
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("quantile of nothing = %v", got)
	}
}

func TestProcFiguresOfThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now < before+5*tick; { // work until it shows
		if now, err = cpuTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if rss, err := residentBytes(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("residentBytes = %d, %v", rss, err)
	}
}

func TestTable(t *testing.T) {
	one := func(scenario string, micros float64) result {
		return result{Scenario: scenario, Steady: &steadyFigures{MicrosPerPacket: micros}}
	}
	var out strings.Builder
	err := printTable(&out, "", []result{one("a", 3), {Scenario: "b"}, one("a", 1), {Scenario: "a", Path: "another"}, one("a", 2)})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "server CPU, us per packet") {
			if !strings.Contains(line, "2.00 (1.00–3.00)") || !strings.HasSuffix(strings.TrimSpace(line), "–") {
				t.Errorf("row = %q", line)
			}
			return
		}
	}
	t.Errorf("no row for CPU in\n%s", out.String())
}

// Each run is compared with the other path's of its round.
func TestRatios(t *testing.T) {
	one := func(path string, round int, micros float64) result {
		return result{Scenario: "a", Path: path, Round: round, Steady: &steadyFigures{MicrosPerPacket: micros}}
	}
	var out strings.Builder
	err := printRatios(&out, []result{
		one(pathAuto, 0, 5), one(pathPion, 0, 10), one(pathPion, 1, 10), one(pathAuto, 1, 4), one(pathAuto, 2, 60), one(pathPion, 2, 100), one(pathAuto, 3, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "0.50 (0.40–0.60)") {
		t.Errorf("no ratio in\n%s", out.String())
	}
}

func TestScenariosThatCannotBe(t *testing.T) {
	for name, args := range map[string][]string{
		"alone":        {"--people", "1"},
		"a crowd":      {"--people", "13"},
		"four layers":  {"--layers", "4"},
		"no such file": {"--binary", "/nowhere/viop"},
		"two servers":  {"--url", "http://127.0.0.1:1", "--server-core", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
				t.Error("run = nil, want an error")
			}
		})
	}
}
