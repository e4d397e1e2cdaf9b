package delivery_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/delivery/deliverytest"
	"viop/rooms/export"
	"viop/rooms/records"
)

// inClinic is a house with a FHIR destination.
func inClinic(t *testing.T, test func(*testing.T, *house, *deliverytest.FHIRServer)) {
	t.Helper()
	inHouse(t, func(t *testing.T, h *house) {
		server := deliverytest.NewFHIRServer()
		h.courier.UseTransport(server)
		h.put(delivery.Destination{
			ID: "clinic", Kind: delivery.FHIR, Basis: delivery.QSOA, Enabled: true, Start: delivery.AtBeginning,
			URL: "https://clinic.example/fhir", System: "https://iop.example.org",
			OAuth: &delivery.OAuth{TokenURL: "https://clinic.example/token", ClientID: "viop", ClientSecret: "open-sesame"},
		})
		test(t, h, server)
	})
}

// attended tells a version of a record with that many credited minutes.
func (f *script) attended(version, minutes int) {
	f.tell("s1", "p1", version)
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.told[len(f.told)-1].Item.Record
	r.Status, r.CreditedMS = attendance.StatusAttended, int64(minutes)*60_000
	start := attendance.At(time.Date(2026, 11, 2, 18, 0, 0, 0, time.UTC))
	r.About = &records.About{Timezone: "America/Chicago", Start: start, End: start + 10_800_000, Appointment: "Appointment/apt-7"}
}

// withdraw makes the last entry one of a record that is no more.
func (f *script) withdraw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.told[len(f.told)-1].Item.Record
	r.Status, r.About = export.StatusWithdrawn, nil
}

func (h *house) wantClinic(s *deliverytest.FHIRServer, kind, field string, want ...string) {
	h.t.Helper()
	var got []string
	for _, r := range s.All(kind) {
		var value any = r
		for name := range strings.SplitSeq(field, ".") {
			m, _ := value.(map[string]any)
			value = m[name]
		}
		got = append(got, fmt.Sprint(value))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.t.Errorf("%s.%s = %q, want %q", kind, field, got, want)
	}
}

const booked = `{"resourceType":"Appointment","id":"apt-7","status":"booked","comment":"theirs","participant":[{"status":"accepted"}]}`

// A record is one Encounter, whatever happens to it; the scheduling system's
// appointment gets a status and keeps everything else.
func TestAmendmentIsTheSameResource(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		s.Put("Appointment/apt-7", booked)
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9000")
		h.wantClinic(s, "Appointment", "status", "fulfilled")
		h.wantClinic(s, "Appointment", "comment", "theirs")
		h.feed.attended(2, 160)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
		want := []string{"POST Encounter", "PUT Appointment", "PUT Encounter"}
		got := slices.DeleteFunc(s.Did(), func(request string) bool { return strings.HasSuffix(request, " Task") })
		if !slices.Equal(got, want) {
			t.Errorf("the server was asked for %q, want %q and tasks", got, want)
		}
		if s.Tokens() != 1 {
			t.Errorf("%d tokens were asked for, want one for all", s.Tokens())
		}
	})
}

// A record that is no more stays, as an error; the appointment is theirs.
func TestWithdrawnRecord(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		s.Put("Appointment/apt-7", booked)
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.feed.attended(2, 0)
		h.feed.withdraw()
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "status", "entered-in-error")
		h.wantClinic(s, "Encounter", "length.value", "0")
		h.wantClinic(s, "Appointment", "status", "fulfilled")
	})
}

// A letter that is sent late writes what the record says by now.
func TestFormerMinutesDoNotComeBack(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		s.Refuse(deliverytest.Trouble{Request: "POST Encounter", Status: http.StatusInternalServerError, Header: ""})
		h.feed.attended(1, 150)
		h.pass(2 * delivery.LookEvery)
		h.feed.attended(2, 160)
		h.pass(6 * time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
	})
}

