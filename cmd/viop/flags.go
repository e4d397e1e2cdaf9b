package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"viop/auth"
	"viop/rooms/redisstore"
)

// logFlags say how a command logs. Logs hold opaque ids, never names, tokens,
// SDP or addresses.
type logFlags struct {
	LogFormat string     `default:"text" enum:"text,json" env:"VIOP_LOG_FORMAT" help:"text or json."`
	LogLevel  slog.Level `default:"info" env:"VIOP_LOG_LEVEL" help:"debug, info, warn or error."`
}

func (f logFlags) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// storeFlags say where the evidence lives; every command that reads or writes
// it has them.
type storeFlags struct {
	Data          string `default:"data" type:"path" env:"VIOP_DATA" help:"Directory of this node: journal, node identity, embedded store."`
	RedisURL      string `name:"redis-url" env:"VIOP_REDIS_URL" placeholder:"URL" help:"redis://, rediss:// or unix://. Without one a redis-server on PATH runs as a child."`
	AllowVolatile bool   `env:"VIOP_ALLOW_VOLATILE" help:"Start on a store that may evict or forget. Hours can be lost."`
	DataKeys      string `env:"VIOP_DATA_KEYS" placeholder:"ID:HEX,…" help:"Keys (32 bytes, hex) that seal names and contacts at rest; the first one seals, all open. Without any, one is made and kept in the data directory."`
}

// authFlags say whose tokens are believed.
type authFlags struct {
	JWTSecrets string `name:"jwt-secrets" env:"VIOP_JWT_SECRETS" placeholder:"KID:BASE64,…" help:"Shared HS256 secrets of at least 32 bytes, at most two; the first one signs invites."`
	JWKSFile   string `name:"jwks-file" type:"existingfile" env:"VIOP_JWKS_FILE" help:"Public keys of your identity provider (RS256, ES256, EdDSA)."`
	JWKSURL    string `name:"jwks-url" env:"VIOP_JWKS_URL" placeholder:"URL" help:"The same, fetched and kept up to date; https, or http to localhost."`
	Issuer     string `env:"VIOP_ISSUER" help:"The iss that tokens of the JWKS must have."`
}

func (f authFlags) config(log *slog.Logger) (auth.Config, error) {
	secrets, err := auth.ParseSecrets(f.JWTSecrets)
	if err != nil {
		return auth.Config{}, fmt.Errorf("VIOP_JWT_SECRETS: %w", err)
	}
	return auth.Config{Secrets: secrets, JWKSFile: f.JWKSFile, JWKSURL: f.JWKSURL, Issuer: f.Issuer, Log: log}, nil
}

// tokenCmd mints tokens on the command line.
type tokenCmd struct {
	authFlags `embed:""`
	Person    string        `required:"" help:"Opaque id of whom it is for (sub)."`
	Session   string        `help:"The session it opens. Required unless --scope is given."`
	Role      auth.Role     `default:"patient" help:"patient, facilitator, observer, interpreter, guest or peer."`
	Name      string        `help:"Display name: first name and last initial."`
	Scope     []auth.Scope  `help:"Mint a token for the API with these scopes instead of one for a room; all for every scope."`
	TTL       time.Duration `default:"4h" help:"How long it is valid."`
}

func (c tokenCmd) Run(s std) error {
	config, err := c.config(nil)
	if err != nil {
		return err
	}
	if len(config.Secrets) == 0 {
		return errors.New("minting needs VIOP_JWT_SECRETS (or --jwt-secrets): the secret of the server the token is for")
	}
	minter, err := auth.NewMinter(config, time.Now)
	if err != nil {
		return err
	}
	token, err := c.mint(minter, time.Now().Add(c.TTL))
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, token)
	return nil
}

func (c tokenCmd) mint(minter *auth.Minter, expires time.Time) (string, error) {
	if len(c.Scope) > 0 {
		scopes := c.Scope
		if scopes[0] == "all" {
			scopes = auth.AllScopes()
		}
		return minter.API(auth.APIToken{Subject: c.Person, Scopes: scopes, Session: c.Session, Expires: expires})
	}
	if c.Session == "" {
		return "", errors.New("--session is required for a token that opens a room")
	}
	return minter.Join(auth.JoinToken{Subject: c.Person, Session: c.Session, Role: c.Role, Name: c.Name, Expires: expires})
}

// keys are what VIOP_DATA_KEYS holds, in order.
func (f storeFlags) keys() ([]redisstore.DataKey, error) {
	var keys []redisstore.DataKey
	for text := range strings.SplitSeq(f.DataKeys, ",") {
		if text == "" {
			continue
		}
		key, err := redisstore.ParseDataKey(text)
		if err != nil {
			return nil, fmt.Errorf("VIOP_DATA_KEYS: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// open the store. A reader may look at a store whose server is running.
func (f storeFlags) open(ctx context.Context, reader bool, log *slog.Logger) (*redisstore.Store, error) {
	keys, err := f.keys()
	if err != nil {
		return nil, err
	}
	return redisstore.Open(ctx, redisstore.Config{
		URL: f.RedisURL, Dir: f.Data, AllowVolatile: f.AllowVolatile, Keys: keys, Reader: reader,
	}, log)
}

// parseIPs reads the addresses browsers send media to.
func parseIPs(texts []string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, text := range texts {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("VIOP_PUBLIC_IPS: %w", err)
		}
		ips = append(ips, ip)
	}
	return ips, nil
}
