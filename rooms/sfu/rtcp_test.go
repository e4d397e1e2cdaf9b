package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"

	"viop/rooms"
	"viop/rooms/sfu/feedback"
)

// RTCP both ways with Pion's browser: it hears how its streams arrive and when
// ours were sent, and we hear how ours arrive.
func TestReportsBothWays(t *testing.T) {
	s, r := testSFU(t)
	o := browserOptions{audio: 1, video: 1}
	a, b := join(t, r, "a", o), join(t, r, "b", o)
	together(r, a, b)
	a.until("b's voice", func() bool { return a.countLocked("b-mic") > 0 })
	var receiver *webrtc.RTPReceiver
	for _, tr := range a.pc.GetTransceivers() {
		if tr.Direction() == webrtc.RTPTransceiverDirectionRecvonly && tr.Kind() == webrtc.RTPCodecTypeAudio {
			receiver = tr.Receiver()
		}
	}
	must(t, receiver.SetReadDeadline(time.Now().Add(20*time.Second)))
	for sent := false; !sent; {
		packets, _, err := receiver.ReadRTCP()
		must(t, err)
		sent = slices.ContainsFunc(packets, func(p rtcp.Packet) bool {
			sr, ok := p.(*rtcp.SenderReport)
			return ok && sr.PacketCount > 0
		})
	}
	a.until("reports on what it sends", func() bool { return a.reported > 0 })
	slotHeard := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.peers[0].transport.audio, func(s *slot) bool { return s.lastReport.Load() > 0 })
	}
	eventually(t, "a's reports on what it gets", slotHeard)
	c := s.Stats().Plane
	if way := mediaPath(); (c.RTCPIn > 0) != (way == PathAuto) || (c.RTCPOut > 0) != (way == PathAuto) || c.Forged+c.Refused != 0 {
		t.Errorf("by the path %q: %+v", way, c)
	}
}

// toldOfTwo is a browser's compound about two of its slots: of one it lost half and a
// keyframe, of the other it lacks a packet; and its line carries what was sent.
func toldOfTwo(t *testing.T, first, second uint32) []byte {
	t.Helper()
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: first, FractionLost: 128}, {SSRC: second, FractionLost: 3}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 1 << 20, SSRCs: []uint32{first, second}},
		&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: first},
		&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: second, Nacks: []rtcp.NackPair{{PacketID: 5}}},
	})
	must(t, err)
	return b
}

// The plane gives a compound once, Pion each packet once for each SSRC it is
// about: it comes to the same.
func TestFeedbackIsTakenOnce(t *testing.T) {
	deliver := map[string]func(*transport, []byte){
		"plane": func(tr *transport, b []byte) { (&inboundRTCP{transport: tr}).Receive(b, tr.now()) },
		"Pion": func(tr *transport, b []byte) {
			packets, err := rtcp.UnmarshalRaw(b)
			must(t, err)
			for _, p := range packets {
				ssrcs, err := p.ParseDestinationSSRC(nil)
				must(t, err)
				for _, ssrc := range ssrcs {
					_, err := tr.buffer(packetio.RTCPBufferPacket, ssrc).Write(p)
					must(t, err)
				}
			}
		},
	}
	for way, deliver := range deliver {
		t.Run(way, func(t *testing.T) {
			in, l, out := bench(t)
			tr := in.transport
			tr.feedbacks = make(chan []byte, 16)
			first, second := (*l.receivers.Load())[0], (*l.receivers.Load())[1]
			first.header.SSRC, second.header.SSRC, second.repair.PayloadType = 100, 200, 97
			tr.bySSRC.Store(&map[uint32]*slot{100: first, 200: second})
			for i := range uint16(10) {
				in.packet.at = tr.now()
				if !in.packet.parse(frame(i, i == 0), extensions{}) {
					t.Fatal("refused")
				}
				in.media(l, &in.packet, payloadVP8, false)
				in.out.forward()
			}
			before := out.n
			deliver(tr, toldOfTwo(t, 100, 200))
			if first.lost.Load() != 128 || second.lost.Load() != 3 || first.lastReport.Load() == 0 {
				t.Errorf("lost %d and %d of 256", first.lost.Load(), second.lost.Load())
			}
			if tr.remb.Load() != 1<<20 {
				t.Errorf("the line carries %d", tr.remb.Load())
			}
			if len(tr.feedbacks) != 1 {
				t.Errorf("%d keyframes were asked for, want one", len(tr.feedbacks))
			}
			if second.resends.Load() != 1 || out.n != before+1 {
				t.Errorf("%d packets were sent again, want one", second.resends.Load())
			}
			if tr.peer.lastSeen.Load() == 0 {
				t.Error("it proves no life")
			}
		})
	}
}

