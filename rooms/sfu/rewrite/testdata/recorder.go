package sfu

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"viop/rooms/sfu/rewrite"
)

// A recorder of numbers, which no binary of this repository holds:
// web/app/e2e/captures.mjs builds a server with this file and one line of
// ingress.go laid over the sources, takes the captures beside this file with
// it, and removes it. It prints what README.md describes.

// recordedLoss of the packets never came, so that the browser repairs some.
const recordedLoss = 0.02

var recorded = struct {
	sync.Mutex
	rand  *rand.Rand
	first int64
	names map[*layer]string
	count map[string]int
}{rand: rand.New(rand.NewPCG(1, 2)), names: map[*layer]string{}, count: map[string]int{}}

// record prints the numbers of a packet; false when it is to be lost.
func record(l *layer, p *packet, kind payloadKind) bool {
	r := &recorded
	r.Lock()
	defer r.Unlock()
	name, known := r.names[l]
	if !known {
		name = "mic"
		if l.source.isVideo() {
			name = fmt.Sprint("camera", l.rank)
		}
		r.count[name]++
		name = fmt.Sprint(name, ".", r.count[name])
		r.names[l] = name
	}
	if r.first == 0 {
		r.first = p.at
	}
	if kind != payloadRTX && r.rand.Float64() < recordedLoss {
		return false
	}
	seq, payload, flags := p.seq, p.payload, ""
	if kind == payloadRTX {
		flags += "r"
		if len(payload) >= 2 {
			seq, payload = uint16(payload[0])<<8|uint16(payload[1]), payload[2:]
		}
	}
	if p.marker {
		flags += "m"
	}
	if len(payload) == 0 {
		flags += "p"
	}
	more := "- - -"
	if l.source.isVideo() && len(payload) > 0 {
		var of string
		of, more = recordVP8(payload)
		flags += of
	}
	fmt.Fprintf(os.Stdout, "numbers %d %s %d %d %s %s\n", (p.at-r.first)/1e6, name, seq, p.ts, cmp.Or(flags, "-"), more)
	return true
}

func recordVP8(payload []byte) (flags, numbers string) {
	d, ok := rewrite.ParseVP8(payload)
	if !ok {
		return "?", "- - -"
	}
	if d.Start {
		flags += "s"
	}
	if d.Keyframe {
		flags += "k"
	}
	words := []string{"-", "-", "-"}
	if d.PictureBits != 0 {
		words[0] = fmt.Sprint(d.Picture, "/", d.PictureBits)
	}
	if d.HasTL0 {
		words[1] = fmt.Sprint(d.TL0)
	}
	if payload[0]&0x80 != 0 && payload[1]&0x20 != 0 { // X and T: the last octet is TID|Y|KEYIDX
		words[2] = fmt.Sprint(payload[d.Size-1] >> 6)
	}
	return flags, strings.Join(words, " ")
}
