package feed

import (
	"fmt"
	"sort"
	"strings"

	"echelon/inputs"
)

const opColumn = "op"

// sink gathers the rows of one file into batches.
type sink struct {
	contract *inputs.Contract
	cols     []column // parallel to the contract's columns
	ops      []inputs.Op
	hasOp    bool
	opConv   *conversion
	rows     int
	cap      int
	faults   []inputs.RowFault
}

// dictionaries are those of a table, kept over files and passes.
type dictionaries []*dictionary

func newDictionaries(c *inputs.Contract) dictionaries {
	d := make(dictionaries, len(c.Columns))
	for i := range d {
		d[i] = newDictionary()
	}
	return d
}

// newSink makes the columns of a table as the mapping says.
func newSink(c *inputs.Contract, tm *TableMapping, dicts dictionaries, capacity int) (*sink, error) {
	s := &sink{contract: c, cols: make([]column, len(c.Columns)), cap: capacity}
	for i := range c.Columns {
		col := &s.cols[i]
		col.def, col.dict, col.source = &c.Columns[i], dicts[i], c.Columns[i].Name
		col.spare = make(chan inputs.Vector, spareVectors)
		if tm == nil {
			continue
		}
		cm, ok := tm.Columns[c.Columns[i].Name]
		if !ok {
			continue
		}
		cv, err := newConversion(col.def, cm)
		if err != nil {
			return nil, &inputs.Refusal{Kind: "bad_mapping", Where: c.Table + "." + col.def.Name, Err: err}
		}
		col.conv = cv
		if cm.From != "" {
			col.source = cm.From
		}
		if cm.Constant != nil {
			col.source = ""
		}
	}
	if tm != nil {
		if cm, ok := tm.Columns[opColumn]; ok {
			s.opConv = &conversion{ColumnMapping: cm}
		}
	}
	return s, nil
}

func (s *sink) opSource() string {
	if s.opConv != nil && s.opConv.From != "" {
		return s.opConv.From
	}
	return opColumn
}

// constant reports whether a column has the same text in every row.
func (c *column) constant() bool { return c.conv != nil && c.conv.Constant != nil }

// begin starts a batch.
func (s *sink) begin() {
	s.rows, s.faults, s.ops = 0, nil, nil
	for i := range s.cols {
		if s.cols[i].source != "" || s.cols[i].constant() {
			s.cols[i].begin(s.cap)
		}
	}
}

// endRow completes a row: columns that got no value are null.
func (s *sink) endRow() {
	for i := range s.cols {
		c := &s.cols[i]
		switch {
		case c.source == "" && !c.constant(), c.n > s.rows:
		case c.constant():
			s.note(c.addText(*c.conv.Constant))
		default:
			c.addNull()
		}
	}
	if s.hasOp && len(s.ops) == s.rows {
		s.ops = append(s.ops, inputs.Upsert)
	}
	s.rows++
}

// fill completes n rows whose columns were read one by one.
func (s *sink) fill(n int) {
	s.rows = n
	for i := range s.cols {
		c := &s.cols[i]
		if !c.constant() {
			continue
		}
		for c.n < n {
			if f := c.addText(*c.conv.Constant); f != nil { // checked when the mapping was read
				panic(f)
			}
		}
	}
}

// sorted orders faults by row; of one row the first column's comes first, in the order of the contract.
func (s *sink) sorted(faults []inputs.RowFault) []inputs.RowFault {
	sort.SliceStable(faults, func(i, j int) bool {
		a, b := &faults[i], &faults[j]
		if a.Row != b.Row {
			return a.Row < b.Row
		}
		return s.contract.Index(a.Fault.Column) < s.contract.Index(b.Fault.Column)
	})
	return faults
}

// note keeps the fault of the row that is being read whose column stands first in the contract.
func (s *sink) note(f *inputs.Fault) {
	if f == nil {
		return
	}
	row := s.rows
	if n := len(s.faults); n > 0 && s.faults[n-1].Row == row {
		if s.contract != nil && s.contract.Index(f.Column) < s.contract.Index(s.faults[n-1].Fault.Column) {
			s.faults[n-1].Fault = *f
		}
		return
	}
	s.faults = append(s.faults, inputs.RowFault{Row: row, Fault: *f})
}

