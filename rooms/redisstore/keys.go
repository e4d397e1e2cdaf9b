package redisstore

import (
	"strconv"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/schedule"
)

// Keys of one session. They share the tag {session}, hence one slot of a
// cluster, so that a script may touch several of them. None of them expires.
//
//	viop:{s}:lease      hash    epoch: the highest ever given; node: who holds it; until: when the
//	                            lease runs out, ms of Redis TIME, 0 when it was given back
//	viop:{s}:log:N      stream  evidence of epoch N. Ids are <seq>-0, seq from 1. e: the event as
//	                            canonical JSON; h: hash of the chain up to here (chain.go)
//	viop:{s}:crash:N    stream  the same, seq from 1_000_000_000: what epoch N left in its beat when
//	                            it crashed, written by whoever takes over, so that a late journal
//	                            of epoch N cannot collide with it
//	viop:{s}:audit:N    stream  the same for notes of the audit trail, seq from 1
//	viop:{s}:amend:0    stream  corrections and signatures of the session (records.Amendment), seq
//	                            from 1; the note of a correction is sealed
//	viop:{s}:reading:0  stream  readings of its records (records.Reading), seq from 1
//	viop:{s}:audit:0    stream  notes on who corrected and signed, seq from 1
//	viop:{s}:settled    string  records.Mark as JSON: the state in which it was settled
//	viop:{s}:heads      hash    "log:3" -> "<seq> <hash>" of the last entry, to notice a cut-off end
//	viop:{s}:beats      hash    epoch -> "<ms of Redis TIME> <beat as JSON>": proof of life and
//	                            presence; gone once the epoch is closed or its crash is settled
//	viop:{s}:memory     string  rooms.Memory as JSON: what the next epoch needs to go on
//	viop:{s}:doc        hash    tag, doc: the session as scheduled
//	viop:{s}:excuses    hash    tag:<person>, doc:<person>: who is excused from it
//
// Keys of other documents, those of one program, person and so on in a slot of
// their own. Lists of ids are zsets whose scores are all 0, so by name:
//
//	viop:{program:p}:doc            hash  tag, doc
//	viop:{program:p}:cohorts        zset  its cohorts
//	viop:{program:p}:series         zset  its series
//	viop:{person:p}:doc             hash  tag, doc; name and identifiers in doc are sealed
//	viop:{person:p}:sessions        set   sessions on whose roster or staff the person ever was, or in
//	                                      whose evidence or corrections they are
//	viop:{person:p}:enrollment      hash  tag, doc: the history of their levels
//	viop:{person:p}:authorizations  zset  their authorizations
//	viop:{identifier:i}:people      set   who has an identifier; i is it, blinded (seal.go)
//	viop:{cohort:c}:doc             hash  tag, doc
//	viop:{cohort:c}:series          set   series that meet with this cohort
//	viop:{series:x}:doc             hash  tag, doc
//	viop:{series:x}:made            hash  session -> the tag under which the series wrote it last
//	viop:{authorization:a}:doc      hash  tag, doc; the reference in doc is sealed
//
//	viop:{person:p}:disclosures stream  what was told of them (delivery.Disclosure), seq from 1; e, h as
//	                                  above, the chain begins with the person
//
// Keys of a destination, in one slot:
//
//	viop:{dest:d}:doc      hash    tag, doc: the destination; its secrets in doc are sealed
//	viop:{dest:d}:place    string  number of the last change of the feed that was looked at
//	viop:{dest:d}:queue    hash    lane -> numbers of the changes to be sent, in order, a space between
//	viop:{dest:d}:due      zset    lane -> when its head may be tried, ms
//	viop:{dest:d}:tries    hash    lane -> attempts at its head that failed
//	viop:{dest:d}:dead     zset    numbers of the dead letters, by number
//	viop:{dest:d}:letters  hash    number -> "<lane> <delivery.Attempt as JSON>" of a dead letter
//	viop:{dest:d}:log      stream  a: delivery.Attempt as JSON; about the last thousand
//	viop:{dest:d}:state    hash    queued: how many; held: nothing is sent until then, ms; delivered,
//	                               failed: the last such delivery.Attempt; disclosed: when last, ms
//	viop:{dest:d}:sender   hash    node, until: who sends, and until when that holds, ms of Redis TIME
//
// Keys of the whole store:
//
//	viop:{sessions}:by_start    zset  session -> scheduled start, ms
//	viop:{revocations}:list     zset  revocation as JSON -> until, ms
//	viop:{revocations}:rev      int   grows with every change of the list
//	viop:{changes}:feed         stream  what changed (records.Change), ids are <seq>-0, seq from 1
//	viop:{changes}:id           string  of the feed, random: so that places in two feeds differ
//	viop:{changes}:told         hash  records:<session> -> number of its last reading on the feed;
//	                                  signed:<session> -> of its last signature there, in amend:0;
//	                                  authorization:<id> -> "<as of, ms> <status told last or ->"
//	viop:{changes}:week:<date>  hash  person -> the week as told last: "<as of, ms> <number and time, ms,
//	                                  of the change> <verdict> <previous[,final] or -> <change as JSON>"
//	viop:{changes}:weeks        zset  "<date> <person>" of those; scores are 0, so by name
//	viop:{settling}:owed        set   "<session> <random>": an act was begun, what follows from it
//	                                  may not be settled
//	viop:{destinations}:ids     set     ids of destinations that are or were
//	viop:{corrections}:ids      hash  id of a correction -> its session
//	viop:{once:<hash>}          hash  what is done once under a key of a caller's: request: its hash;
//	                                  turn, until: who does it, ms of Redis TIME; answer: sealed. It
//	                                  expires after a day
//
// The indexes are filled with the document or beside the evidence they point
// to. Those of sessions may name too much (a session that was deleted, a roster
// that was changed): a reader looks at the document. Writing a document again
// repairs them.
const prefix = "viop:"

