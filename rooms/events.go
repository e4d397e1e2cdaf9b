package rooms

import "time"

// Outbox is a browser, as the room sees it; signaling provides it.
type Outbox interface {
	// Send never blocks; the queue and what it drops are signaling's policy.
	// Every Event is a value nobody changes afterwards.
	Send(Event)
	// Close is the last word, with why; later Sends do nothing.
	Close(Reason)
}

// Event is what a room tells a browser. The set is closed. Besides those
// below, Answer, SignalFailed, Slots, Layers, Speakers and ICERestart pass from the
// peer to the browser without the room.
type Event interface{ event() }

type (
	// Snapshot is everything, after a join or when a replay is not possible.
	Snapshot struct {
		Room   RoomView
		You    Handle
		People []PersonView // you included
	}
	// RoomChanged carries the whole view.
	RoomChanged struct{ Room RoomView }
	// PersonChanged carries the whole view; State Gone removes the person.
	PersonChanged struct{ Person PersonView }
	// Moderated tells a person what was done to them: admitted, denied,
	// muted, unmute_allowed, camera_stopped, help_answered, sent_back,
	// removed, moved. It comes after the changed view of the person.
	Moderated struct {
		Action string
		Reason string
	}
	// AttachMedia asks the page for its first offer: it is admitted, or its
	// former PeerConnection is gone.
	AttachMedia struct{}
)

func (Snapshot) event()      {}
func (RoomChanged) event()   {}
func (PersonChanged) event() {}
func (Moderated) event()     {}
func (AttachMedia) event()   {}
func (Answer) event()        {}
func (SignalFailed) event()  {}
func (Slots) event()         {}
func (Layers) event()        {}
func (Speakers) event()      {}
func (ICERestart) event()    {}

// RoomView is the room as everybody may see it. Rev grows with every change.
type RoomView struct {
	Rev        int
	State      RoomState
	Locked     bool
	OnBreak    bool
	BreakSince time.Time
	HeldSince  time.Time // zero unless held
	Start, End time.Time // scheduled
	// Storage is "ok", "behind" (evidence waits in the journal for more than
	// 30 s; facilitators only) or "volatile" (nothing is kept; everybody).
	Storage string
}

// PersonView is a person as another may see them. Patients get people who
// are in the group (and themselves); facilitators get the lobby too.
type PersonView struct {
	Rev          int
	Handle       Handle
	Name         string // first name and last initial, as the token says
	Role         string
	State        SeatState
	WaitingSince time.Time // lobby
	Room         string
	Mic          bool // sending: the page says so and the room lets it
	Camera       bool
	Screen       bool
	Muted        bool // held muted by a facilitator: cannot unmute alone
	Hand         bool
	HandSince    time.Time
	Help         bool     // asks privately for help; facilitators and the person only
	CheckIn      *CheckIn // facilitators only
}

// Command is what a person asks of the room. The set is closed.
type Command interface{ command() }

type (
	// CheckIn answers the questions of the lobby. Location and CallBack are
	// shown to facilitators and sealed in the audit trail.
	CheckIn struct {
		Private, Headphones, GroundRules bool
		OthersPresent                    bool
		Location, CallBack               string
	}
	// Publish says that a source is being sent, or not any more.
	Publish struct {
		Source Source // exactly one
		On     bool
	}
	Hand struct{ Up bool }
	// Help asks the facilitators privately.
	Help struct{ On bool }
	// Moderate is a facilitator's act.
	Moderate struct {
		Action Action
		Target Handle // of the acts on one person
		Room   string // of Move
		Hold   bool   // of Mute and MuteAll: patients cannot unmute alone
		Reason string // one of a fixed list, or ""
	}
)

func (CheckIn) command()  {}
func (Publish) command()  {}
func (Hand) command()     {}
func (Help) command()     {}
func (Moderate) command() {}

// Action is what a facilitator can do.
type Action string

const (
	Admit       Action = "admit"
	AdmitAll    Action = "admit_all"
	Deny        Action = "deny"
	SendBack    Action = "send_back"
	Mute        Action = "mute"
	MuteAll     Action = "mute_all"
	AllowUnmute Action = "allow_unmute" // lifts Hold; switches nobody's microphone on
	StopCamera  Action = "stop_camera"
	Remove      Action = "remove"  // durable for the session
	Readmit     Action = "readmit" // lifts Remove: the person may knock again
	Lock        Action = "lock"
	Unlock      Action = "unlock"
	LowerHand   Action = "lower_hand"
	AnswerHelp  Action = "answer_help"
	Move        Action = "move" // to a breakout and back
	BreakStart  Action = "break_start"
	BreakEnd    Action = "break_end"
	End         Action = "end"
)
