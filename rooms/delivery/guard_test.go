package delivery_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"viop/rooms/delivery"
)

func TestWhereWeDial(t *testing.T) {
	for _, test := range []struct {
		address         string
		public, private bool // whether it is dialled for those who may not, and may, reach private ones
	}{
		{"93.184.216.34:443", true, true},
		{"[2606:2800:220:1::1]:443", true, true},
		{"127.0.0.1:443", false, true},
		{"127.8.9.10:443", false, true},
		{"10.0.0.1:443", false, true},
		{"172.16.0.1:443", false, true},
		{"192.168.1.1:443", false, true},
		{"100.64.0.1:443", false, true}, // carrier-grade NAT
		{"0.0.0.0:443", false, false},
		{"0.1.2.3:443", false, true},
		{"169.254.169.254:80", false, false}, // metadata
		{"169.254.1.1:80", false, false},
		{"168.63.129.16:80", false, false},
		{"100.100.100.200:80", false, false},
		{"192.0.0.192:80", false, false},
		{"224.0.0.1:443", false, false},
		{"255.255.255.255:443", false, true},
		{"198.18.0.1:443", false, true},
		{"192.0.2.1:443", false, true},
		{"240.0.0.1:443", false, true},
		{"[::1]:443", false, true},
		{"[::]:443", false, false},
		{"[fc00::1]:443", false, true},
		{"[fd00:ec2::254]:80", false, false},
		{"[fe80::1]:443", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"[ff02::1]:443", false, false},
		{"[::ffff:127.0.0.1]:443", false, true}, // an IPv4 address in disguise
		{"[::ffff:169.254.169.254]:443", false, false},
		{"[::ffff:93.184.216.34]:443", true, true},
		{"[::7f00:1]:443", false, true},
		{"[64:ff9b::7f00:1]:443", false, true}, // NAT64
		{"[2002:7f00:1::]:443", false, true},   // 6to4
		{"[2001:db8::1]:443", false, true},
		{"nonsense", false, false},
	} {
		network := "tcp4"
		if strings.HasPrefix(test.address, "[") {
			network = "tcp6"
		}
		if err := delivery.MayDial(network, test.address, false); (err == nil) != test.public {
			t.Errorf("mayDial(%s) = %v, want allowed = %v", test.address, err, test.public)
		}
		if err := delivery.MayDial(network, test.address, true); (err == nil) != test.private {
			t.Errorf("mayDial(%s) for private addresses = %v, want allowed = %v", test.address, err, test.private)
		}
	}
	if err := delivery.MayDial("udp4", "93.184.216.34:443", true); err == nil {
		t.Error("mayDial(udp4) is allowed, want TCP only")
	}
}

// A name is looked at by where it leads, when it is dialled.
func TestNamesThatLeadInside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody came in") }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"} {
		response, err := delivery.NewClient(false).Get(fmt.Sprintf("http://%s:%s/", host, port))
		if err == nil {
			response.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
}

func TestRedirectsAndProxiesAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody came in") }))
	defer elsewhere.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, elsewhere.URL)
	}
	first := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	response, err := delivery.NewClient(true).Post(first.URL, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status = %d, want the redirect itself", response.StatusCode)
	}
	transport, ok := delivery.NewClient(false).Transport.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Error("the client asks for a proxy: it would dial for us, unguarded")
	}
}
