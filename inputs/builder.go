package inputs

import "fmt"

// Builder makes batches row by row: the way in for tests, scenarios, generators and converters.
//
// Append takes the cells of a row as files carry them, and checks them. The typed calls (Row, then SetInt,
// SetText, SetCode, SetList by column position) check nothing: generators use them to write wrong rows too.
// A column that is never set is absent. Dictionaries live as long as the builder: the codes of a text are the
// same in every batch it makes.
type Builder struct {
	contract *Contract
	rows     int
	cols     []builderColumn
	source   string
	first    int64
}

type builderColumn struct {
	vec   Vector
	n     int // rows written so far
	codes map[string]uint32
	last  string // the text before: successive rows often repeat it
	lastC uint32
}

// NewBuilder returns a builder for a table. An unknown table is a bug and panics.
func NewBuilder(table string) *Builder {
	c := ContractOf(table)
	if c == nil {
		panic("inputs: no table " + table)
	}
	return &Builder{contract: c, cols: make([]builderColumn, len(c.Columns)), source: table, first: 1}
}

// From names the source that the batches say they come from; positions count on over all batches.
func (b *Builder) From(source string) *Builder {
	b.source = source
	return b
}

// Col returns the position of a column. An unknown name is a bug and panics.
func (b *Builder) Col(name string) int {
	i := b.contract.Index(name)
	if i < 0 {
		panic("inputs: table " + b.contract.Table + " has no column " + name)
	}
	return i
}

// Rows returns the number of rows since the last Batch.
func (b *Builder) Rows() int { return b.rows }

// Row begins a row. All its columns are null until they are set.
func (b *Builder) Row() { b.rows++ }

// drop takes the row begun last back.
func (b *Builder) drop() {
	b.rows--
	for i := range b.cols {
		c := &b.cols[i]
		if c.n <= b.rows {
			continue
		}
		c.n = b.rows
		v := &c.vec
		v.Ints, v.Codes = cutTo(v.Ints, c.n), cutTo(v.Codes, c.n)
		if v.Offsets != nil {
			v.Offsets = v.Offsets[:c.n+1]
			v.List = v.List[:v.Offsets[c.n]]
		}
		if v.Null != nil {
			v.Null[c.n>>6] &^= 1 << (uint(c.n) & 63)
		}
	}
}

