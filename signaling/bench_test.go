package signaling

import (
	"fmt"
	"testing"

	"viop/rooms"
)

// BenchmarkSpeakers is what telling one page who speaks costs, up to the bytes.
func BenchmarkSpeakers(b *testing.B) {
	l := newLink("s1", func(*link) {}, &counters{})
	h := l.sit(nil)
	var said rooms.Speakers
	for i := range 3 {
		said.Levels = append(said.Levels, rooms.Level{Handle: rooms.Handle(fmt.Sprint("m", i)), Level: 100 - i})
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Send(said)
		if frame, end := h.next(); frame == nil || end != nil {
			b.Fatal("there is nothing to write")
		}
	}
}
