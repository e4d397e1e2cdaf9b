package sfu

import (
	"time"

	"viop/rooms"
	"viop/rooms/sfu/rewrite"
)

// How much sound is sent again along with the next, by what a line loses.
// Half as much again per step is little beside a picture; on a line that is
// too thin for pictures it is what would fill it.
const (
	lossSome     = 0.005 // one packet before: 10 % lost leaves 1 % missing
	lossMuch     = 0.05  // two: 0.1 %
	cautionHolds = 20 * time.Second
	roomFor      = 2 // of what sound takes, must a line with a limit carry for one along
)

// caution is how many earlier packets go along with each of a receiver's
// sound. A line is taken to be bad until it has shown otherwise. Owned by the
// room's tick.
type caution struct {
	begun bool
	depth int
	until int64 // depth holds
}

// step takes one second of a line: the share it lost, what it carries (0: no
// limit), and what sound takes of that with nothing along; bit/s.
func (c *caution) step(now int64, loss, limit, voice float64) int {
	want := 0
	switch {
	case loss >= lossMuch:
		want = rewrite.Depth
	case loss >= lossSome || !c.begun:
		want = 1
	}
	c.begun = true
	if want >= c.depth || now >= c.until {
		c.depth = want
	}
	if want >= c.depth {
		c.until = now + int64(cautionHolds)
	}
	switch {
	case limit == 0:
		return c.depth
	case limit < roomFor*voice:
		return 0
	}
	return min(c.depth, 1) // what a full line loses is not made good by more
}

// protectVoices sets what each line gets along with sound, and tells the
// encoders of who gets nothing along how much is lost. r.mu is held.
func (r *room) protectVoices(now int64) {
	for _, p := range r.peers {
		t := p.transport
		if t == nil {
			continue
		}
		loss, limit := t.voiceLoss(now), float64(p.limit)
		if limit > 0 {
			limit += p.voice.bits
		}
		t.redundancy.Store(int32(p.caution.step(now, loss, limit, p.voice.bits)))
		for _, s := range t.audio {
			if cur, _, _ := s.shown(); cur != nil && (!s.takesRED() || t.redundancy.Load() == 0) {
				cur.worst = max(cur.worst, uint32(loss*256))
			}
		}
	}
	for _, p := range r.peers {
		for _, kind := range [...]rooms.Source{rooms.Mic, rooms.ScreenAudio} {
			if l := (key{p, kind}).layer(0); l != nil {
				l.lostBeyond.Store(l.worst)
				l.worst = 0
			}
		}
	}
}

// reportAge is how old a browser's report may be; it makes one of sound every
// five seconds or so.
const reportAge = 12 * time.Second

// voiceLoss is what the line has lost of late, before repair: by its
// feedback, or by the browser's last reports of all that it gets. room.mu is held.
func (t *transport) voiceLoss(now int64) float64 {
	if t.downlink.heard(now) {
		return t.downlink.loss()
	}
	var lost, n float64
	for _, slots := range [...][]*slot{t.audio, t.video} {
		for _, s := range slots {
			if at := s.lastReport.Load(); at != 0 && now-at < int64(reportAge) {
				lost += float64(s.lost.Load()) / 256
				n++
			}
		}
	}
	return lost / max(n, 1)
}
