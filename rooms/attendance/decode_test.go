package attendance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/attendance"
)

// wellFormed is a document in which every kind of thing occurs. Each case of
// TestDecodeRefuses replaces one piece of it.
const wellFormed = `{
  "format": "viop.attendance/1",
  "as_of": "2026-11-03T04:00:00Z",
  "program": { "timezone": "America/Chicago", "week_start": "monday", "profile": "generic_adult",
    "profile_overrides": { "day_min_minutes": 170, "week_max_minutes": null, "week_basis": "average", "telehealth_allowed": true },
    "counting": { "bridge_seconds": 60, "clip": "actual", "margin_minutes": 0 } },
  "people": [
    { "id": "t1", "role": "facilitator" }, { "id": "o1", "role": "observer" }, { "id": "g1", "role": "guest" },
    { "id": "p1", "role": "patient" }, { "id": "p2", "role": "patient" } ],
  "sessions": [
    { "id": "s1", "service": "group", "counts": true, "scheduled_start": "2026-11-03T00:00:00Z", "scheduled_end": "2026-11-03T03:00:00Z",
      "breaks": [ { "start": "2026-11-03T01:00:00Z", "end": "2026-11-03T01:10:00Z" } ], "roster": ["p1", "p2"], "status": "scheduled" },
    { "id": "s2", "service": "family", "counts": null, "scheduled_start": "2026-11-04T00:00:00+01:00", "scheduled_end": "2026-11-04T03:00:00.5Z", "roster": [] } ],
  "excused": [ { "session": "s1", "person": "p2", "by": "patient" } ],
  "events": [
    { "session": "s1", "epoch": 1, "seq": 1, "at": "2026-11-03T00:00:00Z", "type": "opened", "person": null },
    { "session": "s1", "epoch": 1, "seq": 2, "at": "2026-11-03T00:00:01Z", "type": "admitted", "person": "p1", "connection": "c1" },
    { "session": "s1", "epoch": 1, "seq": 3, "at": "2026-11-03T00:00:02Z", "type": "moved", "connection": "c1", "room": "b" },
    { "session": "s1", "epoch": 1, "seq": 2, "at": "2026-11-03T01:00:01+01:00", "type": "admitted", "person": "p1", "connection": "c1", "room": "main" },
    { "session": "s1", "epoch": 1, "seq": 4, "at": "2026-11-03T01:00:00Z", "type": "left", "connection": "c1", "reason": "leave" },
    { "session": "s1", "epoch": 0, "seq": 4, "at": "2026-11-03T01:00:00Z", "type": "seen", "connection": "c7" } ],
  "corrections": [
    { "id": "k1", "session": "s1", "at": "2026-11-03T03:10:00Z", "by": "o1", "op": "add", "person": "p1", "start": "2026-11-03T01:00:00Z", "end": "2026-11-03T02:00:00Z", "reason": "payer_rule" },
    { "id": "k2", "session": "s1", "at": "2026-11-03T03:10:00Z", "by": "t1", "op": "reassign", "person": "g1", "connection": "c7", "reason": "other", "note": "x", "supersedes": "k1" },
    { "id": "k3", "session": "s1", "at": "2026-11-03T03:10:00Z", "by": "t1", "op": "set_status", "person": "p2", "status": "excused", "reason": "other", "note": "y", "supersedes": null },
    { "id": "k4", "session": "s2", "at": "2026-11-05T03:10:00Z", "by": "t1", "op": "remove", "person": "t1", "room": "b", "start": "2026-11-03T01:00:00Z", "end": "2026-11-03T02:00:00Z", "reason": "admit_delay" } ],
  "signatures": [ { "session": "s1", "version": 1, "by": "t1", "at": "2026-11-03T03:20:00Z" } ],
  "enrollments": [
    { "person": "p1", "start": "2026-10-26T05:00:00Z", "end": "2026-11-01T05:00:00Z", "profile": "php" },
    { "person": "p1", "start": "2026-11-01T05:00:00Z", "end": null, "profile": "generic_adult" } ],
  "authorizations": [ { "id": "a1", "person": "p1", "unit": "day", "count": 12, "from": "2026-10-26", "to": "2026-10-26" } ]
}`

