// Package rooms is the domain in people's words: a group session lives in a
// Room, people take Seats in it, and what happened there becomes evidence.
//
// One goroutine owns a room. Everything that happens to it (a join, an
// admission, a dead line, a tick of the clock) is an input to the pure
// function (*state).step, which answers with effects; the goroutine carries
// them out and none of them blocks. The order of the inbox is the order of
// the record.
//
// The package knows neither WebRTC nor Redis nor WebSockets. What it needs
// from them stands in three interfaces that point inwards: Media (the
// forwarding plane of one room, provided by rooms/sfu), Ledger (what outlives
// the process, provided by rooms/redisstore) and Outbox (a browser, provided
// by signaling).
//
// Where to start: step.go for the policy, testdata/*.txtar for what it does
// in stories a clinician could read, room.go for the goroutine around it,
// media.go, ledger.go and events.go for the seams.
package rooms

import "time"

type (
	// SessionID names a scheduled session; opaque, chosen by scheduling.
	SessionID string
	// PersonID names a person across sessions: the token's sub. It never
	// leaves the server towards another participant.
	PersonID string
	// Handle is how the others in a room know a person: "m1", "m2" … It is
	// given at the first join, kept for the life of the session and says
	// nothing about who it is.
	Handle string
	// Conn names one connection in the evidence (SPEC §3): "c<epoch>-<n>".
	// A page that reloads, or a second device, is a new one; a link that
	// comes back to the same page is the same one.
	Conn string
)

// Times of the policy. They are told to the clients that must obey them.
const (
	// BeatEvery is how often proof of life and presence are written.
	BeatEvery = 5 * time.Second
	// SeenEvery is how often a beat enters the evidence log as `seen`.
	SeenEvery = 3 * time.Minute
	// HoldGrace is how long a group may go on without a facilitator before
	// media between patients stops. Credit stops at once (SPEC §4.6).
	HoldGrace = 60 * time.Second
	// ResumeWindow is how long a seat waits for its person to come back.
	ResumeWindow = 120 * time.Second
)

// RoomState is where a session is in its life.
type RoomState string

const (
	Scheduled RoomState = "scheduled" // nobody has come yet
	Open      RoomState = "open"      // lobby only: no facilitator with media has been here
	Live      RoomState = "live"      // a facilitator with media is here, or was within HoldGrace
	Held      RoomState = "held"      // no facilitator for longer than HoldGrace: patients neither hear nor see each other
	Ended     RoomState = "ended"     // a facilitator ended it; durable
)

// SeatState is where a person is on the way into the group.
type SeatState string

const (
	Waiting      SeatState = "waiting"      // in the lobby
	Admitted     SeatState = "admitted"     // let in, media not connected yet
	Active       SeatState = "active"       // let in and media connected: this is presence
	Reconnecting SeatState = "reconnecting" // was active, no proof of life; the seat is kept for ResumeWindow
	Gone         SeatState = "gone"         // left, removed, or did not come back
)

// MainRoom is the name of the group's own room in the evidence; breakouts are
// "breakout-1" … (SPEC §3).
const MainRoom = "main"

// Plan is what a room needs to know of its schedule.
type Plan struct {
	Session    SessionID
	Start, End time.Time
	Cancelled  bool
	// Seats is the most people in the room at once, lobby included.
	Seats int
}
