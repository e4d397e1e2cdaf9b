package bandwidth

import (
	"math/rand/v2"
	"testing"
	"time"
)

// network is a line between a sender that sends what it may and a receiver
// that reports, without clocks: a queue of 200 ms that is served at a rate,
// then a delay that varies without changing the order, and loss.
type network struct {
	rate           func(now time.Duration) float64 // bit/s
	delay, jitter  time.Duration
	loss           float64
	wanted         float64 // bit/s of video
	voice          float64 // bit/s of sound, always sent
	slow           time.Duration
	hiccup         func(now time.Duration) time.Duration // the receiving machine sleeps
	limits         []float64                             // by 100 ms
	spent, offered float64
	lostVoices     int
	voices         int
}

const (
	frameEvery = 33 * time.Millisecond
	voiceEvery = 20 * time.Millisecond
	tick       = time.Millisecond
	packetSize = 1100
	queueMost  = 200 * time.Millisecond
)

func (n *network) run(l *Line, length time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	type packet struct {
		number uint16
		at     time.Duration
		lost   bool
	}
	var onWay []packet
	var free, last time.Duration
	sending := n.wanted
	var decided []struct {
		at   time.Duration
		rate float64
	}
	put := func(now time.Duration, number uint16, bytes int) bool {
		p := packet{number: number, lost: random.Float64() < n.loss}
		free = max(free, now)
		if free-now > queueMost {
			p.lost = true
		} else {
			free += time.Duration(float64(bytes) * 8 / n.rate(now) * float64(time.Second))
		}
		p.at = max(free+n.delay+time.Duration((random.Float64()*2-1)*float64(n.jitter)), last)
		last = p.at
		onWay = append(onWay, p)
		return !p.lost
	}
	debt := 0.0
	for now := tick; now <= length; now += tick {
		if now%voiceEvery == 0 && n.voice > 0 {
			bytes := int(n.voice / 8 / 50)
			n.voices++
			if !put(now, l.Sent(int64(now), bytes), bytes) {
				n.lostVoices++
			}
		}
		if now%frameEvery == 0 {
			for debt += sending / 8 * frameEvery.Seconds(); debt >= packetSize; debt -= packetSize {
				put(now, l.Sent(int64(now), packetSize), packetSize)
			}
		}
		if now%(100*time.Millisecond) != 0 {
			continue
		}
		var reports []Report
		for len(onWay) > 0 && onWay[0].at <= now-n.delay { // it took a way back, too
			p := onWay[0]
			onWay = onWay[1:]
			at := p.at
			if n.hiccup != nil {
				at += n.hiccup(at)
			}
			reports = append(reports, Report{Number: p.number, Arrived: !p.lost, At: int64(at + time.Hour)})
		}
		l.Want(n.wanted + n.voice)
		if len(reports) > 0 {
			l.Feedback(int64(now), reports)
		}
		for left := l.Probe(int64(now)); left > 0; left -= 250 {
			put(now, l.SentProbe(int64(now), 250), 250)
		}
		rate := n.wanted
		if limit := l.Limit(); limit > 0 {
			rate = min(rate, max(limit-n.voice, 0))
		}
		decided = append(decided, struct {
			at   time.Duration
			rate float64
		}{now + n.slow, rate})
		for len(decided) > 0 && decided[0].at <= now {
			sending = decided[0].rate
			decided = decided[1:]
		}
		n.limits = append(n.limits, l.Limit())
		n.offered += n.wanted
		n.spent += sending
	}
}

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