// Whatever goes wrong on the way, in the end it is there, once.
func TestTroubleOnTheWay(t *testing.T) {
	for _, test := range []struct {
		name     string
		trouble  []deliverytest.Trouble
		attempts int
	}{
		{"nothing", nil, 1},
		{"half of it fails", []deliverytest.Trouble{{Request: "PUT Appointment", Status: 500}}, 2},
		{"the search fails", []deliverytest.Trouble{{Request: "GET Encounter", Status: 503, Header: "Retry-After: 60"}}, 2},
		{"somebody changed the appointment in between", []deliverytest.Trouble{{Request: "PUT Appointment", Status: 412}, {Request: "PUT Appointment", Status: 409}}, 1},
		{"somebody is writing the encounter", []deliverytest.Trouble{{Request: "POST Encounter", Status: 409}}, 1},
		{"too many requests", []deliverytest.Trouble{{Request: "POST Encounter", Status: 429, Header: "Retry-After: 120"}, {Request: "POST Encounter", Status: 429}}, 3},
		{"a token is refused", []deliverytest.Trouble{{Request: "POST Encounter", Status: 401}}, 1},
		{"all at once", []deliverytest.Trouble{{Request: "GET Encounter", Status: 502}, {Request: "POST Encounter", Status: 401}, {Request: "POST Encounter", Status: 504}, {Request: "PUT Appointment", Status: 412}, {Request: "PUT Appointment", Status: 500}}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
				s.Put("Appointment/apt-7", booked)
				s.Refuse(test.trouble...)
				h.feed.attended(1, 150)
				h.until("it is brought", func() bool { return h.status("clinic").LastDelivered != nil })
				h.wantClinic(s, "Encounter", "length.value", "9000")
				h.wantClinic(s, "Appointment", "status", "fulfilled")
				log, err := h.courier.Log(t.Context(), "clinic", 10)
				if err != nil || len(log) != test.attempts || log[0].Result != delivery.Delivered {
					t.Errorf("log = %+v, %v, want %d attempts, the last of them a success", log, err, test.attempts)
				}
				if s := h.status("clinic"); s.Queued != 0 || s.DeadLetters != 0 {
					t.Errorf("status = %+v, want nothing left", s)
				}
			})
		})
	}
}

// Tokens are renewed before they run out.
func TestTokensRunOut(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		h.pass(6 * time.Minute)
		h.feed.attended(2, 160)
		h.pass(time.Minute)
		h.wantClinic(s, "Encounter", "length.value", "9600")
		if s.Tokens() != 2 {
			t.Errorf("%d tokens were asked for, want two in seven minutes", s.Tokens())
		}
		if log, err := h.courier.Log(t.Context(), "clinic", 10); err != nil || len(log) != 2 {
			t.Errorf("log = %+v, %v, want two attempts", log, err)
		}
	})
}

// A server that does not search finds other people's resources: nothing of
// theirs is touched.
func TestServerThatDoesNotSearch(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		for i := range 292 {
			s.Put(fmt.Sprintf("Encounter/other-%d", i), fmt.Sprintf(`{"resourceType":"Encounter","status":"finished","identifier":[{"system":"urn:x","value":"%d"}]}`, i))
		}
		s.Lies = func(w http.ResponseWriter, r *http.Request, kept map[string]map[string]any) bool {
			if r.Method != http.MethodGet || r.URL.Path != "/fhir/Encounter" {
				return false
			}
			entries := []any{}
			for _, resource := range kept {
				entries = append(entries, map[string]any{"resource": resource})
			}
			deliverytest.AnswerJSON(w, http.StatusOK, map[string]any{"resourceType": "Bundle", "entry": entries})
			return true
		}
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		if got := s.Did(); len(got) > 0 {
			t.Errorf("the server was asked for %q, want nothing written", got)
		}
		failed := h.status("clinic").LastFailed
		if failed == nil || !strings.Contains(failed.Problem, "does not search") {
			t.Errorf("last failure = %+v, want it to say why", failed)
		}
	})
}

// Two resources of ours are for people to sort out.
func TestSeveralOfOurs(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		for _, id := range []string{"a", "b"} {
			s.Put("Encounter/"+id, `{"resourceType":"Encounter","identifier":[{"system":"https://iop.example.org/sid/attendance","value":"s1/p1"}]}`)
		}
		h.feed.attended(1, 150)
		h.pass(time.Minute)
		if got := s.Did(); len(got) > 0 {
			t.Errorf("the server was asked for %q, want nothing written", got)
		}
	})
}

func TestTestOfFHIR(t *testing.T) {
	inClinic(t, func(t *testing.T, h *house, s *deliverytest.FHIRServer) {
		if a, err := h.courier.Test(t.Context(), "clinic"); err != nil || a.Result != delivery.Delivered {
			t.Errorf("Test = %+v, %v", a, err)
		}
		h.pass(delivery.TestEvery)
		s.Lies = func(w http.ResponseWriter, _ *http.Request, _ map[string]map[string]any) bool {
			deliverytest.AnswerJSON(w, http.StatusOK, map[string]any{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"})
			return true
		}
		if a, err := h.courier.Test(t.Context(), "clinic"); err != nil || a.Result != delivery.Refused {
			t.Errorf("Test of R5 = %+v, %v, want it refused", a, err)
		}
	})
}
