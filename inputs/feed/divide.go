package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"echelon/inputs"
)

// byItem are the tables that are divided by item, those whose rows are many. The others, of which there are few, stand
// whole in every part.
var byItem = map[string]bool{
	"skus": true, "inventory": true, "lots": true, "forecasts": true, "safety_stocks": true, "carry": true, "open_orders": true,
}

// Divided is a folder whose tables by item are in parts, each an inputs.Source of its own: what of one item is known is in
// one part, in the order in which it was read. So a network larger than memory is taken up part by part.
//
//	row group of a Parquet file ─▶ its item column ─▶ all of one part: read from the file when the part is
//	                                            └───▶ of several: decoded, rows spilled to the parts' files
//	any other file ──────────────▶ decoded, rows spilled
//
// Of a Parquet file in the order of items only the row groups on a border are spilled.
//
// Tables whose key begins with the item are validated part by part: equal keys are in one part. Open orders are
// validated before they are divided.
type Divided struct {
	folder *Folder
	dir    string
	parts  int
	of     func(item string) int
	tables map[string]*dividedTable
	small  inputs.Dataset
	held   []*os.File // input files that parts read from
}

// dividedTable is one table in parts.
type dividedTable struct {
	contract *inputs.Contract
	dicts    dictionaries
	sources  []string  // files
	pieces   [][]piece // per part, in the order of its rows
	valid    bool      // its rows were validated before they were divided
	learns   bool      // some of its files are increments
	report   TableReport
	unused   []int64
	told     []bool // parts whose rows are counted
	counts   map[inputs.Reason]int64
}

// Divide reads every table once and divides the rows of those by item, with spill files in dir, which is made: of says
// which part [0, parts) an item belongs to. Rows without a readable item go with the row before them.
func (f *Folder) Divide(ctx context.Context, dir string, parts int, of func(item string) int) (*Divided, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("divide inputs: %w", err)
	}
	d := &Divided{folder: f, dir: dir, parts: parts, of: of, tables: map[string]*dividedTable{}, small: inputs.Dataset{}}
	for _, c := range inputs.Contracts() {
		var err error
		switch {
		case !f.Has(c.Table) || !c.Used:
		case byItem[c.Table]:
			err = d.divide(ctx, c)
		default:
			err = d.keep(ctx, c.Table)
		}
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Close takes the parts away.
func (d *Divided) Close() error {
	err := os.RemoveAll(d.dir)
	for _, f := range d.held {
		err = errors.Join(err, f.Close())
	}
	d.held = nil
	if err != nil {
		return fmt.Errorf("divided inputs: %w", err)
	}
	return nil
}

// keep reads a small table into memory.
func (d *Divided) keep(ctx context.Context, table string) error {
	r, err := d.folder.Open(ctx, table)
	if err != nil {
		return err
	}
	d.small[table] = []*inputs.Batch{}
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return r.Close()
		}
		if err != nil {
			return errors.Join(err, r.Close())
		}
		d.small[table] = append(d.small[table], b)
	}
}

func (d *Divided) file(table string, part int) string {
	return filepath.Join(d.dir, fmt.Sprintf("%s.%03d", table, part))
}

