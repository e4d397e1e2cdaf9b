// Package records keeps the books on attendance: what the records of a session
// said and when, what was corrected, who signed what, and what changed.
//
// The minutes themselves are a pure function of the evidence
// (rooms/attendance). This package remembers its answers, so that a signature
// can name one, and adds the two acts that people have: a correction, which is
// one more fact, and a signature, which stands by a version of the records.
// Nothing here is ever edited or taken back:
//
//   - Corrections and signatures of a session are one append-only chain. Each
//     is written on the condition that nobody wrote in between, so two people
//     who act at once act one after the other, or one of them is told.
//   - Every reading of every record since its session was over is kept, with
//     version and hash and what was around it (About), before anything is said
//     of it on the feed: whoever writes it for others never counts again.
//   - The feed (Change) says each change once: records, also of people who did
//     not come, signatures, weeks, and authorizations that run low. Settle may
//     be interrupted anywhere and repeated, by several nodes at once.
//
// What evidence that comes late does: versions count corrections only (SPEC
// §5), so the version stays, the record is kept anew with another hash, and
// the signature no longer matches. The contract still calls such a record
// signed; Sheet.Stale, the warnings in the log, and Check name it, until
// somebody signs again.
//
// Start with Books; Store is what it needs from below (rooms/redisstore).
package records
