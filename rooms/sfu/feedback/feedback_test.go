package feedback

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

// said is everything a compound says, as Pion or we read it.
type said struct {
	Sent     []Sent
	Reports  []Report
	Lost     map[uint32][]uint16
	Pictures []uint32
	Wanted   []uint32
	Bitrates []uint64
	Arrivals map[uint32][]Arrival
}

func nothing() said {
	return said{Lost: map[uint32][]uint16{}, Arrivals: map[uint32][]Arrival{}}
}

func read(b []byte) said {
	s := nothing()
	for {
		p, rest, ok := Next(b)
		if !ok {
			return s
		}
		b = rest
		switch p.Kind {
		case SR:
			s.Sent = append(s.Sent, p.Sent())
			s.Reports = slices.AppendSeq(s.Reports, p.Reports)
		case RR:
			s.Reports = slices.AppendSeq(s.Reports, p.Reports)
		case NACK:
			s.Lost[p.Media()] = slices.AppendSeq(s.Lost[p.Media()], p.Lost)
		case PLI:
			s.Pictures = append(s.Pictures, p.Media())
		case FIR:
			s.Wanted = slices.AppendSeq(s.Wanted, p.Wanted)
		case REMB:
			s.Bitrates = append(s.Bitrates, p.Bitrate())
		case TWCC:
			s.Arrivals[p.Media()] = slices.AppendSeq(s.Arrivals[p.Media()], p.Arrivals)
		}
	}
}

// pions is what Pion has read.
func pions(packets []rtcp.Packet) said {
	s := nothing()
	reports := func(reports []rtcp.ReceptionReport) {
		for _, r := range reports {
			s.Reports = append(s.Reports, Report{
				SSRC: r.SSRC, FractionLost: r.FractionLost, TotalLost: r.TotalLost, Highest: r.LastSequenceNumber,
				Jitter: r.Jitter, LastSR: r.LastSenderReport, Delay: r.Delay,
			})
		}
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.Sent = append(s.Sent, Sent{SSRC: p.SSRC, NTP: p.NTPTime, RTP: p.RTPTime, Packets: p.PacketCount, Octets: p.OctetCount})
			reports(p.Reports)
		case *rtcp.ReceiverReport:
			reports(p.Reports)
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				s.Lost[p.MediaSSRC] = append(s.Lost[p.MediaSSRC], pair.PacketList()...)
			}
		case *rtcp.PictureLossIndication:
			s.Pictures = append(s.Pictures, p.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, e := range p.FIR {
				s.Wanted = append(s.Wanted, e.SSRC)
			}
		case *rtcp.ReceiverEstimatedMaximumBitrate:
			s.Bitrates = append(s.Bitrates, uint64(p.Bitrate))
		case *rtcp.TransportLayerCC:
			s.Arrivals[p.MediaSSRC] = append(s.Arrivals[p.MediaSSRC], pionsArrivals(p)...)
		}
	}
	return s
}

func pionsArrivals(p *rtcp.TransportLayerCC) (out []Arrival) {
	at, deltas := int64(p.ReferenceTime)*int64(64*time.Millisecond), p.RecvDeltas
	for _, chunk := range p.PacketChunks {
		var symbols []uint16
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			symbols = slices.Repeat([]uint16{c.PacketStatusSymbol}, int(c.RunLength))
		case *rtcp.StatusVectorChunk:
			symbols = c.SymbolList
		}
		for _, s := range symbols {
			if len(out) == int(p.PacketStatusCount) {
				return out
			}
			a := Arrival{Number: p.BaseSequenceNumber + uint16(len(out))}
			if s == rtcp.TypeTCCPacketReceivedSmallDelta || s == rtcp.TypeTCCPacketReceivedLargeDelta {
				at += deltas[0].Delta * int64(time.Microsecond)
				deltas = deltas[1:]
				a.Arrived, a.At = true, at
			}
			out = append(out, a)
		}
	}
	return out
}

