package sfu

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"viop/rooms"
)

// A short offer in the shape of Chromium's.
const (
	offerHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\na=msid-semantic: WMS\r\n"
	offerICE  = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef01234567\r\n" +
		"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:actpass\r\na=rtcp-mux\r\n"
	offerOpus = "a=rtpmap:111 opus/48000/2\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
	offerVP8  = "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" +
		"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\na=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
)

func audioSection(mid, direction, more string) string {
	return "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + offerICE + "a=mid:" + mid + "\r\na=" + direction + "\r\n" + offerOpus + more
}

func videoSection(mid, direction, more string) string {
	return "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" + offerICE + "a=mid:" + mid + "\r\na=" + direction + "\r\n" + offerVP8 + more
}

func TestReadOffer(t *testing.T) {
	text := offerHead +
		audioSection("0", "sendonly", "a=ssrc:11 cname:x\r\n") +
		videoSection("1", "sendonly", "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n") +
		videoSection("2", "sendonly", "a=ssrc-group:FID 21 22\r\na=ssrc:21 cname:x\r\na=ssrc:22 cname:x\r\n") +
		audioSection("3", "sendonly", "") +
		audioSection("4", "recvonly", "") + audioSection("5", "recvonly", "") +
		videoSection("6", "recvonly", "") + videoSection("7", "inactive", "")
	o, err := readOffer(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range o.sections {
		got = append(got, fmt.Sprint(s.mid, " ", s.source, " ", s.rids, " ", s.ssrcs, " ", s.rtx))
	}
	want := []string{
		fmt.Sprint("0 ", rooms.Mic, " [] [11] map[]"), fmt.Sprint("1 ", rooms.Camera, " [q h f] [] map[]"),
		fmt.Sprint("2 ", rooms.Screen, " [] [21] map[22:21]"), fmt.Sprint("3 ", rooms.ScreenAudio, " [] [] map[]"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("sections = %q, want %q", got, want)
	}
	if o.audio != 2 || o.video != 1 {
		t.Errorf("%d audio and %d video slots, want 2 and 1", o.audio, o.video)
	}
	if want := (extensions{mid: 4, rid: 10, rrid: 11, level: 1}); o.ids != want {
		t.Errorf("extensions = %+v, want %+v", o.ids, want)
	}
	if o.kinds[111] != payloadOpus || o.kinds[96] != payloadVP8 || o.kinds[97] != payloadRTX {
		t.Errorf("payload types are not known: %v", o.kinds)
	}
}

func hostile() map[string]string {
	many := offerHead
	for i := range 200 {
		many += videoSection(fmt.Sprint(i), "recvonly", "")
	}
	whole := offerHead + audioSection("0", "sendonly", "")
	return map[string]string{
		"nothing that is SDP":      "hello",
		"a nul and more":           "v=0\r\n\x00\xff\xfe" + strings.Repeat("a=x\r\n", 100),
		"no sections":              offerHead,
		"too large":                whole + strings.Repeat("a=x\r\n", maxOfferBytes/4),
		"two hundred sections":     many,
		"no fingerprint":           strings.ReplaceAll(whole, "a=fingerprint", "a=nothing"),
		"no mid":                   strings.ReplaceAll(whole, "a=mid", "a=nomid"),
		"one mid twice":            whole + audioSection("0", "recvonly", ""),
		"G.711 only":               strings.ReplaceAll(whole, "opus/48000/2", "PCMU/8000"),
		"H.264 only":               offerHead + strings.ReplaceAll(videoSection("0", "sendonly", ""), "VP8/90000", "H264/90000"),
		"a data channel":           whole + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + offerICE + "a=mid:9\r\na=sctp-port:5000\r\n",
		"both ways in one section": offerHead + audioSection("0", "sendrecv", ""),
		"three cameras":            offerHead + videoSection("0", "sendonly", "") + videoSection("1", "sendonly", "") + videoSection("2", "sendonly", ""),
		"four layers":              offerHead + videoSection("0", "sendonly", "a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=rid:d send\r\n"),
		"no ICE":                   strings.ReplaceAll(strings.ReplaceAll(whole, "a=ice-ufrag", "a=x"), "a=ice-pwd", "a=y"),
		"a fingerprint of nothing": strings.ReplaceAll(whole, "sha-256 00", "md5 "),
	}
}

// A hostile offer is refused with a stable code, and the next honest one on
// the same peer works.
func TestHostileOffers(t *testing.T) {
	_, r := testSFU(t)
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			events := make(chan rooms.PeerEvent, 16)
			p, err := r.Attach(rooms.Attachment{Conn: "c1-1", Handle: "m1"}, func(e rooms.PeerEvent) { events <- e })
			must(t, err)
			defer p.Close()
			p.Signal(rooms.Signal{NID: 1, SDP: text})
			failed, ok := (<-events).(rooms.SignalFailed)
			if !ok || failed.NID != 1 || failed.Message == "" {
				t.Fatalf("got %+v, want a refusal", failed)
			}
			if !slices.Contains([]string{codeFailed, codeUnsupported}, failed.Code) {
				t.Errorf("code = %q", failed.Code)
			}
			if strings.Contains(failed.Message, "a=") || strings.Contains(failed.Message, "127.0.0.1") {
				t.Errorf("the message tells SDP: %q", failed.Message)
			}
			p.Signal(rooms.Signal{NID: 2, SDP: offerHead + audioSection("0", "sendonly", "") + audioSection("1", "recvonly", "")})
			for e := range events {
				if a, ok := e.(rooms.Answer); ok {
					if a.NID != 2 {
						t.Errorf("answer to %d", a.NID)
					}
					return
				}
				if f, ok := e.(rooms.SignalFailed); ok {
					t.Fatalf("an honest offer after it: %+v", f)
				}
			}
		})
	}
}

// Broken in any way: an error of ours or Pion's, never a panic.
func FuzzOffer(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 10_000 {
			f.Add(text, uint64(1))
		}
	}
	f.Add(offerHead+audioSection("0", "sendonly", "")+videoSection("1", "sendonly", "a=rid:q send\r\na=simulcast:send q\r\n")+videoSection("2", "recvonly", ""), uint64(0))
	s, err := New(Config{Path: mediaPath(), UDP: loopback, Loopback: true}, discard)
	must2(f, err)
	f.Cleanup(func() { _ = s.Close() })
	media, err := s.Room("session")
	must2(f, err)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		lines := strings.SplitAfter(text, "\r\n")
		random := rand.New(rand.NewPCG(seed, seed))
		for range seed % 5 { // lines lost, doubled, moved
			i, j := random.IntN(len(lines)), random.IntN(len(lines))
			lines[i] = lines[j]
		}
		text = strings.Join(lines, "")
		if _, err := readOffer(text); err != nil {
			if _, ok := errors.AsType[*refusal](err); !ok {
				t.Fatalf("readOffer = %v, want a refusal", err)
			}
			return
		}
		done := make(chan struct{}, 8)
		p, err := media.Attach(rooms.Attachment{Conn: "c1-1", Handle: "m1"}, func(e rooms.PeerEvent) {
			if is[rooms.Answer](e) || is[rooms.SignalFailed](e) {
				done <- struct{}{}
			}
		})
		must(t, err)
		p.Signal(rooms.Signal{NID: 1, SDP: text})
		<-done
		p.Close()
	})
}
