// Package attendance turns the evidence of a session into credited time.
//
// SPEC.md beside this file is the contract; every paragraph sign (§) in these
// comments points into it. The package is a pure function in the strict sense:
// no clock, no input or output, no goroutine, no state between two calls. The
// question "as of when?" is part of the input.
//
//	c, err := attendance.Decode(document) // or build a Case in Go and Validate it
//	result := attendance.Evaluate(c)
//	answer, err := json.Marshal(result)
//
// Where to read:
//
//	case.go, result.go            the two documents, field by field (§2, §10)
//	decode.go, decode_case.go     JSON to Case, errors with a JSON pointer (§2)
//	validate*.go                  what one field cannot say alone (§2, §3, §5)
//	instant.go, calendar.go       instants, local dates, days and weeks (§1)
//	intervals.go                  the algebra of half-open intervals (§1)
//	evidence.go                   events to stays in rooms and lobby (§3)
//	corrections.go, versions.go   what was changed, and what was signed (§5)
//	credit.go, status.go          credit of one person in one session (§4)
//	services.go, profiles.go      the tables (§6, §7)
//	weeks.go, measure.go          days, weeks, projection, verdict (§8)
//	authorizations.go             units and authorizations (§9)
//
// An auditor's path is Explain: the named sets C, R, F, W, B, A, X, K of one
// person in one session, computed by the same code as the record.
//
// Zones come from the Go zone database: a program that imports this package
// imports time/tzdata too, so that it does not depend on the machine's.
package attendance
