package planfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

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
	part   *io.SectionReader // the layer's part of it
	pq     *parquet.File
	want   map[string]bool // nil: all columns
	batch  Batch
	first  []int64 // first line of each group
	unpack *unpacker
}

// unpackers are those that no reader uses.
var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

func openReader(name string, l *LayerFile, id planner.LayerID, columns []string) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read plan file: %w", err)
	}
	part := io.NewSectionReader(f, l.At, l.Bytes)
	pq, err := parquet.OpenFile(part, l.Bytes, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, errors.Join(&Corrupt{File: name, What: err.Error()}, f.Close())
	}
	r := &Reader{layer: id, desc: l, file: f, part: part, pq: pq}
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
	if r.unpack != nil {
		unpackers.Put(r.unpack)
		r.unpack = nil
	}
	return r.file.Close()
}

// Group reads row group i. The batch is valid until the next call.
func (r *Reader) Group(ctx context.Context, i int) (*Batch, error) {
	if err := r.Into(ctx, i, &r.batch); err != nil {
		return nil, err
	}
	return &r.batch, nil
}

// Into reads row group i into a batch of the caller, whose room is used again, of whatever layer it was before. Nothing
// of it is shared with other batches but texts.
func (r *Reader) Into(ctx context.Context, i int, b *Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.unpack == nil {
		r.unpack = unpackers.Get().(*unpacker)
	}
	g := &r.pq.Metadata().RowGroups[i]
	b.begin(r.layer)
	b.Group, b.First, b.Rows = i, r.first[i], int(g.NumRows)
	leaf := 0
	take := func(name string, read func(c *chunk) error) error {
		meta := &g.Columns[leaf].MetaData
		leaf++
		if r.want != nil && !r.want[name] {
			return nil
		}
		c, err := r.unpack.chunk(r.part, meta)
		if err == nil {
			err = read(c)
		}
		if err != nil {
			return fmt.Errorf("plan file %s, row group %d, column %s: %w", r.desc.File, i, name, err)
		}
		return nil
	}
	for k := range b.Cols {
		col := &b.Cols[k]
		if err := take(col.Def.Name, func(c *chunk) error { return col.read(c, b.Rows) }); err != nil {
			return err
		}
		if col.Def.Type == planner.ColLedger {
			if err := take(col.Def.Name, col.readList); err != nil {
				return err
			}
		}
	}
	if IsOrders(r.layer) {
		return take(releaseColumn, b.readReleases)
	}
	return nil
}

// begin forgets what the batch held, keeps its room and takes on the columns of a layer.
func (b *Batch) begin(id planner.LayerID) {
	defs := planner.LayerOf(id).Columns
	b.Layer, b.Release = id, nil
	b.Cols = slices.Grow(b.Cols[:0], len(defs))[:len(defs)]
	for i := range b.Cols {
		b.Cols[i].begin(&defs[i])
	}
}

// begin makes the column one without values that has the room of what it was.
func (c *Column) begin(def *planner.LayerColumn) {
	o := &c.old
	keep(&o.codes, &c.Codes)
	keep(&o.dict, &c.Dict)
	keep(&o.ints, &c.Ints)
	keep(&o.off, &c.Off)
	keep(&o.list, &c.List)
	keep(&o.reason, &c.Reason)
	c.Def = def
}

// keep moves a slice, without its values, to where the next column finds its room.
func keep[T any](old, now *[]T) {
	if *now != nil {
		*old, *now = (*now)[:0], nil
	}
}
