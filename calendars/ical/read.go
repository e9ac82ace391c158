package ical

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	ics "github.com/arran4/golang-ical"
)

const (
	maxLine   = 16 << 10 // bytes of one unfolded line that matters
	maxParams = 32       // separators in the parameters of one line
	maxDepth  = 8        // components inside one another
)

// wanted names the properties that decide days; all others are skipped unread.
var wanted = map[string]bool{
	"BEGIN": true, "END": true, "UID": true, "SUMMARY": true, "STATUS": true, "SEQUENCE": true, "DTSTART": true,
	"DTEND": true, "DURATION": true, "RRULE": true, "RDATE": true, "EXDATE": true, "EXRULE": true,
	"RECURRENCE-ID": true, "TZID": true, "X-LIC-LOCATION": true,
}

// parsed is a file after the parser: its events, and the IANA names that it gives its own zones.
type parsed struct {
	vevents []*ics.VEvent
	zones   map[string]string
}

// read takes at most the allowed bytes, keeps the lines that matter and parses them.
func read(r io.Reader, o *Options) (*parsed, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(o.MaxBytes)+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > o.MaxBytes {
		return nil, fmt.Errorf("the file is larger than %d bytes: raise the limit or split the file", o.MaxBytes)
	}
	kept, err := filter(data, o)
	if err != nil {
		return nil, err
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(kept))
	if err != nil {
		return nil, fmt.Errorf("not an iCalendar file: %w", err)
	}
	p := &parsed{zones: map[string]string{}}
	for _, c := range cal.Components {
		switch c := c.(type) {
		case *ics.VEvent:
			p.vevents = append(p.vevents, c)
		case *ics.VTimezone:
			id, name := c.GetProperty("TZID"), c.GetProperty("X-LIC-LOCATION")
			if id != nil && name != nil {
				p.zones[id.Value] = name.Value
			}
		}
	}
	return p, nil
}

// filter unfolds the lines, keeps those that matter in one spelling, and refuses what would make the parser
// work without bound. Components are balanced afterwards.
func filter(data []byte, o *Options) ([]byte, error) {
	var out bytes.Buffer
	var open []string
	events, calendarsSeen := 0, 0
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for number := 1; len(data) > 0; {
		line, lines, rest := unfold(data)
		at := number
		data, number = rest, number+lines
		name, keep := property(line)
		if !keep {
			continue
		}
		if err := checkLine(line); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", at, name, err)
		}
		value := string(line[len(name):])
		if (name == "BEGIN" || name == "END") && value[0] != ':' {
			return nil, fmt.Errorf("line %d: %s with parameters", at, name)
		}
		switch name {
		case "BEGIN":
			value = strings.ToUpper(strings.TrimSpace(value))
			open = append(open, value)
			if len(open) > maxDepth {
				return nil, fmt.Errorf("line %d: more than %d components inside one another", at, maxDepth)
			}
			if value == ":VEVENT" {
				events++
			}
			if value == ":VCALENDAR" {
				calendarsSeen++
			}
			if events > o.MaxEvents {
				return nil, fmt.Errorf("line %d: more than %d events: raise the limit or split the file", at, o.MaxEvents)
			}
		case "END":
			value = strings.ToUpper(strings.TrimSpace(value))
			if len(open) == 0 || open[len(open)-1] != value {
				return nil, fmt.Errorf("line %d: END%s without its BEGIN", at, cut(value))
			}
			open = open[:len(open)-1]
		}
		out.WriteString(name)
		out.WriteString(value)
		out.WriteString("\r\n")
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("the file is cut off: BEGIN%s has no END", cut(open[len(open)-1]))
	}
	if calendarsSeen != 1 {
		return nil, fmt.Errorf("%d VCALENDARs in the file: want one", calendarsSeen)
	}
	return out.Bytes(), nil
}

// unfold takes the first logical line off the data: a line break followed by a blank continues the line.
func unfold(data []byte) (line []byte, lines int, rest []byte) {
	for {
		i := bytes.IndexByte(data, '\n')
		part := data
		if i >= 0 {
			part, rest = data[:i], data[i+1:]
		} else {
			rest = nil
		}
		lines++
		part = bytes.TrimSuffix(part, []byte{'\r'})
		if lines == 1 && (len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t') {
			return part, lines, rest // the usual line: no copy
		}
		line = append(line, part...)
		if len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
			return line, lines, rest
		}
		data = rest[1:]
	}
}

// property gives the upper-case name of a line, and whether the line matters.
func property(line []byte) (string, bool) {
	end := bytes.IndexAny(line[:min(len(line), 32)], ":;")
	if end < 0 {
		return "", false
	}
	name := strings.ToUpper(string(line[:end]))
	return name, wanted[name]
}

// checkLine refuses lines on which the parser's work would grow with the square of their length.
func checkLine(line []byte) error {
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	quoted, separators := false, 0
	for _, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case b == '\\':
			return errors.New("a backslash in a parameter")
		case b < ' ' && b != '\t':
			return errors.New("a control character in a parameter")
		case quoted:
		case b == ':':
			return nil
		case b == ';' || b == ',':
			if separators++; separators > maxParams {
				return fmt.Errorf("more than %d parameters", maxParams)
			}
		}
	}
	return errors.New("no value: want NAME:value")
}
