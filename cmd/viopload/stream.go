package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// What a person sends.
const (
	audioEvery   = 20 * time.Millisecond
	audioBytes   = 80
	videoEvery   = time.Second / 30
	audioTicks   = 960  // of 48 kHz
	videoTicks   = 3000 // of 90 kHz
	voiceLevel   = 40   // dB below full scale: somebody is talking
	descriptor   = 6    // bytes of the VP8 payload descriptor, with picture id and TL0
	frameHeader  = 10   // of a keyframe (RFC 6386 §9.1)
	smallestPart = descriptor + frameHeader + stampBytes
)

// layer of a camera, as the page's simulcast makes them. A frame is three
// packets of these payload sizes.
type layer struct {
	rid    string
	height int
	parts  [3]int
}

// layers, in the order they are added with --layers: 600 kbit/s first, which is
// what a tile of 360 lines gets.
var layers = [...]layer{
	{"h", 360, [3]int{1100, 1100, 300}},
	{"q", 180, [3]int{280, 280, 80}},
	{"f", 720, [3]int{1100, 1100, 1100}},
}

// transportSequence numbers all packets of one transport (transport-wide
// congestion control).
type transportSequence struct{ last atomic.Uint32 }

// stream is one track as a client sends it: webrtc.TrackLocal. send is called
// from one goroutine.
type stream struct {
	// Set by newStream.
	id       string
	layer    *layer // nil for audio
	sequence *transportSequence
	mid      func() string // known after the first negotiation

	mu      sync.Mutex
	context webrtc.TrackLocalContext // guarded by mu; nil while unbound
	header  rtp.Header               // guarded by mu
	twcc    [2]byte                  // guarded by mu; shared with header
	payload [1200]byte               // guarded by mu
	picture uint16                   // guarded by mu
	tl0     uint8                    // guarded by mu
}

func newStream(id string, l *layer, sequence *transportSequence) *stream {
	return &stream{id: id, layer: l, sequence: sequence}
}

// Bind learns payload type and extension ids; Pion calls it when the answer
// has come.
func (s *stream) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, codec := range c.CodecParameters() {
		if !strings.EqualFold(codec.MimeType, s.mime()) {
			continue
		}
		s.context = c
		s.header = rtp.Header{
			Version: 2, PayloadType: uint8(codec.PayloadType), SSRC: uint32(c.SSRC()),
			SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(),
		}
		s.picture, s.tl0 = uint16(rand.Uint32())&0x7fff, uint8(rand.Uint32())
		return codec, s.extend(c)
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// extend puts the header extensions on that a browser does.
func (s *stream) extend(c webrtc.TrackLocalContext) error {
	for _, e := range c.HeaderExtensions() {
		var value []byte
		switch {
		case e.URI == sdp.SDESMidURI:
			value = []byte(s.mid())
		case e.URI == sdp.SDESRTPStreamIDURI && s.layer != nil:
			value = []byte(s.layer.rid)
		case e.URI == sdp.AudioLevelURI && s.layer == nil:
			value = []byte{voiceLevel}
		case e.URI == sdp.TransportCCURI:
			value = s.twcc[:]
		}
		if len(value) == 0 {
			continue
		}
		if err := s.header.SetExtension(uint8(e.ID), value); err != nil {
			return err
		}
	}
	return nil
}

// Unbind ends the sending.
func (s *stream) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.context = nil
	return nil
}

func (s *stream) mime() string {
	if s.layer == nil {
		return webrtc.MimeTypeOpus
	}
	return webrtc.MimeTypeVP8
}

// ID of the track.
func (s *stream) ID() string { return s.id }

// StreamID is one for all of a person's tracks.
func (s *stream) StreamID() string { return "person" }

// RID of the simulcast layer.
func (s *stream) RID() string {
	if s.layer == nil {
		return ""
	}
	return s.layer.rid
}

// Kind of the track.
func (s *stream) Kind() webrtc.RTPCodecType {
	if s.layer == nil {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

// sendVoice sends one packet. The bytes before the stamp are noise of no
// meaning: nobody decodes them.
func (s *stream) sendVoice(mark stamp) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	payload := s.payload[:audioBytes]
	mark.put(payload)
	err := s.write(payload, false)
	s.header.Timestamp += audioTicks
	return err
}

// sendFrame sends the packets of one frame; mark is the first one's, the
// others count on from it. Each packet gets its own time.
func (s *stream) sendFrame(mark stamp, now func() int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keyframe := mark.keyframe
	for i, size := range s.layer.parts {
		payload := s.payload[:size]
		s.describe(payload, i == 0, keyframe)
		mark.keyframe, mark.at = keyframe && i == 0, now()
		mark.put(payload)
		if err := s.write(payload, i == len(s.layer.parts)-1); err != nil {
			return err
		}
		mark.number++
	}
	s.header.Timestamp += videoTicks
	s.picture = (s.picture + 1) & 0x7fff
	s.tl0++
	return nil
}

// describe writes the payload descriptor (RFC 7741 §4.2) and, for the first
// packet, what there is of the frame's header.
func (s *stream) describe(payload []byte, first, keyframe bool) {
	payload[0] = 0x80 // extended
	payload[1] = 0xe0 // picture id, TL0, TID
	binary.BigEndian.PutUint16(payload[2:], 0x8000|s.picture)
	payload[4], payload[5] = s.tl0, 0
	if !first {
		return
	}
	payload[0] |= 0x10 // start of partition 0
	frame := payload[descriptor : descriptor+frameHeader]
	clear(frame)
	if !keyframe {
		frame[0] = 1
		return
	}
	copy(frame[3:], []byte{0x9d, 0x01, 0x2a})
	binary.LittleEndian.PutUint16(frame[6:], uint16(s.layer.height*16/9))
	binary.LittleEndian.PutUint16(frame[8:], uint16(s.layer.height))
}

func (s *stream) write(payload []byte, marker bool) error {
	if s.context == nil {
		return fmt.Errorf("%s: not negotiated", s.id)
	}
	binary.BigEndian.PutUint16(s.twcc[:], uint16(s.sequence.last.Add(1)))
	s.header.Marker = marker
	_, err := s.context.WriteStream().WriteRTP(&s.header, payload)
	s.header.SequenceNumber++
	return err
}
