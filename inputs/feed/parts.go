package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"echelon/inputs"
)

// piece is successive rows of a part: a row group of a file, or segments of the part's spill file.
type piece struct {
	segments int      // 0: a row group
	file     int      // of the table
	group    int      // row group of it
	from     *os.File // the file, held open
}

// spiller writes rows to the spill files of the parts of a table. A part's file is made with its first row.
type spiller struct {
	divided *Divided
	table   *dividedTable
	route   *router
	writers []*segmentWriter
}

// put divides a batch with its faults.
func (s *spiller) put(b *inputs.Batch, faults []inputs.RowFault) error {
	t := s.table
	if len(t.sources) == 0 || t.sources[len(t.sources)-1] != b.Source {
		t.sources = append(t.sources, b.Source)
	}
	bad := make(map[int32]inputs.Fault, len(faults))
	for i := range faults {
		if _, ok := bad[int32(faults[i].Row)]; !ok {
			bad[int32(faults[i].Row)] = faults[i].Fault
		}
	}
	s.route.share(b)
	for i, rows := range s.route.rows {
		if len(rows) == 0 {
			continue
		}
		if s.writers[i] == nil {
			f, err := os.Create(s.divided.file(t.contract.Table, i))
			if err != nil {
				return fmt.Errorf("divide inputs: %w", err)
			}
			s.writers[i] = &segmentWriter{file: f, w: bufio.NewWriterSize(f, 1<<16)}
		}
		if err := s.writers[i].write(b, rows, len(t.sources)-1, bad); err != nil {
			return err
		}
		if n := len(t.pieces[i]); n > 0 && t.pieces[i][n-1].segments > 0 {
			t.pieces[i][n-1].segments++
		} else {
			t.pieces[i] = append(t.pieces[i], piece{segments: 1})
		}
	}
	return nil
}

func (s *spiller) close() (err error) {
	for _, w := range s.writers {
		if w != nil {
			err = errors.Join(err, w.w.Flush(), w.file.Close())
		}
	}
	return err
}

// pieces decodes the pieces of a part one after another.
type pieces struct {
	part  *part
	table *dividedTable
	left  []piece
	spill *os.File
	read  segmentReader
	dec   *parquetDecoder // of the file of which a row group was read last
	of    int
	begun bool // some of the first piece's row group may have been read
}

func (p *part) pieces(t *dividedTable, left []piece) *pieces {
	return &pieces{part: p, table: t, left: slices.Clone(left), of: -1}
}

// batch implements decoder.
func (p *pieces) batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error) {
	for len(p.left) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		x := &p.left[0]
		if x.segments > 0 {
			if x.segments--; x.segments == 0 {
				p.left = p.left[1:]
			}
			return p.segment()
		}
		file := p.part.d.folder.files[p.table.contract.Table][x.file]
		b, faults, err := p.rows(ctx, x, file)
		if err == nil {
			return b, faults, nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, nil, p.part.d.folder.fileError(file, err)
		}
		p.left, p.begun = p.left[1:], false
	}
	return nil, nil, io.EOF
}

// segment reads the next segment of the spill file.
func (p *pieces) segment() (*inputs.Batch, []inputs.RowFault, error) {
	if p.spill == nil {
		f, err := os.Open(p.part.d.file(p.table.contract.Table, p.part.no))
		if err != nil {
			return nil, nil, fmt.Errorf("divided inputs: %w", err)
		}
		p.spill = f
		p.read = segmentReader{
			r: bufio.NewReaderSize(f, 1<<18), contract: p.table.contract, dicts: p.table.dicts, sources: p.table.sources,
		}
	}
	b, faults, err := p.read.next()
	if errors.Is(err, io.EOF) {
		err = errSegment
	}
	return b, faults, err
}

// rows reads on in a row group; io.EOF at its end.
func (p *pieces) rows(ctx context.Context, x *piece, file File) (*inputs.Batch, []inputs.RowFault, error) {
	if p.dec == nil || p.of != x.file {
		if err := p.closeFile(); err != nil {
			return nil, nil, err
		}
		f, c := p.part.d.folder, p.table.contract
		dec, _, err := f.decodeFrom(x.from, func() error { return nil }, file, c, f.mapping.table(c.Table), p.table.dicts)
		if err != nil {
			return nil, nil, err
		}
		p.dec, p.of = dec.(*parquetDecoder), x.file //nolint:forcetypeassert // only Parquet files are read in row groups
	}
	if !p.begun {
		p.dec.seek(x.group, x.group+1)
		p.begun = true
	}
	return guarded(ctx, p.dec)
}

func (p *pieces) closeFile() error {
	if p.dec == nil {
		return nil
	}
	dec := p.dec
	p.dec = nil
	return dec.Close()
}

// Close implements decoder.
func (p *pieces) Close() error {
	err := p.closeFile()
	if p.spill != nil {
		err = errors.Join(err, p.spill.Close())
		p.spill = nil
	}
	return err
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
	if !t.valid {
		r.sieve = inputs.NewSieve(t.contract)
		r.sieve.Quarantine = r.quarantine
	}
	if t.learns {
		if err := r.learn(ctx); err != nil {
			return nil, err
		}
	}
	r.dec = readAhead(ctx, p.pieces(t, t.pieces[p.no]))
	return r, nil
}

// partReader reads a table of a part.
type partReader struct {
	*part
	table *dividedTable
	dec   decoder
	sieve *inputs.Sieve // nil: the rows are valid
	over  bool
}

// learn reads the rows of increments, which are in the spill file.
func (r *partReader) learn(ctx context.Context) error {
	left := slices.DeleteFunc(slices.Clone(r.table.pieces[r.no]), func(x piece) bool { return x.segments == 0 })
	dec := r.pieces(r.table, left)
	err := drain(ctx, dec, func(b *inputs.Batch, faults []inputs.RowFault) error {
		if b.Ops != nil {
			r.sieve.Learn(b, faults)
		}
		return nil
	})
	if err = errors.Join(err, dec.Close()); err != nil {
		return err
	}
	r.sieve.Learnt()
	return nil
}

// Next implements inputs.Reader.
func (r *partReader) Next(ctx context.Context) (*inputs.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, faults, err := r.dec.batch(ctx)
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
func (r *partReader) Close() error { return r.dec.Close() }

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
