// Package redisstore keeps, on Redis, everything of viop that outlives the
// process: the evidence and its hash chains, the ownership of rooms, who is
// present, the schedule, and what has been revoked.
//
// One store serves three backends (Open): a Redis that is given by URL, a
// redis-server started as a child in the data directory, and, when there is
// none, an in-memory stand-in that keeps nothing and says so.
//
// What it promises:
//
//   - Evidence is never lost and never held against care. A fact goes to a
//     journal file (fsync), then to Redis, then the journal forgets it. Nothing
//     in a room waits for either. A Redis that is slow, gone, or has lost its
//     last second is written again when it is back; a process that dies leaves
//     its journal to the next start (Recover).
//   - Evidence is never doubled. Every entry has its own number in the log of
//     its session and epoch, and Redis refuses a number it already has.
//   - Evidence cannot be edited unseen: each entry is hashed together with the
//     hash of the one before (VerifyChain).
//   - No correctness hangs on the time to live of a key. What expires, expires
//     by a time that is compared with Redis TIME.
//
// Where to start: keys.go is the schema; lease.go is what a room holds;
// recorder.go is the way of a fact from the room to Redis; case.go puts the
// evidence of a session together again; book.go keeps what is written about it
// (rooms/records).
package redisstore
