package wire

import "time"

// The words of the protocol. words lists all there are of a type; decoding
// refuses others, and the tests compare the lists with the schema's.
type worded interface{ words() []string }

// Handle is how the others in a room know a person: "m1", "m2" …
type Handle string

// valid reports whether h matches ^m[0-9]{1,6}$.
func (h Handle) valid() bool {
	if len(h) < 2 || len(h) > 7 || h[0] != 'm' {
		return false
	}
	for _, c := range []byte(h[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Millis is milliseconds since the epoch by the evidence clock, or a duration
// where the field's name ends in _ms.
type Millis int64

// At is t; 0, and so left out where it may be, for the zero time and for any
// before 1970.
func At(t time.Time) Millis { return Millis(max(t.UnixMilli(), 0)) }

// Span is d in whole milliseconds, rounded down.
func Span(d time.Duration) Millis { return Millis(max(d.Milliseconds(), 0)) }

// Time is the instant m names; the zero time for 0.
func (m Millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m))
}

// Role is what a person is in a session.
type Role string

func (Role) words() []string {
	return []string{"patient", "facilitator", "observer", "interpreter", "guest", "peer"}
}

// Source is one media source of a person.
type Source string

const (
	Mic         Source = "mic"
	Camera      Source = "camera"
	Screen      Source = "screen"
	ScreenAudio Source = "screen_audio"
)

func (Source) words() []string { return []string{"mic", "camera", "screen", "screen_audio"} }

// RoomState is where a session is in its life.
type RoomState string

func (RoomState) words() []string { return []string{"scheduled", "open", "live", "held", "ended"} }

// SeatState is where a person is on the way into the group; "gone" takes them
// off the page.
type SeatState string

func (SeatState) words() []string {
	return []string{"waiting", "admitted", "active", "reconnecting", "gone"}
}

// Action is what a facilitator can do.
type Action string

func (Action) words() []string {
	return []string{
		"admit", "admit_all", "deny", "send_back", "mute", "mute_all", "allow_unmute", "stop_camera",
		"remove", "readmit", "lock", "unlock", "lower_hand", "answer_help", "move",
		"break_start", "break_end", "end",
	}
}

// Retry says what a client does after an error or a bye.
type Retry string

const (
	RetryNone   Retry = "none"   // stop, and show the message
	RetryLater  Retry = "retry"  // the same command, after retry_after_ms
	RetryResume Retry = "resume" // a new WebSocket, hello with the resume token
	RetryRejoin Retry = "rejoin" // a new WebSocket, hello with the join token
)

func (Retry) words() []string { return []string{"none", "retry", "resume", "rejoin"} }

// Storage says whether evidence is being kept.
type Storage string

func (Storage) words() []string { return []string{"ok", "behind", "volatile"} }

// SlotKind is the kind of a receive section.
type SlotKind string

const (
	Audio SlotKind = "audio"
	Video SlotKind = "video"
)

func (SlotKind) words() []string { return []string{"audio", "video"} }

// PauseReason says why a mapped slot is silent.
type PauseReason string

func (PauseReason) words() []string { return []string{"bandwidth", "hidden"} }

// ResumeMode says what follows resumed.
type ResumeMode string

const (
	ModeReplay   ResumeMode = "replay"   // every numbered message after hello's ack
	ModeSnapshot ResumeMode = "snapshot" // a snapshot
)

func (ResumeMode) words() []string { return []string{"replay", "snapshot"} }

// LossReason is the rule that took minutes away (SPEC §4.9).
type LossReason string

func (LossReason) words() []string {
	return []string{"outside_window", "break", "no_facilitator", "correction", "overlap"}
}
