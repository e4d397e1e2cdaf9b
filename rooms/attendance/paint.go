package attendance

import (
	"cmp"
	"container/heap"
	"slices"
)

// stroke is an interval that something wants to own. Of two strokes over one
// instant, the one of the higher rank has it. Both rules of precedence are
// this: the last correction wins (§5), the first session wins (§4.8).
type stroke struct {
	Interval
	rank  int // distinct, but for strokes whose intervals or owners are the same
	owner int // the caller's meaning
}

// paint calls yield with the owner of every piece of time that some stroke
// covers, in order. It takes n log n for n strokes and sorts them in place.
func paint(strokes []stroke, yield func(Interval, int)) {
	slices.SortFunc(strokes, func(a, b stroke) int { return cmp.Compare(a.Start, b.Start) })
	var covering ranked
	for now := Instant(0); ; {
		for len(strokes) > 0 && strokes[0].Start <= now {
			heap.Push(&covering, strokes[0])
			strokes = strokes[1:]
		}
		for len(covering) > 0 && covering[0].End <= now {
			heap.Pop(&covering)
		}
		switch {
		case len(covering) == 0 && len(strokes) == 0:
			return
		case len(covering) == 0:
			now = strokes[0].Start
			continue
		}
		until := covering[0].End
		if len(strokes) > 0 {
			until = min(until, strokes[0].Start)
		}
		yield(Interval{now, until}, covering[0].owner)
		now = until
	}
}

// ranked is a heap with the highest rank on top.
type ranked []stroke

func (r ranked) Len() int           { return len(r) }
func (r ranked) Less(i, j int) bool { return r[i].rank > r[j].rank }
func (r ranked) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *ranked) Push(x any)        { *r = append(*r, x.(stroke)) }
func (r *ranked) Pop() any {
	last := len(*r) - 1
	s := (*r)[last]
	*r = (*r)[:last]
	return s
}
