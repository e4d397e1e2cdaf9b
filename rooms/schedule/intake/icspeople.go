package intake

import (
	"slices"
	"strings"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
)

// An attendee is an ATTENDEE as the identifier of a person, by the agreed
// system. CN, the name beside it, is never looked at.
type attendee struct {
	line       int
	identifier schedule.Identifier
	declined   bool
}

// attendees of an event that are people who take part.
func (c *calendar) attendees(part component) []attendee {
	if c.settings.Attendees == "" {
		return nil
	}
	var found []attendee
	for _, p := range part.all("ATTENDEE") {
		kind, role := upper(p.parameters["CUTYPE"]), upper(p.parameters["ROLE"])
		if kind != "" && kind != "INDIVIDUAL" || role == "NON-PARTICIPANT" {
			continue
		}
		found = append(found, attendee{
			line:       p.line,
			identifier: schedule.Identifier{System: c.settings.Attendees, Value: address(p.value)},
			declined:   upper(p.parameters["PARTSTAT"]) == "DECLINED",
		})
	}
	return found
}

// address is a calendar user's without its mailto:, in lower case: that is how
// people are told of by it.
func address(value string) string {
	value = strings.TrimSpace(value)
	if len(value) > len("mailto:") && strings.EqualFold(value[:len("mailto:")], "mailto:") {
		return strings.ToLower(value[len("mailto:"):])
	}
	return value
}

// attendee puts a person on the list of their role.
func (f *File) attendee(id rooms.PersonID, patients, staff *[]rooms.PersonID) {
	list := patients
	if person, ok := stored[schedule.Person](f, personName(id)); ok && person.Role == auth.Facilitator {
		list = staff
	}
	if !slices.Contains(*list, id) {
		*list = append(*list, id)
	}
}
