package decode

import (
	"strconv"

	"echelon/cdc"
	"echelon/inputs"
)

// jsonCell reads a value as the cell of a column. Without ok the record is broken; a fault is of the value only.
func (c *column) jsonCell(s *scanner, e encoding) (cell cdc.Cell, f *inputs.Fault, ok bool) {
	d := s.d
	switch s.peek() {
	case '"':
		t, ok := s.str()
		if !ok {
			return cdc.Cell{}, nil, false
		}
		if e.kind == encDecimal {
			cell, f = c.base64Decimal(d, t, e.scale)
		} else {
			cell, f = c.text(d, t, e)
		}
		return cell, f, true
	case '[':
		if c.takesList() {
			return c.jsonList(s, e)
		}
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, "", "a list where one value is needed"), s.skip(0)
	case '{':
		b, scale, is, ok := s.variable(true)
		if !ok || !is {
			return cdc.Cell{}, c.value.Fault(inputs.WrongType, "", "an object where one value is needed"), ok
		}
		cell, f = c.base64Decimal(d, b, scale)
		return cell, f, true
	}
	t, ok := s.token()
	if !ok {
		return cdc.Cell{}, nil, false
	}
	switch t[0] {
	case 'n':
		return cdc.Cell{}, nil, true
	case 't', 'f':
		cell, f = c.truth(d, t[0] == 't')
	default:
		cell, f = c.number(d, t, e)
	}
	return cell, f, true
}

// variable reads an object; is tells whether it is a decimal that carries its scale.
func (s *scanner) variable(scaled bool) (b []byte, scale int, is, ok bool) {
	members := 0
	ok = s.object(func(_ int, name []byte) bool {
		switch {
		case scaled && string(name) == "scale":
			t, ok := s.word()
			n, err := strconv.Atoi(string(t))
			if err == nil {
				scale = n
				members |= 1
			}
			return ok
		case scaled && string(name) == "value" && s.peek() == '"':
			var ok bool
			b, ok = s.str()
			members |= 2
			return ok
		}
		return s.skip(1)
	})
	return b, scale, members == 3, ok
}

func (c *column) jsonList(s *scanner, e encoding) (cdc.Cell, *inputs.Fault, bool) {
	d := s.d
	l := c.list(d)
	ok := s.array(func(int) bool {
		if l.n > inputs.MaxList { // what comes now is only read over
			return s.skip(0)
		}
		switch s.peek() {
		case '"':
			t, ok := s.str()
			switch {
			case !ok:
				return false
			case e.kind == encDecimal:
				l.base64(d, t, e.scale)
			default:
				l.text(d, t)
			}
			return true
		case '{':
			b, scale, is, ok := s.variable(true)
			if is {
				l.base64(d, b, scale)
			} else {
				l.bad("", "an object is no number")
			}
			return ok
		case '[':
			l.bad("", "a list inside the list")
			return s.skip(0)
		}
		t, ok := s.token()
		if !ok {
			return false
		}
		if c := t[0]; c == 'n' || c == 't' || c == 'f' {
			l.bad(string(t), "it must be a number")
			return true
		}
		l.text(d, t)
		return true
	})
	cell, f := l.cell(d)
	return cell, f, ok
}
