package delivery_test

import (
	"net/http"
	"testing"
	"time"

	"viop/rooms/delivery"
)

// The pauses of Standard Webhooks, give or take a tenth.
func TestPauses(t *testing.T) {
	want := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	if len(want) != delivery.Attempts-1 {
		t.Errorf("Attempts = %d, want one more than there are pauses", delivery.Attempts)
	}
	for i, usual := range want {
		seen := map[time.Duration]bool{}
		for range 100 {
			got, again := delivery.Pause(i + 1)
			if !again || got < usual*9/10 || got > usual*11/10 {
				t.Errorf("pause(%d) = %v, %v, want %v and a tenth more or less", i+1, got, again, usual)
			}
			seen[got] = true
		}
		if len(seen) < 50 {
			t.Errorf("pause(%d) took %d different lengths of 100: what failed together would come back together", i+1, len(seen))
		}
	}
	if got, again := delivery.Pause(delivery.Attempts); again {
		t.Errorf("pause(%d) = %v, want no more", delivery.Attempts, got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text string
		want time.Duration
	}{
		{"", 0}, {"120", 2 * time.Minute}, {"0", 0}, {"-5", 0}, {"soon", 0}, {"1e9", 0},
		{"99999999999999999999", 0}, {"31536000", 24 * time.Hour},
		{"Mon, 02 Nov 2026 12:01:00 GMT", time.Minute}, {"Mon, 02 Nov 2026 11:00:00 GMT", 0},
		{"Mon, 02 Nov 2099 11:00:00 GMT", 24 * time.Hour},
	} {
		if got := delivery.RetryAfter(http.Header{"Retry-After": {test.text}}, now); got != test.want {
			t.Errorf("retryAfter(%q) = %v, want %v", test.text, got, test.want)
		}
	}
}
