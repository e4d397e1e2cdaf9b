package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/redisstore"
)

// realRedis is a redis-server of one test, by its URL.
func realRedis(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on PATH: this test was NOT run (apt-get install redis-server)")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	server := exec.CommandContext(t.Context(), binary, "--port", "0", "--unixsocket", socket, "--dir", dir, "--appendonly", "yes", "--save", "")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() }) // its context has ended it
	url := "unix://" + socket
	poll(t, "redis-server answers", func() bool { return redisClient(t, url).Ping(t.Context()).Err() == nil })
	return url
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// freeAddress is one of this machine that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// serving runs `viop serve` until the test ends it, and waits for its end.
func serving(t *testing.T, args ...string) (address string, end func() error) {
	t.Helper()
	address = freeAddress(t)
	args = append([]string{"serve", "--listen", address, "--media", freeAddress(t),
		"--jwt-secrets", "t:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))}, args...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, strings.NewReader(""), t.Output(), t.Output()) }()
	end = func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			return context.DeadlineExceeded
		}
	}
	t.Cleanup(func() { cancel() })
	return address, end
}

// leaveJournal leaves evidence of an earlier process in dir that the store has
// not taken.
func leaveJournal(t *testing.T, url, dir string) {
	t.Helper()
	store, err := redisstore.Open(t.Context(), redisstore.Config{URL: url, Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	lease, err := store.Acquire(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	fill(t, url, "1")
	lease.Record(attendance.Event{Type: attendance.Opened})
	lease.Note(rooms.Note{At: lease.Now(), Action: "lock"})
	store.Close()
}

// fill sets how many bytes the Redis may hold; 0 is no limit.
func fill(t *testing.T, url, bytes string) {
	t.Helper()
	if err := redisClient(t, url).ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
		t.Fatal(err)
	}
}

// A Redis that is full must not keep a node from starting: it brings the
// journal home when there is room again.
func TestStartOnAFullRedis(t *testing.T) {
	t.Parallel()
	url, dir := realRedis(t), t.TempDir()
	leaveJournal(t, url, dir)
	address, end := serving(t, "--data", dir, "--redis-url", url)
	poll(t, "the node serves", func() bool {
		response, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
	fill(t, url, "0")
	poll(t, "the journal is in the store", func() bool {
		n, err := redisClient(t, url).XLen(t.Context(), "viop:{s1}:log:1").Result()
		return err == nil && n == 1
	})
	if err := end(); err != nil {
		t.Errorf("serve = %v", err)
	}
}

// A stop while the node still waits for its store is heeded at once.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	url, dir := realRedis(t), t.TempDir()
	leaveJournal(t, url, dir)
	_, end := serving(t, "--data", dir, "--redis-url", url)
	began := time.Now()
	if err := end(); err != nil && !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("serve = %v", err)
	}
	if took := time.Since(began); took > recoverWithin-time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// `doctor --ready` is a container's health check: it has to find the node
// wherever it listens, and with whatever certificate.
func TestDoctorAsksARunningNode(t *testing.T) {
	t.Parallel()
	certificate, key := ownCertificate(t)
	for _, flags := range [][]string{nil, {"--tls-cert", certificate, "--tls-key", key}} {
		address, end := serving(t, append([]string{"--data", t.TempDir()}, flags...)...)
		var err error
		poll(t, "the node is ready", func() bool {
			_, _, err = command(t, "", append([]string{"doctor", "--ready", "--listen", address}, flags...)...)
			return err == nil
		})
		if err := end(); err != nil {
			t.Errorf("serve %v = %v", flags, err)
		}
	}
}

// ownCertificate is one that nobody but its owner trusts.
func ownCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"groups.example.org"}, NotAfter: time.Now().Add(time.Hour),
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("certificate.pem", "CERTIFICATE", public), write("key.pem", "PRIVATE KEY", secret)
}

// A demo is arranged past the address in its links, which may be a tunnel's
// that does not lead back to this machine.
func TestDemoNeedsNoWayBackFromItsPublicURL(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	links, printed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"demo", "--data", t.TempDir(), "--listen", freeAddress(t), "--media", freeAddress(t),
			"--public-url", "https://group.invalid"}, strings.NewReader(""), printed, t.Output())
		printed.CloseWithError(io.EOF)
		ended <- err
	}()
	text, _ := io.ReadAll(io.LimitReader(links, 400))
	cancel()
	_ = links.Close()
	if err := <-ended; !strings.Contains(string(text), "https://group.invalid/#t=") {
		t.Errorf("demo = %v; it printed %q, want links to the public URL", err, text)
	}
}
