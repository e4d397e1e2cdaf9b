package schedule

import (
	"strconv"
	"strings"
	"time"

	"viop/rooms"
	"viop/rooms/attendance"
	"viop/rooms/schedule/form"
)

// Enrollment is a patient's history of levels of care, whole, so that no two
// of them can overlap: the body of PUT /v1/people/{id}/enrollment.
type Enrollment struct {
	Person rooms.PersonID `json:"person,omitempty"` // of the path, when the body leaves it out
	Levels []Level        `json:"levels"`
}

// Level is a stay on one level, from an instant on. Weeks are measured by its
// profile (SPEC §8).
type Level struct {
	Start   time.Time              `json:"start"`
	End     time.Time              `json:"end,omitzero"` // zero: goes on
	Profile attendance.ProfileName `json:"profile"`
	Code    LevelCode              `json:"level,omitempty"`
}

// LevelCode is a level of the ASAM continuum: "2.1" is intensive outpatient.
type LevelCode string

// levelCodes are data, and the whole ladder: people step down from where we
// have no rooms.
func levelCodes() []LevelCode {
	return []LevelCode{"", "0.5", "1", "1.5", "1.7", "2.1", "2.5", "2.7", "3.1", "3.3", "3.5", "3.7", "4"}
}

// ParseLevelCode also understands the older Roman forms, "II.1" or "Level 2.1".
func ParseLevelCode(text string) (LevelCode, bool) {
	text = strings.TrimSpace(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "LEVEL"))
	whole, part, dotted := strings.Cut(text, ".")
	if arabic, ok := map[string]string{"I": "1", "II": "2", "III": "3", "IV": "4"}[whole]; ok {
		whole = arabic
	}
	code := whole
	if dotted {
		code += "." + part
	}
	for _, known := range levelCodes()[1:] {
		if code == string(known) {
			return known, true
		}
	}
	return "", false
}

const maxLevels = 50

// ReadEnrollment reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func ReadEnrollment(text []byte) (Enrollment, error) {
	var e Enrollment
	if err := form.Read(text, &e); err != nil {
		return Enrollment{}, err
	}
	return e, e.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (e Enrollment) Check() error {
	var p form.Problems
	if e.Person != "" {
		CheckID(&p, "/person", string(e.Person))
	}
	if len(e.Levels) > maxLevels {
		p.Add("/levels", "This list holds at most %d levels.", maxLevels)
		return p.Err()
	}
	for i, level := range e.Levels {
		at := "/levels/" + strconv.Itoa(i)
		level.check(&p, at)
		for _, other := range e.Levels[:i] {
			if other.Start.Before(level.until()) && level.Start.Before(other.until()) {
				p.Add(at+"/start", "This overlaps another level of the person; one begins when the other ends.")
				break
			}
		}
	}
	return p.Err()
}

func (level Level) check(p *form.Problems, at string) {
	ok := checkInstant(p, at+"/start", level.Start)
	if !level.End.IsZero() && checkInstant(p, at+"/end", level.End) && ok && !level.End.After(level.Start) {
		p.Add(at+"/end", "A level ends after it starts.")
	}
	checkWord(p, at+"/profile", level.Profile, profiles()...)
	checkWord(p, at+"/level", level.Code, levelCodes()...)
}

// until is the end of the level, or of all time while it goes on.
func (level Level) until() time.Time {
	if level.End.IsZero() {
		return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return level.End
}

// At is the level at an instant; ok is false when there is none.
func (e Enrollment) At(t time.Time) (level Level, ok bool) {
	for _, level := range e.Levels {
		if !level.Start.After(t) && t.Before(level.until()) {
			return level, true
		}
	}
	return Level{}, false
}

// Facts is the history as the contract knows it.
func (e Enrollment) Facts() []attendance.Enrollment {
	var facts []attendance.Enrollment
	for _, level := range e.Levels {
		fact := attendance.Enrollment{
			Person: string(e.Person), Start: attendance.At(level.Start), Profile: level.Profile,
		}
		if !level.End.IsZero() {
			fact.End = attendance.At(level.End)
		}
		facts = append(facts, fact)
	}
	return facts
}
