package attendance

import "encoding/json"

// Format names the input document that this package reads.
const Format = "viop.attendance/1"

// Case is the whole input document (§2): what is asked, of whom, on what
// evidence. Decode reads one; code that holds the facts builds one, calls
// Validate, and may marshal it: the document evaluates the same.
//
// A zero value means "absent" wherever §2 gives a default or says optional,
// except in Counting, which starts from DefaultCounting.
type Case struct {
	Format         string          `json:"format"`
	AsOf           Instant         `json:"as_of"`
	Program        Program         `json:"program"`
	People         []Person        `json:"people"`
	Sessions       []Session       `json:"sessions"`
	Excused        []Excuse        `json:"excused,omitempty"`
	Events         []Event         `json:"events"`
	Corrections    []Correction    `json:"corrections,omitempty"`
	Signatures     []Signature     `json:"signatures,omitempty"`
	Enrollments    []Enrollment    `json:"enrollments,omitempty"`
	Authorizations []Authorization `json:"authorizations,omitempty"`
}

// MarshalJSON writes the required lists even when they are nil.
func (c Case) MarshalJSON() ([]byte, error) {
	type document Case
	c.People, c.Sessions, c.Events = listed(c.People), listed(c.Sessions), listed(c.Events)
	return json.Marshal(document(c))
}

