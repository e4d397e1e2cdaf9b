package delivery

import (
	"slices"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/export"
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

// RowsOf are the rows of the accounting, one for each person, in order.
func RowsOf(items []export.Item) []Disclosure {
	of := map[string]*Disclosure{}
	var people []string
	for _, item := range items {
		for _, person := range item.Patients() {
			row := of[person]
			if row == nil {
				row = &Disclosure{Person: rooms.PersonID(person)}
				of[person], people = row, append(people, person)
			}
			row.Records++
			row.Items = append(row.Items, item.ID)
		}
	}
	slices.Sort(people)
	rows := make([]Disclosure, len(people))
	for i, person := range people {
		rows[i] = *of[person]
	}
	return rows
}
