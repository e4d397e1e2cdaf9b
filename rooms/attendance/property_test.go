package attendance_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"viop/rooms/attendance"
)

// evaluate is Evaluate of a case that must be valid.
func evaluate(t *rapid.T, c *attendance.Case) *attendance.Result {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatalf("the drawn case is not valid: %v", err)
	}
	return attendance.Evaluate(c)
}

func TestEvaluateAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		got := evaluate(t, c)
		if diff := cmp.Diff(newModel(c).result(), got); diff != "" {
			document, _ := json.Marshal(c)
			t.Fatalf("of %s\n-model +Evaluate\n%s", document, diff)
		}
	})
}

// TestModelAgreesWithTheVectors keeps the model honest: it, too, answers every
// vector whose instants are whole seconds.
func TestModelAgreesWithTheVectors(t *testing.T) {
	answered := 0
	for _, v := range vectors(t) {
		if v.WantError != nil {
			continue
		}
		c := mustDecode(t, v.Input)
		if !wholeSeconds(c) {
			continue
		}
		answered++
		if diff := cmp.Diff(v.Want, values(t, newModel(c).result())); diff != "" {
			t.Errorf("%s: %s\n-want +model\n%s", v.Name, v.Why, diff)
		}
	}
	if answered < 50 {
		t.Errorf("the model answered %d vectors, want most", answered)
	}
}

func wholeSeconds(c *attendance.Case) bool {
	odd := attendance.Instant(0)
	for _, e := range c.Events {
		odd |= e.At % 1000
	}
	for _, s := range c.Sessions {
		odd |= s.ScheduledStart%1000 | s.ScheduledEnd%1000
	}
	for _, k := range c.Corrections {
		odd |= k.Start%1000 | k.End%1000
	}
	return odd|c.AsOf%1000 == 0
}

// lost is the sum of what a record lost.
func lost(r attendance.Record) int64 {
	return r.LostOutsideWindowMS + r.LostBreakMS + r.LostNoFacilitatorMS + r.LostCorrectionMS + r.LostOverlapMS
}

// counted is the ids of the sessions of a case that count (§2, §6).
func counted(c *attendance.Case) map[string]bool {
	ids := map[string]bool{}
	for _, s := range newModel(c).sessions {
		ids[s.ID] = s.counts
	}
	return ids
}

func TestEveryMinuteIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		counts := counted(c)
		for _, r := range evaluate(t, c).Records {
			had, has := r.ConnectedMS+r.BridgedMS+r.ManualMS, r.CreditedMS+lost(r)
			if counts[r.Session] && had != has {
				t.Errorf("%s in %s: connected + bridged + manual = %d, credited + lost = %d", r.Person, r.Session, had, has)
			}
			if !counts[r.Session] && (r.CreditedMS != 0 || r.LostOverlapMS != 0) {
				t.Errorf("%s in %s, which does not count: credited %d, overlap %d", r.Person, r.Session, r.CreditedMS, r.LostOverlapMS)
			}
			if r.Credited.Length() != r.CreditedMS {
				t.Errorf("%s in %s: credited %v is not %d ms", r.Person, r.Session, r.Credited, r.CreditedMS)
			}
		}
	})
}

func TestAnInstantIsCreditedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		credit := map[string]attendance.Set{}
		sum := map[string]int64{}
		for _, r := range evaluate(t, c).Records {
			credit[r.Person] = credit[r.Person].Union(r.Credited)
			sum[r.Person] += r.CreditedMS
			if n := len(r.Credited); n > 0 && r.Credited[n-1].End > c.AsOf {
				t.Errorf("%s in %s is credited %v, after as_of %v", r.Person, r.Session, r.Credited[n-1], c.AsOf)
			}
		}
		for p, set := range credit {
			if set.Length() != sum[p] {
				t.Errorf("%s is credited %d ms within %d ms of time", p, sum[p], set.Length())
			}
		}
	})
}

func TestDaysSumToTheWeekAndWeeksToTheCredit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := evaluate(t, drawCase(t))
		inRecords, inWeeks := map[string]int64{}, map[string]int64{}
		for _, x := range r.Records {
			if x.CreditedMS > 0 {
				inRecords[x.Person] += x.CreditedMS
			}
		}
		for _, w := range r.Weeks {
			sum := int64(0)
			for _, d := range w.Days {
				sum += d.CreditedMS
			}
			if sum != w.CreditedMS {
				t.Errorf("%s, week %v: days sum to %d, credited %d", w.Person, w.Week, sum, w.CreditedMS)
			}
			if hours := float64(w.End-w.Start) / 3_600_000; hours < 167 || hours > 169 {
				t.Errorf("%s, week %v lasts %v h", w.Person, w.Week, hours)
			}
			if w.CreditedMS > 0 {
				inWeeks[w.Person] += w.CreditedMS
			}
		}
		if diff := cmp.Diff(inRecords, inWeeks); diff != "" {
			t.Errorf("credit of people -in records +in weeks\n%s", diff)
		}
	})
}

func TestOrderAndRepetitionAreIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		want := evaluate(t, c)
		shuffled := *c
		shuffled.Events = rapid.Permutation(c.Events).Draw(t, "events")
		if len(c.Events) > 0 {
			repeated := rapid.SliceOf(rapid.SampledFrom(c.Events)).Draw(t, "repeated")
			for i := range repeated {
				if repeated[i].Type == attendance.Admitted && repeated[i].Room == "" {
					repeated[i].Room = attendance.MainRoom // the default, filled in
				}
			}
			shuffled.Events = append(shuffled.Events, repeated...)
		}
		shuffled.People = rapid.Permutation(c.People).Draw(t, "people")
		shuffled.Sessions = rapid.Permutation(c.Sessions).Draw(t, "sessions")
		shuffled.Corrections = rapid.Permutation(c.Corrections).Draw(t, "corrections")
		shuffled.Signatures = rapid.Permutation(c.Signatures).Draw(t, "signatures")
		shuffled.Enrollments = rapid.Permutation(c.Enrollments).Draw(t, "enrollments")
		shuffled.Authorizations = rapid.Permutation(c.Authorizations).Draw(t, "authorizations")
		if diff := cmp.Diff(want, evaluate(t, &shuffled)); diff != "" {
			t.Errorf("after a shuffle -before +after\n%s", diff)
		}
	})
}

func TestADocumentEvaluatesLikeItsCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		document, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := attendance.Decode(document)
		if err != nil {
			t.Fatalf("Decode(Marshal(c)) = %v", err)
		}
		if diff := cmp.Diff(evaluate(t, c), attendance.Evaluate(decoded)); diff != "" {
			t.Errorf("-case +document\n%s", diff)
		}
	})
}

// TestAnotherDeviceNeverLowersCredit holds where the order of people's own
// decisions plays no part: everybody stays in one room, nobody leaves by will
// (an explicit end of one device may stop the bridge of another, §4.2), and no
// other session competes for the time.
func TestAnotherDeviceNeverLowersCredit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		c.Sessions = c.Sessions[:1]
		s := &c.Sessions[0]
		onlyLosses(c)
		before := evaluate(t, c)

		from, to := moments(t, s)
		more := *c
		more.Events = append(more.Events[:len(c.Events):len(c.Events)],
			attendance.Event{Session: s.ID, Epoch: 3, Seq: 1, At: from, Type: attendance.Admitted, Person: "p1", Connection: "device"},
			attendance.Event{Session: s.ID, Epoch: 3, Seq: 2, At: to, Type: attendance.Lost, Connection: "device"})
		after := evaluate(t, &more)
		if a, b := creditOf(before, s.ID, "p1"), creditOf(after, s.ID, "p1"); b < a {
			t.Errorf("another device from %v to %v lowers the credit from %d to %d", from, to, a, b)
		}
	})
}

// onlyLosses keeps of a case its first session's evidence, in one room and
// without explicit ends, and no corrections.
func onlyLosses(c *attendance.Case) {
	id := c.Sessions[0].ID
	var kept []attendance.Event
	admitted := map[string]bool{}
	for _, e := range c.Events {
		if e.Session != id || e.Type == attendance.Moved || e.Type == attendance.Closed || e.Type == attendance.Waiting {
			continue
		}
		e.Room = ""
		if e.Type == attendance.Left {
			e.Type, e.Reason = attendance.Lost, ""
		}
		admitted[e.Connection] = admitted[e.Connection] || e.Type == attendance.Admitted
		kept = append(kept, e)
	}
	c.Events, c.Corrections, c.Signatures, c.Excused = kept, nil, nil, nil
}

func moments(t *rapid.T, s *attendance.Session) (from, to attendance.Instant) {
	g := &cases{T: t}
	a, b := g.moment(s), g.moment(s)
	return min(a, b), max(a, b)
}

func creditOf(r *attendance.Result, session, person string) int64 {
	for _, x := range r.Records {
		if x.Session == session && x.Person == person {
			return x.CreditedMS
		}
	}
	return 0
}

// TestCuttingAStayChangesNothing: a device that hands over to another in the
// same room at the same instant is one device, once its end is known and
// nobody closes the session in between.
func TestCuttingAStayChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		s := &c.Sessions[0]
		start, end := moments(t, s)
		c.AsOf += 60 * 86_400_000
		c.Events = slices.DeleteFunc(c.Events, func(e attendance.Event) bool { return e.Type == attendance.Closed })
		cut := start + instant(int64((&cases{T: t}).below("cut", int(end-start)/1000+1)))
		event := func(seq int, at attendance.Instant, kind attendance.EventType, connection string) attendance.Event {
			e := attendance.Event{Session: s.ID, Epoch: 9, Seq: seq, At: at, Type: kind, Connection: connection}
			if kind == attendance.Admitted {
				e.Person = "p1"
			}
			return e
		}
		n := len(c.Events)
		whole, pieces := *c, *c
		whole.Events = append(c.Events[:n:n], event(1, start, attendance.Admitted, "x"), event(4, end, attendance.Lost, "x"))
		pieces.Events = append(c.Events[:n:n], event(1, start, attendance.Admitted, "x"), event(2, cut, attendance.Lost, "x"),
			event(3, cut, attendance.Admitted, "y"), event(4, end, attendance.Lost, "y"))
		if diff := cmp.Diff(evaluate(t, &whole), evaluate(t, &pieces)); diff != "" {
			t.Errorf("cut at %v of %v to %v: -whole +pieces\n%s", cut, start, end, diff)
		}
	})
}

func TestExplainAgreesWithTheRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		for _, r := range evaluate(t, c).Records {
			a, ok := attendance.Explain(c, r.Session, r.Person)
			if !ok {
				t.Fatalf("Explain(%s, %s) knows nothing", r.Session, r.Person)
			}
			got := []int64{a.Connected.Length(), a.Present.Length() - a.Connected.Length(), a.Lobby.Length(), a.K3.Length(), a.K.Length()}
			want := []int64{r.ConnectedMS, r.BridgedMS, r.LobbyMS, r.AttendedMS, r.CreditedMS}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in %s: -record +account\n%s", r.Person, r.Session, diff)
			}
		}
	})
}
