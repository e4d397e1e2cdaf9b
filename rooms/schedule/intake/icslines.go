package intake

import (
	"strings"
	"unicode/utf8"
)

// Limits of a calendar.
const (
	maxContentLine = 256 << 10 // bytes, unfolded: a picture can be attached
	maxDepth       = 8         // of components; a calendar needs three
	maxValues      = 1000      // of a property that is a list
)

// A component is what stands between a BEGIN and its END (RFC 5545 §3.6).
type component struct {
	name       string // in upper case
	line       int    // of its BEGIN
	properties []property
	inside     []component
}

// A property is one content line (RFC 5545 §3.1).
type property struct {
	name       string // in upper case
	line       int
	parameters map[string]string // names in upper case; of several values the first
	value      string            // as written, not unescaped
}

// of finds the first property of that name.
func (c component) of(name string) (property, bool) {
	for _, p := range c.properties {
		if p.name == name {
			return p, true
		}
	}
	return property{}, false
}

// all finds the properties of that name.
func (c component) all(name string) []property {
	var found []property
	for _, p := range c.properties {
		if p.name == name {
			found = append(found, p)
		}
	}
	return found
}

// word is the value of a property that is one of a few words, or "".
func (c component) word(name string) string {
	p, _ := c.of(name)
	return strings.ToUpper(strings.TrimSpace(p.value))
}

// text undoes the escapes of a text (RFC 5545 §3.3.11).
func (p property) text() string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\;`, ";", `\,`, ",").Replace(p.value)
}

// values of a property that is a list without texts.
func (p property) values() []string { return strings.SplitN(p.value, ",", maxValues+1) }

// readComponents reads a stream of calendars. It is strict about the structure
// and understands nothing of what the properties say.
func readComponents(text string, p *remarks) []component {
	var (
		top  []component
		open []component // innermost last
	)
	for line, content := range contentLines(text) {
		if len(content) > maxContentLine {
			p.refuse(line, "", "A line is longer than %d bytes.", maxContentLine)
			return nil
		}
		one, ok := splitContent(content)
		one.line = line
		switch {
		case !ok:
			p.refuse(line, "", "This is not a line of a calendar: NAME:VALUE, or NAME;PARAMETER=VALUE:VALUE.")
			return nil
		case one.name == "BEGIN" && len(open) == maxDepth:
			p.refuse(line, "", "Components lie in one another more than %d deep.", maxDepth)
			return nil
		case one.name == "BEGIN":
			open = append(open, component{name: upper(one.value), line: line})
		case len(open) == 0:
			p.refuse(line, "", "A calendar begins with BEGIN:VCALENDAR.")
			return nil
		case one.name == "END":
			done := open[len(open)-1]
			if upper(one.value) != done.name {
				p.refuse(line, "", "This ends another component than the one that line %d began.", done.line)
				return nil
			}
			open = open[:len(open)-1]
			if len(open) == 0 {
				top = append(top, done)
			} else {
				outer := &open[len(open)-1]
				outer.inside = append(outer.inside, done)
			}
		default:
			inner := &open[len(open)-1]
			inner.properties = append(inner.properties, one)
		}
	}
	if len(open) > 0 {
		p.refuse(open[len(open)-1].line, "", "What begins here has no end: the file is cut off.")
	}
	return top
}

func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// contentLines unfolds (RFC 5545 §3.1) and yields each line with the number of
// the line of the file that it begins on. Empty lines are nobody's.
func contentLines(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		var (
			whole strings.Builder
			begun int
			line  int
		)
		for physical := range strings.Lines(text) {
			line++
			physical = strings.TrimSuffix(strings.TrimSuffix(physical, "\n"), "\r")
			if begun > 0 && physical != "" && (physical[0] == ' ' || physical[0] == '\t') {
				whole.WriteString(physical[1:])
				continue
			}
			if begun > 0 && whole.Len() > 0 && !yield(begun, whole.String()) {
				return
			}
			whole.Reset()
			whole.WriteString(physical)
			begun = line
		}
		if whole.Len() > 0 {
			yield(begun, whole.String())
		}
	}
}

// splitContent takes a content line apart: name *(";" name "=" value) ":" value.
func splitContent(content string) (p property, ok bool) {
	if !utf8.ValidString(content) {
		return p, false
	}
	end := strings.IndexAny(content, ";:")
	if end <= 0 || !isToken(content[:end]) {
		return p, false
	}
	p.name = strings.ToUpper(content[:end])
	rest := content[end:]
	for rest[0] == ';' {
		equals := strings.IndexByte(rest, '=')
		if equals < 2 || !isToken(rest[1:equals]) {
			return p, false
		}
		name := strings.ToUpper(rest[1:equals])
		var values []string
		if values, rest, ok = splitParameter(rest[equals+1:]); !ok {
			return p, false
		}
		if p.parameters == nil {
			p.parameters = map[string]string{}
		}
		if _, twice := p.parameters[name]; !twice {
			p.parameters[name] = values[0]
		}
	}
	p.value = rest[1:]
	return p, true
}

// splitParameter reads values up to the ; or : that rest then begins with.
func splitParameter(text string) (values []string, rest string, ok bool) {
	for {
		var value string
		if strings.HasPrefix(text, `"`) {
			end := strings.IndexByte(text[1:], '"')
			if end < 0 {
				return nil, "", false
			}
			value, text = text[1:1+end], text[end+2:]
		} else {
			end := strings.IndexAny(text, `",;:`)
			if end < 0 {
				return nil, "", false
			}
			value, text = text[:end], text[end:]
		}
		values = append(values, value)
		if text == "" {
			return nil, "", false
		}
		switch text[0] {
		case ',':
			text = text[1:]
		case ';', ':':
			return values, text, true
		default:
			return nil, "", false
		}
	}
}

func isToken(s string) bool {
	for _, r := range s {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != ""
}
