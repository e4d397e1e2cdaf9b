package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule"
)

// demoCmd runs a node with a group that meets now, and prints links to it.
type demoCmd struct {
	nodeFlags `embed:""`
	Patients  int `default:"3" help:"Patient links to print."`
}

// demoLength is one evening of an intensive outpatient program.
const demoLength = 3 * time.Hour

// demoState is what a demo keeps in its data directory, so that the links it
// printed still work after a restart.
type demoState struct {
	Secret  string          `json:"secret"` // for VIOP_JWT_SECRETS
	Session rooms.SessionID `json:"session"`
	Start   time.Time       `json:"start"`
	End     time.Time       `json:"end"`
}

func (c demoCmd) Run(ctx context.Context, s std) error {
	state, err := c.remember()
	if err != nil {
		return err
	}
	if c.JWTSecrets == "" {
		c.JWTSecrets = state.Secret
	}
	return c.serve(ctx, c.logger(s.err), func(n *node) error {
		if err := c.arrange(ctx, n, &state); err != nil {
			return fmt.Errorf("arrange the demo group: %w", err)
		}
		text, err := c.welcome(n, state)
		if err != nil {
			return err
		}
		fmt.Fprint(s.out, text)
		return nil
	})
}

func (c demoCmd) statePath() string { return filepath.Join(c.Data, "demo.json") }

// remember reads the state of an earlier run, or makes one.
func (c demoCmd) remember() (demoState, error) {
	var state demoState
	b, err := os.ReadFile(c.statePath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key := make([]byte, 32)
		rand.Read(key) // never fails (crypto/rand)
		state.Secret = "demo:" + base64.StdEncoding.EncodeToString(key)
	case err != nil:
		return state, err
	default:
		if err := json.Unmarshal(b, &state); err != nil {
			return state, fmt.Errorf("%s: %w", c.statePath(), err)
		}
	}
	if time.Now().After(state.End) {
		state.next()
	}
	return state, c.keep(state)
}

// next makes up another session, from now on.
func (s *demoState) next() {
	s.Session = rooms.SessionID("demo-" + strings.ToLower(rand.Text()[:8]))
	s.Start = time.Now().UTC().Truncate(time.Minute)
	s.End = s.Start.Add(demoLength)
}

func (c demoCmd) keep(state demoState) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return os.WriteFile(c.statePath(), b, 0o600)
}

// arrange puts program, people and session in, the way a scheduling system
// does: by the API. A session that was ended in an earlier run is followed by
// a new one.
func (c demoCmd) arrange(ctx context.Context, n *node, state *demoState) error {
	if life, _, _, err := n.store.Presence(ctx, state.Session); err == nil && life == rooms.Ended {
		state.next()
		if err := c.keep(*state); err != nil {
			return err
		}
	}
	token, err := n.minter.API(auth.APIToken{Subject: "demo", Scopes: auth.AllScopes(), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		return err
	}
	base, client, err := c.local(n.listener.Addr().String())
	if err != nil {
		return err
	}
	put := func(path string, document any) error {
		return putDocument(ctx, client, base+path, token, document)
	}
	program := schedule.Program{Program: attendance.Program{
		Timezone: "America/Chicago", WeekStart: "monday", Profile: attendance.GenericAdult, Counting: attendance.DefaultCounting(),
	}}
	if err := put("/v1/programs/demo", program); err != nil {
		return err
	}
	session := schedule.Session{
		Program: "demo", Title: "Evening group", Service: attendance.Service("group"), Start: state.Start, End: state.End,
		Facilitators: []rooms.PersonID{"demo-t1"},
	}
	for i, guest := range c.guests() {
		if err := put("/v1/people/"+string(guest.ID), guest); err != nil {
			return err
		}
		if i > 0 {
			session.Roster = append(session.Roster, guest.ID)
		}
	}
	return put("/v1/sessions/"+string(state.Session), session)
}

// guests are the therapist and the patients.
func (c demoCmd) guests() []schedule.Person {
	guests := []schedule.Person{{ID: "demo-t1", Role: auth.Facilitator, Name: "Tara L."}}
	names := []string{"Ana P.", "Ben K.", "Cleo M.", "Dev S.", "Eli R.", "Fay T.", "Gus W.", "Hana B.", "Ivo D.", "Jo N.", "Kim H.", "Lou V."}
	for i := range min(c.Patients, len(names)) {
		guests = append(guests, schedule.Person{ID: rooms.PersonID(fmt.Sprintf("demo-p%d", i+1)), Role: auth.Patient, Name: names[i]})
	}
	return guests
}

func putDocument(ctx context.Context, client *http.Client, url, token string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		problem := new(bytes.Buffer)
		_, _ = problem.ReadFrom(response.Body)
		return fmt.Errorf("PUT %s: %s %s", request.URL.Path, response.Status, problem)
	}
	return nil
}

// welcome is what a person sees first. Tokens are in the fragment, which
// browsers do not send to servers.
func (c demoCmd) welcome(n *node, state demoState) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nA group meets now, until %s. Open each link in a window of its own:\n\n", state.End.Local().Format("15:04"))
	for _, guest := range c.guests() {
		token, err := n.minter.Join(auth.JoinToken{
			Subject: string(guest.ID), Session: string(state.Session), Role: guest.Role, Name: guest.Name, Expires: state.End,
		})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "  %-11s %-8s %s/#t=%s\n", guest.Role, guest.Name, strings.TrimSuffix(n.public.String(), "/"), token)
	}
	staff, err := n.minter.API(auth.APIToken{
		Subject: "demo-t1", Expires: state.End,
		Scopes: []auth.Scope{
			auth.WeeksRead, auth.PeopleRead, auth.AttendanceRead,
			auth.DestinationsRead, auth.DestinationsWrite, auth.DisclosuresRead, auth.ImportsWrite,
		},
	})
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "\n  everybody's week     %s/#staff=%s&program=demo\n", strings.TrimSuffix(n.public.String(), "/"), staff)
	fmt.Fprintf(&b, "  integrations         %s/#staff=%s&page=integrations\n", strings.TrimSuffix(n.public.String(), "/"), staff)
	where := "in " + c.Data + ": the embedded Redis, the journal, the keys"
	if c.RedisURL != "" {
		where = "in the Redis of VIOP_REDIS_URL; journal in " + c.Data
	}
	if !n.store.Durable() {
		where = "NOT KEPT: install redis-server, or set VIOP_REDIS_URL"
	}
	fmt.Fprintf(&b, "\n  data        %s\n  minutes     viop attendance case --data %s --session %s | viop attendance evaluate -\n  stop        Ctrl-C; the links work again after a restart\n\n",
		where, c.Data, state.Session)
	return b.String(), nil
}
