package records_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/records"
)

// Whatever people and late journals do, in whatever order: versions only grow,
// the feed tells each reading and each change of a verdict once and in order,
// anybody who recomputes comes to what is kept, and a signature that does not
// match any more is named.
func TestBooksProperty(t *testing.T) {
	h := inMemory(t)
	evenings := map[rooms.SessionID][2]int{"a": {0, 180}, "b": {120, 240}, "c": {1440, 1620}}
	rapid.Check(t, func(rt *rapid.T) {
		h.t = rt
		h.clock.FlushAll()
		h.furnish()
		h.put("a", 0, 180, "p1", "p2")
		h.putService("b", attendance.Individual, 120, 240, "p1")
		h.put("c", 1440, 1620, "p1", "p3")
		session := func() rooms.SessionID {
			return rapid.SampledFrom([]rooms.SessionID{"a", "b", "c"}).Draw(rt, "session")
		}
		minutes := func(id rooms.SessionID) (from, to int) {
			within := evenings[id]
			from = rapid.IntRange(within[0]-10, within[1]).Draw(rt, "from")
			return from, from + rapid.IntRange(1, 120).Draw(rt, "minutes")
		}
		who := rapid.SampledFrom([]string{"p1", "p2", "p3", "t1"})
		acts := map[string]func(*rapid.T){
			"evidence": func(*rapid.T) {
				id := session()
				from, to := minutes(id)
				h.record(id,
					attendance.Event{Type: attendance.Admitted, At: h.at(from), Person: who.Draw(rt, "person"), Connection: "x-" + rapid.StringMatching("[a-z]{8}").Draw(rt, "connection")},
					attendance.Event{Type: attendance.Seen, At: h.at(to)})
			},
			"correct": func(*rapid.T) {
				id := session()
				_, err := h.books.Correct(h.t.Context(), id, h.anyCorrection(rt, id, who.Draw(rt, "person"), minutes))
				_, invalid := errors.AsType[*records.Invalid](err)
				if err != nil && !invalid && !errors.Is(err, records.ErrNothingChanges) && !errors.Is(err, records.ErrSuperseded) {
					rt.Fatal(err)
				}
			},
			"sign": func(*rapid.T) {
				id := session()
				version := rapid.SampledFrom(h.sheet(id).Versions).Draw(rt, "version")
				h.sign(id, rapid.SampledFrom([]string{"t1", "t2"}).Draw(rt, "by"), version.Version)
			},
			"round": func(*rapid.T) { h.books.Round(h.t.Context()) },
		}
		names := []string{"evidence", "evidence", "correct", "correct", "sign", "round"}
		for range rapid.IntRange(1, 12).Draw(rt, "acts") { // Repeat would be hundreds of them
			acts[rapid.SampledFrom(names).Draw(rt, "act")](rt)
		}
		h.books.Round(h.t.Context())
		for id := range evenings {
			h.wantGrowing(id)
			h.wantRecomputed(id)
			h.wantStaleNamed(id)
			h.wantSameFromOutside(id)
		}
		h.wantFeedComplete("a", "b", "c")
	})
}

// anyCorrection may be one that is refused.
func (h *house) anyCorrection(rt *rapid.T, id rooms.SessionID, person string, minutes func(rooms.SessionID) (int, int)) attendance.Correction {
	k := attendance.Correction{By: "t1", Reason: attendance.PayerRule}
	k.Op = rapid.SampledFrom([]attendance.Op{
		attendance.AddTime, attendance.AddTime, attendance.RemoveTime, attendance.ExtendWindow, attendance.DeclareBreak,
		attendance.CancelBreak, attendance.Reassign, attendance.SetStatus,
	}).Draw(rt, "op")
	s := h.sheet(id)
	switch k.Op {
	case attendance.SetStatus:
		k.Person, k.Status = person, rapid.SampledFrom([]attendance.Status{attendance.StatusExcused, attendance.StatusNoShow}).Draw(rt, "status")
	case attendance.Reassign:
		k.Person, k.Connection = person, "none"
		for _, e := range s.Input.Events {
			if e.Session == string(id) && e.Connection != "" && rapid.Bool().Draw(rt, "this connection") {
				k.Connection = e.Connection
			}
		}
	case attendance.AddTime, attendance.RemoveTime:
		k.Person = person
		fallthrough
	default:
		from, to := minutes(id)
		k.Start, k.End = h.at(from), h.at(to)
	}
	if n := len(s.Corrections); n > 0 && rapid.Bool().Draw(rt, "supersedes") {
		k.Supersedes = s.Corrections[rapid.IntRange(0, n-1).Draw(rt, "which")].ID
	}
	return k
}

