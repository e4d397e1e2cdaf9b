package auth

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// A Grant is what a verified token allows. Only a Verifier makes one, so a
// function that takes a Grant need not ask where it came from. The zero Grant
// allows nothing. Grants are values: comparable, immutable, free to copy.
//
// A grant outlives its token on purpose: tokens admit, and a seat once taken
// is not lost when a login expires in hour two.
type Grant struct {
	subject, session string
	role             Role
	name             string
	scope            string // known scopes, separated by one space
	id               string
	issued, expires  time.Time
}

// Valid reports whether a Verifier made this grant.
func (g Grant) Valid() bool { return g.subject != "" }

// Subject is the opaque id of the person or program the token speaks for.
func (g Grant) Subject() string { return g.subject }

// Session is the one session the grant is for; empty when the token was for
// the API and not limited to one.
func (g Grant) Session() string { return g.session }

// Role is empty in a grant for the API.
func (g Grant) Role() Role { return g.role }

// Name is the display name, at most 80 runes; often empty. It is about a
// patient: never log it.
func (g Grant) Name() string { return g.name }

// ID names the token in revocations and in the audit trail: its jti or, when it
// has none, "sha256:" and the digest of what was signed.
func (g Grant) ID() string { return g.id }

// Issued is the token's iat, zero when it has none.
func (g Grant) Issued() time.Time { return g.issued }

// Expires is the token's exp.
func (g Grant) Expires() time.Time { return g.expires }

// Scopes are the known scopes of a grant for the API, in the token's order.
func (g Grant) Scopes() []Scope {
	var all []Scope
	for s := range strings.FieldsSeq(g.scope) {
		all = append(all, Scope(s))
	}
	return all
}

// Has reports whether the token carried the scope.
func (g Grant) Has(s Scope) bool { return slices.Contains(g.Scopes(), s) }

// ForSession returns nil when the grant may be used for the session, and
// ErrOtherSession otherwise. It does not look at role or scopes.
func (g Grant) ForSession(session string) error {
	unlimited := g.session == "" // only an API token can be
	if g.Valid() && session != "" && (unlimited || g.session == session) {
		return nil
	}
	return ErrOtherSession
}

// LogValue shows ids and the role, not the name.
func (g Grant) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("token", g.id),
		slog.String("sub", g.subject),
		slog.String("session", g.session),
		slog.String("role", string(g.role)),
	)
}

// Format prints the token's id whatever the verb: %+v does not show the name.
func (g Grant) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "grant(%s)", g.id) }

// A Role is what a person is in a session.
type Role string

const (
	Patient     Role = "patient"
	Facilitator Role = "facilitator" // therapist or co-facilitator
	Observer    Role = "observer"    // a supervisor
	Interpreter Role = "interpreter"
	Guest       Role = "guest" // family
	Peer        Role = "peer"  // peer support specialist
)

// Valid reports whether r is one of the roles above.
func (r Role) Valid() bool {
	switch r {
	case Patient, Facilitator, Observer, Interpreter, Guest, Peer:
		return true
	}
	return false
}

// A Scope is one thing a token for the API allows.
type Scope string

const (
	SessionsRead  Scope = "sessions:read"
	SessionsWrite Scope = "sessions:write"
	PeopleRead    Scope = "people:read"
	PeopleWrite   Scope = "people:write"
	ProgramsRead  Scope = "programs:read"
	ProgramsWrite Scope = "programs:write"
	InvitesWrite  Scope = "invites:write"

	AuthorizationsRead  Scope = "authorizations:read"
	AuthorizationsWrite Scope = "authorizations:write"

	AttendanceRead    Scope = "attendance:read"
	AttendanceCorrect Scope = "attendance:correct" // in the name of the token's subject
	AttendanceSign    Scope = "attendance:sign"    // likewise
	WeeksRead         Scope = "weeks:read"
	PresenceRead      Scope = "presence:read"
	RevocationsWrite  Scope = "revocations:write"
	DestinationsRead  Scope = "destinations:read"
	DestinationsWrite Scope = "destinations:write" // and fetching as any of them
	DisclosuresRead   Scope = "disclosures:read"
	ImportsWrite      Scope = "imports:write" // whole files of sessions, rosters, authorizations
)

// AllScopes returns every scope there is, for help texts and administrators'
// tokens.
func AllScopes() []Scope {
	return []Scope{
		SessionsRead, SessionsWrite, PeopleRead, PeopleWrite, ProgramsRead, ProgramsWrite,
		AuthorizationsRead, AuthorizationsWrite,
		InvitesWrite, AttendanceRead, AttendanceCorrect, AttendanceSign, WeeksRead, PresenceRead, RevocationsWrite,
		DestinationsRead, DestinationsWrite, DisclosuresRead, ImportsWrite,
	}
}

// Valid reports whether s is one of the scopes above.
func (s Scope) Valid() bool { return slices.Contains(AllScopes(), s) }
