package attendance

import (
	"cmp"
	"slices"
	"sort"
)

// units is the billing columns of one record (§9), of its whole minutes.
func units(creditedMS int64) RecordUnits {
	minutes := creditedMS / minute
	return RecordUnits{
		MinuteFloor: minutes,
		Q15Floor:    minutes / 15,
		Q15CMS8:     (minutes + 7) / 15, // 8 to 22 minutes are one unit
		Q15Ceil:     (minutes + 14) / 15,
	}
}

// authorizations is what each has left, by id.
func (e *evaluation) authorizations() []AuthorizationResult {
	results := make([]AuthorizationResult, len(e.Authorizations))
	for i := range e.Authorizations {
		a := &e.Authorizations[i]
		used, all := e.spent(a)
		results[i] = AuthorizationResult{
			ID: a.ID, Person: a.Person,
			Used: used, Pending: all - used, Remaining: int64(a.Count) - all,
		}
	}
	slices.SortFunc(results, func(a, b AuthorizationResult) int { return cmp.Compare(a.ID, b.ID) })
	return results
}

// spent is the units of an authorization on signed records, and on all.
func (e *evaluation) spent(a *Authorization) (used, all int64) {
	if a.Unit == UnitDay {
		return e.spentDays(a)
	}
	for _, i := range e.byPerson[a.Person] {
		r := &e.records[i]
		if !e.entries[i].counts || r.Date < a.From || r.Date > a.To {
			continue
		}
		n := a.Unit.of(r)
		all += n
		if r.State == StateSigned {
			used += n
		}
	}
	if a.Unit == UnitHour { // of the sums, not of each record
		return used / hour, all / hour
	}
	return used, all
}

// of is the units of one record; of hours, its milliseconds.
func (u Unit) of(r *Record) int64 {
	switch {
	case u == UnitQ15:
		return r.CreditedMS / (15 * minute)
	case u == UnitHour:
		return r.CreditedMS
	case r.AttendedMS > 0:
		return 1
	}
	return 0
}

// spentDays counts qualifying days (§8); one is used when all records with
// credit on it are signed.
func (e *evaluation) spentDays(a *Authorization) (used, all int64) {
	days := e.days[a.Person]
	from := sort.Search(len(days), func(i int) bool { return days[i].Date >= a.From })
	for _, day := range days[from:] {
		if day.Date > a.To {
			break
		}
		if day.Qualifies {
			all++
			if day.signed {
				used++
			}
		}
	}
	return used, all
}
