package decode

import (
	"fmt"
	"strconv"

	"echelon/cdc"
	"echelon/inputs"
)

// avroRow reads a record as the columns of a row.
func (d *Decoder) avroRow(w *row, rd *walker, by *avroSteps) (op []byte, position []byte) {
	for i := range by.steps {
		s := &by.steps[i]
		if len(s.skip) > 0 {
			rd.over(s.skip)
		}
		if s.short != noFastPath && w.short(rd, s) {
			continue
		}
		switch s.is {
		case specialOp:
			op = rd.word(s.node)
			continue
		case specialPosition:
			position = d.avroPosition(rd, s.node)
			continue
		case noSpecial:
		}
		if s.null >= 0 {
			switch rd.long() {
			case int64(s.null):
				for j := range s.cols {
					c := s.cols[j].c
					w.seen[c.cell], w.cells[c.cell] = w.phase, cdc.Cell{}
				}
				continue
			case int64(1 - s.null):
			default:
				rd.fail()
			}
		}
		start := rd.at
		for j := range s.cols {
			rd.at = start
			d.avroColumn(w, rd, s.node, &s.cols[j])
			if rd.bad {
				return op, position
			}
		}
	}
	rd.over(by.rest)
	return op, position
}

// short reads a field that is null, a number of up to three bytes inside its range, or an id of less than 64 bytes.
// It reports false, and has read nothing, where the field is anything else.
func (w *row) short(rd *walker, s *avroStep) bool {
	b, at := rd.b, rd.at
	if s.null >= 0 {
		if at >= len(b) {
			return false
		}
		switch b[at] {
		case byte(s.null) << 1:
			w.seen[s.cell] = w.phase
			if cell := &w.cells[s.cell]; cell.Kind != cdc.Null {
				*cell = cdc.Cell{}
			}
			rd.at = at + 1
			return true
		case byte(1-s.null) << 1:
			at++
		default:
			return false
		}
	}
	if at+3 > len(b) {
		return false
	}
	cell := &w.cells[s.cell]
	if s.short == fastInt {
		u, n := uint32(b[at]), 1
		if u >= 0x80 {
			u, n = u&0x7f|uint32(b[at+1])<<7, 2
			if u >= 0x80<<7 {
				u, n = u&0x3fff|uint32(b[at+2])<<14, 3
				if u >= 0x80<<14 {
					return false
				}
			}
		}
		v := int64(u>>1) ^ -int64(u&1)
		if v < s.min || v > s.max {
			return false
		}
		cell.Kind, cell.Int = cdc.Int, v
		rd.at = at + n
	} else {
		if b[at]&0x81 != 0 || b[at] == 0 {
			return false
		}
		end := at + 1 + int(b[at]>>1)
		if end > len(b) {
			return false
		}
		text := b[at+1 : end : end]
		if !isID(text) || s.cols[0].c.debezium && string(text) == unavailable {
			return false
		}
		cell.Kind, cell.Text = cdc.Text, text
		rd.at = end
	}
	w.seen[s.cell] = w.phase
	return true
}

// idBytes are the bytes of ids.
var idBytes = func() (is [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-" {
		is[c] = true
	}
	return is
}()

// isID reports whether a text of 1 to 63 bytes is an id, as inputs.CheckText has it.
func isID(text []byte) bool {
	if c := text[0]; c == '.' || c == '_' || c == '-' {
		return false
	}
	for _, c := range text {
		if !idBytes[c] {
			return false
		}
	}
	return true
}

// avroColumn reads one column.
func (d *Decoder) avroColumn(w *row, rd *walker, n *avroNode, t *avroTarget) {
	c := t.c
	w.seen[c.cell] = w.phase
	cell := &w.cells[c.cell]
	switch t.fast {
	case fastInt:
		v := rd.number(n)
		if v >= c.def.Min && v <= c.def.Max {
			cell.Kind, cell.Int = cdc.Int, v
			return
		}
		if !rd.bad {
			w.note(c, inputs.CheckInt(c.def, v))
		}
	case fastText:
		b := rd.bytes()
		if c.debezium && len(b) == len(unavailable) && string(b) == unavailable {
			cell.Kind = cdc.Unchanged
			return
		}
		out, null, f := c.value.Text(b)
		switch {
		case f != nil:
			w.note(c, f)
		case !null:
			cell.Kind, cell.Text = cdc.Text, out
		}
	case fastIntText:
		out, null, f := c.value.IntText(rd.number(n))
		switch {
		case f != nil:
			w.note(c, f)
		case !null:
			cell.Kind, cell.Text = cdc.Text, out
		}
	case fastTime:
		v := rd.number(n)
		x, f := c.temporal(v, t.enc)
		w.setInt(c, x, f)
	case fastDecimal:
		b := rd.bytes()
		if len(b) == 0 || len(b) > 8 {
			made, f := c.decimal(&d.d, b, t.enc.scale)
			w.set(c, made, f)
			return
		}
		v := int64(int8(b[0]))
		for _, x := range b[1:] {
			v = v<<8 | int64(x)
		}
		x, f := c.value.Scaled(v, t.enc.scale)
		w.setInt(c, x, f)
	case fastDouble:
		v := rd.double()
		x := int64(v)
		if float64(x) == v && x >= c.def.Min && x <= c.def.Max {
			cell.Kind, cell.Int = cdc.Int, x
			return
		}
		made, f := c.float(&d.d, v, 64)
		w.set(c, made, f)
	case noFastPath:
		made, f := c.avroCell(&d.d, rd, n, t.enc)
		w.set(c, made, f)
	}
}

// avroPosition reads a position that is a number or a text.
func (d *Decoder) avroPosition(rd *walker, n *avroNode) []byte {
	for depth := 0; n.kind == avroUnion && depth < maxDepth; depth++ {
		n = rd.branch(n)
	}
	if n.kind != avroLong && n.kind != avroInt {
		return rd.word(n)
	}
	start := len(d.d.text)
	d.d.text = strconv.AppendInt(d.d.text, rd.number(n), 10)
	return d.d.text[start:]
}

func avroBroken(b []byte) *inputs.Fault {
	return &inputs.Fault{Reason: inputs.BadRecord, Value: fmt.Sprintf("%d bytes", len(b)), Hint: "the bytes are not what the schema says"}
}

// canonicalAvro reads a row of our contract.
func (d *Decoder) canonicalAvro(w *row, r *cdc.Record) (cdc.Op, error) {
	p, rd, err := d.plan(r.Value, false)
	if err != nil {
		return cdc.Upsert, err
	}
	word, position := d.avroRow(w, &rd, p.of(w, p.root, w.values, true))
	if rd.bad || rd.at != len(rd.b) {
		return cdc.Upsert, avroBroken(r.Value)
	}
	if position != nil {
		at, ok := parsePosition(position)
		if !ok {
			return cdc.Upsert, badPosition(w.o, position)
		}
		d.ch.Position, d.given = at, true
	}
	op, f := w.o.operation(word, nil)
	if f != nil {
		return op, f
	}
	return op, nil
}

// avroKeyRow reads the columns of a record's key.
func (d *Decoder) avroKeyRow(w *row, r *cdc.Record, by *fields) error {
	p, rd, err := d.plan(r.Key, true)
	if err != nil {
		return err
	}
	d.avroRow(w, &rd, p.of(w, p.root, by, false))
	if rd.bad || rd.at != len(rd.b) {
		return avroBroken(r.Key)
	}
	return nil
}
