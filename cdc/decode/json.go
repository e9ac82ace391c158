package decode

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a record's value may be nested.
const maxDepth = 64

// scanner reads JSON without making anything of it. The first mistake stands in bad, and ends the reading.
type scanner struct {
	data []byte
	at   int
	bad  string
	d    *scratch // unescaped texts
}

const notJSON = "the record is not JSON as it should be"

func (s *scanner) fail(hint string) bool {
	if s.bad == "" {
		s.bad = hint
	}
	return false
}

func (s *scanner) blank() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek gives the next byte that is no blank, 0 at the end.
func (s *scanner) peek() byte {
	s.blank()
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	if s.peek() == c {
		s.at++
		return true
	}
	return false
}

// object calls member with the number and name of every member; member reads the value. The name is lent until
// the value is read.
func (s *scanner) object(member func(i int, name []byte) bool) bool {
	if !s.take('{') {
		return s.fail(notJSON)
	}
	if s.take('}') {
		return true
	}
	for i := 0; ; i++ {
		s.blank()
		name, ok := s.str()
		if !ok || !s.take(':') {
			return s.fail(notJSON)
		}
		if !member(i, name) {
			return s.fail(notJSON)
		}
		if s.take(',') {
			continue
		}
		return s.take('}') || s.fail(notJSON)
	}
}

// array calls element for every element; element reads it.
func (s *scanner) array(element func(i int) bool) bool {
	if !s.take('[') {
		return s.fail(notJSON)
	}
	if s.take(']') {
		return true
	}
	for i := 0; ; i++ {
		if !element(i) {
			return s.fail(notJSON)
		}
		if s.take(',') {
			continue
		}
		return s.take(']') || s.fail(notJSON)
	}
}

// end reports whether nothing but blanks is left.
func (s *scanner) end() bool {
	s.blank()
	return s.at == len(s.data) || s.fail("there is text after the record's JSON")
}

// str reads a string. What it gives points into the record, or into scratch where it was escaped.
func (s *scanner) str() ([]byte, bool) {
	if !s.take('"') {
		return nil, s.fail(notJSON)
	}
	start := s.at
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return s.data[start:i], true
		case c == '\\':
			s.at = i
			return s.unescape(start)
		case c < 0x20:
			return nil, s.fail("a control character inside a string")
		}
	}
	return nil, s.fail(notJSON)
}

func (s *scanner) unescape(start int) ([]byte, bool) {
	from := len(s.d.text)
	out := append(s.d.text, s.data[start:s.at]...)
	for s.at < len(s.data) {
		c := s.data[s.at]
		s.at++
		switch {
		case c == '"':
			s.d.text = out
			return out[from:], true
		case c < 0x20:
			return nil, s.fail("a control character inside a string")
		case c != '\\':
			out = append(out, c)
			continue
		}
		if s.at >= len(s.data) {
			break
		}
		c = s.data[s.at]
		s.at++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := s.codePoint()
			if !ok {
				return nil, false
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, s.fail(notJSON)
		}
	}
	return nil, s.fail(notJSON)
}

func (s *scanner) codePoint() (rune, bool) {
	r, ok := s.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok || s.fail(notJSON)
	}
	if s.at+1 < len(s.data) && s.data[s.at] == '\\' && s.data[s.at+1] == 'u' {
		s.at += 2
		low, ok := s.hex4()
		if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
			return r, true
		}
	}
	return 0, s.fail("half a surrogate pair inside a string")
}

func (s *scanner) hex4() (rune, bool) {
	if s.at+4 > len(s.data) {
		return 0, false
	}
	var v rune
	for _, c := range s.data[s.at : s.at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	s.at += 4
	return v, true
}

// token reads a number, true, false or null.
func (s *scanner) token() ([]byte, bool) {
	s.blank()
	start := s.at
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			s.at++
			continue
		}
		break
	}
	t := s.data[start:s.at]
	switch string(t) {
	case "true", "false", "null":
		return t, true
	}
	if !isNumber(t) {
		return nil, s.fail(notJSON)
	}
	return t, true
}

func isNumber(t []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(t) && t[i] >= '0' && t[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(t) && t[i] == '-' {
		i++
	}
	first := i
	if !digits() || (t[first] == '0' && i > first+1) {
		return false
	}
	if i < len(t) && t[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(t) && (t[i] == 'e' || t[i] == 'E') {
		i++
		if i < len(t) && (t[i] == '+' || t[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(t)
}

// skip reads over a value of any kind.
func (s *scanner) skip(depth int) bool {
	if depth > maxDepth {
		return s.fail("the record is nested deeper than " + strconv.Itoa(maxDepth) + " levels")
	}
	switch s.peek() {
	case '"':
		return s.skipString()
	case '{':
		s.at++
		if s.take('}') {
			return true
		}
		for {
			s.blank()
			if !s.skipString() || !s.take(':') || !s.skip(depth+1) {
				return s.fail(notJSON)
			}
			if s.take(',') {
				continue
			}
			return s.take('}') || s.fail(notJSON)
		}
	case '[':
		s.at++
		if s.take(']') {
			return true
		}
		for {
			if !s.skip(depth + 1) {
				return s.fail(notJSON)
			}
			if s.take(',') {
				continue
			}
			return s.take(']') || s.fail(notJSON)
		}
	}
	_, ok := s.token()
	return ok
}

// skipString reads over a string; only escaped ones are looked at closely.
func (s *scanner) skipString() bool {
	mark := len(s.d.text)
	_, ok := s.str()
	s.d.text = s.d.text[:mark]
	return ok
}

// null reads a null if there is one.
func (s *scanner) null() bool {
	if s.peek() == 'n' && s.at+4 <= len(s.data) && string(s.data[s.at:s.at+4]) == "null" {
		s.at += 4
		return true
	}
	return false
}

// natural reads a whole number ≥ 0; null and other values are read over and give false.
func (s *scanner) natural() (v uint64, given, ok bool) {
	switch s.peek() {
	case '"', '{', '[':
		return 0, false, s.skip(0)
	}
	t, ok := s.token()
	if !ok || len(t) == 0 || t[0] < '0' || t[0] > '9' {
		return 0, false, ok
	}
	v, err := strconv.ParseUint(view(t), 10, 64)
	return v, err == nil, true
}

// word reads a string, or true and false as their words; null and other values are read over and give nil.
func (s *scanner) word() ([]byte, bool) {
	switch s.peek() {
	case '"':
		return s.str()
	case '{', '[':
		return nil, s.skip(0)
	}
	t, ok := s.token()
	if ok && string(t) == "null" {
		t = nil
	}
	return t, ok
}
