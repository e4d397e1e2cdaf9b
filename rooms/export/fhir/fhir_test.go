package fhir_test

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/export/fhir"
	"viop/rooms/export/sample"
	"viop/rooms/records"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// clinic is a server that has its own identifiers of patients.
var clinic = fhir.Target{System: "https://iop.example.org", PatientSystem: "https://clinic.example.org/mrn"}

func items(t testing.TB) ([]string, []export.Item) {
	t.Helper()
	names, items, err := sample.Items()
	if err != nil {
		t.Fatal(err)
	}
	return names, items
}

func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// A bundle of everything that can be told: read them as prose. Two validators
// of others look at the same files (web/app/src/fhir.test.ts).
func TestBundles(t *testing.T) {
	names, all := items(t)
	for i, item := range all {
		golden(t, names[i]+".json", clinic.Bundle(item))
	}
	golden(t, "everything.json", fhir.Target{}.Bundle(all...))
	left, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(all) + 2; len(left) != want { // those above, and appointments.json
		t.Errorf("testdata has %d files, %d are written", len(left), want)
	}
}

// An appointment of a scheduling system, after each status a record can have.
func TestAppointmentsAreValid(t *testing.T) {
	theirs := `{"resourceType":"Appointment","id":"apt-5521","status":"booked","start":"2026-11-03T00:00:00Z","end":"2026-11-03T03:00:00Z",
		"participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"}],"minutesDuration":180}`
	var all []json.RawMessage
	for _, status := range []attendance.Status{
		attendance.StatusAttended, attendance.StatusPresentUncredited, attendance.StatusRemoved, attendance.StatusLobbyOnly,
		attendance.StatusNoShow, attendance.StatusExcused, attendance.StatusCancelled, attendance.StatusScheduled, export.StatusWithdrawn,
	} {
		updated, _, err := fhir.UpdateAppointment([]byte(theirs), status)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, updated)
	}
	golden(t, "appointments.json", all)
}

// Of a resource that several items are about the last word is written, and a
// transaction names nothing twice.
func TestBundleHasTheLastWord(t *testing.T) {
	_, all := items(t)
	b := clinic.Bundle(all...)
	seen := map[string]bool{}
	last := map[string]export.Record{}
	for _, item := range all {
		if item.Record != nil {
			last[item.Record.RecordID] = *item.Record
		}
	}
	for _, e := range b.Entry {
		key := e.Request.Method + " " + e.Request.URL + " " + e.Request.IfNoneExist
		if seen[key] || seen[e.FullURL] {
			t.Errorf("the transaction has %s twice", key)
		}
		seen[key], seen[e.FullURL] = true, true
		if encounter, ok := e.Resource.(fhir.Encounter); ok {
			id := encounter.Identifier[0].Value
			if !cmp.Equal(encounter, clinic.Encounter(last[id])) {
				t.Errorf("the Encounter of %s is not of its last record", id)
			}
			delete(last, id)
		}
	}
	if len(last) > 0 {
		t.Errorf("%v have no Encounter", slices.Sorted(maps.Keys(last)))
	}
}

// An amendment, and the end of a record, are the resource they were before.
func TestAmendmentIsTheSameResource(t *testing.T) {
	names, all := items(t)
	url := map[string]string{}
	for i, item := range all {
		if item.Record == nil {
			continue
		}
		request := clinic.Bundle(item).Entry[0].Request
		if request.Method != http.MethodPut {
			t.Errorf("%s is written by %s, want a conditional PUT", names[i], request.Method)
		}
		if is, known := url[item.Record.RecordID]; known && is != request.URL {
			t.Errorf("%s is written to %s, before it was %s", names[i], request.URL, is)
		}
		url[item.Record.RecordID] = request.URL
	}
}

func TestNoNamesWithoutLeave(t *testing.T) {
	for _, told := range sample.Everything() {
		item, err := export.View{}.Item(told.Change, told.Reading, told.Signatures)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(clinic.Bundle(item))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Ana", "M-10", "clinic.example.org", "Monday evening"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s: the bundle holds %q", told.Name, secret)
			}
		}
	}
}

// Every resource carries the labels and the notice.
func TestEveryResourceIsProtected(t *testing.T) {
	names, all := items(t)
	for i, item := range all {
		for _, e := range clinic.Bundle(item).Entry {
			text, err := json.Marshal(e.Resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`"code":"R"`, `"code":"42CFRPart2"`, export.Notice} {
				if !strings.Contains(string(text), want) {
					t.Errorf("%s: %s holds no %s", names[i], e.Request.URL, want)
				}
			}
		}
	}
}

