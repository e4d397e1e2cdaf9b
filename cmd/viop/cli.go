package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/alecthomas/kong"
)

// exitStatus is an error that has been reported already; only the number is
// left to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// cli is the command line. Every flag of serve has an environment variable,
// so a unit file or a container needs no arguments.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Host rooms: API, signaling, media and browser client in one process."`
	Demo       demoCmd       `cmd:"" help:"The same with an embedded store and a demo group: prints links to click."`
	Token      tokenCmd      `cmd:"" help:"Mint a token, for development."`
	Attendance attendanceCmd `cmd:"" help:"From evidence to credited time."`
	Import     importCmd     `cmd:"" help:"Take in sessions, rosters and authorizations from CSV, iCalendar or FHIR, through a running server."`
	Export     exportCmd     `cmd:"" help:"Take attendance out: tables, FHIR, the feed; and look after the destinations."`
	Verify     verifyCmd     `cmd:"" help:"Walk the hash chains of a session, in the store or in an archive, and name the first broken entry."`
	Doctor     doctorCmd     `cmd:"" help:"Say what is wrong with this node's settings and surroundings."`
}

// std is the outside world of a command.
type std struct {
	in       io.Reader
	out, err io.Writer
}

// run parses args (without the program's name) and runs the command. It
// returns when the command is done or ctx has ended and everything that was
// started has been stopped.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	var (
		commands cli
		exited   bool
	)
	parser, err := kong.New(&commands,
		kong.Name("viop"),
		kong.Description("Virtual group sessions whose hours stand up in an audit."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }), // --help has printed all there is to say
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std{stdin, stdout, stderr}),
	)
	if err != nil {
		return err
	}
	if err := kong.Visit(parser.Model, forgetEmpty); err != nil {
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

// forgetEmpty takes a variable that is set to nothing for one that is not set:
// files of settings list what one could say. kong would read "" as a value.
func forgetEmpty(part kong.Visitable, next kong.Next) error {
	if flag, ok := part.(*kong.Flag); ok {
		flag.Tag.Envs = slices.DeleteFunc(slices.Clone(flag.Tag.Envs), func(name string) bool {
			value, set := os.LookupEnv(name)
			return set && value == ""
		})
	}
	return next(nil)
}
