// Command viop hosts virtual group sessions and keeps the hours.
//
//	viop serve        rooms, API and browser client in one process
//	viop demo         the same, with a demo group and links to click
//	viop token        mint a token for development
//	viop attendance   evidence to credited time: case, evaluate, archive
//	viop import       sessions and rosters from CSV, iCalendar and FHIR
//	viop export       attendance to a file; destinations, dead letters, redrive
//	viop verify       walk the hash chains of a session, in the store or a file
//	viop doctor       say what is wrong with this node
//
// This package only wires: what a room does is in rooms, what an hour is in
// rooms/attendance, what outlives the process in rooms/redisstore. Every
// setting is a flag and an environment variable; `viop serve --help` is the
// manual. Start at run in cli.go and node.go for how the parts meet.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if status, ok := errors.AsType[exitStatus](err); ok {
		os.Exit(int(status))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "viop:", err)
		if _, ok := errors.AsType[*kong.ParseError](err); ok {
			os.Exit(int(endUsage))
		}
		os.Exit(1)
	}
}
