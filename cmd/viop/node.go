package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
	"viop/rooms/sfu"
	"viop/signaling"
	"viop/web"
)

// nodeFlags are the settings of one node.
type nodeFlags struct {
	storeFlags `embed:""`
	authFlags  `embed:""`
	logFlags   `embed:""`

	Listen         string   `default:"127.0.0.1:8080" env:"VIOP_LISTEN" help:"Address of API, signaling and client."`
	TLSCert        string   `name:"tls-cert" type:"existingfile" env:"VIOP_TLS_CERT" help:"Certificate chain, PEM."`
	TLSKey         string   `name:"tls-key" type:"existingfile" env:"VIOP_TLS_KEY" help:"Its private key, PEM."`
	BehindTLSProxy bool     `name:"behind-tls-proxy" env:"VIOP_BEHIND_TLS_PROXY" help:"A proxy in front speaks TLS. Without it and without a certificate only loopback is served."`
	TrustedProxies []string `env:"VIOP_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks whose X-Forwarded-For is believed."`
	PublicURL      string   `name:"public-url" env:"VIOP_PUBLIC_URL" placeholder:"URL" help:"What links begin with; default from the listen address."`
	Origins        []string `env:"VIOP_ORIGINS" help:"Further origins whose pages may connect."`
	Media          string   `default:":7800" env:"VIOP_MEDIA" help:"UDP and TCP address of media, one port for everybody."`
	MediaShards    int      `default:"1" env:"VIOP_MEDIA_SHARDS" help:"Loops that forward media, each with a port of its own: those from VIOP_MEDIA on. One carries about a hundred people."`
	MediaPath      string   `default:"auto" enum:"auto,pion" env:"VIOP_MEDIA_PATH" help:"The way of media packets inside the node: the fast one where it can be (auto), or Pion's for everybody."`
	PublicIPs      []string `name:"public-ips" env:"VIOP_PUBLIC_IPS" placeholder:"IP" help:"Addresses browsers send media to, when not those of an interface (NAT)."`
	Loudest        int      `default:"4" env:"VIOP_LOUDEST" help:"Microphones forwarded at once in a large room, beside those of facilitators; -1: all."`
	LoudestAbove   int      `default:"6" env:"VIOP_LOUDEST_ABOVE" help:"Up to so many people everybody is forwarded."`
	DebugListen    string   `env:"VIOP_DEBUG_LISTEN" placeholder:"ADDRESS" help:"Loopback address of Go's profiles (/debug/pprof/); none by default."`
	CheckIn        bool     `default:"true" negatable:"" env:"VIOP_CHECK_IN" help:"Ask patients the questions of the check-in before the lobby."`
}

// oneAddressForAll: a proxy that nobody trusts hides who comes through it, so
// the limits on failed attempts of an address are shared by everybody.
func (f nodeFlags) oneAddressForAll() bool { return f.BehindTLSProxy && len(f.TrustedProxies) == 0 }

const oneAddressForAll = "VIOP_TRUSTED_PROXIES does not name the proxy: one stranger's failed attempts keep everybody out for a while"

// serveCmd runs a node until the context ends.
type serveCmd struct {
	nodeFlags `embed:""`
}

func (c serveCmd) Run(ctx context.Context, s std) error {
	return c.serve(ctx, c.logger(s.err), nil)
}

// drainWithin bounds the handing back of rooms and the flushing of evidence
// at shutdown. What is not flushed by then waits in the journal.
const drainWithin = 20 * time.Second

// node is one running viop: the parts, wired.
type node struct {
	log      *slog.Logger
	public   *url.URL
	store    *redisstore.Store
	media    *sfu.SFU
	registry *rooms.Registry
	books    *records.Books
	teller   *delivery.Teller
	gate     *delivery.Gate
	courier  *delivery.Courier
	settled  chan struct{}      // closed when the books' and the courier's Run have ended; nil before they began
	rest     context.CancelFunc // ends them
	draining chan struct{}      // closed by drain
	signals  *signaling.Server
	verifier *auth.Verifier
	minter   *auth.Minter // nil without a shared secret
	server   *http.Server
	listener net.Listener
}

