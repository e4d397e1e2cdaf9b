package redisstore

import "time"

// clock is the evidence clock of a lease: Redis TIME at one instant, carried
// on by this node's monotonic clock. It is a value and never goes back, also
// when Redis TIME does; by how much the two have come apart is measured at
// every beat and kept in the beat.
type clock struct {
	base  time.Time     // Redis TIME …
	mark  time.Time     // … at this local time
	error time.Duration // half the round trip in which base was read
}

// anchor reads Redis TIME as having been taken in the middle of a round trip.
func anchor(redis, sent, received time.Time) clock {
	half := received.Sub(sent) / 2
	return clock{base: redis, mark: sent.Add(half), error: half}
}

// at is the evidence time of a local instant that has a monotonic reading.
func (c clock) at(local time.Time) time.Time { return c.base.Add(local.Sub(c.mark)) }

// drift is how far Redis TIME, read in a round trip, is ahead of the clock.
func (c clock) drift(redis, sent, received time.Time) time.Duration {
	now := anchor(redis, sent, received)
	return now.base.Sub(c.at(now.mark))
}
