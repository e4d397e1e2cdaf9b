package delivery_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/delivery"
	"viop/rooms/export"
	"viop/rooms/records"
	"viop/rooms/schedule"
)

// shelf is a year of a large program that is made up as it is read: sessions
// of ten, and a week of everybody.
type shelf struct {
	delivery.Store // no destination is asked for
	sessions       int
	rows           int // of the accounting
}

const ten = 10

func (s *shelf) start(n int) time.Time {
	return time.Date(2025, 11, 3, 18, 0, 0, 0, time.UTC).Add(time.Duration(n) * (364 * 24 * time.Hour / time.Duration(s.sessions)))
}

func (s *shelf) Sessions(_ context.Context, _, _ time.Time, cursor string, limit int) (page []schedule.Session, next string, err error) {
	first, _ := strconv.Atoi(strings.TrimPrefix(cursor, "s"))
	for n := first + 1; n <= s.sessions && len(page) < limit; n++ {
		page = append(page, schedule.Session{ID: rooms.SessionID(fmt.Sprint("s", n)), Start: s.start(n)})
	}
	if last := first + len(page); last < s.sessions {
		next = fmt.Sprint("s", last)
	}
	return page, next, nil
}

func (s *shelf) Readings(_ context.Context, id rooms.SessionID) (readings []records.Reading, _ []records.Signature, err error) {
	n, err := strconv.Atoi(strings.TrimPrefix(string(id), "s"))
	if err != nil {
		return nil, nil, err
	}
	at := attendance.At(s.start(n))
	for i := range ten {
		r := attendance.Record{
			Session: string(id), Person: s.person(n, i), Service: attendance.Group, Date: attendance.Date(int64(at) / 86_400_000),
			Status: attendance.StatusAttended, Version: 1, Labels: []attendance.Label{}, CreditedMS: 9_000_000, AttendedMS: 9_000_000, ConnectedMS: 9_600_000,
			Credited: attendance.Set{{Start: at, End: at + 4_500_000}, {Start: at + 5_100_000, End: at + 9_600_000}},
		}
		text, err := records.Canonical(r)
		if err != nil {
			return nil, nil, err
		}
		readings = append(readings, records.Reading{Seq: i + 1, Person: r.Person, Version: 1, Hash: strings.Repeat("0", 64), AsOf: at, Record: text,
			About: &records.About{Program: "evening", Timezone: "America/Chicago", Title: "Monday", Start: at, End: at + 10_800_000,
				Connected: attendance.Set{{Start: at, End: at + 9_600_000}}, Facilitators: []records.Staff{{Person: "t1", Start: at, End: at + 9_600_000}}}})
	}
	return readings, nil, nil
}

// person: a thousand of them.
func (s *shelf) person(session, i int) string { return fmt.Sprint("p", (session*ten+i)%1000) }

func (s *shelf) WeekRows(context.Context, attendance.Date, attendance.Date, string, int) ([]records.Change, string, error) {
	return nil, "", nil
}

func (s *shelf) WeekTold(context.Context, rooms.PersonID, attendance.Date) (records.Change, error) {
	return records.Change{}, schedule.ErrNotFound
}

func (s *shelf) FeedID(context.Context) (string, error) { return "feed", nil }

func (s *shelf) Entries(context.Context, int64, int) ([]records.Entry, error) { return nil, nil }

func (s *shelf) People(context.Context, []rooms.PersonID) (map[rooms.PersonID]schedule.Person, error) {
	return nil, nil
}

func (s *shelf) Disclosed(_ context.Context, rows []delivery.Disclosure) error {
	s.rows += len(rows)
	return nil
}

// extractOf a year, for a destination.
func extractOf(tb testing.TB, s *shelf) *delivery.Extract {
	tb.Helper()
	var span delivery.Span
	if err := span.From.UnmarshalText([]byte("2025-11-01")); err != nil {
		tb.Fatal(err)
	}
	span.To = span.From + 380
	gate := delivery.NewGate(s, func(context.Context) (time.Time, error) { return time.Now(), nil })
	e, err := delivery.NewExtract(tb.Context(), s, gate, hook("billing"), "clerk", delivery.AsCSV, span)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func archiveOf(tb testing.TB, e *delivery.Extract, out io.Writer) export.Manifest {
	tb.Helper()
	signer, err := export.NewSigner(make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	m, err := e.Archive(tb.Context(), out, export.Archive{Made: attendance.At(time.Now()), Signer: signer, Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// Everybody is accounted for once, before anything is handed out, however many
// records there are of them.
func TestExtractAccountsFirst(t *testing.T) {
	s := &shelf{sessions: 250}
	e := extractOf(t, s)
	if e.Records != 2500 || s.rows != 1000 {
		t.Errorf("%d records and %d rows of the accounting, want 2500 and one for each of 1000", e.Records, s.rows)
	}
	handed := 0
	e.Each = func() { handed++ }
	if m := archiveOf(t, e, io.Discard); m.Files[0].Rows != 2500 || handed != 2500 || s.rows != 1000 {
		t.Errorf("%d rows, %d told of, %d accounted for, want 2500, 2500 and no more than before", m.Files[0].Rows, handed, s.rows)
	}
}

// BenchmarkArchive is a year of a thousand patients: 100,000 records. It prints
// the most memory that was in use, above what was there before.
func BenchmarkArchive(b *testing.B) {
	for b.Loop() {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		e := extractOf(b, &shelf{sessions: 10_000})
		most, n := uint64(0), 0
		e.Each = func() {
			if n++; n%5000 == 0 {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
			}
		}
		m := archiveOf(b, e, io.Discard)
		b.ReportMetric(float64(m.Files[0].Rows), "records")
		b.ReportMetric(float64(most-min(most, before.HeapInuse))/(1<<20), "MiB")
	}
}
