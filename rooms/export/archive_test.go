package export_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"viop/rooms/export"
	"viop/rooms/export/sample"
)

func archive(t testing.TB) export.Archive {
	t.Helper()
	signer, err := export.NewSigner(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	day := sample.Everything()[0]
	item, err := sample.View().Item(day.Change, day.Reading, nil)
	if err != nil {
		t.Fatal(err)
	}
	return export.Archive{
		Made: item.At, From: item.Record.Date, To: item.Record.Date, Destination: "billing", Basis: "consent_tpo",
		Generator: "test", Signer: signer, Dir: t.TempDir(),
	}
}

// written is the archive of the sample.
func written(t testing.TB, a export.Archive) []byte {
	t.Helper()
	rows, weeks := rowsOf(t)
	var b bytes.Buffer
	if _, err := a.Write(t.Context(), &b, each(rows, nil), each(weeks, nil)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpack(t testing.TB, archive []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

func check(archive []byte, key ed25519.PublicKey) (export.Manifest, error) {
	return export.Check(bytes.NewReader(archive), int64(len(archive)), key)
}

func TestArchive(t *testing.T) {
	a := archive(t)
	text := written(t, a)
	files := unpack(t, text)
	rows, _ := rowsOf(t)
	if got := table(t, export.ForSpreadsheets, rows...); files["attendance.csv"] != got {
		t.Error("attendance.csv is not the table of the same rows")
	}
	for _, name := range []string{"intervals.csv", "weekly.csv", "COLUMNS.txt", "manifest.json"} {
		golden(t, name, []byte(files[name]))
	}
	if got := strings.ReplaceAll(files["NOTICE.txt"], "\r\n", "\n"); got != export.NoticeText {
		t.Errorf("NOTICE.txt = %q, want the whole notice", got)
	}
	for _, key := range []ed25519.PublicKey{nil, a.Signer.Public()} {
		m, err := check(text, key)
		if err != nil {
			t.Fatal(err)
		}
		if m.Destination != "billing" || m.Basis != "consent_tpo" || m.NoticeVersion != "part2-2024" || m.Signer != a.Signer.Fingerprint() {
			t.Errorf("manifest = %+v, want what the archive was made for", m)
		}
	}
	if left, _ := os.ReadDir(a.Dir); len(left) > 0 {
		t.Errorf("%s is left in the directory of temporary files", left[0].Name())
	}
	if again := written(t, a); !bytes.Equal(text, again) {
		t.Error("the same rows made another archive")
	}
}

// Every column has a meaning, names stand once, and the notice is last.
func TestEveryColumnIsDescribed(t *testing.T) {
	files := unpack(t, written(t, archive(t)))
	for name, text := range files {
		if !strings.HasSuffix(name, ".csv") {
			continue
		}
		header, err := csv.NewReader(strings.NewReader(text)).Read()
		if err != nil {
			t.Fatal(err)
		}
		if header[len(header)-1] != "part2_notice" {
			t.Errorf("the last column of %s is %s, want the notice", name, header[len(header)-1])
		}
		_, of, _ := strings.Cut(files["COLUMNS.txt"], name+"\r\n")
		of, _, _ = strings.Cut(of, "\r\n\r\n")
		lines := strings.Split(of, "\r\n")
		if len(lines) != len(header) {
			t.Fatalf("%s has %d columns, %d are described", name, len(header), len(lines))
		}
		for i, column := range header {
			described, means, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
			if described != column || len(strings.TrimSpace(means)) < 10 {
				t.Errorf("%s: %s is described by %q", name, column, lines[i])
			}
			if slices.Index(header, column) != i {
				t.Errorf("%s has %s twice", name, column)
			}
		}
	}
}

// What intervals.csv says adds up to what attendance.csv says.
func TestIntervalsAreTheRecords(t *testing.T) {
	files := unpack(t, written(t, archive(t)))
	sums := map[string]float64{}
	for _, row := range cells(t, files["intervals.csv"]) {
		var s float64
		if _, err := fmt.Sscan(row["length_s"], &s); err != nil {
			t.Fatal(err)
		}
		sums[row["record_id"]+" "+row["version"]+" "+row["kind"]] += s
	}
	for _, row := range cells(t, files["attendance.csv"]) {
		for kind, column := range map[string]string{"credited": "credited_s", "lobby": "lobby_s", "connected": "connected_s"} {
			if row["tz"] == "" && kind != "credited" {
				continue // told before there was an about
			}
			is := fmt.Sprintf("%.3f", sums[row["record_id"]+" "+row["version"]+" "+kind])
			if is != row[column] {
				t.Errorf("%s: intervals have %s s %s, the record %s", row["record_id"], is, kind, row[column])
			}
		}
	}
}

// rewrite makes another archive of the same files, changed by change.
func rewrite(t testing.TB, text []byte, change func(files map[string]string, order *[]string)) []byte {
	t.Helper()
	files := unpack(t, text)
	var order []string
	for name := range files {
		order = append(order, name)
	}
	slices.Sort(order)
	change(files, &order)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range order {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckFindsWhatWasChanged(t *testing.T) {
	a := archive(t)
	text := written(t, a)
	other, err := export.NewSigner(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	without := func(name string) func(map[string]string, *[]string) {
		return func(_ map[string]string, order *[]string) {
			*order = slices.DeleteFunc(*order, func(n string) bool { return n == name })
		}
	}
	edit := func(name, from, to string) func(map[string]string, *[]string) {
		return func(files map[string]string, _ *[]string) {
			if !strings.Contains(files[name], from) {
				t.Fatalf("%s holds no %q", name, from)
			}
			files[name] = strings.Replace(files[name], from, to, 1)
		}
	}
	for _, test := range []struct {
		name   string
		change func(map[string]string, *[]string)
		key    ed25519.PublicKey
		says   string
	}{
		{"nothing", func(map[string]string, *[]string) {}, nil, ""},
		{"a digit of a row", edit("attendance.csv", "158", "159"), nil, "attendance.csv"},
		{"a row added", edit("weekly.csv", "\r\n", "\r\nx\r\n"), nil, "weekly.csv"},
		{"the notice", edit("NOTICE.txt", "prohibit", "permit"), nil, "NOTICE.txt"},
		{"the basis", edit("manifest.json", "consent_tpo", "internal"), nil, "signature"},
		{"the signature", func(files map[string]string, _ *[]string) { files["manifest.json.sig"] = strings.Repeat("x", 64) }, nil, "signature"},
		{"the signature is short", func(files map[string]string, _ *[]string) { files["manifest.json.sig"] = "x" }, nil, "signature"},
		{"the key", func(files map[string]string, _ *[]string) { files["signer.pem"] = string(other.PublicPEM()) }, nil, "signature"},
		{"the key is none", func(files map[string]string, _ *[]string) { files["signer.pem"] = "x" }, nil, "signer.pem"},
		{"somebody else's", func(map[string]string, *[]string) {}, other.Public(), other.Fingerprint()},
		{"no manifest", without("manifest.json"), nil, "manifest.json"},
		{"no signature", without("manifest.json.sig"), nil, "manifest.json.sig"},
		{"no key, and one at hand", without("signer.pem"), a.Signer.Public(), ""},
		{"a file is missing", without("intervals.csv"), nil, "intervals.csv"},
		{"a file more", func(files map[string]string, order *[]string) {
			files["more.csv"], *order = "x\r\n", append(*order, "more.csv")
		}, nil, "more.csv"},
		{"a file twice", func(_ map[string]string, order *[]string) { *order = append(*order, "attendance.csv") }, nil, "twice"},
	} {
		_, err := check(rewrite(t, text, test.change), test.key)
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s: %v, want it to be as it was made", test.name, err)
		case test.says != "" && (!errors.Is(err, export.ErrArchive) || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v, want %q to be found", test.name, err, test.says)
		}
	}
}

// A broken reader upstream leaves no archive that looks like one.
func TestArchiveOfWhatBreaks(t *testing.T) {
	rows, weeks := rowsOf(t)
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name    string
		ctx     context.Context
		records iter.Seq2[export.Row, error]
		weeks   iter.Seq2[export.Week, error]
		want    error
	}{
		{"records", t.Context(), each(rows, broken), each(weeks, nil), broken},
		{"weeks", t.Context(), each(rows, nil), each(weeks, broken), broken},
		{"the caller", cancelled, each(rows, nil), each(weeks, nil), context.Canceled},
	} {
		var b bytes.Buffer
		if _, err := archive(t).Write(test.ctx, &b, test.records, test.weeks); !errors.Is(err, test.want) {
			t.Errorf("%s broke: %v, want %v", test.name, err, test.want)
		}
		if _, err := check(b.Bytes(), nil); !errors.Is(err, export.ErrArchive) {
			t.Errorf("%s broke, and what was written passes for an archive (%v)", test.name, err)
		}
	}
}

// Who has neither this program nor its source can check an archive.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl here")
	}
	dir := t.TempDir()
	for name, text := range unpack(t, written(t, archive(t))) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "signer.pem",
			"-rawin", "-in", "manifest.json", "-sigfile", "manifest.json.sig")
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	if says, err := verify(); err != nil {
		t.Fatalf("openssl does not know the signature: %v\n%s", err, says)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if says, err := verify(); err == nil {
		t.Errorf("openssl takes another manifest for the signed one: %s", says)
	}
}

func FuzzCheck(f *testing.F) {
	rows, weeks := rowsOf(f)
	var b bytes.Buffer
	signer, err := export.NewSigner(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := (export.Archive{Signer: signer}).Write(f.Context(), &b, each(rows[:1], nil), each(weeks[:1], nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := check(text, signer.Public()); err == nil && m.Signer != signer.Fingerprint() {
			t.Errorf("an archive of nobody's passes: %+v", m)
		}
	})
}

// year yields as many records as a year of 1,000 patients has, each different,
// and remembers the most memory that was in use.
func year(t testing.TB, n int, peak *uint64) iter.Seq2[export.Row, error] {
	rows, _ := rowsOf(t)
	return func(yield func(export.Row, error) bool) {
		for i := range n {
			row := rows[0]
			row.Session = fmt.Sprintf("ses_%d", i/10)
			row.Person = fmt.Sprintf("per_%d", i%1000)
			row.RecordID = export.RecordID(row.Session, row.Person)
			row.CreditedMS += int64(i)
			if i%100 == 0 {
				*peak = max(*peak, inUse())
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// inUse is all memory of the process that is not given back.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// most is what 100,000 records may take.
const most = 200 << 20

// Memory does not grow with the records: ten times as many take as much, give
// or take what the collector leaves lying about. BenchmarkArchive has 100,000.
func TestArchiveNeedsConstantMemory(t *testing.T) {
	use := func(n int) (peak uint64) {
		runtime.GC()
		out := &sink{}
		if _, err := archive(t).Write(t.Context(), out, year(t, n, &peak), each[export.Week](nil, nil)); err != nil {
			t.Fatal(err)
		}
		return peak
	}
	few, many := use(500), use(5_000)
	if many > few+16<<20 || many > most {
		t.Errorf("5,000 records took %d MB, 500 took %d", many>>20, few>>20)
	}
}

type sink struct{ n int64 }

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

func BenchmarkCSV(b *testing.B) {
	const n = 100_000
	var peak uint64
	b.ReportAllocs()
	for b.Loop() {
		if err := export.CSV(io.Discard, export.ForSpreadsheets, year(b, n, &peak)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	if peak > most {
		b.Errorf("100,000 records took %d MB, want less than %d", peak>>20, most>>20)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkArchive(b *testing.B) {
	const n = 100_000
	var peak uint64
	out := &sink{}
	for b.Loop() {
		a := archive(b)
		if _, err := a.Write(b.Context(), out, year(b, n, &peak), each[export.Week](nil, nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	if peak > most {
		b.Errorf("100,000 records took %d MB, want less than %d", peak>>20, most>>20)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(out.n)/float64(b.N)/(1<<20), "zip-MB")
}