// divide gives the rows of a table to its parts.
func (d *Divided) divide(ctx context.Context, c *inputs.Contract) (err error) {
	f := d.folder
	t := &dividedTable{
		contract: c, dicts: newDictionaries(c), told: make([]bool, d.parts), counts: map[inputs.Reason]int64{},
		report: TableReport{Table: c.Table, Files: f.files[c.Table], Complete: true}, unused: make([]int64, len(c.Columns)),
		valid: c.Keys()[0] != c.Index("item"), pieces: make([][]piece, d.parts),
	}
	d.tables[c.Table] = t
	s := &spiller{divided: d, table: t, route: newRouter(d, c), writers: make([]*segmentWriter, d.parts)}
	defer func() { err = errors.Join(err, s.close()) }()
	if t.valid {
		r := f.reader(c, t.dicts)
		if err := r.learn(ctx); err != nil {
			return err
		}
		for {
			b, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				return r.Close()
			}
			if err == nil {
				err = s.put(b, nil)
			}
			if err != nil {
				return errors.Join(err, r.Close())
			}
		}
	}
	for i, file := range f.files[c.Table] {
		dec, increment, err := f.decode(file, c, f.mapping.table(c.Table), t.dicts)
		if err != nil {
			return err
		}
		t.learns = t.learns || increment
		if p, ok := dec.(*parquetDecoder); ok && !increment {
			err = d.divideGroups(ctx, s, p, i)
		} else {
			err = drain(ctx, dec, s.put)
		}
		if closed := dec.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return f.fileError(file, err)
		}
	}
	return nil
}

// divideGroups divides a Parquet file row group by row group.
func (d *Divided) divideGroups(ctx context.Context, s *spiller, p *parquetDecoder, file int) error {
	item := s.route.item
	var held *os.File
	for group := range p.groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		part, one, err := p.partOf(group, item, s.route)
		if err != nil {
			return err
		}
		if one {
			if held == nil {
				if held, err = os.Open(p.open.file.path); err != nil {
					return err
				}
				d.held = append(d.held, held)
			}
			s.table.pieces[part] = append(s.table.pieces[part], piece{file: file, group: group, from: held})
			continue
		}
		p.seek(group, group+1)
		if err := drain(ctx, p, s.put); err != nil {
			return err
		}
	}
	return nil
}

// partOf tells the part that all rows of a row group belong to; one is false where they belong to several, or where the
// file does not say the item of a row in a column of its own.
func (d *parquetDecoder) partOf(group, item int, route *router) (part int32, one bool, err error) {
	defer guard(&err)
	part = -1
	for i := range d.leaves {
		if d.leaves[i].to != item {
			continue
		}
		g := d.groups[group]
		c := &cursor{leaf: &d.leaves[i], pages: g.ColumnChunks()[d.leaves[i].index].Pages(), sink: d.sink}
		defer c.close()
		col := &d.sink.cols[item]
		for left := g.NumRows(); left > 0; {
			n := int(min(left, int64(d.sink.cap)))
			left -= int64(n)
			var faults rowFaults
			col.begin(n)
			if err := c.take(n, &faults); err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return 0, false, err
			}
			v := col.vector(n)
			for r := range n {
				if v.IsNull(r) {
					continue
				}
				p := route.partOf(&v, r)
				if p != part && part >= 0 {
					return 0, false, nil
				}
				part = p
			}
		}
		return route.last, true, nil
	}
	return 0, false, nil
}

// router tells the parts of rows of one table.
type router struct {
	item int // column
	of   func(string) int
	part []int32 // by code, 1 + part; 0: not asked yet
	last int32
	rows [][]int32 // of a batch, by part
}

func newRouter(d *Divided, c *inputs.Contract) *router {
	return &router{item: c.Index("item"), of: d.of, rows: make([][]int32, d.parts)}
}

// partOf gives the part of row r of an item column: a row without an item goes with the one before it.
func (r *router) partOf(v *inputs.Vector, row int) int32 {
	if v.IsNull(row) {
		return r.last
	}
	code := int(v.Codes[row])
	if code >= len(r.part) {
		r.part = append(r.part, make([]int32, max(len(v.Dict), code+1)-len(r.part))...)
	}
	if r.part[code] == 0 {
		r.part[code] = int32(r.of(v.Dict[code])) + 1
	}
	r.last = r.part[code] - 1
	return r.last
}

// share shares the rows of a batch among parts.
func (r *router) share(b *inputs.Batch) {
	for i := range r.rows {
		r.rows[i] = r.rows[i][:0]
	}
	v := &b.Columns[r.item]
	for row := range b.Rows {
		part := r.partOf(v, row)
		r.rows[part] = append(r.rows[part], int32(row))
	}
}
