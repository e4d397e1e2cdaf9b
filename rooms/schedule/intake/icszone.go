package intake

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"viop/rooms/attendance"
)

// Limits of the zones of a calendar.
const (
	maxZones       = 50
	maxObservances = 50 // of a zone
	maxOnsets      = 2000
)

// horizon is the end of time for rules: what evidence can express, and a day.
var horizon = time.Date(2100, 1, 2, 0, 0, 0, 0, time.UTC)

// zones finds the zones of a calendar by their TZID. An IANA name means what
// IANA says, whatever the calendar's own VTIMEZONE of that name says: that is
// often only what held in the year of the export.
type zones struct {
	own map[string]component // the VTIMEZONEs by TZID
	met map[string]*time.Location
}

func zonesOf(calendar component, r *remarks) zones {
	z := zones{map[string]component{}, map[string]*time.Location{}}
	for _, c := range calendar.inside {
		if c.name != "VTIMEZONE" {
			continue
		}
		id, ok := c.of("TZID")
		switch {
		case !ok || id.value == "":
			r.refuse(c.line, "VTIMEZONE", "A VTIMEZONE needs a TZID.")
		case len(z.own) == maxZones:
			r.refuse(c.line, "VTIMEZONE", "A calendar has at most %d zones.", maxZones)
			return z
		default:
			z.own[id.value] = c
		}
	}
	return z
}

// find returns nil when nobody knows the zone, and has then said so.
func (z zones) find(id string, line int, r *remarks) *time.Location {
	if met, ok := z.met[id]; ok {
		return met
	}
	found := z.look(id, line, r)
	z.met[id] = found
	return found
}

func (z zones) look(id string, line int, r *remarks) *time.Location {
	own, hasOwn := z.own[id]
	lic, _ := own.of("X-LIC-LOCATION") // libical's, also Apple's and Google's
	for _, name := range []string{id, windowsZones[id], afterPrefix(id), lic.value} {
		if zone, err := attendance.LoadZone(name); err == nil && name != "" {
			return zone
		}
	}
	if !hasOwn {
		r.refuse(line, "TZID", "This zone is neither an IANA zone, nor a Windows zone that is known here, nor described by a VTIMEZONE.")
		return nil
	}
	zone, err := compileZone(id, own)
	if err != nil {
		r.refuse(own.line, "VTIMEZONE", "This zone cannot be understood: %v.", err)
		return nil
	}
	return zone
}

// afterPrefix is the IANA name in names that are unique in the world, such as
// /freeassociation.sourceforge.net/Tzfile/America/Chicago (RFC 5545 §3.8.3.1).
func afterPrefix(id string) string {
	if !strings.HasPrefix(id, "/") {
		return ""
	}
	parts := strings.Split(id, "/")
	for n := 3; n >= 2; n-- { // America/Indiana/Knox before Indiana/Knox
		if len(parts) > n {
			name := strings.Join(parts[len(parts)-n:], "/")
			if _, err := attendance.LoadZone(name); err == nil {
				return name
			}
		}
	}
	return ""
}

// An onset is when a zone's clocks begin to show another offset.
type onset struct {
	at     time.Time
	offset int // seconds east of Greenwich
	name   string
}

// compileZone turns the rules of a VTIMEZONE (RFC 5545 §3.6.5) into a
// time.Location, so that it is like any other zone from here on.
func compileZone(id string, c component) (*time.Location, error) {
	var (
		onsets []onset
		parts  int
		first  onset // what held before the first onset
	)
	for _, part := range c.inside {
		if part.name != "STANDARD" && part.name != "DAYLIGHT" {
			continue
		}
		if parts++; parts > maxObservances {
			return nil, errors.New("it has too many parts")
		}
		before, some, err := observance(part)
		if err != nil {
			return nil, err
		}
		onsets = append(onsets, some...)
		if first.at.IsZero() || some[0].at.Before(first.at) {
			first = onset{some[0].at, before, "LMT"}
		}
	}
	if parts == 0 {
		return nil, errors.New("it has neither STANDARD nor DAYLIGHT")
	}
	slices.SortStableFunc(onsets, func(a, b onset) int { return a.at.Compare(b.at) })
	return time.LoadLocationFromTZData(id, tzif(first, onsets))
}

