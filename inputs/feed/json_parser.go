package feed

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const maxJSONDepth = 16

// jsonParser reads one object. Strings that need it are unescaped into text.
type jsonParser struct {
	data []byte
	at   int
	text []byte
}

var errJSON = errors.New("the record is not a JSON object")

func (p *jsonParser) blank() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\t' || p.data[p.at] == '\r' || p.data[p.at] == '\n') {
		p.at++
	}
}

func (p *jsonParser) take(c byte) bool {
	p.blank()
	if p.at < len(p.data) && p.data[p.at] == c {
		p.at++
		return true
	}
	return false
}

// object calls member for every member; member reads the value.
func (p *jsonParser) object(member func(name string) error) error {
	if !p.take('{') {
		return errJSON
	}
	if !p.take('}') {
		for {
			p.blank()
			name, err := p.str()
			if err != nil {
				return err
			}
			name = strings.Clone(name)
			if !p.take(':') {
				return errJSON
			}
			if err := member(name); err != nil {
				return err
			}
			if p.take(',') {
				continue
			}
			if p.take('}') {
				break
			}
			return errJSON
		}
	}
	p.blank()
	if p.at != len(p.data) {
		return errors.New("text after the JSON object: write one object per line")
	}
	return nil
}

// value reads a value as the text a CSV cell would have.
func (p *jsonParser) value() (text string, null bool, err error) {
	p.blank()
	if p.at >= len(p.data) {
		return "", false, errJSON
	}
	switch p.data[p.at] {
	case '"':
		text, err = p.str()
		return text, false, err
	case '[':
		return p.list()
	case '{':
		return "", false, errors.New("an object inside the record: records are flat")
	default:
		token, err := p.token()
		return token, token == "null", err
	}
}

// token reads a number, true, false or null.
func (p *jsonParser) token() (string, error) {
	start := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			p.at++
			continue
		}
		break
	}
	t := view(p.data[start:p.at])
	switch t {
	case "true", "false", "null":
		return t, nil
	}
	if t == "" || !jsonNumber(t) {
		return "", errJSON
	}
	return t, nil
}

func jsonNumber(t string) bool {
	if t[0] == '-' {
		t = t[1:]
	}
	if t == "" || t[0] < '0' || t[0] > '9' || (len(t) > 1 && t[0] == '0' && t[1] >= '0' && t[1] <= '9') {
		return false
	}
	_, err := strconv.ParseFloat(t, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// list reads a list of numbers as its elements with ; between; a null in it stays as a word that no number is.
func (p *jsonParser) list() (string, bool, error) {
	p.at++
	p.text = p.text[:0]
	if p.take(']') {
		return "", true, nil
	}
	for n := 0; ; n++ {
		p.blank()
		if n > 0 {
			p.text = append(p.text, ';')
		}
		if p.at < len(p.data) && p.data[p.at] == '"' {
			mark := p.text
			p.text = p.text[len(p.text):]
			s, err := p.str()
			if err != nil {
				return "", false, err
			}
			p.text = append(mark, strings.ReplaceAll(s, ";", ",")...)
		} else {
			t, err := p.token()
			if err != nil {
				return "", false, errors.New("a list holds numbers only")
			}
			p.text = append(p.text, t...)
		}
		if p.take(',') {
			continue
		}
		if p.take(']') {
			return view(p.text), false, nil
		}
		return "", false, errJSON
	}
}

// str reads a string.
func (p *jsonParser) str() (string, error) {
	if p.at >= len(p.data) || p.data[p.at] != '"' {
		return "", errJSON
	}
	p.at++
	start := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			p.at++
			return view(p.data[start : p.at-1]), nil
		case c == '\\':
			return p.unescape(start)
		case c < 0x20:
			return "", errors.New("a control character inside a string")
		}
		p.at++
	}
	return "", errJSON
}

func (p *jsonParser) unescape(start int) (string, error) {
	p.text = append(p.text[:0], p.data[start:p.at]...)
	for p.at < len(p.data) {
		c := p.data[p.at]
		p.at++
		switch {
		case c == '"':
			return view(p.text), nil
		case c < 0x20:
			return "", errors.New("a control character inside a string")
		case c != '\\':
			p.text = append(p.text, c)
			continue
		}
		if p.at >= len(p.data) {
			break
		}
		c = p.data[p.at]
		p.at++
		switch c {
		case '"', '\\', '/':
			p.text = append(p.text, c)
		case 'b', 'f', 'n', 'r', 't':
			p.text = append(p.text, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
		case 'u':
			r, ok := p.hex4()
			if !ok {
				return "", errJSON
			}
			if utf16.IsSurrogate(r) {
				low := rune(0)
				if p.at+1 < len(p.data) && p.data[p.at] == '\\' && p.data[p.at+1] == 'u' {
					p.at += 2
					if low, ok = p.hex4(); !ok {
						return "", errJSON
					}
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return "", errors.New("half a surrogate pair inside a string")
				}
			}
			p.text = utf8.AppendRune(p.text, r)
		default:
			return "", errJSON
		}
	}
	return "", errJSON
}

func (p *jsonParser) hex4() (rune, bool) {
	if p.at+4 > len(p.data) {
		return 0, false
	}
	v, err := strconv.ParseUint(view(p.data[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(v), err == nil
}

// skip reads over a value of any kind.
func (p *jsonParser) skip(depth int) error {
	if depth > maxJSONDepth {
		return errors.New("the record is nested too deep")
	}
	p.blank()
	if p.at >= len(p.data) {
		return errJSON
	}
	open := p.data[p.at]
	switch open {
	case '"':
		_, err := p.str()
		return err
	case '[', '{':
		p.at++
		end := open + 2 // ] and } stand two places after their openers
		if p.take(end) {
			return nil
		}
		for {
			if open == '{' {
				p.blank()
				if _, err := p.str(); err != nil {
					return err
				}
				if !p.take(':') {
					return errJSON
				}
			}
			if err := p.skip(depth + 1); err != nil {
				return err
			}
			if p.take(',') {
				continue
			}
			if p.take(end) {
				return nil
			}
			return errJSON
		}
	}
	_, err := p.token()
	return err
}
