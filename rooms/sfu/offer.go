package sfu

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"viop/rooms"
)

// Limits of an offer. A full room's offer of today's browsers is 27 sections
// and 30 kB with codec preferences, 83 kB without.
const (
	maxOfferBytes = 256 << 10
	maxSections   = 64
	maxLayers     = 3
)

// refusal is an offer or candidate that cannot be used; code and message go to
// the browser.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

const (
	codeFailed      = "negotiation_failed"
	codeStale       = "stale_nid"
	codeUnsupported = "media_unsupported"
)

// offer is what the forwarder reads from a browser's offer; the rest is
// Pion's.
type offer struct {
	fingerprint  string
	audio, video int // recvonly sections: the slots
	sections     []section
	ids          extensions
	kinds        [128]payloadKind
}

// section is one the browser sends on.
type section struct {
	mid    string
	source rooms.Source
	// ssrcs are the declared media streams; rtx maps a repair stream to its
	// media stream (RFC 5576 §4.2, FID).
	ssrcs []uint32
	rtx   map[uint32]uint32
	rids  []string // simulcast layers, lowest first as offered
}

type payloadKind uint8

const (
	payloadUnknown payloadKind = iota
	payloadOpus
	payloadRED // Opus, with that of the packets before it
	payloadVP8
	payloadRTX
)

func (k payloadKind) isAudio() bool { return k == payloadOpus || k == payloadRED }

// readOffer checks an offer against what we forward. Sources are told apart
// by their order per kind: the first audio section is the microphone, the
// second the screen's sound; the first video section is the camera, the
// second the screen. Missing ones are fine.
func readOffer(text string) (*offer, error) {
	if len(text) > maxOfferBytes {
		return nil, &refusal{codeFailed, "the offer is too large"}
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, &refusal{codeFailed, "the offer could not be read"}
	}
	if len(d.MediaDescriptions) == 0 || len(d.MediaDescriptions) > maxSections {
		return nil, &refusal{codeFailed, "the offer has no sections, or too many"}
	}
	o := &offer{fingerprint: attribute(&d, nil, "fingerprint")}
	mids := make(map[string]bool, len(d.MediaDescriptions))
	for _, m := range d.MediaDescriptions {
		mid := attribute(nil, m, "mid")
		if mid == "" || mids[mid] {
			return nil, &refusal{codeFailed, "a section has no mid, or one that is taken"}
		}
		mids[mid] = true
		if o.fingerprint == "" {
			o.fingerprint = attribute(nil, m, "fingerprint")
		}
		if err := o.section(mid, m, direction(&d, m)); err != nil {
			return nil, err
		}
	}
	if !hasICE(&d) {
		return nil, &refusal{codeFailed, "the offer has no ICE credentials"}
	}
	if !strongFingerprint(o.fingerprint) {
		return nil, &refusal{codeFailed, "the offer has no fingerprint, or a weak one"}
	}
	return o, nil
}

func (o *offer) section(mid string, m *sdp.MediaDescription, direction string) error {
	audio := m.MediaName.Media == "audio"
	if !audio && m.MediaName.Media != "video" {
		return &refusal{codeUnsupported, "only audio and video are forwarded"}
	}
	if direction == "inactive" {
		return nil
	}
	if !o.codecs(m, audio) {
		return &refusal{codeUnsupported, "audio needs Opus and video needs VP8"}
	}
	o.extensions(m)
	switch {
	case direction == "recvonly" && audio:
		o.audio++
	case direction == "recvonly":
		o.video++
	case direction == "sendonly":
		return o.source(mid, m, audio)
	default:
		return &refusal{codeUnsupported, "a section must be sendonly or recvonly"}
	}
	return nil
}

// source adds a section the browser sends on.
func (o *offer) source(mid string, m *sdp.MediaDescription, audio bool) error {
	s := section{mid: mid, rtx: map[uint32]uint32{}}
	first, second := rooms.Camera, rooms.Screen
	if audio {
		first, second = rooms.Mic, rooms.ScreenAudio
	}
	switch {
	case o.has(second):
		return &refusal{codeUnsupported, "too many sending sections of a kind"}
	case o.has(first):
		s.source = second
	default:
		s.source = first
	}
	s.streams(m)
	if len(s.rids) > maxLayers {
		return &refusal{codeUnsupported, "more than three simulcast layers"}
	}
	o.sections = append(o.sections, s)
	return nil
}

func (o *offer) has(source rooms.Source) bool {
	for _, s := range o.sections {
		if s.source == source {
			return true
		}
	}
	return false
}

