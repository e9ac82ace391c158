package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"echelon/cdc"
	"echelon/inputs"
)

// avroKey names a plan: a schema read as a key or as a value.
type avroKey struct {
	id  uint32
	key bool
}

// avroPlan is a writer's schema with what each field is for.
type avroPlan struct {
	root  *avroNode
	after *avroNode // the row's record of a Debezium envelope
	roles avroRoles
	rows  map[*fields]*avroSteps
	last  *fields // whose steps are in steps
	steps *avroSteps
}

// avroRoles is how an envelope, or a record inside, is read: before each field that is for something, the others
// are read over in one go.
type avroRoles struct {
	steps []avroRole
	rest  []simple
}

type avroRole struct {
	skip []simple
	node *avroNode
	is   role
	in   *avroRoles // of the record inside
}

type role uint8

const (
	noRole role = iota
	roleOp
	roleAfter
	roleSource
	roleTransaction
	roleDatabase
	roleSchema
	roleTable
	roleSnapshot
	roleLSN
	roleSequence
	roleFile
	rolePos
	roleRow
	roleMicros
	roleMillis
	roleID
)

// avroSteps is how a record is read as the row of an origin.
type avroSteps struct {
	steps []avroStep
	rest  []simple
}

// avroStep reads a field of a row.
type avroStep struct {
	skip []simple
	node *avroNode // of an optional field, what is there when it is not null
	null int8      // the branch that is null; -1: not optional
	cols []avroTarget
	is   special
}

type avroTarget struct {
	c    *column
	enc  encoding
	fast fastPath
}

// fastPath is a shorter way for what most columns are.
type fastPath uint8

const (
	noFastPath  fastPath = iota
	fastInt              // a whole number that is the contract's number, if its range allows it
	fastText             // a text that is the contract's text, if it keeps its grammar
	fastTime             // a number that counts days or parts of a second
	fastDecimal          // a decimal of a number
	fastDouble           // a double of a whole number
)

type special uint8

const (
	noSpecial special = iota
	specialOp
	specialPosition
)

// Confluent's wire format: a zero, the schema's id in four bytes, then the value.
const wireHeader = 5

// plan gives the plan of a record's bytes, and a walker behind the header.
func (d *Decoder) plan(b []byte, key bool) (*avroPlan, walker, error) {
	if len(b) < wireHeader || b[0] != 0 {
		return nil, walker{}, &inputs.Fault{Reason: inputs.BadRecord, Hint: "it is not in the registry's wire format: a zero and the schema's id come first"}
	}
	w := walker{b: b, at: wireHeader}
	id := avroKey{binary.BigEndian.Uint32(b[1:]), key}
	if key && d.keyPlan != nil && d.keyPlanID == id {
		return d.keyPlan, w, nil
	}
	if !key && d.valuePlan != nil && d.valuePlanID == id {
		return d.valuePlan, w, nil
	}
	p := d.avro[id]
	if p == nil {
		var err error
		if p, err = d.newPlan(id); err != nil {
			return nil, w, err
		}
		d.avro[id] = p
	}
	if key {
		d.keyPlan, d.keyPlanID = p, id
	} else {
		d.valuePlan, d.valuePlanID = p, id
	}
	return p, w, nil
}

func (d *Decoder) newPlan(id avroKey) (*avroPlan, error) {
	if d.f.registry == nil {
		return nil, &RegistryError{Schema: id.id, Err: errors.New("none is configured")}
	}
	s, err := d.f.registry.Schema(id.id)
	var root *avroNode
	if err == nil {
		root, err = compileAvro(s)
	}
	switch {
	case errors.Is(err, ErrUnknownSchema), errors.Is(err, errSchema):
		return nil, &inputs.Fault{Reason: inputs.BadRecord, Column: "schema", Value: fmt.Sprint(id.id), Hint: inputs.Cut(err.Error())}
	case err != nil:
		return nil, &RegistryError{Schema: id.id, Err: err}
	case root.kind != avroRecord:
		return nil, &inputs.Fault{Reason: inputs.BadRecord, Column: "schema", Value: fmt.Sprint(id.id), Hint: "the schema is not of a record"}
	}
	p := &avroPlan{root: root, rows: map[*fields]*avroSteps{}}
	p.roles = roles(root, map[string]role{"op": roleOp, "after": roleAfter, "source": roleSource, "transaction": roleTransaction})
	if after := root.field("after"); after != nil {
		p.after = after.record()
	}
	return p, nil
}

