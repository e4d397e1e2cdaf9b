package signaling

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// failures bounds how often a hello may be refused: per address, widely,
// because a clinic is one address; and per person (or session, of a resume: a
// group may come from one address) and address, narrowly. Addresses are in this memory and nowhere else.
type failures struct {
	mu  sync.Mutex
	bad map[string]*rate.Limiter
}

// failuresMost bounds the memory; beyond it those who behave again are
// forgotten, and if there are none, somebody.
const failuresMost = 10000

func newFailures() *failures { return &failures{bad: map[string]*rate.Limiter{}} }

// Keys of failures.
func fromAddress(a netip.Addr) string            { return "a " + a.String() }
func fromPerson(a netip.Addr, who string) string { return "p " + a.String() + " " + who }

func newLimiter(key string) *rate.Limiter {
	if strings.HasPrefix(key, "a ") {
		return rate.NewLimiter(1, 60)
	}
	return rate.NewLimiter(rate.Limit(1.0/3), 30)
}

func (f *failures) tooMany(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.bad[key]
	return l != nil && l.Tokens() < 1
}

func (f *failures) note(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.bad[key]
	if l == nil {
		f.makeRoom()
		l = newLimiter(key)
		f.bad[key] = l
	}
	l.Allow()
}

func (f *failures) makeRoom() {
	if len(f.bad) < failuresMost {
		return
	}
	for key, l := range f.bad {
		if l.Tokens() >= float64(l.Burst()) {
			delete(f.bad, key)
		}
	}
	for key := range f.bad {
		if len(f.bad) < failuresMost {
			return
		}
		delete(f.bad, key)
	}
}

// addressOf the client, for limits only. A subscriber of IPv6 has a whole /64.
func (s *Server) addressOf(r *http.Request) netip.Addr {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	a := remote.Addr().Unmap()
	if s.trusts(a) {
		a = s.forwardedFor(r, a)
	}
	if a.Is6() {
		prefix, _ := a.WithZone("").Prefix(64)
		return prefix.Addr()
	}
	return a
}

func (s *Server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// forwardedFor reads X-Forwarded-For from the right, where our own proxies
// wrote, up to the first address that is none of theirs. What stands left of
// it the client may have made up.
func (s *Server) forwardedFor(r *http.Request, proxy netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	a := proxy
	for _, hop := range slices.Backward(hops) {
		parsed, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return a
		}
		a = parsed.Unmap()
		if !s.trusts(a) {
			return a
		}
	}
	return a
}
