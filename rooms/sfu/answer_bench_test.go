package sfu

import (
	"testing"

	"github.com/pion/webrtc/v4"

	"viop/rooms"
)

// BenchmarkAnswer is what the server spends between an offer of a page, with
// all its slots, and the answer.
func BenchmarkAnswer(b *testing.B) {
	s, err := New(Config{UDP: loopback, Loopback: true, Path: mediaPath()}, discard)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it is over
	media, err := s.Room("session")
	if err != nil {
		b.Fatal(err)
	}
	m, err := mediaEngine()
	if err != nil {
		b.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		b.Fatal(err)
	}
	defer pc.Close() //nolint:errcheck // it is over
	add := func(kind webrtc.RTPCodecType, direction webrtc.RTPTransceiverDirection, n int) {
		for range n {
			if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		add(kind, webrtc.RTPTransceiverDirectionSendonly, 2)
	}
	add(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly, 11)
	add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly, 12)
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		said := make(chan rooms.PeerEvent, 16)
		p, err := media.Attach(rooms.Attachment{Conn: "c1-a", Handle: "a"}, func(e rooms.PeerEvent) {
			switch e.(type) {
			case rooms.Answer, rooms.SignalFailed:
				said <- e
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		p.Signal(rooms.Signal{NID: 1, SDP: offer.SDP})
		if e, ok := (<-said).(rooms.Answer); !ok {
			b.Fatalf("no answer: %+v", e)
		}
		b.StopTimer()
		p.Close()
		b.StartTimer()
	}
}
