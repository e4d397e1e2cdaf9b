package wire

type (
	// Welcome: the seat is taken. It starts both numberings anew.
	Welcome struct {
		Version        int         `json:"version"`
		Session        string      `json:"session" limit:"128"`
		Handle         Handle      `json:"handle"`
		Role           Role        `json:"role"`
		Name           string      `json:"name" limit:"80"`
		ResumeToken    string      `json:"resume_token" limit:"128"` // one use
		ResumeWindowMS Millis      `json:"resume_window_ms"`
		Slots          SlotCounts  `json:"slots"`
		ICEServers     []ICEServer `json:"ice_servers,omitempty" limit:"8"`
		ServerTime     Millis      `json:"server_time"`
		// Durable is false when the store keeps nothing across a restart.
		Durable bool `json:"durable"`
		CheckIn bool `json:"check_in,omitempty"` // the questions are wanted
	}
	// SlotCounts are the receive sections to add to the offer.
	SlotCounts struct {
		Audio int `json:"audio" limit:"64"`
		Video int `json:"video" limit:"64"`
	}
	// ICEServer is as in RTCConfiguration.
	ICEServer struct {
		URLs       List[string] `json:"urls" limit:"8" each:"300"`
		Username   string       `json:"username,omitempty" limit:"200"`
		Credential string       `json:"credential,omitempty" limit:"200"`
	}
	// Resumed: the seat is kept. Its frame's ack tells which of the client's
	// messages arrived; the others are to be sent again.
	Resumed struct {
		Mode        ResumeMode `json:"mode"`
		ResumeToken string     `json:"resume_token" limit:"128"`
	}
	// Snapshot is everything this person may see; it replaces what the page
	// knew.
	Snapshot struct {
		Room   Room         `json:"room"`
		You    Handle       `json:"you"`
		People List[Person] `json:"people" limit:"200"`
		Slots  List[Slot]   `json:"slots" limit:"128"`
		Layers List[Layers] `json:"layers,omitempty" limit:"4"`
	}
	// Room is the room as this person may see it, whole each time.
	Room struct {
		Rev        int       `json:"rev"`
		State      RoomState `json:"state"`
		Locked     bool      `json:"locked"`
		OnBreak    bool      `json:"on_break"`
		BreakSince Millis    `json:"break_since,omitempty"`
		HeldSince  Millis    `json:"held_since,omitempty"`
		Start      Millis    `json:"start"`
		End        Millis    `json:"end"`
		Storage    Storage   `json:"storage"`
	}
	// Person is a person as this receiver may see them, whole each time.
	Person struct {
		Rev          int       `json:"rev"`
		Handle       Handle    `json:"handle"`
		Name         string    `json:"name" limit:"80"`
		Role         Role      `json:"role"`
		State        SeatState `json:"state"`
		WaitingSince Millis    `json:"waiting_since,omitempty"`
		Room         string    `json:"room,omitempty" limit:"40"`
		Mic          bool      `json:"mic"`
		Camera       bool      `json:"camera"`
		Screen       bool      `json:"screen"`
		Muted        bool      `json:"muted"` // held muted by a facilitator
		Hand         bool      `json:"hand"`
		HandSince    Millis    `json:"hand_since,omitempty"`
		Help         bool      `json:"help,omitempty"`
		CheckIn      *CheckIn  `json:"check_in,omitempty"`
	}
	// AttachMedia: make a PeerConnection and offer.
	AttachMedia struct{}
	// Answer to the offer of that number.
	Answer struct {
		NID int    `json:"nid"`
		SDP string `json:"sdp" limit:"200000"`
	}
	// SignalFailed: the offer or candidate could not be used.
	SignalFailed struct {
		NID     int    `json:"nid"`
		Code    string `json:"code" limit:"40"`
		Message string `json:"message" limit:"300"`
	}
	// ICERestart: offer again, with iceRestart.
	ICERestart struct{}
	// Slots is the whole mapping of this person's receive slots.
	Slots struct {
		Slots List[Slot] `json:"slots" limit:"128"`
	}
	// Slot is what one receive section carries. Index counts the recvonly
	// sections of its kind in the offer.
	Slot struct {
		Kind   SlotKind    `json:"kind"`
		Index  int         `json:"index" limit:"63"`
		Handle Handle      `json:"handle,omitempty"`
		Source Source      `json:"source,omitempty"`
		Paused bool        `json:"paused,omitempty"`
		Why    PauseReason `json:"why,omitempty"`
	}
	// Layers says which encodings of a source anybody gets, lowest first; the
	// others need not be made. Until told, all are wanted.
	Layers struct {
		Source Source     `json:"source"`
		Wanted List[bool] `json:"wanted" limit:"3"`
	}
	// Speakers are all who speak, loudest first; not numbered. Told when
	// somebody begins or has ended, and each second as long as anybody speaks.
	Speakers struct {
		Levels List[Level] `json:"levels" limit:"16"`
	}
	// Level is one person's voice, 0 (silent) to 127.
	Level struct {
		Handle Handle `json:"handle"`
		Level  int    `json:"level" limit:"127"`
	}
	// Moderated is what a facilitator did to this person.
	Moderated struct {
		Action string `json:"action" limit:"40"`
		Reason string `json:"reason,omitempty" limit:"80"`
	}
	// MinutesReport answers Minutes.
	MinutesReport struct {
		AsOf  Millis           `json:"as_of"`
		Final bool             `json:"final,omitempty"` // over, and its evidence settled
		Rows  List[MinutesRow] `json:"rows" limit:"200"`
		Week  *Week            `json:"week,omitempty"`
	}
	// MinutesRow is one person's minutes in this session so far. Texts are
	// for people, rounded down.
	MinutesRow struct {
		Handle       Handle            `json:"handle,omitempty"`
		Name         string            `json:"name" limit:"80"`
		Role         Role              `json:"role,omitempty"`
		Status       string            `json:"status" limit:"40"`
		Labels       []string          `json:"labels,omitempty" limit:"20" each:"40"`
		CreditedMS   Millis            `json:"credited_ms"`
		ConnectedMS  Millis            `json:"connected_ms"`
		LobbyMS      Millis            `json:"lobby_ms"`
		BridgedMS    Millis            `json:"bridged_ms"`
		Lost         List[LostMinutes] `json:"lost" limit:"5"`
		CreditedText string            `json:"credited_text" limit:"40"`
	}
	// LostMinutes were not credited, with the rule that took them.
	LostMinutes struct {
		Why  LossReason `json:"why"`
		MS   Millis     `json:"ms"`
		Text string     `json:"text" limit:"120"`
	}
	// Week is the person's own week of the program.
	Week struct {
		CreditedMS   Millis `json:"credited_ms"`
		MinMS        Millis `json:"min_ms,omitempty"`
		NeedMS       Millis `json:"need_ms,omitempty"`
		CreditedText string `json:"credited_text" limit:"40"`
		MinText      string `json:"min_text,omitempty" limit:"40"`
		NeedText     string `json:"need_text,omitempty" limit:"40"`
		SessionsLeft int    `json:"sessions_left,omitempty"`
		Days         int    `json:"days,omitempty"`      // that qualify so far
		DaysNeed     int    `json:"days_need,omitempty"` // that still have to
		Verdict      string `json:"verdict" limit:"40"`
		Ends         Millis `json:"ends,omitempty"`
	}
	// APIToken answers AskAPIToken: what opens the HTTP API for the records of
	// this session, in the name of this person.
	APIToken struct {
		Token     string `json:"token" limit:"8192"`
		ExpiresMS Millis `json:"expires_ms"` // from now
		Session   string `json:"session" limit:"128"`
	}
	// Result: the command with the frame's id was carried out.
	Result struct{}
	// Error: the command with the frame's id was refused. Without an id, a
	// frame could not be read far enough to name it. Only Bye ends anything.
	Error struct {
		Code         string `json:"code" limit:"40"`
		Message      string `json:"message" limit:"300"`
		Retry        Retry  `json:"retry"`
		RetryAfterMS Millis `json:"retry_after_ms,omitempty"`
	}
	// Bye is the last message before the socket closes.
	Bye struct {
		Code         string `json:"code" limit:"40"`
		Message      string `json:"message" limit:"300"`
		Retry        Retry  `json:"retry"`
		RetryAfterMS Millis `json:"retry_after_ms,omitempty"`
		Versions     []int  `json:"versions,omitempty" limit:"8"` // spoken here, with version_unsupported
	}
)

