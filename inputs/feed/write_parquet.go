package feed

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"echelon/inputs"
)

// WriteOptions says how tables are written. The zero value is right for most.
type WriteOptions struct {
	Columns   []string // columns of the file, contract order; nil: those that the first batch has
	GroupRows int      // Parquet: rows of a row group; 0: 1,048,576
}

// TableWriter writes the batches of one table to a file.
type TableWriter interface {
	Write(b *inputs.Batch) error
	Close() error // completes the file; the io.Writer below stays open
}

// WriteParquet writes batches of one table as one Parquet file.
func WriteParquet(w io.Writer, batches ...*inputs.Batch) error {
	if len(batches) == 0 {
		return errors.New("write parquet: no batch, so no table")
	}
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
	cols   []int // contract columns of the file; -2: op
	w      *parquet.GenericWriter[any]
	rows   int
	buf    []parquet.Value
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

// chosen returns the columns of a file whose first batch is b.
func chosen(b *inputs.Batch, opt WriteOptions) ([]int, error) {
	var cols []int
	if b.Ops != nil {
		cols = append(cols, -2)
	}
	if opt.Columns == nil {
		for i := range b.Columns {
			if !b.Columns[i].Absent {
				cols = append(cols, i)
			}
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
	if p.w == nil {
		cols, err := chosen(b, p.opt)
		if err != nil {
			return err
		}
		p.cols = cols
		group := orderedGroup{Group: parquet.Group{}}
		for _, i := range cols {
			name, node := opColumn, parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
			if i >= 0 {
				name, node = b.Contract.Columns[i].Name, parquetNode(&b.Contract.Columns[i])
			}
			group.Group[name] = node
			group.names = append(group.names, name)
		}
		p.w = parquet.NewGenericWriter[any](p.out, parquet.NewSchema(b.Contract.Table, group),
			parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
			parquet.CreatedBy("echelon", "1", ""), parquet.DictionaryMaxBytes(1<<20))
	}
	if err := covered(b, p.cols); err != nil {
		return err
	}
	for lo := 0; lo < b.Rows; {
		n := min(b.Rows-lo, p.opt.GroupRows-p.rows, 1<<14)
		for at, i := range p.cols {
			if err := p.column(at, i, b, lo, lo+n); err != nil {
				return fmt.Errorf("write %s: %w", b.Contract.Table, err)
			}
		}
		lo += n
		if p.rows += n; p.rows == p.opt.GroupRows {
			if err := p.w.Flush(); err != nil {
				return fmt.Errorf("write %s: %w", b.Contract.Table, err)
			}
			p.rows = 0
		}
	}
	return nil
}

func (p *parquetWriter) Close() error {
	if p.closed || p.w == nil {
		return nil
	}
	p.closed = true
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("complete parquet file: %w", err)
	}
	return nil
}

// parquetNode is the type of a column in files.
func parquetNode(def *inputs.ColumnDef) parquet.Node {
	var n parquet.Node
	dict := true
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency, inputs.TypeEnum, inputs.TypeTimeOfDay:
		n = parquet.String()
	case inputs.TypeBool:
		n, dict = parquet.Leaf(parquet.BooleanType), false
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
	if dict {
		n = parquet.Encoded(n, &parquet.RLEDictionary)
	}
	if def.Type.Lists() || def.Type == inputs.TypeWeekdays {
		n = parquet.List(n)
	}
	if def.Nullable {
		n = parquet.Optional(n)
	}
	return n
}

// column writes rows [lo, hi) of one column.
func (p *parquetWriter) column(at, i int, b *inputs.Batch, lo, hi int) error {
	buf := p.buf[:0]
	if i < 0 {
		for _, o := range opsOf(b, lo, hi) {
			buf = append(buf, parquet.ByteArrayValue([]byte(opWord(o))).Level(0, 0, at))
		}
	} else {
		buf = appendValues(buf, at, &b.Contract.Columns[i], &b.Columns[i], lo, hi)
	}
	p.buf = buf
	_, err := p.w.ColumnWriters()[at].WriteRowValues(buf)
	return err
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

func appendValues(buf []parquet.Value, at int, def *inputs.ColumnDef, v *inputs.Vector, lo, hi int) []parquet.Value {
	full := 0
	if def.Nullable {
		full = 1
	}
	word := make(map[int64][]byte) // enums and times: few
	for r := lo; r < hi; r++ {
		if v.IsNull(r) {
			buf = append(buf, parquet.NullValue().Level(0, 0, at))
			continue
		}
		var x parquet.Value
		switch def.Type {
		case inputs.TypeMilliList, inputs.TypeUnitsList:
			list := v.List[v.Offsets[r]:v.Offsets[r+1]]
			if len(list) == 0 {
				buf = append(buf, parquet.NullValue().Level(0, full, at))
				continue
			}
			for n, e := range list {
				buf = append(buf, parquet.Int64Value(e).Level(min(n, 1), full+1, at))
			}
			continue
		case inputs.TypeWeekdays:
			n := 0
			for d := range 7 {
				if v.Ints[r]&(1<<d) != 0 {
					buf = append(buf, parquet.Int32Value(int32(d+1)).Level(min(n, 1), full+1, at))
					n++
				}
			}
			continue
		case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency:
			x = parquet.ByteArrayValue([]byte(v.Dict[v.Codes[r]]))
		case inputs.TypeEnum, inputs.TypeTimeOfDay:
			w, ok := word[v.Ints[r]]
			if !ok {
				w = []byte(inputs.FormatInt(def, v.Ints[r]))
				word[v.Ints[r]] = w
			}
			x = parquet.ByteArrayValue(w)
		case inputs.TypeBool:
			x = parquet.BooleanValue(v.Ints[r] != 0)
		case inputs.TypeDate:
			x = parquet.Int32Value(int32(v.Ints[r]))
		default:
			x = parquet.Int64Value(v.Ints[r])
		}
		buf = append(buf, x.Level(0, full, at))
	}
	return buf
}