func TestDecodeAccepts(t *testing.T) {
	c := mustDecode(t, []byte(wellFormed))
	again, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attendance.Evaluate(c), attendance.Evaluate(mustDecode(t, again))); diff != "" {
		t.Errorf("-document +its case marshalled\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, x := range []struct{ name, old, new, pointer string }{
		{"no JSON", `{`, ``, ""},
		{"not an object", wellFormed, `[]`, ""},
		{"nothing", wellFormed, ` `, ""},
		{"more after the end", wellFormed, wellFormed + `{}`, ""},
		{"cut short", "\n}", "", ""},
		{"a comma too many", `"to": "2026-10-26" }`, `"to": "2026-10-26", }`, ""},
		{"a leading zero", `"count": 12`, `"count": 012`, ""},
		{"a plus", `"count": 12`, `"count": +12`, ""},
		{"a control character", `"id": "k3"`, "\"id\": \"k\n3\"", ""},
		{"no JSON behind another error", `"format": "viop.attendance/1"`, `"format": 7, nonsense`, ""},
		{"no UTF-8", `"id": "k3"`, "\"id\": \"k\xff3\"", ""},
		{"half a surrogate pair", `"id": "k3"`, `"id": "k\ud800"`, "/corrections/2/id"},
		{"another format", "viop.attendance/1", "viop.attendance/2", "/format"},
		{"no format", `"format": "viop.attendance/1",`, ``, "/format"},
		{"null where required", `"format": "viop.attendance/1"`, `"format": null`, "/format"},
		{"a field twice", `"format": "viop.attendance/1"`, `"format": "viop.attendance/1", "format": "viop.attendance/1"`, "/format"},
		{"an odd unknown field", `"format": "viop.attendance/1"`, `"a/b~c\n": 1, "format": "viop.attendance/1"`, "/a~1b~0c\n"},
		{"a field in other letters", `"as_of"`, `"As_Of"`, "/As_Of"},
		{"lower-case t", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03t04:00:00Z"`, "/as_of"},
		{"lower-case z", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T04:00:00z"`, "/as_of"},
		{"no offset", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T04:00:00"`, "/as_of"},
		{"no decimals after a point", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T04:00:00.Z"`, "/as_of"},
		{"a comma for a point", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T04:00:00,5Z"`, "/as_of"},
		{"a leap second", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-12-31T23:59:60Z"`, "/as_of"},
		{"a day that is not", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-02-29T04:00:00Z"`, "/as_of"},
		{"24 o'clock", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T24:00:00Z"`, "/as_of"},
		{"an offset without a colon", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2026-11-03T04:00:00+0100"`, "/as_of"},
		{"too early in UTC", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2000-01-01T00:30:00+01:00"`, "/as_of"},
		{"too late", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": "2100-01-01T00:00:00Z"`, "/as_of"},
		{"an instant as a number", `"as_of": "2026-11-03T04:00:00Z"`, `"as_of": 1793678400`, "/as_of"},
		{"no program", `"timezone": "America/Chicago", `, ``, "/program/timezone"},
		{"the machine's zone", `America/Chicago`, `Local`, "/program/timezone"},
		{"an empty zone", `America/Chicago`, ``, "/program/timezone"},
		{"a path", `America/Chicago`, `../zoneinfo/America/Chicago`, "/program/timezone"},
		{"a crooked path", `America/Chicago`, `America/./Chicago`, "/program/timezone"},
		{"a zone with leap seconds", `America/Chicago`, `right/America/Chicago`, "/program/timezone"},
		{"a zone in other letters", `America/Chicago`, `america/chicago`, "/program/timezone"},
		{"no day of the week", `"monday"`, `"Monday"`, "/program/week_start"},
		{"no profile", `"profile": "generic_adult",
    "profile_overrides"`, `"profile": "adult", "profile_overrides"`, "/program/profile"},
		{"an unknown override", `"day_min_minutes": 170`, `"day_max_minutes": 170`, "/program/profile_overrides/day_max_minutes"},
		{"a negative override", `"day_min_minutes": 170`, `"day_min_minutes": -1`, "/program/profile_overrides/day_min_minutes"},
		{"no weeks to average", `"day_min_minutes": 170`, `"average_weeks": 0`, "/program/profile_overrides/average_weeks"},
		{"an unknown basis", `"average"`, `"mean"`, "/program/profile_overrides/week_basis"},
		{"a text for a bool", `"telehealth_allowed": true`, `"telehealth_allowed": "true"`, "/program/profile_overrides/telehealth_allowed"},
		{"an unknown clip", `"actual"`, `"window"`, "/program/counting/clip"},
		{"a fraction", `"bridge_seconds": 60`, `"bridge_seconds": 60.0`, "/program/counting/bridge_seconds"},
		{"too large a number", `"margin_minutes": 0`, `"margin_minutes": 2147483648`, "/program/counting/margin_minutes"},
		{"far too large a number", `"margin_minutes": 0`, `"margin_minutes": 1e99`, "/program/counting/margin_minutes"},
		{"people is no list", `"people": [`, `"people": {}, "excuses": [`, "/people"},
		{"an empty id", `"id": "g1"`, `"id": ""`, "/people/2/id"},
		{"an unknown role", `"guest"`, `"visitor"`, "/people/2/role"},
		{"a session twice", `"id": "s2"`, `"id": "s1"`, "/sessions/1/id"},
		{"counts is no bool", `"counts": true`, `"counts": 1`, "/sessions/0/counts"},
		{"a session without end", `"scheduled_end": "2026-11-03T03:00:00Z",`, ``, "/sessions/0/scheduled_end"},
		{"a break of no length", `"end": "2026-11-03T01:10:00Z"`, `"end": "2026-11-03T01:00:00Z"`, "/sessions/0/breaks/0/end"},
		{"an unknown status", `"status": "scheduled"`, `"status": "cancelled"`, "/sessions/0/status"},
		{"an empty status", `"status": "scheduled"`, `"status": ""`, "/sessions/0/status"},
		{"on the roster twice", `["p1", "p2"]`, `["p1", "p2", "p1"]`, "/sessions/0/roster/2"},
		{"a stranger on the roster", `["p1", "p2"]`, `["p1", "p9"]`, "/sessions/0/roster/1"},
		{"excused from nothing", `"excused": [ { "session": "s1"`, `"excused": [ { "session": "s9"`, "/excused/0/session"},
		{"staff excused", `"person": "p2", "by": "patient"`, `"person": "t1", "by": "patient"`, "/excused/0/person"},
		{"excused by nobody", `"by": "patient"`, `"by": "payer"`, "/excused/0/by"},
		{"an unknown event", `"opened"`, `"unlocked"`, "/events/0/type"},
		{"an event without seq", `"seq": 1, `, ``, "/events/0/seq"},
		{"a negative epoch", `"epoch": 0`, `"epoch": -1`, "/events/5/epoch"},
		{"admitted nowhere", `"connection": "c1", "room": "main"`, `"connection": "c1", "room": ""`, "/events/3/room"},
		{"moved nowhere", `"connection": "c1", "room": "b" }`, `"connection": "c1" }`, "/events/2/room"},
		{"left without a reason", `, "reason": "leave"`, ``, "/events/4/reason"},
		{"left for an unknown reason", `"leave"`, `"bored"`, "/events/4/reason"},
		{"moved by a person", `"connection": "c1", "room": "b" }`, `"connection": "c1", "person": "p1", "room": "b" }`, "/events/2/person"},
		{"one identity, two contents", `"connection": "c1", "room": "main"`, `"connection": "c1", "room": "b"`, "/events/3"},
		{"a connection of two epochs", `"epoch": 0, "seq": 4, "at": "2026-11-03T01:00:00Z", "type": "seen", "connection": "c7"`, `"epoch": 0, "seq": 4, "at": "2026-11-03T01:00:00Z", "type": "seen", "connection": "c1"`, "/events/5/epoch"},
		{"a correction twice", `"id": "k2"`, `"id": "k1"`, "/corrections/1/id"},
		{"an unknown op", `"op": "add"`, `"op": "plus"`, "/corrections/0/op"},
		{"corrected by a guest", `"by": "o1"`, `"by": "g1"`, "/corrections/0/by"},
		{"add of a guest", `"op": "add", "person": "p1"`, `"op": "add", "person": "g1"`, "/corrections/0/person"},
		{"add to a patient's room", `"op": "add", "person": "p1"`, `"op": "add", "room": "main", "person": "p1"`, "/corrections/0/room"},
		{"add without end", `"end": "2026-11-03T02:00:00Z", "reason": "payer_rule"`, `"reason": "payer_rule"`, "/corrections/0/end"},
		{"add backwards", `"end": "2026-11-03T02:00:00Z", "reason": "payer_rule"`, `"end": "2026-11-03T00:00:00Z", "reason": "payer_rule"`, "/corrections/0/end"},
		{"add of a status", `"op": "add"`, `"op": "add", "status": "excused"`, "/corrections/0/status"},
		{"no reason", `"reason": "payer_rule" }`, `"note": "" }`, "/corrections/0/reason"},
		{"reassigning nothing", `"connection": "c7", "reason"`, `"connection": "c9", "reason"`, "/corrections/1/connection"},
		{"reassigned with a room", `"op": "reassign"`, `"op": "reassign", "room": "b"`, "/corrections/1/room"},
		{"superseding itself", `"supersedes": "k1"`, `"supersedes": "k2"`, "/corrections/1/supersedes"},
		{"superseding a later one of the instant", `"supersedes": "k1"`, `"supersedes": "k3"`, "/corrections/1/supersedes"},
		{"superseding another session's", `"supersedes": null`, `"supersedes": "k4"`, "/corrections/2/supersedes"},
		{"superseding nothing", `"supersedes": "k1"`, `"supersedes": "k9"`, "/corrections/1/supersedes"},
		{"another reason without a note", `"note": "y", `, ``, "/corrections/2/note"},
		{"an unknown status set", `"status": "excused"`, `"status": "ill"`, "/corrections/2/status"},
		{"version 0", `"version": 1`, `"version": 0`, "/signatures/0/version"},
		{"signed by a patient", `"by": "t1", "at": "2026-11-03T03:20:00Z"`, `"by": "p1", "at": "2026-11-03T03:20:00Z"`, "/signatures/0/by"},
		{"signed at no time", `"by": "t1", "at": "2026-11-03T03:20:00Z"`, `"by": "t1"`, "/signatures/0/at"},
		{"staff enrolled", `{ "person": "p1", "start": "2026-10-26T05:00:00Z"`, `{ "person": "t1", "start": "2026-10-26T05:00:00Z"`, "/enrollments/0/person"},
		{"enrolled twice at once", `"end": "2026-11-01T05:00:00Z"`, `"end": "2026-11-01T05:00:00.001Z"`, "/enrollments/1/start"},
		{"enrolled backwards", `"end": "2026-11-01T05:00:00Z"`, `"end": "2026-10-26T05:00:00Z"`, "/enrollments/0/end"},
		{"enrolled in no profile", `"end": null, "profile": "generic_adult"`, `"end": null`, "/enrollments/1/profile"},
		{"an unknown unit", `"unit": "day"`, `"unit": "week"`, "/authorizations/0/unit"},
		{"authorized to before from", `"to": "2026-10-26"`, `"to": "2026-10-25"`, "/authorizations/0/to"},
		{"a date that is not", `"from": "2026-10-26"`, `"from": "2026-10-32"`, "/authorizations/0/from"},
		{"authorized without a count", `"count": 12, `, ``, "/authorizations/0/count"},
	} {
		t.Run(x.name, func(t *testing.T) {
			document := strings.Replace(wellFormed, x.old, x.new, 1)
			if document == wellFormed {
				t.Fatalf("%q is not in the document", x.old)
			}
			wantInputError(t, document, x.pointer)
		})
	}
}

// TestValidateOfACaseInGo is for those who build one: what they forget is said.
func TestValidateOfACaseInGo(t *testing.T) {
	c := &attendance.Case{Format: attendance.Format, AsOf: 1_800_000_000_000}
	c.Program.Timezone = "Europe/Berlin"
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "/program/counting/clip: ") {
		t.Errorf("Validate without DefaultCounting = %v, want an error at the first word of counting", err)
	}
	c.Program.Counting = attendance.DefaultCounting()
	if err := c.Validate(); err != nil {
		t.Errorf("Validate of an empty program = %v", err)
	}
	document, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attendance.Decode(document); err != nil {
		t.Errorf("Decode(%s) = %v", document, err)
	}
}

// FuzzDecode: no document makes Decode panic, and whatever it accepts
// evaluates, and evaluates the same after a round trip.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(wellFormed))
	for _, v := range vectors(f) {
		f.Add([]byte(v.Input))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		c, err := attendance.Decode(document)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("error on more than one line: %q", err)
			}
			return
		}
		if !json.Valid(document) {
			t.Fatal("Decode accepts what is not JSON")
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := attendance.Decode(again)
		if err != nil {
			t.Fatalf("Decode refuses %s: %v", again, err)
		}
		if diff := cmp.Diff(attendance.Evaluate(c), attendance.Evaluate(decoded)); diff != "" {
			t.Fatalf("-document +its case marshalled\n%s", diff)
		}
	})
}
