// Command viopload fills a viop node with synthetic people and says what it
// cost.
//
//	viopload --rooms 3 --people 10        one run, against a server it starts
//	viopload bench                        the scenarios of the README, repeated
//
// Every person is a Pion client in this process with a WebSocket of its own:
// it takes a seat with a join token, waits in the lobby for the room's
// facilitator (who lets everybody in at once), offers the sections the page
// offers, and sends 50 Opus packets of 80 bytes and 30 VP8 frames of three
// packets a second. Sessions are put in by the API, as scheduling does.
//
// Every packet ends in a stamp: who sent it, its number, when. Sender and
// receiver share this process's monotonic clock, so loss, duplicates and delay
// are counted exactly, per packet, and not estimated. Receivers take packets
// where SRTP has been opened; nothing is depacketized, decoded or repaired,
// and nobody sends a NACK; a picture that began without its key frame is asked
// for again. Once a second a client sends receiver reports and a REMB, as
// browsers do.
//
// What the figures are not: the clients share a machine with the server, and
// every one of them costs about as much as the server spends on it; the
// generator's own CPU is therefore printed beside the server's. On loopback
// the kernel also bills the server for delivering into the receiving socket.
// Read the figures as relative. A delay ends when the client's goroutine has
// opened the packet, so a generator short of CPU shows as delay of the server;
// pin the two apart (--server-core, taskset) where there are two cores, and look
// at what else the machine was doing ("others").
//
// Where to start: trial.go for the course of a run, person.go and media.go for
// a client, stamp.go and meter.go for the counting, report.go for what is said.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "viopload:", err)
		os.Exit(1)
	}
}