func TestGoodLineIsNotLimited(t *testing.T) {
	for _, c := range []struct {
		name string
		most int // tenths of a second that may be limited without reason
		n    network
	}{
		{"plenty", 0, network{rate: steady(20e6), delay: 20 * time.Millisecond, wanted: 3e6, voice: 100e3}},
		{"just enough", 0, network{rate: steady(3.6e6), delay: 20 * time.Millisecond, wanted: 3e6, voice: 100e3}},
		{"a radio: 80 ms, 20 ms more or less, one in twenty lost", 0, network{rate: steady(8e6), delay: 80 * time.Millisecond, jitter: 20 * time.Millisecond, loss: 0.05, wanted: 2e6, voice: 100e3}},
		{"a tenth lost", 0, network{rate: steady(8e6), delay: 40 * time.Millisecond, loss: 0.10, wanted: 2e6, voice: 100e3}},
		{"a tenth lost of little", 60, network{rate: steady(8e6), delay: 40 * time.Millisecond, loss: 0.10, wanted: 300e3, voice: 50e3}},
		{"sound only, on a radio", 30, network{rate: steady(8e6), delay: 80 * time.Millisecond, jitter: 20 * time.Millisecond, loss: 0.05, voice: 100e3}},
		{"a machine that sleeps now and then", 60, network{rate: steady(20e6), delay: 10 * time.Millisecond, wanted: 2e6, voice: 100e3,
			hiccup: func(at time.Duration) time.Duration {
				const every, sleeps = 3 * time.Second, 150 * time.Millisecond
				if in := at % every; in < sleeps {
					return sleeps - in // all that came meanwhile is read when it wakes
				}
				return 0
			}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New()
			c.n.run(l, time.Minute)
			limited := 0
			for _, limit := range c.n.limits {
				if limit > 0 && limit < c.n.wanted+c.n.voice {
					limited++
				}
			}
			if limited > c.most {
				t.Errorf("limited for %d of %d tenths of a second, at the end to %.0f", limited, len(c.n.limits), l.Limit())
			}
		})
	}
}

// A line that is too thin is found out within a second, and then neither
// filled nor left empty; sound comes through.
func TestThinLine(t *testing.T) {
	for _, c := range []struct {
		name string
		n    network
	}{
		{"300 kbit/s for eight people", network{rate: steady(300e3), delay: 30 * time.Millisecond, wanted: 3e6, voice: 100e3, slow: 300 * time.Millisecond}},
		{"1 Mbit/s", network{rate: steady(1e6), delay: 30 * time.Millisecond, wanted: 2e6, voice: 60e3, slow: 300 * time.Millisecond}},
		{"1 Mbit/s on a radio", network{rate: steady(1e6), delay: 60 * time.Millisecond, jitter: 15 * time.Millisecond, loss: 0.02, wanted: 1.5e6, voice: 60e3, slow: 300 * time.Millisecond}},
		{"a little too much", network{rate: steady(1e6), delay: 30 * time.Millisecond, wanted: 1.1e6, voice: 60e3, slow: 300 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New()
			c.n.run(l, 40*time.Second)
			first := 0
			for first < len(c.n.limits) && c.n.limits[first] == 0 {
				first++
			}
			if first > 20 {
				t.Errorf("found out after %d tenths of a second", first)
			}
			rate := c.n.rate(0)
			sum, over := 0.0, 0
			for _, limit := range c.n.limits[100:] {
				sum += limit
				if limit == 0 || limit > 1.3*rate {
					over++
				}
			}
			mean := sum / float64(len(c.n.limits[100:]))
			t.Logf("found out after %d tenths; mean limit %.0f of %.0f; %d tenths beyond; %d of %d voices lost", first, mean, rate, over, c.n.lostVoices, c.n.voices)
			if mean < 0.6*rate || mean > 1.1*rate {
				t.Errorf("mean limit %.0f of a line of %.0f", mean, rate)
			}
			if over > 30 {
				t.Errorf("beyond the line for %d of %d tenths of a second", over, len(c.n.limits[100:]))
			}
			if most := int(float64(c.n.voices) * (c.n.loss + 0.04)); c.n.lostVoices > most {
				t.Errorf("%d of %d packets of sound lost, most %d", c.n.lostVoices, c.n.voices, most)
			}
		})
	}
}

// When the line is relieved, everything is back well within ten seconds.
func TestRelief(t *testing.T) {
	for _, before := range []float64{100e3, 300e3, 1e6} {
		const relief = 20 * time.Second
		n := network{delay: 40 * time.Millisecond, wanted: 3e6, voice: 80e3, slow: 300 * time.Millisecond,
			rate: func(now time.Duration) float64 {
				if now < relief {
					return before
				}
				return 20e6
			}}
		l := New()
		n.run(l, 40*time.Second)
		back := 200
		for back < len(n.limits) && n.limits[back] > 0 && n.limits[back] < n.wanted+n.voice {
			back++
		}
		t.Logf("from %.0f: back after %d tenths of a second", before, back-200)
		if back > 280 {
			t.Errorf("from %.0f: back to everything after %d tenths of a second", before, back-200)
		}
		for i, limit := range n.limits[back:] {
			if limit > 0 && limit < n.wanted+n.voice {
				t.Errorf("from %.0f: limited to %.0f again after %d tenths", before, limit, i)
				break
			}
		}
	}
}

