package feed

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"echelon/inputs"
)

// decoder yields the rows of one file, those with faults included. io.EOF after the last.
type decoder interface {
	batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error)
	Close() error
}

// fileOpen is what a decoder is made from.
type fileOpen struct {
	file    File
	mapping *TableMapping
	unknown func(column string)
	close   func() error
}

// Open implements inputs.Source: the rows of a table that keep its contract, in batches of Options.BatchRows
// rows. The report of the table is that of the last reader that came to the end.
func (f *Folder) Open(ctx context.Context, table string) (inputs.Reader, error) {
	c := inputs.ContractOf(table)
	if c == nil {
		return nil, fmt.Errorf("no input table %q", table)
	}
	r := f.reader(c, newDictionaries(c))
	if err := r.learn(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// reader makes a reader of a table that has learnt nothing yet.
func (f *Folder) reader(c *inputs.Contract, dicts dictionaries) *reader {
	r := &reader{
		folder: f, contract: c, files: f.files[c.Table], mapping: f.mapping.table(c.Table), dicts: dicts, sieve: inputs.NewSieve(c),
	}
	r.emitted = f.emitted(c.Table)
	r.sieve.Quarantine = r.quarantine
	return r
}

type reader struct {
	folder   *Folder
	contract *inputs.Contract
	files    []File
	mapping  *TableMapping
	dicts    dictionaries
	sieve    *inputs.Sieve

	at        int // file being read
	dec       decoder
	increment bool // that file has an op column
	done      bool

	emitted int64 // faults that an earlier reader has given to the callback
	found   int64
	first   []inputs.Fault
}

// learn reads the increments of a table once, to know the last row of every key.
func (r *reader) learn(ctx context.Context) error {
	some := false
	for _, file := range r.files {
		inc, err := r.folder.increment(file)
		if err != nil {
			return err
		}
		if !inc {
			continue
		}
		some = true
		dec, _, err := r.folder.decode(file, r.contract, r.mapping, r.dicts)
		if err != nil {
			return err
		}
		err = drain(ctx, dec, func(b *inputs.Batch, faults []inputs.RowFault) error {
			r.sieve.Learn(b, faults)
			return nil
		})
		if closed := dec.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return r.folder.fileError(file, err)
		}
	}
	if some {
		r.sieve.Learnt()
	}
	return nil
}

// drain hands what is left of a file to use, which keeps nothing of a batch.
func drain(ctx context.Context, dec decoder, use func(*inputs.Batch, []inputs.RowFault) error) error {
	for {
		b, faults, err := guarded(ctx, dec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = use(b, faults)
		}
		if err != nil {
			return err
		}
		b.Release()
	}
}

// Next implements inputs.Reader. Batches without a row that is applied are passed over.
func (r *reader) Next(ctx context.Context) (*inputs.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.dec == nil {
			if r.at == len(r.files) {
				r.finish()
				return nil, io.EOF
			}
			dec, inc, err := r.folder.decode(r.files[r.at], r.contract, r.mapping, r.dicts)
			if err != nil {
				return nil, err
			}
			r.dec, r.increment = readAhead(ctx, dec), inc
		}
		b, faults, err := r.dec.batch(ctx)
		if errors.Is(err, io.EOF) {
			if err := r.dec.Close(); err != nil {
				return nil, r.folder.fileError(r.files[r.at], err)
			}
			r.dec = nil
			r.at++
			continue
		}
		if err != nil {
			return nil, r.folder.fileError(r.files[r.at], err)
		}
		if b = r.sieve.Pass(b, faults, r.increment); b.Rows > 0 {
			return b, nil
		}
	}
}

// Close implements inputs.Reader.
func (r *reader) Close() error {
	if r.dec == nil {
		return nil
	}
	dec := r.dec
	r.dec = nil
	return dec.Close()
}

