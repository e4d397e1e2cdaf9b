package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what one run found. Durations are milliseconds, sizes bytes.
type result struct {
	Scenario string         `json:"scenario"`
	Path     string         `json:"path,omitempty"` // of media in the server, in a bench
	Round    int            `json:"round"`
	Rooms    int            `json:"rooms"`
	People   int            `json:"people_per_room"`
	Join     joinFigures    `json:"join"`
	Steady   *steadyFigures `json:"steady,omitempty"` // nil: only the joining was measured

	// Of the server, with everybody there; 0 where its process is not known.
	RSSIdle             uint64  `json:"rss_idle"`
	RSS                 uint64  `json:"rss"`
	RSSPerPerson        float64 `json:"rss_per_person"` // beyond idle
	Goroutines          float64 `json:"goroutines"`
	GoroutinesPerPerson float64 `json:"goroutines_per_person"`
}

// steadyFigures are of the packets sent in the window.
type steadyFigures struct {
	Sent       uint64  `json:"sent"`
	Expected   uint64  `json:"expected"` // by everybody else in the room
	Received   uint64  `json:"received"` // each once
	PerSecond  float64 `json:"received_per_second"`
	Duplicates uint64  `json:"duplicates"`
	// Never anything but 0 in a server that is right: packets of the
	// receiver or of another room, without a stamp, or before they were sent.
	Strays    uint64 `json:"strays"`
	Unstamped uint64 `json:"unstamped"`
	Early     uint64 `json:"early"`

	LossPercent float64 `json:"loss_percent"`
	DelayP50    float64 `json:"delay_p50_ms"`
	DelayP95    float64 `json:"delay_p95_ms"`
	DelayP99    float64 `json:"delay_p99_ms"`

	// ServerCounted is by the server's own counter, over nearly the same time.
	ServerCounted   float64 `json:"server_counted"`
	ServerCores     float64 `json:"server_cores"`
	LoadCores       float64 `json:"load_cores"`  // this process, for everybody
	OtherCores      float64 `json:"other_cores"` // everything else on this machine: the less, the more the figures mean
	MicrosPerPacket float64 `json:"server_us_per_packet"`
	// PerMessage is how many packets the server gave the kernel at once for
	// one receiver (GSO), PerCall how many with a system call; 0 where Pion
	// sends, which is one each.
	PerMessage float64 `json:"packets_per_message"`
	PerCall    float64 `json:"packets_per_call"`
}

// joinFigures are spans since a link was opened; a pair's, since the later of
// the two was.
type joinFigures struct {
	FirstMedia    span `json:"first_media_ms"` // any packet, per pair
	FirstKeyframe span `json:"first_keyframe_ms"`
	// Where a person's time went, one after the other.
	Seat    span `json:"seat_ms"`    // WebSocket, token, seat
	Lobby   span `json:"lobby_ms"`   // until the facilitator's client has let them in
	Answer  span `json:"answer_ms"`  // offer and answer, the client's part included
	Connect span `json:"connect_ms"` // ICE and DTLS

	// KeyframesAsked by receivers, because the first packet of one was lost.
	KeyframesAsked uint64 `json:"keyframes_asked"`

	ServerCPU float64 `json:"server_cpu_seconds"`
	LoadCores float64 `json:"load_cores"`
}

// span is a distribution, in milliseconds.
type span struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

func spread(all []time.Duration) span {
	if len(all) == 0 {
		return span{}
	}
	slices.Sort(all)
	at := func(percent int) float64 { return milliseconds(all[(len(all)*percent+99)/100-1]) }
	return span{at(50), at(95), at(100)}
}

func (s span) String() string { return fmt.Sprintf("%.0f / %.0f / %.0f", s.P50, s.P95, s.Max) }

// print writes a page for people.
func (r result) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, format string, values ...any) { fmt.Fprintf(t, what+"\t"+format+"\n", values...) }
	line("scenario", "%s: %d rooms of %d people", r.Scenario, r.Rooms, r.People)
	if s := r.Steady; s != nil {
		line("forwarded", "%.0f packets/s", s.PerSecond)
		line("loss", "%.3f %% (%d of %d received)", s.LossPercent, s.Received, s.Expected)
		line("duplicates", "%d", s.Duplicates)
		if s.Strays+s.Unstamped+s.Early > 0 {
			line("WRONG", "%d strays, %d without a stamp, %d before they were sent", s.Strays, s.Unstamped, s.Early)
		}
		line("delay p50 / p95 / p99", "%.2f / %.2f / %.2f ms", s.DelayP50, s.DelayP95, s.DelayP99)
		if s.PerMessage > 0 {
			line("packets per message", "%.2f, %.2f per system call", s.PerMessage, s.PerCall)
		}
		line("server CPU", "%.2f us per forwarded packet, %.2f cores (this generator: %.2f, others: %.2f)", s.MicrosPerPacket, s.ServerCores, s.LoadCores, s.OtherCores)
	}
	line("server memory", "%.1f MiB, %.1f idle: %.2f MiB per person", mebibytes(float64(r.RSS)), mebibytes(float64(r.RSSIdle)), mebibytes(r.RSSPerPerson))
	line("server goroutines", "%.0f, %.1f per person", r.Goroutines, r.GoroutinesPerPerson)
	line("join, ms", "p50 / p95 / max")
	line("  first media", "%v", r.Join.FirstMedia)
	if r.Join.FirstKeyframe != (span{}) {
		line("  first key frame", "%v", r.Join.FirstKeyframe)
	}
	if r.Join.KeyframesAsked > 0 {
		line("  key frames lost", "%d, and asked for again", r.Join.KeyframesAsked)
	}
	line("  of it: seat", "%v", r.Join.Seat)
	line("  lobby", "%v", r.Join.Lobby)
	line("  offer and answer", "%v", r.Join.Answer)
	line("  ICE and DTLS", "%v", r.Join.Connect)
	line("  server CPU", "%.2f s (this generator: %.2f cores)", r.Join.ServerCPU, r.Join.LoadCores)
	return t.Flush()
}

