package feed

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"echelon/inputs"
)

// parquetDecoder reads a Parquet file page by page and column by column: dictionaries are converted once per
// row group, values are copied run by run, rows are never made.
type parquetDecoder struct {
	sink    *sink
	open    fileOpen
	groups  []parquet.RowGroup
	leaves  []leaf // those that are read
	group   int    // the next one
	end     int    // the one after the last that is read
	left    int64  // rows left of the row group
	cursors []*cursor
	row     int64
}

// leaf is one column of the file: where its values go and how they are read.
type leaf struct {
	index   int // leaf column of the file
	to      int // contract column, -2 for op
	levels  levels
	reading reading
}

// levels are the definition and repetition levels of a leaf.
type levels struct {
	maxDef, maxRep int
	element        int // lists: definition level from which on an element is there; list null below element − 1
	nullable       bool
}

func newParquet(s *sink, r *os.File, o fileOpen) (*parquetDecoder, error) {
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true),
		parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, &inputs.Refusal{
			Kind: "truncated", Where: o.file.path, Hint: "it is no whole Parquet file: write or copy it again", Err: err,
		}
	}
	d := &parquetDecoder{sink: s, open: o, groups: file.RowGroups()}
	d.end = len(d.groups)
	columns := file.Root().Columns()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name()
	}
	at, err := s.header(names, o.file.path, o.mapping, o.unknown)
	if err != nil {
		return nil, err
	}
	for i, c := range columns {
		if at[i] == -1 {
			continue
		}
		def := &inputs.ColumnDef{Name: opColumn, Type: inputs.TypeText}
		var conv *conversion
		if at[i] >= 0 {
			def, conv = s.cols[at[i]].def, s.cols[at[i]].conv
		}
		l, err := newLeaf(c, def, conv)
		if err != nil {
			return nil, &inputs.Refusal{
				Kind: "wrong_column_type", Where: o.file.path + ": " + c.Name(), Err: err, Hint: "write it as " + wanted(def),
			}
		}
		l.to = at[i]
		d.leaves = append(d.leaves, l)
	}
	return d, nil
}

// newLeaf finds the leaf of a top-level column: a plain one, a repeated one, or a list.
func newLeaf(c *parquet.Column, def *inputs.ColumnDef, conv *conversion) (leaf, error) {
	top := c
	for !c.Leaf() {
		if len(c.Columns()) != 1 {
			return leaf{}, errors.New("it is a group of columns")
		}
		c = c.Columns()[0]
	}
	l := leaf{index: c.Index(), levels: levels{maxDef: c.MaxDefinitionLevel(), maxRep: c.MaxRepetitionLevel()}}
	l.levels.nullable = top.Optional()
	wantsList := def.Type.Lists() || def.Type == inputs.TypeWeekdays
	switch {
	case l.levels.maxRep > 1, l.levels.maxRep == 1 && !wantsList:
		return leaf{}, errors.New("it is a list")
	case l.levels.maxRep == 0 && top != c:
		return leaf{}, errors.New("it is a group of columns")
	case l.levels.maxRep == 1:
		// the repeated node's own level is where an element begins to be there
		level := 0
		for n := top; ; n = n.Columns()[0] {
			if !n.Required() {
				level++
			}
			if n.Repeated() {
				l.levels.element = level
				break
			}
		}
	}
	var err error
	l.reading, err = newReading(c, def, conv, l.levels.maxRep == 1)
	return l, err
}

// seek makes row groups [first, end) the ones that are read next.
func (d *parquetDecoder) seek(first, end int) {
	d.closeCursors()
	d.group, d.end, d.left, d.row = first, end, 0, 0
	for _, g := range d.groups[:first] {
		d.row += g.NumRows()
	}
}

// nextGroup opens the cursors of the next row group that has rows.
func (d *parquetDecoder) nextGroup() error {
	d.closeCursors()
	for d.group < d.end {
		g := d.groups[d.group]
		d.group++
		if g.NumRows() == 0 {
			continue
		}
		d.left = g.NumRows()
		chunks := g.ColumnChunks()
		d.cursors = d.cursors[:0]
		for i := range d.leaves {
			l := &d.leaves[i]
			d.cursors = append(d.cursors, &cursor{leaf: l, pages: chunks[l.index].Pages(), sink: d.sink})
		}
		return nil
	}
	return io.EOF
}

func (d *parquetDecoder) batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if d.left == 0 {
		if err := d.nextGroup(); err != nil {
			return nil, nil, err
		}
	}
	s := d.sink
	n := int(min(int64(s.cap), d.left))
	s.begin()
	var faults rowFaults
	for _, c := range d.cursors {
		if err := c.take(n, &faults); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, nil, err
		}
	}
	s.fill(n)
	d.left -= int64(n)
	b, more := s.batch(d.open.file.Name, d.row+1)
	d.row += int64(n)
	return b, s.sorted(append(faults, more...)), nil
}

func (d *parquetDecoder) closeCursors() {
	for _, c := range d.cursors {
		c.close()
	}
	d.cursors = d.cursors[:0]
}

func (d *parquetDecoder) Close() error {
	d.closeCursors()
	return d.open.close()
}

// rowFaults gathers faults column by column.
type rowFaults []inputs.RowFault

func (f *rowFaults) add(row int, fault *inputs.Fault) {
	*f = append(*f, inputs.RowFault{Row: row, Fault: *fault})
}
