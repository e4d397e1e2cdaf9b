package sfu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/rooms"
)

// What a room decides many times a second it works out without maps, copies and
// garbage. Here are the same rules in the obvious way, and random groups for
// whom both must say the same.

// plainAssign gives slots to those who want one.
func plainAssign(slots, wanted []string, prefer func(string) int) []string {
	wanted = wanted[:min(len(wanted), len(slots))]
	out := make([]string, len(slots))
	for i, k := range slots {
		if k != "" && slices.Contains(wanted, k) && !slices.Contains(out, k) {
			out[i] = k
		}
	}
	var rest []string
	for _, k := range wanted {
		if slices.Contains(out, k) {
			continue
		}
		if i := prefer(k); i >= 0 && i < len(out) && out[i] == "" {
			out[i] = k
			continue
		}
		rest = append(rest, k)
	}
	for _, k := range rest {
		if i := slices.Index(out, ""); i >= 0 {
			out[i] = k
		}
	}
	return out
}

func TestAssignIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-h]`)
		slots := rapid.SliceOfN(rapid.OneOf(name, rapid.Just("")), 0, 6).Draw(t, "slots")
		wanted := rapid.SliceOfNDistinct(name, 0, 8, rapid.ID[string]).Draw(t, "wanted")
		prefers := rapid.MapOf(name, rapid.IntRange(-1, 7)).Draw(t, "prefers")
		prefer := func(k string) int {
			if i, ok := prefers[k]; ok {
				return i
			}
			return -1
		}
		got := slices.Clone(slots)
		assign(got, wanted, prefer)
		if want := plainAssign(slots, wanted, prefer); !slices.Equal(got, want) {
			t.Errorf("assign(%q, %q, %v) = %q, want %q", slots, wanted, prefers, got, want)
		}
	})
}

// plainFloor keeps those who are there by name.
type plainFloor struct {
	most, from int
	holders    map[string]*plainHolder
}

type plainHolder struct {
	room  string
	on    bool
	spoke int64
	level float64
}

func (f *plainFloor) step(now int64, all []voiced) (unheard map[string]bool) {
	old := f.holders
	f.holders = map[string]*plainHolder{}
	count := map[string]int{}
	for _, m := range all {
		h := old[m.who]
		if h == nil || h.room != m.room {
			h = &plainHolder{room: m.room, spoke: now - floorHolds}
		}
		f.holders[m.who] = h
		h.level = max(m.level, h.level-fading)
		if m.level >= speechOn {
			h.spoke = now
		}
		count[m.room]++
	}
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b voiced) int {
		x, y := f.holders[a.who], f.holders[b.who]
		if x.on != y.on {
			return map[bool]int{true: -1, false: 1}[x.on]
		}
		return cmp.Or(cmp.Compare(y.spoke, x.spoke), cmp.Compare(y.level, x.level))
	})
	taken := map[string]int{}
	for _, m := range order {
		h := f.holders[m.who]
		switch {
		case m.always || count[m.room] <= f.from || f.most <= 0:
			h.on = true
		case taken[m.room] < f.most:
			h.on = true
			taken[m.room]++
		default:
			h.on = m.level >= speechOn && f.displace(now, m, order)
		}
	}
	unheard = map[string]bool{}
	for who, h := range f.holders {
		if !h.on {
			unheard[who] = true
		}
	}
	return unheard
}

func (f *plainFloor) displace(now int64, by voiced, all []voiced) bool {
	var silent, quiet *plainHolder
	for _, m := range all {
		h := f.holders[m.who]
		if !h.on || m.always || m.room != by.room {
			continue
		}
		if silent == nil || h.spoke <= silent.spoke {
			silent = h
		}
		if quiet == nil || h.level <= quiet.level {
			quiet = h
		}
	}
	switch {
	case silent == nil:
		return false
	case now-silent.spoke >= floorHolds:
		silent.on = false
	case quiet.level+louder <= by.level:
		quiet.on = false
	default:
		return false
	}
	return true
}

func TestFloorIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most, from := rapid.IntRange(-1, 3).Draw(t, "most"), rapid.IntRange(0, 5).Draw(t, "from")
		f, c, plain := floor{most, from}, claims{}, plainFloor{most: most, from: from}
		therapist := rapid.SampledFrom([]string{"", "a", "d"}).Draw(t, "therapist")
		places := map[string]string{}
		now := int64(time.Hour)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.SampledFrom([]int64{1, int64(100 * time.Millisecond), int64(time.Second)}).Draw(t, "after")
			moves := rapid.MapOfN(rapid.StringMatching(`[a-j]`), rapid.SampledFrom([]string{"", "x", "y"}), 0, 3).Draw(t, "moves")
			maps.Copy(places, moves)
			var all []voiced
			for _, who := range slices.Sorted(maps.Keys(places)) {
				if room := places[who]; room != "" {
					level := rapid.SampledFrom([]float64{0, 0, 0, 60, 73, 84, 100}).Draw(t, "level")
					all = append(all, voiced{who, room, level, who == therapist})
				}
			}
			got, want := c.step(f, now, all), plain.step(now, all)
			if !maps.Equal(got, want) {
				t.Fatalf("unheard of %v: %v, want %v", all, got, want)
			}
		}
	})
}

// plainWishes of a peer's page.
func plainWishes(r *room, p *peer) []wish {
	asked := map[key]rooms.Want{}
	order := map[key]int{}
	for i, w := range p.wants {
		if q := r.byHandle(w.Handle); q != nil {
			k := key{q, w.Source}
			asked[k], order[k] = w, i
		}
	}
	var out []wish
	for i, q := range r.peers {
		for _, kind := range []rooms.Source{rooms.Screen, rooms.Camera} {
			k := key{q, kind}
			if !hears(p, q, kind) {
				continue
			}
			want, listed := asked[k]
			if !p.hasWants {
				want = rooms.Want{Height: defaultHeight}
			}
			if !listed {
				order[k] = len(p.wants) + i
			}
			out = append(out, wish{k, want.Height, r.importance(k, want), order[k]})
		}
	}
	slices.SortStableFunc(out, func(a, b wish) int { return cmp.Or(a.rank-b.rank, a.order-b.order) })
	return out
}

// plainOfferings of a picture.
func plainOfferings(k key, now int64) []offering {
	var arriving, known []offering
	coming := false
	for rank := range maxLayers {
		l := k.layer(rank)
		if l == nil {
			continue
		}
		o := offering{rank: rank}
		o.height, o.rate = assumed(k.kind, rank)
		if h := l.height.Load(); h > 0 {
			o.height = int(h)
		}
		if l.rate.bits > 0 {
			o.rate = uint64(l.rate.bits)
		}
		known = append(known, o)
		coming = coming || l.alive(now)
		if l.alive(now) || l.source.demand.onCall(rank, now) {
			arriving = append(arriving, o)
		}
	}
	switch {
	case !coming && len(arriving) < len(known), len(arriving) == 0:
		return known[:min(1, len(known))]
	}
	return arriving
}

// Random people in random places with random wants: what the room has noted of
// them is what one would find by asking about each.
func TestRoomIsPlain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := group(t, rapid.IntRange(1, 5).Draw(rt, "people"))
		draw := func(p *peer) {
			p.place.Room = rapid.SampledFrom([]string{"", "x", "x", "y"}).Draw(rt, "room")
			p.place.Send = rooms.Source(rapid.IntRange(0, int(rooms.AllSources)).Draw(rt, "send"))
			p.publishing = rooms.Source(rapid.IntRange(0, int(rooms.AllSources)).Draw(rt, "publishing"))
			p.attachment.Preferred = rapid.Bool().Draw(rt, "preferred")
			p.limit = uint64(rapid.SampledFrom([]int{0, 100, 300_000, 2_000_000}).Draw(rt, "limit"))
			p.hasWants = rapid.Bool().Draw(rt, "has wants")
			p.wants = rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) rooms.Want {
				return rooms.Want{
					Handle: rooms.Handle(fmt.Sprintf("m%d", rapid.IntRange(0, 5).Draw(rt, "who"))),
					Source: rapid.SampledFrom([]rooms.Source{rooms.Camera, rooms.Screen}).Draw(rt, "what"),
					Height: rapid.SampledFrom([]int{0, 90, 360, 720}).Draw(rt, "height"),
					Pinned: rapid.Bool().Draw(rt, "pinned"),
				}
			}), 0, 6).Draw(rt, "wants")
			p.eachLayer(func(l *layer) {
				away := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "away")
				l.lastAt.Store(r.sfu.now() - int64(away))
				l.rate.bits = rapid.SampledFrom([]float64{0, 90_000, 700_000}).Draw(rt, "bits")
				l.source.demand.stopped[l.rank] = rapid.Bool().Draw(rt, "stopped")
			})
		}
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			for _, p := range r.peers {
				draw(p)
			}
			now := r.sfu.now()
			r.offer(now)
			for _, p := range r.peers {
				if got, want := r.wishes(p), plainWishes(r, p); !slices.Equal(got, want) {
					rt.Fatalf("wishes = %v, want %v", got, want)
				}
				for _, kind := range []rooms.Source{rooms.Camera, rooms.Screen} {
					if got, want := (key{p, kind}).offered(), plainOfferings(key{p, kind}, now); !slices.Equal(got, want) {
						rt.Fatalf("offered = %v, want %v", got, want)
					}
				}
			}
			r.apply()
			checkReceivers(rt, r)
			listen(r)
		}
	})
}

// checkReceivers compares what packets go by with what the slots show.
func checkReceivers(t *rapid.T, r *room) {
	t.Helper()
	want := map[*layer][]*slot{}
	used := map[*source][maxLayers]bool{}
	for _, p := range r.peers {
		p.eachSlot(func(s *slot) {
			cur, next, _ := s.shown()
			for _, l := range []*layer{cur, next} {
				if l != nil {
					want[l] = append(want[l], s)
				}
			}
			if cur != nil {
				u := used[cur.source]
				u[cur.rank] = true
				used[cur.source] = u
			}
		})
	}
	for _, p := range r.peers {
		p.eachLayer(func(l *layer) {
			if got := *l.receivers.Load(); !slices.Equal(got, want[l]) {
				t.Fatalf("layer %d of %s goes to %d, want %d", l.rank, p.attachment.Handle, len(got), len(want[l]))
			}
			if used[l.source][l.rank] && !l.source.used[l.rank] {
				t.Fatalf("layer %d of %s is not noted as used", l.rank, p.attachment.Handle)
			}
		})
	}
}
