package attendance

import (
	"errors"
	"time"
)

// Instant is a point in time in UTC milliseconds since the epoch. A document
// holds instants of the years 2000 to 2099 only (§1), so the zero Instant
// never occurs in one and stands for "not given".
type Instant int64

// Milliseconds of the units that people and profiles use.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

const (
	firstInstant Instant = 946684800000  // 2000-01-01T00:00:00Z
	endOfTime    Instant = 4102444800000 // 2100-01-01T00:00:00Z, the first instant that is too late
)

// At is t, without what it has below a millisecond.
func At(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time is the instant in UTC.
func (t Instant) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String is the instant as §1 writes it: with three decimals, or none on a
// whole second.
func (t Instant) String() string {
	text, _ := t.AppendText(nil)
	return string(text)
}

// AppendText appends the text of String; it never fails.
func (t Instant) AppendText(b []byte) ([]byte, error) {
	layout := "2006-01-02T15:04:05.000Z"
	if t%second == 0 {
		layout = "2006-01-02T15:04:05Z"
	}
	return t.Time().AppendFormat(b, layout), nil
}

// MarshalText makes an Instant a JSON string.
func (t Instant) MarshalText() ([]byte, error) { return t.AppendText(make([]byte, 0, 24)) }

// UnmarshalText reads what §1 allows: RFC 3339 with capital T and Z, up to
// three decimals, any offset, within the years 2000 to 2099.
func (t *Instant) UnmarshalText(text []byte) error {
	parsed, err := parseInstant(text)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

var (
	errInstant      = errors.New("is not an RFC 3339 instant with up to three decimals")
	errInstantRange = errors.New("is not in the years 2000 to 2099")
	errDate         = errors.New("is not a date such as 2026-11-02")
)

// inYears reports whether t may stand in a document (§1).
func (t Instant) inYears() bool { return firstInstant <= t && t < endOfTime }

func parseInstant(b []byte) (Instant, error) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(b) < shortest || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, errInstant
	}
	date, ok := parseCivil(b[:10])
	h, okHour := digits(b[11:13], 23)
	m, okMinute := digits(b[14:16], 59)
	s, okSecond := digits(b[17:19], 59)
	if !ok || !okHour || !okMinute || !okSecond {
		return 0, errInstant
	}
	fraction, zone := splitFraction(b[19:])
	ms, okFraction := parseFraction(fraction)
	offset, okZone := parseOffset(zone)
	if !okFraction || !okZone {
		return 0, errInstant
	}
	t := Instant(int64(date)*day + int64(h)*hour + int64(m)*minute + int64(s)*second + int64(ms) - offset)
	if !t.inYears() {
		return 0, errInstantRange
	}
	return t, nil
}

// splitFraction cuts ".250Z" into ".250" and "Z".
func splitFraction(b []byte) (fraction, zone []byte) {
	if b[0] != '.' {
		return nil, b
	}
	i := 1
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return b[:i], b[i:]
}

// parseFraction is the milliseconds of ".2", ".25" or ".250"; none is none.
func parseFraction(b []byte) (ms int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if len(b) < 2 || len(b) > 4 {
		return 0, false
	}
	ms, ok = digits(b[1:], 999)
	for range 4 - len(b) {
		ms *= 10
	}
	return ms, ok
}

// parseOffset is the milliseconds that "Z" or "-05:00" lies ahead of UTC.
func parseOffset(b []byte) (ms int64, ok bool) {
	if len(b) == 1 && b[0] == 'Z' {
		return 0, true
	}
	if len(b) != 6 || (b[0] != '+' && b[0] != '-') || b[3] != ':' {
		return 0, false
	}
	h, okHour := digits(b[1:3], 23)
	m, okMinute := digits(b[4:6], 59)
	ms = int64(h)*hour + int64(m)*minute
	if b[0] == '-' {
		ms = -ms
	}
	return ms, okHour && okMinute
}

// digits reads b, all of it decimal digits, as a number of at most limit.
func digits(b []byte, limit int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n <= limit
}

// Date is a calendar date, counted in days since 1970-01-01. It belongs to no
// zone; calendar.go says which instants a zone gives it.
type Date int32

// String is the date as 2006-01-02.
func (d Date) String() string {
	text, _ := d.MarshalText()
	return string(text)
}

// MarshalText makes a Date a JSON string.
func (d Date) MarshalText() ([]byte, error) {
	return time.Unix(int64(d)*(day/second), 0).UTC().AppendFormat(make([]byte, 0, 10), time.DateOnly), nil
}

// UnmarshalText reads 2006-01-02.
func (d *Date) UnmarshalText(text []byte) error {
	date, ok := parseCivil(text)
	if !ok {
		return errDate
	}
	*d = date
	return nil
}

// parseCivil reads 2006-01-02, a day that exists.
func parseCivil(b []byte) (Date, bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, okYear := digits(b[:4], 9999)
	m, okMonth := digits(b[5:7], 12)
	d, okDay := digits(b[8:], 31)
	if !okYear || !okMonth || !okDay || m == 0 || d == 0 {
		return 0, false
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return Date(t.Unix() / (day / second)), t.Day() == d
}
