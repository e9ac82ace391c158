package planfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"echelon/planner"
)

// Reader reads the lines of one layer, a row group at a time, in any order of row groups. One goroutine at
// a time.
type Reader struct {
	layer  planner.LayerID
	desc   *LayerFile
	file   *os.File
	pq     *parquet.File
	want   map[string]bool // nil: all columns
	batch  Batch
	first  []int64 // first line of each group
	reason []uint8 // dictionary code → reason, of the batch
}

func openReader(name string, l *LayerFile, id planner.LayerID, columns []string) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read plan file: %w", err)
	}
	pq, err := parquet.OpenFile(f, l.Bytes, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, errors.Join(&Corrupt{File: name, What: err.Error()}, f.Close())
	}
	r := &Reader{layer: id, desc: l, file: f, pq: pq}
	if err := r.check(name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if len(columns) > 0 {
		r.want = make(map[string]bool)
		for _, c := range columns {
			r.want[c] = true
		}
	}
	var first int64
	for _, g := range l.Groups {
		r.first = append(r.first, first)
		first += g.Lines
	}
	return r, nil
}

// check compares the file's own structure with the layer and the manifest.
func (r *Reader) check(name string) error {
	if !slices.EqualFunc(r.pq.Metadata().Schema, schemaOf(r.layer), func(a, b format.SchemaElement) bool {
		return a.Name == b.Name && a.Type == b.Type && a.RepetitionType == b.RepetitionType && a.NumChildren == b.NumChildren
	}) {
		return &Corrupt{File: name, What: "columns are not those of layer " + planner.LayerOf(r.layer).Name + " in this engine"}
	}
	groups := r.pq.RowGroups()
	if len(groups) != len(r.desc.Groups) {
		return &Corrupt{File: name, What: fmt.Sprintf("%d row groups, the manifest says %d", len(groups), len(r.desc.Groups))}
	}
	for i, g := range groups {
		if g.NumRows() != r.desc.Groups[i].Lines {
			return &Corrupt{File: name, What: fmt.Sprintf("row group %d has %d lines, the manifest says %d", i, g.NumRows(), r.desc.Groups[i].Lines)}
		}
	}
	return nil
}

// Groups returns the number of row groups.
func (r *Reader) Groups() int { return len(r.first) }

