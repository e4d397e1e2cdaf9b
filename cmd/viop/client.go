package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"viop/web"
)

// Statuses with which commands that talk to a server end, for scripts. 2, of a
// command line that makes no sense, is main's.
const (
	endRefused     exitStatus = 1 // the server has looked at it and refuses
	endUsage       exitStatus = 2 // it makes no sense: a flag, a file that is not there
	endUnreachable exitStatus = 3 // there is no server, or it is busy for too long
	endForbidden   exitStatus = 4 // the token does not allow it
)

// clientFlags say which server a command talks to, and as whom. The token is
// never a flag: everybody on the machine could read it.
type clientFlags struct {
	Server    string `default:"http://127.0.0.1:8080" env:"VIOP_SERVER" placeholder:"URL" help:"The running server: https, or http to this machine."`
	TokenFile string `type:"path" env:"VIOP_TOKEN_FILE" placeholder:"FILE" help:"File with a token for its API. Without one, VIOP_TOKEN is the token."`
}

// client makes calls of the API.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
	say   func(format string, args ...any) // to whoever waits
}

// Limits of a call.
const (
	callWithin = 2 * time.Minute
	callTries  = 6
	maxWait    = 30 * time.Second
	maxAnswer  = 32 << 20
)

func (f clientFlags) client(stderr io.Writer) (*client, error) {
	base, err := url.Parse(f.Server)
	if err != nil || base.Host == "" || base.User != nil || base.Path != "" && base.Path != "/" {
		return nil, errors.New("--server: this must be an address such as https://group.example.org")
	}
	// The same rule as for listening: a token crosses no network in the clear.
	if base.Scheme != "https" && (base.Scheme != "http" || web.CheckListen(hostPort(base), false, false) != nil) {
		return nil, errors.New("--server: this must be https; http is for this machine only")
	}
	token := os.Getenv("VIOP_TOKEN")
	if f.TokenFile != "" {
		text, err := os.ReadFile(f.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		token = string(text)
	}
	if token = strings.TrimSpace(token); token == "" {
		return nil, errors.New("a token is needed: in VIOP_TOKEN, or in a file named by --token-file")
	}
	return &client{
		base: base, token: token,
		http: &http.Client{
			Timeout:       callWithin,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		say: func(format string, args ...any) { fmt.Fprintf(stderr, "viop: "+format+"\n", args...) },
	}, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return u.Hostname() + ":" + port
}

// answer is what a call came to.
type answer struct {
	status int
	body   []byte
}

// post sends a body and waits when the server asks to. An error means that
// nobody answered.
func (c *client) post(ctx context.Context, path string, query url.Values, kind string, body []byte) (answer, error) {
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	for try := 1; ; try++ {
		got, wait, err := c.once(ctx, target, kind, body)
		busy := got.status == http.StatusTooManyRequests || got.status == http.StatusServiceUnavailable
		if err != nil || !busy || try == callTries {
			return got, err
		}
		c.say("the server is busy; trying again in %v", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

func (c *client) once(ctx context.Context, target *url.URL, kind string, body []byte) (got answer, wait time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return got, 0, err
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.http.Do(request)
	if err != nil {
		return got, 0, fmt.Errorf("reach %s: %w", c.base, errors.Unwrap(err)) // without the query
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return got, 0, fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		seconds = 1
	}
	return answer{response.StatusCode, text}, min(time.Duration(seconds)*time.Second, maxWait), nil
}

// waiting says every few seconds that something is still going on, until the
// function that it returns is called.
func (c *client) waiting(what string) (done func()) {
	started, stop, stopped := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.say("%s: waiting for the server, %v so far", what, time.Since(started).Round(time.Second))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
