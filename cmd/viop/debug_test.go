package main

import (
	"net/http"
	"testing"
)

func TestProfilesStayOnLoopback(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "[::]:6060", "192.0.2.1:6060", "6060"} {
		if end, err := serveProfiles(t.Context(), address); err == nil {
			end()
			t.Errorf("profiles were served on %s", address)
		}
	}
	const address = "127.0.0.1:46060"
	end, err := serveProfiles(t.Context(), address)
	if err != nil {
		t.Skip("the port is taken:", err)
	}
	response, err := http.Get("http://" + address + "/debug/pprof/goroutine")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("GET = %v, %v", response, err)
	}
	end()
	if _, err := http.Get("http://" + address + "/debug/pprof/goroutine"); err == nil {
		t.Error("profiles are served after the end")
	}
}
