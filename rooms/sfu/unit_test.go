package sfu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"viop/rooms"
	"viop/rooms/sfu/feedback"
	"viop/rooms/sfu/rewrite"
)

func TestAssign(t *testing.T) {
	none := func(string) int { return -1 }
	for _, c := range []struct {
		name          string
		slots, wanted string
		prefer        func(string) int
		want          string
	}{
		{"empty slots fill in order", ". . .", "a b", none, "a b ."},
		{"who stays keeps the slot", "a b c", "c a", none, "a . c"},
		{"a newcomer takes the first free one", "a . c", "a c d", none, "a d c"},
		{"more than fit: the first ones win", ". .", "a b c", none, "a b"},
		{"someone more important pushes the last one out", "a b", "c a", none, "a c"},
		{"a preferred slot that is free", ". . .", "a b", func(k string) int {
			if k == "a" {
				return 2
			}
			return -1
		}, "b . a"},
		{"a preferred slot that is taken", "b . .", "b a", func(string) int { return 0 }, "b a ."},
		{"no slots", "", "a", none, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			slots := strings.Fields(c.slots)
			for i := range slots {
				slots[i] = strings.Trim(slots[i], ".")
			}
			got := slices.Clone(slots)
			assign(got, strings.Fields(c.wanted), c.prefer)
			for i := range got {
				if got[i] == "" {
					got[i] = "."
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("assign(%q, %q) = %q, want %q", c.slots, c.wanted, s, c.want)
			}
		})
	}
}

