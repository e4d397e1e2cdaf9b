package records

import (
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// About is what was around a record when it was read: with it, every format
// that goes out can be written from the reading alone. Other systems see it as
// it was then, so what changes here is told like what changes in the record.
type About struct {
	Program   schedule.ProgramID `json:"program"`
	Timezone  string             `json:"timezone"`        // IANA
	Title     string             `json:"title,omitempty"` // of the session; neutral
	Start     attendance.Instant `json:"start"`           // scheduled, and so is
	End       attendance.Instant `json:"end"`
	Waiting   attendance.Set     `json:"waiting,omitempty"`   // when the person was in the lobby
	Connected attendance.Set     `json:"connected,omitempty"` // when they were in a room, on any device
	Breaks    attendance.Set     `json:"breaks,omitempty"`    // of the session
	// Facilitators are the times at which each was in a room of the session.
	Facilitators []Staff           `json:"facilitators,omitempty"`
	PatientsMax  int               `json:"patients_max"`
	Flags        []attendance.Flag `json:"flags,omitempty"`

	// As documents have it; "" where there is none.
	Cohort        string `json:"cohort,omitempty"`
	Track         string `json:"track,omitempty"`
	Level         string `json:"level,omitempty"`         // of care, at the start of the session
	Appointment   string `json:"appointment,omitempty"`   // the scheduling system's name for it
	Authorization string `json:"authorization,omitempty"` // id of the one that pays
}

// Staff is a time at which a facilitator was there.
type Staff struct {
	Person string             `json:"person"`
	Start  attendance.Instant `json:"start"`
	End    attendance.Instant `json:"end"`
}
