package wire

// How to read the tags: a field without omitempty is required; limit is the
// most code points of a string, elements of a list, or value of a number; each
// is the limit of a list's elements.

type (
	// Hello is the first message, within 5 s of the open, with exactly one of
	// Token and Resume.
	Hello struct {
		Versions List[int] `json:"versions" limit:"8"`
		// Token is the join token; never in the URL.
		Token    string  `json:"token,omitempty" limit:"8192"`
		Resume   *Resume `json:"resume,omitempty"`
		Instance string  `json:"instance" limit:"64"` // random id of this tab
		// Fresh: the page has no PeerConnection and knows nothing.
		Fresh bool   `json:"fresh,omitempty"`
		App   string `json:"app,omitempty" limit:"64"` // version of the client
	}
	// Resume takes a seat again.
	Resume struct {
		Session string `json:"session" limit:"128"`
		Token   string `json:"token" limit:"128"`
		Ack     int64  `json:"ack"` // last numbered message received
	}
	// CheckIn answers the questions before the lobby. It is a message and a
	// part of Person.
	CheckIn struct {
		Private       bool   `json:"private"`
		Headphones    bool   `json:"headphones"`
		GroundRules   bool   `json:"ground_rules"`
		OthersPresent bool   `json:"others_present"`
		Location      string `json:"location,omitempty" limit:"200"`
		CallBack      string `json:"call_back,omitempty" limit:"40"`
	}
	// Offer: the browser always offers. An offer with an older NID than one
	// before is ignored.
	Offer struct {
		NID int    `json:"nid"`
		SDP string `json:"sdp" limit:"200000"`
	}
	// Candidate is a trickled candidate, or with End the last of them.
	Candidate struct {
		NID       int    `json:"nid"`
		Candidate string `json:"candidate,omitempty" limit:"1000"`
		Mid       string `json:"mid,omitempty" limit:"16"`
		End       bool   `json:"end,omitempty"`
	}
	// Publish says that a source is being sent, or not any more.
	Publish struct {
		Source Source `json:"source"`
		On     bool   `json:"on"`
	}
	// Want is what the page shows; it replaces the former list.
	Want struct {
		Tiles List[Tile] `json:"tiles" limit:"64"`
	}
	// Tile is one picture or voice on the page.
	Tile struct {
		Handle Handle `json:"handle"`
		Source Source `json:"source"`
		Height int    `json:"height" limit:"4320"` // pixels on the glass, 0: not visible
		Pinned bool   `json:"pinned,omitempty"`
	}
	// Hand raises or lowers the own hand.
	Hand struct {
		Up bool `json:"up"`
	}
	// Help asks the facilitators privately.
	Help struct {
		On bool `json:"on"`
	}
	// Moderate is a facilitator's act.
	Moderate struct {
		Action Action `json:"action"`
		Target Handle `json:"target,omitempty"`
		Room   string `json:"room,omitempty" limit:"40"`
		Hold   bool   `json:"hold,omitempty"` // of mute, mute_all
		Reason string `json:"reason,omitempty" limit:"80"`
	}
	// Minutes asks for the minutes: facilitators get everybody's, others
	// their own. The answer is MinutesReport.
	Minutes struct{}
	// AskAPIToken asks for a token for the HTTP API: facilitators only. The
	// answer is APIToken.
	AskAPIToken struct{}
	// Leave is leaving of one's own will.
	Leave struct{}
)

func (Hello) Type() string       { return "hello" }
func (CheckIn) Type() string     { return "check_in" }
func (Offer) Type() string       { return "offer" }
func (Candidate) Type() string   { return "candidate" }
func (Publish) Type() string     { return "publish" }
func (Want) Type() string        { return "want" }
func (Hand) Type() string        { return "hand" }
func (Help) Type() string        { return "help" }
func (Moderate) Type() string    { return "moderate" }
func (Minutes) Type() string     { return "minutes" }
func (AskAPIToken) Type() string { return "api_token" }
func (Leave) Type() string       { return "leave" }

func (Hello) client()       {}
func (CheckIn) client()     {}
func (Offer) client()       {}
func (Candidate) client()   {}
func (Publish) client()     {}
func (Want) client()        {}
func (Hand) client()        {}
func (Help) client()        {}
func (Moderate) client()    {}
func (Minutes) client()     {}
func (AskAPIToken) client() {}
func (Leave) client()       {}

func clientMessages() []ClientMessage {
	return []ClientMessage{
		Hello{}, CheckIn{}, Offer{}, Candidate{}, Publish{}, Want{}, Hand{}, Help{}, Moderate{},
		Minutes{}, AskAPIToken{}, Leave{},
	}
}

// check is the rule of hello that limits cannot say.
func (h Hello) check() error {
	if (h.Token == "") == (h.Resume == nil) {
		return &FieldError{"d", "needs exactly one of token and resume"}
	}
	return nil
}
