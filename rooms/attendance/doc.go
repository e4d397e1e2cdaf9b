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
//	zones.go                      the time zone database
//	intervals.go, paint.go        the algebra of half-open intervals (§1)
//	evidence.go                   events to stays in rooms and lobby (§3)
//	corrections.go, versions.go   what was changed, and what was signed (§5)
//	credit.go, rooms.go           credit of one person in one session (§4)
//	status.go                     status, labels, flags (§4)
//	evaluate.go                   the order of it all, and §4.8
//	services.go, profiles.go      the tables (§6, §7)
//	weeks.go, measure.go          days, weeks, projection, verdict (§8)
//	authorizations.go             units and authorizations (§9)
//	explain.go, inquiry.go        why an instant is credited, or what took it
//	timeline.go                   the same of a whole session
//	projection.go                 one running session, event by event
//
// An auditor's path is NewTimeline, what became of every instant of a session;
// ExplainAt, one instant with the rules and the evidence behind it; Explain,
// the named sets C, R, F, W, B, A, X, K of one person in one session. They are
// computed by the same code as the record.
//
// Everything is n log n in events, sessions and corrections: a program of a
// thousand patients and twelve weeks, half a million events, takes less than
// a second (BenchmarkProgram), and no heap of one kind of thing takes longer
// than its share (BenchmarkCrowd). The tests hold a second reading of SPEC.md,
// second by second and slow, that agrees on random cases (model_test.go).
//
// Zones are those of the database that the package brings along (zones.go), not
// the machine's: every machine gives the same answer, and ZoneDataVersion is
// part of how it came about.
package attendance
