package attendance

import "fmt"

// CreditText is credited time for people: rounded down to the minute, so that
// one millisecond short of nine hours is "8 h 59 m" (§8). Round last: never
// add up what was rounded.
func CreditText(ms int64) string { return minutesText(floorDiv(ms, minute)) }

// NeedText is time still needed for people: rounded up to the minute, so that
// one millisecond is "1 m" (§8).
func NeedText(ms int64) string { return minutesText(-floorDiv(-ms, minute)) }

func minutesText(minutes int64) string {
	sign := ""
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	if minutes < 60 {
		return fmt.Sprintf("%s%d m", sign, minutes)
	}
	return fmt.Sprintf("%s%d h %02d m", sign, minutes/60, minutes%60)
}