func (r *reader) quarantine(f inputs.Fault) {
	if len(r.first) < r.folder.opt.MaxFaults {
		r.first = append(r.first, f)
	}
	if r.found++; r.found <= r.emitted {
		return
	}
	r.folder.setEmitted(r.contract.Table, r.found)
	if r.folder.opt.Quarantine != nil {
		r.folder.opt.Quarantine(f)
	}
}

// guarded turns a panic of a decoder into an error: a file must never take the process down.
func guarded(ctx context.Context, dec decoder) (b *inputs.Batch, faults []inputs.RowFault, err error) {
	defer guard(&err)
	return dec.batch(ctx)
}

// guard is deferred around decoding: the Parquet library panics over some damaged files, and that is the file's fault.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errUnreadable, p)
	}
}

var errUnreadable = errors.New("the file is not what it claims to be")

// fileError classifies what went wrong while a file was read: what the file is to blame for is a refusal.
func (f *Folder) fileError(file File, err error) error {
	var refusal *inputs.Refusal
	var system syscall.Errno // what the disk says, not what the file holds
	switch {
	case errors.As(err, &refusal), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &system):
		return fmt.Errorf("read input file: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &inputs.Refusal{Kind: "truncated", Where: file.path, Hint: "the file ends too early: write or copy it again", Err: err}
	}
	return &inputs.Refusal{Kind: "unreadable", Where: file.path, Hint: "the file is damaged: write or copy it again", Err: err}
}

// decode opens a file; increment tells whether it has an op column.
func (f *Folder) decode(file File, c *inputs.Contract, tm *TableMapping, dicts dictionaries) (dec decoder, increment bool, err error) {
	r, err := os.Open(file.path)
	if err != nil {
		return nil, false, fmt.Errorf("open input file: %w", err)
	}
	if dec, increment, err = f.decodeFrom(r, r.Close, file, c, tm, dicts); err != nil {
		_ = r.Close() // the first error is the one to tell
	}
	return dec, increment, err
}

// decodeFrom is decode of an open file.
func (f *Folder) decodeFrom(
	r *os.File, done func() error, file File, c *inputs.Contract, tm *TableMapping, dicts dictionaries,
) (dec decoder, increment bool, err error) {
	s, err := newSink(c, tm, dicts, f.opt.BatchRows)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if p := recover(); p != nil {
			dec, err = nil, f.fileError(file, fmt.Errorf("%w: %v", errUnreadable, p))
		}
	}()
	o := fileOpen{file: file, mapping: tm, close: done, unknown: func(column string) { f.unknownColumn(file, column) }}
	switch file.format {
	case formatParquet:
		dec, err = newParquet(s, r, o)
	case formatCSVGzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(r); err == nil {
			dec, err = newCSV(s, z, o)
		}
	case formatCSV:
		dec, err = newCSV(s, r, o)
	case formatJSONL:
		dec, err = newJSONL(s, r, o)
	}
	if err != nil {
		return nil, false, f.fileError(file, err)
	}
	return dec, s.hasOp, nil
}

// increment reports whether a file has an op column.
func (f *Folder) increment(file File) (bool, error) {
	c := inputs.ContractOf(file.Table)
	dec, inc, err := f.decode(file, c, f.mapping.table(file.Table), newDictionaries(c))
	if err != nil {
		return false, err
	}
	if err := dec.Close(); err != nil {
		return false, fmt.Errorf("close input file: %w", err)
	}
	return inc, nil
}

const maxUnknown = 100 // names of unknown columns that are told, of all files

func (f *Folder) unknownColumn(file File, column string) {
	f.mu.Lock()
	full := len(f.notices) >= maxUnknown
	f.mu.Unlock()
	if full {
		return
	}
	f.notice(Notice{
		Kind: "unknown_column", Where: filepath.Base(file.path) + ": " + inputs.Cut(column),
		Hint: "not a column of " + file.Table + ": left alone; name it under ignore in a mapping file, or map it",
	})
}
