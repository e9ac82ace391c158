package feed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"echelon/inputs"
)

// WriteOptions says how tables are written. The zero value is right for most.
type WriteOptions struct {
	Columns   []string // columns of the file, in that order; nil: all of the contract
	GroupRows int      // Parquet: rows of a row group; 0: 1,048,576
}

// TableWriter writes the batches of one table to a file.
type TableWriter interface {
	Write(b *inputs.Batch) error
	Close() error // completes the file; the io.Writer below stays open
}

// WriteParquet writes batches of one table as one Parquet file.
func WriteParquet(w io.Writer, batches ...*inputs.Batch) error {
	return writeAll(NewParquetWriter(w, WriteOptions{}), batches)
}

func writeAll(t TableWriter, batches []*inputs.Batch) error {
	for _, b := range batches {
		if err := t.Write(b); err != nil {
			return err
		}
	}
	return t.Close()
}

// NewParquetWriter returns a writer of Parquet: typed columns, dictionaries for texts and demand, zstd.
// Thousandths are decimals with three places, dates and instants have their logical types.
func NewParquetWriter(w io.Writer, opt WriteOptions) TableWriter {
	if opt.GroupRows <= 0 {
		opt.GroupRows = 1 << 20
	}
	return &parquetWriter{out: w, opt: opt}
}

type parquetWriter struct {
	out    io.Writer
	opt    WriteOptions
	table  string
	cols   []int // contract columns of the file; -2: op
	chunks []*chunk
	meta   format.FileMetaData
	offset int64
	rows   int // of the row group
	closed bool
}

// orderedGroup keeps the columns of the file in the order of the contract.
type orderedGroup struct {
	parquet.Group
	names []string
}

func (g orderedGroup) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	out := make([]parquet.Field, 0, len(g.names))
	for _, n := range g.names {
		out = append(out, byName[n])
	}
	return out
}

// chosen returns the columns of a file whose first batch is b: op only when that batch has it.
func chosen(b *inputs.Batch, opt WriteOptions) ([]int, error) {
	var cols []int
	if b.Ops != nil {
		cols = append(cols, -2)
	}
	if opt.Columns == nil {
		for i := range b.Columns {
			cols = append(cols, i)
		}
		return cols, nil
	}
	for _, name := range opt.Columns {
		i := b.Contract.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("table %s has no column %q", b.Contract.Table, name)
		}
		cols = append(cols, i)
	}
	return cols, nil
}

// covered reports an error when a batch has a column that the file does not.
func covered(b *inputs.Batch, cols []int) error {
	in := make([]bool, len(b.Columns))
	op := false
	for _, i := range cols {
		if i < 0 {
			op = true
			continue
		}
		in[i] = true
	}
	for i := range b.Columns {
		if !in[i] && !b.Columns[i].Absent {
			return fmt.Errorf("write %s: the file has no column %s: name it in the options", b.Contract.Table, b.Contract.Columns[i].Name)
		}
	}
	if b.Ops != nil && !op {
		return fmt.Errorf("write %s: the file has no column op: its first batch had none", b.Contract.Table)
	}
	return nil
}

func (p *parquetWriter) Write(b *inputs.Batch) error {
	if p.chunks == nil {
		if err := p.start(b); err != nil {
			return fmt.Errorf("write %s: %w", b.Contract.Table, err)
		}
	}
	if err := covered(b, p.cols); err != nil {
		return err
	}
	ops := inputs.Batch{Ops: opsOf(b, 0, b.Rows)}
	for lo := 0; lo < b.Rows; {
		n := p.pageRows(b, lo)
		for at, i := range p.cols {
			var err error
			if i < 0 {
				err = p.chunks[at].add(&ops, nil, lo, lo+n)
			} else {
				err = p.chunks[at].add(b, &b.Columns[i], lo, lo+n)
			}
			if err != nil {
				return fmt.Errorf("write %s: %w", b.Contract.Table, err)
			}
		}
		lo += n
		if p.rows += n; p.rows == p.opt.GroupRows {
			if err := p.flush(); err != nil {
				return fmt.Errorf("write %s: %w", b.Contract.Table, err)
			}
		}
	}
	return nil
}

// A page has at most so many rows, and so many elements of a list column.
const (
	maxPageRows     = 1 << 13
	maxPageElements = 1 << 20
)

// pageRows returns how many rows from lo on make the next page.
func (p *parquetWriter) pageRows(b *inputs.Batch, lo int) int {
	n := min(b.Rows-lo, p.opt.GroupRows-p.rows, maxPageRows)
	for i := range b.Columns {
		offsets := b.Columns[i].Offsets
		for len(offsets) > 0 && n > 1 && offsets[lo+n]-offsets[lo] > maxPageElements {
			n /= 2
		}
	}
	return n
}

const magic = "PAR1"

