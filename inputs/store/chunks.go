package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

const (
	chunkBytes    = 256 << 10 // bytes of a chunk's data at most
	rowGroupBytes = 16 << 20  // bytes after which a row group ends: bounds what is buffered
)

// chunk is a row of a file.
type chunk struct {
	Column string `parquet:"column,plain"`
	First  int64  `parquet:"first,plain"`
	Count  int64  `parquet:"count,plain"`
	Width  int32  `parquet:"width,plain"`
	Data   []byte `parquet:"data,plain"`
}

// dataColumn is the number of the column of the chunks' data.
const dataColumn = 4

// writeTable writes the columns of a table.
func writeTable(w io.Writer, t *table) error {
	t.pack()
	out := parquet.NewGenericWriter[chunk](w, parquet.CreatedBy("echelon", "snapshot", "1"), parquet.DataPageStatistics(false),
		parquet.PageBufferSize(2*chunkBytes))
	pending := 0
	for i := range t.columns {
		c := &t.columns[i]
		data := c.bytes()
		step := chunkBytes / c.width
		for first := 0; first*c.width < len(data); first += step {
			part := data[first*c.width : min(len(data), (first+step)*c.width)]
			row := chunk{Column: c.name, First: int64(first), Count: int64(len(part) / c.width), Width: int32(c.width), Data: part}
			if constant(part, c.width) {
				row.Data = part[:c.width]
			}
			if _, err := out.Write([]chunk{row}); err != nil {
				return err
			}
			if pending += len(row.Data); pending >= rowGroupBytes {
				if err := out.Flush(); err != nil {
					return err
				}
				pending = 0
			}
		}
	}
	return out.Close()
}

// constant reports whether all elements of the data are equal.
func constant(data []byte, width int) bool {
	return bytes.Equal(data[width:], data[:len(data)-width])
}

// openChunks reads all but the data of a file of chunks.
func openChunks(data []byte) (*parquet.File, []chunk, error) {
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, err
	}
	if diff := f.Schema().String(); diff != schemaText() {
		return nil, nil, fmt.Errorf("another schema: %s", diff)
	}
	heads, err := readHeads(f)
	return f, heads, err
}

// readTable fills the columns of a table from a file whose digest was checked, with over, a file that lies over it, or
// nil.
func readTable(data, over []byte, t *table) error {
	f, heads, err := openChunks(data)
	if err != nil {
		return err
	}
	memory, err := allocate(heads, t)
	if err != nil {
		return err
	}
	at := 0
	err = eachChunkData(data, f, func(value []byte) error {
		if at >= len(heads) {
			return errShape
		}
		at++
		return place(memory[at-1], &heads[at-1], value)
	})
	if err != nil {
		return err
	}
	if at != len(heads) {
		return errShape
	}
	if over != nil {
		if err := readOver(over, t); err != nil {
			return err
		}
	}
	for _, x := range t.texts {
		if !x.unpack() {
			return errShape
		}
	}
	return nil
}

func schemaText() string { return parquet.SchemaOf(chunk{}).String() }

// readHeads reads all of the chunks but their data.
func readHeads(f *parquet.File) ([]chunk, error) {
	var heads []chunk
	var buf [256]parquet.Value
	for _, group := range f.RowGroups() {
		base := len(heads)
		heads = append(heads, make([]chunk, group.NumRows())...)
		for c, set := range []func(h *chunk, v parquet.Value){
			func(h *chunk, v parquet.Value) { h.Column = string(v.ByteArray()) },
			func(h *chunk, v parquet.Value) { h.First = v.Int64() },
			func(h *chunk, v parquet.Value) { h.Count = v.Int64() },
			func(h *chunk, v parquet.Value) { h.Width = v.Int32() },
		} {
			pages := group.ColumnChunks()[c].Pages()
			at := base
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					_ = pages.Close()
					return nil, err
				}
				values := page.Values()
				for {
					n, err := values.ReadValues(buf[:])
					for _, v := range buf[:n] {
						if at >= len(heads) {
							return nil, errShape
						}
						set(&heads[at], v)
						at++
					}
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						return nil, err
					}
				}
				parquet.Release(page)
			}
			if err := pages.Close(); err != nil {
				return nil, err
			}
		}
	}
	return heads, nil
}

// allocate makes every column that the chunks name and returns the memory of each chunk's column.
func allocate(heads []chunk, t *table) ([]space, error) {
	byName := map[string]*column{}
	for i := range t.columns {
		byName[t.columns[i].name] = &t.columns[i]
	}
	counts := map[string]int64{}
	for i := range heads {
		h := &heads[i]
		c := byName[h.Column]
		if c == nil {
			return nil, fmt.Errorf("column %q is not of this layout", h.Column)
		}
		if int(h.Width) != c.width || h.Count <= 0 || h.Count > chunkBytes || h.First != counts[h.Column] {
			return nil, fmt.Errorf("column %q: %w", h.Column, errShape)
		}
		counts[h.Column] += h.Count
	}
	columns := map[string]space{}
	memory := make([]space, len(heads))
	for i := range heads {
		name := heads[i].Column
		if _, ok := columns[name]; !ok {
			columns[name] = byName[name].alloc(int(counts[name]))
		}
		memory[i] = columns[name]
	}
	return memory, nil
}

// place copies a chunk's data to where its elements are; one element stands for all when they are equal.
func place(column space, h *chunk, data []byte) error {
	width := int(h.Width)
	to := column.bytes[int(h.First)*width : int(h.First+h.Count)*width]
	switch len(data) {
	case len(to):
		copy(to, data)
	case width:
		if zero(data) {
			if !column.zero { // else not touching it keeps it unused
				clear(to)
			}
			return nil
		}
		for n := copy(to, data); n < len(to); n *= 2 {
			copy(to[n:], to[:n])
		}
	default:
		return fmt.Errorf("column %q: %w", h.Column, errShape)
	}
	return nil
}

// zero reports whether all bytes are 0.
func zero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// littleEndian reports whether this machine keeps numbers the way files do.
func littleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}