// serve runs a node until ctx ends, and then hands everything back. ready is
// called once the node listens; an error of it ends the node.
func (f nodeFlags) serve(ctx context.Context, log *slog.Logger, ready func(*node) error) (err error) {
	// Most of the heap are packets kept for repairs, and they stay: to look for
	// garbage twice as often costs a thousandth of a core.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx)) // parts outlive ctx while draining
	defer stop()
	n, err := f.start(life, ctx, log)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- n.server.Serve(n.listener) }()
	closeDebug, err := serveProfiles(life, f.DebugListen)
	if err != nil {
		return errors.Join(err, n.drain(life))
	}
	defer closeDebug()
	log.Info("listening", "url", n.public.String(), "node", n.store.Node(), "durable", n.store.Durable())
	if !n.store.Durable() {
		log.Warn("NOTHING IS KEPT: there is no Redis that persists; install redis-server or set VIOP_REDIS_URL")
	}
	if f.oneAddressForAll() {
		log.Warn(oneAddressForAll)
	}
	if ready != nil {
		err = ready(n)
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	return errors.Join(err, n.drain(life))
}

// recoverWithin bounds the wait for a store that does not take what an earlier
// process left: it may be full, and the sessions it has no leftovers of can
// meet all the same. Opening a room brings its own leftovers home first.
const recoverWithin = 5 * time.Second

// start makes and joins the parts; what was started is closed again when a
// later one fails. The parts live with ctx; nothing is waited for longer than
// starting lasts.
func (f nodeFlags) start(ctx, starting context.Context, log *slog.Logger) (_ *node, err error) {
	n := &node{log: log, draining: make(chan struct{})}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if err := n.listen(ctx, f); err != nil {
		return nil, err
	}
	if n.store, err = f.open(starting, false, log); err != nil {
		return nil, err
	}
	// What an earlier process of this node could not write goes first: a room
	// is taken over only when its former evidence is complete.
	recovering, cancel := context.WithTimeout(starting, recoverWithin)
	defer cancel()
	if err := n.store.Recover(recovering); err != nil {
		log.Warn("journals of an earlier run are not in the store yet; they are kept and tried again", "err", err)
	}
	if err := n.authenticate(ctx, f); err != nil {
		return nil, err
	}
	if err := n.openMedia(f); err != nil {
		return nil, err
	}
	n.books = records.New(n.store, log)
	n.teller, n.gate = delivery.NewTeller(n.store), delivery.NewGate(n.store, n.store.Now)
	n.courier = delivery.NewCourier(delivery.CourierConfig{Gate: n.gate, Outbox: n.store, Feed: n.teller, Log: log})
	n.registry = rooms.New(rooms.Config{
		Seal:    func(plain string) (string, error) { return n.store.Seal(plain), nil },
		Unseal:  n.store.Unseal,
		CheckIn: f.CheckIn,
	}, settling{n.store, n.books.Nudge}, n.media.Room, plans{n.store}, log)
	n.store.WatchRevocations(func(r auth.Revocation) { n.expel(ctx, r) })
	if err := n.openSignaling(f); err != nil {
		return nil, err
	}
	if err := n.openWeb(f); err != nil {
		return nil, err
	}
	n.settle(ctx)
	return n, nil
}

// settle keeps the books, and brings what is told to where it should go, while
// the node lives; close waits for its end.
func (n *node) settle(ctx context.Context) {
	ctx, n.rest = context.WithCancel(ctx)
	n.settled = make(chan struct{})
	go func() {
		defer close(n.settled)
		var parts sync.WaitGroup
		parts.Go(func() { n.books.Run(ctx) })
		parts.Go(func() { n.courier.Run(ctx) })
		parts.Wait()
	}()
}

