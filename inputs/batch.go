package inputs

import (
	"context"
	"io"
)

// Vector holds one column of a Batch. Which slices are filled follows from the column's Type:
//
//	TypeID, TypeText, TypeZone, TypeCurrency   Codes (index into Dict)
//	TypeUnitsList, TypeMilliList               Offsets (Rows+1), List
//	every other type                           Ints, in the type's canonical unit
//
// A row that is null holds the zero value in its slice.
type Vector struct {
	Absent  bool     // the source has no such column: null throughout, all slices nil
	Null    []uint64 // bit r set: row r is null; nil: no row is
	Ints    []int64
	Codes   []uint32
	Dict    []string
	Offsets []uint32
	List    []int64
}

// IsNull reports whether row r has no value.
func (v *Vector) IsNull(r int) bool {
	return v.Absent || (v.Null != nil && v.Null[r>>6]&(1<<(uint(r)&63)) != 0)
}

// SetNull marks row r of a column of n rows as null.
func (v *Vector) SetNull(r, n int) {
	if v.Null == nil {
		v.Null = make([]uint64, (n+63)/64)
	}
	v.Null[r>>6] |= 1 << (uint(r) & 63)
}

// Int returns the value of row r, or absent when it is null.
func (v *Vector) Int(r int, absent int64) int64 {
	if v.IsNull(r) {
		return absent
	}
	return v.Ints[r]
}

// Str returns the text of row r, "" when it is null.
func (v *Vector) Str(r int) string {
	if v.IsNull(r) {
		return ""
	}
	return v.Dict[v.Codes[r]]
}

// Ints64 returns the list of row r; nil when it is null.
func (v *Vector) Ints64(r int) []int64 {
	if v.IsNull(r) {
		return nil
	}
	return v.List[v.Offsets[r]:v.Offsets[r+1]]
}

// Op says what a row of an increment does to its key.
type Op uint8

// The operations of an increment's op column.
const (
	Upsert Op = iota
	Delete
)

// Batch is a run of rows of one table, in columns, already typed and in canonical units: what feeds hand
// to validation, and what validation hands on (the same shape, rows that break the contract taken out).
type Batch struct {
	Contract *Contract
	Rows     int
	Columns  []Vector // parallel to Contract.Columns
	Ops      []Op     // nil: every row is an upsert
	Source   string   // file or topic-partition the rows came from
	First    int64    // position of row 0 in it: 1-based data row of a file, offset of a topic
	At       []int64  // nil: row r is at First + r; else the position of each row (rows were taken out)

	release func()
}

// OnRelease names what takes the batch's memory back.
func (b *Batch) OnRelease(f func()) { b.release = f }

// Release gives the memory of the columns to the batches that its reader makes next; texts of dictionaries stay. The batch
// must not be used afterwards. Who keeps a batch never calls it.
func (b *Batch) Release() {
	if f := b.release; f != nil {
		b.release = nil
		f()
	}
}

// Position returns where row r stands in the batch's source.
func (b *Batch) Position(r int) int64 {
	if b.At != nil {
		return b.At[r]
	}
	return b.First + int64(r)
}

// Col returns the column of that name. An unknown name is a bug and panics.
func (b *Batch) Col(name string) *Vector {
	i := b.Contract.Index(name)
	if i < 0 {
		panic("inputs: table " + b.Contract.Table + " has no column " + name)
	}
	return &b.Columns[i]
}

// Reader yields the batches of one table; Next returns io.EOF after the last one.
type Reader interface {
	Next(ctx context.Context) (*Batch, error)
	Close() error
}

// Source gives the validated rows of every table. A table that the source does not have yields no batch.
// Open may be called more than once for a table; each Reader starts from the first row.
type Source interface {
	Has(table string) bool
	Open(ctx context.Context, table string) (Reader, error)
}

// Dataset is a Source in memory: the form in which small worlds, scenarios and tests are written down.
type Dataset map[string][]*Batch

// Has implements Source.
func (d Dataset) Has(table string) bool { return len(d[table]) > 0 }

// Open implements Source.
func (d Dataset) Open(_ context.Context, table string) (Reader, error) {
	return &datasetReader{batches: d[table]}, nil
}

type datasetReader struct{ batches []*Batch }

func (r *datasetReader) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.batches) == 0 {
		return nil, io.EOF
	}
	b := *r.batches[0]
	b.release = nil // it is read again
	r.batches = r.batches[1:]
	return &b, nil
}

func (r *datasetReader) Close() error { return nil }
