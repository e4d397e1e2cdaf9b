package web

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/schedule"
)

//go:embed api/openapi.yaml
var openAPI []byte

// operation is one line of the contract.
type operation struct {
	method, path string
	scope        auth.Scope // "" is open to everybody
	serve        func(http.ResponseWriter, *request) error
}

// waits are the operations that wait for something new, if they are asked to.
func (op operation) waits() bool { return op.path == "/v1/attendance" }

// operations is the whole API, in the order of api/openapi.yaml.
func (s *server) operations() []operation {
	sessions, people, programs := s.sessions(), s.people(), s.programs()
	cohorts, series, excuses := s.cohorts(), s.series(), s.excuses()
	enrollments, authorizations := s.enrollments(), s.authorizations()
	return []operation{
		{"GET", "/v1/sessions", auth.SessionsRead, s.listSessions},
		{"GET", "/v1/sessions/{id}", auth.SessionsRead, sessions.serveGet},
		{"PUT", "/v1/sessions/{id}", auth.SessionsWrite, sessions.servePut},
		{"DELETE", "/v1/sessions/{id}", auth.SessionsWrite, sessions.serveDelete},
		{"PUT", "/v1/sessions/{id}/cancellation", auth.SessionsWrite, s.callOff},
		{"DELETE", "/v1/sessions/{id}/cancellation", auth.SessionsWrite, s.putOn},
		{"GET", "/v1/sessions/{id}/excuses", auth.SessionsRead, s.listExcuses},
		{"GET", "/v1/sessions/{id}/excuses/{person}", auth.SessionsRead, excuses.serveGet},
		{"PUT", "/v1/sessions/{id}/excuses/{person}", auth.SessionsWrite, excuses.servePut},
		{"DELETE", "/v1/sessions/{id}/excuses/{person}", auth.SessionsWrite, excuses.serveDelete},
		{"POST", "/v1/sessions/{id}/invites", auth.InvitesWrite, s.invite},
		{"GET", "/v1/sessions/{id}/presence", auth.PresenceRead, s.presence},
		{"GET", "/v1/sessions/{id}/attendance", auth.AttendanceRead, s.attendanceJSON},
		{"GET", "/v1/sessions/{id}/attendance.csv", auth.AttendanceRead, s.attendanceCSV},
		{"GET", "/v1/sessions/{id}/attendance/{person}/versions", auth.AttendanceRead, s.versions},
		{"GET", "/v1/sessions/{id}/attendance/{person}/explain", auth.AttendanceRead, s.explain},
		{"GET", "/v1/sessions/{id}/timeline", auth.AttendanceRead, s.timeline},
		{"GET", "/v1/sessions/{id}/corrections", auth.AttendanceRead, s.listCorrections},
		{"POST", "/v1/sessions/{id}/corrections", auth.AttendanceCorrect, s.correct},
		{"GET", "/v1/sessions/{id}/signatures", auth.AttendanceRead, s.listSignatures},
		{"POST", "/v1/sessions/{id}/signatures", auth.AttendanceSign, s.sign},
		{"GET", "/v1/cohorts", auth.SessionsRead, s.listCohorts},
		{"GET", "/v1/cohorts/{id}", auth.SessionsRead, cohorts.serveGet},
		{"PUT", "/v1/cohorts/{id}", auth.SessionsWrite, cohorts.servePut},
		{"DELETE", "/v1/cohorts/{id}", auth.SessionsWrite, cohorts.serveDelete},
		{"GET", "/v1/series", auth.SessionsRead, s.listSeries},
		{"GET", "/v1/series/{id}", auth.SessionsRead, series.serveGet},
		{"PUT", "/v1/series/{id}", auth.SessionsWrite, series.servePut},
		{"DELETE", "/v1/series/{id}", auth.SessionsWrite, series.serveDelete},
		{"GET", "/v1/people/{id}", auth.PeopleRead, people.serveGet},
		{"PUT", "/v1/people/{id}", auth.PeopleWrite, people.servePut},
		{"GET", "/v1/people/{id}/weeks", auth.WeeksRead, s.personWeeks},
		{"GET", "/v1/people/{id}/enrollment", auth.PeopleRead, enrollments.serveGet},
		{"PUT", "/v1/people/{id}/enrollment", auth.PeopleWrite, enrollments.servePut},
		{"DELETE", "/v1/people/{id}/enrollment", auth.PeopleWrite, enrollments.serveDelete},
		{"GET", "/v1/authorizations", auth.AuthorizationsRead, s.listAuthorizations},
		{"GET", "/v1/authorizations/{id}", auth.AuthorizationsRead, authorizations.serveGet},
		{"PUT", "/v1/authorizations/{id}", auth.AuthorizationsWrite, authorizations.servePut},
		{"DELETE", "/v1/authorizations/{id}", auth.AuthorizationsWrite, authorizations.serveDelete},
		{"GET", "/v1/programs/{id}", auth.ProgramsRead, programs.serveGet},
		{"PUT", "/v1/programs/{id}", auth.ProgramsWrite, programs.servePut},
		{"GET", "/v1/programs/{id}/weeks", auth.WeeksRead, s.programWeeks},
		{"GET", "/v1/attendance.zip", auth.AttendanceRead, s.attendanceZIP},
		{"GET", "/v1/fhir/Bundle", auth.AttendanceRead, s.fhirBundle},
		{"GET", "/v1/destinations", auth.DestinationsRead, s.listDestinations},
		{"GET", "/v1/destinations/{id}", auth.DestinationsRead, s.getDestination},
		{"PUT", "/v1/destinations/{id}", auth.DestinationsWrite, s.putDestination},
		{"DELETE", "/v1/destinations/{id}", auth.DestinationsWrite, s.deleteDestination},
		{"GET", "/v1/destinations/{id}/status", auth.DestinationsRead, s.destinationStatus},
		{"POST", "/v1/destinations/{id}/keys", auth.DestinationsWrite, s.makeDestinationKey},
		{"GET", "/v1/destinations/{id}/deliveries", auth.DestinationsRead, s.listDeliveries},
		{"GET", "/v1/destinations/{id}/dead-letters", auth.DestinationsRead, s.listDeadLetters},
		{"POST", "/v1/destinations/{id}/redrive", auth.DestinationsWrite, s.redrive},
		{"POST", "/v1/destinations/{id}/test", auth.DestinationsWrite, s.testDestination},
		{"GET", "/v1/people/{id}/disclosures", auth.DisclosuresRead, s.listDisclosures},
		{"GET", "/v1/attendance", auth.AttendanceRead, s.listAttendance},
		{"GET", "/v1/weeks", auth.WeeksRead, s.listWeeks},
		{"POST", "/v1/imports/{format}", auth.ImportsWrite, s.importFile},
		{"POST", "/v1/bulk", auth.SessionsWrite, s.bulk},
		{"POST", "/v1/revocations", auth.RevocationsWrite, s.revoke},
		{"GET", "/v1/openapi.yaml", "", serveOpenAPI},
		{"GET", "/healthz", "", s.healthz},
		{"GET", "/readyz", "", s.readyz},
	}
}

