package delivery

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Limits of what we do for a target. Standard Webhooks asks for 15 to 30 s.
const (
	answerWithin    = 20 * time.Second // connecting and reading included
	connectWithin   = 10 * time.Second
	maxAnswerHeader = 64 << 10
	maxAnswer       = 1 << 20 // bytes of a body that we read at all
)

// newClient reaches somebody's URL. Where it leads is decided when it is
// dialled, after DNS, for every address there is: a name that was harmless
// when it was written down may lead to this machine now. Two clients, with
// connections of their own, are needed for those who may reach private
// addresses and those who may not.
func newClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: connectWithin,
		Control: func(network, address string, _ syscall.RawConn) error {
			return mayDial(network, address, allowPrivate)
		},
	}
	return &http.Client{
		Timeout: answerWithin,
		Transport: &http.Transport{
			Proxy:                  nil, // the environment is not asked: a proxy would dial for us, unguarded
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    connectWithin,
			ResponseHeaderTimeout:  answerWithin,
			MaxResponseHeaderBytes: maxAnswerHeader,
			MaxIdleConnsPerHost:    workers,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true, // a small answer stays small
			ForceAttemptHTTP2:      true,
		},
		// A redirect is a failure (Standard Webhooks), and a way around us.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errAddress: the target is not one that we connect to. It does not say which
// address it was: that may tell somebody about our network.
var errAddress = errors.New("the host leads to an address that is private or reserved")

// mayDial refuses addresses that are no place on the Internet, unless private
// ones are allowed; those where clouds tell machines their secrets it refuses
// always.
func mayDial(network, address string, allowPrivate bool) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("dial %s: %w", network, errAddress)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := to.Addr().Unmap().WithZone("")
	if within(ip, metadata()) || ip.IsUnspecified() || ip.IsMulticast() {
		return errAddress
	}
	if !allowPrivate && (!ip.IsGlobalUnicast() || ip.IsPrivate() || within(ip, reserved())) {
		return errAddress
	}
	return nil
}

func within(ip netip.Addr, ranges []string) bool {
	for _, text := range ranges {
		if netip.MustParsePrefix(text).Contains(ip) {
			return true
		}
	}
	return false
}

// metadata are the addresses at which clouds hand out credentials. All of
// link-local is, by custom.
func metadata() []string {
	return []string{
		"169.254.0.0/16", "fe80::/10",
		"fd00:ec2::/32",      // AWS
		"100.100.100.200/32", // Alibaba
		"168.63.129.16/32",   // Azure
		"192.0.0.192/32",     // Oracle
	}
}

// reserved are ranges that net/netip takes for places on the Internet (IANA
// special-purpose registries, RFC 6890). Those that wrap an IPv4 address are
// among them, or they would be a way around.
func reserved() []string {
	return []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10",
	}
}
