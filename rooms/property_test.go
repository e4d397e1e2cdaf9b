package rooms

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"viop/auth"
	"viop/rooms/attendance"
)

// TestAnythingHappens does random things to the real step, with lines that die
// and come back, crashes, drains and pages that talk out of turn, and looks
// after each whether the room is still one a group would want to be in.
func TestAnythingHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		if rapid.Bool().Draw(t, "the group has begun") {
			w.begin()
		}
		for range rapid.IntRange(1, 120).Draw(t, "length") {
			w.act()
		}
		w.do(drain{})
		w.checkMinutes()
	})
}

// world is everything outside the room: browsers, networks, the store.
type world struct {
	t    *rapid.T
	s    *state
	plan Plan
	now  time.Time

	seats   int
	pages   map[seatID]*page
	lines   map[Conn]*wire
	routed  map[Conn]Place
	log     []attendance.Event
	lastBad map[PersonID]bool // removed, as this test understands it
	ended   bool
	beat    Beat

	truth map[PersonID]time.Duration // with media in the group
	slack map[PersonID]time.Duration // credited though the line was silent
	loss  map[PersonID]time.Duration // proofs of life that crashed
}

// page is a browser: what it was told, as it would keep it.
type page struct {
	person PersonID
	room   RoomView
	people map[Handle]PersonView
	closed bool
}

// wire is the transport of one connection.
type wire struct {
	person PersonID
	up     bool      // reported
	upAt   time.Time // when that was
	silent time.Time // since when no packet comes; zero: they do
}

var cast = []struct {
	person PersonID
	role   auth.Role
}{
	{"id-t1", auth.Facilitator}, {"id-t2", auth.Facilitator}, {"id-p1", auth.Patient}, {"id-p2", auth.Patient},
	{"id-p3", auth.Patient}, {"id-o1", auth.Observer},
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: storyDay.Add(9*time.Hour + 45*time.Minute),
		plan:    Plan{Session: "s1", Start: storyDay.Add(10 * time.Hour), End: storyDay.Add(13 * time.Hour), Seats: 5},
		lastBad: make(map[PersonID]bool),
		truth:   make(map[PersonID]time.Duration), slack: make(map[PersonID]time.Duration), loss: make(map[PersonID]time.Duration),
	}
	w.open(1, Memory{})
	return w
}

func (w *world) open(epoch int, m Memory) {
	w.s = newState(w.now, w.plan, epoch, true, m, make([]string, len(m.People)))
	w.pages, w.lines, w.routed = make(map[seatID]*page), make(map[Conn]*wire), nil
	w.beat = Beat{}
}

// begin brings everybody in.
func (w *world) begin() {
	for _, one := range cast[:4] {
		w.seats++
		w.pages[seatID(w.seats)] = &page{person: one.person}
		w.do(join{seat: seatID(w.seats), person: one.person, role: one.role, instance: "laptop", fresh: true, plan: &w.plan})
	}
	w.do(command{1, Moderate{Action: AdmitAll}})
	for _, conn := range slices.Sorted(maps.Keys(w.lines)) {
		w.lines[conn].up, w.lines[conn].upAt = true, w.now
		w.do(mediaUp{conn})
	}
}

// act draws one thing that happens.
func (w *world) act() {
	if w.s.closing != "" {
		w.open(w.s.epoch+1, w.s.saved)
	}
	one := rapid.SampledFrom(cast).Draw(w.t, "who")
	switch rapid.SampledFrom([]string{
		"join", "join", "join", "up", "up", "up", "up", "moderate", "moderate", "moderate", "admit_all",
		"say", "say", "pass", "pass", "silence", "recover", "notice", "trouble", "trouble", "page", "page", "crash", "drain", "expel", "broken", "snapshot",
	}).Draw(w.t, "act") {
	case "join":
		w.join(one.person, one.role)
	case "up":
		w.connect()
	case "moderate":
		w.do(command{w.anySeat(), w.moderation()})
	case "admit_all":
		w.do(command{w.anySeat(), Moderate{Action: AdmitAll}})
	case "say":
		w.do(command{w.anySeat(), w.saying()})
	case "pass":
		w.pass(rapid.IntRange(1, 150).Draw(w.t, "seconds"))
	case "silence":
		w.silence()
	case "recover":
		w.recover()
	case "notice":
		w.notice()
	case "trouble": // the usual course of things
		w.silence()
		w.pass(rapid.IntRange(1, 15).Draw(w.t, "silent for"))
		w.notice()
	case "page":
		w.page()
	case "crash":
		w.crash()
	case "drain":
		w.do(drain{})
	case "expel":
		w.do(expel{one.person, Reason{Code: CodeRevoked}})
	case "broken":
		w.do(mediaFailed{w.anyConn()})
	case "snapshot":
		w.do(snapshot{w.anySeat()})
	}
}

