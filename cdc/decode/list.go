package decode

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"echelon/cdc"
	"echelon/inputs"
)

// listing gathers the elements of one list of a record. Weekdays are a list too, and kept as a mask.
type listing struct {
	c       *column
	start   int
	n       int
	mask    int64
	letters int // elements so far that are the bytes of the mark for an unchanged column
	same    bool
	fault   *inputs.Fault
}

func (c *column) list(d *scratch) listing { return listing{c: c, start: len(d.list)} }

// takes reports whether lists can be read into the column at all.
func (c *column) takesList() bool { return c.def.Type.Lists() || c.def.Type == inputs.TypeWeekdays }

func (l *listing) note(f *inputs.Fault) {
	if l.fault == nil {
		l.fault = f
	}
}

// add adds element v; the column's unit, f what is wrong with it.
func (l *listing) add(d *scratch, v int64, f *inputs.Fault) {
	if l.n++; l.n > inputs.MaxList {
		l.note(l.c.value.Fault(inputs.BadList, "", "a list has at most "+strconv.Itoa(inputs.MaxList)+" entries"))
		return
	}
	if f != nil {
		l.note(f)
		return
	}
	d.list = append(d.list, v)
}

// integer adds a whole number.
func (l *listing) integer(d *scratch, v int64) {
	if l.letters == l.n && l.n < len(unavailable) && v == int64(unavailable[l.n]) {
		l.letters++
	}
	if l.c.def.Type == inputs.TypeWeekdays {
		l.weekday(v)
		return
	}
	x, f := l.c.value.ScaledElement(v, 0, l.n)
	l.add(d, x, f)
}

func (l *listing) weekday(v int64) {
	l.n++
	if v < 1 || v > 7 || l.mask&(1<<(v-1)) != 0 {
		l.note(l.c.value.Fault(inputs.BadList, strconv.FormatInt(v, 10), "write weekdays as 1 (Monday) to 7, each once"))
		return
	}
	l.mask |= 1 << (v - 1)
}

// text adds a number that is written as text.
func (l *listing) text(d *scratch, s []byte) {
	if l.n == 0 && l.c.debezium && string(s) == unavailable {
		l.same = true
		return
	}
	if v, ok := shortInt(s); ok {
		l.integer(d, v)
		return
	}
	if bytes.ContainsAny(s, "eE") {
		if out, ok := expand(d.tmp[:0], s); ok {
			d.tmp, s = out, out
		}
	}
	if l.c.def.Type == inputs.TypeWeekdays {
		l.n++
		l.note(l.c.value.Fault(inputs.BadList, string(s), "write weekdays as 1 (Monday) to 7, each once"))
		return
	}
	x, f := l.c.value.Element(view(s), l.n)
	l.add(d, x, f)
}

// decimal adds two's complement bytes × 10^-scale.
func (l *listing) decimal(d *scratch, b []byte, scale int) {
	if l.n == 0 && l.c.debezium && string(b) == unavailable {
		l.same = true
		return
	}
	v, scale, f := l.c.unscaled(b, scale)
	if f == nil && scale == 0 {
		l.integer(d, v)
		return
	}
	if f == nil {
		v, f = l.c.value.ScaledElement(v, scale, l.n)
	}
	l.add(d, v, f)
}

func (l *listing) base64(d *scratch, s []byte, scale int) {
	if l.n == 0 && l.c.debezium && string(s) == unavailable {
		l.same = true
		return
	}
	b, err := base64.StdEncoding.AppendDecode(d.tmp[:0], s)
	if err != nil {
		l.add(d, 0, l.c.value.Fault(inputs.BadList, string(s), "the schema says decimal: base64 is needed"))
		return
	}
	d.tmp = b
	l.decimal(d, b, scale)
}

// float adds a double as the shortest decimal that stands for it.
func (l *listing) float(d *scratch, v float64, bits int) {
	if v != v || v-v != 0 { // not a number, or infinite
		l.bad(strconv.FormatFloat(v, 'g', -1, 64), "not a number")
		return
	}
	d.tmp = strconv.AppendFloat(d.tmp[:0], v, 'f', -1, bits)
	x, f := l.c.value.Element(view(d.tmp), l.n)
	l.add(d, x, f)
}

// bad adds an element that no number is.
func (l *listing) bad(value, hint string) {
	l.n++
	l.note(l.c.value.Fault(inputs.BadList, value, "element "+strconv.Itoa(l.n)+" of the list: "+hint))
}

// cell gives the list. An empty one is null, as in files.
func (l *listing) cell(d *scratch) (cdc.Cell, *inputs.Fault) {
	switch {
	case l.same && l.n == 0, l.c.debezium && l.letters == len(unavailable) && l.n == l.letters:
		d.list = d.list[:l.start]
		return cdc.Cell{Kind: cdc.Unchanged}, nil
	case l.same:
		return cdc.Cell{}, l.c.value.Fault(inputs.BadList, unavailable, "the mark of an unchanged column stands alone")
	case l.fault != nil:
		d.list = d.list[:l.start]
		return cdc.Cell{}, l.fault
	case l.n == 0:
		return cdc.Cell{}, nil
	case l.c.def.Type == inputs.TypeWeekdays:
		return cdc.Cell{Kind: cdc.Int, Int: l.mask}, nil
	}
	return cdc.Cell{Kind: cdc.List, List: d.list[l.start:len(d.list):len(d.list)]}, nil
}

// listText reads a list that is one text: {1,2,3} as PostgreSQL writes it, or 1;2;3 as in files.
func (c *column) listText(d *scratch, s []byte) (cdc.Cell, *inputs.Fault) {
	if len(s) == 0 {
		return cdc.Cell{}, nil
	}
	between := byte(';')
	if s[0] == '{' && s[len(s)-1] == '}' {
		s, between = s[1:len(s)-1], ','
		if len(s) == 0 {
			return cdc.Cell{}, nil
		}
	}
	l := c.list(d)
	for more := true; more; {
		var part []byte
		if i := bytes.IndexByte(s, between); i >= 0 {
			part, s = s[:i], s[i+1:]
		} else {
			part, more = s, false
		}
		l.text(d, part)
		if l.n > inputs.MaxList {
			break
		}
	}
	return l.cell(d)
}
