package web

import (
	"fmt"
	"net"
	"strings"
)

// CheckListen refuses an address on which names and tokens would cross a
// network in the clear: TLS or loopback, nothing else. A proxy that speaks TLS
// has to be declared, because nobody can see it from here.
func CheckListen(address string, tls, behindTLSProxy bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen address %s: %w", address, err)
	}
	if tls || behindTLSProxy || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("listen address %s: plain HTTP is served on loopback only; "+
		"set a certificate and key, or say that a TLS proxy is in front, or listen on 127.0.0.1", address)
}

// isLoopback does not resolve names: what localhost is called elsewhere is
// somebody else's to decide.
func isLoopback(host string) bool {
	host, _, _ = strings.Cut(host, "%")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
