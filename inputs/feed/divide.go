package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"echelon/inputs"
)

// byItem are the tables that are divided by item, those whose rows are many. The others, of which there are few, stand
// whole in every part.
var byItem = map[string]bool{
	"skus": true, "inventory": true, "lots": true, "forecasts": true, "safety_stocks": true, "carry": true, "open_orders": true,
}

// Divided is a folder whose tables by item lie on disk in parts, each an inputs.Source of its own: what of one item is
// known is in one part, in the order in which it was read. So a network larger than memory is taken up part by part.
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
}

// dividedTable is one table on disk.
type dividedTable struct {
	contract *inputs.Contract
	dicts    dictionaries
	sources  []string // files
	valid    bool     // its rows were validated before they were divided
	report   TableReport
	unused   []int64
	told     []bool // parts whose rows are counted
	counts   map[inputs.Reason]int64
}

// Divide reads every table once and writes the rows of those by item to parts in dir, which is made: of says which
// part [0, parts) an item belongs to. Rows without a readable item go to part 0.
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
	if err := os.RemoveAll(d.dir); err != nil {
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

// divide writes the rows of a table to its parts.
func (d *Divided) divide(ctx context.Context, c *inputs.Contract) (err error) {
	f := d.folder
	t := &dividedTable{
		contract: c, dicts: newDictionaries(c), told: make([]bool, d.parts), counts: map[inputs.Reason]int64{},
		report: TableReport{Table: c.Table, Files: f.files[c.Table], Complete: true}, unused: make([]int64, len(c.Columns)),
		valid: c.Keys()[0] != c.Index("item"),
	}
	d.tables[c.Table] = t
	files := make([]*os.File, d.parts)
	writers := make([]segmentWriter, d.parts)
	defer func() {
		for i, file := range files {
			if file != nil {
				err = errors.Join(err, writers[i].w.Flush(), file.Close())
			}
		}
	}()
	for i := range files {
		if files[i], err = os.Create(d.file(c.Table, i)); err != nil {
			return fmt.Errorf("divide inputs: %w", err)
		}
		writers[i].w = bufio.NewWriterSize(files[i], 1<<16)
	}
	route := router{item: c.Index("item"), of: d.of, rows: make([][]int32, d.parts)}
	put := func(b *inputs.Batch, faults []inputs.RowFault) error {
		if len(t.sources) == 0 || t.sources[len(t.sources)-1] != b.Source {
			t.sources = append(t.sources, b.Source)
		}
		bad := make(map[int32]inputs.Fault, len(faults))
		for i := range faults {
			if _, ok := bad[int32(faults[i].Row)]; !ok {
				bad[int32(faults[i].Row)] = faults[i].Fault
			}
		}
		route.share(b)
		for i, rows := range route.rows {
			if len(rows) > 0 {
				if err := writers[i].write(b, rows, len(t.sources)-1, bad); err != nil {
					return err
				}
			}
		}
		return nil
	}
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
				err = put(b, nil)
			}
			if err != nil {
				return errors.Join(err, r.Close())
			}
		}
	}
	for _, file := range f.files[c.Table] {
		dec, _, err := f.decode(file, c, f.mapping.table(c.Table), t.dicts)
		if err != nil {
			return err
		}
		for err == nil {
			var b *inputs.Batch
			var faults []inputs.RowFault
			if b, faults, err = guarded(ctx, dec); err == nil {
				err = put(b, faults)
			}
			if err == nil {
				err = ctx.Err()
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
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

// router shares the rows of batches of one table among parts.
type router struct {
	item int // column
	of   func(string) int
	part []int32 // by code, 1 + part; 0: not asked yet
	rows [][]int32
}

func (r *router) share(b *inputs.Batch) {
	for i := range r.rows {
		r.rows[i] = r.rows[i][:0]
	}
	v := &b.Columns[r.item]
	for row := range int32(b.Rows) {
		part := int32(0)
		if !v.IsNull(int(row)) {
			code := v.Codes[row]
			for len(r.part) <= int(code) {
				r.part = append(r.part, 0)
			}
			if r.part[code] == 0 {
				r.part[code] = int32(r.of(v.Dict[code])) + 1
			}
			part = r.part[code] - 1
		}
		r.rows[part] = append(r.rows[part], row)
	}
}

// Part gives one part as a source.
func (d *Divided) Part(i int) inputs.Source { return &part{d: d, no: i} }

type part struct {
	d  *Divided
	no int
}

// Has implements inputs.Source.
func (p *part) Has(table string) bool { return p.d.tables[table] != nil || p.d.small.Has(table) }

// Open implements inputs.Source.
func (p *part) Open(ctx context.Context, table string) (inputs.Reader, error) {
	t := p.d.tables[table]
	if t == nil {
		return p.d.small.Open(ctx, table)
	}
	r := &partReader{part: p, table: t}
	if t.valid {
		return r, r.begin()
	}
	r.sieve = inputs.NewSieve(t.contract)
	r.sieve.Quarantine = r.quarantine
	increments := false
	err := r.begin()
	for err == nil {
		var b *inputs.Batch
		var faults []inputs.RowFault
		if b, faults, err = r.segments.next(); err == nil && b.Ops != nil {
			increments = true
			r.sieve.Learn(b, faults)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, r.Close())
	}
	if increments {
		r.sieve.Learnt()
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	return r, r.begin()
}

// partReader reads a table of a part.
type partReader struct {
	*part
	table    *dividedTable
	file     *os.File
	segments segmentReader
	sieve    *inputs.Sieve // nil: the rows are valid
	over     bool
}

func (r *partReader) begin() (err error) {
	if r.file, err = os.Open(r.d.file(r.table.contract.Table, r.no)); err != nil {
		return fmt.Errorf("divided inputs: %w", err)
	}
	r.segments = segmentReader{
		r: bufio.NewReaderSize(r.file, 1<<18), contract: r.table.contract, dicts: r.table.dicts, sources: r.table.sources,
	}
	return nil
}

// Next implements inputs.Reader.
func (r *partReader) Next(ctx context.Context) (*inputs.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, faults, err := r.segments.next()
		if errors.Is(err, io.EOF) {
			r.finish()
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
		if r.sieve != nil {
			b = r.sieve.Pass(b, faults, b.Ops != nil)
		}
		if b.Rows > 0 {
			return b, nil
		}
	}
}

// Close implements inputs.Reader.
func (r *partReader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// quarantine passes a fault on, once for each row however often the part is read.
func (r *partReader) quarantine(f inputs.Fault) {
	t := r.table
	if t.told[r.no] {
		return
	}
	if len(t.report.Faults) < r.d.folder.opt.MaxFaults {
		t.report.Faults = append(t.report.Faults, f)
	}
	if r.d.folder.opt.Quarantine != nil {
		r.d.folder.opt.Quarantine(f)
	}
}

// finish adds the part's counts to the folder's report.
func (r *partReader) finish() {
	t := r.table
	if r.over || t.told[r.no] || r.sieve == nil {
		return
	}
	r.over, t.told[r.no] = true, true
	t.report.Counts.Add(r.sieve.Counts)
	for reason, n := range r.sieve.ByReason {
		t.counts[reason] += n
	}
	for i, n := range r.sieve.Unused {
		t.unused[i] += n
	}
	t.report.Reasons = reasonCounts(t.counts)
	report := t.report
	r.d.folder.setReport(&report)
	if !slices.Contains(t.told, false) {
		r.d.folder.noteUnused(t.contract, report.Counts.Applied, t.unused)
	}
}
