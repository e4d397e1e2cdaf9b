package attendance_test

import (
	"testing"

	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// What is around a record is what the record and the timeline measure.
func TestWhatIsAroundAgreesWithTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		records := evaluate(t, c).Records
		for _, s := range c.Sessions {
			around, ok := attendance.LookAround(c, s.ID)
			timeline, _ := attendance.NewTimeline(c, s.ID)
			if !ok {
				t.Fatalf("LookAround(%s) knows nothing", s.ID)
			}
			n := 0
			for _, r := range records {
				if r.Session != s.ID {
					continue
				}
				n++
				p := around.People[r.Person]
				if p.Connected.Length() != r.ConnectedMS || p.Waiting.Length() != r.LobbyMS {
					t.Errorf("%s in %s: connected %v and waiting %v, and the record has %d and %d ms",
						r.Person, s.ID, p.Connected, p.Waiting, r.ConnectedMS, r.LobbyMS)
				}
			}
			if n != len(around.People) {
				t.Errorf("%s: %d people, and %d have a record", s.ID, len(around.People), n)
			}
			if around.Breaks.Length() != timeline.Breaks.Length() {
				t.Errorf("%s: breaks are %v, and in the timeline %v", s.ID, around.Breaks, timeline.Breaks)
			}
			last := ""
			for _, p := range around.Facilitators {
				if p.Person <= last || len(p.Connected) == 0 || roleOf(c, p.Person) != attendance.Facilitator {
					t.Errorf("%s: %+v after %q is no facilitator who was there", s.ID, p, last)
				}
				last = p.Person
			}
		}
	})
	if _, ok := attendance.LookAround(&attendance.Case{Program: attendance.Program{Timezone: "UTC"}}, "s9"); ok {
		t.Error("LookAround knows a session that is not in the case")
	}
}

func roleOf(c *attendance.Case, person string) attendance.Role {
	for _, p := range c.People {
		if p.ID == person {
			return p.Role
		}
	}
	return ""
}