func cutTo[T any](s []T, n int) []T {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// pad writes nulls up to row n of column i.
func (b *Builder) pad(i, n int) *builderColumn {
	c := &b.cols[i]
	t := b.contract.Columns[i].Type
	if t.Lists() && c.vec.Offsets == nil {
		c.vec.Offsets = append(c.vec.Offsets, 0)
	}
	for ; c.n < n; c.n++ {
		for len(c.vec.Null)*64 <= c.n {
			c.vec.Null = append(c.vec.Null, 0)
		}
		c.vec.Null[c.n>>6] |= 1 << (uint(c.n) & 63)
		switch {
		case t.Texts():
			c.vec.Codes = append(c.vec.Codes, 0)
		case t.Lists():
			c.vec.Offsets = append(c.vec.Offsets, uint32(len(c.vec.List)))
		default:
			c.vec.Ints = append(c.vec.Ints, 0)
		}
	}
	return c
}

// next readies column i for the value of the row begun last. Setting a cell twice is a bug and panics.
func (b *Builder) next(i int) *builderColumn {
	c := &b.cols[i]
	if c.n >= b.rows {
		panic("inputs: column " + b.contract.Columns[i].Name + " is set twice in a row")
	}
	if c.n < b.rows-1 || (c.n == 0 && c.vec.Offsets == nil) {
		b.pad(i, b.rows-1)
	}
	c.n = b.rows
	if c.vec.Null != nil {
		for len(c.vec.Null)*64 < c.n {
			c.vec.Null = append(c.vec.Null, 0)
		}
	}
	return c
}

// SetInt sets column i of the row, in canonical units.
func (b *Builder) SetInt(i int, v int64) {
	c := b.next(i)
	c.vec.Ints = append(c.vec.Ints, v)
}

// SetText sets column i of the row.
func (b *Builder) SetText(i int, s string) { b.SetCode(i, b.Intern(i, s)) }

// Intern returns the code of a text in column i.
func (b *Builder) Intern(i int, s string) uint32 {
	c := &b.cols[i]
	if c.codes == nil {
		c.codes = map[string]uint32{}
	} else if s == c.last {
		return c.lastC
	}
	code, ok := c.codes[s]
	if !ok {
		code = uint32(len(c.vec.Dict))
		c.codes[s] = code
		c.vec.Dict = append(c.vec.Dict, s)
	}
	c.last, c.lastC = s, code
	return code
}

// SetCode sets column i of the row to a text by the code that Intern gave.
func (b *Builder) SetCode(i int, code uint32) {
	c := b.next(i)
	c.vec.Codes = append(c.vec.Codes, code)
}

// SetList sets column i of the row; the list is copied.
func (b *Builder) SetList(i int, list []int64) {
	c := b.next(i)
	c.vec.List = append(c.vec.List, list...)
	c.vec.Offsets = append(c.vec.Offsets, uint32(len(c.vec.List)))
}

// Append adds a row given as text, column name to what a file would carry; "" and columns left out are null.
// An error (a *Fault, but for a column that is not there) leaves the builder as it was.
func (b *Builder) Append(cells map[string]string) error {
	for name := range cells {
		if b.contract.Index(name) < 0 {
			return fmt.Errorf("table %s has no column %q", b.contract.Table, name)
		}
	}
	b.Row()
	for i := range b.contract.Columns {
		def := &b.contract.Columns[i]
		s := cells[def.Name]
		if s == "" {
			continue
		}
		if f := b.setText(i, def, s); f != nil {
			return b.refuse(f)
		}
	}
	one := b.row()
	var broken *Fault
	CheckRows(one, nil, func(_ int, f Fault) { broken = &f })
	if broken != nil {
		return b.refuse(broken)
	}
	return nil
}

func (b *Builder) refuse(f *Fault) error {
	b.drop()
	f.Table, f.Source, f.Position = b.contract.Table, b.source, b.first+int64(b.rows)
	return f
}

func (b *Builder) setText(i int, def *ColumnDef, s string) *Fault {
	switch {
	case def.Type.Texts():
		if f := CheckText(def, s); f != nil {
			return f
		}
		b.SetText(i, s)
	case def.Type.Lists():
		list, f := parseList(def, s, nil)
		if f != nil {
			return f
		}
		b.SetList(i, list)
	default:
		v, f := parseInt(def, s)
		if f != nil {
			return f
		}
		b.SetInt(i, v)
	}
	return nil
}

// row views the row begun last as a batch of its own.
func (b *Builder) row() *Batch {
	out := &Batch{Contract: b.contract, Rows: 1, Columns: make([]Vector, len(b.cols))}
	r := b.rows - 1
	for i := range b.cols {
		c, v := &b.cols[i], &out.Columns[i]
		if c.n <= r || c.vec.IsNull(r) {
			v.Absent = true
			continue
		}
		v.Dict = c.vec.Dict
		switch t := b.contract.Columns[i].Type; {
		case t.Texts():
			v.Codes = c.vec.Codes[r : r+1]
		case t.Lists():
			v.List, v.Offsets = c.vec.List, c.vec.Offsets[r:r+2]
		default:
			v.Ints = c.vec.Ints[r : r+1]
		}
	}
	return out
}

// Batch hands the rows over and begins anew.
func (b *Builder) Batch() *Batch {
	out := &Batch{
		Contract: b.contract, Rows: b.rows, Columns: make([]Vector, len(b.cols)), Source: b.source, First: b.first,
	}
	for i := range b.cols {
		c := &b.cols[i]
		if c.n == 0 {
			out.Columns[i].Absent = true
			continue
		}
		b.pad(i, b.rows)
		out.Columns[i] = c.vec
		dict := c.vec.Dict
		out.Columns[i].Dict = dict[:len(dict):len(dict)]
		c.vec, c.n = Vector{Dict: dict}, 0
		if n := out.Columns[i]; n.Offsets != nil {
			c.vec.Offsets = append(make([]uint32, 0, len(n.Offsets)), 0)
			c.vec.List = make([]int64, 0, len(n.List))
		}
		c.vec.Ints = make([]int64, 0, len(out.Columns[i].Ints))
		c.vec.Codes = make([]uint32, 0, len(out.Columns[i].Codes))
	}
	b.first += int64(b.rows)
	b.rows = 0
	return out
}