// start settles the columns of the file. The library writes the schema, so that it is the one that its readers
// expect; pages are written here, typed and without a value per cell.
func (p *parquetWriter) start(b *inputs.Batch) error {
	cols, err := chosen(b, p.opt)
	if err != nil {
		return err
	}
	p.cols, p.table = cols, b.Contract.Table
	group := orderedGroup{Group: parquet.Group{}}
	for _, i := range cols {
		var def *inputs.ColumnDef
		name := opColumn
		if i >= 0 {
			def = &b.Contract.Columns[i]
			name = def.Name
		}
		group.Group[name] = parquetNode(def)
		group.names = append(group.names, name)
		p.chunks = append(p.chunks, newChunk(def))
	}
	var empty bytes.Buffer
	w := parquet.NewGenericWriter[any](&empty, parquet.NewSchema(b.Contract.Table, group))
	if err := w.Close(); err != nil {
		return err
	}
	file, err := parquet.OpenFile(bytes.NewReader(empty.Bytes()), int64(empty.Len()))
	if err != nil {
		return err
	}
	p.meta = format.FileMetaData{Version: 2, Schema: file.Metadata().Schema, CreatedBy: "echelon version 1", ColumnOrders: file.Metadata().ColumnOrders}
	return p.write([]byte(magic))
}

func (p *parquetWriter) write(data []byte) error {
	n, err := p.out.Write(data)
	p.offset += int64(n)
	return err
}

// flush writes the row group.
func (p *parquetWriter) flush() error {
	group := format.RowGroup{NumRows: int64(p.rows), FileOffset: p.offset, Ordinal: int16(len(p.meta.RowGroups))}
	for at, c := range p.chunks {
		dict, err := c.dictionaryPage()
		if err != nil {
			return err
		}
		meta := format.ColumnMetaData{
			Type: format.Type(c.kind), PathInSchema: p.path(at), Codec: format.Zstd, NumValues: c.values,
			TotalUncompressedSize: c.uncompressed, TotalCompressedSize: int64(len(dict) + c.pages.Len()),
			DataPageOffset: p.offset + int64(len(dict)), Encoding: []format.Encoding{format.RLE},
		}
		if dict != nil {
			meta.DictionaryPageOffset = p.offset
			meta.Encoding = append(meta.Encoding, format.RLEDictionary)
		}
		if c.usedPlain || dict != nil {
			meta.Encoding = append(meta.Encoding, format.Plain)
		}
		group.Columns = append(group.Columns, format.ColumnChunk{FileOffset: p.offset, MetaData: meta})
		group.TotalByteSize += meta.TotalUncompressedSize
		group.TotalCompressedSize += meta.TotalCompressedSize
		if err := p.write(dict); err != nil {
			return err
		}
		if err := p.write(c.pages.Bytes()); err != nil {
			return err
		}
		c.reset()
	}
	p.meta.RowGroups = append(p.meta.RowGroups, group)
	p.meta.NumRows += int64(p.rows)
	p.rows = 0
	return nil
}

func (p *parquetWriter) path(at int) []string {
	if p.cols[at] < 0 {
		return []string{opColumn}
	}
	name := inputs.ContractOf(p.table).Columns[p.cols[at]].Name
	if p.chunks[at].maxRep > 0 {
		return []string{name, "list", "element"}
	}
	return []string{name}
}

func (p *parquetWriter) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	if p.chunks == nil {
		return errors.New("write parquet: no batch, so no table")
	}
	if p.rows > 0 {
		if err := p.flush(); err != nil {
			return fmt.Errorf("write %s: %w", p.table, err)
		}
	}
	var foot bytes.Buffer
	size, err := writeThrift(&foot, &p.meta)
	if err != nil {
		return err
	}
	tail := binary.LittleEndian.AppendUint32(nil, uint32(size))
	for _, part := range [][]byte{foot.Bytes(), tail, []byte(magic)} {
		if err := p.write(part); err != nil {
			return fmt.Errorf("complete parquet file of %s: %w", p.table, err)
		}
	}
	return nil
}

// parquetNode is the type of a column in files.
func parquetNode(def *inputs.ColumnDef) parquet.Node {
	if def == nil { // op
		return parquet.String()
	}
	var n parquet.Node
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency, inputs.TypeEnum, inputs.TypeTimeOfDay:
		n = parquet.String()
	case inputs.TypeBool:
		n = parquet.Leaf(parquet.BooleanType)
	case inputs.TypeDate:
		n = parquet.Date()
	case inputs.TypeInstant:
		n = parquet.Timestamp(parquet.Microsecond)
	case inputs.TypeMilli:
		n = parquet.Decimal(3, 18, parquet.Int64Type)
	case inputs.TypeMilliList:
		n = parquet.Decimal(3, 18, parquet.Int64Type)
	case inputs.TypeWeekdays:
		n = parquet.Int(32)
	default:
		n = parquet.Int(64)
	}
	if def.Type.Lists() || def.Type == inputs.TypeWeekdays {
		n = parquet.List(n)
	}
	if def.Nullable {
		n = parquet.Optional(n)
	}
	return n
}

func opsOf(b *inputs.Batch, lo, hi int) []inputs.Op {
	if b.Ops == nil {
		return make([]inputs.Op, hi-lo)
	}
	return b.Ops[lo:hi]
}

func opWord(o inputs.Op) string {
	if o == inputs.Delete {
		return "delete"
	}
	return "upsert"
}