// Close lets go of the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Group reads row group i. The batch is valid until the next call.
func (r *Reader) Group(ctx context.Context, i int) (*Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g := r.pq.RowGroups()[i]
	layer := planner.LayerOf(r.layer)
	b := &r.batch
	b.Layer, b.Group, b.First, b.Rows = r.layer, i, r.first[i], int(g.NumRows())
	if b.Cols == nil {
		b.Cols = make([]Column, len(layer.Columns))
		for c := range b.Cols {
			b.Cols[c].Def = &layer.Columns[c]
		}
	}
	chunks, leaf := g.ColumnChunks(), 0
	take := func(name string, dst func(parquet.Page) error) error {
		chunk := chunks[leaf]
		leaf++
		if r.want != nil && !r.want[name] {
			return nil
		}
		if err := eachPage(chunk, dst); err != nil {
			return fmt.Errorf("plan file %s, row group %d, column %s: %w", r.desc.File, i, name, err)
		}
		return nil
	}
	for c := range b.Cols {
		col := &b.Cols[c]
		col.reset()
		if col.Def.Type == planner.ColMilliList { // a value a day; growing while reading would copy them
			const mostDays = 91
			col.List = slices.Grow(col.List, int(min(chunks[leaf].NumValues(), int64(b.Rows)*mostDays)))
		}
		if err := take(col.Def.Name, col.reader(r)); err != nil {
			return nil, err
		}
		if col.Def.Type == planner.ColLedger {
			if err := take(col.Def.Name, col.readList); err != nil {
				return nil, err
			}
		}
	}
	b.Release = b.Release[:0]
	if IsOrders(r.layer) {
		if err := take(releaseColumn, b.readReleases); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// eachPage calls f with the pages of a column chunk.
func eachPage(chunk parquet.ColumnChunk, f func(parquet.Page) error) error {
	pages := chunk.Pages()
	defer pages.Close()
	for {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = f(p)
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

func (c *Column) reset() {
	c.Codes, c.Dict, c.Ints = c.Codes[:0], c.Dict[:0], c.Ints[:0]
	c.Off, c.List, c.Reason = c.Off[:0], c.List[:0], c.Reason[:0]
}

// reader gives the function that appends a page to the column (the reasons, of a ledger).
func (c *Column) reader(r *Reader) func(parquet.Page) error {
	switch c.Def.Type {
	case planner.ColDay:
		return c.readDays
	case planner.ColInt, planner.ColMilli:
		return c.readInts
	case planner.ColBool:
		return c.readBools
	case planner.ColMilliList:
		return func(p parquet.Page) error {
			c.offsets(p)
			return c.readList(p)
		}
	case planner.ColLedger:
		return func(p parquet.Page) error {
			c.offsets(p)
			return r.readReasons(c, p)
		}
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return c.readCodes
}

// spread appends the values of a page, each made ready by as, and null where its definition level says so.
func spread[T, V any](dst []V, p parquet.Page, values []T, as func(T) V, null V) ([]V, error) {
	levels := p.DefinitionLevels()
	dst = slices.Grow(dst, int(p.NumValues()))
	at := len(dst)
	if len(levels) == 0 {
		dst = dst[:at+len(values)]
		for i, v := range values {
			dst[at+i] = as(v)
		}
		return dst, nil
	}
	dst = dst[:at+len(levels)]
	next := 0
	for i, l := range levels {
		if l == 0 {
			dst[at+i] = null
			continue
		}
		if next == len(values) {
			return nil, errors.New("more levels than values")
		}
		dst[at+i] = as(values[next])
		next++
	}
	return dst, nil
}

func (c *Column) readInts(p parquet.Page) (err error) {
	data := p.Data()
	c.Ints, err = spread(c.Ints, p, data.Int64(), func(v int64) int64 { return v }, planner.NullInt)
	return err
}

func (c *Column) readDays(p parquet.Page) (err error) {
	data := p.Data()
	c.Ints, err = spread(c.Ints, p, data.Int32(), func(v int32) int64 { return int64(v) }, planner.NullInt)
	return err
}

func (c *Column) readBools(p parquet.Page) error {
	data := p.Data()
	bits := data.Boolean()
	c.Ints = slices.Grow(c.Ints, int(p.NumValues()))
	for i := range int(p.NumValues()) {
		c.Ints = append(c.Ints, int64(bits[i>>3]>>(i&7)&1))
	}
	return nil
}

func (c *Column) readCodes(p parquet.Page) (err error) {
	c.Dict = dictionary(c.Dict, p)
	data := p.Data()
	c.Codes, err = spread(c.Codes, p, data.Int32(), func(v int32) int32 { return v }, -1)
	return err
}

// dictionary returns the strings of a page's dictionary; a column chunk has one.
func dictionary(dst []string, p parquet.Page) []string {
	dict := p.Dictionary()
	if dict == nil || len(dst) == dict.Len() {
		return dst
	}
	data := dict.Page().Data()
	text, offsets := data.ByteArray()
	for i := 1; i < len(offsets); i++ {
		dst = append(dst, string(text[offsets[i-1]:offsets[i]]))
	}
	return dst
}

// offsets derives the ends of a list column's rows from a page's levels.
func (c *Column) offsets(p parquet.Page) {
	definition := p.DefinitionLevels()
	if len(c.Off) == 0 {
		c.Off = append(c.Off, 0)
	}
	for i, repeated := range p.RepetitionLevels() {
		if repeated == 0 {
			c.Off = append(c.Off, c.Off[len(c.Off)-1])
		}
		if definition[i] != 0 {
			c.Off[len(c.Off)-1]++
		}
	}
}

func (c *Column) readList(p parquet.Page) error {
	data := p.Data()
	dict := p.Dictionary()
	if dict == nil {
		c.List = append(c.List, data.Int64()...)
		return nil
	}
	words := dict.Page().Data()
	numbers := words.Int64()
	for _, code := range data.Int32() {
		if int(code) >= len(numbers) {
			return fmt.Errorf("code %d of a dictionary of %d numbers", code, len(numbers))
		}
		c.List = append(c.List, numbers[code])
	}
	return nil
}

func (r *Reader) readReasons(c *Column, p parquet.Page) error {
	r.reason = r.reason[:0]
	for _, word := range dictionary(nil, p) {
		code := uint8(0)
		for planner.Reason(code) < planner.NumReasons && planner.Reason(code).String() != word {
			code++
		}
		if planner.Reason(code) == planner.NumReasons {
			return fmt.Errorf("reason %q is not known to this engine", word)
		}
		r.reason = append(r.reason, code)
	}
	data := p.Data()
	for _, v := range data.Int32() {
		c.Reason = append(c.Reason, r.reason[v])
	}
	return nil
}

func (b *Batch) readReleases(p parquet.Page) error {
	data := p.Data()
	text, offsets := data.ByteArray()
	next := 0
	for _, l := range p.DefinitionLevels() {
		if l == 0 {
			b.Release = append(b.Release, "")
			continue
		}
		b.Release = append(b.Release, string(text[offsets[next]:offsets[next+1]]))
		next++
	}
	return nil
}
