package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"
)

const (
	// joinWithin is how long the last pair may take to hear each other.
	joinWithin = time.Minute
	// grace is for packets of the window that are still on their way.
	grace = 500 * time.Millisecond
)

func (s scenario) cameraLayers() int {
	if s.AudioOnly {
		return 0
	}
	return s.Layers
}

// trial is one scenario under way.
type trial struct {
	// Set by measure.
	scenario scenario
	server   *server
	clock    clock
	window   window
	rooms    [][]*person

	living sync.WaitGroup
	mu     sync.Mutex
	errs   []error            // guarded by mu: of people
	cancel context.CancelFunc // ends everybody's stay
}

// measure runs a scenario against the server of the flags.
func measure(ctx context.Context, s scenario, f serverFlags, stderr io.Writer) (_ result, err error) {
	if err := s.check(); err != nil {
		return result{}, err
	}
	srv, err := f.open(ctx, stderr)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	t := &trial{scenario: s, server: srv, clock: clock{time.Now()}}
	out := result{Scenario: s.name(), Rooms: s.Rooms, People: s.People}
	if srv.pid != 0 {
		if out.RSSIdle, err = residentBytes(srv.pid); err != nil {
			return out, err
		}
	}
	if err := t.invite(ctx); err != nil {
		return out, err
	}
	staying, leave := context.WithCancel(ctx)
	t.cancel = leave
	defer func() {
		leave()
		t.living.Wait()
		t.mu.Lock()
		defer t.mu.Unlock()
		err = errors.Join(append(t.errs, err)...)
	}()
	if err := t.join(ctx, staying, &out); err != nil {
		return out, err
	}
	if s.Seconds > 0 {
		if err := t.steady(ctx, &out, f.Profile); err != nil {
			return out, err
		}
	}
	return out, t.size(ctx, &out)
}

// invite puts the sessions in and makes everybody.
func (t *trial) invite(ctx context.Context) error {
	if err := t.server.put(ctx, "/v1/programs/"+programID, programDocument{Timezone: "UTC"}); err != nil {
		return err
	}
	start := time.Now().UnixMilli() // a server that keeps running has earlier sessions
	for room := range t.scenario.Rooms {
		tokens, err := t.server.invite(ctx, fmt.Sprintf("load-%d-%d", start, room), t.scenario.People)
		if err != nil {
			return err
		}
		var people []*person
		for i, token := range tokens {
			people = append(people, newPerson(t, room, i, token))
		}
		t.rooms = append(t.rooms, people)
	}
	return nil
}

// everybody, the facilitators first, so that nobody waits for theirs longer
// than joining takes.
func (t *trial) everybody() (all []*person) {
	for i := range t.scenario.People {
		for _, people := range t.rooms {
			all = append(all, people[i])
		}
	}
	return all
}

// join brings everybody in and waits until all hear, and see, each other.
func (t *trial) join(ctx, staying context.Context, out *result) error {
	before, err := t.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	every := time.NewTicker(t.scenario.Every)
	defer every.Stop()
	for i, p := range t.everybody() {
		if i > 0 && !t.scenario.Storm {
			select {
			case <-every.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		t.living.Go(func() {
			if err := p.live(staying); err != nil {
				t.fail(fmt.Errorf("room %d person %d: %w", p.room, p.number, err))
			}
		})
	}
	if err := t.together(ctx); err != nil {
		return err
	}
	after, err := t.cpu()
	if err != nil {
		return err
	}
	out.Join = t.joining()
	out.Join.ServerCPU = seconds(after.server - before.server)
	out.Join.LoadCores = ratio(float64(after.load-before.load), float64(time.Since(begin)))
	return nil
}

// fail notes a person's end that was not meant, and ends the run.
func (t *trial) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
	t.cancel()
}

func (t *trial) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.errs) > 0
}

// together waits until media has come from everybody to everybody.
func (t *trial) together(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		silent, dark := t.missing()
		if silent+dark == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("of %d pairs %d have no media and %d no key frame: %w", len(t.pairs()), silent, dark, ctx.Err())
		case <-look.C:
		}
		if t.failed() {
			return errors.New("somebody could not stay")
		}
	}
}

// missing counts the pairs that wait for any packet, and those that wait for a
// key frame only.
func (t *trial) missing() (silent, dark int) {
	for _, p := range t.pairs() {
		switch {
		case p.media == 0:
			silent++
		case p.keyframe == 0 && !t.scenario.AudioOnly:
			dark++
		}
	}
	return silent, dark
}

// pair is what one person has of another, since the later of the two opened
// their link.
type pair struct{ media, keyframe time.Duration } // 0: nothing yet

func (t *trial) pairs() (all []pair) {
	for _, people := range t.rooms {
		for _, to := range people {
			for _, from := range people {
				if from == to {
					continue
				}
				media, keyframe := to.meter.firsts(from.number)
				begin := max(to.steps.get().dialed, from.steps.get().dialed)
				since := func(at int64) time.Duration {
					if at == 0 {
						return 0
					}
					return time.Duration(at - begin)
				}
				all = append(all, pair{since(media), since(keyframe)})
			}
		}
	}
	return all
}

