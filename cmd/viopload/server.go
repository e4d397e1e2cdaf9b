package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"viop/auth"
)

const (
	startWithin = 15 * time.Second
	stopWithin  = 25 * time.Second // a node drains for up to 20 s
	mostPeople  = 12               // of a session
	programID   = "load"
)

// server is the node under load.
type server struct {
	// Set by connect or start.
	url      *url.URL
	minter   *auth.Minter
	apiToken string
	pid      int // 0: not known
	loopback bool
	debug    string // address of pprof; "" for none

	stop func() error // ends what start has started
}

// open connects to the server of the flags, or starts one. Call stop.
func (f serverFlags) open(ctx context.Context, stderr io.Writer) (*server, error) {
	if f.URL == "" {
		return f.start(ctx, stderr)
	}
	if f.ServerCore != "" || f.Profile != "" {
		return nil, errors.New("--server-core and --profile are for a server we start")
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return nil, err
	}
	s := &server{url: u, pid: f.PID, stop: func() error { return nil }}
	return s, s.prepare(f.Secret)
}

// prepare makes the means to mint.
func (s *server) prepare(secret string) error {
	s.loopback = loopbackHost(s.url.Hostname())
	secrets, err := auth.ParseSecrets(secret)
	if err != nil {
		return err
	}
	if s.minter, err = auth.NewMinter(auth.Config{Secrets: secrets}, time.Now); err != nil {
		return err
	}
	s.apiToken, err = s.minter.API(auth.APIToken{Subject: "viopload", Scopes: auth.AllScopes(), Expires: time.Now().Add(time.Hour)})
	return err
}

// start runs a node on loopback, its data in a directory that goes with it.
func (f serverFlags) start(ctx context.Context, stderr io.Writer) (_ *server, err error) {
	binary, err := f.binary()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "viopload-")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails (crypto/rand)
	secret := "load:" + base64.StdEncoding.EncodeToString(key)
	s := &server{url: &url.URL{Scheme: "http", Host: ports[0]}}
	if err := s.prepare(secret); err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	// What is measured is forwarding, so nobody's voice is left out.
	args := []string{binary, "serve", "--no-check-in", "--log-level", "warn", "--loudest=-1",
		"--listen", ports[0], "--media", ports[1], "--data", data}
	if f.Profile != "" {
		s.debug = ports[2]
		args = append(args, "--debug-listen", s.debug)
	}
	if f.ServerCore != "" {
		args = append([]string{"taskset", "-c", f.ServerCore}, args...)
	}
	environment := append(withoutViop(os.Environ()), "VIOP_JWT_SECRETS="+secret, "VIOP_MEDIA_PATH="+f.MediaPath)
	if err := s.launch(ctx, args, environment, data, stderr); err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// launch starts the process; stop ends it and removes its data.
func (s *server) launch(ctx context.Context, args, environment []string, data string, stderr io.Writer) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // it drains after ctx
	command := exec.CommandContext(life, args[0], args[1:]...)
	command.Env = environment
	command.Stderr = stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = stopWithin
	if err := command.Start(); err != nil {
		end()
		return fmt.Errorf("start the server: %w", err)
	}
	s.pid = command.Process.Pid
	s.stop = func() error {
		end()
		err := command.Wait()
		if errors.Is(err, context.Canceled) {
			err = nil // that was us, and it went by itself
		}
		return errors.Join(err, os.RemoveAll(data))
	}
	return nil
}

func withoutViop(environment []string) (kept []string) {
	for _, e := range environment {
		if !strings.HasPrefix(e, "VIOP_") {
			kept = append(kept, e)
		}
	}
	return kept
}

// binary to start.
func (f serverFlags) binary() (string, error) {
	if f.Binary != "" {
		return f.Binary, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "viop")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("viop")
	if err != nil {
		return "", errors.New("no viop beside this program or on PATH; name one with --binary, or a server with --url")
	}
	return path, nil
}

// freePorts on loopback, free for UDP too. Somebody else may take one before
// the server does; then it says so and the run is void.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var addresses []string
	for len(addresses) < n {
		tcp, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = tcp.Close() }() // all of them after the last, so that they differ
		udp, err := new(net.ListenConfig).ListenPacket(ctx, "udp", tcp.Addr().String())
		if err != nil {
			continue
		}
		defer func() { _ = udp.Close() }()
		addresses = append(addresses, tcp.Addr().String())
	}
	return addresses, nil
}

// ready waits until the server answers.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := s.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the server did not become ready")
		case <-tick.C:
		}
	}
}

// webSocket is the address of signaling.
func (s *server) webSocket() string {
	u := *s.url.JoinPath("/v1/ws")
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String()
}

// get one page of text.
func (s *server) get(ctx context.Context, path string) ([]byte, error) {
	return fetch(ctx, http.MethodGet, s.url.JoinPath(path).String(), "", nil)
}

// profile takes a CPU profile of so many seconds.
func (s *server) profile(ctx context.Context, seconds int) ([]byte, error) {
	return fetch(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.debug, seconds), "", nil)
}

func fetch(ctx context.Context, method, address, token string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %s", method, request.URL.Path, response.Status, answer)
	}
	return answer, err
}

func (s *server) put(ctx context.Context, path string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	_, err = fetch(ctx, http.MethodPut, s.url.JoinPath(path).String(), s.apiToken, bytes.NewReader(body))
	return err
}

// Documents of the API, as far as a group needs them (web/api/openapi.yaml).
type (
	programDocument struct {
		Timezone string `json:"timezone"`
	}
	sessionDocument struct {
		Program string    `json:"program"`
		Title   string    `json:"title"`
		Service string    `json:"service"`
		Start   time.Time `json:"scheduled_start"`
		End     time.Time `json:"scheduled_end"`
		Roster  []string  `json:"roster"` // nobody's: a token is enough to come in
		Seats   int       `json:"seats"`
	}
)

// invite puts in a session that meets now and gives a token for each of so
// many people, the facilitator's first.
func (s *server) invite(ctx context.Context, session string, people int) ([]string, error) {
	document := sessionDocument{
		Program: programID, Title: "Load", Service: "group",
		Start: time.Now().UTC().Truncate(time.Second), End: time.Now().UTC().Truncate(time.Second).Add(time.Hour),
		Roster: []string{}, Seats: people,
	}
	var tokens []string
	for i := range people {
		id, role := fmt.Sprintf("%s-%d", session, i), auth.Patient
		if i == 0 {
			role = auth.Facilitator
		}
		token, err := s.minter.Join(auth.JoinToken{
			Subject: id, Session: session, Role: role, Name: fmt.Sprintf("Load %d", i), Expires: document.End,
		})
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, s.put(ctx, "/v1/sessions/"+session, document)
}
