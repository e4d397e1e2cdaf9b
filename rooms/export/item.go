package export

import (
	"encoding/json"
	"slices"

	"viop/rooms/attendance"
	"viop/rooms/records"
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

// What is told of an authorization is this and its status.
const authorizationType = "authorization."

// Types are all there are.
func Types() []Type {
	return []Type{
		RecordFinalized, RecordAmended, RecordWithdrawn, RecordNoShow, RecordLobbyOnly, RecordsSigned,
		WeekType(attendance.VerdictNoMinimum), WeekType(attendance.VerdictPartialWeek), WeekType(attendance.VerdictMet),
		WeekType(attendance.VerdictNotMet), WeekType(attendance.VerdictCannotMeet), WeekType(attendance.VerdictAtRisk),
		WeekType(attendance.VerdictOnTrack),
		authorizationType + Type(records.AuthorizationLow), authorizationType + Type(records.AuthorizationExhausted),
		authorizationType + Type(records.AuthorizationRecovered),
	}
}

// WeekType is the type of a week with the verdict.
func WeekType(v attendance.Verdict) Type { return Type(weekType + string(v)) }

// RecordID is the one name of a record, in every format.
func RecordID(session, person string) string { return session + "/" + person }

// StatusWithdrawn is the status of a record that is no more.
const StatusWithdrawn attendance.Status = "withdrawn"

// Record is a record as it was told, with all that is needed to write it in
// any format. When it was withdrawn it has its names, StatusWithdrawn and no
// minutes.
type Record struct {
	RecordID string `json:"record_id"`
	attendance.Record
	Hash     string `json:"hash,omitempty"`        // of Record as it is signed; "" when withdrawn
	External string `json:"external_id,omitempty"` // of the person, in the destination's words
	Name     string `json:"name,omitempty"`        // of the person, where names may go
	// Of a record that is signed: by whom, when and in which words. SignedHash
	// is another than Hash when evidence came after the signature.
	SignedBy   string             `json:"signed_by,omitempty"`
	SignedAt   attendance.Instant `json:"signed_at,omitzero"`
	SignedHash string             `json:"signed_hash,omitempty"`
	About      *records.About     `json:"about,omitempty"` // nil in what was told before there was one
}

// MarshalJSON leaves out what a record that was withdrawn has not: it was
// about nothing.
func (r Record) MarshalJSON() ([]byte, error) {
	type whole Record
	if r.Status != StatusWithdrawn {
		return json.Marshal(whole(r))
	}
	return json.Marshal(struct {
		RecordID   string            `json:"record_id"`
		Session    string            `json:"session"`
		Person     string            `json:"person"`
		Status     attendance.Status `json:"status"`
		Version    int               `json:"version"`
		CreditedMS int64             `json:"credited_ms"`
		External   string            `json:"external_id,omitempty"`
		Name       string            `json:"name,omitempty"`
	}{r.RecordID, r.Session, r.Person, r.Status, r.Version, 0, r.External, r.Name})
}

// Week is a week of a person as it was told.
type Week struct {
	records.ToldWeek
	External string `json:"external_id,omitempty"`
	Name     string `json:"name,omitempty"`
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
	Person   string `json:"person"`
	External string `json:"external_id,omitempty"`
	Name     string `json:"name,omitempty"`
	Hash     string `json:"hash"`
}

// Authorization is what a payer's grant had left when that was told.
type Authorization struct {
	records.ToldAuthorization
	External string `json:"external_id,omitempty"`
	Name     string `json:"name,omitempty"`
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

func (r Record) has(l attendance.Label) bool { return slices.Contains(r.Labels, l) }
