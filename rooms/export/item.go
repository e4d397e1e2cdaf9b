package export

import (
	"slices"

	"viop/rooms/attendance"
)

// Item is one entry of the feed as everybody outside reads it: the pull feed
// as it is, a webhook its Message, CSV its rows, FHIR its resources. It is
// written from what was told and from nothing else, so that whoever asks
// twice, or over another channel, reads the same.
type Item struct {
	// ID is that of the change, and the same over all channels and attempts.
	ID   string             `json:"id"`
	At   attendance.Instant `json:"at"` // when it was told
	Type Type               `json:"type"`
	// One of the four, as the type says.
	Record        *Record        `json:"record,omitempty"`
	Signature     *Signature     `json:"signature,omitempty"`
	Week          *Week          `json:"week,omitempty"`
	Authorization *Authorization `json:"authorization,omitempty"`
	Notice        string         `json:"notice"`
	NoticeVersion string         `json:"notice_version"`
}

// Type says what an Item tells.
type Type string

// What is told of a record. Its first reading is one of Finalized, NoShow and
// LobbyOnly; whatever it says later is Amended, until it is Withdrawn.
const (
	RecordFinalized Type = "attendance.record.finalized"
	RecordAmended   Type = "attendance.record.amended"
	RecordWithdrawn Type = "attendance.record.withdrawn" // there is no such record any more
	RecordNoShow    Type = "attendance.no_show"
	RecordLobbyOnly Type = "attendance.lobby_only" // a task for staff, never a no-show
	// RecordsSigned is of a session: somebody stands by a version of its records.
	RecordsSigned Type = "attendance.record.signed"
)

// What is told of a week is "week." and its verdict, whether that is new
// (Week.Previous) or only the numbers under it are.
const weekType = "week."

// What is told of an authorization.
const (
	AuthorizationLow       Type = "authorization.low"
	AuthorizationExhausted Type = "authorization.exhausted"
	AuthorizationRecovered Type = "authorization.recovered"
)

// Types are all there are.
func Types() []Type {
	return []Type{
		RecordFinalized, RecordAmended, RecordWithdrawn, RecordNoShow, RecordLobbyOnly, RecordsSigned,
		WeekType(attendance.VerdictNoMinimum), WeekType(attendance.VerdictPartialWeek), WeekType(attendance.VerdictMet),
		WeekType(attendance.VerdictNotMet), WeekType(attendance.VerdictCannotMeet), WeekType(attendance.VerdictAtRisk),
		WeekType(attendance.VerdictOnTrack),
		AuthorizationLow, AuthorizationExhausted, AuthorizationRecovered,
	}
}

// WeekType is the type of a week with the verdict.
func WeekType(v attendance.Verdict) Type { return Type(weekType + string(v)) }

// Patient is who it is about, by our id, with what else the destination may
// know them by.
type Patient struct {
	Person   string `json:"person"`
	External string `json:"external_id,omitempty"` // the destination's own
	Name     string `json:"name,omitempty"`        // only where names may go
}

// RecordID is the one name of a record, in every format.
func RecordID(session, person string) string { return session + "/" + person }

// StatusWithdrawn is the status of a record that is no more.
const StatusWithdrawn attendance.Status = "withdrawn"

// Record is a record as it was told, with all that is needed to write it in
// any format. When it was withdrawn it has only its names, StatusWithdrawn and
// no minutes.
type Record struct {
	RecordID string `json:"record_id"`
	attendance.Record
	External string             `json:"external_id,omitempty"`
	Name     string             `json:"name,omitempty"`
	Hash     string             `json:"hash,omitempty"` // "" when withdrawn
	SignedBy string             `json:"signed_by,omitempty"`
	SignedAt attendance.Instant `json:"signed_at,omitzero"`
	About    *About             `json:"about,omitempty"` // nil in what was told before there was one
}

// About is the surroundings of a record as they were read.
type About struct {
	Program       string             `json:"program"`
	Timezone      string             `json:"timezone"` // IANA
	Title         string             `json:"title,omitempty"`
	Start         attendance.Instant `json:"scheduled_start"`
	End           attendance.Instant `json:"scheduled_end"`
	Waiting       attendance.Set     `json:"waiting"`   // in the lobby
	Connected     attendance.Set     `json:"connected"` // in a room
	Breaks        attendance.Set     `json:"breaks"`
	Facilitators  []Staff            `json:"facilitators"`
	PatientsMax   int                `json:"patients_max"`
	Flags         []attendance.Flag  `json:"flags"`
	Cohort        string             `json:"cohort,omitempty"`
	Track         string             `json:"track,omitempty"`
	Level         string             `json:"level,omitempty"`
	Appointment   string             `json:"appointment,omitempty"`
	Authorization string             `json:"authorization,omitempty"`
}

// Staff is a time in which a facilitator was in a session.
type Staff struct {
	Person string             `json:"person"`
	Start  attendance.Instant `json:"start"`
	End    attendance.Instant `json:"end"`
}

// Week is a week of a person as it was told.
type Week struct {
	attendance.Week
	External string             `json:"external_id,omitempty"`
	Name     string             `json:"name,omitempty"`
	Timezone string             `json:"timezone,omitempty"`
	MinMS    *int64             `json:"min_ms"`             // nil without a minimum
	Previous attendance.Verdict `json:"previous,omitempty"` // "" when it is the first
	Final    bool               `json:"final"`              // it is over and its records are signed
}

// Signature says that somebody stands by the records of a session that had a
// version.
type Signature struct {
	Session string             `json:"session"`
	Version int                `json:"version"`
	By      string             `json:"by"`
	At      attendance.Instant `json:"at"`
	Hash    string             `json:"hash"` // over people and the hashes of their records
	Head    string             `json:"head"` // of the evidence they were computed from
	Records []SignedRecord     `json:"records"`
}

// SignedRecord is a record as it was signed.
type SignedRecord struct {
	RecordID string `json:"record_id"`
	Patient
	Hash string `json:"hash"`
}

// Authorization is what a payer's grant has left.
type Authorization struct {
	ID string `json:"id"`
	Patient
	Remaining int64 `json:"remaining"` // negative when overdrawn
}

// Patients are the people it tells something of, in order: an accounting of
// disclosures has a row for each.
func (i Item) Patients() []string {
	var people []string
	switch {
	case i.Record != nil:
		people = append(people, i.Record.Person)
	case i.Week != nil:
		people = append(people, i.Week.Person)
	case i.Authorization != nil:
		people = append(people, i.Authorization.Person)
	case i.Signature != nil:
		for _, r := range i.Signature.Records {
			people = append(people, r.Person)
		}
	}
	slices.Sort(people)
	return slices.Compact(people)
}