// broken adds a record that could not be read at all.
func (s *sink) broken(reason inputs.Reason, value, hint string) {
	for i := range s.cols { // what was read of it does not count
		c := &s.cols[i]
		if c.n > s.rows {
			c.back(s.rows)
		}
	}
	if len(s.ops) > s.rows {
		s.ops = s.ops[:s.rows]
	}
	if n := len(s.faults); n > 0 && s.faults[n-1].Row == s.rows {
		s.faults = s.faults[:n-1]
	}
	s.note(&inputs.Fault{Reason: reason, Value: inputs.Cut(value), Hint: hint})
	s.endRow()
}

// back takes the value of row n back.
func (c *column) back(n int) {
	c.n = n
	switch {
	case c.def.Type.Texts():
		c.vec.Codes = c.vec.Codes[:n]
	case c.def.Type.Lists():
		c.vec.Offsets = c.vec.Offsets[:n+1]
		c.vec.List = c.vec.List[:c.vec.Offsets[n]]
	default:
		c.vec.Ints = c.vec.Ints[:n]
	}
	if n>>6 < len(c.vec.Null) {
		c.vec.Null[n>>6] &^= 1 << (uint(n) & 63)
	}
}

// op adds the operation of the row.
func (s *sink) op(word string) {
	if s.opConv != nil {
		if to, ok := s.opConv.Values[word]; ok {
			word = to
		}
	}
	o := inputs.Upsert
	switch word {
	case "", "upsert", "insert", "update", "c", "r", "u":
	case "delete", "d":
		o = inputs.Delete
	default:
		s.note(&inputs.Fault{Reason: inputs.BadOp, Column: opColumn, Value: inputs.Cut(word), Hint: "write upsert or delete"})
	}
	s.ops = append(s.ops, o)
}

// batch hands the rows over.
func (s *sink) batch(source string, first int64) (*inputs.Batch, []inputs.RowFault) {
	b := &inputs.Batch{
		Contract: s.contract, Rows: s.rows, Columns: make([]inputs.Vector, len(s.cols)), Source: source, First: first,
	}
	for i := range s.cols {
		if s.cols[i].source == "" && !s.cols[i].constant() {
			b.Columns[i].Absent = true
			continue
		}
		b.Columns[i] = s.cols[i].vector(s.rows)
	}
	if s.hasOp {
		b.Ops = s.ops
	}
	b.OnRelease(func() {
		for i := range b.Columns {
			if !b.Columns[i].Absent {
				s.cols[i].giveBack(&b.Columns[i])
			}
		}
	})
	return b, s.faults
}

// header ties the columns to the names that a file has: at[i] is the contract column of the file's column i,
// -1 for none, -2 for op. Names that mean nothing are given to unknown.
func (s *sink) header(names []string, where string, tm *TableMapping, unknown func(string)) ([]int, error) {
	at := make([]int, len(names))
	have := map[string]bool{}
	for i, name := range names {
		if have[name] {
			return nil, &inputs.Refusal{Kind: "double_column", Where: where, Hint: fmt.Sprintf("column %q is there twice: leave one", inputs.Cut(name))}
		}
		have[name] = true
		at[i] = -1
		for c := range s.cols {
			if s.cols[c].source == name && name != "" {
				at[i] = c
			}
		}
		if name == s.opSource() && at[i] < 0 {
			at[i] = -2
			s.hasOp = true
		}
		if at[i] == -1 && !tm.ignores(name) {
			unknown(name)
		}
	}
	var missing []string
	for c := range s.cols {
		col := &s.cols[c]
		if col.source == "" || have[col.source] {
			continue
		}
		if !col.def.Nullable && (!s.hasOp || col.def.Key) {
			missing = append(missing, col.source)
		}
		col.source = ""
	}
	if len(missing) > 0 {
		return nil, &inputs.Refusal{
			Kind: "missing_column", Where: where,
			Hint: "it has no column " + strings.Join(missing, ", ") + ": add it, or name where it comes from in a mapping file",
		}
	}
	return at, nil
}

func (t *TableMapping) ignores(name string) bool {
	if t == nil {
		return false
	}
	for _, n := range t.Ignore {
		if n == name {
			return true
		}
	}
	return false
}
