package intake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Report says what a file comes to: line by line what is wrong with it and
// what should be known, and document by document what becomes of it. It never
// repeats what was written in the file, which may be about a patient; the ids
// in it are opaque.
type Report struct {
	Format string `json:"format"`
	// Lines are by line. A file with one that is refused changes nothing.
	Lines []Remark `json:"lines"`
	// Unlisted is how many more there are than are listed.
	Unlisted int `json:"unlisted,omitempty"`
	// Refused is how many lines are.
	Refused int `json:"refused"`
	// Documents are in the order of the file; those that stay as they are, are
	// counted only.
	Documents []Change `json:"documents"`
	Count     Count    `json:"count"`
}

// Remark is about one place in the file.
type Remark struct {
	// Line is where it begins, from 1; 0 is the whole file, or a document
	// without lines, whose place is then in Column.
	Line int `json:"line"`
	// Column is the name of the column, the property, or a JSON pointer.
	Column string `json:"column,omitempty"`
	Kind   Kind   `json:"kind"`
	Detail string `json:"detail"`
}

// Kind of a Remark.
type Kind string

// Kinds.
const (
	Refused Kind = "refused" // the file cannot be taken in with this
	Note    Kind = "note"    // it can, and somebody should know
)

// Change is what becomes of one document.
type Change struct {
	Line int     `json:"line"` // the first that had a say in it
	Kind string  `json:"kind"` // session, cohort, authorization, excuse
	ID   string  `json:"id"`
	What Outcome `json:"what"`
	// Fields are those that change, by their names in the document.
	Fields []string `json:"fields,omitempty"`
	// Evidence says that somebody has been in the session. It stays, and the
	// minutes are counted anew by what the session says now.
	Evidence bool `json:"evidence,omitempty"`
}

// Outcome is what becomes of a document.
type Outcome string

// Outcomes.
const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Moved     Outcome = "moved"     // a session at another time, whatever else changes
	Cancelled Outcome = "cancelled" // a session that was meant to be held
	Deleted   Outcome = "deleted"   // an excuse that no longer holds
	Unchanged Outcome = "unchanged"
)

// Count is how many documents there are of each outcome.
type Count struct {
	Created   int `json:"created"`
	Changed   int `json:"changed"`
	Moved     int `json:"moved"`
	Cancelled int `json:"cancelled"`
	Deleted   int `json:"deleted"`
	Unchanged int `json:"unchanged"`
}

func (c *Count) add(what Outcome) {
	switch what {
	case Created:
		c.Created++
	case Changed:
		c.Changed++
	case Moved:
		c.Moved++
	case Cancelled:
		c.Cancelled++
	case Deleted:
		c.Deleted++
	case Unchanged:
		c.Unchanged++
	}
}

// String is the report as people read it on a terminal.
func (r Report) String() string {
	var b strings.Builder
	for _, line := range r.Lines {
		b.WriteString(line.String() + "\n")
	}
	if r.Unlisted > 0 {
		fmt.Fprintf(&b, "… and %d more lines.\n", r.Unlisted)
	}
	for _, d := range r.Documents {
		b.WriteString(d.String() + "\n")
	}
	if r.Refused > 0 {
		fmt.Fprintf(&b, "Refused: %d %s to be put right. Nothing was changed.\n", r.Refused, plural(r.Refused, "thing has", "things have"))
		return b.String()
	}
	fmt.Fprintf(&b, "%d created, %d changed, %d moved, %d cancelled, %d deleted, %d unchanged.\n",
		r.Count.Created, r.Count.Changed, r.Count.Moved, r.Count.Cancelled, r.Count.Deleted, r.Count.Unchanged)
	return b.String()
}

func (r Remark) String() string {
	place := r.Column
	if r.Line > 0 {
		place = strings.TrimSuffix(fmt.Sprintf("line %d, %s", r.Line, r.Column), ", ")
	}
	if r.Kind == Note {
		place = strings.TrimSpace(place + " (note)")
	}
	if place == "" {
		place = "the file"
	}
	return place + ": " + r.Detail
}

func (c Change) String() string {
	text := fmt.Sprintf("line %d: %s %s %s", c.Line, c.Kind, c.ID, c.What)
	if c.Line == 0 {
		text = fmt.Sprintf("%s %s %s", c.Kind, c.ID, c.What)
	}
	if len(c.Fields) > 0 {
		text += ": " + strings.Join(c.Fields, ", ")
	}
	if c.Evidence {
		text += " (somebody has been in it: its minutes are counted anew)"
	}
	return text
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// maxListed is how many remarks of a kind are listed; more help nobody.
const maxListed = 100

// remarks collects what there is to say about lines.
type remarks struct {
	list     []Remark
	refused  int
	noted    int
	unlisted int
}

func (r *remarks) refuse(line int, column, format string, args ...any) {
	r.say(&r.refused, Remark{line, column, Refused, fmt.Sprintf(format, args...)})
}

func (r *remarks) note(line int, column, format string, args ...any) {
	r.say(&r.noted, Remark{line, column, Note, fmt.Sprintf(format, args...)})
}

// say counts and lists a remark, once: an event that repeats has one line.
func (r *remarks) say(n *int, one Remark) {
	if slices.Contains(r.list, one) {
		return
	}
	if *n++; *n > maxListed {
		r.unlisted++
		return
	}
	r.list = append(r.list, one)
}

// report is what has been said so far, by line.
func (r *remarks) report(format string) Report {
	lines := slices.Clone(r.list)
	slices.SortStableFunc(lines, func(a, b Remark) int { return cmp.Compare(a.Line, b.Line) })
	if lines == nil {
		lines = []Remark{}
	}
	return Report{Format: format, Lines: lines, Unlisted: r.unlisted, Refused: r.refused, Documents: []Change{}}
}
