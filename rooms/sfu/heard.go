package sfu

import "slices"

// heard is what the ingress needs of the offer; immutable.
type heard struct {
	ids   extensions
	kinds [128]payloadKind
	// ssrcs are the declared streams, repairs their repair streams.
	ssrcs   map[uint32]place
	repairs map[uint32]place
	mids    map[string]*heardSection
}

type place struct {
	source *source
	rank   int
}

type heardSection struct {
	source *source
	rids   []string // by rank
}

// newHeard makes the snapshot of an offer whose sections belong to sources.
func newHeard(o *offer, sources func(section) *source) *heard {
	h := &heard{
		ids: o.ids, kinds: o.kinds,
		ssrcs: map[uint32]place{}, repairs: map[uint32]place{}, mids: map[string]*heardSection{},
	}
	for _, s := range o.sections {
		src := sources(s)
		h.mids[s.mid] = &heardSection{source: src, rids: rank(s.rids)}
		if len(s.rids) > 0 || len(s.ssrcs) == 0 {
			continue // simulcast layers say who they are
		}
		h.ssrcs[s.ssrcs[0]] = place{source: src}
		for repair, media := range s.rtx {
			if media == s.ssrcs[0] {
				h.repairs[repair] = place{source: src}
			}
		}
	}
	return h
}

// rank sorts simulcast layers lowest first. q, h and f are what our page (and
// most others) call quarter, half and full; other names rank as offered.
func rank(rids []string) []string {
	const order = "qhf"
	out := slices.Clone(rids)
	for _, rid := range out {
		if len(rid) != 1 || !slices.Contains([]byte(order), rid[0]) {
			return out
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return slices.Index([]byte(order), a[0]) - slices.Index([]byte(order), b[0])
	})
	return out
}

func (h *heard) declared(ssrc uint32, repair bool) (*source, int, bool) {
	of := h.ssrcs
	if repair {
		of = h.repairs
	}
	at, ok := of[ssrc]
	return at.source, at.rank, ok
}

// named finds the place by the MID and RID a packet carries.
func (h *heard) named(p *packet, repair bool) (*source, int, bool) {
	s := h.mids[string(p.mid)]
	if s == nil {
		return nil, 0, false
	}
	if len(s.rids) == 0 {
		return s.source, 0, true
	}
	rid := p.rid
	if repair {
		rid = p.rrid
	}
	at := slices.Index(s.rids, string(rid))
	return s.source, at, at >= 0
}