// A tenth lost is a bad radio; much more than that is congestion.
func TestLossIsCongestionWhenThereIsMuch(t *testing.T) {
	n := network{rate: steady(20e6), delay: 40 * time.Millisecond, wanted: 2e6, voice: 60e3, loss: 0.25}
	l := New()
	n.run(l, 10*time.Second)
	if limit := l.Limit(); limit == 0 || limit > 1e6 {
		t.Errorf("a quarter lost: limit %.0f", limit)
	}
	if loss := l.Loss(); loss < 0.15 || loss > 0.35 {
		t.Errorf("a quarter lost: measured %.2f", loss)
	}
}

// A line that lost much, and by now carries too little to tell what it loses,
// is tried again all the same.
func TestLossThatIsOverIsForgotten(t *testing.T) {
	l := New()
	now := int64(0)
	second := func(packets int, lost func(int) bool) (probed bool) {
		var reports []Report
		for i := range packets {
			now += int64(time.Second) / int64(packets)
			reports = append(reports, Report{Number: l.Sent(now, 1000), Arrived: !lost(i), At: now})
		}
		l.Want(2e6)
		l.Feedback(now, reports)
		n := l.Probe(now)
		for left := n; left > 0; left -= 250 {
			l.SentProbe(now, 250)
		}
		return n > 0
	}
	for range 3 {
		second(200, func(i int) bool { return i%3 == 0 })
	}
	if l.Limit() == 0 {
		t.Fatal("a third lost is no congestion")
	}
	for range 5 {
		if second(5, func(int) bool { return false }) {
			return
		}
	}
	t.Error("five seconds without loss, and it is not tried again")
}

func TestReportsThatRepeatOrLie(t *testing.T) {
	l := New()
	for i := range 100 {
		l.Sent(int64(i)*int64(time.Millisecond), 1000)
	}
	var reports []Report
	for i := range uint16(100) {
		reports = append(reports, Report{Number: i, Arrived: i%10 != 0, At: int64(i) * int64(time.Millisecond)})
	}
	now := int64(2 * time.Second)
	for range 5 {
		l.Feedback(now, reports)
	}
	if l.came != 90 || l.lost != 10 {
		t.Errorf("told five times: %d came, %d lost, want 90 and 10", l.came, l.lost)
	}
	l.Feedback(now, []Report{{Number: 10, Arrived: true, At: int64(time.Second)}, {Number: 5000, Arrived: true}, {Number: 150}})
	if l.came != 91 || l.lost != 9 {
		t.Errorf("one came late, two were never sent: %d came, %d lost, want 91 and 9", l.came, l.lost)
	}
}

func TestNoAllocation(t *testing.T) {
	l := New()
	reports := make([]Report, 50)
	now := int64(0)
	if n := testing.AllocsPerRun(200, func() {
		for i := range reports {
			now += int64(time.Millisecond)
			reports[i] = Report{Number: l.Sent(now, 1000), Arrived: true, At: now}
		}
		l.Feedback(now, reports)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// Another network is another line: nothing is known of it, and numbers go on.
func TestALineThatMovedBeginsAnew(t *testing.T) {
	l := New()
	l.limit, l.loss, l.heardAt = 100_000, 0.2, 5
	first := l.Sent(0, 1000)
	l.Moved()
	if l.Limit() != 0 || l.Loss() != 0 || l.Heard() != 0 {
		t.Errorf("it has a limit of %v, a loss of %v, heard at %v; want nothing", l.Limit(), l.Loss(), l.Heard())
	}
	if next := l.Sent(1, 1000); next != first+1 {
		t.Errorf("after %d comes %d", first, next)
	}
	// What was sent the old way is not this line's.
	l.Feedback(2, []Report{{Number: first, Arrived: true, At: 1}})
	if l.came != 0 {
		t.Error("a packet of the old line counts")
	}
}

// FuzzFeedback: whatever a receiver says, a limit is a number above least.
func FuzzFeedback(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 5, 6, 7, 8, 9, 10})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := New()
		now := int64(0)
		l.Want(1e6)
		for len(b) >= 4 {
			now += int64(b[0]) * int64(time.Millisecond)
			l.Sent(now, int(b[1])*8)
			if n := l.Probe(now); n > 0 {
				l.SentProbe(now, n)
			}
			l.Feedback(now, []Report{{Number: uint16(b[2]), Arrived: b[3]&1 == 0, At: int64(int8(b[3])) * int64(time.Second)}})
			b = b[4:]
			if limit := l.Limit(); limit != 0 && !(limit >= least && limit < 1e12) {
				t.Fatalf("limit %v", limit)
			}
		}
	})
}
