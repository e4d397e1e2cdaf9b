package rooms

import "time"

// Media is the forwarding plane of one room. Methods never wait for the
// network; they are called from the room's goroutine only.
type Media interface {
	// Attach makes the peer of one connection, without media until its first
	// offer. on is called from the peer's own goroutine, one event at a time,
	// until Close has returned; it must not block.
	Attach(Attachment, func(PeerEvent)) (Peer, error)
	// Route replaces the whole table of who hears and sees whom. A connection
	// that is not in it gets and gives nothing.
	Route(map[Conn]Place)
	// Close ends every peer and waits for their goroutines.
	Close() error
}

// Attachment says whose peer it is.
type Attachment struct {
	Conn   Conn
	Handle Handle // what others are told; the only name sfu passes on
	// Preferred audio and video are never the first to be dropped
	// (facilitators).
	Preferred bool
}

// Place is where a connection stands in the forwarder: it hears and sees
// everybody else in the same Room, as far as their Send allows.
type Place struct {
	Room string // "" is nowhere: lobby, or a held room
	Send Source // what is forwarded of this connection; mute is enforced here
}

// Source is a set of media sources of one person.
type Source uint8

const (
	Mic Source = 1 << iota
	Camera
	Screen
	ScreenAudio
	AllSources = Mic | Camera | Screen | ScreenAudio
)

// Peer is one browser's PeerConnection.
type Peer interface {
	// Signal hands over an offer or a candidate; the answer comes as a
	// PeerEvent. Never blocks.
	Signal(Signal)
	// Want says what the page shows, so that layers and slots follow. It
	// replaces the former list. Never blocks.
	Want([]Want)
	// Publishing says what the page claims to send just now, so that padding
	// on an empty section is not taken for a screen.
	Publishing(Source)
	// LastSeen is when the last authenticated packet of any kind (RTP, RTCP,
	// STUN consent) came in, by time.Now; zero before the first. Safe from
	// any goroutine.
	LastSeen() time.Time
	// Close ends the transport; no event is delivered after it returns.
	Close()
}

// Signal is one negotiation message from the browser, which always offers.
type Signal struct {
	NID       int    // number of the offer; an older one is ignored
	SDP       string // set: an offer
	Candidate string // set: a trickled candidate ("" with End: none are left)
	Mid       string // of the candidate
	End       bool
}

// Want is one tile the page shows.
type Want struct {
	Handle Handle
	Source Source // exactly one
	Height int    // pixels on the glass; 0: not visible
	Pinned bool
}

// PeerEvent is what a peer says. The set is closed.
type PeerEvent interface{ peerEvent() }

type (
	// PeerUp: the transport is connected and authenticated; also after a
	// PeerDown, when packets came back on the same transport.
	PeerUp struct{}
	// PeerDown: nothing authenticated came in for the dead time, or the
	// transport failed or closed. LastSeen is the last proof of life.
	PeerDown struct{ LastSeen time.Time }
	// Answer to the offer of that number.
	Answer struct {
		NID int
		SDP string
	}
	// SignalFailed: the offer or candidate could not be used. Code is stable
	// (negotiation_failed, stale_nid, media_unsupported); Message is for people
	// and holds neither SDP nor addresses.
	SignalFailed struct {
		NID           int
		Code, Message string
	}
	// Slots is the whole mapping of this peer's receive slots, sent when it
	// changes. Index counts the offered recvonly sections of a kind, in order.
	Slots struct{ Slots []Slot }
	// Layers says which encodings of a source anybody gets, lowest first, so
	// that the page stops making the others. Until told, all are wanted; a
	// new PeerConnection begins with all.
	Layers struct {
		Source Source
		Wanted []bool
	}
	// Speakers are all who speak, loudest first, when that changes and each
	// second as long as anybody does; may be dropped.
	Speakers struct{ Levels []Level }
	// ICERestart asks the browser for an offer with iceRestart.
	ICERestart struct{}
)

// Slot is what one receive section carries.
type Slot struct {
	Audio  bool // else video
	Index  int
	Handle Handle // "" when empty
	Source Source
	// Paused: mapped, but nothing is being sent; Why is "bandwidth" or
	// "hidden".
	Paused bool
	Why    string
}

// Level is one person's voice level, 0 (silent) to 127 (loudest): 127 minus
// the value of RFC 6464 §3.
type Level struct {
	Handle Handle
	Level  int
}

func (PeerUp) peerEvent()       {}
func (PeerDown) peerEvent()     {}
func (Answer) peerEvent()       {}
func (SignalFailed) peerEvent() {}
func (Slots) peerEvent()        {}
func (Layers) peerEvent()       {}
func (Speakers) peerEvent()     {}
func (ICERestart) peerEvent()   {}
