package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"echelon/inputs"
)

// cursor walks over the pages of one column of one row group.
type cursor struct {
	leaf  *leaf
	pages parquet.Pages
	sink  *sink
	page  parquet.Page

	values  values // of the page, nulls left out
	def     []byte // of the page; nil: every value is there
	rep     []byte
	entries int  // levels of the page (values where there are none)
	at      int  // levels read
	val     int  // values read
	dense   bool // lists: every entry of the page is an element, none is null or missing
}

// next loads the next page that has entries.
func (c *cursor) next() error {
	for {
		c.release()
		p, err := c.pages.ReadPage()
		if err != nil {
			return err
		}
		c.page = p
		c.entries, c.at, c.val = int(p.NumValues()), 0, 0
		if c.entries == 0 {
			continue
		}
		c.def, c.rep = p.DefinitionLevels(), p.RepetitionLevels()
		if c.leaf.levels.maxDef == 0 {
			c.def = nil
		}
		if (c.def != nil && len(c.def) < c.entries) || (c.leaf.levels.maxRep > 0 && len(c.rep) < c.entries) {
			return fmt.Errorf("%w: a page has too few levels", errUnreadable)
		}
		if c.leaf.levels.maxRep > 0 {
			c.def, c.rep = c.def[:c.entries], c.rep[:c.entries]
			c.dense = bytes.Count(c.def, []byte{byte(c.leaf.levels.maxDef)}) == c.entries
		}
		return c.leaf.reading.load(p, c.column(), &c.values)
	}
}

func (c *cursor) column() *column {
	if c.leaf.to < 0 {
		return nil
	}
	return &c.sink.cols[c.leaf.to]
}

func (c *cursor) release() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
}

func (c *cursor) close() {
	c.release()
	_ = c.pages.Close() // nothing was written
}

// take adds n rows to the column.
func (c *cursor) take(n int, faults *rowFaults) error {
	if c.leaf.levels.maxRep > 0 {
		return c.takeLists(n, faults)
	}
	for row := 0; row < n; {
		if c.page == nil || c.at == c.entries {
			if err := c.next(); err != nil {
				return err
			}
		}
		run := min(n-row, c.entries-c.at)
		var err error
		if c.def == nil {
			err = c.run(row, run, faults)
		} else {
			err = c.takeOptional(row, run, faults)
		}
		if err != nil {
			return err
		}
		c.at += run
		row += run
	}
	return nil
}

// takeOptional adds rows some of which are null, run by run.
func (c *cursor) takeOptional(row, n int, faults *rowFaults) error {
	def := c.def[c.at : c.at+n]
	full := byte(c.leaf.levels.maxDef)
	for i := 0; i < n; {
		j := i
		for j < n && def[j] == full {
			j++
		}
		if j > i {
			if err := c.run(row+i, j-i, faults); err != nil {
				return err
			}
			i = j
		}
		for ; i < n && def[i] != full; i++ {
			if col := c.column(); col != nil {
				col.addNull()
			} else {
				c.sink.ops = append(c.sink.ops, inputs.Upsert)
			}
		}
	}
	return nil
}

// run adds n values that are there, the first one for that row.
func (c *cursor) run(row, n int, faults *rowFaults) error {
	v := &c.values
	if c.val+n > v.len() {
		return fmt.Errorf("%w: a page has too few values", errUnreadable)
	}
	lo, hi := c.val, c.val+n
	c.val = hi
	col := c.column()
	if col == nil {
		for i, word := range v.words[lo:hi] {
			c.sink.ops = append(c.sink.ops, c.opOf(word, row+i, faults))
		}
		return nil
	}
	start := col.n
	switch {
	case v.codes != nil:
		col.vec.Codes = append(col.vec.Codes, v.codes[lo:hi]...)
	default:
		col.vec.Ints = append(col.vec.Ints, v.ints[lo:hi]...)
	}
	col.n += n
	for _, bad := range v.badIn(lo, hi) {
		at := start + bad.at - lo
		if bad.fault != nil {
			faults.add(row+bad.at-lo, bad.fault)
		}
		col.nulls = true
		for len(col.vec.Null)*64 <= at {
			col.vec.Null = append(col.vec.Null, 0)
		}
		col.vec.Null[at>>6] |= 1 << (uint(at) & 63)
	}
	return nil
}

