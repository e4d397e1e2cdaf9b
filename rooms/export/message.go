package export

import (
	"encoding/json"

	"viop/rooms/attendance"
)

// Message is an item as the payload of a webhook (Standard Webhooks): it names
// things and says nothing about anybody, because payloads end up in logs. The
// receiver fetches the item if it may.
type Message struct {
	Type      Type               `json:"type"`
	Timestamp attendance.Instant `json:"timestamp"` // when it was told
	Data      MessageData        `json:"data"`
}

// MessageData names what a Message is about.
type MessageData struct {
	Item    string `json:"item_id"`              // webhook-id says the same
	Record  string `json:"record_id,omitempty"`  // of a record, and so is
	Session string `json:"session_id,omitempty"` // (of a signature too, and so is)
	Version int    `json:"version,omitempty"`

	Person        string          `json:"person_id,omitempty"` // of a week or an authorization
	Week          attendance.Date `json:"week,omitzero"`       // its first date
	Authorization string          `json:"authorization_id,omitempty"`
}

// Message is the payload of a webhook that tells of the item.
func (i Item) Message() ([]byte, error) {
	m := Message{Type: i.Type, Timestamp: i.At, Data: MessageData{Item: i.ID}}
	switch {
	case i.Record != nil:
		m.Data.Record, m.Data.Session, m.Data.Version = i.Record.RecordID, i.Record.Session, i.Record.Version
	case i.Signature != nil:
		m.Data.Session, m.Data.Version = i.Signature.Session, i.Signature.Version
	case i.Week != nil:
		m.Data.Person, m.Data.Week = i.Week.Person, i.Week.Week.Week
	case i.Authorization != nil:
		m.Data.Person, m.Data.Authorization = i.Authorization.Person, i.Authorization.ID
	}
	return json.Marshal(m)
}