// listed is s, as a list that JSON writes [] when it is empty.
func listed[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Program says by which clock and by which rules a program counts.
type Program struct {
	Timezone  string           `json:"timezone"` // IANA name
	WeekStart Weekday          `json:"week_start,omitempty"`
	Profile   ProfileName      `json:"profile,omitempty"`
	Overrides ProfileOverrides `json:"profile_overrides,omitzero"`
	Counting  Counting         `json:"counting"`
}

// Weekday is the name of a day in lower case, as in "monday".
type Weekday string

// Counting holds a program's choices. There is no useful zero value: start
// from DefaultCounting.
type Counting struct {
	BridgeSeconds    int             `json:"bridge_seconds"` // 0…300
	Clip             Clip            `json:"clip"`
	Breaks           BreakRule       `json:"breaks"`
	FacilitatorScope Scope           `json:"facilitator_scope"`
	DateAttribution  DateAttribution `json:"date_attribution"`
	LateAfterMinutes int             `json:"late_after_minutes"`
	MarginMinutes    int             `json:"margin_minutes"`
	GroupMax         int             `json:"group_max"`
	GroupMin         int             `json:"group_min"`
}

// DefaultCounting is what §2 shows: what holds for every field not given.
func DefaultCounting() Counting {
	return Counting{
		BridgeSeconds: 60, Clip: ClipScheduled, Breaks: ExcludeBreaks, FacilitatorScope: ScopeRoom,
		DateAttribution: SplitAtMidnight, LateAfterMinutes: 10, MarginMinutes: 60, GroupMax: 12, GroupMin: 2,
	}
}

// Clip chooses the window W of a session (§4.4).
type Clip string

const (
	ClipScheduled    Clip = "scheduled"
	ClipActual       Clip = "actual"
	ClipIntersection Clip = "intersection"
)

// BreakRule says whether time in a break may be credited (§4.5).
type BreakRule string

const (
	ExcludeBreaks BreakRule = "exclude"
	IncludeBreaks BreakRule = "include"
)

// Scope says where a facilitator has to be for a person's time to count (§4.6).
type Scope string

const (
	ScopeRoom    Scope = "room"    // in the same room
	ScopeSession Scope = "session" // in any room of the session
	ScopeNone    Scope = "none"    // nowhere
)

// DateAttribution says to which date credit across midnight belongs (§8).
type DateAttribution string

const (
	SplitAtMidnight DateAttribution = "split"
	ToStartDate     DateAttribution = "start"
)

// Person is somebody who may appear in evidence.
type Person struct {
	ID   string `json:"id"`
	Role Role   `json:"role"`
}

// Role is what a person is in the program.
type Role string

const (
	Facilitator Role = "facilitator"
	Observer    Role = "observer"
	Interpreter Role = "interpreter"
	Guest       Role = "guest"
	Peer        Role = "peer"
	Patient     Role = "patient"
)

// Session is one appointment of a group or of a person.
type Session struct {
	ID             string        `json:"id"`
	Service        Service       `json:"service"`
	Counts         *bool         `json:"counts,omitempty"` // overrides §6
	ScheduledStart Instant       `json:"scheduled_start"`
	ScheduledEnd   Instant       `json:"scheduled_end"`
	Breaks         []Interval    `json:"breaks,omitempty"`
	Roster         []string      `json:"roster"`
	Status         SessionStatus `json:"status,omitempty"`
}

// MarshalJSON writes the roster even when it is nil.
func (s Session) MarshalJSON() ([]byte, error) {
	type document Session
	s.Roster = listed(s.Roster)
	return json.Marshal(document(s))
}

// SessionStatus says whether the program still means to hold a session.
type SessionStatus string

const (
	SessionScheduled SessionStatus = "scheduled"
	SessionCancelled SessionStatus = "cancelled_by_program"
)

// Excuse says that a person is not expected in a session.
type Excuse struct {
	Session string    `json:"session"`
	Person  string    `json:"person"`
	By      ExcusedBy `json:"by"`
}

// ExcusedBy is who called it off.
type ExcusedBy string

const (
	ByPatient ExcusedBy = "patient"
	ByProgram ExcusedBy = "program"
)

// Event is one fact of the evidence (§3). (Session, Epoch, Seq) identifies it.
type Event struct {
	Session    string    `json:"session"`
	Epoch      int       `json:"epoch"`
	Seq        int       `json:"seq"`
	At         Instant   `json:"at"`
	Type       EventType `json:"type"`
	Person     string    `json:"person,omitempty"`
	Connection string    `json:"connection,omitempty"`
	Room       string    `json:"room,omitempty"` // of admitted: MainRoom when empty
	Reason     Reason    `json:"reason,omitempty"`
}

// MainRoom is the room of a session that an event or a correction means when
// it names none.
const MainRoom = "main"

// EventType says what happened; §3 has the table of meanings and fields.
type EventType string

const (
	Opened       EventType = "opened"
	Closed       EventType = "closed"
	Waiting      EventType = "waiting"
	Admitted     EventType = "admitted"
	Moved        EventType = "moved"
	Left         EventType = "left"
	Lost         EventType = "lost"
	Seen         EventType = "seen"
	BreakStarted EventType = "break_started"
	BreakEnded   EventType = "break_ended"
)

// Reason says why a connection Left.
type Reason string

const (
	ReasonLeave       Reason = "leave"
	ReasonRemoved     Reason = "removed"
	ReasonSentToLobby Reason = "sent_to_lobby"
	ReasonReplaced    Reason = "replaced"
)

// Correction is a later fact about a session, with an author and a reason
// (§5). Which of the fields after Op it has is the Op's affair.
type Correction struct {
	ID         string           `json:"id"`
	Session    string           `json:"session"`
	At         Instant          `json:"at"`
	By         string           `json:"by"`
	Op         Op               `json:"op"`
	Person     string           `json:"person,omitempty"`
	Start      Instant          `json:"start,omitzero"`
	End        Instant          `json:"end,omitzero"`
	Room       string           `json:"room,omitempty"` // of a facilitator: MainRoom when empty
	Connection string           `json:"connection,omitempty"`
	Status     Status           `json:"status,omitempty"`
	Reason     CorrectionReason `json:"reason"`
	Note       string           `json:"note,omitempty"`
	Supersedes string           `json:"supersedes,omitempty"` // id of an earlier correction of the session
}

// Op is what a correction does.
type Op string

const (
	AddTime      Op = "add"
	RemoveTime   Op = "remove"
	ExtendWindow Op = "extend_window"
	DeclareBreak Op = "declare_break"
	CancelBreak  Op = "cancel_break"
	Reassign     Op = "reassign"
	SetStatus    Op = "set_status"
)

// CorrectionReason says why a correction was made.
type CorrectionReason string

const (
	PhoneParticipation        CorrectionReason = "phone_participation"
	DeviceFailure             CorrectionReason = "device_failure"
	FacilitatorConnectionLoss CorrectionReason = "facilitator_connection_loss"
	WrongPerson               CorrectionReason = "wrong_person"
	AdmitDelay                CorrectionReason = "admit_delay"
	BreakNotRecorded          CorrectionReason = "break_not_recorded"
	PayerRule                 CorrectionReason = "payer_rule"
	OtherReason               CorrectionReason = "other" // needs a Note
)

// Signature says that By stood by the records of a session that had Version.
type Signature struct {
	Session string  `json:"session"`
	Version int     `json:"version"`
	By      string  `json:"by"`
	At      Instant `json:"at"`
}

// Enrollment is a stay of a person in the program.
type Enrollment struct {
	Person  string      `json:"person"`
	Start   Instant     `json:"start"`
	End     Instant     `json:"end,omitzero"` // zero: goes on
	Profile ProfileName `json:"profile"`
}

// Authorization is what a payer granted a person, on local dates From to To,
// both included.
type Authorization struct {
	ID     string `json:"id"`
	Person string `json:"person"`
	Unit   Unit   `json:"unit"`
	Count  int    `json:"count"`
	From   Date   `json:"from"`
	To     Date   `json:"to"`
}

// Unit is what an authorization counts in (§9).
type Unit string

const (
	UnitDay     Unit = "day"
	UnitSession Unit = "session"
	UnitHour    Unit = "hour"
	UnitQ15     Unit = "q15"
)