// mountAPI also answers for the addresses and methods that are not there, so
// that a client of the API never gets anything but a problem document.
func (s *server) mountAPI(mux *http.ServeMux) {
	allow := map[string][]string{}
	for _, op := range s.operations() {
		mux.Handle(op.method+" "+op.path, s.operation(op))
		allow[op.path] = append(allow[op.path], op.method)
	}
	for path, methods := range allow {
		slices.Sort(methods)
		mux.Handle(path, s.refusal(methodNotAllowed(strings.Join(methods, ", "))))
	}
	mux.Handle("/v1/", s.refusal(notFound("address in this API")))
}

func (s *server) refusal(p *problem) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, p) })
}

// request is an HTTP request whose caller is known.
type request struct {
	*http.Request
	grant auth.Grant
}

// operation lets in who may, bounds the time, and turns errors into problems.
func (s *server) operation(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		within := answerWithin
		switch {
		case op.waits():
			within += maxWait
		case op.downloads():
			within = downloadWithin
		}
		ctx, cancel := context.WithTimeout(r.Context(), within)
		defer cancel()
		in := &request{Request: r.WithContext(ctx)}
		err := s.admit(ctx, w, in, op)
		switch {
		case err != nil:
		case op.method == http.MethodPost:
			err = s.once(ctx, w, in, op.serve)
		default:
			err = op.serve(w, in)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// admit checks the token, its scope, the session it is limited to, and the
// caller's rate, in this order.
func (s *server) admit(ctx context.Context, w http.ResponseWriter, r *request, op operation) error {
	if op.scope == "" {
		return nil
	}
	grant, err := s.verify(ctx, r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	r.grant = grant
	if a, ok := w.(*answer); ok {
		a.subject = grant.Subject()
	}
	if !grant.Has(op.scope) {
		return insufficientScope(op.scope)
	}
	if !withinSession(grant, op, r.PathValue("id")) {
		return otherSession()
	}
	if wait, ok := s.limits.take(grant.Subject(), s.Now()); !ok {
		return tooManyRequests(wait)
	}
	for _, name := range []string{"id", "person"} {
		if id := r.PathValue(name); id != "" && !schedule.ValidID(id) {
			return badQuery(name, "An id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : and -.")
		}
	}
	return nil
}

func (s *server) verify(ctx context.Context, authorization string) (auth.Grant, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.Grant{}, unauthorized(nil)
	}
	grant, err := s.Verifier.VerifyAPI(ctx, strings.TrimSpace(token))
	if ctx.Err() != nil {
		return auth.Grant{}, ctx.Err()
	}
	if err != nil {
		return auth.Grant{}, unauthorized(err)
	}
	return grant, nil
}

// withinSession: a token for one session opens what is below that session and
// nothing that is about people at large.
func withinSession(grant auth.Grant, op operation, id string) bool {
	if grant.Session() == "" {
		return true
	}
	return strings.HasPrefix(op.path, "/v1/sessions/{id}") && grant.ForSession(id) == nil
}

func sessionOf(r *request) rooms.SessionID { return rooms.SessionID(r.PathValue("id")) }

func serveOpenAPI(w http.ResponseWriter, _ *request) error {
	w.Header().Set("Content-Type", "application/yaml")
	send(w, openAPI)
	return nil
}

// send writes the body of an answer. That the caller has left in the meantime
// is no error of the request, and there is nobody left to tell.
func send(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }
