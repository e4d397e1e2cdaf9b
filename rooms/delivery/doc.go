// Package delivery is the door through which attendance leaves the house: to
// whom, on what basis, what was told of whom, and how it gets there.
//
//   - A Destination is somebody outside who may be told, and the basis in law
//     on which they may (42 CFR part 2). Without a basis nothing leaves. Programs
//     and people fetch as a destination (Gate.Resolve); to others a Courier
//     brings what is new on the feed of changes, by webhook or to a FHIR server.
//   - Before anything leaves, Gate.Disclose writes down for each person what is
//     told, to whom and why. A crash may leave a row of what was never sent, and
//     never the other way round. Rows are a chain of hashes: nobody edits them.
//   - The Courier reads the feed and puts the numbers of changes into the queue
//     of each destination, in lanes: a session is one, the week of a person is
//     another. Within a lane one is sent after the other; lanes do not wait for
//     each other, destinations even less. A step is done when the store says so,
//     in one script, so that a process that is killed anywhere repeats at most
//     the sending of what it had under way: at least once, in order, none lost.
//   - What fails is tried again as Standard Webhooks recommends, over more than
//     three days, and then put aside as a dead letter, for people to look at and
//     send again. 410 Gone stops the destination.
//
// Targets are somebody's input. The client that reaches them (guard.go) looks
// at the address it is about to connect to, after DNS, follows no redirect,
// knows no proxy, and reads a little for a while.
//
// Start with Destination; Gate for what is fetched, Courier for what is
// brought; Store is what they need from below (rooms/redisstore).
package delivery
