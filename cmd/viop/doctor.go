package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"viop/auth"
	"viop/web"
)

// doctorCmd looks at the settings of serve and at what they need.
type doctorCmd struct {
	nodeFlags `embed:""`
	Ready     bool `help:"Only ask the running node whether it is ready (for a container's health check)."`
}

// doctorWithin bounds one examination.
const doctorWithin = 10 * time.Second

func (c doctorCmd) Run(ctx context.Context, s std) error {
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	if c.Ready {
		return c.ready(ctx)
	}
	sick := false
	for _, exam := range []struct {
		name string
		look func(context.Context) (string, error)
	}{
		{"listen", c.lookListen}, {"tokens", c.lookTokens}, {"data", c.lookData}, {"store", c.lookStore}, {"media", c.lookMedia},
	} {
		finding, err := exam.look(ctx)
		if err != nil {
			sick = true
			fmt.Fprintf(s.out, "%-8s WRONG  %v\n", exam.name, err)
			continue
		}
		fmt.Fprintf(s.out, "%-8s ok     %s\n", exam.name, finding)
	}
	if sick {
		return exitStatus(1)
	}
	return nil
}

func (c doctorCmd) lookListen(context.Context) (string, error) {
	finding := c.Listen
	if c.oneAddressForAll() {
		finding += "; but " + oneAddressForAll
	}
	return finding, web.CheckListen(c.Listen, c.TLSCert != "", c.BehindTLSProxy)
}

func (c doctorCmd) lookTokens(ctx context.Context) (string, error) {
	config, err := c.config(nil)
	if err != nil {
		return "", err
	}
	verifier, err := auth.New(ctx, config, time.Now)
	if err != nil {
		return "", err
	}
	verifier.Close()
	if len(config.Secrets) == 0 {
		return "keys of the JWKS; no shared secret, so no invites", nil
	}
	return fmt.Sprintf("%d shared secret(s)", len(config.Secrets)), nil
}

func (c doctorCmd) lookData(context.Context) (string, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", err
	}
	probe, err := os.CreateTemp(c.Data, "doctor-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(probe.Name()) }()
	defer probe.Close()
	if _, err := c.keys(); err != nil {
		return "", err
	}
	return c.Data, probe.Sync()
}

func (c doctorCmd) lookStore(ctx context.Context) (string, error) {
	if c.RedisURL == "" {
		path, err := exec.LookPath("redis-server")
		if err != nil {
			return "", errors.New("no VIOP_REDIS_URL and no redis-server on PATH: nothing would be kept")
		}
		return path + " as a child", nil
	}
	store, err := c.open(ctx, true, c.logger(os.Stderr))
	if err != nil {
		return "", err
	}
	defer store.Close()
	if !store.Durable() {
		return "reachable, and VOLATILE: --allow-volatile accepts that hours can be lost", store.Ping(ctx)
	}
	return "reachable, persists, does not evict", store.Ping(ctx)
}

func (c doctorCmd) lookMedia(ctx context.Context) (string, error) {
	addr, err := mediaAddress(c.Media)
	if err != nil {
		return "", err
	}
	if _, err := parseIPs(c.PublicIPs); err != nil {
		return "", err
	}
	udp, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return "", fmt.Errorf("%w (is the node running? then this is as it should be)", err)
	}
	return addr.String() + " is free", udp.Close()
}

// ready asks /readyz of the node that has these settings, on this machine.
func (c doctorCmd) ready(ctx context.Context) error {
	base, client, err := c.local(c.Listen)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var health any
		_ = json.NewDecoder(response.Body).Decode(&health)
		return fmt.Errorf("not ready: %v", health)
	}
	return nil
}