func (c *cursor) opOf(word string, row int, faults *rowFaults) inputs.Op {
	probe := sink{opConv: c.sink.opConv}
	probe.op(word)
	for i := range probe.faults {
		faults.add(row, &probe.faults[i].Fault)
	}
	return probe.ops[0]
}

// takeLists adds n rows that are lists. A row may go on over the end of a page.
func (c *cursor) takeLists(n int, faults *rowFaults) error {
	col := c.column()
	row := -1
	element, full := byte(c.leaf.levels.element), byte(c.leaf.levels.maxDef)
	list := listRow{col: col, values: &c.values, faults: faults}
	for {
		if c.page == nil || c.at == c.entries {
			err := c.next()
			if errors.Is(err, io.EOF) && row == n-1 {
				break
			}
			if err != nil {
				return err
			}
		}
		for c.at < c.entries {
			if c.rep[c.at] == 0 {
				if row == n-1 {
					list.end(row)
					return nil
				}
				if row >= 0 {
					list.end(row)
				}
				if whole := c.wholeLists(n - 2 - row); whole > 0 {
					row += whole
				}
				row++
				list.begin()
				list.null = c.def[c.at] < element // a list without elements is null: it says nothing
			} else if row < 0 {
				return fmt.Errorf("%w: a list begins in its middle", errUnreadable)
			}
			switch d := c.def[c.at]; {
			case d == full:
				if c.val >= c.values.len() {
					return fmt.Errorf("%w: a page has too few values", errUnreadable)
				}
				list.add(c.val)
				c.val++
			case d >= element:
				list.fail(col.fault(inputs.BadList, "", "a list has no null elements"))
			}
			c.at++
		}
	}
	list.end(row)
	return nil
}

// wholeLists adds up to n lists of a dense page that end inside it, and returns how many.
func (c *cursor) wholeLists(n int) int {
	col, v := c.column(), &c.values
	if !c.dense || len(v.bad) > 0 || col.def.Type == inputs.TypeWeekdays {
		return 0
	}
	rows := 0
	for rows < n {
		size := bytes.IndexByte(c.rep[c.at+1:], 0) + 1
		if size == 0 || size > inputs.MaxList || c.val+size > len(v.ints) {
			break
		}
		col.vec.List = append(col.vec.List, v.ints[c.val:c.val+size]...)
		col.endList()
		c.at, c.val = c.at+size, c.val+size
		rows++
	}
	return rows
}

// listRow gathers one list.
type listRow struct {
	col    *column
	values *values
	faults *rowFaults
	null   bool
	n      int
	start  int
	mask   int64
	fault  *inputs.Fault
}

func (l *listRow) begin() {
	l.null, l.n, l.start, l.mask, l.fault = false, 0, len(l.col.vec.List), 0, nil
}

func (l *listRow) fail(f *inputs.Fault) {
	if l.fault == nil {
		l.fault = f
	}
}

func (l *listRow) add(val int) {
	v := l.values.ints[val]
	if len(l.values.bad) > 0 {
		if bad := l.values.badIn(val, val+1); len(bad) > 0 {
			l.fail(bad[0].fault)
		}
	}
	l.n++
	switch {
	case l.n > inputs.MaxList:
		l.fail(l.col.tooLong())
	case l.col.def.Type == inputs.TypeWeekdays:
		if v < 1 || v > 7 || l.mask&(1<<(v-1)) != 0 {
			l.fail(l.col.fault(inputs.BadList, fmt.Sprint(v), "weekdays are 1 (Monday) to 7, each once"))
			return
		}
		l.mask |= 1 << (v - 1)
	default:
		l.col.vec.List = append(l.col.vec.List, v)
	}
}

func (l *listRow) end(row int) {
	if row < 0 {
		return
	}
	if l.fault != nil {
		l.faults.add(row, l.fault)
	}
	if l.fault != nil || l.null {
		l.col.vec.List = l.col.vec.List[:l.start]
		l.col.addNull()
		return
	}
	if l.col.def.Type == inputs.TypeWeekdays {
		l.col.addInt(l.mask)
		return
	}
	l.col.endList()
}