func TestStatusOfEncounters(t *testing.T) {
	for status, want := range map[attendance.Status]string{
		attendance.StatusAttended: "finished", attendance.StatusRemoved: "finished", attendance.StatusPresentUncredited: "finished",
		attendance.StatusLobbyOnly: "arrived", attendance.StatusScheduled: "planned",
		attendance.StatusNoShow: "cancelled", attendance.StatusExcused: "cancelled", attendance.StatusCancelled: "cancelled",
		export.StatusWithdrawn: "entered-in-error", "new one": "unknown",
	} {
		var r export.Record
		r.Status = status
		if got := clinic.Encounter(r).Status; got != want {
			t.Errorf("%s is the Encounter status %s, want %s", status, got, want)
		}
	}
}

// spans of minutes, small enough to meet each other.
func spans(t *rapid.T, name string) attendance.Set {
	minute := rapid.Int64Range(0, 40)
	var list []attendance.Interval
	for range rapid.IntRange(0, 4).Draw(t, name) {
		from, to := minute.Draw(t, name), minute.Draw(t, name)
		base := attendance.At(time.Date(2026, 11, 1, 5, 45, 0, 0, time.UTC)) // the clocks go back an hour later
		list = append(list, attendance.Interval{
			Start: base + attendance.Instant(min(from, to)*300_001), End: base + attendance.Instant(max(from, to)*300_001),
		})
	}
	return attendance.SetOf(list...)
}

// Whatever happened: what is in the history never overlaps, all in progress
// and on leave lies in the period, whatever is credited is in progress, and
// the length is the credited time to the millisecond.
func TestHistoryOfEncounters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r export.Record
		r.Status = attendance.StatusAttended
		r.Credited = spans(t, "credited")
		r.CreditedMS = r.Credited.Length()
		r.About = &records.About{
			Timezone: "America/Chicago", Waiting: spans(t, "waiting"), Connected: spans(t, "connected"), Breaks: spans(t, "breaks"),
		}
		e := clinic.Encounter(r)
		by := map[string]attendance.Set{}
		var before attendance.Instant
		for _, h := range e.StatusHistory {
			i := interval(t, h.Period)
			if i.Start < before || i.Length() == 0 {
				t.Fatalf("the history %+v is not in order", e.StatusHistory)
			}
			before = i.End
			by[h.Status] = append(by[h.Status], i)
		}
		if missing := r.Credited.Subtract(by["in-progress"]); missing.Length() > 0 {
			t.Fatalf("credited, and not in progress: %v", missing)
		}
		if extra := by["in-progress"].Subtract(r.About.Connected.Union(r.Credited)); extra.Length() > 0 {
			t.Fatalf("in progress, and neither connected nor credited: %v", extra)
		}
		if inside := by["in-progress"].Union(by["onleave"]); inside.Length() > 0 {
			if out := inside.Subtract(attendance.Set{interval(t, *e.Period)}); out.Length() > 0 {
				t.Fatalf("outside of the period: %v", out)
			}
			if r.CreditedMS > interval(t, *e.Period).Length() {
				t.Fatalf("the length is longer than the period")
			}
		}
		if got := milliseconds(t, e.Length); got != r.CreditedMS {
			t.Fatalf("the length is %s s, the record has %d ms", e.Length.Value, r.CreditedMS)
		}
	})
}

