package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// Slot is one meeting of a program's usual week, by the clock on its wall.
type Slot struct {
	Weekday attendance.Weekday `json:"weekday"`
	Start   WallClock          `json:"start"`
	// End is of the next day when it is not after Start.
	End     WallClock          `json:"end"`
	Service attendance.Service `json:"service,omitempty"` // "" is a group
	Breaks  []SlotBreak        `json:"breaks,omitempty"`
}

// SlotBreak is a break of a Slot.
type SlotBreak struct {
	Start WallClock `json:"start"`
	End   WallClock `json:"end"`
}

// WallClock is what a clock shows: minutes since midnight, "18:00" in JSON.
type WallClock int

var errWallClock = errors.New(`is not a time of day such as "18:00"`)

// MarshalText writes 18:00.
func (w WallClock) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%02d:%02d", w/60, w%60), nil
}

// UnmarshalText reads 00:00 to 23:59.
func (w *WallClock) UnmarshalText(text []byte) error {
	t, err := time.Parse("15:04", string(text))
	if err != nil || len(text) != len("15:04") {
		return errWallClock
	}
	*w = WallClock(t.Hour()*60 + t.Minute())
	return nil
}

// after is how long from w until the clock shows v, up to a day.
func (w WallClock) after(v WallClock) time.Duration {
	minutes := (int(v) - int(w) + 24*60) % (24 * 60)
	return time.Duration(minutes) * time.Minute
}

const maxSlots = 50

func checkSlots(p *form.Problems, at string, slots []Slot) {
	if len(slots) > maxSlots {
		p.Add(at, "A week has at most %d meetings.", maxSlots)
		return
	}
	for i, slot := range slots {
		slot.check(p, at+"/"+strconv.Itoa(i))
	}
}

func (s Slot) check(p *form.Problems, at string) {
	checkWord(p, at+"/weekday", s.Weekday, weekdays()...)
	if s.Service != "" {
		checkWord(p, at+"/service", s.Service, services()...)
	}
	if s.End == s.Start {
		p.Add(at+"/end", "A meeting ends after it starts.")
		return
	}
	if len(s.Breaks) > maxBreaks {
		p.Add(at+"/breaks", "A session has at most %d breaks.", maxBreaks)
		return
	}
	length := s.Start.after(s.End)
	for i, b := range s.Breaks {
		at := at + "/breaks/" + strconv.Itoa(i)
		from := s.Start.after(b.Start)
		switch {
		case b.End == b.Start:
			p.Add(at+"/end", "A break ends after it starts.")
		case from >= length:
			p.Add(at+"/start", "A break lies within its session; this one starts outside it.")
		case from+b.Start.after(b.End) > length:
			p.Add(at+"/end", "A break lies within its session; this one ends after it.")
		}
	}
}

// week is the template as sessions of a week without changes of the clock, in
// UTC, which is as good as any zone then.
func (program Program) week() []Session {
	sunday := time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)
	number := func(w attendance.Weekday) int { return slices.Index(weekdays(), w) }
	first := max(0, number(program.WeekStart)) // monday unless it says another
	sessions := make([]Session, len(program.Template))
	for i, slot := range program.Template {
		into := (number(slot.Weekday) - first + 7) % 7
		date := sunday.AddDate(0, 0, 1+first+into)
		at := func(after time.Duration) time.Time {
			return date.Add(time.Duration(slot.Start)*time.Minute + after)
		}
		s := Session{
			ID: rooms.SessionID("slot" + strconv.Itoa(i)), Service: slot.Service,
			Start: at(0), End: at(slot.Start.after(slot.End)),
		}
		if s.Service == "" {
			s.Service = attendance.Group
		}
		for _, b := range slot.Breaks {
			from := slot.Start.after(b.Start)
			s.Breaks = append(s.Breaks, Break{Start: at(from), End: at(from + b.Start.after(b.End))})
		}
		sessions[i] = s
	}
	return sessions
}
