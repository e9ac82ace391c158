package state

import (
	"context"
	"errors"
	"io"

	"echelon/inputs"
)

// batchRows is the rows of a batch at most.
const batchRows = 4096

// reader hands out the rows of a frozen table.
type reader struct {
	t     *frozenTable
	slots []uint32
	fault func(inputs.Fault)
	first int64
	days  dayReader
}

func (c *Cut) reader(t *frozenTable, fault func(inputs.Fault)) inputs.Reader {
	r := &reader{t: t, slots: t.space.sorted(), fault: fault, first: 1}
	if c.only != nil {
		r.slots = c.only[t.contract.Table].slots(t)
	}
	r.days.t = t
	return r
}

// Next implements inputs.Reader.
func (r *reader) Next(ctx context.Context) (*inputs.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var b *inputs.Batch
		if r.t.isDays {
			b = r.days.batch(&r.slots)
		} else {
			b = r.batch()
		}
		if b == nil {
			return nil, io.EOF
		}
		b.Source, b.First = r.t.rowsOf, r.first
		r.first += int64(b.Rows)
		if b = r.sound(b); b.Rows > 0 {
			return b, nil
		}
	}
}

// Close implements inputs.Reader.
func (r *reader) Close() error { return nil }

// batch gathers the next rows, nil when there are none.
func (r *reader) batch() *inputs.Batch {
	slots := make([]uint32, 0, min(batchRows, len(r.slots)))
	n := 0
	for ; n < len(r.slots) && len(slots) < batchRows; n++ {
		if r.t.present.has(r.slots[n]) {
			slots = append(slots, r.slots[n])
		}
	}
	r.slots = r.slots[n:]
	if len(slots) == 0 {
		return nil
	}
	return r.t.gather(slots)
}

// gather makes a batch of the rows at slots.
func (t *frozenTable) gather(slots []uint32) *inputs.Batch {
	b := &inputs.Batch{Contract: t.contract, Rows: len(slots), Columns: make([]inputs.Vector, len(t.cols))}
	for i := range t.cols {
		if !t.contract.Columns[i].Key {
			t.values(&b.Columns[i], i, slots)
		}
	}
	for i := range t.space.cols {
		t.space.keys(&b.Columns[t.space.cols[i].column], i, slots)
	}
	return b
}

// values fills a column; one without any value is absent.
func (t *frozenTable) values(v *inputs.Vector, i int, slots []uint32) {
	col := &t.cols[i]
	texts := t.contract.Columns[i].Type.Texts()
	given := 0
	for r, slot := range slots {
		x, ok := col.get(slot)
		if !ok {
			v.SetNull(r, len(slots))
			continue
		}
		if given == 0 {
			if texts {
				v.Codes, v.Dict = make([]uint32, len(slots)), t.texts[i]
			} else {
				v.Ints = make([]int64, len(slots))
			}
		}
		given++
		if texts {
			v.Codes[r] = uint32(x)
		} else {
			v.Ints[r] = x
		}
	}
	if given == 0 {
		*v = inputs.Vector{Absent: true}
	}
}

// keys fills column i of the key.
func (f *frozenSpace) keys(v *inputs.Vector, i int, slots []uint32) {
	col := &f.cols[i]
	if col.dict != nil {
		v.Codes, v.Dict = make([]uint32, len(slots)), f.texts[i]
	} else {
		v.Ints = make([]int64, len(slots))
	}
	for r, slot := range slots {
		w := f.key(slot)[i]
		switch {
		case w == 0:
			v.SetNull(r, len(slots))
		case col.dict != nil:
			v.Codes[r] = w - 1
		default:
			v.Ints[r] = int64(w-1) + col.low
		}
	}
}

// sound takes the rows out that break a rule across columns.
func (r *reader) sound(b *inputs.Batch) *inputs.Batch {
	var keep []bool
	bad := 0
	inputs.CheckRows(b, nil, func(row int, f inputs.Fault) {
		if keep == nil {
			keep = make([]bool, b.Rows)
			for i := range keep {
				keep[i] = true
			}
		}
		keep[row] = false
		bad++
		if r.fault != nil {
			f.Table, f.Position = r.t.contract.Table, b.Position(row)
			f.Source = r.t.rowsOf
			if at := r.t.contract.Index(f.Column); at >= 0 && r.t.owners[at] != "" {
				f.Source = r.t.owners[at]
			}
			r.fault(f)
		}
	})
	if bad == 0 {
		return b
	}
	return inputs.Compact(b, keep, b.Rows-bad)
}

// drain reads to the end.
func drain(ctx context.Context, r inputs.Reader) error {
	for {
		if _, err := r.Next(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// dayReader makes batches of forecast rows: of a SKU first lists by first day, then single days.
type dayReader struct {
	t    *frozenTable
	list []run
	rest []run // of the SKU begun, not yet written
	skip int   // days of the first of them that were
	slot uint32
}

// batch gathers rows from the next slots, nil when there are none.
func (d *dayReader) batch(slots *[]uint32) *inputs.Batch {
	c := d.t.contract
	w := dayWriter{item: c.Index("item"), node: c.Index("node"), space: d.t.space, b: inputs.Batch{Contract: c, Columns: make([]inputs.Vector, len(c.Columns))}}
	w.begin(c)
	for w.b.Rows < batchRows {
		if len(d.rest) == 0 && !d.load(slots) {
			break
		}
		r := &d.rest[0]
		if r.row.list {
			w.list(d.slot, r)
			d.rest = d.rest[1:]
			continue
		}
		for ; d.skip < r.days && w.b.Rows < batchRows; d.skip++ {
			w.single(d.slot, r, d.skip)
		}
		if d.skip == r.days {
			d.rest, d.skip = d.rest[1:], 0
		}
	}
	if w.b.Rows == 0 {
		return nil
	}
	return w.finish()
}

// load takes the runs of the next slot that has any.
func (d *dayReader) load(slots *[]uint32) bool {
	for len(*slots) > 0 {
		d.slot = (*slots)[0]
		*slots = (*slots)[1:]
		data := bytesOf(d.t.days, d.slot)
		if len(data) == 0 {
			continue
		}
		d.list = d.list[:0]
		var single []run
		for len(data) > 0 {
			var r run
			if r, data = nextRun(data); r.row.list {
				d.list = append(d.list, r)
			} else {
				single = append(single, r)
			}
		}
		d.list = append(d.list, single...)
		d.rest, d.skip = d.list, 0
		return true
	}
	return false
}