// joining sums up how long it took.
func (t *trial) joining() joinFigures {
	var media, keyframes []time.Duration
	for _, p := range t.pairs() {
		media = append(media, p.media)
		if p.keyframe > 0 {
			keyframes = append(keyframes, p.keyframe)
		}
	}
	var seat, lobby, answer, connect []time.Duration
	asked := uint64(0)
	for _, p := range t.everybody() {
		asked += p.asked.Load()
		s := p.steps.get()
		seat = append(seat, time.Duration(s.seated-s.dialed))
		lobby = append(lobby, time.Duration(s.attached-s.seated))
		answer = append(answer, time.Duration(s.answered-s.attached))
		connect = append(connect, time.Duration(s.connected-s.answered))
	}
	return joinFigures{
		FirstMedia: spread(media), FirstKeyframe: spread(keyframes),
		Seat: spread(seat), Lobby: spread(lobby), Answer: spread(answer), Connect: spread(connect), KeyframesAsked: asked,
	}
}

// steady measures while nobody comes or goes.
func (t *trial) steady(ctx context.Context, out *result, profile string) error {
	if err := wait(ctx, t.scenario.Settle); err != nil {
		return err
	}
	length := time.Duration(t.scenario.Seconds) * time.Second
	counted, err := t.server.metrics(ctx)
	if err != nil {
		return err
	}
	before, err := t.cpu()
	if err != nil {
		return err
	}
	from := t.clock.now()
	t.window.to.Store(from + int64(length))
	t.window.from.Store(from)
	profiled := make(chan error, 1)
	go func() { profiled <- t.profile(ctx, profile) }() // waited for below
	waited := wait(ctx, length)
	after, err := t.cpu()
	if err := errors.Join(waited, err, <-profiled); err != nil {
		return err
	}
	countedAfter, err := t.server.metrics(ctx)
	if err != nil {
		return err
	}
	if err := wait(ctx, grace); err != nil {
		return err
	}
	out.Steady = t.count(length)
	s := out.Steady
	s.ServerCounted = countedAfter["viop_rtp_packets_out_total"] - counted["viop_rtp_packets_out_total"]
	counter := func(name string) float64 { return countedAfter[name] - counted[name] }
	sent := counter("viop_plane_packets_out_total") + counter("viop_plane_rtcp_out_total")
	s.PerMessage = ratio(sent, counter("viop_plane_messages_total"))
	s.PerCall = ratio(sent, counter("viop_plane_calls_total"))
	s.LoadCores = float64(after.load-before.load) / float64(length)
	s.OtherCores = float64(after.others(before)) / float64(length)
	if t.server.pid != 0 {
		used := after.server - before.server
		s.ServerCores = float64(used) / float64(length)
		s.MicrosPerPacket = ratio(float64(used.Microseconds()), float64(s.Received))
	}
	return nil
}

// profile writes the server's CPU profile of the window.
func (t *trial) profile(ctx context.Context, path string) error {
	if path == "" {
		return nil
	}
	text, err := t.server.profile(ctx, t.scenario.Seconds)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// count adds up everybody's meters.
func (t *trial) count(length time.Duration) *steadyFigures {
	var (
		s     steadyFigures
		delay histogram
		all   received
	)
	for _, people := range t.rooms {
		for _, p := range people {
			sent := p.sent.Load()
			s.Sent += sent
			s.Expected += sent * uint64(len(people)-1)
			counted, delays := p.meter.sum()
			all.add(counted)
			delay.merge(&delays)
		}
	}
	s.Received, s.Duplicates = all.unique, all.duplicates
	s.Strays, s.Unstamped, s.Early = all.strays, all.unstamped, all.early
	s.PerSecond = float64(s.Received) / length.Seconds()
	s.LossPercent = 100 * ratio(float64(s.Expected)-float64(s.Received), float64(s.Expected))
	s.DelayP50 = milliseconds(delay.quantile(0.50))
	s.DelayP95 = milliseconds(delay.quantile(0.95))
	s.DelayP99 = milliseconds(delay.quantile(0.99))
	return &s
}

// size is what the server holds, with everybody still there.
func (t *trial) size(ctx context.Context, out *result) error {
	figures, err := t.server.metrics(ctx)
	if err != nil {
		return err
	}
	people := float64(t.scenario.Rooms * t.scenario.People)
	out.Goroutines = figures["go_goroutines"]
	out.GoroutinesPerPerson = out.Goroutines / people
	if t.server.pid == 0 {
		return nil
	}
	if out.RSS, err = residentBytes(t.server.pid); err != nil {
		return err
	}
	out.RSSPerPerson = (float64(out.RSS) - float64(out.RSSIdle)) / people
	return nil
}

// used is CPU time of the server, of this process, and of the whole machine;
// nothing when the server's process is not known.
type used struct{ server, load, machine time.Duration }

// others is what the rest of the machine has used since before.
func (u used) others(before used) time.Duration {
	return max(0, u.machine-before.machine-(u.server-before.server)-(u.load-before.load))
}

func (t *trial) cpu() (u used, err error) {
	if t.server.pid == 0 {
		return u, nil
	}
	if u.server, err = cpuTime(t.server.pid); err != nil {
		return u, err
	}
	if u.load, err = cpuTime(os.Getpid()); err != nil {
		return u, err
	}
	u.machine, err = machineTime()
	return u, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func seconds(d time.Duration) float64      { return d.Seconds() }
func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e5) / 100 }
func mebibytes(b float64) float64          { return b / (1 << 20) }
