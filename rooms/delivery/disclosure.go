package delivery

import (
	"viop/rooms"
	"viop/rooms/attendance"
)

// Disclosure is one row of the accounting of a person: something about them is
// about to leave.
type Disclosure struct {
	Seq         int                `json:"seq"` // in the accounting of the person
	At          attendance.Instant `json:"at"`
	Person      rooms.PersonID     `json:"-"` // the row is kept with them
	Destination ID                 `json:"destination"`
	Basis       Basis              `json:"basis"`
	Notice      string             `json:"notice"` // version of the notice that went along
	Format      Format             `json:"format"`
	By          string             `json:"by,omitempty"` // subject of who fetched it; "" when it was brought
	Names       bool               `json:"names,omitempty"`
	Records     int                `json:"records"` // how many of this person
	// What it was: ids of a few, or a span.
	Items []string `json:"items,omitempty"`
	From  string   `json:"from,omitempty"`
	To    string   `json:"to,omitempty"`
}

// Format of what leaves.
type Format string

const (
	AsFeed    Format = "feed"
	AsWeeks   Format = "weeks"
	AsCSV     Format = "csv"
	AsWebhook Format = "webhook"
	AsFHIR    Format = "fhir"
	AsPush    Format = "fhir_push"
)
