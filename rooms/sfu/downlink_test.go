package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"viop/rooms/sfu/bandwidth"
)

func TestTransportFeedbackIsRead(t *testing.T) {
	const unit = int64(64 * time.Millisecond)
	small, large, none := rtcp.TypeTCCPacketReceivedSmallDelta, rtcp.TypeTCCPacketReceivedLargeDelta, rtcp.TypeTCCPacketNotReceived
	ms := func(n int64) *rtcp.RecvDelta { return &rtcp.RecvDelta{Delta: n * 1000} }
	for _, c := range []struct {
		name string
		p    rtcp.TransportLayerCC
		want []bandwidth.Report
	}{
		{"a run, then one by one, over the end of the numbers", rtcp.TransportLayerCC{
			BaseSequenceNumber: 65534, PacketStatusCount: 5, ReferenceTime: 10,
			PacketChunks: []rtcp.PacketStatusChunk{
				&rtcp.RunLengthChunk{PacketStatusSymbol: small, RunLength: 2},
				&rtcp.StatusVectorChunk{SymbolList: []uint16{none, large, small, none, none, none, none}},
			},
			RecvDeltas: []*rtcp.RecvDelta{ms(1), ms(2), ms(-5), ms(4)},
		}, []bandwidth.Report{
			{Number: 65534, Arrived: true, At: 10*unit + 1e6}, {Number: 65535, Arrived: true, At: 10*unit + 3e6},
			{Number: 0}, {Number: 1, Arrived: true, At: 10*unit - 2e6}, {Number: 2, Arrived: true, At: 10*unit + 2e6},
		}},
		{"fewer times than packets", rtcp.TransportLayerCC{
			PacketStatusCount: 3,
			PacketChunks:      []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: small, RunLength: 3}},
			RecvDeltas:        []*rtcp.RecvDelta{ms(1)},
		}, []bandwidth.Report{{Number: 0, Arrived: true, At: 1e6}}},
		{"more than there can be", rtcp.TransportLayerCC{
			PacketStatusCount: 1, PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{RunLength: 8000}},
		}, []bandwidth.Report{{Number: 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := appendReports(nil, &c.p); !slices.Equal(got, c.want) {
				t.Errorf("reports = %+v, want %+v", got, c.want)
			}
		})
	}
}
