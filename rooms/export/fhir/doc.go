// Package fhir writes what was told about attendance as FHIR R4 resources:
//
//   - Encounter: the attendance of one person in one session. Its length is the
//     credited time; its identifier is the record's one name, so that an
//     amendment is the same resource.
//   - Observation: a week of a person and its verdict.
//   - Provenance: a signature, with the hashes it was given for.
//   - Task: what staff have to look at: somebody left in the lobby, a minimum
//     that is missed, a record nobody signed, an authorization that runs out.
//   - Appointment: only its status, in a resource that the scheduling system
//     owns (UpdateAppointment).
//
// Everything travels in transaction Bundles of conditional writes, by our
// identifiers: to send one again, or out of a backup, changes nothing. Nothing
// refers to a resource that the other server must have already.
//
// All of it is pure. Only what we write is in the structs here; a whole model
// of R4 would be another program. Two validators of others look at every kind
// of resource (web/app/src/fhir.test.ts).
//
// Start with Target.Bundle.
package fhir
