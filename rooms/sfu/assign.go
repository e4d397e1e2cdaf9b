package sfu

import "slices"

// assign gives a fixed number of slots to those who want one, in order of
// importance. Who has a slot and is still wanted keeps it, so that a tile
// never jumps; a newcomer gets the slot prefer names if it is free, else the
// first free one. What is not wanted, or comes too late in the order, is
// gone. The zero K is an empty slot, and nobody wants it.
func assign[K comparable](slots, wanted []K, prefer func(K) int) {
	var empty K
	wanted = wanted[:min(len(wanted), len(slots))]
	for i, k := range slots {
		if !slices.Contains(wanted, k) || slices.Contains(slots[:i], k) {
			slots[i] = empty
		}
	}
	for _, k := range wanted {
		if i := prefer(k); i >= 0 && i < len(slots) && slots[i] == empty && !slices.Contains(slots, k) {
			slots[i] = k
		}
	}
	for _, k := range wanted {
		if slices.Contains(slots, k) {
			continue
		}
		if i := slices.Index(slots, empty); i >= 0 {
			slots[i] = k
		}
	}
}
