package attendance

// ResultFormat names the output document.
const ResultFormat = "viop.attendance.result/1"

// Result is the whole output document (§10). It marshals with the keys in
// this order and without null lists.
type Result struct {
	Format         string                `json:"format"`
	AsOf           Instant               `json:"as_of"`
	Timezone       string                `json:"timezone"`
	Records        []Record              `json:"records"`        // by session, person
	Sessions       []SessionResult       `json:"sessions"`       // by session
	Weeks          []Week                `json:"weeks"`          // by person, week
	Authorizations []AuthorizationResult `json:"authorizations"` // by id
}

// Record is the attendance of one person in one session. What is lost and
// why adds up (§4), for a session that counts:
//
//	Connected + Bridged + Manual = Credited + all Lost
type Record struct {
	Session string  `json:"session"`
	Person  string  `json:"person"`
	Service Service `json:"service"`
	Date    Date    `json:"date"` // local date of the scheduled start
	Status  Status  `json:"status"`
	State   State   `json:"state"`
	Version int     `json:"version"`
	Labels  []Label `json:"labels"`

	ConnectedMS         int64 `json:"connected_ms"`
	LobbyMS             int64 `json:"lobby_ms"`
	BridgedMS           int64 `json:"bridged_ms"`
	LostOutsideWindowMS int64 `json:"lost_outside_window_ms"`
	LostBreakMS         int64 `json:"lost_break_ms"`
	LostNoFacilitatorMS int64 `json:"lost_no_facilitator_ms"`
	LostCorrectionMS    int64 `json:"lost_correction_ms"`
	LostOverlapMS       int64 `json:"lost_overlap_ms"`
	ManualMS            int64 `json:"manual_ms"`
	AttendedMS          int64 `json:"attended_ms"`
	CreditedMS          int64 `json:"credited_ms"`

	Credited Set         `json:"credited"` // K
	Units    RecordUnits `json:"units"`
}

// Status is what became of a person's appointment (§4).
type Status string

const (
	StatusCancelled         Status = "cancelled_by_program"
	StatusAttended          Status = "attended"
	StatusRemoved           Status = "removed"
	StatusPresentUncredited Status = "present_uncredited"
	StatusLobbyOnly         Status = "lobby_only" // a task for staff, never a no-show
	StatusExcused           Status = "excused"
	StatusScheduled         Status = "scheduled"
	StatusNoShow            Status = "no_show"
)

// State is how far a record is signed (§5).
type State string

const (
	StateOpen     State = "open"     // the session is not over
	StateUnsigned State = "unsigned" // over, and never signed
	StateSigned   State = "signed"   // in its present version
	StateAmended  State = "amended"  // signed, and corrected since
)

// Label remarks on a record; labels never change credit.
type Label string

const (
	LabelBridged   Label = "bridged"
	LabelLate      Label = "late"
	LabelLeftEarly Label = "left_early"
	LabelManual    Label = "manual"
)

// RecordUnits are the billing columns of one record (§9).
type RecordUnits struct {
	MinuteFloor int64 `json:"minute_floor"`
	Q15Floor    int64 `json:"q15_floor"`
	Q15CMS8     int64 `json:"q15_cms8"`
	Q15Ceil     int64 `json:"q15_ceil"`
}

// SessionResult is what is said of a session as a whole.
type SessionResult struct {
	Session       string   `json:"session"`
	Flags         []Flag   `json:"flags"`
	PatientsMax   int      `json:"patients_max"` // most patients connected at one instant
	FirstEvidence *Instant `json:"first_evidence"`
	LastEvidence  *Instant `json:"last_evidence"`
}

// Flag remarks on a session.
type Flag string

const (
	FlagGroupOverMax  Flag = "group_over_max"
	FlagGroupUnderMin Flag = "group_under_min"
	FlagNoFacilitator Flag = "no_facilitator"
)

// Week is one local week of one person (§8).
type Week struct {
	Person  string      `json:"person"`
	Week    Date        `json:"week"` // its first date
	Start   Instant     `json:"start"`
	End     Instant     `json:"end"`
	Profile ProfileName `json:"profile"`
	Days    []Day       `json:"days"` // those with credit

	CreditedMS     int64   `json:"credited_ms"`
	ScheduledMS    int64   `json:"scheduled_ms"`
	MeasuredMS     int64   `json:"measured_ms"`
	QualifyingDays int     `json:"qualifying_days"`
	NeedMS         *int64  `json:"need_ms"` // nil without a minimum
	DaysNeed       int     `json:"days_need"`
	RemainingMS    int64   `json:"remaining_ms"`
	PossibleDays   int     `json:"possible_days"`
	SlackMS        *int64  `json:"slack_ms"` // nil without a minimum
	Verdict        Verdict `json:"verdict"`
	OverMax        bool    `json:"over_max"`
	Engaged        *bool   `json:"engaged"` // nil after the first four weeks
}

// Day is one local date of a Week.
type Day struct {
	Date       Date  `json:"date"`
	CreditedMS int64 `json:"credited_ms"`
	Qualifies  bool  `json:"qualifies"`
}

// Verdict says where a week stands against its minimum (§8).
type Verdict string

const (
	VerdictNoMinimum   Verdict = "no_minimum"
	VerdictPartialWeek Verdict = "partial_week"
	VerdictMet         Verdict = "met"
	VerdictNotMet      Verdict = "not_met"
	VerdictCannotMeet  Verdict = "cannot_meet"
	VerdictAtRisk      Verdict = "at_risk"
	VerdictOnTrack     Verdict = "on_track"
)

// AuthorizationResult is what an authorization has left (§9).
type AuthorizationResult struct {
	ID        string `json:"id"`
	Person    string `json:"person"`
	Used      int64  `json:"used"`      // on signed records
	Pending   int64  `json:"pending"`   // on records still to be signed
	Remaining int64  `json:"remaining"` // negative when overdrawn
}
