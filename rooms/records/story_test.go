package records_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"viop/auth"
	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/redisstore"
	"viop/rooms/schedule"
)

func TestSignCorrectSignAgain(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.want(h.sheet("s1"), "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 2 h 00 m")
		h.want(h.sign("s1", "t1", 1), "p1 v1 signed 3 h 00 m", "p2 v1 signed 2 h 00 m")
		s := h.correct("s1", h.add("p2", 30, 60))
		h.want(s, "p1 v1 signed 3 h 00 m", "p2 v2 amended 2 h 30 m")
		h.want(h.sign("s1", "t1", 2), "p1 v1 signed 3 h 00 m", "p2 v2 signed 2 h 30 m")
		h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p2 v2 2 h 30 m")
		h.wantRecomputed("s1")
		h.wantVerified("s1")

		versions, err := h.books.Versions(t.Context(), "s1", "p2")
		h.must(err)
		if len(versions) != 2 || len(versions[0].Signatures) != 1 || len(versions[1].Signatures) != 1 ||
			versions[0].Signatures[0].Version != 1 || versions[1].Signatures[0].Version != 2 {
			t.Errorf("Versions = %+v, want two, each with the signature on it", versions)
		}
	})
}

func TestACorrectionBeforeTheSignatureMakesNoVersion(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.settle("s1")
		h.want(h.correct("s1", h.add("p2", 30, 60)), "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 2 h 30 m")
		h.want(h.sign("s1", "t2", 1), "p1 v1 signed 3 h 00 m", "p2 v1 signed 2 h 30 m")
		h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p2 v1 2 h 30 m")
		h.wantRecomputed("s1")
		h.wantVerified("s1")
	})
}

func TestACorrectionTouchesSessionsAtTheSameTime(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.putService("s2", attendance.Individual, 120, 180, "p1")
		h.hold("s2", 120, 150)
		h.sign("s1", "t1", 1)
		h.sign("s2", "t1", 1)
		// p1 was on the phone with t1 for ten minutes: individual time takes
		// these from the group.
		h.want(h.correct("s2", h.add("p1", 130, 140)), "p1 v2 amended 10 m")
		h.want(h.sheet("s1"), "p1 v2 amended 2 h 50 m", "p2 v1 signed 2 h 00 m")
		h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p1 v2 2 h 50 m")
		for _, id := range []string{"s1", "s2"} {
			h.wantRecomputed("s1")
			if stale := h.sheet("s1").Stale; len(stale) != 0 {
				t.Errorf("%s has stale signatures %+v: its record was amended, and says so", id, stale)
			}
		}
		h.wantVerified("s1")
		h.wantVerified("s2")
	})
}

// Evidence makes no versions (SPEC §5). It is never silent all the same.
func TestEvidenceThatComesAfterASignature(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.sign("s1", "t1", 1)
		signed := h.feed()
		h.record("s1", // p2's phone, from a journal that was offline for a day
			attendance.Event{Type: attendance.Admitted, At: h.at(50), Person: "p2", Connection: "c2-a"},
			attendance.Event{Type: attendance.Lost, At: h.at(58), Connection: "c2-a"})
		h.books.Round(t.Context())

		s := h.sheet("s1")
		// The loss at minute 58 is longer than the bridge. t1 is there in another
		// epoch, which has no bearing on F.
		h.want(s, "p1 v1 signed 3 h 00 m", "p2 v1 signed 2 h 08 m")
		if len(s.Stale) != 1 || s.Stale[0].Person != "p2" || s.Stale[0].By != "t1" ||
			s.Stale[0].Signed == s.Stale[0].Hash || s.Stale[0].Signed == "" {
			t.Errorf("Stale = %+v, want p2's record, signed by t1", s.Stale)
		}
		h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p2 v1 2 h 08 m")
		h.wantRecomputed("s1")
		if got := h.feed()[len(signed):]; !slices.Equal(got, []string{"s1 p2 v1", "p2 cannot_meet<cannot_meet 2 h 08 m"}) {
			t.Errorf("the feed goes on with %q, want the new reading of p2, and their week", got)
		}
		_, err := h.store.VerifyChain(t.Context(), "s1")
		if broken, ok := errors.AsType[*redisstore.ChainError](err); !ok || broken.Log != "amend" || broken.Seq != 1 ||
			!strings.Contains(broken.Problem, "t1") || !strings.Contains(broken.Problem, "p2") {
			t.Errorf("VerifyChain = %v, want the signature of t1 and the record of p2 named", err)
		}

		if got := h.sign("s1", "t1", 1); len(got.Stale) != 0 {
			t.Errorf("signed again, Stale = %+v", got.Stale)
		}
		h.wantVerified("s1")
	})
}

func TestARecordThatIsThereNoMore(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		wrong := h.add("p3", 30, 60) // p3 was never in this group
		wrong.ID = "k1"
		h.correct("s1", wrong)
		right := h.add("p2", 30, 60)
		right.Supersedes = "k1"
		h.want(h.correct("s1", right), "p1 v1 unsigned 3 h 00 m", "p2 v1 unsigned 2 h 30 m")
		h.wantReadings("s1", "p1 v1 3 h 00 m", "p2 v1 2 h 00 m", "p3 v1 30 m", "p2 v1 2 h 30 m", "p3 v1 gone")
		if feed := h.feed(); !slices.Contains(feed, "s1 p3 v1") {
			t.Errorf("the feed %q does not tell of p3", feed)
		}
		h.sign("s1", "t1", 1)
		h.wantVerified("s1")

		// Off the roster without having come: that has no author, so it is named.
		h.put("s2", 300, 360, "p1", "p3")
		h.hold("s2", 300, 360, stay{"p1", 300, 360})
		h.sign("s2", "t1", 1)
		h.put("s2", 300, 360, "p1")
		h.books.Round(t.Context())
		h.wantReadings("s2", "p1 v1 1 h 00 m", "p3 v1 0 m", "p3 v1 gone")
		if stale := h.sheet("s2").Stale; len(stale) != 1 || stale[0].Person != "p3" || stale[0].Hash != "" {
			t.Errorf("Stale = %+v, want p3, who has no record any more", stale)
		}
		if _, err := h.store.VerifyChain(t.Context(), "s2"); err == nil {
			t.Error("VerifyChain does not miss the record of p3")
		}
	})
}

// Roles are those of the day: a document that changes cannot make a correction
// invalid, or a session unreadable.
func TestARoleThatChangesLater(t *testing.T) {
	stories(t, func(t *testing.T, h *house) {
		h.evening()
		h.correct("s1", h.add("p2", 30, 60))
		h.sign("s1", "t1", 1)
		for id, role := range map[rooms.PersonID]auth.Role{"t1": auth.Patient, "p2": auth.Facilitator} {
			_, _, err := h.store.PutPerson(t.Context(), schedule.Person{ID: id, Role: role, Program: "iop"}, schedule.Condition{})
			h.must(err)
		}
		h.books.Round(t.Context())
		h.want(h.sheet("s1"), "p1 v1 signed 3 h 00 m", "p2 v1 signed 2 h 30 m")
		h.wantRecomputed("s1")
		h.wantVerified("s1")
	})
}
