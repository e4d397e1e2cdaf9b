package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Run   runCmd   `cmd:"" default:"withargs" help:"One scenario (the default command)."`
	Bench benchCmd `cmd:"" help:"The scenarios of the README, on the two ways media can go in turn, and tables of median, minimum, maximum and ratio."`
	Most  mostCmd  `cmd:"" help:"How many people a server carries: rooms of ten are added until packets come late or not at all."`
}

// std is where a command writes.
type std struct{ out, err io.Writer }

// scenario is what people do.
type scenario struct {
	Rooms     int           `default:"1" help:"Rooms at once."`
	People    int           `default:"10" help:"People in each, one of them the facilitator."`
	AudioOnly bool          `help:"No cameras."`
	Layers    int           `default:"1" help:"Simulcast layers a camera sends, 1 to 3; a receiver gets one of them."`
	Storm     bool          `help:"Everybody joins at the same moment, instead of one by one."`
	Every     time.Duration `default:"300ms" help:"Time between two joins, without --storm."`
	Settle    time.Duration `default:"3s" help:"Time between the last first packet and the measuring."`
	Seconds   int           `default:"10" help:"Length of the measuring; 0 measures the joining only."`
}

func (s scenario) check() error {
	switch {
	case s.Rooms < 1 || s.People < 2:
		return errors.New("a room needs two people to forward anything")
	case s.People > mostPeople:
		return fmt.Errorf("a session holds at most %d people", mostPeople)
	case s.Layers < 1 || s.Layers > len(layers):
		return errors.New("a camera has one to three layers")
	}
	return nil
}

// name is as in the README: 3x10, 5x10 audio.
func (s scenario) name() string {
	name := fmt.Sprintf("%dx%d", s.Rooms, s.People)
	if s.AudioOnly {
		name += " audio"
	}
	if s.Storm {
		name += " storm"
	}
	return name
}

// serverFlags say which server.
type serverFlags struct {
	URL        string `help:"A running server, as http://host:port. Without one, a server of our own is started for every run, on loopback."`
	Secret     string `env:"VIOP_JWT_SECRETS" placeholder:"KID:BASE64" help:"The running server's VIOP_JWT_SECRETS; it must run with --no-check-in."`
	PID        int    `name:"pid" help:"The running server's process, for CPU and memory."`
	Binary     string `help:"The viop to start; default: the one beside this program, or on PATH."`
	MediaPath  string `name:"media-path" enum:"auto,pion" default:"auto" help:"VIOP_MEDIA_PATH of the server we start."`
	ServerCore string `placeholder:"LIST" help:"Cores (as of taskset) for the server we start."`
	Profile    string `type:"path" help:"Write a CPU profile of the server we start, taken while measuring."`
}

type runCmd struct {
	scenario    `embed:""`
	serverFlags `embed:""`
	JSON        bool `name:"json" help:"Print the figures as JSON."`
}

func (c runCmd) Run(ctx context.Context, s std) error {
	result, err := measure(ctx, c.scenario, c.serverFlags, s.err)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, result)
	}
	return result.print(s.out)
}

type benchCmd struct {
	serverFlags `embed:""`
	Repeat      int  `default:"3" help:"Runs of each scenario."`
	Seconds     int  `default:"10" help:"Length of each measuring."`
	JSON        bool `name:"json" help:"Print the figures of every run as JSON."`
}

// scenarios of the README: groups as they are, a busy evening, voices only,
// and everybody opening their link at the full hour.
func (c benchCmd) scenarios() []scenario {
	base := scenario{Rooms: 1, People: 10, Layers: 1, Every: 300 * time.Millisecond, Settle: 3 * time.Second, Seconds: c.Seconds}
	three, voices, storm := base, base, base
	three.Rooms = 3
	voices.Rooms, voices.AudioOnly = 5, true
	storm.Rooms, storm.Storm, storm.Seconds = 5, true, 0
	return []scenario{base, three, voices, storm}
}

// paths are the ways media can go in a server we start. One that runs already
// goes the way it goes.
func (c benchCmd) paths() []string {
	if c.URL != "" {
		return []string{""}
	}
	return []string{pathAuto, pathPion}
}

const (
	pathAuto = "auto"
	pathPion = "pion"
)

func (c benchCmd) Run(ctx context.Context, s std) error {
	var results []result
	for i := range c.Repeat {
		for _, scenario := range c.scenarios() {
			paths := c.paths()
			if i%2 == 1 {
				slices.Reverse(paths) // neither has always just been started
			}
			for _, path := range paths {
				fmt.Fprintf(s.err, "%d/%d %s %s\n", i+1, c.Repeat, scenario.name(), path)
				flags := c.serverFlags
				flags.MediaPath = path
				r, err := measure(ctx, scenario, flags, s.err)
				if err != nil {
					return fmt.Errorf("%s %s: %w", scenario.name(), path, err)
				}
				r.Path, r.Round = path, i
				results = append(results, r)
			}
		}
	}
	if c.JSON {
		return printJSON(s.out, results)
	}
	for _, path := range c.paths() {
		if err := printTable(s.out, path, results); err != nil {
			return err
		}
	}
	if len(c.paths()) == 1 {
		return nil
	}
	return printRatios(s.out, results)
}

// mostCmd looks for the end of what one server carries.
type mostCmd struct {
	serverFlags `embed:""`
	From        int     `default:"3" help:"Rooms of ten to begin with."`
	Seconds     int     `default:"10" help:"Length of each measuring."`
	DelayP99    float64 `name:"delay-p99" default:"50" help:"Milliseconds that 99 of 100 packets have to arrive in."`
	Loss        float64 `default:"0.5" help:"Per cent that may be lost."`
}

// Run adds a room at a time. A step that fails is tried once more, because
// this machine may have been busy with something else.
func (c mostCmd) Run(ctx context.Context, s std) error {
	carried := 0
	for rooms := c.From; ; rooms++ {
		sc := scenario{Rooms: rooms, People: 10, Layers: 1, Every: 50 * time.Millisecond, Settle: 3 * time.Second, Seconds: c.Seconds}
		good := false
		for try := 0; try < 2 && !good; try++ {
			r, err := measure(ctx, sc, c.serverFlags, s.err)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(s.out, "%d people: %v\n", rooms*sc.People, err)
				continue
			}
			f := r.Steady
			good = f.DelayP99 <= c.DelayP99 && f.LossPercent <= c.Loss
			fmt.Fprintf(s.out, "%d people: %.0f packets/s, %.2f us each, %.2f cores (generator %.2f, others %.2f), p99 %.1f ms, lost %.2f %%\n",
				rooms*sc.People, f.PerSecond, f.MicrosPerPacket, f.ServerCores, f.LoadCores, f.OtherCores, f.DelayP99, f.LossPercent)
		}
		if !good {
			fmt.Fprintf(s.out, "carried: %d people\n", carried)
			return nil
		}
		carried = rooms * sc.People
	}
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// run parses args (without the program's name) and runs the command. It
// returns when everything that was started has been stopped.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		commands cli
		exited   bool
	)
	parser, err := kong.New(&commands,
		kong.Name("viopload"),
		kong.Description("Fills a viop node with synthetic people and says what it cost."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }), // --help has printed all there is to say
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std{stdout, stderr}),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return err
	}
	return command.Run()
}