func (n *node) listen(ctx context.Context, f nodeFlags) (err error) {
	secure := f.TLSCert != ""
	if err := web.CheckListen(f.Listen, secure, f.BehindTLSProxy); err != nil {
		return err
	}
	if n.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", f.Listen); err != nil {
		return err
	}
	if secure {
		pair, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		n.listener = tls.NewListener(n.listener, &tls.Config{
			Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	n.public, err = f.publicURL(n.listener.Addr())
	return err
}

// publicURL is the setting, or what a browser on this machine would use.
func (f nodeFlags) publicURL(addr net.Addr) (*url.URL, error) {
	if f.PublicURL != "" {
		u, err := url.Parse(f.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return nil, errors.New("VIOP_PUBLIC_URL is not an http or https URL")
		}
		return u, nil
	}
	scheme := "http"
	if f.TLSCert != "" {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: addr.String()}, nil
}

// local is how this machine itself asks the node that listens on address, past
// any proxy.
func (f nodeFlags) local(address string) (base string, client *http.Client, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", nil, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if f.TLSCert == "" {
		return "http://" + net.JoinHostPort(host, port), &http.Client{}, nil
	}
	// The certificate is for the public name, which need not lead here.
	unnamed := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	return "https://" + net.JoinHostPort(host, port), &http.Client{Transport: &http.Transport{TLSClientConfig: unnamed}}, nil
}

func (n *node) authenticate(ctx context.Context, f nodeFlags) error {
	config, err := f.config(n.log)
	if err != nil {
		return err
	}
	config.Revocations = n.store
	if n.verifier, err = auth.New(ctx, config, time.Now); err != nil {
		return err
	}
	if len(config.Secrets) > 0 {
		n.minter, err = auth.NewMinter(config, time.Now)
	}
	return err
}

// mostShards is more than a machine has cores to spare for media.
const mostShards = 64

func (n *node) openMedia(f nodeFlags) error {
	addr, err := mediaAddress(f.Media)
	if err != nil {
		return err
	}
	ips, err := parseIPs(f.PublicIPs)
	if err != nil {
		return err
	}
	if f.MediaShards < 1 || f.MediaShards > mostShards || int(addr.Port())+f.MediaShards > 1<<16 {
		return fmt.Errorf("VIOP_MEDIA_SHARDS: %d, want 1 to %d, and a port for each", f.MediaShards, mostShards)
	}
	n.media, err = sfu.New(sfu.Config{
		UDP: addr, TCP: addr, Shards: f.MediaShards, PublicIPs: ips, Path: sfu.Path(f.MediaPath),
		// A node that serves only this machine sends media only there too.
		Loopback: addr.Addr().IsLoopback() || loopback(n.listener.Addr()),
		Loudest:  f.Loudest, LoudestAbove: f.LoudestAbove,
	}, n.log)
	return err
}

// mediaAddress reads "host:port" or ":port".
func mediaAddress(text string) (netip.AddrPort, error) {
	addr, err := net.ResolveUDPAddr("udp", text)
	if err != nil || addr.Port == 0 {
		return netip.AddrPort{}, fmt.Errorf("VIOP_MEDIA: %q is not an address and port", text)
	}
	ip, ok := netip.AddrFromSlice(addr.IP)
	if !ok {
		ip = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(ip.Unmap(), addr.AddrPort().Port()), nil
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (n *node) openSignaling(f nodeFlags) error {
	var proxies []netip.Prefix
	for _, text := range f.TrustedProxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("VIOP_TRUSTED_PROXIES: %w", err)
		}
		proxies = append(proxies, prefix)
	}
	var err error
	config := signaling.Config{
		Seats:          signaling.Rooms(n.registry),
		Verify:         n.verifier.VerifyJoin,
		Minutes:        minutes{n.store, n.registry}.report,
		Origins:        append([]string{n.public.Scheme + "://" + n.public.Host}, f.Origins...),
		TrustedProxies: proxies,
		Log:            n.log,
	}
	if n.minter != nil {
		config.APIToken = n.staffToken
	}
	n.signals, err = signaling.New(config)
	return err
}

// signaturesPurpose is what the key of exports is derived for.
const signaturesPurpose = "signatures v1"

func (n *node) openWeb(f nodeFlags) error {
	seed, err := n.store.Derive(signaturesPurpose)
	if err != nil {
		return err
	}
	signer, err := export.NewSigner(seed)
	if err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	n.register(metrics)
	config := web.Config{
		Store: n.store, Books: n.books, Feed: n.store, Teller: n.teller,
		Gate: n.gate, Courier: n.courier, Extracts: extracts(n.store, n.gate), Signer: signer, Rooms: n.registry, Verifier: n.verifier, Signaling: n.signals,
		Provenance: provenance(),
		Checks:     []web.Check{{Name: "store", Ask: n.askStore}},
		Metrics:    metrics,
		Public:     n.public,
		TLS:        f.TLSCert != "" || f.BehindTLSProxy,
		Log:        n.log,
		Draining:   n.draining,
	}
	if n.minter != nil {
		config.Minter = n.minter
	}
	handler, err := web.New(config)
	if err != nil {
		return err
	}
	n.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(discardAddresses{n.log.Handler()}, slog.LevelDebug),
	}
	return nil
}