// observance is one STANDARD or DAYLIGHT: the offset before it, and its onsets.
func observance(c component) (before int, onsets []onset, err error) {
	from, _ := c.of("TZOFFSETFROM")
	to, _ := c.of("TZOFFSETTO")
	before, err = readOffset(from.value)
	after, err2 := readOffset(to.value)
	if err = errors.Join(err, err2); err != nil {
		return 0, nil, errors.New("its TZOFFSETFROM and TZOFFSETTO must be offsets such as -0600")
	}
	dtstart, _ := c.of("DTSTART")
	at, err := time.Parse(localLayout, dtstart.value)
	if err != nil || at.Year() < 1600 || at.After(horizon) {
		return 0, nil, errors.New("its DTSTART must be a local time")
	}
	start := wall{at}
	walls := []wall{start}
	for _, p := range c.all("RRULE") {
		rule, problem := readRule(p.value, start)
		if problem != "" {
			return 0, nil, errors.New("its RRULE is not one: " + strings.TrimSuffix(problem, "."))
		}
		until := horizon
		if !rule.until.IsZero() {
			until = rule.until.instant(time.FixedZone("", before))
		}
		for at := range rule.walls(wall{horizon}) {
			if len(walls) > maxOnsets || at.Add(-seconds(before)).After(until) {
				break
			}
			walls = append(walls, at)
		}
	}
	for _, p := range c.all("RDATE") {
		for _, value := range p.values() {
			at, err := time.Parse(localLayout, value)
			if err != nil || len(walls) > maxOnsets {
				return 0, nil, errors.New("its RDATE must be few local times")
			}
			walls = append(walls, wall{at})
		}
	}
	name := c.word("TZNAME")
	for _, at := range walls {
		onsets = append(onsets, onset{at.Add(-seconds(before)), after, name})
	}
	slices.SortFunc(onsets, func(a, b onset) int { return a.at.Compare(b.at) })
	return before, onsets, nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// readOffset reads -0600 or +054530 (RFC 5545 §3.3.14).
func readOffset(text string) (int, error) {
	if len(text) != 5 && len(text) != 7 || text[0] != '+' && text[0] != '-' {
		return 0, errors.New("not an offset")
	}
	total := 0
	for i, unit := range []int{3600, 60, 1} {
		if 1+2*i >= len(text) {
			break
		}
		n, err := strconv.ParseUint(text[1+2*i:3+2*i], 10, 8)
		if err != nil || i == 0 && n > 23 || n > 59 {
			return 0, errors.New("not an offset")
		}
		total += int(n) * unit
	}
	if text[0] == '-' {
		total = -total
	}
	return total, nil
}

// tzif writes a zone as RFC 8536 has it, version 2: an empty block of version
// 1, and one with times of 64 bits. Every onset has a type of its own unless
// it says the same as one before.
func tzif(first onset, onsets []onset) []byte {
	types := []onset{first}
	var transitions, indices []byte
	for _, o := range onsets {
		i := slices.IndexFunc(types, func(t onset) bool { return t.offset == o.offset && t.name == o.name })
		if i < 0 {
			i = len(types)
			types = append(types, o)
		}
		transitions = binary.BigEndian.AppendUint64(transitions, uint64(o.at.Unix())) //nolint:gosec // two's complement is meant
		indices = append(indices, byte(i))                                            // fewer than maxObservances
	}
	var names, kinds []byte
	for _, t := range types {
		kinds = binary.BigEndian.AppendUint32(kinds, uint32(int32(t.offset))) //nolint:gosec // less than a day
		kinds = append(kinds, 0, byte(len(names)))                            // not told apart: summer is an offset like any
		names = append(append(names, abbreviation(t.name)...), 0)
	}
	header := func(names, types, transitions int) []byte {
		h := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, transitions, types, names} {
			h = binary.BigEndian.AppendUint32(h, uint32(n)) //nolint:gosec // small
		}
		return h
	}
	data := header(0, 0, 0)
	data = append(data, header(len(names), len(types), len(onsets))...)
	return append(slices.Concat(data, transitions, indices, kinds, names), "\n\n"...)
}

// abbreviation keeps names short enough for their offsets to fit a byte.
func abbreviation(name string) string {
	if len(name) > 4 || !isToken(name) {
		return "X"
	}
	return name
}
