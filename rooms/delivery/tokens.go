package delivery

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// tokens for FHIR servers, each kept as long as it holds. They are in memory
// only.
type tokens struct {
	mu sync.Mutex
	by map[ID]source // guarded by mu
}

// source of a destination's tokens, as long as nothing about it changes.
type source struct {
	of     [sha256.Size]byte // what it was made from
	tokens oauth2.TokenSource
}

func newTokens() *tokens { return &tokens{by: map[ID]source{}} }

// of returns a token of the destination; client is the one that may reach it.
func (t *tokens) of(ctx context.Context, to Destination, secret string, client *http.Client) (*oauth2.Token, error) {
	return t.source(ctx, to, secret, client).Token()
}

func (t *tokens) source(ctx context.Context, to Destination, secret string, client *http.Client) oauth2.TokenSource {
	o := to.OAuth
	made := sha256.Sum256([]byte(o.TokenURL + "\x00" + o.ClientID + "\x00" + secret + "\x00" + o.Scope))
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.by[to.ID]; ok && known.of == made {
		return known.tokens
	}
	config := clientcredentials.Config{ClientID: o.ClientID, ClientSecret: secret, TokenURL: o.TokenURL}
	if o.Scope != "" {
		config.Scopes = []string{o.Scope}
	}
	// The package takes its client from a context that it keeps. The client has
	// a time limit of its own, so that requests are bounded all the same.
	kept := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, client)
	fresh := config.TokenSource(kept)
	t.by[to.ID] = source{made, fresh}
	return fresh
}

// forget drops a token that was refused.
func (t *tokens) forget(id ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, id)
}