// extracts are read from the store, through the gate.
func extracts(store *redisstore.Store, gate *delivery.Gate) web.Extracts {
	return func(ctx context.Context, to delivery.Destination, by string, as delivery.Format, span delivery.Span) (*delivery.Extract, error) {
		return delivery.NewExtract(ctx, store, gate, to, by, as, span)
	}
}

func (n *node) askStore(ctx context.Context) (string, error) {
	if err := n.store.Ping(ctx); err != nil {
		return "", err
	}
	if !n.store.Durable() {
		return "volatile: nothing is kept", nil
	}
	return "durable", nil
}

// expel ends the live seat of a person whose place was revoked.
func (n *node) expel(ctx context.Context, r auth.Revocation) {
	if r.Subject != "" {
		n.registry.Expel(ctx, rooms.SessionID(r.Session), rooms.PersonID(r.Subject),
			rooms.Reason{Code: rooms.CodeRevoked, Message: "Your place in this session was withdrawn."})
	}
}

// drain hands the rooms back: pages are told to resume, evidence is flushed,
// leases are released, and then everything is closed.
func (n *node) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	n.log.Info("draining")
	close(n.draining)
	gone := make(chan error, 1)
	go func() { gone <- n.signals.Drain(ctx) }() // pages go as their rooms close
	err := errors.Join(n.registry.Drain(ctx), <-gone, n.server.Shutdown(ctx))
	n.close()
	n.log.Info("stopped", "err", err)
	return err
}

// close ends the parts in the reverse order of their making.
func (n *node) close() {
	if n.settled != nil {
		n.rest()
		<-n.settled // what is not settled by now is found by the next Run, here or elsewhere
	}
	if n.media != nil {
		if err := n.media.Close(); err != nil {
			n.log.Warn("close media", "err", err)
		}
	}
	if n.verifier != nil {
		n.verifier.Close()
	}
	if n.store != nil {
		n.store.Close()
	}
	if n.listener != nil {
		_ = n.listener.Close() // the server has, unless it never started
	}
}

// plans reads the schedule for the rooms.
type plans struct{ store *redisstore.Store }

func (p plans) Plan(ctx context.Context, id rooms.SessionID) (rooms.Plan, error) {
	session, _, err := p.store.Session(ctx, id)
	if errors.Is(err, schedule.ErrNotFound) {
		return rooms.Plan{}, &rooms.Error{Code: rooms.CodeNotFound, Message: "There is no such session."}
	}
	if err != nil {
		return rooms.Plan{}, err
	}
	return session.Plan(), nil
}

// discardAddresses keeps what net/http says about connections (it names the
// peer's address) out of the log; the level alone is passed on.
type discardAddresses struct{ slog.Handler }

func (h discardAddresses) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, "http connection error", r.PC)
	return h.Handler.Handle(ctx, clean)
}
