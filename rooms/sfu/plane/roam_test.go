package plane

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
)

// roamer is a browser that is heard at a second address.
type roamer struct {
	*rig
	*remote
	second *remote // the other socket
	asked  []Place
	sealed *srtp.Context
	seq    uint16
}

func newRoamer(t *testing.T) *roamer {
	t.Helper()
	r := newRig(t)
	m := &roamer{rig: r, remote: r.browser(), second: &remote{UDPConn: socket(t, "127.0.0.1:0")}}
	m.lane.roam = func(at Place) { m.asked = append(m.asked, at) }
	m.sealed = pionContext(t, testKeys(t).theirs)
	r.time = int64(time.Hour)
	return m
}

// media from an address; false when it is Pion's.
func (m *roamer) media(t *testing.T, from netip.AddrPort) bool {
	t.Helper()
	m.seq++
	b, err := m.sealed.EncryptRTP(nil, plainPacket(t, m.seq, 0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.plane.Begin()
	defer m.plane.End()
	return m.plane.receive(m.conn, b, from, m.time)
}

func (m *roamer) aim() netip.AddrPort { return m.lane.aim.addr }

// check asks whether the browser is where it was last asked for, and gives the
// answer it would send.
func (m *roamer) check(t *testing.T, key stun.MessageIntegrity, done func()) []byte {
	t.Helper()
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID, key, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.lane.Check(m.asked[len(m.asked)-1], request, key, done); err != nil {
		t.Fatal(err)
	}
	answer, err := stun.Build(request, stun.BindingSuccess, key, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Raw
}

func (m *roamer) answered(b []byte, from netip.AddrPort) bool {
	m.plane.Begin()
	defer m.plane.End()
	return m.plane.answered(m.conn, b, from)
}

func TestRoaming(t *testing.T) {
	m := newRoamer(t)
	first, second := m.at(), m.second.at()
	m.media(t, first)
	if !m.media(t, second) || len(m.got) != 2 {
		t.Fatalf("%d packets were taken, want those of both addresses", len(m.got))
	}
	if len(m.asked) != 0 {
		t.Error("one packet from elsewhere and it is asked")
	}
	m.time += int64(quiet)
	m.media(t, second)
	m.media(t, second)
	if len(m.asked) != 1 || m.asked[0].Addr() != second {
		t.Fatalf("asked for %v, want once for %v", m.asked, second)
	}
	key := stun.NewShortTermIntegrity("theirs")
	moved := 0
	answer := m.check(t, key, func() { moved++ })
	if got := m.second.read(t); !stun.IsMessage(got) {
		t.Errorf("%x was sent to the new address, want a check", got)
	}
	if m.aim() != first {
		t.Fatal("media goes to an address nobody has answered from")
	}
	if !m.answered(answer, second) || m.aim() != second || moved != 1 {
		t.Errorf("aimed at %v after the answer, want %v; told %d times", m.aim(), second, moved)
	}
	if m.answered(answer, second) {
		t.Error("an answer is taken a second time")
	}
}

// What does not move a lane.
func TestNotRoaming(t *testing.T) {
	key, other := stun.NewShortTermIntegrity("theirs"), stun.NewShortTermIntegrity("stranger's")
	for _, test := range []struct {
		name   string
		answer func(t *testing.T, m *roamer) ([]byte, netip.AddrPort)
	}{
		{"an answer from elsewhere", func(t *testing.T, m *roamer) ([]byte, netip.AddrPort) {
			return m.check(t, key, nil), m.at()
		}},
		{"an answer without the password", func(t *testing.T, m *roamer) ([]byte, netip.AddrPort) {
			request := &stun.Message{}
			if err := request.UnmarshalBinary(m.check(t, key, nil)); err != nil {
				t.Fatal(err)
			}
			forged, err := stun.Build(request, stun.BindingSuccess, other, stun.Fingerprint)
			if err != nil {
				t.Fatal(err)
			}
			return forged.Raw, m.second.at()
		}},
		{"an answer too late", func(t *testing.T, m *roamer) ([]byte, netip.AddrPort) {
			b := m.check(t, key, nil)
			m.time += int64(checkFor)
			return b, m.second.at()
		}},
		{"an answer after the end", func(t *testing.T, m *roamer) ([]byte, netip.AddrPort) {
			b := m.check(t, key, nil)
			m.lane.Close()
			return b, m.second.at()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newRoamer(t)
			m.media(t, m.at())
			m.time += int64(quiet)
			m.media(t, m.second.at())
			before := m.aim()
			b, from := test.answer(t, m)
			if !m.lane.closed {
				if !m.answered(b, from) || m.aim() != before {
					t.Errorf("aimed at %v, want %v still", m.aim(), before)
				}
				return
			}
			m.answered(b, from)
			if m.lane.aim.socket != nil {
				t.Error("a closed lane is aimed")
			}
		})
	}
}

// A packet taken up and sent on from elsewhere is refused, and so it does not
// make anybody ask; and strangers' packets are tried only so often.
func TestStrangers(t *testing.T) {
	m := newRoamer(t)
	b, err := m.sealed.EncryptRTP(nil, plainPacket(t, 500, 0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	take := func(b []byte, from netip.AddrPort) bool {
		m.plane.Begin()
		defer m.plane.End()
		return m.plane.receive(m.conn, append([]byte(nil), b...), from, m.time)
	}
	take(b, m.at())
	m.time += int64(quiet)
	if !take(b, m.second.at()) || len(m.asked) != 0 || m.plane.Counts().Replayed != 1 {
		t.Errorf("a replay from elsewhere: asked %v, %+v", m.asked, m.plane.Counts())
	}
	m.time += int64(time.Second)
	for range 2 * strangers {
		take(append(b[:len(b)-1:len(b)-1], 0), m.second.at())
	}
	if n := m.plane.Counts(); n.Forged+n.Replayed > strangers+1 {
		t.Errorf("%+v: more than %d packets a second were tried", n, strangers)
	}
	if take(plainPacket(t, 1, 0, 0)[:12:12], netip.MustParseAddrPort("192.0.2.9:9")) {
		t.Error("a stranger's packet out of budget is not Pion's")
	}
}
