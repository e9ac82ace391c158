package state

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"echelon/inputs"
)

// sheet is one Parquet file of a checkpoint: typed columns, zstd. Texts are numbers into the file of texts.
type sheet struct {
	rows int
	cols []sheetColumn
}

// sheetColumn is a column to be written: cell gives row r, ok false for null. Bytes columns fill data, all others
// number.
type sheetColumn struct {
	name     string
	node     parquet.Node
	optional bool
	cell     func(r int) (number int64, data []byte, ok bool)
}

// Rows of a row group, and values handed to the library at once.
const (
	sheetGroup = 1 << 18
	sheetChunk = 1 << 12
)

func int32Column(name string, cell func(r int) int32) sheetColumn {
	return sheetColumn{name: name, node: parquet.Int(32), cell: func(r int) (int64, []byte, bool) { return int64(cell(r)), nil, true }}
}

func int64Column(name string, cell func(r int) int64) sheetColumn {
	return sheetColumn{name: name, node: parquet.Int(64), cell: func(r int) (int64, []byte, bool) { return cell(r), nil, true }}
}

func boolColumn(name string, cell func(r int) bool) sheetColumn {
	return sheetColumn{name: name, node: parquet.Leaf(parquet.BooleanType), cell: func(r int) (int64, []byte, bool) {
		if cell(r) {
			return 1, nil, true
		}
		return 0, nil, true
	}}
}

// cellNode is the type of a contract column's cells.
func cellNode(def *inputs.ColumnDef) parquet.Node {
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency:
		return parquet.Int(32)
	case inputs.TypeDate:
		return parquet.Date()
	case inputs.TypeInstant:
		return parquet.Timestamp(parquet.Microsecond)
	case inputs.TypeMilli:
		return parquet.Decimal(3, 18, parquet.Int64Type)
	default:
		if widthFor(def.Min, def.Max) <= 4 && def.Max < 1<<31 {
			return parquet.Int(32)
		}
		return parquet.Int(64)
	}
}

// sheetValue makes the library's value.
func sheetValue(kind parquet.Kind, number int64, data []byte) parquet.Value {
	switch kind {
	case parquet.Boolean:
		return parquet.BooleanValue(number != 0)
	case parquet.Int32:
		return parquet.Int32Value(int32(number))
	case parquet.Int64:
		return parquet.Int64Value(number)
	default:
		return parquet.ByteArrayValue(data)
	}
}

// write writes the sheet to a file and returns its entry.
func (s *sheet) write(path, name string, stop func() error) (entry fileEntry, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return entry, err
	}
	d := &digester{hash: sha256.New()}
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = s.encode(io.MultiWriter(buffered, d), stop)
	if err = errors.Join(err, buffered.Flush(), f.Close()); err != nil {
		return entry, fmt.Errorf("write %s: %w", path, err)
	}
	return fileEntry{File: name, Bytes: d.bytes, SHA256: hex.EncodeToString(d.hash.Sum(nil)), Rows: int64(s.rows)}, nil
}

func (s *sheet) encode(to io.Writer, stop func() error) error {
	group := parquet.Group{}
	byName := map[string]*sheetColumn{}
	for i := range s.cols {
		c := &s.cols[i]
		group[c.name], byName[c.name] = c.node, c
		if c.optional {
			group[c.name] = parquet.Optional(c.node)
		}
	}
	schema := parquet.NewSchema("checkpoint", group)
	w := parquet.NewGenericWriter[any](to, schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1}),
		parquet.DataPageStatistics(false), parquet.CreatedBy("echelon", "checkpoint", "1"))
	values := make([]parquet.Value, 0, sheetChunk)
	for lo := 0; lo < s.rows; lo += sheetGroup {
		hi := min(lo+sheetGroup, s.rows)
		for at, path := range schema.Columns() { // the library orders them by name
			c := byName[path[0]]
			kind := c.node.Type().Kind()
			for from := lo; from < hi; from += sheetChunk {
				if err := stop(); err != nil {
					return err
				}
				values = values[:0]
				for r := from; r < min(from+sheetChunk, hi); r++ {
					number, data, ok := c.cell(r)
					switch {
					case !ok:
						values = append(values, parquet.NullValue().Level(0, 0, at))
					case c.optional:
						values = append(values, sheetValue(kind, number, data).Level(0, 1, at))
					default:
						values = append(values, sheetValue(kind, number, data).Level(0, 0, at))
					}
				}
				if _, err := w.ColumnWriters()[at].WriteRowValues(values); err != nil {
					return err
				}
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return w.Close()
}

// readSheet reads a file whose digest was checked: columns by name, each given to its function row by row.
func readSheet(path string, rows int64, cols map[string]func(r int, v parquet.Value) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	if file.NumRows() != rows {
		return fmt.Errorf("%d rows, the manifest says %d", file.NumRows(), rows)
	}
	names := file.Schema().Columns()
	have := map[string]bool{}
	for _, path := range names {
		have[path[0]] = true
	}
	for name := range cols {
		if !have[name] {
			return fmt.Errorf("no column %s", name)
		}
	}
	base := 0
	for _, group := range file.RowGroups() {
		for at, path := range names {
			if to := cols[path[0]]; to != nil {
				if err := readChunk(group.ColumnChunks()[at], base, to); err != nil {
					return fmt.Errorf("column %s: %w", path[0], err)
				}
			}
		}
		base += int(group.NumRows())
	}
	return nil
}

func readChunk(chunk parquet.ColumnChunk, row int, to func(r int, v parquet.Value) error) error {
	pages := chunk.Pages()
	defer pages.Close()
	var buf [1024]parquet.Value
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		values := page.Values()
		for {
			n, err := values.ReadValues(buf[:])
			for _, v := range buf[:n] {
				if err := to(row, v); err != nil {
					return err
				}
				row++
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		parquet.Release(page)
	}
}
