package decode

import (
	"encoding/binary"

	"echelon/cdc"
)

// Most records are the next row of the topic and schema that the record before was of, each field a number, a text
// that is an id, or null, and right. Those are read here, straight into the batch that keeps them:
//
//	value  0 · schema · "I0000123" · "S00007" · 41 · 2 · null ─▶ Batch.Cells(5) ─▶ one Change
//
// Whatever is otherwise, wrong values among it, is left to Decode, which reads the record from its beginning: there
// is one place that says what is wrong.

// flatKind is how a step of a plan is read here.
type flatKind uint8

const (
	flatNot    flatKind = iota // only where it is null
	flatID                     // an id of less than 64 bytes
	flatNumber                 // a whole number inside the column's range
	flatOther                  // any other number
)

// flatten finds out whether the rows of an origin can be read here, by its steps.
func (s *avroSteps) flatten(w *row) {
	given := make([]bool, len(w.o.Columns))
	for i := range s.steps {
		step := &s.steps[i]
		if step.is != noSpecial || len(step.cols) != 1 {
			return
		}
		t := &step.cols[0]
		given[t.c.cell] = true
		step.needed = !t.c.def.Nullable
		switch {
		case step.short == fastInt:
			step.flat = flatNumber
		case step.short == fastText:
			step.flat = flatID
		case t.fast == fastTime, t.fast == fastDecimal, t.fast == fastDouble:
			step.flat = flatOther
		}
	}
	s.flat, s.whole = true, true
	for _, c := range w.o.cols {
		s.whole = s.whole && given[c.cell]
		if !c.def.Nullable && !given[c.cell] {
			s.flat = s.flat && w.o.blank[c.cell].Kind != cdc.Null
		}
	}
}

// DecodeInto adds the row of a record to a batch, as Decode would. It reports false, and has added nothing, where
// that is for Decode to do.
func (d *Decoder) DecodeInto(b *cdc.Batch, r *cdc.Record) bool {
	t, p, v := d.topc, d.valuePlan, r.Value
	if t == nil || p == nil || !t.flat() || t.name != r.Partition.Topic || len(v) < wireHeader || len(v) > d.f.maxValue ||
		v[0] != 0 || d.valuePlanID.id != binary.BigEndian.Uint32(v[1:]) || len(r.Key) == 0 || len(r.Key) > maxKey || !plain(r.Key) {
		return false
	}
	o := t.origins[0]
	w, steps := d.rows[o.index], p.steps
	if p.last != w.values || !steps.flat {
		return false
	}
	cells := b.Cells(len(o.blank))
	if !steps.whole {
		copy(cells, o.blank)
	}
	w.cells, w.fault = cells, nil
	rd := walker{b: v, at: wireHeader}
	if !d.flatRow(w, &rd, steps) {
		return false
	}
	at := cdc.Position{Major: uint64(r.Offset) + 1}
	q := d.partOf(r.Partition)
	q.at, q.known, q.given, q.deleted, q.next = at, true, false, false, 0
	b.Put(r, o.index, t.source, at, cells)
	return true
}

// flat reports whether rows of the topic can be read here: a canonical topic of one origin, none of it by HTTP.
func (t *topic) flat() bool {
	return t.mark == noMark && len(t.origins) == 1 && t.http == nil && !t.origins[0].debezium && (t.format == "" || avroFormat(t.format))
}

// flatRow reads the fields of a row.
func (d *Decoder) flatRow(w *row, rd *walker, by *avroSteps) bool {
	b, cells := rd.b, w.cells
	for i := range by.steps {
		s := &by.steps[i]
		if len(s.skip) > 0 {
			rd.over(s.skip)
		}
		at := rd.at
		if s.null >= 0 {
			if at >= len(b) {
				return false
			}
			if b[at] == byte(s.null)<<1 {
				if s.needed {
					return false
				}
				rd.at = at + 1
				cells[s.cell].Kind = cdc.Null
				continue
			}
			if b[at] != byte(1-s.null)<<1 {
				return false
			}
			at++
		}
		cell := &cells[s.cell]
		switch s.flat {
		case flatID:
			if at >= len(b) || b[at]&0x81 != 0 || b[at] == 0 {
				return false // empty, or of 64 bytes and more
			}
			end := at + 1 + int(b[at]>>1)
			if end > len(b) || !isID(b[at+1:end]) {
				return false
			}
			cell.Kind, cell.Text = cdc.Text, b[at+1:end:end]
			rd.at = end
		case flatNumber:
			v, n := zigzag(b[min(at, len(b)):])
			if n == 0 || v < s.min || v > s.max {
				return false
			}
			cell.Kind, cell.Int = cdc.Int, v
			rd.at = at + n
		case flatOther:
			rd.at = at
			cell.Kind = cdc.Null
			d.avroColumn(w, rd, s.node, &s.cols[0])
			if w.fault != nil || cell.Kind != cdc.Int {
				return false
			}
		case flatNot:
			return false
		}
	}
	if len(by.rest) > 0 {
		rd.over(by.rest)
	}
	return !rd.bad && rd.at == len(b)
}

// zigzag reads a number of up to nine bytes; 0 bytes: there is none.
func zigzag(b []byte) (v int64, n int) {
	u, shift := uint64(0), 0
	for n, c := range b[:min(len(b), 9)] {
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), n + 1
		}
		shift += 7
	}
	return 0, 0
}

// plain reports whether a record's key is Avro or nothing but ASCII.
func plain(b []byte) bool {
	if b[0] == 0 {
		return true
	}
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
