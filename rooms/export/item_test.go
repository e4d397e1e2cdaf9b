package export_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/export/sample"
	"viop/rooms/records"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
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

func items(t testing.TB) ([]string, []export.Item) {
	t.Helper()
	names, items, err := sample.Items()
	if err != nil {
		t.Fatal(err)
	}
	return names, items
}

// What goes out over the feed and by webhook, of everything that can be told:
// read items.json as prose.
func TestItems(t *testing.T) {
	names, all := items(t)
	type entry struct {
		Case    string          `json:"case"`
		Item    export.Item     `json:"item"`
		Message json.RawMessage `json:"message"`
	}
	var entries []entry
	for i, item := range all {
		message, err := item.Message()
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{names[i], item, message})
	}
	got, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "items.json", append(got, '\n'))
}

func TestTypesAreAllThereAre(t *testing.T) {
	_, all := items(t)
	for _, item := range all {
		if !slices.Contains(export.Types(), item.Type) {
			t.Errorf("item %s has the type %q, which Types does not list", item.ID, item.Type)
		}
	}
	for _, of := range export.Types() {
		if !slices.ContainsFunc(all, func(i export.Item) bool { return i.Type == of }) {
			t.Errorf("the sample has no item of the type %q", of)
		}
	}
}

// Messages end up in logs of others: they hold ids and versions.
func TestMessagesSayNothingOfAnybody(t *testing.T) {
	_, all := items(t)
	for _, item := range all {
		message, err := item.Message()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Ana", "M-10", "evening", "credited", "status", "verdict", "remaining", "2.1"} {
			if strings.Contains(string(message), secret) {
				t.Errorf("the message of %s holds %q: %s", item.Type, secret, message)
			}
		}
	}
}

// A destination that may have no names gets none, whatever the item is.
func TestNamesAreOnlyTheViews(t *testing.T) {
	for _, told := range sample.Everything() {
		item, err := export.View{Feed: "f1"}.Item(told.Change, told.Reading, told.Signatures)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Ana", "M-10", `"name"`, `"external_id"`} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s: the item holds %s without leave: %s", told.Name, secret, text)
			}
		}
	}
}

// Whoever asks again gets the same item, although it was signed since.
func TestItemsNeverChange(t *testing.T) {
	all := sample.Everything()
	signature := sample.Sign(1, all)
	signature.At = all[len(all)-1].Change.At
	for _, told := range all {
		before, err := sample.View().Item(told.Change, told.Reading, told.Signatures)
		if err != nil {
			t.Fatal(err)
		}
		after, err := sample.View().Item(told.Change, told.Reading, append(slices.Clone(told.Signatures), signature))
		if err != nil {
			t.Fatal(err)
		}
		if told.Change.At < signature.At && !cmp.Equal(before, after) {
			t.Errorf("%s: the item changed by a later signature:\n%s", told.Name, cmp.Diff(before, after))
		}
	}
}

func TestHowFarARecordIsSigned(t *testing.T) {
	told := sample.Everything()[0]
	person, hash := told.Reading.Person, told.Reading.Hash
	sign := func(version int, hash string) records.Signature {
		return records.Signature{Version: version, By: "t-7", At: told.Change.At, Records: map[string]string{person: hash}}
	}
	other := records.Signature{Version: 1, By: "t-7", At: told.Change.At, Records: map[string]string{"somebody": hash}}
	for _, test := range []struct {
		name       string
		version    int
		signatures []records.Signature
		want       attendance.State
		signedHash string
	}{
		{"nobody has", 1, nil, attendance.StateUnsigned, ""},
		{"the others' records", 1, []records.Signature{other}, attendance.StateUnsigned, ""},
		{"this version", 1, []records.Signature{sign(1, hash)}, attendance.StateSigned, hash},
		{"corrected since", 2, []records.Signature{sign(1, hash)}, attendance.StateAmended, ""},
		{"corrected and signed again", 2, []records.Signature{sign(1, "before"), sign(2, hash)}, attendance.StateSigned, hash},
		{"evidence came late", 1, []records.Signature{sign(1, "before")}, attendance.StateSigned, "before"},
		{"and it was signed again", 1, []records.Signature{sign(1, "before"), sign(1, hash)}, attendance.StateSigned, hash},
	} {
		reading := told.Reading
		var r attendance.Record
		if err := json.Unmarshal(reading.Record, &r); err != nil {
			t.Fatal(err)
		}
		r.Version = test.version
		reading = sample.Keep(1, r, nil)
		got, err := export.View{}.Record(r.Session, reading, test.signatures)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != test.want || got.SignedHash != test.signedHash {
			t.Errorf("%s: the record is %s with %q, want %s with %q", test.name, got.State, got.SignedHash, test.want, test.signedHash)
		}
	}
}

func TestWhatCannotBeToldIsAnError(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  records.Change
		reading records.Reading
	}{
		{"a kind of another version", records.Change{Kind: "else"}, records.Reading{}},
		{"a week of former times", records.Change{Kind: records.WeekChanged}, records.Reading{}},
		{"a damaged reading", records.Change{Kind: records.RecordChanged}, records.Reading{Hash: "x", Record: []byte("{")}},
	} {
		if item, err := (export.View{}).Item(test.change, test.reading, nil); err == nil {
			t.Errorf("%s became %+v, want an error", test.name, item)
		}
	}
}

func TestPatientsOfItems(t *testing.T) {
	names, all := items(t)
	for i, item := range all {
		people := item.Patients()
		if len(people) == 0 || !slices.IsSorted(people) {
			t.Errorf("%s tells of %q, want somebody, in order", names[i], people)
		}
	}
}

// A Redis that lost its last entries gives their numbers to others.
func TestANumberGivenTwiceIsTwoItems(t *testing.T) {
	first := records.Change{Seq: 7, At: 1_793_620_800_000, Kind: records.WeekChanged, Week: &records.ToldWeek{}}
	second := first
	second.At++
	view := export.View{Feed: "FEED"}
	one, err := view.Item(first, records.Reading{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := view.Item(first, records.Reading{}, nil)
	other, err2 := view.Item(second, records.Reading{}, nil)
	if err != nil || err2 != nil || one.ID != again.ID || one.ID == other.ID {
		t.Errorf("ids are %s, %s and %s (%v, %v), want the last to differ", one.ID, again.ID, other.ID, err, err2)
	}
}