// streams reads a=rid, a=ssrc and a=ssrc-group:FID.
func (s *section) streams(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		fields := strings.Fields(a.Value)
		switch {
		case a.Key == "rid" && len(fields) >= 2 && fields[1] == "send":
			s.rids = append(s.rids, fields[0])
		case a.Key == "ssrc-group" && len(fields) == 3 && fields[0] == "FID":
			media, errMedia := strconv.ParseUint(fields[1], 10, 32)
			repair, errRepair := strconv.ParseUint(fields[2], 10, 32)
			if errMedia == nil && errRepair == nil {
				s.rtx[uint32(repair)] = uint32(media)
			}
		}
	}
	for _, a := range m.Attributes {
		if a.Key != "ssrc" {
			continue
		}
		id, _, _ := strings.Cut(a.Value, " ")
		ssrc, err := strconv.ParseUint(id, 10, 32)
		if err != nil || len(s.ssrcs) == maxLayers {
			continue
		}
		if _, repair := s.rtx[uint32(ssrc)]; !repair && !slices.Contains(s.ssrcs, uint32(ssrc)) {
			s.ssrcs = append(s.ssrcs, uint32(ssrc))
		}
	}
}

// codecs notes the payload types of a section; false when the one codec we
// forward of its kind is not among them.
func (o *offer) codecs(m *sdp.MediaDescription, audio bool) bool {
	want, kind := "vp8/90000", payloadVP8
	if audio {
		want, kind = "opus/48000/2", payloadOpus
	}
	found := false
	apt := map[uint64]uint64{}
	for _, a := range m.Attributes {
		id, rest, ok := strings.Cut(a.Value, " ")
		pt, err := strconv.ParseUint(id, 10, 7)
		if !ok || err != nil {
			continue
		}
		switch {
		case a.Key == "rtpmap" && strings.EqualFold(rest, want):
			o.kinds[pt] = kind
			found = true
		case a.Key == "rtpmap" && audio && strings.EqualFold(rest, "red/48000/2"):
			o.kinds[pt] = payloadRED
		case a.Key == "fmtp" && strings.HasPrefix(rest, "apt="):
			if of, err := strconv.ParseUint(rest[len("apt="):], 10, 7); err == nil {
				apt[pt] = of
			}
		}
	}
	for pt, of := range apt {
		if o.kinds[of] == payloadVP8 {
			o.kinds[pt] = payloadRTX
		}
	}
	return found
}

// extensions notes the ids of the header extensions we read; the offerer's
// ids are valid for the whole bundle (RFC 9143 §7.1.3, RFC 8285 §5).
func (o *offer) extensions(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		if a.Key != "extmap" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 {
			continue
		}
		number, _, _ := strings.Cut(fields[0], "/")
		id, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			continue
		}
		switch fields[1] {
		case sdp.SDESMidURI:
			o.ids.mid = uint8(id)
		case sdp.SDESRTPStreamIDURI:
			o.ids.rid = uint8(id)
		case sdp.SDESRepairRTPStreamIDURI:
			o.ids.rrid = uint8(id)
		case sdp.AudioLevelURI:
			o.ids.level = uint8(id)
		case sdp.TransportCCURI:
			o.ids.twcc = uint8(id)
		}
	}
}

// hasICE says whether every section has credentials, its own or the session's
// or, bundled, another's. It is checked here because Pion notices only when it
// is too late to go back.
func hasICE(d *sdp.SessionDescription) bool {
	has := func(key string) bool {
		return attribute(d, nil, key) != "" || slices.ContainsFunc(d.MediaDescriptions, func(m *sdp.MediaDescription) bool {
			return attribute(nil, m, key) != ""
		})
	}
	return has("ice-ufrag") && has("ice-pwd")
}

// strongFingerprint says whether a certificate is named by a hash that still
// counts (RFC 8122 §5 retires MD5 and before).
func strongFingerprint(f string) bool {
	hash, digest, _ := strings.Cut(f, " ")
	bytes := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}[strings.ToLower(hash)]
	return bytes > 0 && len(digest) == 3*bytes-1
}

// direction of a section; sendrecv is the default (RFC 8866 §6.7).
func direction(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	for _, of := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range of {
			switch a.Key {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				return a.Key
			}
		}
	}
	return "sendrecv"
}

// attribute of a session or of a section.
func attribute(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if d != nil {
		v, _ := d.Attribute(key)
		return v
	}
	v, _ := m.Attribute(key)
	return v
}