func (w *world) join(person PersonID, role auth.Role) {
	w.seats++
	in := join{
		seat: seatID(w.seats), person: person, role: role, name: "N. " + strings.ToUpper(string(person[3:])),
		instance: rapid.SampledFrom([]string{"laptop", "phone"}).Draw(w.t, "instance"),
		fresh:    rapid.Bool().Draw(w.t, "fresh"), plan: &w.plan,
	}
	if rapid.IntRange(0, 3).Draw(w.t, "by resume") == 0 {
		in = join{seat: in.seat, instance: in.instance, fresh: in.fresh, resume: "hash-of-" + string(person)}
	}
	w.pages[in.seat] = &page{person: person}
	w.do(in)
}

// anySeat is mostly one that is taken, now and then one that was.
func (w *world) anySeat() seatID {
	var taken []seatID
	for _, p := range w.s.here() {
		taken = append(taken, p.seat.id)
	}
	if len(taken) == 0 || rapid.IntRange(0, 9).Draw(w.t, "stale") == 0 {
		return seatID(rapid.IntRange(0, w.seats).Draw(w.t, "seat"))
	}
	return rapid.SampledFrom(taken).Draw(w.t, "seat")
}

func (w *world) anyConn() Conn {
	if len(w.lines) == 0 {
		return "c9-9"
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(w.lines))).Draw(w.t, "line")
}

func (w *world) connect() {
	conn := w.anyConn()
	if l := w.lines[conn]; l != nil && !l.up {
		if !l.silent.IsZero() {
			return
		}
		l.up, l.upAt = true, w.now
	}
	w.do(mediaUp{conn})
}

func (w *world) silence() {
	if l := w.lines[w.anyConn()]; l != nil && l.silent.IsZero() {
		l.silent = w.now
	}
}

// recover: packets come again. If nobody noticed, nothing was lost.
func (w *world) recover() {
	conn := w.anyConn()
	l := w.lines[conn]
	if l == nil || l.silent.IsZero() {
		return
	}
	since := l.silent
	l.silent = time.Time{}
	if l.up {
		w.truth[l.person] += w.now.Sub(since)
	} else {
		l.up, l.upAt = true, w.now
		w.do(mediaUp{conn})
	}
}

// notice: the forwarder says that a line is dead.
func (w *world) notice() {
	conn := w.anyConn()
	l := w.lines[conn]
	if l == nil || l.silent.IsZero() || !l.up {
		return
	}
	l.up = false
	w.do(mediaDown{conn, l.silent})
}

func (w *world) page() {
	seat := w.anySeat()
	switch rapid.SampledFrom([]string{"link", "fresh", "unlink", "leave", "keep"}).Draw(w.t, "page") {
	case "link":
		w.do(linked{seat, false})
	case "fresh":
		w.do(linked{seat, true})
	case "unlink":
		w.do(unlinked{seat})
	case "leave":
		w.do(leave{seat})
	case "keep":
		if p := w.s.bySeat(seat); p != nil {
			w.do(keepResume{seat, "hash-of-" + string(p.id), w.now.Add(ResumeWindow)})
		}
	}
}

func (w *world) saying() Command {
	source := rapid.SampledFrom([]Source{Mic, Camera, Screen, Mic | Camera}).Draw(w.t, "source")
	on := rapid.Bool().Draw(w.t, "on")
	return rapid.SampledFrom([]Command{
		Publish{source, on}, Publish{Mic, true}, Hand{on}, Help{on},
		CheckIn{Private: on, Location: "12 Elm Street", CallBack: "555-0100"},
	}).Draw(w.t, "command")
}

func (w *world) moderation() Command {
	m := Moderate{
		Action: rapid.SampledFrom([]Action{
			Admit, Admit, Deny, SendBack, Mute, MuteAll, AllowUnmute, StopCamera, Remove, Readmit, Readmit,
			Lock, Unlock, LowerHand, AnswerHelp, Move, BreakStart, BreakEnd, End,
		}).Draw(w.t, "action"),
		Target: Handle(fmt.Sprintf("m%d", rapid.IntRange(1, 6).Draw(w.t, "target"))),
		Hold:   rapid.Bool().Draw(w.t, "hold"),
	}
	if m.Action == End && rapid.IntRange(0, 3).Draw(w.t, "really") != 0 {
		m.Action = AdmitAll
	}
	if m.Action == Move {
		m.Room = rapid.SampledFrom([]string{"main", "breakout-1", "nowhere"}).Draw(w.t, "room")
	}
	return m
}