// column of the table: a figure of every run that has it.
type column struct {
	name, format string
	of           func(result) (float64, bool)
	ratio        bool // is worth comparing
}

func columns() []column {
	steady := func(f func(*steadyFigures) float64) func(result) (float64, bool) {
		return func(r result) (float64, bool) {
			if r.Steady == nil {
				return 0, false
			}
			return f(r.Steady), true
		}
	}
	always := func(f func(result) float64) func(result) (float64, bool) {
		return func(r result) (float64, bool) { return f(r), true }
	}
	return []column{
		{"forwarded packets/s", "%.0f", steady(func(s *steadyFigures) float64 { return s.PerSecond }), false},
		{"loss, %", "%.3f", steady(func(s *steadyFigures) float64 { return s.LossPercent }), false},
		{"duplicates", "%.0f", steady(func(s *steadyFigures) float64 { return float64(s.Duplicates) }), false},
		{"server CPU, us per packet", "%.2f", steady(func(s *steadyFigures) float64 { return s.MicrosPerPacket }), true},
		{"packets per message", "%.2f", steady(func(s *steadyFigures) float64 { return s.PerMessage }), false},
		{"packets per system call", "%.2f", steady(func(s *steadyFigures) float64 { return s.PerCall }), false},
		{"server CPU, cores", "%.2f", steady(func(s *steadyFigures) float64 { return s.ServerCores }), false},
		{"generator CPU, cores", "%.2f", steady(func(s *steadyFigures) float64 { return s.LoadCores }), false},
		{"others' CPU, cores", "%.2f", steady(func(s *steadyFigures) float64 { return s.OtherCores }), false},
		{"delay p50, ms", "%.2f", steady(func(s *steadyFigures) float64 { return s.DelayP50 }), true},
		{"delay p95, ms", "%.2f", steady(func(s *steadyFigures) float64 { return s.DelayP95 }), false},
		{"delay p99, ms", "%.2f", steady(func(s *steadyFigures) float64 { return s.DelayP99 }), true},
		{"memory per person, MiB", "%.2f", always(func(r result) float64 { return mebibytes(r.RSSPerPerson) }), true},
		{"goroutines per person", "%.1f", always(func(r result) float64 { return r.GoroutinesPerPerson }), true},
		{"first media p50, ms", "%.0f", always(func(r result) float64 { return r.Join.FirstMedia.P50 }), true},
		{"first media p95, ms", "%.0f", always(func(r result) float64 { return r.Join.FirstMedia.P95 }), true},
		{"first key frame p50, ms", "%.0f", func(r result) (float64, bool) { return r.Join.FirstKeyframe.P50, r.Join.FirstKeyframe.P50 > 0 }, false},
		{"first key frame p95, ms", "%.0f", func(r result) (float64, bool) { return r.Join.FirstKeyframe.P95, r.Join.FirstKeyframe.P50 > 0 }, false},
		{"joining, server CPU s", "%.2f", always(func(r result) float64 { return r.Join.ServerCPU }), true},
	}
}

// scenarios in the order they first ran.
func scenarios(results []result) (names []string) {
	for _, r := range results {
		if !slices.Contains(names, r.Scenario) {
			names = append(names, r.Scenario)
		}
	}
	return names
}

// printTable has a column for each scenario and a row for each figure: median,
// and minimum and maximum, of the runs on one path.
func printTable(w io.Writer, path string, all []result) error {
	var results []result
	for _, r := range all {
		if r.Path == path {
			results = append(results, r)
		}
	}
	names := scenarios(results)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s median (min–max)", path)
	for _, name := range names {
		fmt.Fprintf(t, "\t%s", name)
	}
	fmt.Fprintln(t)
	for _, c := range columns() {
		fmt.Fprint(t, c.name)
		for _, name := range names {
			fmt.Fprintf(t, "\t%s", c.cell(results, name))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func (c column) cell(results []result, scenario string) string {
	var values []float64
	for _, r := range results {
		if v, ok := c.of(r); ok && r.Scenario == scenario {
			values = append(values, v)
		}
	}
	return middle(values, c.format)
}

// middle of some values, their minimum and maximum.
func middle(values []float64, format string) string {
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	median := values[len(values)/2]
	if len(values)%2 == 0 {
		median = (median + values[len(values)/2-1]) / 2
	}
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median, values[0], values[len(values)-1])
}

// printRatios compares the two paths, run by run: both of a round have run one
// after the other, so that what drifts over an hour does not count.
func printRatios(w io.Writer, results []result) error {
	of := func(path, scenario string, round int, f func(result) (float64, bool)) (float64, bool) {
		for _, r := range results {
			if r.Path == path && r.Scenario == scenario && r.Round == round {
				return f(r)
			}
		}
		return 0, false
	}
	names := scenarios(results)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s : %s, median (min–max)\t%s\n", pathAuto, pathPion, strings.Join(names, "\t"))
	for _, c := range columns() {
		if !c.ratio {
			continue
		}
		fmt.Fprint(t, c.name)
		for _, name := range names {
			var ratios []float64
			for _, r := range results {
				ours, ok := c.of(r)
				theirs, also := of(pathPion, name, r.Round, c.of)
				if r.Path == pathAuto && r.Scenario == name && ok && also && theirs > 0 {
					ratios = append(ratios, ours/theirs)
				}
			}
			fmt.Fprintf(t, "\t%s", middle(ratios, "%.2f"))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