func (Welcome) Type() string       { return "welcome" }
func (Resumed) Type() string       { return "resumed" }
func (Snapshot) Type() string      { return "snapshot" }
func (Room) Type() string          { return "room" }
func (Person) Type() string        { return "person" }
func (AttachMedia) Type() string   { return "attach_media" }
func (Answer) Type() string        { return "answer" }
func (SignalFailed) Type() string  { return "signal_failed" }
func (ICERestart) Type() string    { return "ice_restart" }
func (Slots) Type() string         { return "slots" }
func (Layers) Type() string        { return "layers" }
func (Speakers) Type() string      { return "speakers" }
func (Moderated) Type() string     { return "moderated" }
func (MinutesReport) Type() string { return "minutes_report" }
func (APIToken) Type() string      { return "api_token" }
func (Result) Type() string        { return "result" }
func (Error) Type() string         { return "error" }
func (Bye) Type() string           { return "bye" }

func (Welcome) server()       {}
func (Resumed) server()       {}
func (Snapshot) server()      {}
func (Room) server()          {}
func (Person) server()        {}
func (AttachMedia) server()   {}
func (Answer) server()        {}
func (SignalFailed) server()  {}
func (ICERestart) server()    {}
func (Slots) server()         {}
func (Layers) server()        {}
func (Speakers) server()      {}
func (Moderated) server()     {}
func (MinutesReport) server() {}
func (APIToken) server()      {}
func (Result) server()        {}
func (Error) server()         {}
func (Bye) server()           {}

func serverMessages() []ServerMessage {
	return []ServerMessage{
		Welcome{}, Resumed{}, Snapshot{}, Room{}, Person{}, AttachMedia{}, Answer{}, SignalFailed{},
		ICERestart{}, Slots{}, Layers{}, Speakers{}, Moderated{}, MinutesReport{}, APIToken{}, Result{}, Error{}, Bye{},
	}
}