func sessionKey(session rooms.SessionID, name string) string {
	return prefix + "{" + string(session) + "}:" + name
}

func leaseKey(s rooms.SessionID) string  { return sessionKey(s, "lease") }
func headsKey(s rooms.SessionID) string  { return sessionKey(s, "heads") }
func beatsKey(s rooms.SessionID) string  { return sessionKey(s, "beats") }
func docKey(s rooms.SessionID) string    { return sessionKey(s, "doc") }
func memoryKey(s rooms.SessionID) string { return sessionKey(s, "memory") }

func excusesKey(s rooms.SessionID) string { return sessionKey(s, "excuses") }

func settledKey(s rooms.SessionID) string { return sessionKey(s, "settled") }

func personKey(p rooms.PersonID, name string) string {
	return prefix + "{person:" + string(p) + "}:" + name
}

func identifierKey(blinded string) string { return prefix + "{identifier:" + blinded + "}:people" }

func programKey(p schedule.ProgramID, name string) string {
	return prefix + "{program:" + string(p) + "}:" + name
}

func cohortKey(c schedule.CohortID, name string) string {
	return prefix + "{cohort:" + string(c) + "}:" + name
}

func seriesKey(x schedule.SeriesID, name string) string {
	return prefix + "{series:" + string(x) + "}:" + name
}

func authorizationKey(a schedule.AuthorizationID) string {
	return prefix + "{authorization:" + string(a) + "}:doc"
}

func onceKey(hash string) string { return prefix + "{once:" + hash + "}" }

const destinationsKey = prefix + "{destinations}:ids"

func destinationKey(d delivery.ID, name string) string {
	return prefix + "{dest:" + string(d) + "}:" + name
}

const (
	byStartKey     = prefix + "{sessions}:by_start"
	revokedKey     = prefix + "{revocations}:list"
	revokedSeenKey = prefix + "{revocations}:rev"
	feedKey        = prefix + "{changes}:feed"
	feedIDKey      = prefix + "{changes}:id"
	toldKey        = prefix + "{changes}:told"
	weeksKey       = prefix + "{changes}:weeks"
	owedKey        = prefix + "{settling}:owed"
	correctionsKey = prefix + "{corrections}:ids"
)

// weekKey has what was told of the weeks that begin on a date.
func weekKey(first attendance.Date) string { return prefix + "{changes}:week:" + first.String() }

// kind of a stream of entries.
type kind string

const (
	kindLog   kind = "log"
	kindCrash kind = "crash"
	kindAudit kind = "audit"

	kindAmend   kind = "amend"   // of epoch 0, and so is
	kindReading kind = "reading" // the words are those of records.Kind
)

// firstSeq is the number of the first entry of a stream.
func (k kind) firstSeq() int {
	if k == kindCrash {
		return 1_000_000_000
	}
	return 1
}

// isEvidence reports whether entries are events of the contract.
func (k kind) isEvidence() bool { return k == kindLog || k == kindCrash }

// stream names one chain of entries.
type stream struct {
	session rooms.SessionID
	epoch   int
	kind    kind
}

func (s stream) name() string { return string(s.kind) + ":" + strconv.Itoa(s.epoch) }
func (s stream) key() string  { return sessionKey(s.session, s.name()) }
