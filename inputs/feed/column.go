package feed

import (
	"strings"
	"time"

	"echelon/inputs"
)

// dictionary is the texts of one column of a table: they keep their codes from batch to batch and from file
// to file.
type dictionary struct {
	raw   map[string]uint32 // as the source writes it → code
	final map[string]uint32 // as the contract has it → code
	texts []string
}

func newDictionary() *dictionary {
	return &dictionary{raw: map[string]uint32{}, final: map[string]uint32{}}
}

// column gathers the values of one column of a batch.
type column struct {
	def     *inputs.ColumnDef
	conv    *conversion // nil: as it is
	dict    *dictionary
	vec     inputs.Vector
	n       int
	nulls   bool
	source  string // name in the file; "" when the file does not have it
	last    string // raw text of the value before, and its code
	lastC   uint32
	hasLast bool
	lists   int // list elements of the batch before: about what the next one will need
	spare   chan inputs.Vector
}

// spareVectors is how many vectors of a column wait to be used again: one batch is decoded, one waits, one is used.
const spareVectors = 3

// begin starts a batch, in the memory of one that was released where there is one.
func (c *column) begin(rows int) {
	c.n, c.nulls = 0, false
	select {
	case v := <-c.spare:
		c.vec = inputs.Vector{Codes: v.Codes[:0], Ints: v.Ints[:0], List: v.List[:0]}
		if v.Offsets != nil {
			c.vec.Offsets = append(v.Offsets[:0], 0)
		}
		return
	default:
		c.vec = inputs.Vector{}
	}
	switch {
	case c.def.Type.Texts():
		c.vec.Codes = make([]uint32, 0, rows)
	case c.def.Type.Lists():
		c.vec.Offsets = make([]uint32, 1, rows+1)
		c.vec.List = make([]int64, 0, c.lists+c.lists/8)
	default:
		c.vec.Ints = make([]int64, 0, rows)
	}
}

// giveBack takes a vector that nobody uses any more.
func (c *column) giveBack(v *inputs.Vector) {
	select {
	case c.spare <- *v:
	default:
	}
	*v = inputs.Vector{}
}

// vector returns what was gathered, for a batch of n rows.
func (c *column) vector(n int) inputs.Vector {
	v := c.vec
	c.lists = len(v.List)
	if c.nulls {
		for len(v.Null) < (n+63)/64 {
			v.Null = append(v.Null, 0)
		}
	}
	if c.def.Type.Texts() {
		v.Dict = c.dict.texts[:len(c.dict.texts):len(c.dict.texts)]
	}
	return v
}

func (c *column) addNull() {
	c.nulls = true
	for len(c.vec.Null)*64 <= c.n {
		c.vec.Null = append(c.vec.Null, 0)
	}
	c.vec.Null[c.n>>6] |= 1 << (uint(c.n) & 63)
	switch {
	case c.def.Type.Texts():
		c.addCode(0)
	case c.def.Type.Lists():
		c.endList()
	default:
		c.addInt(0)
	}
}

func (c *column) addInt(v int64) {
	c.vec.Ints = append(c.vec.Ints, v)
	c.n++
}

func (c *column) addCode(code uint32) {
	c.vec.Codes = append(c.vec.Codes, code)
	c.n++
}

func (c *column) endList() {
	c.vec.Offsets = append(c.vec.Offsets, uint32(len(c.vec.List)))
	c.n++
}

// addText adds the value that a text stands for. With a fault, the row has a null there.
func (c *column) addText(s string) *inputs.Fault {
	if c.def.Type.Lists() {
		return c.addList(s)
	}
	var f *inputs.Fault
	var null bool
	if c.def.Type.Texts() {
		var code uint32
		if code, null, f = c.code(s); f == nil && !null {
			c.addCode(code)
			return nil
		}
	} else {
		var v int64
		if v, null, f = c.value(s); f == nil && !null {
			c.addInt(v)
			return nil
		}
	}
	c.addNull()
	return f
}

// value reads the text of a value that is kept as an integer.
func (c *column) value(s string) (v int64, null bool, f *inputs.Fault) {
	raw := s
	if c.conv != nil && c.conv.text {
		var ok bool
		if s, ok = c.conv.word(s); !ok {
			return 0, true, nil
		}
	}
	if s == "" {
		return 0, true, nil
	}
	if v, f = c.parse(s); f != nil {
		f.Value = inputs.Cut(raw)
	}
	return v, false, f
}