// Whatever Pion can write, we read to the same numbers.
func TestReadsWhatPionWrites(t *testing.T) {
	const small, large, none = rtcp.TypeTCCPacketReceivedSmallDelta, rtcp.TypeTCCPacketReceivedLargeDelta, rtcp.TypeTCCPacketNotReceived
	delta := func(symbol uint16, ticks int64) *rtcp.RecvDelta {
		return &rtcp.RecvDelta{Type: symbol, Delta: ticks * rtcp.TypeTCCDeltaScaleFactor}
	}
	twcc := func(p rtcp.TransportLayerCC) *rtcp.TransportLayerCC {
		size := p.MarshalSize()
		p.Header = rtcp.Header{Type: rtcp.TypeTransportSpecificFeedback, Count: rtcp.FormatTCC, Length: uint16(size/4 - 1)}
		unpadded := 20 + 2*len(p.PacketChunks)
		for _, d := range p.RecvDeltas {
			unpadded += int(d.Type)
		}
		p.Header.Padding = size != unpadded
		return &p
	}
	block := rtcp.ReceptionReport{SSRC: 0xfeedface, FractionLost: 200, TotalLost: 0xfffffe, LastSequenceNumber: 1<<17 + 9, Jitter: 10, LastSenderReport: 0x12345678, Delay: 65536}
	for _, test := range []struct {
		name     string
		compound []rtcp.Packet
	}{
		{"a sender that receives", []rtcp.Packet{
			&rtcp.SenderReport{SSRC: 7, NTPTime: 0xdeadbeef12345678, RTPTime: 9, PacketCount: 10, OctetCount: 11, Reports: []rtcp.ReceptionReport{block, {SSRC: 3}}}}},
		{"receivers of all and of nothing", []rtcp.Packet{
			&rtcp.ReceiverReport{SSRC: 1, Reports: slices.Repeat([]rtcp.ReceptionReport{block}, 31)}, &rtcp.ReceiverReport{SSRC: 1}}},
		{"what is missing, over the end of the numbers", []rtcp.Packet{
			&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 2, Nacks: []rtcp.NackPair{{PacketID: 65530, LostPackets: 0x8421}, {PacketID: 40, LostPackets: 0}}}}},
		{"pictures", []rtcp.Packet{
			&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2},
			&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 3, SequenceNumber: 1}, {SSRC: 4, SequenceNumber: 2}}}}},
		{"lines", []rtcp.Packet{
			&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 2_000_000, SSRCs: []uint32{1, 2, 3}},
			&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 0}}},
		{"what is not for us, in between", []rtcp.Packet{
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 1, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}}}}},
			&rtcp.PictureLossIndication{MediaSSRC: 5}, &rtcp.Goodbye{Sources: []uint32{1}}, &rtcp.PictureLossIndication{MediaSSRC: 6}}},
		{"a run, then one by one, over the end of the numbers", []rtcp.Packet{twcc(rtcp.TransportLayerCC{
			SenderSSRC: 1, MediaSSRC: 2, BaseSequenceNumber: 65534, PacketStatusCount: 5, ReferenceTime: 10,
			PacketChunks: []rtcp.PacketStatusChunk{
				&rtcp.RunLengthChunk{PacketStatusSymbol: small, RunLength: 2},
				&rtcp.StatusVectorChunk{SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit, SymbolList: []uint16{none, large, small, none, none, none, none}},
			},
			RecvDeltas: []*rtcp.RecvDelta{delta(small, 4), delta(small, 255), delta(large, -20), delta(small, 0)},
		})}},
		{"losses, bit by bit, and a large step", []rtcp.Packet{twcc(rtcp.TransportLayerCC{
			MediaSSRC: 2, BaseSequenceNumber: 100, PacketStatusCount: 16, ReferenceTime: 1<<24 - 1,
			PacketChunks: []rtcp.PacketStatusChunk{
				&rtcp.StatusVectorChunk{SymbolSize: rtcp.TypeTCCSymbolSizeOneBit, SymbolList: []uint16{none, small, none, none, small, none, none, none, none, none, none, none, none, small}},
				&rtcp.RunLengthChunk{PacketStatusSymbol: large, RunLength: 2},
			},
			RecvDeltas: []*rtcp.RecvDelta{delta(small, 1), delta(small, 2), delta(small, 3), delta(large, 32767), delta(large, -32768)},
		})}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := rtcp.Marshal(test.compound)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(pions(test.compound), read(b)); diff != "" {
				t.Errorf("(-Pion +read)\n%s", diff)
			}
		})
	}
}