// pass lets seconds go by.
func (w *world) pass(seconds int) {
	for range seconds {
		if w.s.closing != "" {
			return
		}
		w.now = w.now.Add(time.Second)
		for _, l := range w.lines {
			if l.up && l.silent.IsZero() {
				w.truth[l.person] += time.Second
			}
		}
		w.do(tick{Health{Durable: true}})
	}
}

// crash: nothing more is written. The store makes `seen` of the last beat.
func (w *world) crash() {
	for i, p := range w.beat.Here {
		if p.Conn != "" {
			w.log = append(w.log, attendance.Event{
				Session: "s1", Epoch: w.s.epoch, Seq: 1_000_000_000 + i, Type: attendance.Seen,
				At: attendance.At(p.Seen), Connection: string(p.Conn),
			})
		}
	}
	for conn, l := range w.lines {
		if l.up {
			w.loss[l.person] += w.now.Sub(w.provenUntil(conn, l))
		}
	}
	w.open(w.s.epoch+1, w.s.saved)
}

// provenUntil is the last proof of life that a crash now would leave.
func (w *world) provenUntil(conn Conn, l *wire) time.Time {
	until := l.upAt
	for _, p := range w.beat.Here {
		if p.Conn == conn && p.Seen.After(until) {
			until = p.Seen
		}
	}
	return until
}

// do takes the room one step on and looks at everything.
func (w *world) do(in input) {
	proofs := make(map[Conn]proof)
	for _, p := range w.s.here() {
		one := proof{link: w.now}
		if l := w.lines[p.seat.conn.name]; l != nil {
			one.media = w.now
			if !l.silent.IsZero() {
				one.media = l.silent
			}
		}
		proofs[p.seat.conn.name] = one
	}
	w.s.prove(w.now, proofs)
	for _, e := range w.s.step(w.now, in) {
		w.effect(e, in)
	}
	if w.s.closing == "" {
		w.check()
	}
}

func (w *world) effect(e effect, in input) {
	switch e := e.(type) {
	case answer:
		w.answered(e, in)
	case send:
		w.tell(e)
	case dismiss:
		w.pages[e.seat].closed = true
	case attach:
		w.lines[e.conn] = &wire{person: w.s.byConn(e.conn).id}
	case detach:
		if w.lines[e.conn] == nil {
			w.t.Fatalf("detach of %s, which is not attached", e.conn)
		}
		delete(w.lines, e.conn)
	case route:
		w.routed = e.table
	case record:
		w.record(e.event)
	case note:
		if e.note.Sealed == "" && strings.Contains(e.note.Detail, "Elm") {
			w.t.Fatalf("free text in the clear: %+v", e.note)
		}
	case beat:
		w.checkBeat(e.beat)
		w.beat = e.beat
	}
}

func (w *world) answered(e answer, in input) {
	if j, ok := in.(join); ok {
		person := w.pages[j.seat].person
		switch {
		case e.err != nil:
			w.pages[j.seat].closed = true
		case w.lastBad[person]:
			w.t.Fatalf("%s was removed and is in again", person)
		case e.info.Person != person:
			w.t.Fatalf("%s came in as %s", person, e.info.Person)
		}
	}
	c, ok := in.(command)
	if !ok || e.err != nil {
		return
	}
	m, ok := c.Command.(Moderate)
	if !ok {
		return
	}
	if by := w.pages[c.seat].person; !strings.HasPrefix(string(by), "id-t") {
		w.t.Fatalf("%s did %s", by, m.Action)
	}
	switch m.Action {
	case Remove:
		w.lastBad[w.s.byHandle(m.Target).id] = true
	case Readmit:
		w.lastBad[w.s.byHandle(m.Target).id] = false
	case End:
		w.ended = !w.now.Before(w.plan.Start)
	}
}

// record keeps the log, and how far an explicit end went beyond the packets.
func (w *world) record(e attendance.Event) {
	e.Session, e.Epoch = "s1", w.s.epoch
	e.Seq = len(w.log) + 1
	if e.At > attendance.At(w.now) {
		w.t.Fatalf("evidence from the future: %+v at %s", e, w.now)
	}
	explicit := e.Type == attendance.Closed || e.Type == attendance.Left && e.Reason != attendance.ReasonReplaced
	for conn, l := range w.lines {
		if mine := e.Connection == string(conn) || e.Type == attendance.Closed; explicit && mine && l.up && !l.silent.IsZero() {
			w.slack[l.person] += w.now.Sub(l.silent)
		}
	}
	w.log = append(w.log, e)
}