func interval(t *rapid.T, p fhir.Period) (i attendance.Interval) {
	for text, at := range map[string]*attendance.Instant{p.Start: &i.Start, p.End: &i.End} {
		if err := at.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func milliseconds(t *rapid.T, q fhir.Quantity) int64 {
	whole, fraction, _ := strings.Cut(q.Value.String(), ".")
	n, err := strconv.ParseInt(whole+(fraction + "000")[:3], 10, 64)
	if err != nil || len(fraction) > 3 {
		t.Fatalf("the quantity %s: %v", q.Value, err)
	}
	return n
}

// Hours round down, and by less than half a second.
func TestHoursNeverRoundUp(t *testing.T) {
	_, all := items(t)
	week := *all[slices.IndexFunc(all, func(i export.Item) bool { return i.Week != nil })].Week
	rapid.Check(t, func(t *rapid.T) {
		week := week
		week.CreditedMS = rapid.Int64Range(0, 100*3_600_000).Draw(t, "credited")
		o := clinic.Observation(week, 0)
		hours, err := o.ValueQuantity.Value.Float64()
		if err != nil {
			t.Fatal(err)
		}
		if ms := hours * 3_600_000; ms > float64(week.CreditedMS)+0.001 || ms < float64(week.CreditedMS)-361 {
			t.Fatalf("%d ms are %s h", week.CreditedMS, o.ValueQuantity.Value)
		}
		if got := milliseconds(t, *o.Component[0].ValueQuantity); got != week.CreditedMS {
			t.Fatalf("%d ms are %d ms in the exact component", week.CreditedMS, got)
		}
	})
}

func TestAppointments(t *testing.T) {
	for _, test := range []struct {
		name, from string
		status     attendance.Status
		want       string // "" when nothing is written
	}{
		{"attended", `{"resourceType":"Appointment","id":"1","status":"booked"}`, attendance.StatusAttended,
			`{"id":"1","resourceType":"Appointment","status":"fulfilled"}`},
		{"theirs stays", `{"resourceType":"Appointment","status":"booked","priority":9007199254740993,"comment":"<a & b>","x":{"b":1,"a":[ 1.50 ]}}`,
			attendance.StatusNoShow,
			`{"comment":"<a & b>","priority":9007199254740993,"resourceType":"Appointment","status":"noshow","x":{"b":1,"a":[1.50]}}`},
		{"somebody waited", `{"resourceType":"Appointment","status":"booked"}`, attendance.StatusLobbyOnly,
			`{"resourceType":"Appointment","status":"arrived"}`},
		{"excused", `{"resourceType":"Appointment","status":"booked"}`, attendance.StatusExcused,
			`{"cancelationReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason","code":"pat"}]},"resourceType":"Appointment","status":"cancelled"}`},
		{"cancelled for a reason of theirs", `{"resourceType":"Appointment","status":"cancelled","cancelationReason":{"text":"snow"}}`, attendance.StatusCancelled, ""},
		{"not cancelled after all", `{"resourceType":"Appointment","status":"cancelled","cancelationReason":{"text":"snow"}}`, attendance.StatusAttended,
			`{"resourceType":"Appointment","status":"fulfilled"}`},
		{"as it is", `{"resourceType":"Appointment","status":"fulfilled"}`, attendance.StatusAttended, ""},
		{"withdrawn", `{"resourceType":"Appointment","status":"booked"}`, export.StatusWithdrawn, ""},
	} {
		got, changed, err := fhir.UpdateAppointment([]byte(test.from), test.status)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if changed != (test.want != "") || changed && string(got) != test.want || !changed && string(got) != test.from {
			t.Errorf("%s: %s (changed: %t), want %s", test.name, got, changed, test.want)
		}
	}
	for _, bad := range []string{`[]`, `{"resourceType":"Patient"}`, `{`, `null`, `{"resourceType":"Appointment","status":1}`} {
		if got, _, err := fhir.UpdateAppointment([]byte(bad), attendance.StatusAttended); err == nil {
			t.Errorf("the appointment %s became %s, want an error", bad, got)
		}
	}
}

func FuzzUpdateAppointment(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Appointment","status":"booked","minutesDuration":1e2,"cancelationReason":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, status := range []attendance.Status{attendance.StatusAttended, attendance.StatusExcused, attendance.StatusNoShow} {
			once, changed, err := fhir.UpdateAppointment(text, status)
			if err != nil {
				return
			}
			if !json.Valid(once) {
				t.Fatalf("%q became %q, which is no JSON", text, once)
			}
			if again, changes, err := fhir.UpdateAppointment(once, status); err != nil || changes || string(again) != string(once) {
				t.Fatalf("%q (changed: %t) changes again, to %q (%v)", once, changed, again, err)
			}
		}
	})
}

func TestAppointmentID(t *testing.T) {
	for ref, want := range map[string]string{
		"Appointment/4711": "4711", "https://fhir.example.org/r4/Appointment/a-1": "a-1",
		"": "", "4711": "", "Slot/1": "", "Appointment/": "", "Appointment/a/b": "", "Appointment/../x": "", "Appointment/a?x=1": "",
	} {
		if got, ok := fhir.AppointmentID(ref); got != want || ok != (want != "") {
			t.Errorf("AppointmentID(%q) = %q, %t, want %q", ref, got, ok, want)
		}
	}
}