// What we write, Pion reads to the same numbers, and so do we.
func TestPionReadsWhatWeWrite(t *testing.T) {
	sent := Sent{SSRC: 7, NTP: 0xdeadbeef12345678, RTP: 9, Packets: 10, Octets: 11}
	report := Report{SSRC: 0xfeedface, FractionLost: 200, TotalLost: 0xfffffe, Highest: 1<<17 + 9, Jitter: 10, LastSR: 0x12345678, Delay: 65536}
	lost := []uint16{65530, 65531, 65535, 0, 10, 11, 27, 28, 500}
	var b []byte
	b = AppendSR(b, sent)
	b = AppendRR(b, 1, []Report{report, {SSRC: 5}})
	b = AppendNACK(b, 1, 2, lost)
	b = AppendPLI(b, 1, 3)
	want := nothing()
	want.Sent, want.Reports, want.Pictures = []Sent{sent}, []Report{report, {SSRC: 5}}, []uint32{3}
	want.Lost[2] = lost
	packets, err := rtcp.Unmarshal(b)
	if err != nil || len(packets) != 4 {
		t.Fatalf("Pion reads %v, %v", packets, err)
	}
	if diff := cmp.Diff(want, pions(packets)); diff != "" {
		t.Errorf("(-written +Pion)\n%s", diff)
	}
	if diff := cmp.Diff(want, read(b)); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	again, err := rtcp.Marshal(packets)
	if err != nil || !slices.Equal(again, b) {
		t.Errorf("we wrote %x, Pion writes %x, %v", b, again, err)
	}
	if got := read(AppendRR(nil, 1, make([]Report, 40))); len(got.Reports) != mostReports {
		t.Errorf("%d reports in one packet, want %d", len(got.Reports), mostReports)
	}
}

// Bytes that say more than is there are read as far as they go.
func TestReadsWhatIsThere(t *testing.T) {
	whole := AppendRR(nil, 1, []Report{{SSRC: 2}, {SSRC: 3}})
	short := slices.Clone(whole)
	short[0] |= 31
	if got := read(short); len(got.Reports) != 2 {
		t.Errorf("of two reports that say they are 31: %v", got.Reports)
	}
	if got := read(append(AppendPLI(nil, 1, 2), whole[:len(whole)-1]...)); len(got.Reports) != 0 || len(got.Pictures) != 1 {
		t.Errorf("of a packet and a piece of one: %+v", got)
	}
	// Three packets, of which the times of one are there; and one, of a run of many.
	fewer := finish(append(appendHeader(nil, formatTWCC, typeTransport, 0),
		0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 3, 0, 0, 1, 0, 0x20, 3, 4), 0)
	if got := read(fewer).Arrivals[2]; !slices.Equal(got, []Arrival{{9, true, 64e6 + 1e6}}) {
		t.Errorf("of three arrivals with one time: %v", got)
	}
	more := finish(append(appendHeader(nil, formatTWCC, typeTransport, 0),
		0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 1, 0, 0, 1, 0, 0x1f, 0xff), 0)
	if got := read(more).Arrivals[2]; !slices.Equal(got, []Arrival{{Number: 9}}) {
		t.Errorf("of a run longer than the packet says: %v", got)
	}
	remb := []byte{0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff}
	if got := read(remb).Bitrates; !slices.Equal(got, []uint64{1<<64 - 1}) {
		t.Errorf("a bit rate beyond all numbers: %v", got)
	}
}

// Whatever comes: no panic, and where Pion can read it, the same numbers.
func FuzzRead(f *testing.F) {
	f.Add(AppendPLI(AppendNACK(AppendRR(AppendSR(nil, Sent{SSRC: 1}), 1, []Report{{SSRC: 2}}), 1, 2, []uint16{1, 2, 40}), 1, 2))
	f.Add([]byte{0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 1, 2, 3, 0, 0, 0, 7})
	f.Add([]byte{0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0})
	var r Recorder
	for i := range uint16(40) {
		if i%7 != 3 {
			r.Record(2, i, int64(i*i)*1e6)
		}
	}
	arrivals, _ := r.Append(nil, 1)
	f.Add(arrivals)
	f.Fuzz(func(t *testing.T, b []byte) {
		got := read(b)
		packets, err := rtcp.Unmarshal(b)
		if err != nil {
			return
		}
		for rest := b; len(rest) > 0; rest = rest[4*(1+int(rest[2])<<8+int(rest[3])):] {
			if rest[0]&0x20 != 0 {
				return // Pion reads padding as if it was none
			}
			if rest[1] == typeMedia && rest[0]&31 == formatREMB && (rest[17]>>2 > 40 || rest[17]&3|rest[18]|rest[19] == 0) {
				return // what a uint64 cannot say, and 0 times 2 to the power of something
			}
		}
		want := pions(packets)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%x (-Pion +read)\n%s", b, diff)
		}
	})
}