// roles finds what the fields of an envelope are for.
func roles(n *avroNode, by map[string]role) avroRoles {
	var out avroRoles
	var run []simple
	for i := range n.fields {
		f := &n.fields[i]
		is, inner := by[f.name], f.node.record()
		if inner == nil && (is == roleAfter || is == roleSource || is == roleTransaction) {
			is = noRole
		}
		if is == roleMillis && n.field("ts_us") != nil { // the same in microseconds follows
			is = noRole
		}
		if is == noRole {
			run = append(run, simpleOf(f.node))
			continue
		}
		r := avroRole{skip: run, node: f.node, is: is}
		run = nil
		switch is {
		case roleSource:
			in := roles(inner, map[string]role{
				"db": roleDatabase, "schema": roleSchema, "table": roleTable, "snapshot": roleSnapshot, "lsn": roleLSN,
				"sequence": roleSequence, "file": roleFile, "pos": rolePos, "row": roleRow, "ts_us": roleMicros, "ts_ms": roleMillis,
			})
			r.in = &in
		case roleTransaction:
			in := roles(inner, map[string]role{"id": roleID})
			r.in = &in
		default:
		}
		out.steps = append(out.steps, r)
	}
	out.rest = run
	return out
}

// of gives the steps that read a record as the row of an origin.
func (p *avroPlan) of(w *row, n *avroNode, by *fields, flat bool) *avroSteps {
	if p.last == by {
		return p.steps
	}
	steps, ok := p.rows[by]
	if !ok {
		steps = w.steps(n, by, flat)
		p.rows[by] = steps
	}
	p.last, p.steps = by, steps
	return steps
}

func (w *row) steps(n *avroNode, by *fields, flat bool) *avroSteps {
	out := &avroSteps{}
	var run []simple
	for i := range n.fields {
		f := &n.fields[i]
		s := avroStep{node: f.node, null: -1}
		if inner, null, ok := f.node.optional(); ok {
			s.node, s.null = inner, null
		}
		for _, c := range by.at[f.name] {
			t := avroTarget{c: c, enc: c.schemed(s.node.enc)}
			switch {
			case (s.node.kind == avroLong || s.node.kind == avroInt) && c.plain:
				t.fast = fastInt
			case s.node.kind == avroString && c.def.Type.Texts() && !c.value.Converts():
				t.fast = fastText
			case (s.node.kind == avroLong || s.node.kind == avroInt) && c.temporalColumn() && t.enc.kind.temporal() && !c.value.Words():
				t.fast = fastTime
			case s.node.kind == avroBytes && t.enc.kind == encDecimal && c.numeric() && !c.value.Words():
				t.fast = fastDecimal
			case s.node.kind == avroDouble && c.plain:
				t.fast = fastDouble
			}
			s.cols = append(s.cols, t)
		}
		switch {
		case len(s.cols) > 0:
		case flat && f.name == w.o.op.name:
			s.is, s.node, s.null = specialOp, f.node, -1
		case flat && f.name == w.o.position.name:
			s.is, s.node, s.null = specialPosition, f.node, -1
		default:
			run = append(run, simpleOf(f.node))
			continue
		}
		s.skip, run = run, nil
		out.steps = append(out.steps, s)
	}
	out.rest = run
	return out
}

// avroRow reads a record as the columns of a row.
func (d *Decoder) avroRow(w *row, rd *walker, by *avroSteps) (op []byte, position []byte) {
	for i := range by.steps {
		s := &by.steps[i]
		if len(s.skip) > 0 {
			rd.over(s.skip)
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

// set keeps a value, or what is wrong with it.
func (w *row) set(c *column, cell cdc.Cell, f *inputs.Fault) {
	if f != nil {
		w.note(c, f)
		return
	}
	w.cells[c.cell] = cell
}

func (w *row) setInt(c *column, v int64, f *inputs.Fault) {
	if f != nil {
		w.note(c, f)
		return
	}
	w.cells[c.cell].Kind, w.cells[c.cell].Int = cdc.Int, v
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
