package intake

import (
	"strconv"

	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// authorizationTable is a CSV file of what payers granted, one a row:
//
//	authorization_id  the id
//	person_id         the id of the patient, or system|value
//	unit              day, session, hour or q15
//	count             how many
//	from, to          local dates, both included
//	payer, reference  the payer, and its number for it
type authorizationTable struct {
	rows []row
}

func readAuthorizations(rows []row, _ Settings, r *remarks) reader {
	seen := map[string]int{}
	for _, row := range rows {
		id := row.cells["authorization_id"]
		if first, twice := seen[id]; twice {
			r.refuse(row.line, "authorization_id", "This authorization is already on line %d.", first)
			continue
		}
		seen[id] = row.line
	}
	return &authorizationTable{rows}
}

func (t *authorizationTable) ask(f *File) {
	for _, row := range t.rows {
		f.need(schedule.Authorization{ID: schedule.AuthorizationID(row.cells["authorization_id"])}.Called())
		if id, ok := identifierOf(row.cells["person_id"]); ok {
			f.needIdentifiers(id)
		}
	}
}

func (t *authorizationTable) wants(f *File) []want {
	var wants []want
	for _, row := range t.rows {
		id := schedule.AuthorizationID(row.cells["authorization_id"])
		if id == "" {
			f.remarks.refuse(row.line, "authorization_id", "Every authorization has an id.")
			continue
		}
		a, _ := stored[schedule.Authorization](f, schedule.Authorization{ID: id}.Called())
		person, ok := f.personOf(row.cells["person_id"], row.line, "person_id")
		if !ok {
			continue
		}
		if a.ID != "" && a.Person != person {
			f.remarks.refuse(row.line, "person_id", "This authorization is of another person.")
			continue
		}
		a.ID, a.Person = id, person
		a.Unit = attendance.Unit(row.cells["unit"])
		var okFrom, okTo bool
		a.From, okFrom = readDate(row, "from", &f.remarks)
		a.To, okTo = readDate(row, "to", &f.remarks)
		count, err := strconv.Atoi(row.cells["count"])
		if err != nil {
			f.remarks.refuse(row.line, "count", "This must be a whole number.")
		}
		if a.Count = count; err != nil || !okFrom || !okTo {
			continue
		}
		if row.has("payer") {
			a.Payer = row.cells["payer"]
		}
		if row.has("reference") {
			a.Reference = row.cells["reference"]
		}
		wants = append(wants, want{line: row.line, document: a, columns: map[string]string{"id": "authorization_id", "person": "person_id"}})
	}
	return wants
}