// Losses, reordering, repeats, and times that go back: what was recorded is what
// is told, in packets that Pion can read.
func TestRecorder(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		var r Recorder
		came, told := map[uint16]int64{}, map[uint16]int64{}
		missing := 0
		next, now := uint16(random.Uint32()), int64(random.IntN(1e12))
		for range 200 {
			for range random.IntN(30) {
				switch random.IntN(20) {
				case 0:
					next += uint16(random.IntN(30))
				case 1:
					now += int64(random.IntN(20e9)) // more than one packet can tell of
				}
				now += int64(random.IntN(20e6))
				number := next - uint16(random.IntN(4))*uint16(random.IntN(10))
				if number == next {
					next++
				}
				if _, again := came[number]; !again {
					came[number] = now
				}
				r.Record(2, number, now)
			}
			for {
				b, more := r.Append(nil, 1)
				if !more {
					break
				}
				if len(b) > MostBytes || len(b)%4 != 0 {
					t.Fatalf("%d bytes", len(b))
				}
				p := new(rtcp.TransportLayerCC)
				if err := p.Unmarshal(b); err != nil {
					t.Fatalf("Pion reads %x: %v", b, err)
				}
				arrivals := pionsArrivals(p)
				if got := read(b).Arrivals[2]; !slices.Equal(got, arrivals) {
					t.Fatalf("we read %v, Pion %v", got, arrivals)
				}
				for _, a := range arrivals {
					if a.Arrived {
						told[a.Number] = a.At
					} else {
						missing++
					}
				}
			}
		}
		// The reference time turns over.
		const turn = int64(64*time.Millisecond) << 24
		for number, at := range came {
			if got, ok := told[number]; !ok || got != at/tick*tick%turn {
				t.Fatalf("seed %d: %d came at %d, told %d, %v", seed, number, at, got, ok)
			}
		}
		if len(told) != len(came) || missing == 0 {
			t.Fatalf("seed %d: %d came, %d were told and %d missing", seed, len(came), len(told), missing)
		}
	}
}

// typical is what a browser in a room of twelve says: of eleven slots, and of
// what came in a tenth of a second.
func typical() []byte {
	reports := make([]Report, 11)
	for i := range reports {
		reports[i].SSRC = uint32(i)
	}
	var r Recorder
	for i := range uint16(120) {
		if i%17 != 3 {
			r.Record(2, i, int64(i)*1e6)
		}
	}
	b, _ := r.Append(AppendRR(nil, 1, reports), 1)
	return AppendNACK(b, 1, 2, []uint16{3, 20, 37})
}

func take(b []byte) (n int) {
	for {
		p, rest, ok := Next(b)
		if !ok {
			return n
		}
		b = rest
		switch p.Kind {
		case SR, RR:
			for r := range p.Reports {
				n += int(r.FractionLost)
			}
		case TWCC:
			for a := range p.Arrivals {
				n += int(a.Number)
			}
		case NACK:
			for seq := range p.Lost {
				n += int(seq)
			}
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	b := typical()
	if n := testing.AllocsPerRun(100, func() { take(b) }); n != 0 {
		t.Errorf("%v allocations to read a compound", n)
	}
	var r Recorder
	var buffer [MostBytes]byte
	reports, lost, number := make([]Report, 6), []uint16{1, 2, 50}, uint16(0)
	if n := testing.AllocsPerRun(100, func() {
		for range 20 {
			r.Record(2, number, int64(number)*5e6)
			number++
		}
		b, _ := r.Append(AppendPLI(AppendNACK(AppendRR(AppendSR(buffer[:0], Sent{}), 1, reports), 1, 2, lost), 1, 2), 1)
		if &b[0] != &buffer[0] {
			t.Error("it is longer than a packet")
		}
	}); n != 0 {
		t.Errorf("%v allocations to write one", n)
	}
}

func BenchmarkRead(b *testing.B) {
	compound := typical()
	b.ReportAllocs()
	b.SetBytes(int64(len(compound)))
	for b.Loop() {
		take(compound)
	}
}

// BenchmarkRecorder is a tenth of a second of 150 packets a second.
func BenchmarkRecorder(b *testing.B) {
	var r Recorder
	var buffer [MostBytes]byte
	number := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		for range 15 {
			r.Record(2, number, int64(number)*6e6)
			number++
		}
		r.Append(buffer[:0], 1)
	}
}