// Reading what a browser says allocates nothing: reports on eleven slots, what
// arrived of a tenth of a second, and what is missing.
func TestReadingFeedbackDoesNotAllocate(t *testing.T) {
	in, l, _ := bench(t)
	tr := in.transport
	table := map[uint32]*slot{}
	var reports []feedback.Report
	for i, s := range *l.receivers.Load() {
		s.header.SSRC = uint32(i)
		s.repair.PayloadType = 97
		table[s.header.SSRC] = s
		reports = append(reports, feedback.Report{SSRC: s.header.SSRC})
	}
	tr.bySSRC.Store(&table)
	var r feedback.Recorder
	for i := range uint16(150) {
		tr.downlink.sent(int64(i)*1e6, 1000, false)
		if i%10 != 3 {
			r.Record(0, i, int64(i)*2e6)
		}
	}
	b := feedback.AppendNACK(feedback.AppendRR(nil, 1, reports), 1, 0, []uint16{7, 9, 40})
	b, _ = r.Append(b, 1)
	all := &inboundRTCP{transport: tr}
	at := int64(0)
	if n := testing.AllocsPerRun(100, func() {
		at += 1e8
		all.Receive(b, at)
	}); n != 0 {
		t.Errorf("%v allocations to take a compound, want 0", n)
	}
	if !tr.downlink.heard(at) {
		t.Error("the arrivals were not taken")
	}
}

// Telling a publisher what came and what is missing, and a browser what its
// slots carry, allocates nothing; it leaves sealed, in the turn.
func TestReportingDoesNotAllocate(t *testing.T) {
	w := newWire(t)
	in, l, _ := bench(t)
	tr := in.transport
	tr.plane, tr.lane = w.plane, w.lane
	tr.video = *l.receivers.Load()
	in.layers = []*layer{l}
	for i := range uint16(3) {
		in.packet.at = int64(i)
		if !in.packet.parse(frame(i*2, i == 0), extensions{}) {
			t.Fatal("refused")
		}
		in.media(l, &in.packet, payloadVP8, false)
		in.out.forward()
	}
	now, wall, number := int64(0), time.Unix(1_800_000_000, 0), uint16(0)
	speak := func() {
		now += int64(reportEvery)
		l.lastAt.Store(now)
		in.arrived.Record(l.ssrc, number, now)
		number++
		w.plane.Begin()
		in.housekeeping(now)
		tr.report(now, wall)
		l.askKeyframe(now)
		w.plane.End()
	}
	speak()
	if n := testing.AllocsPerRun(20, speak); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if c := w.plane.Counts(); c.RTCPOut != 3*22 || c.Unsent != 0 {
		t.Errorf("%+v, want three compounds in each of 22 turns", c)
	}
	b := make([]byte, 2048)
	seen := map[string]int{}
	for range 3 * 22 {
		must(t, w.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		n, err := w.conn.Read(b)
		must(t, err)
		plain, err := w.srtp.DecryptRTCP(nil, b[:n], nil)
		must(t, err)
		packets, err := rtcp.Unmarshal(plain)
		must(t, err)
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.ReceiverReport:
				seen["reports"] += len(p.Reports)
			case *rtcp.TransportLayerNack:
				seen["lost"] += len(p.Nacks)
			case *rtcp.TransportLayerCC:
				seen["arrivals"] += len(p.RecvDeltas)
			case *rtcp.SenderReport:
				seen["sent"]++
			case *rtcp.PictureLossIndication:
				seen["keyframes"]++
			}
		}
	}
	if seen["reports"] != 22 || seen["lost"] != lossTries || seen["arrivals"] != 22 || seen["sent"] != 9*22 || seen["keyframes"] != 22 {
		t.Errorf("the browser read %v", seen)
	}
}

// What was queued for Pion before the lane was armed is sealed by the lane.
func TestQueuedFeedbackFollowsTheLane(t *testing.T) {
	w := newWire(t)
	tr := &transport{plane: w.plane, lane: w.lane, path: PathPlane, sources: map[rooms.Source]*source{}}
	tr.pass(feedback.AppendPLI(nil, 1, 2)) // by Pion it would need a PeerConnection
	if c := w.plane.Counts(); c.RTCPOut != 1 {
		t.Errorf("Counts() = %+v", c)
	}
}
