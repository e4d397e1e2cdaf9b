package attendance

import "cmp"

// opFields is what an op has of its own (§5).
type opFields struct{ person, interval, room, connection, status need }

// fields is what §5 gives the op; ok is false for no op of ours.
func (o Op) fields() (row opFields, ok bool) {
	switch o {
	case AddTime, RemoveTime:
		return opFields{person: always, interval: always, room: maybe}, true
	case ExtendWindow, DeclareBreak, CancelBreak:
		return opFields{interval: always}, true
	case Reassign:
		return opFields{person: always, connection: always}, true
	case SetStatus:
		return opFields{person: always, status: always}, true
	}
	return opFields{}, false
}

// persons is whom the op may name; none means anybody.
func (o Op) persons() []Role {
	switch o {
	case AddTime, RemoveTime:
		return []Role{Patient, Facilitator}
	case SetStatus:
		return []Role{Patient}
	}
	return nil
}

// compare orders corrections as they apply (§5).
func (k *Correction) compare(l *Correction) int {
	return cmp.Or(cmp.Compare(k.At, l.At), cmp.Compare(k.ID, l.ID))
}

// interval is the time an op of one is about.
func (k *Correction) interval() Interval { return Interval{k.Start, k.End} }

// corrections checks each correction by itself.
func (v *validator) corrections() *InputError {
	ids := make(map[string]struct{}, len(v.Corrections))
	for i := range v.Corrections {
		k := &v.Corrections[i]
		row, ok := k.Op.fields()
		if !ok {
			return broken(isUnknown, "corrections", i, "op")
		}
		if err := firstOf([]finding{
			{"id", badID(ids, k.ID)},
			{"session", v.badSession(k.Session)},
			{"at", badInstant(k.At)},
			{"by", v.badPerson(k.By, Facilitator, Observer)},
			{"person", row.person.bad(k.Person != "")},
			{"start", row.interval.bad(k.Start != 0)},
			{"end", row.interval.bad(k.End != 0)},
			{"room", row.room.bad(k.Room != "")},
			{"connection", row.connection.bad(k.Connection != "")},
			{"status", row.status.bad(k.Status != "")},
			{"reason", badCorrectionReason(k.Reason)},
		}, "corrections", i); err != nil {
			return err
		}
		if err := v.correctionValues(i, k, row); err != nil {
			return err
		}
	}
	return nil
}

// correctionValues checks fields that are there.
func (v *validator) correctionValues(i int, k *Correction, row opFields) *InputError {
	if k.Person != "" {
		if m := v.badPerson(k.Person, k.Op.persons()...); m != "" {
			return broken(m, "corrections", i, "person")
		}
	}
	if row.interval == always {
		if field, m := badInterval(k.interval()); m != "" {
			return broken(m, "corrections", i, field)
		}
	}
	switch {
	case k.Room != "" && v.roles[k.Person] != Facilitator:
		return broken("is of facilitators only", "corrections", i, "room")
	case k.Status != "" && !k.Status.known():
		return broken(isUnknown, "corrections", i, "status")
	case k.Reason == OtherReason && k.Note == "":
		return broken("is required when the reason is other", "corrections", i, "note")
	}
	return nil
}

func (s Status) known() bool {
	return badWord(s, StatusCancelled, StatusAttended, StatusRemoved, StatusPresentUncredited,
		StatusLobbyOnly, StatusExcused, StatusScheduled, StatusNoShow) == ""
}

func badCorrectionReason(r CorrectionReason) string {
	return badWord(r, PhoneParticipation, DeviceFailure, FacilitatorConnectionLoss, WrongPerson,
		AdmitDelay, BreakNotRecorded, PayerRule, OtherReason)
}

// superseding checks that what is superseded comes before, in its session.
func (v *validator) superseding() *InputError {
	byID := make(map[string]*Correction, len(v.Corrections))
	for i := range v.Corrections {
		byID[v.Corrections[i].ID] = &v.Corrections[i]
	}
	for i := range v.Corrections {
		k := &v.Corrections[i]
		if k.Supersedes == "" {
			continue
		}
		if old := byID[k.Supersedes]; old == nil || old.Session != k.Session || old.compare(k) >= 0 {
			return broken("names no earlier correction of the session", "corrections", i, "supersedes")
		}
	}
	return nil
}
