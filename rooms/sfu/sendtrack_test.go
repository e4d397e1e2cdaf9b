package sfu

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"viop/rooms/sfu/rewrite"
)

// sendTrack is one stream the browser sends.
type sendTrack struct {
	mime, rid string
	id        string
	mid       func() string

	mu       sync.Mutex
	c        webrtc.TrackLocalContext
	pt       uint8
	rtxPT    uint8
	redPT    uint8 // 0: plain sound
	header   rtp.Header
	picID    uint16
	tl0      uint8
	frame    uint32
	rest     time.Duration // longest without a frame
	frameAt  time.Time
	key      bool // the next frame is a keyframe
	keys     int  // keyframes sent
	plis     int
	off      bool
	silent   bool // sends little sound
	unwanted bool // by the server
	rtxSeq   uint16
	sent     []sentPacket
}

type sentPacket struct {
	h       rtp.Header
	payload []byte
}

func (s *sendTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range c.CodecParameters() {
		if strings.EqualFold(p.MimeType, s.mime) {
			s.c, s.pt = c, uint8(p.PayloadType)
			for _, x := range c.CodecParameters() {
				if x.MimeType == mimeRED {
					s.redPT = uint8(x.PayloadType)
				}
				if x.SDPFmtpLine == fmt.Sprintf("apt=%d", p.PayloadType) {
					s.rtxPT = uint8(x.PayloadType)
				}
			}
			s.header = rtp.Header{Version: 2, PayloadType: s.pt, SSRC: uint32(c.SSRC()),
				SequenceNumber: 65500, Timestamp: 0xfffff000}
			// Encoders of layers count for themselves, from anywhere.
			s.picID, s.tl0 = uint16(c.SSRC())&0x7fff, uint8(c.SSRC())
			return p, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}
func (s *sendTrack) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.c = nil
	return nil
}
func (s *sendTrack) ID() string       { return s.id }
func (s *sendTrack) RID() string      { return s.rid }
func (s *sendTrack) StreamID() string { return "stream" }
func (s *sendTrack) Kind() webrtc.RTPCodecType {
	if s.mime == webrtc.MimeTypeOpus {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

func (s *sendTrack) extension(uri string) uint8 {
	for _, e := range s.c.HeaderExtensions() {
		if e.URI == uri {
			return uint8(e.ID)
		}
	}
	return 0
}

// write sends one packet, marked with its layer's name and frame number.
func (s *sendTrack) write(marker bool, payload []byte, level int) {
	h := s.header
	h.Marker = marker
	h.Extension, h.Extensions = false, nil
	if id := s.extension(sdp.SDESMidURI); id != 0 && s.mid() != "" {
		_ = h.SetExtension(id, []byte(s.mid()))
	}
	if id := s.extension(sdp.SDESRTPStreamIDURI); id != 0 && s.rid != "" {
		_ = h.SetExtension(id, []byte(s.rid))
	}
	if id := s.extension(sdp.AudioLevelURI); id != 0 && level >= 0 {
		_ = h.SetExtension(id, []byte{byte(127 - level)})
	}
	_, _ = s.c.WriteStream().WriteRTP(&h, payload)
	s.sent = append(s.sent, sentPacket{h, payload})
	s.header.SequenceNumber++
}

// probe sends a packet of the past again as RTX, as browsers do to measure.
func (s *sendTrack) probe(back int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil || len(s.sent) <= back || s.rtxPT == 0 {
		return
	}
	old := s.sent[len(s.sent)-1-back]
	h := old.h
	h.PayloadType, h.SSRC, h.SequenceNumber = s.rtxPT, uint32(s.c.SSRCRetransmission()), s.rtxSeq
	h.Extension, h.Extensions = false, nil
	if id := s.extension(sdp.SDESMidURI); id != 0 {
		_ = h.SetExtension(id, []byte(s.mid()))
	}
	if id := s.extension(sdp.SDESRepairRTPStreamIDURI); id != 0 && s.rid != "" {
		_ = h.SetExtension(id, []byte(s.rid))
	}
	s.rtxSeq++
	payload := binary.BigEndian.AppendUint16(nil, old.h.SequenceNumber)
	_, _ = s.c.WriteStream().WriteRTP(&h, append(payload, old.payload...))
}

// mark is what a test can read back from a packet: layer and frame.
func mark(name string, frame uint32, part int) []byte {
	return []byte(fmt.Sprintf("<%s/%d/%d>", name, frame, part))
}

// sendFrame of video: three packets with 15-bit picture ids.
func (s *sendTrack) sendFrame(name string, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil || s.off || s.unwanted {
		return
	}
	if !s.frameAt.IsZero() {
		s.rest = max(s.rest, time.Since(s.frameAt))
	}
	s.frameAt = time.Now()
	const parts = 3
	key := s.key
	s.key = false
	if key {
		s.keys++
	}
	for part := range parts {
		first := byte(0x80)
		if part == 0 {
			first |= 0x10
		}
		b := []byte{first, 0xe0, 0x80 | byte(s.picID>>8), byte(s.picID), s.tl0, 0x00}
		if part == 0 {
			frame := make([]byte, 10)
			frame[0] = 1
			if key {
				frame[0] = 0
				copy(frame[3:], []byte{0x9d, 0x01, 0x2a})
				binary.LittleEndian.PutUint16(frame[6:], uint16(height*16/9))
				binary.LittleEndian.PutUint16(frame[8:], uint16(height))
			}
			b = append(b, frame...)
		}
		b = append(b, mark(name, s.frame, part)...)
		b = append(b, make([]byte, height/3)...)
		s.write(part == parts-1, b, -1)
	}
	s.header.Timestamp += 3000
	s.picID = (s.picID + 1) & 0x7fff
	s.tl0++
	s.frame++
}

func (s *sendTrack) sendVoice(name string, level int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil || s.off {
		return
	}
	if s.silent && s.header.Timestamp/960%20 != 0 {
		s.header.Timestamp += 960 // discontinuous transmission
		return
	}
	s.header.PayloadType = s.pt
	payload := mark(name, s.frame, 0)
	if s.redPT != 0 {
		s.header.PayloadType = s.redPT
		var earlier []rewrite.Block
		for back := uint32(1); back <= rewrite.Depth && back <= s.frame; back++ {
			earlier = append(earlier, rewrite.Block{Behind: 960 * back, Payload: mark(name, s.frame-back, 0)})
		}
		payload = rewrite.AppendRED(nil, s.pt, earlier, payload, maxPayload)
	}
	s.write(false, payload, level)
	s.header.Timestamp += 960
	s.frame++
}

func (s *sendTrack) set(do func(*sendTrack)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

// frameNow is the number of the next frame.
func (s *sendTrack) frameNow() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frame
}

// rested is the longest time without a frame since the last call.
func (s *sendTrack) rested() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := s.rest
	s.rest = 0
	return longest
}