// wantGrowing: of each person, readings or what is about them differ from one
// to the next, and versions never go back.
func (h *house) wantGrowing(id rooms.SessionID) {
	h.t.Helper()
	book, err := h.store.Book(h.t.Context(), id)
	h.must(err)
	last := map[string]records.Reading{}
	for i, r := range book.Readings {
		before := last[r.Person]
		same := r.Hash == before.Hash && reflect.DeepEqual(r.About, before.About)
		if r.Version < before.Version || same || r.Seq != i+1 || (r.About == nil) != r.Gone() {
			h.t.Errorf("after reading %d of %s in %s, version %d, comes %d, version %d, same: %t, about %+v",
				before.Seq, r.Person, id, before.Version, r.Seq, r.Version, same, r.About)
		}
		last[r.Person] = r
	}
}

// wantStaleNamed: a walk finds something exactly when a signature that binds
// does not match. Of amended records, the former signature may not match, too.
func (h *house) wantStaleNamed(id rooms.SessionID) {
	h.t.Helper()
	s := h.sheet(id)
	_, err := h.store.VerifyChain(h.t.Context(), id)
	if len(s.Stale) > 0 && err == nil {
		h.t.Errorf("%s has stale signatures %+v, and VerifyChain finds nothing", id, s.Stale)
	}
	for _, r := range s.Records {
		if r.State == attendance.StateAmended {
			return
		}
	}
	if len(s.Stale) == 0 && err != nil {
		h.t.Errorf("%s has no stale signatures, and VerifyChain = %v", id, err)
	}
}

// wantSameFromOutside: of those who have a record in the session, its case
// decides about their other records and their weeks like the others' own cases,
// though it does not have everybody else's facts.
func (h *house) wantSameFromOutside(id rooms.SessionID) {
	h.t.Helper()
	s := h.sheet(id)
	inside := map[string]bool{}
	for _, r := range s.Records {
		inside[r.Person] = true
	}
	result := attendance.Evaluate(s.Input)
	for _, r := range result.Records {
		if !inside[r.Person] || r.Session == string(id) {
			continue
		}
		own := h.sheet(rooms.SessionID(r.Session))
		i := slices.IndexFunc(own.Records, func(x records.Record) bool { return x.Person == r.Person })
		hash, err := records.HashRecord(r)
		h.must(err)
		if i < 0 || own.Records[i].Hash != hash || own.Records[i].State != r.State {
			h.t.Errorf("the case of %s says of %s in %s\n%+v, and its own\n%+v", id, r.Person, r.Session, r, own.Records)
		}
	}
	i := slices.IndexFunc(s.Input.Sessions, func(x attendance.Session) bool { return x.ID == string(id) })
	start := s.Input.Sessions[i].ScheduledStart
	for _, w := range result.Weeks {
		if !inside[w.Person] || start < w.Start || start >= w.End {
			continue // only of the weeks that the session lies in
		}
		weeks, err := h.books.PersonWeeks(h.t.Context(), rooms.PersonID(w.Person), w.Week, w.Week)
		h.must(err)
		if len(weeks.Rows) != 1 || weeks.Rows[0].CreditedMS != w.CreditedMS || weeks.Rows[0].Verdict != w.Verdict {
			h.t.Errorf("the case of %s says of the week of %s\n%+v, and its own\n%+v", id, w.Person, w, weeks.Rows)
		}
	}
}

// wantFeedComplete: the feed is the readings of each session in their order,
// and of each week verdicts that go on from one another.
func (h *house) wantFeedComplete(sessions ...rooms.SessionID) {
	h.t.Helper()
	told, verdicts := map[string][]string{}, map[string]attendance.Verdict{}
	signed := map[string]int{}
	for i, c := range h.changes() {
		switch {
		case c.Seq != int64(i+1):
			h.t.Errorf("change %d has number %d", i+1, c.Seq)
		case c.Kind == records.RecordChanged:
			told[c.Session] = append(told[c.Session], c.Person+" "+c.Hash)
		case c.Kind == records.WeekChanged:
			week := c.Week.Week.Week.String() + " " + c.Person
			if c.Week.Previous != verdicts[week] {
				h.t.Errorf("the week %s goes from %q to %q, and was %q", week, c.Week.Previous, c.Week.Verdict, verdicts[week])
			}
			verdicts[week] = c.Week.Verdict
		case c.Kind == records.RecordsSigned:
			signed[c.Session]++
			for person, hash := range c.Signature.Records {
				if !slices.Contains(told[c.Session], person+" "+hash) {
					h.t.Errorf("a signature of %s is told before the record of %s that it is for", c.Session, person)
				}
			}
		}
	}
	for _, id := range sessions {
		book, err := h.store.Book(h.t.Context(), id)
		h.must(err)
		kept := []string{}
		for _, r := range book.Readings {
			kept = append(kept, r.Person+" "+r.Hash)
		}
		if signed[string(id)] != len(book.Signatures()) {
			h.t.Errorf("%s has %d signatures, and %d are told", id, len(book.Signatures()), signed[string(id)])
		}
		this, _ := json.Marshal(kept)
		that, _ := json.Marshal(told[string(id)])
		if string(this) != string(that) {
			h.t.Errorf("kept of %s is %s, and told %s", id, this, that)
		}
	}
}
