package sfu

import "slices"

// assign gives a fixed number of slots to those who want one, in order of
// importance. Who has a slot and is still wanted keeps it, so that a tile
// never jumps; a newcomer gets the slot prefer names if it is free, else the
// first free one. What is not wanted, or comes too late in the order, is
// gone. The zero K is an empty slot.
func assign[K comparable](slots, wanted []K, prefer func(K) int) []K {
	var empty K
	wanted = wanted[:min(len(wanted), len(slots))]
	out := make([]K, len(slots))
	for i, k := range slots {
		if k != empty && slices.Contains(wanted, k) && !slices.Contains(out, k) {
			out[i] = k
		}
	}
	var rest []K
	for _, k := range wanted {
		if slices.Contains(out, k) {
			continue
		}
		if i := prefer(k); i >= 0 && i < len(out) && out[i] == empty {
			out[i] = k
			continue
		}
		rest = append(rest, k)
	}
	for _, k := range rest {
		if i := slices.Index(out, empty); i >= 0 {
			out[i] = k
		}
	}
	return out
}