// word applies the text steps of a mapping; false when the value is null.
func (cv *conversion) word(s string) (string, bool) {
	if cv.Trim {
		s = strings.TrimSpace(s)
	}
	if to, ok := cv.Values[s]; ok {
		s = to
	}
	if s == "" {
		return "", false
	}
	return cv.Prefix + s, true
}

// code returns the code of a text of a dictionary column. Each distinct text is checked once.
func (c *column) code(s string) (code uint32, null bool, f *inputs.Fault) {
	if s == "" && (c.conv == nil || c.conv.Values == nil) {
		return 0, true, nil
	}
	if c.hasLast && s == c.last {
		return c.lastC, false, nil
	}
	if code, ok := c.dict.raw[s]; ok {
		c.last, c.lastC, c.hasLast = c.dict.texts[code], code, c.conv == nil || !c.conv.text
		return code, false, nil
	}
	final, given := s, s != ""
	if c.conv != nil && c.conv.text {
		final, given = c.conv.word(s)
	}
	if !given {
		return 0, true, nil
	}
	if f := inputs.CheckText(c.def, final); f != nil {
		f.Value = inputs.Cut(s)
		return 0, false, f
	}
	code, ok := c.dict.final[final]
	if !ok {
		final = strings.Clone(final)
		code = uint32(len(c.dict.texts))
		c.dict.texts = append(c.dict.texts, final)
		c.dict.final[final] = code
	}
	if s == final {
		c.dict.raw[c.dict.texts[code]] = code
	} else {
		c.dict.raw[strings.Clone(s)] = code
	}
	return code, false, nil
}

// parse reads a value that is kept as an integer.
func (c *column) parse(s string) (int64, *inputs.Fault) {
	cv := c.conv
	switch {
	case cv != nil && cv.layout != "":
		t, err := time.ParseInLocation(cv.layout, s, cv.location)
		if err != nil {
			return 0, c.fault(inputs.BadDate, s, "the mapping says layout "+cv.Layout)
		}
		v := t.UnixMicro()
		if c.def.Type == inputs.TypeDate {
			_, offset := t.Zone()
			v = (t.Unix() + int64(offset)) / 86400
			if t.Unix()+int64(offset) < 0 && (t.Unix()+int64(offset))%86400 != 0 {
				v--
			}
		}
		return v, inputs.CheckInt(c.def, v)
	case cv != nil && numeric(c.def.Type):
		v, reason, hint := cv.parse(c.def, s)
		if reason != "" {
			return 0, c.fault(reason, s, hint)
		}
		return v, inputs.CheckInt(c.def, v)
	}
	v, err := inputs.ParseInt(c.def, s)
	if err != nil {
		f, _ := err.(*inputs.Fault) //nolint:errorlint // ParseInt returns nothing else
		return 0, f
	}
	return v, nil
}

func (c *column) addList(s string) *inputs.Fault {
	if c.conv != nil && c.conv.text {
		s, _ = c.conv.word(s)
	}
	if s == "" {
		c.addNull()
		return nil
	}
	start := len(c.vec.List)
	for n := 0; ; n++ {
		part, rest, more := strings.Cut(s, ";")
		v, reason, hint := c.conv.parse(c.def, part)
		var f *inputs.Fault
		switch {
		case reason == inputs.WrongType:
			f = c.fault(inputs.BadList, part, hint)
		case reason != "":
			f = c.fault(reason, part, hint)
		case n >= inputs.MaxList:
			f = c.tooLong()
		default:
			f = inputs.CheckElement(c.def, v, n)
		}
		if f != nil {
			c.vec.List = c.vec.List[:start]
			c.addNull()
			return f
		}
		c.vec.List = append(c.vec.List, v)
		if !more {
			c.endList()
			return nil
		}
		s = rest
	}
}

func (c *column) fault(reason inputs.Reason, value, hint string) *inputs.Fault {
	return &inputs.Fault{Reason: reason, Column: c.def.Name, Value: inputs.Cut(value), Hint: hint}
}

func (c *column) tooLong() *inputs.Fault {
	return c.fault(inputs.BadList, "", "a list has too many entries")
}
