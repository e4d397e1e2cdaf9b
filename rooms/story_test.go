package rooms

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"viop/auth"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata/*.txtar")

// TestStories plays the scripts of testdata against the real step. The comment
// on top of each says the rule in words. Time passes between the lines as it
// does in a room: a tick every second, with proofs of life from everybody who
// is not `silent`.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) == 0 || a.Files[0].Name != "script" {
				t.Fatal("the first section is not the script")
			}
			got := tell(t, string(a.Files[0].Data))
			if *update {
				a.Files = []txtar.File{a.Files[0], {Name: "want", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) != 2 {
				t.Fatal("no want section; run with -update and read what it wrote")
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Errorf("story differs (-want +got):\n%s", diff)
			}
		})
	}
}

// story is a room, the people in it, and what was told so far.
type story struct {
	t      *testing.T
	s      *state
	plan   Plan
	now    time.Time
	seats  map[string]seatID // by "p1" (latest page) and "p1@page"
	page   map[string]string // latest page of a person
	owner  map[seatID]string // "p1" or "p1@page" for the others
	last   seatID
	silent map[string]time.Time
	health Health
	beats  bool
	frozen bool // until the next line
	told   strings.Builder
}

var storyDay = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

func tell(t *testing.T, script string) string {
	st := &story{
		t: t, seats: make(map[string]seatID), page: make(map[string]string),
		owner: make(map[seatID]string), silent: make(map[string]time.Time),
		plan:   Plan{Session: "s1", Start: clock(t, "10:00:00"), End: clock(t, "13:00:00"), Seats: 12},
		health: Health{Durable: true},
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			st.line(line)
		}
	}
	return st.told.String()
}

func clock(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("15:04:05", text)
	if err != nil {
		t.Fatalf("time %q: %v", text, err)
	}
	return storyDay.Add(at.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))
}

func (st *story) line(line string) {
	words := strings.Fields(line)
	at := clock(st.t, words[0])
	if st.s == nil {
		st.now = at
		st.s = newState(at, st.plan, 1, true, Memory{}, nil)
	}
	if at.Before(st.now) {
		st.t.Fatalf("%q goes back in time", line)
	}
	st.pass(at)
	if words[1] == "wait" {
		return
	}
	in := st.input(words[1:])
	fmt.Fprintln(&st.told, line)
	if in != nil {
		st.step(in)
	}
}

// pass lets the seconds go by.
func (st *story) pass(until time.Time) {
	if st.s.closing != "" || st.frozen {
		st.now, st.frozen = until, false
		return
	}
	for next := st.now.Truncate(tickEvery).Add(tickEvery); !next.After(until); next = next.Add(tickEvery) {
		st.now = next
		if st.s.closing != "" {
			break
		}
		before := st.told.Len()
		st.step(tick{st.health})
		if effects := st.told.String()[before:]; effects != "" {
			all := st.told.String()[:before] + next.Format("15:04:05") + "\n" + effects
			st.told.Reset()
			st.told.WriteString(all)
		}
	}
	st.now = until
}

func (st *story) step(in input) {
	if st.s.closing != "" {
		st.t.Fatal("the room has closed")
	}
	proofs := make(map[Conn]proof)
	for _, p := range st.s.here() {
		seen := st.now
		if since, silent := st.silent[string(p.id)]; silent {
			seen = since
		}
		var one proof
		if p.seat.linked {
			one.link = seen
		}
		if p.seat.conn.up {
			one.media = seen
		}
		proofs[p.seat.conn.name] = one
	}
	st.s.prove(st.now, proofs)
	for _, e := range st.s.step(st.now, in) {
		if text := st.effect(e); text != "" {
			fmt.Fprintf(&st.told, "\t%s\n", text)
		}
	}
}

// input reads what happens; nil when it only changes the story's world.
func (st *story) input(words []string) input {
	verb, rest := words[0], words[1:]
	switch verb {
	case "join":
		return st.join(rest)
	case "resume":
		return st.resume(rest)
	case "link":
		return linked{st.seat(rest[0]), len(rest) > 1 && rest[1] == "fresh"}
	case "unlink":
		return unlinked{st.seat(rest[0])}
	case "snapshot":
		return snapshot{st.seat(rest[0])}
	case "leave":
		return leave{st.seat(rest[0])}
	case "keep":
		return keepResume{st.seat(rest[0]), rest[1], st.now.Add(ResumeWindow)}
	case "up":
		return mediaUp{st.conn(rest[0])}
	case "down":
		return mediaDown{st.conn(rest[0]), clock(st.t, rest[1])}
	case "broken":
		return mediaFailed{st.conn(rest[0])}
	case "expel":
		return expel{PersonID(rest[0]), Reason{Code: CodeRevoked}}
	case "drain":
		return drain{}
	case "lost-lease":
		return leaseLost{}
	}
	if st.world(verb, rest) {
		return nil
	}
	return command{st.seat(verb), st.command(rest)}
}

// world changes what is around the room.
func (st *story) world(verb string, rest []string) bool {
	switch verb {
	case "crash", "reopen":
		// A successor knows what was saved, and nothing else.
		st.s = newState(st.now, st.plan, st.s.epoch+1, true, st.s.saved, make([]string, len(st.s.saved.People)))
		for i, p := range st.s.people {
			p.name = st.s.saved.People[i].SealedName
		}
	case "frozen":
		st.frozen = true
	case "silent":
		st.silent[rest[0]] = st.now
	case "heard":
		delete(st.silent, rest[0])
	case "behind":
		d, err := time.ParseDuration(rest[0])
		if err != nil {
			st.t.Fatal(err)
		}
		st.health.Behind = d
	case "volatile":
		st.health.Durable = false
	case "beats":
		st.beats = true
	case "starts":
		st.plan.Start = clock(st.t, rest[0])
	case "cancelled":
		st.plan.Cancelled = true
	case "seats":
		if _, err := fmt.Sscan(rest[0], &st.plan.Seats); err != nil {
			st.t.Fatal(err)
		}
	default:
		return false
	}
	return true
}

// join: PERSON ROLE [page=NAME] [kept]. A page is fresh unless it kept its
// PeerConnection.
func (st *story) join(words []string) input {
	in := join{
		person: PersonID(words[0]), role: auth.Role(words[1]), name: words[0], sealedName: words[0],
		instance: words[0], fresh: true, plan: &st.plan,
	}
	for _, w := range words[2:] {
		if page, ok := strings.CutPrefix(w, "page="); ok {
			in.instance = page
		}
		in.fresh = in.fresh && w != "kept"
	}
	in.seat = st.take(words[0], in.instance)
	return in
}

// resume: PERSON HASH.
func (st *story) resume(words []string) input {
	in := join{resume: words[1], instance: words[0], fresh: true, plan: &st.plan}
	in.seat = st.take(words[0], words[0])
	return in
}

func (st *story) take(person, page string) seatID {
	st.last++
	st.seats[person], st.seats[person+"@"+page] = st.last, st.last
	st.owner[st.last] = person
	if page != person {
		st.owner[st.last] = person + "@" + page
	}
	return st.last
}

func (st *story) seat(who string) seatID {
	id, ok := st.seats[who]
	if !ok {
		st.t.Fatalf("who is %q?", who)
	}
	return id
}

func (st *story) conn(who string) Conn {
	if strings.HasPrefix(who, "c") {
		return Conn(who)
	}
	p := st.s.bySeat(st.seat(who))
	if p == nil {
		st.t.Fatalf("%s has no seat", who)
	}
	return p.seat.conn.name
}

func (st *story) command(words []string) Command {
	switch words[0] {
	case "check-in":
		return CheckIn{Private: true, Headphones: true, GroundRules: true, Location: "12 Elm Street", CallBack: "555-0100"}
	case "publish":
		return Publish{source(words[1]), words[2] == "on"}
	case "hand":
		return Hand{words[1] == "up"}
	case "help":
		return Help{words[1] == "on"}
	}
	m := Moderate{Action: Action(words[0])}
	for _, w := range words[1:] {
		switch name, value, _ := strings.Cut(w, "="); {
		case w == "hold":
			m.Hold = true
		case name == "reason":
			m.Reason = value
		case name == "room":
			m.Room = value
		default:
			m.Target = Handle(w)
			if p := st.s.person(PersonID(w)); p != nil {
				m.Target = p.handle
			}
		}
	}
	return m
}

func source(name string) Source {
	switch name {
	case "mic":
		return Mic
	case "camera":
		return Camera
	case "screen":
		return Screen
	}
	return 0
}
