package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Run   runCmd   `cmd:"" default:"withargs" help:"One scenario (the default command)."`
	Bench benchCmd `cmd:"" help:"The scenarios of the README, alternating, and a table of their minimum, median and maximum."`
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

func (c benchCmd) Run(ctx context.Context, s std) error {
	var results []result
	for i := range c.Repeat {
		for _, scenario := range c.scenarios() {
			fmt.Fprintf(s.err, "%d/%d %s\n", i+1, c.Repeat, scenario.name())
			r, err := measure(ctx, scenario, c.serverFlags, s.err)
			if err != nil {
				return fmt.Errorf("%s: %w", scenario.name(), err)
			}
			results = append(results, r)
		}
	}
	if c.JSON {
		return printJSON(s.out, results)
	}
	return printTable(s.out, results)
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