func TestShare(t *testing.T) {
	three := []offering{{0, 180, 150}, {1, 360, 500}, {2, 720, 1200}}
	low := three[:1]
	tile := func(h int) view { return view{h, three, -1} }
	has := func(rank int) view { return view{720, three, rank} }
	for _, c := range []struct {
		name   string
		views  []view
		budget uint64
		want   string
	}{
		{"without a limit everybody gets what fills the tile", []view{tile(720), tile(360), tile(90)}, 0, "2 1 0"},
		{"a tile a little larger than a layer is fine with it", []view{tile(400)}, 0, "1"},
		{"larger than all: the largest", []view{tile(2000)}, 0, "2"},
		{"hidden gets nothing and costs nothing", []view{tile(0), tile(720)}, 1200, "hidden 2"},
		{"nothing arrives yet: nothing, and no excuse", []view{{360, nil, -1}}, 0, "-1"},
		{"others lose quality before the first one does", []view{tile(720), tile(720), tile(720)}, 1700, "2 0 0"},
		{"what is left goes to the next", []view{tile(720), tile(720), tile(720)}, 1900, "2 1 0"},
		{"pictures go from the end of the order", []view{tile(720), tile(720), tile(720)}, 300, "0 0 bandwidth"},
		{"the first one goes last", []view{tile(720), tile(720)}, 160, "0 bandwidth"},
		{"what one has is kept", []view{has(1), has(0)}, 650, "1 0"},
		{"even if it has become a little more", []view{has(1), has(0)}, 570, "1 0"},
		{"one is not given more that does not fit", []view{has(0), has(0)}, 570, "0 0"},
		{"who becomes important takes the place of another", []view{has(-1), has(0)}, 170, "0 bandwidth"},
		{"nobody is seen before somebody more important", []view{{720, three[1:], -1}, has(0)}, 400, "bandwidth bandwidth"},
		{"a layer that is not there is not waited for", []view{{720, low, -1}}, 0, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, ch := range share(nil, c.views, c.budget) {
				if ch.why != "" {
					got = append(got, ch.why)
				} else {
					got = append(got, fmt.Sprint(ch.rank))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("share = %q, want %q", s, c.want)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	var b budget
	at := int64(0)
	step := func(sent, loss, remb float64) uint64 {
		at += int64(time.Second)
		return b.step(measure{now: at, sent: sent, loss: loss, remb: remb, wanted: 2e6})
	}
	for range 5 {
		if got := step(2e6, 0.01, 3e6); got != 0 {
			t.Fatalf("a good line is limited to %d", got)
		}
	}
	if got := step(2e6, 0.20, 0); got != 0 {
		t.Errorf("one second of 20 %% loss gives a limit of %d", got)
	}
	first := step(2e6, 0.30, 0)
	if first == 0 || first > 1_700_000 {
		t.Fatalf("lasting loss at 2 Mbit/s gives a limit of %d", first)
	}
	if got := step(1.2e6, 0, 0); got != first {
		t.Errorf("the limit moved to %d while it is held", got)
	}
	for range 60 {
		step(1.2e6, 0, 0)
	}
	if b.limit != 0 {
		t.Errorf("after a calm minute the limit is still %.0f", b.limit)
	}
	step(2e6, 0, 1_000_000)
	if got := step(2e6, 0, 1_100_000); got != 0 {
		t.Errorf("an estimate that catches up gives a limit of %d", got)
	}
	if got := step(2e6, 0, 900_000); got == 0 || got > 900_000 {
		t.Errorf("an estimate that falls to 900 kbit/s gives a limit of %d", got)
	}
	hold := b.hold
	for at < b.until {
		step(800_000, 0, 900_000)
	}
	step(850_000, 0, 900_000) // grows
	step(950_000, 0.5, 0)     // too much again
	if b.hold <= hold {
		t.Errorf("a failed try is followed by %v of holding, before it was %v", b.hold, hold)
	}
	for range 200 {
		step(100_000, 0.9, 10_000)
	}
	if b.limit < leastBudget {
		t.Errorf("the limit fell to %.0f", b.limit)
	}
}

func TestWindow(t *testing.T) {
	var w window
	take := func(seq uint16) string {
		ahead, fresh := w.take(seq)
		return fmt.Sprintf("%d %v", ahead, fresh)
	}
	for _, c := range []struct {
		seq  uint16
		want string
		why  string
	}{
		{65534, "1 true", "the first"},
		{65534, "0 false", "the first again"},
		{65533, "-1 false", "from before the first"},
		{1, "3 true", "over the wrap, two missing"},
		{65535, "-2 true", "a missing one"},
		{65535, "-2 false", "and again"},
		{0, "-1 true", "the other one"},
		{2001, "2000 true", "far ahead"},
		{1, "-2000 false", "known, at the far end"},
		{2, "-1999 true", "late, but within the window"},
		{2100, "99 true", "on"},
		{3, "-2097 false", "older than the window"},
		{2100 + 3001, "1 true", "a leap is a new beginning"},
		{2100, "-3001 false", "from before it"},
	} {
		if got := take(c.seq); got != c.want {
			t.Errorf("take(%d) = %s, want %s: %s", c.seq, got, c.want, c.why)
		}
	}
}

func TestLossList(t *testing.T) {
	var l lossList
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	if !l.found(1010, 4, ms(0)) {
		t.Fatal("three losses are too many")
	}
	if got := l.due(nil, 1010, ms(5), 0); got != nil {
		t.Errorf("due after 5 ms = %v, it may be reordering", got)
	}
	l.came(1008)
	if got := l.due(nil, 1010, ms(12), 0); !slices.Equal(got, []uint16{1007, 1009}) {
		t.Errorf("due = %v, want 1007 and 1009", got)
	}
	if got := l.due(nil, 1010, ms(50), ms2(100)); got != nil {
		t.Errorf("asked again within a round trip: %v", got)
	}
	if got := l.due(nil, 1010, ms(130), ms2(100)); len(got) != 2 {
		t.Errorf("not asked again after a round trip: %v", got)
	}
	if got := l.due(nil, 1007+lossOldest+1, ms(999), 0); !slices.Equal(got, []uint16{1009}) {
		t.Errorf("due = %v, want only what is not hopelessly old", got)
	}
	if l.found(2000, lossMost+2, 0) || len(l.list) != 0 {
		t.Error("a long outage is asked for packet by packet")
	}
}

func ms2(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func TestLiveness(t *testing.T) {
	l := liveness{deadAfter: 10}
	for i, c := range []struct {
		now, seen int64
		connected bool
		want      verdict
	}{
		{1, 1, false, unchanged}, // checks arrive before DTLS is up
		{2, 2, true, wentUp},
		{11, 2, true, unchanged},
		{12, 2, true, wentDown},
		{13, 2, true, unchanged},
		{14, 14, true, wentUp},
		{30, 14, true, wentDown},
		{31, 31, false, unchanged}, // ICE has given up: packets alone do not do
	} {
		l.connected = c.connected
		if got := l.step(c.now, c.seen); got != c.want {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
}

func TestPacketParse(t *testing.T) {
	h := rtp.Header{Version: 2, Marker: true, PayloadType: 111, SequenceNumber: 7, Timestamp: 8, SSRC: 9, CSRC: []uint32{1, 2}}
	must(t, h.SetExtension(1, []byte("mid")))
	must(t, h.SetExtension(2, []byte{0x80 | 33}))
	must(t, h.SetExtension(3, []byte{0x12, 0x34}))
	must(t, h.SetExtension(4, []byte("q")))
	raw, err := (&rtp.Packet{Header: h, Payload: []byte("payload"), PaddingSize: 5}).Marshal()
	must(t, err)
	raw[0] |= 0x20
	raw[len(raw)-1] = 5 // bytes of padding, RFC 3550 §5.1
	var p packet
	ids := extensions{mid: 1, level: 2, twcc: 3, rid: 4}
	if !p.parse(raw, ids) {
		t.Fatalf("parse(%x) refused", raw)
	}
	want := packet{ssrc: 9, seq: 7, ts: 8, pt: 111, marker: true, payload: []byte("payload"),
		level: 33, hasLevel: true, twcc: 0x1234, hasTWCC: true, mid: []byte("mid"), rid: []byte("q")}
	if diff := cmp.Diff(want, p, cmp.AllowUnexported(packet{}, earlier{})); diff != "" {
		t.Errorf("parse (-want +got):\n%s", diff)
	}
}

// Our reader agrees with Pion's on whatever both take, and never panics.
func FuzzPacket(f *testing.F) {
	h := rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 7, SSRC: 9}
	must2(f, h.SetExtension(1, []byte("mid")))
	raw, err := (&rtp.Packet{Header: h, Payload: []byte("payload")}).Marshal()
	must2(f, err)
	f.Add(raw)
	f.Add([]byte{0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packet
		ok := p.parse(b, extensions{1, 2, 3, 4, 5})
		var q rtp.Packet
		if err := q.Unmarshal(b); err != nil || !ok || q.Version != 2 {
			return
		}
		if p.seq != q.SequenceNumber || p.ssrc != q.SSRC || p.ts != q.Timestamp || p.marker != q.Marker || p.pt != q.PayloadType {
			t.Fatalf("parse(%x) = %+v, Pion reads %v", b, p, q.Header)
		}
		if string(p.payload) != string(q.Payload) {
			t.Fatalf("payload of %x = %x, Pion reads %x", b, p.payload, q.Payload)
		}
	})
}

func must2(f *testing.F, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// Sound and picture of one person, captured at one instant, must be told the
// same time, whatever the slots have done to the timestamps.
func TestReportsKeepSoundAndPictureTogether(t *testing.T) {
	in, video, _ := bench(t)
	tr := in.transport
	audio := &layer{source: &source{transport: tr, kind: rooms.Mic}, ssrc: 2, clock: 48000}
	second := int64(time.Second)
	var out nowhere
	v := &slot{transport: tr, video: true, clock: 90000, sink: &out, ready: true, next: video}
	a := &slot{transport: tr, clock: 48000, sink: &out, ready: true, next: audio}
	// Both have carried someone else before.
	for _, s := range []*slot{v, a} {
		s.numbers.Begin(nil, rewrite.Numbers{Seq: 9, TS: 777}, 1)
		s.lastAt = 2 * second
	}
	// On the publisher's clock it is 1000 s; sound arrives 30 ms before the picture.
	ntp := uint64(1000) << 32
	scratch := in.out.scratch[:0]
	p := packet{seq: 100, ts: 5_000_000, at: 3 * second}
	a.forward(audio, &p, scratch)
	p = packet{seq: 200, ts: 8_000_000, at: 3*second + 30*int64(time.Millisecond), isVP8: true, vp8: rewrite.VP8{Keyframe: true, Size: 1}, payload: []byte{0x10, 0}}
	v.forward(video, &p, scratch)
	tr.clock.heard(ntp, 3*second)
	tr.clock.heard(ntp, 3*second+40*int64(time.Millisecond)) // this one waited on the way
	audio.senderReport.Store(&senderReport{ntp: ntp, rtp: 5_000_000, at: 3 * second})
	video.senderReport.Store(&senderReport{ntp: ntp, rtp: 8_000_000, at: 3*second + 40*int64(time.Millisecond)})
	now, wall := 4*second, time.Unix(1_800_000_000, 0)
	ra, okA := a.report(now, wall)
	rv, okV := v.report(now, wall)
	if !okA || !okV || ra.NTP != rv.NTP {
		t.Fatalf("reports = %v, %v", ra, rv)
	}
	captured := func(r feedback.Sent, s *slot, ts uint32) time.Duration {
		since := int32(r.RTP - (ts + s.numbers.Offset()))
		return time.Duration(since) * time.Second / time.Duration(s.clock)
	}
	ago, agoVideo := captured(ra, a, 5_000_000), captured(rv, v, 8_000_000)
	if d := ago - agoVideo; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("one instant was %v ago by sound and %v ago by picture", ago, agoVideo)
	}
	if ago != time.Second {
		t.Errorf("captured %v ago, want 1 s by our clock", ago)
	}
	if got := ntpTime(wall) >> 32; got != 1_800_000_000+2_208_988_800 {
		t.Errorf("ntpTime = %d s since 1900", got)
	}
}

// TestKeyframeRequests is the pace at which a publisher is asked: encoders
// serve one request in 300 ms, and one that was lost is made again later.
func TestKeyframeRequests(t *testing.T) {
	const ms = int64(time.Millisecond)
	came := func(l *layer, at int64) {
		l.keyframeAt.Store(at)
		l.keyframeWanted.Store(false)
	}
	for _, test := range []struct {
		name  string
		story func(l *layer)
		want  []int64 // when asked, in milliseconds
	}{
		{"one who waits", func(l *layer) { l.askKeyframe(1000 * ms) }, []int64{1000}},
		{"two who come together", func(l *layer) { l.askKeyframe(1000 * ms); l.askKeyframe(1010 * ms) }, []int64{1000}},
		{"no answer", func(l *layer) {
			l.askKeyframe(1000 * ms)
			for at := int64(1100); at <= 1700; at += 100 {
				l.retryKeyframe(at * ms)
			}
		}, []int64{1000, 1500}},
		{"one who came just after the answer", func(l *layer) {
			l.askKeyframe(1000 * ms)
			came(l, 1030*ms)
			l.askKeyframe(1050 * ms)
			for at := int64(1100); at <= 1400; at += 100 {
				l.retryKeyframe(at * ms)
			}
		}, []int64{1000, 1300}},
		{"nobody waits any more", func(l *layer) {
			l.askKeyframe(1000 * ms)
			came(l, 1030*ms)
			l.retryKeyframe(2000 * ms)
		}, []int64{1000}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, l, _ := bench(t)
			in.transport.feedbacks = make(chan []byte, 16)
			l.lastAt.Store(1000 * ms)
			test.story(l)
			n, last := len(in.transport.feedbacks), l.keyframeAsked.Load()/ms
			if n != len(test.want) || last != test.want[n-1] {
				t.Errorf("asked %d times, last at %d ms; want %v", n, last, test.want)
			}
		})
	}
}
